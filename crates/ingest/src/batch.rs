//! Columns to log rows: for files that hold columns, as Parquet does.
//!
//! ```text
//!   Batch  at: Time   who: Text       ms: Number      Rows ─► Log
//!          10:00:00   0 ┐ 0 home      20.0            run ─► appended column by column
//!          10:00:01   1 │ 1 cart      NaN             odd ─► its text, as a record of a CSV file
//!          10:00:02   0 ┘             40.5            run
//! ```
//!
//! **Invariant:** a cell means what its text would mean in a CSV file, so the same events give the same
//! log and the same refusals in either form. Rows whose cells are plainly right are appended column by
//! column; every other row goes the way of a text record.

use crate::error::{IngestError, Kind};
use crate::place::{Place, Position};
use crate::reader::Rejected;
use crate::record::{Record, Take};
use crate::records::find_columns;
use crate::row::{Misfit, Rows, TimeColumn};
use crate::time::{TimeReader, WholeNumbers};
use kappascope_core::spec::Schema;
use kappascope_core::{Events, Log};
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;
use std::ops::Range;

const DAY_MS: i64 = 86_400_000;

/// Rows of a file, column by column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// How many rows there are: so many entries has every column.
    pub rows: usize,
    /// The columns that were asked for, in that order.
    pub columns: Vec<Column>,
}

/// One column of a [`Batch`].
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// What the rows hold; anything where they hold nothing.
    pub cells: Cells,
    /// Which rows hold nothing: one entry a row, or none at all when every row holds something.
    pub nulls: Vec<bool>,
}

/// The cells of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// Text, each different one perhaps once: which of the names a row has.
    Text {
        /// Index of the name, one a row; any number where the row holds nothing.
        ids: Vec<u32>,
        /// The names.
        names: Names,
    },
    /// Whole numbers.
    Integer(Vec<i64>),
    /// Numbers.
    Number(Vec<f64>),
    /// Epoch milliseconds, UTC, rounded down.
    Time(Vec<i64>),
    /// Days since 1970-01-01.
    Date(Vec<i32>),
}

/// Strings in one piece of memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    text: String,
    /// Where in the text each ends.
    ends: Vec<u32>,
}

impl Names {
    /// Names that were taken apart with [`into_parts`](Self::into_parts); none if these are no such parts.
    #[must_use]
    pub fn from_parts(text: String, ends: Vec<u32>) -> Option<Self> {
        let inside = ends.last().is_none_or(|&end| end as usize == text.len());
        let cut_well = ends.iter().all(|&end| text.is_char_boundary(end as usize));
        (inside && cut_well && ends.is_sorted()).then_some(Self { text, ends })
    }

    /// The text of all names, and where in it each ends.
    #[must_use]
    pub fn into_parts(self) -> (String, Vec<u32>) {
        (self.text, self.ends)
    }

    /// Adds a name, and gives its index; none when the text of all would pass 4 GiB.
    pub fn push(&mut self, name: &str) -> Option<u32> {
        let end = u32::try_from(self.text.len() + name.len()).ok()?;
        self.text.push_str(name);
        self.ends.push(end);
        u32::try_from(self.ends.len() - 1).ok()
    }

    /// Number of names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The name of an index, if there is one.
    #[must_use]
    pub fn get(&self, index: u32) -> Option<&str> {
        let index = index as usize;
        let end = *self.ends.get(index)? as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        self.text.get(start..end)
    }
}

impl Column {
    /// A column without nulls.
    #[must_use]
    pub fn full(cells: Cells) -> Self {
        Self { cells, nulls: Vec::new() }
    }

    fn is_null(&self, row: usize) -> bool {
        self.nulls.get(row).copied().unwrap_or(false)
    }

    fn len(&self) -> usize {
        match &self.cells {
            Cells::Text { ids, .. } => ids.len(),
            Cells::Integer(cells) => cells.len(),
            Cells::Number(cells) => cells.len(),
            Cells::Time(cells) => cells.len(),
            Cells::Date(cells) => cells.len(),
        }
    }

