//! Understanding a file that nobody has described: what its columns hold, which is time, how far its events
//! are out of order; and from that a first pipeline with a reason for each line.
//!
//! ```text
//!                 ┌► first records ─► formats of times ─┐
//!   records ──────┴► columns: values, numbers, times ◄──┘ ─► Profile ─► Proposal: Mapping, reasons ─► Spec
//!                    duplicates
//! ```
//!
//! **Invariant:** however the file is cut into pieces, the profile of its records is the same, and what is
//! proposed is a function of the profile. Memory is bounded, whatever the file holds: by [`MOST_COLUMNS`],
//! and by the bounds that the modules name.
//!
//! ```
//! use kappascope_ingest::profile::{ColumnKind, Profiler};
//!
//! let file = "at,page,ms\n\
//!             2024-05-01T10:00:00Z,home,20\n\
//!             2024-05-01T10:00:04Z,cart,31.5\n\
//!             2024-05-01T10:00:01Z,home,fast\n";
//! let mut profiler = Profiler::new(file.as_bytes())?;
//! for piece in file.as_bytes().chunks(7) {
//!     profiler.push(piece)?;
//! }
//! profiler.finish()?;
//!
//! let profile = profiler.profile();
//! assert_eq!(profile.column("page").map(|page| page.distinct.count), Some(2));
//! let disorder = &profile.time.as_ref().expect("times").disorder;
//! assert_eq!((disorder.behind, disorder.worst_ms), (1, 3_000));
//! let proposal = profile.proposal()?;
//! assert_eq!((proposal.mapping.time.as_str(), proposal.mapping.bound_ms), ("at", 5_000));
//! # Ok::<(), kappascope_ingest::IngestError>(())
//! ```

mod batches;
mod column;
mod disorder;
mod duplicates;
mod findings;
mod formats;
mod mapping;
mod numbers;
mod preview;
mod proposal;
mod rate;
mod values;
pub mod words;

pub use batches::BatchProfiler;
pub use findings::{
    Bar, ColumnKind, ColumnProfile, Delay, Disorder, Distinct, Duplicates, Loss, Misfit, Numbers, Preview,
    PreviewCell, PreviewRow, Profile, Rate, TimeProfile,
};
pub use mapping::Mapping;
pub use preview::PREVIEW_ROWS;
pub use proposal::{Proposal, Reason};
pub use rate::MOST_STEPS;

use crate::error::{IngestError, Kind, shown};
use crate::format::Form;
use crate::head::Head;
use crate::jsonl::Layout;
use crate::place::Place;
use crate::record::{Record, Take};
use crate::records::Records;
use crate::unpack::Packing;
use column::Column;
use kappascope_core::Spec;
use preview::Sample;
use std::collections::HashMap;

/// Columns that are looked at; more are counted only. Events have some dozens at most, and a table of more
/// nobody reads.
pub const MOST_COLUMNS: usize = 256;

/// Characters of a cell that are shown: a line of a table.
pub const SHOWN_CHARS: usize = 80;

/// Most frequent values of a column that are told.
pub const TOP_VALUES: usize = 5;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Bounds whose losses are measured, and one of which is proposed.
const BOUNDS: [i64; 16] = [
    0,
    100,
    500,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    30 * SECOND,
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    6 * HOUR,
    DAY,
    7 * DAY,
];

/// Measures a file: like a [`Reader`](crate::Reader), but it takes every column and keeps no rows.
#[derive(Debug)]
pub struct Profiler {
    records: Records,
    measures: Measures,
    bytes: u64,
    complete: bool,
}

impl Profiler {
    /// A profiler for the file that begins with `head`: its first [`HEAD_BYTES`](crate::HEAD_BYTES), or all of
    /// a shorter file. [`push`](Self::push) wants the file from its first byte.
    ///
    /// # Errors
    /// When the file is empty, or of a form that cannot be read.
    pub fn new(head: &[u8]) -> Result<Self, IngestError> {
        let head = Head::read(head)?;
        let measures = Measures::new(form(&head), &head.sample()?.names);
        let records = Records::new(&head, &measures.names())?;
        Ok(Self { records, measures, bytes: 0, complete: false })
    }

    /// Takes the next bytes of the file.
    ///
    /// # Errors
    /// When they cannot be read at all. A record that cannot be told into cells is counted.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), IngestError> {
        self.bytes += bytes.len() as u64;
        self.records.push(bytes, &mut self.measures)
    }

    /// The file is complete: takes the last record, should its line end be missing.
    ///
    /// # Errors
    /// When the file had a header and nothing else.
    pub fn finish(&mut self) -> Result<(), IngestError> {
        self.records.finish(&mut self.measures)?;
        self.complete = true;
        if self.measures.records + self.measures.broken == 0 {
            return Err(Kind::HeaderOnly.into());
        }
        Ok(())
    }

    /// What was found so far.
    #[must_use]
    pub fn profile(&self) -> Profile {
        Profile { bytes: self.bytes, complete: self.complete, ..self.measures.profile() }
    }
}

