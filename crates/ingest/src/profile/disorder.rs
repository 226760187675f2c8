//! The disorder of a file: how far each event lies behind the newest one before it.
//!
//! ```text
//!   times        10:00:00  10:00:04  10:00:01  10:00:05
//!   behind       0         0         3 s       0           a bound of 2 s loses one, of 5 s none
//! ```
//!
//! **Invariant:** an event is lost by a bound exactly when a watermark with that bound has passed it before it
//! comes: newest − bound − 1 ms ≥ its time.

use super::BOUNDS;
use super::findings::{Delay, Disorder, Loss};

/// Measures times in the order in which they come.
#[derive(Clone, Debug, Default)]
pub(super) struct Delays {
    newest: Option<i64>,
    worst: i64,
    events: u64,
    /// Events up to each of [`BOUNDS`] behind and further than the bound before; in the end those beyond.
    counts: [u64; BOUNDS.len() + 1],
}

impl Delays {
    pub(super) fn add(&mut self, time: i64) {
        self.events += 1;
        let newest = self.newest.map_or(time, |newest| newest.max(time));
        self.newest = Some(newest);
        if newest == time {
            self.counts[0] += 1;
            return;
        }
        let behind = newest - time;
        self.worst = self.worst.max(behind);
        self.counts[BOUNDS.partition_point(|bound| *bound < behind)] += 1;
    }

    pub(super) fn disorder(&self) -> Disorder {
        let mut left = self.events;
        let loses = BOUNDS.into_iter().zip(self.counts).map(|(bound_ms, events)| {
            left -= events;
            Loss { bound_ms, events: left, share: left as f64 / self.events.max(1) as f64 }
        });
        Disorder {
            behind: self.events - self.counts[0],
            worst_ms: self.worst,
            loses: loses.collect(),
            delays: self.delays(),
        }
    }

    /// The counts up to the first bound that is as large as the worst, or to the worst itself.
    fn delays(&self) -> Vec<Delay> {
        let of_bounds = BOUNDS.into_iter().zip(self.counts);
        let mut delays: Vec<Delay> = of_bounds.map(|(up_to_ms, events)| Delay { up_to_ms, events }).collect();
        delays.push(Delay { up_to_ms: self.worst, events: self.counts[BOUNDS.len()] });
        let needed = delays.iter().position(|delay| delay.up_to_ms >= self.worst);
        delays.truncate(needed.map_or(0, |last| last + 1));
        delays
    }
}
