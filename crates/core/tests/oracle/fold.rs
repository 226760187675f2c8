//! Aggregates by their definitions, over lists of events.
//!
//! Sums and variances depend on the order of additions, which is part of the contract. It is kept as a
//! [`Tree`] of what was folded and merged, and every value is computed from the whole tree anew.

use crate::cases::Event;
use crate::facts::Cell;
use kappascope_core::aggregate::{Aggregate, Function};
use std::collections::BTreeSet;

/// The order in which events, by their rows, were folded and merged.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    Nothing,
    Fold(Box<Tree>, usize),
    Merge(Box<Tree>, Box<Tree>),
}

impl Tree {
    pub(crate) fn of(rows: &[usize]) -> Self {
        rows.iter().fold(Self::Nothing, |tree, row| tree.fold(*row))
    }

    pub(crate) fn fold(self, row: usize) -> Self {
        Self::Fold(Box::new(self), row)
    }

    pub(crate) fn merge(self, later: Self) -> Self {
        Self::Merge(Box::new(self), Box::new(later))
    }

    /// Rows from left to right.
    pub(crate) fn rows(&self) -> Vec<usize> {
        self.eval(&Vec::new, &|rows, row| [rows, vec![row]].concat(), &|left, right| [left, right].concat())
    }

    /// What is left without some of the rows.
    pub(crate) fn without(&self, rows: &BTreeSet<usize>) -> Self {
        self.eval(
            &|| Self::Nothing,
            &|tree, row| if rows.contains(&row) { tree } else { tree.fold(row) },
            &|left, right| match (left, right) {
                (Self::Nothing, one) | (one, Self::Nothing) => one,
                (left, right) => left.merge(right),
            },
        )
    }

    fn eval<T>(&self, nothing: &dyn Fn() -> T, fold: &dyn Fn(T, usize) -> T, merge: &dyn Fn(T, T) -> T) -> T {
        match self {
            Self::Nothing => nothing(),
            Self::Fold(tree, row) => fold(tree.eval(nothing, fold, merge), *row),
            Self::Merge(left, right) => {
                merge(left.eval(nothing, fold, merge), right.eval(nothing, fold, merge))
            }
        }
    }
}

/// The events of one result.
pub(crate) struct Group<'a> {
    pub(crate) events: &'a [Event],
    pub(crate) tree: &'a Tree,
    /// End − start of the window.
    pub(crate) length: i64,
    /// The rows that the query has looked at, for the order of first appearance.
    pub(crate) seen: &'a [usize],
}

impl Group<'_> {
    pub(crate) fn value(&self, aggregate: &Aggregate) -> Cell {
        let rows = self.tree.rows();
        let n = rows.len() as u64;
        match aggregate {
            Aggregate::Count => Cell::Count(n),
            Aggregate::Rate => Cell::Real(n as f64 * 1000.0 / self.length as f64),
            Aggregate::Of(function, column) => match column.as_str() {
                "k" => self.of_strings(*function, |event| event.k.to_string()),
                "u" => self.of_strings(*function, |event| event.u.to_string()),
                "v" => self.of_numbers(*function, |event| event.v),
                _ => self.of_numbers(*function, |event| event.w),
            },
        }
    }

    fn of_strings(&self, function: Function, string: fn(&Event) -> String) -> Cell {
        let strings: Vec<String> = self.tree.rows().iter().map(|row| string(&self.events[*row])).collect();
        let mut distinct: Vec<&String> = Vec::new();
        let seen: Vec<String> = self.seen.iter().map(|row| string(&self.events[*row])).collect();
        for name in &seen {
            if strings.contains(name) && !distinct.contains(&name) {
                distinct.push(name);
            }
        }
        let Function::Top(k) = function else { return Cell::Count(distinct.len() as u64) };
        let count = |name: &String| strings.iter().filter(|other| *other == name).count() as u64;
        let mut counted: Vec<(String, u64)> =
            distinct.into_iter().map(|name| (name.clone(), count(name))).collect();
        counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counted.truncate(usize::from(k));
        Cell::Top(counted)
    }

    fn of_numbers(&self, function: Function, number: fn(&Event) -> f64) -> Cell {
        let rows = self.tree.rows();
        let values: Vec<f64> = rows.iter().map(|row| number(&self.events[*row])).collect();
        let sum = || self.tree.eval(&|| 0.0, &|sum, row| sum + number(&self.events[row]), &|a, b| a + b);
        // By time, then by the log.
        let mut in_time = rows.clone();
        in_time.sort_by_key(|row| (self.events[*row].time, *row));
        match function {
            Function::Sum => Cell::Real(sum()),
            Function::Avg => Cell::Real(sum() / values.len() as f64),
            // Of both zeros the one that was there first.
            Function::Min => {
                Cell::Real(values.iter().copied().reduce(|a, b| if b < a { b } else { a }).unwrap())
            }
            Function::Max => {
                Cell::Real(values.iter().copied().reduce(|a, b| if b > a { b } else { a }).unwrap())
            }
            Function::Variance => Cell::Real(self.variance(number, &values)),
            Function::Stddev => Cell::Real(self.variance(number, &values).sqrt()),
            Function::First => Cell::Real(number(&self.events[in_time[0]])),
            Function::Last => Cell::Real(number(&self.events[in_time[in_time.len() - 1]])),
            Function::Distinct => {
                let distinct: BTreeSet<u64> = values.iter().map(|value| (value + 0.0).to_bits()).collect();
                Cell::Count(distinct.len() as u64)
            }
            Function::Quantile(hundredths) => quantile(values, usize::from(hundredths)),
            Function::Top(_) => unreachable!("of key columns only"),
        }
    }

    /// By Welford and Chan, in the order of the tree; the two-pass formula must agree.
    fn variance(&self, number: fn(&Event) -> f64, values: &[f64]) -> f64 {
        let fold = |(n, mean, m2): (f64, f64, f64), row: usize| {
            let (x, n) = (number(&self.events[row]), n + 1.0);
            let moved = mean + (x - mean) / n;
            (n, moved, m2 + (x - mean) * (x - moved))
        };
        let merge = |(n, mean, m2): (f64, f64, f64), (m, other, n2): (f64, f64, f64)| {
            let delta = other - mean;
            if n == 0.0 {
                return (m, other, n2);
            }
            (n + m, mean + delta * m / (n + m), m2 + n2 + delta * delta * n * m / (n + m))
        };
        let (n, _, m2) = self.tree.eval(&|| (0.0, 0.0, 0.0), &fold, &merge);
        if n < 2.0 {
            return f64::NAN;
        }
        let mean = values.iter().sum::<f64>() / n;
        let two_pass = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
        let variance = m2 / (n - 1.0);
        assert!((variance - two_pass).abs() <= 1e-9 * two_pass + 1e-18, "{variance} is not {two_pass}");
        variance
    }
}

/// The value at rank ⌈q·n⌉; beyond 64 values the engine keeps a sketch with a stated error.
fn quantile(mut values: Vec<f64>, hundredths: usize) -> Cell {
    values.sort_by(f64::total_cmp);
    let x = values[(values.len() * hundredths).div_ceil(10_000).max(1) - 1];
    if values.len() <= 64 { Cell::Real(x) } else { Cell::Near(x, x.abs() / 128.0) }
}
