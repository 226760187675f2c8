//! Runs an expression a column at a time, over at most [`CHUNK`] rows.
//!
//! ```text
//!   a + 1 > b        numbers(a + 1) → [11, 21, 31]        one buffer
//!                    in_place(b)    → [20, 20, 20]        the column itself
//!                    truths         → [ F,  T,  T]        a second buffer; the first one is given back
//! ```
//!
//! **Invariant:** buffers are borrowed from [`Scratch`] and given back, so that no block allocates once
//! its like has been seen.

use super::expr::{Comparison, Expr, Kind, Leaf};
use super::number::{Numbers, apply, calculate, compare_numbers};
use super::plan::{Answers, ById};
use super::text::Pattern;
use super::values::{Scratch, Text, Truth, Value, each};
use super::{Table, Values};
use std::cmp::Ordering;
use std::ops::Range;

/// Rows evaluated at a time: a few buffers of this many numbers stay in the first-level cache.
pub(super) const CHUNK: usize = 1_024;

/// One side of a comparison.
enum Operand<'a> {
    Numbers(Numbers<'a>),
    Truths(Vec<Truth>),
    Texts(Vec<Text>),
}

/// Some rows of a table, and what expressions over it need.
pub(super) struct Evaluator<'a> {
    pub(super) table: &'a dyn Table,
    pub(super) rows: Range<usize>,
    pub(super) leaves: &'a [Leaf],
    pub(super) answers: &'a [Answers],
    pub(super) scratch: &'a mut Scratch,
}

impl<'a> Evaluator<'a> {
    /// The value of `expr` for each row. Give the buffer back with [`Evaluator::done`].
    pub(super) fn values<V: Value>(&mut self, expr: &Expr) -> Vec<V> {
        match expr {
            Expr::Null => self.filled(V::NULL),
            Expr::Coalesce(_, list) => self.coalesce(list),
            Expr::Case(_, cases, rest) => self.case(cases, rest),
            _ => V::evaluate(self, expr),
        }
    }

    /// Takes back a buffer.
    pub(super) fn done<V: Value>(&mut self, buffer: Vec<V>) {
        V::spare(self.scratch).push(buffer);
    }

    fn buffer<V: Value>(&mut self) -> Vec<V> {
        let mut buffer = V::spare(self.scratch).pop().unwrap_or_default();
        buffer.clear();
        buffer
    }

    fn filled<V: Value>(&mut self, value: V) -> Vec<V> {
        let mut buffer = self.buffer();
        buffer.resize(self.rows.len(), value);
        buffer
    }

    fn coalesce<V: Value>(&mut self, list: &[Expr]) -> Vec<V> {
        let (first, rest) = list.split_first().expect("a list has at least one item");
        let mut values: Vec<V> = self.values(first);
        for expr in rest {
            let next = self.values(expr);
            each(&mut values, &next, |value, next: V| if value.is_null() { next } else { value });
            self.done(next);
        }
        values
    }

    /// From the last case to the first, so that the first one that holds has the last word.
    fn case<V: Value>(&mut self, cases: &[[Expr; 2]], rest: &Expr) -> Vec<V> {
        let mut values: Vec<V> = self.values(rest);
        for [when, then] in cases.iter().rev() {
            let when: Vec<Truth> = self.values(when);
            let then: Vec<V> = self.values(then);
            for ((value, when), then) in values.iter_mut().zip(&when).zip(&then) {
                *value = if *when == Truth::TRUE { *then } else { *value };
            }
            self.done(when);
            self.done(then);
        }
        values
    }

    pub(super) fn truths(&mut self, expr: &Expr) -> Vec<Truth> {
        match expr {
            Expr::Truth(truth) => self.filled(Truth::from(*truth)),
            Expr::Cached(slot, _) => match &self.answers[*slot].by_id {
                ById::Truths(by_id) => self.looked_up(*slot, by_id),
                ById::Numbers(_) => unreachable!("a truth was asked for"),
            },
            Expr::Not(x) => {
                let mut truths: Vec<Truth> = self.values(x);
                truths.iter_mut().for_each(|truth| *truth = truth.not());
                truths
            }
            Expr::And(list) => self.joined(list, Truth::min),
            Expr::Or(list) => self.joined(list, Truth::max),
            Expr::Compare(comparison, kind, pair) => {
                let sides = [self.operand(*kind, &pair[0]), self.operand(*kind, &pair[1])];
                let truths = self.compare(*comparison, &sides[0], &sides[1]);
                sides.into_iter().for_each(|side| self.done_with(side));
                truths
            }
            Expr::Between(kind, three) => self.between(*kind, three),
            Expr::In(kind, value, list) => self.in_list(*kind, value, list),
            Expr::Like(x, pattern) => self.like(x, pattern),
            Expr::IsNull(kind, x) => match kind {
                Kind::Number => self.is_null::<f64>(x),
                Kind::Text => self.is_null::<Text>(x),
                _ => self.is_null::<Truth>(x),
            },
            _ => unreachable!("the checker made it a truth"),
        }
    }

