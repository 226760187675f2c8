//! Cells: what is known of one window (or pane, or session) and key. They lie in columns, one a part of
//! the query's plan, and a slot is an index into all of them.
//!
//! ```text
//!   slot             0     1     2     3
//!   count, moments   3     1     0     7      count with sum, min, max of the first measure: one cache line
//!   quantiles        ·     ·     ·     ·      one sketch a slot
//! ```
//!
//! **Invariant:** a slot that is not in use holds the identity, so taking one costs nothing.

use crate::accumulate::Accumulator;
use crate::accumulate::distinct::Distinct;
use crate::accumulate::edge::{First, Last};
use crate::accumulate::quantile::Quantiles;
use crate::accumulate::spread::Spread;
use crate::accumulate::top::Top;
use crate::change::TopEntry;
use crate::digest;
use crate::plan::{Output, Part, Plan, Source, hash_of_number};
use serde::{Deserialize, Serialize};

/// Sum of one measure.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sum {
    sum: f64,
}

/// Extremes of one measure.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Range {
    min: f64,
    max: f64,
}

/// Sum and extremes of one measure.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Moments {
    sum: Sum,
    range: Range,
}

/// Nothing but a number of events.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Nothing;

impl Default for Range {
    fn default() -> Self {
        Self { min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Accumulator for Sum {
    type Input = f64;
    #[inline]
    fn fold(&mut self, value: f64) {
        self.sum += value;
    }
    fn merge(&mut self, later: &Self) {
        self.sum += later.sum;
    }
}

impl Accumulator for Range {
    type Input = f64;
    #[inline]
    fn fold(&mut self, value: f64) {
        // Selections, not `f64::min`: of 0.0 and −0.0 the first seen stays, on every target.
        self.min = if value < self.min { value } else { self.min };
        self.max = if value > self.max { value } else { self.max };
    }
    fn merge(&mut self, later: &Self) {
        self.min = if later.min < self.min { later.min } else { self.min };
        self.max = if later.max > self.max { later.max } else { self.max };
    }
}

impl Accumulator for Moments {
    type Input = f64;
    #[inline]
    fn fold(&mut self, value: f64) {
        self.sum.fold(value);
        self.range.fold(value);
    }
    fn merge(&mut self, later: &Self) {
        self.sum.merge(&later.sum);
        self.range.merge(&later.range);
    }
}

impl Accumulator for Nothing {
    type Input = f64;
    #[inline]
    fn fold(&mut self, _: f64) {}
    fn merge(&mut self, _: &Self) {}
}

/// An accumulator with the number of its events.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Counted<A> {
    count: u64,
    of: A,
}

/// The counts, side by side with the moments of the first measure.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Lead {
    Count(Vec<Counted<Nothing>>),
    Sum(Vec<Counted<Sum>>),
    Range(Vec<Counted<Range>>),
    Moments(Vec<Counted<Moments>>),
}

/// One further part.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Column {
    Sum(Vec<Sum>),
    Range(Vec<Range>),
    Moments(Vec<Moments>),
    Spread(Vec<Spread>),
    First(Vec<First>),
    Last(Vec<Last>),
    Quantiles(Vec<Quantiles>),
    Distinct(Vec<Distinct>),
    Top(Vec<Top>),
}

macro_rules! each_lead {
    ($lead:expr, $cells:ident => $body:expr) => {
        match $lead {
            Lead::Count($cells) => $body,
            Lead::Sum($cells) => $body,
            Lead::Range($cells) => $body,
            Lead::Moments($cells) => $body,
        }
    };
}

macro_rules! each_column {
    ($column:expr, $cells:ident => $body:expr) => {
        match $column {
            Column::Sum($cells) => $body,
            Column::Range($cells) => $body,
            Column::Moments($cells) => $body,
            Column::Spread($cells) => $body,
            Column::First($cells) => $body,
            Column::Last($cells) => $body,
            Column::Quantiles($cells) => $body,
            Column::Distinct($cells) => $body,
            Column::Top($cells) => $body,
        }
    };
}

