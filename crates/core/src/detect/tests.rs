//! Every kind against its definition, written down naively, over series that are as bad as they come.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use super::*;
use crate::filter::Filter;
use crate::log::Log;
use crate::spec::{DetectorKind, Schema, SeasonalSpec, ThresholdSpec};
use proptest::prelude::*;

/// One of each kind and form, with short memories, so that they are left behind.
const KINDS: [&str; 12] = [
    "kind = 'zscore'\nwindow = 7\nthreshold = 2.01234\nmin_points = 3",
    "kind = 'robust_zscore'\nwindow = 7\nthreshold = 3.01234\nmin_points = 3",
    "kind = 'robust_zscore'\nwindow = 12\nthreshold = 3.01234\nfloor = 0.25",
    "kind = 'ewma'\nalpha = 0.3\nthreshold = 2.01234\nmin_points = 2",
    "kind = 'cusum'\nwindow = 8\ndrift = 0.5\nthreshold = 4.01234\nmin_points = 3",
    "kind = 'page_hinkley'\nwindow = 8\ndrift = 0.5\nthreshold = 4.01234\nmin_points = 3",
    "kind = 'page_hinkley'\nalpha = 0.2\ndrift = 0.5\nthreshold = 4.01234\nmin_points = 3",
    "kind = 'rate_of_change'\nper = '3s'\nthreshold = 2.5",
    "kind = 'threshold'\nabove = 5.5\nbelow = -2.5\nhysteresis = 2",
    "kind = 'threshold'\nabove = 5.5",
    "kind = 'seasonal'\nperiod = '20s'\nalpha = 0.3\nthreshold = 3.01234\nmin_points = 2",
    "kind = 'seasonal'\nalpha = 0.3\nthreshold = 3.01234",
];

type Point = (i64, f64);

fn kind(text: &str) -> DetectorKind {
    toml::from_str(text).unwrap()
}

/// Points of one sort after another: noise, whole numbers, a constant, two values in turn, and extremes.
fn hostile() -> impl Strategy<Value = Vec<Point>> {
    let extreme = prop::sample::select(vec![
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        1e300,
        -1e300,
        f64::MAX,
        f64::MIN,
        5e-324,
        -0.0,
        1e-200,
    ]);
    let noise = prop::collection::vec(-10.0..10.0, 1..40);
    let whole = prop::collection::vec((-5_i32..9).prop_map(f64::from), 1..40);
    let constant = (prop::sample::select(vec![0.1, -3.0, 1e300, 5e-324, 1e16]), 1_usize..25)
        .prop_map(|(x, n)| vec![x; n]);
    let turns = (1_usize..20).prop_map(|n| (0..n).map(|i| f64::from(i as u32 % 2)).collect());
    let part = prop_oneof![
        3 => noise,
        3 => whole,
        2 => constant,
        1 => turns,
        1 => prop::collection::vec(extreme, 1..3)
    ];
    let values = prop::collection::vec(part, 1..6).prop_map(|parts| parts.concat());
    let steps = prop::collection::vec(prop_oneof![8 => 1_i64..5_000, 1 => Just(0), 1 => -9_000_i64..0], 200);
    (values, steps).prop_map(|(values, steps)| {
        let mut time = -20_000;
        let stepped = |(value, step): (f64, &i64)| {
            time += step;
            (time, value)
        };
        values.into_iter().zip(steps.iter().cycle()).map(stepped).collect()
    })
}

/// The points without those so large that a difference is cut off at the largest number, where the formula
/// has no value, and so small that a mean of two is one of them.
fn ordinary(points: &[Point]) -> impl Iterator<Item = Point> {
    let is_it = |x: f64| !x.is_finite() || x == 0.0 || (1e-290..1e307).contains(&x.abs());
    points.iter().copied().filter(move |(_, value)| is_it(*value))
}

