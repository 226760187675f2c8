//! What understands a file of the user's: text that comes in bytes, or columns that come in batches.

use kappascope_core::Log;
use kappascope_core::spec::Schema;
use kappascope_ingest::profile::{BatchProfiler, Profile, Profiler};
use kappascope_ingest::{Batch, BatchReader, IngestError, Reader, Rejected};

/// The next of a file.
pub(super) enum Piece {
    Bytes(Vec<u8>),
    Batch(Batch),
}

impl Piece {
    /// Bytes of text, rows of columns.
    pub(super) fn size(&self) -> f64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as f64,
            Self::Batch(batch) => batch.rows as f64,
        }
    }
}

/// What is known of a file before it is read.
pub(super) enum Form {
    /// Its first bytes, or all of a shorter file.
    Text { head: Vec<u8> },
    /// The names of its columns, and the numbers of those that can be read.
    Columns { names: Vec<String>, readable: Vec<usize> },
}

/// Puts a file's rows into a log.
pub(super) enum FileReader {
    Text(Box<Reader>),
    Columns(Box<BatchReader>),
}

/// Measures a file.
pub(super) enum FileProfiler {
    Text(Box<Profiler>),
    Columns(Box<BatchProfiler>),
}

impl Form {
    pub(super) fn reader(&self, schema: &Schema) -> Result<FileReader, IngestError> {
        match self {
            Self::Text { head } => Reader::new(schema, head).map(|reader| FileReader::Text(Box::new(reader))),
            Self::Columns { names, .. } => {
                BatchReader::new(schema, names).map(|reader| FileReader::Columns(Box::new(reader)))
            }
        }
    }

    pub(super) fn profiler(&self) -> Result<FileProfiler, IngestError> {
        match self {
            Self::Text { head } => Profiler::new(head).map(|profiler| FileProfiler::Text(Box::new(profiler))),
            Self::Columns { names, readable } => {
                let names: Vec<String> = readable.iter().map(|&column| names[column].clone()).collect();
                Ok(FileProfiler::Columns(Box::new(BatchProfiler::new("Parquet", &names))))
            }
        }
    }
}

impl FileReader {
    /// Which columns its batches have to have; none of text.
    pub(super) fn wanted(&self) -> &[usize] {
        match self {
            Self::Text(_) => &[],
            Self::Columns(reader) => reader.wanted(),
        }
    }

    /// Takes the next piece; none at the end.
    pub(super) fn take(
        &mut self,
        piece: Option<&Piece>,
        log: &mut Log,
        rejected: &mut Vec<Rejected>,
    ) -> Result<(), IngestError> {
        match (self, piece) {
            (Self::Text(reader), Some(Piece::Bytes(bytes))) => reader.push(bytes, log, rejected),
            (Self::Text(reader), None) => reader.finish(log, rejected),
            (Self::Columns(reader), Some(Piece::Batch(batch))) => reader.push(batch, log, rejected),
            (Self::Columns(reader), None) => reader.finish(),
            _ => unreachable!("an input gives pieces of its own form"),
        }
    }

    /// How many records were refused.
    pub(super) fn rejected(&self) -> u64 {
        match self {
            Self::Text(reader) => reader.rejected(),
            Self::Columns(reader) => reader.rejected(),
        }
    }
}

impl FileProfiler {
    /// Takes the next piece; none at the end.
    pub(super) fn take(&mut self, piece: Option<&Piece>) -> Result<(), IngestError> {
        match (self, piece) {
            (Self::Text(profiler), Some(Piece::Bytes(bytes))) => profiler.push(bytes),
            (Self::Text(profiler), None) => profiler.finish(),
            (Self::Columns(profiler), Some(Piece::Batch(batch))) => profiler.push(batch),
            (Self::Columns(profiler), None) => profiler.finish(),
            _ => unreachable!("an input gives pieces of its own form"),
        }
    }

    pub(super) fn profile(&self) -> Profile {
        match self {
            Self::Text(profiler) => profiler.profile(),
            Self::Columns(profiler) => profiler.profile(),
        }
    }
}
