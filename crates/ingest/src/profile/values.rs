//! The different values of a column: how many, and which came most often.
//!
//! **Bounds.** Up to [`EXACT_VALUES`] different values are counted. Of more, a hash in 2, then in 4, in 8, …
//! is kept, and their number is an estimate with a standard error of 1.2 / √[`EXACT_VALUES`]: 1.9 % (Wegman's
//! adaptive sampling; Flajolet 1990, *On adaptive sampling*). The most frequent values come from
//! [`COUNTERS`] counters: a count is right while there are no more values than counters, and otherwise at
//! most 1 / ([`COUNTERS`] + 1) of all too low (Misra, Gries 1982, *Finding repeated elements*).
//!
//! **Invariant:** the number of values is a function of the set of values: neither order nor repetition
//! changes it.

use super::findings::Distinct;
use super::{TOP_VALUES, text_of};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use twox_hash::XxHash3_64;

/// Different values that are counted exactly: 72 KiB of hashes a column.
const EXACT_VALUES: usize = 4096;

/// Counters of frequent values: each of those that make up half a percent of a column has one.
const COUNTERS: usize = 256;

/// A hash set or map of what is a hash already.
pub(super) type Hashed = BuildHasherDefault<AsIs>;

/// Takes a hash for what it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = self.0.rotate_left(8) ^ u64::from(byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// A hash of a value, all bits of it well mixed.
pub(super) fn hash(value: &[u8]) -> u64 {
    XxHash3_64::oneshot(value)
}

/// Counts the values of a column.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    /// Hashes that begin with `level` zero bits.
    hashes: HashSet<u64, Hashed>,
    level: u32,
    counters: HashMap<u64, Counter, Hashed>,
    /// Whether a counter was ever given away.
    lossy: bool,
}

#[derive(Clone, Debug)]
struct Counter {
    text: String,
    count: u64,
}

impl Values {
    pub(super) fn add(&mut self, hash: u64, value: &[u8]) {
        if let Some(counter) = self.counters.get_mut(&hash) {
            counter.count += 1;
            return; // known as a value since it got its counter
        }
        if self.counters.len() < COUNTERS {
            self.counters.insert(hash, Counter { text: text_of(value), count: 1 });
        } else {
            self.lossy = true;
            self.counters.retain(|_, counter| {
                counter.count -= 1;
                counter.count > 0
            });
        }
        self.note(hash);
    }

    fn note(&mut self, hash: u64) {
        if hash.leading_zeros() < self.level {
            return;
        }
        self.hashes.insert(hash);
        while self.hashes.len() > EXACT_VALUES {
            self.level += 1;
            let level = self.level;
            self.hashes.retain(|hash| hash.leading_zeros() >= level);
        }
    }

    pub(super) fn distinct(&self) -> Distinct {
        let count = (self.hashes.len() as u64).checked_shl(self.level).unwrap_or(u64::MAX);
        Distinct { count, exact: self.level == 0 }
    }

    /// The most frequent values, those that came once only if they are all there is.
    pub(super) fn top(&self) -> Vec<(String, u64)> {
        let mut counters: Vec<&Counter> = self.counters.values().collect();
        counters.sort_unstable_by(|a, b| (Reverse(a.count), &a.text).cmp(&(Reverse(b.count), &b.text)));
        let few = !self.lossy && counters.len() <= TOP_VALUES;
        let told = counters.into_iter().take(TOP_VALUES).filter(|counter| few || counter.count > 1);
        told.map(|counter| (counter.text.clone(), counter.count)).collect()
    }
}
