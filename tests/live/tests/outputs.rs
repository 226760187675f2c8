//! What others read while a topic is followed: lines, metrics, the alerts topic.

use anyhow::{Context, Result, ensure};
use kappascope_live::days::records;
use kappascope_live::{Place, binary, wait};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

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

fn place() -> Result<Place> {
    let place = Place::new(PIPELINE)?;
    place.make_topic("visits", 2)?;
    for partition in 0..2 {
        place.writer()?.write("visits", partition, &records(0..100))?;
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

/// The alerts topic as a client shows it that is not ours.
#[test]
fn kcat_reads_the_alerts() -> Result<()> {
    let place = place()?;
    let mut words = place.run("");
    words.extend(["--create".to_owned(), "--to".to_owned(), place.topic("alerts")]);
    let running = place.start(&binary()?, &words)?;
    place.wait_for("SELECT count() FROM live.outputs_raw", 200)?;
    running.stop()?;
    let program = std::env::var_os("KAPPASCOPE_KCAT")
        .context("KAPPASCOPE_KCAT is not set: `cargo xtask test` says where kcat is")?;
    let words =
        ["-C", "-e", "-q", "-t", "alerts", "-X", "isolation.level=read_committed", "-f", "%k %s\n", "-b"];
    let output = Command::new(program).args(words).arg(place.kafka.address()).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    let mut shown = BTreeSet::new();
    for line in text.lines() {
        let (key, value) = line.split_once(' ').context("a record without a key")?;
        let alert: serde_json::Value = serde_json::from_str(value)?;
        ensure!(alert["rule"] == "busy" && alert["id"] == key, "{line}");
        shown.insert(key);
    }
    let alerts = place.number("SELECT count() FROM live.outputs_alerts")?;
    ensure!(alerts > 0 && shown.len() as u64 == alerts, "{alerts} alerts, kcat shows {text}");
    ensure!(text.lines().count() == shown.len(), "an alert is there twice: {text}");
    Ok(())
}

/// A request to the webhook: its idempotency key and its body.
type Request = (String, serde_json::Value);

/// A webhook that answers with one status after the other, and with the last of them from then on.
#[expect(clippy::disallowed_methods, reason = "it answers until the test ends; what it heard is what counts")]
fn webhook(statuses: &'static [u16]) -> Result<(String, Arc<Mutex<Vec<Request>>>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}/alerts", listener.local_addr()?);
    let heard: Arc<Mutex<Vec<Request>>> = Arc::default();
    let tell = heard.clone();
    std::thread::spawn(move || -> Result<()> {
        for number in 0.. {
            let (mut stream, _) = listener.accept()?;
            let status = statuses[number.min(statuses.len() - 1)];
            let request = hear(&stream)?;
            tell.lock().unwrap_or_else(PoisonError::into_inner).push(request);
            write!(stream, "HTTP/1.1 {status} Told\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
        }
        Ok(())
    });
    Ok((address, heard))
}

fn hear(stream: &TcpStream) -> Result<Request> {
    let mut reader = BufReader::new(stream);
    let (mut key, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            if line.trim().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "idempotency-key" => key = value.trim().to_owned(),
            "content-length" => length = value.trim().parse()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((key, serde_json::from_slice(&body)?))
}

/// Delivers all to the tables, and alerts to a webhook; gives what that heard.
fn told(statuses: &'static [u16]) -> Result<(Place, Vec<Request>)> {
    let place = place()?;
    let (address, heard) = webhook(statuses)?;
    let mut words = place.run("");
    words.extend(["--create".to_owned(), "--to".to_owned(), address]);
    let running = place.start(&binary()?, &words)?;
    // A batch is committed after everybody was told.
    wait("the end of the topic", || {
        Ok((0..2).all(|at| place.progress("outputs", "visits", at).is_ok_and(|(at, end)| at == end)))
    })?;
    running.stop()?;
    let heard = std::mem::take(&mut *heard.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((place, heard))
}

#[test]
fn a_webhook_is_told_until_it_has_heard() -> Result<()> {
    let (place, heard) = told(&[500, 503, 200])?;
    let known = place.number("SELECT uniqExact(id) FROM live.outputs_alerts WHERE state != 'pending'")?;
    let mut keys: Vec<&String> = heard.iter().map(|(key, _)| key).collect();
    let all = keys.len() as u64;
    keys.sort();
    keys.dedup();
    ensure!(known > 0 && keys.len() as u64 == known, "{} alerts were told of {known}", keys.len());
    ensure!(all > known, "nothing was told again after 500");
    ensure!(heard.iter().all(|(key, body)| body["id"] == **key && body["rule"] == "busy"), "{heard:?}");
    Ok(())
}

/// What it refuses is not told again, and holds nothing up.
#[test]
fn a_webhook_that_refuses_holds_nothing_up() -> Result<()> {
    let (place, heard) = told(&[400])?;
    let known = place.number("SELECT count() FROM live.outputs_alerts WHERE state != 'pending'")?;
    ensure!(known > 0 && heard.len() as u64 == known, "{} requests for {known} alerts", heard.len());
    ensure!(place.said().contains("the webhook refuses an alert"), "nobody said so");
    Ok(())
}
