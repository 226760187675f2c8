//! Back-pressure against a simulation that takes one tick after the other.

#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use kappascope_core::backpressure::{Fate, Outcome, QueueSpec, Spell, Stages, WhenFull};
use proptest::prelude::*;

/// Sinks, queues and arrivals, followed tick by tick. Every speed must do the work of one event in
/// whole ticks.
struct Ticks<'a> {
    specs: &'a [QueueSpec],
    ticks_a_milli: i64,
    now: i64,
    log: Vec<usize>,
    queues: Vec<Vec<usize>>,
    /// Work that each sink has still to do before it takes again.
    to_do: Vec<i64>,
    above_mark: Vec<u32>,
    outcomes: Vec<(usize, i64, usize, Fate)>,
}

impl Ticks<'_> {
    fn run(specs: &[QueueSpec], ticks_a_milli: i64, arrivals: &[i64]) -> Vec<(usize, i64, usize, Fate)> {
        let n = specs.len();
        let mut ticks = Ticks {
            specs,
            ticks_a_milli,
            now: 0,
            log: Vec::new(),
            queues: vec![Vec::new(); n],
            to_do: vec![0; n],
            above_mark: vec![0; n],
            outcomes: Vec::new(),
        };
        let mut next = 0;
        while next < arrivals.len() || !ticks.log.is_empty() || ticks.queues.iter().any(|q| !q.is_empty()) {
            while ticks.step() {}
            while arrivals.get(next).is_some_and(|arrival| arrival * ticks_a_milli == ticks.now) {
                ticks.arrive(0, next);
                while ticks.step() {}
                next += 1;
            }
            for s in 0..n {
                ticks.to_do[s] = (ticks.to_do[s] - ticks.speed(s)).max(0);
            }
            ticks.now += 1;
        }
        ticks.outcomes
    }

    fn speed(&self, s: usize) -> i64 {
        let ms = self.now.div_euclid(self.ticks_a_milli);
        let spell = self.specs[s].dial.iter().find(|spell| spell.from <= ms && ms < spell.to);
        spell.map_or(self.specs[s].service_per_second, |spell| spell.service_per_second).into()
    }

    fn is_full(&self, s: usize) -> bool {
        self.queues[s].len() == self.specs[s].capacity as usize
    }

    /// One event moves, if any can.
    fn step(&mut self) -> bool {
        for s in (0..self.specs.len()).rev() {
            let room = self.specs.get(s + 1).is_none_or(|next| next.when_full != WhenFull::Block)
                || !self.is_full(s + 1);
            if self.queues[s].is_empty() || self.to_do[s] > 0 || self.speed(s) == 0 || !room {
                continue;
            }
            let event = self.queues[s].remove(0);
            self.to_do[s] = 1_000 * self.ticks_a_milli;
            if s == 0 && !self.log.is_empty() {
                let admitted = self.log.remove(0);
                self.queues[0].push(admitted);
            }
            if s + 1 == self.specs.len() {
                self.end(event, s, Fate::Processed);
            } else {
                self.arrive(s + 1, event);
            }
            return true;
        }
        false
    }

    fn arrive(&mut self, s: usize, event: usize) {
        if let WhenFull::Sample { above, every } = self.specs[s].when_full
            && self.queues[s].len() >= above as usize
        {
            self.above_mark[s] += 1;
            if !self.above_mark[s].is_multiple_of(every) {
                return self.end(event, s, Fate::SampledOut);
            }
        }
        if !self.is_full(s) {
            return self.queues[s].push(event);
        }
        match self.specs[s].when_full {
            WhenFull::Block => self.log.push(event),
            WhenFull::DropOldest => {
                let oldest = self.queues[s].remove(0);
                self.queues[s].push(event);
                self.end(oldest, s, Fate::DroppedOldest);
            }
            WhenFull::DropNewest | WhenFull::Sample { .. } => self.end(event, s, Fate::DroppedNewest),
        }
    }

    fn end(&mut self, event: usize, s: usize, fate: Fate) {
        let ms = (self.now + self.ticks_a_milli - 1).div_euclid(self.ticks_a_milli);
        self.outcomes.push((event, ms, s, fate));
    }
}

