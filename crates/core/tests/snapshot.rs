//! Snapshots: a run that stopped and went on gives what one that never stopped gives, on every target;
//! what is damaged or foreign is refused.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use kappascope_core::snapshot::{SnapshotError, VERSION};
use kappascope_core::{Limits, Log, Pipeline, Spec};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Every kind of window, emission and aggregate, so that every kind of state is in the snapshot.
const PIPELINE: &str = "
name = 'stops'
version = 1
schema = { time = 't', partition = 'p', partitions = 2, keys = ['k', 'user'], measures = ['v'] }
watermark = { bound = '1s', idle = '5s' }
[[query]]
name = 'tumbling'
where = \"v > 5 AND k <> 'never'\"
by = ['k', 'user']
window = { tumbling = '4s' }
lateness = '3s'
aggregates = ['count()', 'sum(v)', 'min(v)', 'avg(v)', 'top3(user)']
[[query]]
name = 'hopping'
by = ['k']
window = { hopping = '6s', slide = '4s', offset = '1s' }
emit = { every = '2s' }
accumulation = 'retracting'
lateness = '2s'
aggregates = ['count()', 'p50(v)', 'p99.9(v)', 'stddev(v)']
[[query]]
name = 'cumulate'
by = ['k']
window = { cumulate = '10s', step = '2s' }
accumulation = 'discarding'
lateness = '2s'
aggregates = ['distinct(user)', 'distinct(v)', 'first(v)', 'last(v)']
[[query]]
name = 'session'
by = ['user']
window = { session = '700ms' }
lateness = '1s'
accumulation = 'retracting'
aggregates = ['count()', 'max(v)', 'variance(v)']
[[query]]
name = 'count'
by = ['k']
window = { count = 10, slide = 3 }
aggregates = ['rate()', 'sum(v)']
[[query]]
name = 'blocks'
by = ['user']
window = { count = 7 }
aggregates = ['sum(v)']
[[query]]
name = 'rolling'
by = ['k']
window = { rolling = '1s' }
lateness = '500ms'
aggregates = ['count()', 'top2(user)']
[[query]]
name = 'global'
by = ['k']
window = 'global'
emit = { every = '5s' }
aggregates = ['count()', 'avg(v)']
[[detector]]
name = 'level'
on = 'tumbling.avg(v)'
kind = 'zscore'
window = 8
threshold = 1.5
[[detector]]
name = 'raw'
on = 'v'
by = ['user']
kind = 'zscore'
window = 20
threshold = 2.0
[[alert]]
name = 'high'
when = 'level'
for = '4s'
[[alert]]
name = 'odd'
when = 'raw'
";

