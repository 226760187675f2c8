//! Detectors: how unlike its past a point is. One file a kind.
//!
//! A detector reads one series a key and judges each point **before** it learns it:
//!
//! ```text
//!   past  ··· ·· ··· ·     ─► expected, band, score     (workings: the figures behind the score)
//!   point        ▪         ─► verdict
//!                             then the point is past, too
//! ```
//!
//! **Invariant:** only finite points enter state, and every figure of a judgement is finite, a score at
//! most [`MAX_SCORE`] from zero. Without spread, a point like the past scores 0 and any other
//! [`MAX_SCORE`].

mod absence;
mod calendar;
mod cumulative;
mod cusum;
mod ewma;
mod fading;
mod net;
mod novelty;
mod ordered;
mod page_hinkley;
mod period;
mod rate_of_change;
mod robust_zscore;
mod seasonal;
mod sliding;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
mod threshold;
mod zscore;

use crate::spec::{DetectorKind, SpecError};
use crate::time::Millis;
use absence::Absence;
use cusum::Cusum;
use ewma::Ewma;
use novelty::Novelty;
use page_hinkley::PageHinkley;
use rate_of_change::RateOfChange;
use robust_zscore::RobustZscore;
use seasonal::Seasonal;
use serde::{Deserialize, Serialize};
use threshold::Threshold;
use zscore::Zscore;

/// The largest score: what a point gets that differs from a past without spread.
pub const MAX_SCORE: f64 = 1e6;

/// What a detector says of one point; see [`Score`](crate::Score).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// What the past leads to expect.
    pub expected: f64,
    /// From here on a value is no anomaly.
    pub low: f64,
    /// Up to here a value is no anomaly.
    pub high: f64,
    /// How unlike the past it is, at most [`MAX_SCORE`] from zero.
    pub score: f64,
    /// The verdict.
    pub anomaly: bool,
}

impl Judgement {
    /// Of a point that should be near `expected`, where a deviation is this much.
    #[inline]
    fn around(value: f64, expected: f64, deviation: f64, threshold: f64) -> Self {
        let score = deviations(saturate(value - expected), deviation);
        let reach = saturate(threshold * deviation);
        Self {
            expected,
            low: saturate(expected - reach),
            high: saturate(expected + reach),
            score,
            anomaly: score.abs() >= threshold,
        }
    }

    /// The same of a point that lies so much higher.
    #[inline]
    fn above(self, by: f64) -> Self {
        let [expected, low, high] = [self.expected, self.low, self.high].map(|x| saturate(x + by));
        Self { expected, low, high, ..self }
    }
}

/// How a score comes about: what a person needs to check it by hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Workings {
    /// The score as an expression over `value` and the names of the figures, in the language of `where`:
    /// `(value - mean) / deviation`. Where it has no value, as nothing is divided by 0, the past has no
    /// spread; a result beyond ±[`MAX_SCORE`] counts as that.
    pub formula: &'static str,
    /// What stands in the formula, and what else the verdict follows from.
    pub figures: Vec<(&'static str, f64)>,
    /// The points that it was compared with, the oldest first, where the kind keeps them.
    pub points: Vec<f64>,
    /// A value like the past, which is no anomaly.
    pub usual: f64,
}

/// The detector of one series.
pub(crate) trait Detect: Clone {
    /// Judges a point against the past, then learns it. `time` is the start of its window or the time of
    /// its event, and may step back. `None` while the past is too short, and for a point that is not
    /// finite, which is not learned.
    fn judge(&mut self, time: i64, value: f64) -> Option<Judgement>;

    /// The figures behind the judgement of a point that would come next; `None` where there would be none.
    fn workings(&self, time: i64, value: f64) -> Option<Workings>;
}

/// One kind's detectors: each key's, and the one that every key begins with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Each<D> {
    fresh: D,
    keys: Vec<D>,
}

impl<D: Detect> Each<D> {
    fn new(fresh: D) -> Self {
        Self { fresh, keys: Vec::new() }
    }

    pub(crate) fn of(&self, key: u32) -> &D {
        self.keys.get(key as usize).unwrap_or(&self.fresh)
    }

    /// The detector of a key, to change it.
    pub(crate) fn of_mut(&mut self, key: u32) -> &mut D {
        self.reach(key as usize + 1);
        &mut self.keys[key as usize]
    }

    /// Each key's, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &D> {
        self.keys.iter()
    }

    fn reach(&mut self, keys: usize) {
        if self.keys.len() < keys {
            self.keys.resize(keys, self.fresh.clone());
        }
    }

    fn judge_all(
        &mut self,
        (keys, times, values): (&[u32], &[i64], &[f64]),
        mut take: impl FnMut(usize, Judgement),
    ) {
        self.reach(keys.iter().max().map_or(0, |newest| *newest as usize + 1));
        for (i, &key) in keys.iter().enumerate() {
            if let Some(judgement) = self.keys[key as usize].judge(times[i], values[i]) {
                take(i, judgement);
            }
        }
    }
}

