//! `novelty`: whether a series was ever like this, by its value, its change, its time of the week and its
//! level.
//!
//! The score is a sum of four squares; each term reaches 1 where it is remarkable by itself:
//!
//! ```text
//!   value    distance from all values there have been / range         more so the longer the past
//!   change   the same of the change over five points / √(range · mean change)
//!   season   the same of the residual against the time of the week / range
//!   level    |a fast mean − the mean| / deviation
//! ```
//!
//! From a score of `threshold` on a point is an anomaly. Then the series rests for a share of its past:
//! what goes on is one anomaly, not one a point.
//!
//! **Invariant:** nothing grows for ever. A past weighs, rests and remembers as one of [`MEMORY`](super::net::MEMORY) points,
//! and an absurd point is learned as one that is merely far off.

use super::calendar::Calendar;
use super::net::{LEARNING, Net, Place};
use super::{Detect, Judgement, MAX_SCORE, Workings, saturate};
use crate::spec::NoveltySpec;
use serde::{Deserialize, Serialize};

/// Over how many points a change is taken.
const CHANGE: usize = 5;

/// How much of the loneliness of the nearest knot makes the distance to it less remarkable.
const EXCUSED: f64 = 10.0;
const EXCUSED_CHANGE: f64 = 4.0;

/// A remarkable value, change, residual and level, in the units of the module's table.
const VALUE: f64 = 0.0275;
const STEP: f64 = 0.15;
const SEASON: f64 = 0.07;
const LEVEL: f64 = 3.0;

/// With a past of so many points a value weighs as it is; with fewer less, as many values are new then.
const PAST: f64 = 1_000.0;

/// How much of a point the fast mean takes in.
const FAST: f64 = 0.1;

/// One series.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Novelty {
    threshold: f64,
    rest: f64,
    max_rest: u32,
    warmup: u32,
    /// How many points more are no anomalies.
    resting: u32,
    /// The time up to which points came.
    newest: i64,
    /// The last points that were not late, the oldest first.
    last: Vec<f64>,
    calendar: Calendar,
    values: Net,
    changes: Net,
    residuals: Net,
    level: Level,
}

/// All that a point is compared with.
#[derive(Clone, Copy, Debug)]
struct Look {
    value: f64,
    of_value: Place,
    /// The point five before, and the place of the change since; none of a late point.
    before: Option<(f64, Place)>,
    forecast: f64,
    of_residual: Place,
    value_term: Term,
    change_term: Term,
    season_term: Term,
    level_term: Term,
}

/// A distance, and from where on it is remarkable.
#[derive(Clone, Copy, Debug)]
struct Term {
    distance: f64,
    scale: f64,
}

impl Novelty {
    pub(crate) fn new(spec: &NoveltySpec) -> Self {
        Self {
            threshold: spec.threshold,
            rest: spec.rest,
            max_rest: spec.max_rest,
            warmup: spec.warmup,
            resting: 0,
            newest: i64::MIN,
            last: Vec::new(),
            calendar: Calendar::default(),
            values: Net::default(),
            changes: Net::default(),
            residuals: Net::default(),
            level: Level::default(),
        }
    }

    #[inline]
    fn look(&self, time: i64, value: f64) -> Look {
        let of_value = self.values.place(value);
        let before = self.before(time).map(|before| (before, self.changes.place(saturate(value - before))));
        let of_change = before.map(|(_, place)| place).unwrap_or_default();
        let forecast = self.calendar.forecast(time).unwrap_or(value);
        let of_residual = self.residuals.place(saturate(value - forecast));
        let past = (f64::from(self.values.points()) / PAST).sqrt();
        // Each root by itself: the product of two large numbers would overflow.
        let changing = self.changes.range().sqrt() * self.changes.deviation().sqrt();
        Look {
            value,
            of_value,
            before,
            forecast,
            of_residual,
            value_term: of_value.term(VALUE / past, self.values.range(), EXCUSED),
            change_term: of_change.term(STEP, changing, EXCUSED_CHANGE),
            season_term: of_residual.term(SEASON, self.residuals.range(), EXCUSED),
            level_term: self.level.term(value, self.values.deviation()),
        }
    }

