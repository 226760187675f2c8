//! A first pipeline for a file that nobody has described, from its first rows.
//!
//! | of the pipeline | from the rows |
//! |---|---|
//! | time | the column that holds times, the one named most like an event time if there are several |
//! | arrival | a column named so whose times never step back and never precede the event |
//! | measures | columns of numbers; keys are text, and numbers that name things |
//! | group by | the key with the fewest values, if they are few |
//! | window | large enough for [`EVENTS_A_WINDOW`] events of a group; of a regular series, no larger than its step |
//! | bound | the disorder that the rows show, rounded up |
//! | detector | a z-score on the count; of a regular series, on the mean of the first measure |
//!
//! **Invariant:** the same rows give the same pipeline, and it passes [`Spec::check`].

use crate::batch::Batch;
use crate::error::{IngestError, Kind, shown};
use crate::head::Head;
use crate::place::Place;
use crate::records::{Record, Take};
use crate::row::finite;
use crate::sample::Sample;
use crate::time::TimeReader;
use kappascope_core::aggregate::{Aggregate, Function};
use kappascope_core::spec::{
    Accumulation, AlertSpec, DetectorKind, DetectorSpec, Emission, MAX_PARTITIONS, QuerySpec, Schema,
    WatermarkSpec, WindowSpec,
};
use kappascope_core::time::LONGEST_MS;
use kappascope_core::{Millis, Spec};
use std::collections::{BTreeMap, BTreeSet};

/// How many events a window and group should hold: fewer make a count mostly noise (its deviation is
/// about √n, here a fifth).
const EVENTS_A_WINDOW: i64 = 20;

/// Most groups that a chart can tell apart.
const MOST_GROUPS: usize = 12;

/// A text column with more values than this is a key only if they come again (half of the rows or less).
const FEW_VALUES: usize = 50;

/// Most columns of one role: more would make each row dear and the pipeline long to read.
const MOST_COLUMNS: usize = 8;

/// Rows of a file of columns that are looked at: about as many as the head of a text file has.
const SAMPLE_ROWS: usize = 1_000;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

const WINDOWS: [i64; 11] = [
    SECOND,
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
];

const BOUNDS: [i64; 13] = [
    0,
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
];

/// Names of event times, the most telling first.
const TIME_NAMES: [&str; 10] = [
    "event_time",
    "timestamp",
    "@timestamp",
    "time",
    "ts",
    "datetime",
    "date_time",
    "date",
    "at",
    "created_at",
];

const ARRIVAL_NAMES: [&str; 6] =
    ["arrival_time", "arrival", "arrived_at", "ingest_time", "ingested_at", "processing_time"];

/// Epoch numbers are taken for times from 1990 to 2100 only: any small number could be one else.
const LIKELY_EPOCH_MS: std::ops::Range<i64> = 631_152_000_000..4_102_444_800_000;

/// A pipeline for the file `name` that begins with `head`: its first [`HEAD_BYTES`](crate::HEAD_BYTES),
/// or all of a shorter file.
///
/// # Errors
/// When the file is neither CSV nor JSON Lines, has no rows, or none of its columns holds times.
pub fn propose(name: &str, head: &[u8]) -> Result<Spec, IngestError> {
    propose_sample(name, &sample(head)?)
}

fn propose_sample(name: &str, sample: &Sample) -> Result<Spec, IngestError> {
    let columns = Columns::of(sample);
    let time = columns.time().ok_or_else(|| Kind::NoTime(first_values(sample)))?;
    let schema = columns.schema(sample, time);
    let names = &sample.names;
    let by = group_by(sample, &schema);
    let rhythm = Rhythm::of(sample, &columns.times[&time], by);
    let spec = pipeline(stem(name), schema, by.map(|column| names[column].clone()), &rhythm);
    spec.check().map_err(|error| Kind::Proposal(error.to_string()))?;
    Ok(spec)
}

