//! Cumulative sums in both directions: how far a series has drifted from its level, and keeps drifting.
//!
//! ```text
//!   z = (x − mean) / deviation            of the past
//!   above ← max(0, above + z − drift)     below ← max(0, below − z − drift)
//! ```
//!
//! Page 1954, *Continuous inspection schemes*. The distance of a running sum of z − drift from its lowest
//! value so far, as Hinkley 1971 writes it, is the same number.
//!
//! **Invariant:** both are from 0 to [`MAX_SCORE`].

use super::{Judgement, MAX_SCORE, Workings, saturate};
use serde::{Deserialize, Serialize};

/// The two sums with this point in them, the larger one with its sign.
const FORMULA: &str = "CASE WHEN deviation = 0 AND value <> mean THEN NULL \
    WHEN above + coalesce((value - mean) / deviation, 0) >= below - coalesce((value - mean) / deviation, 0) \
        AND above + coalesce((value - mean) / deviation, 0) > drift THEN above + coalesce((value - mean) / deviation, 0) - drift \
    WHEN below - coalesce((value - mean) / deviation, 0) > drift THEN -(below - coalesce((value - mean) / deviation, 0) - drift) \
    ELSE 0 END";

/// The sums of one series, and when they are too large.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Cumulative {
    drift: f64,
    threshold: f64,
    above: f64,
    below: f64,
}

impl Cumulative {
    pub(crate) fn new(drift: f64, threshold: f64) -> Self {
        Self { drift, threshold, above: 0.0, below: 0.0 }
    }

    /// Adds a point of a series with this mean and deviation; an anomaly begins the sums anew. The band
    /// holds the points that are none.
    #[inline]
    pub(crate) fn add(&mut self, value: f64, mean: f64, deviation: f64) -> Judgement {
        let distance = saturate(value - mean);
        // Without a deviation this is an infinity, and the sum the largest score.
        let z = if distance == 0.0 { 0.0 } else { distance / deviation };
        let left = |sum: f64| saturate((self.threshold + self.drift - sum) * deviation);
        let (low, high) = (saturate(mean - left(self.below)), saturate(mean + left(self.above)));
        self.above = (self.above + z - self.drift).clamp(0.0, MAX_SCORE);
        self.below = (self.below - z - self.drift).clamp(0.0, MAX_SCORE);
        let score = if self.above >= self.below { self.above } else { -self.below };
        let anomaly = score.abs() >= self.threshold;
        if anomaly {
            (self.above, self.below) = (0.0, 0.0);
        }
        Judgement { expected: mean, low, high, score, anomaly }
    }

    pub(crate) fn workings(&self, mean: f64, deviation: f64, points: Vec<f64>) -> Workings {
        Workings {
            formula: FORMULA,
            figures: vec![
                ("mean", mean),
                ("deviation", deviation),
                ("drift", self.drift),
                ("above", self.above),
                ("below", self.below),
            ],
            points,
            usual: mean,
        }
    }
}