/// The cells of one query. See the [module](self).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Cells {
    lead: Lead,
    columns: Vec<Column>,
    #[serde(skip)]
    values: Vec<f64>,
    #[serde(skip)]
    times: Vec<i64>,
}

impl Cells {
    pub(crate) fn new(plan: &Plan) -> Self {
        let (lead, rest) = match plan.parts.split_first() {
            Some((&Part::Moments { sum, range, .. }, rest)) => (Lead::new(sum, range), rest),
            _ => (Lead::Count(Vec::new()), &plan.parts[..]),
        };
        let columns = rest.iter().map(|part| Column::new(*part)).collect();
        Self { lead, columns, values: Vec::new(), times: Vec::new() }
    }

    /// Number of slots.
    pub(crate) fn len(&self) -> usize {
        each_lead!(&self.lead, cells => cells.len())
    }

    /// Bytes of one slot, without what sketches hold beside it.
    pub(crate) fn bytes_of_slot(&self) -> usize {
        let lead = each_lead!(&self.lead, cells => size_of_item(cells));
        lead + self
            .columns
            .iter()
            .map(|column| each_column!(column, cells => size_of_item(cells)))
            .sum::<usize>()
    }

    /// Makes slots up to `len`.
    pub(crate) fn grow(&mut self, len: usize) {
        each_lead!(&mut self.lead, cells => cells.resize_with(len, Default::default));
        for column in &mut self.columns {
            each_column!(column, cells => cells.resize_with(len, Default::default));
        }
    }

    /// Number of events of a slot.
    pub(crate) fn count(&self, slot: u32) -> u64 {
        each_lead!(&self.lead, cells => cells[slot as usize].count)
    }

    /// Makes slots the identity again.
    pub(crate) fn reset(&mut self, slots: impl Iterator<Item = u32> + Clone) {
        each_lead!(&mut self.lead, cells => slots.clone().for_each(|slot| cells[slot as usize] = Default::default()));
        for column in &mut self.columns {
            each_column!(column, cells => slots.clone().for_each(|slot| cells[slot as usize] = Default::default()));
        }
    }

    /// Merges what is in a slot of other cells of the same plan, which comes later, into a slot.
    pub(crate) fn merge(&mut self, slot: u32, other: &Self, from: u32) {
        let (to, from) = (slot as usize, from as usize);
        match (&mut self.lead, &other.lead) {
            (Lead::Count(cells), Lead::Count(other)) => cells[to].merge(&other[from]),
            (Lead::Sum(cells), Lead::Sum(other)) => cells[to].merge(&other[from]),
            (Lead::Range(cells), Lead::Range(other)) => cells[to].merge(&other[from]),
            (Lead::Moments(cells), Lead::Moments(other)) => cells[to].merge(&other[from]),
            _ => unreachable!("cells of one plan"),
        }
        for (column, other) in self.columns.iter_mut().zip(&other.columns) {
            match (column, other) {
                (Column::Sum(cells), Column::Sum(other)) => cells[to].merge(&other[from]),
                (Column::Range(cells), Column::Range(other)) => cells[to].merge(&other[from]),
                (Column::Moments(cells), Column::Moments(other)) => cells[to].merge(&other[from]),
                (Column::Spread(cells), Column::Spread(other)) => cells[to].merge(&other[from]),
                (Column::First(cells), Column::First(other)) => cells[to].merge(&other[from]),
                (Column::Last(cells), Column::Last(other)) => cells[to].merge(&other[from]),
                (Column::Quantiles(cells), Column::Quantiles(other)) => cells[to].merge(&other[from]),
                (Column::Distinct(cells), Column::Distinct(other)) => cells[to].merge(&other[from]),
                (Column::Top(cells), Column::Top(other)) => cells[to].merge(&other[from]),
                _ => unreachable!("cells of one plan"),
            }
        }
    }

