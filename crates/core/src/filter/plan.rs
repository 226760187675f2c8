//! A checked condition, made ready to run: what is constant is computed, and what depends on one key
//! column only is answered once for each string of its dictionary.
//!
//! ```text
//!   lower(page) LIKE 'ho%' AND ms > 2 * 10        before
//!   answer[0][id of page]  AND ms > 20            after
//! ```
//!
//! **Invariant:** the answers cover the ids `0..n` of a dictionary that only grows, so they are computed
//! once; at the start of [`Program::select`] `n` is the whole dictionary. A truth takes one byte an id, a
//! number eight, a string in other letters its bytes and a word.

use super::check::Checked;
use super::eval::{CHUNK, Evaluator};
use super::expr::{Column, Expr, Kind, Leaf};
use super::values::{Scratch, Truth};
use super::{FilterError, Table, Values, check, parse};
use crate::log::Dictionary;

/// A condition over the columns that it was compiled for, with what it remembers of their dictionaries.
#[derive(Clone, Debug)]
pub(super) struct Program {
    condition: Expr,
    leaves: Vec<Leaf>,
    numbers: Vec<usize>,
    answers: Vec<Answers>,
    scratch: Scratch,
}

/// What an expression of one text column gives, by dictionary id.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    pub(super) column: usize,
    expr: Expr,
    pub(super) by_id: ById,
}

#[derive(Clone, Debug)]
pub(super) enum ById {
    Truths(Vec<Truth>),
    Numbers(Vec<f64>),
}

impl ById {
    fn len(&self) -> usize {
        match self {
            Self::Truths(truths) => truths.len(),
            Self::Numbers(numbers) => numbers.len(),
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Truths(truths) => truths.clear(),
            Self::Numbers(numbers) => numbers.clear(),
        }
    }
}

/// Which columns an expression reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reads {
    Nothing,
    /// One text column.
    Text(usize),
    More,
}

impl Reads {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, reads) | (reads, Self::Nothing) => reads,
            (a, b) if a == b => a,
            _ => Self::More,
        }
    }
}

impl Program {
    /// Compiles a condition, in which the columns of these names may stand unquoted.
    pub(super) fn compile(text: &str, columns: &[Column], unquoted: &[&str]) -> Result<Self, FilterError> {
        let syntax = parse::parse(text, unquoted)?;
        let Checked { mut condition, leaves, numbers } = check::check(text, &syntax, columns)?;
        let mut program =
            Self { condition: Expr::Null, leaves, numbers, answers: Vec::new(), scratch: Scratch::default() };
        program.plan(&mut condition);
        program.condition = condition;
        Ok(program)
    }

    /// The number columns that it names, in the order in which they stand.
    pub(super) fn numbers(&self) -> &[usize] {
        &self.numbers
    }

    /// Appends the rows of a table, of which there are `len`, for which the condition is true.
    pub(super) fn select(&mut self, table: &dyn Table, len: usize, rows: &mut Vec<u32>) {
        self.learn(table);
        for start in (0..len).step_by(CHUNK) {
            let chunk = start..len.min(start + CHUNK);
            let mut evaluator = Evaluator {
                table,
                rows: chunk,
                leaves: &self.leaves,
                answers: &self.answers,
                scratch: &mut self.scratch,
            };
            let truths = evaluator.values(&self.condition);
            keep(&truths, start, rows);
            evaluator.done(truths);
        }
    }

    /// Forgets what is known of dictionaries.
    pub(super) fn forget(&mut self) {
        self.answers.iter_mut().for_each(|answers| answers.by_id.clear());
        for leaf in &mut self.leaves {
            if let Leaf::Folded(_, _, strings) = leaf {
                strings.clear();
            }
        }
    }

    /// Where the buffers lie.
    #[cfg(test)]
    pub(super) fn buffers(&self) -> Vec<(usize, usize)> {
        self.scratch.places()
    }

    fn reads(&self, expr: &mut Expr) -> Reads {
        match expr {
            Expr::Column(_) => Reads::More,
            Expr::Text(leaf) => self.leaves[*leaf].column().map_or(Reads::Nothing, Reads::Text),
            _ => {
                expr.children().into_iter().fold(Reads::Nothing, |reads, child| reads.and(self.reads(child)))
            }
        }
    }

