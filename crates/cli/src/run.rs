//! `kappascope run`: source → log → pipeline → sinks, in one loop and constant memory.
//!
//! **Invariant:** the output is a function of source and pipeline. A rejected record is written between the
//! rows that surround it, so how the source was cut into portions does not show.

use crate::args;
use crate::failure::{Failure, told};
use crate::live;
use crate::progress::Progress;
use crate::sink::Sinks;
use crate::source::{Feed, Source};
use crate::state;
use kappascope_core::{Log, Pipeline, Spec};
use kappascope_ingest::Rejected;
use kappascope_output::jsonl::Writer;
use std::path::Path;

/// Runs a pipeline; gives how many records were rejected.
pub(crate) fn run(args: &args::Run) -> Result<u64, Failure> {
    if live::is_live(&args.from) {
        return live::run(args);
    }
    let spec = args.pipeline.as_deref().map(read_pipeline).transpose()?;
    let source = Source::parse(&args.from)?;
    source.refuse_as_sink(&args.to)?;
    live::refuse_sinks(&args.to)?;
    if args.create {
        return Err(Failure::usage(
            "--create",
            "it makes topics and tables; `--from kafka://…` would need some",
        ));
    }
    let (mut feed, spec) = Feed::open(&source, spec)?;
    let mut pipeline = state::open(&spec, args.resume.as_deref())?;
    let mut sinks = Sinks::open(&args.to, &[".jsonl"])?;
    let mut progress = Progress::new();
    let log = follow(&mut feed, &mut pipeline, &spec, &mut sinks, |pipeline, feed, log| {
        progress.show(pipeline, || feed.share(log.end()));
    })?;
    progress.clear();
    check_length(&pipeline, &log, args)?;
    if let Some(path) = &args.snapshot {
        state::save(&pipeline, path)?;
    }
    let is_flushed = args.snapshot.is_none() && !args.no_flush;
    end(&mut pipeline, &spec, feed.rejected(), is_flushed, &mut sinks)?;
    Ok(feed.rejected())
}

/// Runs a source through a pipeline to the source's end, and shows how far it is after each portion.
pub(crate) fn follow(
    feed: &mut Feed,
    pipeline: &mut Pipeline,
    spec: &Spec,
    sinks: &mut Sinks,
    mut show: impl FnMut(&Pipeline, &Feed, &Log),
) -> Result<Log, Failure> {
    let writer = Writer::new(spec);
    let mut log = Log::new(&spec.schema);
    let mut rejected = Vec::new();
    let mut more = true;
    while more {
        more = feed.fill(&mut log, &mut rejected)?;
        push(pipeline, &log, &rejected, &writer, sinks)?;
        log.forget(log.end());
        rejected.clear();
        show(pipeline, feed, &log);
    }
    Ok(log)
}

/// Closes the windows that are open, if they are to be, and writes the summary.
pub(crate) fn end(
    pipeline: &mut Pipeline,
    spec: &Spec,
    rejected: u64,
    is_flushed: bool,
    sinks: &mut Sinks,
) -> Result<(), Failure> {
    let writer = Writer::new(spec);
    if is_flushed {
        pipeline.finish();
        writer.changes(sinks.pending(), pipeline);
    }
    writer.summary(sinks.pending(), pipeline, rejected);
    sinks.write()
}

/// A source that ends before the events that a snapshot has seen is not the one that it was taken of.
fn check_length(pipeline: &Pipeline, log: &Log, args: &args::Run) -> Result<(), Failure> {
    match &args.resume {
        Some(path) if log.end() < pipeline.counters().events => Err(Failure::usage(
            path.display(),
            format!(
                "it was taken after {} events, and {} has only {}; the same source would fit",
                pipeline.counters().events,
                args.from,
                log.end()
            ),
        )),
        _ => Ok(()),
    }
}

/// Pushes the rows of a portion, and writes what changed with the rejected records in their places.
fn push(
    pipeline: &mut Pipeline,
    log: &Log,
    rejected: &[Rejected],
    writer: &Writer<'_>,
    sinks: &mut Sinks,
) -> Result<(), Failure> {
    let (mut from, seen) = (log.start(), pipeline.counters().events);
    for rejected in rejected {
        push_rows(pipeline, log, from, rejected.rows_before, writer, sinks)?;
        from = rejected.rows_before;
        if rejected.rows_before >= seen {
            writer.rejected(sinks.pending(), rejected);
            sinks.write_if_much()?;
        }
    }
    push_rows(pipeline, log, from, log.end(), writer, sinks)?;
    sinks.write()
}

fn push_rows(
    pipeline: &mut Pipeline,
    log: &Log,
    from: u64,
    to: u64,
    writer: &Writer<'_>,
    sinks: &mut Sinks,
) -> Result<(), Failure> {
    // What a snapshot has seen is passed over.
    let from = from.max(pipeline.counters().events);
    if from >= to {
        return Ok(());
    }
    let rows = usize::try_from(to - from).unwrap_or(usize::MAX);
    pipeline.push(log.read(from, rows));
    writer.changes(sinks.pending(), pipeline);
    sinks.write_if_much()
}

pub(crate) fn read_pipeline(path: &Path) -> Result<Spec, Failure> {
    let place = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| Failure::usage(&place, told(&error)))?;
    Spec::from_toml(&text).map_err(|error| Failure::usage(&place, error))
}
