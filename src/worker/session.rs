//! One source with its log, its pipeline and what the page has been shown of them.
//!
//! The feed appends to the log; the engine reads the log at its own row. A change of settings starts
//! the engine again at row 0, and it catches up to where it was before it goes on by the clock.
//!
//! **Invariant:** the log never holds much more than [`LOG_BYTES`]. Beyond it, rows that the engine has read
//! are let go of; when they are needed again, the feed starts over. Rows that are yet to be read stay, and
//! the file waits.

use super::answer::{Run, row_of};
use super::disorder::{DOTS_KEPT, Disorder};
use super::distribution::Distribution;
use super::feed::Feed;
use super::files::Piece;
use super::frame::{self, Rate};
use super::history::History;
use super::input::Input;
use super::kept::{self, Kept, NEAR};
use super::lag::Lag;
use super::memory::{LOG_BYTES, MEMORY_BYTES};
use super::rejected::Refused;
use super::sink::Sink;
use crate::js::memory_bytes;
use crate::wire::{Command, Frame, Reading, State, To, View, Watch};
use kappascope_core::time::TIME_RANGE;
use kappascope_core::{AlertState, Cause, Change, DropReason, Log, Pipeline, Spec, SpecError, Transition};
use std::collections::BTreeMap;
use std::ops::Range;

/// Rows taken at a time: long enough for whole blocks to take the engine's fast path, short enough that
/// a slice of work ends in time.
const ROWS: usize = 16_384;

/// Rows are let go of when they are at least this part of what the log holds: the others have to move.
const WORTH_FORGETTING: u64 = 4;

/// A feed that cannot keep up with the chosen speed by more than this is not made to catch up.
const MAX_BEHIND_MS: f64 = 250.0;

/// By how much steps become smaller where a place is looked for: with four times ever smaller steps any row
/// of [`ROWS`] is found.
const STEPS_SMALLER: usize = 12;

/// Most events that a person may give another time.
const MOST_MOVED: usize = 1_000;

/// What is left to do.
pub(super) enum Work {
    /// More at once. It is awaited after a change of settings.
    More { awaited: bool },
    /// More when time has passed.
    Later,
    /// Nothing until a command or more of a file comes.
    Nothing,
    /// The source cannot go on; why.
    Stopped(String),
}

pub(super) struct Session {
    feed: Box<dyn Feed>,
    log: Log,
    spec: Spec,
    pipeline: Pipeline,
    history: History,
    disorder: Disorder,
    lag: Lag,
    distribution: Option<Distribution>,
    kept: Kept,
    /// What the page looks at.
    view: View,
    state: State,
    /// The next row that the engine reads.
    row: u64,
    /// Rows before this one are read at once, whatever the speed.
    catch_up_to: u64,
    /// What is being looked for.
    seeking: Option<To>,
    /// Events that were given another time.
    moved: BTreeMap<u64, i64>,
    sink: Option<Sink>,
    finished: bool,
    /// Whether the feed ended before its end.
    broken: bool,
    /// Once the log has so many rows, the file waits until it is played on.
    stop_at: Option<u64>,
    /// How often the file has been read from its start; whoever reads it for an earlier time stops.
    reading: u32,
    /// Whether the file has to be read from its start.
    unread: bool,
    /// What the worker may hold: more than the budget only if it held more before.
    memory_bytes: f64,
    /// Seconds of arrival time in a second; `None` is as fast as it goes.
    speed: Option<f64>,
    /// Arrival time and wall clock that belong together.
    anchor: Option<(i64, f64)>,
    /// What has arrived by now.
    arrived_until: i64,
    rate: Rate,
    changed: bool,
}

