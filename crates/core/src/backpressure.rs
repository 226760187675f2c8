//! Back-pressure: what a bounded queue does when its sink is slower than its source.
//!
//! A stage is a queue and a sink that takes events out of it, one every 1 / `service_per_second`. What
//! comes to a full queue meets one of four policies:
//!
//! ```text
//!   capacity 2, one event a second; a b c d e arrive at 0, 0.2, 0.4, 0.6 and 0.8 s; a is taken at once
//!
//!                  at 0.8 s            taken at
//!                  queue   log         0 s  1 s  2 s  3 s  4 s      lost
//!   block          b c     d e         a    b    c    d    e        nothing, but e is 3.2 s old
//!   drop_oldest    d e                 a    d    e                  b c
//!   drop_newest    b c                 a    b    c                  d e
//!   sample         b d                 a    b    d                  c e      above 1, every 2nd
//! ```
//!
//! Stages may stand in a row. A sink hands its event to the next queue, and while that one is full and
//! blocks, the sink waits: the first queue fills, and then the log. That is how back-pressure travels.
//!
//! **Invariant:** every event is in one place: `offered = processed + dropped + queued + in the log`,
//! asserted in debug builds. What happens is a function of the arrivals; how often
//! [`advance`](Stages::advance) is called cannot be seen in it.
//!
//! Times are those of arrival. Within, they are whole nanoseconds and the fraction that a rate leaves is
//! carried on, so 3 events a second stay 3 a second for ever. At one instant sinks take before an event
//! arrives, the last stage first.
//!
//! The policies are those of bounded buffers elsewhere: `backpressure`, `dropHead` and `dropNew` of Akka
//! Streams' `OverflowStrategy`. A sink that waits for room before it serves is *blocking before service*
//! in queueing theory (Perros 1994, *Queueing Networks with Blocking*).
//!
//! ```
//! use kappascope_core::backpressure::{Fate, QueueSpec, Stages, WhenFull};
//!
//! let spec = QueueSpec { capacity: 2, when_full: WhenFull::DropOldest, service_per_second: 1, dial: vec![] };
//! let mut stages = Stages::new(&[spec])?;
//! assert_eq!(stages.offer(0)[0].fate, Fate::Processed); // the sink is idle: taken at once
//! assert!(stages.offer(200).is_empty()); // waits
//! assert!(stages.offer(400).is_empty()); // waits: the queue is full
//! let outcomes = stages.offer(600);
//! assert_eq!((outcomes[0].event, outcomes[0].fate), (1, Fate::DroppedOldest)); // makes room for event 3
//! let lags: Vec<i64> = stages.finish().iter().map(|outcome| outcome.lag_ms()).collect();
//! assert_eq!(lags, [600, 1_400]); // event 2 taken at 1 s, event 3 at 2 s
//! # Ok::<(), kappascope_core::backpressure::QueueError>(())
//! ```

use crate::time::TIME_RANGE;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::ops::RangeInclusive;

/// Largest capacity: 32 bytes an event, hence 128 MiB a queue, in a page that has 4 GiB.
pub const MAX_CAPACITY: u32 = 1 << 22;

/// Fastest sink: time is in whole nanoseconds.
pub const MAX_SERVICE_PER_SECOND: u32 = 1_000_000_000;

/// Most changes of a sink's speed: more than a person would set by hand.
pub const MAX_DIAL: usize = 1_000;

/// Most stages in a row: each event looks at all of them.
pub const MAX_STAGES: usize = 16;

/// Nanoseconds since 1970: 128 bits hold the whole range of an `i64` in milliseconds.
type Nanos = i128;

const NANOS_A_MILLI: Nanos = 1_000_000;

/// After every time that can occur; small enough for what a sink does until then to fit 128 bits.
const FOREVER: Nanos = 1 << 90;

/// The work of taking one event, in units of which a sink does `service_per_second` a nanosecond.
const WORK_AN_EVENT: i128 = 1_000_000_000;

