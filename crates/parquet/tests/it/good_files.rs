//! Files by pyarrow and DuckDB: `tests/data/make.py` says how they were made.

use crate::common::{EVENTS, bytes, data, read, read_text};
use expect_test::{Expect, expect};
use kappascope_parquet::Parquet;

#[test]
fn every_file_of_the_same_events_gives_what_the_csv_gives() {
    let expected = read_text(EVENTS, &bytes("events.csv"));
    assert!(expected.contains("after 0 [ms] nothing where a number belongs"), "{expected}");
    let mut files: Vec<String> = std::fs::read_dir(data(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("events-") && name.ends_with(".parquet"))
        .collect();
    files.sort();
    assert_eq!(files.len(), 30, "{files:?}");
    for name in files {
        let read = read(EVENTS, bytes(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(read == expected, "{name} gives\n{}", &read[..600]);
    }
}

fn check(schema: &str, expected: Expect) {
    let read = read(schema, bytes("nested.parquet"));
    let text = read.unwrap_or_else(|error| format!("{error}\n"));
    expected.assert_eq(&text.lines().take(4).map(|line| format!("{line}\n")).collect::<String>());
}

#[test]
fn fields_of_structs_are_columns_by_their_path() {
    check(
        "time = 'at', keys = ['user.name', 'user.ok', 'day']",
        expect![[r#"
            1714557598326 1714557598326 "" "" "2024-05-01"
            1714557597867 1714557598326 "ann" "true" "2024-05-02"
            1714557599117 1714557599117 "ann" "true" "2024-05-03"
            1714557600416 1714557600416 "" "false" "2024-05-01"
        "#]],
    );
}

#[test]
fn a_date_is_midnight() {
    check(
        "time = 'day'",
        expect![[r#"
        1714521600000 1714521600000
        1714608000000 1714608000000
        1714694400000 1714694400000
        1714521600000 1714694400000
    "#]],
    );
}

#[test]
fn what_is_no_cell_is_refused_by_name() {
    check(
        "time = 'at', keys = ['raw']",
        expect![[r#"
        column `raw` holds bytes that are not said to be text; text, numbers and times would fit
    "#]],
    );
    check(
        "time = 'at', keys = ['tags.list.element']",
        expect![[r#"
        column `tags.list.element` holds lists or maps; one value a row would fit
    "#]],
    );
    check(
        "time = 'at', keys = ['user']",
        expect![[r#"
        no column `user`; the columns are `user.ok`, `at`, `raw`, `day`, `user.name`, `tags.list.element`
    "#]],
    );
}

#[test]
fn a_file_tells_its_columns_and_rows() {
    let file = Parquet::open(bytes("nested.parquet")).unwrap();
    let readable: Vec<&String> = file.readable().iter().map(|&column| &file.columns()[column]).collect();
    expect![[r#"40 rows of ["at", "user.name", "user.ok", "day"]"#]]
        .assert_eq(&format!("{} rows of {readable:?}", file.rows()));
}