    /// Writes a cell as a CSV file would have it: nothing for null.
    fn write(&self, row: usize, out: &mut Vec<u8>) {
        if self.is_null(row) {
            return;
        }
        let written = match &self.cells {
            Cells::Text { ids, names } => {
                out.extend_from_slice(names.get(ids[row]).unwrap_or_default().as_bytes());
                Ok(())
            }
            Cells::Integer(cells) => write!(out, "{}", cells[row]),
            Cells::Number(cells) => write!(out, "{}", cells[row]),
            Cells::Time(cells) => write_time(cells[row], out),
            Cells::Date(cells) => write_date(cells[row], out),
        };
        debug_assert!(written.is_ok(), "a vector takes what is written");
    }
}

/// RFC 3339, or the number where the year does not have four digits.
fn write_time(ms: i64, out: &mut Vec<u8>) -> std::io::Result<()> {
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(time) => write!(out, "{time}"),
        Err(_) => write!(out, "{ms}"),
    }
}

fn write_date(days: i32, out: &mut Vec<u8>) -> std::io::Result<()> {
    match jiff::Timestamp::from_millisecond(i64::from(days) * DAY_MS) {
        Ok(time) => write!(out, "{}", time.to_zoned(jiff::tz::TimeZone::UTC).date()),
        Err(_) => write!(out, "{days} days since 1970-01-01"),
    }
}

/// A row of a batch as text.
#[derive(Debug, Default)]
struct TextRow {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl TextRow {
    fn read(&mut self, batch: &Batch, row: usize) {
        self.text.clear();
        self.ends.clear();
        for column in &batch.columns {
            column.write(row, &mut self.text);
            self.ends.push(self.text.len());
        }
    }
}

impl Record for TextRow {
    fn cell(&self, column: usize) -> Result<&[u8], String> {
        let start = column.checked_sub(1).map_or(0, |before| self.ends[before]);
        Ok(&self.text[start..self.ends[column]])
    }
}

impl Batch {
    /// Gives its rows as records of text, the place of each its number: `before` is how many rows of the file
    /// precede the batch.
    pub(crate) fn give(&self, before: u64, take: &mut impl Take) -> Result<(), IngestError> {
        if !self.is_sound() {
            return Err(Kind::UnsoundBatch { at: Position::Row(before + 1) }.into());
        }
        let mut text = TextRow::default();
        for row in 0..self.rows {
            text.read(self, row);
            take.record(Place { line: before + row as u64 + 1, byte: 0 }, &text)?;
        }
        Ok(())
    }

    /// Whether every column has an entry a row, and every id a name.
    fn is_sound(&self) -> bool {
        self.columns.iter().all(|column| {
            let names = match &column.cells {
                Cells::Text { ids, names } => ids
                    .iter()
                    .enumerate()
                    .all(|(row, &id)| (id as usize) < names.len() || column.is_null(row)),
                _ => true,
            };
            let nulls = column.nulls.is_empty() || column.nulls.len() == self.rows;
            column.len() == self.rows && nulls && names
        })
    }
}

/// Reads the batches of one file into a [`Log`].
///
/// ```
/// use kappascope_core::{Log, Spec};
/// use kappascope_ingest::{Batch, BatchReader, Cells, Column};
///
/// let spec = Spec::from_toml(r#"
///     name = "shop"
///     version = 1
///     schema = { time = "at", measures = ["ms"] }
///     [[query]]
///     name = "per_minute"
///     window = { tumbling = "1m" }
///     aggregates = ["count()"]
/// "#).expect("a pipeline that runs");
/// let columns = ["ms", "page", "at"].map(str::to_owned);
/// let mut reader = BatchReader::new(&spec.schema, &columns)?;
/// assert_eq!(reader.wanted(), [2, 0]);
///
/// let at = Column::full(Cells::Time(vec![1_714_557_600_000, 1_714_557_601_000]));
/// let ms = Column::full(Cells::Number(vec![20.0, f64::NAN]));
/// let (mut log, mut rejected) = (Log::new(&spec.schema), Vec::new());
/// reader.push(&Batch { rows: 2, columns: vec![at, ms] }, &mut log, &mut rejected)?;
///
/// assert_eq!((reader.rows(), reader.rejected()), (1, 1));
/// assert_eq!(rejected[0].position.to_string(), "row 2");
/// # Ok::<(), kappascope_ingest::IngestError>(())
/// ```
#[derive(Debug)]
pub struct BatchReader {
    rows: Rows,
    wanted: Vec<usize>,
    appended: u64,
    rejected: u64,
}

impl BatchReader {
    /// A reader for a file with these columns.
    ///
    /// # Errors
    /// When the file lacks a column that the schema names, has it twice, or the schema's time format is
    /// none.
    pub fn new(schema: &Schema, columns: &[String]) -> Result<Self, IngestError> {
        let rows = Rows::new(schema)?;
        let wanted = find_columns(columns, rows.wanted())?;
        Ok(Self { rows, wanted, appended: 0, rejected: 0 })
    }