/// A queue and its sink, as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueSpec {
    /// How many events may wait, the one being taken not among them.
    pub capacity: u32,
    /// What happens to an event that comes to a full queue.
    pub when_full: WhenFull,
    /// How many events a second the sink takes.
    pub service_per_second: u32,
    /// When it is slower, or stopped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dial: Vec<Spell>,
}

/// What happens to an event that comes to a full queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WhenFull {
    /// It waits where it comes from: in the log, or in the stage before. Nothing is lost; lag grows.
    Block,
    /// The event that has waited longest is dropped for it: what is processed is as fresh as can be.
    DropOldest,
    /// It is dropped: what was admitted is kept.
    DropNewest,
    /// Of the events that find `above` or more waiting only every `every`-th is admitted, counted over
    /// the whole run, so that each stands for `every` and totals can be estimated from them. One that is
    /// chosen and finds no room at all is dropped as newest.
    Sample {
        /// The high-water mark, in events; at most the capacity.
        above: u32,
        /// 2 admits every second event, 10 every tenth.
        every: u32,
    },
}

/// A time in which a sink has another speed: from `from` on, up to and without `to`, in arrival time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spell {
    /// First millisecond.
    pub from: i64,
    /// One past the last millisecond.
    pub to: i64,
    /// How many events a second the sink takes meanwhile; 0 is a sink that stands.
    pub service_per_second: u32,
}

/// Why a row of stages cannot run: the place, what was found, what would fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct QueueError {
    place: String,
    message: String,
}

impl QueueError {
    fn at(place: impl Into<String>, message: String) -> Self {
        Self { place: place.into(), message }
    }
}

impl QueueSpec {
    /// Refuses what cannot run, by the name of the field.
    fn check(&self) -> Result<(), QueueError> {
        in_range("capacity", "events", self.capacity, 1..=MAX_CAPACITY)?;
        in_range(
            "service_per_second",
            "events a second",
            self.service_per_second,
            1..=MAX_SERVICE_PER_SECOND,
        )?;
        if let WhenFull::Sample { above, every } = self.when_full {
            in_range("when_full.sample.above", "events", above, 1..=self.capacity)?;
            in_range("when_full.sample.every", "events", every, 2..=u32::MAX)?;
        }
        if self.dial.len() > MAX_DIAL {
            let message = format!("{} spells; up to {MAX_DIAL} would fit", self.dial.len());
            return Err(QueueError::at("dial", message));
        }
        let mut free_from = *TIME_RANGE.start();
        for (i, spell) in self.dial.iter().enumerate() {
            let Spell { from, to, service_per_second } = *spell;
            if from < free_from || to <= from || to > *TIME_RANGE.end() {
                let message =
                    format!("from {from} to {to}; spells follow each other, and end after they begin");
                return Err(QueueError::at(format!("dial[{i}]"), message));
            }
            let place = format!("dial[{i}].service_per_second");
            in_range(&place, "events a second", service_per_second, 0..=MAX_SERVICE_PER_SECOND)?;
            free_from = to;
        }
        Ok(())
    }
}

fn in_range(place: &str, unit: &str, found: u32, fits: RangeInclusive<u32>) -> Result<(), QueueError> {
    if fits.contains(&found) {
        return Ok(());
    }
    Err(QueueError::at(place, format!("{found} {unit}; {} to {} would fit", fits.start(), fits.end())))
}

/// How an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// The last sink took it.
    Processed,
    /// It had waited longest when another came to a full queue.
    DroppedOldest,
    /// It came to a full queue.
    DroppedNewest,
    /// It came to a queue above its high-water mark and was not the one to be admitted.
    SampledOut,
}

/// The end of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Number of the event, from 0 in the order offered.
    pub event: u64,
    /// When it arrived, in milliseconds.
    pub arrival: i64,
    /// When it ended, rounded up to a millisecond.
    pub at: i64,
    /// Index of the stage in which it ended.
    pub stage: u32,
    /// How.
    pub fate: Fate,
}

