//! Parquet through the binary: what the same events in CSV give, from a file and from standard input.

use crate::command::Folder;
use expect_test::{Expect, expect};
use std::path::Path;

fn data(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../parquet/tests/data");
    std::fs::read(folder.join(name)).expect("a file of the Parquet crate's tests")
}

/// The output without where in the file the rejected records are, which the forms name differently.
fn without_positions(output: &str) -> String {
    let line = |line: &str| {
        let (before, rest) = line.split_once(r#""position":{"#)?;
        Some(format!("{before}{}\n", rest.split_once("},")?.1))
    };
    output.lines().map(|text| line(text).unwrap_or_else(|| format!("{text}\n"))).collect()
}

#[test]
fn a_file_gives_what_its_csv_gives() {
    let folder = Folder::new();
    folder.write("events.csv", data("events.csv"));
    folder.write("wrong.name", data("events-zstd-v2.parquet"));
    let text = folder.run("run -p p.toml --from events.csv");
    let file = folder.run("run -p p.toml --from wrong.name");
    let piped = folder.run_with("run -p p.toml --from -", &data("events-groups.parquet"));
    assert!(text.stdout.contains(r#""rejected":7,"#), "{}", text.stdout);
    assert_eq!(without_positions(&file.stdout), without_positions(&text.stdout));
    assert_eq!(piped.stdout, file.stdout);
    assert_eq!((file.told(), piped.told()), (text.told(), text.told()));
    let rejected = file.stdout.lines().find(|line| line.contains("rejected")).expect("a rejected record");
    expect![[r#"{"type":"rejected","position":{"row":1},"column":"ms","reason":"nothing where a number belongs; a finite number such as `12.5` would fit"}"#]].assert_eq(rejected);
}

#[test]
fn a_profile_reads_its_columns() {
    let folder = Folder::new();
    folder.write("nested.parquet", data("nested.parquet"));
    let proposed = folder.run("profile --from nested.parquet");
    assert_eq!(proposed.code, 0, "{}", proposed.stderr);
    folder.write("proposed.toml", &proposed.stdout);
    assert!(proposed.stdout.contains(r#"time = "at""#), "{}", proposed.stdout);
    let run = folder.run("run -p proposed.toml --from nested.parquet");
    assert!(run.stdout.contains(r#""events":40,"#), "{}{}", run.stdout, run.stderr);
}

fn check(content: impl AsRef<[u8]>, expected: Expect) {
    let folder = Folder::new();
    folder.write("f.parquet", content);
    expected.assert_eq(&folder.run("run -p p.toml --from f.parquet").told());
}

#[test]
fn what_cannot_be_read_is_told() {
    let whole = data("events-snappy-v1.parquet");
    check(
        &whole[..whole.len() - 1],
        expect![[r#"
        1: kappascope: f.parquet: the Parquet file does not end with `PAR1`, which follows its index: it is cut short or still being written; copy it again once it is complete
    "#]],
    );
    check(
        data("nested.parquet"),
        expect![[r#"
        2: kappascope: f.parquet: no column `who`; the columns are `at`, `raw`, `day`, `user.ok`, `user.name`, `tags.list.element`
    "#]],
    );
    check(
        b"PAR1",
        expect![[r#"
        1: kappascope: f.parquet: the Parquet file does not end with `PAR1`, which follows its index: it is cut short or still being written; copy it again once it is complete
    "#]],
    );
}
