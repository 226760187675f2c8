//! The reader: pieces of a file in, log rows and refused records out.

use crate::error::{IngestError, Kind};
use crate::head::Head;
use crate::place::{Place, Position};
use crate::record::{Record, Take};
use crate::records::Records;
use crate::row::{Misfit, Rows};
use kappascope_core::Log;
use kappascope_core::spec::Schema;

/// A record that is no row: the dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Where the file has it.
    pub position: Position,
    /// How many rows the reader had appended before it: its place among the log's rows.
    pub rows_before: u64,
    /// The column at fault; none when the record as a whole is.
    pub column: Option<String>,
    /// What was found and what would fit.
    pub reason: String,
}

/// Reads one file into a [`Log`]. See the [crate] for an example.
#[derive(Debug)]
pub struct Reader {
    records: Records,
    rows: Rows,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    rows: u64,
    rejected: u64,
}

impl Reader {
    /// A reader for the file that begins with `head`: its first [`HEAD_BYTES`](crate::HEAD_BYTES), or all
    /// of a shorter file. The head only shows the form and the columns: [`push`](Self::push) wants the
    /// file from its first byte.
    ///
    /// # Errors
    /// When the file is empty or neither CSV nor JSON Lines, lacks a column that the schema names, or the
    /// schema's time format is none.
    pub fn new(schema: &Schema, head: &[u8]) -> Result<Self, IngestError> {
        let rows = Rows::new(schema)?;
        let records = Records::new(&Head::read(head)?, rows.wanted())?;
        Ok(Self { records, rows, counts: Counts::default() })
    }

    /// Takes the next bytes of the file: appends the rows that they complete, and adds the records that
    /// are no rows to `rejected`.
    ///
    /// # Errors
    /// When the key columns hold more different values than memory has room for. The rows before are in
    /// the log; the reader takes no more.
    pub fn push(
        &mut self,
        bytes: &[u8],
        log: &mut Log,
        rejected: &mut Vec<Rejected>,
    ) -> Result<(), IngestError> {
        let Self { records, rows, counts } = self;
        records.push(bytes, &mut Sink { rows, counts, log, rejected })
    }

    /// The file is complete: takes the last record, should its line end be missing.
    ///
    /// # Errors
    /// When the file had a header and nothing else, and as for [`push`](Self::push).
    pub fn finish(&mut self, log: &mut Log, rejected: &mut Vec<Rejected>) -> Result<(), IngestError> {
        let Self { records, rows, counts } = self;
        records.finish(&mut Sink { rows, counts, log, rejected })?;
        if self.rows() + self.rejected() == 0 {
            return Err(Kind::HeaderOnly.into());
        }
        Ok(())
    }

    /// Records that became rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.counts.rows
    }

    /// Records that did not.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.counts.rejected
    }
}

/// Where records go.
struct Sink<'a> {
    rows: &'a mut Rows,
    counts: &'a mut Counts,
    log: &'a mut Log,
    rejected: &'a mut Vec<Rejected>,
}

impl Take for Sink<'_> {
    fn record(&mut self, place: Place, record: &impl Record) -> Result<(), IngestError> {
        match self.rows.append(record, self.log) {
            Ok(()) => self.counts.rows += 1,
            Err(Misfit { column, reason }) => {
                let column = self.rows.wanted()[column].clone();
                self.reject(place, Some(column), reason);
            }
        }
        self.rows.check_memory(place.into())
    }

    fn broken(&mut self, place: Place, reason: String) -> Result<(), IngestError> {
        self.reject(place, None, reason);
        Ok(())
    }
}

impl Sink<'_> {
    fn reject(&mut self, place: Place, column: Option<String>, reason: String) {
        self.counts.rejected += 1;
        let position = place.into();
        self.rejected.push(Rejected { position, rows_before: self.counts.rows, column, reason });
    }
}
