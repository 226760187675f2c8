//! What passes, what is refused with which words, and the filter against two oracles: a naive evaluator
//! of one row for the meaning, `sqlparser`'s own expression parser for the form.

use super::{Filter, MAX_BYTES, MAX_DEPTH};
use crate::log::Log;
use crate::spec::Schema;

const AT: i64 = 1_767_571_200_000; // 2026-01-05 00:00:00 UTC

fn schema(keys: &[&str], measures: &[&str]) -> Schema {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Schema {
        time: "at".to_owned(),
        time_format: None,
        arrival: None,
        partition: None,
        partitions: 1,
        keys: owned(keys),
        measures: owned(measures),
    }
}

fn shop() -> Schema {
    schema(&["page", "User", "user"], &["ms", "n", "avg(ms)", "Ms2", "mS2"])
}

/// ```text
///   row  at       page   User    user   ms     n
///   0    AT       home   Ann     ann    10.5   0
///   1    AT+1s    cart   Bob     bob    −3     1
///   2    AT+2s    home   Ann     bob    0      2
///   3    AT+1s    50%    Änne    x_y    1e300  3
///   4    AT−1ms          O'Neil  a\b    2.5    4
/// ```
fn shop_log() -> Log {
    let mut log = Log::new(&shop());
    for (time, keys, ms, n) in [
        (AT, ["home", "Ann", "ann"], 10.5, 0.0),
        (AT + 1_000, ["cart", "Bob", "bob"], -3.0, 1.0),
        (AT + 2_000, ["home", "Ann", "bob"], 0.0, 2.0),
        (AT + 1_000, ["50%", "Änne", "x_y"], 1e300, 3.0),
        (AT - 1, ["", "O'Neil", "a\\b"], 2.5, 4.0),
    ] {
        let keys = [log.intern(0, keys[0]), log.intern(1, keys[1]), log.intern(2, keys[2])];
        log.append(time, AT, 0, &keys, &[ms, n, ms * 10.0, 1.0, 2.0]);
    }
    log
}

fn rows_of(text: &str) -> Vec<u32> {
    let mut filter = Filter::compile(text, &shop()).unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut rows = vec![77];
    filter.select(&shop_log().read(0, usize::MAX), &mut rows);
    rows
}

const ALL: &[u32] = &[0, 1, 2, 3, 4];

#[track_caller]
fn check(cases: &[(&str, &[u32])]) {
    for (text, rows) in cases {
        assert_eq!(rows_of(text), *rows, "{text}");
    }
}

#[test]
fn columns_by_name() {
    check(&[
        ("page = 'home'", &[0, 2]),
        ("'home' = page", &[0, 2]),
        ("PAGE = 'home'", &[0, 2]),
        ("\"page\" = 'home'", &[0, 2]),
        ("user = 'bob'", &[1, 2]),
        ("User = 'Bob'", &[1]),
        ("\"User\" = 'Bob'", &[1]),
        ("\"avg(ms)\" > 80", &[0, 3]),
        ("ms > 2", &[0, 3, 4]),
        ("2 < ms", &[0, 3, 4]),
        ("at = 1767571201000", &[1, 3]),
        ("at >= TIMESTAMP '2026-01-05 00:00:01'", &[1, 2, 3]),
        ("at < timestamp '2026-01-05T01:00:00+01:00'", &[4]),
    ]);
}

#[test]
fn comparisons() {
    check(&[
        ("n = 2", &[2]),
        ("n <> 2", &[0, 1, 3, 4]),
        ("n != 2", &[0, 1, 3, 4]),
        ("n < 2", &[0, 1]),
        ("n <= 2", &[0, 1, 2]),
        ("n >= 2", &[2, 3, 4]),
        ("2 >= n", &[0, 1, 2]),
        ("ms > n", &[0, 3]),
        ("page < 'd'", &[1, 3, 4]),
        ("page >= 'home'", &[0, 2]),
        ("User <= 'Z'", &[0, 1, 2, 4]), // bytes: Ä lies after Z
        ("page = ''", &[4]),
        ("User = 'O''Neil'", &[4]),
        ("User > user", &[3]),
        ("(ms > 2) = (n > 2)", &[1, 2, 3, 4]),
        ("(ms > 2) < (n > 0)", &[1, 2]),
        ("0.0 = -0.0", ALL),
    ]);
}

#[test]
fn logic() {
    check(&[
        ("page = 'home' AND ms > 0", &[0]),
        ("page = 'home' OR ms < 0", &[0, 1, 2]),
        ("NOT page = 'home'", &[1, 3, 4]),
        ("NOT page = 'home' AND ms > 3", &[3]),
        ("NOT (page = 'home' AND ms > 3)", &[1, 2, 3, 4]),
        ("n = 0 OR n = 1 AND ms > 0", &[0]),
        ("TRUE", ALL),
        ("false", &[]),
        ("NULL", &[]),
    ]);
}

