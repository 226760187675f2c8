//! Runs whose digests are written down. The same file runs natively and in WebAssembly, so that both give
//! the same bits. `UPDATE_EXPECT=1 cargo test -p kappascope-core --test golden` writes them anew.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use expect_test::{Expect, expect};
use kappascope_core::{Log, Pipeline, Spec};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const HEAD: &str = "
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
";

/// Every function, so that every way to fold and to merge is run.
const AGGREGATES: &str = "['count()', 'rate()', 'sum(v)', 'avg(w)', 'min(v)', 'max(w)', 'variance(v)', 'stddev(w)', \
    'first(v)', 'last(w)', 'p50(v)', 'p99.9(w)', 'distinct(w)', 'distinct(user)', 'top5(user)']";

/// Detectors on results and on events, rules with and without delay, a condition, and little else.
const DETECTORS: &str = "
[[query]]
name = 'per_kind'
where = \"v > -10 AND user <> 'u7'\"
by = ['kind']
window = { tumbling = '5s', offset = '1s' }
lateness = '3s'
aggregates = ['count()', 'sum(v)', 'min(v)', 'max(w)', 'avg(w)']
[[query]]
name = 'bursts'
by = ['user', 'kind']
window = { session = '3s' }
aggregates = ['max(v)']
[[detector]]
name = 'level'
on = 'per_kind.sum(v)'
kind = 'zscore'
window = 12
threshold = 2.0
[[detector]]
name = 'burst'
on = 'bursts.max(v)'
kind = 'zscore'
window = 8
threshold = 1.5
include_current = true
[[detector]]
name = 'raw'
on = 'w'
by = ['kind']
kind = 'zscore'
window = 30
threshold = 3.0
[[alert]]
name = 'high'
when = 'level'
for = '5s'
keep_firing_for = '10s'
[[alert]]
name = 'odd'
when = 'raw'
";

/// Novelty of a measure and of results, each with all its terms; the events' times step back.
const NOVELTY: &str = "
[[query]]
name = 'per_kind'
by = ['kind']
window = { tumbling = '1s' }
lateness = '1s'
aggregates = ['sum(v)']
[[detector]]
name = 'odd_sum'
on = 'per_kind.sum(v)'
kind = 'novelty'
warmup = 100
[[detector]]
name = 'odd_event'
on = 'w'
by = ['kind']
kind = 'novelty'
threshold = 0.5
rest = 0.01
";

/// Every kind, on events whose times step back.
const KINDS: [&str; 9] = [
    "'robust_zscore'\nwindow = 31\nthreshold = 3.5\nfloor = 0.5",
    "'ewma'\nalpha = 0.05\nthreshold = 2.5",
    "'seasonal'\nperiod = '20s'\nalpha = 0.1\nthreshold = 2.5",
    "'seasonal'\nalpha = 0.1\nthreshold = 2.5",
    "'cusum'\nwindow = 20\ndrift = 0.5\nthreshold = 4.0",
    "'page_hinkley'\nwindow = 20\ndrift = 0.5\nthreshold = 4.0",
    "'page_hinkley'\nalpha = 0.05\ndrift = 0.5\nthreshold = 4.0",
    "'rate_of_change'\nper = '1s'\nthreshold = 90000.0",
    "'threshold'\nabove = 3000\nbelow = 2\nhysteresis = 1",
];

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
    let mut now = -30_000;
    for _ in 0..events {
        now += numbers.below(30);
        let late = if numbers.below(50) == 0 { numbers.below(20_000) } else { numbers.below(2_500) };
        let keys = [
            log.intern(0, ["view", "click", "buy"][numbers.below(3) as usize]),
            log.intern(1, &format!("u{}", numbers.below(400))),
        ];
        let measures = [numbers.unit() * 100.0 - 20.0, libm::exp(numbers.unit() * 9.0)];
        log.append(now - late, now, numbers.below(3) as u32, &keys, &measures);
    }
    log
}

/// A pipeline with a query for each way in which a window may give results.
fn ways(window: &str) -> String {
    let mut text = HEAD.to_owned();
    let in_event_time = !window.contains("count") && !window.contains("global");
    let lateness = if in_event_time { "lateness = '1s'\n" } else { "" };
    for emit in ["'on_close'", "'on_update'", "{ every = '1500ms' }"] {
        for accumulation in ["accumulating", "discarding", "retracting"] {
            let name = format!("{}_{accumulation}", emit.replace(['\'', '{', '}', '=', ' '], ""));
            text += &format!(
                "[[query]]\nname = '{name}'\nby = ['kind']\nwindow = {window}\n{lateness}emit = {emit}\n\
                 accumulation = '{accumulation}'\naggregates = {AGGREGATES}\n"
            );
        }
    }
    text
}

/// Counters and digest of a run in blocks of one size.
fn run(pipeline: &str, seed: u64, events: u64, block: usize) -> String {
    let spec = Spec::from_toml(pipeline).unwrap();
    let log = log(&spec, seed, events);
    let mut pipeline = Pipeline::new(&spec).unwrap();
    let mut row = 0;
    while row < log.end() {
        pipeline.push(log.read(row, block));
        row = (row + block as u64).min(log.end());
    }
    pipeline.finish();
    let c = pipeline.counters();
    format!(
        "{events} events: {} filtered, {} late, {} for some\n{} results, {} anomalies, {} alerts\n{:016x}\n",
        c.filtered,
        c.late,
        c.late_for_some,
        c.windows,
        c.anomalies,
        c.alerts,
        pipeline.digest()
    )
}

