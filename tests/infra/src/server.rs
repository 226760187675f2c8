//! One server with its process, folder and port.
//!
//! Invariant: a server that was started answers; one that is dropped has ended, unless it was started to stay.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::pid::Running;
use crate::port;

/// How often a starting server is asked: its start takes a second or two.
const POLL: Duration = Duration::from_millis(50);
/// A minute, for a machine that is busy with other things.
const TRIES: u32 = 1_200;
/// Lines of a failed server's log that are shown.
const SHOWN_LOG_LINES: usize = 20;

/// What can be served.
pub trait Program {
    /// For people, and in errors.
    const NAME: &'static str;
    /// How many ports it takes, from its address on.
    const PORTS: u16;

    /// The command that serves `folder` at `port`. Its words name the folder. What is needed first is done.
    ///
    /// # Errors
    /// When the folder cannot be prepared.
    fn command(&self, folder: &Path, port: u16) -> Result<Command>;

    /// Whether a server answers at `port` as it should.
    fn answers(port: u16) -> bool;
}

/// A server that this process started.
#[derive(Debug)]
pub struct Server<P: Program> {
    program: P,
    folder: PathBuf,
    port: u16,
    stays: bool,
    child: Option<Child>,
}

impl<P: Program> Server<P> {
    /// Starts it at a free port, with all that it writes in `folder`, and waits until it answers.
    ///
    /// # Errors
    /// When it does not; the end of its log is in the error.
    pub fn start(program: P, folder: &Path) -> Result<Self> {
        Self::new(program, folder, port::free(P::PORTS)?, false)
    }

    /// Starts it at `port`, to go on when this process has ended; [`crate::stop`] ends it.
    ///
    /// # Errors
    /// When the port is taken, or as for [`Server::start`].
    pub fn start_to_stay(program: P, folder: &Path, port: u16) -> Result<()> {
        Self::new(program, folder, port, true)?.child = None;
        Ok(())
    }

    fn new(program: P, folder: &Path, port: u16, stays: bool) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let folder = folder.canonicalize().with_context(|| format!("cannot find {}", folder.display()))?;
        let mut server = Self { program, folder, port, stays, child: None };
        server.restart()?;
        Ok(server)
    }

    /// Starts it again on the same folder and port, after it was killed.
    ///
    /// # Errors
    /// As for [`Server::start`].
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        for port in self.port..self.port + P::PORTS {
            port::assure_free(port, P::NAME)?;
        }
        let mut command = self.program.command(&self.folder, self.port)?;
        if self.stays {
            leave_terminal(&mut command);
        }
        let child = spawn(&mut command, &self.log()).with_context(|| format!("cannot start {}", P::NAME))?;
        Running { pid: child.id(), port: self.port }.write(&self.folder)?;
        self.child = Some(child);
        self.wait()
    }

    /// Ends it as a crash would: by SIGKILL.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        child.kill().with_context(|| format!("cannot kill {}", P::NAME))?;
        child.wait()?;
        Ok(())
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The first of its ports.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    fn wait(&mut self) -> Result<()> {
        for _ in 0..TRIES {
            if P::answers(self.port) {
                return Ok(());
            }
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().transpose()) {
                bail!("{} ended at its start ({}){}", P::NAME, status?, self.end_of_log());
            }
            std::thread::sleep(POLL);
        }
        let seconds = (POLL * TRIES).as_secs();
        bail!("{} does not answer at {} after {seconds} s{}", P::NAME, self.address(), self.end_of_log())
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log.txt")
    }

    fn end_of_log(&self) -> String {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let end = lines[lines.len().saturating_sub(SHOWN_LOG_LINES)..].join("\n");
        format!(":\n{end}\n    (the end of {})", self.log().display())
    }
}

impl<P: Program> Drop for Server<P> {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("{error:#}");
        }
    }
}

/// With its output at the end of `log`.
fn spawn(command: &mut Command, log: &Path) -> Result<Child> {
    let log = File::options().create(true).append(true).open(log)?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(command.spawn()?)
}

/// A Ctrl-C in this terminal is not meant for it.
fn leave_terminal(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(not(unix))]
    let _ = command;
}
