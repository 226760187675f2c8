//! One list of runs whose digests are written down. The same file runs natively and in WebAssembly, so
//! that both give the same bits.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use kappascope_core::{Log, Pipeline, Spec};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const PIPELINE: &str = "
name = 'golden'
version = 1
[schema]
time = 't'
partition = 'p'
partitions = 3
keys = ['kind', 'user']
measures = ['v', 'w']
[watermark]
bound = '2s'
idle = '10s'
[[query]]
name = 'per_kind'
by = ['kind']
window = { tumbling = '5s', offset = '1s' }
lateness = '3s'
aggregates = ['count()', 'sum(v)', 'min(v)', 'max(w)', 'avg(w)']
[[query]]
name = 'per_user'
by = ['user', 'kind']
window = { tumbling = '1m' }
aggregates = ['avg(v)']
[[detector]]
name = 'level'
on = 'per_kind.sum(v)'
kind = 'zscore'
window = 12
threshold = 2.0
[[alert]]
name = 'high'
when = 'level'
for = '5s'
keep_firing_for = '10s'
";

/// SplitMix64 (Steele, Lea, Flood 2014): numbers for the test, the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> i64 {
        (self.next() % n) as i64
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn log(spec: &Spec, seed: u64, events: u64) -> Log {
    let (mut log, mut numbers) = (Log::new(&spec.schema), Numbers(seed));
    let mut now = -3_600_000;
    for _ in 0..events {
        now += numbers.below(30);
        let late = if numbers.below(50) == 0 { numbers.below(20_000) } else { numbers.below(2_500) };
        let keys = [
            log.intern(0, ["view", "click", "buy"][numbers.below(3) as usize]),
            log.intern(1, &format!("u{}", numbers.below(40))),
        ];
        let measures = [numbers.unit() * 100.0 - 20.0, libm::exp(numbers.unit() * 9.0)];
        log.append(now - late, now, numbers.below(3) as u32, &keys, &measures);
    }
    log
}

fn summary(seed: u64, events: u64, block: usize) -> String {
    let spec = Spec::from_toml(PIPELINE).unwrap();
    let log = log(&spec, seed, events);
    let mut pipeline = Pipeline::new(&spec).unwrap();
    let mut row = 0;
    while row < log.end() {
        pipeline.push(log.read(row, block));
        row = (row + block as u64).min(log.end());
    }
    pipeline.finish();
    let counters = pipeline.counters();
    format!(
        "{} {} {} {} {:016x}",
        counters.windows,
        counters.late,
        counters.anomalies,
        counters.alerts,
        pipeline.digest()
    )
}

#[test]
fn digests_are_the_same_on_every_target() {
    for (seed, events, expected) in GOLDEN {
        for block in [1, 7, 1_000, 1 << 20] {
            assert_eq!(
                summary(seed, events, block),
                expected,
                "seed {seed}, {events} events, blocks of {block}"
            );
        }
    }
}

#[test]
fn digest_depends_on_the_events() {
    assert_ne!(summary(1, 1_000, 64), summary(2, 1_000, 64));
    assert_ne!(summary(1, 1_000, 64), summary(1, 999, 64));
}

/// Seed, events; window results, late events, anomalies, alerts, digest.
const GOLDEN: [(u64, u64, &str); 4] = [
    (1, 0, "0 0 0 0 0000000000000000"),
    (1, 1_000, "209 23 0 0 0e631ee4c42501d1"),
    (2, 20_000, "913 248 13 1 781989f4e0829b0d"),
    (3, 60_000, "2572 861 41 4 d323af66cdc473f6"),
];
