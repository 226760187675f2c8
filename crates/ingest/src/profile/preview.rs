//! The first records as they are written: by them it is found how times are written, and they are shown.
//!
//! **Bound:** [`SAMPLE_RECORDS`], or [`SAMPLE_BYTES`] and one record.

use super::column::Column;
use super::findings::{Preview, PreviewCell, PreviewRow};
use super::text_of;

/// Records of a preview: a screen of them.
pub const PREVIEW_ROWS: usize = 20;

/// Records by which the formats of times are found: enough to meet a day above 12 in most files.
const SAMPLE_RECORDS: usize = 2_000;

/// Bytes of cells after which fewer records have to do.
const SAMPLE_BYTES: usize = 256 * 1024;

/// A cell, or why there is none.
pub(super) type Cell = Result<Vec<u8>, String>;

/// The first records.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    rows: Vec<(u64, Vec<Cell>)>,
    bytes: usize,
}

impl Sample {
    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= SAMPLE_RECORDS || self.bytes >= SAMPLE_BYTES
    }

    pub(super) fn add(&mut self, line: u64, cells: Vec<Cell>) {
        self.bytes += cells.iter().flatten().map(Vec::len).sum::<usize>();
        self.rows.push((line, cells));
    }

    /// The records: the line, and the cells.
    pub(super) fn rows(&self) -> &[(u64, Vec<Cell>)] {
        &self.rows
    }

    /// The cells of a column, where there are any.
    pub(super) fn column(&self, column: usize) -> impl Iterator<Item = &[u8]> + Clone {
        self.rows.iter().filter_map(move |(_, cells)| cells[column].as_deref().ok())
    }

    /// The records of a preview, with what is wrong in each cell if its column holds what it seems to.
    pub(super) fn preview(&self, columns: &[Column]) -> Preview {
        let cell = |(cell, column): (&Cell, &Column)| match cell {
            Ok(cell) => PreviewCell { text: text_of(cell), bad: column.why_misfit(cell) },
            Err(reason) => PreviewCell { text: String::new(), bad: Some(reason.clone()) },
        };
        let row = |(line, cells): &(u64, Vec<Cell>)| PreviewRow {
            line: *line,
            cells: cells.iter().zip(columns).map(cell).collect(),
        };
        Preview { rows: self.rows.iter().take(PREVIEW_ROWS).map(row).collect() }
    }
}
