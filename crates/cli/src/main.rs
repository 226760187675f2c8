//! `kappascope`: runs pipelines over files, standard input, simulated streams and Kafka, and serves what comes of them.
//!
//! The whole program is [`run`]: one `match` over the verbs, each of which has a file of its own.

mod args;
mod backtest;
mod check;
mod columns;
mod failure;
mod generate;
mod labels;
mod live;
mod pace;
mod profile;
mod progress;
mod report;
mod run;
mod serve;
mod signal;
mod sink;
mod source;
mod state;
mod text;
mod verdict;

use args::{Args, Verb};
use failure::Failure;
use std::process::ExitCode;

/// Exit code of a run that is done, but refused records under `--strict`.
const REJECTED: u8 = 3;

fn main() -> ExitCode {
    match Args::read().and_then(run) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => failure.report(),
    }
}

fn run(args: Args) -> Result<u8, Failure> {
    match args.verb {
        Verb::Run(args) => {
            let strict = args.strict;
            let rejected = run::run(&args)?;
            Ok(if strict && rejected > 0 { REJECTED } else { 0 })
        }
        Verb::Generate(args) => generate::generate(&args).map(|()| 0),
        Verb::Backtest(args) => backtest::backtest(&args).map(|()| 0),
        Verb::Serve(args) => serve::serve(&args).map(|()| 0),
        Verb::Check(args) => check::check(&args).map(|()| 0),
        Verb::Profile(args) => profile::profile(&args).map(|()| 0),
    }
}