    /// What a change is taken from: nothing where time steps back.
    fn before(&self, time: i64) -> Option<f64> {
        (time >= self.newest && self.last.len() == CHANGE).then(|| self.last[0])
    }

    fn judgement(&self, look: &Look) -> Judgement {
        let score = look.score();
        // Of the season's term alone: what the others forbid has no bounds.
        let reach = saturate(self.threshold.sqrt() * SEASON * self.residuals.range());
        Judgement {
            expected: look.forecast,
            low: saturate(look.forecast - reach),
            high: saturate(look.forecast + reach),
            score,
            anomaly: score >= self.threshold && self.resting == 0,
        }
    }

    fn rest_after(&self, judgement: Option<Judgement>) -> u32 {
        match judgement {
            Some(Judgement { anomaly: true, .. }) => {
                let share = self.rest * f64::from(self.values.points());
                (share as u32).min(self.max_rest)
            }
            _ => self.resting.saturating_sub(1),
        }
    }

    #[inline]
    fn learn(&mut self, time: i64, look: &Look) {
        let value = look.value;
        if let Some((before, place)) = look.before {
            self.changes.learn(saturate(value - before), place);
        }
        self.residuals.learn(saturate(value - look.forecast), look.of_residual);
        let bounded = self.values.bounded(value);
        self.calendar.learn(time, bounded);
        self.level.learn(bounded, self.values.points());
        self.values.learn(value, look.of_value);
        if time >= self.newest {
            self.newest = time;
            self.remember(value);
        }
    }

    fn remember(&mut self, value: f64) {
        if self.last.len() < CHANGE {
            self.last.push(value);
            return;
        }
        self.last.rotate_left(1);
        self.last[CHANGE - 1] = value;
    }

    fn speaks(&self) -> bool {
        self.values.points() >= self.warmup.max(LEARNING)
    }
}

impl Detect for Novelty {
    #[inline]
    fn judge(&mut self, time: i64, value: f64) -> Option<Judgement> {
        if !value.is_finite() {
            return None;
        }
        let look = self.look(time, value);
        let judgement = self.speaks().then(|| self.judgement(&look));
        self.resting = self.rest_after(judgement);
        self.learn(time, &look);
        judgement
    }

    fn workings(&self, time: i64, value: f64) -> Option<Workings> {
        if !value.is_finite() || !self.speaks() {
            return None;
        }
        let look = self.look(time, value);
        let (before, of_change) = look.before.unwrap_or((value, Place::default()));
        let figures = vec![
            ("value_part", look.value_term.square()),
            ("change_part", look.change_term.square()),
            ("season_part", look.season_term.square()),
            ("level_part", look.level_term.square()),
            ("nearest", look.of_value.nearest),
            ("value_scale", look.value_term.shown_scale()),
            ("before", before),
            ("nearest_change", of_change.nearest),
            ("change_scale", look.change_term.shown_scale()),
            ("forecast", look.forecast),
            ("nearest_residual", look.of_residual.nearest),
            ("season_scale", look.season_term.shown_scale()),
            ("fast_mean", self.level.fast),
            ("mean", self.level.mean),
            ("level_scale", look.level_term.shown_scale()),
            ("points", f64::from(self.values.points())),
            ("resting", f64::from(self.resting)),
        ];
        Some(Workings { formula: FORMULA, figures, points: Vec::new(), usual: look.forecast })
    }
}

/// The score; each part is the square of its term.
const FORMULA: &str = "(value - nearest) / value_scale * (value - nearest) / value_scale \
     + (value - before - nearest_change) / change_scale * (value - before - nearest_change) / change_scale \
     + (value - forecast - nearest_residual) / season_scale * (value - forecast - nearest_residual) / season_scale \
     + (0.9 * fast_mean + 0.1 * value - mean) / level_scale * (0.9 * fast_mean + 0.1 * value - mean) / level_scale";

impl Look {
    fn score(&self) -> f64 {
        let terms = [self.value_term, self.change_term, self.season_term, self.level_term];
        terms.iter().map(Term::square).sum::<f64>().min(MAX_SCORE)
    }
}

