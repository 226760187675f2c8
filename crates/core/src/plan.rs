//! The aggregates of one query, resolved: what to fold, from which columns, and what to read from it.
//!
//! Aggregates that need the same thing share it: `sum(v)`, `avg(v)` and `max(v)` are one [`Part`], and
//! what nobody asked for is not folded.

use crate::aggregate::{Aggregate, Function};
use crate::change::{Shape, TopEntry};
use crate::digest;
use crate::key::KeySpace;
use crate::log::Block;
use crate::spec::Schema;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// One thing that is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Sum, extremes or both of a measure.
    Moments {
        measure: usize,
        sum: bool,
        range: bool,
    },
    Spread {
        measure: usize,
    },
    First {
        measure: usize,
    },
    Last {
        measure: usize,
    },
    Quantiles {
        measure: usize,
    },
    /// Different values of a measure.
    DistinctNumbers {
        measure: usize,
    },
    /// Different strings of a subject.
    DistinctStrings {
        subject: usize,
    },
    Top {
        subject: usize,
    },
}

/// One value of a result, and the part that it is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Count,
    Rate,
    Sum(usize),
    Min(usize),
    Max(usize),
    Avg(usize),
    Variance(usize),
    Stddev(usize),
    First(usize),
    Last(usize),
    Quantile(usize, u16),
    Distinct(usize),
    Top(usize, u16),
}

impl Output {
    pub(crate) fn shape(self) -> Shape {
        match self {
            Self::Count | Self::Distinct(_) => Shape::Count,
            Self::Top(..) => Shape::Top,
            _ => Shape::Real,
        }
    }
}

/// What one query folds and reads.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Each once; the moments of the first measure come first.
    pub(crate) parts: Vec<Part>,
    pub(crate) outputs: Vec<Output>,
    /// Key columns whose strings are counted.
    pub(crate) subjects: Vec<usize>,
}

impl Plan {
    /// Of aggregates that the spec's check has passed.
    pub(crate) fn new(aggregates: &[Aggregate], schema: &Schema) -> Self {
        let mut plan = Self { parts: Vec::new(), outputs: Vec::new(), subjects: Vec::new() };
        plan.add_moments(aggregates, schema);
        for aggregate in aggregates {
            let output = plan.output(aggregate, schema);
            plan.outputs.push(output);
        }
        plan
    }

    fn add_moments(&mut self, aggregates: &[Aggregate], schema: &Schema) {
        for (measure, name) in schema.measures.iter().enumerate() {
            let asked = |wanted: &[Function]| {
                let of_measure = aggregates.iter().filter(|aggregate| aggregate.column() == Some(name));
                of_measure.into_iter().any(
                    |aggregate| matches!(aggregate, Aggregate::Of(function, _) if wanted.contains(function)),
                )
            };
            let (sum, range) =
                (asked(&[Function::Sum, Function::Avg]), asked(&[Function::Min, Function::Max]));
            if sum || range {
                self.parts.push(Part::Moments { measure, sum, range });
            }
        }
    }

    fn output(&mut self, aggregate: &Aggregate, schema: &Schema) -> Output {
        let (function, column) = match aggregate {
            Aggregate::Count => return Output::Count,
            Aggregate::Rate => return Output::Rate,
            Aggregate::Of(function, column) => (*function, column),
        };
        if let Some(key) = schema.keys.iter().position(|name| name == column) {
            let subject = self.subject(key);
            return match function {
                Function::Top(k) => Output::Top(self.part(Part::Top { subject }), k),
                _ => Output::Distinct(self.part(Part::DistinctStrings { subject })),
            };
        }
        let measure = schema.measures.iter().position(|name| name == column).expect("the spec was checked");
        match function {
            Function::Sum => Output::Sum(self.moments(measure)),
            Function::Min => Output::Min(self.moments(measure)),
            Function::Max => Output::Max(self.moments(measure)),
            Function::Avg => Output::Avg(self.moments(measure)),
            Function::Variance => Output::Variance(self.part(Part::Spread { measure })),
            Function::Stddev => Output::Stddev(self.part(Part::Spread { measure })),
            Function::First => Output::First(self.part(Part::First { measure })),
            Function::Last => Output::Last(self.part(Part::Last { measure })),
            Function::Quantile(q) => Output::Quantile(self.part(Part::Quantiles { measure }), q),
            Function::Distinct => Output::Distinct(self.part(Part::DistinctNumbers { measure })),
            Function::Top(_) => unreachable!("the spec's check takes `top` of key columns only"),
        }
    }

    fn moments(&self, of: usize) -> usize {
        let found = self
            .parts
            .iter()
            .position(|part| matches!(part, Part::Moments { measure, .. } if *measure == of));
        found.expect("the moments of all measures were added first")
    }

