//! The period of a series: after how long it does the same again.
//!
//! Points go into at most [`BINS`] bins of equal length. When the series outgrows them, each two become
//! one, so that any length fits, and the period is looked for as the series doubles:
//!
//! ```text
//!   points   ·· ·· ·   ·· ·· ·· ··· ··        a gap leaves bins empty
//!   bins     ▁▇▁▇▁▇    ▁▇▁▇▁▇▁▇▁▇▁▇           64 of them, 128, … 1,024, then 1,024 twice as long
//!   r(lag)   ╲  ╱╲  ╱╲                        lag: the first peak after r was below 0
//! ```
//!
//! r is the autocorrelation (Box and Jenkins 1970) over those pairs of bins in which there are points, for
//! lags up to half of the bins: a period must have been there twice. At 0.5 half of the variance comes
//! again. The peak must be over, so that a trend is none.
//!
//! **Invariant:** at most [`BINS`] bins; what is found follows from the points alone.

use super::saturate;
use serde::{Deserialize, Serialize};

/// Bins a series has at most: two days of points every 3 minutes, and a search of half a million products
/// each time that a series has doubled.
const BINS: usize = 1_024;

/// Bins that are filled before the first look: two periods with which chance has little to do.
const FIRST_LOOK: usize = 64;

/// Steps between points, of which the shortest is the length of a bin.
const STEPS: u32 = 32;

/// From which autocorrelation on a lag is a period.
const ENOUGH: f64 = 0.5;

/// How much less than the largest the autocorrelation of the shortest lag may be: two periods are one, too.
const AS_GOOD: f64 = 0.9;

/// One of so many pairs of bins must have points, or a lag says nothing: gaps that come again and again
/// leave pairs of few times of a period, which are alike by chance.
const ONE_PAIR_OF: f64 = 2.0;

/// Lags of which the products are added up side by side: each sum waits for the one before it, so one
/// alone would leave a processor idle. The order within a sum is that of the series.
const AT_ONCE: usize = 8;

/// What people live by, in milliseconds: a found period within a twentieth of one of them is that one. Two
/// noisy periods say no more; one that is close to a natural period and is another has to be given.
const NATURAL: [i64; 12] = [
    60_000,
    300_000,
    600_000,
    900_000,
    1_800_000,
    3_600_000,
    10_800_000,
    21_600_000,
    43_200_000,
    86_400_000,
    604_800_000,
    1_209_600_000,
];

/// The beginning of a series, as far as it is needed to find a period.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Search {
    /// The first points, until the length of a bin is known.
    first: Vec<(i64, f64)>,
    /// Length of a bin; 0 until it is known.
    step: i64,
    origin: i64,
    bins: Vec<Bin>,
    /// Bins at the next look.
    next_look: usize,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Bin {
    sum: f64,
    points: u32,
}

impl Search {
    /// Takes a finite point; gives the period once it is found.
    pub(crate) fn push(&mut self, time: i64, value: f64) -> Option<i64> {
        if self.step > 0 {
            return self.add(time, value);
        }
        self.first.push((time, value));
        if self.first.len() <= STEPS as usize {
            return None;
        }
        let steps = self.first.windows(2).map(|pair| pair[1].0 - pair[0].0);
        // All at one time: look at the next so many.
        let Some(step) = steps.filter(|step| *step > 0).min() else {
            self.first.clear();
            return None;
        };
        (self.step, self.next_look) = (step, FIRST_LOOK);
        self.origin = self.first.iter().map(|(time, _)| *time).min().unwrap_or(time);
        let first = std::mem::take(&mut self.first);
        first.into_iter().find_map(|(time, value)| self.add(time, value))
    }

    /// A point from before the first is not needed.
    fn add(&mut self, time: i64, value: f64) -> Option<i64> {
        let mut place = self.place(time)?;
        let found = if place >= self.next_look { self.look() } else { None };
        while place >= BINS {
            self.halve();
            place /= 2;
        }
        while self.next_look <= place {
            self.next_look *= 2;
        }
        if self.bins.len() <= place {
            self.bins.resize(place + 1, Bin::default());
        }
        self.bins[place].add(Bin { sum: value, points: 1 });
        found
    }

    fn place(&self, time: i64) -> Option<usize> {
        usize::try_from((time - self.origin) / self.step).ok().filter(|_| time >= self.origin)
    }

    fn halve(&mut self) {
        let pairs = self.bins.chunks(2).map(|pair| {
            let mut both = pair[0];
            pair[1..].iter().for_each(|bin| both.add(*bin));
            both
        });
        self.bins = pairs.collect();
        self.step *= 2;
    }

    fn look(&self) -> Option<i64> {
        let means: Vec<f64> = self.bins.iter().map(Bin::mean).collect();
        let lag = period_of(&scaled(means))?;
        let period = lag as i64 * self.step;
        let near = |natural: &&i64| (**natural - period).abs() <= **natural / 20;
        Some(NATURAL.iter().find(near).copied().unwrap_or(period))
    }
}

impl Bin {
    fn add(&mut self, other: Self) {
        self.sum = saturate(self.sum + other.sum);
        self.points += other.points;
    }

    /// NaN of a bin without points.
    fn mean(&self) -> f64 {
        if self.points == 0 { f64::NAN } else { self.sum / f64::from(self.points) }
    }
}

