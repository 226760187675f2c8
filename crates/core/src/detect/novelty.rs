//! `novelty`: whether a series was ever like this: its value, its change, what its time of day and week
//! leads to expect, and its level.
//!
//! Four terms, each about 1 where it alone would be remarkable, add up as squares:
//!
//! ```text
//!   value    distance to the nearest value there has been / range         · growing with the past
//!   change   the same for the change over five points
//!   season   the same for the residual of a forecast by time of the week
//!   level    |a fast mean − the mean| / deviation
//! ```
//!
//! After an anomaly it rests: one event is one anomaly, not one a point.
//!
//! **Invariant:** nothing grows with the length of the stream: what a long past weighs, rests and
//! remembers is bounded by [`MEMORY`].

use super::net::{LEARNING, MEMORY, Net, Place};
use super::season::Season;
use super::{Detect, Judgement, MAX_SCORE, Workings, saturate};
use crate::spec::NoveltySpec;
use serde::{Deserialize, Serialize};

/// Over how many points a change is looked at.
const CHANGE: usize = 5;

/// How much a value that had been new itself excuses another near it.
const EXCUSE: f64 = 4.0;

/// What each term is divided by: a remarkable one, on average over the benchmark.
const VALUE: f64 = 0.0275;
const CHANGED: f64 = 0.15;
const SEASON: f64 = 0.07;
const LEVEL: f64 = 3.0;

/// The past at which the value's term weighs as it is: before, a new value is no wonder.
const PAST: f64 = 1_000.0;

/// How much of a point the fast mean takes in.
const FAST: f64 = 0.1;

/// One series.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Novelty {
    threshold: f64,
    rest: f64,
    warmup: u32,
    /// How many points to come are at rest.
    resting: u32,
    newest: i64,
    /// The last points that were not late, the oldest first.
    last: Vec<f64>,
    season: Season,
    values: Net,
    changes: Net,
    residuals: Net,
    level: Level,
}

/// Where a point lies in all that it is compared with.
#[derive(Clone, Copy, Debug)]
struct Look {
    forecast: f64,
    change: f64,
    of_value: Place,
    of_change: Place,
    of_residual: Place,
    /// The squares of the terms, in the order of [`PARTS`].
    parts: [f64; 4],
}

/// What the parts of a score are called.
const PARTS: [&str; 4] = ["value_part", "change_part", "season_part", "level_part"];

impl Novelty {
    pub(crate) fn new(spec: &NoveltySpec) -> Self {
        Self {
            threshold: spec.threshold,
            rest: spec.rest,
            warmup: spec.warmup,
            resting: 0,
            newest: i64::MIN,
            last: Vec::new(),
            season: Season::default(),
            values: Net::default(),
            changes: Net::default(),
            residuals: Net::default(),
            level: Level::default(),
        }
    }

    #[inline]
    fn look(&self, time: i64, value: f64) -> Look {
        let forecast = self.season.forecast(time).unwrap_or(value);
        let change = self.change(time, value).unwrap_or_default();
        let of_value = self.values.place(value);
        let of_change = if self.is_comparable(time) { self.changes.place(change) } else { Place::default() };
        let of_residual = self.residuals.place(saturate(value - forecast));
        let points = self.values.points();
        let parts = if points < LEARNING {
            [0.0; 4]
        } else {
            let (range, changing) = (self.values.range(), &self.changes);
            let scale = (changing.range() * changing.deviation()).sqrt();
            [
                square(of_value.novelty(range, EXCUSE) * growing(points) / VALUE),
                square(of_change.novelty(scale, EXCUSE) / CHANGED),
                square(of_residual.novelty(self.residuals.range(), 0.0) / SEASON),
                square(self.level.shift(value) / LEVEL),
            ]
        };
        Look { forecast, change, of_value, of_change, of_residual, parts }
    }