    /// Which of the file's columns a batch has to have, in this order.
    #[must_use]
    pub fn wanted(&self) -> &[usize] {
        &self.wanted
    }

    /// Appends the rows of the file's next batch, and adds those that are none to `rejected`.
    ///
    /// # Errors
    /// When the key columns hold more different values than memory has room for: the reader takes no
    /// more. When the batch has not the columns that are wanted, or a column not an entry a row.
    pub fn push(
        &mut self,
        batch: &Batch,
        log: &mut Log,
        rejected: &mut Vec<Rejected>,
    ) -> Result<(), IngestError> {
        if batch.columns.len() != self.wanted.len() || !batch.is_sound() {
            return Err(Kind::UnsoundBatch { at: Position::Row(self.read() + 1) }.into());
        }
        self.rows.fit_times(batch);
        let (mut row, mut text) = (0, TextRow::default());
        while row < batch.rows && self.rows.awaits_a_time(batch) {
            self.take_text(batch, row, &mut text, log, rejected);
            row += 1;
        }
        let mut plain = Plain::of(&self.rows, batch, log);
        while row < batch.rows {
            let run = plain.as_mut().map_or(row..row, |plain| plain.run(row));
            if let Some(plain) = plain.as_mut().filter(|_| !run.is_empty()) {
                plain.append(run.clone(), &mut self.rows, log);
                self.appended += run.len() as u64;
                row = run.end;
            } else {
                self.take_text(batch, row, &mut text, log, rejected);
                row += 1;
            }
        }
        self.rows.check_memory(Position::Row(self.read()))
    }

    /// The file is complete.
    ///
    /// # Errors
    /// When it had no rows.
    pub fn finish(&self) -> Result<(), IngestError> {
        if self.read() == 0 { Err(Kind::NoRows.into()) } else { Ok(()) }
    }

    /// Rows of the file that became rows of the log.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.appended
    }

    /// Rows that did not.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    fn read(&self) -> u64 {
        self.appended + self.rejected
    }

    /// Takes a row as a record of text.
    fn take_text(
        &mut self,
        batch: &Batch,
        row: usize,
        text: &mut TextRow,
        log: &mut Log,
        rejected: &mut Vec<Rejected>,
    ) {
        let position = Position::Row(self.read() + 1);
        text.read(batch, row);
        match self.rows.append(text, log) {
            Ok(()) => self.appended += 1,
            Err(Misfit { column, reason }) => {
                self.rejected += 1;
                let column = Some(self.rows.wanted()[column].clone());
                rejected.push(Rejected { position, rows_before: self.appended, column, reason });
            }
        }
    }
}

impl Rows {
    /// Whether a column of whole numbers has yet to show what they count: its first one decides.
    fn awaits_a_time(&self, batch: &Batch) -> bool {
        std::iter::once(&self.time).chain(&self.arrival).any(|TimeColumn { column, reader }| {
            reader.is_undecided() && matches!(batch.columns[*column].cells, Cells::Integer(_))
        })
    }