/// A pipeline for a file of columns, from the first of its batches.
///
/// # Errors
/// When it has no rows, or none of its columns holds times.
pub fn propose_columns(name: &str, columns: &[String], first: &Batch) -> Result<Spec, IngestError> {
    let mut sampler = Sampler { columns, sample: Sample::default() };
    first.give(0, SAMPLE_ROWS, &mut sampler)?;
    if sampler.sample.rows.is_empty() {
        Err(Kind::NoRows.into())
    } else {
        propose_sample(name, &sampler.sample)
    }
}

/// Makes a sample of records.
struct Sampler<'a> {
    columns: &'a [String],
    sample: Sample,
}

impl Take for Sampler<'_> {
    fn record(&mut self, _: Place, record: &impl Record) -> Result<(), IngestError> {
        let cell = |column| record.cell(column).ok().map(String::from_utf8_lossy);
        let fields = self.columns.iter().enumerate().map(|(column, name)| (name.clone(), cell(column)));
        self.sample.add(fields.collect());
        Ok(())
    }

    fn broken(&mut self, _: Place, _: String) -> Result<(), IngestError> {
        Ok(())
    }
}

fn sample(head: &[u8]) -> Result<Sample, IngestError> {
    let sample = Head::read(head)?.sample()?;
    if sample.rows.is_empty() { Err(Kind::HeaderOnly.into()) } else { Ok(sample) }
}

/// What the columns of a sample hold, by number.
struct Columns {
    names: Vec<String>,
    /// The times of each column of times, one a row.
    times: BTreeMap<usize, Vec<Option<i64>>>,
    /// Columns of numbers.
    numbers: Vec<usize>,
    /// The number of different values of the other columns.
    texts: BTreeMap<usize, usize>,
}

impl Columns {
    fn of(sample: &Sample) -> Self {
        let names = sample.names.clone();
        let mut columns = Self { names, times: BTreeMap::new(), numbers: Vec::new(), texts: BTreeMap::new() };
        for (column, name) in sample.names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            if sample.names.iter().filter(|other| *other == name).count() > 1 {
                continue; // no schema could name it
            }
            if let Some(times) = times(sample, column) {
                columns.times.insert(column, times);
            } else if !names_things(name) && are_numbers(sample, column) {
                columns.numbers.push(column);
            } else {
                let values: BTreeSet<&str> = sample.column(column).flatten().collect();
                columns.texts.insert(column, values.len());
            }
        }
        columns
    }

    /// The column of event time.
    fn time(&self) -> Option<usize> {
        let rank = |column: &usize| {
            let name = self.names[*column].to_lowercase();
            let known = TIME_NAMES.iter().position(|known| *known == name);
            let hinted = name.contains("time") || name.contains("date");
            let last = TIME_NAMES.len() + usize::from(!hinted);
            (is_arrival(&name), known.unwrap_or(last))
        };
        self.times.keys().copied().min_by_key(rank)
    }

    fn schema(&self, sample: &Sample, time: usize) -> Schema {
        let name = |column: usize| self.names[column].clone();
        let arrival = self.times.keys().copied().find(|&column| self.is_arrival(column, time));
        let partition = self.partition(sample);
        let keys = self.texts.iter().filter(|(_, values)| is_key(**values, sample.rows.len()));
        let measures =
            self.numbers.iter().filter(|column| Some(**column) != partition.map(|(column, _)| column));
        Schema {
            time: name(time),
            time_format: None,
            arrival: arrival.map(name),
            partition: partition.map(|(column, _)| name(column)),
            partitions: partition.map_or(1, |(_, count)| count),
            keys: keys.map(|(column, _)| name(*column)).take(MOST_COLUMNS).collect(),
            measures: measures.map(|column| name(*column)).take(MOST_COLUMNS).collect(),
        }
    }

    fn is_arrival(&self, column: usize, time: usize) -> bool {
        let mut newest = i64::MIN;
        let in_order = |(arrival, time): (&Option<i64>, &Option<i64>)| {
            let (Some(arrival), Some(time)) = (arrival, time) else { return false };
            let in_order = arrival >= time && *arrival >= newest;
            newest = *arrival;
            in_order
        };
        column != time
            && is_arrival(&self.names[column].to_lowercase())
            && self.times[&column].iter().zip(&self.times[&time]).all(in_order)
    }

    /// The column of partition numbers, and how many partitions it shows; none when it shows one only.
    fn partition(&self, sample: &Sample) -> Option<(usize, u32)> {
        let column =
            *self.numbers.iter().find(|column| self.names[**column].to_lowercase() == "partition")?;
        let number = |cell: Option<&str>| cell.and_then(|cell| cell.trim().parse::<u32>().ok());
        let numbers: Option<Vec<u32>> = sample.column(column).map(number).collect();
        let count = numbers?.into_iter().max()?.saturating_add(1);
        (2..=MAX_PARTITIONS).contains(&count).then_some((column, count))
    }
}

