//! Attacks among honest events, or what breaks among what works: a slot of time after the other holds one, and
//! its events and labels are decided before any honest event is.
//!
//! ```text
//!   slots      |      ▪ attack 0 ─────┼──   |  ▪ attack 1 |           ▪┼ attack 2
//!   pieces     ││││││││││││││││││││││││││││││││││││││││││││││││││││││││││││
//!   a piece's events = honest ones, as many as a stream of chance of their own says
//!                    + those of attacks that fall into it
//! ```
//!
//! **Invariant:** an attack is a pure function of (seed, slot) and the number of honest events of (seed,
//! piece), so a world knows where it ends, and which attacks it reaches, without making an honest event.

use crate::disturbance::Extent;
use crate::noise::Noise;
use crate::world::{Event, Label, Model, PIECE_MS, Parts};
use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::ops::Range;

/// 2026-01-05 00:00 UTC, a Monday: when worlds of attacks begin.
pub(crate) const START: i64 = 1_767_571_200_000;

pub(crate) const MINUTE_MS: i64 = 60_000;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// Attacks there are: more than anyone will play, and few enough to list.
pub(crate) const ATTACKS: u64 = 1_200;

/// Streams of chance of a seed: how many honest events, what they are like, and one for each attack.
const COUNTS: u64 = 0;
pub(crate) const DETAILS: u64 = 1;
const FATES: u64 = 1 << 32;

/// Mean delay of an event on its way from where it was recorded, and the longest, which is the
/// pipelines' bound.
const DELAY_MS: f64 = 1_500.0;
const LONGEST_DELAY_MS: u32 = 10_000;

/// Share of events that come from collectors that were cut off, and for how long those were.
const STRAGGLERS: f64 = 0.003;
const CUT_OFF_MS: Range<u32> = 20_000..120_000;

/// What happens in one slot: its events, and what they are called.
#[derive(Debug, Default)]
pub(crate) struct Attack {
    pub(crate) labels: Vec<Label>,
    pub(crate) events: Vec<Event>,
}

impl Attack {
    /// Adds events, and the label that spans them.
    pub(crate) fn add(&mut self, what: &str, key: Vec<(&str, &str)>, events: Vec<Event>) {
        let times = || events.iter().map(|event| event.time);
        if let (Some(start), Some(last)) = (times().min(), times().max()) {
            let key = key.into_iter().map(|(column, value)| (column.to_owned(), value.to_owned()));
            self.labels.push(Label { what: what.to_owned(), start, end: last + 1, key: key.collect() });
        }
        self.events.extend(events);
    }
}

/// What tells one world of attacks from another.
pub(crate) trait Scene: std::fmt::Debug + Send {
    /// The pipeline that comes with it.
    const PIPELINE: &'static str;
    /// Length of a slot, a multiple of a piece.
    const SLOT_MS: i64;
    /// Slots before the first attack, in which baselines are learned.
    const CALM_SLOTS: u64;
    /// The key column of those who send.
    const SENDERS: usize;

    /// The scene of a seed.
    fn new(seed: u64) -> Self
    where
        Self: Sized;
    /// Values of each key column.
    fn names(&self) -> Vec<Vec<String>>;
    /// Honest events a second.
    fn rate(&self, time: i64) -> f64;
    /// The honest events of the piece that begins at `start`: so many.
    fn honest(&mut self, start: i64, n: u32, events: &mut Vec<Event>);
    /// The attack of the slot that begins at `start`. Its events are not before `start`.
    fn attack(&self, start: i64, chance: &mut Noise) -> Attack;
}

/// The world of a scene, with so many attacks.
pub(crate) fn parts<S: Scene + 'static>(seed: u64, extent: Extent<'_>, attacks: u64) -> Parts {
    let scene = S::new(seed);
    let (labels, end) = labels(&scene, seed, extent, attacks);
    Parts {
        labels,
        names: scene.names(),
        model: Box::new(Stage { scene, schedule: Schedule::new(seed, attacks), due: BTreeMap::new() }),
        start: START,
        end,
        senders: S::SENDERS,
        pipeline: S::PIPELINE,
    }
}

/// Labels that begin before the world ends, in order of time, and when it ends.
fn labels<S: Scene>(scene: &S, seed: u64, extent: Extent<'_>, attacks: u64) -> (Vec<Label>, i64) {
    let mut schedule = Schedule::new(seed, attacks);
    let mut due: BTreeMap<i64, u64> = BTreeMap::new();
    let (mut labels, mut arriving, mut piece) = (Vec::new(), 0.0, START);
    let last_slot = START + (attacks + S::CALM_SLOTS) as i64 * S::SLOT_MS;
    while arriving < extent.events as f64 && piece < last_slot {
        if let Some(attack) = schedule.attack(scene, piece) {
            attack.events.iter().for_each(|event| *due.entry(piece_of(event.time)).or_default() += 1);
            labels.extend(attack.labels);
        }
        let made = u64::from(schedule.honest(scene, piece)) + due.remove(&piece).unwrap_or(0);
        arriving += extent.arriving(piece - START, made);
        piece += PIECE_MS;
    }
    labels.retain(|label| label.start < piece);
    labels.sort_by_key(|label| label.start);
    (labels, piece)
}

