//! `website`: what people do on a website through days and nights, from clients that are often late.
use crate::noise::{Noise, round_to};
use crate::world::{Event, Label, Model, PIECE_MS, Parts, pieces_of};
use std::f64::consts::TAU;

/// 2026-01-05 00:00 UTC, a Monday.
const START: i64 = 1_767_571_200_000;

/// One type of event.
struct Kind {
    name: &'static str,
    /// Events a second, over a day.
    rate: f64,
    /// Median of its value, the time to answer in milliseconds.
    median_ms: f64,
}

const KINDS: [Kind; 3] = [
    Kind { name: "page_view", rate: 7.0, median_ms: 180.0 },
    Kind { name: "click", rate: 2.4, median_ms: 90.0 },
    Kind { name: "purchase", rate: 0.6, median_ms: 420.0 },
];
const PAGE_VIEW: usize = 0;
const CLICK: usize = 1;
const PURCHASE: usize = 2;

/// Deviation of the logarithm of a value: two of three lie within a factor of 1.4 of the median.
const VALUE_SPREAD: f64 = 0.35;

const USERS: u32 = 3_000;

/// Smallest and mean delay on the way from a user's partition.
const PARTITIONS: [(u32, f64); 3] = [(20, 200.0), (30, 300.0), (50, 450.0)];

/// No delay is longer, but for stragglers: the pipeline's bound.
const DISORDER_MS: u32 = 5_000;

/// Share of events on a slow line: delayed by up to [`DISORDER_MS`].
const SLOW: f64 = 0.03;

/// Share of events of clients that were offline, and how long for.
const STRAGGLERS: f64 = 0.004;
const OFFLINE_MS: std::ops::Range<u32> = 20_000..120_000;

/// The common wander of all rates: deviation of its logarithm, and how much of it is left after a piece
/// (half of it goes in about twenty minutes).
const WANDER: f64 = 0.03;
const WANDER_KEPT: f64 = 0.994;

/// One incident in each slot of four hours.
const SLOT_PIECES: u64 = 4 * 360;
/// Minutes of a slot at which its incident may begin: the next one is then over an hour away, so that a
/// detector with half an hour of memory has forgotten the last.
const INCIDENT_BEGINS: std::ops::Range<u32> = 45..170;
const INCIDENT_MINUTES: std::ops::Range<u32> = 6..13;
const PIECES_A_MINUTE: u64 = 6;

/// Slots that have an incident: a year of them, more than anyone will play, and few enough to list.
pub(crate) const INCIDENTS: u64 = 365 * 6;

/// What can happen: to which type, and by which factors.
struct Cause {
    what: &'static str,
    kind: usize,
    factor: std::ops::Range<f64>,
}

const CAUSES: [Cause; 3] = [
    Cause { what: "a bot clicks", kind: CLICK, factor: 2.0..2.6 },
    Cause { what: "page views are lost in an outage", kind: PAGE_VIEW, factor: 0.15..0.4 },
    Cause { what: "a sale brings purchases", kind: PURCHASE, factor: 2.6..3.6 },
];

/// Something that happens, in pieces from the start.
#[derive(Clone, Debug)]
struct Incident {
    cause: usize,
    factor: f64,
    pieces: std::ops::Range<u64>,
}

impl Incident {
    fn of_slot(slot: u64, chance: &mut Noise) -> Self {
        let cause = chance.below(CAUSES.len() as u32) as usize;
        let range = &CAUSES[cause].factor;
        let factor = range.start + (range.end - range.start) * chance.uniform();
        let start = slot * SLOT_PIECES + u64::from(between(chance, &INCIDENT_BEGINS)) * PIECES_A_MINUTE;
        let length = u64::from(between(chance, &INCIDENT_MINUTES)) * PIECES_A_MINUTE;
        Self { cause, factor, pieces: start..start + length }
    }

    fn label(&self) -> Label {
        let at = |piece: u64| START + piece as i64 * PIECE_MS;
        let Cause { what, kind, .. } = CAUSES[self.cause];
        Label {
            what: what.to_owned(),
            start: at(self.pieces.start),
            end: at(self.pieces.end),
            key: Some(KINDS[kind].name.to_owned()),
        }
    }
}

/// How many events come: rhythm × wander × incident, piece after piece.
#[derive(Clone, Debug)]
struct Traffic {
    chance: Noise,
    fate: Noise,
    incidents: u64,
    piece: u64,
    /// Logarithm of the common factor of all rates.
    wander: f64,
    incident: Option<Incident>,
}