/// A pipeline for the file `name` that begins with `head`: its first [`HEAD_BYTES`](crate::HEAD_BYTES), or all
/// of a shorter file.
///
/// # Errors
/// When the file cannot be read, has no rows, or none of its columns holds times.
pub fn propose(name: &str, head: &[u8]) -> Result<Spec, IngestError> {
    // Of a packed file its first text has to do: the head unpacked can be very long.
    let head = Head::read(head)?;
    let beginning = head.beginning;
    let mut profiler = Profiler::new(beginning.text())?;
    profiler.push(beginning.text())?;
    if beginning.whole {
        profiler.finish()?;
    }
    profiler.profile().proposal()?.mapping.pipeline(name)
}

/// Measures records, whatever they are cut from.
#[derive(Clone, Debug)]
pub(crate) struct Measures {
    form: String,
    columns: Vec<Column>,
    records: u64,
    broken: u64,
    /// The first records; measured once there are enough to see how times are written.
    sample: Sample,
    sampled: bool,
    seen: duplicates::Seen,
    arrival: Option<Arrival>,
    notices: Vec<String>,
}

/// Whether a column is an arrival time: never before the event, never stepping back.
#[derive(Clone, Debug)]
struct Arrival {
    column: usize,
    time: usize,
    newest: i64,
    in_order: bool,
}

impl Measures {
    /// Measures for records of these columns, of which those that have a name of their own are looked at.
    pub(crate) fn new(form: String, names: &[String]) -> Self {
        let (columns, notices) = choose(names);
        Self {
            form,
            columns: columns.into_iter().map(Column::new).collect(),
            records: 0,
            broken: 0,
            sample: Sample::default(),
            sampled: false,
            seen: duplicates::Seen::default(),
            arrival: None,
            notices,
        }
    }

    /// Names of the columns that are looked at. A [`Record`] numbers its cells by them.
    pub(crate) fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    pub(crate) fn profile(&self) -> Profile {
        if !self.sampled {
            let mut complete = self.clone();
            complete.end_sample();
            return complete.profile();
        }
        let profile = Profile {
            form: self.form.clone(),
            records: self.records,
            broken: self.broken,
            columns: self.columns.iter().map(Column::profile).collect(),
            duplicates: self.seen.duplicates(),
            preview: self.sample.preview(&self.columns),
            notices: self.notices.clone(),
            ..Profile::default()
        };
        let time = proposal::time(&profile).and_then(|time| self.time(&profile, time));
        Profile { time, ..profile }
    }

    /// The times of the column `time`, and what they show together with other columns.
    fn time(&self, profile: &Profile, time: usize) -> Option<TimeProfile> {
        let times = self.columns[time].times()?;
        let arrival = self.arrival.as_ref().filter(|arrival| arrival.in_order && arrival.time == time);
        let arrival =
            arrival.filter(|arrival| self.reads_too(&times, &profile.columns[arrival.column], arrival));
        let by = proposal::group_by(profile, Some(&times.column));
        Some(TimeProfile {
            arrival: arrival.map(|arrival| self.columns[arrival.column].name.clone()),
            regular_ms: regular(self.steps(time, by)),
            ..times
        })
    }

    /// Whether a reader of these times reads an arrival time too: both have one `time_format`, or none.
    fn reads_too(&self, times: &TimeProfile, profile: &ColumnProfile, arrival: &Arrival) -> bool {
        match (&times.format, &profile.kind) {
            (Some(named), ColumnKind::Time { format, .. }) => named == format,
            (Some(_), _) => false,
            (None, _) => self.columns[arrival.column].times().is_some_and(|times| times.format.is_none()),
        }
    }

    /// The steps between the first events of each group.
    fn steps(&self, time: usize, by: Option<usize>) -> Vec<i64> {
        let mut last_of_group: HashMap<&[u8], i64> = HashMap::new();
        let mut steps = Vec::new();
        for (_, cells) in self.sample.rows() {
            let cell = |column: usize| cells[column].as_deref().unwrap_or_default();
            let Some(time) = self.columns[time].time(cell(time)) else { continue };
            let group = by.map_or(&b""[..], cell);
            steps.extend(last_of_group.insert(group, time).map(|last| time - last));
        }
        steps
    }

    /// Looks at the first records for times, and measures them.
    fn end_sample(&mut self) {
        self.sampled = true;
        for hinted in [false, true] {
            self.expect_times(hinted);
            if self.columns.iter().any(Column::may_hold_times) {
                break;
            }
        }
        self.arrival = self.arrival();
        let sample = std::mem::take(&mut self.sample);
        for (line, cells) in sample.rows() {
            self.measure(*line, |column| cells[column].as_deref().map_err(String::clone));
        }
        self.sample = sample;
    }

    /// `hinted`: whether small numbers are times in a column that is named so.
    fn expect_times(&mut self, hinted: bool) {
        for (i, column) in self.columns.iter_mut().enumerate() {
            let hinted = hinted && proposal::is_time_name(&column.name);
            let found = formats::find(self.sample.column(i), hinted);
            column.expect(found, self.sample.column(i));
        }
    }

