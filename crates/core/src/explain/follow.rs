//! Follows the windows of one key over the log, to tell of those with the bounds that were asked for.
//!
//! **Invariant:** what is told of a window is what the definition of its kind says of rows that were not
//! refused; that the engine folded just these is held by the tests.

use super::run::{ALL_TIMES, Arrival, Key, Look, Run};
use super::session::Sessions;
use super::story::{Member, Refused, WindowState, WindowStory};
use super::{Given, WindowTarget};
use crate::change::{DropReason, Timing, WindowResult};
use crate::pipeline::Pipeline;
use crate::spec::{Accumulation, QuerySpec, WindowSpec};
use crate::watermark::END_OF_TIME;
use crate::window::Grid;
use std::collections::VecDeque;
use std::ops::Range;

/// Which events of its window a result covers.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cover {
    /// Those of these rows and times.
    Between { rows: (u64, u64), times: (i64, i64) },
    /// These rows, ascending.
    Listed(Vec<u64>),
}

impl Cover {
    pub(super) fn has(&self, event: &Member) -> bool {
        match self {
            Self::Between { rows, times } => {
                (rows.0..=rows.1).contains(&event.row) && (times.0..=times.1).contains(&event.time)
            }
            Self::Listed(rows) => rows.binary_search(&event.row).is_ok(),
        }
    }
}

/// The windows of a key, followed.
pub(super) struct Follow<'q> {
    query: &'q QuerySpec,
    target: &'q WindowTarget,
    kind: Kind,
    /// What there is to tell of windows that are over, or of the only one.
    told: Told,
    refused: Vec<Refused>,
    state: WindowState,
    /// Whether a result leaves out what earlier ones covered.
    discards: bool,
    /// Where the run began.
    from: u64,
    /// Results so far.
    given: u64,
    /// Whether a first look has found a result with the bounds.
    found: bool,
}

enum Kind {
    /// One window, of known bounds.
    Fixed,
    Global,
    Sessions(Sessions<Told>),
    /// The last events of the key, and the window that ends next.
    Counted {
        events: u64,
        slide: u64,
        recent: VecDeque<Member>,
        next: Option<(u64, Told)>,
    },
}

/// Events and results of a window.
#[derive(Default)]
struct Told {
    events: Vec<Member>,
    /// Rows that no result covers yet, where results discard.
    uncovered: Vec<u64>,
    /// With their numbers.
    results: Vec<(u64, Given, Cover)>,
    /// Whether a result has the bounds that were asked for.
    asked: bool,
    /// Whether it may hold events of before the run.
    misses: bool,
}

impl<'q> Follow<'q> {
    /// None when the query can have no window of these bounds.
    pub(super) fn new(
        query: &'q QuerySpec,
        target: &'q WindowTarget,
        key: Option<u32>,
        run: &Run<'_>,
    ) -> Option<Self> {
        let windows = run.pipeline.windows(target.query);
        let mut told = Told::default();
        let kind = match query.window {
            WindowSpec::Global => {
                told.misses = key.is_some_and(|key| windows.events_of(key) > 0);
                Kind::Global
            }
            WindowSpec::Session { gap } => {
                let held = key.map_or_else(Vec::new, |key| windows.held_sessions(key));
                let unseen = |_, _| Told { misses: true, ..Told::default() };
                Kind::Sessions(Sessions::new(gap.0, query.lateness.0, &held, unseen))
            }
            WindowSpec::Count { events, slide } => Kind::Counted {
                events: u64::from(events),
                slide: u64::from(slide),
                recent: VecDeque::new(),
                next: None,
            },
            window => {
                told.misses = run.pipeline.newest_time() >= target.start;
                is_window(window, target).then_some(Kind::Fixed)?
            }
        };
        let (refused, state) = (Vec::new(), WindowState::Open);
        let discards = query.accumulation == Accumulation::Discarding;
        let from = run.row;
        Some(Self { query, target, kind, told, refused, state, discards, from, given: 0, found: false })
    }

    /// The first row that can matter.
    pub(super) fn first_row(&self, run: &Run<'_>) -> u64 {
        if self.told.misses || !matches!(self.kind, Kind::Fixed) {
            return run.row;
        }
        let left = usize::try_from(run.until - run.row).unwrap_or(usize::MAX);
        let times = run.log.read(run.row, left).time();
        let at = times.iter().position(|time| self.holds(*time)).unwrap_or(times.len());
        run.row + at as u64
    }

    /// Of which times rows can matter.
    pub(super) fn times(&self) -> Range<i64> {
        match self.kind {
            Kind::Fixed => self.target.start..self.target.end,
            Kind::Global | Kind::Sessions(_) | Kind::Counted { .. } => ALL_TIMES,
        }
    }

