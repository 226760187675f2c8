//! Why a point was an anomaly, or was not: what it was compared with, and what would have turned it.
//!
//! ```text
//!   baseline   ··· ·· ··· ·    n = 30, mean 4.0, deviation 2.0
//!   point                  ▪   10: score 3.0, an anomaly at threshold 3
//!   turned by              ▫   a value of 9.999…, or a threshold of 3.000…1
//! ```
//!
//! **Invariant:** what would have turned the verdict is the nearest there is: of values as the series can
//! have, whole numbers for counts; of thresholds, numbers. The detector itself is asked, not a formula.

use super::run::{Look, Piece, given, points_of_event, query_of, silences};
use super::{ExplainError, Given, Judged, Rerun};
use crate::aggregate::{Aggregate, Function};
use crate::change::{Change, Score, Timing, Transition};
use crate::detect::{Judgement, Series, Workings};
use crate::pipeline::Pipeline;
use crate::spec::DetectorSpec;

/// Which point to explain.
#[derive(Clone, Debug, PartialEq)]
pub struct PointTarget {
    /// Index of the detector.
    pub detector: u32,
    /// The strings of the key, in the order of the `by` of what the detector reads.
    pub key: Vec<String>,
    /// What it is known by.
    pub known_by: KnownBy,
}

/// What a point is known by. Several can have the same score at the same time; the first is meant then.
#[derive(Clone, Debug, PartialEq)]
pub enum KnownBy {
    /// Its time, value, what was expected of it, and score.
    Score(Score),
    /// Its time and its value.
    Value {
        /// Start of its window, or time of its event.
        time: i64,
        /// The value.
        value: f64,
    },
    /// A transition that it brought about.
    Transition(Transition),
}

impl PointTarget {
    /// The point of a score that this pipeline has given.
    #[must_use]
    pub fn of_score(pipeline: &Pipeline, score: &Score) -> Self {
        let key = pipeline.key_of_score(score.detector, score.key).map(str::to_owned).collect();
        Self { detector: score.detector, key, known_by: KnownBy::Score(score.clone()) }
    }

    /// The point behind a transition that this pipeline has given; none when there was none, as its key had
    /// no result in that window, and when its rule looks at results themselves, see
    /// [`ConditionTarget`](super::ConditionTarget).
    #[must_use]
    pub fn of_alert(pipeline: &Pipeline, alert: &Transition) -> Option<Self> {
        let detector = pipeline.detector_of_rule(alert.rule).filter(|_| !alert.absent)?;
        let key = pipeline.key_of_score(detector, alert.key).map(str::to_owned).collect();
        Some(Self { detector, key, known_by: KnownBy::Transition(alert.clone()) })
    }

    /// Start of its window, or time of its event.
    fn start(&self) -> i64 {
        match &self.known_by {
            KnownBy::Score(score) => score.time,
            KnownBy::Value { time, .. } => *time,
            KnownBy::Transition(alert) => alert.window_start,
        }
    }

    /// Whether a point of this key number is meant.
    fn is(&self, point: &Judged, key: u32) -> bool {
        let Score { detector, time, value, expected, score, .. } = point.score;
        (detector, point.score.key) == (self.detector, key)
            && match &self.known_by {
                KnownBy::Score(asked) => {
                    let asked = (asked.time, asked.value, asked.expected, asked.score);
                    (time, value, expected, score) == asked
                }
                KnownBy::Value { time: at, value: asked } => (time, value) == (*at, *asked),
                KnownBy::Transition(asked) => point.alerts.contains(asked),
            }
    }
}

/// Why a point was an anomaly, or was not; see the [module](super).
#[derive(Clone, Debug, PartialEq)]
pub struct Why {
    /// The row of the log that brought the point about; `None` when the end of the log did.
    pub row: Option<u64>,
    /// The point with its score, and the alerts that it moved.
    pub point: Judged,
    /// The result that it was read from; `None` when the detector reads events.
    pub result: Option<Given>,
    /// What its score follows from.
    pub workings: Workings,
    /// The detector's threshold, where its kind has one.
    pub threshold: Option<f64>,
    /// What would have turned the verdict.
    pub turn: Turn,
    /// All transitions of the alert that was asked for, up to the one that was asked for.
    pub alert: Vec<Transition>,
}

