//! Exponentially weighted mean and deviation, in three words.
//!
//! ```text
//!   d = x − mean        mean ← mean + α·d        variance ← (1 − α)(variance + α·d²)
//! ```
//!
//! The first point is the mean. This is the weighted variance itself, not an estimate that lags behind:
//! Finch 2009, *Incremental calculation of weighted mean and variance*, equations 140 to 143.
//!
//! **Invariant:** both are finite; the deviation is kept in place of the variance, so that no point is so
//! large or so small that its square is lost.

use super::saturate;
use serde::{Deserialize, Serialize};

/// Within these a square neither overflows nor loses digits.
const PLAIN: std::ops::RangeInclusive<f64> = 1e-140..=1e150;

/// 2⁻⁵⁴⁰ and 2⁶⁰⁰: bring what is outside of [`PLAIN`] into it without changing a digit.
const SHRINK: f64 = f64::from_bits((1023 - 540) << 52);
const GROW: f64 = f64::from_bits((1023 + 600) << 52);

/// Mean and deviation of a series in which older points count for less.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Fading {
    alpha: f64,
    pub(crate) mean: f64,
    pub(crate) deviation: f64,
    /// How many points it has taken, as far as anybody asks.
    pub(crate) points: u32,
}

impl Fading {
    /// Each point weighs `alpha` when it comes, above 0 and below 1.
    pub(crate) fn new(alpha: f64) -> Self {
        Self { alpha, mean: 0.0, deviation: 0.0, points: 0 }
    }

    /// As if no point had come.
    pub(crate) fn forget(&mut self) {
        *self = Self::new(self.alpha);
    }

    /// Takes a finite point.
    #[inline]
    pub(crate) fn push(&mut self, point: f64) {
        if self.points == 0 {
            self.mean = point;
        } else {
            let distance = saturate(point - self.mean);
            self.mean += self.alpha * distance;
            self.deviation = self.deviation_with(distance);
        }
        self.points = self.points.saturating_add(1);
    }

    #[inline]
    fn deviation_with(&self, distance: f64) -> f64 {
        let largest = self.deviation.max(distance.abs());
        if PLAIN.contains(&largest) || largest == 0.0 {
            combined(self.alpha, self.deviation, distance)
        } else {
            let scale = if largest < 1.0 { GROW } else { SHRINK };
            saturate(combined(self.alpha, self.deviation * scale, distance * scale) / scale)
        }
    }
}

fn combined(alpha: f64, deviation: f64, distance: f64) -> f64 {
    ((1.0 - alpha) * (deviation * deviation + alpha * (distance * distance))).sqrt()
}
