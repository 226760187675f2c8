//! Where windows give their results.

use crate::cells::Cells;
use crate::change::{Changes, Timing, TopEntry, WindowResult};
use crate::plan::{Plan, Subject};
use serde::{Deserialize, Serialize};

/// Bounds of a window, in epoch milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// The results that a window and key has given.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Given {
    /// Revision of the next result.
    pub(crate) next: u32,
    /// Those that were not taken back, where the query retracts.
    standing: Vec<Standing>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Standing {
    span: Span,
    revision: u32,
    values: Vec<u64>,
    tops: Vec<Vec<TopEntry>>,
}

impl Given {
    /// After so many results, none of which will be taken back.
    pub(crate) fn after(results: u32) -> Self {
        Self { next: results, standing: Vec::new() }
    }

    /// Joins what two parts of a window gave, the earlier one first.
    pub(crate) fn join(&mut self, later: &mut Self) {
        self.next = self.next.max(later.next);
        self.standing.append(&mut later.standing);
    }
}

/// Takes the results of one query into the tables of what changed.
pub(crate) struct Sink<'a> {
    pub(crate) query: u32,
    pub(crate) plan: &'a Plan,
    pub(crate) subjects: &'a [Subject],
    pub(crate) changes: &'a mut Changes,
    /// Row of the block that brings the results about.
    pub(crate) row: u32,
    /// The row of each result given.
    pub(crate) rows: &'a mut Vec<u32>,
    /// Whether a result takes back those before it.
    pub(crate) retracts: bool,
}

impl Sink<'_> {
    /// Gives the first results of one window: of several keys, with the slots that hold them.
    pub(crate) fn give_all(
        &mut self,
        keys_and_slots: &[(u32, u32)],
        slots: &mut Vec<u32>,
        cells: &Cells,
        span: Span,
    ) {
        slots.clear();
        slots.extend(keys_and_slots.iter().map(|(_, slot)| *slot));
        let (first, width) = (self.changes.values.len(), self.plan.outputs.len());
        self.read(cells, slots, span);
        let (query, row) = (self.query, self.row);
        self.rows.resize(self.rows.len() + slots.len(), row);
        self.changes.windows.extend(keys_and_slots.iter().enumerate().map(|(i, &(key, _))| WindowResult {
            start: span.start,
            end: span.end,
            query,
            key,
            revision: 0,
            first_value: (first + i * width) as u32,
            timing: Timing::OnTime,
            retraction: false,
        }));
    }

    /// Gives the next result of one window and key.
    pub(crate) fn give(
        &mut self,
        given: &mut Given,
        key: u32,
        slot: u32,
        cells: &Cells,
        span: Span,
        timing: Timing,
    ) {
        for standing in given.standing.drain(..) {
            self.retract(standing, key, timing);
        }
        let first_value = self.changes.values.len();
        let first_top = self.changes.tops.len();
        self.read(cells, &[slot], span);
        if self.retracts {
            given.standing.push(Standing {
                span,
                revision: given.next,
                values: self.changes.values[first_value..].to_vec(),
                tops: self.changes.tops[first_top..].to_vec(),
            });
        }
        self.push(key, span, given.next, first_value, timing, false);
        given.next += 1;
    }

    fn retract(&mut self, standing: Standing, key: u32, timing: Timing) {
        let first_value = self.changes.values.len();
        let mut top = self.changes.tops.len() as u64;
        self.changes.values.extend_from_slice(&standing.values);
        for (value, output) in self.changes.values[first_value..].iter_mut().zip(&self.plan.outputs) {
            if output.shape() == crate::change::Shape::Top {
                *value = top;
                top += 1;
            }
        }
        self.changes.tops.extend(standing.tops);
        self.push(key, standing.span, standing.revision, first_value, timing, true);
    }

    fn push(
        &mut self,
        key: u32,
        span: Span,
        revision: u32,
        first_value: usize,
        timing: Timing,
        retraction: bool,
    ) {
        self.rows.push(self.row);
        self.changes.windows.push(WindowResult {
            start: span.start,
            end: span.end,
            query: self.query,
            key,
            revision,
            first_value: first_value as u32,
            timing,
            retraction,
        });
    }

    fn read(&mut self, cells: &Cells, slots: &[u32], span: Span) {
        let subjects = self.subjects;
        let name = |subject: usize, id, count, error| subjects[subject].entry(id, count, error);
        let Changes { values, tops, .. } = &mut *self.changes;
        cells.read(self.plan, slots, span.end - span.start, &name, values, tops);
    }
}