    fn arrival(&self) -> Option<Arrival> {
        let times = || self.columns.iter().enumerate().filter(|(_, column)| column.may_hold_times());
        let time = times().min_by_key(|(_, column)| proposal::time_rank(&column.name))?.0;
        let arrival = times().find(|(i, column)| *i != time && proposal::is_arrival_name(&column.name));
        arrival.map(|(column, _)| Arrival { column, time, newest: i64::MIN, in_order: true })
    }

    fn measure<'a>(&mut self, line: u64, cell: impl Fn(usize) -> Result<&'a [u8], String>) {
        let (mut record, mut time, mut arrived) = (0, None, None);
        let pair = self.arrival.as_ref().map(|arrival| (arrival.time, arrival.column));
        for (i, column) in self.columns.iter_mut().enumerate() {
            let taken = column.take(line, cell(i));
            record = duplicates::join(record, taken.hash);
            match pair {
                Some((of_time, _)) if of_time == i => time = taken.time,
                Some((_, of_arrival)) if of_arrival == i => arrived = taken.time,
                _ => {}
            }
        }
        self.seen.add(record);
        if let Some(arrival) = &mut self.arrival {
            arrival.check(time, arrived);
        }
    }
}

impl Arrival {
    fn check(&mut self, time: Option<i64>, arrived: Option<i64>) {
        let (Some(time), Some(arrived)) = (time, arrived) else {
            self.in_order = false;
            return;
        };
        self.in_order &= arrived >= time && arrived >= self.newest;
        self.newest = self.newest.max(arrived);
    }
}

impl Take for Measures {
    fn record(&mut self, place: Place, record: &impl Record) -> Result<(), IngestError> {
        self.records += 1;
        if self.sampled {
            self.measure(place.line, |column| record.cell(column));
            return Ok(());
        }
        let cells = (0..self.columns.len()).map(|column| record.cell(column).map(<[u8]>::to_vec));
        self.sample.add(place.line, cells.collect());
        if self.sample.is_full() {
            self.end_sample();
        }
        Ok(())
    }

    fn broken(&mut self, _: Place, _: String) -> Result<(), IngestError> {
        self.broken += 1;
        Ok(())
    }
}

/// The columns to look at, and a sentence for each reason to leave one out.
fn choose(names: &[String]) -> (Vec<&str>, Vec<String>) {
    let mut times: HashMap<&str, usize> = HashMap::new();
    names.iter().for_each(|name| *times.entry(name).or_default() += 1);
    let mut notices = Vec::new();
    let mut chosen: Vec<&str> = Vec::new();
    let (mut nameless, mut told) = (0, 0);
    for name in names {
        match times.get_mut(name.as_str()) {
            _ if name.is_empty() => nameless += 1,
            Some(1) => chosen.push(name),
            // Told once, with the first of them.
            Some(n) if *n > 1 && told < TOP_VALUES => {
                notices.push(format!(
                    "{n} columns are called {}: none of them is looked at; give each a name of its own",
                    shown(name.as_bytes())
                ));
                (told, *n) = (told + 1, 0);
            }
            _ => {}
        }
    }
    if nameless > 0 {
        let columns = words::count_of(nameless, "column");
        notices.push(format!("{columns} without a name in the header: not looked at"));
    }
    if chosen.len() > MOST_COLUMNS {
        notices.push(format!(
            "{}: the first {MOST_COLUMNS} are looked at",
            words::count_of(names.len() as u64, "column")
        ));
        chosen.truncate(MOST_COLUMNS);
    }
    (chosen, notices)
}

/// The usual step, if it is as long as the shortest window and four of five steps are within a quarter of it
/// (months differ by a tenth).
fn regular(mut steps: Vec<i64>) -> Option<i64> {
    steps.sort_unstable();
    let usual = *steps.get(steps.len() / 2).filter(|usual| **usual >= SECOND)?;
    let alike = steps.iter().filter(|step| (**step - usual).abs() <= usual / 4).count();
    (alike * 5 >= steps.len() * 4).then_some(usual)
}

fn form(head: &Head<'_>) -> String {
    let text = match head.form {
        Form::Csv { separator: b'\t' } => "TSV, tabs between cells".to_owned(),
        Form::Csv { separator } => format!("CSV, `{}` between cells", char::from(separator)),
        Form::Json(Layout::Lines) => "JSON Lines".to_owned(),
        Form::Json(Layout::Array) => "a JSON array".to_owned(),
        Form::Json(Layout::Objects) => "JSON objects".to_owned(),
        Form::AccessLog => "an access log".to_owned(),
    };
    match head.packing {
        Packing::None => text,
        Packing::Gzip => text + ", gzip",
        Packing::Zstd => text + ", zstd",
    }
}

/// A cell as it is shown.
fn text_of(cell: &[u8]) -> String {
    let text = String::from_utf8_lossy(shown_bytes(cell));
    let mut shown: String = text.chars().take(SHOWN_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// The bytes of which a cell is shown: no more than four a character, and one character to see that there
/// are more.
fn shown_bytes(cell: &[u8]) -> &[u8] {
    &cell[..cell.len().min(4 * SHOWN_CHARS + 4)]
}