impl Traffic {
    fn new(seed: u64, incidents: u64) -> Self {
        let (chance, fate) = (Noise::new(seed, 0), Noise::new(seed, 1));
        Self { chance, fate, incidents, piece: 0, wander: 0.0, incident: None }
    }

    /// Events of each type in the next piece.
    fn next_counts(&mut self) -> [u32; 3] {
        if self.piece.is_multiple_of(SLOT_PIECES) {
            let slot = self.piece / SLOT_PIECES;
            self.incident = (slot < self.incidents).then(|| Incident::of_slot(slot, &mut self.fate));
        }
        let push = WANDER * (1.0 - WANDER_KEPT * WANDER_KEPT).sqrt();
        self.wander = WANDER_KEPT * self.wander + self.chance.gauss(0.0, push);
        let common = rhythm(self.piece) * libm::exp(self.wander) * PIECE_MS as f64 / 1e3;
        let mut expected = KINDS.map(|kind| kind.rate * common);
        if let Some(incident) = self.incident.as_ref().filter(|known| known.pieces.contains(&self.piece)) {
            expected[CAUSES[incident.cause].kind] *= incident.factor;
        }
        self.piece += 1;
        expected.map(|expected| self.chance.count(expected))
    }
}

/// The share of a day's mean rate at a piece: quiet at four in the morning, busiest in the afternoon,
/// with a shoulder in the evening. Its mean over a day is 1.
fn rhythm(piece: u64) -> f64 {
    let hour = (piece % (24 * 360)) as f64 / 360.0;
    1.0 + 0.5 * libm::cos(TAU * (hour - 16.0) / 24.0) + 0.15 * libm::cos(TAU * (hour - 21.0) / 12.0)
}

#[derive(Debug)]
struct Website {
    traffic: Traffic,
    chance: Noise,
}

/// The first `incidents` slots have their incident.
pub(crate) fn parts(seed: u64, events: u64, incidents: u64) -> Parts {
    let traffic = Traffic::new(seed, incidents);
    Parts {
        labels: labels(traffic.clone(), events),
        model: Box::new(Website { traffic, chance: Noise::new(seed, 2) }),
        start: START,
        names: [
            KINDS.map(|kind| kind.name.to_owned()).to_vec(),
            (1..=USERS).map(|user| format!("user_{user:04}")).collect(),
        ],
        pipeline: include_str!("pipelines/website.toml"),
    }
}

/// The incidents that the first `events` events reach.
fn labels(mut traffic: Traffic, events: u64) -> Vec<Label> {
    let mut fate = traffic.fate.clone();
    let incidents = traffic.incidents;
    let pieces = pieces_of(events, incidents * SLOT_PIECES, || traffic.next_counts());
    (0..incidents)
        .map(|slot| Incident::of_slot(slot, &mut fate))
        .take_while(|incident| incident.pieces.start < pieces)
        .map(|incident| incident.label())
        .collect()
}

impl Website {
    fn event(&mut self, piece: i64, kind: usize) -> Event {
        let chance = &mut self.chance;
        let user = chance.skewed(USERS);
        let partition = user % PARTITIONS.len() as u32;
        Event {
            time: piece + i64::from(chance.below(PIECE_MS as u32)),
            delay: delay(chance, partition),
            partition,
            keys: [kind as u32, user],
            value: round_to(chance.log_gauss(KINDS[kind].median_ms, VALUE_SPREAD), 10.0),
        }
    }
}

impl Model for Website {
    fn make(&mut self, start: i64, events: &mut Vec<Event>) {
        for (kind, n) in self.traffic.next_counts().into_iter().enumerate() {
            events.extend((0..n).map(|_| self.event(start, kind)));
        }
    }
}

fn delay(chance: &mut Noise, partition: u32) -> u32 {
    let line = chance.uniform();
    if line < STRAGGLERS {
        return between(chance, &OFFLINE_MS);
    }
    if line < STRAGGLERS + SLOW {
        return chance.skewed(DISORDER_MS);
    }
    let (smallest, mean) = PARTITIONS[partition as usize];
    (smallest + chance.exponential(mean) as u32).min(DISORDER_MS)
}

fn between(chance: &mut Noise, range: &std::ops::Range<u32>) -> u32 {
    range.start + chance.below(range.end - range.start)
}
