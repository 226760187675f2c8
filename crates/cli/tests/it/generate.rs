//! `generate`: what it writes is the scenario, whichever way it comes back.

use crate::command::Folder;
use expect_test::expect;
use std::time::{Duration, Instant};

#[test]
fn a_scenario_written_to_a_file_gives_the_same_digest_when_read_back() {
    let folder = Folder::new();
    for scenario in ["tutorial", "website"] {
        let source = format!("scenario:{scenario}?seed=9&events=40000");
        folder.write("s.toml", folder.run(&format!("profile --from {source}")).stdout);
        let direct = folder.run(&format!("run --from {source}"));
        for file in ["s.csv", "s.jsonl"] {
            let written = folder.run(&format!("generate {scenario} --seed 9 --events 40000 --to {file}"));
            assert_eq!(written.told(), "0: ");
            let read = folder.run(&format!("run -p s.toml --from {file}"));
            assert_eq!(read.summary(), direct.summary(), "{scenario} {file}");
            assert_eq!(read.stdout, direct.stdout);
        }
        // The check can fail: another seed is another digest.
        let other = folder.run(&format!("run --from scenario:{scenario}?seed=10&events=40000"));
        assert_ne!(other.summary(), direct.summary());
    }
}

#[test]
fn the_first_events() {
    let folder = Folder::new();
    expect![[r#"
        {"event_time":"2026-01-05T00:00:00.556Z","arrival_time":"2026-01-05T00:00:00.731Z","partition":1,"event_type":"page_view","user_id":"user_0881","value":184.1}
        {"event_time":"2026-01-05T00:00:00.657Z","arrival_time":"2026-01-05T00:00:00.879Z","partition":0,"event_type":"page_view","user_id":"user_1444","value":371.3}
    "#]].assert_eq(&folder.run("generate website --events 2 --seed 7").stdout);
    assert_eq!(folder.run("generate website --events 3 --seed 7 --to f.csv").told(), "0: ");
    expect![[r#"
        event_time,arrival_time,partition,event_type,user_id,value
        2026-01-05T00:00:00.556Z,2026-01-05T00:00:00.731Z,1,page_view,user_0881,184.1
        2026-01-05T00:00:00.657Z,2026-01-05T00:00:00.879Z,0,page_view,user_1444,371.3
        2026-01-05T00:00:00.643Z,2026-01-05T00:00:00.998Z,0,page_view,user_1141,186.5
    "#]]
    .assert_eq(&folder.read("f.csv"));
}

/// `--fault` and the settings of a source are one way to say the same; and no faults are the same bytes.
#[test]
fn faults_of_a_file_and_of_a_source_are_the_same() {
    let folder = Folder::new();
    folder.write("s.toml", folder.run("profile --from scenario:website").stdout);
    let seed = "--seed 9 --events 40000 --to s.csv";
    let told = folder
        .run(&format!("generate website {seed} --fault disorder=5s,stragglers=1%:2m --fault duplicates=1%"));
    assert_eq!(told.told(), "0: ");
    let written = folder.run("run -p s.toml --from s.csv");
    let source = "scenario:website?seed=9&events=40000";
    let direct = folder.run(&format!("run --from {source}&disorder=5s&stragglers=1%:2m&duplicates=1%"));
    assert_eq!(written.summary(), direct.summary());
    let plain = folder.run(&format!("run --from {source}"));
    assert_ne!(plain.summary(), direct.summary());
    let zero = folder.run(&format!("run --from {source}&disorder=0s&stragglers=0%:2m&duplicates=0%"));
    assert_eq!(plain.summary(), zero.summary());
}

/// A burst is what happens, so it is among the labels that a backtest judges by.
#[test]
fn a_burst_is_a_label() {
    let labels = |source: &str| {
        let output = Folder::new().run(&format!("backtest --from {source} --json"));
        let report: serde_json::Value = serde_json::from_str(&output.stdout).expect("one JSON object");
        report["labels"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(labels("scenario:tutorial?burst=30m:10m:3x"), labels("scenario:tutorial") + 1);
}

#[test]
fn the_list_names_every_scenario() {
    let list = Folder::new().run("generate --list").stdout;
    let names: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    expect!["tutorial website login_brute_force exfiltration account_takeover card_testing order_tracking service_latency sensor"]
        .assert_eq(&names.join(" "));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a rate is a promise about the clock")]
fn a_rate_is_kept() {
    let start = Instant::now();
    let output = Folder::new().run("generate tutorial --events 100 --rate 200");
    assert_eq!(output.stdout.lines().count(), 100);
    assert!(start.elapsed() >= Duration::from_millis(450), "{:?}", start.elapsed());
}