/// Makes [`Series`] of the kinds there are, so that a kind is looked at once a block and not once a point.
macro_rules! series {
    ($($kind:ident),+) => {
        /// A detector's series, by key.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub(crate) enum Series {
            $($kind(Each<$kind>)),+
        }

        impl Series {
            /// No series yet.
            pub(crate) fn new(kind: &DetectorKind) -> Self {
                match kind {
                    $(DetectorKind::$kind(spec) => Self::$kind(Each::new($kind::new(spec)))),+
                }
            }

            /// Judges a point of each of these keys, at these times and of these values, one after the
            /// other; gives the place of each that was judged.
            #[inline]
            pub(crate) fn judge_all(
                &mut self,
                points: (&[u32], &[i64], &[f64]),
                take: impl FnMut(usize, Judgement),
            ) {
                match self {
                    $(Self::$kind(each) => each.judge_all(points, take)),+
                }
            }

            /// What [`Detect::workings`] says of a key's series.
            pub(crate) fn workings(&self, key: u32, time: i64, value: f64) -> Option<Workings> {
                match self {
                    $(Self::$kind(each) => each.of(key).workings(time, value)),+
                }
            }

            /// The series of one key alone.
            pub(crate) fn only(&self, key: u32) -> Self {
                match self {
                    $(Self::$kind(each) => {
                        let mut alone = Each::new(each.fresh.clone());
                        alone.reach(key as usize);
                        alone.keys.push(each.of(key).clone());
                        Self::$kind(alone)
                    }),+
                }
            }
        }
    };
}

series!(Zscore, RobustZscore, Ewma, Seasonal, Cusum, PageHinkley, RateOfChange, Absence, Threshold, Novelty);

impl Series {
    /// Judges one point.
    pub(crate) fn judge(&mut self, key: u32, time: i64, value: f64) -> Option<Judgement> {
        let mut judged = None;
        self.judge_all((&[key], &[time], &[value]), |_, judgement| judged = Some(judgement));
        judged
    }
}

impl Series {
    /// The series of a detector of absence.
    pub(crate) fn as_absence(&mut self) -> Option<&mut Each<Absence>> {
        match self {
            Self::Absence(each) => Some(each),
            _ => None,
        }
    }
}

/// A detector over one series alone, without a pipeline around it.
///
/// ```
/// use kappascope_core::Millis;
/// use kappascope_core::detect::Detector;
/// use kappascope_core::spec::{DetectorKind, ZscoreSpec};
///
/// let kind = ZscoreSpec { window: 3, threshold: 3.0, min_points: Some(3), include_current: false };
/// let mut detector = Detector::new(&DetectorKind::Zscore(kind))?;
/// for (second, value) in [2.0, 4.0, 6.0].into_iter().enumerate() {
///     assert_eq!(detector.judge(Millis(1_000 * second as i64), value), None, "it still learns");
/// }
/// let judgement = detector.judge(Millis(3_000), 10.0).unwrap();
/// assert_eq!((judgement.score, judgement.anomaly), (3.0, true));
/// # Ok::<(), kappascope_core::SpecError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Detector(Series);

impl Detector {
    /// Of this kind, with no past.
    ///
    /// # Errors
    /// On a setting out of its range.
    pub fn new(kind: &DetectorKind) -> Result<Self, SpecError> {
        kind.check_alone()?;
        Ok(Self(Series::new(kind)))
    }

    /// Judges a point against the past, then learns it. `None` while the past is too short, and for a
    /// point that is not finite, which is not learned.
    #[inline]
    pub fn judge(&mut self, time: Millis, value: f64) -> Option<Judgement> {
        self.0.judge(0, time.0, value)
    }

    /// The figures behind the judgement of a point that would come next; `None` where there would be none.
    #[must_use]
    pub fn workings(&self, time: Millis, value: f64) -> Option<Workings> {
        self.0.workings(0, time.0, value)
    }
}

/// How many deviations a point lies from the mean; [`MAX_SCORE`] where there is no deviation.
fn deviations(distance: f64, deviation: f64) -> f64 {
    if distance == 0.0 {
        0.0
    } else {
        // A deviation of 0 gives an infinity here, which the clamp turns into the largest score.
        (distance / deviation).clamp(-MAX_SCORE, MAX_SCORE)
    }
}

/// The nearest finite number.
fn saturate(x: f64) -> f64 {
    x.clamp(f64::MIN, f64::MAX)
}
