//! Inputs for the tests: each a function of a seed and a position, on every target the same.

use super::Accumulator;
use std::f64::consts::TAU;

/// An accumulator of these inputs.
pub(super) fn folded<A: Accumulator>(inputs: impl IntoIterator<Item = A::Input>) -> A {
    let mut accumulator = A::default();
    inputs.into_iter().for_each(|input| accumulator.fold(input));
    accumulator
}

/// The finisher of SplitMix64 (Steele, Lea, Flood 2014): 64 well-mixed bits, no two inputs the same.
pub(super) fn mix(i: u64) -> u64 {
    let a = i.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let b = (a ^ (a >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let c = (b ^ (b >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    c ^ (c >> 31)
}

fn at(seed: u64, i: u64) -> u64 {
    mix(mix(seed).wrapping_add(i))
}

/// Above 0, at most 1.
pub(super) fn uniform(seed: u64, i: u64) -> f64 {
    ((at(seed, i) >> 11) + 1) as f64 / (1_u64 << 53) as f64
}

/// Mean 0, deviation 1, by Box and Muller.
pub(super) fn normal(seed: u64, i: u64) -> f64 {
    let radius = (-2.0 * libm::log(uniform(seed, 2 * i))).sqrt();
    radius * libm::cos(TAU * uniform(seed, 2 * i + 1))
}

/// A heavy tail: the 99.9th percentile is about 500 times the median.
pub(super) fn lognormal(seed: u64, i: u64) -> f64 {
    libm::exp(2.0 * normal(seed, i))
}

/// Ids with P(id ≥ n) = 1 / (n + 1): half are 0, a sixth 1, and no end of rare ones.
pub(super) fn zipf(seed: u64, i: u64) -> u32 {
    (1.0 / uniform(seed, i) - 1.0) as u32
}