/// A multiplicative generator (Lehmer, 2^64 / golden ratio): numbers for the test, the same everywhere.
fn number(i: u64, n: u64) -> i64 {
    let x = (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (((x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33) % n) as i64
}

/// The events from `from` on, in a log of their own.
fn log(spec: &Spec, from: u64, to: u64) -> Log {
    let mut log = Log::new(&spec.schema);
    // Another order of first appearance than in a log of everything.
    log.intern(1, "someone else");
    let mut now = 0;
    for i in 0..to {
        now += number(i, 60);
        let late = if i % 17 == 0 { number(i * 3 + 1, 9_000) } else { number(i * 5 + 2, 900) };
        if i >= from {
            let k = log.intern(0, ["a", "b", "c"][number(i * 7 + 3, 3) as usize]);
            let user = log.intern(1, &format!("u{}", number(i * 11 + 4, 12)));
            let value = number(i * 13 + 5, 4_000) as f64 / 37.0 - 20.0;
            log.append(now - late, now, number(i * 17 + 6, 2) as u32, &[k, user], &[value]);
        }
    }
    log
}

const EVENTS: u64 = 3_000;

/// The digest and the counters of a run that stops at each of these events and goes on in another
/// pipeline, over another log.
fn run(stops: &[u64]) -> String {
    let spec = Spec::from_toml(PIPELINE).unwrap();
    let mut pipeline = Pipeline::new(&spec).unwrap();
    let mut at = 0;
    for &stop in stops.iter().chain([&EVENTS]) {
        pipeline.push(log(&spec, at, stop).read(0, usize::MAX));
        at = stop;
        pipeline = Pipeline::resume_from(&spec, Limits::default(), &pipeline.snapshot()).unwrap();
        assert_eq!(pipeline.counters().events, stop);
    }
    pipeline.finish();
    format!("{:?} {:016x}", pipeline.counters(), pipeline.digest())
}

#[test]
fn a_run_that_stopped_gives_what_one_that_did_not() {
    let whole = run(&[]);
    for i in 0..60 {
        let stop = number(i, EVENTS) as u64;
        assert_eq!(run(&[stop]), whole, "stopped at {stop}");
    }
    assert_eq!(run(&[1, 2, 3, 500, 501, 1_700]), whole);
}

#[test]
fn every_kind_of_result_was_given() {
    let spec = Spec::from_toml(PIPELINE).unwrap();
    let mut pipeline = Pipeline::new(&spec).unwrap();
    pipeline.push(log(&spec, 0, EVENTS).read(0, usize::MAX));
    let counters = pipeline.counters();
    assert!(counters.filtered > 0 && counters.late > 0 && counters.late_for_some > 0, "{counters:?}");
    assert!(counters.anomalies > 0 && counters.alerts > 0, "{counters:?}");
    for q in 0..spec.query.len() {
        let results = pipeline
            .changes()
            .iter()
            .filter(|change| matches!(change, kappascope_core::Change::Window(w) if w.query as usize == q));
        assert!(results.count() > 5, "{}", spec.query[q].name);
    }
}

/// The same bytes on every target, so what one takes the other reads.
#[test]
fn every_target_gives_these_bytes() {
    let spec = Spec::from_toml(PIPELINE).unwrap();
    let mut pipeline = Pipeline::new(&spec).unwrap();
    pipeline.push(log(&spec, 0, 1_000).read(0, usize::MAX));
    let snapshot = pipeline.snapshot();
    let sum = snapshot.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    assert_eq!((snapshot.len(), sum), BYTES);
}

const BYTES: (usize, u64) = (33753, 5552164546671660627);

fn refused(snapshot: &[u8]) -> SnapshotError {
    let spec = Spec::from_toml(PIPELINE).unwrap();
    Pipeline::resume_from(&spec, Limits::default(), snapshot).unwrap_err()
}

fn taken() -> Vec<u8> {
    let spec = Spec::from_toml(PIPELINE).unwrap();
    let mut pipeline = Pipeline::new(&spec).unwrap();
    pipeline.push(log(&spec, 0, 200).read(0, usize::MAX));
    pipeline.snapshot()
}

#[test]
fn a_snapshot_that_is_cut_is_refused_wherever_it_is_cut() {
    let snapshot = taken();
    assert_eq!(refused(&[]), SnapshotError::NotASnapshot);
    for length in (1..snapshot.len()).step_by(7) {
        assert!(matches!(refused(&snapshot[..length]), SnapshotError::Length { .. }), "{length} bytes");
    }
    let longer = [&snapshot[..], b"!"].concat();
    assert!(matches!(refused(&longer), SnapshotError::Length { .. }));
}

#[test]
fn a_snapshot_that_is_altered_is_refused_wherever_it_is() {
    let snapshot = taken();
    for at in 0..snapshot.len().min(400) {
        let mut altered = snapshot.clone();
        altered[at] ^= 1;
        let error = refused(&altered);
        let fits = match at {
            0..8 => error == SnapshotError::NotASnapshot,
            8..12 => matches!(error, SnapshotError::OtherVersion { .. }),
            12..20 => matches!(error, SnapshotError::OtherPipeline { .. }),
            20..28 => matches!(error, SnapshotError::Length { .. }),
            _ => matches!(error, SnapshotError::Checksum { .. }),
        };
        assert!(fits, "byte {at}: {error}");
    }
}

#[test]
fn a_snapshot_of_another_pipeline_is_refused() {
    let snapshot = taken();
    let changed = Spec::from_toml(&PIPELINE.replace("tumbling = '4s'", "tumbling = '5s'")).unwrap();
    let error = Pipeline::resume_from(&changed, Limits::default(), &snapshot).unwrap_err();
    assert!(error.to_string().starts_with("a snapshot of another pipeline"), "{error}");
    assert_ne!(VERSION, 0);
}
