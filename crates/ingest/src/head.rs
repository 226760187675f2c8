//! The first bytes of a file, understood: how it is packed, what form it has and where its text begins.

use crate::beginning::{Beginning, HEAD_BYTES};
use crate::error::IngestError;
use crate::format::{self, Form};
use crate::sample::Sample;
use crate::unpack::{self, Packing};
use crate::{access_log, csv, jsonl};
use std::borrow::Cow;

/// The beginning of a file.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    pub(crate) packing: Packing,
    pub(crate) form: Form,
    pub(crate) beginning: Beginning<'a>,
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
        Ok(Self { packing, form, beginning: Beginning::new(text, bom, whole) })
    }

    /// The first records as text.
    pub(crate) fn sample(&self) -> Result<Sample, IngestError> {
        match self.form {
            Form::Csv { separator } => csv::sample(&self.beginning, separator),
            Form::Json(layout) => jsonl::sample(&self.beginning, layout),
            Form::AccessLog => Ok(access_log::sample(&self.beginning)),
        }
    }
}
