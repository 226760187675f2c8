//! `cargo xtask dist`: what is handed out, the static site and the release binary.
//!
//! Invariant: the site is built before the binary, and within its budgets: see `weigh`.

use std::process::ExitCode;

use anyhow::Result;

use crate::offline;
use crate::process::{Command, run as run_child};
use crate::setup::{self, Toolbox};
use crate::weigh;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let binary = workspace.binary()?;
    println!(
        "the static site goes to  {}\nthe binary goes to       {}",
        workspace.site().display(),
        binary.display()
    );
    let toolbox = setup::page(workspace)?;
    run_child(site_build(workspace, &toolbox)?)?;
    offline::complete(workspace, &workspace.site())?;
    weigh::run(workspace)?;
    run_child(binary_build(workspace))?;
    println!(
        "done: copy {} to any static host, {} to any machine",
        workspace.site().display(),
        binary.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Builds the page into `dist/`; [`offline::complete`] is still to come.
pub(crate) fn site_build(workspace: &Workspace, toolbox: &Toolbox) -> Result<Command> {
    trunk(workspace, toolbox, "build")
}

/// Builds the binary `kappascope`.
pub(crate) fn binary_build(workspace: &Workspace) -> Command {
    workspace.cargo(&["build", "--release", "--package=kappascope-cli"])
}

/// Trunk with its tools on PATH: as Trunk.toml has it, it downloads nothing.
pub(crate) fn trunk(workspace: &Workspace, toolbox: &Toolbox, verb: &str) -> Result<Command> {
    let mut trunk = Command::new("trunk");
    // Trunk reads NO_COLOR as a flag of its own and refuses the customary `1`.
    trunk.current_dir(&workspace.root).arg(verb).env_remove("NO_COLOR");
    toolbox.equip(&mut trunk)?;
    Ok(trunk)
}
