//! Windows at fixed times: tumbling, hopping and cumulating.
//!
//! ```text
//!   time      0        10        20        30
//!   windows   [0,10)───[10,20)───[20,30)───
//!   events    ·  ·   · ·  ·     ▪              ▪ at 20 with bound 5: watermark 14
//!                        ▲14
//!             fired     open     open          [0,10) fires when watermark ≥ 9,
//!                                              leaves state when watermark ≥ 9 + lateness
//! ```
//!
//! An event is folded once, into its pane; a window merges its panes in order of time when it gives a
//! result. Results that discard what they gave have no panes to share: there an event is folded into
//! each of its windows.
//!
//! **Invariant:** every window with `end ≤ fired_to` has fired, no other has; no pane is held whose
//! windows are all gone.

use super::grid::Grid;
use super::panes::{Panes, Pieces};
use super::sink::{Given, Sink, Span};
use super::{Fate, Rules};
use crate::cells::Cells;
use crate::change::Timing;
use crate::plan::{Plan, Source};
use crate::spec::{Emission, WindowSpec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;

/// The windows at fixed times of one query.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Aligned {
    grid: Grid,
    #[serde(skip, default = "Rules::of_a_snapshot")]
    rules: Rules,
    /// Panes; whole windows, by their end, where they share nothing.
    panes: Panes,
    /// What windows and keys have given that can give again, where it cannot be told from the panes.
    given: BTreeMap<(i64, u32), Given>,
    fired_to: i64,
    scratch: Scratch,
}

/// Buffers that keep nothing from one use to the next.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Scratch {
    #[serde(skip)]
    slots: Vec<u32>,
    #[serde(skip)]
    times: Vec<i64>,
    #[serde(skip)]
    members: Vec<(u32, u32)>,
    #[serde(skip)]
    of_window: Vec<(u32, u32)>,
    /// Where windows merge their panes.
    merged: Cells,
    /// Slot of a key in `merged`, plus one.
    #[serde(skip)]
    slot_of_key: Vec<u32>,
}

impl Aligned {
    pub(crate) fn new(window: WindowSpec, rules: Rules, plan: &Plan) -> Self {
        let grid = Grid::new(window).expect("a window at fixed times");
        let scratch = Scratch {
            slots: Vec::new(),
            times: Vec::new(),
            members: Vec::new(),
            of_window: Vec::new(),
            merged: Cells::new(plan),
            slot_of_key: Vec::new(),
        };
        Self { grid, rules, panes: Panes::new(plan), given: BTreeMap::new(), fired_to: i64::MIN, scratch }
    }

    pub(crate) fn resume(&mut self, rules: Rules) {
        self.rules = rules;
        self.panes.reindex();
    }

    /// Whether windows share panes.
    fn shares(&self) -> bool {
        !self.rules.discards()
    }

    /// Whether an event at this time finds one of its windows fired.
    pub(crate) fn meets_fired(&self, time: i64, watermark: i64) -> bool {
        Rules::has_fired(self.grid.first_end(time), watermark)
    }

    /// No window of an event from `oldest` on ends before this.
    pub(crate) fn earliest_end(&self, oldest: i64) -> i64 {
        self.grid.first_end(oldest)
    }

    /// Whether so many events of these times meet no limit.
    pub(crate) fn has_room(&self, oldest: i64, newest: i64, events: usize) -> bool {
        let (panes, pairs_each) = if self.shares() {
            ((newest - self.grid.pane_of(oldest)) / self.grid.pane + 1, 1)
        } else {
            (self.grid.windows_of(oldest, newest), self.grid.windows_of_event())
        };
        self.panes.len().saturating_add(panes as usize) <= self.rules.open_windows
            && !self.panes.may_pass(self.rules.cells, events.saturating_mul(pairs_each))
    }

    /// Takes events that find none of their windows fired.
    pub(crate) fn take(
        &mut self,
        keys: &[u32],
        known: usize,
        source: &Source<'_>,
        plan: &Plan,
        (oldest, newest): (i64, i64),
    ) {
        if !self.shares() {
            return (0..source.len())
                .for_each(|i| self.take_apart(keys[i], known, &source.slice(i..i + 1), plan));
        }
        let Self { grid, panes, scratch, .. } = self;
        let times = source.times(&mut scratch.times);
        let pieces = |oldest, newest| Pieces::new(grid.pane_of(oldest), newest, grid.pane);
        panes.reach(plan, known, pieces(oldest, newest).count().min(source.len()));
        scratch.slots.clear();
        for (events, (oldest, newest)) in source.stretches((oldest, newest)) {
            let pieces = pieces(oldest, newest);
            panes.slots(&times[events.clone()], &keys[events], &pieces, &mut scratch.slots);
        }
        panes.cells.fold(plan, &scratch.slots, source);
    }

    /// Folds one event into each of its windows.
    fn take_apart(&mut self, key: u32, known: usize, event: &Source<'_>, plan: &Plan) {
        for end in self.grid.ends(event.time(0)) {
            self.fold(end, key, known, event, plan);
        }
    }

