//! What each table is like, and how its rows are written: the two stand side by side, column by column.
//!
//! Columns whose names begin with `_` are ours; all others are named as the pipeline names them. `_topic`, `_partition`
//! and `_offset` say where an event was, as in ClickHouse's own Kafka tables.

use crate::error::Error;
use crate::row_binary::RowBinary;
use kappascope_core::aggregate::{Aggregate, Function};
use kappascope_core::spec::{Accumulation, QuerySpec, WindowSpec};
use kappascope_core::watermark::{END_OF_TIME, NOTHING};
use kappascope_core::{AlertState, DropReason, Spec, Timing};
use kappascope_delivery::{AlertRow, Effects, Figure, LateRow, RejectedRow, Table, WindowRow};
use std::collections::BTreeSet;

const NAME: &str = "LowCardinality(String)";
const TIME: &str = "DateTime64(3, 'UTC')";
const STATES: &str = "Enum8('pending' = 0, 'firing' = 1, 'resolved' = 2)";
const TIMINGS: &str = "Enum8('early' = 0, 'on_time' = 1, 'late' = 2)";

/// A column: its name and its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
}

/// What a table is like.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) columns: Vec<Column>,
    /// What stands among the columns without being one: an index.
    pub(crate) index: Option<String>,
    /// What comes behind the columns: engine, order.
    pub(crate) rest: String,
}

/// Where rows are from.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) topic: &'a str,
    pub(crate) partition: u32,
}

impl Layout {
    /// Of a table of a pipeline.
    pub(crate) fn of(spec: &Spec, table: Table) -> Result<Self, Error> {
        let layout = match table {
            Table::Raw => raw(spec),
            Table::Windows(query) => windows(&spec.query[query as usize]),
            Table::Late => by_offset(late(), ", `query`"),
            Table::Alerts => by_offset(alerts(), ", `id`"),
            Table::Rejected => by_offset(rejected(), ""),
        };
        let mut names = BTreeSet::new();
        match layout.columns.iter().find(|column| !names.insert(&column.name)) {
            Some(twice) => Err(Error::Name(format!(
                "table `{}` would have two columns `{}`; another name in the pipeline would fit",
                table.name(spec),
                twice.name
            ))),
            None => Ok(layout),
        }
    }
}

/// A name as SQL has it.
pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

fn columns<'a>(columns: impl IntoIterator<Item = (&'a str, &'static str)>) -> Vec<Column> {
    columns.into_iter().map(|(name, kind)| Column { name: name.to_owned(), kind }).collect()
}

fn origin() -> Vec<Column> {
    columns([("_topic", NAME), ("_partition", "UInt32")])
}

/// The engine of rows that have an offset, by which they are counted, in the order of that `and` what tells rows of one
/// offset apart.
fn by_offset(columns: Vec<Column>, and: &str) -> Layout {
    let rest = format!("ENGINE = MergeTree\nORDER BY (_topic, _partition, _offset{and})");
    Layout { columns, index: None, rest }
}

fn raw(spec: &Spec) -> Layout {
    let schema = &spec.schema;
    let mut all = origin();
    let arrival = schema.arrival.as_deref().unwrap_or("_arrival");
    all.extend(columns([("_offset", "UInt64"), (&schema.time, TIME), (arrival, TIME)]));
    all.extend(columns(schema.keys.iter().map(|key| (key.as_str(), "String"))));
    all.extend(columns(schema.measures.iter().map(|measure| (measure.as_str(), "Float64"))));
    // Times go up with offsets, by and large: a query of a minute reads little more than the rows of that minute.
    let index = format!("INDEX event_times {} TYPE minmax GRANULARITY 1", quoted(&schema.time));
    Layout { index: Some(index), ..by_offset(all, "") }
}

pub(crate) fn write_raw(out: &mut RowBinary, of: Origin<'_>, effects: &Effects, row: usize) {
    let raw = &effects.raw;
    write_origin(out, of);
    out.u64(raw.offset[row]);
    out.time(raw.time[row]);
    out.time(raw.arrival[row]);
    raw.keys.iter().for_each(|key| out.text(key.get(row)));
    raw.measures.iter().for_each(|measure| out.real(measure[row]));
}

fn write_origin(out: &mut RowBinary, of: Origin<'_>) {
    out.text(of.topic);
    out.u32(of.partition);
}

/// The row of the highest `_rank` among those of one identity counts; where it takes a result back, there is none.
fn windows(query: &QuerySpec) -> Layout {
    let mut all = origin();
    all.extend(columns(query.by.iter().map(|key| (key.as_str(), "String"))));
    all.extend(columns([
        ("window_start", TIME),
        ("window_end", TIME),
        ("_number", "UInt64"),
        ("_revision", "UInt32"),
        ("_timing", TIMINGS),
        ("_retracted", "UInt8"),
        ("_rank", "UInt64"),
    ]));
    all.extend(
        query
            .aggregates
            .iter()
            .map(|aggregate| Column { name: aggregate.to_string(), kind: kind_of(aggregate) }),
    );
    let keys: String = query.by.iter().map(|key| format!("{}, ", quoted(key))).collect();
    let rest = format!(
        "ENGINE = ReplacingMergeTree(_rank, _retracted)\nORDER BY ({}{keys}_topic, _partition{})",
        span_in_identity(query),
        if stands_alone(query) { ", _number" } else { "" }
    );
    Layout { columns: all, index: None, rest }
}

