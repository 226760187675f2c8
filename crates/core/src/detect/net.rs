//! What a series has been: a net of its values, close enough together to say how far a new one lies from
//! all of them.
//!
//! ```text
//!   values   ──•─•──•••─•────────────────•──►       a value keeps how far off it was when it came
//!                            ▲ distance             to the nearest
//! ```
//!
//! **Invariant:** the values are sorted and at most [`MOST`], and each has been nearest to one of the last
//! 2·[`MEMORY`] points.

use super::saturate;
use serde::{Deserialize, Serialize};

/// Most values of a net, of 17 bytes each.
const MOST: usize = 1_024;

/// A value closer than this share of the range to another one says nothing new.
const CLOSE: f64 = 0.002;

/// A full net is thinned to this share of the range, or as many times twice that as it takes to halve it.
const THINNED: f64 = 0.004;

/// Before so many points a distance says nothing: everything is new.
pub(super) const LEARNING: u32 = 100;

/// How many points back the past goes: what grows with the points does so up to here, and a value that
/// was not met again for as long is forgotten. About as long as the longest series it was measured with.
pub(super) const MEMORY: u32 = 20_000;

/// A point further outside the range than this many times the range is learned as if it were there, so
/// that one absurd value does not hide all others.
const WIDENING: f64 = 4.0;

/// Where a point lies in a net.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Place {
    /// The nearest value, and where in the net it is.
    pub(super) nearest: f64,
    at: usize,
    /// How far away it is.
    pub(super) distance: f64,
    /// How far from all others the nearest value was when it came.
    pub(super) kept: f64,
}

/// The net of one series.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Net {
    points: u32,
    values: Vec<f64>,
    kept: Vec<f64>,
    /// Which values were nearest to a point since the last forgetting.
    met: Vec<bool>,
    until_forgetting: u32,
    low: f64,
    high: f64,
    mean: f64,
    deviation: f64,
}

impl Net {
    /// How many points it has learned, up to [`MEMORY`].
    pub(super) fn points(&self) -> u32 {
        self.points
    }

    /// From the lowest to the highest value.
    pub(super) fn range(&self) -> f64 {
        saturate(self.high - self.low)
    }

    /// The mean distance from the mean of all points.
    pub(super) fn deviation(&self) -> f64 {
        self.deviation
    }

    /// Where a point lies; at no distance while there is no other.
    #[inline]
    pub(super) fn place(&self, point: f64) -> Place {
        let above = self.values.partition_point(|value| *value < point);
        let near = |at: usize| saturate((self.values[at] - point).abs());
        let at = match above {
            0 if self.values.is_empty() => return Place { nearest: point, ..Place::default() },
            0 => 0,
            end if end == self.values.len() => end - 1,
            above if near(above) < near(above - 1) => above,
            above => above - 1,
        };
        Place { nearest: self.values[at], at, distance: near(at), kept: self.kept[at] }
    }

    /// A point as it is learned.
    #[inline]
    pub(super) fn bounded(&self, point: f64) -> f64 {
        let range = self.range();
        if self.points < LEARNING || range == 0.0 {
            return point;
        }
        point.clamp(saturate(self.low - WIDENING * range), saturate(self.high + WIDENING * range))
    }

    /// Learns a point whose place is known.
    #[inline]
    pub(super) fn learn(&mut self, point: f64, place: Place) {
        let bounded = self.bounded(point);
        let place = if bounded == point { place } else { self.place(bounded) };
        let range = self.range();
        if self.values.is_empty() || place.distance > CLOSE * range {
            self.insert(bounded, place.distance, range);
        } else {
            self.met[place.at] = true;
        }
        self.average(bounded);
        (self.low, self.high) = match self.points {
            0 => (bounded, bounded),
            _ => (self.low.min(bounded), self.high.max(bounded)),
        };
        self.points = (self.points + 1).min(MEMORY);
        self.until_forgetting = match self.until_forgetting {
            0 => MEMORY,
            1 => self.forget(),
            left => left - 1,
        };
    }

    fn average(&mut self, point: f64) {
        let gain = 1.0 / f64::from(self.points + 1);
        let error = saturate(point - self.mean);
        self.mean = saturate(self.mean + gain * error);
        self.deviation = saturate(self.deviation + gain * (error.abs() - self.deviation));
    }

    fn insert(&mut self, point: f64, distance: f64, range: f64) {
        if self.values.len() == MOST {
            self.thin(THINNED * range);
        }
        let at = self.values.partition_point(|value| *value < point);
        self.values.insert(at, point);
        self.kept.insert(at, if self.points < LEARNING { 0.0 } else { distance });
        self.met.insert(at, true);
    }

    /// Leaves the values that are so far apart, or further if that leaves too many.
    #[cold]
    fn thin(&mut self, apart: f64) {
        let mut last = f64::NEG_INFINITY;
        let far: Vec<bool> = self
            .values
            .iter()
            .map(|value| {
                let far = value - last >= apart;
                last = if far { *value } else { last };
                far
            })
            .collect();
        self.keep(&far);
        if self.values.len() > MOST / 2 {
            self.thin(2.0 * apart);
        }
    }

    /// Leaves the values that were met since the last time, and the range that they have.
    #[cold]
    fn forget(&mut self) -> u32 {
        let met = std::mem::take(&mut self.met);
        self.met.clone_from(&met);
        self.keep(&met);
        self.met.fill(false);
        (self.low, self.high) = (self.values[0], self.values[self.values.len() - 1]);
        MEMORY
    }

    fn keep(&mut self, which: &[bool]) {
        let mut kept = which.iter();
        self.values.retain(|_| *kept.next().unwrap_or(&false));
        let mut kept = which.iter();
        self.kept.retain(|_| *kept.next().unwrap_or(&false));
        let mut kept = which.iter();
        self.met.retain(|_| *kept.next().unwrap_or(&false));
    }
}
