//! Text to lines, in pieces of any size: for the forms that have a record a line.
//!
//! **Invariant:** every line that is not blank is given once, in order, with its place. One longer than
//! [`MAX_RECORD_BYTES`](crate::place::MAX_RECORD_BYTES) is read past and told.

use crate::error::IngestError;
use crate::held::Held;
use crate::place::Place;

/// Cuts text into lines.
#[derive(Debug)]
pub(crate) struct Lines {
    held: Held,
    next: Place,
}

impl Lines {
    /// For the text that follows `bom` bytes of byte-order mark.
    pub(crate) fn new(bom: usize) -> Self {
        Self { held: Held::default(), next: Place { line: 1, byte: bom as u64 } }
    }

    /// Takes the next bytes, and gives each line that they complete, or why it is none.
    pub(crate) fn push(
        &mut self,
        mut bytes: &[u8],
        mut give: impl FnMut(Place, Result<&[u8], String>) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.end_line(&bytes[..end], &mut give)?;
            bytes = &bytes[end + 1..];
        }
        self.held.push(bytes);
        Ok(())
    }

    /// Gives the line that the end of the file completes.
    pub(crate) fn finish(
        &mut self,
        mut give: impl FnMut(Place, Result<&[u8], String>) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        self.end_line(&[], &mut give)
    }

    fn end_line(
        &mut self,
        last: &[u8],
        give: &mut impl FnMut(Place, Result<&[u8], String>) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        let place = self.next;
        let bytes = (self.held.length() + last.len()) as u64;
        self.next = Place { line: place.line + 1, byte: place.byte + bytes + 1 };
        match self.held.end(last) {
            Ok(line) if line.trim_ascii().is_empty() => Ok(()),
            line => give(place, line),
        }
    }
}
