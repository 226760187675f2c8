//! What the page and its worker say to each other. This file alone knows the form.
//!
//! Commands and notices are small and travel as bytes, packed by [`pack`]: half the code of plain objects on either
//! side. The figures of a chart travel as one `Float64Array` beside them, whose memory is handed over and not copied.
//!
//! **Invariant:** the worker owns the log and the engine; the page owns neither, and every number it
//! shows came in a [`Frame`]. The worker sends a frame only after the page asked for one with
//! [`Command::Frame`], so a slow page slows nothing but its own picture.

use kappascope_core::Spec;
use kappascope_core::backpressure::QueueSpec;
use kappascope_core::spec::Series;
use kappascope_ingest::profile::{Mapping, Profile, Proposal};
use kappascope_scenario::Faults;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A message as it travels.
#[must_use]
pub fn pack(message: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(message).expect("a message is plain data, all of whose lists know their lengths")
}

/// The message that [`pack`] packed.
///
/// # Errors
/// On anything else.
pub fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, postcard::Error> {
    postcard::from_bytes(bytes)
}

/// A pipeline travels as JSON, as do its parts: some of its forms are told apart by the fields that they have,
/// and some fields are left out.
mod json {
    use serde::de::{DeserializeOwned, Error as _};
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<T: Serialize, S: Serializer>(part: &T, to: S) -> Result<S::Ok, S::Error> {
        serde_json::to_string(part).map_err(S::Error::custom)?.serialize(to)
    }

    pub(super) fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
        from: D,
    ) -> Result<T, D::Error> {
        serde_json::from_str(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// What the page asks of the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Start over with a source, paused at the start of its log. A [`Source::File`] comes with the
    /// `File` object beside it in the message.
    Open(Source),
    /// Start over with the file that is open, by this mapping.
    Run(Box<Mapping>),
    /// Look at the whole of the file that is open, not only at its beginning.
    Measure,
    /// Look no further.
    StopMeasuring,
    /// Read no more of the file that is open, until it is played on.
    StopReading,
    /// Give the refused records.
    Rejected,
    /// Let the source go on.
    Play,
    /// Hold the source.
    Pause,
    /// Hold the source and go to another place of the log.
    Go(To),
    /// Run the log again by this pipeline, up to where it was.
    Tune(#[serde(with = "json")] Box<Spec>),
    /// Draw another series, as it would have come out up to here.
    Watch(Watch),
    /// Ask about something that the picture shows. The answer has the same number.
    Explain(u32, Question),
    /// Give the event of a row another time, and run the log again; its own when absent.
    Move {
        /// The row.
        row: f64,
        /// Epoch milliseconds.
        time: Option<f64>,
    },
    /// Put a slow sink behind the engine, or none.
    Sink(#[serde(with = "json")] Option<QueueSpec>),
    /// Write a file of what came out so far.
    Export(Export),
    /// Back to the start of the log.
    Reset,
    /// How many seconds of arrival time pass in one second; `None` is as fast as it goes.
    Speed(Option<f64>),
    /// The page has shown the last frame and is ready for another.
    Frame(View),
}

impl Source {
    /// A scenario as it is opened at first.
    #[must_use]
    pub fn scenario(name: &str, seed: u64) -> Self {
        Self::Scenario { name: name.to_owned(), seed, events: None, faults: Faults::default() }
    }
}

/// A file of what came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Export {
    /// Everything, as the binary writes it.
    Jsonl,
    /// The results of the charted query.
    Csv,
    /// The engine's state, from which the binary goes on.
    Snapshot,
}

/// A place of the log to go to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum To {
    /// One event on.
    NextEvent,
    /// One event back.
    PreviousEvent,
    /// Behind the event that brings the next result of a window.
    NextWindow,
    /// Behind the event that brought the result of a window before this place.
    PreviousWindow,
    /// Behind the next event that is dropped as late.
    NextLate,
    /// Behind the event that moves an alert to firing.
    NextAlert,
    /// Behind so many events.
    Row(f64),
    /// Behind the first event of this time or a later one.
    Time(f64),
}

/// A series that the chart can draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Watch {
    /// An aggregate of a query, by their indices: a point a window and key.
    Aggregate {
        /// The query.
        query: u32,
        /// The aggregate within it.
        aggregate: u32,
    },
    /// What a detector that reads events was given: a point an event and key.
    Points {
        /// The detector.
        detector: u32,
    },
}

