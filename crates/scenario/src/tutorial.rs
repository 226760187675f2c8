//! `tutorial`: the steady stream that streaming tutorials begin with, and one spike to find in it.
//!
//! Three types of event come at one rate; their values are Gaussian, mean 50 and deviation 20. A
//! Gaussian has no floor, so about one value in 160 is negative: that is the tutorials' own choice, and it
//! is kept. In the last third of every two hours, purchases are worth 200 ± 30 for two minutes (the label).
//!
//! Events arrive up to [`LONGEST_DELAY_MS`] late, which is the pipeline's `bound`: **no event is ever
//! late** until the bound is made shorter.
//!
//! The shipped detector is the tutorials' own as well: 30 points and a threshold of 3. Over seeds 1 to 20 it
//! finds the spike in every run and calls 28 other points anomalies, 1.4 a run of 360 points: three
//! deviations, estimated from so few points, are not that rare. A threshold of 5 leaves one in all twenty runs.

use crate::disturbance::Extent;
use crate::noise::{Noise, round_to};
use crate::world::{Event, Label, Model, PIECE_MS, Parts, padded, pieces_of};

/// 2026-01-05 09:00 UTC, a Monday.
const START: i64 = 1_767_603_600_000;

/// Events a second of each type.
const RATE: f64 = 10.0 / 3.0;

const TYPES: [&str; 3] = ["page_view", "click", "purchase"];
const PURCHASE: usize = 2;
const USERS: u32 = 300;

/// The key column of users.
const USER_ID: usize = 1;

/// The whole repeats after this long: two hours.
const PERIOD_MS: i64 = 7_200_000;

/// The spike, counted from the start of a period: 70% in, two minutes long.
const SPIKE_MS: std::ops::Range<i64> = 5_040_000..5_160_000;

/// Mean delay; few events wait as long as [`LONGEST_DELAY_MS`].
const DELAY_MS: f64 = 400.0;

/// Longest delay, equal to the pipeline's bound.
const LONGEST_DELAY_MS: u32 = 3_000;

/// Spikes there are, one a period: more than anyone will play, and few enough to list.
pub(crate) const SPIKES: u64 = 1_000;

/// The model. Two streams of chance, so that the counts can be drawn ahead of the events.
#[derive(Debug)]
struct Tutorial {
    counts: Noise,
    details: Noise,
    /// Periods that have a spike, from the first.
    spikes: u64,
}

/// The first `spikes` periods have their spike.
pub(crate) fn parts(seed: u64, extent: Extent<'_>, spikes: u64) -> Parts {
    let model = Tutorial { counts: Noise::new(seed, 0), details: Noise::new(seed, 1), spikes };
    let mut ahead = model.counts.clone();
    let most = spikes * (PERIOD_MS / PIECE_MS) as u64;
    let pieces = pieces_of(extent, most, || counts(&mut ahead));
    let length = pieces as i64 * PIECE_MS;
    Parts {
        labels: labels(length, spikes),
        model: Box::new(model),
        start: START,
        end: START + length,
        senders: USER_ID,
        names: vec![
            TYPES.map(str::to_owned).to_vec(),
            (1..=USERS).map(|user| format!("user_{user:04}")).collect(),
        ],
        pipeline: pipeline!("tutorial"),
    }
}

/// The spikes that the first `length` milliseconds reach.
fn labels(length: i64, spikes: u64) -> Vec<Label> {
    (0..spikes as i64)
        .map(|period| period * PERIOD_MS)
        .take_while(|period| period + SPIKE_MS.start < length)
        .map(|period| Label {
            what: "purchases are worth 200 ± 30".to_owned(),
            start: START + period + SPIKE_MS.start,
            end: START + period + SPIKE_MS.end,
            key: vec![("event_type".to_owned(), TYPES[PURCHASE].to_owned())],
        })
        .collect()
}

/// Events of each type in the next piece.
fn counts(noise: &mut Noise) -> [u32; 3] {
    TYPES.map(|_| noise.count(RATE * PIECE_MS as f64 / 1e3))
}

impl Tutorial {
    fn event(&mut self, piece: i64, kind: usize) -> Event {
        let chance = &mut self.details;
        let time = piece + i64::from(chance.below(PIECE_MS as u32));
        let value = if kind == PURCHASE && spikes_at(time, self.spikes) {
            chance.gauss(200.0, 30.0)
        } else {
            chance.gauss(50.0, 20.0)
        };
        Event {
            time,
            delay: (chance.exponential(DELAY_MS) as u32).min(LONGEST_DELAY_MS),
            partition: 0,
            keys: padded([kind as u32, chance.below(USERS)]),
            values: padded([round_to(value, 100.0)]),
        }
    }
}

impl Model for Tutorial {
    fn make(&mut self, start: i64, events: &mut Vec<Event>) {
        for (kind, n) in counts(&mut self.counts).into_iter().enumerate() {
            events.extend((0..n).map(|_| self.event(start, kind)));
        }
    }
}

fn spikes_at(time: i64, spikes: u64) -> bool {
    let (period, at) = ((time - START) / PERIOD_MS, (time - START) % PERIOD_MS);
    SPIKE_MS.contains(&at) && (period as u64) < spikes
}
