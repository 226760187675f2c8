//! Running again: in blocks where nothing of interest happens, event by event where something does.
//!
//! **Invariant:** both runs push the same rows in the same order as the run that is explained, so they
//! give what it gave, however they are cut.

use super::{Figure, Given, Judged};
use crate::change::{Change, Changes, DropReason, Score, Transition, WindowResult};
use crate::filter::Filter;
use crate::log::{Block, Log};
use crate::pipeline::Pipeline;
use crate::spec::{DetectorKind, DetectorSpec, Series, Spec, SpecError};
use crate::watermark::{Stop, Watermark};
use std::ops::Range;

/// Rows of a block: few enough that going over one event by event takes a millisecond, and enough that
/// the cost of a push does not show.
pub(super) const BLOCK: usize = 1_024;

/// No time is as late as the last of all.
pub(super) const ALL_TIMES: Range<i64> = i64::MIN..i64::MAX;

/// A pipeline on its way over the log again.
#[derive(Clone)]
pub(super) struct Run<'a> {
    pub(super) log: &'a Log,
    pub(super) pipeline: Pipeline,
    /// The next row to take.
    pub(super) row: u64,
    pub(super) until: u64,
    /// Whether the log ends there.
    pub(super) finished: bool,
    /// Rows of a block.
    pub(super) block: usize,
}

/// Rows that were just taken, one after the other if anything of interest came of them.
pub(super) struct Piece<'r> {
    pub(super) first: u64,
    /// Empty at the end of the log.
    pub(super) block: Block<'r>,
    /// With their changes.
    pub(super) pipeline: &'r Pipeline,
}

impl Piece<'_> {
    /// The row that brought the changes about, of a piece of one row.
    pub(super) fn row(&self) -> Option<u64> {
        (!self.block.is_empty()).then_some(self.first)
    }
}

/// What a first look at the changes of a block says.
#[derive(Clone, Copy)]
pub(super) struct Look {
    /// Something of interest happened.
    pub(super) closely: bool,
    /// Nothing that comes later matters.
    pub(super) enough: bool,
}

impl<'a> Run<'a> {
    /// Takes the next rows, or ends the log; `None` when all is done.
    pub(super) fn step(&mut self, rows: usize) -> Option<Block<'a>> {
        let left = usize::try_from(self.until - self.row).unwrap_or(usize::MAX);
        let block = self.log.read(self.row, rows.min(left));
        if !block.is_empty() {
            self.row += block.len() as u64;
            self.pipeline.push(block.clone());
        } else if std::mem::take(&mut self.finished) {
            self.pipeline.finish();
        } else {
            return None;
        }
        Some(block)
    }

    /// Goes on to a row and leaves it to be taken next.
    pub(super) fn skip_to(&mut self, row: u64) {
        while self.row < row {
            let rows = usize::try_from(row - self.row).unwrap_or(usize::MAX);
            self.step(rows.min(self.block));
        }
    }

    /// In which of the blocks from here on something of interest happens, up to where it is enough.
    pub(super) fn survey(mut self, mut look: impl FnMut(&Pipeline) -> Look) -> Vec<bool> {
        let mut marks = Vec::new();
        while self.step(self.block).is_some() {
            let Look { closely, enough } = look(&self.pipeline);
            marks.push(closely);
            if enough {
                break;
            }
        }
        marks
    }

    /// Shows all rows from here on, up to where a survey went: marked blocks row by row.
    pub(super) fn show(&mut self, marks: &[bool], visit: &mut impl FnMut(&Piece<'_>)) {
        for &closely in marks {
            let end = self.until.min(self.row + self.block as u64);
            let rows = if closely { 1 } else { self.block };
            loop {
                let first = self.row;
                let Some(block) = self.step(rows) else { return };
                visit(&Piece { first, block, pipeline: &self.pipeline });
                if self.row == end {
                    break;
                }
            }
        }
    }

    /// Shows the rows after those of a survey, in blocks.
    pub(super) fn show_rest(&mut self, visit: &mut impl FnMut(&Piece<'_>)) {
        loop {
            let first = self.row;
            let Some(block) = self.step(self.block) else { return };
            visit(&Piece { first, block, pipeline: &self.pipeline });
        }
    }
}

/// A key by its strings, whatever its number.
pub(super) struct Key<'k> {
    pub(super) query: u32,
    names: &'k [String],
    id: Option<u32>,
    /// Keys that are known not to be it.
    others: u32,
}

