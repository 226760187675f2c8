//! Progress on standard error, when a person watches: one line that is written over.

#![expect(clippy::disallowed_methods, reason = "a person waits by the clock on the wall")]

use jiff::Timestamp;
use kappascope_core::Pipeline;
use kappascope_driver::Meters;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the line is written: five times a second looks alive.
const EVERY: Duration = Duration::from_millis(200);

/// A line on standard error.
pub(crate) struct Progress {
    /// None when nobody watches.
    start: Option<Instant>,
    next: Instant,
}

impl Progress {
    /// Begins now.
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self { start: std::io::stderr().is_terminal().then_some(now), next: now + EVERY }
    }

    /// Shows where a run is, if it is time to. `share` of the source is behind, where that is known.
    pub(crate) fn show(&mut self, pipeline: &Pipeline, share: impl FnOnce() -> Option<f64>) {
        let Some(seconds) = self.due() else { return };
        let events = pipeline.counters().events;
        let watermark = Timestamp::from_millisecond(pipeline.watermark())
            .map_or(String::new(), |watermark| format!(", watermark {watermark:.0}"));
        let rate = events as f64 / seconds;
        say(&format!("{events} events, {rate:.0}/s{watermark}{}", left(share(), seconds)));
    }

    /// Shows what was stored of a topic, and how far behind its end that is.
    pub(crate) fn show_live(&mut self, meters: &Meters) {
        let Some(seconds) = self.due() else { return };
        let (done, partitions) = (meters.done(), meters.partitions());
        let ends = partitions.values().map(|at| at.end.map(|end| end.saturating_sub(at.next)));
        let lag = ends.sum::<Option<u64>>().map_or(String::new(), |lag| format!(", {lag} behind"));
        let watermark = partitions.values().filter_map(|at| at.watermark).min();
        let watermark = watermark.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let watermark = watermark.map_or(String::new(), |watermark| format!(", watermark {watermark:.0}"));
        let rate = done.events as f64 / seconds;
        let partitions = partitions.len();
        say(&format!("{} events, {rate:.0}/s{lag}{watermark}, {partitions} partitions", done.events));
    }

    /// Shows how much was read of a source, whose size may be known.
    pub(crate) fn show_read(&mut self, bytes: u64, size: Option<u64>) {
        let Some(seconds) = self.due() else { return };
        let mb = bytes as f64 / 1e6;
        let share = size.map(|size| bytes as f64 / size as f64);
        say(&format!("{mb:.0} MB, {:.0} MB/s{}", mb / seconds, left(share, seconds)));
    }

    /// Shows how many rows were read of all.
    pub(crate) fn show_rows(&mut self, rows: u64, all: u64) {
        let Some(seconds) = self.due() else { return };
        let rate = rows as f64 / seconds;
        say(&format!("{rows} rows, {rate:.0}/s{}", left(Some(rows as f64 / all as f64), seconds)));
    }

    /// The seconds since the start, if it is time to show something.
    fn due(&mut self) -> Option<f64> {
        let now = Instant::now();
        let start = self.start.filter(|_| now >= self.next)?;
        self.next = now + EVERY;
        Some((now - start).as_secs_f64())
    }

    /// Takes the line away.
    pub(crate) fn clear(&self) {
        if self.start.is_some() {
            say("");
        }
    }
}

/// How much is behind and how long the rest will take, where the share is known.
fn left(share: Option<f64>, seconds: f64) -> String {
    share.map_or(String::new(), |share| {
        format!(", {:.0} %, {:.0} s left", share * 100.0, seconds / share - seconds)
    })
}

/// Writes the line anew. Progress that cannot be shown is no reason to stop.
fn say(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = write!(stderr, "\r\x1b[K{text}").and_then(|()| stderr.flush());
}
