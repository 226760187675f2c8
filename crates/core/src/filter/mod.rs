//! `where`: which events a query takes, as an SQL condition over the columns of the log.
//!
//! ```text
//!   page = 'home' AND ms > 20
//!        │ token, parse      text → tokens → syntax: what was written, and where
//!        │ check             → expression: columns found, types right
//!        │ plan              constants folded; `page = 'home'` depends on one key column only,
//!        ▼                   so it is answered once for each string of the dictionary
//!   rows        0     1     2     3
//!   page       id 0  id 1  id 0  id 0        id 0 is `home`, id 1 is `cart`
//!   page =      T     F     T     T          looked up by id
//!   ms         10    50    30    80
//!   ms > 20     F     T     T     T          one loop over the column
//!   AND         F     F     T     T          → rows 2 and 3
//! ```
//!
//! **Invariant:** what a condition means is PostgreSQL's, with its three-valued logic: a row passes when
//! the condition is true, not when it is false or unknown. No expression fails while it runs: what has no
//! finite value (a division by zero, an overflow) is NULL. The columns themselves hold no NULL.
//!
//! ```
//! use kappascope_core::{Log, Spec, filter::Filter};
//!
//! # let spec = Spec::from_toml(r#"
//! #     name = "shop"
//! #     version = 1
//! #     [schema]
//! #     time = "at"
//! #     keys = ["page"]
//! #     measures = ["ms"]
//! #     [[query]]
//! #     name = "q"
//! #     window = { tumbling = "1m" }
//! #     aggregates = ["count()"]
//! # "#)?;
//! let mut log = Log::new(&spec.schema); // keys = ["page"], measures = ["ms"]
//! for (row, (page, ms)) in [("home", 10.0), ("cart", 50.0), ("home", 30.0)].into_iter().enumerate() {
//!     let page = log.intern(0, page);
//!     log.append(row as i64, row as i64, 0, &[page], &[ms]);
//! }
//! let mut filter = Filter::compile("page = 'home' AND ms > 20", &spec.schema)?;
//! let mut rows = Vec::new();
//! filter.select(&log.read(0, 100), &mut rows);
//! assert_eq!(rows, [2]);
//!
//! let error = Filter::compile("page > 20", &spec.schema).unwrap_err();
//! assert_eq!(error.to_string(), "column 8: `20` is a number, but `page` is text; '20' would fit");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod condition;
mod eval;
mod expr;
mod number;
mod parse;
mod plan;
mod syntax;
#[cfg(test)]
mod tests;
mod text;
mod timestamp;
mod token;
mod values;

pub(crate) use condition::{Condition, Names};

use crate::log::{Block, Dictionary};
use crate::spec::Schema;
use expr::{Column, Kind};
use plan::Program;
use std::fmt;
use std::ops::Range;

/// Longest expression, in bytes: far more than a person writes, and few enough that the state it asks
/// for stays small.
pub const MAX_BYTES: usize = 4_096;

/// How deep parentheses, calls and operators may nest. The compiler and the evaluation go as deep, and a
/// Web Worker's stack is one megabyte. `AND`, `OR` and lists do not nest, however long.
pub const MAX_DEPTH: usize = 64;

/// A compiled condition, with what it remembers of one log's dictionaries.
#[derive(Clone, Debug)]
pub struct Filter {
    keys: usize,
    program: Program,
}

impl Filter {
    /// Compiles `text`, whose columns are the time (epoch milliseconds), keys (text) and measures
    /// (numbers) of `schema`.
    ///
    /// # Errors
    /// On what is not SQL or not supported, a column that is not there, types that do not fit, and an
    /// expression that is too long or nests too deep: the place, what was found, what would fit.
    pub fn compile(text: &str, schema: &Schema) -> Result<Self, FilterError> {
        let named = |kind| move |name: &String| Column { name: name.clone(), kind };
        let time = Column { name: schema.time.clone(), kind: Kind::Number };
        let columns: Vec<Column> = std::iter::once(time)
            .chain(schema.keys.iter().map(named(Kind::Text)))
            .chain(schema.measures.iter().map(named(Kind::Number)))
            .collect();
        Ok(Self { keys: schema.keys.len(), program: Program::compile(text, &columns, &[])? })
    }

    /// Sets `rows` to the rows, counted from the start of the block, for which the condition is true,
    /// ascending. Blocks of one log only, until [`Filter::forget_log`].
    ///
    /// # Panics
    /// When the block has not the shape of the schema that the condition was compiled for.
    pub fn select(&mut self, block: &Block<'_>, rows: &mut Vec<u32>) {
        rows.clear();
        self.program.select(&BlockTable { block, keys: self.keys }, block.len(), rows);
    }

    /// Forgets the dictionaries of the log so far; the next block may come from another one.
    pub fn forget_log(&mut self) {
        self.program.forget();
    }
}

/// The columns of a table, in the order in which an expression was compiled for them.
trait Table {
    fn column(&self, column: usize) -> Values<'_>;
}

/// One column of a table; never NULL, except for a NaN among `Reals`.
enum Values<'a> {
    Reals(&'a [f64]),
    Times(&'a [i64]),
    Texts(&'a [u32], &'a Dictionary),
}

struct BlockTable<'a> {
    block: &'a Block<'a>,
    keys: usize,
}

impl Table for BlockTable<'_> {
    fn column(&self, column: usize) -> Values<'_> {
        match column.checked_sub(1) {
            None => Values::Times(self.block.time()),
            Some(key) if key < self.keys => Values::Texts(self.block.key(key), self.block.dictionary(key)),
            Some(measure) => Values::Reals(self.block.measure(measure - self.keys)),
        }
    }
}

/// Why an expression cannot run: the place in it, what was found, what would fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct FilterError {
    line: usize,
    column: usize,
    message: String,
}

impl FilterError {
    fn at(text: &str, byte: usize, message: impl Into<String>) -> Self {
        let before = &text[..byte];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: 1 + before.matches('\n').count(),
            column: 1 + before[line_start..].chars().count(),
            message: message.into(),
        }
    }

    /// Line within the expression, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Character within the line, from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Most expressions are one line, and the message may follow a line of the pipeline file.
        if self.line > 1 {
            write!(f, "line {} of the expression, ", self.line)?;
        }
        write!(f, "column {}: {}", self.column, self.message)
    }
}

/// The expression's text at `span`, short enough for a message.
fn excerpt(text: &str, span: &Range<usize>) -> String {
    const LONGEST: usize = 40;
    let found = &text[span.clone()];
    let mut characters = found.char_indices().enumerate();
    match characters.find(|(n, (_, c))| *n == LONGEST || *c == '\n') {
        Some((_, (end, _))) => format!("`{}…`", &found[..end]),
        None => format!("`{found}`"),
    }
}
