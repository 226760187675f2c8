//! The digest: 64 bits that are equal when two runs gave the same results in the same order, to the bit.
//!
//! Each change becomes fixed-width little-endian fields and is chained by XXH3
//! (<https://github.com/Cyan4973/xxHash>) with the digest so far as its seed. NaN is canonical.

use crate::change::{Change, Changes, Drop, Score, Transition, Value, WindowResult};
use twox_hash::XxHash3_64;

/// A hash of several strings; no two lists of strings share their encoding.
pub(crate) fn of_strings(strings: &[String]) -> u64 {
    let mut row = Row::default();
    strings.iter().for_each(|string| row.string(string));
    row.hash(0)
}

/// A hash of a few words.
pub(crate) fn of_words(words: &[u64]) -> u64 {
    let mut row = Row::default();
    words.iter().for_each(|&word| row.word(word));
    row.hash(0)
}

/// The digest of the changes so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Digest {
    state: u64,
    row: Row,
}

impl Digest {
    /// Chains all changes of a list, in order. `key_hash(query, key)` names a key whatever its number.
    pub(crate) fn chain(
        &mut self,
        changes: &Changes,
        query_of: impl Fn(&Change) -> u32,
        key_hash: impl Fn(u32, u32) -> u64,
    ) {
        for change in &changes.list {
            self.row.0.clear();
            match change {
                Change::Window(window) => {
                    self.row.window(window, changes.values_of(window), key_hash(window.query, window.key));
                }
                Change::Drop(dropped) => self.row.dropped(dropped),
                Change::Score(score) => self.row.score(score, key_hash(query_of(change), score.key)),
                Change::Alert(transition) => {
                    self.row.alert(transition, key_hash(query_of(change), transition.key));
                }
            }
            self.state = self.row.hash(self.state);
        }
    }

    /// The digest.
    pub(crate) fn get(&self) -> u64 {
        self.state
    }
}

/// The bytes of one change.
#[derive(Clone, Debug, Default)]
struct Row(Vec<u8>);

impl Row {
    fn word(&mut self, word: u64) {
        self.0.extend_from_slice(&word.to_le_bytes());
    }

    fn time(&mut self, ms: i64) {
        self.0.extend_from_slice(&ms.to_le_bytes());
    }

    fn real(&mut self, x: f64) {
        let canonical = if x.is_nan() { f64::NAN } else { x };
        self.word(canonical.to_bits());
    }

    fn string(&mut self, string: &str) {
        self.word(string.len() as u64);
        self.0.extend_from_slice(string.as_bytes());
    }

    fn head(&mut self, tag: u64, index: u32, key_hash: u64) {
        self.word(tag);
        self.word(u64::from(index));
        self.word(key_hash);
    }

    fn window(&mut self, window: &WindowResult, values: &[Value], key_hash: u64) {
        self.head(1, window.query, key_hash);
        self.time(window.start);
        self.time(window.end);
        self.word(u64::from(window.revision));
        self.word(window.timing as u64);
        for value in values {
            match *value {
                Value::Count(n) => self.word(n),
                Value::Real(x) => self.real(x),
            }
        }
    }

    fn dropped(&mut self, dropped: &Drop) {
        self.head(2, dropped.query, u64::from(dropped.partition));
        self.word(dropped.offset);
        self.time(dropped.time);
        self.time(dropped.watermark);
        self.word(dropped.reason as u64);
    }

    fn score(&mut self, score: &Score, key_hash: u64) {
        self.head(3, score.detector, key_hash);
        self.time(score.time);
        for x in [score.value, score.expected, score.low, score.high, score.score] {
            self.real(x);
        }
        self.word(u64::from(score.anomaly));
    }

    fn alert(&mut self, transition: &Transition, key_hash: u64) {
        self.head(4, transition.rule, key_hash);
        self.word(transition.state as u64);
        self.time(transition.time);
        self.time(transition.window_start);
        self.word(transition.id);
        self.real(transition.value);
        self.real(transition.score);
    }

    fn hash(&self, seed: u64) -> u64 {
        XxHash3_64::oneshot_with_seed(seed, &self.0)
    }
}