/// The times of a column, if it holds times in nine of ten rows or more.
fn times(sample: &Sample, column: usize) -> Option<Vec<Option<i64>>> {
    let mut reader = TimeReader::default();
    let mut times = Vec::with_capacity(sample.rows.len());
    for cell in sample.column(column) {
        times.push(cell.and_then(|cell| reader.read(cell.as_bytes()).ok()));
    }
    let known: Vec<i64> = times.iter().flatten().copied().collect();
    let likely = !reader.is_epoch() || known.iter().all(|time| LIKELY_EPOCH_MS.contains(time));
    (likely && known.len() * 10 >= times.len() * 9).then_some(times)
}

/// Whether a column holds finite numbers in nine of ten rows or more. The others are slips, which are
/// rejected; but a column that leaves cells empty does so on purpose, and must not cost these rows.
fn are_numbers(sample: &Sample, column: usize) -> bool {
    let mut slips = 0;
    for cell in sample.column(column) {
        let cell = cell.unwrap_or_default().trim();
        if cell.is_empty() {
            return false;
        }
        slips += usize::from(finite(cell.as_bytes()).is_err());
    }
    slips * 10 <= sample.rows.len()
}

/// Whether numbers of a column of this name are names: to add them up would mean nothing.
fn names_things(name: &str) -> bool {
    let name = name.to_lowercase();
    ["id", "code", "status", "port"].iter().any(|last| {
        name.strip_suffix(last)
            .is_some_and(|before| before.is_empty() || before.ends_with(['_', '-', '.', ' ']))
    })
}

fn is_arrival(name: &str) -> bool {
    ARRIVAL_NAMES.contains(&name)
}

fn is_key(values: usize, rows: usize) -> bool {
    values <= FEW_VALUES || values * 2 <= rows
}

/// The key with the fewest values of those with more than one, if they are few.
fn group_by(sample: &Sample, schema: &Schema) -> Option<usize> {
    let of = |name: &String| {
        let column = sample.names.iter().position(|known| known == name)?;
        let values: BTreeSet<&str> = sample.column(column).flatten().collect();
        (2..=MOST_GROUPS).contains(&values.len()).then_some((values.len(), column))
    };
    schema.keys.iter().filter_map(of).min_by_key(|(values, _)| *values).map(|(_, column)| column)
}

/// How the events of a sample follow each other.
struct Rhythm {
    events: i64,
    groups: i64,
    span_ms: i64,
    /// How far a row lies behind the newest before it, at most.
    disorder_ms: i64,
    /// The step of a regular series: then a window of that size holds one event of a group at most.
    step_ms: Option<i64>,
}

impl Rhythm {
    fn of(sample: &Sample, times: &[Option<i64>], by: Option<usize>) -> Self {
        let mut last_of_group: BTreeMap<Option<&str>, i64> = BTreeMap::new();
        let mut steps = Vec::new();
        let (mut oldest, mut newest, mut disorder_ms, mut events) = (i64::MAX, i64::MIN, 0, 0);
        for (row, time) in times.iter().enumerate() {
            let Some(time) = *time else { continue };
            let group = by.and_then(|column| sample.rows[row].get(column)?.as_deref());
            steps.extend(last_of_group.insert(group, time).map(|last| time - last));
            (oldest, newest) = (oldest.min(time), newest.max(time));
            disorder_ms = disorder_ms.max(newest - time);
            events += 1;
        }
        let groups = last_of_group.len() as i64;
        Self { events, groups, span_ms: newest - oldest, disorder_ms, step_ms: regular(steps) }
    }

