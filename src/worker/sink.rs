//! A sink that is slower than the stream: what waits for it, how old that is, what is lost.
//!
//! It stands behind the engine as a model of its own ([`kappascope_core::backpressure`]): what the engine gives does not depend on
//! it, and with the policy `block` nothing is lost.
//!
//! **Invariant:** it has been offered every row up to `row` once, in order.

use crate::wire;
use kappascope_core::Log;
use kappascope_core::backpressure::{QueueError, QueueSpec, Stages};

/// Samples kept of the queue over time.
const SAMPLES: usize = 1_024;

struct Sample {
    arrival: i64,
    waiting: u64,
    lag_ms: i64,
}

/// The sink and its queue.
pub(super) struct Sink {
    spec: QueueSpec,
    stages: Stages,
    row: u64,
    /// How old the newest event was that the sink took.
    lag_ms: i64,
    samples: Vec<Sample>,
    /// Rows between two samples.
    every: u64,
}

impl Sink {
    pub(super) fn new(spec: &QueueSpec) -> Result<Self, QueueError> {
        let stages = Stages::new(std::slice::from_ref(spec))?;
        Ok(Self { spec: spec.clone(), stages, row: 0, lag_ms: 0, samples: Vec::new(), every: 1 })
    }

    /// Offers what the engine has read up to a row; from the start if it went back.
    pub(super) fn follow(&mut self, log: &Log, row: u64) {
        if row < self.row {
            *self = Self::new(&self.spec).expect("it was one before");
        }
        self.row = self.row.max(log.start());
        let rows = usize::try_from(row - self.row).unwrap_or(usize::MAX);
        for &arrival in log.read(self.row, rows).arrival() {
            if let Some(last) = self.stages.offer(arrival).last() {
                self.lag_ms = last.lag_ms();
            }
            self.row += 1;
            if self.row.is_multiple_of(self.every) {
                self.note(arrival);
            }
        }
    }

    fn note(&mut self, arrival: i64) {
        let (waiting, lag_ms) = (self.waiting(), self.lag());
        self.samples.push(Sample { arrival, waiting, lag_ms });
        if self.samples.len() > SAMPLES {
            self.every *= 2;
            let mut odd = false;
            self.samples.retain(|_| {
                odd = !odd;
                !odd
            });
        }
    }

    fn waiting(&self) -> u64 {
        self.stages.depth(0) + self.stages.log_lag().events
    }

    /// How old the oldest event is that waits in the log, or the newest that was taken had become.
    fn lag(&self) -> i64 {
        self.stages.log_lag().ms.max(self.lag_ms)
    }

    /// Puts the queue into a frame.
    pub(super) fn draw(&self, figures: &mut Vec<f64>) -> wire::Sink {
        let samples = figures.len() as u32;
        for sample in &self.samples {
            figures.extend([sample.arrival as f64, sample.waiting as f64, sample.lag_ms as f64]);
        }
        let totals = self.stages.totals(0);
        wire::Sink {
            depth: self.stages.depth(0) as f64,
            in_log: self.stages.log_lag().events as f64,
            lag_ms: self.lag() as f64,
            taken: totals.taken as f64,
            dropped: totals.dropped() as f64,
            samples,
            count: self.samples.len() as u32,
        }
    }
}
