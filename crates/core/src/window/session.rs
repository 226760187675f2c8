//! Session windows: bursts of one key, apart by more than a gap.
//!
//! ```text
//!   time     0    5    10   15   20   25   30        gap 5
//!   events   ·  · ·         ·            ·  ·
//!   windows  [──────────)   [────)       [─────)     [first, last + 5)
//!   late            ▪ at 11: joins the first, [0,16), and touches the second, [0,20): one session
//! ```
//!
//! Two sessions are one when the distance between them is at most the gap, so an event may bridge two
//! (Flink: `TimeWindow.intersects`, `MergingWindowSet`).
//!
//! **Invariant:** the sessions of a key are sorted and further apart than the gap; each that has not
//! fired stands in `due` at its end or earlier, each that has in `leaving`.

use super::sink::{Given, Sink, Span};
use super::{Fate, Rules};
use crate::cells::Cells;
use crate::change::Timing;
use crate::plan::{Plan, Source};
use crate::spec::Emission;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::Range;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Session {
    first: i64,
    last: i64,
    /// Where it stands in `due`, or in `leaving` once it has fired.
    queued: i64,
    slot: u32,
    fired: bool,
}

/// When to look at a session of a key.
type Queue = BinaryHeap<Reverse<(i64, u32)>>;

/// The sessions of one query.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sessions {
    gap: i64,
    #[serde(skip, default = "Rules::of_a_snapshot")]
    rules: Rules,
    of_key: Vec<Vec<Session>>,
    held: usize,
    open: usize,
    cells: Cells,
    free: Vec<u32>,
    /// Ends of sessions that have not fired, and their keys.
    due: Queue,
    /// When sessions that have fired are gone, and their keys.
    leaving: Queue,
    /// What sessions have given that can give again, by slot.
    given: BTreeMap<u32, Given>,
    /// Events of a session at the last early result, by slot.
    noted: BTreeMap<u32, u64>,
    #[serde(skip)]
    slots: Vec<u32>,
}

impl Sessions {
    pub(crate) fn new(gap: i64, rules: Rules, plan: &Plan) -> Self {
        Self {
            gap,
            rules,
            of_key: Vec::new(),
            held: 0,
            open: 0,
            cells: Cells::new(plan),
            free: Vec::new(),
            due: Queue::new(),
            leaving: Queue::new(),
            given: BTreeMap::new(),
            noted: BTreeMap::new(),
            slots: Vec::new(),
        }
    }

    pub(crate) fn resume(&mut self, rules: Rules) {
        self.rules = rules;
    }

    /// Whether an event at this time may find a session fired that it touches, or be late.
    pub(crate) fn meets_fired(time: i64, watermark: i64) -> bool {
        Rules::has_fired(time, watermark)
    }

    /// No session of an event from `oldest` on ends before this.
    pub(crate) fn earliest_end(&self, oldest: i64) -> i64 {
        oldest + self.gap
    }

    pub(crate) fn has_room(&self, events: usize) -> bool {
        self.held + events <= self.rules.cells
    }

    /// Takes events that find no session fired.
    pub(crate) fn take(&mut self, keys: &[u32], known: usize, source: &Source<'_>, plan: &Plan) {
        self.of_key.resize_with(known.max(self.of_key.len()), Vec::new);
        let (mut slots, mut folded) = (std::mem::take(&mut self.slots), 0);
        slots.clear();
        for (i, &key) in keys.iter().enumerate() {
            let time = source.time(i);
            match self.extend_newest(key, time) {
                Some(slot) => slots.push(slot),
                None => {
                    // Two sessions may become one here, which have to be complete for that.
                    self.cells.fold(plan, &slots, &source.slice(folded..i));
                    (folded, slots) = (i, emptied(slots));
                    let at = self.place(key, time);
                    slots.push(self.of_key[key as usize][at].slot);
                }
            }
        }
        self.cells.fold(plan, &slots, &source.slice(folded..keys.len()));
        self.slots = slots;
    }