impl Place {
    /// The distance, remarkable from this share of the range and the excused loneliness on.
    fn term(&self, share: f64, range: f64, excused: f64) -> Term {
        Term { distance: self.distance, scale: share * (range + excused * self.lonely) }
    }
}

impl Term {
    fn square(&self) -> f64 {
        if self.distance == 0.0 {
            return 0.0;
        }
        // A scale of 0 gives an infinity, which becomes the largest score.
        let term = self.distance / self.scale;
        (term * term).min(MAX_SCORE)
    }

    /// The scale to divide by when the term is worked out by hand: 0 / 0 is a term of 0.
    fn shown_scale(&self) -> f64 {
        if self.distance == 0.0 && self.scale == 0.0 { 1.0 } else { saturate(self.scale) }
    }
}

/// A fast mean beside the mean and variance of the past.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Level {
    fast: f64,
    mean: f64,
    variance: f64,
}

impl Level {
    /// How far from the mean the fast mean would be with this point. Squares overflow before numbers do;
    /// the mean distance from the mean then stands in for the deviation, which is never less.
    #[inline]
    fn term(&self, value: f64, mean_distance: f64) -> Term {
        let fast = (1.0 - FAST) * self.fast + FAST * value;
        let deviation = if self.variance < f64::MAX { self.variance.sqrt() } else { mean_distance };
        Term { distance: saturate((fast - self.mean).abs()), scale: LEVEL * deviation }
    }

    #[inline]
    fn learn(&mut self, value: f64, points: u32) {
        let gain = 1.0 / f64::from(points + 1);
        self.fast = saturate(self.fast + FAST.max(gain) * saturate(value - self.fast));
        let error = saturate(value - self.mean);
        self.mean = saturate(self.mean + gain * error);
        let variance = (1.0 - gain) * (self.variance + gain * error * error);
        // Overflowed, it stays so: the series is of such a size.
        self.variance = if self.variance < f64::MAX { saturate(variance) } else { f64::MAX };
    }
}

#[cfg(test)]
mod tests {
    use super::super::net::MEMORY;
    use super::*;
    use crate::filter::Filter;
    use crate::log::Log;
    use crate::spec::Schema;

    const MINUTE: i64 = 60_000;

    fn novelty(rest: f64, warmup: u32) -> Novelty {
        Novelty::new(&NoveltySpec { rest, warmup, ..NoveltySpec::default() })
    }

    /// A day of minutes, again and again, with noise that is the same everywhere.
    fn daily(minute: i64) -> f64 {
        let noise = (minute as f64 * 0.618_033_988_749_895).fract();
        let hour = (minute.rem_euclid(1_440)) as f64 / 60.0;
        100.0 + 10.0 * (hour - 12.0).abs() + 5.0 * noise
    }

    fn learn_days(detector: &mut Novelty, days: i64) -> i64 {
        (0..days * 1_440).for_each(|minute| {
            detector.judge(MINUTE * minute, daily(minute));
        });
        days * 1_440
    }

    fn score(detector: &Novelty, minute: i64, value: f64) -> f64 {
        detector.clone().judge(MINUTE * minute, value).unwrap().score
    }

    #[test]
    fn each_term_sees_its_own_kind_of_novelty() {
        let mut detector = novelty(0.0, 100);
        let now = learn_days(&mut detector, 6);
        let usual = score(&detector, now, daily(now));
        assert!(usual < 0.5, "{usual}");
        // Midnight is high, noon is low.
        let parts = |value| {
            let look = detector.look(MINUTE * now, value);
            [look.value_term, look.change_term, look.season_term].map(|term| term.square())
        };
        let [value, ..] = parts(400.0);
        assert!(value > 1.0, "never was there such a value: {value}");
        let [value, change, season] = parts(105.0);
        assert!(value < 0.1 && season > 1.0, "such a value, but not at midnight: {value}, {season}");
        assert!(change > 1.0, "nor as a change: {change}");
        let before = detector.clone();
        for minute in now..now + 30 {
            detector.judge(MINUTE * minute, 300.0);
        }
        let level = |of: &Novelty| of.level.term(300.0, of.values.deviation()).square();
        assert!(
            level(&detector) > 2.0 * level(&before),
            "a level: {} and {}",
            level(&before),
            level(&detector)
        );
    }

