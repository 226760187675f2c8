//! Windows: which events are looked at together, and when they give results.
//!
//! ```text
//!   tumbling   [────)[────)[────)      fixed pieces of event time            aligned
//!   hopping    [────────)              pieces that overlap                   aligned
//!                 [────────)
//!   cumulate   [──)[─────)[────────)   pieces that grow, then begin again    aligned
//!   session    [─ ─ ──)   [── ─)       bursts of one key                     session
//!   count      [· · ·)[· · ·)          so many events of one key             per_key
//!   global     [───────────────────    everything of one key                 per_key
//!   rolling    ────)                   the time before each event            rolling
//!              ──────)
//! ```
//!
//! A window fires when the watermark reaches its end − 1, and leaves state when the watermark reaches
//! its end − 1 + lateness. An event that comes between the two corrects the window; an event that finds
//! all its windows gone is late.
//!
//! **Invariant:** taking the events of a block in one go and firing afterwards gives what taking them
//! one by one gives, as long as none of them finds one of its windows fired:
//! [`Windows::meets_fired`] says when.

mod aligned;
mod grid;
mod kept;
mod panes;
mod per_key;
mod rolling;
mod session;
mod sink;

pub(crate) use grid::Grid;
pub use grid::start_of;
pub(crate) use sink::Sink;

use crate::plan::{Plan, Source};
use crate::spec::{Accumulation, Emission, QuerySpec, WindowSpec};
use aligned::Aligned;
use per_key::PerKey;
use rolling::Rolling;
use serde::{Deserialize, Serialize};
use session::Sessions;

/// When and how a query gives results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) lateness: i64,
    pub(crate) emit: Emission,
    pub(crate) accumulation: Accumulation,
    /// Panes or sessions held at a time.
    pub(crate) open_windows: usize,
    /// Pairs of pane and key, or events, held at a time.
    pub(crate) cells: usize,
}

impl Rules {
    /// Stands where a snapshot leaves the rules out, until [`Windows::resume`].
    fn of_a_snapshot() -> Self {
        Self {
            lateness: 0,
            emit: Emission::OnClose,
            accumulation: Accumulation::Accumulating,
            open_windows: 0,
            cells: 0,
        }
    }

    fn discards(&self) -> bool {
        self.accumulation == Accumulation::Discarding
    }

    pub(crate) fn retracts(&self) -> bool {
        self.accumulation == Accumulation::Retracting
    }

    /// Whether a window can give more than one result.
    fn gives_again(&self) -> bool {
        self.lateness > 0 || self.emit != Emission::OnClose
    }

    fn has_fired(end: i64, watermark: i64) -> bool {
        watermark >= end - 1
    }

    fn is_gone(&self, end: i64, watermark: i64) -> bool {
        watermark >= end - 1 + self.lateness
    }
}

/// What became of an event in one query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It counts in at least one window, and so many others missed it.
    Taken { missed: u32 },
    /// All its windows, so many, are gone.
    Late { windows: u32 },
    /// A limit left no room.
    NoRoom,
}

/// The windows of one query with their state.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "one a query; sizes differ between targets")]
pub(crate) enum Windows {
    Aligned(Aligned),
    Sessions(Sessions),
    PerKey(PerKey),
    Rolling(Rolling),
}

impl Windows {
    pub(crate) fn new(query: &QuerySpec, rules: Rules, plan: &Plan) -> Self {
        match query.window {
            WindowSpec::Session { gap } => Self::Sessions(Sessions::new(gap.0, rules, plan)),
            WindowSpec::Count { events, slide } => {
                Self::PerKey(PerKey::counted(u64::from(events), u64::from(slide), rules, plan))
            }
            WindowSpec::Global => Self::PerKey(PerKey::global(rules, plan)),
            WindowSpec::Rolling { duration } => Self::Rolling(Rolling::new(duration.0, rules, plan)),
            WindowSpec::Tumbling { .. } | WindowSpec::Hopping { .. } | WindowSpec::Cumulate { .. } => {
                Self::Aligned(Aligned::new(query.window, rules, plan))
            }
        }
    }
}

impl Windows {
    /// Takes up the rules again that a snapshot leaves out.
    pub(crate) fn resume(&mut self, rules: Rules) {
        match self {
            Self::Aligned(windows) => windows.resume(rules),
            Self::Sessions(windows) => windows.resume(rules),
            Self::PerKey(windows) => windows.resume(rules),
            Self::Rolling(windows) => windows.resume(rules),
        }
    }

    /// How near past the watermark an event may find a window fired. An event may touch a session that
    /// ends where it begins.
    pub(crate) fn near(&self) -> i64 {
        i64::from(matches!(self, Self::Sessions(_)))
    }

    /// Whether an event at this time may find a window fired, or be late.
    pub(crate) fn meets_fired(&self, time: i64, watermark: i64) -> bool {
        match self {
            Self::Aligned(windows) => windows.meets_fired(time, watermark),
            Self::Sessions(_) => Sessions::meets_fired(time, watermark),
            Self::PerKey(_) => false,
            Self::Rolling(_) => Rolling::meets_fired(time, watermark),
        }
    }

