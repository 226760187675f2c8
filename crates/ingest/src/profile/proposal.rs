//! A first pipeline for a file, from its profile, with a reason for each line.
//!
//! | of the pipeline | from the profile |
//! |---|---|
//! | time | the column that holds times, the one named most like an event time if there are several |
//! | arrival | a column named so whose times never step back and never precede the event |
//! | measures | columns of numbers; keys are text, and numbers that name things |
//! | group by | the key with the fewest values, if they are few |
//! | window | large enough for [`EVENTS_A_WINDOW`] events of a group; of a regular series, no larger than its step |
//! | bound | the smallest that loses at most [`MOST_LOST`] of the events |
//! | lateness | until the last of those has come, if that is not long |
//! | detector | a z-score on the count; of a regular series, on the mean of the first measure |

use super::findings::{ColumnKind, ColumnProfile, Profile, TimeProfile};
use super::words::{count_of, counted, number, percent, span, written};
use super::{BOUNDS, DAY, HOUR, MINUTE, Mapping, SECOND, formats};
use crate::error::{IngestError, Kind, shown};
use kappascope_core::spec::MAX_PARTITIONS;
use kappascope_core::time::LONGEST_MS;
use serde::{Deserialize, Serialize};

/// The part of the events that a bound may lose: one in a thousand. Waiting for the last one would hold back
/// every result by as long as the worst event is late.
const MOST_LOST: f64 = 0.001;

/// The longest lateness that is proposed: each window is kept so much longer.
const MOST_LATENESS: i64 = DAY;

/// How many events a window and group should hold: fewer make a count mostly noise (its deviation is
/// about √n, here a fifth).
const EVENTS_A_WINDOW: i64 = 20;

/// Most groups that a chart can tell apart.
const MOST_GROUPS: u64 = 12;

/// A text column with more values than this is a key only if they come again (half of the rows or less).
const FEW_VALUES: u64 = 50;

/// Most columns of one role: more would make each row dear and the pipeline long to read.
const MOST_OF_A_ROLE: usize = 8;

/// Columns that a reason names one by one.
const MOST_NAMED: usize = 4;

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

/// What is proposed for a file, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// What it depends on.
    pub mapping: Mapping,
    /// Why: one for each line of the pipeline file.
    pub reasons: Vec<Reason>,
}

/// Why a line of the pipeline says what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The line: `schema.time`, `watermark.bound`, `query.window`, …
    pub at: String,
    /// A sentence or two, without the last stop.
    pub why: String,
}

impl Profile {
    /// What to run on the file, and why.
    ///
    /// # Errors
    /// When the file has no rows, or none of its columns holds times.
    pub fn proposal(&self) -> Result<Proposal, IngestError> {
        if self.records + self.broken == 0 {
            return Err(Kind::HeaderOnly.into());
        }
        let times = self.time.as_ref().ok_or_else(|| Kind::NoTime(first_values(self)))?;
        let mut told = Told::default();
        let mapping = told.mapping(self, times);
        told.fixed(&mapping);
        Ok(Proposal { mapping, reasons: told.0 })
    }
}

impl Proposal {
    /// Why the line `at` says what it says.
    #[must_use]
    pub fn reason(&self, at: &str) -> Option<&str> {
        self.reasons.iter().find(|reason| reason.at == at).map(|reason| reason.why.as_str())
    }
}

/// The reasons so far, each noted where its value is chosen.
#[derive(Default)]
struct Told(Vec<Reason>);

impl Told {
    fn why(&mut self, at: &str, why: impl Into<String>) {
        self.0.push(Reason { at: at.to_owned(), why: sentence(&why.into()) });
    }

