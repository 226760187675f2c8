//! CSV files, good and bad, and what a person is told about them.

use crate::common::{SCHEMA, read_whole};
use expect_test::{Expect, expect};

fn check(file: &str, expected: &Expect) {
    expected.assert_eq(&read_whole(SCHEMA, file.as_bytes()).text());
}

#[test]
fn cells_become_rows_whatever_the_separator_quotes_and_line_ends() {
    let expected = expect![[r#"
        1000 0 "a,b" 1.5
        2000 0 "say \"hi\"\nthere" -20.0
        1500 500 "" 0.25
    "#]];
    for (separator, end) in [(",", "\n"), (";", "\r\n"), ("\t", "\n"), ("|", "\r")] {
        for bom in ["", "\u{feff}"] {
            let lines =
                ["ms,at,who", "1.5,1,\"a,b\"", "-2e1 , 2 ,\"say \"\"hi\"\"\nthere\"", "", "\".25\",1.5,\"\""];
            let quoted = |line: &str| line.replace("a,b", "a\0b").replace(',', separator).replace('\0', ",");
            let file = format!("{bom}{}", lines.map(quoted).join(end));
            check(&file, &expected);
        }
    }
}

#[test]
fn columns_that_nobody_asked_for_are_passed_over() {
    check(
        "x,who,y,at,z,ms\nNaN,a,,5,\"\",7\n",
        &expect![[r#"
        5000 0 "a" 7.0
    "#]],
    );
}

#[test]
fn a_measure_is_a_finite_number() {
    let cells = [
        "abc",
        "",
        "NaN",
        "inf",
        "-Infinity",
        "1e999",
        "\"1,5\"",
        "1.2.3",
        "0x10",
        "1 2",
        "\u{7}\u{1b}[31m",
        "1_000",
        "+3",
        "1e3",
        "-0",
    ];
    let file = cells.iter().fold("at,who,ms\n".to_owned(), |file, cell| file + "1,a," + cell + "\n");
    check(
        &file,
        &expect![[r#"
        1000 0 "a" 3.0
        1000 0 "a" 1000.0
        1000 0 "a" -0.0
        line 2 byte 10 after 0 [ms] `abc` is not a number; a finite number such as `12.5` would fit
        line 3 byte 18 after 0 [ms] nothing where a number belongs; a finite number such as `12.5` would fit
        line 4 byte 23 after 0 [ms] `NaN` is not finite; a number such as `12.5` would fit
        line 5 byte 31 after 0 [ms] `inf` is not finite; a number such as `12.5` would fit
        line 6 byte 39 after 0 [ms] `-Infinity` is not finite; a number such as `12.5` would fit
        line 7 byte 53 after 0 [ms] `1e999` is not finite; a number such as `12.5` would fit
        line 8 byte 63 after 0 [ms] `1,5` has a decimal comma; `1.5` would fit
        line 9 byte 73 after 0 [ms] `1.2.3` is not a number; a finite number such as `12.5` would fit
        line 10 byte 83 after 0 [ms] `0x10` is not a number; a finite number such as `12.5` would fit
        line 11 byte 92 after 0 [ms] `1 2` is not a number; a finite number such as `12.5` would fit
        line 12 byte 100 after 0 [ms] `\u{7}\u{1b}[31m` is not a number; a finite number such as `12.5` would fit
        line 13 byte 111 after 0 [ms] `1_000` is not a number; a finite number such as `12.5` would fit
    "#]],
    );
    check(
        &format!("at,who,ms\n1,a,{}\n", "9x".repeat(500)),
        &expect![[r#"
        line 2 byte 10 after 0 [ms] `9x9x9x9x9x9x9x9x9x9x9x9x9x9x9x9x9x9x9x9x…` is not a number; a finite number such as `12.5` would fit
    "#]],
    );
}

#[test]
fn a_row_has_as_many_cells_as_the_header() {
    check(
        "at,who,ms\n1,a,1\n2,b\n3,c,3,4,5\n4\n5,d,5",
        &expect![[r#"
        1000 0 "a" 1.0
        5000 0 "d" 5.0
        line 3 byte 16 after 1 [-] 2 cells where the header has 3
        line 4 byte 20 after 1 [-] 5 cells where the header has 3
        line 5 byte 30 after 1 [-] 1 cell where the header has 3
    "#]],
    );
}

#[test]
fn a_line_number_counts_line_ends_inside_quotes() {
    check(
        "at,who,ms\n1,\"a\nb\nc\",1\n\n\r\n2,x,oops\n3,\"\n\",?\n",
        &expect![[r#"
        1000 0 "a\nb\nc" 1.0
        line 7 byte 25 after 1 [ms] `oops` is not a number; a finite number such as `12.5` would fit
        line 8 byte 34 after 1 [ms] `?` is not a number; a finite number such as `12.5` would fit
    "#]],
    );
}

#[test]
fn a_key_is_utf8() {
    let file = b"at,who,ms\n1,caf\xe9,1\n2,caf\xc3\xa9,2\n3,\xff\xff,3\n";
    expect![[r#"
        2000 0 "café" 2.0
        line 2 byte 10 after 0 [who] `caf�` is not UTF-8; save the file as UTF-8
        line 4 byte 29 after 1 [who] `��` is not UTF-8; save the file as UTF-8
    "#]]
    .assert_eq(&read_whole(SCHEMA, file).text());
}

#[test]
fn a_time_that_does_not_parse_is_told_with_what_would_fit() {
    check(
        "at,who,ms\n2024-05-01T10:00:00Z,a,1\nyesterday,b,2\n2024-05-01 10:00,c,3\n,d,4\n2024-02-30T10:00:00Z,e,5\n",
        &expect![[r#"
            1714557600000 0 "a" 1.0
            line 3 byte 35 after 1 [at] `yesterday` is not in the column's format; a time such as `2024-05-01T10:00:00Z` would fit
            line 4 byte 49 after 1 [at] `2024-05-01 10:00` is not in the column's format; a time such as `2024-05-01T10:00:00Z` would fit
            line 5 byte 70 after 1 [at] nothing where a time belongs, such as `2024-05-01T10:00:00Z`
            line 6 byte 75 after 1 [at] `2024-02-30T10:00:00Z` is not in the column's format; a time such as `2024-05-01T10:00:00Z` would fit
        "#]],
    );
    check(
        "at,who,ms\n1714557600,a,1\n1714557600000,b,2\nnoon,c,3\n",
        &expect![[r#"
            1714557600000 0 "a" 1.0
            line 3 byte 25 after 1 [at] `1714557600000` is too large for epoch seconds, which the column's first time is written in
            line 4 byte 43 after 1 [at] `noon` is not in the column's format; a time such as `1714557600` would fit
        "#]],
    );
    check(
        "at,who,ms\nfoo,a,1\nbar,b,2\n",
        &expect![[r#"
            line 2 byte 10 after 0 [at] `foo` is not a time; a time such as `2024-05-01T10:00:00Z` or `1714557600` would fit
            line 3 byte 18 after 0 [at] `bar` is not a time; a time such as `2024-05-01T10:00:00Z` or `1714557600` would fit
        "#]],
    );
    check(
        "at,who,ms\n999999999999999999999999,a,1\n-9999999999999999999,b,1\n",
        &expect![[r#"
            -10000000000000 0 "b" 1.0
            line 2 byte 10 after 0 [at] `999999999999999999999999` is not a time; a time such as `2024-05-01T10:00:00Z` or `1714557600` would fit
        "#]],
    );
}

#[test]
fn partition_and_arrival_come_from_their_columns() {
    let schema = "time = 'at', arrival = 'seen', partition = 'p', partitions = 3, keys = []";
    let file = "at,seen,p\n1,2,0\n2,3,2\n3,1,1\n4,4,3\n5,5,-1\n6,6,x\n7,soon,0\n";
    expect![[r#"
        1000 1000 p0
        2000 1000 p2
        3000 0 p1
        line 5 byte 28 after 3 [p] `3` is not a partition; 0 to 2 would fit
        line 6 byte 34 after 3 [p] `-1` is not a partition; 0 to 2 would fit
        line 7 byte 41 after 3 [p] `x` is not a partition; 0 to 2 would fit
        line 8 byte 47 after 3 [seen] `soon` is not in the column's format; a time such as `1714557600` would fit
    "#]]
    .assert_eq(&read_whole(schema, file.as_bytes()).text());
}

#[test]
fn without_an_arrival_column_an_event_arrives_at_the_newest_event_time() {
    check(
        "at,who,ms\n10,a,1\n4,b,2\n12,c,3\n",
        &expect![[r#"
        10000 0 "a" 1.0
        4000 6000 "b" 2.0
        12000 0 "c" 3.0
    "#]],
    );
}

#[test]
fn a_record_without_end_is_told_and_read_past() {
    let long = "x".repeat(1 << 20);
    let file = format!("at,who,ms\n1,a,1\n2,\"{long}{long}{long}\",2\n3,c,3\n4,\"never closed,4\n{long}");
    check(
        &file,
        &expect![[r#"
            1000 0 "a" 1.0
            3000 0 "c" 3.0
            line 3 byte 16 after 1 [-] a record of 3145734 bytes, where at most 1048576 would fit
            line 5 byte 3145757 after 2 [-] a quote that is not closed within the length of a record; reading goes on with the next line
            line 6 byte 3145775 after 2 [-] 1 cell where the header has 3
        "#]],
    );
    // As long as a record may be, its line end included, and a byte longer.
    for (length, expected) in [((1 << 20) - 5, (1, 0)), ((1 << 20) - 4, (0, 1))] {
        let file = format!("at,who,ms\n1,{},1\n", &long[..length]);
        let outcome = read_whole(SCHEMA, file.as_bytes());
        assert_eq!((outcome.rows, outcome.rejected.len()), expected);
    }
}

#[test]
fn a_row_of_very_many_cells_is_counted_not_kept() {
    let file = format!("at,who,ms\n1,a,1{}\n2,b,2\n", ",".repeat(100_000));
    check(
        &file,
        &expect![[r#"
        2000 0 "b" 2.0
        line 2 byte 10 after 0 [-] 100003 cells where the header has 3
    "#]],
    );
}

#[test]
fn what_cannot_be_read_at_all_is_refused() {
    check(
        "",
        &expect![[r#"
        error: the file is empty: there is no header and no row
    "#]],
    );
    check(
        "\n\n  \n",
        &expect![[r#"
        error: the file is empty: there is no header and no row
    "#]],
    );
    check(
        "at,who,ms",
        &expect![[r#"
        error: the file has a header and no rows
    "#]],
    );
    check(
        "at,who,ms\r\n",
        &expect![[r#"
        error: the file has a header and no rows
    "#]],
    );
    check(
        "time,Who,MS,ta\n1,2,3,4\n",
        &expect![[r#"
        error: no column `at`; the columns are `MS`, `ta`, `Who`, `time`
    "#]],
    );
    check(
        "2024-01-01,5,a\n2024-01-02,6,b\n",
        &expect![[r#"
        error: no column `at`; the columns are `a`, `5`, `2024-01-01`; the first line needs to name the columns, and this one holds a number
    "#]],
    );
    check(
        "at,who,ms,at\n1,2,3,4\n",
        &expect![[r#"
        error: the header has two columns `at`; each column that the schema uses needs a name of its own
    "#]],
    );
    check(
        &"wide,".repeat(20_000),
        &expect![[r#"
        error: the header is longer than 64 KiB
    "#]],
    );
    expect![[r#"
        error: the header is not UTF-8 at `�`; save the file as UTF-8
    "#]]
    .assert_eq(&read_whole(SCHEMA, b"at,who,\xe9\n1,2,3\n").text());
    expect![[r#"
        error: the file is binary; CSV or JSON Lines would fit
    "#]]
    .assert_eq(&read_whole(SCHEMA, b"\x7fELF\x02\x01\x01\0\0\0\0").text());
}

#[test]
fn a_format_of_time_that_the_schema_names_is_kept_to() {
    let at = |format: &str, cells: &[&str]| {
        let schema = format!("time = 'at', time_format = '{format}'");
        let file = format!("at,x\n{},x\n", cells.join(",x\n"));
        read_whole(&schema, file.as_bytes()).text()
    };
    expect![[r#"
        0 0
        -1 1
        1 0
        -1 2
        1714557600000 0
    "#]]
    .assert_eq(&at("ms", &["0", "-1", "1.9", "-0.1", "1714557600000"]));
    expect![[r#"
        1 0
        -1 2
    "#]]
    .assert_eq(&at("ns", &["1999999", "-1"]));
    expect![[r#"
        1 0
        -1 2
    "#]]
    .assert_eq(&at("us", &["1999", "-1"]));
    expect![[r#"
        1 0
        -1 2
        line 4 byte 24 after 2 [at] `1e3` is not in the column's format; a time such as `1714557600` would fit
    "#]]
    .assert_eq(&at("s", &["0.0019", "-0.0001", "1e3"]));
    expect![[r#"
        1000 0
        line 3 byte 33 after 1 [at] `1970-01-01T00:00:01` is not in the column's format; a time such as `2024-05-01T10:00:00Z` would fit
    "#]].assert_eq(&at("rfc3339", &["1970-01-01T00:00:01+00:00", "1970-01-01T00:00:01"]));
    expect![[r#"
        2678460000 0
        2678460000 0
        line 4 byte 40 after 2 [at] `1970-02-01` is not in the column's format; a time such as `%d/%m/%Y %H:%M` would fit
        line 5 byte 53 after 2 [at] `13/13/1970 00:00` is not in the column's format; a time such as `%d/%m/%Y %H:%M` would fit
    "#]]
    .assert_eq(&at(
        "%d/%m/%Y %H:%M",
        &["01/02/1970 00:01", "1/2/1970 0:01", "1970-02-01", "13/13/1970 00:00"],
    ));
    expect![[r#"
        86400000 0
    "#]]
    .assert_eq(&at("%d.%m.%Y", &["02.01.1970"]));
    expect![[r#"
        3600250 0
    "#]]
    .assert_eq(&at("%Y%m%d %H%M%S%.f %z", &["19700101 000000.25 -0100"]));
    expect![[r#"
        error: schema.time_format: `iso` is no time format; `s`, `ms`, `us`, `ns`, `rfc3339`, `local`, `date`, `rfc2822` or a strftime pattern such as `%d/%m/%Y %H:%M` would fit
    "#]].assert_eq(&at("iso", &["1970"]));
    expect![[r#"
        error: schema.time_format: `%Y-%J` is no time format: strftime formatting failed: found unrecognized specifier directive `J`; `s`, `ms`, `us`, `ns`, `rfc3339`, `local`, `date`, `rfc2822` or a strftime pattern such as `%d/%m/%Y %H:%M` would fit
    "#]]
    .assert_eq(&at("%Y-%J", &["1970"]));
}
