//! What a person is told whose pipeline cannot run: the line, what was found, what would fit.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
#![cfg(not(target_arch = "wasm32"))]

use expect_test::{Expect, expect};
use kappascope_core::spec::{Accumulation, DetectorKind, Emission, NoveltySpec, WindowSpec};
use kappascope_core::time::LONGEST_MS;
use kappascope_core::{Millis, Spec};

const GOOD: &str = r#"name = "shop"
version = 1
[schema]
time = "at"
keys = ["page", "user"]
measures = ["ms"]
[watermark]
bound = "5s"
[[query]]
name = "per_minute"
by = ["page"]
window = { tumbling = "1m" }
lateness = "30s"
aggregates = ["count()", "avg(ms)"]
[[detector]]
name = "slow"
on = "per_minute.avg(ms)"
kind = "zscore"
window = 30
threshold = 3.0
[[alert]]
name = "slow_page"
when = "slow"
for = "2m"
"#;

/// The error that `GOOD` gives with one part of it replaced.
fn check(from: &str, to: &str, expected: Expect) {
    assert_eq!(GOOD.matches(from).count(), 1, "`{from}` stands once in the good pipeline");
    expected.assert_eq(&Spec::from_toml(&GOOD.replace(from, to)).unwrap_err().to_string());
}

const WINDOW_AND_LATENESS: &str = "{ tumbling = \"1m\" }\nlateness = \"30s\"";

/// The error that `GOOD` gives with another window, and what follows it, in place of the lateness.
fn check_window(window: &str, expected: Expect) {
    check(WINDOW_AND_LATENESS, window, expected);
}

/// `GOOD` with one part of it replaced, read, written and read again.
fn read_back(from: &str, to: &str) -> Spec {
    assert_eq!(GOOD.matches(from).count(), 1, "`{from}` stands once in the good pipeline");
    let spec = Spec::from_toml(&GOOD.replace(from, to)).unwrap();
    assert_eq!(Spec::from_toml(&spec.to_toml()).unwrap(), spec, "{to}, written as\n{}", spec.to_toml());
    spec
}

#[test]
fn windows_are_read_and_written_back() {
    use WindowSpec::{Count, Cumulate, Global, Hopping, Rolling, Session, Tumbling};
    let (s, m, h) = (|n: i64| Millis(n * 1_000), |n: i64| Millis(n * 60_000), |n: i64| Millis(n * 3_600_000));
    let none = Millis(0);
    for (text, window) in [
        ("{ tumbling = '1m' }", Tumbling { size: m(1), offset: none }),
        ("{ tumbling = '1m', offset = '59s' }", Tumbling { size: m(1), offset: s(59) }),
        ("{ hopping = '5m', slide = '10s' }", Hopping { size: m(5), slide: s(10), offset: none }),
        (
            "{ hopping = '5s', slide = '3s', offset = '2s' }",
            Hopping { size: s(5), slide: s(3), offset: s(2) },
        ),
        ("{ hopping = '1m', slide = '1m' }", Hopping { size: m(1), slide: m(1), offset: none }),
        ("{ cumulate = '1h', step = '1m' }", Cumulate { size: h(1), step: m(1), offset: none }),
        (
            "{ cumulate = '1h', step = '1m', offset = '30m' }",
            Cumulate { size: h(1), step: m(1), offset: m(30) },
        ),
        ("{ session = '10s' }", Session { gap: s(10) }),
        ("{ count = 100 }", Count { events: 100, slide: 100 }),
        ("{ count = 100, slide = 10 }", Count { events: 100, slide: 10 }),
        ("{ count = 100, slide = 100 }", Count { events: 100, slide: 100 }),
        ("{ rolling = '1m' }", Rolling { duration: m(1) }),
        ("'global'", Global),
        // The longest that there is.
        ("{ tumbling = '366000d' }", Tumbling { size: Millis(LONGEST_MS), offset: none }),
    ] {
        assert_eq!(read_back(WINDOW_AND_LATENESS, text).query[0].window, window, "{text}");
    }
}

#[test]
fn results_are_read_and_written_back() {
    for (text, emit) in [
        ("'on_close'", Emission::OnClose),
        ("'on_update'", Emission::OnUpdate),
        ("{ every = '90s' }", Emission::Every(Millis(90_000))),
    ] {
        let text = format!("emit = {text}\nlateness");
        assert_eq!(read_back("lateness", &text).query[0].emit, emit);
    }
    for (text, accumulation) in [
        ("accumulating", Accumulation::Accumulating),
        ("discarding", Accumulation::Discarding),
        ("retracting", Accumulation::Retracting),
    ] {
        let text = format!("accumulation = '{text}'\nlateness");
        assert_eq!(read_back("lateness", &text).query[0].accumulation, accumulation);
    }
}