impl<'k> Key<'k> {
    pub(super) fn new(query: u32, names: &'k [String]) -> Self {
        Self { query, names, id: None, others: 0 }
    }

    /// Its number, once the pipeline has met it.
    pub(super) fn id(&mut self, pipeline: &Pipeline) -> Option<u32> {
        let met = pipeline.key_count(self.query) as u32;
        while self.id.is_none() && self.others < met {
            let is_it = pipeline.key_names(self.query, self.others).eq(self.names);
            self.id = is_it.then_some(self.others);
            self.others += 1;
        }
        self.id
    }

    /// The results of the key among what just changed.
    pub(super) fn results<'p>(&mut self, pipeline: &'p Pipeline) -> impl Iterator<Item = &'p WindowResult> {
        let (query, id) = (self.query, self.id(pipeline));
        pipeline.changes().iter().filter_map(move |change| match change {
            Change::Window(result) => (result.query == query && Some(result.key) == id).then_some(result),
            _ => None,
        })
    }
}

/// Finds the rows of one key that a query's `where` lets through.
pub(super) struct KeyRows {
    query: u32,
    filter: Option<Filter>,
    /// Key columns and the ids to find in them; none when the log has no such string.
    columns: Option<Vec<(usize, u32)>>,
    times: Range<i64>,
    clock: Watermark,
    passed: Vec<u32>,
}

/// A row of the key, as the query met it.
#[derive(Clone, Copy)]
pub(super) struct Arrival {
    pub(super) row: u64,
    pub(super) time: i64,
    /// The watermark that it met.
    pub(super) watermark: i64,
    /// Why it counts nowhere.
    pub(super) dropped: Option<DropReason>,
}

impl KeyRows {
    /// Of the pieces from here on, those of these times.
    pub(super) fn new(
        spec: &Spec,
        query: u32,
        key: &[String],
        times: Range<i64>,
        from: &Run<'_>,
    ) -> Result<Self, SpecError> {
        let all = from.log.read(from.log.start(), 0);
        let columns = spec.key_columns(&spec.query[query as usize].by);
        let ids = columns.zip(key).map(|(column, name)| Some((column, all.dictionary(column).id(name)?)));
        Ok(Self {
            query,
            filter: spec.filter(query as usize)?,
            columns: ids.collect(),
            times,
            clock: from.pipeline.clock().clone(),
            passed: Vec::new(),
        })
    }

    /// The key's rows of the next piece, in order.
    pub(super) fn each(&mut self, piece: &Piece<'_>, mut take: impl FnMut(Arrival)) {
        let block = &piece.block;
        self.pass(block);
        let drops = piece.pipeline.changes().iter().filter_map(|change| match change {
            Change::Drop(drop) if drop.query == self.query => Some(drop),
            _ => None,
        });
        let mut drops = drops.filter(|drop| drop.reason != DropReason::LateForSome).peekable();
        let mut done = 0;
        for &at in &self.passed {
            let at = at as usize;
            self.clock.advance(&block.slice(done..at), &Stop::NOWHERE);
            done = at;
            let partition = block.partition().map_or(0, |partition| partition[at]);
            while drops.next_if(|drop| drop.offset < self.clock.next_offset(drop.partition)).is_some() {}
            let offset = self.clock.next_offset(partition);
            let its = drops.peek().filter(|drop| (drop.partition, drop.offset) == (partition, offset));
            take(Arrival {
                row: piece.first + at as u64,
                time: block.time()[at],
                watermark: self.clock.now(),
                dropped: its.map(|drop| drop.reason),
            });
        }
        self.clock.advance(&block.slice(done..block.len()), &Stop::NOWHERE);
    }

    /// Sets `passed` to the rows of the key that pass.
    fn pass(&mut self, block: &Block<'_>) {
        self.passed.clear();
        let Some(columns) = &self.columns else { return };
        let (times, within) = (block.time(), &self.times);
        let is_of_key = |row: &u32| {
            let at = *row as usize;
            within.contains(&times[at]) && columns.iter().all(|&(column, id)| block.key(column)[at] == id)
        };
        match &mut self.filter {
            None => self.passed.extend((0..block.len() as u32).filter(is_of_key)),
            Some(filter) => {
                filter.select(block, &mut self.passed);
                self.passed.retain(is_of_key);
            }
        }
    }
}

