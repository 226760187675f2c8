//! One source with its log, its pipeline and what the page has been shown of them.
//!
//! The feed appends to the log; the engine reads the log at its own row. A change of settings starts
//! the engine again at row 0, and it catches up to where it was before it goes on by the clock.

use super::feed::Feed;
use super::frame::{self, Rate};
use super::history::History;
use crate::wire::{Command, Frame, State, Tuning};
use kappascope_core::{Log, Pipeline, Spec, SpecError};
use kappascope_ingest::Batch;

/// Rows taken at a time: long enough for whole blocks to take the engine's fast path, short enough that
/// a slice of work ends in time.
const ROWS: usize = 16_384;

/// What the log may hold in the page. A browser gives a tab up to 4 GiB of WebAssembly memory, and
/// growing the columns needs half as much again for a moment.
pub(super) const LOG_BYTES: usize = 1 << 30;

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
    feed: Feed,
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
    pub(super) fn new(feed: Feed, now: f64) -> Result<Self, SpecError> {
        let spec = feed.spec().clone();
        Ok(Self {
            log: Log::new(&spec.schema),
            pipeline: Pipeline::new(&spec)?,
            history: History::new(&spec),
            spec,
            feed,
            state: State::Paused,
            row: 0,
            catch_up_to: 0,
            finished: false,
            broken: false,
            speed: None,
            anchor: None,
            arrived_until: i64::MAX,
            rate: Rate::new(now),
            changed: true,
        })
    }

    /// Takes the next bytes of a file; none at its end.
    pub(super) fn take(&mut self, chunk: Option<&[u8]>) -> Result<(), String> {
        self.changed = true;
        if self.log.bytes() > LOG_BYTES {
            return Err(full(&self.log));
        }
        self.feed.take(chunk, &mut self.log)
    }

    /// Takes the next rows of a file of columns; none at its end.
    pub(super) fn take_batch(&mut self, batch: Option<&Batch>) -> Result<(), String> {
        self.changed = true;
        if self.log.bytes() > LOG_BYTES {
            return Err(full(&self.log));
        }
        self.feed.take_batch(batch, &mut self.log)
    }

    /// The feed brings nothing more, and the log is not complete. What it has brought is still read.
    pub(super) fn fail(&mut self) {
        self.broken = true;
        self.changed = true;
    }

    pub(super) fn steer(&mut self, command: &Command, now: f64) {
        self.changed = true;
        match command {
            Command::Play if self.state == State::Paused => self.set_running(true, now),
            Command::Pause if self.state == State::Running => self.set_running(false, now),
            Command::Speed(speed) => {
                self.speed = *speed;
                self.anchor = None;
            }
            Command::Tune(tuning) => self.tune(*tuning),
            Command::Step { window } => self.step(*window),
            Command::Reset => {
                self.set_running(false, now);
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

    /// Starts the engine again at the first row, to catch up to row `to` at once.
    fn restart(&mut self, to: u64) {
        self.pipeline = Pipeline::new(&self.spec).expect("the spec was checked");
        self.history = History::new(&self.spec);
        self.row = 0;
        self.catch_up_to = to;
        self.finished = false;
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
            let read = if self.is_catching_up() {
                self.read(usize::try_from(self.catch_up_to - self.row).map_or(ROWS, |rows| rows.min(ROWS)))
            } else if self.state == State::Running {
                self.advance(now)
            } else {
                self.finish_if_complete();
                return Work::Nothing;
            };
            self.rate.count(read, now);
            self.finish_if_complete();
            if self.log.bytes() > LOG_BYTES && !self.broken {
                self.fail();
                return Work::Stopped(full(&self.log));
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

    /// At the end of a complete log every open window fires; that of a broken one may go on elsewhere.
    fn finish_if_complete(&mut self) {
        let over = self.broken || self.feed.is_complete(&self.log);
        if !over || self.finished || self.row < self.log.end() {
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

    /// The picture of now, for a chart so many pixels wide, with the figures of its lines.
    pub(super) fn frame(&mut self, pixels: u32, now: f64) -> (Frame, Vec<f64>) {
        // A running source's rate changes even when no event comes.
        self.changed = self.state == State::Running && self.rate.per_second(now) > 0.0;
        let mut frame = frame::of_pipeline(&self.pipeline);
        frame.state = self.state;
        frame.events_per_second = self.rate.per_second(now);
        frame.progress = self.feed.progress(&self.log);
        frame.log_bytes = self.log.bytes() as f64;
        frame.lag = self.lag() as f64;
        let (refused, first) = self.feed.rejected();
        frame.rejected += refused as f64;
        frame.rejected_rows = first.iter().take(frame::ROWS_SHOWN).cloned().collect();
        let mut figures = Vec::new();
        self.history.draw(&self.pipeline, pixels, &mut frame, &mut figures);
        (frame, figures)
    }
}

fn full(log: &Log) -> String {
    format!(
        "The log is at the page's limit of {} MiB after {} events, and stops there. The binary reads files of any size.",
        LOG_BYTES >> 20,
        log.end()
    )
}
