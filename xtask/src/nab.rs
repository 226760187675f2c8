//! `cargo xtask nab`: what each detector scores on the Numenta Anomaly Benchmark.
//!
//! Invariant: the corpus is read where it lies; nothing of it is part of the repository.

use std::process::ExitCode;

use anyhow::Result;

use crate::process::run as run_child;
use crate::workspace::Workspace;

/// Builds the scorer and runs it on the corpus in that folder, or else in `KAPPASCOPE_NAB`.
pub(crate) fn run(workspace: &Workspace, folder: Option<&str>) -> Result<ExitCode> {
    let mut nab = workspace.cargo(&["run", "--release", "--quiet", "--package=kappascope-nab", "--"]);
    if let Some(folder) = folder {
        // Cargo runs at the root of the repository.
        nab.arg(std::path::absolute(folder)?);
    }
    run_child(nab)?;
    Ok(ExitCode::SUCCESS)
}
