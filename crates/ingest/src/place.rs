//! Where a record stands in its file, and how long it may be: what every form of file shares.

/// Longest record: what a reader holds of a file at most. Rows of events are some hundred bytes; a
/// record of a mebibyte is a quote that was never closed or no record at all.
pub(crate) const MAX_RECORD_BYTES: usize = 1 << 20;

/// Where a record begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Physical line, from 1: a line end inside quotes counts.
    pub(crate) line: u64,
    /// Byte of the file, from 0.
    pub(crate) byte: u64,
}

/// Why a record longer than [`MAX_RECORD_BYTES`] is none.
pub(crate) fn too_long(bytes: u64) -> String {
    format!("a record of {bytes} bytes, where at most {MAX_RECORD_BYTES} would fit")
}
