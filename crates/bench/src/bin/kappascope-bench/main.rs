//! How fast the engine is on one thread, beside hand-written loops and other programs over the same arrays in the
//! same run.
//!
//! Machines are shared and clocks vary, so the runs that are compared take turns, and what counts is the
//! ratio of their medians.
//!
//! ```text
//! cargo xtask bench            the table
//! cargo xtask bench --quick    a tenth of the events, to see that it runs
//! cargo xtask bench --peers    DuckDB and Polars beside it
//! ```

mod clock;
mod machine;
mod native;
mod parquet;
mod peers;
mod sweep;

use std::path::Path;
use std::process::ExitCode;

use kappascope_bench::table;

use crate::native::Size;
use crate::peers::Peers;

const USAGE: &str = "\
Usage: kappascope-bench [--quick] [--peers PYTHON]

  --quick          a tenth of the events and fewer rounds, to see that it runs
  --peers PYTHON   DuckDB and Polars too, as this Python has them
";

/// Wrong use, as in the `kappascope` binary.
const EXIT_WRONG_USE: u8 = 2;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (size, python) = match args[..] {
        [] => (Size::FULL, None),
        ["--quick"] => (Size::QUICK, None),
        ["--peers", python] => (Size::FULL, Some(python)),
        ["--quick", "--peers", python] => (Size::QUICK, Some(python)),
        _ => {
            eprintln!("error: no such arguments: `{}`\n\n{USAGE}", args.join(" "));
            return ExitCode::from(EXIT_WRONG_USE);
        }
    };
    let (size, mut peers) = match python.map(|python| Peers::start(Path::new(python))).transpose() {
        Ok(Some(peers)) => (size.with_peers(), Some(peers)),
        Ok(None) => (size, None),
        Err(error) => {
            eprintln!("error: the peers do not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!(
        "{}\n{} million events, {} rounds; millions of events a second: median (slowest to fastest)\n\n{}",
        machine::describe(),
        size.hour as f64 / 1e6,
        size.rounds,
        table::header()
    );
    native::all(size, peers.as_mut(), &mut |rows| println!("{rows}"));
    ExitCode::SUCCESS
}