    fn part(&mut self, part: Part) -> usize {
        self.parts.iter().position(|known| *known == part).unwrap_or_else(|| {
            self.parts.push(part);
            self.parts.len() - 1
        })
    }

    fn subject(&mut self, column: usize) -> usize {
        self.subjects.iter().position(|known| *known == column).unwrap_or_else(|| {
            self.subjects.push(column);
            self.subjects.len() - 1
        })
    }
}

/// The strings of the key columns that a query counts, numbered for this query.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Subject {
    strings: KeySpace,
    /// Scratch: the numbers of the rows at hand.
    #[serde(skip)]
    ids: Vec<u32>,
}

impl Subject {
    pub(crate) fn new(column: usize) -> Self {
        // The log holds every string already, under the bound of whoever reads it.
        Self { strings: KeySpace::new(vec![column], u32::MAX), ids: Vec::new() }
    }

    /// Numbers the strings of the rows at hand.
    pub(crate) fn read(&mut self, block: &Block<'_>, rows: Option<&[u32]>) {
        self.strings.of(block, rows, &mut self.ids);
    }

    pub(crate) fn reindex(&mut self) {
        self.strings.reindex();
    }

    pub(crate) fn entry(&self, id: u32, count: u64, error: u64) -> TopEntry {
        TopEntry { value: self.strings.names(id).next().unwrap_or_default().to_owned(), count, error }
    }
}

/// The events that one query takes from a block, in columns.
pub(crate) struct Source<'a> {
    block: &'a Block<'a>,
    /// Which rows of the block; all when `None`.
    rows: Option<&'a [u32]>,
    subjects: &'a [Subject],
    events: Range<usize>,
}

impl<'a> Source<'a> {
    /// These rows, which the subjects have read.
    pub(crate) fn new(block: &'a Block<'a>, rows: Option<&'a [u32]>, subjects: &'a [Subject]) -> Self {
        let events = 0..rows.map_or(block.len(), <[u32]>::len);
        Self { block, rows, subjects, events }
    }

    /// Some of its events.
    pub(crate) fn slice(&self, events: Range<usize>) -> Self {
        let from = self.events.start;
        Self { events: from + events.start..from + events.end, ..*self }
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    /// The row of the block behind an event.
    pub(crate) fn row(&self, event: usize) -> u32 {
        let event = self.events.start + event;
        self.rows.map_or(event as u32, |rows| rows[event])
    }

    pub(crate) fn time(&self, event: usize) -> i64 {
        self.block.time()[self.row(event) as usize]
    }

    /// Event times, gathered into `scratch` if they do not lie side by side.
    pub(crate) fn times<'s>(&'s self, scratch: &'s mut Vec<i64>) -> &'s [i64] {
        self.gather(self.block.time(), scratch)
    }

    /// The values of a measure, likewise.
    pub(crate) fn values<'s>(&'s self, measure: usize, scratch: &'s mut Vec<f64>) -> &'s [f64] {
        self.gather(self.block.measure(measure), scratch)
    }

    /// The numbers of a subject's strings.
    pub(crate) fn ids(&self, subject: usize) -> &[u32] {
        &self.subjects[subject].ids[self.events.clone()]
    }

    /// The hash of a subject's string.
    pub(crate) fn hash(&self, subject: usize, id: u32) -> u64 {
        self.subjects[subject].strings.hash(id)
    }

    /// One event as words, one a part of the plan, to be folded later.
    pub(crate) fn words(&self, plan: &Plan, event: usize, words: &mut Vec<u64>) {
        let value = |measure: usize| self.block.measure(measure)[self.row(event) as usize];
        words.extend(plan.parts.iter().map(|part| match *part {
            Part::DistinctStrings { subject } => self.hash(subject, self.ids(subject)[event]),
            Part::Top { subject } => u64::from(self.ids(subject)[event]),
            Part::DistinctNumbers { measure } => hash_of_number(value(measure)),
            Part::Moments { measure, .. }
            | Part::Spread { measure }
            | Part::First { measure }
            | Part::Last { measure }
            | Part::Quantiles { measure } => value(measure).to_bits(),
        }));
    }

    fn gather<'s, T: Copy>(&self, column: &'s [T], scratch: &'s mut Vec<T>) -> &'s [T] {
        let Some(rows) = self.rows else { return &column[self.events.clone()] };
        scratch.clear();
        scratch.extend(rows[self.events.clone()].iter().map(|&row| column[row as usize]));
        scratch
    }
}

/// A number's hash; both zeros are one number.
pub(crate) fn hash_of_number(value: f64) -> u64 {
    digest::of_words(&[(value + 0.0).to_bits()])
}
