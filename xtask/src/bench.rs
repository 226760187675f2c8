//! `cargo xtask bench`: how fast the engine is, as a table.
//!
//! Invariant: what is measured is a release build, natively; in the browser it is built as the page is.
//!
//! ```text
//! cargo xtask bench                        natively, beside loops written by hand; memory
//! cargo xtask bench --peers --browser      DuckDB and Polars too; then the same in a Web Worker
//! cargo xtask bench --page                 and then the page itself: frames, answers to a change, memory
//! cargo xtask bench --quick …              a tenth of the events, to see that it runs
//! ```

mod browser;
mod peers;

use std::process::ExitCode;

use anyhow::Result;

use crate::process::run as run_child;
use crate::workspace::Workspace;
use crate::{dist, offline, setup, test};

/// What is measured, and on how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    quick: bool,
    peers: bool,
    browser: bool,
    page: bool,
}

impl Options {
    /// `None` when there is no such option.
    pub(crate) fn parse(words: &[&str]) -> Option<Self> {
        let mut options = Self::default();
        for word in words {
            match *word {
                "--quick" => options.quick = true,
                "--peers" => options.peers = true,
                "--browser" => options.browser = true,
                "--page" => options.page = true,
                _ => return None,
            }
        }
        Some(options)
    }
}

/// Builds the benchmarks and runs them.
pub(crate) fn run(workspace: &Workspace, options: Options) -> Result<ExitCode> {
    native(workspace, options)?;
    if options.browser {
        println!();
        browser::run(workspace, options)?;
    }
    if options.page {
        println!();
        page(workspace, options)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The built page, by the browser tests that measure; the ten minutes for its memory are left out of a quick run.
fn page(workspace: &Workspace, options: Options) -> Result<()> {
    let toolbox = setup::page(workspace)?;
    run_child(dist::site_build(workspace, &toolbox)?)?;
    offline::complete(workspace, &workspace.site())?;
    let mut measure = test::browser_tests(workspace, &setup::browser()?, &setup::axe()?)?;
    measure.env("KAPPASCOPE_UPLOT", setup::uplot()?);
    // One after the other: they share two cores.
    measure.args(["--test=speed", "--", "--ignored", "--nocapture", "--test-threads=1"]);
    measure.args(if options.quick { &["figures", "redraws"][..] } else { &[] });
    run_child(measure)
}

fn native(workspace: &Workspace, options: Options) -> Result<()> {
    let start = ["run", "--release", "--quiet", "--package=kappascope-bench"];
    let mut bench = workspace.cargo(&start);
    bench.arg("--").args(options.quick.then_some("--quick"));
    if options.peers {
        bench.arg("--peers").arg(peers::python()?);
    }
    run_child(bench)?;
    println!();
    let mut memory = workspace.cargo(&start);
    memory.arg("--bin=kappascope-bench-memory");
    run_child(memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_come_in_any_order_and_others_are_refused() {
        let both = Options { quick: true, peers: true, ..Options::default() };
        assert_eq!(Options::parse(&["--peers", "--quick"]), Some(both));
        assert_eq!(Options::parse(&[]), Some(Options::default()));
        assert_eq!(Options::parse(&["--quik"]), None);
    }
}
