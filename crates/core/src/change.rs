//! What a pipeline says changed: window results, dropped events, scores and alert transitions, in the
//! order in which they happened.
//!
//! **Invariant:** the order does not depend on how the log was cut into blocks. Event by event: for each
//! query what the event itself brought about, then the windows that closed behind it, by window end,
//! then query, then the key's first appearance; a window's scores and transitions follow it.

use crate::detect::Judgement;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The value of one aggregate over one window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A number of events, or of distinct values.
    Count(u64),
    /// Any other number; NaN where there is none, such as the variance of one event.
    Real(f64),
    /// The most frequent strings, the most frequent first.
    Top(&'a [TopEntry]),
}

/// One of the most frequent strings of a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopEntry {
    /// The string.
    pub value: String,
    /// How often it came, at most.
    pub count: u64,
    /// By how much the count may be too high; 0 when it is exact.
    pub error: u64,
}

impl Value<'_> {
    /// The value as a detector reads it. Counts are exact up to 2^53; a list is no number.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Count(n) => n as f64,
            Self::Real(x) => x,
            Self::Top(_) => f64::NAN,
        }
    }
}

/// When a window result came, against the watermark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// The watermark had not passed the end of the window.
    Early,
    /// The watermark passed the end of the window for the first time.
    OnTime,
    /// An event within the lateness corrected a window that had fired.
    Late,
}

/// One result of one window and key.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowResult {
    /// First millisecond of the window.
    pub start: i64,
    /// One past its last millisecond.
    pub end: i64,
    /// Index of the query in the pipeline.
    pub query: u32,
    /// Id of the key within the query: see [`Pipeline::key_names`](crate::Pipeline::key_names).
    pub key: u32,
    /// 0 for the first result of this window and key, then 1, 2, …
    pub revision: u32,
    /// Where its values begin: see [`Changes::values_of`].
    pub(crate) first_value: u32,
    /// Early, on time, or a correction by a late event.
    pub timing: Timing,
    /// Whether it takes back the result of this revision, in place of giving one.
    pub retraction: bool,
}

/// Why an event that was decoded did not reach an aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// All its windows had already been dropped from state.
    Late,
    /// Some of its windows had already been dropped from state. It counts in the others, so it is not
    /// among the dropped events.
    LateForSome,
    /// The query had already met as many keys as [`Limits::keys`](crate::Limits) allows.
    TooManyKeys,
    /// As much was held for open windows as [`Limits`](crate::Limits) allows.
    TooManyWindows,
}

/// An event that a query dropped, or could not take into all of its windows: the side output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drop {
    /// Index of the query in the pipeline.
    pub query: u32,
    /// Partition of the event.
    pub partition: u32,
    /// Offset of the event in its partition.
    pub offset: u64,
    /// Its event time.
    pub time: i64,
    /// The watermark that it met.
    pub watermark: i64,
    /// The rule that dropped it.
    pub reason: DropReason,
    /// How many of its windows missed it.
    pub windows: u32,
}

/// A detector's judgement of one point, made before the detector learned the point.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Start of the window that the point stands for, or the time of its event.
    pub time: i64,
    /// The point.
    pub value: f64,
    /// What the past made likely.
    pub expected: f64,
    /// Lower end of what would pass as normal; the least number where there is none, see [`Score::ends`].
    pub low: f64,
    /// Upper end of what would pass as normal; the largest number where there is none.
    pub high: f64,
    /// How far from expected, in the detector's unit; signed.
    pub score: f64,
    /// Index of the detector in the pipeline.
    pub detector: u32,
    /// Id of the key: see [`Pipeline::key_of_score`](crate::Pipeline::key_of_score).
    pub key: u32,
    /// Whether the score reaches the threshold.
    pub anomaly: bool,
}

impl Score {
    pub(crate) fn of(judgement: Judgement, detector: u32, key: u32, time: i64, value: f64) -> Self {
        let Judgement { expected, low, high, score, anomaly, .. } = judgement;
        Self { time, value, expected, low, high, score, detector, key, anomaly }
    }

    /// The lower and the upper end of what would pass as normal; none where every lower or every higher value
    /// would.
    #[must_use]
    pub fn ends(&self) -> [Option<f64>; 2] {
        [(self.low > f64::MIN).then_some(self.low), (self.high < f64::MAX).then_some(self.high)]
    }
}

/// The state an alert enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// The condition holds, not yet for long enough.
    Pending,
    /// The condition has held for the rule's `for`.
    Firing,
    /// The condition no longer holds.
    Resolved,
}

/// The event of the log that brought something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Its partition.
    pub partition: u32,
    /// Its offset in the partition.
    pub offset: u64,
}

