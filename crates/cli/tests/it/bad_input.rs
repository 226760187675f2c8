//! What goes wrong is told in one line with its place, and the exit code says whose turn it is.

use crate::command::{Folder, PIPELINE};
use expect_test::{Expect, expect};

/// Runs the pipeline over a file of these bytes: exit code, what was said, and what was written.
fn check_file(content: impl AsRef<[u8]>, expected: Expect) {
    let folder = Folder::new();
    folder.write("f.csv", content);
    let output = folder.run("run -p p.toml --from f.csv");
    expected.assert_eq(&format!("{}{}", output.told(), output.stdout));
}

/// Runs a command line: exit code and what was said.
fn check(line: &str, expected: Expect) {
    let folder = Folder::new();
    folder.write("f.csv", "at,who,ms\n1,ann,2\n");
    expected.assert_eq(&folder.run(line).told());
}

#[test]
fn files_that_cannot_be_read() {
    check_file(
        "",
        expect![[r#"
        1: kappascope: f.csv: the file is empty: there is no header and no row
    "#]],
    );
    check_file(
        "at,who,ms\n",
        expect![[r#"
        1: kappascope: f.csv: the file has a header and no rows
    "#]],
    );
    check_file(
        b"\x7fELF\x02\x01\x01\0\0\0\0\0",
        expect![[r#"
            1: kappascope: f.csv: the file is binary, with a NUL at byte 7; CSV, JSON or an access log would fit
        "#]],
    );
    check_file(
        b"\x1f\x8b\x08\0\0\0\0\0",
        expect![[r#"
            1: kappascope: f.csv: the file ends at byte 8, in the middle of its gzip stream, after 0 records; it was cut off; fetch or write it again
        "#]],
    );
    check_file(
        "at,whom,ms\n1,ann,2\n",
        expect![[r#"
        2: kappascope: f.csv: no column `who`; the columns are `whom`, `at`, `ms`
    "#]],
    );
}

#[test]
fn rows_that_are_none_do_not_stop_the_rest() {
    check_file(
        "at,who,ms\n1,ann,2\n2,ann\n3,ann,fast\n4,ann,NaN\n5,ann,inf\nlater,ann,6\n7,ann,7\n",
        expect![[r#"
            0: {"type":"rejected","position":{"line":3,"byte":18},"column":null,"reason":"2 cells where the header has 3"}
            {"type":"rejected","position":{"line":4,"byte":24},"column":"ms","reason":"`fast` is not a number; a finite number such as `12.5` would fit"}
            {"type":"rejected","position":{"line":5,"byte":35},"column":"ms","reason":"`NaN` is not finite; a number such as `12.5` would fit"}
            {"type":"rejected","position":{"line":6,"byte":45},"column":"ms","reason":"`inf` is not finite; a number such as `12.5` would fit"}
            {"type":"rejected","position":{"line":7,"byte":55},"column":"at","reason":"`later` is not in the column's format; a time such as `1714557600` would fit"}
            {"type":"window","query":"per_minute","key":{"who":"ann"},"start":0,"end":60000,"revision":0,"timing":"on_time","values":{"count()":2,"avg(ms)":4.5}}
            {"type":"summary","events":2,"windows":1,"filtered":0,"late":0,"late_for_some":0,"dropped":0,"rejected":5,"alerts":0,"digest":"79b9d4268caeb1af"}
        "#]],
    );
}

#[test]
fn every_row_may_be_refused() {
    check_file(
        "at,who,ms\nyesterday,ann,2\ntoday,ann,2\n",
        expect![[r#"
            0: {"type":"rejected","position":{"line":2,"byte":10},"column":"at","reason":"`yesterday` is not a time; a time such as `2024-05-01T10:00:00Z` or `1714557600` would fit"}
            {"type":"rejected","position":{"line":3,"byte":26},"column":"at","reason":"`today` is not a time; a time such as `2024-05-01T10:00:00Z` or `1714557600` would fit"}
            {"type":"summary","events":0,"windows":0,"filtered":0,"late":0,"late_for_some":0,"dropped":0,"rejected":2,"alerts":0,"digest":"0000000000000000"}
        "#]],
    );
}

#[test]
fn sources_that_are_not_there() {
    check(
        "run -p p.toml --from missing.csv",
        expect![[r#"
        2: kappascope: missing.csv: there is no such file
    "#]],
    );
    check(
        "run -p p.toml --from .",
        expect![[r#"
            2: kappascope: .: a directory; a CSV, JSON Lines or Parquet file would fit
        "#]],
    );
    check(
        "run --from scenario:moon",
        expect![[r#"
            2: kappascope: scenario:moon: no scenario `moon`; there are `tutorial`, `website`, `login_brute_force`, `exfiltration`, `account_takeover`, `card_testing`, `order_tracking`, `service_latency`, `sensor`
        "#]],
    );
    check(
        "run --from scenario:tutorial?speed=3",
        expect![[r#"
            2: kappascope: scenario:tutorial?speed=3: `speed=3` is no setting; `seed=N` and `events=N`, whole numbers, and faults such as `disorder=5s` would fit
        "#]],
    );
    check(
        "run --from scenario:tutorial?disorder=5",
        expect![[r#"
        2: kappascope: scenario:tutorial?disorder=5: fault `disorder`: `5` is not in its form; such as `5s` would fit
    "#]],
    );
    check(
        "run --from scenario:tutorial?idle=1m:1m:p3",
        expect![[r#"
        2: kappascope: scenario:tutorial: fault `idle`: no partition `p3`; this scenario has only `p0`
    "#]],
    );
    check(
        "generate tutorial --fault hot_key=300%",
        expect![[r#"
        2: kappascope: --fault: fault `hot_key`: 300% is out of bounds; 0% to 100% would fit
    "#]],
    );
    check(
        "run --from scenario:tutorial?events=0",
        expect![[r#"
        2: kappascope: scenario:tutorial?events=0: no events; at least 1 would fit
    "#]],
    );
    check(
        "run --from scenario:tutorial?seed=abc",
        expect![[r#"
            2: kappascope: scenario:tutorial?seed=abc: `seed=abc` is no setting; `seed=N` and `events=N`, whole numbers, and faults such as `disorder=5s` would fit
        "#]],
    );
    check(
        "run --from kafka://localhost/topic",
        expect![[r#"
            2: kappascope: kafka://localhost:9092/topic: it needs a pipeline, `-p FILE`
        "#]],
    );
    check(
        "run -p p.toml --from scenario:tutorial",
        expect![[r#"
        2: kappascope: scenario:tutorial: the pipeline's schema is not the scenario's; `kappascope profile --from scenario:tutorial` writes it out
    "#]],
    );
    check(
        "generate moon",
        expect![[r#"
            2: kappascope: scenario:moon: no scenario `moon`; there are `tutorial`, `website`, `login_brute_force`, `exfiltration`, `account_takeover`, `card_testing`, `order_tracking`, `service_latency`, `sensor`
        "#]],
    );
    check(
        "profile --from missing.csv",
        expect![[r#"
        2: kappascope: missing.csv: there is no such file
    "#]],
    );
}

#[test]
fn pipelines_that_cannot_run() {
    check(
        "run --from f.csv",
        expect![[r#"
        2: kappascope: f.csv: it needs a pipeline, `-p FILE`; `kappascope profile --from f.csv` proposes one
    "#]],
    );
    check(
        "run",
        expect![[r#"
        2: kappascope: standard input: it needs a pipeline, `-p FILE`; `kappascope profile --from FILE` proposes one
    "#]],
    );
    check(
        "run -p missing.toml --from f.csv",
        expect![[r#"
        2: kappascope: missing.toml: there is no such file
    "#]],
    );
    let folder = Folder::new();
    folder.write("f.csv", "at,who,ms\n1,ann,2\n");
    folder.write("q.toml", PIPELINE.replace("keys = ['who']", "keys = ['who', 'when']"));
    expect![[r#"
        2: kappascope: f.csv: no column `when`; the columns are `who`, `at`, `ms`
    "#]]
    .assert_eq(&folder.run("run -p q.toml --from f.csv").told());
    folder.write("q.toml", PIPELINE.replace("tumbling = '1m'", "tumbling = '1 minute'"));
    expect![[r#"
        2: kappascope: q.toml: line 12: `1 minute` is not a duration: a whole number and a unit (ms, s, m, h, d), such as `5s`
    "#]].assert_eq(&folder.run("run -p q.toml --from f.csv").told());
    folder.write("q.toml", PIPELINE.replace("'avg(ms)'", "'avg(s)'"));
    expect![[r#"
        2: kappascope: q.toml: line 13: query[0].aggregates[1]: no measure `s`; the schema's measures are `ms`
    "#]]
    .assert_eq(&folder.run("run -p q.toml --from f.csv").told());
    folder.write("q.toml", PIPELINE.replace("time = 'at'", "time = 'at'\ntime_format = 'iso'"));
    expect![[r#"
        2: kappascope: f.csv: schema.time_format: `iso` is no time format; `s`, `ms`, `us`, `ns`, `rfc3339`, `local`, `date`, `rfc2822` or a strftime pattern such as `%d/%m/%Y %H:%M` would fit
    "#]].assert_eq(&folder.run("run -p q.toml --from f.csv").told());
}

#[test]
fn sinks_that_cannot_be_written() {
    check(
        "run -p p.toml --from f.csv --to out.parquet",
        expect![[r#"
        2: kappascope: out.parquet: no such sink; `-` or a `.jsonl` file would fit
    "#]],
    );
    check(
        "run -p p.toml --from f.csv --to nowhere/out.jsonl",
        expect![[r#"
            2: kappascope: nowhere/out.jsonl: there is no such folder
        "#]],
    );
    check(
        "run -p p.toml --from f.csv --to a.jsonl --to a.jsonl",
        expect![[r#"
        2: kappascope: a.jsonl: it is named twice; each sink gets everything once
    "#]],
    );
    check(
        "generate tutorial --to f.xlsx",
        expect![[r#"
            2: kappascope: f.xlsx: no such sink; `-` or a `.csv` file or a `.jsonl` file would fit
        "#]],
    );
    let folder = Folder::new();
    folder.write("f.jsonl", "{\"at\":1,\"who\":\"ann\",\"ms\":2}\n");
    expect![[r#"
        2: kappascope: f.jsonl: it is the source; another file would fit
    "#]]
    .assert_eq(&folder.run("run -p p.toml --from f.jsonl --to f.jsonl").told());
    assert!(folder.read("f.jsonl").starts_with("{\"at\":1"), "the source is as it was");
}

#[test]
#[cfg(target_os = "linux")]
fn a_sink_that_is_full_is_a_failure_while_running() {
    let folder = Folder::new();
    std::os::unix::fs::symlink("/dev/full", folder.path("full.jsonl")).expect("a link");
    expect![[r#"
        1: kappascope: full.jsonl: no space left on device
    "#]]
    .assert_eq(&folder.run("run --from scenario:tutorial --to full.jsonl").told());
}

#[test]
fn wrong_arguments() {
    check(
        "",
        expect![[r#"
        2: kappascope: arguments: a verb is missing; `kappascope --help` lists them
    "#]],
    );
    check(
        "walk",
        expect![[r#"
        2: kappascope: arguments: unrecognized subcommand 'walk'
    "#]],
    );
    check(
        "run --fast",
        expect![[r#"
        2: kappascope: arguments: unexpected argument '--fast' found
    "#]],
    );
    check(
        "generate",
        expect![[r#"
        2: kappascope: arguments: the following required arguments were not provided: <SCENARIO>
    "#]],
    );
    check(
        "generate tutorial --events many",
        expect![[r#"
        2: kappascope: arguments: invalid value 'many' for '--events <N>': invalid digit found in string
    "#]],
    );
    check(
        "generate tutorial --events 0",
        expect![[r#"
        2: kappascope: arguments: invalid value '0' for '--events <N>': 0 is not in 1..18446744073709551615
    "#]],
    );
    check(
        "generate tutorial --rate 0",
        expect![[r#"
        2: kappascope: arguments: invalid value '0' for '--rate <R>': 0 is not in 1..18446744073709551615
    "#]],
    );
}

#[test]
fn help_and_version_go_to_standard_output() {
    let folder = Folder::new();
    for line in ["--help", "run --help", "--version"] {
        let output = folder.run(line);
        assert_eq!(output.told(), "0: ");
        assert!(output.stdout.contains("kappascope"), "{}", output.stdout);
    }
}
