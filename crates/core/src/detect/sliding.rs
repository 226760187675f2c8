//! Mean and sample deviation of the last n points, at a constant cost a point.
//!
//! The points are taken in laps of n. The window is the rest of the lap before and what has come of this
//! one, and a lap's first point, the *origin*, stays in the window until the lap is over:
//!
//! ```text
//!   lap before            this lap
//!   x₀ x₁ x₂ x₃ x₄ x₅     y₀ y₁ y₂          n = 6: the window is x₃ x₄ x₅ y₀ y₁ y₂
//!            └─ rest[3] ┘ └─ lap ─┘         both are Σd and Σd² with d = point − y₀
//! ```
//!
//! When a lap begins, one look at each point of the lap before gives `rest` from every place on; a sum is
//! never subtracted from, so nothing drifts and nothing cancels between points. With S₁ = Σd, S₂ = Σd²:
//!
//! ```text
//!   mean = y₀ + S₁ / n        deviation² = (S₂ − S₁² / n) / (n − 1)
//! ```
//!
//! **Invariant:** whatever the points, the deviation is right to 1e−9 of itself and the mean to 1e−9 of
//! |mean| + deviation (and both to the smallest number above 0), and the deviation of a constant window
//! is exactly 0. Why: the origin is in the window, and where one point lies D from the mean,
//! Σ(x − mean)² ≥ D²·n/(n − 1), so S₂ ≤ n·Σ(x − mean)²: the one subtraction loses at most a factor of n.
//! A sum of at most [`PART`] + n/`PART` roundings, each of 2⁻⁵³, then leaves 1.5·207·2⁻⁵³·n = 3.5e−10
//! at the longest window, 10,000, and 2e−13 at 30.
//!
//! Definitions: Chan, Golub and LeVeque 1983, *Algorithms for computing the sample variance* (shifted
//! data); van Herk 1992 and Gil and Werman 1993 for laps.

use super::saturate;
use serde::{Deserialize, Serialize, Serializer};

/// How many terms are summed before the sum is put aside, so that no sum has n roundings: about the
/// square root of the longest window.
const PART: u32 = 128;

/// From here on a sum of squares has lost nothing to underflow, as each square is at least
/// `f64::MIN_POSITIVE`, 1e−308.
const LEAST_SQUARES: f64 = 1e-280;

/// Up to here no square and no sum of squares has overflowed.
const MOST_SQUARES: f64 = 1e300;

/// 2⁻⁵⁴⁰ brings points whose squares overflow to where they do not: `f64::MAX` to 5e145.
const SHRINK: f64 = f64::from_bits((1023 - 540) << 52);

/// 2⁶⁰⁰ brings differences whose squares underflow, and the points that can differ by so little (below
/// 1e−124), to where they do not: the smallest number above 0 to 2e−143.
const GROW: f64 = f64::from_bits((1023 + 600) << 52);

/// Mean and sample deviation of `n` points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) n: u32,
    pub(crate) mean: f64,
    pub(crate) deviation: f64,
}

/// The last points of a series, and what their [`Spread`] is read from.
///
/// Its snapshot holds the points alone; the sums are taken again, in the same order, hence to the same bits.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Ring")]
pub(crate) struct Sliding {
    ring: Ring,
    /// The first point of this lap.
    origin: f64,
    /// Of this lap's points.
    lap: Running,
    /// Of the points of the lap before, from each place on; empty in the first lap.
    rest: Vec<Sums>,
    shares: Shares,
}

/// One over the number of points, and over one less: divisions are dear, and the number rarely changes.
#[derive(Clone, Copy, Debug, Default)]
struct Shares {
    of: usize,
    mean: f64,
    variance: f64,
}

impl Shares {
    fn new(points: usize) -> Self {
        let points_f = points as f64;
        Self { of: points, mean: 1.0 / points_f, variance: 1.0 / (points_f - 1.0) }
    }
}

