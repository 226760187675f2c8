//! The oracle: the definition, event by event. It keeps every event that a query took and every result
//! that it gave, and computes each thing from these lists when it is asked for; nothing is kept up to date.
//!
//! The one exception are sessions, which are what earlier events made of them: a list of trees.

use crate::cases::{Case, Event};
use crate::facts::{Fact, Window as Given, number_of};
use crate::fold::{Group, Tree};
use crate::judge::Judges;
use kappascope_core::spec::{Accumulation, Emission, QuerySpec, WindowSpec};
use kappascope_core::watermark::{END_OF_TIME, NOTHING};
use kappascope_core::{DropReason, Limits, Spec, Timing};
use std::collections::{BTreeMap, BTreeSet};

/// All that must come of a log.
pub(crate) fn facts(spec: &Spec, events: &[Event], limits: Limits) -> Vec<Fact> {
    let mut oracle = Oracle {
        spec,
        events,
        limits,
        queries: spec.query.iter().map(|_| Query::default()).collect(),
        judges: Judges::new(spec, limits),
        row: None,
        met: None,
        facts: Vec::new(),
    };
    let mut watermark = NOTHING;
    for row in 0..events.len() {
        (oracle.row, oracle.met) = (Some(row), Some(watermark));
        (0..spec.query.len()).for_each(|q| oracle.take(q, row, watermark));
        oracle.judges.judge_event(events, row, watermark, &mut oracle.facts);
        oracle.met = None;
        let before = watermark;
        watermark = watermark.max(watermark_of(spec, &events[..=row]));
        oracle.fire(before, watermark);
        (0..spec.query.len()).for_each(|q| oracle.tick(q, watermark));
        oracle.let_go(watermark);
    }
    oracle.row = None;
    oracle.fire(watermark, END_OF_TIME);
    oracle.facts
}

/// The combined watermark after these events, were it not monotone.
fn watermark_of(spec: &Spec, events: &[Event]) -> i64 {
    let now = events.iter().map(|event| event.arrival).max().unwrap();
    let active = (0..spec.schema.partitions).filter_map(|p| {
        let of_partition = || events.iter().filter(move |event| event.partition == p);
        let last = of_partition().map(|event| event.arrival).max().unwrap_or(i64::MIN).max(events[0].arrival);
        let idle = spec.schema.partitions > 1 && spec.watermark.idle.is_some_and(|idle| now - last >= idle.0);
        (!idle).then(|| of_partition().map(|event| event.time).max())
    });
    match active.min() {
        Some(Some(time)) => time - spec.watermark.bound.0 - 1,
        _ => NOTHING,
    }
}

struct Oracle<'a> {
    spec: &'a Spec,
    events: &'a [Event],
    limits: Limits,
    queries: Vec<Query>,
    judges: Judges<'a>,
    /// The event at hand; none at the end of the log.
    row: Option<usize>,
    /// The watermark that it met; none once the watermark has moved.
    met: Option<i64>,
    facts: Vec<Fact>,
}

#[derive(Default)]
struct Query {
    keys: Vec<String>,
    /// Rows that were looked at: that had a key.
    seen: Vec<usize>,
    taken: Vec<Taken>,
    sessions: Vec<Session>,
    results: Vec<Result>,
    ticks: Option<i64>,
}

/// An event that counts, and the watermark that it met.
struct Taken {
    row: usize,
    key: usize,
    watermark: i64,
}

/// A session that is not gone.
struct Session {
    key: usize,
    tree: Tree,
}

/// Which window of its key it is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Id {
    /// By start and end.
    Fixed(i64, i64),
    /// By its events.
    Session,
    /// The so many-th.
    Count(u64),
    Global,
    /// By the row of its event.
    Rolling(usize),
}

/// One window of one key as it is now.
#[derive(Clone)]
struct Window {
    id: Id,
    key: usize,
    start: i64,
    end: i64,
    tree: Tree,
}

/// A result that was given.
struct Result {
    id: Id,
    key: usize,
    covers: Vec<usize>,
    /// Whether it was not taken back.
    stands: bool,
    given: Given,
}

