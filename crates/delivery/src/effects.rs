//! What a batch brings about: rows for each table, and alerts for the topic.
//!
//! **Invariant:** a function of the pipeline and the log up to the batch's end, so that a batch that is made
//! again after a crash has the same rows under the same tokens.

use crate::settings::Identity;
use kappascope_core::spec::Schema;
use kappascope_core::{AlertState, DropReason, Spec, Timing, TopEntry, Value};

/// A table that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Every row: [`RawRows`].
    Raw,
    /// What the windows of a query gave, by its index in the pipeline: [`WindowRow`].
    Windows(u32),
    /// Events that a query dropped: [`LateRow`].
    Late,
    /// Transitions of alerts: [`AlertRow`].
    Alerts,
    /// Records that were no rows: [`RejectedRow`].
    Rejected,
}

impl Table {
    /// All of a pipeline.
    #[must_use]
    pub fn of(spec: &Spec) -> Vec<Self> {
        let windows = (0..spec.query.len() as u32).map(Self::Windows);
        [Self::Raw].into_iter().chain(windows).chain([Self::Late, Self::Alerts, Self::Rejected]).collect()
    }

    /// Its name in tokens and messages.
    #[must_use]
    pub fn name(self, spec: &Spec) -> String {
        match self {
            Self::Raw => "raw".to_owned(),
            Self::Windows(query) => format!("windows.{}", spec.query[query as usize].name),
            Self::Late => "late".to_owned(),
            Self::Alerts => "alerts".to_owned(),
            Self::Rejected => "rejected".to_owned(),
        }
    }

    /// Whether its rows have the offset of an event, so that they can be counted by it. Windows have none;
    /// their identity and revision make them one row.
    #[must_use]
    pub fn has_offsets(self) -> bool {
        !matches!(self, Self::Windows(_))
    }
}

/// Rows of events, column by column; offsets alone where [`Table::Raw`] is not written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RawRows {
    /// Offsets in the partition.
    pub offset: Vec<u64>,
    /// Event times, in epoch milliseconds.
    pub time: Vec<i64>,
    /// Arrivals, in epoch milliseconds.
    pub arrival: Vec<i64>,
    /// The schema's key columns.
    pub keys: Vec<Texts>,
    /// The schema's measures.
    pub measures: Vec<Vec<f64>>,
}

impl RawRows {
    pub(crate) fn new(schema: &Schema) -> Self {
        let keys = vec![Texts::default(); schema.keys.len()];
        Self { keys, measures: vec![Vec::new(); schema.measures.len()], ..Self::default() }
    }
}

/// A column of strings, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl Texts {
    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    /// The string of a row.
    #[must_use]
    pub fn get(&self, row: usize) -> &str {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[row]]
    }
}

/// The value of an aggregate.
#[derive(Clone, Debug, PartialEq)]
pub enum Figure {
    /// A number of events, or of distinct values.
    Count(u64),
    /// Any other number; NaN where there is none.
    Real(f64),
    /// The most frequent strings.
    Top(Vec<TopEntry>),
}

impl<'a> From<&'a Figure> for Value<'a> {
    fn from(figure: &'a Figure) -> Self {
        match figure {
            Figure::Count(count) => Self::Count(*count),
            Figure::Real(real) => Self::Real(*real),
            Figure::Top(entries) => Self::Top(entries),
        }
    }
}

impl From<Value<'_>> for Figure {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Count(count) => Self::Count(count),
            Value::Real(real) => Self::Real(real),
            Value::Top(entries) => Self::Top(entries.to_vec()),
        }
    }
}

/// What a window gave, or took back.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowRow {
    /// Its number among all results of the partition, from 0.
    pub number: u64,
    /// The strings of its key.
    pub key: Vec<String>,
    /// First millisecond of the window.
    pub start: i64,
    /// One past its last millisecond.
    pub end: i64,
    /// 0, 1, 2 … of this window and key.
    pub revision: u32,
    /// Early, on time or late.
    pub timing: Timing,
    /// Whether it takes this revision back.
    pub retraction: bool,
    /// One value for each of the query's aggregates.
    pub values: Vec<Figure>,
}