    /// A column of times needs no format: its text is RFC 3339, whatever the schema says of others.
    fn fit_times(&mut self, batch: &Batch) {
        for TimeColumn { column, reader } in std::iter::once(&mut self.time).chain(&mut self.arrival) {
            match batch.columns[*column].cells {
                Cells::Time(_) => *reader = TimeReader::written_out(false),
                Cells::Date(_) => *reader = TimeReader::written_out(true),
                _ => {}
            }
        }
    }
}

/// What of a batch can be appended column by column.
struct Plain<'a> {
    time: Cow<'a, [i64]>,
    arrival: Option<Cow<'a, [i64]>>,
    partition: Vec<u32>,
    keys: Vec<Key<'a>>,
    measures: Vec<Cow<'a, [f64]>>,
    /// Rows that have to go the way of text, in order.
    odd: Vec<usize>,
    /// How many of them are behind.
    passed: usize,
}

/// A key column, and what the log calls its names.
struct Key<'a> {
    ids: Cow<'a, [u32]>,
    names: Cow<'a, Names>,
    /// Rows that hold nothing: their name is the empty one.
    nulls: &'a [bool],
    /// The log's id of each name, and of the empty one that null stands for; [`UNKNOWN`] until it is met.
    known: Vec<u32>,
}

/// No dictionary has so many names.
const UNKNOWN: u32 = u32::MAX;

impl<'a> Plain<'a> {
    /// None when a column is of a kind that only its text tells how to read.
    fn of(rows: &Rows, batch: &'a Batch, log: &Log) -> Option<Self> {
        let column = |number: usize| &batch.columns[number];
        let mut odd = vec![false; batch.rows];
        let time = times(column(rows.time.column), &rows.time.reader, &mut odd)?;
        let arrival = match &rows.arrival {
            Some(arrival) => Some(times(column(arrival.column), &arrival.reader, &mut odd)?),
            None => None,
        };
        let partition = match rows.partition {
            Some(number) => partitions(column(number), rows.partitions, &mut odd)?,
            None => vec![0; if log.partitions() > 1 { batch.rows } else { 0 }],
        };
        let measures =
            rows.measures.iter().map(|&number| numbers(column(number), &mut odd)).collect::<Option<_>>()?;
        let keys = rows.keys.iter().map(|&number| Key::of(column(number))).collect::<Option<_>>()?;
        let odd = (0..batch.rows).filter(|&row| odd[row]).collect();
        Some(Self { time, arrival, partition, keys, measures, odd, passed: 0 })
    }

    /// The rows from `row` on that are plain.
    fn run(&mut self, row: usize) -> Range<usize> {
        while self.odd.get(self.passed).is_some_and(|&odd| odd < row) {
            self.passed += 1;
        }
        row..self.odd.get(self.passed).copied().unwrap_or(self.time.len())
    }

    fn append(&mut self, run: Range<usize>, rows: &mut Rows, log: &mut Log) {
        let time = &self.time[run.clone()];
        let mut arrival = self.arrival.as_deref().unwrap_or(&self.time)[run.clone()].to_vec();
        for time in &mut arrival {
            rows.newest_arrival = rows.newest_arrival.max(*time);
            *time = rows.newest_arrival;
        }
        let keys = self.keys.iter_mut().enumerate();
        let keys: Vec<Vec<u32>> =
            keys.map(|(number, key)| key.ids(run.clone(), |name| rows.intern(log, number, name))).collect();
        log.append_columns(&Events {
            time,
            arrival: &arrival,
            partition: self.partition.get(run.clone()).unwrap_or_default(),
            keys: keys.iter().map(Vec::as_slice).collect(),
            measures: self.measures.iter().map(|values| &values[run.clone()]).collect(),
        });
    }
}

impl<'a> Key<'a> {
    fn of(column: &'a Column) -> Option<Self> {
        let (ids, names) = match &column.cells {
            Cells::Text { ids, names } => (Cow::Borrowed(ids.as_slice()), Cow::Borrowed(names)),
            Cells::Integer(cells) => named(cells, column)?,
            Cells::Date(cells) => named(cells, column)?,
            Cells::Number(_) | Cells::Time(_) => return None,
        };
        let known = vec![UNKNOWN; names.len() + 1];
        Some(Self { ids, names, nulls: &column.nulls, known })
    }

