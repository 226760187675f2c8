//! CSV to records, in pieces: quotes, line ends of any kind, any separator.
//!
//! ```text
//!   pieces   at,pa|ge\n1,"a|\nb"\n       three pushes
//!   records  [at, page] [1, a\nb]        the second starts at line 2, byte 8
//! ```
//!
//! Most lines have no quote and lie in one piece: their cells are slices of it, found by looking at each
//! byte once. All others go through `csv-core`, which copies them.
//!
//! **Invariant:** memory is bounded: a record has at most [`MAX_RECORD_BYTES`]. Of one that is longer,
//! or whose quote is not closed by the end of the file, only the first line is lost: it is told as broken
//! and reading goes on with the second. Blank lines are no records.

use crate::beginning::{Beginning, HEAD_BYTES};
use crate::error::{IngestError, Kind, shown};
use crate::place::{MAX_RECORD_BYTES, Place, too_long};
use crate::sample::Sample;
use csv_core::ReadRecordResult;

/// What a record's cells are held in at first; it grows up to [`MAX_RECORD_BYTES`].
const FIRST_BYTES: usize = 4 * 1024;

/// How many cells of a record are told apart; more are counted only.
pub(crate) const MAX_COLUMNS: usize = 16 * 1024;

/// Cuts a file into records.
#[derive(Debug)]
pub(crate) struct Csv {
    core: csv_core::Reader,
    /// Which bytes a plain line is cut at, and which make it one that is not plain.
    marks: Box<[bool; 256]>,
    separator: u8,
    /// Text of the record's cells, unquoted, one after the other.
    text: Vec<u8>,
    text_len: usize,
    /// Where each cell ends in `text`.
    ends: Vec<usize>,
    cells: usize,
    /// Cells beyond those that `ends` has room for.
    more_cells: usize,
    /// Place of the record at hand, once its first byte was met.
    start: Option<Place>,
    /// Where the next byte stands.
    next: Place,
    /// The bytes of the record at hand.
    raw: Vec<u8>,
    /// Bytes that are read a second time, without the line that broke them, and how many of them were.
    again: Vec<u8>,
    again_read: usize,
    /// Whether the line at hand is too long, and read past to its end.
    skipping: bool,
    /// Why the record at hand has no cells.
    broken: Option<String>,
    /// Bytes of the longest record, its line end included.
    limit: usize,
}

/// A record that is complete.
#[derive(Debug)]
pub(crate) struct CsvRecord<'a> {
    pub(crate) place: Place,
    /// Its cells, or why it has none.
    pub(crate) cells: Result<Cells<'a>, String>,
}

/// The cells of a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cells<'a> {
    text: &'a [u8],
    ends: &'a [usize],
    /// Bytes between two cells of `text`.
    gap: usize,
    more: usize,
}

impl<'a> Cells<'a> {
    pub(crate) fn len(&self) -> usize {
        self.ends.len() + self.more
    }

    /// Cell `i` of those that are told apart.
    pub(crate) fn get(&self, i: usize) -> &'a [u8] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] + self.gap };
        &self.text[start..self.ends[i]]
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.ends.len()).map(move |i| self.get(i))
    }
}

impl Csv {
    /// A reader of the bytes that follow `bom` bytes of byte-order mark.
    pub(crate) fn new(separator: u8, bom: usize) -> Self {
        let mut marks = Box::new([false; 256]);
        [separator, b'"', b'\r', b'\n'].iter().for_each(|mark| marks[usize::from(*mark)] = true);
        Self {
            core: core(separator),
            marks,
            separator,
            text: vec![0; FIRST_BYTES],
            text_len: 0,
            ends: vec![0; 64],
            cells: 0,
            more_cells: 0,
            start: None,
            next: Place { line: 1, byte: bom as u64 },
            raw: Vec::new(),
            again: Vec::new(),
            again_read: 0,
            skipping: false,
            broken: None,
            limit: MAX_RECORD_BYTES,
        }
    }

