//! The profile of a file that holds columns.

use super::{Measures, Profile};
use crate::batch::Batch;
use crate::error::{IngestError, Kind};
use crate::place::Place;
use crate::record::{Record, Take};

/// Measures a file by its batches: like [`Profiler`](super::Profiler), of which it takes the place for Parquet.
#[derive(Debug)]
pub struct BatchProfiler {
    measures: Measures,
    /// Where in a batch the columns are that are looked at.
    columns: Vec<usize>,
    rows: u64,
    complete: bool,
}

impl BatchProfiler {
    /// A profiler for a file of this form whose batches have these columns.
    #[must_use]
    pub fn new(form: &str, columns: &[String]) -> Self {
        let measures = Measures::new(form.to_owned(), columns);
        let place = |name: &String| columns.iter().position(|column| column == name);
        let chosen = measures.names().iter().filter_map(place).collect();
        Self { measures, columns: chosen, rows: 0, complete: false }
    }

    /// Takes the rows of the next batch.
    ///
    /// # Errors
    /// When it has not the columns that were named, or a column not an entry a row.
    pub fn push(&mut self, batch: &Batch) -> Result<(), IngestError> {
        let Self { measures, columns, rows, .. } = self;
        batch.give(*rows, &mut Chosen { measures, columns })?;
        *rows += batch.rows as u64;
        Ok(())
    }

    /// The file is complete.
    ///
    /// # Errors
    /// When it had no rows.
    pub fn finish(&mut self) -> Result<(), IngestError> {
        self.complete = true;
        if self.rows == 0 { Err(Kind::NoRows.into()) } else { Ok(()) }
    }

    /// What was found so far.
    #[must_use]
    pub fn profile(&self) -> Profile {
        Profile { complete: self.complete, ..self.measures.profile() }
    }
}

/// Gives the measures of each record the columns that they look at.
struct Chosen<'a> {
    measures: &'a mut Measures,
    columns: &'a [usize],
}

impl Take for Chosen<'_> {
    fn record(&mut self, place: Place, record: &impl Record) -> Result<(), IngestError> {
        let record = ChosenCells { record, columns: self.columns };
        self.measures.record(place, &record)
    }

    fn broken(&mut self, place: Place, reason: String) -> Result<(), IngestError> {
        self.measures.broken(place, reason)
    }
}

struct ChosenCells<'a, R> {
    record: &'a R,
    columns: &'a [usize],
}

impl<R: Record> Record for ChosenCells<'_, R> {
    fn cell(&self, column: usize) -> Result<&[u8], String> {
        self.record.cell(self.columns[column])
    }
}