    fn fold(&mut self, id: i64, key: u32, known: usize, event: &Source<'_>, plan: &Plan) {
        self.panes.reach(plan, known, 1);
        let at = self.panes.position(id).unwrap_or_else(|at| {
            self.panes.open(at, id);
            at
        });
        let slot = self.panes.slot(at, key);
        self.panes.cells.fold(plan, &[slot], event);
    }

    /// Takes one event, whatever its windows have come to, and gives what it brings about.
    pub(crate) fn take_one(
        &mut self,
        key: u32,
        known: usize,
        event: &Source<'_>,
        watermark: i64,
        sink: &mut Sink<'_>,
    ) -> Fate {
        let time = event.time(0);
        let windows = self.grid.ends(time).count() as u32;
        let live: Vec<i64> =
            self.grid.ends(time).filter(|end| !self.rules.is_gone(*end, watermark)).collect();
        if live.is_empty() {
            return Fate::Late { windows };
        }
        if !self.has_room_for(time, &live, key) {
            return Fate::NoRoom;
        }
        live.iter().for_each(|&end| self.remember_first_result(end, key, watermark));
        if self.shares() {
            self.fold(self.grid.pane_of(time), key, known, event, sink.plan);
        } else {
            live.iter().for_each(|&end| self.fold(end, key, known, event, sink.plan));
        }
        for &end in &live {
            if Rules::has_fired(end, watermark) {
                self.give(end, key, Timing::Late, sink);
            } else if self.rules.emit == Emission::OnUpdate {
                self.give(end, key, Timing::Early, sink);
            }
        }
        Fate::Taken { missed: windows - live.len() as u32 }
    }

    fn has_room_for(&self, time: i64, live: &[i64], key: u32) -> bool {
        let pane = [self.grid.pane_of(time)];
        let ids = if self.shares() { &pane[..] } else { live };
        let missing = ids.iter().filter(|id| self.panes.position(**id).is_err()).count();
        let has_cell =
            |id: &&i64| self.panes.position(**id).is_ok_and(|at| self.panes.slot_of(at, key).is_some());
        let cells = ids.iter().filter(|id| !has_cell(id)).count();
        self.panes.len() + missing <= self.rules.open_windows
            && (cells == 0 || !self.panes.may_pass(self.rules.cells, cells))
    }

    /// A window that fired once and was left alone since has nothing written down: a key that it holds
    /// has given one result.
    fn remember_first_result(&mut self, end: i64, key: u32, watermark: i64) {
        if !self.writes_all_down()
            && Rules::has_fired(end, watermark)
            && !self.given.contains_key(&(end, key))
        {
            let results = u32::from(self.panes_of(end).any(|at| self.panes.slot_of(at, key).is_some()));
            self.given.insert((end, key), Given::after(results));
        }
    }

    /// Whether each result is written down when it is given.
    fn writes_all_down(&self) -> bool {
        self.rules.emit != Emission::OnClose
            || (self.rules.lateness > 0 && (self.rules.discards() || self.rules.retracts()))
    }

    /// The held panes of a window.
    fn panes_of(&self, end: i64) -> Range<usize> {
        if self.shares() {
            self.panes.within(self.grid.start(end)..end)
        } else {
            self.panes.within(end..end + 1)
        }
    }

    fn span(&self, end: i64) -> Span {
        Span { start: self.grid.start(end), end }
    }

    /// Gives the next result of one window and key, if it has one.
    fn give(&mut self, end: i64, key: u32, timing: Timing, sink: &mut Sink<'_>) {
        let panes = self.panes_of(end);
        let slots = panes.clone().filter_map(|at| self.panes.slot_of(at, key));
        self.scratch.members.clear();
        self.scratch.members.extend(slots.map(|slot| (key, slot)));
        let span = self.span(end);
        let given = self.given.entry((end, key)).or_default();
        match self.scratch.members[..] {
            [] => {}
            [(_, slot)] => sink.give(given, key, slot, &self.panes.cells, span, timing),
            _ => {
                self.scratch.merge(&self.panes.cells);
                sink.give(given, key, self.scratch.of_window[0].1, &self.scratch.merged, span, timing);
                self.scratch.forget();
            }
        }
        if self.rules.discards() {
            self.panes.cells.reset(self.scratch.members.iter().map(|(_, slot)| *slot));
        }
    }

    /// End of the next window to fire.
    pub(crate) fn next_end(&self) -> Option<i64> {
        self.next_end_after(self.fired_to)
    }

    fn next_end_after(&self, after: i64) -> Option<i64> {
        let done = |id: i64| self.last_end(id) <= after;
        let at = self.panes.first_not(done);
        if at == self.panes.len() {
            return None;
        }
        let id = self.panes.id(at);
        if self.shares() { self.grid.end_after(id, after) } else { Some(id) }
    }

