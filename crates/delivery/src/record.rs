//! Records as a partition gives them, and how they become rows.
//!
//! **Invariant:** every record ends as one row or as one rejected record, with its offset.

use std::collections::VecDeque;

/// A record of the input partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place in the partition.
    pub offset: u64,
    /// When it was written, in epoch milliseconds.
    pub timestamp: i64,
    /// What it holds.
    pub payload: Vec<u8>,
}

/// One row, reused from record to record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// Event time, in epoch milliseconds.
    pub time: i64,
    /// When it arrived; when absent, at the newest time so far.
    pub arrival: Option<i64>,
    /// One string for each key column of the schema.
    pub keys: Vec<String>,
    /// One number for each measure of the schema.
    pub measures: Vec<f64>,
}

/// Why a record is no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The column at fault, if it is one.
    pub column: Option<String>,
    /// What is wrong with it.
    pub reason: String,
}

/// Makes rows of records. What it gives for a record may depend on nothing else, since a record is decoded again
/// after a crash.
pub trait Decode {
    /// Sets `row` to what the record holds, or says why it is no row. The row has as many keys and measures
    /// as the schema, and holds those of another record.
    ///
    /// # Errors
    /// When the record is no row.
    fn decode(&mut self, record: &Record, row: &mut Row) -> Result<(), Rejection>;
}

/// Records that wait for the batch before them.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    records: VecDeque<Record>,
    bytes: usize,
    paused: bool,
}

impl Waiting {
    pub(crate) fn push(&mut self, record: Record) {
        self.bytes += record.payload.len();
        self.records.push_back(record);
    }

    pub(crate) fn front(&self) -> Option<&Record> {
        self.records.front()
    }

    pub(crate) fn pop(&mut self) -> Option<Record> {
        let record = self.records.pop_front()?;
        self.bytes -= record.payload.len();
        Some(record)
    }

    /// Whether to pause, or to go on; none when it is as it should be. Going on waits until half is free, so
    /// that the two do not alternate.
    pub(crate) fn pauses(&mut self, limit: usize) -> Option<bool> {
        let full = if self.paused { self.bytes > limit / 2 } else { self.bytes >= limit };
        let changed = full != self.paused;
        self.paused = full;
        changed.then_some(full)
    }
}
