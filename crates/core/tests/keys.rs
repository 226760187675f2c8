//! More keys than a query takes: the first ones go on as before, the rest is dropped, told and counted.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
#![cfg(not(target_arch = "wasm32"))]

use kappascope_core::{Change, DropReason, Limits, Log, Pipeline, Spec};

const PIPELINE: &str = "
name = 'keys'
version = 1
schema = { time = 't', keys = ['k'], measures = ['v'] }
[[query]]
name = 'q'
by = ['k']
window = { tumbling = '1h' }
aggregates = ['count()', 'sum(v)']
";

/// Pushes an event of each of so many keys, and then of the first one again.
fn check(keys: u64, limits: Limits) {
    const BLOCK: u64 = 1 << 14;
    let spec = Spec::from_toml(PIPELINE).unwrap();
    let (mut log, mut pipeline) = (Log::new(&spec.schema), Pipeline::with_limits(&spec, limits).unwrap());
    let (mut dropped, mut results) = (0, 0);
    for key in (0..keys).chain([0]) {
        let id = log.intern(0, &format!("{key:x}"));
        log.append(1_000, 1_000, 0, &[id], &[1.0]);
        if log.end().is_multiple_of(BLOCK) || log.end() == keys + 1 {
            pipeline.push(log.read(log.start(), usize::MAX));
            log.forget(log.end());
            for change in pipeline.changes().iter() {
                let Change::Drop(drop) = change else { panic!("{change:?}") };
                assert_eq!(drop.reason, DropReason::TooManyKeys);
                assert_eq!(drop.offset, u64::from(limits.keys) + dropped);
                dropped += 1;
            }
        }
    }
    pipeline.finish();
    for change in pipeline.changes().iter() {
        let Change::Window(window) = change else { panic!("{change:?}") };
        let of_first = pipeline.key_names(0, window.key).eq(["0"]);
        assert_eq!(pipeline.changes().value_of(window, 0).as_f64(), if of_first { 2.0 } else { 1.0 });
        results += 1;
    }
    let taken = u64::from(limits.keys);
    assert_eq!((dropped, results), (keys - taken, taken));
    assert_eq!(pipeline.counters().over_limit, keys - taken);
}

#[test]
fn keys_beyond_the_limit_are_dropped_and_counted() {
    check(100_000, Limits { keys: 60_000, ..Limits::default() });
}

#[test]
#[ignore = "holds ten million strings: 1.3 GB; in release some ten seconds"]
fn ten_million_keys_meet_the_default_limit() {
    check(10_000_000, Limits::default());
}
