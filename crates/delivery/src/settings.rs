//! Whose partition a cycle works on, and the bounds that it keeps.

use crate::effects::Table;

/// What a cycle's tokens, ids and records are named by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The topic that is read.
    pub topic: String,
    /// Its partition.
    pub partition: u32,
    /// Which computation of the same log this is: a replay has another number, and its own tables.
    pub epoch: u32,
    /// A number that no other start of a cycle has, of this process or another: a random one.
    pub writer: u64,
}

/// The bounds of a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A batch is closed at so many records.
    pub batch_rows: usize,
    /// A batch is closed once its records have so many bytes.
    pub batch_bytes: usize,
    /// A batch is closed so long after its first record, in milliseconds.
    pub batch_ms: u64,
    /// The same of a cycle's first batch: whoever starts one waits to see something.
    pub first_batch_ms: u64,
    /// A table's rows of a batch leave in inserts of at most so many rows, each a part: see [`MAX_INSERT_ROWS`].
    pub insert_rows: usize,
    /// A state is written so long after the last one, in milliseconds. What came after it is run again on
    /// recovery, which is fast, and written never again.
    pub state_ms: u64,
    /// So long after an intent was written tables are written under it, in milliseconds; then it is renewed. Far
    /// less than tables remember tokens, and more than an insert takes until it times out.
    pub lease_ms: u64,
    /// The partition is paused while records of so many bytes wait for the batch before them.
    pub waiting_bytes: usize,
    /// A snapshot is cut into records of at most so many bytes: Kafka takes a megabyte, with its head.
    pub chunk_bytes: usize,
    /// The log's dictionaries are begun anew once they hold so many strings, so that a stream with ever new
    /// keys does not fill the memory.
    pub dictionary_strings: usize,
    /// Whether alerts are written to a topic.
    pub writes_alerts: bool,
    /// Whether alerts are told to somebody: at least once, since nobody can be asked what was heard.
    pub notifies: bool,
    /// The tables that are written; when absent, all of the pipeline.
    pub tables: Option<Vec<Table>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch_rows: 250_000,
            batch_bytes: 32 << 20,
            batch_ms: 1_000,
            first_batch_ms: 100,
            insert_rows: 250_000,
            state_ms: 10_000,
            lease_ms: 60_000,
            waiting_bytes: 16 << 20,
            chunk_bytes: 900_000,
            dictionary_strings: 1 << 20,
            writes_alerts: true,
            notifies: false,
            tables: None,
        }
    }
}

/// ClickHouse takes at most 1,048,449 rows as one block, and only a block is stored whole or not at all.
pub const MAX_INSERT_ROWS: usize = 1_000_000;

/// The wait before an effect is tried again doubles from here, in milliseconds,
pub(crate) const FIRST_DELAY_MS: u64 = 100;

/// to here, so that a table that is back is soon noticed.
pub(crate) const MAX_DELAY_MS: u64 = 10_000;
