//! Parquet from a file or from standard input, which goes to a temporary file first: the index of a Parquet
//! file is at its end.

use crate::failure::{Failure, told};
use crate::progress::Progress;
use crate::source::{Bytes, Source, refused};
use kappascope_core::Log;
use kappascope_core::spec::Schema;
use kappascope_ingest::profile::{BatchProfiler, Profile};
use kappascope_ingest::{BatchReader, Rejected};
use kappascope_parquet::{Batches, Parquet, ParquetError};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

/// An open Parquet file on its way into a log.
pub(crate) struct Columns {
    place: String,
    batches: Batches,
    reader: BatchReader,
    rows: u64,
}

impl Columns {
    /// Opens the file of which the head has been read.
    pub(crate) fn open(source: &Source, bytes: Bytes, schema: &Schema) -> Result<Self, Failure> {
        let place = source.place();
        let file = open(source, bytes)?;
        let reader = BatchReader::new(schema, file.columns()).map_err(|error| refused(&place, &error))?;
        let batches = file.batches(reader.wanted()).map_err(|error| damaged(&place, &error))?;
        Ok(Self { place, batches, reader, rows: file.rows() })
    }

    /// Appends the next batch to the log. Gives whether there may be more.
    pub(crate) fn fill(&mut self, log: &mut Log, rejected: &mut Vec<Rejected>) -> Result<bool, Failure> {
        let batch = self.batches.next_batch().map_err(|error| damaged(&self.place, &error))?;
        let more = batch.is_some();
        let taken = match batch {
            Some(batch) => self.reader.push(&batch, log, rejected),
            None => self.reader.finish(),
        };
        taken.map_err(|error| refused(&self.place, &error))?;
        Ok(more)
    }

    /// Rows that were none of the log's.
    pub(crate) fn rejected(&self) -> u64 {
        self.reader.rejected()
    }

    /// Rows that are behind, and all rows.
    pub(crate) fn progress(&self) -> (u64, u64) {
        (self.reader.rows() + self.reader.rejected(), self.rows)
    }
}

/// Measures all rows of a Parquet file.
pub(crate) fn measure(source: &Source, bytes: Bytes, progress: &mut Progress) -> Result<Profile, Failure> {
    let place = source.place();
    let file = open(source, bytes)?;
    let readable = file.readable();
    let names: Vec<String> = readable.iter().map(|&column| file.columns()[column].clone()).collect();
    let mut profiler = BatchProfiler::new("Parquet", &names);
    let mut batches = file.batches(&readable).map_err(|error| damaged(&place, &error))?;
    let mut rows = 0;
    while let Some(batch) = batches.next_batch().map_err(|error| damaged(&place, &error))? {
        profiler.push(&batch).map_err(|error| refused(&place, &error))?;
        rows += batch.rows as u64;
        progress.show_rows(rows, file.rows());
    }
    profiler.finish().map_err(|error| refused(&place, &error))?;
    Ok(profiler.profile())
}

fn open(source: &Source, bytes: Bytes) -> Result<Parquet, Failure> {
    let fail = |error: std::io::Error| Failure::running(source.place(), told(&error));
    let file = match source {
        Source::File(path) if path.is_file() => File::open(path).map_err(fail)?,
        _ => spool(bytes).map_err(fail)?,
    };
    let disk = Disk::new(file).map_err(fail)?;
    Parquet::open(disk).map_err(|error| damaged(&source.place(), &error))
}

/// All that comes, in a file that is gone when the program is.
fn spool(mut bytes: Bytes) -> std::io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(&bytes.head)?;
    std::io::copy(&mut bytes.input, &mut file)?;
    Ok(file)
}

fn damaged(place: &str, error: &ParquetError) -> Failure {
    if error.is_schema() { Failure::usage(place, error) } else { Failure::running(place, error) }
}

/// A file on a disk, of the size that it had when it was opened.
struct Disk {
    file: Mutex<File>,
    bytes: u64,
}

impl Disk {
    fn new(file: File) -> std::io::Result<Self> {
        let bytes = file.metadata()?.len();
        Ok(Self { file: Mutex::new(file), bytes })
    }
}

impl kappascope_parquet::Source for Disk {
    fn len(&self) -> u64 {
        self.bytes
    }

    fn read(&self, start: u64, out: &mut [u8]) -> Result<(), String> {
        // Each read seeks first, so one that panicked leaves nothing behind.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = file.metadata().map_err(|error| told(&error))?.len();
        if bytes != self.bytes {
            return Err(format!(
                "it had {} bytes when it was opened and has {bytes} now: it changed while it was read; run \
                 again once it is complete",
                self.bytes
            ));
        }
        file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(out)).map_err(|error| told(&error))
    }
}
