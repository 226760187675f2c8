//! The first bytes of a file, understood: what form it has and where its text begins.

use crate::error::IngestError;
use crate::format::{self, Form};
use crate::sample::Sample;
use crate::{csv, jsonl};

/// How many bytes from the start of a file are looked at to find out what it is. Give
/// [`Reader::new`](crate::Reader::new) so many, or the whole file when it is shorter.
pub const HEAD_BYTES: usize = 64 * 1024;

/// The beginning of a file.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    pub(crate) form: Form,
    /// Bytes of byte-order mark before the text.
    pub(crate) bom: usize,
    /// The first bytes of the text, its byte-order mark included.
    text: &'a [u8],
    /// Whether that is all of the file, so that a last line without an end is complete.
    pub(crate) whole: bool,
}

impl<'a> Head<'a> {
    /// Understands a file by its first [`HEAD_BYTES`], or by all of a shorter one.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, IngestError> {
        let (form, bom) = format::sniff(bytes)?;
        Ok(Self { form, bom, text: bytes, whole: bytes.len() < HEAD_BYTES })
    }

    /// The text that is known, after the byte-order mark.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text[self.bom..]
    }

    /// The first records as text.
    pub(crate) fn sample(&self) -> Result<Sample, IngestError> {
        match self.form {
            Form::Csv { separator } => csv::sample(self, separator),
            Form::JsonLines => jsonl::sample(self),
        }
    }
}