impl Watch {
    /// What a pipeline is drawn by at first: what its first detector reads, or its first aggregate.
    #[must_use]
    pub fn first_of(spec: &Spec) -> Self {
        match spec.detector.first().and_then(|detector| spec.series(&detector.on)) {
            Some(Series::Aggregate { query, aggregate }) => {
                Self::Aggregate { query: query as u32, aggregate: aggregate as u32 }
            }
            Some(Series::Measure(_)) => Self::Points { detector: 0 },
            None => Self::Aggregate { query: 0, aggregate: 0 },
        }
    }

    /// Whether a pipeline has this series.
    #[must_use]
    pub fn is_of(self, spec: &Spec) -> bool {
        match self {
            Self::Aggregate { query, aggregate } => {
                let query = spec.query.get(query as usize);
                query.is_some_and(|query| (aggregate as usize) < query.aggregates.len())
            }
            Self::Points { detector } => {
                let detector = spec.detector.get(detector as usize);
                let series = detector.and_then(|detector| spec.series(&detector.on));
                matches!(series, Some(Series::Measure(_)))
            }
        }
    }

    /// The detector that judges this series: the first that reads it.
    #[must_use]
    pub fn detector(self, spec: &Spec) -> Option<usize> {
        match self {
            Self::Points { detector } => Some(detector as usize),
            Self::Aggregate { query, aggregate } => spec.detector.iter().position(|detector| {
                let (query, aggregate) = (query as usize, aggregate as usize);
                spec.series(&detector.on) == Some(Series::Aggregate { query, aggregate })
            }),
        }
    }
}

/// What a frame is to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Width of the plotting area in device pixels.
    pub pixels: u32,
    /// The part of the event time that the chart shows; all of it when absent.
    pub times: Option<(f64, f64)>,
    /// Of how many of the newest events the disorder is drawn; none are when 0.
    pub dots: u32,
    /// Whether the distribution and the lag are drawn.
    pub spread: bool,
}

/// Where events come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Source {
    /// A simulated world.
    Scenario {
        /// Its name: see `kappascope_scenario`.
        name: String,
        /// The same seed gives the same events.
        seed: u64,
        /// How many events; the scenario's own number when absent.
        events: Option<u64>,
        /// What goes wrong on the way from it to the log.
        #[serde(default)]
        faults: Faults,
    },
    /// A data set that comes with the page: `samples/<name>.csv` and `.toml`.
    Sample(String),
    /// A file of the user's.
    File {
        /// Its name, for the title.
        name: String,
        /// Its size in bytes, for the progress.
        bytes: f64,
    },
    /// The results of a pipeline that runs in the server which the page came from, by the address of its feed.
    Live(String),
}

/// What the worker tells the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Notice {
    /// The worker takes commands.
    Ready,
    /// A source was opened.
    Opened(Box<Opened>),
    /// The picture of now. The chart's figures come beside it in the message.
    Frame(Box<Frame>),
    /// How far the look at a file has come; `None` when it is over.
    Looking(Option<Looking>),
    /// What a file is.
    Measured(Box<Measured>),
    /// The mapping that was to run cannot; what was running before goes on.
    Refused(String),
    /// The refused records that are kept, as CSV.
    Rejected(String),
    /// A file was written. Its parts come beside it in the message, as a list of `Uint8Array`.
    Written(Export),
    /// What was asked by this number.
    Explained(u32, Box<Answer>),
    /// Why there is no answer to what was asked by this number.
    Unexplained(u32, String),
    /// Something a person should know. What was running before goes on if it can.
    Problem(String),
}

