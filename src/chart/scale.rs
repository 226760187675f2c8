//! Axes: where they begin and end, and where their ticks are.
//!
//! **Invariant:** an axis covers what it was asked to, and its ticks lie on round numbers, so that an axis that need not change does not.
//!
//! ```text
//!   data 2 340 … 15 204  ─►  axis 0 … 20 000, ticks 0, 5 000, 10 000, 15 000, 20 000
//! ```

use crate::text::{DAY, HOUR, MINUTE, SECOND};

/// Part of an axis that the data has to fill; below it the axis shrinks to fit.
const LEAST_FILL: f64 = 0.5;

/// How far a time axis runs ahead of the last time, in steps: it moves on by as much at once.
const AHEAD: f64 = 0.5;

/// Above this part of the largest value the smallest no longer pulls the axis down to zero.
const ZERO_BELOW: f64 = 0.6;

/// Distances between ticks of a time axis that a person expects.
const TIME_STEPS: [i64; 26] = [
    1,
    10,
    100,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    28 * DAY,
    91 * DAY,
];

/// One axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Distance between ticks.
    pub(crate) step: f64,
}

impl Axis {
    /// An axis of values with about `ticks` ticks. `before` is kept when it still fits.
    pub(crate) fn of_values(low: f64, high: f64, ticks: usize, before: Option<&Self>) -> Self {
        let (low, high) = match (low, high) {
            _ if low > high => (0.0, 1.0),
            _ if low == high => (low.min(0.0), if high > 0.0 { high } else { low + 1.0 }),
            _ if low >= 0.0 && low < ZERO_BELOW * high => (0.0, high),
            _ => (low, high),
        };
        if let Some(before) = before {
            let fits = before.low <= low && high <= before.high;
            if fits && high - low >= LEAST_FILL * (before.high - before.low) {
                return before.clone();
            }
        }
        let step = round_step((high - low) / ticks.max(1) as f64);
        Self { low: (low / step).floor() * step, high: (high / step).ceil() * step, step }
    }

    /// A time axis with at most `ticks` ticks: from the first time to half a step after the last.
    pub(crate) fn of_times(first: f64, last: f64, ticks: usize) -> Self {
        let step = time_step((last - first).max(1.0) / ticks.max(1) as f64);
        let ahead = step * AHEAD;
        Self { low: first, high: (last / ahead).floor() * ahead + ahead, step }
    }

    /// A time axis with at most `ticks` ticks from one time to another.
    pub(crate) fn between(first: f64, last: f64, ticks: usize) -> Self {
        let high = last.max(first + 1.0);
        Self { low: first, high, step: time_step((high - first) / ticks.max(1) as f64) }
    }

    /// Whether the axis covers a value.
    pub(crate) fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// The ticks, in order.
    pub(crate) fn ticks(&self) -> impl Iterator<Item = f64> + use<> {
        let (first, step, high) = ((self.low / self.step).ceil(), self.step, self.high);
        (0..).map(move |i| (first + f64::from(i)) * step).take_while(move |tick| *tick <= high + step * 1e-9)
    }
}

/// The next distance between ticks that a person expects.
fn time_step(least: f64) -> f64 {
    let long = (364 * DAY) as f64;
    let known = TIME_STEPS.into_iter().map(|step| step as f64).find(|step| *step >= least);
    known.unwrap_or_else(|| (least / long).ceil() * long)
}

/// A scale of delays: zero at its beginning, then logarithmic, so that milliseconds and days are told apart
/// on one picture.
///
/// ```text
///   part of the scale = ln(1 + delay / knee) / ln(1 + high / knee)
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Delays {
    pub(crate) high: f64,
    /// Below it the scale is linear, above it logarithmic.
    knee: f64,
}

/// Room above the largest delay, as a factor.
const HEADROOM: f64 = 1.5;

/// A scale of delays shrinks when it is so many times larger than it has to be.
const TOO_LARGE: f64 = 16.0;

/// The largest delay is so many times the knee, or less.
const KNEES: f64 = 1_000.0;

/// The least knee and the least largest delay, in milliseconds.
const LEAST_KNEE: f64 = 10.0;
const LEAST_DELAY: f64 = 1_000.0;

