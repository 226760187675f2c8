//! Records as a partition gives them, and how they become rows.
//!
//! **Invariant:** every record ends as one row or as one rejected record, with its offset.

use std::collections::VecDeque;

/// A record of the input partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its place in the partition.
    pub offset: u64,
    /// When it was written, in epoch milliseconds.
    pub timestamp: i64,
    /// What it holds.
    pub payload: &'a [u8],
}

/// Records of the input partition, by ascending offsets, in columns: nothing is allocated for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    offsets: Vec<u64>,
    timestamps: Vec<i64>,
    /// Where each record's payload ends; it begins where the one before ends.
    ends: Vec<usize>,
    payloads: Vec<u8>,
}

impl Records {
    /// Appends a record, of a higher offset than those before.
    pub fn push(&mut self, record: Record<'_>) {
        debug_assert!(self.offsets.last().is_none_or(|last| *last < record.offset), "{record:?} is behind");
        self.payloads.extend_from_slice(record.payload);
        self.offsets.push(record.offset);
        self.timestamps.push(record.timestamp);
        self.ends.push(self.payloads.len());
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// Bytes of all payloads.
    fn bytes(&self) -> usize {
        self.payloads.len()
    }

    pub(crate) fn last_offset(&self) -> Option<u64> {
        self.offsets.last().copied()
    }

    fn get(&self, at: usize) -> Option<Record<'_>> {
        let offset = *self.offsets.get(at)?;
        let payload = &self.payloads[self.start(at)..self.ends[at]];
        Some(Record { offset, timestamp: self.timestamps[at], payload })
    }

    /// Where a record's payload begins.
    fn start(&self, at: usize) -> usize {
        if at == 0 { 0 } else { self.ends[at - 1] }
    }
}

impl<'a> FromIterator<Record<'a>> for Records {
    fn from_iter<I: IntoIterator<Item = Record<'a>>>(from: I) -> Self {
        let mut records = Self::default();
        from.into_iter().for_each(|record| records.push(record));
        records
    }
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
    fn decode(&mut self, record: Record<'_>, row: &mut Row) -> Result<(), Rejection>;
}

/// Records that wait for the batch before them.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    blocks: VecDeque<Records>,
    /// The next record of the first block.
    at: usize,
    bytes: usize,
    paused: bool,
}

impl Waiting {
    /// Appends those of the records that are not before an offset.
    pub(crate) fn push(&mut self, mut records: Records, from: u64) {
        let known = records.offsets.partition_point(|offset| *offset < from);
        if known == records.len() {
            return;
        }
        if known > 0 {
            records = (known..records.len()).filter_map(|at| records.get(at)).collect();
        }
        self.bytes += records.bytes();
        self.blocks.push_back(records);
    }

    /// The offset of the next record.
    pub(crate) fn next_offset(&self) -> Option<u64> {
        Some(self.blocks.front()?.offsets[self.at])
    }

    /// Gives the next record to `take`, if there is one.
    pub(crate) fn pop(&mut self, take: impl FnOnce(Record<'_>)) {
        let Some(record) = self.blocks.front().and_then(|block| block.get(self.at)) else { return };
        take(record);
        self.bytes -= record.payload.len();
        self.at += 1;
        if self.blocks.front().is_some_and(|block| block.len() == self.at) {
            self.blocks.pop_front();
            self.at = 0;
        }
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
