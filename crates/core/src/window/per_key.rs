//! Windows without event time, one after the other for each key: the last so many events, or all of them.
//!
//! ```text
//!   event of the key   1  2  3  4  5  6  7        { count = 4, slide = 2 }
//!   windows            [───)                      ends with event 2: what there is
//!                      [─────────)                ends with event 4
//!                            [─────────)          ends with event 6
//!                                  [──────        early results only, until event 8
//! ```
//!
//! A count window ends with every `slide`-th event of its key and holds the last `count` of them (Flink:
//! `countWindow(size, slide)`). The global window ends with the log. Order is that of the log, so no
//! event is late. A result spans the event times of its window.
//!
//! **Invariant:** where windows overlap the last `count` events of each key are kept and folded when a
//! result is given; else the one open window of each key has a cell.

use super::kept::Kept;
use super::sink::{Given, Sink, Span};
use super::{Fate, Rules};
use crate::cells::Cells;
use crate::change::Timing;
use crate::plan::{Plan, Source};
use crate::spec::Emission;
use crate::watermark::END_OF_TIME;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The open window of one key.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Open {
    /// Events of the key so far, when they end windows.
    seen: u64,
    /// Events when it last gave a result.
    noted: u64,
    /// Events that earlier results of the open window covered.
    covered: u64,
    span: Span,
    given: Given,
    /// Times and numbers of the last events, where windows overlap.
    kept: VecDeque<(i64, u32)>,
}

/// Of no event yet.
const EMPTY: Span = Span { start: i64::MAX, end: i64::MIN };

/// The count windows, or the global window, of one query.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PerKey {
    /// Events of a window; none for the global one.
    events: Option<u64>,
    slide: u64,
    #[serde(skip, default = "Rules::of_a_snapshot")]
    rules: Rules,
    /// By key, and so are the cells of windows that do not overlap.
    open: Vec<Open>,
    cells: Cells,
    kept: Kept,
    ended: bool,
}

impl PerKey {
    pub(crate) fn counted(events: u64, slide: u64, rules: Rules, plan: &Plan) -> Self {
        let mut cells = Cells::new(plan);
        if slide < events {
            cells.grow(1);
        }
        let (open, kept) = (Vec::new(), Kept::new(plan));
        Self { events: Some(events), slide, rules, open, cells, kept, ended: false }
    }

    pub(crate) fn global(rules: Rules, plan: &Plan) -> Self {
        Self { events: None, ..Self::counted(u64::MAX, u64::MAX, rules, plan) }
    }

    pub(crate) fn resume(&mut self, rules: Rules) {
        self.rules = rules;
    }

    fn overlaps(&self) -> bool {
        self.events.is_some_and(|events| self.slide < events)
    }

    pub(crate) fn has_room(&self, events: usize) -> bool {
        !self.overlaps() || self.kept.len() + events <= self.rules.cells
    }

    /// Takes events and gives the results that they bring about.
    pub(crate) fn take(&mut self, keys: &[u32], known: usize, source: &Source<'_>, sink: &mut Sink<'_>) {
        self.reach(known);
        if self.overlaps() {
            self.take_overlapping(keys, source, sink);
        } else {
            self.take_apart(keys, source, sink);
        }
    }

    pub(crate) fn take_one(
        &mut self,
        key: u32,
        known: usize,
        event: &Source<'_>,
        sink: &mut Sink<'_>,
    ) -> Fate {
        let full =
            self.open.get(key as usize).is_some_and(|open| self.events == Some(open.kept.len() as u64));
        if !self.has_room(usize::from(!full)) {
            return Fate::NoRoom;
        }
        self.take(&[key], known, event, sink);
        Fate::Taken { missed: 0 }
    }

    fn reach(&mut self, known: usize) {
        let of_new = Open {
            seen: 0,
            noted: 0,
            covered: 0,
            span: EMPTY,
            given: Given::default(),
            kept: VecDeque::new(),
        };
        self.open.resize(known.max(self.open.len()), of_new);
        if !self.overlaps() && self.cells.len() < known {
            self.cells.grow(known.next_power_of_two());
        }
    }