/// Holds a run against what is written down, however its log is cut.
#[expect(clippy::needless_pass_by_value, reason = "as the macro gives it")]
fn check(pipeline: &str, seed: u64, events: u64, expected: Expect) {
    let whole = run(pipeline, seed, events, usize::MAX);
    for block in [1, 7, 1_000] {
        assert_eq!(run(pipeline, seed, events, block), whole, "in blocks of {block}");
    }
    expected.assert_eq(&whole);
}

#[test]
fn nothing() {
    check(
        &ways("'global'"),
        1,
        0,
        expect![[r#"
            0 events: 0 filtered, 0 late, 0 for some
            0 results, 0 anomalies, 0 alerts
            0000000000000000
        "#]],
    );
}

#[test]
fn tumbling() {
    check(
        &ways("{ tumbling = '5s', offset = '1s' }"),
        1,
        2_000,
        expect![[r#"
            2000 events: 0 filtered, 324 late, 0 for some
            6332 results, 0 anomalies, 0 alerts
            25fdba828f53ea77
        "#]],
    );
}

#[test]
fn hopping() {
    check(
        &ways("{ hopping = '6s', slide = '2s' }"),
        2,
        1_000,
        expect![[r#"
            1000 events: 0 filtered, 81 late, 45 for some
            9590 results, 0 anomalies, 0 alerts
            918a52503ea9aec1
        "#]],
    );
}

#[test]
fn hopping_where_the_slide_does_not_divide_the_size() {
    check(
        &ways("{ hopping = '5s', slide = '3s', offset = '500ms' }"),
        3,
        1_000,
        expect![[r#"
            1000 events: 0 filtered, 108 late, 9 for some
            5270 results, 0 anomalies, 0 alerts
            2e1bc557ef15bdd8
        "#]],
    );
}

#[test]
fn cumulate() {
    check(
        &ways("{ cumulate = '8s', step = '2s', offset = '3s' }"),
        4,
        1_000,
        expect![[r#"
            1000 events: 0 filtered, 45 late, 27 for some
            8348 results, 0 anomalies, 0 alerts
            7addad702939b021
        "#]],
    );
}

#[test]
fn session() {
    check(
        &ways("{ session = '80ms' }"),
        5,
        2_000,
        expect![[r#"
            2000 events: 0 filtered, 297 late, 0 for some
            10151 results, 0 anomalies, 0 alerts
            f03dc0686d07852a
        "#]],
    );
}

#[test]
fn count() {
    check(
        &ways("{ count = 70 }"),
        6,
        2_000,
        expect![[r#"
            2000 events: 0 filtered, 0 late, 0 for some
            6342 results, 0 anomalies, 0 alerts
            9663bb020dd4383d
        "#]],
    );
}

#[test]
fn count_sliding() {
    check(
        &ways("{ count = 70, slide = 15 }"),
        7,
        1_000,
        expect![[r#"
            1000 events: 0 filtered, 0 late, 0 for some
            3480 results, 0 anomalies, 0 alerts
            f3f87b7ab2387fcb
        "#]],
    );
}

#[test]
fn global() {
    check(
        &ways("'global'"),
        8,
        1_500,
        expect![[r#"
            1500 events: 0 filtered, 0 late, 0 for some
            4659 results, 0 anomalies, 0 alerts
            1c5a3513a98b4344
        "#]],
    );
}

#[test]
fn rolling() {
    let query = format!(
        "[[query]]\nname = 'q'\nby = ['kind']\nwindow = {{ rolling = '5s' }}\nlateness = '1s'\naggregates = {AGGREGATES}\n"
    );
    check(
        &format!("{HEAD}{query}"),
        9,
        2_000,
        expect![[r#"
            2000 events: 0 filtered, 47 late, 0 for some
            1953 results, 0 anomalies, 0 alerts
            d498d634564d53ea
        "#]],
    );
}

#[test]
fn detectors_and_alerts() {
    check(
        &format!("{HEAD}{DETECTORS}"),
        10,
        20_000,
        expect![[r#"
            20000 events: 2020 filtered, 520 late, 0 for some
            16877 results, 1517 anomalies, 835 alerts
            c280cf650f8da9d5
        "#]],
    );
}

#[test]
fn novelty() {
    check(
        &format!("{HEAD}{NOVELTY}"),
        11,
        40_000,
        expect![[r#"
        40000 events: 0 filtered, 643 late, 0 for some
        1835 results, 32 anomalies, 0 alerts
        2ecf782e8995cde7
    "#]],
    );
}

#[test]
fn every_kind_of_detector() {
    let detector = |(i, kind): (usize, &&str)| {
        format!("[[detector]]\nname = 'd{i}'\non = 'w'\nby = ['kind']\nkind = {kind}\n")
    };
    let detectors: String = KINDS.iter().enumerate().map(detector).collect();
    check(
        &format!("{HEAD}{detectors}"),
        11,
        6_000,
        expect![[r#"
            6000 events: 0 filtered, 0 late, 0 for some
            0 results, 4701 anomalies, 0 alerts
            cf68a024a88b4a0b
        "#]],
    );
}

#[test]
fn digest_depends_on_the_events() {
    let digest = |seed, events| run(&ways("{ tumbling = '5s' }"), seed, events, 64);
    assert_ne!(digest(1, 1_000), digest(2, 1_000));
    assert_ne!(digest(1, 1_000), digest(1, 999));
}