fn piece_of(time: i64) -> i64 {
    time - (time - START).rem_euclid(PIECE_MS)
}

/// When what comes.
#[derive(Debug)]
struct Schedule {
    seed: u64,
    attacks: u64,
    counts: Noise,
}

impl Schedule {
    fn new(seed: u64, attacks: u64) -> Self {
        Self { seed, attacks, counts: Noise::new(seed, COUNTS) }
    }

    /// The attack of the slot that begins with this piece.
    fn attack<S: Scene>(&self, scene: &S, piece: i64) -> Option<Attack> {
        let since = piece - START;
        let slot = (since / S::SLOT_MS) as u64;
        let due = since % S::SLOT_MS == 0 && (S::CALM_SLOTS..S::CALM_SLOTS + self.attacks).contains(&slot);
        due.then(|| scene.attack(piece, &mut Noise::new(self.seed, FATES + slot)))
    }

    /// Honest events in the next piece.
    fn honest<S: Scene>(&mut self, scene: &S, piece: i64) -> u32 {
        self.counts.count(scene.rate(piece) * PIECE_MS as f64 / 1e3)
    }
}

/// A scene with its attacks.
#[derive(Debug)]
struct Stage<S> {
    scene: S,
    schedule: Schedule,
    /// Events of attacks, by the start of their piece.
    due: BTreeMap<i64, Vec<Event>>,
}

impl<S: Scene> Model for Stage<S> {
    fn make(&mut self, start: i64, events: &mut Vec<Event>) {
        if let Some(attack) = self.schedule.attack(&self.scene, start) {
            attack.events.into_iter().for_each(|event| {
                self.due.entry(piece_of(event.time)).or_default().push(event);
            });
        }
        let honest = self.schedule.honest(&self.scene, start);
        self.scene.honest(start, honest, events);
        events.extend(self.due.remove(&start).into_iter().flatten());
    }
}

/// What people have begun and will go on with.
#[derive(Debug)]
pub(crate) struct Later<T> {
    queue: BTreeMap<(i64, u64), T>,
    put: u64,
}

impl<T> Later<T> {
    pub(crate) fn new() -> Self {
        Self { queue: BTreeMap::new(), put: 0 }
    }

    pub(crate) fn put(&mut self, time: i64, what: T) {
        self.queue.insert((time, self.put), what);
        self.put += 1;
    }

    /// The next that is due in the piece that begins at `start`, and when. What there was no room for
    /// before comes first, at the start.
    pub(crate) fn take(&mut self, start: i64) -> Option<(i64, T)> {
        let next = self.queue.first_entry().filter(|next| next.key().0 < start + PIECE_MS)?;
        let ((time, _), what) = next.remove_entry();
        Some((time.max(start), what))
    }
}

/// Milliseconds from an event to its arrival.
pub(crate) fn delay(chance: &mut Noise) -> u32 {
    if chance.happens(STRAGGLERS) {
        return chance.between(&CUT_OFF_MS);
    }
    (chance.exponential(DELAY_MS) as u32).min(LONGEST_DELAY_MS)
}

/// A moment in the piece that begins at `start`.
pub(crate) fn moment(chance: &mut Noise, start: i64) -> i64 {
    start + i64::from(chance.below(PIECE_MS as u32))
}

/// Hour of the day, with its fraction.
pub(crate) fn hour(time: i64) -> f64 {
    (time - START).rem_euclid(DAY_MS) as f64 / HOUR_MS as f64
}

/// A rate over the day's mean rate, for people who are busiest at `busiest` o'clock; `swing` of 0 is a
/// steady rate, of 1 one that stops at night.
pub(crate) fn rhythm(time: i64, busiest: f64, swing: f64) -> f64 {
    1.0 + swing * libm::cos(TAU * (hour(time) - busiest) / 24.0)
}

/// Times of so many tries from `start` on, `gap_ms` apart on average, each gap between half and one and a half of it.
pub(crate) fn tries(chance: &mut Noise, start: i64, n: u32, gap_ms: f64) -> Vec<i64> {
    let mut time = start;
    (0..n)
        .map(|_| {
            time += (gap_ms * (0.5 + chance.uniform())) as i64;
            time
        })
        .collect()
}
