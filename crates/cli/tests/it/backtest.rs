//! `kappascope backtest`: a pipeline's alerts against what happened.

use crate::command::Folder;
use expect_test::{Expect, ExpectFile, expect, expect_file};
use serde_json::Value;
use std::fmt::Write;

/// What each scenario's own pipeline makes of it, with a sweep over the parameter that matters most.
#[test]
fn scenarios() {
    let check = |scenario: &str, sweep: &str, expected: ExpectFile| {
        let output = Folder::new().run(&format!("backtest --from scenario:{scenario} --sweep {sweep}"));
        assert_eq!(output.told(), "0: ", "{scenario}");
        expected.assert_eq(&output.stdout);
    };
    check("tutorial", "detector.threshold=2:6:0.5", expect_file!["backtest/tutorial.txt"]);
    check("website", "detector.threshold=2:6:0.5", expect_file!["backtest/website.txt"]);
    check(
        "login_brute_force",
        "alert.brute_force.when=5:30:5",
        expect_file!["backtest/login_brute_force.txt"],
    );
    check("exfiltration", "detector.burst.threshold=4:16:4", expect_file!["backtest/exfiltration.txt"]);
    let changes = "alert.new_device_changes_things.when=1:4:1";
    check("account_takeover", changes, expect_file!["backtest/account_takeover.txt"]);
    check("card_testing", "alert.card_testing.when[1]=4:16:4", expect_file!["backtest/card_testing.txt"]);
    check("order_tracking", "alert.stuck.when[1]=7:11:1", expect_file!["backtest/order_tracking.txt"]);
    check("service_latency", "detector.tail.threshold=4:12:2", expect_file!["backtest/service_latency.txt"]);
    check("sensor", "detector.off_season.threshold=2:4:0.5", expect_file!["backtest/sensor.txt"]);
}

/// Rows of a minute each: two accounts, of which `a` has bursts at minutes 30, 55 and 80.
fn file() -> String {
    let mut file = "at,who,ms,fraud\n".to_owned();
    for minute in 0..100 {
        let burst = [30, 55, 80].contains(&minute);
        for (who, events) in [("a", if burst { 40 } else { 5 + minute % 3 }), ("b", 6 + minute % 2)] {
            for event in 0..events {
                let time = 1_700_000_000_000_i64 + i64::from(minute * 60_000 + event * 1_000);
                let fraud = if burst && who == "a" { "yes" } else { "no" };
                let _ = writeln!(file, "{time},{who},{},{fraud}", event * 3);
            }
        }
    }
    file
}

const RULES: &str = "
[[detector]]
name = 'd'
on = 'per_minute.count()'
kind = 'zscore'
window = 20
threshold = 5.0
[[alert]]
name = 'burst'
when = 'd'
";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("rules.toml", crate::command::PIPELINE.to_owned() + RULES);
    folder.write("f.csv", file());
    folder
}

/// The minutes of the bursts, as they stand in the file; the last column says nothing.
const LABELS: &str = "\
start,end,who,what,note
2023-11-14T22:43:20Z,2023-11-14T22:44:20Z,a,first,x
2023-11-14T23:08:20Z,2023-11-14T23:09:20Z,a,second,x
2023-11-14T23:33:20Z,2023-11-14T23:34:20Z,b,another account,x
";

fn json(folder: &Folder, line: &str) -> Value {
    let output = folder.run(&format!("backtest -p rules.toml --from f.csv --json {line}"));
    assert_eq!(output.told(), "0: ", "{line}");
    serde_json::from_str(&output.stdout).expect("one JSON object")
}

#[test]
fn labels_of_every_origin() {
    let folder = folder();
    folder.write("labels.csv", LABELS);
    let rows: Vec<Vec<&str>> = LABELS.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            format!(r#"{{"start":"{}","end":"{}","who":"{}","what":"{}"}}"#, row[0], row[1], row[2], row[3])
        })
        .collect();
    folder.write("labels.jsonl", lines.join("\n"));
    let found = json(&folder, "--labels labels.csv");
    assert_eq!(found, json(&folder, "--labels labels.jsonl"));
    let outcome = &found["parts"][0]["outcome"];
    assert_eq!(
        (&outcome["labels"], &outcome["met"], &outcome["alerts"], &outcome["right"]),
        (&3.into(), &2.into(), &3.into(), &2.into())
    );
    assert_eq!(
        (&found["parts"][0]["missed"], &found["parts"][0]["false_alarms"]),
        (&serde_json::json!([2]), &serde_json::json!([2]))
    );

    // Points, and no key: whoever it happened to.
    folder.write("points.csv", "time\n1700001810000\n1700003310000\n1700004810000\n");
    let outcome = &json(&folder, "--labels points.csv")["parts"][0]["outcome"];
    assert_eq!(
        (&outcome["met"], &outcome["precision"], &outcome["recall"]),
        (&3.into(), &1.0.into(), &1.0.into())
    );

    // A column of the events: each burst is a run of marked events of its account.
    let of_column = json(&folder, "--labels column:fraud");
    assert_eq!(of_column["labels"].as_array().map(Vec::len), Some(3));
    assert_eq!(
        of_column["labels"][0],
        serde_json::json!({
            "what": "", "start": 1_700_001_800_000_i64, "end": 1_700_001_839_000_i64, "key": [["who", "a"]],
        })
    );
    assert_eq!(of_column["parts"][0]["outcome"]["met"], 3);
}