/// Distances from the mean, at most 2 from 0, so that products neither overflow nor vanish.
fn scaled(means: Vec<f64>) -> Vec<f64> {
    let there = || means.iter().filter(|x| !x.is_nan());
    let largest = there().fold(0.0_f64, |a, x| a.max(x.abs()));
    let mean = there().map(|x| x / largest).sum::<f64>() / there().count() as f64;
    means.iter().map(|x| x / largest - mean).collect()
}

/// The shortest lag after which a series does the same again.
fn period_of(distances: &[f64]) -> Option<usize> {
    let covariances = covariances(distances);
    let correlations: Vec<f64> = covariances.iter().map(|covariance| covariance / covariances[0]).collect();
    // What is near in time is alike; a season has been unlike itself before it comes again.
    let unlike = correlations.iter().position(|r| *r < 0.0)?;
    let largest = correlations[unlike..].iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let enough = (AS_GOOD * largest).max(ENOUGH);
    let first = unlike + correlations[unlike..].iter().position(|r| *r >= enough)?;
    // The middle of the peak, which noise moves less than its top.
    let is_below = |r: &f64| *r < largest / 2.0;
    let start = correlations[..first].iter().rposition(is_below)? + 1;
    let end = first + correlations[first..].iter().position(is_below)?;
    let peak = || correlations[start..end].iter().zip(start..end).filter(|(r, _)| !r.is_nan());
    let weight: f64 = peak().map(|(r, _)| r).sum();
    Some(libm::round(peak().map(|(r, lag)| r * lag as f64).sum::<f64>() / weight) as usize)
}

/// The covariances of a series with itself, so many bins later, up to half of the bins; NaN where there are
/// few pairs.
fn covariances(distances: &[f64]) -> Vec<f64> {
    let there: Vec<f64> = distances.iter().map(|x| f64::from(u8::from(!x.is_nan()))).collect();
    // A bin without points adds nothing to a sum.
    let distances: Vec<f64> = distances.iter().map(|x| if x.is_nan() { 0.0 } else { *x }).collect();
    let [pairs, sums] = [&there, &distances].map(|series| products(series));
    let of = |(lag, (pairs, sum)): (usize, (&f64, &f64))| {
        let few = pairs * ONE_PAIR_OF < (distances.len() - lag) as f64;
        if few { f64::NAN } else { sum / pairs }
    };
    pairs.iter().zip(&sums).enumerate().map(of).collect()
}

/// The sums of the products of a series and itself, so many places later, up to half of its length.
fn products(series: &[f64]) -> Vec<f64> {
    let lags = series.len() / 2 + 1;
    // What is behind the end adds nothing.
    let later = [series, &[0.0; AT_ONCE]].concat();
    let mut sums = Vec::with_capacity(lags.next_multiple_of(AT_ONCE));
    for lag in (0..lags).step_by(AT_ONCE) {
        let mut some = [0.0; AT_ONCE];
        for (a, others) in series.iter().zip(later[lag..].windows(AT_ONCE)) {
            for (sum, b) in some.iter_mut().zip(others) {
                *sum += a * b;
            }
        }
        sums.extend(some);
    }
    sums.truncate(lags);
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    /// The period that is found in so many points, and after how many.
    fn found(step: i64, points: i64, value: impl Fn(i64) -> Option<f64>) -> Option<(i64, i64)> {
        let mut search = Search::default();
        let at = |i: i64| Some((i, value(i)?));
        (0..points).filter_map(at).find_map(|(i, x)| Some((search.push(i * step, x)?, i)))
    }

    fn wave(i: i64, period: i64) -> f64 {
        libm::sin(i as f64 / period as f64 * std::f64::consts::TAU)
    }

    /// Noise from −1 to 1.
    fn noise(i: i64) -> f64 {
        let mixed = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 11) as f64 / (1_u64 << 52) as f64
            - 1.0
    }

    #[test]
    fn finds_a_day_at_every_step() {
        for minutes in [1, 5, 7, 15, 60] {
            let day = 1_440 / minutes;
            let period = found(minutes * MINUTE, 20 * 1_440, |i| {
                Some(10.0 + wave(i * minutes, 1_440) + 0.5 * noise(i))
            });
            let (period, after) = period.unwrap_or_else(|| panic!("none at {minutes} minutes"));
            assert_eq!(period, 1_440 * MINUTE, "at {minutes} minutes");
            assert!(after >= 2 * day, "a period is there twice: {after} points of {minutes} minutes");
        }
    }

    #[test]
    fn gaps_do_no_harm() {
        let period = found(5 * MINUTE, 4_000, |i| (i / 50 % 3 != 1).then(|| wave(i, 288) + 0.3 * noise(i)));
        assert_eq!(period.map(|(period, _)| period), Some(1_440 * MINUTE));
    }

    #[test]
    fn what_has_no_period_gets_none() {
        assert_eq!(found(MINUTE, 20_000, |_| Some(4.0)), None, "a constant");
        assert_eq!(found(MINUTE, 20_000, |i| Some(i as f64)), None, "a trend");
        assert_eq!(found(MINUTE, 20_000, |i| Some(noise(i))), None, "noise");
        assert_eq!(found(0, 2_000, |i| Some(noise(i))), None, "time that stands");
        assert_eq!(found(MINUTE, 20_000, |i| Some(if i < 500 { 0.0 } else { 1e300 })), None, "a step");
    }

    #[test]
    fn the_search_is_bounded() {
        let mut search = Search::default();
        for i in 0..100_000 {
            search.push(i * i % 7_919 * 1_000_000_000 + i, noise(i));
            assert!(search.bins.len() <= BINS && search.first.len() <= STEPS as usize + 1);
        }
    }
}
