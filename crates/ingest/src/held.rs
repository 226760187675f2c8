//! A record's bytes, of which some came in earlier pieces.
//!
//! **Invariant:** at most [`MAX_RECORD_BYTES`] are held; what is longer is counted only. A record that lies
//! whole in one piece is not copied.

use crate::place::{MAX_RECORD_BYTES, too_long};

/// The beginning of a record whose end is yet to come.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Left as it was when a record has ended, until the next begins.
    bytes: Vec<u8>,
    length: usize,
}

impl Held {
    /// Holds more of the record.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.length == 0 {
            self.bytes.clear();
        }
        self.length += bytes.len();
        if self.length <= MAX_RECORD_BYTES {
            self.bytes.extend_from_slice(bytes);
        }
    }

    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// The record that `last` completes, or why it is none. The next push begins another.
    pub(crate) fn end<'a>(&'a mut self, last: &'a [u8]) -> Result<&'a [u8], String> {
        let begun = self.length > 0;
        if begun {
            self.push(last);
        }
        let length = if begun { std::mem::take(&mut self.length) } else { last.len() };
        if length > MAX_RECORD_BYTES {
            return Err(too_long(length as u64));
        }
        Ok(if begun { &self.bytes } else { last })
    }

    /// Forgets the record.
    pub(crate) fn clear(&mut self) {
        self.length = 0;
    }
}
