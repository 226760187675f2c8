//! What passes, what is refused with which words, and the filter against two oracles: a naive evaluator
//! of one row for the meaning, `sqlparser`'s own tokenizer and expression parser for the form.

#[cfg(not(target_arch = "wasm32"))]
mod oracle;
#[cfg(not(target_arch = "wasm32"))]
mod precedence;
#[cfg(not(target_arch = "wasm32"))]
mod tokens;

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
        ("lower(upper('ß')) = 'ss'", ALL),
        ("lower(upper(CASE WHEN n = 0 THEN 'ß' ELSE User END)) = 'ss'", &[0]),
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
/// Kleene's tables, as PostgreSQL's chapter on logical operators has them; constants are folded, so the
/// same is asked of expressions that change from row to row and of ones that are answered by id.
#[test]
fn null_is_neither_true_nor_false() {
    for (text, truth) in [
        ("T AND T", 'T'),
        ("T AND F", 'F'),
        ("T AND N", 'N'),
        ("F AND F", 'F'),
        ("F AND N", 'F'),
        ("N AND N", 'N'),
        ("T OR T", 'T'),
        ("T OR F", 'T'),
        ("T OR N", 'T'),
        ("F OR F", 'F'),
        ("F OR N", 'N'),
        ("N OR N", 'N'),
        ("N AND T", 'N'),
        ("N AND F", 'F'),
        ("N OR T", 'T'),
        ("N OR F", 'N'),
        ("NOT T", 'F'),
        ("NOT F", 'T'),
        ("NOT N", 'N'),
        ("T AND T AND N", 'N'),
        ("F OR N OR T", 'T'),
        ("T = T", 'T'),
        ("T = F", 'F'),
        ("T > F", 'T'),
        ("N = N", 'N'),
        ("N <> T", 'N'),
        ("N IS NULL", 'T'),
        ("N IS NOT NULL", 'F'),
        ("F IS NULL", 'F'),
        ("(N = N) IS NULL", 'T'),
        ("T IN (F, T)", 'T'),
        ("T IN (F, N)", 'N'),
        ("F IN (F, N)", 'T'),
        ("N IN (T, F)", 'N'),
        ("T NOT IN (F, N)", 'N'),
        ("T BETWEEN F AND N", 'N'),
        ("F BETWEEN T AND N", 'F'),
        ("N BETWEEN F AND T", 'N'),
        ("coalesce(N, F)", 'F'),
        ("coalesce(N, N)", 'N'),
        ("CASE WHEN N THEN F ELSE T END", 'T'),
        ("CASE WHEN N THEN T WHEN T THEN N END", 'N'),
        ("CASE WHEN F THEN T END", 'N'),
    ] {
        let forms = [
            ["TRUE", "FALSE", "NULL"],
            ["(n >= 0)", "(n < 0)", "(n / 0 = 0)"],
            ["(page = page)", "(page LIKE 'x')", "(page = CASE WHEN page = 'x' THEN 'y' END)"],
            ["(page <= page)", "(n < 0)", "NULL"],
        ];
        for forms in forms {
            let put = |text: String, (name, form): (&str, &&str)| {
                let words = text.split(' ').map(|word| match word.trim_matches(['(', ')', ',']) == name {
                    true => word.replace(name, form),
                    false => word.to_owned(),
                });
                words.collect::<Vec<_>>().join(" ")
            };
            let text =
                ["T", "F", "N"].into_iter().zip(&forms).fold(text.replace("coalesce(", "coalesce( "), put);
            let passes = |text: &str| !rows_of(text).is_empty();
            let found =
                [passes(&text), passes(&format!("NOT ({text})")), passes(&format!("({text}) IS NULL"))];
            assert_eq!(found, [truth == 'T', truth == 'F', truth == 'N'], "{text}");
        }
    }
}