/// An event that a query dropped, or could not take into all of its windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LateRow {
    /// Index of the query in the pipeline.
    pub query: u32,
    /// Offset of the event.
    pub offset: u64,
    /// Its event time.
    pub time: i64,
    /// The watermark that it met.
    pub watermark: i64,
    /// The rule that dropped it.
    pub reason: DropReason,
    /// How many windows missed it.
    pub windows: u32,
}

/// A transition of an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRow {
    /// One for each transition, whoever writes it: see [`alert_id`].
    pub id: String,
    /// Index of the rule in the pipeline.
    pub rule: u32,
    /// The strings of its key.
    pub key: Vec<String>,
    /// The state that it entered.
    pub state: AlertState,
    /// When the rule was evaluated, in event time.
    pub time: i64,
    /// Start of the window behind it, or the time of the event.
    pub window_start: i64,
    /// Offset of the event that caused it.
    pub offset: u64,
    /// The point that the rule looked at.
    pub value: f64,
    /// Its score.
    pub score: f64,
    /// One value for each aggregate of the query behind it, if there is one.
    pub values: Vec<Figure>,
    /// What the rule says in a sentence.
    pub message: Option<String>,
}

/// A record that was no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRow {
    /// Its offset.
    pub offset: u64,
    /// When it was written.
    pub timestamp: i64,
    /// The column at fault, if it is one.
    pub column: Option<String>,
    /// What is wrong with it.
    pub reason: String,
    /// What it holds.
    pub payload: Vec<u8>,
}

/// All that a batch brings about.
#[derive(Clone, Debug, PartialEq)]
pub struct Effects {
    /// The first offset that it covers.
    pub from: u64,
    /// One past the last.
    pub to: u64,
    /// Rows for [`Table::Raw`].
    pub raw: RawRows,
    /// Rows for [`Table::Windows`], query by query.
    pub windows: Vec<Vec<WindowRow>>,
    /// Rows for [`Table::Late`].
    pub late: Vec<LateRow>,
    /// Rows for [`Table::Alerts`], and records for the topic.
    pub alerts: Vec<AlertRow>,
    /// Rows for [`Table::Rejected`].
    pub rejected: Vec<RejectedRow>,
}

impl Effects {
    /// How many rows it has for a table.
    #[must_use]
    pub fn rows(&self, table: Table) -> usize {
        match table {
            Table::Raw => self.raw.offset.len(),
            Table::Windows(query) => self.windows[query as usize].len(),
            Table::Late => self.late.len(),
            Table::Alerts => self.alerts.len(),
            Table::Rejected => self.rejected.len(),
        }
    }
}

/// The name of an insert, by which ClickHouse knows that it has it: `pipeline|version|epoch|table|topic|partition|a|b`,
/// and of a batch that takes several inserts the number of the part.
pub(crate) fn token(spec: &Spec, of: &Identity, table: Table, effects: &Effects, part: usize) -> String {
    let &Effects { from, to, .. } = effects;
    let Identity { topic, partition, epoch, .. } = of;
    let (Spec { name, version, .. }, table) = (spec, table.name(spec));
    let token = format!("{name}|{version}|{epoch}|{table}|{topic}|{partition}|{from}|{to}");
    if part == 0 { token } else { format!("{token}|{part}") }
}

/// The name of a transition: the topic, the partition, the alert's id in the engine, which is made of the
/// pipeline's name and version, the rule, the key and the event that began it, and the state entered. An alert enters
/// a state once.
#[must_use]
pub fn alert_id(of: &Identity, alert: u64, state: AlertState) -> String {
    let state = match state {
        AlertState::Pending => "pending",
        AlertState::Firing => "firing",
        AlertState::Resolved => "resolved",
    };
    format!("{}|{}|{alert:016x}|{state}", of.topic, of.partition)
}