impl Session {
    pub(super) fn new(feed: Box<dyn Feed>, now: f64) -> Result<Self, SpecError> {
        let spec = feed.spec().clone();
        Ok(Self {
            log: Log::new(&spec.schema),
            pipeline: Pipeline::new(&spec)?,
            history: History::new(&spec, Watch::first_of(&spec)),
            disorder: Disorder::default(),
            lag: Lag::new(spec.schema.partitions),
            distribution: spec.schema.measures.first().map(|measure| Distribution::new(measure)),
            kept: Kept::new(),
            view: View::default(),
            seeking: None,
            moved: BTreeMap::new(),
            sink: None,
            spec,
            unread: feed.input().is_some(),
            feed,
            state: State::Paused,
            row: 0,
            catch_up_to: 0,
            finished: false,
            broken: false,
            stop_at: None,
            reading: 0,
            memory_bytes: MEMORY_BYTES.max(memory_bytes()),
            speed: None,
            anchor: None,
            arrived_until: i64::MAX,
            rate: Rate::new(now),
            changed: true,
        })
    }

    /// The file that is to be read from its start now, the number of that reading, and the columns to read.
    pub(super) fn take_unread(&mut self) -> Option<(u32, Input, Vec<usize>)> {
        if !std::mem::take(&mut self.unread) {
            return None;
        }
        Some((self.reading, self.feed.input()?.clone(), self.feed.wanted().to_vec()))
    }

    /// Whether so many readings of the file have been begun.
    pub(super) fn is_reading(&self, reading: u32) -> bool {
        self.reading == reading
    }

    /// Takes the next piece of a file; none at its end.
    pub(super) fn take(&mut self, piece: Option<&Piece>) -> Result<(), String> {
        self.changed = true;
        self.check_memory()?;
        let from = self.log.end();
        self.feed.take(piece, &mut self.log)?;
        self.move_from(from);
        Ok(())
    }

    /// Lets the feed append up to so many rows that have arrived by a time.
    fn fill(&mut self, until: i64, rows: usize) {
        let from = self.log.end();
        self.feed.fill(&mut self.log, until, rows);
        self.move_from(from);
    }

    /// Gives the events from a row on the times that they were moved to.
    fn move_from(&mut self, from: u64) {
        for (&row, &time) in self.moved.range(from..self.log.end()) {
            self.log.set_time(row, time);
        }
    }

    /// Gives an event another time, or its own; then the log is run again from there.
    fn move_event(&mut self, row: u64, time: Option<i64>) {
        let before = match time {
            Some(time) if TIME_RANGE.contains(&time) && self.moved.len() < MOST_MOVED => {
                self.moved.insert(row, time)
            }
            Some(_) => return,
            None => self.moved.remove(&row),
        };
        if time == before {
            return;
        }
        let to = self.row.max(self.catch_up_to);
        self.kept.forget_after(row);
        match time {
            Some(time) if row < self.log.end() && row >= self.log.start() => self.log.set_time(row, time),
            // The feed knows its own time.
            _ => self.rewind(),
        }
        self.restart_from(row, to);
    }

    /// Whether the next bytes of a file may be taken.
    pub(super) fn has_room(&mut self) -> bool {
        self.make_room();
        self.log.bytes() <= LOG_BYTES && !self.is_stopped()
    }

    /// Lets go of what the engine has read when the log is full.
    fn make_room(&mut self) {
        let (start, end) = (self.log.start(), self.log.end());
        if self.log.bytes() > LOG_BYTES && (self.row - start) * WORTH_FORGETTING >= end - start {
            self.log.forget(self.row);
        }
    }

    fn check_memory(&self) -> Result<(), String> {
        if memory_bytes() <= self.memory_bytes { Ok(()) } else { Err(full(&self.log)) }
    }

    /// Whether a person stopped the reading of the file.
    fn is_stopped(&self) -> bool {
        self.stop_at.is_some_and(|end| self.log.end() >= end)
    }

    /// The feed brings nothing more, and the log is not complete. What it has brought is still read.
    pub(super) fn fail(&mut self) {
        self.broken = true;
        self.changed = true;
    }