/// The query whose results a detector reads; none when it reads the events.
pub(super) fn query_of(spec: &Spec, detector: &DetectorSpec) -> Option<(u32, usize)> {
    match spec.series(&detector.on)? {
        Series::Aggregate { query, aggregate } => Some((query as u32, aggregate)),
        Series::Measure(_) => None,
    }
}

impl Given {
    fn new(row: Option<u64>, result: &WindowResult, changes: &Changes) -> Self {
        let WindowResult { start, end, revision, timing, retraction, .. } = *result;
        let values = changes.values_of(result).map(Figure::from).collect();
        Self { row, start, end, revision, timing, retraction, values, points: Vec::new() }
    }
}

/// Results of a query and key that a piece of one row, or the end of the log, brought, with what
/// detectors and rules made of them.
pub(super) fn given(spec: &Spec, query: u32, key: u32, piece: &Piece<'_>) -> Vec<Given> {
    let changes = piece.pipeline.changes();
    let mut all: Vec<Given> = Vec::new();
    // Whether what comes next may belong to the last of them, and whether the last score did.
    let (mut is_of_key, mut judged) = (false, false);
    for change in changes.iter() {
        match change {
            Change::Window(result) => {
                is_of_key = (result.query, result.key) == (query, key);
                if is_of_key {
                    all.push(Given::new(piece.row(), result, changes));
                }
            }
            Change::Score(score) => {
                let of = query_of(spec, &spec.detector[score.detector as usize]);
                judged = is_of_key && of.is_some() && !is_silence(spec, score);
                let points = all.last_mut().filter(|_| judged).map(|given| &mut given.points);
                points.into_iter().for_each(|points| points.push(Judged::of(score)));
            }
            Change::Alert(alert) => {
                let point = all.last_mut().filter(|_| judged).and_then(|given| given.points.last_mut());
                add_alert(point, alert, piece);
            }
            Change::Drop(_) => {}
        }
    }
    all
}

/// Points of the detectors that read events, of a piece of one row.
pub(super) fn points_of_event(spec: &Spec, piece: &Piece<'_>) -> Vec<Judged> {
    let mut points: Vec<Judged> = Vec::new();
    let mut judged = false;
    for change in piece.pipeline.changes().iter() {
        match change {
            Change::Score(score) => {
                let of = query_of(spec, &spec.detector[score.detector as usize]);
                judged = of.is_none() && !is_silence(spec, score);
                points.extend(judged.then(|| Judged::of(score)));
            }
            Change::Alert(alert) => {
                add_alert(points.last_mut().filter(|_| judged), alert, piece);
            }
            Change::Window(_) | Change::Drop(_) => {}
        }
    }
    points
}

/// Notes an alert that a point moved.
fn add_alert(point: Option<&mut Judged>, alert: &Transition, piece: &Piece<'_>) {
    let moved = |point: &&mut Judged| {
        let its = (point.score.detector, point.score.key);
        !alert.absent && piece.pipeline.detector_of_rule(alert.rule) == Some(its.0) && alert.key == its.1
    };
    point.filter(moved).into_iter().for_each(|point| point.alerts.push(alert.clone()));
}

/// Silences that were told with a piece of one row: no event and no result fed them.
pub(super) fn silences(spec: &Spec, piece: &Piece<'_>) -> Vec<Judged> {
    let mut silences: Vec<Judged> = Vec::new();
    let mut told = false;
    for change in piece.pipeline.changes().iter() {
        match change {
            Change::Score(score) => {
                told = is_silence(spec, score);
                silences.extend(told.then(|| Judged::of(score)));
            }
            Change::Alert(alert) => {
                add_alert(silences.last_mut().filter(|_| told), alert, piece);
            }
            Change::Window(_) | Change::Drop(_) => {}
        }
    }
    silences
}

/// Whether a score is of a deadline that passed, and not of a point that came.
fn is_silence(spec: &Spec, score: &Score) -> bool {
    score.anomaly && matches!(spec.detector[score.detector as usize].kind, DetectorKind::Absence(_))
}

impl Judged {
    pub(super) fn of(score: &Score) -> Self {
        Self { score: score.clone(), alerts: Vec::new() }
    }
}