/// The points of this lap up to `next`, and from there on what is left of the lap before.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Ring {
    capacity: usize,
    /// Where the next point goes; at `capacity` the next point begins a lap.
    next: usize,
    points: Vec<f64>,
}

impl Sliding {
    /// Of the last `capacity` points, at least 2.
    pub(crate) fn new(capacity: usize) -> Self {
        let ring = Ring { capacity, next: capacity, points: Vec::with_capacity(capacity) };
        Self { ring, origin: 0.0, lap: Running::default(), rest: Vec::new(), shares: Shares::default() }
    }

    /// How many points there are, at most the capacity.
    pub(crate) fn len(&self) -> usize {
        self.ring.points.len()
    }

    /// The points, the oldest first.
    pub(crate) fn points(&self) -> impl Iterator<Item = f64> {
        let Ring { next, points, .. } = &self.ring;
        let (newer, older) = points.split_at((*next).min(points.len()));
        older.iter().chain(newer).copied()
    }

    /// Takes a finite point; the oldest one leaves when the window is full.
    #[inline]
    pub(crate) fn push(&mut self, point: f64) {
        if self.ring.next == self.ring.capacity {
            self.begin_lap(point);
        }
        self.lap.add(point - self.origin);
        self.ring.push(point);
        if self.shares.of != self.ring.points.len() {
            self.shares = Shares::new(self.ring.points.len());
        }
    }

    #[inline(never)]
    fn begin_lap(&mut self, origin: f64) {
        self.origin = origin;
        self.lap = Running::default();
        self.ring.next = 0;
        self.sum_rest();
    }

    /// Sums the lap before from its newest point back to where this one stands.
    fn sum_rest(&mut self) {
        let Ring { next, points, .. } = &self.ring;
        self.rest.resize(points.len(), Sums::default());
        let (rest, left) = (&mut self.rest[*next..], &points[*next..]);
        let mut whole_parts = Sums::default();
        for (rest, left) in rest.rchunks_mut(PART as usize).zip(left.rchunks(PART as usize)) {
            let mut part = Sums::default();
            for (sums, point) in rest.iter_mut().zip(left).rev() {
                part = part.plus(Sums::of(point - self.origin));
                *sums = whole_parts.plus(part);
            }
            whole_parts = whole_parts.plus(part);
        }
    }

    /// Mean and deviation of the points, of which there must be two or more.
    #[inline]
    pub(crate) fn spread(&self) -> Spread {
        let rest = self.rest.get(self.ring.next).copied().unwrap_or_default();
        let sums = self.lap.total().plus(rest);
        if sums.in_range() { sums.spread(self.origin, self.shares) } else { self.scaled_spread(&sums) }
    }

    /// The same where squares would leave the range of `f64`: from all points, scaled by a power of two,
    /// which changes no digit. This is the one path that looks at every point of the window.
    #[cold]
    fn scaled_spread(&self, sums: &Sums) -> Spread {
        let scale = if sums.squares < LEAST_SQUARES { GROW } else { SHRINK };
        let origin = self.origin * scale;
        let mut running = Running::default();
        self.ring.points.iter().for_each(|point| running.add(point * scale - origin));
        let Spread { n, mean, deviation } = running.total().spread(origin, self.shares);
        Spread { n, mean: saturate(mean / scale), deviation: saturate(deviation / scale) }
    }
}

impl Ring {
    fn push(&mut self, point: f64) {
        match self.points.get_mut(self.next) {
            Some(oldest) => *oldest = point,
            None => self.points.push(point),
        }
        self.next += 1;
    }
}

impl Serialize for Sliding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.ring.serialize(serializer)
    }
}

impl TryFrom<Ring> for Sliding {
    type Error = String;

    fn try_from(ring: Ring) -> Result<Self, String> {
        let Ring { capacity, next, ref points } = ring;
        let full = points.len() == capacity;
        let first_lap = points.len() == next || points.is_empty() && next == capacity;
        if !((1..=capacity).contains(&next) && (full || first_lap)) {
            let found = points.len();
            return Err(format!("{found} points, the next at {next}, do not fit a window of {capacity}"));
        }
        if let Some(point) = points.iter().find(|point| !point.is_finite()) {
            return Err(format!("a point of {point}; only finite points are learned"));
        }
        let shares = Shares::new(ring.points.len());
        let mut sliding = Self { origin: 0.0, lap: Running::default(), rest: Vec::new(), shares, ring };
        sliding.resume();
        Ok(sliding)
    }
}

