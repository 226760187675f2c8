//! The reader: pieces of a file in, log rows and refused records out.

use crate::csv::{Cells, Csv, CsvRecord};
use crate::error::{IngestError, Kind, columns_like};
use crate::format::{self, Form};
use crate::jsonl::JsonLines;
use crate::place::{Place, too_long};
use crate::row::{Misfit, Record, Rows};
use crate::sample::Sample;
use crate::{csv, jsonl};
use kappascope_core::Log;
use kappascope_core::spec::Schema;

/// A record that is no row: the dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Physical line of the file where the record begins, from 1.
    pub line: u64,
    /// Byte of the file where the record begins, from 0.
    pub byte: u64,
    /// How many rows the reader had appended before it: its place among the log's rows.
    pub rows_before: u64,
    /// The column at fault; none when the record as a whole is.
    pub column: Option<String>,
    /// What was found and what would fit.
    pub reason: String,
}

#[derive(Debug)]
enum Source {
    Csv { csv: Box<Csv>, header_read: bool, columns: Columns },
    JsonLines(JsonLines),
}

/// Where a CSV record has the wanted columns.
#[derive(Debug)]
struct Columns {
    of_header: usize,
    wanted: Vec<usize>,
}

/// Reads one file into a [`Log`]. See the [crate] for an example.
#[derive(Debug)]
pub struct Reader {
    source: Source,
    rows: Rows,
    /// Bytes of the byte-order mark that are yet to come.
    bom_left: usize,
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
        let (form, bom) = format::sniff(head)?;
        let rows = Rows::new(schema)?;
        let source = match form {
            Form::Csv { separator } => {
                let header = csv::header(head, separator, bom)?;
                let columns = Columns::find(&header, rows.wanted())?;
                Source::Csv { csv: Box::new(Csv::new(separator, bom)), header_read: false, columns }
            }
            Form::JsonLines => {
                check_fields(&jsonl::sample(&head[bom..], format::is_whole(head))?, rows.wanted())?;
                Source::JsonLines(JsonLines::new(rows.wanted(), bom))
            }
        };
        Ok(Self { source, rows, bom_left: bom, counts: Counts::default() })
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
        let skipped = self.bom_left.min(bytes.len());
        self.bom_left -= skipped;
        let mut bytes = &bytes[skipped..];
        let Self { source, rows, counts, .. } = self;
        let mut sink = Sink { rows, counts, log, rejected };
        match source {
            Source::Csv { csv, header_read, columns } => {
                while let Some(record) = csv.next(&mut bytes) {
                    if !std::mem::replace(header_read, true) {
                        continue;
                    }
                    sink.csv(&record, columns)?;
                }
            }
            Source::JsonLines(lines) => {
                lines.push(bytes, |place, line| sink.json(place, line))?;
            }
        }
        Ok(())
    }

    /// The file is complete: takes the last record, should its line end be missing.
    ///
    /// # Errors
    /// When the file had a header and nothing else, and as for [`push`](Self::push).
    pub fn finish(&mut self, log: &mut Log, rejected: &mut Vec<Rejected>) -> Result<(), IngestError> {
        let Self { source, rows, counts, .. } = self;
        let mut sink = Sink { rows, counts, log, rejected };
        match source {
            Source::Csv { csv, header_read, columns } => {
                let record = csv.finish().filter(|_| *header_read);
                record.map_or(Ok(()), |record| sink.csv(&record, columns))?;
            }
            Source::JsonLines(lines) => {
                lines.finish(|place, line| sink.json(place, line))?;
            }
        }
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

impl Columns {
    fn find(header: &[String], wanted: &[String]) -> Result<Self, IngestError> {
        let place = |name: &String| {
            let mut places = (0..header.len()).filter(|&i| header[i] == *name);
            match (places.next(), places.next()) {
                (Some(place), None) => Ok(place),
                (Some(_), Some(_)) => Err(Kind::TwiceInHeader(name.clone()).into()),
                (None, _) => Err(missing(name, header)),
            }
        };
        let wanted = wanted.iter().map(place).collect::<Result<_, IngestError>>()?;
        Ok(Self { of_header: header.len(), wanted })
    }
}

fn missing(column: &str, header: &[String]) -> IngestError {
    let mut there = columns_like(column, header);
    if header.iter().any(|name| name.parse::<f64>().is_ok()) {
        there.push_str("; the first line needs to name the columns, and this one holds a number");
    }
    Kind::MissingColumn { column: column.to_owned(), there }.into()
}

/// Refuses a file of JSON lines whose first ones never have a wanted field.
fn check_fields(sample: &Sample, wanted: &[String]) -> Result<(), IngestError> {
    let Some(missed) = wanted.iter().find(|name| !sample.names.contains(name)) else { return Ok(()) };
    if sample.rows.is_empty() { Ok(()) } else { Err(missing(missed, &sample.names)) }
}

/// Where records go.
struct Sink<'a> {
    rows: &'a mut Rows,
    counts: &'a mut Counts,
    log: &'a mut Log,
    rejected: &'a mut Vec<Rejected>,
}

impl Sink<'_> {
    fn csv(&mut self, record: &CsvRecord<'_>, columns: &Columns) -> Result<(), IngestError> {
        let place = record.place;
        let Some(cells) = record.cells else {
            let long = too_long(record.end.byte - place.byte);
            let line_ends = count(record.end.line - place.line, "line end");
            let reason = format!("{long}, with {line_ends} in it; a quote that is never closed?");
            self.reject(place, None, reason);
            return Ok(());
        };
        if cells.len() != columns.of_header {
            let reason =
                format!("{} where the header has {}", count(cells.len() as u64, "cell"), columns.of_header);
            self.reject(place, None, reason);
            return Ok(());
        }
        self.append(place, &CsvRow { cells, columns })
    }

    fn json(&mut self, place: Place, line: Result<&jsonl::Fields, String>) -> Result<(), IngestError> {
        match line {
            Ok(fields) => self.append(place, fields),
            Err(reason) => {
                self.reject(place, None, reason);
                Ok(())
            }
        }
    }

    fn append(&mut self, place: Place, record: &impl Record) -> Result<(), IngestError> {
        match self.rows.append(record, self.log) {
            Ok(()) => self.counts.rows += 1,
            Err(Misfit { column, reason }) => {
                let column = self.rows.wanted()[column].clone();
                self.reject(place, Some(column), reason);
            }
        }
        self.rows.check_memory(place.line)
    }

    fn reject(&mut self, place: Place, column: Option<String>, reason: String) {
        self.counts.rejected += 1;
        let Place { line, byte } = place;
        self.rejected.push(Rejected { line, byte, rows_before: self.counts.rows, column, reason });
    }
}

fn count(n: u64, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

struct CsvRow<'a> {
    cells: Cells<'a>,
    columns: &'a Columns,
}

impl Record for CsvRow<'_> {
    fn cell(&self, column: usize) -> Result<&[u8], String> {
        Ok(self.cells.get(self.columns.wanted[column]))
    }
}
