//! The digest: 64 bits that are equal when two runs gave the same results in the same order, to the bit.
//!
//! Each change becomes a few little-endian words of 64 bits. Every [`CHUNK`] words are chained by XXH3
//! (<https://github.com/Cyan4973/xxHash>) with the digest so far as its seed, and so is the rest when the
//! digest is asked for, so that it does not depend on how many changes came at a time. NaN is canonical.

use crate::change::{Changes, Drop, Kind, Score, Shape, TopEntry, Transition, WindowResult};
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

/// Words are hashed as they lie in memory.
const _: () = assert!(cfg!(target_endian = "little"), "digests are defined over little-endian words");

/// Words that are hashed at a time: long enough for XXH3 to run at its full speed.
const CHUNK: usize = 512;

/// A hash of several strings; no two lists of strings share their encoding.
pub(crate) fn of_strings<'a>(strings: impl IntoIterator<Item = &'a str>) -> u64 {
    let mut bytes = Vec::new();
    for string in strings {
        bytes.extend_from_slice(&(string.len() as u64).to_le_bytes());
        bytes.extend_from_slice(string.as_bytes());
    }
    XxHash3_64::oneshot(&bytes)
}

/// A hash of a whole pipeline. Of its debug text, which names every field and is the same on all targets: as TOML,
/// the engine would bring a writer of TOML with it.
pub(crate) fn of_spec(spec: &Spec) -> u64 {
    of_strings([&*format!("{spec:?}")])
}

/// A hash of bytes.
pub(crate) fn of_bytes(bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot(bytes)
}

/// A hash of a few words.
pub(crate) fn of_words(words: &[u64]) -> u64 {
    hash(words, 0)
}

/// The canonical bits of a number: all NaN are one.
pub(crate) fn bits(x: f64) -> u64 {
    if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() }
}

fn hash(words: &[u64], seed: u64) -> u64 {
    XxHash3_64::oneshot_with_seed(seed, bytemuck::cast_slice(words))
}

/// Names a key whatever its number.
pub(crate) trait KeyHashes {
    fn of_query(&self, query: u32, key: u32) -> u64;
    fn of_detector(&self, detector: u32, key: u32) -> u64;
    fn of_rule(&self, rule: u32, key: u32) -> u64;
}

/// The digest of the changes so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Digest {
    state: u64,
    /// Words that do not fill a chunk yet.
    rest: Vec<u64>,
}

impl Digest {
    /// Chains all changes of a list, in order.
    pub(crate) fn chain(&mut self, changes: &Changes, keys: &impl KeyHashes) {
        for (kind, rows) in changes.runs() {
            match kind {
                Kind::Window => changes.windows[rows].iter().for_each(|window| {
                    self.window(window, changes, keys.of_query(window.query, window.key));
                }),
                Kind::Drop => changes.drops[rows].iter().for_each(|dropped| self.dropped(dropped)),
                Kind::Score => changes.scores[rows]
                    .iter()
                    .for_each(|score| self.score(score, keys.of_detector(score.detector, score.key))),
                Kind::Alert => changes.alerts[rows]
                    .iter()
                    .for_each(|alert| self.alert(alert, keys.of_rule(alert.rule, alert.key))),
            }
        }
    }

    /// The digest.
    pub(crate) fn get(&self) -> u64 {
        if self.rest.is_empty() { self.state } else { hash(&self.rest, self.state) }
    }

    fn window(&mut self, window: &WindowResult, changes: &Changes, key_hash: u64) {
        let how = (window.timing as u64) << 1 | u64::from(window.retraction);
        let head = head(1, window.query, how) | u64::from(window.revision);
        self.words(&[head, key_hash, window.start as u64, window.end as u64]);
        let shapes = &changes.shapes[window.query as usize];
        if shapes.contains(&Shape::Top) {
            return self.values_with_lists(changes.bits_of(window), shapes, &changes.tops);
        }
        self.words(changes.bits_of(window));
    }

    fn values_with_lists(&mut self, bits: &[u64], shapes: &[Shape], tops: &[Vec<TopEntry>]) {
        for (&bits, shape) in bits.iter().zip(shapes) {
            if *shape != Shape::Top {
                self.words(&[bits]);
                continue;
            }
            let entries = &tops[bits as usize];
            self.words(&[entries.len() as u64]);
            for TopEntry { value, count, error } in entries {
                self.words(&[of_strings([value.as_str()]), *count, *error]);
            }
        }
    }

    fn dropped(&mut self, dropped: &Drop) {
        let head = head(2, dropped.query, dropped.reason as u64) | u64::from(dropped.partition);
        let Drop { offset, time, watermark, windows, .. } = *dropped;
        self.words(&[head, offset, time as u64, watermark as u64, u64::from(windows)]);
    }

    fn score(&mut self, score: &Score, key_hash: u64) {
        // All of them finite: see the invariant of `detect`.
        let Score { time, value, expected, low, high, score: z, .. } = *score;
        let [value, expected, low, high, z] = [value, expected, low, high, z].map(f64::to_bits);
        let head = head(3, score.detector, u64::from(score.anomaly));
        self.words(&[head, key_hash, time as u64, value, expected, low, high, z]);
    }

    fn alert(&mut self, transition: &Transition, key_hash: u64) {
        let head = head(4, transition.rule, transition.state as u64);
        let (partition, offset) =
            transition.cause.map_or((u64::MAX, u64::MAX), |cause| (u64::from(cause.partition), cause.offset));
        let Transition { time, window_start, id, value, score, .. } = *transition;
        let words = [head, key_hash, time as u64, window_start as u64, partition, offset, id];
        self.words(&words);
        self.words(&[bits(value), bits(score)]);
    }

    fn words(&mut self, words: &[u64]) {
        self.rest.extend_from_slice(words);
        while self.rest.len() >= CHUNK {
            self.state = hash(&self.rest[..CHUNK], self.state);
            self.rest.drain(..CHUNK);
        }
    }
}

/// The first word of a change: what it is, of which operator, and how; the low half is free.
fn head(tag: u64, operator: u32, how: u64) -> u64 {
    tag << 60 | how << 52 | u64::from(operator) << 32
}