/// Whether what the formula gives is in a range; without one, whether it has no value.
fn by_formula(workings: &Workings, value: f64) -> impl Fn(Option<[f64; 2]>) -> bool {
    let names: Vec<String> = workings.figures.iter().map(|(name, _)| (*name).to_owned()).collect();
    let measures = [&["value".to_owned(), "at_least".to_owned(), "at_most".to_owned()], &names[..]].concat();
    let text = toml::toml! { time = "t" };
    let schema = Schema { measures, ..text.try_into().unwrap() };
    let formula = workings.formula;
    let figures: Vec<f64> = workings.figures.iter().map(|(_, figure)| *figure).collect();
    move |range| {
        let condition = match range {
            Some(_) => format!("({formula}) BETWEEN at_least AND at_most"),
            None => format!("({formula}) IS NULL"),
        };
        let mut filter = Filter::compile(&condition, &schema).unwrap();
        let mut log = Log::new(&schema);
        let row: Vec<f64> = [&[value], &range.unwrap_or_default()[..], &figures[..]].concat();
        log.append(0, 0, 0, &[], &row);
        let mut rows = Vec::new();
        filter.select(&log.read(0, 1), &mut rows);
        rows == [0]
    }
}

/// Holds the formula against the score: equal within 1e−9 of it, or beyond the largest, or without value
/// where there is no spread.
fn check_formula(workings: &Workings, value: f64, score: f64) -> Result<(), TestCaseError> {
    let is = by_formula(workings, value);
    let room = 1e-9 * score.abs();
    let as_said = match score {
        MAX_SCORE => is(Some([MAX_SCORE, f64::MAX])),
        x if x == -MAX_SCORE => is(Some([f64::MIN, -MAX_SCORE])),
        _ => is(Some([score - room, score + room])),
    };
    let without = is(None) && (score == 0.0 || score.abs() == MAX_SCORE);
    prop_assert!(as_said || without, "{workings:?} of {value} is not {score}");
    Ok(())
}

proptest! {
    #[test]
    fn formulas_give_the_scores(points in hostile(), k in 0..KINDS.len()) {
        let kind = kind(KINDS[k]);
        let mut series = Series::new(&kind);
        for (time, value) in ordinary(&points) {
            let workings = series.workings(0, time, value);
            let before = series.clone();
            let judged = series.judge(0, time, value);
            prop_assert_eq!(workings.is_some(), judged.is_some());
            let (Some(workings), Some(judged)) = (workings, judged) else { continue };
            check_formula(&workings, value, judged.score)?;
            let usual = before.clone().judge(0, time, workings.usual).unwrap();
            // Beside a season of 1e300 no number is as near as a small deviation asks for.
            let nearest = workings.usual.abs() * f64::EPSILON;
            let deviation = workings.figures.iter().find(|(name, _)| *name == "deviation");
            let there_is_one = deviation.is_none_or(|(_, deviation)| nearest <= *deviation / 4.0);
            prop_assert!(!usual.anomaly || !there_is_one, "{:?} of {:?}", usual, workings);
        }
    }

    #[test]
    fn figures_are_finite_and_verdicts_follow_from_scores(points in hostile(), k in 0..KINDS.len()) {
        let kind = kind(KINDS[k]);
        let mut series = Series::new(&kind);
        for (time, value) in points {
            let Some(judged) = series.judge(0, time, value) else { continue };
            let Judgement { expected, low, high, score, anomaly } = judged;
            prop_assert!([expected, low, high, score].iter().all(|x| x.is_finite()), "{judged:?}");
            prop_assert!(low <= high && score.abs() <= MAX_SCORE, "{judged:?}");
            if let Some(threshold) = kind.threshold() {
                prop_assert_eq!(anomaly, score.abs() >= threshold);
            }
        }
    }

    /// A run that goes on from a snapshot is the run.
    #[test]
    fn snapshots_hold_all(points in hostile(), k in 0..KINDS.len(), cut in any::<prop::sample::Index>()) {
        let mut series = Series::new(&kind(KINDS[k]));
        let (before, after) = points.split_at(cut.index(points.len()));
        for &(time, value) in before {
            series.judge(0, time, value);
        }
        let mut resumed: Series = postcard::from_bytes(&postcard::to_stdvec(&series).unwrap()).unwrap();
        for &(time, value) in after {
            prop_assert_eq!(series.judge(0, time, value), resumed.judge(0, time, value));
        }
    }

    #[test]
    fn kinds_are_as_defined(points in hostile(), k in 0..KINDS.len() - 1) {
        check_definition(KINDS[k], &points)?;
    }
}