#[test]
fn the_dictionary_may_grow_and_the_log_may_change() {
    let mut filter = Filter::compile("lower(page) = 'b' OR length(page) > n", &shop()).unwrap();
    let mut log = Log::new(&shop());
    let mut rows = Vec::new();
    let append = |log: &mut Log, page: &str| {
        let keys = [log.intern(0, page), log.intern(1, ""), log.intern(2, "")];
        log.append(0, 0, 0, &keys, &[0.0, 1.0, 0.0, 0.0, 0.0]);
    };
    for page in ["a", "B", "a"] {
        append(&mut log, page);
    }
    filter.select(&log.read(0, usize::MAX), &mut rows);
    assert_eq!(rows, [1]);
    for page in ["cc", "b", "a"] {
        append(&mut log, page);
    }
    filter.select(&log.read(3, usize::MAX), &mut rows);
    assert_eq!(rows, [0, 1]);

    let mut other = Log::new(&shop());
    append(&mut other, "b");
    append(&mut other, "a");
    filter.forget_log();
    filter.select(&other.read(0, usize::MAX), &mut rows);
    assert_eq!(rows, [0]);
    filter.select(&other.read(0, 0), &mut rows);
    assert!(rows.is_empty());
}

/// More rows and more strings than are evaluated at a time, cut anywhere.
#[test]
fn blocks_may_be_cut_anywhere() {
    let text = "page LIKE '%7' AND n % 3 = 0 OR user = page";
    let mut log = Log::new(&shop());
    for i in 0..5_000_u32 {
        let keys =
            [log.intern(0, &format!("p{i}")), log.intern(1, ""), log.intern(2, &format!("p{}", i / 2 * 2))];
        log.append(0, 0, 0, &keys, &[0.0, f64::from(i), 0.0, 0.0, 0.0]);
    }
    let expected: Vec<u32> = (0..5_000).filter(|i| i % 10 == 7 && i % 3 == 0 || i % 2 == 0).collect();
    for size in [1_usize, 1_023, 1_024, 1_025, 5_000] {
        let mut filter = Filter::compile(text, &shop()).unwrap();
        let (mut rows, mut found) = (Vec::new(), Vec::new());
        for start in (0..5_000).step_by(size) {
            filter.select(&log.read(start, size), &mut rows);
            found.extend(rows.iter().map(|row| row + start as u32));
        }
        assert_eq!(found, expected, "blocks of {size}");
    }
}

#[test]
fn once_warm_nothing_is_allocated() {
    let text = "page LIKE 'h%' AND ms + n > 2 OR lower(User) = user AND n IN (1, n * 2) \
                OR CASE WHEN n > 1 THEN page ELSE user END < coalesce(user, page)";
    let mut filter = Filter::compile(text, &shop()).unwrap();
    let (log, mut rows) = (shop_log(), Vec::new());
    filter.select(&log.read(0, 5), &mut rows);
    let warm = filter.program.buffers();
    for rows_at_once in [1, 3, 5] {
        filter.select(&log.read(0, rows_at_once), &mut rows);
        assert_eq!(filter.program.buffers(), warm);
    }
}

