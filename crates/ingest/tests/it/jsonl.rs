//! JSON Lines, good and bad, and what a person is told about them.

use crate::common::{SCHEMA, read_whole};
use expect_test::{Expect, expect};

fn check(file: &str, expected: Expect) {
    expected.assert_eq(&read_whole(SCHEMA, file.as_bytes()).text());
}

#[test]
fn the_wanted_fields_are_taken_whatever_their_order_and_neighbours() {
    check(
        concat!(
            "{\"at\":1,\"who\":\"a\",\"ms\":1.5}\r\n",
            "\n",
            "  {\"z\":{\"at\":9,\"who\":[1,\"x\"]},\"ms\":\"2.5\",\"who\":\"\\u00e9\\n\\\"q\\\"\",\"at\":\"2\"}  \n",
            "{\"w\\u0068o\":7.10,\"ms\":-1E2,\"at\":3.25,\"t\":true}\n",
            "{\"who\":true,\"ms\":3,\"at\":4}\n",
            "{\"who\":null,\"ms\":4,\"at\":5,\"ms\":6}",
        ),
        expect![[r#"
            1000 0 "a" 1.5
            2000 0 "é\n\"q\"" 2.5
            3250 0 "7.10" -100.0
            4000 0 "true" 3.0
            5000 0 "" 6.0
        "#]],
    );
}

#[test]
fn a_record_that_is_no_row_is_told_with_its_place() {
    check(
        concat!(
            "{\"at\":1,\"who\":\"a\",\"ms\":1}\n",
            "{\"at\":1,\"who\":\"a\"}\n",
            "{\"at\":1,\"who\":{},\"ms\":1}\n",
            "{\"at\":1,\"who\":\"a\",\"ms\":[1]}\n",
            "{\"at\":1,\"who\":\"a\",\"ms\":null}\n",
            "{\"at\":1,\"who\":\"a\",\"ms\":NaN}\n",
            "{\"at\":1,\"who\":\"a\",\"ms\":1e999}\n",
            "{\"at\":1,\"who\":\"a\",\"ms\":\"Infinity\"}\n",
            "{\"at\":1,\"who\":\"\\ud800\",\"ms\":1}\n",
            "{\"at\":1,\"who\":\"a\",\"ms\":1} {}\n",
            "{\"at\":1,\"who\":\"a\",\n",
            "[1,2]\n",
            "42\n",
            "at,who,ms\n",
            "{\"at\":{\"s\":1},\"who\":\"a\",\"ms\":1}\n",
            "{\"at\":false,\"who\":\"a\",\"ms\":1}\n",
            "{\"at\":2,\"who\":\"b\",\"ms\":2}\n",
        ),
        expect![[r#"
            1000 0 "a" 1.0
            2000 0 "b" 2.0
            line 2 byte 26 after 1 [ms] the record has no such field
            line 3 byte 45 after 1 [who] an object where text or a number would fit
            line 4 byte 70 after 1 [ms] an array where text or a number would fit
            line 5 byte 98 after 1 [ms] nothing where a number belongs; a finite number such as `12.5` would fit
            line 6 byte 127 after 1 [-] not a JSON object: expected value at column 24, `NaN}`
            line 7 byte 155 after 1 [ms] `1e999` is not finite; a number such as `12.5` would fit
            line 8 byte 185 after 1 [ms] `Infinity` is not finite; a number such as `12.5` would fit
            line 9 byte 220 after 1 [who] a string with a broken escape where text or a number would fit
            line 10 byte 251 after 1 [-] not a JSON object: trailing characters at column 27, `{}`
            line 11 byte 280 after 1 [-] not a JSON object: it ends early (EOF while parsing a value)
            line 12 byte 299 after 1 [-] not a JSON object: invalid type: sequence, expected an object at column 0, `[1,2]`
            line 13 byte 305 after 1 [-] not a JSON object: invalid type: integer `42`, expected an object at column 2, `2`
            line 14 byte 308 after 1 [-] not a JSON object: expected value at column 1, `at,who,ms`
            line 15 byte 318 after 1 [at] an object where text or a number would fit
            line 16 byte 350 after 1 [at] `false` is not in the column's format; a time such as `1714557600` would fit
        "#]],
    );
    expect![[r#"
        1000 0 "b" 1.0
        line 1 byte 0 after 0 [-] not UTF-8 at byte 18; save the file as UTF-8
    "#]]
    .assert_eq(
        &read_whole(SCHEMA, b"{\"at\":1,\"who\":\"caf\xe9\",\"ms\":1}\n{\"at\":1,\"who\":\"b\",\"ms\":1}")
            .text(),
    );
}

#[test]
fn a_line_without_end_is_told_and_read_past() {
    let long = "x".repeat(1 << 20);
    let file = format!(
        "{{\"at\":1,\"who\":\"a\",\"ms\":1}}\n{{\"at\":2,\"who\":\"{long}\",\"ms\":1}}\n{{\"at\":3,\"who\":\"c\",\"ms\":3}}\n"
    );
    check(
        &file,
        expect![[r#"
            1000 0 "a" 1.0
            3000 0 "c" 3.0
            line 2 byte 26 after 1 [-] a record of 1048600 bytes, where at most 1048576 would fit
        "#]],
    );
}

#[test]
fn what_cannot_be_read_at_all_is_refused() {
    check(
        "{\"at\":1,\"who\":\"a\",\"msec\":1}\n{\"at\":1,\"mean\":2}\n",
        expect![[r#"
        error: no column `ms`; the columns are `at`, `msec`, `who`, `mean`
    "#]],
    );
    check(
        "{at:1}\n{at:2}\n",
        expect![[r#"
        error: none of the first 2 lines is a JSON object; line 1: not a JSON object: key must be a string at column 2, `at:1}`
    "#]],
    );
}

/// A number means the same bits in both forms: these need a correct reading to the last one.
#[test]
fn numbers_are_read_as_in_csv() {
    let numbers = ["0.1", "123456789.123456789", "5e-324", "2.2250738585072011e-308", "9007199254740993.0"];
    let csv = numbers.iter().fold("at,who,ms\n".to_owned(), |file, n| file + "1,a," + n + "\n");
    let json =
        numbers.iter().fold(String::new(), |file, n| file + "{\"at\":1,\"who\":\"a\",\"ms\":" + n + "}\n");
    let (csv, json) = (read_whole(SCHEMA, csv.as_bytes()), read_whole(SCHEMA, json.as_bytes()));
    assert_eq!(csv.rows, 5);
    assert_eq!(csv.text(), json.text());
    assert_eq!(csv.log.read(0, 5).measure(0)[3].to_bits(), 0x000f_ffff_ffff_ffff);
}
