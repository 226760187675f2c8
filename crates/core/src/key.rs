//! Group keys of one query: tuples of key columns, numbered in order of first appearance.
//!
//! **Invariant:** a key's id depends only on the order of the log, so results can be ordered by it;
//! its hash depends only on its strings, so digests do not depend on how a source numbers them.

use crate::digest;
use crate::log::Block;
use rustc_hash::FxHashMap;
use std::ops::Range;

const UNSEEN: u32 = u32::MAX;

/// The keys that one query has met.
#[derive(Clone, Debug)]
pub(crate) struct KeySpace {
    columns: Vec<usize>,
    limit: u32,
    /// Column id → key, for the common case of one key column.
    single: Vec<u32>,
    /// Ids of all columns → key, for several.
    tuples: FxHashMap<Box<[u32]>, u32>,
    tuple: Vec<u32>,
    names: Vec<Box<[String]>>,
    hashes: Vec<u64>,
}

impl KeySpace {
    /// Groups by the given key columns of the log; by nothing when there is none. Takes `limit` keys.
    pub(crate) fn new(columns: Vec<usize>, limit: u32) -> Self {
        Self {
            columns,
            limit,
            single: Vec::new(),
            tuples: FxHashMap::default(),
            tuple: Vec::new(),
            names: Vec::new(),
            hashes: Vec::new(),
        }
    }

    /// Sets `keys` to the keys of a run of rows. Rows from the first on whose key would be one more than
    /// the limit are left out.
    pub(crate) fn of(&mut self, block: &Block<'_>, rows: Range<usize>, keys: &mut Vec<u32>) {
        keys.clear();
        match self.columns[..] {
            [] => {
                if !self.names.is_empty() || self.meet(block, rows.start).is_some() {
                    keys.resize(rows.len(), 0);
                }
            }
            [column] => {
                for (&id, row) in block.key(column)[rows.clone()].iter().zip(rows) {
                    let known = self.single.get(id as usize).copied().filter(|&key| key != UNSEEN);
                    let Some(key) = known.or_else(|| self.meet_single(block, row)) else { return };
                    keys.push(key);
                }
            }
            _ => keys.extend(rows.map_while(|row| self.of_tuple(block, row))),
        }
    }

    fn meet_single(&mut self, block: &Block<'_>, row: usize) -> Option<u32> {
        let id = block.key(self.columns[0])[row] as usize;
        let key = self.meet(block, row)?;
        if self.single.len() <= id {
            self.single.resize(id + 1, UNSEEN);
        }
        self.single[id] = key;
        Some(key)
    }

    fn of_tuple(&mut self, block: &Block<'_>, row: usize) -> Option<u32> {
        self.tuple.clear();
        self.tuple.extend(self.columns.iter().map(|&column| block.key(column)[row]));
        if let Some(&key) = self.tuples.get(self.tuple.as_slice()) {
            return Some(key);
        }
        let key = self.meet(block, row)?;
        self.tuples.insert(self.tuple.as_slice().into(), key);
        Some(key)
    }

    fn meet(&mut self, block: &Block<'_>, row: usize) -> Option<u32> {
        let key = u32::try_from(self.names.len()).ok().filter(|key| *key < self.limit)?;
        let name = |&column: &usize| block.dictionary(column).name(block.key(column)[row]).to_owned();
        let names: Box<[String]> = self.columns.iter().map(name).collect();
        self.hashes.push(digest::of_strings(&names));
        self.names.push(names);
        Some(key)
    }

    /// How many more keys it takes.
    pub(crate) fn room(&self) -> usize {
        self.limit as usize - self.names.len()
    }

    /// The strings of a key, in the order of the query's `by`.
    pub(crate) fn names(&self, key: u32) -> &[String] {
        &self.names[key as usize]
    }

    /// A hash of the strings of a key.
    pub(crate) fn hash(&self, key: u32) -> u64 {
        self.hashes[key as usize]
    }

    /// Number of keys met.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }
}