#[test]
fn the_rest_is_read_and_written_back() {
    assert_eq!(read_back("version = 1", "version = 4294967295").version, u32::MAX);
    let filtered = read_back("lateness", "where = \"page <> 'x' AND ms > 2\"\nlateness");
    assert_eq!(filtered.query[0].filter.as_deref(), Some("page <> 'x' AND ms > 2"));
    let aggregates = "count() rate() sum(ms) avg(ms) min(ms) max(ms) variance(ms) stddev(ms) first(ms) last(ms) p50(ms) \
                      p99.9(ms) p0.01(ms) distinct(ms) distinct(user) top1(user) top100(page)";
    let list = aggregates.split(' ').map(|aggregate| format!("'{aggregate}'")).collect::<Vec<_>>().join(", ");
    let spec = read_back("\"count()\", \"avg(ms)\"", &list);
    let written: Vec<String> = spec.query[0].aggregates.iter().map(ToString::to_string).collect();
    assert_eq!(written.join(" "), aggregates);
    let detector = read_back(
        "\"per_minute.avg(ms)\"",
        "'ms'\nby = ['user', 'page']\nmin_points = 4\ninclude_current = true",
    );
    let DetectorKind::Zscore(zscore) = &detector.detector[0].kind else { panic!("{detector:?}") };
    assert_eq!((detector.detector[0].by.len(), zscore.min_points), (2, Some(4)));
    let alone = GOOD.find("[[query]]").unwrap()..GOOD.find("[[detector]]").unwrap();
    let mut text = GOOD.replace("per_minute.avg(ms)", "ms");
    text.replace_range(alone, "");
    let spec = Spec::from_toml(&text).unwrap();
    assert_eq!(Spec::from_toml(&spec.to_toml()).unwrap(), spec, "a detector needs no query");
}

