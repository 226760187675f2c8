//! `run --snapshot` and `--resume`: two runs give what one gives, or say why they cannot.

use crate::command::{Folder, Output};
use expect_test::expect;

const WEBSITE: &str = include_str!("../../../scenario/src/pipelines/website.toml");

/// A folder with a pipeline, the events of `all.csv`, and the first half of them in `first.csv`.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("website.toml", WEBSITE);
    let generated = folder.run("generate website --seed 3 --events 40000 --to all.csv");
    assert_eq!(generated.told(), "0: ");
    let all = folder.read("all.csv");
    let first: Vec<&str> = all.lines().take(20_001).collect();
    folder.write("first.csv", first.join("\n"));
    folder
}

/// All lines but the last, and the last.
fn parted(output: &Output) -> (Vec<&str>, &str) {
    let mut lines: Vec<&str> = output.stdout.lines().collect();
    let summary = lines.pop().unwrap_or_default();
    (lines, summary)
}

#[test]
fn two_runs_give_what_one_gives() {
    let folder = folder();
    let one = folder.run("run -p website.toml --from all.csv");
    let first = folder.run("run -p website.toml --from first.csv --snapshot state");
    let second = folder.run("run -p website.toml --from all.csv --resume state");
    assert_eq!((first.told(), second.told()), ("0: ".to_owned(), "0: ".to_owned()));
    let ((all, summary), (begun, _), (rest, last)) = (parted(&one), parted(&first), parted(&second));
    assert!(!begun.is_empty() && !rest.is_empty());
    assert_eq!(last, summary, "the same counts and the same digest");
    assert_eq!([begun, rest].concat(), all);
}

#[test]
fn a_snapshot_that_does_not_fit_is_refused() {
    let folder = folder();
    folder.run("run -p website.toml --from all.csv --snapshot state");
    let told = |line: &str| folder.run(line).told();
    expect![[r#"
        2: kappascope: state: it was taken after 40000 events, and first.csv has only 20000; the same source would fit
    "#]]
    .assert_eq(&told("run -p website.toml --from first.csv --resume state"));
    folder.write("other.toml", WEBSITE.replace("bound = \"5s\"", "bound = \"6s\""));
    expect![[r#"
        2: kappascope: state: a snapshot of another pipeline: its fingerprint is f0c81b12e9ccbb01, this one's c5f36da4240c0c68. A pipeline that was changed has to replay the log
    "#]].assert_eq(&told("run -p other.toml --from all.csv --resume state"));
    expect![[r#"
        2: kappascope: all.csv: not a snapshot: it does not begin with `KAPPASNP`
    "#]]
    .assert_eq(&told("run -p website.toml --from all.csv --resume all.csv"));
    expect![[r#"
        2: kappascope: nowhere: there is no such file
    "#]]
    .assert_eq(&told("run -p website.toml --from all.csv --resume nowhere"));
}
