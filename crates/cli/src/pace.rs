//! Holds a stream to a rate. One of the two places of this program that look at a clock.

#![expect(clippy::disallowed_methods, reason = "a rate is a promise about the clock on the wall")]

use std::time::{Duration, Instant};

/// How often a paced stream goes on: often enough to look steady, seldom enough to cost nothing.
const TICKS_A_SECOND: u64 = 20;

/// Says when the next events are due.
pub(crate) struct Pace {
    rate: u64,
    start: Instant,
    events: u64,
}

impl Pace {
    /// So many events a second from now on.
    pub(crate) fn new(rate: u64) -> Self {
        Self { rate, start: Instant::now(), events: 0 }
    }

    /// How many events go together.
    pub(crate) fn portion(&self) -> usize {
        usize::try_from(self.rate / TICKS_A_SECOND).unwrap_or(usize::MAX).max(1)
    }

    /// Counts events as gone, and waits until the next are due.
    pub(crate) fn wait_after(&mut self, events: u64) {
        self.events += events;
        let due = self.start + Duration::from_secs_f64(self.events as f64 / self.rate as f64);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}
