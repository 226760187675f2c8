//! The layer between a world and its log that turns [`Faults`] into what happens to each event.
//!
//! ```text
//!   model ── event ──▶ burst ─▶ hot key ─▶ disorder, stragglers ─▶ skew ─▶ duplicates ─▶ idle ──▶ heap
//!                      more      whose       arrival                time      more       arrival
//! ```
//!
//! **Invariant:** no arrival is before the moment at which its event happened, whatever the clock said, so
//! the heap's horizon holds. Each fault draws from a stream of chance of its own, once an event.

use crate::faults::{Burst, Faults, Idle, Skewed, Stragglers};
use crate::noise::Noise;
use crate::world::{Event, Label, PIECE_MS};
use std::ops::Range;

/// The first of the streams of chance of faults: far from those of any scenario.
const STREAMS: u64 = 1 << 40;

/// How much later the second of two duplicates comes, in milliseconds: a sender that got no answer tries again.
const RETRY_MS: Range<u32> = 100..5_000;

/// Whom a hot key's events are given to: the first sender, who sits on the first partition.
const HOT_SENDER: u32 = 0;

/// How many events a world has, and what faults make of its pieces: what decides where it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent<'a> {
    pub(crate) events: u64,
    pub(crate) faults: &'a Faults,
}

impl Extent<'_> {
    /// How many events arrive of `made` that are made in the piece so long after the start: as many as are
    /// expected, in fractions too, since which of them are duplicated is not drawn before they are.
    pub(crate) fn arriving(&self, since: i64, made: u64) -> f64 {
        let more = self.faults.burst.map_or(0.0, |burst| {
            let span = burst.span(0);
            let both = span.end.min(since + PIECE_MS) - span.start.max(since);
            (burst.factor - 1.0) * both.max(0) as f64 / PIECE_MS as f64
        });
        made as f64 * (1.0 + more) * (1.0 + self.faults.duplicates_percent / 100.0)
    }
}

impl Burst {
    /// Its event times in a world that begins at `start`.
    fn span(&self, start: i64) -> Range<i64> {
        let from = start + i64::from(self.from_ms);
        from..from + i64::from(self.length_ms)
    }

    /// What it is called in a world that begins at `start`, unless it changes nothing.
    pub(crate) fn label(&self, start: i64) -> Option<Label> {
        let Range { start, end } = self.span(start);
        (self.factor > 1.0 && start < end).then(|| Label {
            what: format!("a burst of {} times the traffic", self.factor),
            start,
            end,
            key: Vec::new(),
        })
    }
}

/// The faults of a world, with their chance.
#[derive(Debug)]
pub(crate) struct Disturbance {
    faults: Faults,
    /// Event time of the world's first piece.
    start: i64,
    /// The key column of those who send.
    senders: usize,
    /// Whether the clock of each sender is off.
    skewed: Vec<bool>,
    chance: Chance,
}

/// A stream for each fault.
#[derive(Debug)]
struct Chance {
    burst: Noise,
    hot_key: Noise,
    disorder: Noise,
    stragglers: Noise,
    duplicates: Noise,
}

impl Disturbance {
    /// Of a world that begins at `start`, whose key column `senders` has so many values.
    pub(crate) fn new(faults: &Faults, seed: u64, start: i64, senders: usize, values: usize) -> Self {
        let stream = |n| Noise::new(seed, STREAMS + n);
        let mut clocks = stream(0);
        let skewed = faults.skew.map_or_else(Vec::new, |skew| match skew.of {
            Skewed::Percent(percent) => (0..values).map(|_| clocks.happens(percent / 100.0)).collect(),
            Skewed::Partition(_) => Vec::new(),
        });
        let chance = Chance {
            burst: stream(1),
            hot_key: stream(2),
            disorder: stream(3),
            stragglers: stream(4),
            duplicates: stream(5),
        };
        Self { faults: faults.clone(), start, senders, skewed, chance }
    }

    /// Gives what becomes of an event of the piece that begins at `piece`: arrivals, and what arrives.
    pub(crate) fn pass(&mut self, event: Event, piece: i64, mut out: impl FnMut(i64, Event)) {
        self.send(event, &mut out);
        let Some(burst) = self.faults.burst else { return };
        let span = burst.span(self.start);
        if span.contains(&event.time) {
            let within = span.start.max(piece)..span.end.min(piece + PIECE_MS);
            for _ in 0..copies(&mut self.chance.burst, burst.factor) {
                let time =
                    within.start + i64::from(self.chance.burst.below((within.end - within.start) as u32));
                self.send(Event { time, ..event }, &mut out);
            }
        }
    }

    /// One event's way to the log.
    fn send(&mut self, mut event: Event, out: &mut impl FnMut(i64, Event)) {
        if self.chance.hot_key.happens(self.faults.hot_key_percent / 100.0) {
            event.keys[self.senders] = HOT_SENDER;
            event.partition = 0;
        }
        let arrival = event.time + i64::from(event.delay) + self.delay();
        event.time += self.clock(&event);
        out(self.held_back(arrival, event.partition), event);
        let retry = i64::from(self.chance.duplicates.between(&RETRY_MS));
        if self.chance.duplicates.happens(self.faults.duplicates_percent / 100.0) {
            out(self.held_back(arrival + retry, event.partition), event);
        }
    }

    /// How much longer an event takes.
    fn delay(&mut self) -> i64 {
        let disorder = (self.chance.disorder.uniform() * (f64::from(self.faults.disorder_ms) + 1.0)) as i64;
        let Some(Stragglers { percent, late_ms }) = self.faults.stragglers else { return disorder };
        let late = f64::from(late_ms) * (0.5 + 0.5 * self.chance.stragglers.uniform());
        let straggles = self.chance.stragglers.happens(percent / 100.0);
        disorder + if straggles { late as i64 } else { 0 }
    }

    /// How far the clock of an event's sender is ahead.
    fn clock(&self, event: &Event) -> i64 {
        let Some(skew) = self.faults.skew else { return 0 };
        let off = match skew.of {
            Skewed::Percent(_) => self.skewed[event.keys[self.senders] as usize],
            Skewed::Partition(partition) => event.partition == partition,
        };
        if off { i64::from(skew.by_ms) } else { 0 }
    }

    /// When what would arrive at `arrival` arrives: an idle partition sends it at the end.
    fn held_back(&self, arrival: i64, partition: u32) -> i64 {
        let Some(Idle { from_ms, length_ms, partition: idle }) = self.faults.idle else { return arrival };
        let from = self.start + i64::from(from_ms);
        let until = from + i64::from(length_ms);
        if partition == idle && (from..until).contains(&arrival) { until } else { arrival }
    }
}

/// How many events a burst adds to one: its factor less one, on average.
fn copies(chance: &mut Noise, factor: f64) -> u32 {
    let more = factor - 1.0;
    more as u32 + u32::from(chance.happens(more - f64::from(more as u32)))
}