/// A look at a file, under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Looking {
    /// The file.
    pub name: String,
    /// Share of what is to be looked at.
    pub part: f64,
    /// Whether that is the whole file, and not its beginning.
    pub whole: bool,
}

/// What a file is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub bytes: f64,
    /// [`Findings`] as JSON: counts in it may lie beyond the whole numbers that JavaScript keeps exact.
    pub findings: String,
}

/// What was found in a file, and the pipeline that it suggests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// Its columns, its disorder, its first rows.
    pub profile: Profile,
    /// The mapping that is proposed, with reasons.
    pub proposal: Proposal,
}

/// A source and its pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// Where the events come from.
    pub source: Source,
    /// The pipeline that runs.
    #[serde(with = "json")]
    pub spec: Spec,
    /// Ground truth of a simulated world.
    pub truth: Vec<Truth>,
}

/// A time at which something really happened in a simulated world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// What happened, in a few words.
    pub what: String,
    /// First millisecond, event time.
    pub start: f64,
    /// One past the last millisecond.
    pub end: f64,
    /// The key it happened to, if one only: the values of its columns.
    pub key: Option<String>,
}

/// What the engine is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing is open.
    #[default]
    Idle,
    /// The source goes on.
    Running,
    /// The source is held.
    Paused,
    /// The source is at its end, and every window has fired.
    Done,
    /// The source could not be read to its end.
    Failed,
}

/// What becomes of the rest of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// It is being read.
    Going,
    /// It waits until the engine has read what is there.
    Waiting,
    /// A person stopped it; playing reads on.
    Stopped,
}

/// How many keys a chart shows: more lines than colours and dashes that a person can tell apart.
pub const LINES_SHOWN: usize = 8;

/// The picture of now. Times are epoch milliseconds; `None` before there is any.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// What the engine is doing.
    pub state: State,
    /// Events in the log.
    pub events: f64,
    /// Events a second over the last second of running.
    pub events_per_second: f64,
    /// Share of the source that has been read, where that is known.
    pub progress: Option<f64>,
    /// What becomes of the rest of a file; `None` when there is none.
    pub reading: Option<Reading>,
    /// Events before this one are no longer held in memory.
    pub held_from: f64,
    /// Bytes of WebAssembly memory that the worker holds.
    pub memory_bytes: f64,
    /// Rows that have arrived and that the engine has yet to read.
    pub waiting: f64,
    /// Window results, corrections included.
    pub windows: f64,
    /// Results that corrected a window.
    pub corrections: f64,
    /// Windows that have not fired.
    pub open_windows: f64,
    /// Events dropped as late.
    pub late: f64,
    /// Records that were refused, or dropped by a limit.
    pub rejected: f64,
    /// Records that were refused.
    pub refused: f64,
    /// How many of these can be had.
    pub refused_kept: f64,
    /// Points called anomalies.
    pub anomalies: f64,
    /// Alerts that fired.
    pub alerts: f64,
    /// 16 hex digits.
    pub digest: String,
    /// Newest event time.
    pub newest_time: Option<f64>,
    /// The watermark.
    pub watermark: Option<f64>,
    /// The next row that the engine reads.
    pub row: f64,
    /// The row where it will stand once it has caught up; beyond the end means the end.
    pub goal: f64,
    /// The series that the chart draws.
    pub watch: Option<Watch>,
    /// The chart: one entry a key shown.
    pub series: Vec<Line>,
    /// Keys that the series has; more than `series` when only the largest are shown.
    pub keys: u32,
    /// Event time of the first and the last point of the chart.
    pub span: Option<(f64, f64)>,
    /// Results before this time were let go of and are not drawn.
    pub drawn_since: Option<f64>,
    /// Spans in which an alert fired: the newest, newest first.
    pub firing: Vec<Firing>,
    /// The newest window results, newest first.
    pub rows: Vec<WindowRow>,
    /// The newest late events, newest first.
    pub late_rows: Vec<LateRow>,
    /// The first refused records.
    pub rejected_rows: Vec<RejectedRow>,
    /// The newest anomalies, newest first.
    pub anomaly_rows: Vec<AnomalyRow>,
    /// The newest events, one by one.
    pub disorder: Disorder,
    /// How far behind the watermark and the partitions were.
    pub lag: Lag,
    /// The slow sink, if there is one.
    pub sink: Option<Sink>,
    /// Events that were given another time, and that time, by row.
    pub moved: Vec<(f64, f64)>,
    /// How the first measure is distributed; none when there is no measure, or nobody looks.
    pub distribution: Option<Distribution>,
    /// Of a [`Source::Live`], how it is listened to.
    pub listening: Option<Listening>,
}

