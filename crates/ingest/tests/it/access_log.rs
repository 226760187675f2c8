//! Access logs, good and bad.

use crate::common::{LOG_SCHEMA, read_whole};
use expect_test::{Expect, expect};

fn check(file: &str, expected: Expect) {
    expected.assert_eq(&read_whole(LOG_SCHEMA, file.as_bytes()).text());
}

const COMMON: &str =
    r#"127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326"#;

#[test]
fn lines_become_rows() {
    check(
        &[
            COMMON,
            r#"::1 - - [10/Oct/2000:13:55:37 -0700] "GET / HTTP/1.1" 304 -"#,
            r#"10.0.0.1 - a b [10/Oct/2000:13:55:38 -0700] "POST /a b\"c\\ HTTP/2" 200 5"#,
            r#"10.0.0.1 - - [10/Oct/2000:13:55:39 -0700] "-" 408 0"#,
            r#"10.0.0.1 - - [10/Oct/2000:13:55:40 -0700] "\x16\x03\x01" 400 226"#,
            r#"10.0.0.1 - - [10/Oct/2000:13:55:41 -0700] "" 400 0"#,
            r#"10.0.0.1 - - [10/Oct/2000:13:55:42 -0700] "GET /more HTTP/1.1" 200 1 "http://x/" "Mozilla" "-" 0.003"#,
        ]
        .join("\r\n"),
        expect![[r#"
            971211336000 0 "GET" "/apache_pb.gif" "200" 2326.0
            971211337000 0 "GET" "/" "304" 0.0
            971211338000 0 "POST" "/a b\"c\\" "200" 5.0
            971211339000 0 "" "" "408" 0.0
            971211340000 0 "" "\\x16\\x03\\x01" "400" 226.0
            971211341000 0 "" "" "400" 0.0
            971211342000 0 "GET" "/more" "200" 1.0
        "#]],
    );
}

#[test]
fn the_combined_format_has_two_columns_more() {
    let schema = "time = 'time', time_format = '%d/%b/%Y:%H:%M:%S %z', keys = ['address', 'identity', 'user', 'protocol', 'referer', 'agent']";
    let file = [
        &format!(r#"{COMMON} "http://www.example.com/start.html" "Mozilla/4.08 [en] (\"Win98\"; I)""#),
        &format!(r#"{COMMON} "-" "-""#),
        COMMON,
    ];
    expect![[r#"
        971211336000 0 "127.0.0.1" "" "frank" "HTTP/1.0" "http://www.example.com/start.html" "Mozilla/4.08 [en] (\"Win98\"; I)"
        971211336000 0 "127.0.0.1" "" "frank" "HTTP/1.0" "" ""
        line 3 byte 251 after 2 [referer] the line ends before it
    "#]].assert_eq(&read_whole(schema, file.join("\n").as_bytes()).text());
    expect![[r#"
        error: no column `referer`; the columns are `user`, `address`, `time`, `method`, `bytes`, `identity`, `path`, `protocol`, `status`
    "#]].assert_eq(&read_whole(schema, COMMON.as_bytes()).text());
}

#[test]
fn a_line_that_is_none_is_told() {
    check(
        &[
            COMMON,
            "",
            "2000/10/10 [error] 5#5: *1 open() failed",
            "10.0.0.1 - - [10/Oct/2000:13:55:38 -0700",
            r#"10.0.0.1 - - [10/Oct/2000:13:55:38 -0700] GET / 200 5"#,
            r#"10.0.0.1 - - [10/Oct/2000:13:55:38 -0700] "GET /"#,
            r#"10.0.0.1 - - [10/Oct/2000:13:55:38 -0700] "GET /\"#,
            r#"10.0.0.1 - - [10/Oct/2000:13:55:38 -0700] "GET / HTTP/1.1" OK 5"#,
            r#"10.0.0.1 - - [10/Oct/2000:13:55:38 -0700] "GET / HTTP/1.1" 200"#,
            r#"10.0.0.1 - - [10/Oct/2000:13:55:38 -0700] "GET / HTTP/1.1" 200 5k"#,
            r#"10.0.0.1 - - [noon] "GET / HTTP/1.1" 200 5"#,
            "{\"at\":1}",
        ]
        .join("\n"),
        expect![[r#"
            971211336000 0 "GET" "/apache_pb.gif" "200" 2326.0
            line 3 byte 87 after 1 [-] not a line of an access log: `5#5: *1 open() failed` where a time in brackets would fit
            line 4 byte 128 after 1 [-] not a line of an access log: `10/Oct/2000:13:55:38 -0700` where a `]` behind the time would fit
            line 5 byte 169 after 1 [-] not a line of an access log: ` GET / 200 5` where a request in quotes would fit
            line 6 byte 223 after 1 [-] not a line of an access log: ` "GET /` where a request in quotes would fit
            line 7 byte 272 after 1 [-] not a line of an access log: ` "GET /\` where a request in quotes would fit
            line 8 byte 322 after 1 [-] not a line of an access log: `OK 5` where a status of three digits would fit
            line 9 byte 386 after 1 [-] not a line of an access log: the end of the line where a number of bytes would fit
            line 10 byte 449 after 1 [-] not a line of an access log: `5k` where a number of bytes would fit
            line 11 byte 515 after 1 [time] `noon` is not in the column's format; a time such as `10/Oct/2000:13:55:36 -0700` would fit
            line 12 byte 558 after 1 [-] not a line of an access log: the end of the line where a time in brackets would fit
        "#]],
    );
    let long = "x".repeat(2 << 20);
    check(
        &format!("{COMMON}\n{long}\n{COMMON}"),
        expect![[r#"
        971211336000 0 "GET" "/apache_pb.gif" "200" 2326.0
        971211336000 0 "GET" "/apache_pb.gif" "200" 2326.0
        line 2 byte 86 after 1 [-] a record of 2097152 bytes, where at most 1048576 would fit
    "#]],
    );
}

#[test]
fn a_column_that_it_does_not_have_is_told() {
    expect![[r#"
        error: no column `host`; the columns are `user`, `time`, `path`, `method`, `status`, `bytes`, `address`, `identity`, `protocol`
    "#]].assert_eq(&read_whole("time = 'time', keys = ['host']", COMMON.as_bytes()).text());
}
