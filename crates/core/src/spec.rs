//! The pipeline file: what a person writes in TOML, and the same as data for the page.
//!
//! This file alone knows the form. [`Spec::check`] refuses what cannot run, with one error that names
//! the place, what was found and what would fit.

use crate::aggregate::Aggregate;
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
    pub query: Vec<QuerySpec>,
    /// Anomaly detectors over the queries' results.
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
    /// Key columns to group by; one group of everything when empty.
    #[serde(default)]
    pub by: Vec<String>,
    /// How event time is cut.
    pub window: WindowSpec,
    /// How long after its end a window still takes events.
    #[serde(default)]
    pub lateness: Millis,
    /// What to compute for each window and group.
    pub aggregates: Vec<Aggregate>,
}

/// How event time is cut: `{ tumbling = "1m" }`, optionally with an `offset`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowSpec {
    /// Size of windows that neither overlap nor leave gaps.
    pub tumbling: Millis,
    /// Where the windows begin, counted from the epoch; below the size.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub offset: Millis,
}

/// An anomaly detector over one aggregate, one series a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectorSpec {
    /// Name, unique among the detectors.
    pub name: String,
    /// The series: a query's aggregate, such as `per_minute.count()`.
    pub on: String,
    /// The method.
    pub kind: DetectorKind,
    /// How many past points it compares with.
    pub window: u32,
    /// From which absolute score on a point is an anomaly.
    pub threshold: f64,
    /// How many past points it needs before it speaks; 10 when absent, or the window if that is shorter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_points: Option<u32>,
    /// Whether the point itself counts as past: the textbook mistake, kept for teaching.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub include_current: bool,
}

/// The method of a detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DetectorKind {
    /// Distance from the rolling mean in rolling standard deviations.
    Zscore,
}

/// An alert rule: Prometheus' `for` and `keep_firing_for` over a detector's verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertSpec {
    /// Name, unique among the rules.
    pub name: String,
    /// Name of the detector whose anomalies raise it.
    pub when: String,
    /// How long the condition must hold before the alert fires.
    #[serde(default, rename = "for")]
    pub hold: Millis,
    /// How long the alert goes on firing after the condition ended.
    #[serde(default)]
    pub keep_firing_for: Millis,
    /// For whoever is paged.
    #[serde(default = "warning")]
    pub severity: String,
}

fn one() -> u32 {
    1
}

fn is_one(n: &u32) -> bool {
    *n == 1
}

