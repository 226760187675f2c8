//! `cargo xtask serve`: the page on this machine, rebuilt as its files change.
//!
//! Invariant: `dist/` stays what `cargo xtask dist` made; the served page, which reloads itself, is built elsewhere.

use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::dist::trunk;
use crate::process::run as run_child;
use crate::setup;
use crate::workspace::Workspace;

/// This machine only: nobody on the network should meet a page that is being worked on.
const ADDRESS: Ipv4Addr = Ipv4Addr::LOCALHOST;
const PORT: u16 = 8080;

pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    assure_port_is_free()?;
    let site = workspace.target_folder()?.join("served-site");
    println!("the page will be at http://{ADDRESS}:{PORT}, built in {}", site.display());
    let toolbox = setup::page(workspace)?;
    let mut serve = trunk(workspace, &toolbox, "serve")?;
    serve
        .arg("--address")
        .arg(ADDRESS.to_string())
        .arg("--port")
        .arg(PORT.to_string())
        .arg("--dist")
        .arg(site);
    // Else Trunk lists every other name that this machine gives to the address.
    serve.arg("--disable-address-lookup");
    if has_desktop() {
        serve.arg("--open");
    }
    run_child(serve)?;
    Ok(ExitCode::SUCCESS)
}

/// Says so before the build and not after it.
fn assure_port_is_free() -> Result<()> {
    TcpListener::bind((ADDRESS, PORT))
        .with_context(|| format!("{ADDRESS}:{PORT} is taken; end the program that listens there"))?;
    Ok(())
}

/// Whether a browser window can open.
fn has_desktop() -> bool {
    let display = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(windows, target_os = "macos")) || display("DISPLAY") || display("WAYLAND_DISPLAY")
}
