//! The first records of a file as a small table of text, whatever its form.

use std::borrow::Cow;

/// A table of cells; `None` where a record lacks a field.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    pub(crate) names: Vec<String>,
    pub(crate) rows: Vec<Vec<Option<String>>>,
}

impl Sample {
    /// Adds a record that names its fields, some of them perhaps for the first time.
    pub(crate) fn add(&mut self, fields: Vec<(String, Option<Cow<'_, str>>)>) {
        let mut row = vec![None; self.names.len()];
        for (name, text) in fields {
            let column = self.names.iter().position(|known| *known == name).unwrap_or_else(|| {
                self.names.push(name);
                row.push(None);
                self.names.len() - 1
            });
            row[column] = text.map(Cow::into_owned);
        }
        self.rows.push(row);
    }
}