    /// The slot of the key's newest session if an event lies in it or carries it on, and touches no other.
    fn extend_newest(&mut self, key: u32, time: i64) -> Option<u32> {
        let newest = self.of_key[key as usize].last_mut()?;
        let carries_on = !newest.fired && time >= newest.first && time - newest.last <= self.gap;
        carries_on.then(|| {
            newest.last = newest.last.max(time);
            newest.slot
        })
    }

    /// Takes one event, whatever the sessions have come to, and gives what it brings about.
    pub(crate) fn take_one(
        &mut self,
        key: u32,
        known: usize,
        event: &Source<'_>,
        watermark: i64,
        sink: &mut Sink<'_>,
    ) -> Fate {
        self.of_key.resize_with(known.max(self.of_key.len()), Vec::new);
        let time = event.time(0);
        let touched = self.touched(key, time);
        if touched.is_empty() {
            if self.rules.is_gone(time + self.gap, watermark) {
                return Fate::Late { windows: 1 };
            }
            if !self.has_room(1) {
                return Fate::NoRoom;
            }
        }
        let at = self.place(key, time);
        let Session { slot, last, .. } = self.of_key[key as usize][at];
        self.cells.fold(sink.plan, &[slot], event);
        let fired = Rules::has_fired(last + self.gap, watermark);
        self.queue(key, at, fired);
        if fired {
            self.give(key, at, Timing::Late, sink);
        } else if self.rules.emit == Emission::OnUpdate {
            self.give(key, at, Timing::Early, sink);
        }
        Fate::Taken { missed: 0 }
    }

    /// The sessions of a key that an event touches.
    fn touched(&self, key: u32, time: i64) -> Range<usize> {
        let sessions = &self.of_key[key as usize];
        let first = sessions.partition_point(|session| time - session.last > self.gap);
        let past = sessions.partition_point(|session| session.first - time <= self.gap);
        first..past.max(first)
    }

    /// The session of an event, which may be new, or made of several that it joins.
    fn place(&mut self, key: u32, time: i64) -> usize {
        let Range { start: at, end } = self.touched(key, time);
        if at == end {
            self.begin(key, at, time);
            return at;
        }
        for later in self.of_key[key as usize].drain(at + 1..end).collect::<Vec<_>>() {
            self.join(key, at, later);
        }
        let session = &mut self.of_key[key as usize][at];
        session.first = session.first.min(time);
        session.last = session.last.max(time);
        at
    }

