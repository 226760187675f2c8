//! The engine's side: a log pushed through a pipeline as the binary does it.

use kappascope_core::{Change, Log, Pipeline, Score, Spec, WindowResult};
use kappascope_ingest::{HEAD_BYTES, Reader};
use std::io::Read;

use crate::result::{Group, Judged};

/// Rows pushed at a time, as many as the binary takes from a scenario.
pub const BLOCK_ROWS: usize = 1 << 14;

/// Bytes of a file read at a time, as the binary does.
const READ_BYTES: usize = 1 << 20;

/// Pushes a whole log, `each` looks at what every push changed.
///
/// # Panics
/// When the pipeline cannot run.
pub fn run(spec: &Spec, log: &Log, mut each: impl FnMut(&Pipeline)) -> Pipeline {
    let mut pipeline = Pipeline::new(spec).expect("a pipeline that runs");
    push(&mut pipeline, log, &mut each);
    pipeline.finish();
    each(&pipeline);
    pipeline
}

fn push(pipeline: &mut Pipeline, log: &Log, each: &mut impl FnMut(&Pipeline)) {
    let mut from = log.start();
    while from < log.end() {
        let block = log.read(from, BLOCK_ROWS);
        from += block.len() as u64;
        pipeline.push(block);
        each(pipeline);
    }
}

/// Every window result of a run.
///
/// # Panics
/// When an event was late or met a limit: the loop knows no such rule.
pub(crate) fn groups<const Q: usize>(spec: &Spec, log: &Log) -> Vec<Group<Q>> {
    results(spec, log, |pipeline, change| match change {
        Change::Window(window) => Some(group(pipeline, window)),
        _ => None,
    })
}

/// Every score of a run.
///
/// # Panics
/// When an event was late or met a limit: the loop knows no such rule.
pub(crate) fn scores(spec: &Spec, log: &Log) -> Vec<Judged> {
    results(spec, log, |_, change| match change {
        Change::Score(score) => Some(judged(score)),
        _ => None,
    })
}

fn results<T>(spec: &Spec, log: &Log, of: impl Fn(&Pipeline, &Change<'_>) -> Option<T>) -> Vec<T> {
    let mut results = Vec::new();
    let pipeline = run(spec, log, |pipeline| {
        results.extend(pipeline.changes().iter().filter_map(|change| of(pipeline, &change)));
    });
    let counters = pipeline.counters();
    assert_eq!((counters.events, counters.late, counters.over_limit), (log.end(), 0, 0));
    results
}

fn group<const Q: usize>(pipeline: &Pipeline, window: &WindowResult) -> Group<Q> {
    let mut values = pipeline.changes().values_of(window).map(|value| value.as_f64());
    let mut next = || values.next().expect("as many values as the query has aggregates");
    let mut names = pipeline.key_names(window.query, window.key);
    let name = names.next().expect("one key column");
    Group {
        start: window.start,
        end: window.end,
        key: name.parse().expect("a key's name is its number"),
        count: next() as u64,
        sum: next(),
        min: next(),
        max: next(),
        avg: next(),
        quantiles: std::array::from_fn(|_| next()),
    }
}

fn judged(score: &Score) -> Judged {
    let &Score { time, value, expected, low, high, score, anomaly, .. } = score;
    Judged { time, value, expected, low, high, score, anomaly }
}

/// Fills a log portion by portion and pushes each, as the binary does: the log forgets what was pushed. `fill`
/// says whether there is more.
///
/// # Panics
/// When the pipeline cannot run.
#[must_use]
pub fn run_portions(spec: &Spec, mut fill: impl FnMut(&mut Log) -> bool) -> Pipeline {
    let (mut log, mut more) = (Log::new(&spec.schema), true);
    let mut pipeline = Pipeline::new(spec).expect("a pipeline that runs");
    while more {
        more = fill(&mut log);
        push(&mut pipeline, &log, &mut |_| ());
        log.forget(log.end());
    }
    pipeline.finish();
    pipeline
}

/// Reads a file of text and pushes its rows.
///
/// # Panics
/// When it cannot be read, a record is refused, or the pipeline cannot run.
#[must_use]
pub fn run_file(spec: &Spec, mut file: impl Read) -> Pipeline {
    let (mut piece, mut rejected) = (Vec::new(), Vec::new());
    read(&mut file, &mut piece, HEAD_BYTES);
    let mut reader = Reader::new(&spec.schema, &piece).expect("a file that fits the pipeline");
    run_portions(spec, |log| {
        let more = !piece.is_empty();
        match more {
            true => reader.push(&piece, log, &mut rejected).expect("few keys"),
            false => reader.finish(log, &mut rejected).expect("a file of rows"),
        }
        assert_eq!(rejected.len(), 0, "refused records");
        read(&mut file, &mut piece, READ_BYTES);
        more
    })
}

fn read(file: &mut impl Read, piece: &mut Vec<u8>, bytes: usize) {
    piece.clear();
    file.take(bytes as u64).read_to_end(piece).expect("a file that can be read");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Work;
    use crate::form::Form;
    use crate::stream::Stream;

    #[test]
    fn a_file_gives_the_digest_of_its_log_and_another_file_does_not() {
        let (spec, log) = (Work::ALL[0].spec(), Stream::ThreeKeys.hour(1_000));
        let digest = run(&spec, &log, |_| ()).digest();
        for form in Form::ALL {
            let file = form.write(&log);
            assert_eq!(run_file(&spec, &file[..]).digest(), digest, "{}", form.id());
            let other = form.write(&Stream::ThreeKeys.hour(1_001));
            assert_ne!(run_file(&spec, &other[..]).digest(), digest, "{}", form.id());
        }
    }
}
