//! The figures of a frame that do not come from the chart: counters, clocks, the rate.

use crate::wire::Frame;
use kappascope_core::Pipeline;
use kappascope_core::watermark::{END_OF_TIME, NOTHING};
use std::collections::VecDeque;

/// How many lines a table of a frame has.
pub(super) const ROWS_SHOWN: usize = 20;

/// Counters and clocks of a pipeline.
pub(super) fn of_pipeline(pipeline: &Pipeline) -> Frame {
    let counters = pipeline.counters();
    Frame {
        events: counters.events as f64,
        windows: counters.windows as f64,
        open_windows: pipeline.open_windows() as f64,
        late: counters.late as f64,
        rejected: counters.over_limit as f64,
        anomalies: counters.anomalies as f64,
        alerts: counters.alerts as f64,
        digest: format!("{:016x}", pipeline.digest()),
        newest_time: shown(pipeline.newest_time()),
        watermark: shown(pipeline.watermark()),
        ..Frame::default()
    }
}

fn shown(time: i64) -> Option<f64> {
    (time != NOTHING && time != END_OF_TIME).then_some(time as f64)
}

/// Events a second, over the last second of running.
pub(super) struct Rate {
    since: f64,
    counts: VecDeque<(f64, usize)>,
    sum: usize,
}

const RATE_MS: f64 = 1_000.0;

impl Rate {
    pub(super) fn new(now: f64) -> Self {
        Self { since: now, counts: VecDeque::new(), sum: 0 }
    }

    pub(super) fn count(&mut self, events: usize, now: f64) {
        if events > 0 {
            self.counts.push_back((now, events));
            self.sum += events;
        }
    }

    pub(super) fn per_second(&mut self, now: f64) -> f64 {
        while self.counts.front().is_some_and(|(at, _)| *at < now - RATE_MS) {
            self.sum -= self.counts.pop_front().map_or(0, |(_, events)| events);
        }
        self.sum as f64 * 1_000.0 / (now - self.since).clamp(1.0, RATE_MS)
    }
}
