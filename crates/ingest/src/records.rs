//! A file's records, whatever its form: bytes in, in pieces of any size, one record after the other out.
//!
//! ```text
//!   pieces ─► form: lines, quotes, objects ─► record: a cell for each wanted column ─► Take
//! ```
//!
//! **Invariant:** every record of the file is given once, in order: as a record whose cells can be asked
//! for, or as a broken one with the reason.

use crate::csv::{Cells, Csv, CsvRecord};
use crate::error::{IngestError, Kind, columns_like};
use crate::format::Form;
use crate::head::Head;
use crate::jsonl::{Fields, JsonLines};
use crate::place::Place;
use crate::sample::Sample;
use crate::{csv, jsonl};

/// A record whose cells can be asked for by the number of the wanted column.
pub(crate) trait Record {
    /// The cell as text, or why there is none.
    fn cell(&self, column: usize) -> Result<&[u8], String>;
}

/// Who gets the records.
pub(crate) trait Take {
    /// A record, and where it begins. An error ends the reading.
    fn record(&mut self, place: Place, record: &impl Record) -> Result<(), IngestError>;

    /// A record that cannot be told into cells, and why.
    fn broken(&mut self, place: Place, reason: String) -> Result<(), IngestError>;
}

/// Cuts one file into records.
#[derive(Debug)]
pub(crate) struct Records {
    source: Source,
    /// Bytes of the byte-order mark that are yet to come.
    bom_left: usize,
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

impl Records {
    /// The records of the file that begins with `head`, with the cells of the `wanted` columns.
    pub(crate) fn new(head: &Head<'_>, wanted: &[String]) -> Result<Self, IngestError> {
        let source = match head.form {
            Form::Csv { separator } => {
                let header = csv::header(head, separator)?;
                let columns = Columns::find(&header, wanted)?;
                Source::Csv { csv: Box::new(Csv::new(separator, head.bom)), header_read: false, columns }
            }
            Form::JsonLines => {
                check_fields(&jsonl::sample(head)?, wanted)?;
                Source::JsonLines(JsonLines::new(wanted, head.bom))
            }
        };
        Ok(Self { source, bom_left: head.bom })
    }

    /// Takes the next bytes of the file, and gives the records that they complete.
    pub(crate) fn push(&mut self, bytes: &[u8], take: &mut impl Take) -> Result<(), IngestError> {
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
            Source::JsonLines(lines) => lines.push(bytes, |place, line| give_json(place, line, take)),
        }
    }

    /// The file is complete: gives the last record, should its line end be missing.
    pub(crate) fn finish(&mut self, take: &mut impl Take) -> Result<(), IngestError> {
        match &mut self.source {
            Source::Csv { csv, header_read, columns } => {
                while let Some(record) = csv.finish() {
                    if *header_read {
                        give_csv(&record, columns, take)?;
                    }
                }
                Ok(())
            }
            Source::JsonLines(lines) => lines.finish(|place, line| give_json(place, line, take)),
        }
    }
}

fn give_csv(record: &CsvRecord<'_>, columns: &Columns, take: &mut impl Take) -> Result<(), IngestError> {
    let place = record.place;
    let cells = match &record.cells {
        Ok(cells) => *cells,
        Err(reason) => return take.broken(place, reason.clone()),
    };
    if cells.len() != columns.of_header {
        let reason =
            format!("{} where the header has {}", count(cells.len() as u64, "cell"), columns.of_header);
        return take.broken(place, reason);
    }
    take.record(place, &CsvRow { cells, columns })
}

fn give_json(place: Place, line: Result<&Fields, String>, take: &mut impl Take) -> Result<(), IngestError> {
    match line {
        Ok(fields) => take.record(place, fields),
        Err(reason) => take.broken(place, reason),
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

struct CsvRow<'a> {
    cells: Cells<'a>,
    columns: &'a Columns,
}

impl Record for CsvRow<'_> {
    fn cell(&self, column: usize) -> Result<&[u8], String> {
        Ok(self.cells.get(self.columns.wanted[column]))
    }
}

fn count(n: u64, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}
