//! What a series has been: a net of its values, close enough together to say how far a new point lies
//! from all there have been.
//!
//! ```text
//!                     nearest
//!   knots  ──•─•──•••─•────────────────•──►      a knot keeps how lonely it was when it came:
//!                      └── distance ▲            a point near a lonely one is half expected
//! ```
//!
//! **Invariant:** the knots are sorted, finite and at most [`MOST`]; each was the nearest to one of the
//! last 2·[`MEMORY`] points, and lies within the range of the points, as it was when they were learned.

use super::saturate;
use serde::{Deserialize, Serialize};

/// Most knots of a net, of 24 bytes each.
const MOST: usize = 1_024;

/// A point closer to a knot than this share of the range says nothing new.
const CLOSE: f64 = 0.002;

/// A full net is thinned to knots this share of the range apart, or further if that leaves more than half.
const THINNED: f64 = 0.004;

/// While a net has fewer points, everything is new, and no knot is called lonely.
pub(super) const LEARNING: u32 = 100;

/// For how many points a knot lives without being met again, and how many points a past weighs at most,
/// so that no past is too heavy to change.
pub(super) const MEMORY: u32 = 10_000;

/// A point further outside the range than this many ranges is learned as if it were there, so that an
/// absurd one does not make all others look alike.
const WIDENING: f64 = 16.0;

/// The knots of one series, and its range and mean.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Net {
    knots: Vec<Knot>,
    points: u32,
    /// How many points there are until unmet knots are forgotten.
    until_forgetting: u32,
    low: f64,
    high: f64,
    mean: f64,
    deviation: f64,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Knot {
    at: f64,
    lonely: f64,
    /// Whether a point was near since knots were last forgotten.
    met: bool,
}

/// Where a point lies in a net.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Place {
    /// The nearest knot.
    pub(super) nearest: f64,
    /// How far away it is.
    pub(super) distance: f64,
    /// How far it was from all others when it came.
    pub(super) lonely: f64,
    index: usize,
}

impl Net {
    /// How many points it weighs: at most [`MEMORY`].
    pub(super) fn points(&self) -> u32 {
        self.points
    }

    /// From the lowest point to the highest.
    pub(super) fn range(&self) -> f64 {
        saturate(self.high - self.low)
    }

    /// The mean distance of the points from their mean.
    pub(super) fn deviation(&self) -> f64 {
        self.deviation
    }

    /// Where a point lies; on itself while there is no other.
    #[inline]
    pub(super) fn place(&self, point: f64) -> Place {
        let above = self.knots.partition_point(|knot| knot.at < point);
        let (below, upper) = (self.seen_from(point, above.wrapping_sub(1)), self.seen_from(point, above));
        match (below, upper) {
            (Some(below), Some(upper)) if upper.distance < below.distance => upper,
            (Some(place), _) | (None, Some(place)) => place,
            (None, None) => Place { nearest: point, ..Place::default() },
        }
    }

    #[inline]
    fn seen_from(&self, point: f64, index: usize) -> Option<Place> {
        let Knot { at, lonely, .. } = *self.knots.get(index)?;
        Some(Place { nearest: at, distance: saturate((point - at).abs()), lonely, index })
    }

    /// The point as it is learned: within so many ranges of what there was.
    #[inline]
    pub(super) fn bounded(&self, point: f64) -> f64 {
        let range = self.range();
        if self.points < LEARNING || range == 0.0 {
            return point;
        }
        point.clamp(saturate(self.low - WIDENING * range), saturate(self.high + WIDENING * range))
    }

    /// Learns a point whose place is this.
    #[inline]
    pub(super) fn learn(&mut self, point: f64, place: Place) {
        let bounded = self.bounded(point);
        let place = if bounded == point { place } else { self.place(bounded) };
        let range = self.range();
        match self.knots.get_mut(place.index) {
            Some(knot) if place.distance <= CLOSE * range => knot.met = true,
            _ => self.tie(bounded, place.distance, range),
        }
        self.average(bounded);
        self.age();
    }

    fn average(&mut self, point: f64) {
        if self.points == 0 {
            (self.low, self.high) = (point, point);
        }
        (self.low, self.high) = (self.low.min(point), self.high.max(point));
        let gain = 1.0 / f64::from(self.points + 1);
        let error = saturate(point - self.mean);
        self.mean = saturate(self.mean + gain * error);
        self.deviation = saturate(self.deviation + gain * (error.abs() - self.deviation));
    }

    fn age(&mut self) {
        self.points = (self.points + 1).min(MEMORY);
        self.until_forgetting = self.until_forgetting.checked_sub(1).unwrap_or_else(|| {
            self.forget();
            MEMORY - 1
        });
    }

    fn tie(&mut self, point: f64, distance: f64, range: f64) {
        if self.knots.len() >= MOST {
            self.thin(THINNED * range);
        }
        let lonely = if self.points < LEARNING { 0.0 } else { distance };
        let index = self.knots.partition_point(|knot| knot.at < point);
        self.knots.insert(index, Knot { at: point, lonely, met: true });
    }

