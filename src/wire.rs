//! What the page and its worker say to each other. This file alone knows the form.
//!
//! Commands and notices are small and travel as plain objects. The figures of a chart travel as one
//! `Float64Array`, whose memory is handed over and not copied: see [`Series`].
//!
//! **Invariant:** the worker owns the log and the engine; the page owns neither, and every number it
//! shows came in a [`Frame`]. The worker sends a frame only after the page asked for one with
//! [`Command::Frame`], so a slow page slows nothing but its own picture.

use kappascope_core::spec::WindowSpec;
use kappascope_core::{Millis, Spec};
use kappascope_ingest::profile::{Mapping, Profile, Proposal};
use serde::{Deserialize, Serialize};

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
    /// Go on by one event, or to the next result of a window.
    Step {
        /// Whether to go on until a window fires.
        window: bool,
    },
    /// Run the log again from its start, up to where it was.
    Tune(Tuning),
    /// Back to the start of the log.
    Reset,
    /// How many seconds of arrival time pass in one second; `None` is as fast as it goes.
    Speed(Option<f64>),
    /// The page has shown the last frame and is ready for another, of a chart so many pixels wide.
    Frame {
        /// Width of the plotting area in device pixels.
        pixels: u32,
    },
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
}

/// What the sliders set, in the pipeline's first query, detector and rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tuning {
    /// How long the windows are: a size, a gap or a duration; 0 where time does not bound them.
    pub window_ms: i64,
    /// How far out of order an event may come.
    pub bound_ms: i64,
    /// How long after its end a window still takes events.
    pub lateness_ms: i64,
    /// How many past points the detector compares with.
    pub detector_window: u32,
    /// From which absolute score on a point is an anomaly.
    pub threshold: f64,
}

impl Tuning {
    /// What a pipeline says now.
    #[must_use]
    pub fn of(spec: &Spec) -> Self {
        let query = &spec.query[0];
        let detector = spec.detector.first();
        Self {
            window_ms: length_of(query.window).map_or(0, |length| length.0),
            bound_ms: spec.watermark.bound.0,
            lateness_ms: query.lateness.0,
            detector_window: detector.and_then(|detector| detector.kind.window()).unwrap_or(30),
            threshold: detector.and_then(|detector| detector.kind.threshold()).unwrap_or(3.0),
        }
    }

    /// The pipeline with these settings.
    pub fn apply(self, spec: &mut Spec) {
        spec.watermark.bound = Millis(self.bound_ms);
        if let Some(length) = length_of_mut(&mut spec.query[0].window) {
            *length = Millis(self.window_ms);
        }
        spec.query[0].lateness = Millis(self.lateness_ms);
        if let Some(detector) = spec.detector.first_mut() {
            detector.kind.set_window(self.detector_window);
            if let Some(threshold) = detector.kind.threshold_mut() {
                *threshold = self.threshold;
            }
        }
    }
}

fn length_of(mut window: WindowSpec) -> Option<Millis> {
    length_of_mut(&mut window).copied()
}

fn length_of_mut(window: &mut WindowSpec) -> Option<&mut Millis> {
    match window {
        WindowSpec::Tumbling { size, .. }
        | WindowSpec::Hopping { size, .. }
        | WindowSpec::Cumulate { size, .. } => Some(size),
        WindowSpec::Session { gap } => Some(gap),
        WindowSpec::Rolling { duration } => Some(duration),
        WindowSpec::Count { .. } | WindowSpec::Global => None,
    }
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
    pub lag: f64,
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
    /// The chart: one entry a key shown.
    pub series: Vec<Series>,
    /// Keys that the query has met; more than `series` when only the largest are shown.
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
}

/// One key's line, reduced to what the chart's pixels need.
///
/// In the array beside the frame: from `line`, `points` pairs (time, value); from `band`, `band_points`
/// triples (time, low, high); from `marks`, `mark_points` pairs (time, value) that are anomalies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
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
    /// The key.
    pub key: String,
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
