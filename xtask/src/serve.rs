//! `cargo xtask serve`: the page on this machine, rebuilt as its files change.

use std::process::ExitCode;

use anyhow::Result;

use crate::dist::trunk;
use crate::process::run as run_child;
use crate::setup::{self, Toolbox};
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    setup::wasm_target(workspace)?;
    let toolbox = Toolbox::new(workspace)?;
    let mut serve = trunk(workspace, &toolbox, "serve")?;
    if has_desktop() {
        serve.arg("--open");
    }
    run_child(serve)?;
    Ok(ExitCode::SUCCESS)
}

/// Whether a browser window can open.
fn has_desktop() -> bool {
    let display = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(windows, target_os = "macos")) || display("DISPLAY") || display("WAYLAND_DISPLAY")
}