    /// The next record that `input` completes; `input` moves past what was read.
    pub(crate) fn next<'r, 'a: 'r>(&'r mut self, input: &mut &'a [u8]) -> Option<CsvRecord<'r>> {
        if self.read_again() {
            return Some(self.record());
        }
        if self.start.is_none() {
            self.skip_line_ends(input);
            if let Some(length) = self.plain_line(input) {
                return Some(self.plain_record(input, length));
            }
        }
        self.copy(input).then(|| self.record())
    }

    /// A record that the end of the file completes: to be asked for until there is none.
    pub(crate) fn finish(&mut self) -> Option<CsvRecord<'_>> {
        if !self.read_again() {
            let start = self.start?;
            if std::mem::take(&mut self.skipping) {
                self.broken = Some(too_long(self.next.byte - start.byte));
            } else if !self.end_line() {
                self.give_up("a quote that is not closed before the file ends");
            }
        }
        Some(self.record())
    }

    /// Gives the core the line end that the file lacks; whether that completes the record.
    fn end_line(&mut self) -> bool {
        let (mut line_end, mut complete) = (&b"\n"[..], false);
        while !complete && !line_end.is_empty() {
            complete = self.core_read(&mut line_end);
        }
        complete
    }

    fn skip_line_ends(&mut self, input: &mut &[u8]) {
        let ends = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.pass(input, ends);
    }

    /// Moves past so many bytes.
    fn pass(&mut self, input: &mut &[u8], bytes: usize) {
        let (passed, rest) = input.split_at(bytes);
        self.next.byte += bytes as u64;
        self.next.line += memchr::memchr_iter(b'\n', passed).count() as u64;
        *input = rest;
    }

    /// The length of the line that `input` begins with, if it is plain and complete. Its cells end at `ends`.
    fn plain_line(&mut self, input: &[u8]) -> Option<usize> {
        for (at, &byte) in input.iter().take(self.limit).enumerate() {
            if !self.marks[usize::from(byte)] {
                continue;
            }
            // A line of more cells than there is room for gets room on the other path.
            let end = self.ends.get_mut(self.cells).filter(|_| byte != b'"');
            let Some(end) = end else { break };
            *end = at;
            self.cells += 1;
            if byte != self.separator {
                return Some(at);
            }
        }
        self.cells = 0;
        None
    }

    fn plain_record<'r, 'a: 'r>(&'r mut self, input: &mut &'a [u8], length: usize) -> CsvRecord<'r> {
        let (line, rest) = input.split_at(length);
        let place = self.next;
        self.next.byte += length as u64 + 1;
        self.next.line += u64::from(rest[0] == b'\n');
        *input = &rest[1..];
        let ends = &self.ends[..std::mem::take(&mut self.cells)];
        CsvRecord { place, cells: Ok(Cells { text: line, ends, gap: 1, more: 0 }) }
    }

    /// Reads on in the bytes that are read a second time; whether they complete a record.
    fn read_again(&mut self) -> bool {
        while self.again_read < self.again.len() {
            let again = std::mem::take(&mut self.again);
            let mut rest = &again[std::mem::take(&mut self.again_read)..];
            if self.start.is_none() {
                self.skip_line_ends(&mut rest);
            }
            let complete = self.copy(&mut rest);
            if self.again.is_empty() {
                self.again_read = again.len() - rest.len();
                self.again = again;
            } else {
                // Given up once more: what that left is read before the rest.
                self.again.extend_from_slice(rest);
            }
            if complete {
                return true;
            }
        }
        false
    }

    /// Copies the record at hand; whether it is complete, or known to be broken.
    fn copy(&mut self, input: &mut &[u8]) -> bool {
        while !input.is_empty() {
            let place = self.next;
            self.start.get_or_insert(place);
            if self.skipping {
                return self.skip_line(input);
            }
            let complete = self.copy_some(input);
            if self.raw.len() > self.limit {
                self.give_up("a quote that is not closed within the length of a record");
            }
            if (complete || self.broken.is_some()) && !self.skipping {
                return true;
            }
        }
        false
    }

    /// Lets the core read until the record is complete, too long, or the input at its end. Whether it is
    /// complete.
    fn copy_some(&mut self, input: &mut &[u8]) -> bool {
        // A byte more than a record may have shows that it has too many.
        let all = &input[..input.len().min(self.limit + 1 - self.raw.len())];
        let (mut rest, mut complete) = (all, false);
        while !complete && !rest.is_empty() {
            complete = self.core_read(&mut rest);
        }
        let read = all.len() - rest.len();
        self.raw.extend_from_slice(&all[..read]);
        self.pass(input, read);
        complete
    }

    /// The record at hand is none. Only its first line is lost: what follows is read again.
    fn give_up(&mut self, open_quote: &str) {
        let raw = std::mem::take(&mut self.raw);
        self.core = core(self.separator);
        (self.text_len, self.cells, self.more_cells) = (0, 0, 0);
        let Some(length) = memchr::memchr2(b'\r', b'\n', &raw) else {
            self.skipping = raw.len() > self.limit;
            self.broken = (!self.skipping).then(|| open_quote.to_owned());
            return;
        };
        self.broken = Some(match length < self.limit {
            true => format!("{open_quote}; reading goes on with the next line"),
            false => too_long(length as u64),
        });
        self.next = self.start.unwrap_or_default();
        let mut rest = &raw[..];
        self.pass(&mut rest, length + 1);
        self.again.extend_from_slice(rest);
    }

    /// Reads past the line at hand; whether its end is there.
    fn skip_line(&mut self, input: &mut &[u8]) -> bool {
        let Some(length) = memchr::memchr2(b'\r', b'\n', input) else {
            self.pass(input, input.len());
            return false;
        };
        self.pass(input, length + 1);
        self.skipping = false;
        self.broken = self.start.map(|start| too_long(self.next.byte - 1 - start.byte));
        true
    }

    /// Reads on until a record is complete (`true`), the input is used up or room was made.
    fn core_read(&mut self, input: &mut &[u8]) -> bool {
        let (result, read, written, ended) =
            self.core.read_record(input, &mut self.text[self.text_len..], &mut self.ends[self.cells..]);
        *input = &input[read..];
        self.text_len += written;
        self.cells += ended;
        match result {
            ReadRecordResult::Record | ReadRecordResult::End => return true,
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
            ReadRecordResult::OutputEndsFull => self.make_cell_room(),
        }
        false
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

    /// The record that was copied.
    fn record(&mut self) -> CsvRecord<'_> {
        let place = self.start.take().unwrap_or_default();
        self.raw.clear();
        let cells = Cells {
            text: &self.text[..std::mem::take(&mut self.text_len)],
            ends: &self.ends[..std::mem::take(&mut self.cells)],
            gap: 0,
            more: std::mem::take(&mut self.more_cells),
        };
        CsvRecord { place, cells: self.broken.take().map_or(Ok(cells), Err) }
    }
}