    fn take_apart(&mut self, keys: &[u32], source: &Source<'_>, sink: &mut Sink<'_>) {
        let mut folded = 0;
        for (i, &key) in keys.iter().enumerate() {
            let open = &mut self.open[key as usize];
            open.meet(source.time(i));
            let ends = open.seen.is_multiple_of(self.slide);
            if ends || self.rules.emit == Emission::OnUpdate {
                self.cells.fold(sink.plan, &keys[folded..=i], &source.slice(folded..i + 1));
                folded = i + 1;
                sink.row = source.row(i);
                self.give(key, if ends { Timing::OnTime } else { Timing::Early }, sink);
            }
            if ends {
                self.open[key as usize].begin_anew();
                self.cells.reset(std::iter::once(key));
            }
        }
        self.cells.fold(sink.plan, &keys[folded..], &source.slice(folded..keys.len()));
    }

    fn take_overlapping(&mut self, keys: &[u32], source: &Source<'_>, sink: &mut Sink<'_>) {
        for (i, &key) in keys.iter().enumerate() {
            let number = self.kept.keep(sink.plan, source, i);
            let open = &mut self.open[key as usize];
            open.seen += 1;
            open.kept.push_back((source.time(i), number));
            if self.events.is_some_and(|events| open.kept.len() as u64 > events) {
                open.kept.pop_front().into_iter().for_each(|(_, number)| self.kept.release(number));
            }
            let ends = open.seen.is_multiple_of(self.slide);
            if ends || self.rules.emit == Emission::OnUpdate {
                sink.row = source.row(i);
                self.give(key, if ends { Timing::OnTime } else { Timing::Early }, sink);
            }
            if ends {
                self.open[key as usize].begin_anew();
            }
        }
    }

    /// Gives the next result of a key's open window, if it has one.
    fn give(&mut self, key: u32, timing: Timing, sink: &mut Sink<'_>) {
        let (slot, span) =
            if self.overlaps() { (0, self.fold_kept(key)) } else { (key, self.open[key as usize].span) };
        let open = &mut self.open[key as usize];
        if self.cells.count(slot) > 0 {
            sink.give(&mut open.given, key, slot, &self.cells, span, timing);
        }
        (open.noted, open.covered) = (open.seen, open.seen);
        if self.overlaps() || self.rules.discards() {
            self.cells.reset(std::iter::once(slot));
        }
    }

    /// Folds the kept events of a key's open window into the one cell that there is; gives its span.
    fn fold_kept(&mut self, key: u32) -> Span {
        let open = &self.open[key as usize];
        let ends_at = open.seen.div_ceil(self.slide) * self.slide;
        let first = ends_at.saturating_sub(self.events.unwrap_or(u64::MAX));
        let from = if self.rules.discards() { first.max(open.covered) } else { first };
        let oldest_kept = open.seen - open.kept.len() as u64;
        let mut span = EMPTY;
        for (number, &(time, event)) in (oldest_kept..).zip(&open.kept).filter(|(number, _)| *number >= first)
        {
            span = span.with(time);
            if number >= from {
                self.cells.fold_words(0, time, self.kept.words(event));
            }
        }
        span
    }

    /// Gives early results of what changed since the last time.
    pub(crate) fn tick(&mut self, sink: &mut Sink<'_>) {
        for key in 0..self.open.len() {
            if self.open[key].seen != self.open[key].noted {
                self.give(key as u32, Timing::Early, sink);
            }
        }
    }

    /// When the global window ends.
    pub(crate) fn next_end(&self) -> Option<i64> {
        (self.events.is_none() && !self.ended && !self.open.is_empty()).then_some(END_OF_TIME)
    }

    /// Ends the global window.
    pub(crate) fn fire_next(&mut self, sink: &mut Sink<'_>) {
        self.ended = true;
        for key in 0..self.open.len() {
            self.give(key as u32, Timing::OnTime, sink);
        }
    }

    /// How many events of a key were taken.
    pub(crate) fn events_of(&self, key: u32) -> u64 {
        self.open.get(key as usize).map_or(0, |open| open.seen)
    }

    /// Number of windows that hold events and have not ended.
    pub(crate) fn open(&self) -> usize {
        let ended = |open: &Open| self.ended || open.seen.is_multiple_of(self.slide);
        self.open.iter().filter(|open| !ended(open)).count()
    }
}

impl Open {
    fn meet(&mut self, time: i64) {
        self.seen += 1;
        self.span = self.span.with(time);
    }

    fn begin_anew(&mut self) {
        (self.span, self.covered, self.given) = (EMPTY, 0, Given::default());
    }
}

impl Span {
    /// Up to and with an event.
    fn with(self, time: i64) -> Self {
        Self { start: self.start.min(time), end: self.end.max(time + 1) }
    }
}