impl Sliding {
    /// Takes the sums of a ring that was read from a snapshot.
    fn resume(&mut self) {
        let Ring { next, points, .. } = &self.ring;
        self.origin = points.first().copied().unwrap_or_default();
        points.iter().take(*next).for_each(|point| self.lap.add(point - self.origin));
        if *next < points.len() {
            self.sum_rest();
        }
    }
}

/// Σd and Σd² of some points, d being the distance from an origin.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    distances: f64,
    squares: f64,
}

impl Sums {
    /// The square is 0 for 0 alone, so that a sum of squares of 0 means that all points are equal.
    fn of(distance: f64) -> Self {
        let square = distance * distance;
        let underflows = square < f64::MIN_POSITIVE && distance != 0.0;
        Self { distances: distance, squares: if underflows { f64::MIN_POSITIVE } else { square } }
    }

    fn plus(self, other: Self) -> Self {
        Self { distances: self.distances + other.distances, squares: self.squares + other.squares }
    }

    fn in_range(&self) -> bool {
        self.squares == 0.0 || (LEAST_SQUARES..=MOST_SQUARES).contains(&self.squares)
    }

    fn spread(&self, origin: f64, shares: Shares) -> Spread {
        let offset = self.distances * shares.mean;
        let variance = (self.squares - self.distances * offset) * shares.variance;
        Spread { n: shares.of as u32, mean: origin + offset, deviation: variance.sqrt() }
    }
}

/// Sums that grow a point at a time, in parts.
#[derive(Clone, Debug, Default)]
struct Running {
    whole_parts: Sums,
    part: Sums,
    in_part: u32,
}

impl Running {
    fn add(&mut self, distance: f64) {
        if self.in_part == PART {
            self.whole_parts = self.total();
            (self.part, self.in_part) = (Sums::default(), 0);
        }
        self.part = self.part.plus(Sums::of(distance));
        self.in_part += 1;
    }

    fn total(&self) -> Sums {
        self.whole_parts.plus(self.part)
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use crate::spec::MAX_DETECTOR_WINDOW;
    use proptest::prelude::*;

    /// What the module promises.
    const PRECISION: f64 = 1e-9;

    /// Two passes over the points, scaled by a power of two to at most 2, with compensated sums (Neumaier
    /// 1974) and the correction of Chan, Golub and LeVeque: exact to about 1e−13.
    fn two_passes(points: &[f64]) -> (f64, f64) {
        let (n, widest) = (points.len() as f64, points.iter().fold(0.0_f64, |a, x| a.max(x.abs())));
        let exponent = ((widest.to_bits() >> 52) as i64 - 1023).max(-1000);
        let scale = f64::from_bits(((1023 - exponent).max(1) as u64) << 52);
        let first = points[0] * scale;
        let away: Vec<f64> = points.iter().map(|x| x * scale - first).collect();
        let mean = compensated(away.iter().copied()) / n;
        let left = compensated(away.iter().map(|d| d - mean));
        let squares = compensated(away.iter().map(|d| (d - mean) * (d - mean)));
        let deviation = ((squares - left * left / n) / (n - 1.0)).sqrt();
        ((first + mean) / scale, saturate(deviation / scale))
    }

    fn compensated(terms: impl Iterator<Item = f64>) -> f64 {
        let (sum, lost) = terms.fold((0.0_f64, 0.0), |(sum, lost), x| {
            let next = sum + x;
            let error = if sum.abs() >= x.abs() { (sum - next) + x } else { (x - next) + sum };
            (next, lost + error)
        });
        sum + lost
    }

    /// How far a spread is from the exact one, in units of what [`PRECISION`] allows.
    fn error(points: &[f64], mean: f64, deviation: f64) -> f64 {
        let (exact_mean, exact) = two_passes(points);
        // The smallest number above 0 is all the room that there is near 0.
        let mean_room = (exact_mean.abs() / 2.0 + exact / 2.0) * PRECISION * 2.0 + 5e-324;
        let error = ((mean - exact_mean).abs() / mean_room)
            .max((deviation - exact).abs() / (exact * PRECISION + 5e-324));
        if error.is_nan() { f64::INFINITY } else { error }
    }

    /// The largest error over a series, looked at after every `stride`-th point.
    fn worst(series: &[f64], window: usize, stride: usize) -> f64 {
        let mut sliding = Sliding::new(window);
        let mut worst = 0.0_f64;
        for (i, &point) in series.iter().enumerate() {
            sliding.push(point);
            if i >= 1 && i % stride == 0 {
                let points = &series[(i + 1).saturating_sub(window)..=i];
                let Spread { n, mean, deviation } = sliding.spread();
                assert_eq!(n as usize, points.len());
                worst = worst.max(error(points, mean, deviation));
                let constant = points.iter().all(|x| *x == points[0]);
                assert!(!constant || (mean, deviation) == (points[0], 0.0), "constant: {mean} {deviation}");
                assert!(constant || deviation > 0.0 || two_passes(points).1 == 0.0, "{points:?}");
            }
        }
        worst
    }

    /// Numbers from −1 to 1 without a pattern that a window could follow.
    fn noise(i: usize) -> f64 {
        let mixed = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 11) as f64 / (1_u64 << 52) as f64
            - 1.0
    }

