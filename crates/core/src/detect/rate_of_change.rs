//! The rate of change: how fast a series rises or falls, in its unit for each `per`.
//!
//! ```text
//!   score = (x − previous) / (elapsed / per)      anomaly when |score| ≥ threshold
//! ```
//!
//! From one point to the next: a rate is no average. A point at the time of the one before, or at an
//! earlier one, has no rate; it is the previous point of the next.

use super::{Detect, Judgement, MAX_SCORE, Workings, saturate};
use crate::spec::RateOfChangeSpec;
use serde::{Deserialize, Serialize};

/// The last point of one series.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RateOfChange {
    threshold: f64,
    per_ms: f64,
    previous: Option<(i64, f64)>,
}

impl RateOfChange {
    pub(crate) fn new(spec: &RateOfChangeSpec) -> Self {
        Self { threshold: spec.threshold, per_ms: spec.per.0 as f64, previous: None }
    }

    /// The point before, and how much later this one is, in milliseconds.
    #[inline]
    fn step(&self, time: i64, value: f64) -> Option<(f64, f64)> {
        let (at, previous) = self.previous?;
        (time > at && value.is_finite()).then_some((previous, (time - at) as f64))
    }
}

impl Detect for RateOfChange {
    #[inline]
    fn judge(&mut self, time: i64, value: f64) -> Option<Judgement> {
        let judgement = self.step(time, value).map(|(previous, elapsed)| {
            let times = elapsed / self.per_ms;
            let score = (saturate(value - previous) / times).clamp(-MAX_SCORE, MAX_SCORE);
            let reach = saturate(self.threshold * times);
            Judgement {
                expected: previous,
                low: saturate(previous - reach),
                high: saturate(previous + reach),
                score,
                anomaly: score.abs() >= self.threshold,
            }
        });
        if value.is_finite() {
            self.previous = Some((time, value));
        }
        judgement
    }

    fn workings(&self, time: i64, value: f64) -> Option<Workings> {
        let (previous, elapsed) = self.step(time, value)?;
        Some(Workings {
            formula: "(value - previous) / (elapsed / per)",
            figures: vec![
                ("previous", previous),
                ("elapsed", elapsed / 1_000.0),
                ("per", self.per_ms / 1_000.0),
            ],
            points: vec![previous],
            usual: previous,
        })
    }
}
