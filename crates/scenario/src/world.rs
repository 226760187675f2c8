//! A world: events made in event time, delayed, and handed out in the order of arrival.
//!
//! ```text
//!   pieces of event time   |── made ──|── made ──|── to be made ──▶
//!   arrivals that are due  ───────────────────────┤ horizon: nothing made later arrives before it
//!   pending                                       └ heap of (arrival, partition, sequence)
//! ```
//!
//! **Invariant:** delays are never negative, so an event that arrives before the horizon (the start of the
//! first piece not made yet) precedes all that is still to be made, and faults only add to them. Rows therefore leave in the log's
//! order, (arrival, partition, offset), and do not depend on how many are asked for at a time. What waits
//! is bounded by the model's rate × (its longest delay + one piece).

use crate::disturbance::{Disturbance, Extent};
use crate::faults::Faults;
use kappascope_core::{Log, Spec};
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Event time is made in pieces of this length, in milliseconds. Short, so that few events wait; long
/// enough that what is computed once a piece costs nothing beside its events.
pub(crate) const PIECE_MS: i64 = 10_000;

/// Key columns and measures that a world may have. Few, so that an event is copied, not allocated.
const MOST_KEYS: usize = 4;
const MOST_MEASURES: usize = 4;

/// Something that really happened in a world: ground truth, in event time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Label {
    /// What happened, in a few words.
    pub what: String,
    /// First millisecond since the epoch.
    pub start: i64,
    /// One past the last millisecond.
    pub end: i64,
    /// Whom it happened to: key columns and their values. Columns that are not here say nothing.
    pub key: Vec<(String, String)>,
}

impl Label {
    /// Whether it happened to this value of a key column.
    #[must_use]
    pub fn is_of(&self, column: &str, value: &str) -> bool {
        self.key.iter().any(|(of, is)| of == column && is == value)
    }
}

/// One event, before it has a place in the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) time: i64,
    /// Milliseconds from the event to its arrival. Unsigned: an event arrives after it happened.
    pub(crate) delay: u32,
    pub(crate) partition: u32,
    /// Positions in the names of [`Parts`], column by column.
    pub(crate) keys: [u32; MOST_KEYS],
    pub(crate) values: [f64; MOST_MEASURES],
}

/// An array of the longest kind that begins so; what follows is not read.
pub(crate) fn padded<T: Copy + Default, const N: usize, const MOST: usize>(given: [T; N]) -> [T; MOST] {
    let mut all = [T::default(); MOST];
    all[..N].copy_from_slice(&given);
    all
}

/// What tells one world from another.
pub(crate) trait Model: std::fmt::Debug + Send {
    /// Appends the events of the next [`PIECE_MS`] of event time, which begin at `start`, in any order.
    fn make(&mut self, start: i64, events: &mut Vec<Event>);
}

/// What a scenario's file brings to its [`World`].
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) model: Box<dyn Model>,
    pub(crate) labels: Vec<Label>,
    /// Event time of the first piece.
    pub(crate) start: i64,
    /// Event time at which the last piece ends, or the last in which something may happen.
    pub(crate) end: i64,
    /// The key column of those who send: users, accounts, devices. The first of them sits on partition 0.
    pub(crate) senders: usize,
    /// Values of each key column.
    pub(crate) names: Vec<Vec<String>>,
    /// As JSON.
    pub(crate) pipeline: &'static str,
}

/// How many pieces it takes to make the events of a world, at most `most`. `counts` gives the events of the
/// next piece by type, from a stream of chance of its own: so a world knows where it will end without
/// making an event.
pub(crate) fn pieces_of(extent: Extent<'_>, most: u64, mut counts: impl FnMut() -> [u32; 3]) -> u64 {
    let (mut arriving, mut pieces) = (0.0, 0);
    while arriving < extent.events as f64 && pieces < most {
        let made = counts().into_iter().map(u64::from).sum();
        arriving += extent.arriving(pieces as i64 * PIECE_MS, made);
        pieces += 1;
    }
    pieces
}

/// A seeded stream of events with ground truth, in the order of a [`Log`]: arrival, partition, offset.
#[derive(Debug)]
pub struct World {
    spec: Spec,
    labels: Vec<Label>,
    total: u64,
    filled: u64,
    model: Box<dyn Model>,
    disturbance: Option<Box<Disturbance>>,
    names: Vec<Vec<String>>,
    /// The log's ids of `names`.
    ids: Vec<Vec<u32>>,
    pending: BinaryHeap<Pending>,
    sequence: u64,
    horizon: i64,
    /// Scratch: the events of the newest piece.
    piece: Vec<Event>,
}