    /// End of the last window that a pane lies in.
    fn last_end(&self, id: i64) -> i64 {
        if self.shares() { self.grid.last_end(id) } else { id }
    }

    /// Fires the next window.
    pub(crate) fn fire_next(&mut self, sink: &mut Sink<'_>) {
        let Some(end) = self.next_end() else { return };
        self.fired_to = end;
        if self.writes_all_down() {
            self.give_keys(end, Timing::OnTime, |_, _| true, sink);
        } else {
            self.give_first(end, sink);
        }
    }

    /// Gives the first results of all keys of a window; they may be the last ones, and then the window is gone.
    fn give_first(&mut self, end: i64, sink: &mut Sink<'_>) {
        let (panes, span) = (self.panes_of(end), self.span(end));
        let Scratch { members, slots, .. } = &mut self.scratch;
        members.clear();
        panes.clone().for_each(|at| self.panes.members(at, members));
        if panes.len() == 1 {
            sink.give_all(members, slots, &self.panes.cells, span);
        } else {
            self.scratch.merge(&self.panes.cells);
            let Scratch { of_window, slots, merged, .. } = &mut self.scratch;
            sink.give_all(of_window, slots, merged, span);
            self.scratch.forget();
        }
    }

    /// Gives the next results of those keys of a window for whose slots, by pane, `wanted` says so.
    fn give_keys(
        &mut self,
        end: i64,
        timing: Timing,
        wanted: impl Fn(&Panes, u32) -> bool,
        sink: &mut Sink<'_>,
    ) {
        let mut members = Vec::new();
        self.panes_of(end).for_each(|at| self.panes.members(at, &mut members));
        let mut keys: Vec<u32> =
            members.iter().filter(|(_, slot)| wanted(&self.panes, *slot)).map(|(key, _)| *key).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter().for_each(|key| self.give(end, key, timing, sink));
    }

    /// Gives early results of what changed since the last time.
    pub(crate) fn tick(&mut self, sink: &mut Sink<'_>) {
        let mut next = self.next_end_after(self.fired_to);
        while let Some(end) = next {
            self.give_keys(end, Timing::Early, Panes::has_changed, sink);
            next = self.next_end_after(end);
        }
        self.panes.note_all(self.first_open());
    }

    /// Lets go of the windows that are gone at this watermark; all that could fire have.
    pub(crate) fn drop_until(&mut self, watermark: i64) {
        self.fired_to = self.fired_to.max(watermark.saturating_add(1));
        while self.panes.len() > 0 && self.rules.is_gone(self.last_end(self.panes.id(0)), watermark) {
            self.panes.drop_oldest(&mut self.scratch.members);
        }
        while let Some(entry) = self.given.first_entry() {
            if !self.rules.is_gone(entry.key().0, watermark) {
                break;
            }
            entry.remove();
        }
    }

    /// Number of panes, or windows, with one that has not fired.
    pub(crate) fn open(&self) -> usize {
        self.panes.len() - self.first_open()
    }

    fn first_open(&self) -> usize {
        self.panes.first_not(|id| self.last_end(id) <= self.fired_to)
    }
}

impl Scratch {
    /// Merges the cells of `members`, which come pane by pane in order of time, by key.
    fn merge(&mut self, cells: &Cells) {
        self.of_window.clear();
        for &(key, slot) in &self.members {
            if self.slot_of_key.len() <= key as usize {
                self.slot_of_key.resize(key as usize + 1, 0);
            }
            if self.slot_of_key[key as usize] == 0 {
                let merged = self.of_window.len() as u32;
                self.of_window.push((key, merged));
                self.slot_of_key[key as usize] = merged + 1;
            }
            let merged = self.slot_of_key[key as usize] - 1;
            if self.merged.len() <= merged as usize {
                self.merged.grow((merged as usize + 1).next_power_of_two());
            }
            self.merged.merge(merged, cells, slot);
        }
        self.of_window.sort_unstable();
    }

    fn forget(&mut self) {
        self.merged.reset(self.of_window.iter().map(|(_, slot)| *slot));
        self.of_window.iter().for_each(|(key, _)| self.slot_of_key[*key as usize] = 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Accumulation;
    use crate::time::Millis;

    #[test]
    fn a_year_of_silence_costs_nothing() {
        let plan = Plan { parts: Vec::new(), outputs: Vec::new(), subjects: Vec::new() };
        let rules = Rules {
            lateness: 0,
            emit: Emission::OnClose,
            accumulation: Accumulation::Accumulating,
            open_windows: 10,
            cells: 10,
        };
        let mut windows = Aligned::new(WindowSpec::tumbling(Millis(1)), rules, &plan);
        windows.panes.open(0, 0);
        windows.panes.open(1, 365 * 86_400_000);
        assert_eq!((windows.open(), windows.next_end()), (2, Some(1)));
        windows.fired_to = 1;
        assert_eq!((windows.open(), windows.next_end()), (1, Some(365 * 86_400_000 + 1)));
    }
}