    fn mapping(&mut self, profile: &Profile, times: &TimeProfile) -> Mapping {
        self.time(profile, times);
        let partition = self.partition(profile);
        let keys = self.keys(profile);
        let measures = self.measures(profile, partition.as_ref());
        let bound_ms = self.bound(times);
        let idle_ms = partition.as_ref().map(|_| 30 * SECOND);
        let by = group_by(profile, Some(&times.column)).map(|column| &profile.columns[column]);
        let watch = measures.first().filter(|_| times.regular_ms.is_some()).cloned();
        self.by(by);
        Mapping {
            time: times.column.clone(),
            time_format: times.format.clone(),
            arrival: times.arrival.clone(),
            partition,
            keys,
            measures,
            by: by.map(|column| column.name.clone()),
            watch,
            bound_ms,
            idle_ms,
            window_ms: self.window(times, by),
            lateness_ms: self.lateness(times, bound_ms),
        }
    }

    fn time(&mut self, profile: &Profile, times: &TimeProfile) {
        let others: Vec<&str> =
            profile.columns.iter().filter(|column| holds_times(column, profile)).map(name).collect();
        let column = profile.column(&times.column);
        let kind = column.map(|column| &column.kind);
        let Some(ColumnKind::Time { format, zone }) = kind else { return };
        let mut why = format!("{}; zone: {zone}", written(format));
        match others.len() {
            0 | 1 => why.push_str(". The only column of times"),
            n => why.push_str(&format!(". Of {n} columns of times the one named most like an event's time")),
        }
        let misfits = column.map_or(0, |column| column.misfits + column.empty);
        if misfits > 0 {
            why.push_str(&format!(
                ". {} will be rejected: the cell is no such time",
                count_of(misfits, "record")
            ));
        }
        self.why("schema.time", why);
        if times.format.is_some() {
            let notice = column.and_then(|column| column.notice.clone());
            let why = notice.unwrap_or_else(|| "times that are written so need a name".to_owned());
            self.why("schema.time_format", why);
        }
        if times.arrival.is_some() {
            self.why("schema.arrival", "never before the event's time, and never steps back");
        }
    }

    fn partition(&mut self, profile: &Profile) -> Option<(String, u32)> {
        let (column, count) = partition(profile)?;
        self.why("schema.partition", format!("whole numbers from 0 to {}", count - 1));
        self.why("schema.partitions", "one more than the greatest of them");
        self.why("watermark.idle", "a partition that is silent for so long no longer holds the others back");
        Some((column.name.clone(), count))
    }

    fn keys(&mut self, profile: &Profile) -> Vec<String> {
        let keys: Vec<&ColumnProfile> =
            profile.columns.iter().filter(|column| is_key(column, profile)).take(MOST_OF_A_ROLE).collect();
        let named = listed(&keys, |key| format!("{} has {}", shown(key.name.as_bytes()), values(key)));
        let mut why =
            if keys.is_empty() { "no column names things that come again".to_owned() } else { named };
        let left: Vec<&ColumnProfile> = profile
            .columns
            .iter()
            .filter(|column| {
                looks_like_key(column, profile) && !keys.iter().any(|key| key.name == column.name)
            })
            .collect();
        if !left.is_empty() {
            why.push_str(&format!(". Left out: {}", listed(&left, |column| why_no_key(column, profile))));
        }
        self.why("schema.keys", why);
        keys.into_iter().map(|key| key.name.clone()).collect()
    }

    fn measures(&mut self, profile: &Profile, partition: Option<&(String, u32)>) -> Vec<String> {
        let is_partition = |column: &&ColumnProfile| partition.is_some_and(|(name, _)| *name == column.name);
        let measures: Vec<&ColumnProfile> = profile
            .columns
            .iter()
            .filter(|column| is_measure(column, profile) && !is_partition(column))
            .take(MOST_OF_A_ROLE)
            .collect();
        let mut why = match measures.len() {
            0 => "no column of numbers that measure something".to_owned(),
            _ => listed(&measures, range),
        };
        let spoilt: Vec<&ColumnProfile> = profile
            .columns
            .iter()
            .filter(|column| column.kind == ColumnKind::Number && is_spoilt(column, profile))
            .collect();
        if !spoilt.is_empty() {
            let told = |column: &ColumnProfile| {
                let first = column.first_misfit.as_ref().map_or("", |misfit| misfit.reason.as_str());
                format!("{}: {first}", shown(column.name.as_bytes()))
            };
            why.push_str(&format!(". Left out: {}", listed(&spoilt, told)));
        }
        self.why("schema.measures", why);
        measures.into_iter().map(|column| column.name.clone()).collect()
    }

