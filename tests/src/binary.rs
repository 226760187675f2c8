//! The native binary, as a person calls it.

use crate::setting;
use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// The summary that ends every run.
#[derive(Clone, Debug, Deserialize)]
pub struct Run {
    /// Events that reached the engine.
    pub events: u64,
    /// Window results.
    pub windows: u64,
    /// Late events.
    pub late: u64,
    /// Refused records.
    pub rejected: u64,
    /// Alerts that fired.
    pub alerts: u64,
    /// 16 hex digits.
    pub digest: String,
}

/// Runs the binary with these arguments and gives what it printed.
///
/// # Errors
/// When it fails.
pub fn kappascope(arguments: &[&str]) -> Result<String> {
    let output =
        Command::new(setting("KAPPASCOPE_BIN")).args(arguments).output().context("starting the binary")?;
    let problem = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "kappascope {arguments:?} ended with {}: {problem}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// `kappascope run` with these arguments; gives the summary on its last line.
///
/// # Errors
/// When it fails or ends without a summary.
pub fn run(arguments: &[&str]) -> Result<Run> {
    let text = kappascope(&[&["run"], arguments].concat())?;
    let last = text.lines().last().context("the binary printed nothing")?;
    serde_json::from_str(last).with_context(|| format!("`{last}` is not a summary"))
}

/// The binary as a server, as long as this lives.
pub struct Served {
    child: Child,
    /// What makes the events that it reads, if anything does.
    generator: Option<Child>,
    /// Where it is, such as `http://127.0.0.1:1234`.
    pub url: String,
}

impl Served {
    /// Where it is, such as `127.0.0.1:1234`.
    #[must_use]
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }
}

impl Served {
    /// Starts `kappascope serve` on a free port, with these arguments.
    ///
    /// # Errors
    /// When it does not say where it serves.
    pub fn start(arguments: &[&str]) -> Result<Self> {
        Self::read(None, "127.0.0.1:0", arguments)
    }

    /// Starts it at an address, reading what `kappascope generate` with these arguments writes while it writes.
    ///
    /// # Errors
    /// When it does not say where it serves.
    pub fn start_fed(address: &str, generate: &[&str], arguments: &[&str]) -> Result<Self> {
        let generator = Command::new(setting("KAPPASCOPE_BIN"))
            .arg("generate")
            .args(generate)
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the binary")?;
        Self::read(Some(generator), address, &[arguments, &["--from", "-"]].concat())
    }

    fn read(mut generator: Option<Child>, address: &str, arguments: &[&str]) -> Result<Self> {
        let events = generator.as_mut().and_then(|generator| generator.stdout.take());
        let mut child = Command::new(setting("KAPPASCOPE_BIN"))
            .args(["serve", "--listen", address])
            .args(arguments)
            .stdin(events.map_or_else(Stdio::null, Stdio::from))
            .stderr(Stdio::piped())
            .spawn()
            .context("starting the binary")?;
        let mut line = String::new();
        BufReader::new(child.stderr.take().context("no pipe")?).read_line(&mut line)?;
        let url = line.trim_end().rsplit_once(' ').map(|(_, url)| url.to_owned());
        Ok(Self { child, generator, url: url.with_context(|| format!("`{line}` says no address"))? })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        for child in std::iter::once(&mut self.child).chain(&mut self.generator) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