    pub(super) fn steer(&mut self, command: &Command, now: f64) {
        self.changed = true;
        match command {
            Command::Play if self.state == State::Paused => {
                self.stop_at = None;
                self.set_running(true, now);
            }
            Command::StopReading if self.reading_now().is_some() => self.stop_at = Some(self.log.end()),
            Command::Pause if self.state == State::Running => self.set_running(false, now),
            Command::Speed(speed) => {
                self.speed = *speed;
                self.anchor = None;
            }
            Command::Tune(spec) => self.tune(spec),
            Command::Watch(watch) => self.watch(*watch),
            Command::Move { row, time } => self.move_event(*row as u64, time.map(|time| time as i64)),
            // A sink that cannot be is none; the page checks what it offers.
            Command::Sink(spec) => self.sink = spec.as_ref().and_then(|spec| Sink::new(spec).ok()),
            Command::Go(to) => {
                self.set_running(false, now);
                self.go(*to);
            }
            Command::Reset => {
                self.set_running(false, now);
                if self.broken {
                    self.rewind();
                }
                self.restart(0);
            }
            _ => {}
        }
    }

    fn set_running(&mut self, running: bool, now: f64) {
        self.state = if running { State::Running } else { State::Paused };
        self.anchor = None;
        self.rate = Rate::new(now);
    }

    /// Runs the log again by another pipeline over the same columns.
    fn tune(&mut self, spec: &Spec) {
        if *spec == self.spec || spec.schema != self.spec.schema || spec.check().is_err() {
            return;
        }
        self.spec = spec.clone();
        let watch = self.history.watch();
        let watch = if watch.is_of(spec) { watch } else { Watch::first_of(spec) };
        self.run_again(watch);
    }

    /// Draws another series.
    fn watch(&mut self, watch: Watch) {
        if watch != self.history.watch() && watch.is_of(&self.spec) {
            self.run_again(watch);
        }
    }

    fn run_again(&mut self, watch: Watch) {
        self.history = History::new(&self.spec, watch);
        self.kept = Kept::new();
        self.restart(self.row.max(self.catch_up_to));
    }

    /// Starts the engine again, from the latest state that was kept before row `to`, to catch up to there at
    /// once. What is no longer held is made or read again.
    fn restart(&mut self, to: u64) {
        self.restart_from(to, to);
    }

    /// The same, from a state that was kept before row `from`.
    fn restart_from(&mut self, from: u64, to: u64) {
        let start = self.log.start();
        let fits = |state: &kept::State| {
            (start..=from.min(to)).contains(&state.row()) && state.row() <= self.log.end()
        };
        let kept = self.kept.latest(fits).cloned();
        match kept {
            Some(state) => (self.pipeline, self.history) = (state.pipeline, state.history),
            None => {
                if start > 0 {
                    self.rewind();
                }
                self.pipeline = Pipeline::new(&self.spec).expect("the spec was checked");
                self.history = History::new(&self.spec, self.history.watch());
            }
        }
        self.row = self.pipeline.counters().events;
        self.lag.rewind(self.row);
        self.catch_up_to = to;
        self.finished = false;
    }

    /// Goes to another place of the log, at once where it is near.
    fn go(&mut self, to: To) {
        self.seeking = None;
        match to {
            To::NextEvent => self.step(),
            To::NextWindow | To::NextLate | To::NextAlert => self.seeking = Some(to),
            To::PreviousEvent => self.go_back(self.row.saturating_sub(1)),
            // Where the log is not held from its start, what came before is not looked through.
            To::PreviousWindow if self.log.start() > 0 || self.row == 0 => {
                self.go_back(self.row.saturating_sub(1));
            }
            To::PreviousWindow => self.go_back(self.previous_window()),
            To::Row(row) if (row as u64) < self.row || self.finished => self.go_back(row as u64),
            To::Row(row) => self.catch_up_to = row as u64,
            To::Time(time) => self.go_to_time(time as i64),
        }
    }

