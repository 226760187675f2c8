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

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 60 * 60 * 1_000;

    #[test]
    fn the_nearest_time_that_has_seen_a_point_forecasts() {
        let mut calendar = Calendar::default();
        assert_eq!(calendar.forecast(0), None);
        calendar.learn(10 * HOUR, 5.0);
        // The same half-hour a week later; the same quarter of an hour a day later; any other time.
        assert_eq!(calendar.forecast(10 * HOUR + 7 * 24 * HOUR), Some(5.0));
        calendar.learn(34 * HOUR, 8.0);
        assert_eq!(calendar.forecast(10 * HOUR), Some(5.0), "Friday has no say on Thursday");
        let of_day = 5.0 + 0.5 * (8.0 - 5.0);
        assert_eq!(calendar.forecast(58 * HOUR), Some(of_day));
        assert_eq!(calendar.forecast(58 * HOUR + HOUR / 2), Some(of_day), "the mean of both");
        // Before 1970 as after.
        assert_eq!(calendar.forecast(10 * HOUR - 70 * 24 * HOUR), Some(5.0));
    }

    #[test]
    fn a_mean_becomes_exponential() {
        let mut mean = Mean::default();
        for point in [1.0, 2.0, 6.0] {
            mean.learn(point, 0.1);
        }
        assert_eq!(mean.mean, 3.0);
        (0..7).for_each(|_| mean.learn(3.0, 0.1));
        mean.learn(13.0, 0.1);
        assert_eq!(mean.mean, 4.0);
    }

    #[test]
    fn slots_are_as_many_as_were_seen_and_at_most_a_week_of_them() {
        let mut calendar = Calendar::default();
        calendar.learn(0, 1.0);
        assert_eq!((calendar.week.slots.len(), calendar.day.slots.len()), (1, 1));
        // Every 13 minutes for half a year, then back in time.
        for i in (0..20_000).chain((0..20_000).rev()) {
            calendar.learn(i * 13 * 60_000, 1.0);
        }
        assert_eq!((calendar.week.slots.len(), calendar.day.slots.len()), (336, 96));
        assert!(calendar.week.slots.is_sorted_by(|(a, _), (b, _)| a < b));
    }
}