    /// Whether so many events from `oldest` to `newest` meet no limit.
    pub(crate) fn has_room(&mut self, oldest: i64, newest: i64, events: usize, watermark: i64) -> bool {
        match self {
            Self::Aligned(windows) => windows.has_room(oldest, newest, events),
            Self::Sessions(windows) => windows.has_room(events),
            Self::PerKey(windows) => windows.has_room(events),
            Self::Rolling(windows) => windows.has_room(events, watermark),
        }
    }

    /// Whether taking events gives results before anything fires.
    pub(crate) fn gives_while_taking(&self) -> bool {
        matches!(self, Self::PerKey(_) | Self::Rolling(_))
    }

    /// Whether firing gives results.
    pub(crate) fn fires(&self) -> bool {
        matches!(self, Self::Aligned(_) | Self::Sessions(_))
    }

    /// No window that an event from `oldest` on may open ends before this.
    pub(crate) fn earliest_end(&mut self, oldest: i64) -> i64 {
        let of_new = match self {
            Self::Aligned(windows) => windows.earliest_end(oldest),
            Self::Sessions(windows) => windows.earliest_end(oldest),
            Self::PerKey(_) | Self::Rolling(_) => i64::MAX,
        };
        self.next_end().map_or(of_new, |end| end.min(of_new))
    }

    /// Takes events that find no window fired and meet no limit. All `keys` are below `known`; `times`
    /// holds theirs.
    pub(crate) fn take(
        &mut self,
        keys: &[u32],
        known: usize,
        source: &Source<'_>,
        times: (i64, i64),
        watermark: i64,
        sink: &mut Sink<'_>,
    ) {
        match self {
            Self::Aligned(windows) => windows.take(keys, known, source, sink.plan, times),
            Self::Sessions(windows) => windows.take(keys, known, source, sink.plan),
            Self::PerKey(windows) => windows.take(keys, known, source, sink),
            Self::Rolling(windows) => windows.take(keys, known, source, watermark, sink),
        }
    }

    /// Takes one event, whatever its windows have come to: the definition.
    pub(crate) fn take_one(
        &mut self,
        key: u32,
        known: usize,
        event: &Source<'_>,
        watermark: i64,
        sink: &mut Sink<'_>,
    ) -> Fate {
        match self {
            Self::Aligned(windows) => windows.take_one(key, known, event, watermark, sink),
            Self::Sessions(windows) => windows.take_one(key, known, event, watermark, sink),
            Self::PerKey(windows) => windows.take_one(key, known, event, sink),
            Self::Rolling(windows) => windows.take_one(key, known, event, watermark, sink),
        }
    }

    /// End of the next window to fire.
    pub(crate) fn next_end(&mut self) -> Option<i64> {
        match self {
            Self::Aligned(windows) => windows.next_end(),
            Self::Sessions(windows) => windows.next_end(),
            Self::PerKey(windows) => windows.next_end(),
            Self::Rolling(_) => None,
        }
    }

    /// Fires the next window.
    pub(crate) fn fire_next(&mut self, sink: &mut Sink<'_>) {
        match self {
            Self::Aligned(windows) => windows.fire_next(sink),
            Self::Sessions(windows) => windows.fire_next(sink),
            Self::PerKey(windows) => windows.fire_next(sink),
            Self::Rolling(_) => {}
        }
    }

    /// Gives early results of what changed since the last time.
    pub(crate) fn tick(&mut self, sink: &mut Sink<'_>) {
        match self {
            Self::Aligned(windows) => windows.tick(sink),
            Self::Sessions(windows) => windows.tick(sink),
            Self::PerKey(windows) => windows.tick(sink),
            Self::Rolling(_) => {}
        }
    }

    /// Lets go of what is gone at this watermark; all that could fire have.
    pub(crate) fn drop_until(&mut self, watermark: i64) {
        match self {
            Self::Aligned(windows) => windows.drop_until(watermark),
            Self::Sessions(windows) => windows.drop_until(watermark),
            Self::PerKey(_) | Self::Rolling(_) => {}
        }
    }

    /// First and last event time of each session that is held of a key.
    pub(crate) fn held_sessions(&self, key: u32) -> Vec<(i64, i64)> {
        match self {
            Self::Sessions(windows) => windows.held_of(key),
            Self::Aligned(_) | Self::PerKey(_) | Self::Rolling(_) => Vec::new(),
        }
    }

    /// How many events of a key count or global windows have taken.
    pub(crate) fn events_of(&self, key: u32) -> u64 {
        match self {
            Self::PerKey(windows) => windows.events_of(key),
            Self::Aligned(_) | Self::Sessions(_) | Self::Rolling(_) => 0,
        }
    }

    /// Number of windows held that have not fired; of kept events where every event has its window.
    pub(crate) fn open(&self) -> usize {
        match self {
            Self::Aligned(windows) => windows.open(),
            Self::Sessions(windows) => windows.open(),
            Self::PerKey(windows) => windows.open(),
            Self::Rolling(windows) => windows.kept(),
        }
    }
}