impl Window {
    /// The watermark at which it fires; the end of the log for those without event time.
    fn fires_at(&self) -> i64 {
        match self.id {
            Id::Fixed(..) | Id::Session => self.end - 1,
            Id::Count(_) | Id::Global | Id::Rolling(_) => END_OF_TIME,
        }
    }

    /// Whether a result is one of this window: of a session, if it is of one of its events.
    fn gave(&self, result: &Result) -> bool {
        let of_window = match self.id {
            Id::Session => self.tree.rows().contains(&result.covers[0]),
            id => result.id == id,
        };
        result.key == self.key && of_window
    }
}

impl Query {
    /// The events that the window's results so far cover.
    fn covered(&self, window: &Window) -> BTreeSet<usize> {
        self.results
            .iter()
            .filter(|result| window.gave(result))
            .flat_map(|result| &result.covers)
            .copied()
            .collect()
    }

    fn rows_of(&self, key: usize) -> Vec<usize> {
        self.taken.iter().filter(|taken| taken.key == key).map(|taken| taken.row).collect()
    }
}

impl<'a> Oracle<'a> {
    fn spec_of(&self, q: usize) -> &'a QuerySpec {
        &self.spec.query[q]
    }

    fn time(&self, row: usize) -> i64 {
        self.events[row].time
    }

    /// Whether a window is no longer in state.
    fn is_gone(&self, q: usize, end: i64, watermark: i64) -> bool {
        watermark >= end - 1 + self.spec_of(q).lateness.0
    }

    fn take(&mut self, q: usize, row: usize, watermark: i64) {
        if !Case::passes(self.spec_of(q), &self.events[row]) {
            return;
        }
        let name = self.events[row].keys(&self.spec_of(q).by);
        let unknown = !self.queries[q].keys.contains(&name);
        if unknown && self.queries[q].keys.len() >= self.limits.keys as usize {
            return self.drop(q, row, watermark, DropReason::TooManyKeys, 0);
        }
        let key = number_of(&mut self.queries[q].keys, name);
        self.queries[q].seen.push(row);
        let taken = Taken { row, key, watermark };
        match self.spec_of(q).window {
            WindowSpec::Session { gap } => self.take_session(q, taken, gap.0),
            WindowSpec::Count { events, slide } => {
                self.take_count(q, taken, u64::from(events), u64::from(slide));
            }
            WindowSpec::Rolling { duration } => self.take_rolling(q, taken, duration.0),
            WindowSpec::Global => self.take_global(q, taken),
            _ => self.take_fixed(q, taken),
        }
    }

    fn drop(&mut self, q: usize, row: usize, watermark: i64, reason: DropReason, windows: usize) {
        let Event { partition, time, .. } = self.events[row];
        let offset = offset_of(self.events, row);
        let windows = windows as u32;
        self.facts.push(Fact::Drop { query: q, partition, offset, time, watermark, reason, windows });
    }

    fn take_fixed(&mut self, q: usize, taken: Taken) {
        let Taken { row, key, watermark } = taken;
        let all = fixed_windows(self.spec_of(q).window, self.time(row));
        let live: Vec<_> = all.iter().copied().filter(|(_, end)| !self.is_gone(q, *end, watermark)).collect();
        if live.is_empty() {
            return self.drop(q, row, watermark, DropReason::Late, all.len());
        }
        if !self.fixed_room(q, &taken, &live) {
            return self.drop(q, row, watermark, DropReason::TooManyWindows, 0);
        }
        self.queries[q].taken.push(taken);
        if live.len() < all.len() {
            self.drop(q, row, watermark, DropReason::LateForSome, all.len() - live.len());
        }
        for (start, end) in live {
            let window = self.fixed_window(q, key, start, end);
            self.give_at_once(q, &window, watermark);
        }
    }

    /// Panes, or windows that share nothing, and their pairs with keys.
    fn fixed_room(&self, q: usize, taken: &Taken, live: &[(i64, i64)]) -> bool {
        let query = &self.queries[q];
        let (mut panes, mut pairs): (BTreeSet<i64>, BTreeSet<(i64, usize)>) = Default::default();
        let discards = self.spec_of(q).accumulation == Accumulation::Discarding;
        for old in &query.taken {
            let windows = fixed_windows(self.spec_of(q).window, self.time(old.row));
            let held = |end: i64| !self.is_gone(q, end, taken.watermark);
            if !discards && windows.iter().any(|(_, end)| held(*end)) {
                panes.insert(self.pane(q, old.row));
                pairs.insert((self.pane(q, old.row), old.key));
            }
            let of_old = windows.iter().filter(|(_, end)| discards && held(*end));
            for &(start, end) in of_old.filter(|(_, end)| !self.is_gone(q, *end, old.watermark)) {
                panes.insert(end);
                let window = self.fixed_window(q, old.key, start, end);
                if !query.covered(&window).contains(&old.row) {
                    pairs.insert((end, old.key));
                }
            }
        }
        let pane = [self.pane(q, taken.row)];
        let ends: Vec<i64> = live.iter().map(|(_, end)| *end).collect();
        let new = if discards { &ends[..] } else { &pane };
        let new_panes = new.iter().filter(|pane| !panes.contains(pane)).count();
        let new_pairs = new.iter().filter(|pane| !pairs.contains(&(**pane, taken.key))).count();
        panes.len() + new_panes <= self.limits.open_windows
            && (new_pairs == 0 || pairs.len() + new_pairs <= self.limits.cells)
    }

    fn pane(&self, q: usize, row: usize) -> i64 {
        let (size, offset) = match self.spec_of(q).window {
            WindowSpec::Tumbling { size, offset } => (size.0, offset.0),
            WindowSpec::Hopping { size, slide, offset } => {
                (greatest_common_divisor(size.0, slide.0), offset.0)
            }
            WindowSpec::Cumulate { step, offset, .. } => (step.0, offset.0),
            _ => unreachable!("not at fixed times"),
        };
        (self.time(row) - offset).div_euclid(size) * size + offset
    }

    /// Its events are those that came before it was gone. They are folded pane by pane, or in the order
    /// of the log if windows share nothing.
    fn fixed_window(&self, q: usize, key: usize, start: i64, end: i64) -> Window {
        let of_window = |taken: &&Taken| {
            taken.key == key
                && (start..end).contains(&self.time(taken.row))
                && !self.is_gone(q, end, taken.watermark)
        };
        let rows: Vec<usize> =
            self.queries[q].taken.iter().filter(of_window).map(|taken| taken.row).collect();
        let mut panes: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        let discards = self.spec_of(q).accumulation == Accumulation::Discarding;
        for row in rows {
            panes.entry(if discards { 0 } else { self.pane(q, row) }).or_default().push(row);
        }
        let tree = panes.values().map(|rows| Tree::of(rows)).reduce(Tree::merge).unwrap_or(Tree::Nothing);
        Window { id: Id::Fixed(start, end), key, start, end, tree }
    }

    fn take_session(&mut self, q: usize, taken: Taken, gap: i64) {
        let Taken { row, key, watermark } = taken;
        let time = self.time(row);
        let touches = |oracle: &Self, session: &Session| {
            let window = oracle.session_window(session, gap);
            session.key == key && time - (window.end - gap) <= gap && window.start - time <= gap
        };
        let (mut touched, rest): (Vec<Session>, Vec<Session>) = std::mem::take(&mut self.queries[q].sessions)
            .into_iter()
            .partition(|session| touches(self, session));
        self.queries[q].sessions = rest;
        if touched.is_empty() && self.is_gone(q, time + gap, watermark) {
            return self.drop(q, row, watermark, DropReason::Late, 1);
        }
        if touched.is_empty() && self.queries[q].sessions.len() >= self.limits.cells {
            return self.drop(q, row, watermark, DropReason::TooManyWindows, 0);
        }
        touched.sort_by_key(|session| self.session_window(session, gap).start);
        let parts = touched.into_iter().map(|session| session.tree);
        let tree = parts.reduce(Tree::merge).unwrap_or(Tree::Nothing).fold(row);
        let session = Session { key, tree };
        let window = self.session_window(&session, gap);
        self.queries[q].taken.push(taken);
        self.queries[q].sessions.push(session);
        self.give_at_once(q, &window, watermark);
    }

    fn session_window(&self, session: &Session, gap: i64) -> Window {
        let times: Vec<i64> = session.tree.rows().iter().map(|row| self.time(*row)).collect();
        let (start, end) = (*times.iter().min().unwrap(), times.iter().max().unwrap() + gap);
        Window { id: Id::Session, key: session.key, start, end, tree: session.tree.clone() }
    }

    fn take_count(&mut self, q: usize, taken: Taken, events: u64, slide: u64) {
        let Taken { row, key, watermark } = taken;
        let held = |key: usize| self.queries[q].rows_of(key).len().min(events as usize);
        let all_held: usize = (0..self.queries[q].keys.len()).map(held).sum();
        if slide < events && held(key) < events as usize && all_held >= self.limits.cells {
            return self.drop(q, row, watermark, DropReason::TooManyWindows, 0);
        }
        self.queries[q].taken.push(taken);
        let window = self.count_window(q, key, events, slide);
        if (self.queries[q].rows_of(key).len() as u64).is_multiple_of(slide) {
            self.give(q, &window, Timing::OnTime);
        } else if self.spec_of(q).emit == Emission::OnUpdate {
            self.give(q, &window, Timing::Early);
        }
    }

    /// The next window of a key to end, or the one that ends with its last event.
    fn count_window(&self, q: usize, key: usize, events: u64, slide: u64) -> Window {
        let rows = self.queries[q].rows_of(key);
        let k = (rows.len() as u64).div_ceil(slide);
        let rows = &rows[(k * slide).saturating_sub(events) as usize..];
        self.window_around(Id::Count(k), key, rows)
    }

    fn take_global(&mut self, q: usize, taken: Taken) {
        let key = taken.key;
        self.queries[q].taken.push(taken);
        if self.spec_of(q).emit == Emission::OnUpdate {
            let window = self.window_around(Id::Global, key, &self.queries[q].rows_of(key));
            self.give(q, &window, Timing::Early);
        }
    }

    /// A window as long as its events need.
    fn window_around(&self, id: Id, key: usize, rows: &[usize]) -> Window {
        let times = || rows.iter().map(|row| self.time(*row));
        Window {
            id,
            key,
            start: times().min().unwrap(),
            end: times().max().unwrap() + 1,
            tree: Tree::of(rows),
        }
    }

    fn take_rolling(&mut self, q: usize, taken: Taken, duration: i64) {
        let Taken { row, key, watermark } = taken;
        let (time, lateness) = (self.time(row), self.spec_of(q).lateness.0);
        if watermark >= time.saturating_add(lateness) {
            return self.drop(q, row, watermark, DropReason::Late, 1);
        }
        // The next event that is not late comes after watermark − lateness and looks back from there.
        let in_reach = |time: i64| watermark == NOTHING || time > watermark - lateness + 1 - duration;
        let kept = self.queries[q].taken.iter().filter(|taken| in_reach(self.time(taken.row))).count();
        if kept >= self.limits.cells {
            return self.drop(q, row, watermark, DropReason::TooManyWindows, 0);
        }
        self.queries[q].taken.push(taken);
        let mut rows = self.queries[q].rows_of(key);
        rows.retain(|other| (time - duration + 1..=time).contains(&self.time(*other)));
        rows.sort_by_key(|row| (self.time(*row), *row));
        let (start, end) = (time - duration + 1, time + 1);
        let window = Window { id: Id::Rolling(row), key, start, end, tree: Tree::of(&rows) };
        self.give(q, &window, if time > watermark { Timing::OnTime } else { Timing::Late });
    }

    /// What an event brings about in a window that closes with the watermark.
    fn give_at_once(&mut self, q: usize, window: &Window, watermark: i64) {
        if watermark >= window.end - 1 {
            self.give(q, window, Timing::Late);
        } else if self.spec_of(q).emit == Emission::OnUpdate {
            self.give(q, window, Timing::Early);
        }
    }

    /// The windows of a query that are due at some watermark.
    fn windows_due(&self, q: usize, due: impl Fn(i64) -> bool) -> Vec<Window> {
        let query = &self.queries[q];
        let of_keys = |window: &dyn Fn(usize) -> Window| {
            (0..query.keys.len()).filter(|key| !query.rows_of(*key).is_empty()).map(window).collect()
        };
        let mut windows: Vec<Window> = match self.spec_of(q).window {
            WindowSpec::Session { gap } => {
                query.sessions.iter().map(|session| self.session_window(session, gap.0)).collect()
            }
            WindowSpec::Global => of_keys(&|key| self.window_around(Id::Global, key, &query.rows_of(key))),
            WindowSpec::Count { .. } | WindowSpec::Rolling { .. } => Vec::new(),
            fixed => {
                let of_event = |taken: &Taken| {
                    let key = taken.key;
                    let live = |end: i64| !self.is_gone(q, end, taken.watermark);
                    let windows = fixed_windows(fixed, self.time(taken.row)).into_iter();
                    windows
                        .filter(move |(_, end)| live(*end))
                        .map(move |(start, end)| (key, start, end))
                        .collect::<Vec<_>>()
                };
                let mut all: Vec<_> =
                    query.taken.iter().flat_map(of_event).filter(|(_, _, end)| due(end - 1)).collect();
                all.sort_unstable();
                all.dedup();
                all.into_iter().map(|(key, start, end)| self.fixed_window(q, key, start, end)).collect()
            }
        };
        windows.retain(|window| due(window.fires_at()));
        windows
    }

    /// Every window whose end the watermark passed, by end, query, key.
    fn fire(&mut self, before: i64, now: i64) {
        let mut due: Vec<(i64, usize, usize, Window)> = Vec::new();
        for q in 0..self.queries.len() {
            let windows = self.windows_due(q, |fires_at| before < fires_at && fires_at <= now);
            due.extend(windows.into_iter().map(|window| (window.fires_at(), q, window.key, window)));
        }
        due.sort_by_key(|(fires_at, q, key, _)| (*fires_at, *q, *key));
        // Windows of a query that fire at once are given together.
        for together in due.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let fires_at = together[0].0;
            self.tell_timers(|deadline| deadline <= now.saturating_add(1) && deadline - 1 < fires_at);
            together.iter().for_each(|(_, q, _, window)| self.give(*q, window, Timing::OnTime));
        }
        self.tell_timers(|deadline| deadline <= now.saturating_add(1));
    }

    /// Tells what is due without a point; at the end of the log what events have passed.
    fn tell_timers(&mut self, passed: impl Fn(i64) -> bool) {
        let newest = self.events.iter().map(|event| event.time).max();
        let is_known = |deadline: i64| self.row.is_some() || newest.is_some_and(|newest| deadline <= newest);
        loop {
            let order_of = |q: usize, key: &str| self.queries[q].keys.iter().position(|k| k == key).unwrap();
            let due = self.judges.due(order_of).filter(|(due, ..)| passed(*due));
            let Some(timer) = due.filter(|(due, ..)| is_known(*due)) else { return };
            let cause = self.row.map(|row| (self.events[row].partition, offset_of(self.events, row)));
            self.judges.tell(timer, cause, &mut self.facts);
        }
    }

    /// Early results of all windows that have not fired and have news.
    fn tick(&mut self, q: usize, now: i64) {
        let Emission::Every(every) = self.spec_of(q).emit else { return };
        if now == NOTHING {
            return;
        }
        let ticks = (now + 1).div_euclid(every.0);
        if self.queries[q].ticks.replace(ticks).is_none_or(|before| before == ticks) {
            return;
        }
        let mut windows = match self.spec_of(q).window {
            WindowSpec::Count { events, slide } => {
                self.unfinished_counts(q, u64::from(events), u64::from(slide))
            }
            _ => self.windows_due(q, |fires_at| fires_at > now),
        };
        windows.retain(|window| window.tree.without(&self.queries[q].covered(window)) != Tree::Nothing);
        windows.sort_by_key(|window| (window.fires_at(), window.key));
        windows.iter().for_each(|window| self.give(q, window, Timing::Early));
    }

    /// The next window to end of each key whose last event no result of any window covers.
    fn unfinished_counts(&self, q: usize, events: u64, slide: u64) -> Vec<Window> {
        let query = &self.queries[q];
        let news = |key: &usize| {
            let given = |row: usize| query.results.iter().any(|result| result.covers.contains(&row));
            query.rows_of(*key).last().is_some_and(|row| !given(*row))
        };
        let keys = (0..query.keys.len()).filter(news);
        keys.map(|key| self.count_window(q, key, events, slide)).collect()
    }

    /// Forgets the sessions that are gone.
    fn let_go(&mut self, now: i64) {
        for q in 0..self.queries.len() {
            let WindowSpec::Session { gap } = self.spec_of(q).window else { continue };
            let mut sessions = std::mem::take(&mut self.queries[q].sessions);
            sessions.retain(|session| !self.is_gone(q, self.session_window(session, gap.0).end, now));
            self.queries[q].sessions = sessions;
        }
    }

    fn give(&mut self, q: usize, window: &Window, timing: Timing) {
        let (spec, query) = (self.spec_of(q), &mut self.queries[q]);
        let covered = query.covered(window);
        let discards = spec.accumulation == Accumulation::Discarding;
        let tree = if discards { window.tree.without(&covered) } else { window.tree.clone() };
        if tree == Tree::Nothing {
            return;
        }
        let mut earlier: Vec<&mut Result> =
            query.results.iter_mut().filter(|result| window.gave(result)).collect();
        let revision = earlier.iter().map(|result| result.given.revision + 1).max().unwrap_or(0);
        if spec.accumulation == Accumulation::Retracting {
            earlier.sort_by_key(|result| result.given.start);
            for result in earlier.into_iter().filter(|result| result.stands) {
                result.stands = false;
                self.facts.push(Fact::Window(Given { timing, retraction: true, ..result.given.clone() }));
            }
        }
        let Window { id, key, start, end, .. } = *window;
        let group = Group { events: self.events, tree: &tree, length: end - start, seen: &query.seen };
        let values = spec.aggregates.iter().map(|aggregate| group.value(aggregate)).collect();
        let name = query.keys[key].clone();
        let given = Given { query: q, key: name, start, end, revision, timing, retraction: false, values };
        query.results.push(Result { id, key, covers: tree.rows(), stands: true, given: given.clone() });
        self.facts.push(Fact::Window(given.clone()));
        if timing == Timing::OnTime {
            self.judges.judge_result(self.events, &given, self.row, self.met, &mut self.facts);
        }
    }
}