    #[test]
    fn spreads_by_hand() {
        // Window 3, then the spread after each point from the second on.
        type Case = ([f64; 5], [(f64, f64); 4]);
        let cases: [Case; 3] = [
            ([2.0, 4.0, 6.0, 8.0, 4.0], [(3.0, 2.0_f64.sqrt()), (4.0, 2.0), (6.0, 2.0), (6.0, 2.0)]),
            ([0.1; 5], [(0.1, 0.0); 4]),
            (
                [1e300, -1e300, 0.0, 0.0, 0.0],
                [
                    (0.0, 2.0_f64.sqrt() * 1e300),
                    (0.0, 1e300),
                    (-1e300 / 3.0, 1e300 / 3.0_f64.sqrt()),
                    (0.0, 0.0),
                ],
            ),
        ];
        for (series, expected) in cases {
            let mut sliding = Sliding::new(3);
            for (i, &point) in series.iter().enumerate() {
                sliding.push(point);
                let Some(&(mean, deviation)) = i.checked_sub(1).map(|i| &expected[i]) else { continue };
                let found = sliding.spread();
                assert!((found.mean - mean).abs() <= 1e-15 * mean.abs(), "{series:?} at {i}: {found:?}");
                assert!(
                    (found.deviation - deviation).abs() <= 1e-15 * deviation,
                    "{series:?} at {i}: {found:?}"
                );
            }
        }
    }

    #[test]
    fn precise_after_shifts_spikes_and_long_runs() {
        type Series = fn(usize) -> f64;
        let series: [(&str, Series); 8] = [
            ("a shift", |i| if i / 5_003 % 2 == 0 { noise(i) } else { 1e9 + noise(i) }),
            ("a far offset", |i| 1e12 + noise(i)),
            ("a few last bits", |i| 1e12 + (noise(i) * 3.0).round() * 1.3e-4),
            ("a lonely spike", |i| if i % 20_000 == 10_000 { 1e15 } else { 0.3 + noise(i) * 1e-3 }),
            ("a spike over a constant", |i| if i % 20_000 == 10_000 { 5.1e9 } else { 0.1 }),
            ("a decay", |i| 1e280 * libm::exp(-((i % 700) as f64))),
            ("a ramp", |i| i as f64 * 1e-3),
            ("an alternation", |i| if i % 2 == 0 { 1e9 + 0.1 } else { -1e9 }),
        ];
        for (name, at) in series {
            let series: Vec<f64> = (0..45_000).map(at).collect();
            for (window, stride) in [(2, 1), (30, 7), (1_000, 997), (MAX_DETECTOR_WINDOW as usize, 2_503)] {
                let worst = worst(&series, window, stride);
                assert!(worst <= 1.0, "{name}, window {window}: {worst} times what is allowed");
            }
        }
    }

