//! How fast a topic goes through: printed, not judged.
//!
//! `KAPPASCOPE_BIN=… cargo test --release -p kappascope-live --test speed -- --ignored --nocapture`

use anyhow::{Context, Result, ensure};
use kappascope_live::{Place, Running, binary, wait};
use std::time::{Duration, Instant};

const EVENTS: u64 = 3_000_000;
const PAIRS: u64 = 1_000_000;

/// The page's website, by minute.
const WEBSITE: &str = r#"
name = "website"
version = 1
[schema]
time = "event_time"
keys = ["event_type", "user_id"]
measures = ["value"]
[watermark]
bound = "30s"
[[query]]
name = "per_minute"
by = ["event_type"]
window = { tumbling = "1m" }
aggregates = ["count()", "sum(value)", "avg(value)", "p99(value)"]
"#;

/// Fills the topic `visits`.
fn fill(place: &Place, partitions: u32) -> Result<()> {
    let to = format!("{}?partitions={partitions}", place.topic("visits"));
    let events = EVENTS.to_string();
    let words = ["generate", "website", "--events", &events, "--create", "--to", &to];
    let (code, _, said) = place.kappascope(&words)?;
    ensure!(code == 0, "{said}");
    Ok(())
}

/// Seconds until processes that follow the topic have committed its end, without those until the first commit, and these.
#[expect(clippy::disallowed_methods, reason = "it is a measurement")]
fn follow(
    place: &Place,
    partitions: u32,
    processes: u32,
    more: &str,
    tables: &str,
) -> Result<(f64, f64, u64)> {
    let mut words = place.run(more);
    words.push("--create".to_owned());
    if let Some(to) = words.iter_mut().find(|word| word.starts_with("clickhouse://")) {
        to.push_str(tables);
    }
    let begun = Instant::now();
    let running: Vec<Running> =
        (0..processes).map(|_| place.start(&binary()?, &words)).collect::<Result<_>>()?;
    let group =
        more.split_once("group=").map_or("website", |(_, rest)| rest.split('&').next().unwrap_or(rest));
    let mut first = None;
    let mut memory = 0;
    wait("the end of the topic", || {
        let mut committed = 0;
        let mut end = 0;
        for partition in 0..partitions {
            // The group has no coordinator before its first member.
            let Ok((at, of)) = place.progress(group, "visits", partition as i32) else { return Ok(false) };
            (committed, end) = (committed + at.max(0), end + of);
            if begun.elapsed().as_secs() > 14 {
                println!("P{partition}: {at} of {of} at {:?}", begun.elapsed());
            }
        }
        memory = memory.max(running.iter().map(|one| resident_mib(one.id())).max().unwrap_or(0));
        if committed > 0 {
            first.get_or_insert((begun.elapsed(), committed));
        }
        Ok(committed == end)
    })
    .with_context(|| place.said())?;
    let (start, before) = first.unwrap_or_default();
    let seconds = begun.elapsed().as_secs_f64();
    let rate = (EVENTS as f64 - before as f64) / (seconds - start.as_secs_f64());
    for one in running {
        one.stop()?;
    }
    println!(
        "{partitions} partitions, {processes} processes, {tables:24} {:>9.0} events/s whole, {rate:>9.0} events/s after \
         the first {before} at {:.2} s, {memory} MiB",
        EVENTS as f64 / seconds,
        start.as_secs_f64()
    );
    Ok((seconds, rate, memory))
}

/// Resident memory of a process.
fn resident_mib(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

#[test]
#[ignore = "a measurement: it takes minutes and says nothing in a build for tests"]
fn speed() -> Result<()> {
    let place = Place::new(WEBSITE)?;
    fill(&place, 1)?;
    for round in 0..3 {
        follow(&place, 1, 1, &format!("?epoch={}&group=a{round}", 1), "")?;
        reset(&place)?;
        follow(&place, 1, 1, &format!("?epoch={}&group=b{round}", 1), "?tables=windows,late,alerts")?;
        reset(&place)?;
    }
    Ok(())
}

#[test]
#[ignore = "a measurement: it takes minutes and says nothing in a build for tests"]
fn scaling() -> Result<()> {
    for partitions in [1, 2, 4] {
        let place = Place::new(WEBSITE)?;
        fill(&place, partitions)?;
        follow(&place, partitions, partitions, "?group=s", "")?;
        reset(&place)?;
        follow(&place, partitions, partitions, "?group=t", "?tables=windows,late,alerts")?;
    }
    Ok(())
}

/// Everything but the input is gone.
fn reset(place: &Place) -> Result<()> {
    place.execute("DROP DATABASE IF EXISTS live SYNC")?;
    place.delete_topic("website-state")
}

#[test]
#[ignore = "a measurement: it takes minutes and says nothing in a build for tests"]
fn memory_of_many_pairs() -> Result<()> {
    let pipeline = WEBSITE
        .replace(
            "by = [\"event_type\"]\nwindow = { tumbling = \"1m\" }",
            "by = [\"user_id\"]\nwindow = { tumbling = \"1d\" }",
        )
        .replace(
            "\"count()\", \"sum(value)\", \"avg(value)\", \"p99(value)\"",
            "\"count()\", \"sum(value)\"",
        );
    let place = Place::new(&pipeline)?;
    place.make_topic("visits", 1)?;
    let writer = place.writer()?;
    for from in (0..PAIRS).step_by(10_000) {
        let record = |n: u64| {
            format!(
                r#"{{"event_time":{},"event_type":"a","user_id":"user_{n}","value":1}}"#,
                1_767_225_600_000 + n
            )
        };
        writer.write("visits", 0, &(from..from + 10_000).map(record).collect::<Vec<_>>())?;
    }
    let mut words = place.run("");
    words.push("--create".to_owned());
    if let Some(to) = words.iter_mut().find(|word| word.starts_with("clickhouse://")) {
        to.push_str("?tables=windows,late,alerts");
    }
    let running = place.start(&binary()?, &words)?;
    wait("the end of the topic", || {
        Ok(place.progress("website", "visits", 0).is_ok_and(|(at, _)| at == PAIRS as i64))
    })?;
    println!("{PAIRS} open pairs: {} MiB before a state is written", resident_mib(running.id()));
    std::thread::sleep(Duration::from_secs(15));
    println!("{PAIRS} open pairs: {} MiB after", resident_mib(running.id()));
    running.stop()
}
