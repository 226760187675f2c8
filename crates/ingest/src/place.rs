//! Where a record stands in its file, and how long it may be: what every form of file shares.

use std::fmt;

/// Longest record: what a reader holds of a file at most. Rows of events are some hundred bytes; a
/// record of a mebibyte is a quote that was never closed or no record at all.
pub(crate) const MAX_RECORD_BYTES: usize = 1 << 20;

/// Where a record stands in its file, as messages name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Of a text.
    Text {
        /// Physical line where the record begins, from 1.
        line: u64,
        /// Byte where it begins, from 0.
        byte: u64,
    },
    /// Of a file of columns: the number of the row, from 1.
    Row(u64),
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { line, .. } => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row}"),
        }
    }
}

/// Where a record begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Physical line, from 1: a line end inside quotes counts.
    pub(crate) line: u64,
    /// Byte of the file, from 0.
    pub(crate) byte: u64,
}

impl From<Place> for Position {
    fn from(Place { line, byte }: Place) -> Self {
        Self::Text { line, byte }
    }
}

/// Why a record longer than [`MAX_RECORD_BYTES`] is none.
pub(crate) fn too_long(bytes: u64) -> String {
    format!("a record of {bytes} bytes, where at most {MAX_RECORD_BYTES} would fit")
}
