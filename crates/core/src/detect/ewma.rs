//! Distance from the exponentially weighted mean, in exponentially weighted deviations.
//!
//! ```text
//!   score = (x − mean) / deviation      both of [`Fading`]: a point weighs α when it comes, then less
//!   anomaly when |score| ≥ threshold    band = mean ± threshold · deviation
//! ```
//!
//! A point lies about 1/α points back in the middle. Two words of state where a window has hundreds.

use super::fading::Fading;
use super::{Detect, Judgement, Workings};
use crate::spec::{DEFAULT_MIN_POINTS, EwmaSpec};
use serde::{Deserialize, Serialize};

/// What the score is, for those kinds that compare with a mean and a deviation.
pub(super) const FORMULA: &str = "(value - mean) / deviation";

/// The exponentially weighted past of one series.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ewma {
    threshold: f64,
    min_points: u32,
    past: Fading,
}

impl Ewma {
    pub(crate) fn new(spec: &EwmaSpec) -> Self {
        Self {
            threshold: spec.threshold,
            min_points: spec.min_points.unwrap_or(DEFAULT_MIN_POINTS),
            past: Fading::new(spec.alpha),
        }
    }

    fn speaks(&self, value: f64) -> bool {
        value.is_finite() && self.past.points >= self.min_points
    }
}

impl Detect for Ewma {
    #[inline]
    fn judge(&mut self, _time: i64, value: f64) -> Option<Judgement> {
        let Fading { mean, deviation, .. } = self.past;
        let judgement = self.speaks(value).then(|| Judgement::around(value, mean, deviation, self.threshold));
        if value.is_finite() {
            self.past.push(value);
        }
        judgement
    }

    fn workings(&self, _time: i64, value: f64) -> Option<Workings> {
        let Fading { mean, deviation, .. } = self.past;
        self.speaks(value).then(|| Workings {
            formula: FORMULA,
            figures: vec![("mean", mean), ("deviation", deviation)],
            points: Vec::new(),
            usual: mean,
        })
    }
}
