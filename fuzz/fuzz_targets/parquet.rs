//! Parquet: whatever stands in the file, its rows or an error, and as many rows as its index says.
#![no_main]

use kappascope_core::Log;
use kappascope_core::spec::Schema;
use kappascope_fuzz::schema;
use kappascope_ingest::BatchReader;
use kappascope_parquet::{Parquet, ParquetError};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static SCHEMA: LazyLock<Schema> =
    LazyLock::new(|| schema("time = 'at', keys = ['who', 'code'], measures = ['ms']"));

/// Rows to read at most: a few bytes can say that one value comes a billion times.
const ROWS: u64 = 1 << 20;

fuzz_target!(|data: &[u8]| {
    // An error is as good as rows; what must not be is a panic, or rows that are lost.
    let _ = read(data);
});

fn read(data: &[u8]) -> Result<(), ParquetError> {
    let file = Parquet::open(data.to_vec())?;
    let mut all = file.batches(&file.readable())?;
    let _ = all.next_batch()?;
    let Ok(mut reader) = BatchReader::new(&SCHEMA, file.columns()) else { return Ok(()) };
    let mut batches = file.batches(reader.wanted())?;
    let (mut log, mut rejected) = (Log::new(&SCHEMA), Vec::new());
    while let Some(batch) = batches.next_batch()? {
        if reader.push(&batch, &mut log, &mut rejected).is_err() || reader.rows() + reader.rejected() > ROWS {
            return Ok(());
        }
        log.forget(log.end());
    }
    assert_eq!(reader.rows() + reader.rejected(), file.rows());
    Ok(())
}