    /// AND with `min`, OR with `max`.
    fn joined(&mut self, list: &[Expr], join: impl Fn(Truth, Truth) -> Truth + Copy) -> Vec<Truth> {
        let (first, rest) = list.split_first().expect("a chain has at least two operands");
        let mut truths = self.values(first);
        for expr in rest {
            let next = self.values(expr);
            each(&mut truths, &next, join);
            self.done(next);
        }
        truths
    }

    fn between(&mut self, kind: Kind, [value, low, high]: &[Expr; 3]) -> Vec<Truth> {
        let sides = [value, low, high].map(|expr| self.operand(kind, expr));
        let mut truths = self.compare(Comparison::GreaterEqual, &sides[0], &sides[1]);
        let below = self.compare(Comparison::LessEqual, &sides[0], &sides[2]);
        each(&mut truths, &below, Truth::min);
        self.done(below);
        sides.into_iter().for_each(|side| self.done_with(side));
        truths
    }

    /// `x IN (a, b)` is `x = a OR x = b`.
    fn in_list(&mut self, kind: Kind, value: &Expr, list: &[Expr]) -> Vec<Truth> {
        let value = self.operand(kind, value);
        let mut truths = self.filled(Truth::FALSE);
        for expr in list {
            let item = self.operand(kind, expr);
            let equal = self.compare(Comparison::Equal, &value, &item);
            each(&mut truths, &equal, Truth::max);
            self.done(equal);
            self.done_with(item);
        }
        self.done_with(value);
        truths
    }

    fn like(&mut self, x: &Expr, pattern: &Pattern) -> Vec<Truth> {
        let texts = self.values(x);
        let mut truths = self.buffer();
        truths.extend(texts.iter().map(|text| match self.string(*text) {
            Some(string) => Truth::from(pattern.matches(string)),
            None => Truth::UNKNOWN,
        }));
        self.done(texts);
        truths
    }

    fn is_null<V: Value>(&mut self, x: &Expr) -> Vec<Truth> {
        let values: Vec<V> = self.values(x);
        let mut truths = self.buffer();
        truths.extend(values.iter().map(|value| Truth::from(value.is_null())));
        self.done(values);
        truths
    }

    pub(super) fn numbers(&mut self, expr: &Expr) -> Vec<f64> {
        match expr {
            Expr::Number(number) => self.filled(*number),
            Expr::Column(column) => self.column(*column),
            Expr::Cached(slot, _) => match &self.answers[*slot].by_id {
                ById::Numbers(by_id) => self.looked_up(*slot, by_id),
                ById::Truths(_) => unreachable!("a number was asked for"),
            },
            Expr::Unary(function, x) => {
                let mut numbers: Vec<f64> = self.values(x);
                apply(*function, &mut numbers);
                numbers
            }
            Expr::Arithmetic(operator, pair) => {
                let mut numbers: Vec<f64> = self.values(&pair[0]);
                let right = self.in_place(&pair[1]);
                calculate(*operator, &mut numbers, &right);
                self.done_with(Operand::Numbers(right));
                numbers
            }
            Expr::Length(x) => {
                let texts = self.values(x);
                let mut numbers = self.buffer();
                let length = |text: &Text| self.string(*text).map_or(f64::NULL, |s| s.chars().count() as f64);
                numbers.extend(texts.iter().map(length));
                self.done(texts);
                numbers
            }
            _ => unreachable!("the checker made it a number"),
        }
    }

