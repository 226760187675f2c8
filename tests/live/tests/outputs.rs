//! What others read while a topic is followed: lines, metrics, the alerts topic.

use anyhow::{Context, Result, ensure};
use kappascope_live::{Place, binary, wait};
use std::io::{Read, Write};
use std::net::TcpStream;

const PIPELINE: &str = r#"
name = "outputs"
version = 1
[schema]
time = "at"
keys = ["user"]
measures = ["ms"]
[[query]]
name = "per_second"
by = ["user"]
window = { tumbling = "1s" }
aggregates = ["count()"]
[[alert]]
name = "busy"
when = "per_second: count() >= 3"
"#;

fn records(count: u64) -> Vec<String> {
    (0..count)
        .map(|n| format!(r#"{{"at":{},"user":"u{}","ms":1}}"#, 1_767_225_600_000 + n * 100, n % 3))
        .collect()
}

fn place() -> Result<Place> {
    let place = Place::new(PIPELINE)?;
    place.make_topic("visits", 2)?;
    for partition in 0..2 {
        place.writer()?.write("visits", partition, &records(100))?;
    }
    Ok(place)
}

/// The body of an answer, or nothing.
fn get(address: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn serve_delivers_and_tells_how_far_it_is() -> Result<()> {
    let place = place()?;
    let mut words = place.run("");
    words[0] = "serve".to_owned();
    words.extend(["--create", "--listen", "127.0.0.1:0"].map(str::to_owned));
    let running = place.start(&binary()?, &words)?;
    let mut address = String::new();
    wait("an address", || {
        let said = place.said();
        let line = said.lines().find_map(|line| line.split_once("serving at http://"));
        address = line.map(|(_, address)| address.trim().to_owned()).unwrap_or_default();
        Ok(!address.is_empty())
    })?;
    let expected = [
        "kappascope_events_total 200",
        "kappascope_partition_lag_records{partition=\"0\"} 0",
        "kappascope_partition_lag_records{partition=\"1\"} 0",
        "kappascope_retries_total 0",
        "kappascope_partition_watermark_timestamp_seconds{partition=\"1\"} 1767225609",
    ];
    let mut metrics = String::new();
    wait("metrics", || {
        metrics = get(&address, "/metrics")?;
        Ok(expected.iter().all(|line| metrics.lines().any(|found| found.starts_with(line))))
    })
    .with_context(|| metrics.clone())?;
    ensure!(get(&address, "/readyz")?.starts_with("HTTP/1.1 200"));
    place.wait_for("SELECT count() FROM live.outputs_raw", 200)?;
    running.stop()
}

#[test]
fn lines_have_what_the_tables_have() -> Result<()> {
    let place = place()?;
    let mut words = place.run("");
    let lines = place.folder.path().join("lines.jsonl");
    words.extend(["--create".to_owned(), "--to".to_owned(), lines.display().to_string()]);
    let running = place.start(&binary()?, &words)?;
    place.wait_for("SELECT count() FROM live.outputs_raw", 200)?;
    running.stop()?;
    let text = std::fs::read_to_string(lines)?;
    let of =
        |kind: &str| text.lines().filter(|line| line.starts_with(&format!(r#"{{"type":"{kind}""#))).count();
    let windows = place.number("SELECT count() FROM live.outputs_per_second")?;
    let alerts = place.number("SELECT count() FROM live.outputs_alerts")?;
    ensure!(windows > 0 && of("window") as u64 == windows, "{windows} windows, {} lines", of("window"));
    ensure!(alerts > 0 && of("alert") as u64 == alerts, "{alerts} alerts, {} lines", of("alert"));
    Ok(())
}