    /// The log's ids of some rows.
    fn ids(&mut self, run: Range<usize>, mut intern: impl FnMut(&str) -> u32) -> Vec<u32> {
        let nothing = self.names.len();
        let mut ids = Vec::with_capacity(run.len());
        for row in run {
            let null = self.nulls.get(row).copied().unwrap_or(false);
            let index = if null { nothing } else { self.ids[row] as usize };
            let known = &mut self.known[index];
            if *known == UNKNOWN {
                *known = intern(self.names.get(index as u32).unwrap_or_default());
            }
            ids.push(*known);
        }
        ids
    }
}

/// Gives each different cell the name that its text is.
fn named<T: Copy + Eq + std::hash::Hash>(
    cells: &[T],
    column: &Column,
) -> Option<(Cow<'static, [u32]>, Cow<'static, Names>)> {
    let mut known: HashMap<T, u32> = HashMap::new();
    let (mut names, mut ids, mut text) = (Names::default(), Vec::with_capacity(cells.len()), Vec::new());
    for (row, cell) in cells.iter().enumerate() {
        let id = match known.get(cell) {
            Some(&id) => id,
            None => {
                text.clear();
                column.write(row, &mut text);
                let id = names.push(std::str::from_utf8(&text).ok()?)?;
                if !column.is_null(row) {
                    known.insert(*cell, id);
                }
                id
            }
        };
        ids.push(id);
    }
    Some((Cow::Owned(ids), Cow::Owned(names)))
}

/// Epoch milliseconds of each row that is not odd.
fn times<'a>(column: &'a Column, reader: &TimeReader, odd: &mut [bool]) -> Option<Cow<'a, [i64]>> {
    let times = match &column.cells {
        Cells::Time(times) => Cow::Borrowed(times.as_slice()),
        Cells::Date(days) => days.iter().map(|&day| i64::from(day) * DAY_MS).collect(),
        Cells::Integer(cells) => whole_numbers(cells, reader.whole_numbers()?),
        Cells::Text { .. } | Cells::Number(_) => return None,
    };
    mark_nulls(column, odd);
    for (odd, time) in odd.iter_mut().zip(times.iter()) {
        *odd |= !kappascope_core::time::TIME_RANGE.contains(time);
    }
    Some(times)
}

/// Out of range where the text has to say why it is no time.
fn whole_numbers(cells: &[i64], numbers: WholeNumbers) -> Cow<'_, [i64]> {
    cells.iter().map(|&cell| numbers.read(cell).unwrap_or(i64::MIN)).collect()
}

fn partitions(column: &Column, count: u32, odd: &mut [bool]) -> Option<Vec<u32>> {
    let Cells::Integer(cells) = &column.cells else { return None };
    mark_nulls(column, odd);
    let partition = |(row, &cell): (usize, &i64)| {
        let partition = u32::try_from(cell).ok().filter(|partition| *partition < count);
        odd[row] |= partition.is_none();
        partition.unwrap_or(0)
    };
    Some(cells.iter().enumerate().map(partition).collect())
}

fn numbers<'a>(column: &'a Column, odd: &mut [bool]) -> Option<Cow<'a, [f64]>> {
    let numbers: Cow<'a, [f64]> = match &column.cells {
        Cells::Number(cells) => Cow::Borrowed(cells.as_slice()),
        Cells::Integer(cells) => cells.iter().map(|&cell| cell as f64).collect(),
        Cells::Text { .. } | Cells::Time(_) | Cells::Date(_) => return None,
    };
    mark_nulls(column, odd);
    for (odd, number) in odd.iter_mut().zip(numbers.iter()) {
        *odd |= !number.is_finite();
    }
    Some(numbers)
}

fn mark_nulls(column: &Column, odd: &mut [bool]) {
    for (odd, null) in odd.iter_mut().zip(&column.nulls) {
        *odd |= null;
    }
}
