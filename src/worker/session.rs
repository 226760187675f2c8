//! One source with its log, its pipeline and what the page has been shown of them.
//!
//! The feed appends to the log; the engine reads the log at its own row. A change of settings starts
//! the engine again at row 0, and it catches up to where it was before it goes on by the clock.
//!
//! **Invariant:** the log never holds much more than [`LOG_BYTES`]. Beyond it, rows that the engine has read
//! are let go of; when they are needed again, the feed starts over. Rows that are yet to be read stay, and
//! the file waits.

use super::feed::Feed;
use super::files::Piece;
use super::frame::{self, Rate};
use super::history::History;
use super::input::Input;
use super::memory::{self, LOG_BYTES, MEMORY_BYTES};
use super::rejected::Refused;
use crate::wire::{Command, Frame, Reading, State, Tuning};
use kappascope_core::{Log, Pipeline, Spec, SpecError};

/// Rows taken at a time: long enough for whole blocks to take the engine's fast path, short enough that
/// a slice of work ends in time.
const ROWS: usize = 16_384;

/// Rows are let go of when they are at least this part of what the log holds: the others have to move.
const WORTH_FORGETTING: u64 = 4;

/// A feed that cannot keep up with the chosen speed by more than this is not made to catch up.
const MAX_BEHIND_MS: f64 = 250.0;

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
    state: State,
    /// The next row that the engine reads.
    row: u64,
    /// Rows before this one are read at once, whatever the speed.
    catch_up_to: u64,
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
            history: History::new(&spec),
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
            memory_bytes: MEMORY_BYTES.max(memory::held()),
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
        self.feed.take(piece, &mut self.log)
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
        if memory::held() <= self.memory_bytes { Ok(()) } else { Err(full(&self.log)) }
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
            Command::Tune(tuning) => self.tune(*tuning),
            Command::Step { window } => self.step(*window),
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

    fn tune(&mut self, tuning: Tuning) {
        let mut spec = self.spec.clone();
        tuning.apply(&mut spec);
        if spec != self.spec && spec.check().is_ok() {
            self.spec = spec;
            self.restart(self.row.max(self.catch_up_to));
        }
    }

    /// Starts the engine again at the first row, to catch up to row `to` at once. What is no longer held is
    /// made or read again.
    fn restart(&mut self, to: u64) {
        if self.log.start() > 0 {
            self.rewind();
        }
        self.pipeline = Pipeline::new(&self.spec).expect("the spec was checked");
        self.history = History::new(&self.spec);
        self.row = 0;
        self.catch_up_to = to;
        self.finished = false;
    }

    /// Starts the feed again.
    fn rewind(&mut self) {
        self.log = Log::new(&self.spec.schema);
        self.feed.rewind();
        self.broken = false;
        self.reading += 1;
        self.unread = self.feed.input().is_some();
    }

    /// Reads one event, or events until a window fires.
    fn step(&mut self, window: bool) {
        if self.state == State::Running {
            self.state = State::Paused;
        }
        let windows = self.pipeline.counters().windows;
        loop {
            if self.next_arrival().is_none() {
                return self.finish_if_complete();
            }
            self.read(1);
            if !window || self.pipeline.counters().windows > windows {
                self.catch_up_to = self.row;
                return;
            }
        }
    }

    /// Works until the deadline, or until there is nothing to do.
    pub(super) fn work(&mut self, clock: impl Fn() -> f64, deadline: f64) -> Work {
        loop {
            let now = clock();
            let read = match self.catch_up() {
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
            self.feed.fill(&mut self.log, i64::MAX, rows);
        }
        self.read(rows)
    }

    /// Feeds and reads the rows that have arrived by the session's clock.
    fn advance(&mut self, now: f64) -> usize {
        let until = self.arrival_clock(now);
        self.arrived_until = until;
        if self.log.end() - self.row < ROWS as u64 && !self.broken {
            self.feed.fill(&mut self.log, until, ROWS);
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
            self.feed.fill(&mut self.log, i64::MAX, 1);
        }
        self.log.read(self.row, 1).arrival().first().copied()
    }

    /// Lets the engine read so many rows.
    fn read(&mut self, rows: usize) -> usize {
        let block = self.log.read(self.row, rows);
        let read = block.len();
        if read > 0 {
            self.pipeline.push(block);
            self.history.take(self.pipeline.changes());
            self.row += read as u64;
            self.changed = true;
        }
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
            self.history.take(self.pipeline.changes());
            self.state = State::Done;
        }
        self.finished = true;
        self.changed = true;
    }

    /// Rows that have arrived and that the engine has yet to read.
    fn lag(&self) -> usize {
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

    /// The picture of now, for a chart so many pixels wide, with the figures of its lines.
    pub(super) fn frame(&mut self, pixels: u32, now: f64) -> (Frame, Vec<f64>) {
        // A running source's rate changes even when no event comes.
        self.changed = self.state == State::Running && self.rate.per_second(now) > 0.0;
        let mut frame = frame::of_pipeline(&self.pipeline);
        frame.state = self.state;
        frame.events_per_second = self.rate.per_second(now);
        frame.progress = self.feed.progress(&self.log);
        frame.reading = self.reading_now();
        frame.held_from = self.log.start() as f64;
        frame.memory_bytes = memory::held();
        frame.lag = self.lag() as f64;
        let (refused, kept) = self.feed.refused();
        frame.rejected += refused as f64;
        frame.refused = refused as f64;
        if let Some(kept) = kept {
            frame.refused_kept = kept.count() as f64;
            frame.rejected_rows = kept.first(frame::ROWS_SHOWN);
        }
        let mut figures = Vec::new();
        self.history.draw(&self.pipeline, pixels, &mut frame, &mut figures);
        (frame, figures)
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