    #[test]
    fn a_running_sum_of_squares_would_not_do() {
        let series: Vec<f64> = (0..200).map(|i| if i < 100 { 1e9 + noise(i) } else { noise(i) }).collect();
        let (mut sum, mut squares, mut worst) = (0.0, 0.0, 0.0_f64);
        for (i, x) in series.iter().enumerate() {
            (sum, squares) = (sum + x, squares + x * x);
            if i < 30 {
                continue;
            }
            let gone = series[i - 30];
            (sum, squares) = (sum - gone, squares - gone * gone);
            let variance: f64 = (squares - sum * sum / 30.0) / 29.0;
            worst = worst.max(error(&series[i - 29..=i], sum / 30.0, variance.max(0.0).sqrt()));
        }
        assert!(worst > 1e6, "the naive way is wrong by {worst} times what is allowed");
        assert!(self::worst(&series, 30, 1) <= 1.0);
    }

    /// Runs of points around a base: the places where sums cancel, overflow and underflow.
    fn series() -> impl Strategy<Value = Vec<f64>> {
        let base = prop::sample::select(vec![
            0.0,
            1.0,
            -0.1,
            1e9,
            1e12,
            -1e15,
            1e150,
            -1e154,
            1e300,
            f64::MAX,
            f64::MIN,
            1e-140,
            1e-160,
            1e-300,
            5e-324,
        ]);
        let spread = prop::sample::select(vec![0.0, 1e-320, 1e-170, 1e-9, 1e-3, 1.0, 1e9, 1e160, 1e308]);
        let unit = prop_oneof![4 => -1.0..1.0, 1 => Just(0.0)];
        let run = (base, spread, prop::collection::vec(unit, 1..40)).prop_map(|(base, spread, units)| {
            units.into_iter().map(move |x| saturate(base + spread * x)).collect()
        });
        prop::collection::vec(run, 1..8).prop_map(|runs: Vec<Vec<f64>>| runs.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn as_precise_as_two_passes(series in series(), window in 2_usize..40) {
            let worst = worst(&series, window, 1);
            prop_assert!(worst <= 1.0, "{} times what is allowed", worst);
        }

        #[test]
        fn a_snapshot_changes_no_bit(series in series(), window in 2_usize..40, at in 0_usize..300) {
            let mut kept = Sliding::new(window);
            for (i, &point) in series.iter().enumerate() {
                if i == at {
                    let text = toml::to_string(&kept).unwrap();
                    let resumed: Sliding = toml::from_str(&text).unwrap();
                    let mut both = [kept.clone(), resumed];
                    for &point in &series[i..] {
                        both.iter_mut().for_each(|sliding| sliding.push(point));
                        let [kept, resumed] = both.each_ref().map(|sliding| format!("{:?}", sliding.spread()));
                        prop_assert_eq!(kept, resumed);
                    }
                }
                kept.push(point);
            }
        }
    }

    #[test]
    fn a_snapshot_that_fits_no_window_is_refused() {
        let cases = [
            ("capacity = 3\nnext = 0\npoints = []", "0 points, the next at 0, do not fit a window of 3"),
            ("capacity = 3\nnext = 4\npoints = [1.0, 2.0, 3.0]", "3 points, the next at 4, do not fit"),
            ("capacity = 3\nnext = 1\npoints = [1.0, 2.0]", "2 points, the next at 1, do not fit"),
            ("capacity = 3\nnext = 2\npoints = [1.0, nan]", "a point of NaN"),
        ];
        for (text, expected) in cases {
            let error = toml::from_str::<Sliding>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
