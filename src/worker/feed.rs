//! What puts rows into the log: a simulated world, or the reader of a file.
//!
//! **Invariant:** a feed that is rewound gives the same rows again, as long as its file is the same. What reads
//! files is reached through [`Feed`] only, so that the worker of the first load comes without it.

use super::files::{FileReader, Piece};
use super::input::Input;
use super::rejected::Refused;
use crate::wire::Truth;
use kappascope_core::{Log, Spec};
use kappascope_scenario::{Faults, World};

/// A source of rows. One that is no file leaves out what is said of files.
pub(super) trait Feed {
    fn spec(&self) -> &Spec;

    /// Starts over: the next row is the first.
    fn rewind(&mut self);

    /// Whether it will never append another row.
    fn is_complete(&self, log: &Log) -> bool;

    /// Share of the source that has been read.
    fn progress(&self, log: &Log) -> Option<f64>;

    /// What really happened, where that is known.
    fn truth(&self) -> Vec<Truth> {
        Vec::new()
    }

    /// Appends up to `rows` rows that have arrived by `arrival`.
    fn fill(&mut self, _log: &mut Log, _arrival: i64, _rows: usize) {}

    /// The file that has to be read into this feed.
    fn input(&self) -> Option<&Input> {
        None
    }

    /// Which of the file's columns have to be read.
    fn wanted(&self) -> &[usize] {
        &[]
    }

    /// Takes the next piece of a file; none at its end.
    fn take(&mut self, _piece: Option<&Piece>, _log: &mut Log) -> Result<(), String> {
        Ok(())
    }

    /// How many records were refused, and the first of them.
    fn refused(&self) -> (u64, Option<&Refused>) {
        (0, None)
    }
}

/// A simulated world makes rows as they are asked for.
pub(super) struct Made {
    world: World,
    name: String,
    seed: u64,
    events: Option<u64>,
    faults: Faults,
}

impl Made {
    pub(super) fn open(
        name: &str,
        seed: u64,
        events: Option<u64>,
        faults: &Faults,
    ) -> Result<Box<Self>, String> {
        let world =
            kappascope_scenario::open_with(name, seed, events, faults).map_err(|error| error.to_string())?;
        Ok(Box::new(Self { world, name: name.to_owned(), seed, events, faults: faults.clone() }))
    }
}

impl Feed for Made {
    fn spec(&self) -> &Spec {
        self.world.spec()
    }

    fn rewind(&mut self) {
        self.world = kappascope_scenario::open_with(&self.name, self.seed, self.events, &self.faults)
            .expect("it was opened by the same name");
    }

    fn is_complete(&self, log: &Log) -> bool {
        log.end() >= self.world.total()
    }

    fn progress(&self, log: &Log) -> Option<f64> {
        Some(log.end() as f64 / self.world.total() as f64)
    }

    fn truth(&self) -> Vec<Truth> {
        let truth = self.world.labels().iter().map(|label| Truth {
            what: label.what.to_string(),
            start: label.start as f64,
            end: label.end as f64,
            key: label.key.iter().map(|(_, value)| value.clone()).reduce(|all, next| all + ", " + &next),
        });
        truth.collect()
    }

    fn fill(&mut self, log: &mut Log, arrival: i64, rows: usize) {
        self.world.fill_until(log, arrival, rows);
    }
}

/// A file that is being read: rows come when the browser has read more of it.
pub(super) struct File {
    input: Input,
    spec: Spec,
    reader: FileReader,
    /// Bytes or rows, as the input counts them.
    read: f64,
    complete: bool,
    refused: Refused,
}

impl File {
    /// A file, to be read by a pipeline.
    pub(super) fn open(input: Input, spec: Spec) -> Result<Box<Self>, String> {
        let reader = input.form().reader(&spec.schema).map_err(|error| error.to_string())?;
        let refused = Refused::default();
        Ok(Box::new(Self { input, spec, reader, read: 0.0, complete: false, refused }))
    }
}

impl Feed for File {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn rewind(&mut self) {
        let reader = self.input.form().reader(&self.spec.schema);
        self.reader = reader.expect("the same form was understood by the same schema");
        self.read = 0.0;
        self.complete = false;
        self.refused = Refused::default();
    }

    fn is_complete(&self, _log: &Log) -> bool {
        self.complete
    }

    fn progress(&self, _log: &Log) -> Option<f64> {
        let total = self.input.size().number();
        if self.complete { Some(1.0) } else { (total > 0.0).then(|| (self.read / total).min(1.0)) }
    }

    fn input(&self) -> Option<&Input> {
        Some(&self.input)
    }

    fn wanted(&self) -> &[usize] {
        self.reader.wanted()
    }

    fn take(&mut self, piece: Option<&Piece>, log: &mut Log) -> Result<(), String> {
        match piece {
            Some(piece) => self.read += piece.size(),
            None => self.complete = true,
        }
        let result = self.reader.take(piece, log, self.refused.inbox());
        self.refused.trim();
        result.map_err(|error| error.to_string())
    }

    fn refused(&self) -> (u64, Option<&Refused>) {
        (self.reader.rejected(), Some(&self.refused))
    }
}
