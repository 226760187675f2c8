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
#[derive(Clone, Copy, Debug)]
struct Cell {
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
}

impl Cell {
    const EMPTY: Self = Self { count: 0, sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };

    #[inline(always)]
    fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        // Selections, not branches: with many keys nobody can predict a new minimum, and W2 ran at 0.6 of this.
        self.min = if value < self.min { value } else { self.min };
        self.max = if value > self.max { value } else { self.max };
    }

    fn merge(&mut self, later: &Self) {
        self.count += later.count;
        self.sum += later.sum;
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
    }

    /// The results of a window with at least one event.
    fn group(&self, start: i64, end: i64, key: usize) -> Group {
        let Self { count, sum, min, max } = *self;
        Group { start, end, key: key as u32, count, sum, min, max, avg: sum / count as f64, quantiles: [] }
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
        (cell.count > 0).then(|| cell.group(start, end, key))
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