    /// Goes behind the first event of a time or a later one; looks for it where the log does not hold it.
    fn go_to_time(&mut self, time: i64) {
        let held = (self.log.start() == 0).then(|| self.row_of_time(0..self.log.end(), time)).flatten();
        if let Some(row) = held {
            return self.go(To::Row((row + 1) as f64));
        }
        if self.finished || self.pipeline.newest_time() >= time {
            self.restart(0);
        }
        self.seeking = Some(To::Time(time as f64));
    }

    /// The first of these rows that has this time or a later one.
    fn row_of_time(&self, rows: Range<u64>, time: i64) -> Option<u64> {
        let block = self.log.read(rows.start, (rows.end - rows.start) as usize);
        Some(rows.start + block.time().iter().position(|at| *at >= time)? as u64)
    }

    /// Goes to an earlier row, reading again the events before it that are looked at one by one. States near
    /// it are kept, for the next steps back.
    fn go_back(&mut self, to: u64) {
        if to < self.row || self.finished {
            self.return_to(to);
        }
    }

    /// The same, also to the row at hand.
    fn return_to(&mut self, to: u64) {
        let dots = u64::from(self.view.dots);
        self.restart_from(to.saturating_sub(dots), to);
        if self.log.start() == 0 {
            self.read_until(to.saturating_sub(dots + NEAR));
            self.kept.set_near(&self.pipeline, &self.history);
            self.read_until(to);
        }
    }

    /// Reads what the log holds before a row.
    fn read_until(&mut self, row: u64) {
        while self.row < row.min(self.log.end()) {
            self.read(ROWS.min((row - self.row) as usize));
        }
    }

    /// Behind the event that brought the last result of a window before the newest event; the start, where
    /// there was none.
    fn previous_window(&self) -> u64 {
        let mut pipeline = self.state_where(|state| state.row() < self.row);
        self.run_while(&mut pipeline, |pipeline| pipeline.counters().events + 1 < self.row);
        let windows = pipeline.counters().windows;
        let mut pipeline = self.state_where(|state| state.pipeline.counters().windows < windows);
        self.run_while(&mut pipeline, |pipeline| pipeline.counters().windows < windows);
        pipeline.counters().events
    }

    /// The latest state that was kept and of which this holds, or that of the start.
    fn state_where(&self, fits: impl Fn(&kept::State) -> bool) -> Pipeline {
        let fresh = || Pipeline::new(&self.spec).expect("the spec was checked");
        self.kept(fits).map_or_else(fresh, |state| state.pipeline.clone())
    }

    /// Lets a pipeline read the log as long as this holds of it, to the row.
    fn run_while(&self, pipeline: &mut Pipeline, holds: impl Fn(&Pipeline) -> bool) {
        let mut rows = ROWS;
        while rows > 0 && holds(pipeline) {
            let before = pipeline.clone();
            pipeline.push(self.log.read(pipeline.counters().events, rows));
            if !holds(pipeline) && rows > 1 {
                // Too far, perhaps: again, in smaller steps.
                *pipeline = before;
                rows = rows.div_ceil(STEPS_SMALLER);
            }
        }
    }

    /// Starts the feed again.
    fn rewind(&mut self) {
        self.log = Log::new(&self.spec.schema);
        self.feed.rewind();
        self.broken = false;
        self.reading += 1;
        self.unread = self.feed.input().is_some();
    }

    /// Reads one event.
    fn step(&mut self) {
        if self.next_arrival().is_none() {
            return self.finish_if_complete();
        }
        self.read(1);
        self.catch_up_to = self.row;
    }

    /// Reads on until what is looked for has come.
    fn seek(&mut self, to: To) -> usize {
        if self.next_arrival().is_none() {
            self.seeking = None;
            self.return_to(self.row);
            self.finish_if_complete();
            return 0;
        }
        if self.log.end() - self.row < ROWS as u64 && !self.broken {
            self.fill(i64::MAX, ROWS);
        }
        let (from, before) = (self.row, self.pipeline.clone());
        // Whole: what a block changed is looked through, and the last rows are read again where it ends.
        let read = self.take_rows(ROWS, 0);
        if let Some(row) = self.found(to, from, &before) {
            self.seeking = None;
            self.return_to(row);
            self.catch_up_to = row;
        }
        read
    }

