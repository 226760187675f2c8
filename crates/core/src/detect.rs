//! Detectors: how unlike its past a point is.
//!
//! A detector reads one series a key and judges each point **before** it learns it. The z-score
//!
//! ```text
//!   z = (x − mean) / deviation      mean and sample deviation (n − 1) of the last `window` points
//!   anomaly when |z| ≥ threshold    band = mean ± threshold · deviation
//! ```
//!
//! With `include_current` the point counts among the `window` points that it is compared with. That is
//! the textbook mistake: such a z cannot exceed (n − 1)/√n, so a window of 20 never reaches 4.3
//! (Shiffler 1988, *Maximum Z scores and outliers*).
//!
//! **Invariant:** only finite points enter state, and every score is finite, at most [`MAX_SCORE`] from
//! zero. Without spread, a point equal to the mean scores 0 and any other [`MAX_SCORE`].

use crate::spec::DetectorSpec;
use std::collections::VecDeque;

/// The largest score: what a point gets that differs from a past without spread.
pub const MAX_SCORE: f64 = 1e6;

/// How many past points a detector needs before it speaks, unless the pipeline says otherwise.
pub const DEFAULT_MIN_POINTS: u32 = 10;

/// What a detector says of one point; see [`Score`](crate::Score).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Judgement {
    pub(crate) expected: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) score: f64,
    pub(crate) anomaly: bool,
}

/// The rolling z-score of one series.
#[derive(Clone, Debug)]
pub(crate) struct ZScore {
    window: usize,
    threshold: f64,
    min_points: usize,
    include_current: bool,
    past: VecDeque<f64>,
}

impl ZScore {
    pub(crate) fn new(spec: &DetectorSpec) -> Self {
        Self {
            window: spec.window as usize,
            threshold: spec.threshold,
            min_points: spec.min_points.unwrap_or(DEFAULT_MIN_POINTS.min(spec.window)) as usize,
            include_current: spec.include_current,
            past: VecDeque::with_capacity(spec.window as usize),
        }
    }

    /// Judges a point against the past, then learns it. `None` while the past is too short, and for a
    /// point that is not finite, which is not learned.
    pub(crate) fn judge(&mut self, value: f64) -> Option<Judgement> {
        if !value.is_finite() {
            return None;
        }
        if self.include_current {
            self.learn(value);
        }
        let judgement = (self.past.len() >= self.min_points).then(|| self.compare(value));
        if !self.include_current {
            self.learn(value);
        }
        judgement
    }

    fn learn(&mut self, value: f64) {
        if self.past.len() == self.window {
            self.past.pop_front();
        }
        self.past.push_back(value);
    }

    fn compare(&self, value: f64) -> Judgement {
        let (mean, deviation) = mean_and_deviation(&self.past);
        let score = score(saturate(value - mean), deviation);
        let reach = saturate(self.threshold * deviation);
        Judgement {
            expected: mean,
            low: saturate(mean - reach),
            high: saturate(mean + reach),
            score,
            anomaly: score.abs() >= self.threshold,
        }
    }
}

fn score(distance: f64, deviation: f64) -> f64 {
    if distance == 0.0 {
        0.0
    } else {
        // A deviation of 0 gives an infinity here, which the clamp turns into the largest score.
        (distance / deviation).clamp(-MAX_SCORE, MAX_SCORE)
    }
}

/// Mean and sample standard deviation in two passes from the oldest point on, so that no running sum
/// drifts. The mean is taken from the first point, which makes it exact for a constant series; squares
/// are taken of deviations scaled to at most 1, so that points near the end of `f64` cannot overflow them.
fn mean_and_deviation(points: &VecDeque<f64>) -> (f64, f64) {
    let (n, first) = (points.len() as f64, points[0]);
    let mean = saturate(points.iter().fold(first, |mean, x| mean + (x - first) / n));
    let widest = saturate(points.iter().fold(0.0_f64, |widest, x| widest.max((x - mean).abs())));
    if widest == 0.0 {
        return (mean, 0.0);
    }
    let squares = points.iter().fold(0.0, |sum, x| {
        let scaled = saturate(x - mean) / widest;
        sum + scaled * scaled
    });
    (mean, saturate(widest * (squares / (n - 1.0)).sqrt()))
}

fn saturate(x: f64) -> f64 {
    x.clamp(f64::MIN, f64::MAX)
}