/// The smallest changes that turn a verdict, each on its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turn {
    /// The nearest value that the point could have had, the past being what it was; none when every value
    /// has the same verdict.
    pub value: Option<f64>,
    /// The nearest threshold; none when no threshold above 0 would do, or the kind has none.
    pub threshold: Option<f64>,
}

impl Rerun<'_> {
    /// Why a point was an anomaly, or was not.
    ///
    /// Costs two runs up to the point.
    ///
    /// # Errors
    /// When the pipeline cannot run from where it should, or gave no such point.
    pub fn point(&self, target: &PointTarget) -> Result<Why, ExplainError> {
        let mut run = self.begin()?;
        let from = run.row;
        let mut alert = Vec::new();
        let mut key = None;
        let marks = run.clone().survey(|pipeline| {
            key = find(pipeline, target, &mut alert);
            Look { closely: key.is_some(), enough: key.is_some() }
        });
        let nothing = || ExplainError::NoSuchPoint { start: target.start(), from, until: self.until };
        let key = key.ok_or_else(nothing)?;
        for _ in 1..marks.len() {
            run.step(run.block);
        }
        let spec = &self.spec.detector[target.detector as usize];
        loop {
            let mut series = OneSeries { key, series: run.pipeline.series(target.detector, key) };
            let first = run.row;
            let block = run.step(1).ok_or_else(nothing)?;
            let piece = Piece { first, block, pipeline: &run.pipeline };
            if let Some((point, result)) = self.point_in(&piece, key, target, &mut series) {
                let whole = result.is_some() && self.is_whole(spec);
                let workings = series.workings(&point.score).ok_or_else(nothing)?;
                let threshold = spec.kind.threshold();
                let turn = Turn::of(&series, &point.score, workings.usual, threshold, whole);
                return Ok(Why { row: piece.row(), point, result, workings, threshold, turn, alert });
            }
        }
    }

    /// The point, and the result that it was read from, if it is among what just changed. The series
    /// learns the points that came before it at the same time.
    fn point_in(
        &self,
        piece: &Piece<'_>,
        key: u32,
        target: &PointTarget,
        series: &mut OneSeries,
    ) -> Option<(Judged, Option<Given>)> {
        let is_it = |point: &Judged| target.is(point, key);
        if let Some(silence) = silences(self.spec, piece).into_iter().find(is_it) {
            return Some((silence, None));
        }
        let Some((query, aggregate)) = query_of(self.spec, &self.spec.detector[target.detector as usize])
        else {
            return points_of_event(self.spec, piece).into_iter().find(is_it).map(|point| (point, None));
        };
        for given in given(self.spec, query, key, piece) {
            if let Some(point) = given.points.iter().find(|point| is_it(point)).cloned() {
                return Some((point, Some(given)));
            }
            if given.timing == Timing::OnTime && !given.retraction {
                series.judge(given.start, given.values[aggregate].as_f64());
            }
        }
        None
    }

    /// Whether the points of a series are whole numbers from 1 on.
    fn is_whole(&self, detector: &DetectorSpec) -> bool {
        query_of(self.spec, detector).is_some_and(|(query, aggregate)| {
            let aggregate = &self.spec.query[query as usize].aggregates[aggregate];
            matches!(aggregate, Aggregate::Count | Aggregate::Of(Function::Distinct, _))
        })
    }
}