    fn bound(&mut self, times: &TimeProfile) -> i64 {
        let disorder = &times.disorder;
        let few = disorder.loses.iter().find(|loss| loss.share <= MOST_LOST);
        let (bound, lost) =
            few.map_or((whole_days(disorder.worst_ms), 0), |loss| (loss.bound_ms, loss.events));
        let why = match (disorder.behind, lost) {
            (0, _) => "every event comes in order".to_owned(),
            (behind, 0) if few.is_none() => format!(
                "{} of the events come after a newer one, by up to {}: a file that is sorted by time would not have \
                 to be waited for",
                percent(behind, times.events),
                span(disorder.worst_ms)
            ),
            (behind, 0) => format!(
                "no event comes later than that: {} of {} come after a newer one, by up to {}",
                counted(behind),
                counted(times.events),
                span(disorder.worst_ms)
            ),
            (_, lost) => format!(
                "{} of {} events come later than that, the latest of them {} behind",
                percent(lost, times.events),
                counted(times.events),
                span(disorder.worst_ms)
            ),
        };
        self.why("watermark.bound", why);
        bound
    }

    fn lateness(&mut self, times: &TimeProfile, bound: i64) -> i64 {
        let later = times.disorder.worst_ms - bound;
        if later <= 0 {
            return 0;
        }
        let Some(lateness) = BOUNDS.into_iter().find(|known| *known >= later && *known <= MOST_LATENESS)
        else {
            return 0;
        };
        self.why(
            "query.lateness",
            "so long a window takes the few events that come later than the bound, as corrections",
        );
        lateness
    }

    fn by(&mut self, by: Option<&ColumnProfile>) {
        let why = match by {
            Some(by) => format!("{}: few enough to tell apart, the fewest of all keys", values(by)),
            None => format!("no key has 2 to {MOST_GROUPS} values: one group of all events"),
        };
        self.why("query.by", why);
    }

    fn window(&mut self, times: &TimeProfile, by: Option<&ColumnProfile>) -> i64 {
        let groups = by.map_or(1, |by| by.distinct.count + u64::from(by.empty > 0)).max(1);
        let span_ms = times.last - times.first;
        let (size, why) = match times.regular_ms {
            _ if span_ms == 0 => (MINUTE, "all events are of one time".to_owned()),
            Some(step) => {
                let size = WINDOWS.into_iter().rfind(|size| *size <= step).unwrap_or(SECOND);
                let of_group = if by.is_some() { " of each group" } else { "" };
                (size, format!("an event{of_group} comes every {}: a window holds one at most", span(step)))
            }
            None => {
                let size = window_of(times.events, groups, span_ms);
                let held = times.events as f64 * size as f64 / span_ms as f64 / groups as f64;
                let of_group = if by.is_some() { " of each group" } else { "" };
                (size, format!("holds about {}{of_group}", count_of(held.round().max(1.0) as u64, "event")))
            }
        };
        self.why("query.window", why);
        size
    }

    /// The lines that no file changes, or that follow from others.
    fn fixed(&mut self, mapping: &Mapping) {
        let watched = mapping.watch.as_ref();
        let mean = watched.or(mapping.measures.first());
        self.why("name", "the file's name");
        self.why("version", "part of an alert's id: raise it when the pipeline changes");
        self.why("query.name", "what detectors and results call it");
        let beside =
            mean.map_or(String::new(), |mean| format!(", and the mean of {}", shown(mean.as_bytes())));
        self.why("query.aggregates", format!("how many events{beside}"));
        self.why("detector.name", "what it watches");
        let on = match (watched, mapping.measures.is_empty()) {
            (Some(_), _) => {
                "the events are regular, so their number says little: the mean of the first measure"
            }
            (None, true) => "how many events come, for there is nothing else to measure",
            (None, false) => {
                "the events are not regular: their number says when more or fewer come than usual"
            }
        };
        self.why("detector.on", on);
        self.why("detector.kind", "the distance from the mean of the points before, in standard deviations");
        self.why("detector.window", "the past it compares with, in points");
        self.why(
            "detector.threshold",
            "deviations: one point in 370 lies so far out by chance, were it a normal law",
        );
        self.why("alert.name", "what the alert is called");
        self.why("alert.when", "the detector that raises it");
        self.why("alert.for", "fires with the first unusual window");
        self.why("alert.keep_firing_for", "ends with the first usual one");
        self.why("alert.severity", "for whoever is paged");
    }
}

