//! The first text of a file.

use std::borrow::Cow;

/// How many bytes from the start of a file are looked at to find out what it is. Give
/// [`Reader::new`](crate::Reader::new) so many, or the whole file when it is shorter. A zstd block, which is
/// unpacked whole or not at all, has up to 128 KiB.
pub const HEAD_BYTES: usize = 192 * 1024;

/// The text that a file begins with.
#[derive(Debug)]
pub(crate) struct Beginning<'a> {
    /// Bytes of byte-order mark before the text.
    pub(crate) bom: usize,
    /// The first bytes of the text, its byte-order mark included.
    bytes: Cow<'a, [u8]>,
    /// Whether that is all of the text, so that a last line without an end is complete.
    pub(crate) whole: bool,
}

impl<'a> Beginning<'a> {
    pub(crate) fn new(bytes: Cow<'a, [u8]>, bom: usize, whole: bool) -> Self {
        Self { bom, bytes, whole }
    }

    /// The text that is known, after the byte-order mark.
    pub(crate) fn text(&self) -> &[u8] {
        &self.bytes[self.bom..]
    }
}
