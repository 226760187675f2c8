//! The engine's side: a log pushed through a pipeline as the binary does it.

use kappascope_core::{Change, Log, Pipeline, Spec};
use kappascope_ingest::{HEAD_BYTES, Reader};

use crate::group::Group;

/// Rows pushed at a time, as many as the binary takes from a scenario.
pub(crate) const BLOCK_ROWS: usize = 1 << 14;

/// Bytes of a file read at a time, as the binary does.
const READ_BYTES: usize = 1 << 20;

/// Pushes a whole log, `each` looks at what every push changed.
pub(crate) fn run(spec: &Spec, log: &Log, mut each: impl FnMut(&Pipeline)) -> Pipeline {
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

/// What a run gives.
///
/// # Panics
/// When an event was late or met a limit: the loop knows no such rule.
pub(crate) fn groups(spec: &Spec, log: &Log) -> Vec<Group> {
    let mut groups = Vec::new();
    let pipeline = run(spec, log, |pipeline| groups.extend(groups_of(pipeline)));
    let counters = pipeline.counters();
    assert_eq!((counters.events, counters.late, counters.over_limit), (log.end(), 0, 0));
    groups
}

fn groups_of(pipeline: &Pipeline) -> impl Iterator<Item = Group> {
    let changes = pipeline.changes();
    changes.iter().filter_map(|change| {
        let Change::Window(window) = change else { return None };
        let values: Vec<f64> = changes.values_of(window).map(|value| value.as_f64()).collect();
        let [count, sum, min, max, avg] = values[..] else { return None };
        let key =
            pipeline.key_names(window.query, window.key).next()?.parse().expect("a key's name is its number");
        Some(Group { start: window.start, key, count: count as u64, sum, min, max, avg })
    })
}

/// Reads a file into a log that forgets, `each` looks at every portion; gives the number of rows.
///
/// # Panics
/// When a record is refused.
pub(crate) fn read_csv(spec: &Spec, file: &[u8], mut each: impl FnMut(&Log)) -> u64 {
    let (mut log, mut rejected) = (Log::new(&spec.schema), Vec::new());
    let head = &file[..file.len().min(HEAD_BYTES)];
    let mut reader = Reader::new(&spec.schema, head).expect("a file that fits the pipeline");
    for piece in file.chunks(READ_BYTES) {
        reader.push(piece, &mut log, &mut rejected).expect("few keys");
        each(&log);
        log.forget(log.end());
    }
    reader.finish(&mut log, &mut rejected).expect("few keys");
    each(&log);
    assert_eq!(rejected.len(), 0, "refused records");
    log.end()
}

/// Reads a file and pushes its rows.
pub(crate) fn run_csv(spec: &Spec, file: &[u8]) -> Pipeline {
    let mut pipeline = Pipeline::new(spec).expect("a pipeline that runs");
    read_csv(spec, file, |log| push(&mut pipeline, log, &mut |_| ()));
    pipeline.finish();
    pipeline
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream;

    #[test]
    fn a_file_gives_the_digest_of_its_log_and_another_file_does_not() {
        let (spec, log) = (stream::spec(60_000), stream::hour(&[1.0; 3], 1_000));
        let (digest, file) = (run(&spec, &log, |_| ()).digest(), stream::csv(&log));
        assert_eq!(run_csv(&spec, file.as_bytes()).digest(), digest);
        let other = file.replacen(",0,", ",1,", 1);
        assert_ne!(run_csv(&spec, other.as_bytes()).digest(), digest);
    }
}
