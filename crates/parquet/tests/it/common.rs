//! What the tests share: files read into a log, and logs as text.

use kappascope_core::{Log, Spec};
use kappascope_ingest::{BatchReader, Reader, Rejected};
use kappascope_parquet::Parquet;
use std::fmt::Write;
use std::path::PathBuf;

/// The columns of every `events-*.parquet`.
pub(crate) const EVENTS: &str = "time = 'at', keys = ['who', 'code'], measures = ['ms']";

pub(crate) fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

pub(crate) fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(data(name)).expect("a file of tests/data")
}

pub(crate) fn spec(schema: &str) -> Spec {
    let text = format!(
        "name = 't'\nversion = 1\nschema = {{ {schema} }}\n\
         [[query]]\nname = 'q'\nwindow = {{ tumbling = '1m' }}\naggregates = ['count()']"
    );
    Spec::from_toml(&text).expect("a pipeline that runs")
}

/// What a Parquet file gives, or why it gives nothing.
pub(crate) fn read(schema: &str, file: Vec<u8>) -> Result<String, String> {
    let spec = spec(schema);
    let file = Parquet::open(file).map_err(|error| error.to_string())?;
    let mut reader = BatchReader::new(&spec.schema, file.columns()).map_err(|error| error.to_string())?;
    let mut batches = file.batches(reader.wanted()).map_err(|error| error.to_string())?;
    let (mut log, mut rejected) = (Log::new(&spec.schema), Vec::new());
    while let Some(batch) = batches.next_batch().map_err(|error| error.to_string())? {
        reader.push(&batch, &mut log, &mut rejected).map_err(|error| error.to_string())?;
    }
    assert_eq!(reader.rows() + reader.rejected(), file.rows());
    Ok(text(&spec, &log, &rejected))
}

pub(crate) fn read_text(schema: &str, file: &[u8]) -> String {
    let spec = spec(schema);
    let mut reader = Reader::new(&spec.schema, file).expect("a file that can be read");
    let (mut log, mut rejected) = (Log::new(&spec.schema), Vec::new());
    reader.push(file, &mut log, &mut rejected).expect("a file that can be read");
    reader.finish(&mut log, &mut rejected).expect("a file that can be read");
    text(&spec, &log, &rejected)
}

/// A line a row, then one a refusal.
fn text(spec: &Spec, log: &Log, rejected: &[Rejected]) -> String {
    let (block, mut text) = (log.read(0, usize::MAX), String::new());
    for row in 0..block.len() {
        let _ = write!(text, "{} {}", block.time()[row], block.arrival()[row]);
        for key in 0..spec.schema.keys.len() {
            let _ = write!(text, " {:?}", block.dictionary(key).name(block.key(key)[row]));
        }
        for measure in 0..spec.schema.measures.len() {
            let _ = write!(text, " {:?}", block.measure(measure)[row]);
        }
        text.push('\n');
    }
    for Rejected { rows_before, column, reason, .. } in rejected {
        let _ = writeln!(text, "after {rows_before} [{}] {reason}", column.as_deref().unwrap_or("-"));
    }
    text
}