/// What a person is told: one table, so that the words can be read together.
#[test]
fn says_what_was_found_and_what_would_fit() {
    let mut told = String::new();
    for text in [
        "",
        "  ",
        "page",
        "ms + 1",
        "valeu > 0",
        "\"home\" = page",
        "\"PAGE\" = 'x'",
        "MS2 > 0",
        "arrival > 0",
        // Types.
        "page > 20",
        "20 > page",
        "ms > '20'",
        "ms = 'x'",
        "at > '2026-01-05 00:00:00'",
        "page = ms",
        "page + 1 = 2",
        "NOT page",
        "ms AND TRUE",
        "page IN ('a', 1)",
        "ms BETWEEN 1 AND 'x'",
        "-page = 1",
        "length(ms) = 1",
        "abs(page) = 1",
        "coalesce(page, ms) = 1",
        "CASE WHEN ms THEN 1 END = 1",
        "CASE WHEN TRUE THEN 1 ELSE 'x' END = 1",
        "(ms > 1) = 1",
        // Calls.
        "length(page, 1) = 1",
        "length() = 1",
        "avg(ms) > 80",
        "regexp_like(page, 'x')",
        "cast(ms AS int) = 1",
        "EXISTS (SELECT 1)",
        "count(*) OVER () > 1",
        "\"lower\"(page) = 'x'",
        // Form.
        "ms >",
        "ms > > 1",
        "ms = 1 2",
        "(ms = 1",
        "ms = 1)",
        "ms IN 1",
        "ms IN ()",
        "ms IN (1",
        "ms IN (1,)",
        "ms BETWEEN 1",
        "1 < ms < 3",
        "page LIKE 'a' LIKE 'b'",
        "ms IS 3",
        "ms IS NOT TRUE",
        "ms NOT 3",
        "AND",
        "ms = 1 AND",
        "CASE ms WHEN 1 THEN TRUE END",
        "CASE WHEN TRUE",
        "CASE WHEN TRUE THEN 1",
        "CASE WHEN TRUE THEN 1 ELSE 2 = 1",
        "page LIKE user",
        "page LIKE 'a\\'",
        "page LIKE 'a' ESCAPE 'ab'",
        "page LIKE 'a' ESCAPE user",
        "TIMESTAMP '2026-13-01' < at",
        "DATE '2026-01-01' < at",
        "INTERVAL '1 day' > ms",
        // What other dialects have.
        "ms::text = 'x'",
        "page || 'x' = 'y'",
        "page ILIKE 'x'",
        "page ~ 'x'",
        "page.name = 'x'",
        "`page` = 'x'",
        "ms = $1",
        "ms = ?",
        "page = E'x'",
        "ms ^ 2 = 4",
        "ms IS DISTINCT FROM 1",
        "ms IN (SELECT 1)",
        "ms = ANY (1)",
        "ms = 0x1F",
        "ms = 1L",
        "ms = 1e999",
        "ms = 1_000",
        "ms == 1",
        "ms > 1; DROP TABLE x",
        "ms[1] = 2",
        "page = 'abc",
        "page = \"abc",
        "/* page = 'x'",
        "page = 'x' \u{1F600}",
        "page = 'a rather long text that nobody wants to read twice' + 1",
        "page = 'x'\n  AND müs > 1",
        "page = 'ä\n\tö' AND\tx",
    ] {
        let error = Filter::compile(text, &shop()).map(|_| ()).expect_err(text);
        told += &format!("> {}\n{error}\n", text.replace('\n', "⏎"));
    }
    expect_test::expect![[r#"
        > 
        column 1: found the end; a column, number, 'text', TIMESTAMP 'text', TRUE, FALSE, NULL, NOT, CASE WHEN, function or `(` would fit
        >   
        column 3: found the end; a column, number, 'text', TIMESTAMP 'text', TRUE, FALSE, NULL, NOT, CASE WHEN, function or `(` would fit
        > page
        column 1: `page` is text; a condition would fit
        > ms + 1
        column 1: `ms + 1` is a number; a condition would fit
        > valeu > 0
        column 1: no column `valeu`; there are `at`, `page`, `User`, `user`, `ms`, `n`, `avg(ms)`, `Ms2`, `mS2`
        > "home" = page
        column 1: no column `home`; there are `at`, `page`, `User`, `user`, `ms`, `n`, `avg(ms)`, `Ms2`, `mS2`. Text is written in single quotes
        > "PAGE" = 'x'
        column 1: no column `PAGE`; there are `at`, `page`, `User`, `user`, `ms`, `n`, `avg(ms)`, `Ms2`, `mS2`. Text is written in single quotes
        > MS2 > 0
        column 1: `MS2` could be any of `Ms2`, `mS2`; the name as it is would fit
        > arrival > 0
        column 1: no column `arrival`; there are `at`, `page`, `User`, `user`, `ms`, `n`, `avg(ms)`, `Ms2`, `mS2`
        > page > 20
        column 8: `20` is a number, but `page` is text; '20' would fit
        > 20 > page
        column 6: `page` is text, but `20` is a number; '20' would fit
        > ms > '20'
        column 6: `'20'` is text, but `ms` is a number; 20 without quotes would fit
        > ms = 'x'
        column 6: `'x'` is text, but `ms` is a number; one type would fit
        > at > '2026-01-05 00:00:00'
        column 6: `'2026-01-05 00:00:00'` is text, but `at` is a number; TIMESTAMP '2026-01-05 00:00:00' would fit
        > page = ms
        column 8: `ms` is a number, but `page` is text; one type would fit
        > page + 1 = 2
        column 1: `page` is text; a number would fit
        > NOT page
        column 5: `page` is text; a condition would fit
        > ms AND TRUE
        column 1: `ms` is a number; a condition would fit
        > page IN ('a', 1)
        column 15: `1` is a number, but `page` is text; '1' would fit
        > ms BETWEEN 1 AND 'x'
        column 18: `'x'` is text, but `ms` is a number; one type would fit
        > -page = 1
        column 2: `page` is text; a number would fit
        > length(ms) = 1
        column 8: `ms` is a number; text would fit
        > abs(page) = 1
        column 5: `page` is text; a number would fit
        > coalesce(page, ms) = 1
        column 16: `ms` is a number, but `page` is text; one type would fit
        > CASE WHEN ms THEN 1 END = 1
        column 11: `ms` is a number; a condition would fit
        > CASE WHEN TRUE THEN 1 ELSE 'x' END = 1
        column 28: `'x'` is text, but `1` is a number; one type would fit
        > (ms > 1) = 1
        column 12: `1` is a number, but `(ms > 1)` is a condition; one type would fit
        > length(page, 1) = 1
        column 1: length takes one argument, found 2
        > length() = 1
        column 8: found `)`; a column, number, 'text', TIMESTAMP 'text', TRUE, FALSE, NULL, NOT, CASE WHEN, function or `(` would fit
        > avg(ms) > 80
        column 1: no function `avg`; there are abs, ceil, coalesce, floor, length, lower, round, upper
        > regexp_like(page, 'x')
        column 1: no function `regexp_like`; there are abs, ceil, coalesce, floor, length, lower, round, upper
        > cast(ms AS int) = 1
        column 1: no function `cast`; there are abs, ceil, coalesce, floor, length, lower, round, upper
        > EXISTS (SELECT 1)
        column 1: no function `EXISTS`; there are abs, ceil, coalesce, floor, length, lower, round, upper
        > count(*) OVER () > 1
        column 1: no function `count`; there are abs, ceil, coalesce, floor, length, lower, round, upper
        > "lower"(page) = 'x'
        column 8: found `(`; the end or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > ms >
        column 5: found the end; a column, number, 'text', TIMESTAMP 'text', TRUE, FALSE, NULL, NOT, CASE WHEN, function or `(` would fit
        > ms > > 1
        column 6: found `>`; a column, number, 'text', TIMESTAMP 'text', TRUE, FALSE, NULL, NOT, CASE WHEN, function or `(` would fit
        > ms = 1 2
        column 8: found `2`; the end or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > (ms = 1
        column 8: found the end; `)` or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > ms = 1)
        column 7: found `)`; the end or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > ms IN 1
        column 7: found `1`; a list, such as `('a', 'b')`, would fit
        > ms IN ()
        column 8: found `)`; a column, number, 'text', TIMESTAMP 'text', TRUE, FALSE, NULL, NOT, CASE WHEN, function or `(` would fit
        > ms IN (1
        column 9: found the end; `,`, `)` or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > ms IN (1,)
        column 10: found `)`; a column, number, 'text', TIMESTAMP 'text', TRUE, FALSE, NULL, NOT, CASE WHEN, function or `(` would fit
        > ms BETWEEN 1
        column 13: found the end; AND and the upper bound would fit
        > 1 < ms < 3
        column 8: found `<`; AND or OR, since comparisons do not chain, would fit
        > page LIKE 'a' LIKE 'b'
        column 15: found `LIKE`; AND or OR, since comparisons do not chain, would fit
        > ms IS 3
        column 7: found `3`; NULL or NOT NULL would fit
        > ms IS NOT TRUE
        column 11: found `TRUE`; NULL would fit
        > ms NOT 3
        column 4: found `NOT`; the end or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > AND
        column 1: found `AND`; a column, number, 'text', TIMESTAMP 'text', TRUE, FALSE, NULL, NOT, CASE WHEN, function or `(` would fit
        > ms = 1 AND
        column 11: found the end; a column, number, 'text', TIMESTAMP 'text', TRUE, FALSE, NULL, NOT, CASE WHEN, function or `(` would fit
        > CASE ms WHEN 1 THEN TRUE END
        column 6: found `ms`; WHEN and a condition would fit
        > CASE WHEN TRUE
        column 15: found the end; THEN or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > CASE WHEN TRUE THEN 1
        column 22: found the end; WHEN, ELSE, END or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > CASE WHEN TRUE THEN 1 ELSE 2 = 1
        column 33: found the end; WHEN, ELSE, END or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > page LIKE user
        column 11: `user` changes from row to row; LIKE takes 'text'
        > page LIKE 'a\'
        column 11: the pattern `'a\'` ends with its escape character
        > page LIKE 'a' ESCAPE 'ab'
        column 22: found `'ab'`; one character in single quotes, or none, would fit
        > page LIKE 'a' ESCAPE user
        column 22: found `user`; one character in single quotes, or none, would fit
        > TIMESTAMP '2026-13-01' < at
        column 11: found `'2026-13-01'`; a moment, such as '2026-01-05 09:30:00', would fit
        > DATE '2026-01-01' < at
        column 6: found `'2026-01-01'`; the end or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > INTERVAL '1 day' > ms
        column 10: found `'1 day'`; the end or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > ms::text = 'x'
        column 3: found `::`; the end or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > page || 'x' = 'y'
        column 6: found `||`; the end or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > page ILIKE 'x'
        column 6: found `ILIKE`; the end or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > page ~ 'x'
        column 6: found `~`; the end or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > page.name = 'x'
        column 5: found `.`; double quotes around a name with a dot in it would fit
        > `page` = 'x'
        column 1: found ```; a column, number, 'text', TIMESTAMP 'text', TRUE, FALSE, NULL, NOT, CASE WHEN, function or `(` would fit
        > ms = $1
        column 6: found `$1`; a column, number, 'text', TIMESTAMP 'text', TRUE, FALSE, NULL, NOT, CASE WHEN, function or `(` would fit
        > ms = ?
        column 6: found `?`; a column, number, 'text', TIMESTAMP 'text', TRUE, FALSE, NULL, NOT, CASE WHEN, function or `(` would fit
        > page = E'x'
        column 9: found `'x'`; the end or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > ms ^ 2 = 4
        column 4: found `^`; the end or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > ms IS DISTINCT FROM 1
        column 7: found `DISTINCT`; NULL or NOT NULL would fit
        > ms IN (SELECT 1)
        column 8: found `SELECT`; a column, number, 'text', TIMESTAMP 'text', TRUE, FALSE, NULL, NOT, CASE WHEN, function or `(` would fit
        > ms = ANY (1)
        column 6: no function `ANY`; there are abs, ceil, coalesce, floor, length, lower, round, upper
        > ms = 0x1F
        column 6: found `0x1F`; a column, number, 'text', TIMESTAMP 'text', TRUE, FALSE, NULL, NOT, CASE WHEN, function or `(` would fit
        > ms = 1L
        column 6: found `1L`; a column, number, 'text', TIMESTAMP 'text', TRUE, FALSE, NULL, NOT, CASE WHEN, function or `(` would fit
        > ms = 1e999
        column 6: found `1e999`; a number of double precision, at most 1.8e308, would fit
        > ms = 1_000
        column 7: found `_000`; the end or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > ms == 1
        column 4: found `==`; the end or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > ms > 1; DROP TABLE x
        column 7: found `;`; the end or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > ms[1] = 2
        column 3: found `[`; the end or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > page = 'abc
        column 8: a text that does not end; `'` after it would fit
        > page = "abc
        column 8: a name that does not end; `"` after it would fit
        > /* page = 'x'
        column 1: a comment that does not end; `*/` after it would fit
        > page = 'x' 😀
        column 12: found `😀`; the end or an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, [NOT] LIKE, IS [NOT] NULL) would fit
        > page = 'a rather long text that nobody wants to read twice' + 1
        column 8: `'a rather long text that nobody wants to…` is text; a number would fit
        > page = 'x'⏎  AND müs > 1
        line 2 of the expression, column 7: no column `müs`; there are `at`, `page`, `User`, `user`, `ms`, `n`, `avg(ms)`, `Ms2`, `mS2`
        > page = 'ä⏎	ö' AND	x
        line 2 of the expression, column 9: no column `x`; there are `at`, `page`, `User`, `user`, `ms`, `n`, `avg(ms)`, `Ms2`, `mS2`
    "#]].assert_eq(&told);
}

/// Every example of the page for users, and every error on it.
#[test]
fn the_documented_examples_hold() {
    let page = include_str!("../../../../docs/expressions.md");
    let schema = Schema { time: "event_time".to_owned(), ..schema(&["page", "country"], &["ms", "bytes"]) };
    let (tables, _) = page.split_once("## NULL").unwrap();
    let mut examples = 0;
    for row in tables.lines().filter(|line| line.starts_with('|')) {
        let Some(example) = row.rsplit('|').nth(1).unwrap().trim().strip_prefix('`') else { continue };
        let example = example.strip_suffix('`').unwrap();
        let kept = if example.starts_with("TIMESTAMP") {
            format!("{example} < event_time")
        } else {
            example.to_owned()
        };
        Filter::compile(&kept, &schema).unwrap_or_else(|error| panic!("{error} in {kept}"));
        examples += 1;
    }
    assert_eq!(examples, 15);

    let lines: Vec<&str> = page.lines().collect();
    let errors = lines.windows(2).filter_map(|pair| Some((pair[0].strip_prefix("> ")?, pair[1])));
    for (text, error) in errors {
        let found = Filter::compile(text, &schema).map(|_| ()).expect_err(text);
        assert_eq!(found.to_string(), error, "{text}");
    }
}

#[test]
fn long_and_deep_expressions_are_refused() {
    let nested = |open: &str, inner: &str, close: &str, n: usize| open.repeat(n) + inner + &close.repeat(n);
    let fits = [
        nested("(", "ms = 1", ")", MAX_DEPTH - 2),
        nested("NOT ", "ms = 1", "", MAX_DEPTH - 2),
        vec!["ms = 1"; 200].join(" AND "),
        vec!["ms = 1"; 200].join(" OR "),
        format!("ms IN ({})", vec!["1"; 500].join(", ")),
    ];
    for text in fits {
        Filter::compile(&text, &shop()).unwrap_or_else(|error| panic!("{error} in {text}"));
    }
    let deep = [
        nested("(", "ms = 1", ")", MAX_DEPTH),
        nested("(", "ms = 1", ")", 2_000),
        "(".repeat(4_000),
        nested("NOT ", "ms = 1", "", MAX_DEPTH),
        nested("NOT ", "ms = 1", "", 1_000),
        format!("{}ms = 1", "- ".repeat(2_000)),
        format!("{}ms = 1", "NOT(-(".repeat(600)),
        format!("ms = 1{}", "+1".repeat(2_000)),
        format!("TRUE{}", "=(TRUE".repeat(600)),
        format!("ms{} IS NULL", " IS NULL".repeat(400)),
        nested("CASE WHEN ", "TRUE", " THEN TRUE END", 150),
        nested("coalesce(", "TRUE", ")", 300),
        nested("lower(", "page", ")", 400) + " = 'x'",
        nested("1 IN (", "1", ")", 500),
    ];
    for text in deep {
        let error = Filter::compile(&text, &shop()).map(|_| ()).expect_err(&text).to_string();
        assert!(error.ends_with("nests deeper than 64 levels; fewer would fit"), "{error} in {text}");
    }
    for text in ["(".repeat(10_000), " ".repeat(MAX_BYTES + 1), format!("page = '{}'", "x".repeat(MAX_BYTES))]
    {
        let error = Filter::compile(&text, &shop()).map(|_| ()).expect_err(&text).to_string();
        assert_eq!(error, format!("column 1: an expression of {} bytes; at most 4096 would fit", text.len()));
    }
}