#[test]
fn windows_that_are_none() {
    check_window(
        "'session'",
        expect![[
            r#"line 12: no window `session`; a window is one of `{ tumbling = "1m" }`, `{ hopping = "5m", slide = "10s" }`, `{ cumulate = "1h", step = "1m" }`, `{ session = "10s" }`, `{ count = 100 }`, `{ rolling = "1m" }`, `"global"`"#
        ]],
    );
    check_window(
        "5",
        expect![[
            r#"line 12: invalid type: integer `5`, expected one of `{ tumbling = "1m" }`, `{ hopping = "5m", slide = "10s" }`, `{ cumulate = "1h", step = "1m" }`, `{ session = "10s" }`, `{ count = 100 }`, `{ rolling = "1m" }`, `"global"`"#
        ]],
    );
    check_window(
        "{}",
        expect![[
            r#"line 12: a window is one of `{ tumbling = "1m" }`, `{ hopping = "5m", slide = "10s" }`, `{ cumulate = "1h", step = "1m" }`, `{ session = "10s" }`, `{ count = 100 }`, `{ rolling = "1m" }`, `"global"`"#
        ]],
    );
    check_window(
        "{ offset = '1s' }",
        expect![[
            r#"line 12: a window is one of `{ tumbling = "1m" }`, `{ hopping = "5m", slide = "10s" }`, `{ cumulate = "1h", step = "1m" }`, `{ session = "10s" }`, `{ count = 100 }`, `{ rolling = "1m" }`, `"global"`"#
        ]],
    );
    check_window(
        "{ tumbling = '1m', session = '1m' }",
        expect![[
            r#"line 12: a window is one of `{ tumbling = "1m" }`, `{ hopping = "5m", slide = "10s" }`, `{ cumulate = "1h", step = "1m" }`, `{ session = "10s" }`, `{ count = 100 }`, `{ rolling = "1m" }`, `"global"`"#
        ]],
    );
    check_window(
        "{ tumbling = '1m', slide = '1m' }",
        expect![[
            r#"line 12: `slide` does not belong here; a window is one of `{ tumbling = "1m" }`, `{ hopping = "5m", slide = "10s" }`, `{ cumulate = "1h", step = "1m" }`, `{ session = "10s" }`, `{ count = 100 }`, `{ rolling = "1m" }`, `"global"`"#
        ]],
    );
    check_window(
        "{ tumbling = '1m', step = '1m' }",
        expect![[
            r#"line 12: `step` does not belong here; a window is one of `{ tumbling = "1m" }`, `{ hopping = "5m", slide = "10s" }`, `{ cumulate = "1h", step = "1m" }`, `{ session = "10s" }`, `{ count = 100 }`, `{ rolling = "1m" }`, `"global"`"#
        ]],
    );
    check_window(
        "{ hopping = '1m' }",
        expect![[r#"line 12: hopping windows need a `slide`, such as `slide = "10s"`"#]],
    );
    check_window(
        "{ hopping = '1m', slide = 5 }",
        expect![[r#"line 12: the slide of a hopping window is a duration, such as `slide = "10s"`"#]],
    );
    check_window(
        "{ hopping = '1m', slide = '1s', step = '1s' }",
        expect![[
            r#"line 12: `step` does not belong here; a window is one of `{ tumbling = "1m" }`, `{ hopping = "5m", slide = "10s" }`, `{ cumulate = "1h", step = "1m" }`, `{ session = "10s" }`, `{ count = 100 }`, `{ rolling = "1m" }`, `"global"`"#
        ]],
    );
    check_window(
        "{ cumulate = '1m' }",
        expect![[r#"line 12: cumulating windows need a `step`, such as `step = "1m"`"#]],
    );
    check_window(
        "{ cumulate = '1m', slide = '1s' }",
        expect![[r#"line 12: cumulating windows need a `step`, such as `step = "1m"`"#]],
    );
    check_window(
        "{ cumulate = '1m', step = '1s', slide = '1s' }",
        expect![[
            r#"line 12: `slide` does not belong here; a window is one of `{ tumbling = "1m" }`, `{ hopping = "5m", slide = "10s" }`, `{ cumulate = "1h", step = "1m" }`, `{ session = "10s" }`, `{ count = 100 }`, `{ rolling = "1m" }`, `"global"`"#
        ]],
    );
    check_window(
        "{ session = '1m', offset = '1s' }",
        expect![[
            r#"line 12: `offset` does not belong here; a window is one of `{ tumbling = "1m" }`, `{ hopping = "5m", slide = "10s" }`, `{ cumulate = "1h", step = "1m" }`, `{ session = "10s" }`, `{ count = 100 }`, `{ rolling = "1m" }`, `"global"`"#
        ]],
    );
    check_window(
        "{ count = 5, slide = '1s' }",
        expect!["line 12: the slide of a count window is a number of events, such as `slide = 10`"],
    );
    check_window(
        "{ count = 5, step = '1s' }",
        expect![[
            r#"line 12: `step` does not belong here; a window is one of `{ tumbling = "1m" }`, `{ hopping = "5m", slide = "10s" }`, `{ cumulate = "1h", step = "1m" }`, `{ session = "10s" }`, `{ count = 100 }`, `{ rolling = "1m" }`, `"global"`"#
        ]],
    );
    check_window(
        "{ count = 5, offset = '1s' }",
        expect![[
            r#"line 12: `offset` does not belong here; a window is one of `{ tumbling = "1m" }`, `{ hopping = "5m", slide = "10s" }`, `{ cumulate = "1h", step = "1m" }`, `{ session = "10s" }`, `{ count = 100 }`, `{ rolling = "1m" }`, `"global"`"#
        ]],
    );
    check_window("{ count = '5' }", expect![[r#"line 12: invalid type: string "5", expected u32"#]]);
    check_window("{ count = -5 }", expect!["line 12: invalid value: integer `-5`, expected u32"]);
    check_window(
        "{ count = 5, slide = -1 }",
        expect!["line 12: a slide of -1 events; 1 to 4294967295 would fit"],
    );
    check_window(
        "{ count = 5, slide = 4294967296 }",
        expect!["line 12: a slide of 4294967296 events; 1 to 4294967295 would fit"],
    );
    check_window(
        "{ count = 5, slide = 1.5 }",
        expect![[
            r#"line 12: invalid type: floating point `1.5`, expected a duration such as `"10s"`, or a number of events with `count`"#
        ]],
    );
    check_window(
        "{ rolling = '1m', slide = '1s' }",
        expect![[
            r#"line 12: `slide` does not belong here; a window is one of `{ tumbling = "1m" }`, `{ hopping = "5m", slide = "10s" }`, `{ cumulate = "1h", step = "1m" }`, `{ session = "10s" }`, `{ count = 100 }`, `{ rolling = "1m" }`, `"global"`"#
        ]],
    );
    check_window("{ tumbling = 60 }", expect!["line 12: invalid type: integer `60`, expected a string"]);
}

#[test]
fn windows_out_of_range() {
    check_window(
        "{ hopping = '0s', slide = '1s' }",
        expect!["line 12: query[0].window.hopping: a window of no length; at least `1ms`"],
    );
    check_window(
        "{ hopping = '1m', slide = '0s' }",
        expect!["line 12: query[0].window.slide: a window of no length; at least `1ms`"],
    );
    check_window(
        "{ hopping = '1m', slide = '61s' }",
        expect![
            "line 12: query[0].window.slide: a slide of 61s leaves gaps between windows of 1m; at most the size"
        ],
    );
    check_window(
        "{ hopping = '1m', slide = '10s', offset = '10s' }",
        expect![
            "line 12: query[0].window.offset: an offset of 10s needs to be below the window's slide, 10s"
        ],
    );
    check_window(
        "{ hopping = '10001ms', slide = '1ms' }",
        expect![
            "line 12: query[0].window: windows share their events in panes of 1ms, and one would be made of 10001; at most 10000"
        ],
    );
    check_window(
        "{ hopping = '1d', slide = '7001ms' }",
        expect![
            "line 12: query[0].window: windows share their events in panes of 1ms, and one would be made of 86400000; at most 10000"
        ],
    );
    check_window(
        "{ cumulate = '0s', step = '1s' }",
        expect!["line 12: query[0].window.cumulate: a window of no length; at least `1ms`"],
    );
    check_window(
        "{ cumulate = '1m', step = '0s' }",
        expect!["line 12: query[0].window.step: a window of no length; at least `1ms`"],
    );
    check_window(
        "{ cumulate = '1m', step = '7s' }",
        expect!["line 12: query[0].window.step: a step of 7s does not divide the size, 1m"],
    );
    check_window(
        "{ cumulate = '1m', step = '2m' }",
        expect!["line 12: query[0].window.step: a step of 2m does not divide the size, 1m"],
    );
    check_window(
        "{ cumulate = '1m', step = '10s', offset = '1m' }",
        expect!["line 12: query[0].window.offset: an offset of 1m needs to be below the window's size, 1m"],
    );
    check_window(
        "{ cumulate = '10001ms', step = '1ms' }",
        expect![
            "line 12: query[0].window: windows share their events in panes of 1ms, and one would be made of 10001; at most 10000"
        ],
    );
    check_window(
        "{ session = '0s' }",
        expect!["line 12: query[0].window.session: a window of no length; at least `1ms`"],
    );
    check_window(
        "{ count = 0 }",
        expect!["line 12: query[0].window.count: a window of 0 events; 1 to 1000000 would fit"],
    );
    check_window(
        "{ count = 1000001 }",
        expect!["line 12: query[0].window.count: a window of 1000001 events; 1 to 1000000 would fit"],
    );
    check_window(
        "{ count = 5, slide = 0 }",
        expect!["line 12: query[0].window.slide: a slide of 0 events; 1 to the window's 5 would fit"],
    );
    check_window(
        "{ count = 5, slide = 6 }",
        expect!["line 12: query[0].window.slide: a slide of 6 events; 1 to the window's 5 would fit"],
    );
    check_window(
        "{ rolling = '0s' }",
        expect!["line 12: query[0].window.rolling: a window of no length; at least `1ms`"],
    );
    for most in
        ["{ hopping = '10s', slide = '1ms' }", "{ cumulate = '10s', step = '1ms' }", "{ count = 1000000 }"]
    {
        read_back(WINDOW_AND_LATENESS, most);
    }
}

#[test]
fn results_that_do_not_fit() {
    check(
        "lateness",
        "emit = 'on_change'\nlateness",
        expect![[
            r#"line 13: no emission `on_change`; `emit` is one of `"on_close"`, `"on_update"`, `{ every = "1s" }`"#
        ]],
    );
    check(
        "lateness",
        "emit = 1\nlateness",
        expect![[
            r#"line 13: invalid type: integer `1`, expected one of `"on_close"`, `"on_update"`, `{ every = "1s" }`"#
        ]],
    );
    check(
        "lateness",
        "emit = { each = '1s' }\nlateness",
        expect!["line 13: unknown field `each`, expected `every`"],
    );
    check("lateness", "emit = {}\nlateness", expect!["line 13: missing field `every`"]);
    check(
        "lateness",
        "emit = { every = '0s' }\nlateness",
        expect!["line 13: query[0].emit: every no time at all; at least `1ms`"],
    );
    check(
        "lateness",
        "accumulation = 'summing'\nlateness",
        expect![
            "line 13: unknown variant `summing`, expected one of `accumulating`, `discarding`, `retracting`"
        ],
    );
    check_window(
        "{ count = 5 }\nlateness = '1ms'",
        expect![
            "line 13: query[0].lateness: no event is late for a window without event time; leave `lateness` out"
        ],
    );
    check_window(
        "'global'\nlateness = '1ms'",
        expect![
            "line 13: query[0].lateness: no event is late for a window without event time; leave `lateness` out"
        ],
    );
    check_window(
        "{ rolling = '1m' }\nemit = 'on_update'",
        expect!["line 13: query[0].emit: a rolling window gives a result with each event; leave `emit` out"],
    );
    check_window(
        "{ rolling = '1m' }\nemit = { every = '1s' }",
        expect!["line 13: query[0].emit: a rolling window gives a result with each event; leave `emit` out"],
    );
    check_window(
        "{ rolling = '1m' }\naccumulation = 'retracting'",
        expect![
            "line 13: query[0].accumulation: a rolling window gives one result an event; leave `accumulation` out"
        ],
    );
}

#[test]
fn aggregates() {
    let aggregate = |text: &str, expected: Expect| check("avg(ms)\"]", &format!("{text}\"]"), expected);
    aggregate(
        "p100(ms)",
        expect![
            "line 14: no aggregate `p100(ms)`; there are `count()`, `rate()`, and of a column `sum`, `avg`, `min`, `max`, `variance`, `stddev`, `first`, `last`, `distinct`, `p50` (any percentile), `top5` (up to 100), such as `avg(value)`"
        ],
    );
    aggregate(
        "top101(user)",
        expect![
            "line 14: no aggregate `top101(user)`; there are `count()`, `rate()`, and of a column `sum`, `avg`, `min`, `max`, `variance`, `stddev`, `first`, `last`, `distinct`, `p50` (any percentile), `top5` (up to 100), such as `avg(value)`"
        ],
    );
    aggregate(
        "count(ms)",
        expect![
            "line 14: no aggregate `count(ms)`; there are `count()`, `rate()`, and of a column `sum`, `avg`, `min`, `max`, `variance`, `stddev`, `first`, `last`, `distinct`, `p50` (any percentile), `top5` (up to 100), such as `avg(value)`"
        ],
    );
    aggregate(
        "sum(user)",
        expect!["line 14: query[0].aggregates[1]: no measure `user`; the schema's measures are `ms`"],
    );
    aggregate(
        "p50(user)",
        expect!["line 14: query[0].aggregates[1]: no measure `user`; the schema's measures are `ms`"],
    );
    aggregate(
        "top3(ms)",
        expect!["line 14: query[0].aggregates[1]: no key column `ms`; the schema's keys are `page`, `user`"],
    );
    aggregate(
        "distinct(who)",
        expect!["line 14: query[0].aggregates[1]: no column `who`; the schema has `page`, `user`, `ms`"],
    );
    check(
        r#"aggregates = ["count()", "avg(ms)"]"#,
        "aggregates = []",
        expect!["line 14: query[0].aggregates: nothing to compute; `count()` would fit"],
    );
    aggregate(
        "count()",
        expect!["line 14: query[0].aggregates[1]: `count()` stands there twice; once would fit"],
    );
    check(r#"aggregates = ["count()", "avg(ms)"]"#, "", expect!["line 9: missing field `aggregates`"]);
}

#[test]
fn conditions() {
    check(
        "lateness",
        "where = 'page = 5'\nlateness",
        expect!["line 13: query[0].where: column 8: `5` is a number, but `page` is text; '5' would fit"],
    );
    check(
        "lateness",
        "where = 'size > 5'\nlateness",
        expect!["line 13: query[0].where: column 1: no column `size`; there are `at`, `page`, `user`, `ms`"],
    );
    check(
        "lateness",
        "where = ''\nlateness",
        expect![
            "line 13: query[0].where: column 1: found the end; a column, number, 'text', TIMESTAMP 'text', TRUE, FALSE, NULL, NOT, CASE WHEN, function or `(` would fit"
        ],
    );
}

#[test]
fn detectors() {
    check(
        "\"per_minute.avg(ms)\"",
        "'per_minute'",
        expect![
            "line 17: detector[0].on: no series `per_minute`; there are `per_minute.count()`, `per_minute.avg(ms)`, `ms`"
        ],
    );
    check(
        "\"per_minute.avg(ms)\"",
        "'page'",
        expect![
            "line 17: detector[0].on: no series `page`; there are `per_minute.count()`, `per_minute.avg(ms)`, `ms`"
        ],
    );
    check(
        "\"per_minute.avg(ms)\"",
        "'ms'\nby = ['ms']",
        expect!["line 18: detector[0].by: no key column `ms`; the schema's keys are `page`, `user`"],
    );
    check(
        "\"per_minute.avg(ms)\"",
        "'per_minute.avg(ms)'\nby = ['page']",
        expect![
            "line 18: detector[0].by: the series of `per_minute` have its keys; only a detector on a measure has its own"
        ],
    );
    let good = GOOD
        .replace("\"count()\", ", "\"top3(user)\", ")
        .replace("per_minute.avg(ms)", "per_minute.top3(user)");
    expect!["line 17: detector[0].on: `per_minute.top3(user)` is a list; a detector reads numbers"]
        .assert_eq(&Spec::from_toml(&good).unwrap_err().to_string());
    check(
        "window = 30",
        "window = 10001",
        expect!["line 19: detector[0].window: a window of 10001 points; 2 to 10000 would fit"],
    );
    check(
        "window = 30",
        "window = 30\nmin_points = 1",
        expect!["line 20: detector[0].min_points: 1 points; 2 to the window, 30, would fit"],
    );
    check(
        "threshold = 3.0",
        "threshold = inf",
        expect!["line 20: detector[0].threshold: a threshold of inf; a number above 0 would fit"],
    );
}

/// The detector's settings in `GOOD`.
const ZSCORE: &str = "kind = \"zscore\"\nwindow = 30\nthreshold = 3.0";

/// Settings of each kind that do not fit, in place of those of the z-score.
#[test]
fn settings_of_detectors() {
    let settings = |text: &str, expected| check(ZSCORE, text, expected);
    settings(
        "kind = 'ewma'\nalpha = 1\nthreshold = 3",
        expect!["line 19: detector[0].alpha: an alpha of 1; a number above 0 and below 1 would fit"],
    );
    settings(
        "kind = 'seasonal'\nalpha = 0\nthreshold = 3",
        expect!["line 19: detector[0].alpha: an alpha of 0; a number above 0 and below 1 would fit"],
    );
    settings("kind = 'seasonal'\nthreshold = 3", expect!["line 15: missing field `alpha`"]);
    settings(
        "kind = 'robust_zscore'\nwindow = 30\nthreshold = 3\nfloor = -1",
        expect!["line 21: detector[0].floor: -1; 0 or a number above it would fit"],
    );
    settings(
        "kind = 'ewma'\nalpha = 0.1\nthreshold = 3\nmin_points = 1",
        expect!["line 21: detector[0].min_points: 1 points; 2 or more would fit"],
    );
    settings(
        "kind = 'seasonal'\nalpha = 0.1\nthreshold = 3\nperiod = '0s'",
        expect!["line 21: detector[0].period: a period of no length; at least `1ms`, or leave `period` out"],
    );
    settings(
        "kind = 'cusum'\nwindow = 30\ndrift = -0.5\nthreshold = 3",
        expect!["line 20: detector[0].drift: -0.5; 0 or a number above it would fit"],
    );
    settings("kind = 'cusum'\nwindow = 30\nthreshold = 3", expect!["line 15: missing field `drift`"]);
    settings(
        "kind = 'page_hinkley'\ndrift = 0.5\nthreshold = 3",
        expect!["line 18: detector[0].kind: the past has no length; `window` or `alpha` would fit"],
    );
    settings(
        "kind = 'page_hinkley'\nalpha = 0.1\nwindow = 9\ndrift = 0.5\nthreshold = 3",
        expect!["line 19: detector[0].alpha: both `alpha` and `window`; one of them would fit"],
    );
    settings(
        "kind = 'rate_of_change'\nthreshold = 1e7",
        expect![
            "line 19: detector[0].threshold: a threshold of 10000000, and a score is at most 1000000; a shorter `per` would fit"
        ],
    );
    settings(
        "kind = 'rate_of_change'\nthreshold = 1\nper = '0s'",
        expect!["line 20: detector[0].per: a rate for no time; at least `1ms` would fit"],
    );
    settings(
        "kind = 'threshold'",
        expect!["line 18: detector[0].kind: no limit; `above`, `below` or both would fit"],
    );
    settings(
        "kind = 'threshold'\nabove = inf",
        expect!["line 19: detector[0].above: a limit of inf; a number would fit"],
    );
    settings(
        "kind = 'threshold'\nabove = 1\nbelow = 2",
        expect![
            "line 20: detector[0].below: no value lies between the limits; `below` at most `above` would fit"
        ],
    );
    settings(
        "kind = 'threshold'\nabove = 4\nbelow = 2\nhysteresis = 3",
        expect!["line 21: detector[0].hysteresis: 3 is more than the limits are apart; at most 2"],
    );
    settings(
        "kind = 'threshold'\nabove = 4\nthreshold = 2",
        expect!["line 18: unknown field `threshold`, expected one of `above`, `below`, `hysteresis`"],
    );
}

#[test]
fn kinds_are_read_and_written_back() {
    for text in [
        "kind = 'robust_zscore'\nwindow = 30\nthreshold = 3.5\nfloor = 0.5",
        "kind = 'ewma'\nalpha = 0.1\nthreshold = 3\nmin_points = 4",
        "kind = 'seasonal'\nperiod = '1d'\nalpha = 0.1\nthreshold = 3",
        "kind = 'cusum'\nwindow = 30\ndrift = 0\nthreshold = 4",
        "kind = 'page_hinkley'\nwindow = 30\ndrift = 0.5\nthreshold = 4",
        "kind = 'page_hinkley'\nalpha = 0.1\ndrift = 0.5\nthreshold = 4",
        "kind = 'rate_of_change'\nper = '1h'\nthreshold = 4",
        "kind = 'threshold'\nbelow = -1\nhysteresis = 0.5",
    ] {
        let mut kind = read_back(ZSCORE, text).detector[0].kind.clone();
        kind.set_window(50);
        let has = |field: &str| text.contains(&format!("\n{field} = "));
        assert_eq!(kind.window(), has("window").then_some(50), "{text}");
        assert_eq!(kind.threshold().is_some(), has("threshold"), "{text}");
    }
}

#[test]
fn a_pipeline_of_nothing() {
    let nothing = "name = 'n'\nversion = 1\nschema = { time = 't' }\n";
    expect!["query: a pipeline needs at least one query"]
        .assert_eq(&Spec::from_toml(nothing).unwrap_err().to_string());
    expect!["line 1: missing field `name`"].assert_eq(&Spec::from_toml("").unwrap_err().to_string());
    expect!["line 1: invalid type: integer `1`, expected a string"]
        .assert_eq(&Spec::from_toml("name = 1").unwrap_err().to_string());
}

#[test]
fn columns_that_are_not_there() {
    check(
        r#"by = ["page"]"#,
        r#"by = ["pages"]"#,
        expect!["line 11: query[0].by[0]: no key column `pages`; the schema's keys are `page`, `user`"],
    );
    check(
        "avg(ms)\"]",
        "avg(time)\"]",
        expect!["line 14: query[0].aggregates[1]: no measure `time`; the schema's measures are `ms`"],
    );
    check(
        r#"measures = ["ms"]"#,
        r#"measures = []"#,
        expect!["line 14: query[0].aggregates[1]: no measure `ms`; there is none"],
    );
    check(
        r#"measures = ["ms"]"#,
        r#"measures = ["page"]"#,
        expect!["line 6: schema.measures[0]: column `page` is named twice; a column has one role"],
    );
}

#[test]
fn unknown_fields_and_forms() {
    check(
        "lateness",
        "latenes",
        expect![
            "line 13: unknown field `latenes`, expected one of `name`, `where`, `by`, `window`, `lateness`, `emit`, `accumulation`, `aggregates`"
        ],
    );
    check(
        r#"kind = "zscore""#,
        r#"kind = "zzscore""#,
        expect![
            "line 18: unknown variant `zzscore`, expected one of `zscore`, `novelty`, `robust_zscore`, `ewma`, `seasonal`, `cusum`, `page_hinkley`, `rate_of_change`, `absence`, `threshold`"
        ],
    );
    check(
        "threshold",
        "treshold",
        expect![
            "line 20: unknown field `treshold`, expected one of `window`, `threshold`, `min_points`, `include_current`"
        ],
    );
    check(
        r#"{ tumbling = "1m" }"#,
        r#"{ sliding = "1m" }"#,
        expect![
            "line 12: unknown field `sliding`, expected one of `tumbling`, `hopping`, `cumulate`, `session`, `count`, `rolling`, `slide`, `step`, `offset`"
        ],
    );
    check(
        "count()",
        "median(ms)",
        expect![
            "line 14: no aggregate `median(ms)`; there are `count()`, `rate()`, and of a column `sum`, `avg`, `min`, `max`, `variance`, `stddev`, `first`, `last`, `distinct`, `p50` (any percentile), `top5` (up to 100), such as `avg(value)`"
        ],
    );
    check(
        "version = 1",
        "version =",
        expect!["line 2: string values must be quoted, expected literal string"],
    );
    check("version = 1", "", expect!["line 1: missing field `version`"]);
}

#[test]
fn durations() {
    check(
        r#""5s""#,
        r#""5""#,
        expect!["line 8: `5` is not a duration: a whole number and a unit (ms, s, m, h, d), such as `5s`"],
    );
    check(
        r#""5s""#,
        r#""five seconds""#,
        expect![
            "line 8: `five seconds` is not a duration: a whole number and a unit (ms, s, m, h, d), such as `5s`"
        ],
    );
    check(
        r#""5s""#,
        r#""-5s""#,
        expect!["line 8: `-5s` is not a duration: a whole number and a unit (ms, s, m, h, d), such as `5s`"],
    );
    check(
        r#""5s""#,
        r#""99999999999999999999d""#,
        expect!["line 8: `99999999999999999999d` is too long: at most 366000d"],
    );
    check(
        r#""5s""#,
        r#""s""#,
        expect!["line 8: `s` is not a duration: it needs a whole number before `s`, such as `5s`"],
    );
    check(r#""5s""#, r#""999999999d""#, expect!["line 8: `999999999d` is too long: at most 366000d"]);
    check(
        r#"tumbling = "1m""#,
        r#"tumbling = "0s""#,
        expect!["line 12: query[0].window.tumbling: a window of no length; at least `1ms`"],
    );
    check(
        r#"tumbling = "1m""#,
        r#"tumbling = "1m", offset = "1m""#,
        expect!["line 12: query[0].window.offset: an offset of 1m needs to be below the window's size, 1m"],
    );
}

#[test]
fn novelty_has_defaults_and_its_numbers_have_ranges() {
    let kind = "kind = \"zscore\"\nwindow = 30\nthreshold = 3.0";
    let novelty = |settings: &str| format!("kind = \"novelty\"\n{settings}");
    let spec = read_back(kind, &novelty(""));
    assert_eq!(spec.detector[0].kind, DetectorKind::Novelty(NoveltySpec::default()));
    let spec = read_back(kind, &novelty("threshold = 1.5\nrest = 0.0\nmax_rest = 0\nwarmup = 10000"));
    let DetectorKind::Novelty(NoveltySpec { threshold, rest, max_rest, warmup }) = &spec.detector[0].kind
    else {
        panic!("{spec:?}")
    };
    assert_eq!((*threshold, *rest, *max_rest, *warmup), (1.5, 0.0, 0, 10_000));
    check(
        kind,
        &novelty("threshold = -1.0"),
        expect!["line 19: detector[0].threshold: a threshold of -1; a number above 0 would fit"],
    );
    check(
        kind,
        &novelty("rest = 1.1"),
        expect!["line 19: detector[0].rest: a rest of 1.1 of the points; 0 to 1 would fit"],
    );
    check(
        kind,
        &novelty("rest = nan"),
        expect!["line 19: detector[0].rest: a rest of NaN of the points; 0 to 1 would fit"],
    );
    check(
        kind,
        &novelty("warmup = 99"),
        expect!["line 19: detector[0].warmup: 99 points; 100 to 10000 would fit"],
    );
    check(
        kind,
        &novelty("window = 30"),
        expect!["line 19: unknown field `window`, expected one of `threshold`, `rest`, `max_rest`, `warmup`"],
    );
}

#[test]
fn numbers_out_of_range() {
    check(
        "window = 30",
        "window = 1",
        expect!["line 19: detector[0].window: a window of 1 points; 2 to 10000 would fit"],
    );
    check(
        "window = 30",
        "window = 30\nmin_points = 31",
        expect!["line 20: detector[0].min_points: 31 points; 2 to the window, 30, would fit"],
    );
    check(
        "threshold = 3.0",
        "threshold = 0.0",
        expect!["line 20: detector[0].threshold: a threshold of 0; a number above 0 would fit"],
    );
    check(
        "threshold = 3.0",
        "threshold = nan",
        expect!["line 20: detector[0].threshold: a threshold of NaN; a number above 0 would fit"],
    );
    check(
        r#"bound = "5s""#,
        r#"idle = "0s""#,
        expect![
            "line 8: watermark.idle: all partitions would be idle at once; at least `1ms`, or leave `idle` out"
        ],
    );
    check(
        "[watermark]",
        "partitions = 3\n[watermark]",
        expect!["line 7: schema.partitions: 3 partitions need `partition`, the column that says which"],
    );
    check(
        "[watermark]",
        "partition = 'p'\npartitions = 0\n[watermark]",
        expect!["line 8: schema.partitions: 0 partitions; 1 to 1024 would fit"],
    );
}

#[test]
fn names() {
    check(
        "per_minute.avg(ms)",
        "per_minute.max(ms)",
        expect![
            "line 17: detector[0].on: no series `per_minute.max(ms)`; there are `per_minute.count()`, `per_minute.avg(ms)`, `ms`"
        ],
    );
    check(
        r#"when = "slow""#,
        r#"when = "fast""#,
        expect![
            "line 23: alert[0].when: no detector `fast`; there are `slow`; a condition on a query's results begins with its name, such as `per_minute: count() > 10`"
        ],
    );
    check(
        r#"when = "slow""#,
        r#"when = "per_minute""#,
        expect![
            "line 23: alert[0].when: `per_minute` is a query and needs a condition on its results, such as `per_minute: count() > 10`"
        ],
    );
    let without_count =
        |aggregates: &str| format!("{aggregates}\n[[alert]]\nname = 'a'\nwhen = 'per_minute'");
    check(
        r#"aggregates = ["count()", "avg(ms)"]"#,
        &without_count("aggregates = ['top3(user)', 'avg(ms)']"),
        expect![
            "line 17: alert[0].when: `per_minute` is a query and needs a condition on its results, such as `per_minute: avg(ms) > 10`"
        ],
    );
    check(
        r#"when = "slow""#,
        "when = 'slow'\nmessage = 'slow {page'",
        expect!["line 24: alert[0].message: a `{` without its `}` at `{page`; `{{` would be a brace"],
    );
    check(r#"name = "slow_page""#, r#"name = """#, expect!["line 22: alert[0].name: an empty name"]);
    check(
        "[[alert]]",
        "[[detector]]\nname = 'slow'\non = 'per_minute.count()'\nkind = 'zscore'\nwindow = 3\nthreshold = 1.0\n[[alert]]",
        expect!["line 22: detector[1].name: `slow` is taken by another detector; names are unique"],
    );
}
