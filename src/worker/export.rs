//! What can be taken away: all results as JSON lines, those of the charted query as CSV, the engine's state.
//!
//! ```text
//!   log ─► another run of the pipeline, up to the row at hand ─► parts of a file ─► the page saves them
//! ```
//!
//! **Invariant:** the bytes are those that the binary writes for the same log and pipeline.

use super::session::Session;
use crate::wire::Export;
use kappascope_core::{Pipeline, Spec};
use kappascope_output::{csv, jsonl};

/// Rows between two looks at what else has come.
const ROWS: usize = 65_536;

/// Largest file: it is held in the browser's memory twice while it is saved.
const LARGEST_BYTES: usize = 256 << 20;

/// A file that is being written.
pub(super) struct Writing {
    spec: Spec,
    pipeline: Pipeline,
    form: Form,
    until: u64,
    finished: bool,
    bytes: usize,
}

enum Form {
    Jsonl,
    Csv(Box<csv::Writer>),
}

impl Writing {
    /// Begins with a file of a session's results.
    pub(super) fn new(session: &Session, export: Export) -> Result<Self, String> {
        let run = session.run();
        if run.log.start() > 0 {
            return Err(
                "The first events are no longer held in memory; the binary writes all results.".to_owned()
            );
        }
        let form = match export {
            Export::Csv => Form::Csv(Box::new(csv::Writer::new(run.spec, session.query()))),
            Export::Jsonl | Export::Snapshot => Form::Jsonl,
        };
        let pipeline = Pipeline::new(run.spec).map_err(|error| error.to_string())?;
        let (spec, until, finished) = (run.spec.clone(), run.until, run.finished);
        Ok(Self { spec, pipeline, form, until, finished, bytes: 0 })
    }

    /// Writes the next part; nothing when all is written. A session that has changed meanwhile ends it.
    pub(super) fn next(&mut self, session: &Session) -> Result<Option<Vec<u8>>, String> {
        let run = session.run();
        if *run.spec != self.spec || run.log.start() > 0 || run.log.end() < self.until {
            return Err("The settings changed while the file was written; nothing was saved.".to_owned());
        }
        let row = self.pipeline.counters().events;
        let mut out = Vec::new();
        if row < self.until {
            self.pipeline.push(run.log.read(row, ROWS.min((self.until - row) as usize)));
            self.write(&mut out);
        } else if std::mem::take(&mut self.finished) {
            self.pipeline.finish();
            self.write(&mut out);
        } else {
            return Ok(None);
        }
        self.bytes += out.len();
        if self.bytes > LARGEST_BYTES {
            let most = LARGEST_BYTES >> 20;
            return Err(format!("The results are more than {most} MiB; the binary writes them to a file."));
        }
        Ok(Some(out))
    }

    /// The last line, where the form has one.
    pub(super) fn end(&self, rejected: u64) -> Vec<u8> {
        let mut out = Vec::new();
        if matches!(self.form, Form::Jsonl) {
            jsonl::Writer::new(&self.spec).summary(&mut out, &self.pipeline, rejected);
        }
        out
    }

    fn write(&mut self, out: &mut Vec<u8>) {
        match &mut self.form {
            Form::Jsonl => jsonl::Writer::new(&self.spec).changes(out, &self.pipeline),
            Form::Csv(writer) => {
                writer.changes(&self.pipeline);
                *out = writer.take();
            }
        }
    }
}