    /// Merges a slot that comes later into another of these, and makes it the identity.
    pub(crate) fn merge_within(&mut self, slot: u32, later: u32) {
        let (to, from) = (slot as usize, later as usize);
        each_lead!(&mut self.lead, cells => {
            let taken = std::mem::take(&mut cells[from]);
            cells[to].merge(&taken);
        });
        for column in &mut self.columns {
            each_column!(column, cells => {
                let taken = std::mem::take(&mut cells[from]);
                cells[to].merge(&taken);
            });
        }
    }

    /// Folds events, in the order of the log, into the slot of each.
    pub(crate) fn fold(&mut self, plan: &Plan, slots: &[u32], source: &Source<'_>) {
        let Self { lead, columns, values, times } = self;
        let lead_part = plan.parts.len() - columns.len();
        match plan.parts[..lead_part] {
            [Part::Moments { measure, .. }] => lead.fold(slots, source.values(measure, values)),
            _ => lead.count(slots),
        }
        for (column, part) in columns.iter_mut().zip(&plan.parts[lead_part..]) {
            column.fold(*part, slots, source, values, times);
        }
    }

    /// Folds one event that was kept as words, one a part of the plan.
    pub(crate) fn fold_words(&mut self, slot: u32, time: i64, words: &[u64]) {
        let lead_part = words.len() - self.columns.len();
        let value = words[..lead_part].first().map_or(0.0, |word| f64::from_bits(*word));
        each_lead!(&mut self.lead, cells => {
            let cell = &mut cells[slot as usize];
            cell.count += 1;
            cell.of.fold(value);
        });
        for (column, word) in self.columns.iter_mut().zip(&words[lead_part..]) {
            column.fold_word(slot as usize, time, *word);
        }
    }

    /// Appends the values of slots whose windows are so many milliseconds long.
    pub(crate) fn read(
        &self,
        plan: &Plan,
        slots: &[u32],
        length: i64,
        names: &dyn Fn(usize, u32, u64, u64) -> TopEntry,
        values: &mut Vec<u64>,
        tops: &mut Vec<Vec<TopEntry>>,
    ) {
        let (first, width) = (values.len(), plan.outputs.len());
        values.resize(first + width * slots.len(), 0);
        for (o, output) in plan.outputs.iter().enumerate() {
            let out =
                values[first..].iter_mut().skip(o).step_by(width).zip(slots.iter().map(|&s| s as usize));
            self.read_output(plan, *output, length, out, names, tops);
        }
    }

    fn read_output<'v>(
        &self,
        plan: &Plan,
        output: Output,
        length: i64,
        out: impl Iterator<Item = (&'v mut u64, usize)>,
        names: &dyn Fn(usize, u32, u64, u64) -> TopEntry,
        tops: &mut Vec<Vec<TopEntry>>,
    ) {
        let count = |slot: usize| self.count(slot as u32);
        let rate = |count: u64| count as f64 * 1000.0 / length as f64;
        match output {
            Output::Count => out.for_each(|(value, slot)| *value = count(slot)),
            Output::Rate => out.for_each(|(value, slot)| *value = digest::bits(rate(count(slot)))),
            Output::Sum(p) => self.moments(plan, p, out, |m, _| m.sum.sum),
            Output::Avg(p) => self.moments(plan, p, out, |m, count| m.sum.sum / count as f64),
            Output::Min(p) => self.moments(plan, p, out, |m, _| m.range.min),
            Output::Max(p) => self.moments(plan, p, out, |m, _| m.range.max),
            _ => self.read_sketch(plan, output, out, names, tops),
        }
    }