    /// Behind which row of those that were read last what is looked for has come.
    fn found(&self, to: To, from: u64, before: &Pipeline) -> Option<u64> {
        let (then, now) = (before.counters(), self.pipeline.counters());
        let behind = |event: Cause| {
            let offset = before.next_offset(event.partition);
            row_of(&self.log, from, event, offset).map(|row| row + 1)
        };
        match to {
            To::NextLate if now.late > then.late => {
                self.pipeline.changes().iter().find_map(|change| match change {
                    Change::Drop(dropped) if dropped.reason == DropReason::Late => {
                        behind(Cause { partition: dropped.partition, offset: dropped.offset })
                    }
                    _ => None,
                })
            }
            To::NextAlert if now.alerts > then.alerts => {
                self.pipeline.changes().iter().find_map(|change| match change {
                    Change::Alert(alert) if alert.state == AlertState::Firing => alert.cause.and_then(behind),
                    _ => None,
                })
            }
            To::NextWindow if now.windows > then.windows => {
                let mut pipeline = before.clone();
                (from..self.row).find_map(|row| {
                    pipeline.push(self.log.read(row, 1));
                    (pipeline.counters().windows > then.windows).then_some(row + 1)
                })
            }
            To::Time(time) => self.row_of_time(from..self.row, time as i64).map(|row| row + 1),
            _ => None,
        }
    }

    /// Works until the deadline, or until there is nothing to do.
    pub(super) fn work(&mut self, clock: impl Fn() -> f64, deadline: f64) -> Work {
        loop {
            let now = clock();
            let read = match self.catch_up() {
                0 if self.seeking.is_some() => self.seeking.map_or(0, |to| self.seek(to)),
                0 if self.state == State::Running => self.advance(now),
                0 => {
                    self.finish_if_complete();
                    return Work::Nothing;
                }
                read => read,
            };
            self.rate.count(read, now);
            self.finish_if_complete();
            self.make_room();
            if !self.broken
                && let Err(problem) = self.check_memory()
            {
                self.fail();
                return Work::Stopped(problem);
            }
            if read == 0 {
                return if self.speed.is_some() && self.state == State::Running {
                    Work::Later
                } else {
                    Work::Nothing
                };
            }
            if clock() >= deadline {
                return Work::More { awaited: self.is_catching_up() };
            }
        }
    }

    /// Reads rows that had been read before a change of settings, as far as they are there.
    fn catch_up(&mut self) -> usize {
        let left = self.catch_up_to.saturating_sub(self.row);
        let rows = usize::try_from(left).map_or(ROWS, |rows| rows.min(ROWS));
        if rows > 0 && self.row == self.log.end() && !self.broken {
            self.fill(i64::MAX, rows);
        }
        self.read(rows)
    }

    /// Feeds and reads the rows that have arrived by the session's clock.
    fn advance(&mut self, now: f64) -> usize {
        let until = self.arrival_clock(now);
        self.arrived_until = until;
        if self.log.end() - self.row < ROWS as u64 && !self.broken {
            self.fill(until, ROWS);
        }
        let block = self.log.read(self.row, ROWS);
        let arrived = block.arrival().partition_point(|&at| at <= until);
        self.read(arrived)
    }

    /// The arrival time that the session's clock shows: it runs from the row at hand, `speed` times as
    /// fast as the wall clock.
    fn arrival_clock(&mut self, now: f64) -> i64 {
        let Some(speed) = self.speed else { return i64::MAX };
        let (arrival, since) = match self.anchor {
            Some(anchor) => anchor,
            None => {
                let Some(arrival) = self.next_arrival() else { return i64::MIN };
                (arrival, now)
            }
        };
        let until = arrival + ((now - since) * speed) as i64;
        let behind = self.next_arrival().is_some_and(|next| (until - next) as f64 > MAX_BEHIND_MS * speed);
        self.anchor =
            Some(if behind { (until - (MAX_BEHIND_MS * speed) as i64, now) } else { (arrival, since) });
        until
    }

