//! How fast the engine is on one thread, beside hand-written loops over the same arrays in the same run.
//!
//! Machines are shared and clocks vary, so the runs that are compared take turns, and what counts is the
//! ratio of their medians.
//!
//! **Invariant:** nothing is compared before it is seen to do the same work: the loop's windows equal the
//! engine's to the last bit, or the program panics.
//!
//! ```text
//! cargo xtask bench            the table, in half a minute and 0.7 GB of memory
//! cargo xtask bench --quick    a tenth of the events, to see that it runs
//! ```

mod by_hand;
mod engine;
mod group;
mod machine;
mod measure;
mod stream;
mod table;
mod work;

use std::process::ExitCode;

use crate::work::Size;

const USAGE: &str = "\
Usage: kappascope-bench [--quick]

  --quick   a tenth of the events and fewer rounds, to see that it runs
";

/// Wrong use, as in the `kappascope` binary.
const EXIT_WRONG_USE: u8 = 2;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let size = match args[..] {
        [] => Size::FULL,
        ["--quick"] => Size::QUICK,
        _ => {
            eprintln!("error: no such arguments: `{}`\n\n{USAGE}", args.join(" "));
            return ExitCode::from(EXIT_WRONG_USE);
        }
    };
    println!(
        "{}\n{} rounds; millions of events a second: median (slowest to fastest)\n",
        machine::describe(),
        size.rounds
    );
    table::header();
    work::all(size, &mut |row| println!("{row}"));
    ExitCode::SUCCESS
}
