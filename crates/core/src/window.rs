//! Tumbling windows: event time cut into pieces of one size, aggregated per key.
//!
//! ```text
//!   time      0        10        20        30
//!   windows   [0,10)───[10,20)───[20,30)───
//!   events    ·  ·   · ·  ·     ▪              ▪ at 20 with bound 5: watermark 14
//!                        ▲14
//!             fired     open     open          [0,10) fires when watermark ≥ 9,
//!                                              leaves state when watermark ≥ 9 + lateness
//! ```
//!
//! A window is `[start, end)`, `start = time − floor_mod(time − offset, size)`, right for negative times
//! (Flink: `TimeWindow.getWindowStartWithOffset`). Only windows that hold an event exist, so a year of
//! silence costs nothing.
//!
//! **Invariant:** the windows held are sorted by start; exactly the first `fired` of them have
//! `end − 1 ≤ watermark`; none has `end − 1 + lateness ≤ watermark`.

use crate::aggregate::{Moments, Plan};
use crate::change::Value;
use std::collections::VecDeque;

/// The start of the window that holds `time`.
#[must_use]
pub fn start_of(time: i64, size: i64, offset: i64) -> i64 {
    time - (time - offset).rem_euclid(size)
}

/// One window with its state for all keys. Keys are dense, so a key is an index.
#[derive(Clone, Debug, Default)]
struct Window {
    start: i64,
    counts: Vec<u64>,
    /// Results given so far for each key; as long as `counts` once the window has fired.
    revisions: Vec<u32>,
    /// One after the other for each key, as many as the plan folds.
    moments: Vec<Moments>,
}

impl Window {
    /// Makes room for keys below `keys`.
    fn reach(&mut self, keys: usize, stride: usize) {
        if self.counts.len() < keys {
            self.counts.resize(keys, 0);
            self.revisions.resize(keys, 0);
            self.moments.resize(keys * stride, Moments::IDENTITY);
        }
    }

    fn clear(&mut self) {
        self.counts.clear();
        self.revisions.clear();
        self.moments.clear();
    }
}

/// Where an event's window stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Held at this index.
    Held(usize),
    /// Already dropped from state: the event is late.
    Gone,
    /// It would be one window more than the limit.
    TooMany,
}

/// The tumbling windows of one query.
#[derive(Clone, Debug)]
pub(crate) struct Tumbling {
    size: i64,
    offset: i64,
    lateness: i64,
    limit: usize,
    stride: usize,
    held: VecDeque<Window>,
    fired: usize,
    /// Buffers of windows that are gone, to be used again.
    spare: Vec<Window>,
}

/// How many buffers of dropped windows are kept for reuse: as many as a stream in steady state opens at once.
const SPARE_WINDOWS: usize = 8;

impl Tumbling {
    /// Durations in milliseconds; `stride` measures a key; at most `limit` windows held.
    pub(crate) fn new(size: i64, offset: i64, lateness: i64, stride: usize, limit: usize) -> Self {
        Self { size, offset, lateness, limit, stride, held: VecDeque::new(), fired: 0, spare: Vec::new() }
    }

    /// Whether no event from `oldest` to `newest` can be late, correct a window, or meet the limit, when
    /// the watermark ends at `after`: then aggregating them all and firing afterwards is the same as
    /// doing it one by one.
    pub(crate) fn all_open(&self, oldest: i64, newest: i64, after: i64) -> bool {
        let first = start_of(oldest, self.size, self.offset);
        let windows = (newest - first) / self.size + 1;
        let room = (self.limit - self.held.len()) as i64;
        first + self.size - 1 > after && windows <= room
    }

    /// The window of an event; opens it if need be.
    pub(crate) fn place(&mut self, time: i64, watermark: i64) -> Place {
        let start = start_of(time, self.size, self.offset);
        let newest_first = self.held.iter().rposition(|window| window.start <= start);
        if let Some(at) = newest_first.filter(|&at| self.held[at].start == start) {
            return Place::Held(at);
        }
        let last_ms = start + self.size - 1;
        if watermark >= last_ms + self.lateness {
            return Place::Gone;
        }
        if self.held.len() >= self.limit {
            return Place::TooMany;
        }
        let at = newest_first.map_or(0, |before| before + 1);
        let window = Window { start, ..self.spare.pop().unwrap_or_default() };
        self.held.insert(at, window);
        if last_ms <= watermark {
            self.fired += 1;
        }
        Place::Held(at)
    }

