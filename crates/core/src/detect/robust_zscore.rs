//! The robust z-score: distance from the median in median absolute deviations.
//!
//! ```text
//!   score = (x − median) / deviation      deviation = max(1.4826 · MAD, floor), of the last `window` points
//!   anomaly when |score| ≥ threshold      band = median ± threshold · deviation
//! ```
//!
//! MAD is the median of the distances from the median. 1.4826 makes it the deviation where points are
//! normal (Iglewicz and Hoaglin 1993, *How to detect and handle outliers*, who write 1/0.6745). Half of
//! the window may be outliers and nothing moves. A window of which half is one value has a MAD of 0:
//! `floor`, in the unit of the series, is for those.

use super::ordered::Ordered;
use super::{Detect, Judgement, Workings, saturate};
use crate::spec::{DEFAULT_MIN_POINTS, RobustZscoreSpec};
use serde::{Deserialize, Serialize};

/// One over the upper quartile of the normal distribution: how many deviations a MAD is.
const DEVIATIONS_PER_MAD: f64 = 1.4826;

/// The robust z-score of one series.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RobustZscore {
    threshold: f64,
    min_points: usize,
    floor: f64,
    past: Ordered,
}

impl RobustZscore {
    pub(crate) fn new(spec: &RobustZscoreSpec) -> Self {
        Self {
            threshold: spec.threshold,
            min_points: spec.min_points.unwrap_or(DEFAULT_MIN_POINTS.min(spec.window)) as usize,
            floor: spec.floor,
            past: Ordered::new(spec.window as usize),
        }
    }

    fn speaks(&self, value: f64) -> bool {
        value.is_finite() && self.past.len() >= self.min_points
    }

    fn deviation(&self, mad: f64) -> f64 {
        saturate(DEVIATIONS_PER_MAD * mad).max(self.floor)
    }
}

impl Detect for RobustZscore {
    #[inline]
    fn judge(&mut self, _time: i64, value: f64) -> Option<Judgement> {
        let judgement = self.speaks(value).then(|| {
            let (median, mad) = self.past.median_and_mad();
            Judgement::around(value, median, self.deviation(mad), self.threshold)
        });
        if value.is_finite() {
            self.past.push(value);
        }
        judgement
    }

    fn workings(&self, _time: i64, value: f64) -> Option<Workings> {
        let (median, mad) = self.speaks(value).then(|| self.past.median_and_mad())?;
        Some(Workings {
            formula: "(value - median) / deviation",
            figures: vec![
                ("median", median),
                ("mad", mad),
                ("floor", self.floor),
                ("deviation", self.deviation(mad)),
                ("points", self.past.len() as f64),
            ],
            points: self.past.points().collect(),
            usual: median,
        })
    }
}