    /// Whether a point is not late, and there is one to take its change from.
    fn is_comparable(&self, time: i64) -> bool {
        time >= self.newest && self.last.len() == CHANGE
    }

    fn change(&self, time: i64, value: f64) -> Option<f64> {
        self.is_comparable(time).then(|| saturate(value - self.last[0]))
    }

    #[inline]
    fn learn(&mut self, time: i64, value: f64, look: &Look) {
        if self.is_comparable(time) {
            self.changes.learn(look.change, look.of_change);
        }
        self.residuals.learn(saturate(value - look.forecast), look.of_residual);
        let bounded = self.values.bounded(value);
        self.season.learn(time, bounded);
        self.level.learn(bounded, self.values.points());
        self.values.learn(value, look.of_value);
        if time >= self.newest {
            self.newest = time;
            if self.last.len() == CHANGE {
                self.last.rotate_left(1);
                self.last[CHANGE - 1] = value;
            } else {
                self.last.push(value);
            }
        }
    }

    fn judgement(&self, value: f64, look: &Look) -> Judgement {
        let score = look.parts.iter().sum::<f64>().min(MAX_SCORE);
        let reach = saturate(self.threshold.sqrt() * SEASON * self.residuals.range());
        Judgement {
            expected: look.forecast,
            low: saturate(look.forecast - reach).min(value),
            high: saturate(look.forecast + reach),
            score,
            anomaly: score >= self.threshold && self.resting == 0,
        }
    }
}

impl Detect for Novelty {
    #[inline]
    fn judge(&mut self, time: i64, value: f64) -> Option<Judgement> {
        if !value.is_finite() {
            return None;
        }
        let look = self.look(time, value);
        let judgement = (self.values.points() >= self.warmup).then(|| self.judgement(value, &look));
        self.resting = match judgement {
            Some(Judgement { anomaly: true, .. }) => (self.rest * f64::from(self.values.points())) as u32,
            _ => self.resting.saturating_sub(1),
        };
        self.learn(time, value, &look);
        judgement
    }

    fn workings(&self, time: i64, value: f64) -> Option<Workings> {
        if self.values.points() < self.warmup || !value.is_finite() {
            return None;
        }
        let look = self.look(time, value);
        let parts = PARTS.into_iter().zip(look.parts);
        Some(Workings {
            formula: "value_part + change_part + season_part + level_part",
            figures: parts.collect(),
            points: Vec::new(),
            usual: look.of_value.nearest,
        })
    }
}

impl Place {
    /// The distance in units of a scale, and the less so the further off the nearest value itself was.
    fn novelty(&self, scale: f64, excuse: f64) -> f64 {
        if self.distance == 0.0 { 0.0 } else { self.distance / (scale + excuse * self.kept) }
    }
}

/// A square that is at most [`MAX_SCORE`].
fn square(x: f64) -> f64 {
    // No spread gives an infinity here, which the bound turns into the largest score.
    (x * x).min(MAX_SCORE)
}

/// (points / 1,000)^0.625, by square roots alone.
fn growing(points: u32) -> f64 {
    let root = (f64::from(points) / PAST).sqrt();
    root * root.sqrt().sqrt()
}

/// A fast mean beside the mean and variance of all.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Level {
    fast: f64,
    mean: f64,
    variance: f64,
}

impl Level {
    /// How many deviations the fast mean would be from the mean.
    fn shift(&self, value: f64) -> f64 {
        let fast = self.fast + FAST * (value - self.fast);
        super::deviations(saturate(fast - self.mean), self.variance.sqrt()).abs()
    }

    fn learn(&mut self, value: f64, points: u32) {
        let gain = 1.0 / f64::from(points + 1);
        self.fast = saturate(self.fast + FAST.max(gain) * saturate(value - self.fast));
        let error = saturate(value - self.mean);
        self.mean = saturate(self.mean + gain * error);
        self.variance = saturate((1.0 - gain) * saturate(self.variance + gain * error * error));
    }
}