    #[test]
    fn it_warms_up_and_then_rests_for_a_share_of_its_past() {
        let mut detector = novelty(0.04, 150);
        let judged = (0..150).filter(|i| detector.judge(MINUTE * i, (i % 7) as f64).is_some()).count();
        assert_eq!(judged, 0);
        (150..1_000).for_each(|i| assert!(detector.judge(MINUTE * i, (i % 7) as f64).is_some()));
        let anomalies: Vec<i64> = (0..100)
            .filter(|i| {
                let judgement = detector.judge(MINUTE * (1_000 + i), 100.0 * (i + 1) as f64).unwrap();
                assert!(judgement.score >= 1.0, "{i}: {judgement:?}");
                judgement.anomaly
            })
            .collect();
        // 0.04 of 1,000 is 40 points of rest; of 1,041 it is 41.
        assert_eq!(anomalies, [0, 41, 83]);
    }

    #[test]
    fn a_rest_has_an_end_however_long_the_past() {
        let mut detector = Novelty::new(&NoveltySpec { max_rest: 10, ..NoveltySpec::default() });
        let now = learn_days(&mut detector, 3);
        let anomalies = (now..now + 22).filter(|minute| {
            detector.judge(MINUTE * minute, 1e4 * (minute - now + 1) as f64).unwrap().anomaly
        });
        assert_eq!(anomalies.collect::<Vec<_>>(), [now, now + 11]);
    }

    #[test]
    fn degenerate_series_have_stated_answers() {
        type Past<'a> = &'a dyn Fn(i64) -> f64;
        let cases: [(&str, Past<'_>, f64, f64); 5] = [
            ("constant, the same", &|_| 7.5, 7.5, 0.0),
            ("constant, another", &|_| 7.5, 7.6, MAX_SCORE),
            ("constant, a step to 1e300", &|_| 7.5, 1e300, MAX_SCORE),
            ("two values, a step to the largest", &|i| (i % 2) as f64, f64::MAX, MAX_SCORE),
            ("huge values, one of them", &|i| if i % 2 == 0 { 1e300 } else { -1e300 }, 1e300, 0.0),
        ];
        for (name, past, value, expected) in cases {
            let mut detector = novelty(0.0, 100);
            (0..1_000).for_each(|i| {
                detector.judge(MINUTE * i, past(i));
            });
            let judgement = detector.judge(MINUTE * 1_000, value).unwrap();
            if expected == 0.0 {
                assert!(judgement.score < 0.1, "{name}: {judgement:?}");
            } else {
                assert_eq!(judgement.score, expected, "{name}");
            }
        }
        let mut two = novelty(0.0, 100);
        assert_eq!([two.judge(0, 1.0), two.judge(1, 1e300)], [None, None]);
    }

    #[test]
    fn what_is_not_finite_is_not_learned() {
        let mut detector = novelty(0.04, 100);
        let now = learn_days(&mut detector, 1);
        let before = postcard::to_stdvec(&detector).unwrap();
        for point in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(detector.judge(MINUTE * now, point), None);
        }
        assert_eq!(postcard::to_stdvec(&detector).unwrap(), before);
    }

    #[test]
    fn extremes_and_jumps_in_time_never_give_what_is_not_finite() {
        let extremes = [0.0, -0.0, 1.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 1e-320, 1e154, -1e200];
        let times = [0, i64::MAX, i64::MIN, 1, -1, 1 << 53, -(1 << 53)];
        let mut detector = novelty(0.04, 100);
        for i in 0..30_000_usize {
            let (time, value) = (times[i * 5 % times.len()], extremes[(i * i + i / 7) % extremes.len()]);
            let workings = if i % 50 == 0 { detector.workings(time, value) } else { None };
            let figures = workings.iter().flat_map(|workings| &workings.figures);
            assert!(figures.clone().all(|(_, x)| x.is_finite()), "{workings:?}");
            if let Some(Judgement { expected, low, high, score, .. }) = detector.judge(time, value) {
                assert!([expected, low, high, score].iter().all(|x| x.is_finite()), "{value} at {time}");
                assert!((0.0..=MAX_SCORE).contains(&score), "{score}");
            }
        }
    }

