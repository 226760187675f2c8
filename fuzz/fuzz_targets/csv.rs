//! CSV: as many records as the `csv` crate finds. The first byte is the length of a piece.
#![no_main]

use kappascope_core::spec::Schema;
use kappascope_fuzz::{read, schema};
use kappascope_ingest::Rejected;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| schema("time = 'at', keys = ['who'], measures = ['ms']"));

fuzz_target!(|data: &[u8]| {
    let Some((&piece, rows)) = data.split_first() else { return };
    let file = [b"at,who,ms\n", rows].concat();
    let outcome = read(&SCHEMA, &file, piece.into());
    if outcome.error.is_none() {
        let mut naive = csv::ReaderBuilder::new().flexible(true).from_reader(&file[..]);
        let naive = naive.byte_records().count();
        // A quote that is never closed takes all that follows into one record there, here its own line only.
        let is_open = |rejected: &Rejected| rejected.reason.contains("a quote that is not closed");
        let open = outcome.rejected.iter().any(is_open);
        assert!(if open { outcome.records() >= naive } else { outcome.records() == naive });
    }
});
