//! `cargo xtask test`: every check, in order, up to the first that fails.
//!
//! Invariant: the last line is `N passed, N failed`, counted in steps, and the exit code agrees with it.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use kappascope_infra::{Engine, Kafka};

use crate::dist;
use crate::process::{Command, Stopwatch, human, run as run_child};
use crate::setup::{self, Browser, Toolbox, WASM_TARGET};
use crate::workspace::Workspace;

/// How much is checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Everything,
    /// What needs no browser, no built site and no server.
    Quick,
}

const PAGE: &str = "kappascope-page";
const END_TO_END: &str = "kappascope-e2e";
/// The tests that start servers.
const SERVERS: [&str; 2] = ["kappascope-infra", "kappascope-live"];
/// The libraries whose tests run in WebAssembly too.
const TESTED_IN_WASM: [&str; 2] = ["--package=kappascope-core", "--package=kappascope-scenario"];

/// One thing that passes or fails.
struct Step {
    name: &'static str,
    command: Command,
}

/// What ran: the names and durations of the steps, of which only the last may have failed.
struct Report {
    ran: Vec<(&'static str, Duration)>,
    failure: Option<anyhow::Error>,
}

pub(crate) fn run(workspace: &Workspace, scope: Scope) -> Result<ExitCode> {
    let steps = match scope {
        Scope::Quick => {
            setup::wasm_target(workspace)?;
            quick_steps(workspace)
        }
        Scope::Everything => all_steps(workspace, &setup::page_and_checks(workspace)?, &setup::browser()?)?,
    };
    let report = run_steps(steps);
    println!("\n{report}");
    Ok(if report.failure.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn quick_steps(workspace: &Workspace) -> Vec<Step> {
    let cargo = |name, words: &[&str]| Step { name, command: workspace.cargo(words) };
    let lint_all = ["clippy", "--workspace", "--exclude", PAGE, "--all-targets", "--", "--deny=warnings"];
    // The page's libraries are read with it. Lints on sizes are wrong where pointers are not the page's.
    let lint_page =
        ["clippy", "--target", WASM_TARGET, "--package", PAGE, "--all-targets", "--", "--deny=warnings"];
    // Of the bench only the library runs in the browser.
    let lint_bench = [
        "clippy",
        "--target",
        WASM_TARGET,
        "--package",
        "kappascope-bench",
        "--lib",
        "--",
        "--deny=warnings",
    ];
    let excluded = SERVERS.map(|package| ["--exclude", package]).concat();
    vec![
        cargo("format", &["fmt", "--all", "--check"]),
        cargo("clippy, native", &lint_all),
        cargo("clippy, WebAssembly", &lint_page),
        cargo("clippy, bench in WebAssembly", &lint_bench),
        cargo("tests, native", &[&["test", "--workspace", "--exclude", END_TO_END][..], &excluded].concat()),
    ]
}

fn all_steps(workspace: &Workspace, toolbox: &Toolbox, browser: &Browser) -> Result<Vec<Step>> {
    let checks = ["check", "--hide-inclusion-graph", "licenses", "bans", "sources"];
    let mut deny = workspace.cargo(&[&["deny", "--workspace"][..], &checks].concat());
    toolbox.equip(&mut deny)?;
    let mut wasm_tests = workspace.cargo(&[&["test", "--target", WASM_TARGET][..], &TESTED_IN_WASM].concat());
    toolbox.equip(&mut wasm_tests)?;
    let mut steps = quick_steps(workspace);
    steps.extend([
        Step { name: "licences and sources", command: deny },
        Step { name: "tests, WebAssembly", command: wasm_tests },
        Step { name: "fuzzing", command: workspace.cargo(&["xtask", "fuzz"]) },
        Step { name: "site", command: dist::site_build(workspace, toolbox)? },
        Step { name: "site, offline", command: workspace.cargo(&["xtask", "offline", "dist"]) },
        Step { name: "size of the first load", command: workspace.cargo(&["xtask", "weigh"]) },
        Step { name: "binary", command: dist::binary_build(workspace) },
        Step { name: "tests, browser", command: browser_tests(workspace, browser, &setup::axe()?)? },
        Step { name: "Kafka and ClickHouse, live", command: server_tests(workspace)? },
        Step { name: "Flink, live", command: workspace.cargo(&["xtask", "conformance", "--quick"]) },
        Step { name: "Prometheus, live", command: workspace.cargo(&["xtask", "conformance", "--alerts"]) },
    ]);
    Ok(steps)
}

/// The tests that drive the built site and the binary from outside; they learn here where these are.
pub(crate) fn browser_tests(workspace: &Workspace, browser: &Browser, axe: &Path) -> Result<Command> {
    let mut cargo = workspace.cargo(&["test", "--package", END_TO_END]);
    cargo.env("KAPPASCOPE_DIST", workspace.site()).env("KAPPASCOPE_BIN", workspace.binary()?);
    cargo.env("KAPPASCOPE_AXE", axe);
    cargo.env("KAPPASCOPE_CHROMIUM", &browser.chromium).env("KAPPASCOPE_CHROMEDRIVER", &browser.chromedriver);
    Ok(cargo)
}

/// The tests that start Kafka and the ClickHouse engine; they learn here where these are.
fn server_tests(workspace: &Workspace) -> Result<Command> {
    let mut cargo =
        workspace.cargo(&[&["test"][..], &SERVERS.map(|package| ["--package", package]).concat()].concat());
    cargo.env("KAPPASCOPE_BIN", workspace.binary()?);
    cargo.env(Kafka::SETTING, setup::kafka(workspace)?);
    cargo.env(Engine::SETTING, setup::engine(workspace)?);
    cargo.env(setup::KCAT, setup::kcat()?);
    Ok(cargo)
}

fn run_steps(steps: Vec<Step>) -> Report {
    let total = steps.len();
    let mut report = Report { ran: Vec::new(), failure: None };
    for (index, step) in steps.into_iter().enumerate() {
        println!("\n[{}/{total}] {}", index + 1, step.name);
        let clock = Stopwatch::start();
        let result = run_child(step.command);
        report.ran.push((step.name, clock.elapsed()));
        if let Err(error) = result {
            report.failure = Some(error);
            break;
        }
    }
    report
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let failed = usize::from(self.failure.is_some());
        let passed = self.ran.len() - failed;
        for (index, (name, duration)) in self.ran.iter().enumerate() {
            let verdict = if index < passed { "passed" } else { "FAILED" };
            writeln!(f, "{name:<30}{verdict}  {:>12}", human(*duration))?;
        }
        if let Some(error) = &self.failure {
            writeln!(f, "{error:#}; the steps after it did not run")?;
        }
        write!(f, "{passed} passed, {failed} failed")
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    fn step(name: &'static str, argument: &str) -> Step {
        let mut command = Command::new("rustc");
        command.arg(argument).stdout(Stdio::null()).stderr(Stdio::null());
        Step { name, command }
    }

    #[test]
    fn a_failing_step_ends_the_run_and_is_counted() {
        let report = run_steps(vec![
            step("first", "--version"),
            step("second", "--no-such-flag"),
            step("third", "--version"),
        ]);
        let text = report.to_string();
        assert!(text.contains("second                        FAILED"), "{text}");
        assert!(!text.contains("third"), "{text}");
        assert!(text.ends_with("1 passed, 1 failed"), "{text}");
    }

    #[test]
    fn steps_that_all_pass_are_counted() {
        let report = run_steps(vec![step("first", "--version"), step("second", "--version")]);
        assert!(report.failure.is_none());
        assert!(report.to_string().ends_with("2 passed, 0 failed"), "{report}");
    }

    /// Clippy reads only the nearest clippy.toml, so the strict ones are copies that could drift apart.
    #[test]
    fn the_strict_clippy_files_ban_the_same_and_no_less_than_the_root() {
        let root = Workspace::find().unwrap().root;
        let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
        let strict = read("crates/core/clippy.toml");
        assert_eq!(strict, read("crates/scenario/clippy.toml"));
        for ban in read("clippy.toml").lines().filter_map(|line| line.trim().split_once(", reason")) {
            assert!(strict.contains(ban.0), "crates/core/clippy.toml lacks {}", ban.0);
        }
    }
}
