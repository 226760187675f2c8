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
//! **Invariant:** nothing grows for ever. A past weighs and rests as one of
//! [`MEMORY`](super::net::MEMORY) points, and an absurd point is learned as one that is merely far off.

#[cfg(all(test, not(target_arch = "wasm32")))]
mod oracle;
#[cfg(test)]
mod tests;

use super::calendar::Calendar;
use super::net::{Net, Place};
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
        self.values.points() >= self.warmup
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