    /// One absurd point, and what a remarkable one is worth afterwards: less at first, as much as ever once
    /// it is forgotten.
    #[test]
    fn an_absurd_point_does_not_hide_the_others_for_ever() {
        let mut clean = novelty(0.0, 100);
        let now = learn_days(&mut clean, 2);
        let mut hit = clean.clone();
        hit.judge(MINUTE * now, 1e12);
        assert!(score(&hit, now + 10, 1e6) >= 1.0, "the next absurd one is seen at once");
        for minute in now + 1..now + 1 + i64::from(2 * MEMORY) {
            clean.judge(MINUTE * minute, daily(minute));
            hit.judge(MINUTE * minute, daily(minute));
        }
        let later = now + 1 + i64::from(2 * MEMORY);
        let (clean, hit) = (score(&clean, later, 300.0), score(&hit, later, 300.0));
        assert!(hit >= 1.0 && hit > clean / 2.0, "{hit} after it, {clean} without it");
    }

    #[test]
    fn late_points_are_judged_but_are_no_changes() {
        let mut detector = novelty(0.0, 100);
        let now = learn_days(&mut detector, 2);
        let (last, changes) = (detector.last.clone(), detector.changes.points());
        let judgement = detector.judge(MINUTE * (now - 700), 400.0).unwrap();
        assert!(judgement.score >= 1.0, "{judgement:?}");
        assert_eq!((&detector.last, detector.changes.points()), (&last, changes));
        // A time that repeats is not late.
        detector.judge(MINUTE * (now - 1), daily(now - 1));
        assert_ne!(detector.last, last);
    }

    #[test]
    fn state_is_bounded_and_a_snapshot_goes_on_to_the_same_bits() {
        let mut detector = novelty(0.04, 100);
        let mut walk = 0.0;
        for minute in 0..60_000 {
            walk += daily(minute * 7_919) - 150.0;
            detector.judge(MINUTE * minute, walk);
        }
        let bytes = postcard::to_stdvec(&detector).unwrap();
        assert!(bytes.len() <= 64 << 10, "{} bytes", bytes.len());
        let mut resumed: Novelty = postcard::from_bytes(&bytes).unwrap();
        for minute in 60_000..62_000 {
            let value = daily(minute * 31) + walk;
            assert_eq!(resumed.judge(MINUTE * minute, value), detector.judge(MINUTE * minute, value));
        }
    }

    #[test]
    fn the_formula_gives_the_score() {
        let mut detector = novelty(0.04, 100);
        for i in 0..3_000 {
            let (time, value) =
                (MINUTE * (if i % 50 == 49 { i - 9 } else { i }), daily(i) + (i % 97 / 96 * i) as f64);
            let workings = detector.workings(time, value);
            let judgement = detector.judge(time, value);
            assert_eq!(workings.is_some(), judgement.is_some());
            let (Some(workings), Some(judgement)) = (workings, judgement) else { continue };
            assert_formula(&workings, value, judgement.score);
        }
    }

    /// Without spread the formula divides by 0, and has no value.
    #[test]
    fn the_formula_of_a_constant_series() {
        let mut detector = novelty(0.04, 100);
        (0..500).for_each(|i| {
            detector.judge(MINUTE * i, 3.0);
        });
        assert_formula(&detector.workings(MINUTE * 500, 3.0).unwrap(), 3.0, 0.0);
        let another = detector.workings(MINUTE * 500, 4.0).unwrap();
        assert!(takes(&another, 4.0, &format!("({}) IS NULL", another.formula)), "{another:?}");
    }