    fn window(&self) -> i64 {
        if self.span_ms == 0 {
            return MINUTE;
        }
        if let Some(step) = self.step_ms {
            return WINDOWS.into_iter().rfind(|size| *size <= step).unwrap_or(SECOND);
        }
        // Half as many events as wished for rather than a window several times as long.
        let events = i128::from(EVENTS_A_WINDOW.saturating_mul(self.groups));
        let least = i128::from(self.span_ms) * events / i128::from(self.events) / 2;
        WINDOWS.into_iter().find(|size| i128::from(*size) >= least).unwrap_or(DAY)
    }

    fn bound(&self) -> i64 {
        let days = (self.disorder_ms + DAY - 1) / DAY * DAY;
        BOUNDS.into_iter().find(|bound| *bound >= self.disorder_ms).unwrap_or(days.min(LONGEST_MS))
    }
}

/// The usual step, if it is as long as the shortest window and four of five steps are within a quarter of it (months differ by a tenth).
fn regular(mut steps: Vec<i64>) -> Option<i64> {
    steps.sort_unstable();
    let usual = *steps.get(steps.len() / 2).filter(|usual| **usual >= SECOND)?;
    let alike = steps.iter().filter(|step| (**step - usual).abs() <= usual / 4).count();
    (alike * 5 >= steps.len() * 4).then_some(usual)
}

fn pipeline(name: String, schema: Schema, by: Option<String>, rhythm: &Rhythm) -> Spec {
    let mean = schema.measures.first().map(|measure| Aggregate::Of(Function::Avg, measure.clone()));
    let (subject, watched) = match (&mean, schema.measures.first()) {
        (Some(mean), Some(measure)) if rhythm.step_ms.is_some() => (measure.clone(), mean.clone()),
        _ => ("count".to_owned(), Aggregate::Count),
    };
    let size = rhythm.window();
    let query = query_name(size);
    let detector = DetectorSpec {
        name: subject.clone(),
        on: format!("{query}.{watched}"),
        by: Vec::new(),
        kind: DetectorKind::Zscore,
        window: 30,
        threshold: 3.0,
        min_points: None,
        include_current: false,
    };
    let alert = AlertSpec {
        name: format!("unusual_{subject}"),
        when: subject,
        hold: Millis(0),
        keep_firing_for: Millis(0),
        severity: "warning".to_owned(),
    };
    let idle = (schema.partitions > 1).then_some(Millis(30 * SECOND));
    Spec {
        name,
        version: 1,
        schema,
        watermark: WatermarkSpec { bound: Millis(rhythm.bound()), idle },
        query: vec![QuerySpec {
            name: query,
            by: by.into_iter().collect(),
            filter: None,
            window: WindowSpec::tumbling(Millis(size)),
            lateness: Millis(0),
            emit: Emission::OnClose,
            accumulation: Accumulation::Accumulating,
            aggregates: std::iter::once(Aggregate::Count).chain(mean).collect(),
        }],
        detector: vec![detector],
        alert: vec![alert],
    }
}

fn query_name(size: i64) -> String {
    match size {
        SECOND => "per_second".to_owned(),
        MINUTE => "per_minute".to_owned(),
        HOUR => "per_hour".to_owned(),
        DAY => "per_day".to_owned(),
        _ => format!("per_{}", Millis(size)),
    }
}

/// A file's name without folders and ending.
fn stem(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = file.split_once('.').map_or(file, |(stem, _)| stem);
    if stem.is_empty() { "data".to_owned() } else { stem.to_owned() }
}

/// `column` = `value`, … of the first row.
fn first_values(sample: &Sample) -> String {
    let values = sample.names.iter().enumerate().take(MOST_COLUMNS).map(|(column, name)| {
        let value = sample.column(column).next().flatten().unwrap_or_default();
        format!("{} = {}", shown(name.as_bytes()), shown(value.as_bytes()))
    });
    let more = if sample.names.len() > MOST_COLUMNS { ", …" } else { "" };
    format!("{}{more}", values.collect::<Vec<_>>().join(", "))
}
