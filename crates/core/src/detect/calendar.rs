//! What a series is at this time of the week; or else, where no point was seen yet, of the day; or else
//! at all.
//!
//! ```text
//!   half-hours of the week    Thu 00:00 ▪▪▪▫▫▫ … Wed 23:30    ▪ has seen a point
//!   quarter-hours of the day      00:00 ▪▪▪▪▪▪ … 23:45
//!   all                                  ▪
//! ```
//!
//! **Invariant:** a slot is held once it has seen a point, so a series of few points is small.

use super::saturate;
use serde::{Deserialize, Serialize};

const QUARTER_HOUR: i64 = 15 * 60 * 1_000;
const QUARTER_HOURS_OF_DAY: i64 = 24 * 4;
const HALF_HOURS_OF_WEEK: i64 = 7 * 24 * 2;

/// How much of a point the mean of its half-hour, of its quarter-hour, and of all takes in, once each has
/// seen as many as this is a share of.
const GAIN_OF_WEEK: f64 = 0.1;
const GAIN_OF_DAY: f64 = 0.15;
const GAIN_OF_ALL: f64 = 0.002;

/// Means by time of the week and of the day.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Calendar {
    week: Slots,
    day: Slots,
    all: Mean,
}

impl Calendar {
    /// What a point at that time would be; `None` before the first.
    #[inline]
    pub(super) fn forecast(&self, time: i64) -> Option<f64> {
        let (week, day) = slots_of(time);
        let mean = self.week.get(week).or_else(|| self.day.get(day)).unwrap_or(&self.all);
        (mean.points > 0).then_some(mean.mean)
    }

    #[inline]
    pub(super) fn learn(&mut self, time: i64, point: f64) {
        let (week, day) = slots_of(time);
        self.week.learn(week, point, GAIN_OF_WEEK);
        self.day.learn(day, point, GAIN_OF_DAY);
        self.all.learn(point, GAIN_OF_ALL);
    }
}

/// The half-hour of the week and the quarter-hour of the day.
fn slots_of(time: i64) -> (u16, u16) {
    let quarter_hours = time.div_euclid(QUARTER_HOUR);
    let week = quarter_hours.div_euclid(2).rem_euclid(HALF_HOURS_OF_WEEK);
    (week as u16, quarter_hours.rem_euclid(QUARTER_HOURS_OF_DAY) as u16)
}

/// The slots that have seen a point, sorted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Slots {
    slots: Vec<(u16, Mean)>,
    /// Where the last point was: the next is likely there or right behind.
    last: usize,
}

impl Slots {
    /// Where a slot is, or would be.
    #[inline]
    fn find(&self, slot: u16) -> Result<usize, usize> {
        let near = [self.last, self.last + 1];
        let here = near.into_iter().find(|&at| self.slots.get(at).is_some_and(|(known, _)| *known == slot));
        here.map_or_else(|| self.slots.binary_search_by_key(&slot, |(known, _)| *known), Ok)
    }

    #[inline]
    fn get(&self, slot: u16) -> Option<&Mean> {
        self.find(slot).ok().map(|at| &self.slots[at].1)
    }

    #[inline]
    fn learn(&mut self, slot: u16, point: f64, gain: f64) {
        let at = self.find(slot).unwrap_or_else(|at| {
            self.slots.insert(at, (slot, Mean::default()));
            at
        });
        self.slots[at].1.learn(point, gain);
        self.last = at;
    }
}

/// An exponentially weighted mean that begins as the mean.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Mean {
    mean: f64,
    points: u16,
}

impl Mean {
    #[inline]
    fn learn(&mut self, point: f64, gain: f64) {
        self.points = self.points.saturating_add(1);
        let gain = gain.max(1.0 / f64::from(self.points));
        self.mean = saturate(self.mean + gain * saturate(point - self.mean));
    }
}
