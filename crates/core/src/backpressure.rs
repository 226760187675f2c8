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
//! The names are those of bounded buffers elsewhere: Akka Streams' `OverflowStrategy` (backpressure,
//! dropHead, dropNew), Reactive Streams' `onBackpressure…`. A sink that waits for room before it serves is
//! *blocking before service* in queueing theory (Perros 1994, *Queueing Networks with Blocking*).
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
        in_range("service_per_second", "events", self.service_per_second, 1..=MAX_SERVICE_PER_SECOND)?;
        if let WhenFull::Sample { above, every } = self.when_full {
            in_range("when_full.sample.above", "events", above, 1..=self.capacity)?;
            in_range("when_full.sample.every", "as every how manieth", every, 2..=u32::MAX)?;
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
            in_range(&place, "events", service_per_second, 0..=MAX_SERVICE_PER_SECOND)?;
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
    fn take(&mut self, event: &Waiting, at: Nanos) {
        let waited = event.entered >= self.ready || at > self.ready;
        let work = WORK_AN_EVENT - if waited { 0 } else { self.carried };
        (self.ready, self.carried) = self.when_done(at, work);
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

    /// The next event arrives, at a time within [`TIME_RANGE`]; one that would arrive before the newest so far arrives with it. Gives the
    /// ends that events came to up to then, in the order in which they did.
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
        stage.sink.take(&event, at);
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
