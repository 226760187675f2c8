//! Seasonal: distance from what is usual at this time of a period.
//!
//! ```text
//!   period      |╱╲____╱╲__|╱╲____╱╲__|╱╲____  ▲     168 slots of equal length
//!   slot         · · · s · |· · · s · |· · · s       its mean: of each time that it came
//!   residual     r = x − s     level, deviation: r's mean and deviation, which fade by α
//!   score        (r − level) / deviation         an anomaly when |score| ≥ threshold
//! ```
//!
//! A slot's gain is α, and 1/n for its n-th point while that is more: an additive season as in Winters 1960,
//! by time and not by number of points, so that a gap or a missing season changes nothing. The level moves
//! all slots. Until the period is found, while a slot is empty and while there are fewer than `min_points`
//! residuals, it is what `ewma` is.
//!
//! **Invariant:** at most [`SLOTS`] slots, and none before the period is known.

use super::ewma::FORMULA;
use super::fading::Fading;
use super::period::Search;
use super::{Detect, Judgement, Workings, saturate};
use crate::spec::{DEFAULT_MIN_POINTS, SeasonalSpec};
use serde::{Deserialize, Serialize};

/// Slots in a period: the hours of a week, and parts of a day of under nine minutes; few enough for a
/// byte to number them. 2.8 KiB a series once all have had a point.
const SLOTS: i64 = 168;

/// What is usual in one series.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Seasonal {
    alpha: f64,
    threshold: f64,
    min_points: u32,
    /// All points, whatever their slot.
    all: Fading,
    residuals: Fading,
    season: Season,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Season {
    Searched(Box<Search>),
    Known { period: i64, slots: Slots },
}

/// The slots that have had a point, in the order in which they first had one, so that a series of few points
/// is small.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Slots {
    /// Of each slot of the period, one more than where it is among `seen`; 0 if it is not.
    places: Vec<u8>,
    seen: Vec<Slot>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Slot {
    mean: f64,
    points: u32,
}

/// What a point is compared with.
struct Usual {
    /// The slot's number and mean, where it has one.
    slot: Option<(usize, f64)>,
    past: Fading,
}

impl Seasonal {
    pub(crate) fn new(spec: &SeasonalSpec) -> Self {
        let season = match spec.period {
            Some(period) => Season::Known { period: period.0, slots: Slots::default() },
            None => Season::Searched(Box::default()),
        };
        Self {
            alpha: spec.alpha,
            threshold: spec.threshold,
            min_points: spec.min_points.unwrap_or(DEFAULT_MIN_POINTS),
            all: Fading::new(spec.alpha),
            residuals: Fading::new(spec.alpha),
            season,
        }
    }

    #[inline]
    fn usual(&self, time: i64) -> Usual {
        let slot = self.season.slot(time);
        if slot.is_some() && self.residuals.points >= self.min_points {
            Usual { slot, past: self.residuals }
        } else {
            Usual { slot: None, past: self.all }
        }
    }

    fn judgement(&self, time: i64, value: f64) -> Option<Judgement> {
        let Usual { slot, past } = self.usual(time);
        let season = slot.map_or(0.0, |(_, mean)| mean);
        // The residual first: what is small beside the season is not lost.
        (past.points >= self.min_points && value.is_finite()).then(|| {
            let residual = saturate(value - season);
            Judgement::around(residual, past.mean, past.deviation, self.threshold).above(season)
        })
    }

    fn learn(&mut self, time: i64, value: f64) {
        if let Some((_, mean)) = self.season.slot(time) {
            self.residuals.push(saturate(value - mean));
        }
        self.all.push(value);
        self.season.learn(time, value, self.alpha);
    }
}

impl Season {
    /// The slot of a time, if it has had a point.
    #[inline]
    fn slot(&self, time: i64) -> Option<(usize, f64)> {
        let Self::Known { period, slots } = self else { return None };
        let place = place(time, *period);
        Some((place, slots.get(place)?.mean))
    }

    #[inline]
    fn learn(&mut self, time: i64, value: f64, alpha: f64) {
        match self {
            Self::Known { period, slots } => {
                slots.learn(place(time, *period), value, alpha);
            }
            Self::Searched(search) => {
                if let Some(period) = search.push(time, value) {
                    *self = Self::Known { period, slots: Slots::default() };
                }
            }
        }
    }
}

impl Slots {
    #[inline]
    fn get(&self, place: usize) -> Option<&Slot> {
        self.seen.get(usize::from(*self.places.get(place)?).checked_sub(1)?)
    }

    #[inline]
    fn learn(&mut self, place: usize, value: f64, alpha: f64) {
        self.places.resize(SLOTS as usize, 0);
        match self.places[place].checked_sub(1) {
            Some(at) => self.seen[usize::from(at)].learn(value, alpha),
            None => {
                self.seen.push(Slot { mean: value, points: 1 });
                self.places[place] = self.seen.len() as u8;
            }
        }
    }
}

impl Slot {
    #[inline]
    fn learn(&mut self, value: f64, alpha: f64) {
        self.points = self.points.saturating_add(1);
        let gain = alpha.max(1.0 / f64::from(self.points));
        self.mean = saturate(self.mean + gain * saturate(value - self.mean));
    }
}

/// The number of a time's slot. A millisecond is the shortest period, and a thousand years times the slots
/// is far below 2⁶³.
#[inline]
fn place(time: i64, period: i64) -> usize {
    (time.rem_euclid(period) * SLOTS / period) as usize
}

impl Detect for Seasonal {
    #[inline]
    fn judge(&mut self, time: i64, value: f64) -> Option<Judgement> {
        let judgement = self.judgement(time, value);
        if value.is_finite() {
            self.learn(time, value);
        }
        judgement
    }

    fn workings(&self, time: i64, value: f64) -> Option<Workings> {
        let usual = self.judgement(time, value)?.expected;
        let Usual { slot, past: Fading { mean, deviation, .. } } = self.usual(time);
        let (Some((slot, of_slot)), Season::Known { period, .. }) = (slot, &self.season) else {
            let figures = vec![("mean", mean), ("deviation", deviation)];
            return Some(Workings { formula: FORMULA, figures, points: Vec::new(), usual });
        };
        Some(Workings {
            formula: "(value - season - level) / deviation",
            figures: vec![
                ("season", of_slot),
                ("level", mean),
                ("deviation", deviation),
                ("period", *period as f64 / 1_000.0),
                ("slot", slot as f64),
                ("slots", SLOTS as f64),
            ],
            points: Vec::new(),
            usual,
        })
    }
}
