//! The rolling z-score.
//!
//! ```text
//!   z = (x − mean) / deviation      mean and sample deviation (n − 1) of the last `window` points
//!   anomaly when |z| ≥ threshold    band = mean ± threshold · deviation
//! ```
//!
//! With `include_current` the point counts among the `window` points that it is compared with. That is
//! the textbook mistake: such a z cannot exceed (n − 1)/√n, so a window of 20 never reaches 4.3
//! (Shiffler 1988, *Maximum Z scores and outliers*).

use super::sliding::{Sliding, Spread};
use super::{Detect, Judgement, Workings};
use crate::spec::{DEFAULT_MIN_POINTS, ZscoreSpec};
use serde::{Deserialize, Serialize};

/// The rolling z-score of one series.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Zscore {
    threshold: f64,
    min_points: usize,
    include_current: bool,
    past: Sliding,
}

impl Zscore {
    pub(crate) fn new(spec: &ZscoreSpec) -> Self {
        Self {
            threshold: spec.threshold,
            min_points: spec.min_points.unwrap_or(DEFAULT_MIN_POINTS.min(spec.window)) as usize,
            include_current: spec.include_current,
            past: Sliding::new(spec.window as usize),
        }
    }
}

impl Detect for Zscore {
    #[inline]
    fn judge(&mut self, _time: i64, value: f64) -> Option<Judgement> {
        if !value.is_finite() {
            return None;
        }
        if self.include_current {
            self.past.push(value);
        }
        let judgement = (self.past.len() >= self.min_points).then(|| {
            let Spread { mean, deviation, .. } = self.past.spread();
            Judgement::around(value, mean, deviation, self.threshold)
        });
        if !self.include_current {
            self.past.push(value);
        }
        judgement
    }

    fn workings(&self, _time: i64, value: f64) -> Option<Workings> {
        let mut past = self.past.clone();
        if self.include_current {
            past.push(value);
        }
        let spread = (past.len() >= self.min_points && value.is_finite()).then(|| past.spread())?;
        let usual = if self.past.len() < 2 { value } else { self.past.spread().mean };
        let Spread { n, mean, deviation } = spread;
        Some(Workings {
            formula: "(value - mean) / deviation",
            figures: vec![("mean", mean), ("deviation", deviation), ("points", f64::from(n))],
            points: past.points().collect(),
            usual: if self.include_current { usual } else { mean },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::MAX_SCORE;
    use super::*;

    fn zscore(window: u32, threshold: f64, min_points: u32, include_current: bool) -> Zscore {
        Zscore::new(&ZscoreSpec { window, threshold, min_points: Some(min_points), include_current })
    }

    fn last(detector: &mut Zscore, points: &[f64]) -> Option<Judgement> {
        points.iter().fold(None, |_, &point| detector.judge(0, point))
    }

    #[test]
    fn scores_against_the_past_by_hand() {
        // Past 2, 4, 6: mean 4, sample deviation 2. Then 10: (10 − 4) / 2 = 3.
        let judged = last(&mut zscore(3, 3.0, 3, false), &[2.0, 4.0, 6.0, 10.0]).unwrap();
        assert_eq!(judged, Judgement { expected: 4.0, low: -2.0, high: 10.0, score: 3.0, anomaly: true });
        // Just inside the threshold.
        assert!(!last(&mut zscore(3, 3.0, 3, false), &[2.0, 4.0, 6.0, 9.999]).unwrap().anomaly);
        // The window forgets: past 4, 6, 8, mean 6.
        assert_eq!(last(&mut zscore(3, 3.0, 3, false), &[2.0, 4.0, 6.0, 8.0, 6.0]).unwrap().score, 0.0);
    }

    #[test]
    fn stays_silent_until_it_has_its_points() {
        let mut detector = zscore(5, 3.0, 3, false);
        let judged: Vec<bool> =
            [1.0, 2.0, 3.0, 4.0].iter().map(|&x| detector.judge(0, x).is_some()).collect();
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
            let judged = detector.judge(0, point).unwrap();
            assert_eq!(judged.score, expected, "{past:?} then {point}");
            assert!([judged.expected, judged.low, judged.high].iter().all(|x| x.is_finite()), "{judged:?}");
        }
    }

    #[test]
    fn what_is_not_finite_is_not_learned() {
        let mut detector = zscore(10, 3.0, 2, false);
        last(&mut detector, &[1.0, 2.0, 3.0]);
        for point in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(detector.judge(0, point), None);
        }
        assert_eq!(detector.judge(0, 2.0).unwrap().score, 0.0);
    }

    #[test]
    fn extremes_never_give_what_is_not_finite() {
        let extremes = [0.0, -0.0, 1.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 1e-320, 1e154, -1e200];
        let mut detector = zscore(4, 3.0, 2, false);
        for i in 0..2_000_usize {
            let point = extremes[(i * i + i / 7) % extremes.len()];
            if let Some(judged) = detector.judge(0, point) {
                let figures = [judged.expected, judged.low, judged.high, judged.score];
                assert!(figures.iter().all(|x| x.is_finite()), "{point}: {judged:?}");
            }
        }
    }
}
