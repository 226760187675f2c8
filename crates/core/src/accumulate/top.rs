//! Top: which ids came most often, exact of few, then by SpaceSaving.
//!
//! Each counter belongs to an id. An id without one takes the counter of the last in order, and its count
//! too, which becomes the new counter's error:
//!
//! ```text
//!   capacity 2   a a b      a 2           b 1
//!                c          a 2           c 2, at most 1 too high     (b had 1)
//!                c          c 3, at most 1 too high     a 2
//! ```
//!
//! Metwally, Agrawal, El Abbadi 2005, *Efficient computation of frequent and top-k elements in data streams*.
//! The merge is that of Cafaro, Pulimeno, Tempesta 2016, *A parallel space saving algorithm for frequent items
//! and the Hurwitz zeta distribution*, which keeps the bound of Agarwal et al. 2012, *Mergeable summaries*: an id
//! that one side does not hold may have had there as much as that side's floor, and of all counters the
//! first in order stay.
//!
//! **Order:** by count, descending; of equal counts by id, ascending, which is first appearance where ids are
//! numbered by it. The last in this order is the counter that is given away.
//!
//! **Bounds.** Of n events an id had at least `count − error` and at most `count`, and `error` is at most n /
//! [`COUNTERS`]; every id that had more than that is held. Up to [`COUNTERS`] ids all is exact.
//!
//! **Invariants:** counts add up to at most n; no count is below the floor; the floor is 0 until an id lost
//! its counter, and no id without a counter had more events than the floor.

use super::Accumulator;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Counters of a [`Top`]: more than twice the 100 that a query may ask for, so that a count at the end of the
/// list is not all error.
pub(crate) const COUNTERS: usize = 256;

/// An id and how often it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TopCount {
    pub(crate) id: u32,
    /// The most that it may have had.
    pub(crate) count: u64,
    /// How much too high `count` may be.
    pub(crate) error: u64,
}

impl TopCount {
    /// Sorts by count, descending, then by id.
    fn order(&self) -> (Reverse<u64>, u32) {
        (Reverse(self.count), self.id)
    }
}

/// Counts the ids that come most often.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(into = "Form", from = "Form")]
pub(crate) struct Top<const CAPACITY: usize = COUNTERS> {
    counters: Vec<TopCount>,
    floor: u64,
    slot_of: FxHashMap<u32, u32>,
    /// Each counter as it was at some time, once the first had to be given away. Its last in order is the
    /// counters' last in order, if it is still as it was: a counter only ever moves towards the front.
    last: BinaryHeap<((Reverse<u64>, u32), u32)>,
}

impl<const CAPACITY: usize> Top<CAPACITY> {
    /// The first `k` in order, or as many as there are.
    pub(crate) fn top(&self, k: usize) -> Vec<TopCount> {
        let mut counters = self.counters.clone();
        if k < counters.len() {
            counters.select_nth_unstable_by_key(k, TopCount::order);
            counters.truncate(k);
        }
        counters.sort_unstable_by_key(TopCount::order);
        counters
    }

    fn admit(&mut self, counter: TopCount) {
        self.slot_of.insert(counter.id, self.counters.len() as u32);
        self.counters.push(counter);
    }

    #[cold]
    fn replace_last(&mut self, id: u32) {
        let slot = self.find_last();
        let counter = &mut self.counters[slot as usize];
        self.slot_of.remove(&counter.id);
        self.slot_of.insert(id, slot);
        self.floor = counter.count;
        *counter = TopCount { id, count: counter.count + 1, error: counter.count };
    }

    /// The slot of the last counter in order. Each step of the loop answers for a fold since the last call.
    fn find_last(&mut self) -> u32 {
        if self.last.is_empty() {
            self.last = self.counters.iter().map(TopCount::order).zip(0..).collect();
        }
        loop {
            let mut last = self.last.peek_mut().expect("there is a counter");
            let order = self.counters[last.1 as usize].order();
            if last.0 == order {
                return last.1;
            }
            last.0 = order;
        }
    }

    /// How often an id came, as far as this side knows.
    fn get(&self, id: u32) -> TopCount {
        let held = self.slot_of.get(&id).map(|&slot| self.counters[slot as usize]);
        held.unwrap_or(TopCount { id, count: self.floor, error: self.floor })
    }
}