    /// Reads from whichever form the moments of a part have.
    fn moments<'v>(
        &self,
        plan: &Plan,
        part: usize,
        out: impl Iterator<Item = (&'v mut u64, usize)>,
        read: impl Fn(&Moments, u64) -> f64,
    ) {
        let some = |sum: Sum, range: Range, count: u64| digest::bits(read(&Moments { sum, range }, count));
        let (none, count) = (Moments::default(), |slot: usize| self.count(slot as u32));
        match (self.column(plan, part), &self.lead) {
            (None, Lead::Count(_)) => unreachable!("moments have a column"),
            (None, Lead::Sum(cells)) => {
                out.for_each(|(value, s)| *value = some(cells[s].of, none.range, cells[s].count));
            }
            (None, Lead::Range(cells)) => {
                out.for_each(|(value, s)| *value = some(none.sum, cells[s].of, cells[s].count));
            }
            (None, Lead::Moments(cells)) => {
                out.for_each(|(value, s)| *value = digest::bits(read(&cells[s].of, cells[s].count)));
            }
            (Some(Column::Sum(cells)), _) => {
                out.for_each(|(value, s)| *value = some(cells[s], none.range, count(s)));
            }
            (Some(Column::Range(cells)), _) => {
                out.for_each(|(value, s)| *value = some(none.sum, cells[s], count(s)));
            }
            (Some(Column::Moments(cells)), _) => {
                out.for_each(|(value, s)| *value = digest::bits(read(&cells[s], count(s))));
            }
            _ => unreachable!("the column of moments"),
        }
    }

    fn read_sketch<'v>(
        &self,
        plan: &Plan,
        output: Output,
        out: impl Iterator<Item = (&'v mut u64, usize)>,
        names: &dyn Fn(usize, u32, u64, u64) -> TopEntry,
        tops: &mut Vec<Vec<TopEntry>>,
    ) {
        let bits = digest::bits;
        let part = match output {
            Output::Variance(p) | Output::Stddev(p) | Output::First(p) | Output::Last(p) => p,
            Output::Quantile(p, _) | Output::Distinct(p) | Output::Top(p, _) => p,
            _ => unreachable!("read from the moments"),
        };
        match (output, self.column(plan, part)) {
            (Output::Variance(_), Some(Column::Spread(cells))) => {
                out.for_each(|(value, s)| *value = bits(cells[s].variance()));
            }
            (Output::Stddev(_), Some(Column::Spread(cells))) => {
                out.for_each(|(value, s)| *value = bits(cells[s].stddev()));
            }
            (Output::First(_), Some(Column::First(cells))) => {
                out.for_each(|(value, s)| *value = bits(cells[s].value()));
            }
            (Output::Last(_), Some(Column::Last(cells))) => {
                out.for_each(|(value, s)| *value = bits(cells[s].value()));
            }
            (Output::Quantile(_, hundredths), Some(Column::Quantiles(cells))) => {
                let q = f64::from(hundredths) / 10_000.0;
                out.for_each(|(value, s)| *value = bits(cells[s].quantile(q)));
            }
            (Output::Distinct(_), Some(Column::Distinct(cells))) => {
                out.for_each(|(value, s)| *value = cells[s].estimate());
            }
            (Output::Top(_, k), Some(Column::Top(cells))) => out.for_each(|(value, s)| {
                let Part::Top { subject } = plan.parts[part] else { unreachable!("a part of its own") };
                *value = tops.len() as u64;
                let top = cells[s].top(usize::from(k));
                tops.push(
                    top.iter().map(|entry| names(subject, entry.id, entry.count, entry.error)).collect(),
                );
            }),
            _ => unreachable!("a column of another part"),
        }
    }

    /// The column of a part; `None` for the one that lies with the counts.
    fn column(&self, plan: &Plan, part: usize) -> Option<&Column> {
        (part + self.columns.len()).checked_sub(plan.parts.len()).map(|at| &self.columns[at])
    }
}

impl<A: Accumulator> Counted<A> {
    fn merge(&mut self, later: &Self) {
        self.count += later.count;
        self.of.merge(&later.of);
    }
}

impl Lead {
    fn new(sum: bool, range: bool) -> Self {
        match (sum, range) {
            (true, true) => Self::Moments(Vec::new()),
            (true, false) => Self::Sum(Vec::new()),
            (false, true) => Self::Range(Vec::new()),
            (false, false) => Self::Count(Vec::new()),
        }
    }

    fn fold(&mut self, slots: &[u32], values: &[f64]) {
        each_lead!(self, cells => {
            for (&slot, &value) in slots.iter().zip(values) {
                let cell = &mut cells[slot as usize];
                cell.count += 1;
                cell.of.fold(value);
            }
        });
    }

