//! `run`: the lines it writes, from every kind of source.

use crate::command::{Folder, Output};
use expect_test::expect;
use std::fmt::Write;

/// Two keys, an event that is late, one that is refused.
const FILE: &str = "\
at,who,ms
2024-05-01T10:00:05Z,ann,10
2024-05-01T10:00:10Z,bob,20.5
2024-05-01T10:00:09.500Z,ann,0.1
2024-05-01T10:00:30Z,ann,slow
2024-05-01T10:01:01Z,bob,5
2024-05-01T10:00:59Z,ann,7
2024-05-01T10:01:02Z,ann,1e-7
";

#[test]
fn every_kind_of_line() {
    let folder = Folder::new();
    folder.write("f.csv", FILE);
    let output = folder.run("run -p p.toml --from f.csv");
    assert_eq!(output.told(), "0: ");
    expect![[r#"
        {"type":"rejected","position":{"line":5,"byte":101},"column":"ms","reason":"`slow` is not a number; a finite number such as `12.5` would fit"}
        {"type":"window","query":"per_minute","key":{"who":"ann"},"start":1714557600000,"end":1714557660000,"revision":0,"timing":"on_time","values":{"count()":2,"avg(ms)":5.05}}
        {"type":"window","query":"per_minute","key":{"who":"bob"},"start":1714557600000,"end":1714557660000,"revision":0,"timing":"on_time","values":{"count()":1,"avg(ms)":20.5}}
        {"type":"late","query":"per_minute","partition":0,"offset":4,"time":1714557659000,"watermark":1714557659999,"reason":"late","windows":1}
        {"type":"window","query":"per_minute","key":{"who":"ann"},"start":1714557660000,"end":1714557720000,"revision":0,"timing":"on_time","values":{"count()":1,"avg(ms)":1e-7}}
        {"type":"window","query":"per_minute","key":{"who":"bob"},"start":1714557660000,"end":1714557720000,"revision":0,"timing":"on_time","values":{"count()":1,"avg(ms)":5.0}}
        {"type":"summary","events":6,"windows":4,"filtered":0,"late":1,"late_for_some":0,"dropped":0,"rejected":1,"alerts":0,"digest":"1d2fc45b901352ba"}
    "#]].assert_eq(&output.stdout);
}

/// A series that is steady for twelve minutes, then is not.
fn steady_then_not() -> String {
    let mut file = "at,who,ms\n".to_owned();
    for minute in 0..14 {
        let value = if minute == 12 { 900 } else { 10 + minute % 2 };
        let _ = writeln!(file, "{},ann,{value}", 1_714_557_600 + minute * 60);
    }
    file
}

const DETECTOR: &str = "
[[detector]]
name = 'slow'
on = 'per_minute.avg(ms)'
kind = 'zscore'
window = 30
threshold = 3.0
[[alert]]
name = 'slow_now'
when = 'slow'
";

#[test]
fn scores_and_alerts() {
    let folder = Folder::new();
    folder.write("a.toml", crate::command::PIPELINE.to_owned() + DETECTOR);
    folder.write("f.csv", steady_then_not());
    let output = folder.run("run -p a.toml --from f.csv");
    assert_eq!(output.told(), "0: ");
    let lines: Vec<&str> =
        output.stdout.lines().filter(|line| !line.starts_with("{\"type\":\"window\"")).collect();
    expect![[r#"
        {"type":"score","detector":"slow","key":{"who":"ann"},"time":1714558200000,"value":10.0,"expected":10.5,"low":8.918861169915811,"high":12.081138830084189,"score":-0.9486832980505138,"anomaly":false}
        {"type":"score","detector":"slow","key":{"who":"ann"},"time":1714558260000,"value":11.0,"expected":10.454545454545455,"low":8.887846550944175,"high":12.021244358146735,"score":1.0444659357341861,"anomaly":false}
        {"type":"score","detector":"slow","key":{"who":"ann"},"time":1714558320000,"value":900.0,"expected":10.5,"low":8.933301096398718,"high":12.066698903601282,"score":1703.2628246985255,"anomaly":true}
        {"type":"alert","rule":"slow_now","key":{"who":"ann"},"state":"firing","severity":"warning","time":1714558380000,"id":"2bb3a1e27f7c7de9","values":{"per_minute.avg(ms)":900.0,"score":1703.2628246985255}}
        {"type":"score","detector":"slow","key":{"who":"ann"},"time":1714558380000,"value":11.0,"expected":78.92307692307693,"low":-661.1871799357862,"high":819.03333378194,"score":-0.27532280343479826,"anomaly":false}
        {"type":"alert","rule":"slow_now","key":{"who":"ann"},"state":"resolved","severity":"warning","time":1714558440000,"id":"2bb3a1e27f7c7de9","values":{"per_minute.avg(ms)":11.0,"score":-0.27532280343479826}}
        {"type":"summary","events":14,"windows":14,"filtered":0,"late":0,"late_for_some":0,"dropped":0,"rejected":0,"alerts":1,"digest":"22a4e78bb0c1dc4a"}"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn windows_stay_open_without_a_flush() {
    let folder = Folder::new();
    folder.write("f.csv", FILE);
    let flushed = folder.run("run -p p.toml --from f.csv").stdout;
    let open = folder.run("run -p p.toml --from f.csv --no-flush").stdout;
    let windows = |text: &str| text.matches("\"type\":\"window\"").count();
    assert_eq!((windows(&flushed), windows(&open)), (4, 2));
}

/// The same events in another form, from another source, in other portions: the same lines.
#[test]
fn form_and_source_do_not_show() {
    let folder = Folder::new();
    let (mut csv, mut json) = ("ms;who;at\r\n".to_owned(), String::new());
    for i in 0..30_000_i64 {
        let (at, who, ms) = (1_714_557_600_000 + i * 97 - i * 7919 % 5_000, i % 7, i * 7919 % 1_000);
        let ms = if i % 1_000 == 999 { "none".to_owned() } else { format!("0.{ms:03}") };
        let _ = write!(csv, "{ms};w{who};{at}\r\n");
        let _ = writeln!(json, r#"{{"at":{at},"x":[{i}],"who":"w{who}","ms":"{ms}"}}"#);
    }
    folder.write("f.csv", &csv);
    folder.write("f.jsonl", &json);
    let file = folder.run("run -p p.toml --from f.csv");
    expect![[r#"{"type":"summary","events":29970,"windows":349,"filtered":0,"late":547,"late_for_some":0,"dropped":0,"rejected":30,"alerts":0,"digest":"27b3b1d968896c3c"}"#]].assert_eq(file.summary());
    assert_eq!(folder.run("run -p p.toml --from f.jsonl").summary(), file.summary());

    let stdin = folder.run_with("run -p p.toml", csv.as_bytes());
    assert_eq!(stdin.stdout, file.stdout);
    // The check can fail: one digit changes the digest.
    folder.write("g.csv", csv.replacen("0.919", "0.918", 1));
    assert_ne!(folder.run("run -p p.toml --from g.csv").summary(), file.summary());
}

#[test]
fn a_scenario_brings_its_pipeline() {
    let folder = Folder::new();
    let summary = |line: &str| {
        let output = folder.run(line);
        output.summary().to_owned()
    };
    let whole = summary("run --from scenario:tutorial");
    assert!(whole.starts_with(r#"{"type":"summary","events":72000,"#), "{whole}");
    assert_eq!(summary("run --from scenario:tutorial?seed=1"), whole);
    assert_ne!(summary("run --from scenario:tutorial?seed=2"), whole);
    let part = summary("run --from scenario:tutorial?events=500&seed=3");
    assert!(part.starts_with(r#"{"type":"summary","events":500,"#), "{part}");

    let profile = folder.run("profile --from scenario:tutorial");
    folder.write("t.toml", &profile.stdout);
    assert_eq!(summary("run -p t.toml --from scenario:tutorial"), whole);
}

#[test]
fn every_sink_gets_everything() {
    let folder = Folder::new();
    folder.write("f.csv", FILE);
    let output = folder.run("run -p p.toml --from f.csv --to a.jsonl --to - --to b.jsonl");
    assert!(output.summary().contains("\"events\":6"));
    assert_eq!(folder.read("a.jsonl"), output.stdout);
    assert_eq!(folder.read("b.jsonl"), output.stdout);
    let quiet = folder.run("run -p p.toml --from f.csv --to c.jsonl");
    assert_eq!((quiet.code, quiet.stdout.as_str()), (0, ""));
    assert_eq!(folder.read("c.jsonl"), output.stdout);
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let folder = Folder::new();
    let Output { code, stderr, .. } = folder.run_closed("run --from scenario:website");
    assert_eq!((code, stderr.as_str()), (0, ""));
}

#[test]
fn strict_returns_three_when_records_were_rejected() {
    let folder = Folder::new();
    folder.write("f.csv", FILE);
    folder.write("good.csv", FILE.replace("slow", "5"));
    let code = |line: &str| folder.run(line).code;
    assert_eq!(code("run -p p.toml --from f.csv"), 0);
    assert_eq!(code("run -p p.toml --from f.csv --strict"), 3);
    assert_eq!(code("run -p p.toml --from good.csv --strict"), 0);
}

#[test]
fn a_proposed_pipeline_runs() {
    let folder = Folder::new();
    folder.write("f.csv", FILE.to_owned() + &"2024-05-01T10:01:03Z,ann,2\n".repeat(10));
    folder.write("q.toml", folder.run("profile --from f.csv").stdout);
    assert!(folder.run("run -p q.toml --from f.csv").summary().contains("\"rejected\":1,"));
}

/// 200 MB through a pipe, in memory that does not grow with it. `cargo test -- --ignored` runs it.
#[test]
#[ignore = "200 MB take a while without optimisation"]
#[cfg(target_os = "linux")]
fn a_large_file_takes_little_memory() {
    let folder = Folder::new();
    let peak = folder.peak_memory_kb("run -p p.toml --to out.jsonl", 200 << 20, |file, i| {
        let _ = writeln!(file, "{},user{},{}.5", 1_714_557_600_000_u64 + i * 10, i % 1_000, i % 97);
    });
    assert!(peak < 64 * 1024, "{peak} kB");
    assert!(folder.read("out.jsonl").contains("\"rejected\":0"));
}
