//! Rolling windows: with each event, the time before it.
//!
//! ```text
//!   time      0        10        20        30      { rolling = "10s" }
//!   events    a    b       c          d
//!   windows   ─a)                                  (−10, 0]: a
//!             ─────b)                              (−5, 5]: a, b
//!                 ─────────c)                      (3, 13]: b, c
//!                           ───────────d)          (14, 24]: d
//! ```
//!
//! A window is `(t − duration, t]` of what its key has brought so far; an event that comes later changes
//! no result that was given. Events are folded in order of time, those of one time in order of the log.
//!
//! **Invariant:** the events kept of a key are sorted so; one that no window of an event that is not late
//! can reach may be gone.

use super::kept::Kept;
use super::sink::{Given, Sink, Span};
use super::{Fate, Rules};
use crate::cells::Cells;
use crate::change::Timing;
use crate::plan::{Plan, Source};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The rolling windows of one query.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rolling {
    duration: i64,
    #[serde(skip, default = "Rules::of_a_snapshot")]
    rules: Rules,
    /// Times and numbers of the events of each key.
    of_key: Vec<VecDeque<(i64, u32)>>,
    kept: Kept,
    /// The one cell in which a window is folded.
    cells: Cells,
}

impl Rolling {
    pub(crate) fn new(duration: i64, rules: Rules, plan: &Plan) -> Self {
        let mut cells = Cells::new(plan);
        cells.grow(1);
        Self { duration, rules, of_key: Vec::new(), kept: Kept::new(plan), cells }
    }

    pub(crate) fn resume(&mut self, rules: Rules) {
        self.rules = rules;
    }

    /// Whether an event at this time is behind the watermark.
    pub(crate) fn meets_fired(time: i64, watermark: i64) -> bool {
        Rules::has_fired(time + 1, watermark)
    }

    /// Whether so many more events can be kept; lets go of those out of reach if need be.
    pub(crate) fn has_room(&mut self, events: usize, watermark: i64) -> bool {
        if self.kept.len() + events > self.rules.cells {
            (0..self.of_key.len()).for_each(|key| self.let_go(key, watermark));
        }
        self.kept.len() + events <= self.rules.cells
    }

    /// Takes events that are not behind the watermark.
    pub(crate) fn take(
        &mut self,
        keys: &[u32],
        known: usize,
        source: &Source<'_>,
        watermark: i64,
        sink: &mut Sink<'_>,
    ) {
        self.of_key.resize(known.max(self.of_key.len()), VecDeque::new());
        for (i, &key) in keys.iter().enumerate() {
            let time = source.time(i);
            let number = self.kept.keep(sink.plan, source, i);
            let events = &mut self.of_key[key as usize];
            let at = events.partition_point(|(earlier, _)| *earlier <= time);
            events.insert(at, (time, number));
            self.let_go(key as usize, watermark);
            sink.row = source.row(i);
            self.give(key, time, watermark, sink);
        }
    }

    pub(crate) fn take_one(
        &mut self,
        key: u32,
        known: usize,
        event: &Source<'_>,
        watermark: i64,
        sink: &mut Sink<'_>,
    ) -> Fate {
        if self.rules.is_gone(event.time(0) + 1, watermark) {
            return Fate::Late { windows: 1 };
        }
        if !self.has_room(1, watermark) {
            return Fate::NoRoom;
        }
        self.take(&[key], known, event, watermark, sink);
        Fate::Taken { missed: 0 }
    }

    /// Lets go of the events of a key that no event will look back to: the oldest that is not late comes
    /// just after watermark − lateness.
    fn let_go(&mut self, key: usize, watermark: i64) {
        let oldest = watermark.saturating_sub(self.rules.lateness).saturating_add(1);
        let reach = oldest.saturating_sub(self.duration);
        while let Some(&(time, number)) = self.of_key[key].front().filter(|(time, _)| *time <= reach) {
            debug_assert!(time <= reach);
            self.of_key[key].pop_front();
            self.kept.release(number);
        }
    }

    fn give(&mut self, key: u32, time: i64, watermark: i64, sink: &mut Sink<'_>) {
        let events = &self.of_key[key as usize];
        let from = events.partition_point(|(earlier, _)| *earlier <= time - self.duration);
        for &(time, number) in events.range(from..).take_while(|(at, _)| *at <= time) {
            self.cells.fold_words(0, time, self.kept.words(number));
        }
        let span = Span { start: time - self.duration + 1, end: time + 1 };
        let timing = if Self::meets_fired(time, watermark) { Timing::Late } else { Timing::OnTime };
        sink.give(&mut Given::default(), key, 0, &self.cells, span, timing);
        self.cells.reset(std::iter::once(0));
    }

    /// Number of events kept.
    pub(crate) fn kept(&self) -> usize {
        self.kept.len()
    }
}
