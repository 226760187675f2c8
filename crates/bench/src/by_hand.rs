//! The hand-written loops: what a person would write who knows one query, one bound, that keys are small numbers
//! and that nothing is late.
//!
//! Each takes a closure that is given every result, and keeps no list of them.
//!
//! **Invariant:** sums run in the order of the events and merge in the order of time, as the engine's do, so the
//! two are equal to the last bit. Scores and quantiles, for which another way is faster, are equal within
//! [`result::NEAR`](crate::result).

pub mod hopping;
pub mod quantile;
pub mod session;
pub mod tumbling;
pub mod zscore;

use crate::result::Group;

/// Count, sum, minimum and maximum of one key in one window, pane or session.
///
/// In pairs, so that a machine that adds or compares two numbers at a time does it in half the instructions: W1 runs
/// a third faster so. The counts stay below 2^53, up to which `f64` has every whole number.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
struct Cell {
    count_and_sum: [f64; 2],
    /// The smallest value and the smallest value negated, which is the largest.
    least: [f64; 2],
}

impl Cell {
    const EMPTY: Self = Self { count_and_sum: [0.0; 2], least: [f64::INFINITY; 2] };

    #[inline(always)]
    fn add(&mut self, value: f64) {
        self.merge(&Self { count_and_sum: [1.0, value], least: [value, -value] });
    }

    #[inline(always)]
    fn merge(&mut self, later: &Self) {
        for (sum, more) in self.count_and_sum.iter_mut().zip(later.count_and_sum) {
            *sum += more;
        }
        for (least, other) in self.least.iter_mut().zip(later.least) {
            // A selection, not a branch: with many keys nobody can predict a new minimum, and W2 ran at 0.6 of this.
            *least = if other < *least { other } else { *least };
        }
    }

    fn is_empty(&self) -> bool {
        self.count_and_sum[0] == 0.0
    }

    fn count(&self) -> u64 {
        self.count_and_sum[0] as u64
    }

    /// The results of a window with at least one event.
    fn group(&self, start: i64, end: i64, key: usize) -> Group {
        let Self { count_and_sum: [count, sum], least: [min, negated_max] } = *self;
        Group {
            start,
            end,
            key: key as u32,
            count: count as u64,
            sum,
            min,
            max: -negated_max,
            avg: sum / count,
            quantiles: [],
        }
    }
}

/// Collects what a loop gives.
pub(crate) fn collect<T: Clone>(run: impl FnOnce(&mut dyn FnMut(&[T]))) -> Vec<T> {
    let mut all = Vec::new();
    run(&mut |some| all.extend_from_slice(some));
    all
}

/// What the loops are held against where the engine is not: every window on its own, from a list of its events.
#[cfg(test)]
mod naive {
    use super::*;
    use kappascope_core::Log;

    /// The events of each key, in the order of the log: times and values.
    pub(super) fn by_key(log: &Log) -> Vec<Vec<(i64, f64)>> {
        let all = log.read(0, usize::MAX);
        let mut keys = vec![Vec::new(); log.dictionary(0).len()];
        for ((&time, &key), &value) in all.time().iter().zip(all.key(0)).zip(all.measure(0)) {
            keys[key as usize].push((time, value));
        }
        keys
    }

    /// The results of one window over its events; none of none.
    pub(super) fn group(start: i64, end: i64, key: usize, values: &[f64]) -> Option<Group> {
        let mut cell = Cell::EMPTY;
        values.iter().for_each(|&value| cell.add(value));
        (!cell.is_empty()).then(|| cell.group(start, end, key))
    }

    /// Where two lists of groups differ in more than the order in which sums are added up.
    pub(super) fn assert_alike(mut left: Vec<Group>, mut right: Vec<Group>) {
        for groups in [&mut left, &mut right] {
            groups.sort_by_key(|group| (group.start, group.key));
        }
        assert_eq!(left.len(), right.len());
        for (l, r) in left.iter().zip(&right) {
            assert!((l.sum - r.sum).abs() <= 1e-12 * l.sum.abs(), "{l:?}\n{r:?}");
            assert_eq!(*l, Group { sum: l.sum, avg: l.avg, ..*r });
        }
    }
}
