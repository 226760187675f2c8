//! Prints what each detector scores on the Numenta Anomaly Benchmark, and how much of the flagship's score
//! is luck.
//!
//! ```text
//! cargo xtask nab [FOLDER]       the folder of NAB's `data` and `labels`; else KAPPASCOPE_NAB
//! ```

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use kappascope_nab::controls;
use kappascope_nab::corpus::{Corpus, Series};
use kappascope_nab::flagship::{Halves, SPLITS, halves, spread};
use kappascope_nab::rows::{FLAGSHIP, ROWS, detector, scores};
use kappascope_nab::score::{Marks, PROFILES};
use kappascope_nab::sweep::{Rest, best, steps};

/// The share of its past for which a detector of the second columns is silent after an alert.
const REST: Rest = Rest::Share(0.04);

/// How often the clock alerts: about as often as a good detector.
const CLOCK: usize = 400;

/// How many of the splits' scores fit on a line.
const SCORES_A_LINE: usize = 20;

/// Wrong use, as in the `kappascope` binary.
const EXIT_WRONG_USE: u8 = 2;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let folder = args.next().or_else(|| std::env::var_os("KAPPASCOPE_NAB")).map(PathBuf::from);
    let (Some(folder), None) = (folder, args.next()) else {
        eprintln!(
            "error: no corpus. Name the folder that holds NAB's `data` and `labels`, or set KAPPASCOPE_NAB to it; \
             they are in https://github.com/numenta/NAB"
        );
        return ExitCode::from(EXIT_WRONG_USE);
    };
    match Corpus::read(&folder).and_then(|corpus| run(&corpus)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(corpus: &Corpus) -> Result<()> {
    let marks = Marks::of(corpus);
    println!("{} series, {} rows, {} windows\n", corpus.series.len(), corpus.rows(), corpus.windows());
    println!("{}", header());
    for (name, row) in ROWS {
        let (scores, rate) = timed(corpus, row)?;
        println!("{}", line(name, &scores, &marks, &format!("{rate:.1}")));
    }
    let control = |name, score: &dyn Fn(&Series) -> Vec<f64>| {
        let scores: Vec<_> = corpus.series.iter().map(score).collect();
        println!("{}", line(name, &scores, &marks, ""));
    };
    control("NAB's windowed Gaussian", &controls::windowed_gaussian);
    control("a clock, blind to the data", &|series| controls::clock(series, CLOCK));
    luck(corpus, &marks)
}

fn header() -> String {
    let names = ["standard", "low FP", "low FN", "standard", "low FP", "low FN", "M points/s"];
    let names: Vec<_> = names.iter().map(|name| format!("{name:>WIDTH$}")).collect();
    let rules = vec![format!("{}:", "-".repeat(WIDTH + 1)); names.len()];
    format!(
        "| {:NAME$} | {} |\n|{}|{}|",
        "detector",
        names.join(" | "),
        "-".repeat(NAME + 2),
        rules.join("|")
    )
}

const NAME: usize = 36;
const WIDTH: usize = 10;

/// A line of the table: the best score by profile, as it is and with rests.
fn line(name: &str, scores: &[Vec<f64>], marks: &Marks, rate: &str) -> String {
    let figures = [Rest::None, REST].into_iter().flat_map(|rest| {
        let steps = steps(scores, marks, rest);
        PROFILES.map(|profile| format!("{:>WIDTH$.1}", best(&marks.with(&steps), &profile).score))
    });
    let figures: Vec<_> = figures.collect();
    format!("| {name:NAME$} | {} | {rate:>WIDTH$} |", figures.join(" | "))
}

/// The scores of all rows, and how many million points were judged a second on one thread.
fn timed(corpus: &Corpus, row: &str) -> Result<(Vec<Vec<f64>>, f64)> {
    let fresh = detector(row)?;
    #[expect(clippy::disallowed_methods, reason = "says how fast a detector is")]
    let start = Instant::now();
    let scores = corpus.series.iter().map(|series| scores(fresh.clone(), series)).collect();
    Ok((scores, corpus.rows() as f64 / start.elapsed().as_secs_f64() / 1e6))
}

/// The flagship with rests, chosen on one half of the series and scored on the other.
fn luck(corpus: &Corpus, marks: &Marks) -> Result<()> {
    let Halves { weights, threshold } = halves(corpus, marks, REST)?;
    println!(
        "\n{}, standard profile, with rests, scored on the half of the series that did not choose,",
        FLAGSHIP.0
    );
    println!("by seed, 0 to {}:", SPLITS - 1);
    for (chosen, scores) in [("weights and threshold", weights), ("the threshold alone", threshold)] {
        let (mean, deviation) = spread(&scores);
        println!("\n{chosen} chosen: {mean:.1} ± {deviation:.1}");
        let scores: Vec<_> = scores.iter().map(|score| format!("{score:.1}")).collect();
        scores.chunks(SCORES_A_LINE).for_each(|scores| println!("    {}", scores.join(" ")));
    }
    Ok(())
}
