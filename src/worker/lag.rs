//! How far the watermark and each partition lay behind the newest event, over the whole run.
//!
//! **Invariant:** at most [`SAMPLES`] samples; when there are more, two neighbours become one, which keeps
//! the larger lags.

use crate::wire;
use kappascope_core::Pipeline;
use kappascope_core::watermark::NOTHING;

/// Samples kept: about one for every second pixel of a wide chart.
const SAMPLES: usize = 1_024;

struct Sample {
    row: u64,
    arrival: i64,
    /// Of the watermark, then of each partition; −1 before there is one.
    lags: Vec<f64>,
}

/// The lag since the start of the log.
pub(super) struct Lag {
    samples: Vec<Sample>,
    /// Rows between two samples.
    every: u64,
    partitions: u32,
}

impl Lag {
    pub(super) fn new(partitions: u32) -> Self {
        Self { samples: Vec::new(), every: 1, partitions }
    }

    /// Forgets what came after a row.
    pub(super) fn rewind(&mut self, row: u64) {
        self.samples.retain(|sample| sample.row <= row);
    }

    /// Notes where the pipeline stands after a row that came at a time.
    pub(super) fn note(&mut self, pipeline: &Pipeline, arrival: i64) {
        let row = pipeline.counters().events;
        if self.samples.last().is_some_and(|last| row < last.row + self.every) {
            return;
        }
        let newest = pipeline.newest_time();
        let behind = |time: i64| if time == NOTHING { -1.0 } else { (newest - time).max(0) as f64 };
        let clock = pipeline.clock();
        let partitions = (0..self.partitions).map(|partition| behind(clock.newest_time_of(partition)));
        let lags = std::iter::once(behind(clock.now())).chain(partitions).collect();
        self.samples.push(Sample { row, arrival, lags });
        if self.samples.len() > SAMPLES {
            self.thin();
        }
    }

    fn thin(&mut self) {
        self.every = (self.every * 2).max(self.samples.last().map_or(0, |last| last.row) / SAMPLES as u64);
        let pairs = std::mem::take(&mut self.samples).into_iter();
        for sample in pairs {
            match self.samples.last_mut().filter(|last| sample.row < last.row + self.every) {
                Some(last) => last.lags.iter_mut().zip(sample.lags).for_each(|(a, b)| *a = a.max(b)),
                None => self.samples.push(sample),
            }
        }
    }

    /// Puts the samples into a frame.
    pub(super) fn draw(&self, figures: &mut Vec<f64>) -> wire::Lag {
        let samples = figures.len() as u32;
        for sample in &self.samples {
            figures.push(sample.arrival as f64);
            figures.extend(&sample.lags);
        }
        wire::Lag { samples, count: self.samples.len() as u32, partitions: self.partitions }
    }
}
