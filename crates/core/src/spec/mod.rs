//! The pipeline file: what a person writes in TOML, and the same as data for the page.
//!
//! This module alone knows the form. [`Spec::check`] refuses what cannot run, with one error that names
//! the place, what was found and what would fit.

mod alert;
mod check;
mod detector;
mod window;

pub use alert::{AlertSpec, Watched};
pub(crate) use check::gcd;
pub use check::{MAX_COUNT_WINDOW, MAX_PANES, MAX_PARTITIONS};
pub use detector::{
    AbsenceSpec, CusumSpec, DEFAULT_MIN_POINTS, DetectorKind, DetectorSpec, EwmaSpec, MAX_DETECTOR_WINDOW,
    NoveltySpec, PageHinkleySpec, RateOfChangeSpec, RobustZscoreSpec, SeasonalSpec, ThresholdSpec,
    ZscoreSpec,
};
pub use window::{Accumulation, Emission, WindowSpec};

use crate::aggregate::Aggregate;
use crate::filter::Filter;
use crate::time::Millis;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A whole pipeline, as written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Name of the pipeline.
    pub name: String,
    /// Version of the pipeline: part of every alert's id, so that a changed pipeline raises new alerts.
    pub version: u32,
    /// Which columns of a record mean what.
    pub schema: Schema,
    /// How long to wait for events that come out of order.
    #[serde(default)]
    pub watermark: WatermarkSpec,
    /// The windowed aggregations, all over the same log.
    #[serde(default)]
    pub query: Vec<QuerySpec>,
    /// Anomaly detectors over the queries' results, or over the events themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub detector: Vec<DetectorSpec>,
    /// Alert rules over the detectors' verdicts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alert: Vec<AlertSpec>,
}

/// Which columns of a record mean what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Column of the event time.
    pub time: String,
    /// How times are written; found by itself from the first record when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_format: Option<String>,
    /// Column of the arrival time; when absent, an event is taken to arrive at the newest event time so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrival: Option<String>,
    /// Column of the partition number, from 0; when absent, everything is partition 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// How many partitions the log has.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub partitions: u32,
    /// Text columns that events may be grouped by.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Number columns that events may be aggregated on.
    #[serde(default)]
    pub measures: Vec<String>,
}

/// How long to wait for events that come out of order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatermarkSpec {
    /// How far an event may lie behind the newest one of its partition without being out of order.
    #[serde(default)]
    pub bound: Millis,
    /// After how long without events, in arrival time, a partition no longer holds the watermark back;
    /// never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<Millis>,
}

/// One windowed aggregation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuerySpec {
    /// Name, unique among the queries.
    pub name: String,
    /// Which events it looks at: an SQL expression over the schema's columns; all when absent.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Key columns to group by; one group of everything when empty.
    #[serde(default)]
    pub by: Vec<String>,
    /// How its events are cut into windows.
    pub window: WindowSpec,
    /// How long after its end a window still takes events.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lateness: Millis,
    /// When a window gives results beside the one when it closes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub emit: Emission,
    /// What a further result of a window says of the events of the earlier ones.
    #[serde(default, skip_serializing_if = "is_default")]
    pub accumulation: Accumulation,
    /// What to compute for each window and group.
    pub aggregates: Vec<Aggregate>,
}

fn one() -> u32 {
    1
}

fn is_one(n: &u32) -> bool {
    *n == 1
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn warning() -> String {
    "warning".to_owned()
}

/// One step of the way to a field: `query[0].by[1]` is four of them.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Field(&'static str),
    Item(usize),
}

/// Why a pipeline cannot run: the place, what was found, what would fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SpecError {
    path: Vec<Step>,
    line: Option<usize>,
    message: String,
}

impl SpecError {
    fn at(path: &[Step], message: impl Into<String>) -> Self {
        Self { path: path.to_vec(), line: None, message: message.into() }
    }

    /// Line of the pipeline file, from 1, when it was read from one.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        for (i, step) in self.path.iter().enumerate() {
            match step {
                Step::Field(name) => write!(f, "{}{name}", if i == 0 { "" } else { "." })?,
                Step::Item(n) => write!(f, "[{n}]")?,
            }
        }
        write!(f, "{}{}", if self.path.is_empty() { "" } else { ": " }, self.message)
    }
}