impl<const CAPACITY: usize> Accumulator for Top<CAPACITY> {
    type Input = u32;

    #[inline]
    fn fold(&mut self, id: u32) {
        if let Some(&slot) = self.slot_of.get(&id) {
            self.counters[slot as usize].count += 1;
        } else if self.counters.len() < CAPACITY {
            self.admit(TopCount { id, count: 1, error: 0 });
        } else {
            self.replace_last(id);
        }
    }

    fn merge(&mut self, later: &Self) {
        let new = later.counters.iter().filter(|counter| !self.slot_of.contains_key(&counter.id));
        let mut counters: Vec<TopCount> = self
            .counters
            .iter()
            .chain(new)
            .map(|counter| counter.id)
            .map(|id| {
                let (ours, theirs) = (self.get(id), later.get(id));
                TopCount { id, count: ours.count + theirs.count, error: ours.error + theirs.error }
            })
            .collect();
        counters.sort_unstable_by_key(TopCount::order);
        let dropped = counters.get(CAPACITY).map_or(0, |first| first.count);
        counters.truncate(CAPACITY);
        *self = Form { counters, floor: dropped.max(self.floor + later.floor) }.into();
    }
}

/// What a snapshot holds; the rest follows from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Form {
    /// In order.
    counters: Vec<TopCount>,
    floor: u64,
}

impl<const CAPACITY: usize> From<Top<CAPACITY>> for Form {
    fn from(top: Top<CAPACITY>) -> Self {
        Self { counters: top.top(CAPACITY), floor: top.floor }
    }
}

