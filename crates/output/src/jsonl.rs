//! The form of the output: one JSON object a line, `type` first, times in epoch milliseconds.
//!
//! This module alone knows the form. Numbers are written as short as they can be and still be read back
//! to the bit; what is not finite is `null`.

use kappascope_core::spec::{AlertSpec, DetectorSpec, QuerySpec, Watched};
use kappascope_core::watermark::{END_OF_TIME, NOTHING};
use kappascope_core::{
    AlertState, Cause, Change, Changes, Drop, DropReason, Pipeline, Score, Spec, Timing, Transition, Value,
    WindowResult,
};
use kappascope_ingest::{Position, Rejected};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::BTreeMap;

#[derive(serde::Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    Window {
        query: &'a str,
        key: Map<'a, &'a str>,
        start: i64,
        end: i64,
        revision: u32,
        timing: Timing,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        retraction: bool,
        values: Map<'a, Number<'a>>,
    },
    Late(Dropped<'a>),
    Dropped(Dropped<'a>),
    Score {
        detector: &'a str,
        key: Map<'a, &'a str>,
        time: i64,
        value: f64,
        expected: f64,
        /// None where every lower value would pass.
        low: Option<f64>,
        high: Option<f64>,
        score: f64,
        anomaly: bool,
    },
    Alert {
        rule: &'a str,
        key: Map<'a, &'a str>,
        state: AlertState,
        severity: &'a str,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        labels: &'a BTreeMap<String, String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        time: i64,
        id: String,
        #[serde(flatten)]
        cause: Option<Cause>,
        values: Map<'a, Number<'a>>,
    },
    Rejected {
        position: Place,
        column: Option<&'a str>,
        reason: &'a str,
    },
    Summary {
        events: u64,
        windows: u64,
        filtered: u64,
        late: u64,
        late_for_some: u64,
        dropped: u64,
        rejected: u64,
        alerts: u64,
        digest: String,
    },
}

/// An event that a query dropped.
#[derive(serde::Serialize)]
struct Dropped<'a> {
    query: &'a str,
    partition: u32,
    offset: u64,
    time: i64,
    /// None before the first and after the last event.
    watermark: Option<i64>,
    reason: DropReason,
    /// How many of its windows missed it.
    windows: u32,
}

/// Place of a record in its file, or in its partition.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Place {
    Text { line: u64, byte: u64 },
    Row { row: u64 },
    Log { partition: u32, offset: u64 },
}

impl From<Position> for Place {
    fn from(position: Position) -> Self {
        match position {
            Position::Text { line, byte } => Self::Text { line, byte },
            Position::Row(row) => Self::Row { row },
        }
    }
}

/// Names and what they stand for, in the pipeline's order.
struct Map<'a, T>(&'a [String], Vec<T>);

impl<T: Serialize> Serialize for Map<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0.iter().zip(&self.1) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A value of an aggregate.
#[derive(Clone, Copy)]
struct Number<'a>(Value<'a>);

impl Serialize for Number<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Count(n) => serializer.serialize_u64(n),
            Value::Real(x) => serializer.serialize_f64(x),
            Value::Top(entries) => entries.serialize(serializer),
        }
    }
}

/// What a window's line says.
pub struct Window<'a> {
    /// Index of the query in the pipeline.
    pub query: u32,
    /// The strings of its key.
    pub key: Vec<&'a str>,
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
    pub values: Vec<Value<'a>>,
}

/// What an alert's line says.
pub struct Alert<'a> {
    /// Index of the rule in the pipeline.
    pub rule: u32,
    /// The strings of its key.
    pub key: Vec<&'a str>,
    /// The state that it entered.
    pub state: AlertState,
    /// When the rule was evaluated, in event time.
    pub time: i64,
    /// Names the alert.
    pub id: String,
    /// What the rule says in a sentence.
    pub message: Option<String>,
    /// The event that brought it about.
    pub cause: Option<Cause>,
    /// The point that a detector looked at, and its score.
    pub point: [f64; 2],
    /// One value for each aggregate of the query that the rule looks at; none when the key had no result.
    pub values: Vec<Value<'a>>,
}

/// Writes what a pipeline says as lines.
pub struct Writer<'a> {
    spec: &'a Spec,
    /// The aggregates of each query, as written in the pipeline.
    aggregates: Vec<Vec<String>>,
    /// The key columns of each detector's series.
    key_columns: Vec<&'a [String]>,
    /// What each rule gives as its values.
    alert_values: Vec<Behind>,
}

