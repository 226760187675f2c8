//! Group keys of one query: tuples of key columns, numbered in order of first appearance.
//!
//! **Invariant:** a key's id depends only on the order of the log, so results can be ordered by it;
//! its hash depends only on its strings, so digests do not depend on how a source numbers them.

use crate::digest;
use crate::log::Block;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

const UNSEEN: u32 = u32::MAX;

/// The keys that one query has met.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeySpace {
    columns: Vec<usize>,
    limit: u32,
    /// The strings of all keys, one after the other, `columns.len()` a key.
    text: String,
    /// Where each string ends.
    ends: Vec<usize>,
    hashes: Vec<u64>,
    /// Hash, or the next free number after it, → key.
    #[serde(skip)]
    by_hash: FxHashMap<u64, u32>,
    #[serde(skip)]
    of_log: LogKeys,
}

/// What is known of the ids of the one log that is read.
#[derive(Clone, Debug, Default)]
struct LogKeys {
    /// Id of a key column, or of a pair → key.
    keys: Vec<u32>,
    /// Number of ids that have a key.
    known: usize,
    /// Id of the columns so far and of the next one → id of the pair; one map a further column.
    pairs: Vec<FxHashMap<u64, u32>>,
}

impl KeySpace {
    /// Groups by the given key columns of the log; by nothing when there is none. Takes `limit` keys.
    pub(crate) fn new(columns: Vec<usize>, limit: u32) -> Self {
        Self {
            columns,
            limit,
            text: String::new(),
            ends: Vec::new(),
            hashes: Vec::new(),
            by_hash: FxHashMap::default(),
            of_log: LogKeys::default(),
        }
    }

    /// Sets `keys` to the keys of the rows of a block, or of some of them. Rows from the first on whose key
    /// would be one more than the limit are left out.
    pub(crate) fn of(&mut self, block: &Block<'_>, rows: Option<&[u32]>, keys: &mut Vec<u32>) {
        keys.clear();
        match (rows, self.columns.len()) {
            (None, 0) if block.is_empty() || self.of_row(block, 0).is_none() => {}
            (None, 0) => keys.resize(block.len(), 0),
            (None, 1) => self.of_column(block, keys),
            (None, _) => keys.extend((0..block.len()).map_while(|row| self.of_row(block, row))),
            (Some(rows), _) => keys.extend(rows.iter().map_while(|&row| self.of_row(block, row as usize))),
        }
    }

    fn of_column(&mut self, block: &Block<'_>, keys: &mut Vec<u32>) {
        let (ids, of_log) = (block.key(self.columns[0]), &self.of_log);
        if of_log.known == block.dictionary(self.columns[0]).len() {
            return keys.extend(ids.iter().map(|&id| of_log.keys[id as usize]));
        }
        for (row, &id) in ids.iter().enumerate() {
            let known = self.of_log.keys.get(id as usize).copied().filter(|&key| key != UNSEEN);
            let Some(key) = known.or_else(|| self.of_row(block, row)) else { return };
            keys.push(key);
        }
    }

    fn of_row(&mut self, block: &Block<'_>, row: usize) -> Option<u32> {
        let id = self.of_log.id(&self.columns, block, row) as usize;
        if let Some(&key) = self.of_log.keys.get(id).filter(|&&key| key != UNSEEN) {
            return Some(key);
        }
        let key = self.meet(block, row)?;
        if self.of_log.keys.len() <= id {
            self.of_log.keys.resize(id + 1, UNSEEN);
        }
        self.of_log.keys[id] = key;
        self.of_log.known += 1;
        Some(key)
    }

    /// The key of strings that this log has not shown before.
    fn meet(&mut self, block: &Block<'_>, row: usize) -> Option<u32> {
        let names =
            || self.columns.iter().map(|&column| block.dictionary(column).name(block.key(column)[row]));
        let hash = digest::of_strings(names());
        let mut slot = hash;
        while let Some(&key) = self.by_hash.get(&slot) {
            if self.names(key).eq(names()) {
                return Some(key);
            }
            slot = slot.wrapping_add(1);
        }
        let key = u32::try_from(self.hashes.len()).ok().filter(|key| *key < self.limit)?;
        for column in 0..self.columns.len() {
            let column = self.columns[column];
            self.text.push_str(block.dictionary(column).name(block.key(column)[row]));
            self.ends.push(self.text.len());
        }
        self.hashes.push(hash);
        self.by_hash.insert(slot, key);
        Some(key)
    }

    /// Goes on, out of a snapshot, in the place of an empty one with another limit.
    pub(crate) fn take_over_from(&mut self, empty: &Self) {
        self.limit = empty.limit;
        self.reindex();
    }

    /// Builds anew what a snapshot leaves out.
    pub(crate) fn reindex(&mut self) {
        for (key, &hash) in self.hashes.iter().enumerate() {
            let mut slot = hash;
            while self.by_hash.contains_key(&slot) {
                slot = slot.wrapping_add(1);
            }
            self.by_hash.insert(slot, key as u32);
        }
    }

    /// How many more keys it takes.
    pub(crate) fn room(&self) -> usize {
        (self.limit as usize).saturating_sub(self.hashes.len())
    }

    /// The strings of a key, in the order of the query's `by`.
    pub(crate) fn names(&self, key: u32) -> impl ExactSizeIterator<Item = &str> {
        let first = key as usize * self.columns.len();
        (first..first + self.columns.len()).map(|at| {
            let start = if at == 0 { 0 } else { self.ends[at - 1] };
            &self.text[start..self.ends[at]]
        })
    }

    /// A hash of the strings of a key.
    pub(crate) fn hash(&self, key: u32) -> u64 {
        self.hashes[key as usize]
    }

    /// Number of keys met.
    pub(crate) fn len(&self) -> usize {
        self.hashes.len()
    }
}

impl LogKeys {
    /// A number for the ids of a row's columns, dense in order of first appearance.
    fn id(&mut self, columns: &[usize], block: &Block<'_>, row: usize) -> u32 {
        let Some((&first, rest)) = columns.split_first() else { return 0 };
        let mut id = block.key(first)[row];
        self.pairs.resize_with(rest.len(), FxHashMap::default);
        for (pairs, &column) in self.pairs.iter_mut().zip(rest) {
            let next = pairs.len() as u32;
            id = *pairs.entry(u64::from(id) << 32 | u64::from(block.key(column)[row])).or_insert(next);
        }
        id
    }
}