    /// When the row at hand arrives; `None` while the feed has not brought it.
    fn next_arrival(&mut self) -> Option<i64> {
        if self.row == self.log.end() && !self.broken {
            self.fill(i64::MAX, 1);
        }
        self.log.read(self.row, 1).arrival().first().copied()
    }

    /// Lets the engine read so many rows; the last of them one by one, as far as the page looks at them.
    fn read(&mut self, rows: usize) -> usize {
        self.take_rows(rows, (self.view.dots as usize).min(DOTS_KEPT))
    }

    /// The same, the last `most` one by one.
    fn take_rows(&mut self, rows: usize, most: usize) -> usize {
        let block = self.log.read(self.row, rows);
        let read = block.len();
        if read == 0 {
            return 0;
        }
        let (whole, closely) = block.split_at(read.saturating_sub(most));
        if !whole.is_empty() {
            self.pipeline.push(whole.clone());
            self.history.take(&self.pipeline);
        }
        if !closely.is_empty() {
            let row = self.row + whole.len() as u64;
            self.disorder.read(&closely, row, most, &mut self.pipeline, &mut self.history);
        }
        self.lag.note(&self.pipeline, block.arrival()[read - 1]);
        self.row += read as u64;
        self.kept.offer(&self.pipeline, &self.history);
        self.changed = true;
        read
    }

    /// At the end of a complete log every open window fires; that of a broken one may go on elsewhere. At
    /// the end of what was read before a person stopped the reading, the source pauses.
    fn finish_if_complete(&mut self) {
        let over = self.broken || self.feed.is_complete(&self.log);
        if self.finished || self.row < self.log.end() {
            return;
        }
        if !over {
            if self.is_stopped() && self.state == State::Running {
                self.state = State::Paused;
                self.changed = true;
            }
            return;
        }
        if self.broken {
            self.state = State::Failed;
        } else {
            self.pipeline.finish();
            self.history.take(&self.pipeline);
            self.state = State::Done;
        }
        self.finished = true;
        self.changed = true;
    }

    /// Rows that have arrived and that the engine has yet to read.
    fn waiting(&self) -> usize {
        let unread = self.log.read(self.row, usize::MAX);
        unread.arrival().partition_point(|&at| at <= self.arrived_until)
    }

    pub(super) fn is_catching_up(&self) -> bool {
        self.row < self.catch_up_to.min(self.log.end())
    }

    /// Whether there is something that the page has not been shown.
    pub(super) fn is_changed(&self) -> bool {
        self.changed
    }

    /// What becomes of the rest of a file; `None` when there is none.
    fn reading_now(&self) -> Option<Reading> {
        if self.feed.input().is_none() || self.broken || self.feed.is_complete(&self.log) {
            None
        } else if self.is_stopped() {
            Some(Reading::Stopped)
        } else if self.log.bytes() > LOG_BYTES {
            Some(Reading::Waiting)
        } else {
            Some(Reading::Going)
        }
    }

    /// The file that is open.
    pub(super) fn input(&self) -> Option<&Input> {
        self.feed.input()
    }

    /// The refused records that are kept, as CSV.
    pub(super) fn refused_csv(&self) -> String {
        self.feed.refused().1.map_or_else(String::new, Refused::csv)
    }