fn model(specs: &[QueueSpec], arrivals: &[i64], looks: &[i64]) -> Vec<(usize, i64, usize, Fate)> {
    let mut stages = Stages::new(specs).unwrap();
    let mut outcomes: Vec<Outcome> = Vec::new();
    for (i, &arrival) in arrivals.iter().enumerate() {
        // Looking in between changes nothing.
        let before = if i == 0 { arrival } else { arrivals[i - 1] };
        if let Some(&look) = looks.get(i) {
            outcomes.extend_from_slice(stages.advance((before + look).min(arrival)));
        }
        outcomes.extend_from_slice(stages.offer(arrival));
    }
    outcomes.extend_from_slice(stages.finish());
    assert_eq!(outcomes.len(), arrivals.len(), "each event ends once");
    outcomes.iter().map(|o| (o.event as usize, o.at, o.stage as usize, o.fate)).collect()
}

fn when_full(capacity: u32) -> impl Strategy<Value = WhenFull> {
    prop_oneof![
        2 => Just(WhenFull::Block),
        1 => Just(WhenFull::DropOldest),
        1 => Just(WhenFull::DropNewest),
        1 => (1..=capacity, 2_u32..5).prop_map(|(above, every)| WhenFull::Sample { above, every }),
    ]
}

fn spec(speeds: &'static [u32], slower: &'static [u32]) -> impl Strategy<Value = QueueSpec> {
    let spell = (0_i64..2_000, 1_i64..1_500, prop::sample::select(slower));
    let dial = prop::collection::vec(spell, 0..3).prop_map(|spells| {
        let mut free_from = 0;
        let mut follow = |(gap, length, service_per_second)| {
            let from = free_from + gap;
            free_from = from + length;
            Spell { from, to: free_from, service_per_second }
        };
        spells.into_iter().map(&mut follow).collect()
    });
    (1_u32..6).prop_flat_map(move |capacity| (Just(capacity), when_full(capacity))).prop_flat_map(
        move |(capacity, when_full)| {
            (prop::sample::select(speeds), dial.clone()).prop_map(move |(service_per_second, dial)| {
                QueueSpec { capacity, when_full, service_per_second, dial }
            })
        },
    )
}

/// Up to 40 arrivals in bursts and pauses, in order.
fn arrivals() -> impl Strategy<Value = Vec<i64>> {
    let gap = prop_oneof![3 => Just(0_i64), 3 => 0_i64..50, 2 => 50_i64..500, 1 => 500_i64..2_500];
    prop::collection::vec(gap, 1..40).prop_map(|gaps| {
        let sum = |at: &mut i64, gap| {
            *at += gap;
            Some(*at)
        };
        gaps.into_iter().scan(0, sum).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    // Speeds whose events take thirds of a millisecond when the dial turns: a tick is a twelfth.
    #[test]
    fn one_stage(
        spec in spec(&[3, 4, 6, 12], &[0, 1, 2, 3, 6]),
        arrivals in arrivals(),
        looks in prop::collection::vec(0_i64..600, 0..40),
    ) {
        let specs = [spec];
        prop_assert_eq!(model(&specs, &arrivals, &looks), Ticks::run(&specs, 12, &arrivals));
    }

    // A dial that only stops keeps everything in whole milliseconds.
    #[test]
    fn stages_in_a_row(
        specs in prop::collection::vec(spec(&[2, 5, 8, 20, 100, 1_000], &[0]), 1..4),
        arrivals in arrivals(),
        looks in prop::collection::vec(0_i64..600, 0..40),
    ) {
        prop_assert_eq!(model(&specs, &arrivals, &looks), Ticks::run(&specs, 1, &arrivals));
    }
}

#[test]
fn the_ticks_tell_the_policies_apart() {
    let policies = [
        WhenFull::Block,
        WhenFull::DropOldest,
        WhenFull::DropNewest,
        WhenFull::Sample { above: 2, every: 2 },
    ];
    let arrivals: Vec<i64> = (0..20).map(|i| i * 100).collect();
    let spec = |when_full| [QueueSpec { capacity: 3, when_full, service_per_second: 4, dial: Vec::new() }];
    for one in policies {
        for other in policies {
            let same = model(&spec(one), &arrivals, &[]) == Ticks::run(&spec(other), 1, &arrivals);
            assert_eq!(same, one == other, "{one:?} and {other:?}");
        }
    }
}