/// Whether every result counts by itself, and none replaces another: those that come one an event, and those that hold
/// only what came since the one before.
fn stands_alone(query: &QuerySpec) -> bool {
    matches!(query.window, WindowSpec::Count { .. } | WindowSpec::Rolling { .. })
        || query.accumulation == Accumulation::Discarding
}

/// Which bounds of a window stay as they are from one result to the next. Those of a session grow, but when a result is
/// taken back it is with the bounds that it had.
fn span_in_identity(query: &QuerySpec) -> &'static str {
    match query.window {
        WindowSpec::Global if !stands_alone(query) => "",
        WindowSpec::Session { .. } if query.accumulation == Accumulation::Accumulating => "window_start, ",
        _ => "window_start, window_end, ",
    }
}

fn kind_of(aggregate: &Aggregate) -> &'static str {
    match aggregate {
        Aggregate::Count | Aggregate::Of(Function::Distinct, _) => "UInt64",
        Aggregate::Of(Function::Top(_), _) => "Array(Tuple(value String, count UInt64, error UInt64))",
        _ => "Nullable(Float64)",
    }
}

pub(crate) fn write_window(out: &mut RowBinary, of: Origin<'_>, row: &WindowRow) {
    let WindowRow { number, key, start, end, revision, timing, retraction, values } = row;
    write_origin(out, of);
    key.iter().for_each(|key| out.text(key));
    out.time(*start);
    out.time(*end);
    out.u64(*number);
    out.u32(*revision);
    out.u8(match timing {
        Timing::Early => 0,
        Timing::OnTime => 1,
        Timing::Late => 2,
    });
    out.u8(u8::from(*retraction));
    // A result is taken back after it was given, and before the next.
    out.u64(2 * u64::from(*revision) + u64::from(*retraction));
    for value in values {
        match value {
            Figure::Count(count) => out.u64(*count),
            Figure::Real(real) => out.maybe_real(*real),
            Figure::Top(entries) => out.top(entries),
        }
    }
}

fn late() -> Vec<Column> {
    let mut all = origin();
    all.extend(columns([
        ("_offset", "UInt64"),
        ("query", NAME),
        ("time", TIME),
        ("watermark", "Nullable(DateTime64(3, 'UTC'))"),
        ("reason", NAME),
        ("windows", "UInt32"),
    ]));
    all
}

pub(crate) fn write_late(out: &mut RowBinary, of: Origin<'_>, row: &LateRow) {
    let LateRow { query, offset, time, watermark, reason, windows } = row;
    write_origin(out, of);
    out.u64(*offset);
    out.text(&of.spec.query[*query as usize].name);
    out.time(*time);
    out.maybe(Some(*watermark).filter(|time| ![NOTHING, END_OF_TIME].contains(time)), RowBinary::time);
    out.text(match reason {
        DropReason::Late => "late",
        DropReason::LateForSome => "late_for_some",
        DropReason::TooManyKeys => "too_many_keys",
        DropReason::TooManyWindows => "too_many_windows",
    });
    out.u32(*windows);
}

fn alerts() -> Vec<Column> {
    let mut all = origin();
    all.extend(columns([
        ("_offset", "UInt64"),
        ("id", "String"),
        ("rule", NAME),
        ("severity", NAME),
        ("labels", "Map(String, String)"),
        ("key", "Map(String, String)"),
        ("state", STATES),
        ("time", TIME),
        ("window_start", TIME),
        ("value", "Nullable(Float64)"),
        ("score", "Nullable(Float64)"),
        ("message", "Nullable(String)"),
    ]));
    all
}

pub(crate) fn write_alert(out: &mut RowBinary, of: Origin<'_>, row: &AlertRow) {
    let AlertRow { id, rule, key, state, time, window_start, offset, value, score, message, .. } = row;
    let spec = &of.spec.alert[*rule as usize];
    write_origin(out, of);
    out.u64(*offset);
    out.text(id);
    out.text(&spec.name);
    out.text(&spec.severity);
    out.map(spec.labels.iter());
    out.map(of.spec.keys_of_rule(spec).iter().zip(key));
    out.u8(match state {
        AlertState::Pending => 0,
        AlertState::Firing => 1,
        AlertState::Resolved => 2,
    });
    out.time(*time);
    out.time(*window_start);
    out.maybe_real(*value);
    out.maybe_real(*score);
    out.maybe(message.as_deref(), RowBinary::text);
}

fn rejected() -> Vec<Column> {
    let mut all = origin();
    all.extend(columns([
        ("_offset", "UInt64"),
        ("timestamp", TIME),
        ("column", "Nullable(String)"),
        ("reason", "String"),
        ("payload", "String"),
    ]));
    all
}

pub(crate) fn write_rejected(out: &mut RowBinary, of: Origin<'_>, row: &RejectedRow) {
    let RejectedRow { offset, timestamp, column, reason, payload } = row;
    write_origin(out, of);
    out.u64(*offset);
    out.time(*timestamp);
    out.maybe(column.as_deref(), RowBinary::text);
    out.text(reason);
    out.bytes(payload);
}
