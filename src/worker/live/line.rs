//! The form of a feed's lines, as `kappascope serve` writes them. This file alone knows it.

use kappascope_core::{AlertState, Spec, Timing};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A line. Times are epoch milliseconds.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Line {
    /// The pipeline, and what tells this run of it from another.
    Pipeline { run: String, pipeline: Box<Spec> },
    /// The number of the message after this one.
    From { message: u64 },
    /// So many messages are missing here.
    Lost { messages: u64 },
    /// The totals so far.
    Counters(Counters),
    /// A result of a window.
    Window(Window),
    /// An event that was late.
    Late(Late),
    /// A detector's judgement.
    Score(Score),
    /// A rule's state changed.
    Alert(Alert),
    /// A record that was no event.
    Rejected(Rejected),
    /// The source has ended.
    Summary { digest: String },
    /// Of a newer server.
    #[serde(other)]
    Other,
}

#[derive(Clone, Default, Deserialize)]
pub(super) struct Counters {
    pub(super) events: u64,
    pub(super) windows: u64,
    pub(super) open_windows: u64,
    pub(super) late: u64,
    pub(super) rejected: u64,
    pub(super) anomalies: u64,
    pub(super) alerts: u64,
    pub(super) newest_time: Option<i64>,
    pub(super) watermark: Option<i64>,
}

/// A key: its columns' names and strings.
pub(super) type Key = BTreeMap<String, String>;

/// Aggregates by their names: numbers, none, or lists.
pub(super) type Values = BTreeMap<String, serde_json::Value>;

#[derive(Deserialize)]
pub(super) struct Window {
    pub(super) query: String,
    pub(super) key: Key,
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) revision: u32,
    pub(super) timing: Timing,
    #[serde(default)]
    pub(super) retraction: bool,
    pub(super) values: Values,
}

#[derive(Deserialize)]
pub(super) struct Late {
    pub(super) query: String,
    pub(super) partition: u32,
    pub(super) offset: f64,
    pub(super) time: f64,
    pub(super) watermark: Option<f64>,
}

#[derive(Deserialize)]
pub(super) struct Score {
    pub(super) detector: String,
    pub(super) key: Key,
    pub(super) time: i64,
    pub(super) value: f64,
    pub(super) expected: f64,
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
    /// None where it is beyond all numbers.
    pub(super) score: Option<f64>,
    pub(super) anomaly: bool,
}

#[derive(Deserialize)]
pub(super) struct Alert {
    pub(super) rule: String,
    pub(super) key: Key,
    pub(super) state: AlertState,
    pub(super) message: Option<String>,
    pub(super) time: i64,
    pub(super) id: String,
    pub(super) values: Values,
}

#[derive(Deserialize)]
pub(super) struct Rejected {
    pub(super) position: Place,
    pub(super) column: Option<String>,
    pub(super) reason: String,
}

/// Where a record is: in a text, among rows, or in a log.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Place {
    Text { line: u64 },
    Row { row: u64 },
    Log { partition: u32, offset: u64 },
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text { line } => write!(f, "line {line}"),
            Self::Row { row } => write!(f, "row {row}"),
            Self::Log { partition, offset } => write!(f, "partition {partition}, offset {offset}"),
        }
    }
}