    fn column(&mut self, column: usize) -> Vec<f64> {
        let mut numbers = self.buffer();
        match self.table.column(column) {
            Values::Reals(reals) => numbers.extend_from_slice(&reals[self.rows.clone()]),
            // Exact: event times lie within 2^53 of the epoch.
            Values::Times(times) => numbers.extend(times[self.rows.clone()].iter().map(|&time| time as f64)),
            Values::Texts(..) => unreachable!("column {column} was compiled as a number"),
        }
        numbers
    }

    pub(super) fn texts(&mut self, expr: &Expr) -> Vec<Text> {
        let Expr::Text(leaf) = expr else { unreachable!("{expr:?} is no text") };
        let name = u32::try_from(*leaf).expect("an expression has few leaves");
        match self.leaves[*leaf].column() {
            None => self.filled(Text { leaf: name, id: 0 }),
            Some(column) => {
                let mut texts = self.buffer();
                texts.extend(self.ids(column).iter().map(|&id| Text { leaf: name, id }));
                texts
            }
        }
    }

    fn string(&self, text: Text) -> Option<&'a str> {
        let leaf = self.leaves.get(text.leaf as usize)?;
        Some(match leaf {
            Leaf::Constant(constant) => constant,
            Leaf::Column(column) => match self.table.column(*column) {
                Values::Texts(_, dictionary) => dictionary.name(text.id),
                _ => unreachable!("column {column} was compiled as text"),
            },
            Leaf::Folded(_, _, strings) => strings.get(text.id as usize),
        })
    }

    fn ids(&self, column: usize) -> &'a [u32] {
        match self.table.column(column) {
            Values::Texts(ids, _) => &ids[self.rows.clone()],
            _ => unreachable!("column {column} was compiled as text"),
        }
    }

    fn looked_up<V: Value>(&mut self, slot: usize, by_id: &[V]) -> Vec<V> {
        let mut values = self.buffer();
        values.extend(self.ids(self.answers[slot].column).iter().map(|&id| by_id[id as usize]));
        values
    }

    fn operand(&mut self, kind: Kind, expr: &Expr) -> Operand<'a> {
        match kind {
            Kind::Number => Operand::Numbers(self.in_place(expr)),
            Kind::Text => Operand::Texts(self.values(expr)),
            _ => Operand::Truths(self.values(expr)),
        }
    }

    fn in_place(&mut self, expr: &Expr) -> Numbers<'a> {
        match expr {
            Expr::Number(number) => Numbers::Same(*number),
            Expr::Column(column) => match self.table.column(*column) {
                Values::Reals(reals) => Numbers::Column(&reals[self.rows.clone()]),
                _ => Numbers::Computed(self.column(*column)),
            },
            _ => Numbers::Computed(self.values(expr)),
        }
    }

    fn done_with(&mut self, operand: Operand<'_>) {
        match operand {
            Operand::Numbers(Numbers::Computed(numbers)) => self.done(numbers),
            Operand::Numbers(_) => {}
            Operand::Truths(truths) => self.done(truths),
            Operand::Texts(texts) => self.done(texts),
        }
    }

    fn compare(&mut self, comparison: Comparison, a: &Operand<'_>, b: &Operand<'_>) -> Vec<Truth> {
        let mut truths = self.buffer();
        match (a, b) {
            (Operand::Numbers(a), Operand::Numbers(b)) => {
                compare_numbers(comparison, a, b, self.rows.len(), &mut truths);
            }
            (Operand::Truths(a), Operand::Truths(b)) => {
                truths.extend(a.iter().zip(b).map(|(a, b)| ordered(comparison, a.known(), b.known())));
            }
            (Operand::Texts(a), Operand::Texts(b)) => truths
                .extend(a.iter().zip(b).map(|(a, b)| ordered(comparison, self.string(*a), self.string(*b)))),
            _ => unreachable!("sides of two kinds"),
        }
        truths
    }
}

fn ordered<T: Ord>(comparison: Comparison, a: Option<T>, b: Option<T>) -> Truth {
    let (Some(a), Some(b)) = (a, b) else { return Truth::UNKNOWN };
    let ordering = a.cmp(&b);
    Truth::from(match comparison {
        Comparison::Equal => ordering == Ordering::Equal,
        Comparison::NotEqual => ordering != Ordering::Equal,
        Comparison::Less => ordering == Ordering::Less,
        Comparison::LessEqual => ordering != Ordering::Greater,
        Comparison::Greater => ordering == Ordering::Greater,
        Comparison::GreaterEqual => ordering != Ordering::Less,
    })
}