    /// First millisecond and end of a held window.
    pub(crate) fn bounds(&self, at: usize) -> (i64, i64) {
        let start = self.held[at].start;
        (start, start + self.size)
    }

    /// Whether a held window has fired already, so that an event in it is a correction.
    pub(crate) fn has_fired(&self, at: usize) -> bool {
        at < self.fired
    }

    /// Takes a run of events, in the order of the log, into a held window: their keys, all below `known`,
    /// and one column of values a measure of the plan.
    pub(crate) fn fold<'a>(
        &mut self,
        at: usize,
        keys: &[u32],
        known: usize,
        columns: impl Iterator<Item = &'a [f64]>,
    ) {
        let (window, stride) = (&mut self.held[at], self.stride);
        window.reach(known, stride);
        keys.iter().for_each(|&key| window.counts[key as usize] += 1);
        for (slot, column) in columns.enumerate() {
            for (&key, &value) in keys.iter().zip(column) {
                window.moments[key as usize * stride + slot].fold(value);
            }
        }
    }

    /// The end of the next window to fire.
    pub(crate) fn next_end(&self) -> Option<i64> {
        self.held.get(self.fired).map(|window| window.start + self.size)
    }

    /// Marks the next window as fired and gives its index.
    pub(crate) fn fire_next(&mut self) -> usize {
        self.fired += 1;
        self.fired - 1
    }

    /// The first key from `from` on that has an event in a held window.
    pub(crate) fn next_key(&self, at: usize, from: u32) -> Option<u32> {
        let counts = &self.held[at].counts;
        let key = (from as usize..counts.len()).find(|&key| counts[key] > 0)?;
        u32::try_from(key).ok()
    }

    /// Appends the values of one window and key and gives the result's revision.
    pub(crate) fn result(&mut self, at: usize, key: u32, plan: &Plan, values: &mut Vec<Value>) -> u32 {
        let (window, key) = (&mut self.held[at], key as usize);
        plan.read(window.counts[key], &window.moments[key * self.stride..(key + 1) * self.stride], values);
        window.revisions[key] += 1;
        window.revisions[key] - 1
    }

    /// Drops the windows whose lateness is over.
    pub(crate) fn drop_until(&mut self, watermark: i64) {
        while self
            .held
            .front()
            .is_some_and(|window| watermark >= window.start + self.size - 1 + self.lateness)
        {
            let Some(mut window) = self.held.pop_front() else { return };
            self.fired -= 1;
            if self.spare.len() < SPARE_WINDOWS {
                window.clear();
                self.spare.push(window);
            }
        }
    }

    /// Number of windows that have not fired.
    pub(crate) fn open(&self) -> usize {
        self.held.len() - self.fired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts() {
        // (time, size, offset, start)
        for (time, size, offset, start) in [
            (0, 10, 0, 0),
            (9, 10, 0, 0),
            (10, 10, 0, 10),
            (-1, 10, 0, -10),
            (-10, 10, 0, -10),
            (-11, 10, 0, -20),
            (2, 10, 3, -7),
            (3, 10, 3, 3),
            (-8, 10, 3, -17),
            (-7, 10, 3, -7),
        ] {
            assert_eq!(start_of(time, size, offset), start, "time {time}, size {size}, offset {offset}");
        }
    }

    #[test]
    fn a_year_of_silence_costs_nothing() {
        let mut windows = Tumbling::new(1, 0, 0, 0, 10);
        let year = 365 * 86_400_000;
        assert_eq!(windows.place(0, i64::MIN), Place::Held(0));
        assert_eq!(windows.place(year, i64::MIN), Place::Held(1));
        assert_eq!(windows.open(), 2);
    }
}
