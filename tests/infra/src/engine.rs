//! The ClickHouse engine: chDB behind HTTP, for machines without a ClickHouse server.
//!
//! Invariant: the engine is the one that a server of its version has; only what answers HTTP is ours
//! (`engine/clickhouse_front.py`).

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::{Program, port, setting};

/// A Python that has the engine.
#[derive(Clone, Debug)]
pub struct Engine {
    python: PathBuf,
    /// `SETTING=VALUE`
    profile: Vec<String>,
}

impl Engine {
    /// The environment variable that says where the Python is.
    pub const SETTING: &str = "KAPPASCOPE_ENGINE";

    /// The port of `cargo xtask infra up`. ClickHouse's own, 8123, is left to a server of the user's.
    pub const PORT: u16 = 18_123;

    /// With that interpreter.
    #[must_use]
    pub fn at(python: PathBuf) -> Self {
        Self { python, profile: Vec::new() }
    }

    /// With settings that hold where a request says nothing else, as those of a user's profile on a server.
    #[must_use]
    pub fn with_profile(self, settings: &[(&str, &str)]) -> Self {
        Self { profile: settings.iter().map(|(name, value)| format!("{name}={value}")).collect(), ..self }
    }

    /// Where `KAPPASCOPE_ENGINE` says.
    ///
    /// # Errors
    /// When it says nothing.
    pub fn find() -> Result<Self> {
        Ok(Self::at(setting(Self::SETTING)?))
    }
}

impl Program for Engine {
    const NAME: &'static str = "the ClickHouse engine";
    const PORTS: u16 = 1;

    fn command(&self, folder: &Path, port: u16) -> Result<Command> {
        let mut serve = Command::new(&self.python);
        serve.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("engine").join("clickhouse_front.py"));
        serve.arg(port.to_string()).arg(folder.join("data")).args(&self.profile);
        Ok(serve)
    }

    fn answers(port: u16) -> bool {
        ping(port).unwrap_or(false)
    }
}

fn ping(port: u16) -> std::io::Result<bool> {
    let mut stream = port::connect(port)?;
    stream.write_all(b"GET /ping HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("Ok.\n"))
}