    fn begin(&mut self, key: u32, at: usize, time: i64) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.cells.grow(self.cells.len() + 1);
            self.cells.len() as u32 - 1
        });
        let end = time + self.gap;
        self.of_key[key as usize]
            .insert(at, Session { first: time, last: time, queued: end, slot, fired: false });
        self.due.push(Reverse((end, key)));
        (self.held, self.open) = (self.held + 1, self.open + 1);
    }

    /// Makes one session of two neighbours; what the queues say of the later one finds nobody.
    fn join(&mut self, key: u32, at: usize, later: Session) {
        let session = &mut self.of_key[key as usize][at];
        session.last = session.last.max(later.last);
        let slot = session.slot;
        self.cells.merge_within(slot, later.slot);
        self.free.push(later.slot);
        (self.held, self.open) = (self.held - 1, self.open - usize::from(!later.fired));
        if let Some(mut given) = self.given.remove(&later.slot) {
            self.given.entry(slot).or_default().join(&mut given);
        }
        if let Some(events) = self.noted.remove(&later.slot) {
            // One of the two has changed, so the whole has; the sum is right for neither having changed.
            *self.noted.entry(slot).or_insert(0) += events;
        }
    }

    /// Puts a session into the queue that it belongs to now. One that stays due stands there already.
    fn queue(&mut self, key: u32, at: usize, fired: bool) {
        let session = &mut self.of_key[key as usize][at];
        let (was, end) = (std::mem::replace(&mut session.fired, fired), session.last + self.gap);
        let gone = end - 1 + self.rules.lateness;
        if fired && !(was && session.queued == gone) {
            session.queued = gone;
            self.leaving.push(Reverse((gone, key)));
        } else if was && !fired {
            session.queued = end;
            self.due.push(Reverse((end, key)));
        }
        self.open = self.open + usize::from(was) - usize::from(fired);
    }

    fn give(&mut self, key: u32, at: usize, timing: Timing, sink: &mut Sink<'_>) {
        let Session { first, last, slot, .. } = self.of_key[key as usize][at];
        let span = Span { start: first, end: last + self.gap };
        if self.cells.count(slot) > 0 {
            let mut given = self.given.remove(&slot).unwrap_or_default();
            sink.give(&mut given, key, slot, &self.cells, span, timing);
            if self.rules.gives_again() {
                self.given.insert(slot, given);
            }
        }
        if self.rules.discards() {
            self.cells.reset(std::iter::once(slot));
        }
    }

    /// End and key of the next session to fire.
    pub(crate) fn next_end(&mut self) -> Option<i64> {
        while let Some(&Reverse((end, key))) = self.due.peek() {
            let found =
                self.of_key[key as usize].iter_mut().find(|session| !session.fired && session.queued == end);
            match found {
                Some(session) if session.last + self.gap == end => return Some(end),
                Some(session) => {
                    session.queued = session.last + self.gap;
                    let queued = session.queued;
                    self.due.pop();
                    self.due.push(Reverse((queued, key)));
                }
                None => drop(self.due.pop()),
            }
        }
        None
    }

    /// Fires the next session.
    pub(crate) fn fire_next(&mut self, sink: &mut Sink<'_>) {
        if self.next_end().is_none() {
            return;
        }
        let Some(Reverse((end, key))) = self.due.pop() else { return };
        let is_next = |session: &Session| !session.fired && session.queued == end;
        let Some(at) = self.of_key[key as usize].iter().position(is_next) else { return };
        self.queue(key, at, true);
        self.give(key, at, Timing::OnTime, sink);
    }

    /// Gives early results of what changed since the last time.
    pub(crate) fn tick(&mut self, sink: &mut Sink<'_>) {
        let mut changed: Vec<(i64, u32, usize)> = Vec::new();
        for (key, sessions) in self.of_key.iter().enumerate() {
            for (at, session) in sessions.iter().enumerate().filter(|(_, session)| !session.fired) {
                if self.cells.count(session.slot) != self.noted.get(&session.slot).copied().unwrap_or(0) {
                    changed.push((session.last + self.gap, key as u32, at));
                }
            }
        }
        changed.sort_unstable();
        for (_, key, at) in changed {
            self.give(key, at, Timing::Early, sink);
            let slot = self.of_key[key as usize][at].slot;
            self.noted.insert(slot, self.cells.count(slot));
        }
    }

    /// Lets go of the sessions that are gone at this watermark.
    pub(crate) fn drop_until(&mut self, watermark: i64) {
        while let Some(&Reverse((gone, key))) =
            self.leaving.peek().filter(|Reverse((gone, _))| *gone <= watermark)
        {
            self.leaving.pop();
            let sessions = &mut self.of_key[key as usize];
            let found = sessions.iter().position(|session| session.fired && session.queued == gone);
            let Some(at) = found else { continue };
            let Session { slot, .. } = sessions.remove(at);
            self.held -= 1;
            self.cells.reset(std::iter::once(slot));
            self.free.push(slot);
            self.given.remove(&slot);
            self.noted.remove(&slot);
        }
    }

    /// First and last event time of each session that is held of a key.
    pub(crate) fn held_of(&self, key: u32) -> Vec<(i64, i64)> {
        let sessions = self.of_key.get(key as usize).into_iter().flatten();
        sessions.map(|session| (session.first, session.last)).collect()
    }

    /// Number of sessions that have not fired.
    pub(crate) fn open(&self) -> usize {
        self.open
    }
}

fn emptied<T>(mut list: Vec<T>) -> Vec<T> {
    list.clear();
    list
}