    fn holds(&self, time: i64) -> bool {
        (self.target.start..self.target.end).contains(&time)
    }

    fn is_asked(&self, start: i64, end: i64) -> bool {
        (start, end) == (self.target.start, self.target.end)
    }

    fn is_gone(&self, end: i64, watermark: i64) -> bool {
        watermark >= end - 1 + self.query.lateness.0
    }

    fn state_of(&self, end: i64, watermark: i64) -> WindowState {
        match watermark {
            now if self.is_gone(end, now) => WindowState::Gone,
            now if now >= end - 1 => WindowState::Fired,
            _ => WindowState::Open,
        }
    }

    /// Whether a block has results that matter, and none will come later.
    pub(super) fn look(&mut self, key: &mut Key<'_>, pipeline: &Pipeline) -> Look {
        let mut closely = false;
        for result in key.results(pipeline) {
            self.found |= self.is_asked(result.start, result.end);
            closely |= self.concerns(result);
        }
        let enough = match &self.kind {
            Kind::Fixed => self.is_gone(self.target.end, pipeline.watermark()),
            Kind::Sessions(_) => {
                let held = key.id(pipeline).map(|id| pipeline.windows(self.target.query).held_sessions(id));
                let holds_start = |(first, last): &(i64, i64)| (*first..=*last).contains(&self.target.start);
                self.found && !held.is_some_and(|held| held.iter().any(holds_start))
            }
            Kind::Global | Kind::Counted { .. } => false,
        };
        Look { closely, enough }
    }

    /// Whether a result may be of a window that is asked for: the bounds of one window only grow.
    fn concerns(&self, result: &WindowResult) -> bool {
        let WindowTarget { start, end, .. } = *self.target;
        match self.kind {
            Kind::Fixed => self.is_asked(result.start, result.end),
            Kind::Counted { .. } => {
                (result.start <= start && end <= result.end) || (start <= result.start && result.end <= end)
            }
            Kind::Sessions(_) | Kind::Global => true,
        }
    }

    /// An event of the key that `where` lets through.
    pub(super) fn meet(&mut self, arrival: Arrival) {
        let Arrival { row, time, watermark, dropped } = arrival;
        let missed = matches!(self.kind, Kind::Fixed) && self.is_gone(self.target.end, watermark);
        let reason = dropped.or(missed.then_some(DropReason::LateForSome));
        if let Some(reason) = reason {
            if self.holds(time) {
                self.refused.push(Refused { row, time, watermark, reason });
            }
            return;
        }
        let event = Member { row, time };
        match &mut self.kind {
            Kind::Fixed | Kind::Global => self.told.take(event, self.discards),
            Kind::Sessions(sessions) => {
                let gone = sessions.let_go(watermark);
                sessions.meet(time, Told::join).take(event, self.discards);
                gone.into_iter().for_each(|session| self.finish(session.known, WindowState::Gone));
            }
            Kind::Counted { events, recent, .. } => {
                recent.push_back(event);
                if recent.len() as u64 > *events {
                    recent.pop_front();
                }
            }
        }
    }

    /// Keeps what there is to tell of a window that is over.
    fn finish(&mut self, told: Told, state: WindowState) {
        if told.asked {
            self.told.join(told);
            self.state = state;
        }
    }

    /// A result of the key, which has taken so many events.
    pub(super) fn give(&mut self, given: Given, taken: u64) {
        self.given += 1;
        let asked = self.is_asked(given.start, given.end);
        let discards = self.discards;
        let rows = (0, given.row.unwrap_or(u64::MAX));
        let number = self.given;
        match &mut self.kind {
            Kind::Fixed if !asked => {}
            Kind::Fixed | Kind::Global => {
                let times = (i64::MIN, i64::MAX);
                self.told.give(number, given, Cover::Between { rows, times }, discards, asked);
            }
            Kind::Sessions(sessions) => {
                let times = (given.start, given.end - 1);
                if let Some(session) = sessions.of_result(given.start, given.end) {
                    session.known.give(number, given, Cover::Between { rows, times }, discards, asked);
                }
            }
            Kind::Counted { .. } => self.give_counted(given, taken, asked),
        }
    }

