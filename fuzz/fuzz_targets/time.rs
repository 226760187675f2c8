//! Times: a column of them in one format, which the first byte picks; a record a line.
#![no_main]

use kappascope_core::spec::Schema;
use kappascope_fuzz::{lines, read, schema};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

const FORMATS: [&str; 9] =
    ["", "s", "ms", "us", "ns", "rfc3339", "%d/%b/%Y:%H:%M:%S %z", "%Y-%m-%d %H:%M:%S%.f", "%s %p %j %A %U"];

static SCHEMAS: LazyLock<Vec<Schema>> = LazyLock::new(|| {
    let named = |format: &&str| match *format {
        "" => schema("time = 'at', keys = []"),
        format => schema(&format!("time = 'at', time_format = '{format}', keys = []")),
    };
    FORMATS.iter().map(named).collect()
});

fuzz_target!(|data: &[u8]| {
    let Some((&first, times)) = data.split_first() else { return };
    // In a JSON string a time may hold separators.
    let cells = times.split(|&byte| byte == b'\n').filter_map(|time| std::str::from_utf8(time).ok());
    let is_plain = |time: &&str| !time.contains(['"', '\\']) && !time.contains(char::is_control);
    let rows: String = cells.filter(is_plain).map(|time| format!("{{\"at\":\"{time}\"}}\n")).collect();
    let schema = &SCHEMAS[usize::from(first) % FORMATS.len()];
    let outcome = read(schema, rows.as_bytes(), 7);
    if outcome.error.is_none() {
        assert_eq!(outcome.records(), lines(rows.as_bytes()));
    }
});