/// Holds each judgement against the definition, as long as no verdict hangs on a rounding: from there on
/// the sums may differ.
fn check_definition(text: &str, points: &[Point]) -> Result<(), TestCaseError> {
    let kind = kind(text);
    let (mut series, mut naive) = (Series::new(&kind), naive::Naive::new(&kind));
    for (time, value) in ordinary(points) {
        let judged = series.judge(0, time, value).map(|judgement| (judgement.score, judgement.anomaly));
        let expected = if value.is_finite() { naive.judge(time, value) } else { None };
        prop_assert_eq!(judged.is_some(), expected.is_some());
        let (Some((score, anomaly)), Some((exact, is_anomaly))) = (judged, expected) else { continue };
        let room = 1e-6 * (1.0 + exact.abs());
        prop_assert!((score - exact).abs() <= room, "{} of {}: {} is not {}", text, value, score, exact);
        if kind.threshold().is_some_and(|threshold| (exact.abs() - threshold).abs() <= room) {
            break;
        }
        prop_assert_eq!(anomaly, is_anomaly);
    }
    Ok(())
}

/// The definitions over all points so far.
mod naive {
    use super::*;

    pub(super) struct Naive {
        kind: DetectorKind,
        points: Vec<Point>,
        /// Where the past begins, and where the sums do.
        past_from: usize,
        distances: Vec<f64>,
        side: f64,
    }

    impl Naive {
        pub(super) fn new(kind: &DetectorKind) -> Self {
            Self { kind: kind.clone(), points: Vec::new(), past_from: 0, distances: Vec::new(), side: 0.0 }
        }

        pub(super) fn judge(&mut self, time: i64, value: f64) -> Option<(f64, bool)> {
            let judged = self.score(time, value);
            self.points.push((time, value));
            judged
        }

        fn last(&self, n: usize) -> Vec<f64> {
            let past = &self.points[self.past_from..];
            past[past.len().saturating_sub(n)..].iter().map(|(_, value)| *value).collect()
        }

        fn score(&mut self, time: i64, value: f64) -> Option<(f64, bool)> {
            let enough = |points: &Vec<f64>, min: Option<u32>, window: u32| {
                points.len() >= min.unwrap_or(10.min(window)) as usize
            };
            let against = |threshold: f64| move |score: f64| (score, score.abs() >= threshold);
            match self.kind.clone() {
                DetectorKind::Zscore(spec) => {
                    let past = self.last(spec.window as usize);
                    let even = vec![1.0; past.len()];
                    enough(&past, spec.min_points, spec.window)
                        .then(|| distance(&past, &even, past.len() as f64 - 1.0, value))
                        .map(clamped)
                        .map(against(spec.threshold))
                }
                DetectorKind::RobustZscore(spec) => {
                    let past = self.last(spec.window as usize);
                    enough(&past, spec.min_points, spec.window)
                        .then(|| robust(&past, spec.floor, value))
                        .map(against(spec.threshold))
                }
                DetectorKind::Ewma(spec) => {
                    let past = self.last(usize::MAX);
                    enough(&past, spec.min_points, u32::MAX)
                        .then(|| distance(&past, &weights(spec.alpha, past.len()), 1.0, value))
                        .map(clamped)
                        .map(against(spec.threshold))
                }
                DetectorKind::Cusum(spec) => {
                    let past = self.last(spec.window as usize);
                    let z = enough(&past, spec.min_points, spec.window)
                        .then(|| distance(&past, &vec![1.0; past.len()], past.len() as f64 - 1.0, value))?;
                    Some(self.add(z, spec.drift, spec.threshold))
                }
                DetectorKind::PageHinkley(spec) => {
                    let past = self.last(spec.window.unwrap_or(u32::MAX) as usize);
                    let z =
                        enough(&past, spec.min_points, spec.window.unwrap_or(u32::MAX)).then(
                            || match spec.alpha {
                                Some(alpha) => distance(&past, &weights(alpha, past.len()), 1.0, value),
                                None => {
                                    distance(&past, &vec![1.0; past.len()], past.len() as f64 - 1.0, value)
                                }
                            },
                        )?;
                    let judged = self.add(z, spec.drift, spec.threshold);
                    if judged.1 {
                        // After the point that is being judged.
                        self.past_from = self.points.len() + 1;
                    }
                    Some(judged)
                }
                DetectorKind::RateOfChange(spec) => {
                    let &(at, previous) = self.points.last()?;
                    let per = spec.per.0 as f64 / (time - at) as f64;
                    let rise = (value - previous).clamp(f64::MIN, f64::MAX);
                    (time > at).then(|| clamped(rise * per)).map(against(spec.threshold))
                }
                DetectorKind::Threshold(spec) => Some(self.limits(&spec, value)),
                DetectorKind::Seasonal(spec) => {
                    let (points, value) = self.seasonal(&spec, time, value);
                    enough(&points, spec.min_points, u32::MAX)
                        .then(|| distance(&points, &weights(spec.alpha, points.len()), 1.0, value))
                        .map(clamped)
                        .map(against(spec.threshold))
                }
                other => unreachable!("{other:?}"),
            }
        }