impl Outcome {
    /// How long it was under way.
    #[must_use]
    pub fn lag_ms(&self) -> i64 {
        self.at - self.arrival
    }
}

/// What came through a stage so far. `offered = taken + dropped + waiting`, and the first stage's
/// `offered` counts the events in the log too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Events that came to its queue.
    pub offered: u64,
    /// Events that its sink took.
    pub taken: u64,
    /// Events dropped for one that came later.
    pub dropped_oldest: u64,
    /// Events dropped because the queue was full.
    pub dropped_newest: u64,
    /// Events that a sample left out.
    pub sampled_out: u64,
    /// Events that had to wait for room before they entered, over the whole run.
    pub blocked: u64,
}

impl Totals {
    /// Events dropped, by whatever rule.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped_oldest + self.dropped_newest + self.sampled_out
    }
}

/// What a blocking first queue has left in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogLag {
    /// Events that have arrived and are not admitted.
    pub events: u64,
    /// How long ago the oldest of them arrived.
    pub ms: i64,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    event: u64,
    arrival: i64,
    /// When it came into the queue that it is in.
    entered: Nanos,
}

/// A sink's clock.
#[derive(Clone, Debug)]
struct Sink {
    service_per_second: u32,
    dial: Vec<Spell>,
    /// The first whole nanosecond at which it can take the next event.
    ready: Nanos,
    /// The work that it has done by `ready` beyond that of one event: the part of the nanosecond left over.
    carried: i128,
}

impl Sink {
    fn new(spec: &QueueSpec) -> Self {
        Self {
            service_per_second: spec.service_per_second,
            dial: spec.dial.clone(),
            ready: -FOREVER,
            carried: 0,
        }
    }

    /// Its speed at a time, and until when it keeps that.
    fn speed(&self, at: Nanos) -> (u32, Nanos) {
        let next = self.dial.partition_point(|spell| nanos(spell.to) <= at);
        match self.dial.get(next) {
            Some(spell) if nanos(spell.from) <= at => (spell.service_per_second, nanos(spell.to)),
            Some(spell) => (self.service_per_second, nanos(spell.from)),
            None => (self.service_per_second, FOREVER),
        }
    }

    /// The first time from `at` on at which it does not stand.
    fn running_from(&self, at: Nanos) -> Nanos {
        match self.speed(at) {
            (0, until) => self.running_from(until),
            _ => at,
        }
    }

    /// Takes an event and is busy until it has done the work of one. Time spent waiting is lost.
    fn take(&mut self, at: Nanos) {
        let carried = if at == self.ready { self.carried } else { 0 };
        (self.ready, self.carried) = self.when_done(at, WORK_AN_EVENT - carried);
    }

    /// When some work above 0 is done, and what is done beyond it by the end of that nanosecond.
    fn when_done(&self, from: Nanos, work: i128) -> (Nanos, i128) {
        let (speed, until) = self.speed(from);
        let speed = i128::from(speed);
        let done_by_then = speed * (until - from);
        if done_by_then < work {
            return self.when_done(until, work - done_by_then);
        }
        let needed = (work + speed - 1) / speed;
        (from + needed, speed * needed - work)
    }
}

/// What is done with an event that comes to a queue.
enum Verdict {
    Admit,
    Wait,
    Evict,
    Refuse(Fate),
}

#[derive(Clone, Debug)]
struct Stage {
    capacity: usize,
    when_full: WhenFull,
    waiting: VecDeque<Waiting>,
    /// Events that found the queue above its high-water mark.
    above_mark: u64,
    sink: Sink,
    totals: Totals,
}

impl Stage {
    fn new(spec: &QueueSpec) -> Self {
        Self {
            capacity: spec.capacity as usize,
            when_full: spec.when_full,
            waiting: VecDeque::new(),
            above_mark: 0,
            sink: Sink::new(spec),
            totals: Totals::default(),
        }
    }

    fn is_full(&self) -> bool {
        self.waiting.len() >= self.capacity
    }

    fn blocks(&self) -> bool {
        self.is_full() && self.when_full == WhenFull::Block
    }

