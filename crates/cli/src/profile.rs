//! `kappascope profile`: what a source holds, and a first pipeline for it, on standard output.

use crate::args;
use crate::columns;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::report;
use crate::sink::Sinks;
use crate::source::{Bytes, Source, refused};
use kappascope_ingest::profile::{Profile, Profiler};
use kappascope_parquet::MAGIC;

/// Measures a source and proposes a pipeline; a scenario has its own. Where none can be proposed, what was
/// measured is written all the same.
pub(crate) fn profile(args: &args::Profile) -> Result<(), Failure> {
    let source = Source::parse(&args.from)?;
    if let Source::Scenario(simulated) = &source {
        return write(&simulated.world()?.spec().to_toml());
    }
    let place = source.place();
    let profile = measure(&source)?;
    let mut text = report::of(&profile, &place);
    let name = if source == Source::Stdin { "data" } else { &place };
    let proposed = profile.proposal().and_then(|proposal| {
        let toml = proposal.mapping.pipeline(name)?.to_toml();
        text.push('\n');
        text.push_str(&report::with_reasons(&toml, &proposal));
        Ok(())
    });
    write(&text)?;
    proposed.map_err(|error| Failure::running(&place, error))
}

/// Reads a source to its end.
fn measure(source: &Source) -> Result<Profile, Failure> {
    let bytes = source.head()?;
    let mut progress = Progress::new();
    let profile = match bytes.head.starts_with(MAGIC) {
        true => columns::measure(source, bytes, &mut progress),
        false => measure_text(bytes, &mut progress),
    };
    progress.clear();
    profile
}

fn measure_text(mut bytes: Bytes, progress: &mut Progress) -> Result<Profile, Failure> {
    let place = bytes.place.clone();
    let failed = |error| refused(&place, &error);
    let mut profiler = Profiler::new(&bytes.head).map_err(failed)?;
    let (mut portion, mut read) = (std::mem::take(&mut bytes.head), 0);
    while !portion.is_empty() {
        profiler.push(&portion).map_err(failed)?;
        read += portion.len() as u64;
        progress.show_read(read, bytes.size);
        bytes.next(&mut portion)?;
    }
    profiler.finish().map_err(failed)?;
    Ok(profiler.profile())
}

fn write(text: &str) -> Result<(), Failure> {
    let mut sinks = Sinks::open(&["-".to_owned()], &[])?;
    sinks.pending().extend_from_slice(text.as_bytes());
    sinks.write()
}