/// How a feed is listened to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Listening {
    /// In how many seconds the next attempt is made, while there is no connection; 0 while it is made.
    pub retry_in: Option<f64>,
    /// Messages that came faster than they were taken, or while there was no connection, and are gone.
    pub lost: f64,
}

/// The newest events in the order in which they came.
///
/// In the array beside the frame: from `dots`, `count` groups of [`Disorder::DOT`] numbers, one group a row
/// from `first_row` on: arrival, event time, delay, fate, partition, watermark. The delay is how far the event
/// lay behind the newest of its partition; the watermark is the one that it met, −∞ before there was one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Disorder {
    /// Row of the first dot.
    pub first_row: f64,
    /// Index of the first number.
    pub dots: u32,
    /// Number of dots.
    pub count: u32,
}

impl Disorder {
    /// Numbers of a dot.
    pub const DOT: usize = 6;
}

/// How far the watermark and each partition lay behind the newest event, from the start of the log.
///
/// In the array beside the frame: from `samples`, `count` groups of 2 + `partitions` numbers: arrival, the
/// watermark's lag, and each partition's, in milliseconds; −1 before there was one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lag {
    /// Index of the first number.
    pub samples: u32,
    /// Number of samples.
    pub count: u32,
    /// Number of partitions.
    pub partitions: u32,
}

/// A slow sink: what waits for it.
///
/// In the array beside the frame: from `samples`, `count` triples (arrival, events waiting, lag in
/// milliseconds).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sink {
    /// Events in its queue.
    pub depth: f64,
    /// Events that had to stay in the log, as the queue was full.
    pub in_log: f64,
    /// How old what it takes is, in milliseconds.
    pub lag_ms: f64,
    /// Events that it took.
    pub taken: f64,
    /// Events that were dropped or left out.
    pub dropped: f64,
    /// Index of the first number.
    pub samples: u32,
    /// Number of samples.
    pub count: u32,
}

/// What became of an event in the query that is watched, as a number of a dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// None of its partition was newer.
    InOrder = 0,
    /// It came after newer ones, and all its windows took it.
    Reordered = 1,
    /// It corrected a window that had fired.
    Corrected = 2,
    /// It came too late for a window.
    Dropped = 3,
}

impl Fate {
    /// The fate of a number of a dot.
    #[must_use]
    pub fn of(number: f64) -> Self {
        match number as u8 {
            0 => Self::InOrder,
            1 => Self::Reordered,
            2 => Self::Corrected,
            _ => Self::Dropped,
        }
    }
}

/// How a measure is distributed over all events so far.
///
/// In the array beside the frame: from `bins`, `count` triples (low, high, events), low ascending.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// The measure.
    pub measure: String,
    /// Index of the first number of the bins.
    pub bins: u32,
    /// Number of bins.
    pub count: u32,
    /// Events counted.
    pub events: f64,
    /// The 50th, 90th, 99th and 99.9th percentile; none of no events.
    pub percentiles: Option<[f64; 4]>,
    /// The least and the largest value; none of no events.
    pub range: Option<(f64, f64)>,
}