/// Delays that ticks may stand at.
const DELAY_TICKS: [i64; 12] =
    [10, 100, SECOND, 10 * SECOND, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY, 28 * DAY, 364 * DAY];

impl Delays {
    /// A scale that reaches beyond a delay. `before` is kept when it still fits.
    pub(crate) fn up_to(delay: f64, before: Option<Self>) -> Self {
        let needed = delay.max(LEAST_DELAY / HEADROOM) * HEADROOM;
        let fits = |before: &Self| delay <= before.high && before.high <= needed * TOO_LARGE;
        before.filter(fits).unwrap_or_else(|| {
            let high = time_step(needed);
            Self { high, knee: 10f64.powf((high / KNEES).log10().floor()).max(LEAST_KNEE) }
        })
    }

    /// Where a delay lies: from 0 for none to 1 for the largest.
    pub(crate) fn part(self, delay: f64) -> f64 {
        (delay.clamp(0.0, self.high) / self.knee).ln_1p() / (self.high / self.knee).ln_1p()
    }

    /// The delay that lies there.
    pub(crate) fn at(self, part: f64) -> f64 {
        (part.clamp(0.0, 1.0) * (self.high / self.knee).ln_1p()).exp_m1() * self.knee
    }

    /// Delays for ticks that are at least a part of the scale apart from each other and from zero.
    pub(crate) fn ticks(self, apart: f64) -> Vec<f64> {
        let mut ticks: Vec<f64> = Vec::new();
        for tick in DELAY_TICKS.into_iter().map(|tick| tick as f64).filter(|tick| *tick <= self.high) {
            let before = ticks.last().map_or(0.0, |before| self.part(*before));
            if self.part(tick) - before >= apart {
                ticks.push(tick);
            }
        }
        ticks
    }
}

/// A scale of values that is logarithmic on both sides of zero, and linear near it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Symlog {
    low: f64,
    high: f64,
    knee: f64,
}

/// Decades below the largest value that a logarithmic scale shows.
const DECADES: f64 = 1e4;

impl Symlog {
    /// A scale over a range of values.
    pub(crate) fn over(low: f64, high: f64) -> Self {
        let largest = low.abs().max(high.abs()).max(f64::MIN_POSITIVE * DECADES);
        let (low, high) = if low < high { (low, high) } else { (low.min(0.0), high.max(0.0).max(low + 1.0)) };
        Self { low, high, knee: 10f64.powf((largest / DECADES).log10().floor()) }
    }

    fn bent(self, value: f64) -> f64 {
        (value.abs() / self.knee).ln_1p().copysign(value)
    }

    /// Where a value lies, from 0 to 1.
    pub(crate) fn part(self, value: f64) -> f64 {
        (self.bent(value) - self.bent(self.low)) / (self.bent(self.high) - self.bent(self.low))
    }

    /// Powers of ten, and zero, that are at least a part of the scale apart.
    pub(crate) fn ticks(self, apart: f64) -> Vec<f64> {
        let powers = || (0..=6).map(|power| self.knee * 10f64.powi(power));
        let all = powers().rev().map(|tick| -tick).chain([0.0]).chain(powers());
        let mut ticks: Vec<f64> = Vec::new();
        for tick in all.filter(|tick| (self.low..=self.high).contains(tick)) {
            if ticks.last().is_none_or(|before| self.part(tick) - self.part(*before) >= apart) {
                ticks.push(tick);
            }
        }
        ticks
    }
}

/// The next of 1, 2, 2.5, 5 times a power of ten.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= least)
        .unwrap_or(power)
}

