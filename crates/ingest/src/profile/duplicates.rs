//! Records that are equal to an earlier one, cell by cell.
//!
//! **Bound:** the first [`AMONG`] records are looked at. Two records of one hash count as equal, which among
//! so many has a chance of 3·10⁻⁸.

use super::findings::Duplicates;
use super::values::Hashed;
use std::collections::HashSet;

/// Records whose hashes are kept: 18 MiB of them.
pub(super) const AMONG: u64 = 1 << 20;

/// Counts records that came before.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    hashes: HashSet<u64, Hashed>,
    counted: Duplicates,
}

impl Seen {
    pub(super) fn add(&mut self, hash: u64) {
        if self.counted.among < AMONG {
            self.counted.among += 1;
            self.counted.same += u64::from(!self.hashes.insert(hash));
        }
    }

    pub(super) fn duplicates(&self) -> Duplicates {
        self.counted
    }
}

/// The hash of a record from those of its cells, one after the other.
pub(super) fn join(record: u64, cell: u64) -> u64 {
    // Odd and without a pattern, so that every bit of both moves many (2⁶⁴ over the golden ratio).
    (record.rotate_left(23) ^ cell).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