impl<const CAPACITY: usize> From<Form> for Top<CAPACITY> {
    fn from(form: Form) -> Self {
        let mut top = Self { floor: form.floor, ..Self::default() };
        form.counters.into_iter().for_each(|counter| top.admit(counter));
        top
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use crate::accumulate::samples::{self, folded};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Small enough that everything happens within a few events.
    type Small = Top<4>;

    fn form<const CAPACITY: usize>(top: &Top<CAPACITY>) -> Form {
        top.clone().into()
    }

    fn exact(ids: &[u32]) -> BTreeMap<u32, u64> {
        let mut counts = BTreeMap::new();
        ids.iter().for_each(|&id| *counts.entry(id).or_default() += 1);
        counts
    }

    /// SpaceSaving as it is written down: a list that is sorted after each event.
    fn naive(ids: &[u32], capacity: usize) -> Vec<TopCount> {
        let mut list: Vec<TopCount> = Vec::new();
        for &id in ids {
            match list.iter_mut().find(|counter| counter.id == id) {
                Some(counter) => counter.count += 1,
                None => {
                    let error = if list.len() < capacity { 0 } else { list.remove(capacity - 1).count };
                    list.push(TopCount { id, count: error + 1, error });
                }
            }
            list.sort_by_key(TopCount::order);
        }
        list
    }

    /// The first promise of the module that does not hold.
    fn broken_promise<const CAPACITY: usize>(
        top: &Top<CAPACITY>,
        ids: &[u32],
        held_to: usize,
    ) -> Option<String> {
        let (truth, bound) = (exact(ids), ids.len() as u64 / held_to as u64);
        let list = top.top(CAPACITY);
        let wrong = list.iter().find(|held| {
            let (count, allowed) = (truth[&held.id], if truth.len() <= held_to { 0 } else { bound });
            held.error > allowed || count > held.count || count < held.count - held.error
        });
        let mut missing = truth.iter().filter(|(id, _)| list.iter().all(|held| held.id != **id));
        let missed = missing.find(|(_, count)| **count > top.floor.min(bound));
        let low = list.iter().find(|held| held.count < top.floor);
        let sum: u64 = list.iter().map(|held| held.count).sum();
        (wrong.map(|wrong| format!("{wrong:?} for {}", truth[&wrong.id])))
            .or(missed.map(|missed| format!("{missed:?} is not held")))
            .or(low.map(|low| format!("{low:?} is below the floor {}", top.floor)))
            .or((sum > ids.len() as u64).then(|| format!("the counts add up to {sum}")))
    }

    #[test]
    fn the_example() {
        let top: Top<2> = folded([0, 0, 1, 2, 2]);
        let expected = [TopCount { id: 2, count: 3, error: 1 }, TopCount { id: 0, count: 2, error: 0 }];
        assert_eq!(top.top(2), expected);
        assert_eq!(top.top(1), expected[..1]);
        assert_eq!(Top::<2>::default().top(5), []);
    }

    #[test]
    fn equal_counts_stand_in_order_of_appearance() {
        let ids = |top: &Top| top.top(3).iter().map(|held| held.id).collect::<Vec<_>>();
        assert_eq!(ids(&folded([0, 1, 2, 3, 3])), [3, 0, 1]);
        assert_eq!(ids(&folded([3, 2, 1, 0, 3])), [3, 0, 1]);
    }

    #[test]
    fn the_full_size_keeps_its_promises_and_fewer_counters_would_not() {
        let sources: [fn(u64) -> u32; 2] = [|i| samples::zipf(9, i), |i| (samples::mix(i) % 1_000) as u32];
        for (source, fewer_would_do) in sources.into_iter().zip([true, false]) {
            let ids: Vec<u32> = (0..100_000).map(source).collect();
            let (top, fewer): (Top, Top<64>) = (folded(ids.iter().copied()), folded(ids.iter().copied()));
            assert_eq!(broken_promise(&top, &ids, COUNTERS), None);
            assert_eq!(broken_promise(&fewer, &ids, 64), None);
            assert_eq!(broken_promise(&fewer, &ids, COUNTERS).is_none(), fewer_would_do, "the control");
        }
    }

    #[test]
    fn survives_a_snapshot() {
        for count in [0, 3, 100] {
            let mut top: Small = folded((0..count).map(|i| samples::zipf(2, i)));
            let text = serde_json::to_string(&top).unwrap();
            let mut back: Small = serde_json::from_str(&text).unwrap();
            for id in (0..50).map(|i| samples::zipf(3, i)) {
                top.fold(id);
                back.fold(id);
            }
            assert_eq!(form(&back), form(&top), "after {count}");
        }
    }

    proptest! {
        #[test]
        fn a_fold_is_space_saving_to_the_counter(ids in prop::collection::vec(0..12_u32, 0..200)) {
            let top: Small = folded(ids.iter().copied());
            prop_assert_eq!(top.top(4), naive(&ids, 4));
            prop_assert_eq!(broken_promise(&top, &ids, 4), None);
        }

        #[test]
        fn merged_parts_keep_the_promises_of_the_whole(
            seed: u64, count in 1..400_u64, cuts in prop::collection::vec(0..400_u64, 0..6), ids in 2..40_u32,
        ) {
            let ids: Vec<u32> = (0..count).map(|i| samples::zipf(seed, i) % ids).collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|&cut| cut.min(count) as usize).collect();
            cuts.extend([0, ids.len()]);
            cuts.sort_unstable();
            let parts = || cuts.windows(2).map(|cut| folded::<Small>(ids[cut[0]..cut[1]].iter().copied()));
            let mut merged = Small::default();
            parts().for_each(|part| merged.merge(&part));
            prop_assert_eq!(broken_promise(&merged, &ids, 4), None);

            let mut mirrored = Small::default();
            parts().for_each(|mut part| { part.merge(&mirrored); mirrored = part; });
            prop_assert_eq!(form(&mirrored), form(&merged));

            ids.iter().for_each(|&id| merged.fold(id));
            let twice = [&ids[..], &ids[..]].concat();
            prop_assert_eq!(broken_promise(&merged, &twice, 4), None);
        }

        #[test]
        fn few_ids_are_exact_and_merge_to_the_bits_of_the_fold(
            ids in prop::collection::vec(0..4_u32, 0..100), cut in 0..100_usize,
        ) {
            let (before, after) = ids.split_at(cut.min(ids.len()));
            let mut merged: Small = folded(before.iter().copied());
            merged.merge(&folded(after.iter().copied()));
            prop_assert_eq!(form(&merged), form(&folded::<Small>(ids.iter().copied())));
            let counts: BTreeMap<u32, u64> = merged.top(4).iter().map(|held| (held.id, held.count)).collect();
            prop_assert_eq!(counts, exact(&ids));
        }
    }
}
