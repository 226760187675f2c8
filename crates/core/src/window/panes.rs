//! The cells of windows at fixed times, by pane and key.
//!
//! ```text
//!   dense      a chunk of slots a pane, one slot a key: slot = chunk · stride + key
//!   sparse     a hash of (pane, key) to a slot: for many keys of which a pane sees few
//! ```
//!
//! Which of the two is in use depends on how many slots the dense form would need, and cannot be seen in
//! a result. Only panes that hold an event exist, so a year of silence costs nothing.
//!
//! **Invariant:** panes are sorted by their id; a slot of a key that a pane has not met holds the identity.

use crate::cells::Cells;
use crate::plan::Plan;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Bytes of cells up to which panes are dense: about the cache that a core has to itself, times some.
const DENSE_BYTES: usize = 32 << 20;

/// Keys of a word of `touched`, and so the smallest stride.
const WORD: usize = 64;

/// Most panes of a block that are found by a table.
const TABLE: i64 = 4_096;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Pane {
    /// Start of the pane, or end of the window where windows share nothing.
    id: i64,
    /// Its chunk when dense, its number when sparse.
    place: u32,
    /// Keys and slots in order of meeting; when sparse only.
    members: Vec<(u32, u32)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Index {
    Dense {
        stride: usize,
        /// A bit a slot: met in this pane. Left alone where a pane is one word: counts tell as well.
        touched: Vec<u64>,
        free: Vec<u32>,
    },
    Sparse {
        #[serde(skip)]
        slots: FxHashMap<u64, u32>,
        free: Vec<u32>,
        next_place: u32,
    },
}

/// The panes of one query and their cells.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Panes {
    held: VecDeque<Pane>,
    index: Index,
    pub(crate) cells: Cells,
    /// Events of each slot when it was last noted.
    noted: Vec<u64>,
    /// Slots up to which panes are dense; another number where pointers have another size.
    #[serde(skip)]
    dense_slots: usize,
    #[serde(skip)]
    table: Vec<u32>,
}

const NOT_HELD: u32 = u32::MAX;