    fn assert_formula(workings: &Workings, value: f64, score: f64) {
        let close = format!("abs(({}) - {score:?}) <= 1e-9 * (1 + {score:?})", workings.formula);
        assert!(takes(workings, value, &close), "{score} for {value}: {workings:?}");
        let parts: f64 = workings.figures[..4].iter().map(|(_, part)| part).sum();
        assert!((parts - score).abs() <= 1e-9 * (1.0 + score), "{score}: {workings:?}");
    }

    /// Whether a condition holds of a value and the figures, each as a column.
    fn takes(workings: &Workings, value: f64, condition: &str) -> bool {
        let (names, values): (Vec<_>, Vec<_>) = std::iter::once(("value", value))
            .chain(workings.figures.iter().copied())
            .map(|(name, x)| (name.to_owned(), x))
            .unzip();
        let schema = Schema {
            time: "at".to_owned(),
            time_format: None,
            arrival: None,
            partition: None,
            partitions: 1,
            keys: Vec::new(),
            measures: names,
        };
        let mut log = Log::new(&schema);
        log.append(0, 0, 0, &[], &values);
        let mut rows = Vec::new();
        let filter = Filter::compile(condition, &schema);
        filter.unwrap_or_else(|error| panic!("{condition}: {error}")).select(&log.read(0, 1), &mut rows);
        !rows.is_empty()
    }
}

/// The definition by the book: every point looks at all points before it.
#[cfg(all(test, not(target_arch = "wasm32")))]
mod oracle {
    use super::*;
    use proptest::prelude::*;

    /// The points of a net that were new when they came, with how lonely they were; and all points.
    #[derive(Default)]
    struct NaiveNet {
        new: Vec<(f64, f64)>,
        all: Vec<f64>,
    }

    impl NaiveNet {
        fn range(&self) -> f64 {
            let low = self.all.iter().copied().fold(f64::INFINITY, f64::min);
            let high = self.all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            if self.all.is_empty() { 0.0 } else { high - low }
        }

        /// Distance and loneliness of the nearest; of two as near, the lower.
        fn nearest(&self, point: f64) -> (f64, f64) {
            let near = self.new.iter().map(|(value, lonely)| ((point - value).abs(), *value, *lonely));
            let nearest = near.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
            nearest.map_or((0.0, 0.0), |(distance, _, lonely)| (distance, lonely))
        }

        fn bounded(&self, point: f64) -> f64 {
            let (range, low) = (self.range(), self.all.iter().copied().fold(f64::INFINITY, f64::min));
            let free = self.all.len() < 100 || range == 0.0;
            if free { point } else { point.clamp(low - 16.0 * range, low + 17.0 * range) }
        }

        fn learn(&mut self, point: f64) {
            let point = self.bounded(point);
            let distance = self.nearest(point).0;
            if self.all.is_empty() || distance > 0.002 * self.range() {
                self.new.push((point, if self.all.len() < 100 { 0.0 } else { distance }));
            }
            self.all.push(point);
        }

        /// The running mean distance from the running mean.
        fn deviation(&self) -> f64 {
            let (mut mean, mut deviation) = (0.0, 0.0);
            for (n, point) in self.all.iter().enumerate() {
                let error = point - mean;
                mean = self.all[..=n].iter().sum::<f64>() / (n + 1) as f64;
                deviation += (error.abs() - deviation) / (n + 1) as f64;
            }
            deviation
        }
    }

    /// What each past point of a slot weighs now: the mean of all, then exponential.
    fn weighted(points: &[f64], gain: f64) -> Option<f64> {
        let mut mean = *points.first()?;
        for (n, point) in points.iter().enumerate().skip(1) {
            mean += gain.max(1.0 / (n + 1) as f64) * (point - mean);
        }
        Some(mean)
    }

    fn forecast(past: &[(i64, f64)], time: i64) -> Option<f64> {
        let alike = |slot: &dyn Fn(i64) -> i64| -> Vec<f64> {
            past.iter().filter(|(at, _)| slot(*at) == slot(time)).map(|(_, value)| *value).collect()
        };
        let half_hour_of_week = alike(&|at| at.div_euclid(1_800_000).rem_euclid(336));
        let quarter_of_day = alike(&|at| at.div_euclid(900_000).rem_euclid(96));
        weighted(&half_hour_of_week, 0.1)
            .or_else(|| weighted(&quarter_of_day, 0.15))
            .or_else(|| weighted(&alike(&|_| 0), 0.002))
    }

