//! A file's records, whatever its form: bytes in, in pieces of any size, one record after the other out.
//!
//! ```text
//!   pieces ─► unpack ─► form: lines, quotes, objects ─► record: a cell for each wanted column ─► Take
//! ```
//!
//! **Invariant:** every record of the file is given once, in order: as a record whose cells can be asked
//! for, or as a broken one with the reason.

use crate::access_log::{AccessLog, LogLine};
use crate::csv::{Cells, Csv, CsvRecord};
use crate::error::{IngestError, Kind, columns_like};
use crate::format::Form;
use crate::head::Head;
use crate::jsonl::{Fields, Json};
use crate::place::Place;
use crate::record::{Record, Take};
use crate::unpack::Unpack;
use crate::{access_log, csv, jsonl};

/// Cuts one file into records.
#[derive(Debug)]
pub(crate) struct Records {
    unpack: Unpack,
    text: Text,
    /// How many were given.
    given: u64,
}

/// Cuts text into records.
#[derive(Debug)]
struct Text {
    source: Source,
    /// Bytes of the byte-order mark that are yet to come.
    bom_left: usize,
}

#[derive(Debug)]
enum Source {
    Csv { csv: Box<Csv>, header_read: bool, columns: Columns },
    Json(Json),
    AccessLog(AccessLog),
}

/// Where a CSV record has the wanted columns.
#[derive(Debug)]
pub(crate) struct Columns {
    of_header: usize,
    wanted: Vec<usize>,
}

impl Records {
    /// The records of the file that begins with `head`, with the cells of the `wanted` columns.
    pub(crate) fn new(head: &Head<'_>, wanted: &[String]) -> Result<Self, IngestError> {
        let beginning = &head.beginning;
        let source = match head.form {
            Form::Csv { separator } => {
                let header = csv::header(beginning, separator)?;
                let columns = Columns::find(&header, wanted)?;
                Source::Csv { csv: Box::new(Csv::new(separator, beginning.bom)), header_read: false, columns }
            }
            Form::Json(layout) => {
                if let Some(missed) = jsonl::missed(beginning, layout, wanted)? {
                    return Err(missing(&missed, &jsonl::sample(beginning, layout)?.names));
                }
                Source::Json(Json::new(layout, wanted, beginning.bom))
            }
            Form::AccessLog => {
                let columns = Columns::find(&access_log::sample(beginning).names, wanted)?;
                Source::AccessLog(AccessLog::new(columns.wanted, beginning.bom))
            }
        };
        let text = Text { source, bom_left: beginning.bom };
        Ok(Self { unpack: Unpack::new(head.packing), text, given: 0 })
    }

    /// Takes the next bytes of the file, and gives the records that they complete.
    pub(crate) fn push(&mut self, bytes: &[u8], take: &mut impl Take) -> Result<(), IngestError> {
        let Self { unpack, text, given } = self;
        let mut take = Counted { take, given };
        let pushed = unpack.push(bytes, &mut |piece: &[u8]| text.push(piece, &mut take));
        pushed.map_err(|error| error.after(*given))
    }

    /// The file is complete: gives the last record, should its line end be missing.
    pub(crate) fn finish(&mut self, take: &mut impl Take) -> Result<(), IngestError> {
        let Self { unpack, text, given } = self;
        let mut take = Counted { take, given };
        let finished = unpack.finish(&mut |piece: &[u8]| text.push(piece, &mut take));
        finished.and_then(|()| text.finish(&mut take)).map_err(|error| error.after(*given))
    }
}

/// Counts what it passes on.
struct Counted<'a, T> {
    take: &'a mut T,
    given: &'a mut u64,
}

impl<T: Take> Take for Counted<'_, T> {
    fn record(&mut self, place: Place, record: &impl Record) -> Result<(), IngestError> {
        *self.given += 1;
        self.take.record(place, record)
    }

    fn broken(&mut self, place: Place, reason: String) -> Result<(), IngestError> {
        *self.given += 1;
        self.take.broken(place, reason)
    }
}