    #[cold]
    fn thin(&mut self, apart: f64) {
        let mut last = f64::NEG_INFINITY;
        self.knots.retain(|knot| {
            let far = knot.at - last >= apart;
            last = if far { knot.at } else { last };
            far
        });
        if self.knots.len() > MOST / 2 {
            self.thin((2.0 * apart).max(f64::MIN_POSITIVE));
        }
    }

    /// Lets go of the knots that were not met since the last time, and of the range that they made.
    #[cold]
    fn forget(&mut self) {
        self.knots.retain(|knot| knot.met);
        self.knots.iter_mut().for_each(|knot| knot.met = false);
        if let (Some(first), Some(last)) = (self.knots.first(), self.knots.last()) {
            (self.low, self.high) = (first.at, last.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learn(net: &mut Net, point: f64) {
        net.learn(point, net.place(point));
    }

    fn assert_sound(net: &Net) {
        assert!(net.knots.len() <= MOST, "{} knots", net.knots.len());
        assert!(net.knots.windows(2).all(|pair| pair[0].at < pair[1].at), "{net:?}");
        assert!(net.knots.iter().all(|knot| knot.at.is_finite() && knot.lonely.is_finite()), "{net:?}");
        let figures = [net.low, net.high, net.mean, net.deviation];
        assert!(figures.iter().all(|x| x.is_finite()) && net.low <= net.high, "{figures:?}");
    }

    #[test]
    fn the_nearest_knot_by_hand() {
        let mut net = Net::default();
        assert_eq!(net.place(7.0), Place { nearest: 7.0, ..Place::default() });
        for point in [0.0, 100.0, 40.0, 40.01] {
            learn(&mut net, point);
        }
        // 40.01 is closer to 40 than a five-hundredth of the range: no knot of its own.
        let knots: Vec<f64> = net.knots.iter().map(|knot| knot.at).collect();
        assert_eq!(knots, [0.0, 40.0, 100.0]);
        for (point, nearest) in
            [(-5.0, 0.0), (19.0, 0.0), (21.0, 40.0), (70.0, 40.0), (71.0, 100.0), (1e9, 100.0)]
        {
            let place = net.place(point);
            assert_eq!((place.nearest, place.distance), (nearest, (point - nearest).abs()), "{point}");
        }
        assert_eq!((net.range(), net.points()), (100.0, 4));
    }

    #[test]
    fn a_knot_keeps_how_lonely_it_was_once_there_is_a_past() {
        let mut net = Net::default();
        (0..LEARNING).for_each(|i| learn(&mut net, f64::from(i % 2)));
        learn(&mut net, 3.0);
        assert_eq!(net.place(3.5).lonely, 2.0);
        assert_eq!(net.place(0.0).lonely, 0.0);
    }

    #[test]
    fn any_number_of_points_leaves_a_bounded_net() {
        let mut net = Net::default();
        let mut walk = 0.0_f64;
        for i in 0..100_000_u32 {
            // Multiples of the golden ratio fill an interval; the walk carries it away, growing.
            walk += f64::from(i) * (f64::from(i) * 0.618_033_988_749_895).fract();
            learn(&mut net, walk);
            if i % 1_000 == 0 {
                assert_sound(&net);
            }
        }
        assert_sound(&net);
        assert_eq!(net.points(), MEMORY);
    }

    #[test]
    fn what_was_not_met_again_is_forgotten() {
        let mut net = Net::default();
        (0..1_000).for_each(|i| learn(&mut net, f64::from(i % 10)));
        learn(&mut net, 50.0);
        assert_eq!((net.range(), net.place(50.0).distance), (50.0, 0.0));
        (0..2 * MEMORY).for_each(|i| learn(&mut net, f64::from(i % 10)));
        assert_eq!((net.range(), net.place(50.0).distance), (9.0, 41.0));
    }

    #[test]
    fn an_absurd_point_is_learned_as_far_off() {
        let mut net = Net::default();
        (0..1_000).for_each(|i| learn(&mut net, f64::from(i % 11)));
        learn(&mut net, 1e300);
        assert_eq!(net.range(), 10.0 + WIDENING * 10.0);
        assert_sound(&net);
        // Without a past to compare with it counts as it is.
        let mut young = Net::default();
        [0.0, 1e300].iter().for_each(|point| learn(&mut young, *point));
        assert_eq!(young.range(), 1e300);
    }

    #[test]
    fn extremes_leave_a_sound_net() {
        let extremes = [0.0, -0.0, 1.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 1e-320, 1e154, -1e200];
        let mut net = Net::default();
        for i in 0..30_000_usize {
            learn(&mut net, extremes[(i * i + i / 7) % extremes.len()]);
            if i % 100 == 0 {
                assert_sound(&net);
            }
        }
    }
}
