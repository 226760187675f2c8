//! Fixed limits, with hysteresis: outside of them a point is an anomaly, until one is well inside again.
//!
//! ```text
//!   above = 10       ┈┈┈┈▪┈┈┈┈┈┈┈┈┈┈┈┈┈┈    > 10: an anomaly
//!   hysteresis = 2   ──▪────▪─▪─────────    > 8: still one
//!                               ▪           ≤ 8: none, and from here on 10 counts again
//! ```
//!
//! The score is how far a point lies outside of the limits that count at this moment: above 0 over them,
//! below 0 under them, 0 within. It has no past to learn and judges the first point.

use super::{Detect, Judgement, MAX_SCORE, Workings};
use crate::spec::ThresholdSpec;
use serde::{Deserialize, Serialize};

/// The limits of one series, and which of them it has passed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Threshold {
    /// Without a limit, the smallest and the largest number.
    below: f64,
    above: f64,
    hysteresis: f64,
    side: Side,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Side {
    Below,
    Within,
    Above,
}

impl Threshold {
    pub(crate) fn new(spec: &ThresholdSpec) -> Self {
        Self {
            below: spec.below.unwrap_or(f64::MIN),
            above: spec.above.unwrap_or(f64::MAX),
            hysteresis: spec.hysteresis,
            side: Side::Within,
        }
    }

    /// The limits that count at this moment.
    #[inline]
    fn limits(&self) -> (f64, f64) {
        match self.side {
            Side::Below => ((self.below + self.hysteresis).min(self.above), self.above),
            Side::Within => (self.below, self.above),
            Side::Above => (self.below, (self.above - self.hysteresis).max(self.below)),
        }
    }
}

impl Detect for Threshold {
    #[inline]
    fn judge(&mut self, _time: i64, value: f64) -> Option<Judgement> {
        if !value.is_finite() {
            return None;
        }
        let (low, high) = self.limits();
        let expected = value.clamp(low, high);
        self.side = match value {
            x if x < low => Side::Below,
            x if x > high => Side::Above,
            _ => Side::Within,
        };
        let score = (value - expected).clamp(-MAX_SCORE, MAX_SCORE);
        Some(Judgement { expected, low, high, score, anomaly: self.side != Side::Within })
    }

    fn workings(&self, _time: i64, value: f64) -> Option<Workings> {
        let (low, high) = self.limits();
        // What has no limit has no figure.
        let (formula, mut figures) = match (low > f64::MIN, high < f64::MAX) {
            (true, false) => (BELOW, vec![("low", low)]),
            (false, true) => (ABOVE, vec![("high", high)]),
            _ => (EITHER, vec![("low", low), ("high", high)]),
        };
        figures.push(("hysteresis", self.hysteresis));
        value.is_finite().then(|| Workings {
            formula,
            figures,
            points: Vec::new(),
            usual: value.clamp(low, high),
        })
    }
}

const BELOW: &str = "CASE WHEN value < low THEN value - low ELSE 0 END";
const ABOVE: &str = "CASE WHEN value > high THEN value - high ELSE 0 END";
const EITHER: &str = "CASE WHEN value > high THEN value - high WHEN value < low THEN value - low ELSE 0 END";
