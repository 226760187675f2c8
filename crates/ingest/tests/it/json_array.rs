//! JSON that is not one object a line, good and bad, and what a person is told about it.

use crate::common::{SCHEMA, read, read_whole};
use expect_test::{Expect, expect};

fn check(file: &str, expected: Expect) {
    let outcome = read_whole(SCHEMA, file.as_bytes());
    expected.assert_eq(&outcome.text());
    assert_eq!(read(SCHEMA, file.as_bytes(), file.as_bytes().chunks(1)).text(), outcome.text());
}

#[test]
fn elements_become_rows_however_they_are_laid_out() {
    let objects = [
        r#"{"at":1,"who":"a","ms":1.50}"#,
        r#"{"who":"]},{ \"[","tags":[{"at":9},[]],"at":2,"ms":2}"#,
        "{\n  \"at\": 3,\n  \"who\": \"c\",\n  \"ms\": 3\n}",
    ];
    for (before, between, after) in [
        ("[", ",", "]"),
        ("\u{feff}[\r\n ", "\r\n,", "\r\n]\r\n"),
        ("[", " ", "]"),
        (" [ ", ",,", ", ] "),
        ("[", "] [", "]"),
        ("{\n \"at\":0, \"who\": \"\", \"ms\": 0}", "", ""),
        ("{\n \"at\":0, \"who\": \"\", \"ms\": 0}", "\n", "\n"),
    ] {
        let file = format!("{before}{}{after}", objects.join(between));
        let text = read_whole(SCHEMA, file.as_bytes()).text();
        let rows = text.strip_prefix("0 0 \"\" 0.0\n").unwrap_or(&text);
        assert_eq!(rows, "1000 0 \"a\" 1.5\n2000 0 \"]},{ \\\"[\" 2.0\n3000 0 \"c\" 3.0\n", "{file}");
    }
}