impl Spec {
    /// Reads and checks a pipeline file.
    ///
    /// # Errors
    /// On text that is not TOML, an unknown field, a value of the wrong form, or anything that
    /// [`Spec::check`] refuses; with the line.
    pub fn from_toml(text: &str) -> Result<Self, SpecError> {
        let spec: Self = toml::from_str(text).map_err(|error| SpecError {
            path: Vec::new(),
            line: error.span().map(|span| line_of(text, place(text, span.start, error.message()))),
            message: error.message().replace('\n', "; "),
        })?;
        spec.check().map_err(|error| SpecError { line: locate(text, &error.path), ..error })?;
        Ok(spec)
    }

    /// The pipeline as a file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a pipeline has string keys only, which TOML can always write")
    }

    /// The `where` of a query, compiled.
    ///
    /// # Errors
    /// On an expression that does not fit the schema.
    pub(crate) fn filter(&self, query: usize) -> Result<Option<Filter>, SpecError> {
        let Some(text) = &self.query[query].filter else { return Ok(None) };
        let path = [Step::Field("query"), Step::Item(query), Step::Field("where")];
        let filter = Filter::compile(text, &self.schema);
        filter.map(Some).map_err(|error| SpecError::at(&path, error.to_string()))
    }

    /// Which key columns of the log these are; they are in the schema of a spec that was checked.
    pub(crate) fn key_columns<'s>(&'s self, names: &'s [String]) -> impl Iterator<Item = usize> + 's {
        names.iter().filter_map(|name| self.schema.keys.iter().position(|column| column == name))
    }

    /// What a detector's `on` names: `per_minute.count()`, or a measure.
    #[must_use]
    pub fn series(&self, on: &str) -> Option<Series> {
        let aggregate = self.query.iter().enumerate().find_map(|(q, query)| {
            let aggregate = on.strip_prefix(query.name.as_str())?.strip_prefix('.')?;
            let a = query.aggregates.iter().position(|known| known.to_string() == aggregate)?;
            Some(Series::Aggregate { query: q, aggregate: a })
        });
        aggregate.or_else(|| self.schema.measures.iter().position(|m| m == on).map(Series::Measure))
    }
}

/// What a detector reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Series {
    /// One of a query's aggregates, by their indices.
    Aggregate {
        /// The query.
        query: usize,
        /// The aggregate within it.
        aggregate: usize,
    },
    /// A measure of the schema, by its index.
    Measure(usize),
}

/// Where an error lies that was found from `start` on: of a detector's settings toml knows the table only,
/// so what the message calls unknown is looked for.
fn place(text: &str, start: usize, message: &str) -> usize {
    let unknown = message.strip_prefix("unknown ").and_then(|rest| rest.split('`').nth(1));
    let offset = unknown.and_then(|name| text[start..].find(name));
    start + offset.unwrap_or(0)
}

fn line_of(text: &str, byte: usize) -> usize {
    1 + text.as_bytes()[..byte.min(text.len())].iter().filter(|&&b| b == b'\n').count()
}

/// The line of the deepest part of `path` that the file spells out.
fn locate(text: &str, path: &[Step]) -> Option<usize> {
    use toml::de::{DeTable, DeValue};
    let root = DeTable::parse(text).ok()?;
    let mut table = Some(root.get_ref());
    let mut array = None;
    let mut byte = None;
    for step in path {
        let value = match step {
            Step::Field(name) => {
                table.and_then(|t| t.iter().find(|(key, _)| key.get_ref() == name)).map(|(_, v)| v)
            }
            Step::Item(n) => array.and_then(|a: &toml::de::DeArray<'_>| a.get(*n)),
        };
        let Some(value) = value else { break };
        byte = Some(value.span().start);
        (table, array) = match value.get_ref() {
            DeValue::Table(inner) => (Some(inner), None),
            DeValue::Array(inner) => (None, Some(inner)),
            _ => (None, None),
        };
    }
    byte.map(|byte| line_of(text, byte))
}
