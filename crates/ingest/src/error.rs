//! Why a file cannot be read at all, and how cells are shown in messages.
//!
//! **Invariant:** a message is one line, whatever the file holds: control characters are escaped and
//! long cells are cut.

use crate::place::Position;
use std::fmt;

/// Most characters of a cell that a message shows: enough to find it, short enough for a line.
const SHOWN_CHARS: usize = 40;

/// Most columns that a message lists.
const LISTED_COLUMNS: usize = 20;

/// Why a file cannot be read, in a sentence for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct IngestError(Kind);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Kind {
    #[error("the file is empty: there is no header and no row")]
    Empty,
    #[error("the file has a header and no rows")]
    HeaderOnly,
    #[error("the file is {found}; {fits}")]
    NotText { found: &'static str, fits: &'static str },
    #[error("the file is binary, with a NUL at byte {nul}; CSV, JSON or an access log would fit")]
    Binary { nul: u64 },
    #[error("{what}, after {records} record{}; {advice}", if *records == 1 { "" } else { "s" })]
    Packed { what: String, records: u64, advice: &'static str },
    #[error("{at}: a batch whose columns are not those that were asked for, an entry a row")]
    UnsoundBatch { at: Position },
    #[error("the file has columns and no rows")]
    NoRows,
    #[error("{0}")]
    Header(String),
    #[error("no column `{column}`; {there}")]
    MissingColumn { column: String, there: String },
    #[error("the header has two columns `{0}`; each column that the schema uses needs a name of its own")]
    TwiceInHeader(String),
    #[error("none of the first {count} {what} is a JSON object; line {line}: {reason}")]
    NotObjects { count: usize, what: &'static str, line: u64, reason: String },
    #[error("schema.time_format: {0}")]
    TimeFormat(String),
    #[error(
        "{at}: the key columns hold more than {limit_mb} MB of different values, all of which are \
         kept in memory; leave columns that differ in every row out of `keys`"
    )]
    KeyMemory { at: Position, limit_mb: usize },
    #[error("no column of the file holds times; its columns begin with {0}")]
    NoTime(String),
    #[error("no pipeline could be proposed: {0}")]
    Proposal(String),
}

impl IngestError {
    /// Whether the schema is at fault rather than the file: another schema would read it.
    #[must_use]
    pub fn is_schema(&self) -> bool {
        matches!(self.0, Kind::MissingColumn { .. } | Kind::TwiceInHeader(_) | Kind::TimeFormat(_))
    }
}

impl IngestError {
    /// The same, where it tells how many records came before it.
    pub(crate) fn after(mut self, given: u64) -> Self {
        if let Kind::Packed { records, .. } = &mut self.0 {
            *records = given;
        }
        self
    }
}

impl From<Kind> for IngestError {
    fn from(kind: Kind) -> Self {
        Self(kind)
    }
}

/// A cell as messages show it: in backticks, on one line, not too long.
pub(crate) fn shown(cell: &[u8]) -> impl fmt::Display {
    // Four bytes a character at most: the rest cannot be shown and need not be decoded.
    let text = String::from_utf8_lossy(&cell[..cell.len().min(4 * SHOWN_CHARS + 4)]);
    let mut out = String::from("`");
    let mut chars = text.chars();
    for c in chars.by_ref().take(SHOWN_CHARS) {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out.push_str(if chars.next().is_some() { "…`" } else { "`" });
    out
}

/// `the columns are …`, the ones most like `wanted` first.
pub(crate) fn columns_like(wanted: &str, there: &[String]) -> String {
    let mut names: Vec<&String> = there.iter().collect();
    names.sort_by_key(|name| distance(&wanted.to_lowercase(), &name.trim().to_lowercase()));
    let listed: Vec<String> =
        names.iter().take(LISTED_COLUMNS).map(|name| shown(name.as_bytes()).to_string()).collect();
    let more = match names.len().saturating_sub(LISTED_COLUMNS) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    format!("the columns are {}{more}", listed.join(", "))
}

/// The number of characters to insert, remove or replace to get from `a` to `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn a_cell_is_shown_on_one_short_line() {
        let cells: [&[u8]; 4] = [b"12", b"a\nb\x07", &[b'x'; 100], b"caf\xe9"];
        let shown: Vec<String> = cells.iter().map(|cell| shown(cell).to_string()).collect();
        expect![[r#"
            [
                "`12`",
                "`a\\nb\\u{7}`",
                "`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…`",
                "`caf�`",
            ]
        "#]]
        .assert_debug_eq(&shown);
    }

    #[test]
    fn the_closest_column_comes_first() {
        let there = ["user", "value", "Event Time"].map(str::to_owned);
        expect!["the columns are `Event Time`, `value`, `user`"]
            .assert_eq(&columns_like("event_time", &there));
    }
}
