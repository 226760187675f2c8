//! The pid file of a server's folder: which process serves it, and whether that one still does.
//!
//! Invariant: a pid counts only while the process of that number names the folder in its command line, so one that
//! got the number later is neither believed nor ended.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessesToUpdate, Signal, System, UpdateKind};

/// A broker writes what it holds and closes; a minute is many times what that takes.
const POLITE_TRIES: u32 = 600;
const POLL: Duration = Duration::from_millis(100);

/// A server that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its process.
    pub pid: u32,
    /// Where it listens.
    pub port: u16,
}

impl Running {
    /// The server of `folder`, if it runs.
    #[must_use]
    pub fn find(folder: &Path) -> Option<Self> {
        let running = parse(&std::fs::read_to_string(file(folder)).ok()?)?;
        with_process(running.pid, folder, |_| ()).map(|()| running)
    }

    pub(crate) fn write(self, folder: &Path) -> Result<()> {
        let path = file(folder);
        let text = format!("{} {}\n", self.pid, self.port);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Ends the server of `folder` and says which it was; `None` when none ran.
///
/// # Errors
/// When it does not end.
pub fn stop(folder: &Path) -> Result<Option<Running>> {
    let running = Running::find(folder);
    if let Some(Running { pid, .. }) = running {
        end(pid, folder)
            .with_context(|| format!("process {pid} serves {} and does not end", folder.display()))?;
    }
    match std::fs::remove_file(file(folder)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(running),
    }
}

/// Asks it to end, and after a while does not ask.
fn end(pid: u32, folder: &Path) -> Result<()> {
    with_process(pid, folder, |process| process.kill_with(Signal::Term).unwrap_or_else(|| process.kill()));
    for _ in 0..POLITE_TRIES {
        if with_process(pid, folder, |_| ()).is_none() {
            return Ok(());
        }
        std::thread::sleep(POLL);
    }
    match with_process(pid, folder, Process::kill) {
        Some(false) => bail!("it is not ours to end"),
        _ => Ok(()),
    }
}

/// What `look` sees in the process `pid`, if that one serves `folder`.
fn with_process<T>(pid: u32, folder: &Path, look: impl FnOnce(&Process) -> T) -> Option<T> {
    let pid = Pid::from_u32(pid);
    let folder = folder.canonicalize().ok()?;
    let mut system = System::new().ok()?;
    let only_its_words = ProcessRefreshKind::nothing().with_cmd(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, only_its_words);
    let process = system.process(pid)?;
    process.cmd().iter().any(|word| Path::new(word).starts_with(&folder)).then(|| look(process))
}

fn file(folder: &Path) -> PathBuf {
    folder.join("pid")
}

fn parse(text: &str) -> Option<Running> {
    let (pid, port) = text.trim().split_once(' ')?;
    Some(Running { pid: pid.parse().ok()?, port: port.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_that_serves_another_folder_is_neither_seen_nor_ended() {
        let folders = tempfile::tempdir().unwrap();
        let [ours, other] = ["ours", "other"].map(|name| folders.path().join(name));
        std::fs::create_dir(&ours).unwrap();
        // Two commands, or the shell becomes the one.
        let mut child = Command::new("sh").args(["-c", "sleep 60; true", "sh"]).arg(&other).spawn().unwrap();
        let running = Running { pid: child.id(), port: 1 };
        running.write(&ours).unwrap();
        assert_eq!(stop(&ours).unwrap(), None);
        assert!(child.try_wait().unwrap().is_none(), "it was ended");
        assert!(!file(&ours).exists(), "a stale pid file stays");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_broken_pid_file_is_none() {
        let cases = [("12 19092\n", true), ("", false), ("12", false), ("x 1", false), ("1 70000", false)];
        for (text, valid) in cases {
            assert_eq!(parse(text).is_some(), valid, "{text:?}");
        }
    }
}