    /// Replaces the largest parts that can be answered ahead.
    fn plan(&mut self, expr: &mut Expr) {
        let kind = expr.kind();
        match (self.reads(expr), kind) {
            (_, Kind::Null) => {}
            (Reads::Nothing, Kind::Number | Kind::Boolean) => *expr = self.constant(expr),
            (Reads::Text(column), Kind::Number | Kind::Boolean) => {
                let by_id = match kind {
                    Kind::Boolean => ById::Truths(Vec::new()),
                    _ => ById::Numbers(Vec::new()),
                };
                let answered = std::mem::replace(expr, Expr::Cached(self.answers.len(), kind));
                self.answers.push(Answers { column, expr: answered, by_id });
            }
            _ => expr.children().into_iter().for_each(|child| self.plan(child)),
        }
    }

    /// The value of an expression that reads no column.
    fn constant(&mut self, expr: &Expr) -> Expr {
        let mut evaluator = Evaluator {
            table: &NoColumns,
            rows: 0..1,
            leaves: &self.leaves,
            answers: &[],
            scratch: &mut self.scratch,
        };
        if expr.kind() == Kind::Boolean {
            let truths: Vec<Truth> = evaluator.values(expr);
            return truths[0].known().map_or(Expr::Null, Expr::Truth);
        }
        let numbers: Vec<f64> = evaluator.values(expr);
        if numbers[0].is_nan() { Expr::Null } else { Expr::Number(numbers[0]) }
    }

    /// Answers for the ids that are new since the last time.
    fn learn(&mut self, table: &dyn Table) {
        for leaf in &mut self.leaves {
            if let Leaf::Folded(column, letters, strings) = leaf {
                let dictionary = dictionary(table, *column);
                for id in strings.len()..dictionary.len() {
                    strings.push(&letters.apply(dictionary.name(id as u32)));
                }
            }
        }
        for answers in &mut self.answers {
            let dictionary = dictionary(table, answers.column);
            for start in (answers.by_id.len()..dictionary.len()).step_by(CHUNK) {
                let ids: Vec<u32> = (start as u32..dictionary.len().min(start + CHUNK) as u32).collect();
                answers.extend(&ids, dictionary, &self.leaves, &mut self.scratch);
            }
        }
    }
}

impl Answers {
    fn extend(&mut self, ids: &[u32], dictionary: &Dictionary, leaves: &[Leaf], scratch: &mut Scratch) {
        let table = &Ids { ids, dictionary };
        let mut evaluator = Evaluator { table, rows: 0..ids.len(), leaves, answers: &[], scratch };
        match &mut self.by_id {
            ById::Truths(truths) => {
                let new = evaluator.values(&self.expr);
                truths.extend_from_slice(&new);
                evaluator.done(new);
            }
            ById::Numbers(numbers) => {
                let new = evaluator.values(&self.expr);
                numbers.extend_from_slice(&new);
                evaluator.done(new);
            }
        }
    }
}

/// One text column, each string once.
struct Ids<'a> {
    ids: &'a [u32],
    dictionary: &'a Dictionary,
}

impl Table for Ids<'_> {
    fn column(&self, _: usize) -> Values<'_> {
        Values::Texts(self.ids, self.dictionary)
    }
}

struct NoColumns;

impl Table for NoColumns {
    fn column(&self, column: usize) -> Values<'_> {
        unreachable!("a constant reads column {column}")
    }
}

fn dictionary(table: &dyn Table, column: usize) -> &Dictionary {
    match table.column(column) {
        Values::Texts(_, dictionary) => dictionary,
        _ => unreachable!("column {column} was compiled as text"),
    }
}

/// Appends `start + i` for each true `truths[i]`, without a branch: which rows pass is hard to foresee.
fn keep(truths: &[Truth], start: usize, rows: &mut Vec<u32>) {
    let mut kept = rows.len();
    rows.resize(kept + truths.len(), 0);
    for (row, truth) in (start as u32..).zip(truths) {
        rows[kept] = row;
        kept += usize::from(*truth == Truth::TRUE);
    }
    rows.truncate(kept);
}