    fn verdict(&mut self) -> Verdict {
        match self.when_full {
            WhenFull::Sample { above, every } if self.waiting.len() >= above as usize => {
                self.above_mark += 1;
                match self.above_mark % u64::from(every) {
                    0 if self.is_full() => Verdict::Refuse(Fate::DroppedNewest),
                    0 => Verdict::Admit,
                    _ => Verdict::Refuse(Fate::SampledOut),
                }
            }
            _ if !self.is_full() => Verdict::Admit,
            WhenFull::Block => Verdict::Wait,
            WhenFull::DropOldest => Verdict::Evict,
            WhenFull::DropNewest | WhenFull::Sample { .. } => Verdict::Refuse(Fate::DroppedNewest),
        }
    }
}

/// Stages in a row, fed from a log.
///
/// The events that `block` leaves in the log are remembered here, 32 bytes each: as many as the log holds.
#[derive(Clone, Debug)]
pub struct Stages {
    log: VecDeque<Waiting>,
    stages: Vec<Stage>,
    /// Up to here everything has happened.
    now: Nanos,
    outcomes: Vec<Outcome>,
}

impl Stages {
    /// Empty stages; the first reads the log, each of the others what the one before hands over.
    ///
    /// # Errors
    /// On no stage or more than [`MAX_STAGES`], and on a number that is out of its range.
    pub fn new(specs: &[QueueSpec]) -> Result<Self, QueueError> {
        if !(1..=MAX_STAGES).contains(&specs.len()) {
            let message = format!("{} stages; 1 to {MAX_STAGES} would fit", specs.len());
            return Err(QueueError::at("queue", message));
        }
        for (i, spec) in specs.iter().enumerate() {
            spec.check().map_err(|e| QueueError::at(format!("queue[{i}].{}", e.place), e.message))?;
        }
        Ok(Self {
            log: VecDeque::new(),
            stages: specs.iter().map(Stage::new).collect(),
            now: -FOREVER,
            outcomes: Vec::new(),
        })
    }

    /// The next event arrives, at a time within [`TIME_RANGE`]; one that would arrive before the newest so
    /// far arrives with it. Gives the ends that events came to up to then, in the order in which they did.
    pub fn offer(&mut self, arrival: i64) -> &[Outcome] {
        self.outcomes.clear();
        self.run_until(nanos(arrival));
        let event = self.stages[0].totals.offered;
        self.enter(0, Waiting { event, arrival: millis(self.now), entered: self.now });
        self.run_until(self.now);
        self.settle()
    }

    /// Time passes without an event.
    pub fn advance(&mut self, until: i64) -> &[Outcome] {
        self.outcomes.clear();
        self.run_until(nanos(until));
        self.settle()
    }

    /// Nothing more arrives: everything that waits is taken.
    pub fn finish(&mut self) -> &[Outcome] {
        self.outcomes.clear();
        while let Some((at, stage)) = self.next_take() {
            self.take(stage, at);
        }
        self.settle()
    }

    /// How many events wait in the queue of a stage.
    #[must_use]
    pub fn depth(&self, stage: usize) -> u64 {
        self.stages[stage].waiting.len() as u64
    }

    /// What came through a stage so far.
    #[must_use]
    pub fn totals(&self, stage: usize) -> Totals {
        self.stages[stage].totals
    }

    /// What is left in the log now.
    #[must_use]
    pub fn log_lag(&self) -> LogLag {
        let ms = self.log.front().map_or(0, |oldest| millis(self.now) - oldest.arrival);
        LogLag { events: self.log.len() as u64, ms }
    }

    /// Lets everything happen that is due up to a time.
    fn run_until(&mut self, until: Nanos) {
        while let Some((at, stage)) = self.next_take().filter(|(at, _)| *at <= until) {
            self.take(stage, at);
        }
        self.now = self.now.max(until);
    }

