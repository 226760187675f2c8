//! What a person is told whose pipeline cannot run: the line, what was found, what would fit.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
#![cfg(not(target_arch = "wasm32"))]

use expect_test::{Expect, expect};
use kappascope_core::Spec;

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

#[test]
fn good_pipeline_is_read_and_written_back() {
    let spec = Spec::from_toml(GOOD).unwrap();
    assert_eq!(Spec::from_toml(&spec.to_toml()).unwrap(), spec);
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
            "line 13: unknown field `latenes`, expected one of `name`, `by`, `window`, `lateness`, `aggregates`"
        ],
    );
    check(
        r#"kind = "zscore""#,
        r#"kind = "zzscore""#,
        expect!["line 18: unknown variant `zzscore`, expected `zscore`"],
    );
    check(
        r#"{ tumbling = "1m" }"#,
        r#"{ sliding = "1m" }"#,
        expect!["line 12: unknown field `sliding`, expected `tumbling` or `offset`"],
    );
    check(
        "count()",
        "median(ms)",
        expect![
            "line 14: no aggregate `median(ms)`; there are `count()` and `sum`, `min`, `max`, `avg` of a measure, such as `avg(value)`"
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
            "line 17: detector[0].on: no series `per_minute.max(ms)`; there are `per_minute.count()`, `per_minute.avg(ms)`"
        ],
    );
    check(
        r#"when = "slow""#,
        r#"when = "fast""#,
        expect!["line 23: alert[0].when: no detector `fast`; there are `slow`"],
    );
    check(r#"name = "slow_page""#, r#"name = """#, expect!["line 22: alert[0].name: an empty name"]);
    check(
        "[[alert]]",
        "[[detector]]\nname = 'slow'\non = 'per_minute.count()'\nkind = 'zscore'\nwindow = 3\nthreshold = 1.0\n[[alert]]",
        expect!["line 22: detector[1].name: `slow` is taken by another detector; names are unique"],
    );
}
