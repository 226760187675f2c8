//! The records of a file that are no rows, as they are shown and as they are downloaded.
//!
//! **Invariant:** all are counted, by the reader; the first [`REJECTED_KEPT`] are kept.

use super::memory::REJECTED_KEPT;
use crate::wire::RejectedRow;
use kappascope_ingest::{Position, Rejected};

/// The first refused records of a file.
#[derive(Default)]
pub(super) struct Refused {
    kept: Vec<Rejected>,
}

impl Refused {
    /// Where a reader puts what it refuses.
    pub(super) fn inbox(&mut self) -> &mut Vec<Rejected> {
        &mut self.kept
    }

    /// Lets go of what is beyond the bound.
    pub(super) fn trim(&mut self) {
        self.kept.truncate(REJECTED_KEPT);
    }

    pub(super) fn count(&self) -> usize {
        self.kept.len()
    }

    /// The first of them for the page.
    pub(super) fn first(&self, rows: usize) -> Vec<RejectedRow> {
        self.kept.iter().take(rows).map(describe).collect()
    }

    /// All that are kept: a header, and a line for each. A file of columns has rows for lines, and no bytes.
    pub(super) fn csv(&self) -> String {
        let mut text = "line,byte,column,reason\n".to_owned();
        for Rejected { position, column, reason, .. } in &self.kept {
            let (line, byte) = match position {
                Position::Text { line, byte } => (line, byte.to_string()),
                Position::Row(row) => (row, String::new()),
            };
            let column = quoted(column.as_deref().unwrap_or_default());
            text.push_str(&format!("{line},{byte},{column},{}\n", quoted(reason)));
        }
        text
    }
}

fn describe(rejected: &Rejected) -> RejectedRow {
    let place = match &rejected.column {
        Some(column) => format!("{}, {column}", rejected.position),
        None => rejected.position.to_string(),
    };
    RejectedRow { place, reason: rejected.reason.clone() }
}

/// A cell of CSV, whatever it holds (RFC 4180).
fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(column: Option<&str>, reason: &str) -> Rejected {
        Rejected {
            position: Position::Text { line: 7, byte: 120 },
            rows_before: 5,
            column: column.map(str::to_owned),
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn cells_of_the_download_stay_in_their_column() {
        let kept = vec![rejected(Some("a,\"b\""), "`x`, found\n"), rejected(None, "broken")];
        let csv = Refused { kept }.csv();
        assert_eq!(
            csv,
            "line,byte,column,reason\n7,120,\"a,\"\"b\"\"\",\"`x`, found\n\"\n7,120,\"\",\"broken\"\n"
        );
    }

    #[test]
    fn only_the_first_are_kept() {
        let mut refused = Refused::default();
        for _ in 0..3 {
            refused.inbox().extend((0..REJECTED_KEPT / 2).map(|_| rejected(None, "broken")));
            refused.trim();
        }
        assert_eq!((refused.count(), refused.first(20).len()), (REJECTED_KEPT, 20));
    }
}
