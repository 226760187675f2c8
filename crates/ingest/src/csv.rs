//! CSV to records, in pieces: quotes, line ends of any kind, any separator.
//!
//! ```text
//!   pieces   at,pa|ge\n1,"a|\nb"\n       three pushes
//!   records  [at, page] [1, a\nb]        the second starts at line 2, byte 8
//! ```
//!
//! **Invariant:** memory is bounded: a record holds at most [`MAX_RECORD_BYTES`]; what is longer is read
//! past and told as one record that was too long. Blank lines are no records.

use crate::error::{IngestError, Kind, shown};
use crate::head::{HEAD_BYTES, Head};
use crate::place::{MAX_RECORD_BYTES, Place};
use crate::sample::Sample;
use csv_core::ReadRecordResult;

/// What a record's cells are held in at first; it grows up to [`MAX_RECORD_BYTES`].
const FIRST_BYTES: usize = 4 * 1024;

/// How many cells of a record are told apart; more are counted only.
pub(crate) const MAX_COLUMNS: usize = 16 * 1024;

#[derive(Debug)]
pub(crate) struct Csv {
    core: csv_core::Reader,
    /// Text of the record's cells, unquoted, one after the other.
    text: Vec<u8>,
    text_len: usize,
    /// Where each cell ends in `text`.
    ends: Vec<usize>,
    cells: usize,
    /// Cells beyond those that `ends` has room for.
    more_cells: usize,
    too_long: bool,
    /// Place of the record at hand, once its first byte was met.
    start: Option<Place>,
    /// Bytes of the file read so far.
    byte: u64,
}

/// A record that is complete.
pub(crate) struct CsvRecord<'a> {
    pub(crate) place: Place,
    /// One past its last byte.
    pub(crate) end: Place,
    /// Its cells, or `None` when it was longer than [`MAX_RECORD_BYTES`].
    pub(crate) cells: Option<Cells<'a>>,
}

/// The cells of a record.
#[derive(Clone, Copy)]
pub(crate) struct Cells<'a> {
    text: &'a [u8],
    ends: &'a [usize],
    more: usize,
}

impl<'a> Cells<'a> {
    pub(crate) fn len(&self) -> usize {
        self.ends.len() + self.more
    }

    /// Cell `i` of those that are told apart.
    pub(crate) fn get(&self, i: usize) -> &'a [u8] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.text[start..self.ends[i]]
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.ends.len()).map(move |i| self.get(i))
    }
}

impl Csv {
    /// A reader of the bytes that follow `bom` bytes of byte-order mark.
    pub(crate) fn new(separator: u8, bom: usize) -> Self {
        Self {
            core: csv_core::ReaderBuilder::new().delimiter(separator).build(),
            text: vec![0; FIRST_BYTES],
            text_len: 0,
            ends: vec![0; 64],
            cells: 0,
            more_cells: 0,
            too_long: false,
            start: None,
            byte: bom as u64,
        }
    }

    /// The next record that `input` completes; `input` moves past what was read.
    pub(crate) fn next(&mut self, input: &mut &[u8]) -> Option<CsvRecord<'_>> {
        if self.start.is_none() {
            self.skip_line_ends(input);
        }
        while !input.is_empty() {
            let line = self.core.line();
            self.start.get_or_insert(Place { line, byte: self.byte });
            if self.read(input) {
                return Some(self.record());
            }
        }
        None
    }

    /// The record that the end of the file completes.
    pub(crate) fn finish(&mut self) -> Option<CsvRecord<'_>> {
        self.start?;
        while !self.read(&mut &[][..]) {}
        Some(self.record())
    }

    fn skip_line_ends(&mut self, input: &mut &[u8]) {
        while let [first @ (b'\r' | b'\n'), rest @ ..] = *input {
            self.core.set_line(self.core.line() + u64::from(*first == b'\n'));
            self.byte += 1;
            *input = rest;
        }
    }

    /// Reads on until a record is complete (`true`), the input is used up or room was made.
    fn read(&mut self, input: &mut &[u8]) -> bool {
        let (result, read, written, ended) =
            self.core.read_record(input, &mut self.text[self.text_len..], &mut self.ends[self.cells..]);
        *input = &input[read..];
        self.byte += read as u64;
        self.text_len += written;
        self.cells += ended;
        match result {
            ReadRecordResult::Record | ReadRecordResult::End => return true,
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::OutputFull => self.make_text_room(),
            ReadRecordResult::OutputEndsFull => self.make_cell_room(),
        }
        false
    }

    fn make_text_room(&mut self) {
        if self.text.len() < MAX_RECORD_BYTES {
            self.text.resize(self.text.len() * 2, 0);
        } else {
            self.too_long = true;
            self.text_len = 0;
        }
    }

    fn make_cell_room(&mut self) {
        if self.ends.len() < MAX_COLUMNS {
            self.ends.resize(self.ends.len() * 2, 0);
        } else {
            // The last place is used again and again: its cell is counted, not kept.
            self.cells -= 1;
            self.more_cells += 1;
        }
    }

    fn record(&mut self) -> CsvRecord<'_> {
        let place = self.start.take().unwrap_or_default();
        let cells = Cells {
            text: &self.text[..self.text_len],
            ends: &self.ends[..self.cells],
            more: self.more_cells,
        };
        let too_long = std::mem::take(&mut self.too_long);
        (self.text_len, self.cells, self.more_cells) = (0, 0, 0);
        let end = Place { line: self.core.line(), byte: self.byte };
        CsvRecord { place, end, cells: (!too_long).then_some(cells) }
    }
}

/// The names of the columns, without the spaces around them.
pub(crate) fn header(head: &Head<'_>, separator: u8) -> Result<Vec<String>, IngestError> {
    let mut csv = Csv::new(separator, head.bom);
    let mut rest = head.text();
    let names = match csv.next(&mut rest).and_then(|record| record.cells) {
        Some(cells) => Some(names(cells)),
        None if head.whole => csv.finish().and_then(|record| record.cells).map(names),
        None => None,
    };
    names.unwrap_or_else(|| {
        Err(Kind::Header(format!("the header is longer than {} KiB", HEAD_BYTES >> 10)).into())
    })
}

fn names(cells: Cells<'_>) -> Result<Vec<String>, IngestError> {
    if cells.len() > MAX_COLUMNS {
        let message = format!("the header has {} columns; at most {MAX_COLUMNS} would fit", cells.len());
        return Err(Kind::Header(message).into());
    }
    let name = |cell: &[u8]| {
        let name = std::str::from_utf8(cell).map(|name| name.trim().to_owned());
        name.map_err(|_| {
            Kind::Header(format!("the header is not UTF-8 at {}; save the file as UTF-8", shown(cell))).into()
        })
    };
    cells.iter().map(name).collect()
}

/// The first records of a CSV file, as text.
pub(crate) fn sample(head: &Head<'_>, separator: u8) -> Result<Sample, IngestError> {
    let names = header(head, separator)?;
    let mut csv = Csv::new(separator, head.bom);
    let mut rest = head.text();
    let mut rows = Vec::new();
    let mut take = |record: CsvRecord<'_>| {
        let cells = record.cells.filter(|cells| cells.len() == names.len());
        rows.extend(cells.map(|cells| {
            cells.iter().map(|cell| Some(String::from_utf8_lossy(cell).into_owned())).collect()
        }));
    };
    let mut header_read = false;
    while let Some(record) = csv.next(&mut rest) {
        if std::mem::replace(&mut header_read, true) {
            take(record);
        }
    }
    if head.whole && header_read {
        csv.finish().into_iter().for_each(take);
    }
    Ok(Sample { names, rows })
}