/// Start and end of each window at fixed times that holds a time, by end.
fn fixed_windows(window: WindowSpec, time: i64) -> Vec<(i64, i64)> {
    let starts = |size: i64, slide: i64, offset: i64| {
        let newest = (time - offset).div_euclid(slide);
        (newest - size / slide..=newest)
            .map(move |k| k * slide + offset)
            .filter(move |start| time < start + size)
    };
    match window {
        WindowSpec::Tumbling { size, offset } => {
            starts(size.0, size.0, offset.0).map(|start| (start, start + size.0)).collect()
        }
        WindowSpec::Hopping { size, slide, offset } => {
            starts(size.0, slide.0, offset.0).map(|start| (start, start + size.0)).collect()
        }
        WindowSpec::Cumulate { size, step, offset } => {
            let period = starts(size.0, size.0, offset.0).next().unwrap();
            let ends = (1..=size.0 / step.0).map(|k| period + k * step.0);
            ends.filter(|end| time < *end).map(|end| (period, end)).collect()
        }
        _ => unreachable!("not at fixed times"),
    }
}

fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// The offset of a row in its partition.
pub(crate) fn offset_of(events: &[Event], row: usize) -> u64 {
    events[..row].iter().filter(|other| other.partition == events[row].partition).count() as u64
}
