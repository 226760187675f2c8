//! Distinct: how many different values there were, exact of few, then by HyperLogLog.
//!
//! Each value comes as a hash. The leading [`PRECISION`] bits choose one of 4096 registers, which keeps the
//! largest position of the first one among the bits that follow: the more hashes, the longer a run of
//! zeros some of them begin with.
//!
//! ```text
//!   hash      000000000101 0001101…     register 5, first one at position 4: register 5 = max(register 5, 4)
//! ```
//!
//! Flajolet, Fusy, Gandouet, Meunier 2007, *HyperLogLog*; the estimator is the improved one of Ertl 2017,
//! *New cardinality estimation algorithms for HyperLogLog sketches* (<https://arxiv.org/abs/1702.01284>,
//! algorithm 6), which has no bias to correct and needs no table.
//!
//! **Bounds.** Exact up to [`EXACT_HASHES`] hashes (two values of one hash are one value, which among 10⁶
//! has a chance of 3·10⁻⁸). Beyond, the standard error is [`STANDARD_ERROR`] of the number.
//!
//! **Invariant:** the state is a function of the set of hashes. Neither order nor repetition nor how they
//! were cut into merged parts changes it.

use super::Accumulator;
use serde::{Deserialize, Serialize};
use std::f64::consts::LN_2;

/// Up to so many hashes are held as they are: 4 KiB at half load, what the registers take too.
pub(crate) const EXACT_HASHES: usize = 256;

/// Bits of a hash that choose its register.
pub(crate) const PRECISION: u32 = 12;

/// Standard error of an estimate as a part of it, 1.04 / √4096.
pub(crate) const STANDARD_ERROR: f64 = 1.04 / 64.0;

const REGISTERS: usize = 1 << PRECISION;

/// Counts different hashes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(into = "Form", try_from = "Form")]
pub(crate) struct Distinct {
    /// All hashes, while there are no registers.
    exact: HashSet,
    registers: Option<Box<[u8; REGISTERS]>>,
}

impl Distinct {
    /// The number of different hashes, or its estimate.
    pub(crate) fn estimate(&self) -> u64 {
        match &self.registers {
            None => self.exact.len as u64,
            // There are registers because there were more than could be held.
            Some(registers) => (estimate(&registers[..]).round() as u64).max(EXACT_HASHES as u64 + 1),
        }
    }

    fn hold(&mut self, hash: u64) {
        self.exact.insert(hash);
        if self.exact.len > EXACT_HASHES {
            self.turn_into(Box::new([0; REGISTERS]));
        }
    }

    /// Adds the exact hashes to registers, which then take their place.
    fn turn_into(&mut self, mut registers: Box<[u8; REGISTERS]>) {
        std::mem::take(&mut self.exact).each().for_each(|hash| raise(&mut registers, hash));
        self.registers = Some(registers);
    }
}

impl Accumulator for Distinct {
    /// A well-mixed hash of the value.
    type Input = u64;

    #[inline]
    fn fold(&mut self, hash: u64) {
        // 0 marks a free slot of the set. That it shares a place with 1 is one chance in 2⁶³.
        let hash = hash.max(1);
        match &mut self.registers {
            Some(registers) => raise(registers, hash),
            None => self.hold(hash),
        }
    }

    fn merge(&mut self, later: &Self) {
        match (&mut self.registers, &later.registers) {
            (_, None) => later.exact.each().for_each(|hash| self.fold(hash)),
            (Some(registers), Some(others)) => {
                registers.iter_mut().zip(others.iter()).for_each(|(mine, other)| *mine = (*mine).max(*other));
            }
            (None, Some(others)) => self.turn_into(others.clone()),
        }
    }
}

/// Notes the position of the first one after the bits that choose the register; at most 53, by the one
/// put behind the last bit.
#[inline]
fn raise(registers: &mut [u8; REGISTERS], hash: u64) {
    let register = &mut registers[(hash >> (u64::BITS - PRECISION)) as usize];
    let position = (hash << PRECISION | 1 << (PRECISION - 1)).leading_zeros() as u8 + 1;
    *register = (*register).max(position);
}

/// Ertl's improved estimate, of 2^p registers whose hashes had 64 bits.
fn estimate(registers: &[u8]) -> f64 {
    let mut histogram = [0_u32; u64::BITS as usize + 1];
    registers.iter().for_each(|&register| histogram[usize::from(register)] += 1);
    let m = registers.len() as f64;
    let share = |position: usize| f64::from(histogram[position]) / m;
    // The largest position: that of a hash whose bits after the first p are all zero.
    let full = (u64::BITS - registers.len().ilog2()) as usize + 1;
    let partly = (1..full).rev().fold(tau(1.0 - share(full)), |z, position| 0.5 * (z + share(position)));
    m / (2.0 * LN_2 * (partly + sigma(share(0))))
}

