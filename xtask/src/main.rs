//! `cargo xtask`: the one door to this repository. What CI runs is what a person runs.
//!
//! Invariant: every command sets up what it needs before it starts, outside the repository, and says so.
//!
//! ```text
//! cargo xtask serve          the page at http://127.0.0.1:8080
//! cargo xtask test --quick   the inner loop: format, lints, native tests
//! ```

mod bench;
mod cache;
mod conformance;
mod dist;
mod fuzz;
mod infra;
mod nab;
mod offline;
mod process;
mod serve;
mod setup;
mod test;
mod weigh;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;

use crate::workspace::Workspace;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  serve           build the page and serve it at http://127.0.0.1:8080, rebuilt as files change
  test            run every check and every test
  test --quick    the inner loop: format, lints, native tests; no browser, no built site
  bench           measure the engine beside hand-written loops; and with one or more of
    --peers       DuckDB and Polars on the same events
    --browser     the same in a Web Worker
    --page        the page itself: frames, answers to a change, memory over ten minutes
    --quick       a tenth of the events, to see that it runs
  conformance     compare window results with Apache Flink's over generated streams, and keep what Flink answers
  conformance --quick   the same for a few of the streams, and whether Flink still answers what was kept
  conformance --alerts  compare alerts with Prometheus' over generated series
  nab [FOLDER]    score the detectors on the Numenta Anomaly Benchmark, whose data and labels are in FOLDER, or
                  else where KAPPASCOPE_NAB says; they come from https://github.com/numenta/NAB
  fuzz            run each target of fuzz/ a fixed number of times under libFuzzer; needs a C++ compiler
  infra up        start Apache Kafka and a ClickHouse engine on this machine, or check the servers that KAFKA_BROKERS
                  and CLICKHOUSE_URL name; `infra status` says how they are, `infra down` ends what `up` started
  infra env       install both and print, for a shell, where tests find them
  dist            build the static site and the release binary
  offline FOLDER  let the site that Trunk has built in FOLDER work with no network; part of dist
  weigh           what the built site sends before the first chart, against its budgets
  setup           install what is missing for all of the above, into the user's cache folder
";

/// Wrong use, as in the `kappascope` binary.
const EXIT_WRONG_USE: u8 = 2;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> Result<ExitCode> {
    match args {
        ["serve"] => serve::run(&Workspace::find()?),
        ["test"] => test::run(&Workspace::find()?, test::Scope::Everything),
        ["test", "--quick"] => test::run(&Workspace::find()?, test::Scope::Quick),
        ["bench", words @ ..] if let Some(options) = bench::Options::parse(words) => {
            bench::run(&Workspace::find()?, options)
        }
        ["conformance"] => conformance::run(&Workspace::find()?, &[]),
        ["conformance", "--quick"] => conformance::run(&Workspace::find()?, &["--quick"]),
        ["conformance", "--alerts"] => conformance::alerts(&Workspace::find()?),
        ["nab"] => nab::run(&Workspace::find()?, None),
        ["nab", folder] => nab::run(&Workspace::find()?, Some(folder)),
        ["infra", "up"] => infra::up(&Workspace::find()?),
        ["infra", "down"] => infra::down(&Workspace::find()?),
        ["infra", "status"] => infra::status(&Workspace::find()?),
        ["infra", "env"] => infra::env(&Workspace::find()?),
        ["fuzz"] => fuzz::run(&Workspace::find()?),
        ["offline", folder] => offline::run(&Workspace::find()?, folder),
        ["weigh"] => weigh::run(&Workspace::find()?),
        ["dist"] => dist::run(&Workspace::find()?),
        ["setup"] => setup::run(&Workspace::find()?),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            eprintln!("error: cargo xtask does not know `{}`\n\n{USAGE}", args.join(" "));
            Ok(ExitCode::from(EXIT_WRONG_USE))
        }
    }
}