fn is_zero(duration: &Millis) -> bool {
    duration.0 == 0
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
            line: error.span().map(|span| line_of(text, span.start)),
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

    /// Refuses what cannot run.
    ///
    /// # Errors
    /// On a column, query, aggregate or detector that is not there, a name used twice, and a number or
    /// duration out of its range.
    pub fn check(&self) -> Result<(), SpecError> {
        self.check_schema()?;
        if self.query.is_empty() {
            return Err(SpecError::at(&[Step::Field("query")], "a pipeline needs at least one query"));
        }
        unique("query", self.query.iter().map(|query| query.name.as_str()))?;
        unique("detector", self.detector.iter().map(|detector| detector.name.as_str()))?;
        unique("alert", self.alert.iter().map(|alert| alert.name.as_str()))?;
        self.query.iter().enumerate().try_for_each(|(i, query)| self.check_query(i, query))?;
        self.detector.iter().enumerate().try_for_each(|(i, detector)| self.check_detector(i, detector))?;
        self.alert.iter().enumerate().try_for_each(|(i, alert)| self.check_alert(i, alert))
    }

    fn check_schema(&self) -> Result<(), SpecError> {
        let schema = &self.schema;
        let at = |field, message: String| {
            Err(SpecError::at(&[Step::Field("schema"), Step::Field(field)], message))
        };
        if !(1..=MAX_PARTITIONS).contains(&schema.partitions) {
            return at(
                "partitions",
                format!("{} partitions; 1 to {MAX_PARTITIONS} would fit", schema.partitions),
            );
        }
        if schema.partitions > 1 && schema.partition.is_none() {
            return at(
                "partitions",
                format!("{} partitions need `partition`, the column that says which", schema.partitions),
            );
        }
        let mut seen: Vec<&str> = Vec::new();
        let roles = [("keys", &schema.keys), ("measures", &schema.measures)];
        for (field, columns) in roles {
            for (i, column) in columns.iter().enumerate() {
                if *column == schema.time || seen.contains(&column.as_str()) {
                    return Err(SpecError::at(
                        &[Step::Field("schema"), Step::Field(field), Step::Item(i)],
                        format!("column `{column}` is named twice; a column has one role"),
                    ));
                }
                seen.push(column);
            }
        }
        Ok(())
    }

    fn check_query(&self, i: usize, query: &QuerySpec) -> Result<(), SpecError> {
        let at = |steps: &[Step], message: String| {
            let path = [&[Step::Field("query"), Step::Item(i)], steps].concat();
            Err(SpecError::at(&path, message))
        };
        for (j, column) in query.by.iter().enumerate() {
            if !self.schema.keys.contains(column) {
                let fits = listed("the schema's keys are", &self.schema.keys);
                return at(&[Step::Field("by"), Step::Item(j)], format!("no key column `{column}`; {fits}"));
            }
        }
        let size = query.window.tumbling;
        if size.0 == 0 {
            return at(
                &[Step::Field("window"), Step::Field("tumbling")],
                "a window of no length; at least `1ms`".to_owned(),
            );
        }
        if query.window.offset >= size {
            let message =
                format!("an offset of {} needs to be below the window's size, {size}", query.window.offset);
            return at(&[Step::Field("window"), Step::Field("offset")], message);
        }
        if query.aggregates.is_empty() {
            return at(&[Step::Field("aggregates")], "nothing to compute; `count()` would fit".to_owned());
        }
        for (j, aggregate) in query.aggregates.iter().enumerate() {
            if let Some(measure) =
                aggregate.measure().filter(|measure| !self.schema.measures.iter().any(|m| m == measure))
            {
                let fits = listed("the schema's measures are", &self.schema.measures);
                return at(
                    &[Step::Field("aggregates"), Step::Item(j)],
                    format!("no measure `{measure}`; {fits}"),
                );
            }
        }
        Ok(())
    }

    fn check_detector(&self, i: usize, detector: &DetectorSpec) -> Result<(), SpecError> {
        let at = |field, message| {
            Err(SpecError::at(&[Step::Field("detector"), Step::Item(i), Step::Field(field)], message))
        };
        if self.series(&detector.on).is_none() {
            let series: Vec<String> = self.query.iter().flat_map(all_series).collect();
            return at("on", format!("no series `{}`; {}", detector.on, listed("there are", &series)));
        }
        if !(2..=MAX_DETECTOR_WINDOW).contains(&detector.window) {
            return at(
                "window",
                format!("a window of {} points; 2 to {MAX_DETECTOR_WINDOW} would fit", detector.window),
            );
        }
        if !(detector.threshold.is_finite() && detector.threshold > 0.0) {
            return at(
                "threshold",
                format!("a threshold of {}; a number above 0 would fit", detector.threshold),
            );
        }
        match detector.min_points {
            Some(n) if !(2..=detector.window).contains(&n) => {
                at("min_points", format!("{n} points; 2 to the window, {}, would fit", detector.window))
            }
            _ => Ok(()),
        }
    }

    fn check_alert(&self, i: usize, alert: &AlertSpec) -> Result<(), SpecError> {
        if self.detector.iter().any(|detector| detector.name == alert.when) {
            return Ok(());
        }
        let names: Vec<String> = self.detector.iter().map(|detector| detector.name.clone()).collect();
        Err(SpecError::at(
            &[Step::Field("alert"), Step::Item(i), Step::Field("when")],
            format!("no detector `{}`; {}", alert.when, listed("there are", &names)),
        ))
    }

    /// The query and aggregate that a series such as `per_minute.count()` names.
    #[must_use]
    pub fn series(&self, on: &str) -> Option<(usize, usize)> {
        self.query.iter().enumerate().find_map(|(q, query)| {
            let aggregate = on.strip_prefix(query.name.as_str())?.strip_prefix('.')?;
            let a = query.aggregates.iter().position(|known| known.to_string() == aggregate)?;
            Some((q, a))
        })
    }
}

/// Most partitions of one log: each costs a few words in the watermark, and an event looks at them all
/// when the slowest moves.
pub const MAX_PARTITIONS: u32 = 1_024;

/// Longest memory of a detector, in points: its state is this long for each key.
pub const MAX_DETECTOR_WINDOW: u32 = 10_000;

fn all_series(query: &QuerySpec) -> impl Iterator<Item = String> {
    query.aggregates.iter().map(move |aggregate| format!("{}.{aggregate}", query.name))
}

fn unique<'a>(table: &'static str, names: impl Iterator<Item = &'a str>) -> Result<(), SpecError> {
    let mut seen: Vec<&str> = Vec::new();
    for (i, name) in names.enumerate() {
        let at = |message: String| {
            Err(SpecError::at(&[Step::Field(table), Step::Item(i), Step::Field("name")], message))
        };
        if name.is_empty() {
            return at("an empty name".to_owned());
        }
        if seen.contains(&name) {
            return at(format!("`{name}` is taken by another {table}; names are unique"));
        }
        seen.push(name);
    }
    Ok(())
}

fn listed(lead: &str, names: &[String]) -> String {
    if names.is_empty() {
        return "there is none".to_owned();
    }
    format!("{lead} {}", names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
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
