//! What goes wrong in any form of file, and what a person is told about it.

use crate::common::{LOG_SCHEMA, SCHEMA, read, read_whole};
use expect_test::{Expect, expect};

fn check(file: &[u8], expected: Expect) {
    let schema = if file.starts_with(b"::1") { LOG_SCHEMA } else { SCHEMA };
    let outcome = read_whole(schema, file).text();
    expected.assert_eq(&outcome);
    assert_eq!(read(schema, file, file.chunks(1)).text(), outcome);
}

#[test]
fn latin_1() {
    check(
        b"at,who,ms\n1,caf\xe9,1\n2,b,2\n",
        expect![[r#"
        2000 0 "b" 2.0
        line 2 byte 10 after 0 [who] `caf�` is not UTF-8; save the file as UTF-8
    "#]],
    );
    check(
        b"{\"at\":1,\"who\":\"caf\xe9\",\"ms\":1}\n{\"at\":2,\"who\":\"b\",\"ms\":2}\n",
        expect![[r#"
        2000 0 "b" 2.0
        line 1 byte 0 after 0 [-] not UTF-8 at byte 18; save the file as UTF-8
    "#]],
    );
    check(
        b"[{\"at\":2,\"who\":\"b\",\"ms\":2},\n{\"at\":1,\"who\":\"caf\xe9\",\"ms\":1}]",
        expect![[r#"
        2000 0 "b" 2.0
        line 2 byte 28 after 1 [-] not UTF-8 at byte 46; save the file as UTF-8
    "#]],
    );
    check(
        b"::1 - - [10/Oct/2000:13:55:36 -0700] \"GET /caf\xe9 HTTP/1.0\" 200 1\n",
        expect![[r#"
        line 1 byte 0 after 0 [path] `/caf�` is not UTF-8; save the file as UTF-8
    "#]],
    );
}

#[test]
fn nul_bytes() {
    check(
        b"at,who,ms\n1,a,1\n\0\0\0\0\n2,b,2\n",
        expect![[r#"
        error: the file is binary, with a NUL at byte 16; CSV, JSON or an access log would fit
    "#]],
    );
    check(
        b"\xef\xbb\xbfat,who,ms\n1,a\0,1\n",
        expect![[r#"
        error: the file is binary, with a NUL at byte 16; CSV, JSON or an access log would fit
    "#]],
    );
    // Behind the head, which has 192 KiB, they are a matter of their records.
    let row = |line: &str| line.repeat(200 * 1024 / line.len() + 1);
    let rejected = |file: String| {
        let outcome = read_whole(SCHEMA, file.as_bytes());
        let text = outcome.text();
        text[text.find("line ").unwrap_or_default()..].to_owned()
    };
    let json = "{\"at\":1,\"who\":\"a\",\"ms\":1}\n";
    expect![[r#"
        line 7878 byte 204802 after 7877 [-] not a JSON object: expected value at column 1, `\u{0}\u{0}\u{0}`
        line 7879 byte 204806 after 7877 [-] not a JSON object: control character (\u0000-\u001F) found while parsing a string at column 3, `\u{0}t":1,"who":"\u{0}","ms":1}`
    "#]].assert_eq(&rejected(format!("{}\0\0\0\n{}", row(json), json.replace('a', "\0"))));
    expect![[r#"
        line 34136 byte 204814 after 34134 [-] 1 cell where the header has 3
        line 34137 byte 204818 after 34134 [ms] `\u{0}` is not a number; a finite number such as `12.5` would fit
    "#]].assert_eq(&rejected(format!("at,who,ms\n{}\0\0\0\n1,a,\0", row("1,a,1\n"))));
}

#[test]
fn mixed_line_ends() {
    check(
        b"at,who,ms\r\n1,a,1\n2,b,2\r3,c,3\r\n\n4,d,4",
        expect![[r#"
        1000 0 "a" 1.0
        2000 0 "b" 2.0
        3000 0 "c" 3.0
        4000 0 "d" 4.0
    "#]],
    );
    check(
        b"{\"at\":1,\"who\":\"a\",\"ms\":1}\r\n\r\n{\"at\":2,\"who\":\"b\",\"ms\":2}\n{\"at\":3,\"who\":\"c\",\"ms\":3}",
        expect![[r#"
            1000 0 "a" 1.0
            2000 0 "b" 2.0
            3000 0 "c" 3.0
        "#]],
    );
    check(
        b"[{\"at\":1,\"who\":\"a\",\"ms\":1},\r{\"at\":2,\"who\":\"b\",\"ms\":2},\r\n{\"at\":3,\"who\":\"c\",\"ms\":x}]",
        expect![[r#"
            1000 0 "a" 1.0
            2000 0 "b" 2.0
            line 2 byte 56 after 2 [-] not a JSON object: expected value at column 24, `x}`
        "#]],
    );
}

#[test]
fn two_forms_in_one_file() {
    let json = "{\"at\":2,\"who\":\"b\",\"ms\":2}\n";
    let log = "::1 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 1\n";
    check(
        format!("at,who,ms\n1,a,1\n{json}").as_bytes(),
        expect![[r#"
        1000 0 "a" 1.0
        line 3 byte 16 after 1 [at] `{"at":2` is not in the column's format; a time such as `1714557600` would fit
    "#]],
    );
    check(
        format!("{json}3,c,3\n{json}[{json}]\n").as_bytes(),
        expect![[r#"
        2000 0 "b" 2.0
        2000 0 "b" 2.0
        line 2 byte 26 after 1 [-] not a JSON object: invalid type: integer `3`, expected an object at column 1, `3,c,3`
        line 4 byte 58 after 2 [-] not a JSON object: invalid type: sequence, expected an object at column 0, `[{"at":2,"who":"b","ms":2}`
        line 5 byte 85 after 2 [-] not a JSON object: expected value at column 1, `]`
    "#]],
    );
    check(
        format!("[{json}]\n{json}3,c,3\n").as_bytes(),
        expect![[r#"
        2000 0 "b" 2.0
        line 3 byte 29 after 1 [-] this stands after the `]` that closes the array
        line 4 byte 55 after 1 [-] this stands after the `]` that closes the array
        line 4 byte 57 after 1 [-] this stands after the `]` that closes the array
        line 4 byte 59 after 1 [-] this stands after the `]` that closes the array
    "#]],
    );
    check(
        format!("{log}{json}{log}").as_bytes(),
        expect![[r#"
        971211336000 0 "GET" "/" "200" 1.0
        971211336000 0 "GET" "/" "200" 1.0
        line 2 byte 60 after 1 [-] not a line of an access log: the end of the line where a time in brackets would fit
    "#]],
    );
}
