//! `cargo xtask bench`: how fast the engine is, as a table.
//!
//! Invariant: what is measured is a release build.

use std::process::ExitCode;

use anyhow::Result;

use crate::process::run as run_child;
use crate::workspace::Workspace;

/// Builds the benchmark and runs it with `options`.
pub(crate) fn run(workspace: &Workspace, options: &[&str]) -> Result<ExitCode> {
    let run = ["run", "--release", "--quiet", "--package=kappascope-bench", "--"];
    run_child(workspace.cargo(&[&run[..], options].concat()))?;
    Ok(ExitCode::SUCCESS)
}