    fn square(distance: f64, scale: f64) -> f64 {
        if distance == 0.0 { 0.0 } else { (distance / scale * (distance / scale)).min(1e6) }
    }

    /// The scores of a series from its 100th point on.
    fn naive(points: &[(i64, f64)]) -> Vec<f64> {
        let (mut values, mut changes, mut residuals) = <(NaiveNet, NaiveNet, NaiveNet)>::default();
        let (mut bounded, mut in_time) = (Vec::new(), Vec::<f64>::new());
        let (mut newest, mut scores) = (i64::MIN, Vec::new());
        for (n, &(time, value)) in points.iter().enumerate() {
            let before = (time >= newest && in_time.len() >= 5).then(|| in_time[in_time.len() - 5]);
            let residual = value - forecast(&bounded, time).unwrap_or(value);
            if n >= 100 {
                let (distance, lonely) = values.nearest(value);
                let scale = 0.0275 * (values.range() + 10.0 * lonely) / (n as f64 / 1e3).sqrt();
                let mut score = square(distance, scale);
                if let Some(before) = before {
                    let (distance, lonely) = changes.nearest(value - before);
                    let range = (changes.range() * changes.deviation()).sqrt();
                    score += square(distance, 0.15 * (range + 4.0 * lonely));
                }
                let (distance, lonely) = residuals.nearest(residual);
                score += square(distance, 0.07 * (residuals.range() + 10.0 * lonely));
                let past: Vec<f64> = bounded.iter().map(|(_, value)| *value).collect();
                let mean = past.iter().sum::<f64>() / n as f64;
                let variance = past.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n as f64;
                // The fast mean begins as the mean of the first ten.
                let fast = past
                    .iter()
                    .enumerate()
                    .fold(0.0, |fast, (n, x)| fast + (1.0 / (n + 1) as f64).max(0.1) * (x - fast));
                score += square((0.9 * fast + 0.1 * value - mean).abs(), 3.0 * variance.sqrt());
                scores.push(score.min(1e6));
            }
            before.iter().for_each(|before| changes.learn(value - before));
            residuals.learn(residual);
            bounded.push((time, values.bounded(value)));
            values.learn(value);
            if time >= newest {
                newest = time;
                in_time.push(value);
            }
        }
        scores
    }

    /// A level with noise, spikes, a slope, a rare absurd point, gaps and late points. Values are multiples of 1/8,
    /// so that sums are exact and no distance hangs on a rounding.
    fn series() -> impl Strategy<Value = Vec<(i64, f64)>> {
        let value = prop_oneof![
            200 => 0..64_i32,
            10 => 60..400_i32,
            1 => Just(1_000_000),
        ];
        let step = prop_oneof![10 => Just(7_i64), 2 => Just(0), 1 => Just(-50), 1 => Just(700)];
        (prop::collection::vec((value, step), 101..320), 0..4_i32).prop_map(|(points, slope)| {
            let mut minute = 0;
            let at = |(i, (value, step)): (usize, (i32, i64))| {
                minute += step;
                (60_000 * minute, f64::from(value + slope * i as i32) / 8.0)
            };
            points.into_iter().enumerate().map(at).collect()
        })
    }

    proptest! {
        #[test]
        fn novelty_agrees_with_the_definition(points in series()) {
            let mut detector = Novelty::new(&NoveltySpec { warmup: 100, ..NoveltySpec::default() });
            let judged = points.iter().filter_map(|&(time, value)| detector.judge(time, value));
            let scores: Vec<f64> = judged.map(|judgement| judgement.score).collect();
            let expected = naive(&points);
            prop_assert_eq!(scores.len(), expected.len());
            for (i, (score, expected)) in scores.iter().zip(&expected).enumerate() {
                prop_assert!(
                    (score - expected).abs() <= 1e-6 * (1.0 + expected),
                    "{} instead of {} at {} in {:?}", score, expected, i + 100, points
                );
            }
        }
    }
}
