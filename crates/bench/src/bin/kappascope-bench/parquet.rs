//! The events as a Parquet file, written as most programs do: snappy, one row group, dictionaries where they fit.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use kappascope_bench::engine;
use kappascope_core::{Log, Pipeline, Spec};
use kappascope_ingest::BatchReader;
use kappascope_parquet::Parquet;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

/// Writes columns `at` (a timestamp in milliseconds), `key` (text) and `value`.
pub(crate) fn write(log: &Log) -> Vec<u8> {
    let block = log.read(0, usize::MAX);
    let names = block.key(0).iter().map(|&key| block.dictionary(0).name(key));
    let at = TimestampMillisecondArray::from(block.time().to_vec()).with_timezone_utc();
    let columns: [(&str, ArrayRef); 3] = [
        ("at", Arc::new(at)),
        ("key", Arc::new(StringArray::from_iter_values(names))),
        ("value", Arc::new(Float64Array::from(block.measure(0).to_vec()))),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let settings = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer =
        ArrowWriter::try_new(Vec::new(), batch.schema(), Some(settings)).expect("columns that Parquet has");
    writer.write(&batch).expect("a vector takes what is written");
    writer.into_inner().expect("a vector takes what is written")
}

/// Reads a file and pushes its rows.
pub(crate) fn run(spec: &Spec, path: &Path) -> Pipeline {
    let bytes = std::fs::read(path).expect("a file that can be read");
    let file = Parquet::open(bytes).expect("a Parquet file");
    let mut reader = BatchReader::new(&spec.schema, file.columns()).expect("a file that fits the pipeline");
    let mut batches = file.batches(reader.wanted()).expect("columns that can be read");
    let mut rejected = Vec::new();
    engine::run_portions(spec, |log| {
        let Some(batch) = batches.next_batch().expect("a sound file") else { return false };
        reader.push(&batch, log, &mut rejected).expect("few keys");
        assert_eq!(rejected.len(), 0, "refused rows");
        true
    })
}