    /// When the next event is taken, and by which stage: of several at one instant the last.
    fn next_take(&self) -> Option<(Nanos, usize)> {
        let due = (0..self.stages.len()).rev().filter_map(|stage| Some((self.due(stage)?, stage)));
        due.min_by_key(|(at, _)| *at)
    }

    /// When a stage takes its next event; `None` while it has none, or waits for room in the next one.
    fn due(&self, stage: usize) -> Option<Nanos> {
        let Stage { waiting, sink, .. } = &self.stages[stage];
        let head = waiting.front()?;
        let blocked = self.stages.get(stage + 1).is_some_and(Stage::blocks);
        // What could have happened before now has happened, unless it was blocked until now.
        (!blocked).then(|| sink.running_from(head.entered.max(sink.ready).max(self.now)))
    }

    /// A stage takes its next event and hands it on.
    fn take(&mut self, s: usize, at: Nanos) {
        self.now = at;
        let stage = &mut self.stages[s];
        let Some(event) = stage.waiting.pop_front() else { return };
        let was_blocked = at > stage.sink.running_from(event.entered.max(stage.sink.ready));
        stage.sink.take(at);
        stage.totals.taken += 1;
        if s == 0 {
            self.admit_from_log();
        }
        if s + 1 < self.stages.len() {
            self.stages[s + 1].totals.blocked += u64::from(was_blocked);
            self.enter(s + 1, Waiting { entered: at, ..event });
        } else {
            self.end(event, s, Fate::Processed);
        }
    }

    fn admit_from_log(&mut self) {
        if let Some(event) = self.log.pop_front() {
            self.stages[0].waiting.push_back(Waiting { entered: self.now, ..event });
        }
    }

    /// An event comes to a stage's queue.
    fn enter(&mut self, s: usize, event: Waiting) {
        let stage = &mut self.stages[s];
        stage.totals.offered += 1;
        match stage.verdict() {
            Verdict::Admit => stage.waiting.push_back(event),
            Verdict::Wait => {
                debug_assert!(s == 0, "a sink waits for room before it hands over");
                stage.totals.blocked += 1;
                self.log.push_back(event);
            }
            Verdict::Evict => {
                let oldest = stage.waiting.pop_front();
                stage.waiting.push_back(event);
                oldest.into_iter().for_each(|oldest| self.end(oldest, s, Fate::DroppedOldest));
            }
            Verdict::Refuse(fate) => self.end(event, s, fate),
        }
    }

    fn end(&mut self, event: Waiting, s: usize, fate: Fate) {
        let totals = &mut self.stages[s].totals;
        match fate {
            Fate::Processed => {}
            Fate::DroppedOldest => totals.dropped_oldest += 1,
            Fate::DroppedNewest => totals.dropped_newest += 1,
            Fate::SampledOut => totals.sampled_out += 1,
        }
        let Waiting { event, arrival, .. } = event;
        self.outcomes.push(Outcome { event, arrival, at: millis(self.now), stage: s as u32, fate });
    }

    /// Holds the invariant, and gives what happened.
    fn settle(&self) -> &[Outcome] {
        debug_assert!(self.stages.iter().enumerate().all(|(s, Stage { totals, waiting, .. })| {
            let in_log = if s == 0 { self.log.len() } else { 0 };
            let handed_over = self.stages.get(s + 1).map_or(totals.taken, |next| next.totals.offered);
            let here = (waiting.len() + in_log) as u64;
            totals.offered == totals.taken + totals.dropped() + here && totals.taken == handed_over
        }));
        &self.outcomes
    }
}

/// Of a time within [`TIME_RANGE`]; another counts as the nearest within.
fn nanos(ms: i64) -> Nanos {
    Nanos::from(ms.clamp(*TIME_RANGE.start(), *TIME_RANGE.end())) * NANOS_A_MILLI
}

