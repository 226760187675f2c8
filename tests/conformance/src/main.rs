//! Asks Flink live and compares: `kappascope-conformance CLASS_PATH FOLDER [--quick]`, which
//! `cargo xtask conformance` calls.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use kappascope_conformance::flink::{self, Answers, Flink};
use kappascope_conformance::stream::FAMILIES;
use kappascope_conformance::{Differences, Family, Stream, compare, engine};

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
    let live = flink.ask(&streams)?;
    if !quick {
        FAMILIES.into_iter().try_for_each(|family| flink::keep(family, &live))?;
    }
    let mut different = Vec::new();
    println!("{:<22}{:>8}{:>8}{:>9}{:>11}", "", "streams", "events", "answers", "different");
    for family in FAMILIES {
        different.extend(family_differences(family, &streams, &live)?);
    }
    Ok(verdict(&different))
}

/// Flink beside ours and beside what it once answered, with a line of the table.
fn family_differences(family: Family, streams: &[Stream], live: &Answers) -> Result<Vec<Differences>> {
    let kept = flink::read(&flink::golden(family))?;
    let (mut asked, mut events, mut lines, mut different) = (0, 0, 0, Vec::new());
    for stream in streams.iter().filter(|stream| stream.family == family) {
        let answers = live.get(&stream.id).with_context(|| format!("Flink said nothing of {}", stream.id))?;
        let kept = kept.get(&stream.id).with_context(|| format!("no answers were kept of {}", stream.id))?;
        let (ours, others) = (engine::answers(stream)?, compare(stream, answers, kept));
        different.extend(compare(stream, answers, &ours));
        different
            .extend(others.map(|others| Differences { id: format!("{}, as kept", stream.id), ..others }));
        asked += 1;
        events += stream.events.len();
        lines += answers.len();
    }
    println!("{:<22}{asked:>8}{events:>8}{lines:>9}{:>11}", family.to_string(), different.len());
    Ok(different)
}

fn verdict(different: &[Differences]) -> ExitCode {
    different.iter().take(SHOWN).for_each(|differences| print!("{differences}"));
    if different.is_empty() {
        println!("every answer is the same");
        return ExitCode::SUCCESS;
    }
    println!("the answers to {} streams differ", different.len());
    ExitCode::FAILURE
}
