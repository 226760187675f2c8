//! `cargo xtask conformance`: the engine's windows beside those of Apache Flink, and its alerts beside those of
//! Prometheus, which both answer live.
//!
//! Invariant: Flink and Prometheus are what their packages bring, unchanged; what asks them is compiled from this
//! clone.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::process::{Command, run as run_child};
use crate::setup;
use crate::workspace::Workspace;

/// The oldest Java that this version of Flink is made for.
const JAVA_RELEASE: &str = "17";

/// Lets Prometheus' promtool judge what the engine says of generated alerts.
pub(crate) fn alerts(workspace: &Workspace) -> Result<ExitCode> {
    let promtool = setup::promtool()?;
    let folder = workspace.target_folder()?.join("conformance").join("alerts");
    let package = "--package=kappascope-conformance";
    let mut compare = workspace.cargo(&["run", "--quiet", package, "--bin=alerts", "--"]);
    compare.arg(promtool).arg(folder);
    run_child(compare)?;
    Ok(ExitCode::SUCCESS)
}

/// Compiles the program that asks Flink, and runs the comparison with `options`.
pub(crate) fn run(workspace: &Workspace, options: &[&str]) -> Result<ExitCode> {
    let jars = setup::flink()?.join("*");
    let folder = workspace.target_folder()?.join("conformance");
    let classes = folder.join("classes");
    let program = workspace.root.join("tests/conformance/flink/Streams.java");
    run_child(javac(&program, &jars, &classes))?;
    let class_path = std::env::join_paths([&classes, &jars]).context("a folder cannot be on a class path")?;
    let mut compare = workspace.cargo(&["run", "--quiet", "--package=kappascope-conformance", "--"]);
    compare.arg(class_path).arg(folder).args(options);
    run_child(compare)?;
    Ok(ExitCode::SUCCESS)
}

fn javac(program: &Path, jars: &Path, classes: &Path) -> Command {
    let mut javac = Command::new("javac");
    javac.args(["--release", JAVA_RELEASE, "-cp"]).arg(jars).arg("-d").arg(classes).arg(program);
    javac
}
