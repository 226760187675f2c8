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

use crate::sliding::{Sliding, Spread, saturate};
use crate::spec::DetectorSpec;
use serde::{Deserialize, Serialize};

/// The largest score: what a point gets that differs from a past without spread.
pub const MAX_SCORE: f64 = 1e6;

/// How many past points a detector needs before it speaks, unless the pipeline says otherwise.
pub const DEFAULT_MIN_POINTS: u32 = 10;

/// What a detector says of one point; see [`Score`](crate::Score).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Judgement {
    /// How many points it was compared with.
    pub(crate) n: u32,
    /// Their mean.
    pub(crate) expected: f64,
    /// Their sample deviation: `score` is (point − `expected`) / `deviation`.
    pub(crate) deviation: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) score: f64,
    pub(crate) anomaly: bool,
}

/// The rolling z-score of one series.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ZScore {
    threshold: f64,
    min_points: usize,
    include_current: bool,
    past: Sliding,
}

impl ZScore {
    pub(crate) fn new(spec: &DetectorSpec) -> Self {
        Self {
            threshold: spec.threshold,
            min_points: spec.min_points.unwrap_or(DEFAULT_MIN_POINTS.min(spec.window)) as usize,
            include_current: spec.include_current,
            past: Sliding::new(spec.window as usize),
        }
    }

    /// Judges a point against the past, then learns it. `None` while the past is too short, and for a
    /// point that is not finite, which is not learned.
    #[inline]
    pub(crate) fn judge(&mut self, value: f64) -> Option<Judgement> {
        if !value.is_finite() {
            return None;
        }
        if self.include_current {
            self.past.push(value);
        }
        let judgement = (self.past.len() >= self.min_points).then(|| self.compare(value));
        if !self.include_current {
            self.past.push(value);
        }
        judgement
    }

    /// The points that it remembers, the oldest first.
    pub(crate) fn points(&self) -> impl Iterator<Item = f64> {
        self.past.points()
    }

    #[inline]
    fn compare(&self, value: f64) -> Judgement {
        let Spread { n, mean, deviation } = self.past.spread();
        let score = score(saturate(value - mean), deviation);
        let reach = saturate(self.threshold * deviation);
        Judgement {
            n,
            expected: mean,
            deviation,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn zscore(window: u32, threshold: f64, min_points: u32, include_current: bool) -> ZScore {
        ZScore::new(&DetectorSpec {
            name: "d".to_owned(),
            on: "q.count()".to_owned(),
            by: Vec::new(),
            kind: crate::spec::DetectorKind::Zscore,
            window,
            threshold,
            min_points: Some(min_points),
            include_current,
        })
    }

    fn last(detector: &mut ZScore, points: &[f64]) -> Option<Judgement> {
        points.iter().fold(None, |_, &point| detector.judge(point))
    }

    #[test]
    fn scores_against_the_past_by_hand() {
        // Past 2, 4, 6: mean 4, sample deviation 2. Then 10: (10 − 4) / 2 = 3.
        let judged = last(&mut zscore(3, 3.0, 3, false), &[2.0, 4.0, 6.0, 10.0]).unwrap();
        assert_eq!(
            judged,
            Judgement {
                n: 3,
                expected: 4.0,
                deviation: 2.0,
                low: -2.0,
                high: 10.0,
                score: 3.0,
                anomaly: true
            }
        );
        // Just inside the threshold.
        assert!(!last(&mut zscore(3, 3.0, 3, false), &[2.0, 4.0, 6.0, 9.999]).unwrap().anomaly);
        // The window forgets: past 4, 6, 8, mean 6.
        assert_eq!(last(&mut zscore(3, 3.0, 3, false), &[2.0, 4.0, 6.0, 8.0, 6.0]).unwrap().score, 0.0);
    }

    #[test]
    fn stays_silent_until_it_has_its_points() {
        let mut detector = zscore(5, 3.0, 3, false);
        let judged: Vec<bool> = [1.0, 2.0, 3.0, 4.0].iter().map(|&x| detector.judge(x).is_some()).collect();
        assert_eq!(judged, [false, false, false, true]);
    }

    #[test]
    fn including_the_current_point_caps_the_score() {
        for n in [3_u32, 10, 11, 20] {
            let mut points = vec![1.0; n as usize - 1];
            points.push(1e9);
            let cap = f64::from(n - 1) / f64::from(n).sqrt();
            let judged = last(&mut zscore(n, 3.0, n, true), &points).unwrap();
            assert!((judged.score - cap).abs() < 1e-9, "n = {n}: {} against {cap}", judged.score);
            let honest = last(&mut zscore(n, 3.0, n - 1, false), &points).unwrap();
            assert_eq!(honest.score, MAX_SCORE);
        }
    }

    #[test]
    fn degenerate_points_have_stated_answers() {
        // (past, point, score); the past is constant, huge, or both.
        let cases: [(&[f64], f64, f64); 6] = [
            (&[0.1; 9], 0.1, 0.0),
            (&[0.1; 9], 0.2, MAX_SCORE),
            (&[0.1; 9], -0.2, -MAX_SCORE),
            (&[1e300, 1e300, 1e300], 1e300, 0.0),
            (&[1.0, 1.0, 1.0], 1e300, MAX_SCORE),
            (&[f64::MAX, f64::MAX, f64::MAX], f64::MIN, -MAX_SCORE),
        ];
        for (past, point, expected) in cases {
            let mut detector = zscore(10, 3.0, 2, false);
            last(&mut detector, past);
            let judged = detector.judge(point).unwrap();
            assert_eq!(judged.score, expected, "{past:?} then {point}");
            assert!([judged.expected, judged.low, judged.high].iter().all(|x| x.is_finite()), "{judged:?}");
        }
    }

    #[test]
    fn what_is_not_finite_is_not_learned() {
        let mut detector = zscore(10, 3.0, 2, false);
        last(&mut detector, &[1.0, 2.0, 3.0]);
        for point in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(detector.judge(point), None);
        }
        assert_eq!(detector.judge(2.0).unwrap().score, 0.0);
    }

    #[test]
    fn extremes_never_give_what_is_not_finite() {
        let extremes = [0.0, -0.0, 1.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 1e-320, 1e154, -1e200];
        let mut detector = zscore(4, 3.0, 2, false);
        for i in 0..2_000_usize {
            let point = extremes[(i * i + i / 7) % extremes.len()];
            if let Some(judged) = detector.judge(point) {
                let figures = [judged.expected, judged.low, judged.high, judged.score];
                assert!(figures.iter().all(|x| x.is_finite()), "{point}: {judged:?}");
            }
        }
    }
}