#[test]
fn what_is_no_row_is_told_with_its_place() {
    check(
        concat!(
            "[\n",
            " {\"at\":1,\"who\":\"a\",\"ms\":1},\n",
            " {\"at\":1,\"who\":\"a\"}, {\"at\":1,\"who\":\"a\",\"ms\":\"x\"},\n",
            " 42, null, \"text\", [1, [2]], NaN,\n",
            " {\n  \"at\": 1,\n  \"who\": a,\n  \"ms\": 1\n },\n",
            " {\"at\":1 \"who\":\"a\"},\n",
            " {\"at\":2,\"who\":\"b\",\"ms\":2}\n",
            "]\n",
        ),
        expect![[r#"
            1000 0 "a" 1.0
            2000 0 "b" 2.0
            line 3 byte 31 after 1 [ms] the record has no such field
            line 3 byte 51 after 1 [ms] `x` is not a number; a finite number such as `12.5` would fit
            line 4 byte 81 after 1 [-] not a JSON object: invalid type: integer `42`, expected an object at column 2, `2`
            line 4 byte 85 after 1 [-] not a JSON object: invalid type: null, expected an object at column 4, `l`
            line 4 byte 91 after 1 [-] not a JSON object: invalid type: string "text", expected an object at column 6, `"`
            line 4 byte 99 after 1 [-] not a JSON object: invalid type: sequence, expected an object at column 0, `[1, [2]]`
            line 4 byte 109 after 1 [-] not a JSON object: expected value at column 1, `NaN`
            line 5 byte 115 after 1 [-] not a JSON object: expected value at line 7, column 10, `a,`
            line 10 byte 155 after 1 [-] not a JSON object: expected `,` or `}` at column 9, `"who":"a"}`
        "#]],
    );
}

#[test]
fn after_a_broken_element_the_next_line_with_an_object_is_read() {
    check(
        concat!(
            "[{\"at\":1,\"who\":\"a\",\"ms\":1},\n",
            "{\"at\":1,\"who\":\"never closed,\"ms\":1},\n",
            ", {\"at\":2,\"who\":\"b\",\"ms\":2},\n",
            "{\"at\":1,\"who\":[1},\"ms\":1},{\"at\":1},\n",
            "{\"at\":3,\"who\":\"c\",\"ms\":3},\n",
            "{\"at\":1,\"who\":\"open\",\"ms\":1\n",
            "]",
        ),
        expect![[r#"
            1000 0 "a" 1.0
            2000 0 "b" 2.0
            3000 0 "c" 3.0
            line 2 byte 28 after 1 [-] a string without end: a line ends in it
            line 4 byte 94 after 2 [-] `}` where `]` would fit
            line 6 byte 157 after 3 [-] `]` where `}` would fit
        "#]],
    );
    let deep = format!("[{{\"at\":1,\"who\":{}1,\n{{\"at\":2,\"who\":\"b\",\"ms\":2}}]", "[".repeat(200));
    check(
        &deep,
        expect![[r#"
        2000 0 "b" 2.0
        line 1 byte 1 after 0 [-] nested more than 127 deep
    "#]],
    );
}

#[test]
fn an_array_that_does_not_end_or_is_not_the_end_is_told() {
    check(
        "[{\"at\":1,\"who\":\"a\",\"ms\":1},\n",
        expect![[r#"
        1000 0 "a" 1.0
        line 2 byte 28 after 1 [-] the file ends before the array is closed by `]`; was it cut off?
    "#]],
    );
    check(
        "[{\"at\":1,\"who\":\"a\",\"ms\":1},\n{\"at\":2,\"wh",
        expect![[r#"
        1000 0 "a" 1.0
        line 2 byte 28 after 1 [-] the file ends in the middle of this element; was it cut off?
    "#]],
    );
    check(
        "[{\"at\":1,\"who\":\"a\",\"ms\":1}, 4",
        expect![[r#"
        1000 0 "a" 1.0
        line 1 byte 28 after 1 [-] not a JSON object: invalid type: integer `4`, expected an object at column 1, `4`
    "#]],
    );
    check(
        "[{\"at\":1,\"who\":\"a\",\"ms\":1}]\nend\n{\"at\":2,\"who\":\"b\",\"ms\":2}",
        expect![[r#"
        1000 0 "a" 1.0
        line 2 byte 28 after 1 [-] this stands after the `]` that closes the array
        line 3 byte 32 after 1 [-] this stands after the `]` that closes the array
    "#]],
    );
    check(
        "{\n\"at\":1,\"who\":\"a\",\"ms\":1} ] at,who\n{\"at\":2,\"who\":\"b\",\"ms\":2}",
        expect![[r#"
            1000 0 "a" 1.0
            2000 0 "b" 2.0
            line 2 byte 27 after 1 [-] not a JSON object: expected value at column 1, `] at`
            line 2 byte 32 after 1 [-] not a JSON object: expected value at column 1, `who`
        "#]],
    );
    check(
        "[]",
        expect![[r#"
        error: the file has a header and no rows
    "#]],
    );
    check(
        "[1, 2]",
        expect![[r#"
        error: none of the first 2 elements is a JSON object; line 1: not a JSON object: invalid type: integer `1`, expected an object at column 1, `1`
    "#]],
    );
    check(
        "[{\"at\":1,\"ms\":1}, {\"at\":1,\"user\":1}]",
        expect![[r#"
        error: no column `who`; the columns are `at`, `ms`, `user`
    "#]],
    );
}

#[test]
fn an_element_without_end_is_told_and_read_past() {
    let long = "x".repeat(1 << 20);
    let row = |at| format!("{{\"at\":{at},\"who\":\"a\",\"ms\":1}}");
    check(
        &format!("[{},{{\"who\":\"{long}\"}},{},[{long}]]", row(1), row(3)),
        expect![[r#"
        1000 0 "a" 1.0
        3000 0 "a" 1.0
        line 1 byte 27 after 1 [-] a record of 1048586 bytes, where at most 1048576 would fit
        line 1 byte 1048640 after 2 [-] a record of 1048578 bytes, where at most 1048576 would fit
    "#]],
    );
    check(
        &format!("[{},{long}{long},{}]", row(1), row(3)),
        expect![[r#"
        1000 0 "a" 1.0
        3000 0 "a" 1.0
        line 1 byte 27 after 1 [-] a record of 2097152 bytes, where at most 1048576 would fit
    "#]],
    );
    check(
        &format!("[{},{{\"who\":\"{long}{long}", row(1)),
        expect![[r#"
        1000 0 "a" 1.0
        line 1 byte 27 after 1 [-] the file ends in the middle of this element; was it cut off?
    "#]],
    );
}