/// What is behind a rule's transitions.
enum Behind {
    /// A detector's point, by the names of the series that it reads and of its score.
    Point([String; 2]),
    /// A result of this query.
    Result(usize),
}

impl<'a> Writer<'a> {
    /// A writer for a pipeline of this description.
    pub fn new(spec: &'a Spec) -> Self {
        let aggregates = |query: &QuerySpec| query.aggregates.iter().map(ToString::to_string).collect();
        let behind = |alert: &AlertSpec| match spec.watched(&alert.when) {
            Some(Watched::Results { query, .. }) => Behind::Result(query),
            Some(Watched::Detector(detector)) => {
                Behind::Point([spec.detector[detector].on.clone(), "score".to_owned()])
            }
            None => unreachable!("the spec was checked"),
        };
        let key_columns = |detector: &'a DetectorSpec| spec.keys_of_detector(detector);
        Self {
            spec,
            key_columns: spec.detector.iter().map(key_columns).collect(),
            aggregates: spec.query.iter().map(aggregates).collect(),
            alert_values: spec.alert.iter().map(behind).collect(),
        }
    }

    /// Appends a line for each change, in order.
    pub fn changes(&self, out: &mut Vec<u8>, pipeline: &Pipeline) {
        let changes = pipeline.changes();
        for change in changes.iter() {
            match change {
                Change::Window(result) => self.window(out, result_of(pipeline, result, changes)),
                Change::Drop(dropped) => self.dropped(out, dropped),
                Change::Score(score) => self.score(out, pipeline, score),
                Change::Alert(transition) => self.alert(out, alert_of(pipeline, transition)),
            }
        }
    }

    /// Appends the line of a record that was no row.
    pub fn rejected(&self, out: &mut Vec<u8>, rejected: &Rejected) {
        let position = rejected.position.into();
        write(
            out,
            &Line::Rejected { position, column: rejected.column.as_deref(), reason: &rejected.reason },
        );
    }

    /// Appends the line of a record of a partition that was no row.
    pub fn rejected_record(
        &self,
        out: &mut Vec<u8>,
        partition: u32,
        offset: u64,
        column: Option<&str>,
        reason: &str,
    ) {
        write(out, &Line::Rejected { position: Place::Log { partition, offset }, column, reason });
    }

    /// Appends the last line.
    pub fn summary(&self, out: &mut Vec<u8>, pipeline: &Pipeline, rejected: u64) {
        let counters = pipeline.counters();
        write(
            out,
            &Line::Summary {
                events: counters.events,
                windows: counters.windows,
                filtered: counters.filtered,
                late: counters.late,
                late_for_some: counters.late_for_some,
                dropped: counters.over_limit,
                rejected,
                alerts: counters.alerts,
                digest: format!("{:016x}", pipeline.digest()),
            },
        );
    }

    /// Appends the line of a window.
    pub fn window(&self, out: &mut Vec<u8>, window: Window<'_>) {
        let Window { query, key, start, end, revision, timing, retraction, values } = window;
        let spec = &self.spec.query[query as usize];
        let key = Map(&spec.by, key);
        let values = Map(&self.aggregates[query as usize], values.into_iter().map(Number).collect());
        let query = &spec.name;
        write(out, &Line::Window { query, key, start, end, revision, timing, retraction, values });
    }

    /// Appends the line of an event that a query dropped.
    pub fn dropped(&self, out: &mut Vec<u8>, dropped: &Drop) {
        let &Drop { query, partition, offset, time, watermark, reason, windows } = dropped;
        let watermark = Some(watermark).filter(|watermark| ![NOTHING, END_OF_TIME].contains(watermark));
        let query = &self.spec.query[query as usize].name;
        let dropped = Dropped { query, partition, offset, time, watermark, reason, windows };
        match reason {
            DropReason::Late | DropReason::LateForSome => write(out, &Line::Late(dropped)),
            DropReason::TooManyKeys | DropReason::TooManyWindows => write(out, &Line::Dropped(dropped)),
        }
    }