/// σ(x) = x + Σ x^(2^k) · 2^(k−1) over k ≥ 1: what the registers still at zero say.
fn sigma(mut x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut sum, mut factor) = (x, 1.0);
    loop {
        x *= x;
        let before = sum;
        sum += x * factor;
        factor += factor;
        if sum == before {
            return sum;
        }
    }
}

/// τ(x) = (1 − x − Σ (1 − x^(2^−k))² · 2^−k over k ≥ 1) / 3: what the registers that are full say.
fn tau(mut x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut sum, mut factor) = (1.0 - x, 1.0);
    loop {
        x = x.sqrt();
        let before = sum;
        factor *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * factor;
        if sum == before {
            return sum / 3.0;
        }
    }
}

/// A set of hashes other than 0: open addressing with linear probing, at most half full.
#[derive(Clone, Debug, Default)]
struct HashSet {
    /// A power of two of them, or none. 0 is a free slot.
    slots: Vec<u64>,
    len: usize,
}

impl HashSet {
    /// Slots of the first table.
    const LEAST_SLOTS: usize = 8;

    fn insert(&mut self, hash: u64) {
        if self.slots.is_empty() {
            self.slots = vec![0; Self::LEAST_SLOTS];
        }
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at] != 0 {
            if self.slots[at] == hash {
                return;
            }
            at = (at + 1) & mask;
        }
        self.slots[at] = hash;
        self.len += 1;
        if self.len * 2 > self.slots.len() {
            self.grow();
        }
    }

    #[cold]
    fn grow(&mut self) {
        let mut wider = Self { slots: vec![0; self.slots.len() * 2], len: 0 };
        self.each().for_each(|hash| wider.insert(hash));
        *self = wider;
    }

    /// The hashes, in no order that means anything.
    fn each(&self) -> impl Iterator<Item = u64> {
        self.slots.iter().copied().filter(|&hash| hash != 0)
    }
}

/// What a snapshot holds: the hashes ascending, or the registers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Form {
    Exact(Vec<u64>),
    Registers(Vec<u8>),
}

impl From<Distinct> for Form {
    fn from(distinct: Distinct) -> Self {
        distinct.registers.map_or_else(
            || {
                let mut hashes: Vec<u64> = distinct.exact.each().collect();
                hashes.sort_unstable();
                Self::Exact(hashes)
            },
            |registers| Self::Registers(registers.to_vec()),
        )
    }
}

impl TryFrom<Form> for Distinct {
    type Error = String;

