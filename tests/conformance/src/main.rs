//! Asks Flink live and compares: `kappascope-conformance CLASS_PATH FOLDER [--quick]`, which
//! `cargo xtask conformance` calls.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use kappascope_conformance::flink::{Answers, Flink, keep};
use kappascope_conformance::stream::FAMILIES;
use kappascope_conformance::{Differences, Stream, compare, engine};

/// Streams whose differences are printed whole; after that they are only counted.
const SHOWN: usize = 5;

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (class_path, folder, quick) = match arguments[..] {
        [class_path, folder] => (class_path, folder, false),
        [class_path, folder, "--quick"] => (class_path, folder, true),
        _ => bail!("call it as `cargo xtask conformance`"),
    };
    let flink = Flink { class_path: class_path.to_owned(), folder: PathBuf::from(folder) };
    let streams = Stream::all(quick);
    let answers = flink.ask(&streams)?;
    if !quick {
        FAMILIES.into_iter().try_for_each(|family| keep(family, &answers))?;
    }
    report(&streams, &answers)
}

fn report(streams: &[Stream], answers: &Answers) -> Result<ExitCode> {
    let mut all = Vec::new();
    println!("{:<22}{:>8}{:>8}{:>9}{:>11}", "", "streams", "events", "answers", "different");
    for family in FAMILIES {
        let streams: Vec<&Stream> = streams.iter().filter(|stream| stream.family == family).collect();
        let events: usize = streams.iter().map(|stream| stream.events.len()).sum();
        let lines: usize = streams.iter().map(|stream| answers[&stream.id].len()).sum();
        let mut different = Vec::new();
        for stream in &streams {
            different.extend(compare(stream, &answers[&stream.id], &engine::answers(stream)?));
        }
        println!(
            "{:<22}{:>8}{events:>8}{lines:>9}{:>11}",
            family.to_string(),
            streams.len(),
            different.len()
        );
        all.extend(different);
    }
    all.iter().take(SHOWN).for_each(|differences| print!("{differences}"));
    Ok(verdict(&all))
}

fn verdict(differences: &[Differences]) -> ExitCode {
    match differences.len() {
        0 => {
            println!("every answer is the same");
            ExitCode::SUCCESS
        }
        n => {
            println!("the answers to {n} streams differ");
            ExitCode::FAILURE
        }
    }
}
