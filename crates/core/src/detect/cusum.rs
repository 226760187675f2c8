//! CUSUM: a small shift of the level that stays is told, as its distances add up.
//!
//! ```text
//!   z              · · · ▪ ▪ ▪ ▪         each one deviation above, drift 0.5
//!   above          0 0 0 ½ 1 1½ 2        an anomaly at the threshold; then from 0 on
//! ```
//!
//! Mean and deviation are of the last `window` points, the sums those of [`Cumulative`], the score the
//! larger of the two, negative for `below`. An anomaly begins the sums anew and leaves the window: a shift
//! is told again until the window has the new level.

use super::cumulative::Cumulative;
use super::sliding::{Sliding, Spread};
use super::{Detect, Judgement, Workings};
use crate::spec::{CusumSpec, DEFAULT_MIN_POINTS};
use serde::{Deserialize, Serialize};

/// The sums of one series, and the past that it is standardised by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Cusum {
    min_points: usize,
    sums: Cumulative,
    past: Sliding,
}

impl Cusum {
    pub(crate) fn new(spec: &CusumSpec) -> Self {
        Self {
            min_points: spec.min_points.unwrap_or(DEFAULT_MIN_POINTS.min(spec.window)) as usize,
            sums: Cumulative::new(spec.drift, spec.threshold),
            past: Sliding::new(spec.window as usize),
        }
    }

    fn spread(&self, value: f64) -> Option<Spread> {
        (value.is_finite() && self.past.len() >= self.min_points).then(|| self.past.spread())
    }
}

impl Detect for Cusum {
    #[inline]
    fn judge(&mut self, _time: i64, value: f64) -> Option<Judgement> {
        let spread = self.spread(value);
        let judgement = spread.map(|spread| self.sums.add(value, spread.mean, spread.deviation));
        if value.is_finite() {
            self.past.push(value);
        }
        judgement
    }

    fn workings(&self, _time: i64, value: f64) -> Option<Workings> {
        let Spread { mean, deviation, .. } = self.spread(value)?;
        Some(self.sums.workings(mean, deviation, self.past.points().collect()))
    }
}
