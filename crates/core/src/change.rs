//! What a pipeline says changed: window results, dropped events, scores and alert transitions, in the
//! order in which they happened.
//!
//! **Invariant:** the order does not depend on how the log was cut into blocks: by watermark step, then
//! window end, then query, then the key's first appearance; a window's scores and transitions follow it.

use serde::{Deserialize, Serialize};

/// The value of one aggregate over one window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A number of events.
    Count(u64),
    /// A sum, minimum, maximum or mean.
    Real(f64),
}

impl Value {
    /// The value as a detector reads it. Counts are exact up to 2^53.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Count(n) => n as f64,
            Self::Real(x) => x,
        }
    }
}

/// When a window result came, against the watermark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// The watermark passed the end of the window for the first time.
    OnTime,
    /// An event within the lateness corrected a window that had fired.
    Late,
}

/// One result of one window and key.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowResult {
    /// Index of the query in the pipeline.
    pub query: u32,
    /// Id of the key within the query: see [`Pipeline::key_names`](crate::Pipeline::key_names).
    pub key: u32,
    /// First millisecond of the window.
    pub start: i64,
    /// One past its last millisecond.
    pub end: i64,
    /// 0 for the first result of this window and key, then 1, 2, …
    pub revision: u32,
    /// On time, or a correction by a late event.
    pub timing: Timing,
    /// Where its values begin: see [`Changes::values_of`].
    pub(crate) first_value: u32,
}

/// Why an event that was decoded did not reach an aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// Its window had already been dropped from state.
    Late,
    /// The query had already met as many keys as [`Limits::keys`](crate::Limits) allows.
    TooManyKeys,
    /// As many windows were open as [`Limits::open_windows`](crate::Limits) allows.
    TooManyWindows,
}

/// An event that a query dropped: the side output.
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
}

/// A detector's judgement of one point, made before the detector learned the point.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Index of the detector in the pipeline.
    pub detector: u32,
    /// Id of the key within the detector's query.
    pub key: u32,
    /// Start of the window that the point stands for.
    pub time: i64,
    /// The point.
    pub value: f64,
    /// What the past made likely.
    pub expected: f64,
    /// Lower end of what would pass as normal.
    pub low: f64,
    /// Upper end of what would pass as normal.
    pub high: f64,
    /// How far from expected, in the detector's unit; signed.
    pub score: f64,
    /// Whether the score reaches the threshold.
    pub anomaly: bool,
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

/// An alert changed its state.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// Index of the rule in the pipeline.
    pub rule: u32,
    /// Id of the key within the rule's query.
    pub key: u32,
    /// The state it entered.
    pub state: AlertState,
    /// End of the window at which the rule was evaluated.
    pub time: i64,
    /// Start of the window whose point caused it.
    pub window_start: i64,
    /// The same for pending, firing and resolved of one alert; a function of pipeline, rule, key and the
    /// window that began it.
    pub id: u64,
    /// The point that the rule looked at.
    pub value: f64,
    /// Its score.
    pub score: f64,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A window fired or was corrected.
    Window(WindowResult),
    /// A query dropped an event.
    Drop(Drop),
    /// A detector judged a point.
    Score(Score),
    /// An alert changed its state.
    Alert(Transition),
}

/// What one push changed, in order.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// In the order in which they happened.
    pub list: Vec<Change>,
    pub(crate) values: Vec<Value>,
    pub(crate) widths: Vec<u32>,
}

impl Changes {
    /// The values of a window result of this list, in the order of the query's aggregates.
    #[must_use]
    pub fn values_of(&self, window: &WindowResult) -> &[Value] {
        let first = window.first_value as usize;
        &self.values[first..first + self.widths[window.query as usize] as usize]
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.values.clear();
    }
}