    /// What the log has given so far, for answers.
    pub(super) fn run(&self) -> Run<'_> {
        let Self { spec, log, pipeline, row, finished, .. } = self;
        Run { spec, log, pipeline, until: *row, finished: *finished && !self.broken }
    }

    /// The latest state that was kept and of which this holds.
    pub(super) fn kept(&self, fits: impl Fn(&kept::State) -> bool) -> Option<&kept::State> {
        let held = self.log.start();
        self.kept.latest(|state| state.row() >= held && state.row() <= self.row && fits(state))
    }

    /// The query that is charted, or the first.
    pub(super) fn query(&self) -> u32 {
        self.history.query()
    }

    /// Records of the source that were refused.
    pub(super) fn refused(&self) -> u64 {
        self.feed.refused().0
    }

    /// The engine's state, from which the binary can go on.
    pub(super) fn snapshot(&self) -> Result<Vec<u8>, String> {
        if self.finished {
            return Err("At the end every window is closed, and there is nothing to go on with. Go back by a step first.".to_owned());
        }
        Ok(self.pipeline.snapshot())
    }

    /// An alert that fired, by its id, with what it said.
    pub(super) fn firing(&self, id: u64) -> Option<(&Transition, Option<&str>)> {
        self.history.firing(id)
    }

    /// The number of a key whose points are drawn, by its strings in one.
    pub(super) fn key_drawn(&self, detector: u32, name: &str) -> Option<u32> {
        self.history.key_drawn(&self.pipeline, detector, name)
    }

    /// What the page looks at from now on.
    pub(super) fn look(&mut self, view: View) {
        let before = std::mem::replace(&mut self.view, view);
        let others = (before.dots == 0) != (view.dots == 0) || view.dots > before.dots;
        if others && self.state != State::Running && self.row > 0 {
            self.look_again();
        }
        self.changed |= View { pixels: 0, ..before } != View { pixels: 0, ..view };
    }

    /// Reads the last rows again, one by one. What is still to be caught up with stays.
    fn look_again(&mut self) {
        let (finished, row, goal) = (self.finished, self.row, self.catch_up_to);
        self.return_to(row);
        self.catch_up_to = goal.max(row);
        if finished {
            self.finish_if_complete();
        }
    }

    /// The picture of now, with its figures.
    pub(super) fn frame(&mut self, now: f64) -> (Frame, Vec<f64>) {
        // A running source's rate changes even when no event comes.
        self.changed = self.state == State::Running && self.rate.per_second(now) > 0.0;
        let mut frame = frame::of_pipeline(&self.pipeline);
        frame.state = self.state;
        frame.row = self.row as f64;
        frame.goal = if self.finished { self.row } else { self.row.max(self.catch_up_to) } as f64;
        frame.events_per_second = self.rate.per_second(now);
        frame.progress = self.feed.progress(&self.log);
        frame.reading = self.reading_now();
        frame.held_from = self.log.start() as f64;
        frame.memory_bytes = memory_bytes();
        frame.waiting = self.waiting() as f64;
        let (refused, kept) = self.feed.refused();
        frame.rejected += refused as f64;
        frame.refused = refused as f64;
        if let Some(kept) = kept {
            frame.refused_kept = kept.count() as f64;
            frame.rejected_rows = kept.first(frame::ROWS_SHOWN);
        }
        let mut figures = Vec::new();
        self.history.draw(&self.pipeline, &self.view, &mut frame, &mut figures);
        frame.disorder = self.disorder.draw(self.view.dots, &mut figures);
        if self.view.spread {
            self.draw_spread(&mut frame, &mut figures);
        }
        if let Some(sink) = &mut self.sink {
            sink.follow(&self.log, self.row);
            frame.sink = Some(sink.draw(&mut figures));
        }
        frame.moved = self.moved.iter().map(|(row, time)| (*row as f64, *time as f64)).collect();
        (frame, figures)
    }

    fn draw_spread(&mut self, frame: &mut Frame, figures: &mut Vec<f64>) {
        frame.lag = self.lag.draw(figures);
        if let Some(distribution) = &mut self.distribution {
            distribution.follow(&self.log, self.row);
            frame.distribution = Some(distribution.draw(figures));
        }
    }
}

fn full(log: &Log) -> String {
    format!(
        "After {} events the keys, windows and results need more than the {:.0} MiB that this page takes, and it \
         stops there. Fewer keys or larger windows need less; the binary takes what the machine has.",
        log.end(),
        MEMORY_BYTES / f64::from(1 << 20),
    )
}
