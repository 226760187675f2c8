//! How fast files are read: rows a second, on one core, of CSV and JSON Lines.
//!
//! `cargo run --release -p kappascope-ingest --example speed`

use kappascope_core::{Log, Spec};
use kappascope_ingest::{HEAD_BYTES, Reader};
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