/// Moves texts of the given height apart, each as little as possible, between `top` and `bottom`. The
/// positions keep the order in which they come, from top to bottom.
pub(crate) fn nudge(positions: &mut [f64], height: f64, top: f64, bottom: f64) {
    let mut least = top;
    for position in positions.iter_mut() {
        *position = position.max(least);
        least = *position + height;
    }
    let mut most = bottom;
    for position in positions.iter_mut().rev() {
        *position = position.min(most);
        most = *position - height;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_values(low: f64, high: f64, want: [f64; 3]) {
        let axis = Axis::of_values(low, high, 4, None);
        assert_eq!([axis.low, axis.high, axis.step], want);
    }

    #[test]
    fn value_axes_are_round_and_begin_at_zero_when_it_is_near() {
        check_values(2_340.0, 15_204.0, [0.0, 20_000.0, 5_000.0]);
        check_values(96.0, 104.0, [96.0, 104.0, 2.0]);
        check_values(-3.0, 5.0, [-4.0, 6.0, 2.0]);
        check_values(0.0, 0.0, [0.0, 1.0, 0.25]);
        check_values(7.0, 7.0, [0.0, 8.0, 2.0]);
    }

    #[test]
    fn no_data_still_gives_an_axis() {
        check_values(f64::INFINITY, f64::NEG_INFINITY, [0.0, 1.0, 0.25]);
    }

    #[test]
    fn an_axis_stays_while_the_data_fits() {
        let before = Axis::of_values(0.0, 15_000.0, 4, None);
        assert_eq!(Axis::of_values(0.0, 9_000.0, 4, Some(&before)), before);
        assert_ne!(Axis::of_values(0.0, 21_000.0, 4, Some(&before)), before, "too small");
        assert_ne!(Axis::of_values(0.0, 900.0, 4, Some(&before)), before, "far too large");
    }

    #[test]
    fn time_axes_end_soon_after_the_last_time() {
        let axis = Axis::of_times(100_000.0, 400_000.0, 6);
        assert_eq!(axis, Axis { low: 100_000.0, high: 420_000.0, step: 60_000.0 });
        let ticks: Vec<f64> = axis.ticks().collect();
        assert_eq!(ticks, [120_000.0, 180_000.0, 240_000.0, 300_000.0, 360_000.0, 420_000.0]);
    }

    #[test]
    fn times_before_1970_have_ticks_too() {
        let axis = Axis::of_times(-90_000.0, -10_000.0, 2);
        assert_eq!(axis.ticks().collect::<Vec<_>>(), [-60_000.0, 0.0]);
    }

    #[test]
    fn delays_are_logarithmic_above_zero_and_can_be_read_back() {
        let delays = Delays::up_to(90_000.0, None);
        assert_eq!((delays.high, delays.part(0.0), delays.part(delays.high)), (300_000.0, 0.0, 1.0));
        assert_eq!(delays.ticks(0.1), [1_000.0, 10_000.0, 60_000.0]);
        for delay in [0.0, 7.0, 250.0, 5_000.0, 120_000.0] {
            assert!((delays.at(delays.part(delay)) - delay).abs() < 1e-6, "{delay}");
        }
        let decades = [1_000.0, 10_000.0, 100_000.0].map(|delay| delays.part(delay));
        assert!(((decades[2] - decades[1]) - (decades[1] - decades[0])).abs() < 0.02, "{decades:?}");
        assert_eq!(delays.part(1e12), 1.0, "beyond the scale is at its end");
    }

    #[test]
    fn a_scale_of_delays_stays_while_it_fits() {
        let before = Delays::up_to(90_000.0, None);
        assert_eq!(Delays::up_to(20_000.0, Some(before)), before);
        assert_ne!(Delays::up_to(400_000.0, Some(before)), before, "too small");
        assert_ne!(Delays::up_to(1_000.0, Some(before)), before, "far too large");
        assert_eq!(Delays::up_to(0.0, None).high, 1_000.0);
    }

    #[test]
    fn a_logarithmic_scale_of_values_has_zero_and_powers_of_ten() {
        let scale = Symlog::over(0.0, 5_000.0);
        assert_eq!((scale.part(0.0), scale.part(5_000.0)), (0.0, 1.0));
        assert_eq!(scale.ticks(0.05), [0.0, 0.1, 1.0, 10.0, 100.0, 1_000.0]);
        let both = Symlog::over(-100.0, 100.0);
        assert!((both.part(0.0) - 0.5).abs() < 1e-12 && both.part(-10.0) < both.part(-1.0));
        assert!(Symlog::over(0.0, 0.0).part(0.0).is_finite());
    }

    #[test]
    fn labels_part_and_stay_inside() {
        let mut positions = [10.0, 12.0, 90.0];
        nudge(&mut positions, 16.0, 0.0, 80.0);
        assert_eq!(positions, [10.0, 26.0, 80.0]);
        let mut crowded = [79.0, 79.5, 80.0];
        nudge(&mut crowded, 16.0, 0.0, 80.0);
        assert_eq!(crowded, [48.0, 64.0, 80.0]);
    }
}