/// The column of event time.
pub(super) fn time(profile: &Profile) -> Option<usize> {
    let times = profile.columns.iter().enumerate().filter(|(_, column)| holds_times(column, profile));
    times.min_by_key(|(_, column)| time_rank(&column.name)).map(|(column, _)| column)
}

fn holds_times(column: &ColumnProfile, profile: &Profile) -> bool {
    matches!(column.kind, ColumnKind::Time { .. }) && column.empty * 10 <= profile.records
}

/// Sorts columns of times by how much their name is that of an event's time.
pub(super) fn time_rank(name: &str) -> impl Ord + use<> {
    let name = name.to_lowercase();
    let known = TIME_NAMES.iter().position(|known| *known == name);
    let hinted = name.contains("time") || name.contains("date");
    let last = TIME_NAMES.len() + usize::from(!hinted);
    (is_arrival_name(&name), known.unwrap_or(last))
}

pub(super) fn is_time_name(name: &str) -> bool {
    TIME_NAMES.contains(&name.to_lowercase().as_str())
}

pub(super) fn is_arrival_name(name: &str) -> bool {
    ARRIVAL_NAMES.contains(&name.to_lowercase().as_str())
}

/// The key to group by: the one with the fewest values of those with more than one, if they are few.
pub(super) fn group_by(profile: &Profile, time: Option<&str>) -> Option<usize> {
    let keys = profile.columns.iter().enumerate().filter(|(_, column)| is_key(column, profile));
    let few = |column: &ColumnProfile| (2..=MOST_GROUPS).contains(&(groups(column)));
    let keys = keys.take(MOST_OF_A_ROLE).filter(|(_, column)| few(column) && time != Some(&column.name));
    keys.min_by_key(|(i, column)| (groups(column), *i)).map(|(column, _)| column)
}

fn groups(column: &ColumnProfile) -> u64 {
    column.distinct.count + u64::from(column.empty > 0)
}

/// The column of partition numbers, and how many partitions it shows; none when it shows one only.
fn partition(profile: &Profile) -> Option<(&ColumnProfile, u32)> {
    let column = profile.columns.iter().find(|column| column.name.to_lowercase() == "partition")?;
    let numbers = column.numbers.as_ref().filter(|numbers| numbers.whole && numbers.low >= 0.0)?;
    let count = numbers.high + 1.0;
    let fits = column.empty + column.misfits == 0 && (2.0..=f64::from(MAX_PARTITIONS)).contains(&count);
    fits.then_some((column, count as u32))
}

/// Numbers that measure something. Slips among them are rejected; but a column that leaves cells empty does so
/// on purpose, and must not cost these rows.
fn is_measure(column: &ColumnProfile, profile: &Profile) -> bool {
    column.kind == ColumnKind::Number
        && column.empty == 0
        && !is_spoilt(column, profile)
        && !names_things(&column.name)
}

/// Whether more cells are none of the numbers that the column holds than can be slips.
fn is_spoilt(column: &ColumnProfile, profile: &Profile) -> bool {
    column.misfits * 10 > profile.records
}

/// Whether numbers of a column of this name are names: to add them up would mean nothing.
fn names_things(name: &str) -> bool {
    let name = name.to_lowercase();
    ["id", "code", "status", "port"].iter().any(|last| {
        name.strip_suffix(last)
            .is_some_and(|before| before.is_empty() || before.ends_with(['_', '-', '.', ' ']))
    })
}