/// One key's line, reduced to what the chart's pixels need.
///
/// In the array beside the frame: from `line`, `points` pairs (time, value); from `band`, `band_points`
/// triples (time, low, high); from `marks`, `mark_points` pairs (time, value) that are anomalies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The key's strings, joined by ` · `; empty when there is no key.
    pub name: String,
    /// Index of the first number of the line.
    pub line: u32,
    /// Points of the line.
    pub points: u32,
    /// Index of the first number of the band.
    pub band: u32,
    /// Points of the band.
    pub band_points: u32,
    /// Index of the first number of the marks.
    pub marks: u32,
    /// Points that are anomalies.
    pub mark_points: u32,
}

/// A span in which an alert fired.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Firing {
    /// The rule.
    pub rule: String,
    /// Its severity.
    pub severity: String,
    /// What it says of itself, if it says something.
    pub message: Option<String>,
    /// The key.
    pub key: String,
    /// Whether it is of the series that is drawn, so that it can lie on its chart.
    pub drawn: bool,
    /// The same for all transitions of one alert: 16 hex digits.
    pub id: String,
    /// When it fired.
    pub start: f64,
    /// When it was resolved; `None` while it fires.
    pub end: Option<f64>,
    /// The value that fired it.
    pub value: f64,
    /// Its score.
    pub score: f64,
}

/// One line of the table of windows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowRow {
    /// First millisecond.
    pub start: f64,
    /// One past the last.
    pub end: f64,
    /// The key's strings, joined by ` · `.
    pub key: String,
    /// One value an aggregate of the query.
    pub values: Vec<f64>,
    /// 0 for the first result of this window and key.
    pub revision: u32,
    /// The detector's score, if it judged it.
    pub score: Option<f64>,
    /// Whether it is an anomaly.
    pub anomaly: bool,
}

/// One event that came too late.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LateRow {
    /// Its partition.
    pub partition: u32,
    /// Its offset in the partition.
    pub offset: f64,
    /// Its event time.
    pub time: f64,
    /// The watermark that it met.
    pub watermark: f64,
}

/// One record that was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RejectedRow {
    /// Where in the file, for people: `line 7, column value`.
    pub place: String,
    /// Why.
    pub reason: String,
}

/// One anomaly, with what it was compared to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnomalyRow {
    /// The key's strings, joined by ` · `.
    pub key: String,
    /// First millisecond of the window.
    pub start: f64,
    /// One past the last.
    pub end: f64,
    /// The point.
    pub value: f64,
    /// What the past made likely.
    pub expected: f64,
    /// Lower end of the band.
    pub low: f64,
    /// Upper end of the band.
    pub high: f64,
    /// Deviations from expected.
    pub score: f64,
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Question {
    /// The story of a window.
    Window {
        /// The query.
        query: u32,
        /// The key's strings, joined by ` · `.
        key: String,
        /// First millisecond.
        start: f64,
        /// One past the last.
        end: f64,
    },
    /// What became of an event.
    Event {
        /// Its row.
        row: f64,
    },
    /// What became of an event that is known by its place in its partition.
    EventAt {
        /// Its partition.
        partition: u32,
        /// Its offset there.
        offset: f64,
    },
    /// Why an alert fired.
    Alert {
        /// Its id.
        id: String,
    },
    /// Why a point of a detector that reads events scored as it did.
    Point {
        /// The detector.
        detector: u32,
        /// The key's strings, joined by ` · `.
        key: String,
        /// The time of its event.
        time: f64,
        /// The point.
        value: f64,
    },
}

/// What was asked, answered by running the log again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// The story of a window.
    Window(Story),
    /// What became of an event.
    Event(EventFate),
    /// Why an alert fired.
    Alert(AlertWhy),
    /// Why a point scored as it did.
    Point(PointStory),
}