/// The number of the target's key if the target is among what just changed. Gathers what becomes of its
/// alert.
fn find(pipeline: &Pipeline, target: &PointTarget, of_alert: &mut Vec<Transition>) -> Option<u32> {
    for change in pipeline.changes().iter() {
        let key = match (change, &target.known_by) {
            (Change::Score(score), KnownBy::Score(_) | KnownBy::Value { .. })
                if target.is(&Judged::of(score), score.key) =>
            {
                score.key
            }
            (Change::Alert(alert), KnownBy::Transition(asked)) if alert.id == asked.id => {
                of_alert.push(alert.clone());
                if alert != asked {
                    continue;
                }
                alert.key
            }
            _ => continue,
        };
        // A target made by hand may name another detector than its transition does.
        let detector = match change {
            Change::Alert(alert) => pipeline.detector_of_rule(alert.rule),
            _ => Some(target.detector),
        };
        let is_its = detector == Some(target.detector);
        if is_its && pipeline.key_of_score(target.detector, key).eq(&target.key) {
            return Some(key);
        }
    }
    None
}

/// The series of one key, which can be asked again and again.
#[derive(Clone)]
struct OneSeries {
    key: u32,
    series: Series,
}

impl OneSeries {
    fn judge(&mut self, time: i64, value: f64) -> Option<Judgement> {
        self.series.judge(self.key, time, value)
    }

    fn workings(&self, Score { time, value, .. }: &Score) -> Option<Workings> {
        self.series.workings(self.key, *time, *value)
    }
}

impl Turn {
    fn of(series: &OneSeries, score: &Score, usual: f64, threshold: Option<f64>, whole: bool) -> Self {
        let turned = |value: f64| {
            let judgement = series.clone().judge(score.time, value);
            judgement.is_some_and(|judgement| judgement.anomaly != score.anomaly)
        };
        let towards = match (score.anomaly, whole) {
            (true, true) => [usual.floor().max(1.0), usual.ceil()],
            (true, false) => [usual; 2],
            // A window without events gives no point.
            (false, true) => [1.0, LARGEST_COUNT],
            (false, false) => [f64::MIN, f64::MAX],
        };
        let scale = if whole { Scale::Whole } else { Scale::Real };
        let found = towards.into_iter().filter(|to| turned(*to));
        let nearest = found.map(|to| scale.nearest(score.value, to, turned));
        let distance = |value: &f64| (value - score.value).abs();
        Self {
            value: nearest.min_by(|a, b| distance(a).total_cmp(&distance(b))),
            threshold: match score.score.abs() {
                reached if score.anomaly => threshold.map(|_| reached.next_up()),
                0.0 => None,
                // A detector that rests after an anomaly says nothing whatever the threshold.
                missed if threshold.is_some_and(|threshold| missed < threshold) => Some(missed),
                _ => None,
            },
        }
    }
}

/// Up to here every count is a number of its own: 2^53.
const LARGEST_COUNT: f64 = 9_007_199_254_740_992.0;

/// The values that a series can have, in order.
#[derive(Clone, Copy)]
enum Scale {
    Whole,
    Real,
}

impl Scale {
    /// The value nearest to `from` that is turned, on the way to `to`, which is; values behind the nearest
    /// are. By halving, as the steps between the two are numbered.
    fn nearest(self, from: f64, to: f64, turned: impl Fn(f64) -> bool) -> f64 {
        let (mut not, mut is) = (self.step_of(from), self.step_of(to));
        while not.abs_diff(is) > 1 {
            let middle = not.midpoint(is);
            if turned(self.value_of(middle)) {
                is = middle;
            } else {
                not = middle;
            }
        }
        self.value_of(is)
    }

    fn step_of(self, value: f64) -> i64 {
        match self {
            Self::Whole => value as i64,
            Self::Real => flipped(value.to_bits().cast_signed()),
        }
    }

    fn value_of(self, step: i64) -> f64 {
        match self {
            Self::Whole => step as f64,
            Self::Real => f64::from_bits(flipped(step).cast_unsigned()),
        }
    }
}

/// Numbers in order become whole numbers in order, and the other way round: the bits of negative ones
/// count down.
fn flipped(bits: i64) -> i64 {
    if bits < 0 { bits ^ i64::MAX } else { bits }
}