impl Panes {
    pub(crate) fn new(plan: &Plan) -> Self {
        let cells = Cells::new(plan);
        let dense_slots = DENSE_BYTES / cells.bytes_of_slot();
        let index = Index::Dense { stride: WORD, touched: Vec::new(), free: Vec::new() };
        Self { held: VecDeque::new(), index, cells, noted: Vec::new(), dense_slots, table: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }

    pub(crate) fn id(&self, at: usize) -> i64 {
        self.held[at].id
    }

    /// Where a pane is held, or where it would have to go.
    pub(crate) fn position(&self, id: i64) -> Result<usize, usize> {
        self.held.binary_search_by_key(&id, |pane| pane.id)
    }

    /// The first pane for which this does not say so; it says so of the oldest ones.
    pub(crate) fn first_not(&self, old: impl Fn(i64) -> bool) -> usize {
        self.held.partition_point(|pane| old(pane.id))
    }

    /// Number of panes with ids in a range that are held, and the first of them.
    pub(crate) fn within(&self, ids: std::ops::Range<i64>) -> std::ops::Range<usize> {
        self.first_not(|id| id < ids.start)..self.first_not(|id| id < ids.end)
    }

    /// Whether there may be more than `limit` pairs of pane and key after so many more events. Exact when
    /// `events` are pairs that there are not yet.
    pub(crate) fn may_pass(&self, limit: usize, events: usize) -> bool {
        match &self.index {
            Index::Sparse { slots, .. } => slots.len() + events > limit,
            Index::Dense { stride, .. } if self.held.len() * stride + events <= limit => false,
            Index::Dense { .. } => self.pairs() + events > limit,
        }
    }

    fn pairs(&self) -> usize {
        let mut members = Vec::new();
        let of_pane = |at| {
            members.clear();
            self.members(at, &mut members);
            members.len()
        };
        (0..self.held.len()).map(of_pane).sum()
    }

    /// Makes ready for keys below `keys` and so many more panes.
    pub(crate) fn reach(&mut self, plan: &Plan, keys: usize, more: usize) {
        let needed = keys.next_power_of_two().max(WORD);
        let slots = (self.held.len() + more).saturating_mul(needed);
        match &self.index {
            Index::Dense { .. } if slots > self.dense_slots => self.make_sparse(plan),
            Index::Dense { stride, .. } if *stride < needed => self.make_dense(plan, needed),
            Index::Sparse { .. } if slots <= self.dense_slots / 4 => self.make_dense(plan, needed),
            _ => {}
        }
    }

    fn make_sparse(&mut self, plan: &Plan) {
        let mut old = std::mem::replace(self, Self { dense_slots: self.dense_slots, ..Self::new(plan) });
        self.index = Index::Sparse { slots: FxHashMap::default(), free: Vec::new(), next_place: 0 };
        self.take_over(&mut old);
    }

    fn make_dense(&mut self, plan: &Plan, stride: usize) {
        let mut old = std::mem::replace(self, Self { dense_slots: self.dense_slots, ..Self::new(plan) });
        self.index = Index::Dense { stride, touched: Vec::new(), free: Vec::new() };
        self.take_over(&mut old);
    }

    /// Moves all panes of others here.
    fn take_over(&mut self, old: &mut Self) {
        let mut members = Vec::new();
        for at in 0..old.held.len() {
            members.clear();
            old.members(at, &mut members);
            self.open(at, old.held[at].id);
            for &(key, from) in &members {
                let slot = self.slot(at, key);
                self.cells.merge(slot, &old.cells, from);
                if let Some(&events) = old.noted.get(from as usize) {
                    self.note(slot, events);
                }
            }
        }
    }

    fn note(&mut self, slot: u32, events: u64) {
        if self.noted.len() <= slot as usize {
            self.noted.resize(self.cells.len(), 0);
        }
        self.noted[slot as usize] = events;
    }

    /// Notes the number of events of every slot, from one pane on.
    pub(crate) fn note_all(&mut self, from: usize) {
        let mut members = Vec::new();
        (from..self.held.len()).for_each(|at| self.members(at, &mut members));
        members.into_iter().for_each(|(_, slot)| self.note(slot, self.cells.count(slot)));
    }

    /// Whether a slot has other events than when it was last noted.
    pub(crate) fn has_changed(&self, slot: u32) -> bool {
        self.cells.count(slot) != self.noted.get(slot as usize).copied().unwrap_or(0)
    }

    /// Opens a pane at a position.
    pub(crate) fn open(&mut self, at: usize, id: i64) {
        let place = match &mut self.index {
            Index::Dense { stride, touched, free } => free.pop().unwrap_or_else(|| {
                let chunk = self.cells.len() / *stride;
                self.cells.grow((chunk + 1) * *stride);
                touched.resize(self.cells.len() / WORD, 0);
                chunk as u32
            }),
            Index::Sparse { next_place, .. } => {
                *next_place = next_place.wrapping_add(1);
                *next_place
            }
        };
        self.held.insert(at, Pane { id, place, members: Vec::new() });
    }

    /// The slot of a key in a held pane, which now counts as met.
    pub(crate) fn slot(&mut self, at: usize, key: u32) -> u32 {
        let pane = &mut self.held[at];
        match &mut self.index {
            Index::Dense { stride, touched, .. } => {
                let slot = pane.place as usize * *stride + key as usize;
                touched[slot / WORD] |= 1 << (slot % WORD);
                slot as u32
            }
            Index::Sparse { slots, free, .. } => {
                *slots.entry(u64::from(pane.place) << 32 | u64::from(key)).or_insert_with(|| {
                    let slot = free.pop().unwrap_or_else(|| {
                        self.cells.grow(self.cells.len() + 1);
                        self.cells.len() as u32 - 1
                    });
                    pane.members.push((key, slot));
                    slot
                })
            }
        }
    }

    /// The slot of a key that a held pane has met.
    pub(crate) fn slot_of(&self, at: usize, key: u32) -> Option<u32> {
        let pane = &self.held[at];
        let slot = match &self.index {
            Index::Dense { stride, .. } if key as usize >= *stride => return None,
            Index::Dense { stride, .. } => (pane.place as usize * stride + key as usize) as u32,
            Index::Sparse { slots, .. } => *slots.get(&(u64::from(pane.place) << 32 | u64::from(key)))?,
        };
        Some(slot).filter(|slot| self.cells.count(*slot) > 0)
    }

    /// Appends the keys of a held pane that have events, in order, with their slots.
    pub(crate) fn members(&self, at: usize, members: &mut Vec<(u32, u32)>) {
        let (pane, from) = (&self.held[at], members.len());
        match &self.index {
            Index::Dense { stride: WORD, .. } => {
                let first = pane.place * WORD as u32;
                let keys = (0..WORD as u32).filter(|key| self.cells.count(first + key) > 0);
                members.extend(keys.map(|key| (key, first + key)));
            }
            Index::Dense { stride, touched, .. } => {
                let first = pane.place as usize * stride;
                for (w, &word) in touched[first / WORD..(first + stride) / WORD].iter().enumerate() {
                    let mut rest = word;
                    while rest != 0 {
                        let key = w * WORD + rest.trailing_zeros() as usize;
                        rest &= rest - 1;
                        members.push((key as u32, (first + key) as u32));
                    }
                }
            }
            Index::Sparse { .. } => {
                members.extend_from_slice(&pane.members);
                members[from..].sort_unstable();
            }
        }
        // A slot that was given and emptied was met, but has no events.
        let mut kept = from;
        for i in from..members.len() {
            if self.cells.count(members[i].1) > 0 {
                members[kept] = members[i];
                kept += 1;
            }
        }
        members.truncate(kept);
    }

    /// Lets go of the oldest pane.
    pub(crate) fn drop_oldest(&mut self, scratch: &mut Vec<(u32, u32)>) {
        scratch.clear();
        self.members(0, scratch);
        let Some(pane) = self.held.pop_front() else { return };
        self.cells.reset(scratch.iter().map(|(_, slot)| *slot));
        if !self.noted.is_empty() {
            scratch.iter().for_each(|(_, slot)| self.note(*slot, 0));
        }
        match &mut self.index {
            Index::Dense { stride, touched, free } => {
                let first = pane.place as usize * *stride;
                touched[first / WORD..(first + *stride) / WORD].fill(0);
                free.push(pane.place);
            }
            Index::Sparse { slots, free, .. } => {
                for (key, slot) in pane.members {
                    slots.remove(&(u64::from(pane.place) << 32 | u64::from(key)));
                    free.push(slot);
                }
            }
        }
    }

    /// Appends the slots of events by their times and keys, opening panes of one size as need be.
    pub(crate) fn slots(&mut self, times: &[i64], keys: &[u32], pieces: &Pieces, slots: &mut Vec<u32>) {
        let from = slots.len();
        match self.index {
            Index::Dense { .. } if pieces.count == 1 => {
                let first = self.first_slot(pieces.start(0));
                slots.extend(keys.iter().map(|key| first + key));
            }
            Index::Dense { .. } if pieces.count <= TABLE && pieces.fit_u32() => {
                self.table.clear();
                self.table.resize(pieces.count as usize, NOT_HELD);
                self.dense_slots(times, keys, pieces, slots);
            }
            _ => return self.slots_one_by_one(times, keys, pieces, slots),
        }
        self.touch(&slots[from..]);
    }

    /// Notes that the keys of these slots were met.
    fn touch(&mut self, slots: &[u32]) {
        if let Index::Dense { stride, touched, .. } = &mut self.index
            && *stride > WORD
        {
            slots.iter().for_each(|&slot| touched[slot as usize / WORD] |= 1 << (slot as usize % WORD));
        }
    }

    fn dense_slots(&mut self, times: &[i64], keys: &[u32], pieces: &Pieces, slots: &mut Vec<u32>) {
        let mut table = std::mem::take(&mut self.table);
        slots.extend(times.iter().zip(keys).map(|(&time, &key)| {
            let piece = pieces.of(time);
            let mut first = table[piece];
            if first == NOT_HELD {
                first = self.first_slot(pieces.start(piece));
                table[piece] = first;
            }
            first + key
        }));
        self.table = table;
    }

    #[cold]
    fn first_slot(&mut self, id: i64) -> u32 {
        let at = self.position_or_open(id);
        let Index::Dense { stride, .. } = self.index else { unreachable!("dense slots") };
        self.held[at].place * stride as u32
    }

    fn slots_one_by_one(&mut self, times: &[i64], keys: &[u32], pieces: &Pieces, slots: &mut Vec<u32>) {
        let mut last = None;
        for (&time, &key) in times.iter().zip(keys) {
            let id = time - (time - pieces.origin).rem_euclid(pieces.size);
            let at = match last {
                Some((known, at)) if known == id => at,
                _ => self.position_or_open(id),
            };
            last = Some((id, at));
            slots.push(self.slot(at, key));
        }
    }

    fn position_or_open(&mut self, id: i64) -> usize {
        self.position(id).unwrap_or_else(|at| {
            self.open(at, id);
            at
        })
    }

    /// Builds anew what a snapshot leaves out.
    pub(crate) fn reindex(&mut self) {
        self.dense_slots = DENSE_BYTES / self.cells.bytes_of_slot();
        if let Index::Sparse { slots, .. } = &mut self.index {
            for pane in &self.held {
                for &(key, slot) in &pane.members {
                    slots.insert(u64::from(pane.place) << 32 | u64::from(key), slot);
                }
            }
        }
    }
}

/// A stretch of time in pieces of one size, and which of them a time lies in, without a division.
pub(crate) struct Pieces {
    origin: i64,
    size: i64,
    count: i64,
    /// 2^64 over the size, rounded up: its product with a time below 2^32 ms has the quotient in its upper
    /// half (Lemire, Kaser, Kurz 2019, *Faster remainder by direct computation*).
    inverse: u64,
}

impl Pieces {
    /// From the piece that begins at `origin` to the one that holds `newest`.
    pub(crate) fn new(origin: i64, newest: i64, size: i64) -> Self {
        let inverse = (u64::MAX / size as u64).wrapping_add(1);
        Self { origin, size, count: (newest - origin) / size + 1, inverse }
    }

    pub(crate) fn count(&self) -> usize {
        self.count as usize
    }

    /// Whether times and size fit the multiplication.
    fn fit_u32(&self) -> bool {
        self.size > 1 && self.count.saturating_mul(self.size) <= i64::from(u32::MAX)
    }

    #[inline]
    fn of(&self, time: i64) -> usize {
        ((u128::from((time - self.origin) as u32) * u128::from(self.inverse)) >> 64) as usize
    }

    fn start(&self, piece: usize) -> i64 {
        self.origin + piece as i64 * self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_those_of_the_division() {
        for size in [2_i64, 3, 7, 10, 999, 1_000, 60_000, 86_400_000, (1 << 31) - 1, (1 << 32) - 2] {
            let pieces = Pieces::new(-5, -5, size);
            let last = i64::from(u32::MAX);
            let edges = (0..200).chain((1..200).map(|k| last / size / 200 * k)).flat_map(|k| {
                let edge = k * size;
                [edge - 1, edge, edge + 1, edge + size - 1]
            });
            for time in edges.chain([last, last - 1]).filter(|time| (0..=last).contains(time)) {
                assert_eq!(pieces.of(time - 5) as i64, time / size, "{time} by {size}");
            }
        }
    }
}