    fn try_from(form: Form) -> Result<Self, String> {
        let mut distinct = Self::default();
        match form {
            Form::Exact(hashes) => hashes.into_iter().for_each(|hash| distinct.fold(hash)),
            Form::Registers(registers) => {
                distinct.registers =
                    Some(registers.into_boxed_slice().try_into().map_err(|registers: Box<[u8]>| {
                        format!("{} registers of a distinct count, not {REGISTERS}", registers.len())
                    })?);
            }
        }
        Ok(distinct)
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use crate::accumulate::samples::{folded, mix};
    use proptest::prelude::*;

    fn form(distinct: &Distinct) -> Form {
        distinct.clone().into()
    }

    /// Root mean square of the relative error over `trials` sets of `count` hashes.
    fn standard_error(count: u64, trials: u64, estimate_of: impl Fn(&[u64]) -> f64) -> f64 {
        let squared = |trial: u64| {
            let hashes: Vec<u64> = (0..count).map(|i| mix(mix(trial) ^ i)).collect();
            let error = estimate_of(&hashes) / count as f64 - 1.0;
            error * error
        };
        ((0..trials).map(squared).sum::<f64>() / trials as f64).sqrt()
    }

    /// The same sketch of 2^8 registers.
    fn estimate_of_256(hashes: &[u64]) -> f64 {
        let mut registers = [0_u8; 256];
        for hash in hashes {
            let register = &mut registers[(hash >> 56) as usize];
            *register = (*register).max((hash << 8 | 1 << 7).leading_zeros() as u8 + 1);
        }
        estimate(&registers)
    }

    #[test]
    fn exact_while_small() {
        let mut distinct = Distinct::default();
        for i in 0..EXACT_HASHES as u64 {
            assert_eq!(distinct.estimate(), i);
            distinct.fold(mix(i));
            distinct.fold(mix(i / 2));
        }
        assert_eq!(distinct.estimate(), EXACT_HASHES as u64);
        assert!(distinct.registers.is_none());
        distinct.fold(mix(EXACT_HASHES as u64));
        assert!(distinct.registers.is_some());
    }

    #[test]
    fn hashes_that_collide_in_the_table_are_told_apart() {
        assert_eq!(folded::<Distinct>((1..=200).map(|i| i << 32)).estimate(), 200);
        assert_eq!(folded::<Distinct>([u64::MAX, 0, 1, u64::MAX]).estimate(), 2, "0 and 1 share a place");
        assert_eq!(folded::<Distinct>([2, 3]).estimate(), 2);
    }

    /// 400 trials estimate a standard error to about 3.5 % of itself; 1.1 allows three of those.
    #[test]
    fn the_standard_error_is_as_stated() {
        let of_ours = |hashes: &[u64]| folded::<Distinct>(hashes.iter().copied()).estimate() as f64;
        for count in [300, 1_000, 5_000, 10_000, 20_000, 60_000] {
            let error = standard_error(count, 400, of_ours);
            assert!(error <= 1.1 * STANDARD_ERROR, "{error} of {count}");
        }
        let control = standard_error(10_000, 400, estimate_of_256);
        assert!(control > 3.0 * STANDARD_ERROR, "256 registers should be four times worse, not {control}");
        assert!(control <= 1.1 * 4.0 * STANDARD_ERROR, "{control}");
    }

    #[test]
    fn an_estimate_is_more_than_what_would_be_exact() {
        let count = EXACT_HASHES as u64 + 1;
        let hashes = |trial: u64| (0..count).map(move |i| mix(mix(trial) ^ i));
        assert!((0..20).all(|trial| folded::<Distinct>(hashes(trial)).estimate() >= count));
    }

    #[test]
    fn registers_that_are_full_say_something_finite() {
        for (register, at_least) in [(0, 0.0), (1, 1e3), (52, 1e19), (53, 1e19)] {
            assert!(estimate(&[register; REGISTERS]) >= at_least, "of {register}");
        }
        assert_eq!(estimate(&[0; REGISTERS]), 0.0);
    }

    #[test]
    fn survives_a_snapshot() {
        for count in [0, 200, 1_000] {
            let distinct: Distinct = folded((0..count).map(mix));
            let text = serde_json::to_string(&distinct).unwrap();
            let back: Distinct = serde_json::from_str(&text).unwrap();
            assert_eq!((form(&back), back.estimate()), (form(&distinct), distinct.estimate()));
        }
    }

    #[test]
    fn a_snapshot_with_too_few_registers_is_refused() {
        let error = serde_json::from_str::<Distinct>(r#"{"Registers":[1,2,3]}"#).unwrap_err();
        assert_eq!(error.to_string(), "3 registers of a distinct count, not 4096");
    }

    proptest! {
        #[test]
        fn the_state_is_a_function_of_the_set(
            seed: u64, count in 0..600_u64, repeats in 1..3_u64, cuts in prop::collection::vec(0..1_800_usize, 0..5),
        ) {
            let mut hashes: Vec<u64> = (0..count * repeats).map(|i| mix(seed ^ (i % count))).collect();
            let expected: Distinct = folded((0..count).map(|i| mix(seed ^ i)));
            let mut cuts: Vec<usize> = cuts.iter().map(|&cut| cut.min(hashes.len())).collect();
            cuts.extend([0, hashes.len()]);
            cuts.sort_unstable();
            hashes.sort_unstable();
            let mut merged = Distinct::default();
            cuts.windows(2).rev().for_each(|cut| merged.merge(&folded(hashes[cut[0]..cut[1]].iter().copied())));
            prop_assert_eq!(form(&merged), form(&expected));
            prop_assert_eq!(merged.estimate(), expected.estimate());
        }

        #[test]
        fn an_estimate_is_within_five_standard_errors(seed: u64, count in 1..100_000_u64) {
            let estimate = folded::<Distinct>((0..count).map(|i| mix(seed.wrapping_add(i)))).estimate() as f64;
            prop_assert!((estimate / count as f64 - 1.0).abs() <= 5.0 * STANDARD_ERROR, "{estimate} for {count}");
        }
    }
}