/// An event as it stands in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its row.
    pub row: f64,
    /// Its partition.
    pub partition: u32,
    /// Its time.
    pub time: f64,
    /// When it came.
    pub arrival: f64,
    /// One string a key column of the schema.
    pub keys: Vec<String>,
    /// One number a measure of the schema.
    pub measures: Vec<f64>,
}

/// A result of a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Given {
    /// The row that brought it about; none when the end of the log did.
    pub row: Option<f64>,
    /// First millisecond of the window.
    pub start: f64,
    /// One past the last.
    pub end: f64,
    /// Its number among the results of the window.
    pub revision: u32,
    /// `early`, `on time` or `correction`.
    pub timing: String,
    /// Whether it takes that revision back.
    pub retraction: bool,
    /// One value an aggregate; a list counts as what is most frequent.
    pub values: Vec<f64>,
    /// How many events it covers, where that is known.
    pub covers: Option<f64>,
    /// What detectors made of it.
    pub points: Vec<PointLine>,
}

/// A point and its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointLine {
    /// The detector.
    pub detector: String,
    /// The point.
    pub value: f64,
    /// Its score.
    pub score: f64,
    /// The verdict.
    pub anomaly: bool,
    /// Alerts that it moved.
    pub alerts: Vec<Moved>,
}

/// A transition of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// The rule.
    pub rule: String,
    /// The alert's id.
    pub id: String,
    /// `pending`, `firing` or `resolved`.
    pub state: String,
    /// When, in event time.
    pub time: f64,
    /// The value that it looked at.
    pub value: f64,
    /// Whether there was none.
    pub absent: bool,
}

/// The story of a window and key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// Name of the query.
    pub query: String,
    /// Index of the query.
    pub query_index: u32,
    /// The key's strings, joined by ` · `.
    pub key: String,
    /// First millisecond.
    pub start: f64,
    /// One past the last.
    pub end: f64,
    /// `open`, `closed` or `gone`.
    pub state: String,
    /// The aggregates, as the pipeline writes them.
    pub aggregates: Vec<String>,
    /// Its results in order.
    pub results: Vec<Given>,
    /// Number of its events.
    pub count: f64,
    /// The first of them.
    pub events: Vec<Event>,
    /// How many were refused.
    pub refused_count: f64,
    /// The first of them, with the watermark that each met.
    pub refused: Vec<(Event, f64)>,
    /// Why its on-time result scored as it did.
    pub why: Option<PointWhy>,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventFate {
    /// The event.
    pub event: Event,
    /// The watermark that it met; none before there was one.
    pub watermark: Option<f64>,
    /// In each query.
    pub queries: Vec<QueryFate>,
    /// What detectors that read events made of it.
    pub points: Vec<PointLine>,
    /// Whether no more can come of it.
    pub settled: bool,
}

/// What became of an event in a query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryFate {
    /// The query.
    pub query: String,
    /// Its index.
    pub query_index: u32,
    /// The key's strings, joined by ` · `.
    pub key: String,
    /// Whether it counts.
    pub outcome: Outcome,
    /// The windows that it counts in, with their results.
    pub windows: Vec<Fed>,
}

/// Whether an event counts in a query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// `where` left it out.
    Filtered {
        /// The query's `where`.
        filter: String,
    },
    /// It came after all its windows were gone.
    Late {
        /// With so much lateness it would have counted.
        enough_ms: f64,
    },
    /// A limit was met.
    OverLimit {
        /// Which, in words.
        limit: String,
    },
    /// It counts, except in these windows, which were gone.
    Counted {
        /// First millisecond and one past the last.
        missed: Vec<(f64, f64)>,
    },
}

/// A window that an event counts in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fed {
    /// First millisecond.
    pub start: f64,
    /// One past the last.
    pub end: f64,
    /// Its results that cover the event.
    pub results: Vec<Given>,
}