        /// The largest sum of any run of distances, less the drift of each, that ends here.
        fn add(&mut self, z: f64, drift: f64, threshold: f64) -> (f64, bool) {
            self.distances.push(z);
            let largest = |sign: f64| {
                let runs = (0..self.distances.len()).map(|from| {
                    let run = &self.distances[from..];
                    run.iter().map(|z| sign * z - drift).sum::<f64>()
                });
                runs.fold(0.0_f64, f64::max).min(MAX_SCORE)
            };
            let (above, below) = (largest(1.0), largest(-1.0));
            let score = if above >= below { above } else { -below };
            if score.abs() >= threshold {
                self.distances.clear();
            }
            (score, score.abs() >= threshold)
        }

        /// The past and the point: less the mean of their slots, where there is enough of that.
        fn seasonal(&self, spec: &SeasonalSpec, time: i64, value: f64) -> (Vec<f64>, f64) {
            let period = spec.period.unwrap().0;
            let slot = |time: i64| time.rem_euclid(period) * 168 / period;
            let mean_of = |slot_of: i64, past: &[Point]| {
                let mine = past.iter().filter(|(at, _)| slot(*at) == slot_of);
                mine.zip(1..).fold(None, |mean: Option<f64>, ((_, x), n)| {
                    let gain = spec.alpha.max(1.0 / f64::from(n));
                    Some(mean.map_or(*x, |mean| mean + gain * (x - mean)))
                })
            };
            let residual = |i: usize| {
                let (at, x) = self.points[i];
                Some(x - mean_of(slot(at), &self.points[..i])?)
            };
            let residuals: Vec<f64> = (0..self.points.len()).filter_map(residual).collect();
            match mean_of(slot(time), &self.points) {
                Some(mean) if residuals.len() >= spec.min_points.unwrap_or(10) as usize => {
                    (residuals, value - mean)
                }
                _ => (self.last(usize::MAX), value),
            }
        }

        fn limits(&mut self, spec: &ThresholdSpec, value: f64) -> (f64, bool) {
            let inside = |side: f64| if self.side == side { spec.hysteresis } else { 0.0 };
            let over = spec.above.map_or(0.0, |above| (value - (above - inside(1.0))).max(0.0));
            let under = spec.below.map_or(0.0, |below| (below + inside(-1.0) - value).max(0.0));
            self.side = if over > 0.0 {
                1.0
            } else if under > 0.0 {
                -1.0
            } else {
                0.0
            };
            (clamped(over - under), self.side != 0.0)
        }
    }

    fn clamped(score: f64) -> f64 {
        score.clamp(-MAX_SCORE, MAX_SCORE)
    }

    /// What each of n points weighs.
    fn weights(alpha: f64, n: usize) -> Vec<f64> {
        let rest = |i: usize| libm::pow(1.0 - alpha, (n - 1 - i) as f64);
        (0..n).map(|i| if i == 0 { rest(0) } else { alpha * rest(i) }).collect()
    }

    /// Distance from the weighted mean in weighted deviations; an infinity where there are none. Relative to
    /// the last point, and small enough to be squared.
    fn distance(points: &[f64], weights: &[f64], divisor: f64, value: f64) -> f64 {
        let origin = points[points.len() - 1];
        let is_huge = points.iter().chain([&value]).any(|x| x.abs() > 1e300);
        let scale = if is_huge { 0.25 } else { 1.0 };
        let all: Vec<f64> = points.iter().map(|x| x * scale - origin * scale).collect();
        let value = value * scale - origin * scale;
        let largest = all.iter().chain([&value]).fold(0.0_f64, |a, x| a.max(x.abs()));
        if largest == 0.0 {
            return 0.0;
        }
        let all: Vec<f64> = all.iter().map(|x| x / largest).collect();
        let value = value / largest;
        let total: f64 = weights.iter().sum();
        let mean = all.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>() / total;
        let squares: f64 = all.iter().zip(weights).map(|(x, w)| w * (x - mean) * (x - mean)).sum();
        let away = value - mean;
        if away == 0.0 { 0.0 } else { away / (squares / divisor).sqrt() }
    }

