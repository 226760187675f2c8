//! Chance: a seeded source of numbers that gives the same bits on every target.
//!
//! **Invariant:** a [`Noise`] is a pure function of (seed, stream, draws so far). It never draws a `usize`,
//! whose width differs between targets, and never calls the C library's `exp` or `log`, whose last bit does.
//!
//! The rare tails of [`Noise::gauss`] and [`Noise::exponential`] pass through a logarithm inside
//! `rand_distr`. Every number that leaves a world is rounded (times to milliseconds, values to a few
//! decimals, counts to whole events), so that a last bit there could not show.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Exp1, StandardNormal};
use std::ops::Range;

/// A stream of chance.
#[derive(Clone, Debug)]
pub(crate) struct Noise(ChaCha8Rng);

impl Noise {
    /// One of a seed's streams. Streams are independent, so drawing more from one shifts no other.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// Uniform in `[0, 1)`.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    /// Uniform over `0..n`, up to a bias of `n / 2^32` (Lemire's multiplication without its rejection).
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(n)) >> 32) as u32
    }

    /// Uniform over a range.
    pub(crate) fn between(&mut self, range: &Range<u32>) -> u32 {
        range.start + self.below(range.end - range.start)
    }

    /// Whether something happens that happens in this share of cases.
    pub(crate) fn happens(&mut self, share: f64) -> bool {
        self.uniform() < share
    }

    /// Uniform in its logarithm: as often between 1 and 10 as between 10 and 100.
    pub(crate) fn log_uniform(&mut self, range: &Range<f64>) -> f64 {
        range.start * libm::pow(range.end / range.start, self.uniform())
    }

    /// Normal with this mean and standard deviation.
    pub(crate) fn gauss(&mut self, mean: f64, deviation: f64) -> f64 {
        let unit: f64 = self.0.sample(StandardNormal);
        mean + deviation * unit
    }

    /// Exponential with this mean.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        let unit: f64 = self.0.sample(Exp1);
        mean * unit
    }

    /// Log-normal: half of the draws lie below `median`; `spread` is the deviation of the logarithm.
    pub(crate) fn log_gauss(&mut self, median: f64, spread: f64) -> f64 {
        median * libm::exp(self.gauss(0.0, spread))
    }

    /// A number of events where `expected` are expected: a Gaussian with a Poisson's mean and deviation,
    /// rounded, not below 0. Close enough from about 2 expected events on.
    pub(crate) fn count(&mut self, expected: f64) -> u32 {
        let drawn = self.gauss(expected, expected.sqrt());
        (drawn + 0.5).max(0.0) as u32
    }

    /// One of `0..n`, small numbers more often: the first percent of them is drawn in a tenth of cases
    /// (a density that falls with the square root, flatter than Zipf's law).
    pub(crate) fn skewed(&mut self, n: u32) -> u32 {
        let u = self.uniform();
        (u * u * f64::from(n)) as u32
    }
}

/// Rounds to `1 / steps`, so that a value is short in a file and reads back as the same bits.
///
/// A negative value that rounds to nothing becomes 0.0, not −0.0.
pub(crate) fn round_to(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps + 0.0
}
