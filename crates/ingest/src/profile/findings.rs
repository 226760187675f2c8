//! What a profile says of a file: plain data, for the page and for `kappascope profile`.

use serde::{Deserialize, Serialize};

/// What was found in a file, or in the part of it that was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// The form, for a person: ``CSV, `;` between cells``.
    pub form: String,
    /// Bytes of text that were measured.
    pub bytes: u64,
    /// Whether that was the whole file.
    pub complete: bool,
    /// Records that could be told into cells.
    pub records: u64,
    /// Records that could not.
    pub broken: u64,
    /// The columns, in the file's order.
    pub columns: Vec<ColumnProfile>,
    /// The column that holds the time of the events, measured; none when no column holds times.
    pub time: Option<TimeProfile>,
    /// Records that came before.
    pub duplicates: Duplicates,
    /// The first records.
    pub preview: Preview,
    /// What is odd about the file as a whole, a sentence each: columns that were not looked at, and why.
    pub notices: Vec<String>,
}

/// What a column holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// What nine of ten of its cells are.
    pub kind: ColumnKind,
    /// Cells that hold nothing.
    pub empty: u64,
    /// Cells that do not fit the kind: a run that used the column would refuse these records.
    pub misfits: u64,
    /// The first of them.
    pub first_misfit: Option<Misfit>,
    /// How many different values it holds, the empty ones aside.
    pub distinct: Distinct,
    /// The most frequent values and how often they came at least; at most [`TOP_VALUES`](super::TOP_VALUES).
    pub top: Vec<(String, u64)>,
    /// The finite numbers among its cells, if it holds numbers.
    pub numbers: Option<Numbers>,
    /// What is odd about it and what to do, in a sentence.
    pub notice: Option<String>,
}

/// What the cells of a column are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ColumnKind {
    /// Points in time.
    Time {
        /// How they are written: the name for `schema.time_format`.
        format: String,
        /// Their zone, for a person: ``UTC, from `Z` ``.
        zone: String,
    },
    /// Finite numbers.
    Number,
    /// Anything else.
    Text,
    /// All cells were empty.
    #[default]
    Empty,
}

/// A cell that does not fit its column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misfit {
    /// Line of the file where its record begins, from 1.
    pub line: u64,
    /// What it says, cut to [`SHOWN_CHARS`](super::SHOWN_CHARS).
    pub text: String,
    /// Why it does not fit, and what would.
    pub reason: String,
}

/// A number of different values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distinct {
    /// How many.
    pub count: u64,
    /// Whether they were counted; otherwise it is an estimate with a standard error of 2 %.
    pub exact: bool,
}

/// The numbers of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    /// The least.
    pub low: f64,
    /// The greatest.
    pub high: f64,
    /// Their mean.
    pub mean: f64,
    /// Whether all are whole.
    pub whole: bool,
    /// How many lie in each of a few bars of one width; the first and the last hold some.
    pub histogram: Vec<Bar>,
}

/// The numbers in `[low, high)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// Where it begins.
    pub low: f64,
    /// Where it ends; not part of it.
    pub high: f64,
    /// How many numbers lie in it.
    pub count: u64,
}

/// The times of a file. Times are epoch milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TimeProfile {
    /// The column that holds them.
    pub column: String,
    /// The earliest.
    pub first: i64,
    /// The latest.
    pub last: i64,
    /// How many there are.
    pub events: u64,
    /// How many came when.
    pub rate: Rate,
    /// How far they lie behind the newest before them.
    pub disorder: Disorder,
    /// The usual step between the events of one group, should they be regular.
    pub regular_ms: Option<i64>,
    /// The column of arrival times, should there be one.
    pub arrival: Option<String>,
    /// The name of the format for `schema.time_format`, should a reader not find it by itself.
    pub format: Option<String>,
}

/// How many events came in each step of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Where the first step begins, a multiple of the step.
    pub start: i64,
    /// How long a step is: it grows with the span, so that there are at most
    /// [`MOST_STEPS`](super::MOST_STEPS).
    pub step_ms: i64,
    /// Events of each step; the first and the last have some.
    pub counts: Vec<u64>,
}

/// How events lie behind the newest one before them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Disorder {
    /// Events that came after a newer one.
    pub behind: u64,
    /// The furthest behind.
    pub worst_ms: i64,
    /// How many lie how far behind, those in order first.
    pub delays: Vec<Delay>,
    /// What each bound would lose.
    pub loses: Vec<Loss>,
}

/// The events that lie so far behind, and further than the delay before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delay {
    /// At most so far.
    pub up_to_ms: i64,
    /// How many.
    pub events: u64,
}

/// The events that would come behind the watermark.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loss {
    /// With this bound.
    pub bound_ms: i64,
    /// How many.
    pub events: u64,
    /// The part of all events that they are.
    pub share: f64,
}

/// Records that are equal to an earlier one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicates {
    /// How many.
    pub same: u64,
    /// Among so many records: the first ones.
    pub among: u64,
}

/// The first records, as they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// At most [`PREVIEW_ROWS`](super::PREVIEW_ROWS).
    pub rows: Vec<PreviewRow>,
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewRow {
    /// Line of the file where it begins, from 1.
    pub line: u64,
    /// A cell for each of the profile's columns.
    pub cells: Vec<PreviewCell>,
}

/// A cell of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewCell {
    /// What it says, cut to [`SHOWN_CHARS`](super::SHOWN_CHARS).
    pub text: String,
    /// Why it does not fit its column's kind, if it does not.
    pub bad: Option<String>,
}

impl Profile {
    /// A column by its name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&ColumnProfile> {
        self.columns.iter().find(|column| column.name == name)
    }
}
