//! The works in a Web Worker: a folder with the scripts and the compiled works, opened by the tests' harness.
//!
//! Invariant: the works are compiled and optimised as the page's worker is.

use std::path::Path;

use anyhow::{Context, Result};

use super::{Options, peers};
use crate::cache;
use crate::process::{Command, run as run_child};
use crate::setup::{self, Toolbox, WASM_TARGET};
use crate::workspace::Workspace;

const NAME: &str = "kappascope_bench";

/// The page's, as Trunk.toml has it.
const PROFILE: &str = "wasm-release";

/// Builds the folder, opens it in Chromium, prints the table.
pub(super) fn run(workspace: &Workspace, options: Options) -> Result<()> {
    let toolbox = setup::page(workspace)?;
    let browser = setup::browser()?;
    let target = workspace.target_folder()?;
    let site = target.join("bench-site");
    scripts(&workspace.root.join("crates/bench"), &site)?;
    works(workspace, &toolbox, &target, &site)?;
    if options.peers {
        copy_folder(&peers::node_modules()?, &site.join("node_modules"))?;
    }
    // Not measured, so not built in release: the tests have built the same.
    let mut driver =
        workspace.cargo(&["test", "--quiet", "--package=kappascope-bench", "--bench=browser", "--"]);
    driver.args(options.quick.then_some("--quick")).args(options.peers.then_some("--peers"));
    driver.env("KAPPASCOPE_DIST", &site);
    driver
        .env("KAPPASCOPE_CHROMIUM", &browser.chromium)
        .env("KAPPASCOPE_CHROMEDRIVER", &browser.chromedriver);
    run_child(driver)
}

/// The page, the worker, and the queries of the peers.
fn scripts(bench: &Path, site: &Path) -> Result<()> {
    cache::remove(site)?;
    copy_folder(&bench.join("browser"), site)?;
    copy_folder(&bench.join("peers"), &site.join("peers"))
}

/// The works, compiled and joined with JavaScript.
fn works(workspace: &Workspace, toolbox: &Toolbox, target: &Path, site: &Path) -> Result<()> {
    let profile = format!("--profile={PROFILE}");
    let build =
        ["rustc", "--package=kappascope-bench", "--lib", "--crate-type=cdylib", "--target", WASM_TARGET];
    run_child(workspace.cargo(&[&build[..], &[&profile]].concat()))?;
    let compiled = target.join(WASM_TARGET).join(PROFILE).join(format!("{NAME}.wasm"));
    let mut join = Command::new("wasm-bindgen");
    join.args(["--target", "web", "--no-typescript", "--out-dir"]).arg(site).arg(compiled);
    toolbox.equip(&mut join)?;
    run_child(join)?;
    let joined = site.join(format!("{NAME}_bg.wasm"));
    let mut optimise = Command::new("wasm-opt");
    optimise.arg("-O3").arg(&joined).arg("-o").arg(&joined);
    toolbox.equip(&mut optimise)?;
    run_child(optimise)
}

/// Copies the files of a folder and of the folders in it.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    let context = || format!("cannot copy {} to {}", from.display(), to.display());
    std::fs::create_dir_all(to).with_context(context)?;
    for entry in std::fs::read_dir(from).with_context(context)? {
        let path = entry.with_context(context)?.path();
        let place = to.join(path.file_name().with_context(context)?);
        match path.is_dir() {
            true => copy_folder(&path, &place)?,
            false => std::fs::copy(&path, &place).map(drop).with_context(context)?,
        }
    }
    Ok(())
}