/// The core at the start of a record, past the start of a file, where it would take a byte-order mark away.
///
/// Always a new one: a clone of csv-core's reader has lost its classes of bytes.
fn core(separator: u8) -> csv_core::Reader {
    let mut core = csv_core::ReaderBuilder::new().delimiter(separator).build();
    core.read_record(b"\n", &mut [], &mut [0]);
    core
}

/// The names of the columns, without the spaces around them.
pub(crate) fn header(beginning: &Beginning<'_>, separator: u8) -> Result<Vec<String>, IngestError> {
    let mut csv = Csv::new(separator, beginning.bom);
    let mut rest = beginning.text();
    let names = match csv.next(&mut rest).and_then(|record| record.cells.ok()) {
        Some(cells) => Some(names(cells)),
        None if beginning.whole => csv.finish().and_then(|record| record.cells.ok()).map(names),
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
pub(crate) fn sample(beginning: &Beginning<'_>, separator: u8) -> Result<Sample, IngestError> {
    let names = header(beginning, separator)?;
    let mut csv = Csv::new(separator, beginning.bom);
    let mut rest = beginning.text();
    let mut rows = Vec::new();
    let mut take = |record: CsvRecord<'_>| {
        let cells = record.cells.ok().filter(|cells| cells.len() == names.len());
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
    while beginning.whole
        && header_read
        && let Some(record) = csv.finish()
    {
        take(record);
    }
    Ok(Sample { names, rows })
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Records as (line, byte, cells or why there are none), of a file in pieces of so many bytes.
    type Read = Vec<(u64, u64, Result<Vec<Vec<u8>>, String>)>;

    fn read(file: &[u8], limit: usize, piece: usize) -> Read {
        let mut csv = Csv { limit, ..Csv::new(b',', 0) };
        let mut records = Vec::new();
        let told = |record: CsvRecord<'_>| {
            let cells = record.cells.map(|cells| cells.iter().map(<[u8]>::to_vec).collect());
            (record.place.line, record.place.byte, cells)
        };
        for mut input in file.chunks(piece) {
            while let Some(record) = csv.next(&mut input) {
                records.push(told(record));
            }
        }
        while let Some(record) = csv.finish() {
            records.push(told(record));
        }
        records
    }

    fn core_alone(mut file: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut core = core(b',');
        let (mut text, mut ends, mut length, mut cells) = ([0; 100], [0; 100], 0, 0);
        let mut records = Vec::new();
        loop {
            let (result, read, written, ended) =
                core.read_record(file, &mut text[length..], &mut ends[cells..]);
            file = &file[read..];
            (length, cells) = (length + written, cells + ended);
            match result {
                ReadRecordResult::Record => {
                    let cells =
                        Cells { text: &text, ends: &ends[..std::mem::take(&mut cells)], gap: 0, more: 0 };
                    records.push(cells.iter().map(<[u8]>::to_vec).collect());
                    length = 0;
                }
                // Nothing is left: the next call is told so by being given nothing.
                ReadRecordResult::InputEmpty => {}
                _ => return records,
            }
        }
    }

    fn file() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(&b"a,\"\r\n\n,\"\xef\xbb\xbf"[..]), 0..60)
    }

    proptest! {
        #[test]
        fn pieces_do_not_show(file in file(), limit in 1..30_usize, piece in 1..10_usize) {
            prop_assert_eq!(read(&file, limit, piece), read(&file, limit, 1_000));
        }

        /// What the core alone reads, wherever no quote is open at the end.
        #[test]
        fn the_core_reads_the_same(file in file()) {
            let ours = read(&file, 1_000, 1_000);
            if ours.iter().any(|(.., cells)| cells.is_err()) {
                return Ok(());
            }
            let ours: Vec<_> = ours.into_iter().filter_map(|(.., cells)| cells.ok()).collect();
            prop_assert_eq!(ours, core_alone(&file));
        }
    }

    #[test]
    fn a_quote_that_is_not_closed_costs_its_line_only() {
        let rows = |file| -> Vec<_> {
            read(file, 100, 1_000)
                .into_iter()
                .map(|(line, byte, cells)| (line, byte, cells.is_ok()))
                .collect()
        };
        let broken = b"a,b\n1,\"2\n3,4\n5,6\n";
        assert_eq!(rows(broken), [(1, 0, true), (2, 4, false), (3, 9, true), (4, 13, true)]);
        // A later quote closes it, and CSV has no way to know better.
        let closed = b"a,b\n1,\"2\n3,4\n5,\"6\n7,8\n";
        assert_eq!(rows(closed), [(1, 0, true), (2, 4, true), (5, 18, true)]);
    }
}
