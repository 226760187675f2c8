//! What puts rows into the log: a simulated world, or the reader of a file's file.
//!
//! **Invariant:** a feed that is rewound gives the same rows again, as long as its file is the same.

use super::files::{FileReader, Piece};
use super::input::Input;
use super::rejected::Refused;
use crate::wire::Truth;
use kappascope_core::{Log, Spec};
use kappascope_scenario::{Faults, World};

/// A source of rows.
pub(super) enum Feed {
    /// A simulated world makes rows as they are asked for.
    World(Box<Made>),
    /// Rows come when the browser has read more of a file.
    File(Box<File>),
}

/// A world and how it was made.
pub(super) struct Made {
    world: World,
    name: String,
    seed: u64,
    events: Option<u64>,
    faults: Faults,
}

/// A file that is being read.
pub(super) struct File {
    input: Input,
    spec: Spec,
    reader: FileReader,
    /// Bytes or rows, as the input counts them.
    read: f64,
    complete: bool,
    refused: Refused,
}

impl Feed {
    pub(super) fn world(name: &str, seed: u64, events: Option<u64>, faults: &Faults) -> Result<Self, String> {
        let world =
            kappascope_scenario::open_with(name, seed, events, faults).map_err(|error| error.to_string())?;
        Ok(Self::World(Box::new(Made { world, name: name.to_owned(), seed, events, faults: faults.clone() })))
    }

    /// A file, to be read by a pipeline.
    pub(super) fn file(input: Input, spec: Spec) -> Result<Self, String> {
        let reader = input.form().reader(&spec.schema).map_err(|error| error.to_string())?;
        let refused = Refused::default();
        Ok(Self::File(Box::new(File { input, spec, reader, read: 0.0, complete: false, refused })))
    }

    pub(super) fn spec(&self) -> &Spec {
        match self {
            Self::World(made) => made.world.spec(),
            Self::File(file) => &file.spec,
        }
    }

    /// The file that has to be read into this feed.
    pub(super) fn input(&self) -> Option<&Input> {
        match self {
            Self::World(_) => None,
            Self::File(file) => Some(&file.input),
        }
    }

    /// Which of the file's columns have to be read.
    pub(super) fn wanted(&self) -> &[usize] {
        match self {
            Self::World(_) => &[],
            Self::File(file) => file.reader.wanted(),
        }
    }

    /// Starts over: the next row is the first.
    pub(super) fn rewind(&mut self) {
        match self {
            Self::World(made) => {
                made.world = kappascope_scenario::open_with(&made.name, made.seed, made.events, &made.faults)
                    .expect("it was opened in the same way");
            }
            Self::File(file) => {
                let reader = file.input.form().reader(&file.spec.schema);
                file.reader = reader.expect("the same form was understood by the same schema");
                file.read = 0.0;
                file.complete = false;
                file.refused = Refused::default();
            }
        }
    }

    /// What really happened, where that is known.
    pub(super) fn truth(&self) -> Vec<Truth> {
        let Self::World(made) = self else { return Vec::new() };
        made.world
            .labels()
            .iter()
            .map(|label| Truth {
                what: label.what.to_string(),
                start: label.start as f64,
                end: label.end as f64,
                key: label.key.iter().map(|(_, value)| value.clone()).reduce(|all, next| all + ", " + &next),
            })
            .collect()
    }

    /// Appends up to `rows` rows that have arrived by `arrival`.
    pub(super) fn fill(&mut self, log: &mut Log, arrival: i64, rows: usize) {
        if let Self::World(made) = self {
            made.world.fill_until(log, arrival, rows);
        }
    }

    /// Whether it will never append another row.
    pub(super) fn is_complete(&self, log: &Log) -> bool {
        match self {
            Self::World(made) => log.end() >= made.world.total(),
            Self::File(file) => file.complete,
        }
    }

    /// Share of the source that has been read.
    pub(super) fn progress(&self, log: &Log) -> Option<f64> {
        match self {
            Self::World(made) => Some(log.end() as f64 / made.world.total() as f64),
            Self::File(file) if file.complete => Some(1.0),
            Self::File(file) => {
                let total = file.input.size().number();
                (total > 0.0).then(|| (file.read / total).min(1.0))
            }
        }
    }

    /// How many records were refused, and the first of them.
    pub(super) fn refused(&self) -> (u64, Option<&Refused>) {
        match self {
            Self::World(_) => (0, None),
            Self::File(file) => (file.reader.rejected(), Some(&file.refused)),
        }
    }

    /// Takes the next piece of a file; none at its end.
    pub(super) fn take(&mut self, piece: Option<&Piece>, log: &mut Log) -> Result<(), String> {
        let Self::File(file) = self else { return Ok(()) };
        match piece {
            Some(piece) => file.read += piece.size(),
            None => file.complete = true,
        }
        let result = file.reader.take(piece, log, file.refused.inbox());
        file.refused.trim();
        result.map_err(|error| error.to_string())
    }
}