/// An alert changed its state.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// Index of the rule in the pipeline.
    pub rule: u32,
    /// Id of the key within the rule's series.
    pub key: u32,
    /// The state it entered.
    pub state: AlertState,
    /// When the rule was evaluated: the end of the window, or the time of the event.
    pub time: i64,
    /// Start of the window whose point caused it, or the time of the event.
    pub window_start: i64,
    /// The event that caused the evaluation; `None` when the end of the log did.
    pub cause: Option<Cause>,
    /// The same for pending, firing and resolved of one alert; a function of the pipeline's name and
    /// version, the rule, the key, the event that began it and the time at which it began.
    pub id: u64,
    /// Whether the key had no point when one was due, which counts as false.
    pub absent: bool,
    /// The point that the rule looked at, or the first aggregate that its condition names; 0 where there
    /// was none.
    pub value: f64,
    /// The point's score; of a condition 1 where it holds and 0 where it does not.
    pub score: f64,
}

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change<'a> {
    /// A window gave a result, or took one back.
    Window(&'a WindowResult),
    /// A query dropped an event.
    Drop(&'a Drop),
    /// A detector judged a point.
    Score(&'a Score),
    /// An alert changed its state.
    Alert(&'a Transition),
}

/// How the value of an aggregate is to be read from its 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Count,
    Real,
    Top,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Window,
    Drop,
    Score,
    Alert,
}

/// Neighbours in one table that happened one after the other.
#[derive(Clone, Copy, Debug)]
struct Run {
    kind: Kind,
    /// Row of the block that brought them about, for putting the work of several queries in order.
    row: u32,
    from: u32,
    to: u32,
}

/// What one push changed, in order: a table for each kind, and the order of their rows.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    runs: Vec<Run>,
    /// Runs up to here grow no more: they came before the last [`mark`](Changes::mark).
    marked: usize,
    pub(crate) windows: Vec<WindowResult>,
    /// The bits of all results' values, one after the other.
    pub(crate) values: Vec<u64>,
    pub(crate) tops: Vec<Vec<TopEntry>>,
    pub(crate) drops: Vec<Drop>,
    pub(crate) scores: Vec<Score>,
    pub(crate) alerts: Vec<Transition>,
    /// For each query, how to read the values of a result.
    pub(crate) shapes: Vec<Vec<Shape>>,
}

impl Changes {
    pub(crate) fn of_shapes(shapes: Vec<Vec<Shape>>) -> Self {
        Self { shapes, ..Self::default() }
    }

    /// All changes in the order in which they happened.
    pub fn iter(&self) -> impl Iterator<Item = Change<'_>> {
        self.runs.iter().flat_map(move |run| (run.from..run.to).map(move |at| self.change(run.kind, at)))
    }

    fn change(&self, kind: Kind, at: u32) -> Change<'_> {
        let at = at as usize;
        match kind {
            Kind::Window => Change::Window(&self.windows[at]),
            Kind::Drop => Change::Drop(&self.drops[at]),
            Kind::Score => Change::Score(&self.scores[at]),
            Kind::Alert => Change::Alert(&self.alerts[at]),
        }
    }

    /// The values of a window result of these changes, in the order of the query's aggregates.
    pub fn values_of(&self, window: &WindowResult) -> impl ExactSizeIterator<Item = Value<'_>> {
        let shapes = &self.shapes[window.query as usize];
        let first = window.first_value as usize;
        let bits = &self.values[first..first + shapes.len()];
        bits.iter().zip(shapes).map(|(&bits, shape)| match shape {
            Shape::Count => Value::Count(bits),
            Shape::Real => Value::Real(f64::from_bits(bits)),
            Shape::Top => Value::Top(&self.tops[bits as usize]),
        })
    }

    /// One value of a window result.
    #[must_use]
    pub fn value_of(&self, window: &WindowResult, aggregate: usize) -> Value<'_> {
        self.values_of(window).nth(aggregate).expect("an aggregate of the query")
    }

    pub(crate) fn bits_of(&self, window: &WindowResult) -> &[u64] {
        let first = window.first_value as usize;
        &self.values[first..first + self.shapes[window.query as usize].len()]
    }

    /// The stretches of the tables, in order.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (Kind, Range<usize>)> {
        self.runs.iter().map(|run| (run.kind, run.from as usize..run.to as usize))
    }

    /// Notes that the newest `n` rows of a table happened now, at `row` of the block.
    pub(crate) fn happened(&mut self, kind: Kind, n: usize, row: u32) {
        let to = match kind {
            Kind::Window => self.windows.len(),
            Kind::Drop => self.drops.len(),
            Kind::Score => self.scores.len(),
            Kind::Alert => self.alerts.len(),
        };
        self.happened_at(kind, to - n..to, row);
    }

    /// Notes that rows of a table happened now, at `row` of the block.
    pub(crate) fn happened_at(&mut self, kind: Kind, rows: Range<usize>, row: u32) {
        let (from, to) = (rows.start as u32, rows.end as u32);
        match self.runs[self.marked..].last_mut() {
            Some(last) if last.kind == kind && last.to == from && last.row == row => last.to = to,
            _ => self.runs.push(Run { kind, row, from, to }),
        }
    }

    /// Number of runs so far, for [`by_row`](Changes::by_row).
    pub(crate) fn mark(&mut self) -> usize {
        self.marked = self.runs.len();
        self.marked
    }

    /// Puts the runs since a mark in the order of the rows that brought them about.
    pub(crate) fn by_row(&mut self, mark: usize) {
        self.runs[mark..].sort_by_key(|run| run.row);
    }

    pub(crate) fn clear(&mut self) {
        self.runs.clear();
        self.marked = 0;
        self.windows.clear();
        self.values.clear();
        self.tops.clear();
        self.drops.clear();
        self.scores.clear();
        self.alerts.clear();
    }
}