    fn key_of_score<'b>(&'b self, pipeline: &'b Pipeline, detector: u32, key: u32) -> Map<'b, &'b str> {
        Map(self.key_columns[detector as usize], pipeline.key_of_score(detector, key).collect())
    }

    fn score(&self, out: &mut Vec<u8>, pipeline: &Pipeline, score: &Score) {
        let [low, high] = score.ends();
        let &Score { detector, key, time, value, expected, score, anomaly, .. } = score;
        let key = self.key_of_score(pipeline, detector, key);
        let detector = &self.spec.detector[detector as usize].name;
        write(out, &Line::Score { detector, key, time, value, expected, low, high, score, anomaly });
    }

    /// Appends the line of an alert.
    pub fn alert(&self, out: &mut Vec<u8>, alert: Alert<'_>) {
        let values = self.values_behind(&alert);
        let Alert { rule, key, state, time, id, message, cause, .. } = alert;
        let spec = &self.spec.alert[rule as usize];
        let AlertSpec { name, severity, labels, .. } = spec;
        let key = Map(self.spec.keys_of_rule(spec), key);
        write(
            out,
            &Line::Alert { rule: name, key, state, severity, labels, message, time, id, cause, values },
        );
    }

    /// The point or the result that a transition is about; a key that had none has no values.
    fn values_behind<'b>(&'b self, alert: &Alert<'b>) -> Map<'b, Number<'b>> {
        match &self.alert_values[alert.rule as usize] {
            Behind::Point(names) => {
                Map(names, alert.point.iter().map(|number| Number(Value::Real(*number))).collect())
            }
            Behind::Result(_) if alert.values.is_empty() => Map(&[], Vec::new()),
            Behind::Result(query) => {
                Map(&self.aggregates[*query], alert.values.iter().copied().map(Number).collect())
            }
        }
    }
}

fn result_of<'a>(pipeline: &'a Pipeline, result: &WindowResult, changes: &'a Changes) -> Window<'a> {
    let &WindowResult { query, key, start, end, revision, timing, retraction, .. } = result;
    let key = pipeline.key_names(query, key).collect();
    let values = changes.values_of(result).collect();
    Window { query, key, start, end, revision, timing, retraction, values }
}

fn alert_of<'a>(pipeline: &'a Pipeline, transition: &Transition) -> Alert<'a> {
    let &Transition { rule, key, state, time, id, cause, value, score, .. } = transition;
    let behind = pipeline.result_behind(transition);
    Alert {
        rule,
        key: pipeline.key_of_alert(rule, key).collect(),
        state,
        time,
        id: format!("{id:016x}"),
        message: pipeline.message_of(transition),
        cause,
        point: [value, score],
        values: behind.map_or_else(Vec::new, |result| pipeline.changes().values_of(result).collect()),
    }
}

fn write(out: &mut Vec<u8>, line: &Line<'_>) {
    serde_json::to_writer(&mut *out, line)
        .expect("a line is made of strings and numbers, and memory takes it");
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use kappascope_core::Log;

    const PIPELINE: &str = r#"
        name = "shop"
        version = 1
        [schema]
        time = "at"
        measures = ["ms"]
        [[detector]]
        name = "slow"
        on = "ms"
        kind = "threshold"
    "#;

    /// The line of a score of 20 under a threshold with these limits.
    fn score(limits: &str) -> String {
        let spec = Spec::from_toml(&format!("{PIPELINE}{limits}")).expect("runs");
        let mut log = Log::new(&spec.schema);
        log.append(1_000, 1_000, 0, &[], &[20.0]);
        let mut pipeline = Pipeline::new(&spec).expect("runs");
        pipeline.push(log.read(0, usize::MAX));
        let mut out = Vec::new();
        Writer::new(&spec).changes(&mut out, &pipeline);
        String::from_utf8(out).expect("is text")
    }

    #[test]
    fn a_band_without_an_end_has_null_there() {
        let line = |band: &str, expected: &str, rest: &str| {
            format!(
                "{{\"type\":\"score\",\"detector\":\"slow\",\"key\":{{}},\"time\":1000,\"value\":20.0,\
                 \"expected\":{expected},{band},{rest}}}\n"
            )
        };
        let usual = r#""score":0.0,"anomaly":false"#;
        assert_eq!(score("above = 30"), line(r#""low":null,"high":30.0"#, "20.0", usual));
        assert_eq!(score("below = 10"), line(r#""low":10.0,"high":null"#, "20.0", usual));
        assert_eq!(score("above = 30\nbelow = 10"), line(r#""low":10.0,"high":30.0"#, "20.0", usual));
        let far = r#""score":15.0,"anomaly":true"#;
        assert_eq!(score("above = 5"), line(r#""low":null,"high":5.0"#, "5.0", far));
    }
}