#[test]
fn a_sweep_over_two_parameters() {
    let folder = folder();
    let found =
        json(&folder, "--labels column:fraud --sweep detector.threshold=5,50 --sweep alert.for=0s,2m");
    let settings = found["settings"].as_array().expect("settings");
    let met: Vec<(String, &Value)> =
        settings.iter().map(|s| (s["values"].to_string(), &s["outcome"]["met"])).collect();
    assert_eq!(
        met,
        [
            (r#"["5","0s"]"#.to_owned(), &1.into()),
            (r#"["5","2m"]"#.to_owned(), &0.into()),
            (r#"["50","0s"]"#.to_owned(), &0.into()),
            (r#"["50","2m"]"#.to_owned(), &0.into()),
        ]
    );
    assert_eq!(found["chosen"], serde_json::json!(["5", "0s"]));
    assert_eq!(
        (&found["parts"][1]["name"], &found["parts"][1]["outcome"]["met"]),
        (&"test".into(), &2.into())
    );
}

#[test]
fn what_does_not_fit() {
    let folder = folder();
    let check = |line: &str, expected: Expect| {
        let output = folder.run(&format!("backtest {line}"));
        assert_eq!(output.stdout, "", "{line}");
        expected.assert_eq(output.told().trim_end());
    };
    folder.write("none.csv", "who,what\na,b\n");
    folder.write("odd.csv", "start,end\n2023-11-14,2023-11-15\n2023-11-14,soon\n");
    folder.write("back.csv", "start,end\n2023-11-14,2023-11-13\n");
    check(
        "-p rules.toml --from f.csv",
        expect![
            "2: kappascope: --labels: what really happened is missing; a file, or `column:NAME` of the events, would fit"
        ],
    );
    check(
        "-p p.toml --from f.csv --labels column:fraud",
        expect!["2: kappascope: p: it has no alert rule to judge; add an `[[alert]]`"],
    );
    check(
        "-p rules.toml --from f.csv --labels absent.csv",
        expect!["2: kappascope: absent.csv: there is no such file"],
    );
    check(
        "-p rules.toml --from f.csv --labels none.csv",
        expect![
            "1: kappascope: none.csv: no column says when a label starts; `start` or `time` would, and there are `who`, `what`"
        ],
    );
    check(
        "-p rules.toml --from f.csv --labels odd.csv",
        expect![
            "1: kappascope: odd.csv: line 3, `end`: `soon` is not in the column's format; a time such as `2024-05-01` would fit"
        ],
    );
    check(
        "-p rules.toml --from f.csv --labels back.csv",
        expect!["1: kappascope: back.csv: label 1 ends at 1699833600000, before it starts, at 1699920000000"],
    );
    check(
        "-p rules.toml --from f.csv --labels column:froud",
        expect!["2: kappascope: f.csv: no column `froud`; the columns are `fraud`, `who`, `at`, `ms`"],
    );
    check(
        "-p rules.toml --from f.csv --labels column:fraud --sweep detector.alpha=1:2:1",
        expect![
            "2: kappascope: --sweep: detector.alpha=1: unknown field `alpha`, expected one of `window`, `threshold`, `min_points`, `include_current`"
        ],
    );
    check(
        "-p rules.toml --from f.csv --labels column:fraud --sweep detector.window=2 --sweep a=1 --sweep b=2",
        expect!["2: kappascope: --sweep: 3 parameters; at most 2 can be swept together"],
    );
    check(
        "-p rules.toml --from f.csv --labels column:fraud --miss-cost=-1",
        expect!["2: kappascope: --miss-cost: -1; a number from 0 on would fit"],
    );
    check(
        "-p rules.toml --from f.csv --labels column:fraud --train 0",
        expect!["2: kappascope: --train: 0; a share above 0, at most 1, would fit"],
    );
}

#[test]
fn labels_outside_and_across() {
    let folder = folder();
    // Before the data, over its end, across the cut at half time, and one that is judged.
    folder.write(
        "labels.csv",
        "start,end\n1600000000000,1600000001000\n1700005900000,1800000000000\n\
         1700002900000,1700003100000\n1700001800000,1700001860000\n",
    );
    let output = folder.run("backtest -p rules.toml --from f.csv --labels labels.csv --train 0.5");
    assert_eq!(output.told(), "0: ");
    expect_file!["backtest/edges.txt"].assert_eq(&output.stdout);
}
