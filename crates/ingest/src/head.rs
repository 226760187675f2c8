//! The first bytes of a file, understood: how it is packed, what form it has and where its text begins.

use crate::error::IngestError;
use crate::format::{self, Form};
use crate::sample::Sample;
use crate::unpack::{self, Packing};
use crate::{access_log, csv, jsonl};
use std::borrow::Cow;

/// How many bytes from the start of a file are looked at to find out what it is. Give
/// [`Reader::new`](crate::Reader::new) so many, or the whole file when it is shorter. A zstd block, which is
/// unpacked whole or not at all, has up to 128 KiB.
pub const HEAD_BYTES: usize = 192 * 1024;

/// The beginning of a file.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    pub(crate) packing: Packing,
    pub(crate) form: Form,
    /// Bytes of byte-order mark before the text.
    pub(crate) bom: usize,
    /// The first bytes of the text, its byte-order mark included.
    text: Cow<'a, [u8]>,
    /// Whether that is all of the text, so that a last line without an end is complete.
    pub(crate) whole: bool,
}

impl<'a> Head<'a> {
    /// Understands a file by its first [`HEAD_BYTES`], or by all of a shorter one.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, IngestError> {
        let packing = Packing::of(bytes);
        let whole = bytes.len() < HEAD_BYTES;
        let (text, whole) = match packing {
            Packing::None => (Cow::Borrowed(bytes), whole),
            _ => {
                let (text, whole) = unpack::beginning(packing, bytes, whole)?;
                (Cow::Owned(text), whole)
            }
        };
        let (form, bom) = format::sniff(&text)?;
        Ok(Self { packing, form, bom, text, whole })
    }

    /// The text that is known, after the byte-order mark.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text[self.bom..]
    }

    /// The first records as text.
    pub(crate) fn sample(&self) -> Result<Sample, IngestError> {
        match self.form {
            Form::Csv { separator } => csv::sample(self, separator),
            Form::Json(layout) => jsonl::sample(self, layout),
            Form::AccessLog => Ok(access_log::sample(self)),
        }
    }
}
