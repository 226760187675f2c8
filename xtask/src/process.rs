//! Child processes: found on PATH, run with their output on the terminal or in a log, timed.
//!
//! Invariant: a child that fails ends in an error that names the command and shows why.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

pub(crate) use std::process::Command;

/// How often a running child is looked at: often enough to end at once for a person, too seldom to cost.
const POLL: Duration = Duration::from_millis(100);
/// Lines of a failed child's log that are shown: a compiler's last error fits.
const SHOWN_LOG_LINES: usize = 20;

/// A running clock for what the user waits for.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "shows a person how long a step takes")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// `duration` as a person reads it: `0.4 s`, `12 s`, `3 min 07 s`.
pub(crate) fn human(duration: Duration) -> String {
    match duration.as_secs() {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        seconds @ 10..60 => format!("{seconds} s"),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

/// The first program of that name on PATH.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).flat_map(|folder| candidates(&folder, name)).find(|file| is_program(file))
}

fn candidates(folder: &Path, name: &str) -> Vec<PathBuf> {
    let suffixes: &[&str] = if cfg!(windows) { &[".exe", ".cmd"] } else { &[""] };
    suffixes.iter().map(|suffix| folder.join(format!("{name}{suffix}"))).collect()
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

/// PATH with `folders` before everything else.
pub(crate) fn path_with(folders: &[PathBuf]) -> Result<std::ffi::OsString> {
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let all = folders.iter().cloned().chain(std::env::split_paths(&inherited));
    std::env::join_paths(all).context("a folder of the tools cannot be written in PATH")
}

/// Runs `command` with its output on the terminal.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", shown(&command)))?;
    succeeded(&command, status)
}

/// Runs `command` and gives what it printed.
pub(crate) fn output(mut command: Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", shown(&command)))?;
    succeeded(&command, output.status)?;
    String::from_utf8(output.stdout).with_context(|| format!("{} did not print UTF-8", shown(&command)))
}

/// Runs `command` with its output in the file `log`, showing the seconds that pass, and after a failure the
/// end of the log.
pub(crate) fn run_logged(mut command: Command, log: &Path) -> Result<()> {
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let same_file = file.try_clone()?;
    command.stdin(Stdio::null()).stdout(file).stderr(same_file);
    let status = wait_visibly(&mut command)?;
    succeeded(&command, status).inspect_err(|_| {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        eprintln!("{}\n    (the end of {})", last_lines(&text), log.display());
    })
}

fn wait_visibly(command: &mut Command) -> Result<ExitStatus> {
    let mut child = command.spawn().with_context(|| format!("cannot start {}", shown(command)))?;
    let clock = Stopwatch::start();
    let terminal = std::io::stderr().is_terminal();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if terminal {
            eprint!("\r    {} s ", clock.elapsed().as_secs());
            std::io::stderr().flush()?;
        }
        std::thread::sleep(POLL);
    };
    if terminal {
        eprint!("\r            \r");
    }
    Ok(status)
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("{} failed ({status})", shown(command));
    }
    Ok(())
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_stem().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    format!("`{}`", words.join(" "))
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(SHOWN_LOG_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let cases = [(400, "0.4 s"), (9_949, "9.9 s"), (12_600, "12 s"), (187_000, "3 min 07 s")];
        for (ms, text) in cases {
            assert_eq!(human(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn only_the_end_of_a_long_log_is_shown() {
        let log: Vec<String> = (0..100).map(|line| line.to_string()).collect();
        let shown = last_lines(&log.join("\n"));
        assert_eq!(shown.lines().next(), Some("80"));
        assert_eq!(shown.lines().last(), Some("99"));
        assert_eq!(last_lines("one\ntwo"), "one\ntwo");
    }

    #[test]
    fn a_failing_child_is_an_error_and_leaves_its_log() {
        let log = std::env::temp_dir().join(format!("kappascope-xtask-{}.log", std::process::id()));
        let mut rustc = Command::new("rustc");
        rustc.arg("--no-such-flag");
        let error = run_logged(rustc, &log).unwrap_err().to_string();
        let logged = std::fs::read_to_string(&log).unwrap();
        std::fs::remove_file(&log).unwrap();
        assert!(error.contains("`rustc --no-such-flag` failed"), "{error}");
        assert!(logged.contains("no-such-flag"), "{logged}");
    }
}
