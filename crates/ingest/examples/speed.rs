//! How fast files are read: rows a second, on one core, of CSV and JSON Lines; and single records.
//!
//! `cargo run --release -p kappascope-ingest --example speed`

use kappascope_core::{Log, Spec};
use kappascope_ingest::{HEAD_BYTES, Reader, Single, SingleForm, SingleRow};
use std::fmt::Write;
use std::time::Duration;

const ROWS: usize = 2_000_000;

fn main() {
    report("CSV, RFC 3339", "at,kind,user,value\n", |file, row, time| {
        let _ = writeln!(file, "{time},{},u{},{}.{}", kind(row), row * 7919 % 5000, row % 97, row % 89);
    });
    report("CSV, epoch ms", "at,kind,user,value\n", |file, row, _| {
        let at = 1_714_557_600_000 + row;
        let _ = writeln!(file, "{at},{},u{},{}.{}", kind(row), row * 7919 % 5000, row % 97, row % 89);
    });
    report("JSON Lines", "", |file, row, time| {
        let user = row * 7919 % 5000;
        let (kind, a, b) = (kind(row), row % 97, row % 89);
        let _ = writeln!(
            file,
            r#"{{"at":"{time}","kind":"{kind}","user":"u{user}","value":{a}.{b},"other":[1,2]}}"#
        );
    });
    report_single();
}

/// Records as `kappascope generate website` writes them, each by itself.
fn report_single() {
    let records: Vec<String> = (0..ROWS / 10).map(website).collect();
    let bytes: usize = records.iter().map(String::len).sum();
    let best = (0..5).map(|_| read_single(&records)).min().unwrap_or_default().as_secs_f64();
    let (rows, bytes) = (records.len() as f64 / best, bytes as f64 / best);
    println!("{:15} {:.2} M rows/s, {:.0} MB/s", "JSON records", rows / 1e6, bytes / 1e6);
}

fn website(row: usize) -> String {
    let (ms, user, kind) = (row % 1000, row * 7919 % 2000, kind(row));
    let time = |late| {
        format!("2026-01-05T{:02}:{:02}:{:02}.{:03}Z", row / 36_000, row / 600 % 60, row / 10 % 60, late)
    };
    let (at, arrival, value) = (time(ms), time((ms + 300).min(999)), row % 977);
    format!(
        r#"{{"event_time":"{at}","arrival_time":"{arrival}","partition":1,"event_type":"{kind}","user_id":"user_{user:04}","value":{value}.1}}"#
    )
}

fn kind(row: usize) -> &'static str {
    ["page_view", "click", "purchase"][row % 3]
}

fn report(name: &str, header: &str, write: impl Fn(&mut String, usize, &str)) {
    let mut file = header.to_owned();
    for row in 0..ROWS {
        let (second, ms) = (row / 1000, row % 1000);
        let time = format!("2024-05-01T10:{:02}:{:02}.{ms:03}Z", second / 60 % 60, second % 60);
        write(&mut file, row, &time);
    }
    let best = (0..5).map(|_| read(file.as_bytes())).min().unwrap_or_default();
    let (rows, bytes) = (ROWS as f64 / best.as_secs_f64(), file.len() as f64 / best.as_secs_f64());
    println!("{name:15} {:.2} M rows/s, {:.0} MB/s", rows / 1e6, bytes / 1e6);
}

#[expect(clippy::disallowed_methods, reason = "a clock is what this program is for")]
fn read(file: &[u8]) -> Duration {
    let spec = Spec::from_toml(
        "name='s'\nversion=1\nschema={time='at',keys=['kind','user'],measures=['value']}\n\
         [[query]]\nname='q'\nwindow={tumbling='1m'}\naggregates=['count()']",
    )
    .expect("a pipeline that runs");
    let (mut log, mut rejected) = (Log::new(&spec.schema), Vec::new());
    let start = std::time::Instant::now();
    let mut reader = Reader::new(&spec.schema, &file[..HEAD_BYTES]).expect("a file that fits");
    for piece in file.chunks(1 << 20) {
        reader.push(piece, &mut log, &mut rejected).expect("few keys");
        log.forget(log.end());
    }
    reader.finish(&mut log, &mut rejected).expect("rows");
    let taken = start.elapsed();
    assert_eq!((reader.rows(), rejected.len()), (ROWS as u64, 0));
    taken
}

#[expect(clippy::disallowed_methods, reason = "a clock is what this program is for")]
fn read_single(records: &[String]) -> Duration {
    let spec = Spec::from_toml(
        "name='s'\nversion=1\n\
         schema={time='event_time',arrival='arrival_time',keys=['event_type','user_id'],measures=['value']}\n\
         [[query]]\nname='q'\nwindow={tumbling='1m'}\naggregates=['count()']",
    )
    .expect("a pipeline that runs");
    let mut single = Single::new(&spec.schema, &SingleForm::Json).expect("a schema that is sound");
    let (mut row, mut newest) = (SingleRow::default(), 0);
    let start = std::time::Instant::now();
    for record in records {
        single.read(record.as_bytes(), &mut row).expect("a record that is a row");
        newest = newest.max(row.time);
    }
    assert!(newest > 0);
    start.elapsed()
}