    fn give_counted(&mut self, given: Given, taken: u64, asked: bool) {
        let Kind::Counted { events, slide, recent, next } = &mut self.kind else { return };
        let window = taken.div_ceil(*slide);
        let (mut told, over) = match next.take() {
            Some((number, told)) if number == window => (told, None),
            over => (Told::default(), over),
        };
        let held = (taken - (window * *slide).saturating_sub(*events)) as usize;
        told.misses |= recent.len() < held;
        let members = recent.range(recent.len().saturating_sub(held)..);
        let first = members.clone().next().map_or(0, |member| member.row);
        let covered = told.results.last().and_then(|(_, given, _)| given.row);
        let from = match covered.filter(|_| self.discards) {
            Some(row) => first.max(row + 1),
            None => first,
        };
        let rows = (from, given.row.unwrap_or(u64::MAX));
        told.give(self.given, given, Cover::Between { rows, times: (i64::MIN, i64::MAX) }, false, asked);
        if told.asked {
            let newest = told.events.last().map(|event| event.row);
            told.events.extend(members.filter(|member| Some(member.row) > newest));
        }
        *next = Some((window, told));
        over.into_iter().for_each(|(_, over)| self.finish(over, WindowState::Gone));
    }

    /// What there is to tell at the end of the run; none when there is no such window.
    pub(super) fn end(mut self, watermark: i64) -> Option<WindowStory> {
        let asked = match &mut self.kind {
            Kind::Fixed => {
                self.state = self.state_of(self.target.end, watermark);
                self.told.asked || !self.told.events.is_empty() || !self.refused.is_empty()
            }
            Kind::Global => {
                self.state = if watermark == END_OF_TIME { WindowState::Gone } else { WindowState::Open };
                self.told.asked
            }
            Kind::Sessions(_) => {
                self.finish_sessions(watermark);
                self.told.asked
            }
            Kind::Counted { next, .. } => {
                let last = next.take().map(|(_, told)| told).unwrap_or_default();
                let is_early = last.results.last().is_some_and(|(_, given, _)| given.timing == Timing::Early);
                let is_open = is_early && watermark != END_OF_TIME;
                self.finish(last, if is_open { WindowState::Open } else { WindowState::Gone });
                self.told.asked
            }
        };
        asked.then(|| self.story())
    }

    fn finish_sessions(&mut self, watermark: i64) {
        let Kind::Sessions(sessions) = std::mem::replace(&mut self.kind, Kind::Global) else { return };
        for session in sessions.into_held() {
            let state = self.state_of(session.end, watermark);
            self.finish(session.known, state);
        }
    }

    fn story(self) -> WindowStory {
        let Told { mut events, mut results, misses, .. } = self.told;
        // Counted windows of one story may share events.
        events.sort_unstable_by_key(|event| event.row);
        events.dedup();
        results.sort_unstable_by_key(|(number, ..)| *number);
        let (results, covers) = results.into_iter().map(|(_, given, cover)| (given, cover)).unzip();
        WindowStory {
            target: self.target.clone(),
            events,
            refused: self.refused,
            results,
            state: self.state,
            missing: 0..if misses { self.from } else { 0 },
            covers,
        }
    }
}

impl Told {
    fn take(&mut self, event: Member, discards: bool) {
        self.events.push(event);
        self.uncovered.extend(discards.then_some(event.row));
    }

    fn give(&mut self, number: u64, given: Given, cover: Cover, discards: bool, asked: bool) {
        self.asked |= asked;
        let id = |given: &Given| (given.start, given.end, given.revision);
        let cover = if given.retraction {
            let original =
                |(_, earlier, _): &&(u64, Given, Cover)| !earlier.retraction && id(earlier) == id(&given);
            // One that was given before the run began has nothing to show.
            let original = self.results.iter().rev().find(original);
            original.map_or_else(|| Cover::Listed(Vec::new()), |(_, _, cover)| cover.clone())
        } else if discards {
            Cover::Listed(std::mem::take(&mut self.uncovered))
        } else {
            cover
        };
        self.results.push((number, given, cover));
    }

    /// Makes one window of two.
    fn join(&mut self, other: Self) {
        self.events.extend(other.events);
        self.uncovered.extend(other.uncovered);
        self.uncovered.sort_unstable();
        self.results.extend(other.results);
        self.results.sort_unstable_by_key(|(number, ..)| *number);
        self.asked |= other.asked;
        self.misses |= other.misses;
    }
}

/// Whether windows of known bounds can have these.
fn is_window(window: WindowSpec, target: &WindowTarget) -> bool {
    let WindowTarget { start, end, .. } = *target;
    if !is_time(start) || !is_time(end) {
        return false;
    }
    match (window, Grid::new(window)) {
        (WindowSpec::Rolling { duration }, _) => end - start == duration.0,
        (_, Some(grid)) => grid.start(end) == start && grid.ends(start).any(|known| known == end),
        _ => false,
    }
}

/// Bounds of windows lie well within 64 bits; what a caller asks for may not.
fn is_time(time: i64) -> bool {
    time.unsigned_abs() < i64::MAX.unsigned_abs() / 4
}