    fn count(&mut self, slots: &[u32]) {
        each_lead!(self, cells => slots.iter().for_each(|&slot| cells[slot as usize].count += 1));
    }
}

impl Column {
    fn new(part: Part) -> Self {
        match part {
            Part::Moments { sum: true, range: false, .. } => Self::Sum(Vec::new()),
            Part::Moments { sum: false, range: true, .. } => Self::Range(Vec::new()),
            Part::Moments { .. } => Self::Moments(Vec::new()),
            Part::Spread { .. } => Self::Spread(Vec::new()),
            Part::First { .. } => Self::First(Vec::new()),
            Part::Last { .. } => Self::Last(Vec::new()),
            Part::Quantiles { .. } => Self::Quantiles(Vec::new()),
            Part::DistinctNumbers { .. } | Part::DistinctStrings { .. } => Self::Distinct(Vec::new()),
            Part::Top { .. } => Self::Top(Vec::new()),
        }
    }

    fn fold(
        &mut self,
        part: Part,
        slots: &[u32],
        source: &Source<'_>,
        values: &mut Vec<f64>,
        times: &mut Vec<i64>,
    ) {
        match (self, part) {
            (Self::Sum(cells), Part::Moments { measure, .. }) => {
                fold_all(cells, slots, source.values(measure, values).iter().copied());
            }
            (Self::Range(cells), Part::Moments { measure, .. }) => {
                fold_all(cells, slots, source.values(measure, values).iter().copied());
            }
            (Self::Moments(cells), Part::Moments { measure, .. }) => {
                fold_all(cells, slots, source.values(measure, values).iter().copied());
            }
            (Self::Spread(cells), Part::Spread { measure }) => {
                fold_all(cells, slots, source.values(measure, values).iter().copied());
            }
            (Self::Quantiles(cells), Part::Quantiles { measure }) => {
                fold_all(cells, slots, source.values(measure, values).iter().copied());
            }
            (Self::First(cells), Part::First { measure }) => {
                let values = source.values(measure, values).iter().copied();
                fold_all(cells, slots, source.times(times).iter().copied().zip(values));
            }
            (Self::Last(cells), Part::Last { measure }) => {
                let values = source.values(measure, values).iter().copied();
                fold_all(cells, slots, source.times(times).iter().copied().zip(values));
            }
            (Self::Distinct(cells), Part::DistinctNumbers { measure }) => {
                fold_all(cells, slots, source.values(measure, values).iter().map(|&v| hash_of_number(v)));
            }
            (Self::Distinct(cells), Part::DistinctStrings { subject }) => {
                fold_all(cells, slots, source.ids(subject).iter().map(|&id| source.hash(subject, id)));
            }
            (Self::Top(cells), Part::Top { subject }) => {
                fold_all(cells, slots, source.ids(subject).iter().copied());
            }
            _ => unreachable!("a column of another part"),
        }
    }

    fn fold_word(&mut self, slot: usize, time: i64, word: u64) {
        let value = f64::from_bits(word);
        match self {
            Self::Sum(cells) => cells[slot].fold(value),
            Self::Range(cells) => cells[slot].fold(value),
            Self::Moments(cells) => cells[slot].fold(value),
            Self::Spread(cells) => cells[slot].fold(value),
            Self::Quantiles(cells) => cells[slot].fold(value),
            Self::First(cells) => cells[slot].fold((time, value)),
            Self::Last(cells) => cells[slot].fold((time, value)),
            Self::Distinct(cells) => cells[slot].fold(word),
            Self::Top(cells) => cells[slot].fold(word as u32),
        }
    }
}

fn fold_all<A: Accumulator>(cells: &mut [A], slots: &[u32], inputs: impl Iterator<Item = A::Input>) {
    for (&slot, input) in slots.iter().zip(inputs) {
        cells[slot as usize].fold(input);
    }
}

fn size_of_item<T>(_: &[T]) -> usize {
    size_of::<T>()
}