    fn median(points: &mut [f64]) -> f64 {
        points.sort_by(f64::total_cmp);
        let n = points.len();
        points[(n - 1) / 2].midpoint(points[n / 2])
    }

    fn robust(points: &[f64], floor: f64, value: f64) -> f64 {
        let center = median(&mut points.to_vec());
        let mut away: Vec<f64> = points.iter().map(|x| (x - center).abs().min(f64::MAX)).collect();
        let deviation = (1.4826 * median(&mut away)).min(f64::MAX).max(floor);
        let distance = (value - center).clamp(f64::MIN, f64::MAX);
        clamped(if distance == 0.0 { 0.0 } else { distance / deviation })
    }
}

#[test]
fn without_a_period_seasonal_is_ewma() {
    let settings = "alpha = 0.1\nthreshold = 3.0";
    let mut seasonal = Series::new(&kind(&format!("kind = 'seasonal'\n{settings}")));
    let mut ewma = Series::new(&kind(&format!("kind = 'ewma'\n{settings}")));
    let mut random = 1_u64;
    for i in 0..5_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let (time, value) = (i * 60_000, (random >> 40) as f64);
        assert_eq!(seasonal.judge(0, time, value), ewma.judge(0, time, value), "{i}");
    }
}

/// What the docs promise of bad input, of each kind.
#[test]
fn bad_input_has_stated_answers() {
    let constant = vec![0.1; 40];
    for text in &KINDS {
        let kind = kind(text);
        let mut series = Series::new(&kind);
        let scores: Vec<f64> = (0_i64..)
            .zip(&constant)
            .filter_map(|(i, &x)| Some(series.judge(0, i * 1_000, x)?.score))
            .collect();
        assert!(!scores.is_empty() && scores.iter().all(|score| *score == 0.0), "{text}: a constant series");
        let step = series.judge(0, 41_000, 1e300).unwrap();
        assert_eq!(step.score, MAX_SCORE, "{text}: a step to 1e300");
        assert!(step.anomaly);
        for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(series.judge(0, 42_000, x), None, "{text}: {x}");
        }
        let mut few = Series::new(&kind);
        assert_eq!(few.judge(0, 0, 1.0).is_some(), text.contains("'threshold'"), "{text}: one point");
        let speaks = text.contains("'threshold'") || text.contains("rate_of_change");
        assert_eq!(few.judge(0, 1_000, 1.0).is_some(), speaks, "{text}: two points");
    }
}

/// A key that appears once holds what it saw and its settings, and no window: bytes in a snapshot.
#[test]
fn keys_with_one_point_are_small() {
    const KEYS: u32 = 10_000;
    for text in &KINDS {
        let mut series = Series::new(&kind(text));
        (0..KEYS).for_each(|key| assert!(series.judge(key, 0, 1.0).is_none_or(|said| !said.anomaly)));
        let bytes = postcard::to_stdvec(&series).unwrap().len() / KEYS as usize;
        // Of a season that is given, a byte for each slot.
        let most = if text.contains("period =") { 280 } else { 100 };
        assert!(bytes < most, "{text}: {bytes}");
    }
}

#[test]
fn a_limit_that_is_not_there_has_no_figure() {
    for (limits, names) in [
        ("below = -2.5", &["low", "hysteresis"][..]),
        ("above = 5.5", &["high", "hysteresis"]),
        ("below = -2.5\nabove = 5.5", &["low", "high", "hysteresis"]),
    ] {
        let mut series = Series::new(&kind(&format!("kind = 'threshold'\nhysteresis = 1\n{limits}")));
        for value in [0.0, 6.0, 5.0, 4.0, -3.0, -2.0, -1.0] {
            let workings = series.workings(0, 0, value).unwrap();
            let judged = series.judge(0, 0, value).unwrap();
            check_formula(&workings, value, judged.score).unwrap();
            assert!(workings.figures.iter().map(|(name, _)| *name).eq(names.iter().copied()), "{workings:?}");
        }
    }
}

/// Negative control of [`bad_input_has_stated_answers`]: less than the largest score is seen as that.
#[test]
fn a_small_step_is_not_the_largest_score() {
    let mut series = Series::new(&kind(KINDS[0]));
    let scores = [1.0, 2.0, 1.0, 2.0, 3.0].map(|x| series.judge(0, 0, x).map(|judged| judged.score));
    assert!(scores[4].is_some_and(|score| score > 1.0 && score < 10.0), "{scores:?}");
}