/// Rounded up.
fn millis(at: Nanos) -> i64 {
    (at + NANOS_A_MILLI - 1).div_euclid(NANOS_A_MILLI) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(capacity: u32, when_full: WhenFull, service_per_second: u32) -> QueueSpec {
        QueueSpec { capacity, when_full, service_per_second, dial: Vec::new() }
    }

    /// Every outcome as `number@time`, the dropped ones with the rule and, of several stages, the stage.
    fn told(specs: &[QueueSpec], arrivals: &[i64]) -> String {
        let mut stages = Stages::new(specs).unwrap();
        let mut outcomes = Vec::new();
        arrivals.iter().for_each(|&arrival| outcomes.extend_from_slice(stages.offer(arrival)));
        outcomes.extend_from_slice(stages.finish());
        let last = specs.len() - 1;
        let words = outcomes.iter().map(|Outcome { event, at, stage, fate, .. }| match fate {
            Fate::Processed => format!("{event}@{at}"),
            fate if last > 0 => format!("{event}@{at}:{fate:?} in {stage}"),
            fate => format!("{event}@{at}:{fate:?}"),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn policies_by_hand() {
        // The table at the top of the module, then each policy at the edges.
        let table = [0, 200, 400, 600, 800];
        let burst = [0; 6];
        let sample = |above, every| WhenFull::Sample { above, every };
        let cases: [(u32, WhenFull, &[i64], &str); 12] = [
            (2, WhenFull::Block, &table, "0@0 1@1000 2@2000 3@3000 4@4000"),
            (2, WhenFull::DropOldest, &table, "0@0 1@600:DroppedOldest 2@800:DroppedOldest 3@1000 4@2000"),
            (2, WhenFull::DropNewest, &table, "0@0 3@600:DroppedNewest 4@800:DroppedNewest 1@1000 2@2000"),
            (2, sample(1, 2), &table, "0@0 2@400:SampledOut 4@800:SampledOut 1@1000 3@2000"),
            // All at once: the first is taken, which leaves the queue empty for the second.
            (1, WhenFull::Block, &burst, "0@0 1@1000 2@2000 3@3000 4@4000 5@5000"),
            (1, WhenFull::DropOldest, &burst[..4], "0@0 1@0:DroppedOldest 2@0:DroppedOldest 3@1000"),
            (1, WhenFull::DropNewest, &burst[..4], "0@0 2@0:DroppedNewest 3@0:DroppedNewest 1@1000"),
            // Chosen by the sample, but there is no room at all.
            (2, sample(2, 2), &burst[..5], "0@0 3@0:SampledOut 4@0:DroppedNewest 1@1000 2@2000"),
            // At one instant the sink takes first: 2 finds the room that 1 leaves.
            (1, WhenFull::DropNewest, &[0, 500, 1_000], "0@0 1@1000 2@2000"),
            // An idle sink saves nothing up.
            (9, WhenFull::Block, &[0, 5_000, 5_000, 5_000], "0@0 1@5000 2@6000 3@7000"),
            // Before 1970, and an arrival that steps back counts as the newest.
            (9, WhenFull::Block, &[-1_500, -1_400, -9_000], "0@-1500 1@-500 2@500"),
            (9, WhenFull::Block, &[], ""),
        ];
        for (capacity, when_full, arrivals, expected) in cases {
            let spec = queue(capacity, when_full, 1);
            assert_eq!(told(&[spec], arrivals), expected, "{when_full:?}, {capacity}, {arrivals:?}");
        }
    }

    #[test]
    fn dial_by_hand() {
        let spell = |from, to, service_per_second| Spell { from, to, service_per_second };
        let cases: [(&[Spell], &[i64], &str); 5] = [
            // Stands for a second in the middle of an event's work: half before, half after.
            (&[spell(500, 1_500, 0)], &[0, 0, 0], "0@0 1@2000 2@3000"),
            // Nothing is taken while it stands, though it has been idle before.
            (&[spell(500, 1_500, 0)], &[-2_000, 1_000], "0@-2000 1@1500"),
            // A spell in which it is as fast as ever.
            (&[spell(500, 1_500, 1)], &[0, 0], "0@0 1@1000"),
            // Two spells that touch.
            (&[spell(0, 100, 0), spell(100, 200, 0)], &[50], "0@200"),
            // Long enough for a 64-bit count of nanoseconds to overflow.
            (&[spell(0, 1 << 52, 0)], &[-500, -500], "0@-500 1@4503599627370996"),
        ];
        for (dial, arrivals, expected) in cases {
            let spec = QueueSpec { dial: dial.to_vec(), ..queue(9, WhenFull::Block, 1) };
            assert_eq!(told(&[spec], arrivals), expected, "{dial:?}, {arrivals:?}");
        }
        let slower = QueueSpec { dial: vec![spell(50, 150, 1)], ..queue(9, WhenFull::Block, 10) };
        // 0.5 done by 50 ms, 0.1 in the spell, the rest of 0.4 in 40 ms.
        assert_eq!(told(&[slower], &[0, 0]), "0@0 1@190");
    }

    #[test]
    fn a_rate_that_divides_nothing_does_not_drift() {
        for rate in [3, 7, 997, 1_000_003, MAX_SERVICE_PER_SECOND - 1] {
            let mut stages = Stages::new(&[queue(MAX_CAPACITY, WhenFull::Block, rate)]).unwrap();
            let events = i64::from(rate).min(10) * 1_000;
            for _ in 0..=events {
                stages.offer(0);
            }
            let last = stages.finish().last().map_or(0, |last| last.at);
            let exact = (events * 1_000 + i64::from(rate) - 1) / i64::from(rate);
            assert_eq!(last, exact, "{events} events at {rate} a second");
        }
    }

    #[test]
    fn back_pressure_travels_to_the_log() {
        // A fast stage before a slow one: both hold 2, the slow sink takes one a second, both block.
        let specs = [queue(2, WhenFull::Block, 1_000), queue(2, WhenFull::Block, 1)];
        let mut stages = Stages::new(&specs).unwrap();
        let seen: Vec<(u64, u64, u64)> = (0..7)
            .map(|i| {
                stages.offer(i * 10);
                (stages.log_lag().events, stages.depth(0), stages.depth(1))
            })
            .collect();
        // Taken at once by both; then the second fills, then the first, then the log.
        assert_eq!(seen, [(0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 1, 2), (0, 2, 2), (1, 2, 2), (2, 2, 2)]);
        stages.advance(100);
        assert_eq!(stages.log_lag(), LogLag { events: 2, ms: 50 });
        assert_eq!(stages.advance(1_000).len(), 1);
        assert_eq!(stages.log_lag(), LogLag { events: 1, ms: 940 });
        assert_eq!((stages.totals(0).blocked, stages.totals(1).blocked), (2, 1));
        // The same with a second queue that drops: the first one never fills.
        let dropping = [queue(2, WhenFull::Block, 1_000), queue(2, WhenFull::DropNewest, 1)];
        let arrivals: Vec<i64> = (0..6).map(|i| i * 10).collect();
        assert_eq!(
            told(&dropping, &arrivals),
            "0@0 3@30:DroppedNewest in 1 4@40:DroppedNewest in 1 5@50:DroppedNewest in 1 1@1000 2@2000"
        );
    }

    /// The numbers in `docs/backpressure.md`.
    #[test]
    fn ten_seconds_at_80_a_second_into_50_a_second() {
        // At the end of the ten seconds: in the log, in the queue, dropped; and the last lags in ms.
        let cases = [
            (WhenFull::Block, (200, 100, 0), 3_743, 5_993),
            (WhenFull::DropOldest, (0, 100, 200), 1_243, 1_993),
            (WhenFull::DropNewest, (0, 100, 200), 1_993, 1_993),
            (WhenFull::Sample { above: 80, every: 4 }, (0, 80, 220), 1_605, 1_605),
        ];
        for (when_full, counts, lag_then, lag_of_the_last) in cases {
            let mut stages = Stages::new(&[queue(100, when_full, 50)]).unwrap();
            let mut processed = Vec::new();
            for i in 0..800 {
                let outcomes = stages.offer(i * 25 / 2);
                processed.extend(outcomes.iter().filter(|o| o.fate == Fate::Processed).map(Outcome::lag_ms));
            }
            let dropped = stages.totals(0).dropped();
            assert_eq!((stages.log_lag().events, stages.depth(0), dropped), counts, "{when_full:?}");
            assert_eq!(processed.last(), Some(&lag_then), "{when_full:?}");
            let last = stages.finish().last().map(Outcome::lag_ms);
            assert_eq!(last, Some(lag_of_the_last), "{when_full:?}");
        }
    }

    #[test]
    fn lag_is_depth_over_rate() {
        // Little's law, at a queue that stays full: 100 waiting at 50 a second are 2 seconds.
        let mut stages = Stages::new(&[queue(100, WhenFull::DropNewest, 50)]).unwrap();
        let mut lags = Vec::new();
        for i in 0..1_000 {
            lags.extend(
                stages.offer(i * 10).iter().filter(|o| o.fate == Fate::Processed).map(Outcome::lag_ms),
            );
        }
        let settled = &lags[lags.len() / 2..];
        assert!(settled.iter().all(|lag| (1_980..=2_000).contains(lag)), "{settled:?}");
        assert_eq!(stages.depth(0), 100);
    }

    #[test]
    fn what_cannot_run_is_refused() {
        let fits = queue(10, WhenFull::Block, 5);
        let spells = |spells: &[(i64, i64)]| QueueSpec {
            dial: spells.iter().map(|&(from, to)| Spell { from, to, service_per_second: 0 }).collect(),
            ..fits.clone()
        };
        let sample = |above, every| queue(10, WhenFull::Sample { above, every }, 5);
        let cases: [(&[QueueSpec], &str); 11] = [
            (&[], "queue: 0 stages; 1 to 16 would fit"),
            (&vec![fits.clone(); 17], "queue: 17 stages; 1 to 16 would fit"),
            (&[queue(0, WhenFull::Block, 5)], "queue[0].capacity: 0 events; 1 to 4194304 would fit"),
            (&[queue(u32::MAX, WhenFull::Block, 5)], "queue[0].capacity: 4294967295 events; 1 to"),
            (
                &[fits.clone(), queue(10, WhenFull::Block, 0)],
                "queue[1].service_per_second: 0 events a second; 1 to",
            ),
            (&[sample(0, 2)], "queue[0].when_full.sample.above: 0 events; 1 to 10 would fit"),
            (&[sample(11, 2)], "queue[0].when_full.sample.above: 11 events; 1 to 10 would fit"),
            (&[sample(5, 1)], "queue[0].when_full.sample.every: 1 events; 2 to"),
            (&[spells(&[(5, 5)])], "queue[0].dial[0]: from 5 to 5; spells follow each other"),
            (&[spells(&[(5, 9), (8, 12)])], "queue[0].dial[1]: from 8 to 12; spells follow each other"),
            (&[spells(&vec![(0, 1); 1_001])], "queue[0].dial: 1001 spells; up to 1000 would fit"),
        ];
        for (specs, expected) in cases {
            let error = Stages::new(specs).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn a_queue_is_written_as_it_is_read() {
        let text = "capacity = 100\nservice_per_second = 50\n\n[when_full.sample]\nabove = 80\nevery = 10\n\n\
                    [[dial]]\nfrom = 5000\nto = 9000\nservice_per_second = 0\n";
        let spec: QueueSpec = toml::from_str(text).unwrap();
        assert_eq!(spec.when_full, WhenFull::Sample { above: 80, every: 10 });
        assert_eq!(toml::from_str::<QueueSpec>(&toml::to_string(&spec).unwrap()).unwrap(), spec);
        let block = "capacity = 1\nservice_per_second = 1\nwhen_full = 'block'";
        assert_eq!(toml::from_str::<QueueSpec>(block).unwrap(), queue(1, WhenFull::Block, 1));
        assert!(toml::from_str::<QueueSpec>(&block.replace("block", "panic")).is_err());
    }
}
