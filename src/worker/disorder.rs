//! The newest events one by one: how far each lay behind the newest of its partition, which watermark it
//! met, and what became of it.
//!
//! ```text
//!   rows   ───────── in blocks ─────────►│◄── the last so many: event by event where it matters ──►│
//! ```
//!
//! An event in front of the watermark it meets cannot have missed a window; such events are taken together.
//! One behind it is taken alone, and the pipeline says what it did.
//!
//! **Invariant:** the dots are those of successive rows, and reading closely changes no result: a run does
//! not depend on how the log is cut.

use super::history::History;
use crate::wire::{self, Fate, Watch};
use kappascope_core::watermark::{NOTHING, Stop, Watermark};
use kappascope_core::{Block, Change, DropReason, Pipeline, Timing};
use std::collections::VecDeque;

/// Most events that are remembered one by one: with 48 bytes each, half a megabyte a frame.
pub(super) const DOTS_KEPT: usize = 10_000;

#[derive(Clone, Copy)]
struct Dot {
    arrival: i64,
    time: i64,
    delay: i64,
    fate: Fate,
    partition: u32,
    watermark: i64,
}

/// The newest events.
#[derive(Default)]
pub(super) struct Disorder {
    dots: VecDeque<Dot>,
    /// One past the row of the newest dot.
    end: u64,
}

impl Disorder {
    /// Forgets all dots.
    pub(super) fn clear(&mut self) {
        self.dots.clear();
    }

    /// Lets the pipeline take a block of the log that begins at a row, and remembers its events, the last
    /// `most` of all.
    pub(super) fn read(
        &mut self,
        block: &Block<'_>,
        row: u64,
        most: usize,
        pipeline: &mut Pipeline,
        history: &mut History,
    ) {
        if self.end != row {
            self.clear();
        }
        let query = history.query();
        let mut clock = pipeline.clock().clone();
        let mut taken = 0;
        for at in 0..block.len() {
            let event = block.slice(at..at + 1);
            let mut dot = meet(&event, &clock);
            if dot.time <= dot.watermark {
                take(&block.slice(taken..at), pipeline, history);
                take(&event, pipeline, history);
                taken = at + 1;
                dot.fate = fate(pipeline, query, dot.fate);
            }
            clock.advance(&event, &Stop::NOWHERE);
            self.dots.push_back(dot);
        }
        take(&block.slice(taken..block.len()), pipeline, history);
        self.dots.drain(..self.dots.len().saturating_sub(most));
        self.end = row + block.len() as u64;
    }

    /// Puts the last dots into a frame, at most so many.
    pub(super) fn draw(&self, most: u32, figures: &mut Vec<f64>) -> wire::Disorder {
        let count = self.dots.len().min(most as usize);
        let first = figures.len() as u32;
        for dot in self.dots.iter().skip(self.dots.len() - count) {
            let watermark = if dot.watermark == NOTHING { f64::NEG_INFINITY } else { dot.watermark as f64 };
            let (arrival, time, delay) = (dot.arrival as f64, dot.time as f64, dot.delay as f64);
            figures.extend([
                arrival,
                time,
                delay,
                f64::from(dot.fate as u8),
                f64::from(dot.partition),
                watermark,
            ]);
        }
        wire::Disorder { first_row: (self.end - count as u64) as f64, dots: first, count: count as u32 }
    }
}

/// An event as it meets the watermark; its fate if no window was closed to it.
fn meet(event: &Block<'_>, clock: &Watermark) -> Dot {
    let (time, arrival) = (event.time()[0], event.arrival()[0]);
    let partition = event.partition().map_or(0, |partition| partition[0]);
    let delay = match clock.newest_time_of(partition) {
        NOTHING => 0,
        newest => (newest - time).max(0),
    };
    let fate = if delay == 0 { Fate::InOrder } else { Fate::Reordered };
    Dot { arrival, time, delay, fate, partition, watermark: clock.now() }
}

fn take(block: &Block<'_>, pipeline: &mut Pipeline, history: &mut History) {
    if !block.is_empty() {
        pipeline.push(block.clone());
        history.take(pipeline);
    }
}

/// What became of the one event that the pipeline took last.
fn fate(pipeline: &Pipeline, query: u32, otherwise: Fate) -> Fate {
    let mut fate = otherwise;
    for change in pipeline.changes().iter() {
        match change {
            Change::Drop(dropped) if dropped.query == query && dropped.reason == DropReason::Late => {
                return Fate::Dropped;
            }
            Change::Window(window) if window.query == query && window.timing == Timing::Late => {
                fate = Fate::Corrected;
            }
            _ => {}
        }
    }
    fate
}

impl History {
    /// The query that is watched, or the first.
    pub(super) fn query(&self) -> u32 {
        match self.watch() {
            Watch::Aggregate { query, .. } => query,
            Watch::Points { .. } => 0,
        }
    }
}
