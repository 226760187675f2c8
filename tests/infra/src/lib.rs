//! Apache Kafka and a ClickHouse engine on this machine: started, killed and started again.
//!
//! Invariant: a server listens on loopback only and writes into its folder only; what ends a process has checked
//! that it is the one that was started for this folder.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use kappascope_infra::{Kafka, Server};
//!
//! let mut kafka = Server::start(Kafka::find()?, "some/folder".as_ref())?;
//! println!("a broker at {}", kafka.address());
//! kafka.kill()?; // SIGKILL
//! kafka.restart()?; // the same folder, the same port
//! # Ok(())
//! # }
//! ```
//!
//! `cargo xtask test` installs both servers and says where they are: `KAPPASCOPE_KAFKA`, `KAPPASCOPE_ENGINE`;
//! `cargo xtask infra env` prints these two for a shell.

mod engine;
mod kafka;
mod pid;
pub mod port;
mod server;

pub use engine::Engine;
pub use kafka::{Guard, Kafka};
pub use pid::{Running, stop};
pub use server::{Program, Server};

use std::path::PathBuf;

use anyhow::{Context, Result};

/// Where `cargo xtask` says that something is installed.
fn setting(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os(name);
    path.map(PathBuf::from).with_context(|| {
        format!("{name} is not set; `cargo xtask infra env` installs what is needed and prints it")
    })
}