/// Why a point was an anomaly, or was not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointWhy {
    /// The detector.
    pub detector: String,
    /// Its kind, for people.
    pub kind: String,
    /// Start of its window, or the time of its event.
    pub time: f64,
    /// The point.
    pub value: f64,
    /// What the past made likely.
    pub expected: f64,
    /// Lower end of what would have passed.
    pub low: f64,
    /// Upper end of what would have passed.
    pub high: f64,
    /// The score.
    pub score: f64,
    /// The verdict.
    pub anomaly: bool,
    /// The score as an expression over `value` and the figures.
    pub formula: String,
    /// What stands in the formula, and what else the verdict follows from.
    pub figures: Vec<(String, f64)>,
    /// The points that it was compared with, the oldest first.
    pub points: Vec<f64>,
    /// The detector's threshold, where its kind has one.
    pub threshold: Option<f64>,
    /// The nearest value that would have turned the verdict.
    pub turn_value: Option<f64>,
    /// The nearest threshold that would have.
    pub turn_threshold: Option<f64>,
}

/// A point of a detector that reads events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointStory {
    /// The key's strings, joined by ` · `.
    pub key: String,
    /// The row of its event; none when silence brought it about.
    pub row: Option<f64>,
    /// Why it scored as it did.
    pub why: PointWhy,
    /// Alerts that it moved.
    pub alerts: Vec<Moved>,
}

/// Why an alert fired.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertWhy {
    /// The rule.
    pub rule: String,
    /// The key's strings, joined by ` · `.
    pub key: String,
    /// The same for all its transitions.
    pub id: String,
    /// What it says of itself.
    pub message: Option<String>,
    /// Its transitions up to firing.
    pub transitions: Vec<Moved>,
    /// The row that brought firing about; none when the end of the log did.
    pub row: Option<f64>,
    /// The point behind it, where the rule looks at a detector.
    pub point: Option<PointWhy>,
    /// What had to hold, where the rule looks at results.
    pub condition: Option<String>,
    /// The result behind it: the query and what it gave.
    pub result: Option<(u32, Given)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use kappascope_scenario::SCENARIOS;

    fn travel<T: Serialize + DeserializeOwned>(message: &T) -> T {
        unpack(&pack(message)).expect("what was packed is unpacked")
    }

    #[test]
    fn every_scenario_and_its_pipeline_arrive_as_they_left() {
        for scenario in SCENARIOS {
            let world = kappascope_scenario::open(scenario.name, 1, Some(1)).expect("it is in the list");
            let spec = world.spec().clone();
            let tune = Command::Tune(Box::new(spec.clone()));
            assert_eq!(travel(&tune), tune);
            let faults = "disorder=5s,stragglers=1%:2m,skew=2%:-1h".parse().expect("three faults");
            let source =
                Source::Scenario { name: scenario.name.to_owned(), seed: u64::MAX, events: None, faults };
            let opened = Notice::Opened(Box::new(Opened { source, spec, truth: Vec::new() }));
            assert_eq!(travel(&opened), opened);
        }
    }

    #[test]
    fn a_slow_sink_arrives_as_it_left() {
        let sink = r#"{"capacity":10,"when_full":"block","service_per_second":5}"#;
        let sink = Command::Sink(Some(serde_json::from_str(sink).expect("a queue")));
        assert_eq!(travel(&sink), sink);
        assert_eq!(travel(&Command::Sink(None)), Command::Sink(None));
    }

    #[test]
    fn numbers_arrive_to_the_last_bit() {
        let frame =
            Frame { events: 9_007_199_254_740_993.0, watermark: Some(f64::NEG_INFINITY), ..Frame::default() };
        assert_eq!(travel(&Notice::Frame(Box::new(frame.clone()))), Notice::Frame(Box::new(frame)));
    }

    #[test]
    fn what_nobody_packed_is_refused() {
        assert!(unpack::<Command>(&[200]).is_err());
        assert!(unpack::<Notice>(&pack(&Notice::Problem("cut".to_owned()))[..3]).is_err());
    }
}