impl World {
    /// A world of these parts, which were made of the same seed and extent.
    pub(crate) fn new(parts: Parts, seed: u64, extent: Extent<'_>) -> Self {
        let Extent { events, faults } = extent;
        let senders = parts.names.get(parts.senders).map_or(0, Vec::len);
        let disturbance = (*faults != Faults::default())
            .then(|| Box::new(Disturbance::new(faults, seed, parts.start, parts.senders, senders)));
        let burst = faults.burst.and_then(|burst| burst.label(parts.start));
        let mut labels = parts.labels;
        labels.extend(burst.filter(|label| label.start < parts.end));
        labels.sort_by_key(|label| label.start);
        Self {
            spec: serde_json::from_str(parts.pipeline).expect("the pipelines in this crate are tested"),
            labels,
            total: events,
            filled: 0,
            model: parts.model,
            disturbance,
            names: parts.names,
            ids: Vec::new(),
            pending: BinaryHeap::new(),
            sequence: 0,
            horizon: parts.start,
            piece: Vec::new(),
        }
    }

    /// The pipeline that comes with it. [`World::fill`] needs a log with this schema.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// What really happens in it, in order of time: all that begins before its events end.
    #[must_use]
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// How many events it has.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Appends up to so many of the next events in the order of arrival, and gives how many: fewer only
    /// at the end. Always the same log: its keys are interned when it is empty.
    ///
    /// # Panics
    /// When the log does not have the columns of the schema of [`World::spec`].
    pub fn fill(&mut self, log: &mut Log, rows: usize) -> usize {
        self.fill_until(log, i64::MAX, rows)
    }

    /// The same, but only events that arrive at `arrival` (epoch milliseconds) or before: fewer also when
    /// no more are due.
    ///
    /// # Panics
    /// As [`World::fill`].
    pub fn fill_until(&mut self, log: &mut Log, arrival: i64, rows: usize) -> usize {
        if log.end() == 0 || self.filled == 0 {
            self.intern(log);
        }
        let mut filled = 0;
        while filled < rows && self.filled < self.total && self.next_arrival() <= arrival {
            let Some(Pending { arrival, event, .. }) = self.pending.pop() else { break };
            self.append(log, arrival, &event);
            self.filled += 1;
            filled += 1;
        }
        filled
    }

    fn append(&self, log: &mut Log, arrival: i64, event: &Event) {
        let mut keys = event.keys;
        keys.iter_mut().zip(&self.ids).for_each(|(key, ids)| *key = ids[*key as usize]);
        let measures = self.spec.schema.measures.len();
        log.append(event.time, arrival, event.partition, &keys[..self.ids.len()], &event.values[..measures]);
    }

    /// How many events are made and not handed out.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// When the next event arrives. Makes pieces until that is certain.
    fn next_arrival(&mut self) -> i64 {
        loop {
            match self.pending.peek() {
                Some(next) if next.arrival < self.horizon => return next.arrival,
                _ => self.make_piece(),
            }
        }
    }

    fn make_piece(&mut self) {
        self.model.make(self.horizon, &mut self.piece);
        let (pending, sequence) = (&mut self.pending, &mut self.sequence);
        let mut wait = |arrival, event| {
            pending.push(Pending { arrival, sequence: *sequence, event });
            *sequence += 1;
        };
        for event in self.piece.drain(..) {
            debug_assert!(event.time >= self.horizon, "an event before its piece");
            match &mut self.disturbance {
                None => wait(event.time + i64::from(event.delay), event),
                Some(disturbance) => disturbance.pass(event, self.horizon, &mut wait),
            }
        }
        self.horizon += PIECE_MS;
    }

    fn intern(&mut self, log: &mut Log) {
        let columns = self.names.iter().enumerate();
        self.ids = columns
            .map(|(column, names)| names.iter().map(|name| log.intern(column, name)).collect())
            .collect();
    }
}

/// An event that has not been handed out. The heap gives the greatest first, so the order is turned
/// around: greatest is who arrives first.
#[derive(Clone, Copy, Debug)]
struct Pending {
    arrival: i64,
    sequence: u64,
    event: Event,
}

impl Ord for Pending {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |pending: &Self| (pending.arrival, pending.event.partition, pending.sequence);
        key(other).cmp(&key(self))
    }
}

impl PartialOrd for Pending {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pending {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Pending {}
