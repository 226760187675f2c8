//! What the tests share: a file read in pieces, and the outcome as text.

use kappascope_core::{Log, Spec};
use kappascope_ingest::{Batch, BatchReader, HEAD_BYTES, Position, Reader, Rejected};
use std::fmt::Write;

/// `time = at, keys = [who], measures = [ms]`.
pub(crate) const SCHEMA: &str = "time = 'at', keys = ['who'], measures = ['ms']";

/// Of an access log.
pub(crate) const LOG_SCHEMA: &str = "time = 'time', time_format = '%d/%b/%Y:%H:%M:%S %z', keys = ['method', 'path', 'status'], measures = ['bytes']";

pub(crate) fn spec(schema: &str) -> Spec {
    let text = format!(
        "name = 't'\nversion = 1\nschema = {{ {schema} }}\n\
         [[query]]\nname = 'q'\nwindow = {{ tumbling = '1m' }}\naggregates = ['count()']"
    );
    Spec::from_toml(&text).expect("a pipeline that runs")
}

/// Everything that reading a file gives.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) log: Log,
    pub(crate) rejected: Vec<Rejected>,
    pub(crate) rows: u64,
    pub(crate) error: Option<String>,
    keys: usize,
    measures: usize,
}

/// Reads a file cut into the given pieces.
pub(crate) fn read<'a>(schema: &str, file: &[u8], pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let schema = spec(schema).schema;
    let mut outcome = Outcome {
        log: Log::new(&schema),
        rejected: Vec::new(),
        rows: 0,
        error: None,
        keys: schema.keys.len(),
        measures: schema.measures.len(),
    };
    let Outcome { log, rejected, .. } = &mut outcome;
    let done = Reader::new(&schema, &file[..file.len().min(HEAD_BYTES)]).and_then(|mut reader| {
        for piece in pieces {
            reader.push(piece, log, rejected)?;
        }
        let done = reader.finish(log, rejected);
        assert_eq!(reader.rejected(), rejected.len() as u64, "a rejected record is told once");
        assert_eq!(reader.rows(), log.end(), "a row is counted once");
        done
    });
    outcome.error = done.err().map(|error| error.to_string());
    outcome.rows = outcome.log.end();
    outcome
}

/// Reads batches as a file with these columns, each of which has the columns that the reader wants of it.
pub(crate) fn read_batches(schema: &str, columns: &[String], batches: &[Batch]) -> Outcome {
    let schema = spec(schema).schema;
    let mut outcome = Outcome {
        log: Log::new(&schema),
        rejected: Vec::new(),
        rows: 0,
        error: None,
        keys: schema.keys.len(),
        measures: schema.measures.len(),
    };
    let Outcome { log, rejected, .. } = &mut outcome;
    let done = BatchReader::new(&schema, columns).and_then(|mut reader| {
        for batch in batches {
            let wanted = reader.wanted().iter().map(|&column| batch.columns[column].clone()).collect();
            reader.push(&Batch { rows: batch.rows, columns: wanted }, log, rejected)?;
        }
        assert_eq!(reader.rejected(), rejected.len() as u64, "a rejected record is told once");
        assert_eq!(reader.rows(), log.end(), "a row is counted once");
        reader.finish()
    });
    outcome.error = done.err().map(|error| error.to_string());
    outcome.rows = outcome.log.end();
    outcome
}

pub(crate) fn read_whole(schema: &str, file: &[u8]) -> Outcome {
    read(schema, file, std::iter::once(file))
}

impl Outcome {
    /// One line a row, rejected record and error.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let block = self.log.read(0, usize::MAX);
        for row in 0..block.len() {
            let _ = write!(text, "{} {}", block.time()[row], block.arrival()[row] - block.time()[row]);
            let _ = block.partition().map(|partition| write!(text, " p{}", partition[row]));
            for key in 0..self.keys {
                let _ = write!(text, " {:?}", block.dictionary(key).name(block.key(key)[row]));
            }
            for measure in 0..self.measures {
                let _ = write!(text, " {:?}", block.measure(measure)[row]);
            }
            text.push('\n');
        }
        for Rejected { position, rows_before, column, reason } in &self.rejected {
            let place = match position {
                Position::Text { line, byte } => format!("line {line} byte {byte}"),
                Position::Row(row) => format!("row {row}"),
            };
            let column = column.as_deref().unwrap_or("-");
            let _ = writeln!(text, "{place} after {rows_before} [{column}] {reason}");
        }
        let _ = self.error.as_ref().map(|error| writeln!(text, "error: {error}"));
        text
    }
}