#[test]
fn arithmetic() {
    check(&[
        ("n + 1 = 3", &[2]),
        ("n - 1 - 1 = 0", &[2]),
        ("2 + 3 * n = 8", &[2]),
        ("(2 + 3) * n = 10", &[2]),
        ("-n < -3", &[4]),
        ("- - n = 4", &[4]),
        ("n / 2 = 1.5", &[3]), // not an integer division
        ("n % 2 = 1", &[1, 3]),
        ("ms % 2 = -1", &[1]), // the sign of the dividend
        ("1e3 + .5 = 1000.5", ALL),
        ("1 / n > 0.4", &[1, 2]),
        ("1 / n IS NULL", &[0]),
        ("n % n IS NULL", &[0]),
        ("ms * 1e300 IS NULL", &[3]),
        ("ms * 1e300 - ms * 1e300 IS NULL", &[3]),
        ("ms IS NULL", &[]),
        ("ms IS NOT NULL", ALL),
        ("page IS NULL", &[]),
    ]);
}

#[test]
fn lists_and_ranges() {
    check(&[
        ("page IN ('home', 'cart')", &[0, 1, 2]),
        ("page NOT IN ('home', 'cart')", &[3, 4]),
        ("n IN (1, 2 + 1, ms)", &[1, 3]),
        ("n IN (1, NULL)", &[1]),
        ("n NOT IN (1, NULL)", &[]),
        ("n BETWEEN 1 AND 3", &[1, 2, 3]),
        ("n NOT BETWEEN 1 AND 3", &[0, 4]),
        ("n BETWEEN 3 AND 1", &[]),
        ("page BETWEEN 'a' AND 'd' OR n = 0", &[0, 1]),
        ("n BETWEEN 1 AND 1 + 1 AND ms = 0", &[2]),
        ("n NOT BETWEEN 1 AND NULL", &[0]),
    ]);
}

#[test]
fn patterns() {
    check(&[
        ("page LIKE 'ho%'", &[0, 2]),
        ("page LIKE 'HO%'", &[]),
        ("page LIKE '%'", ALL),
        ("page LIKE ''", &[4]),
        ("page LIKE '%o%e'", &[0, 2]),
        ("page LIKE '____'", &[0, 1, 2]),
        ("User LIKE '_nne'", &[3]),
        ("page LIKE '%\\%'", &[3]),
        ("page LIKE '%!%' ESCAPE '!'", &[3]),
        ("user LIKE '%\\_%'", &[3]),
        ("user LIKE 'a\\%' ESCAPE ''", &[4]),
        ("page NOT LIKE '%a%'", &[0, 2, 3, 4]),
        ("page LIKE NULL", &[]),
    ]);
}

#[test]
fn functions() {
    check(&[
        ("lower(User) = 'änne'", &[3]),
        ("upper(page) = 'HOME'", &[0, 2]),
        ("lower(upper(page)) = page", ALL),
        ("lower(User) = user", &[0, 1]),
        ("LENGTH(User) = 4", &[3]),
        ("length(page) > n", &[0, 1, 2]),
        ("abs(ms) = 3", &[1]),
        ("floor(ms) = 10", &[0]),
        ("ceil(ms) = 3", &[4]),
        ("round(ms) = 2", &[4]), // half to even, as PostgreSQL rounds a double
        ("round(ms) = 10", &[0]),
        ("round(-ms) = 3", &[1]),
        ("coalesce(1 / n, -1) < 0", &[0]),
        ("coalesce(NULL, n) = 1", &[1]),
        ("coalesce(CASE WHEN n > 2 THEN page END, user) = 'bob'", &[1, 2]),
        ("coalesce(NULL, NULL) IS NULL", ALL),
        ("CASE WHEN n = 0 THEN 5 WHEN n < 2 THEN 6 ELSE 7 END = 6", &[1]),
        ("CASE WHEN n = 0 THEN 5 END IS NULL", &[1, 2, 3, 4]),
        ("upper(CASE WHEN n < 2 THEN page ELSE user END) IN ('HOME', 'BOB')", &[0, 2]),
        ("length(CASE WHEN n < 2 THEN page ELSE user END) = 3", &[2, 3, 4]),
        ("CASE WHEN n < 2 THEN page ELSE user END LIKE '%b'", &[2, 4]),
        ("CASE WHEN 1 / n > 1 THEN TRUE ELSE ms > 0 END", &[0, 3, 4]),
    ]);
}

#[test]
fn white_space_and_comments() {
    check(&[("page -- which page\n = /* of /* all */ */ 'home'", &[0, 2]), ("n=1OR n=2", &[1, 2])]);
}