impl Text {
    fn push(&mut self, bytes: &[u8], take: &mut impl Take) -> Result<(), IngestError> {
        let skipped = self.bom_left.min(bytes.len());
        self.bom_left -= skipped;
        let mut bytes = &bytes[skipped..];
        match &mut self.source {
            Source::Csv { csv, header_read, columns } => {
                while let Some(record) = csv.next(&mut bytes) {
                    if std::mem::replace(header_read, true) {
                        give_csv(&record, columns, take)?;
                    }
                }
                Ok(())
            }
            Source::Json(json) => json.push(bytes, |place, object| give_json(place, object, take)),
            Source::AccessLog(log) => log.push(bytes, |place, line| give_line(place, line, take)),
        }
    }

    fn finish(&mut self, take: &mut impl Take) -> Result<(), IngestError> {
        match &mut self.source {
            Source::Csv { csv, header_read, columns } => {
                while let Some(record) = csv.finish() {
                    if *header_read {
                        give_csv(&record, columns, take)?;
                    }
                }
                Ok(())
            }
            Source::Json(json) => json.finish(|place, object| give_json(place, object, take)),
            Source::AccessLog(log) => log.finish(|place, line| give_line(place, line, take)),
        }
    }
}

fn give_csv(record: &CsvRecord<'_>, columns: &Columns, take: &mut impl Take) -> Result<(), IngestError> {
    let place = record.place;
    let cells = match &record.cells {
        Ok(cells) => *cells,
        Err(reason) => return take.broken(place, reason.clone()),
    };
    match CsvRow::new(cells, columns) {
        Ok(row) => take.record(place, &row),
        Err(reason) => take.broken(place, reason),
    }
}

fn give_json(place: Place, object: Result<&Fields, String>, take: &mut impl Take) -> Result<(), IngestError> {
    match object {
        Ok(fields) => take.record(place, fields),
        Err(reason) => take.broken(place, reason),
    }
}

fn give_line(
    place: Place,
    line: Result<LogLine<'_>, String>,
    take: &mut impl Take,
) -> Result<(), IngestError> {
    match line {
        Ok(line) => take.record(place, &line),
        Err(reason) => take.broken(place, reason),
    }
}

impl Columns {
    pub(crate) fn find(header: &[String], wanted: &[String]) -> Result<Self, IngestError> {
        Ok(Self { of_header: header.len(), wanted: find_columns(header, wanted)? })
    }
}

/// Where among the columns of a file each wanted one is.
pub(crate) fn find_columns(columns: &[String], wanted: &[String]) -> Result<Vec<usize>, IngestError> {
    let place = |name: &String| {
        let mut places = (0..columns.len()).filter(|&i| columns[i] == *name);
        match (places.next(), places.next()) {
            (Some(place), None) => Ok(place),
            (Some(_), Some(_)) => Err(Kind::TwiceInHeader(name.clone()).into()),
            (None, _) => Err(missing(name, columns)),
        }
    };
    wanted.iter().map(place).collect()
}

fn missing(column: &str, header: &[String]) -> IngestError {
    let mut there = columns_like(column, header);
    if header.iter().any(|name| name.parse::<f64>().is_ok()) {
        there.push_str("; the first line needs to name the columns, and this one holds a number");
    }
    Kind::MissingColumn { column: column.to_owned(), there }.into()
}

/// The cells of a CSV record by the wanted columns.
pub(crate) struct CsvRow<'a> {
    cells: Cells<'a>,
    columns: &'a Columns,
}

impl<'a> CsvRow<'a> {
    /// A row, or why the cells are none.
    pub(crate) fn new(cells: Cells<'a>, columns: &'a Columns) -> Result<Self, String> {
        if cells.len() == columns.of_header {
            return Ok(Self { cells, columns });
        }
        let found = count(cells.len() as u64, "cell");
        Err(format!("{found} where the header has {}", columns.of_header))
    }
}

impl Record for CsvRow<'_> {
    fn cell(&self, column: usize) -> Result<&[u8], String> {
        Ok(self.cells.get(self.columns.wanted[column]))
    }
}

fn count(n: u64, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}