/// Text, and numbers that name things or that some rows lack.
fn looks_like_key(column: &ColumnProfile, profile: &Profile) -> bool {
    match column.kind {
        ColumnKind::Text | ColumnKind::Empty => true,
        ColumnKind::Number => !is_spoilt(column, profile) && !is_measure(column, profile),
        ColumnKind::Time { .. } => false,
    }
}

fn is_key(column: &ColumnProfile, profile: &Profile) -> bool {
    looks_like_key(column, profile)
        && column.kind != ColumnKind::Empty
        && !lacks_many(column, profile)
        && comes_again(column, profile)
}

/// Whether grouping by a column would refuse more than one record in a hundred.
fn lacks_many(column: &ColumnProfile, profile: &Profile) -> bool {
    column.kind != ColumnKind::Number && column.misfits * 100 > profile.records
}

fn comes_again(column: &ColumnProfile, profile: &Profile) -> bool {
    let values = column.distinct.count;
    values <= FEW_VALUES || values * 2 <= profile.records
}

fn why_no_key(column: &ColumnProfile, profile: &Profile) -> String {
    let name = shown(column.name.as_bytes());
    if column.kind == ColumnKind::Empty {
        return format!("{name}, which holds nothing");
    }
    if lacks_many(column, profile) {
        let why = column.first_misfit.as_ref().map_or("", |misfit| misfit.reason.as_str());
        let records = percent(column.misfits, profile.records);
        return format!("{name}, for which {records} of the records would be rejected: {why}");
    }
    if !comes_again(column, profile) {
        return format!("{name}, which has another value in most records, as identifiers do");
    }
    format!("{name}, for there are {MOST_OF_A_ROLE} already")
}

fn window_of(events: u64, groups: u64, span_ms: i64) -> i64 {
    // Half as many events as wished for rather than a window several times as long.
    let least = i128::from(span_ms) * i128::from(EVENTS_A_WINDOW) * i128::from(groups)
        / i128::from(events.max(1))
        / 2;
    WINDOWS.into_iter().find(|size| i128::from(*size) >= least).unwrap_or(DAY)
}

fn whole_days(ms: i64) -> i64 {
    ((ms + DAY - 1) / DAY * DAY).min(LONGEST_MS)
}

fn name(column: &ColumnProfile) -> &str {
    &column.name
}

fn values(column: &ColumnProfile) -> String {
    let about = if column.distinct.exact { "" } else { "about " };
    let some = if column.empty > 0 { ", and some are empty" } else { "" };
    format!("{about}{}{some}", count_of(column.distinct.count, "value"))
}

fn range(column: &ColumnProfile) -> String {
    let name = shown(column.name.as_bytes());
    column
        .numbers
        .as_ref()
        .map_or(name.to_string(), |n| format!("{name} from {} to {}", number(n.low), number(n.high)))
}

/// With a capital where it begins.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

/// The first few, and how many more.
fn listed(columns: &[&ColumnProfile], told: impl Fn(&ColumnProfile) -> String) -> String {
    let named: Vec<String> = columns.iter().take(MOST_NAMED).map(|column| told(column)).collect();
    let more = columns.len().saturating_sub(MOST_NAMED);
    let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
    named.join("; ") + &and_more
}

/// `column` = `value`, … of the first row.
fn first_values(profile: &Profile) -> String {
    let first = profile.preview.rows.first();
    let values = profile.columns.iter().enumerate().take(MOST_OF_A_ROLE).map(|(i, column)| {
        let value = first.and_then(|row| row.cells.get(i)).map_or("", |cell| cell.text.as_str());
        format!("{} = {}", shown(column.name.as_bytes()), shown(value.as_bytes()))
    });
    let more = if profile.columns.len() > MOST_OF_A_ROLE { ", …" } else { "" };
    let notice = profile.columns.iter().find_map(|column| {
        let notice = column.notice.as_ref().filter(|notice| notice.as_str() == formats::NO_YEAR)?;
        Some(format!("; {} has {notice}", shown(column.name.as_bytes())))
    });
    format!("{}{more}{}", values.collect::<Vec<_>>().join(", "), notice.unwrap_or_default())
}
