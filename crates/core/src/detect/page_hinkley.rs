//! Page-Hinkley: a change of the level is told once, and the new level is learned from there.
//!
//! ```text
//!   level     ▁▁▁▁▁▁▁▁▁▇▇▇▇▇▇▇▇▇▇▁▁▁
//!   sums      0 0 0 0 0 ╱▲              an anomaly forgets all that came before it
//!   silent    └────┘      └────┘        until there are `min_points` of the new past
//! ```
//!
//! The anomaly itself is not learned: it may be a spike, and the new past would begin with it. The sums are
//! those of [`Cumulative`]. Mean and deviation are of the last `window` points, or fade by
//! `alpha`. That a detection begins everything anew is what River and MOA do; there the mean is of all
//! points since, and nothing is divided by a deviation: here a threshold fits series of every unit.

use super::cumulative::Cumulative;
use super::fading::Fading;
use super::sliding::{Sliding, Spread};
use super::{Detect, Judgement, Workings};
use crate::spec::{DEFAULT_MIN_POINTS, PageHinkleySpec};
use serde::{Deserialize, Serialize};

/// The sums of one series, and the past that it is standardised by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PageHinkley {
    min_points: usize,
    sums: Cumulative,
    past: Past,
}

/// The points since the last change; of a window with its length.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Past {
    Fading(Fading),
    Window(usize, Sliding),
}

impl Past {
    fn push(&mut self, value: f64) {
        match self {
            Self::Fading(past) => past.push(value),
            Self::Window(_, past) => past.push(value),
        }
    }

    fn forget(&mut self) {
        match self {
            Self::Fading(past) => past.forget(),
            Self::Window(window, past) => *past = Sliding::new(*window),
        }
    }

    fn spread(&self, min_points: usize) -> Option<(f64, f64)> {
        match self {
            Self::Fading(past) => (past.points as usize >= min_points).then_some((past.mean, past.deviation)),
            Self::Window(_, past) => (past.len() >= min_points).then(|| {
                let Spread { mean, deviation, .. } = past.spread();
                (mean, deviation)
            }),
        }
    }

    fn points(&self) -> Vec<f64> {
        match self {
            Self::Fading(_) => Vec::new(),
            Self::Window(_, past) => past.points().collect(),
        }
    }
}

impl PageHinkley {
    pub(crate) fn new(spec: &PageHinkleySpec) -> Self {
        let past = match (spec.alpha, spec.window) {
            (Some(alpha), _) => Past::Fading(Fading::new(alpha)),
            (None, window) => {
                let window = window.expect("the spec was checked") as usize;
                Past::Window(window, Sliding::new(window))
            }
        };
        let enough = DEFAULT_MIN_POINTS.min(spec.window.unwrap_or(DEFAULT_MIN_POINTS));
        Self {
            min_points: spec.min_points.unwrap_or(enough) as usize,
            sums: Cumulative::new(spec.drift, spec.threshold),
            past,
        }
    }
}

impl Detect for PageHinkley {
    #[inline]
    fn judge(&mut self, _time: i64, value: f64) -> Option<Judgement> {
        if !value.is_finite() {
            return None;
        }
        let spread = self.past.spread(self.min_points);
        let judgement = spread.map(|(mean, deviation)| self.sums.add(value, mean, deviation));
        if judgement.is_some_and(|judgement| judgement.anomaly) {
            self.past.forget();
        } else {
            self.past.push(value);
        }
        judgement
    }

    fn workings(&self, _time: i64, value: f64) -> Option<Workings> {
        let (mean, deviation) = self.past.spread(self.min_points).filter(|_| value.is_finite())?;
        Some(self.sums.workings(mean, deviation, self.past.points()))
    }
}
