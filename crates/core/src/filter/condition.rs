//! A condition over one result of a query: what an alert rule holds against it.

use super::expr::{Column, Kind};
use super::plan::Program;
use super::{FilterError, Table, Values};
use crate::key::KeySpace;
use crate::log::Dictionary;

/// What a condition may name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// Numbers: aggregates as written, and scores.
    pub(crate) numbers: Vec<String>,
    /// What holds or does not: detectors.
    pub(crate) truths: Vec<String>,
    /// Key columns.
    pub(crate) keys: Vec<String>,
}

/// A compiled condition, with what it remembers of the query's keys.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    program: Program,
    figures: usize,
    keys: Vec<KeyColumn>,
    passed: Vec<u32>,
}

/// The strings of one key column, and the id of each key's.
#[derive(Clone, Debug, Default)]
struct KeyColumn {
    dictionary: Dictionary,
    ids: Vec<u32>,
}

impl Condition {
    /// Compiles `text` over figures (numbers, then truths) and key columns.
    pub(crate) fn compile(text: &str, names: &Names) -> Result<Self, FilterError> {
        let of_kind = |names: &[String], kind| -> Vec<Column> {
            names.iter().map(|name| Column { name: name.clone(), kind }).collect()
        };
        let numbers = of_kind(&names.numbers, Kind::Number);
        let truths = of_kind(&names.truths, Kind::Boolean);
        let figures = numbers.len() + truths.len();
        let columns = [numbers, truths, of_kind(&names.keys, Kind::Text)].concat();
        let unquoted: Vec<&str> = names.numbers.iter().chain(&names.truths).map(String::as_str).collect();
        let program = Program::compile(text, &columns, &unquoted)?;
        Ok(Self { program, figures, keys: vec![KeyColumn::default(); names.keys.len()], passed: Vec::new() })
    }

    /// The numbers that it names, by their places among all, in the order in which they stand.
    pub(crate) fn numbers(&self) -> &[usize] {
        self.program.numbers()
    }

    /// Whether it is true of these figures, NaN where there is none, and this key.
    pub(crate) fn holds(&mut self, figures: &[f64], key: u32, keys: &KeySpace) -> bool {
        debug_assert_eq!(figures.len(), self.figures);
        for met in self.keys.first().map_or(0, |column| column.ids.len() as u32)..=key {
            for (column, name) in self.keys.iter_mut().zip(keys.names(met)) {
                let id = column.dictionary.intern(name);
                column.ids.push(id);
            }
        }
        self.passed.clear();
        let result = OneResult { figures, keys: &self.keys, key: key as usize };
        self.program.select(&result, 1, &mut self.passed);
        !self.passed.is_empty()
    }
}

/// One result as a table of one row.
struct OneResult<'a> {
    figures: &'a [f64],
    keys: &'a [KeyColumn],
    key: usize,
}

impl Table for OneResult<'_> {
    fn column(&self, column: usize) -> Values<'_> {
        match self.figures.get(column) {
            Some(figure) => Values::Reals(std::slice::from_ref(figure)),
            None => {
                let KeyColumn { dictionary, ids } = &self.keys[column - self.figures.len()];
                Values::Texts(std::slice::from_ref(&ids[self.key]), dictionary)
            }
        }
    }
}
