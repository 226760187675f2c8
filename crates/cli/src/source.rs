//! Where events come from: a file, standard input or a scenario, all filled into a log portion by portion.
//!
//! A file that changes while it is read: one that grew is read to its new end, and standard error says so,
//! since a log that is being written to does that; one that shrank is an error. Of Parquet, whose index is
//! at its end, either is an error.

use crate::columns::Columns;
use crate::failure::{Failure, told};
use kappascope_core::Log;
use kappascope_core::Spec;
use kappascope_core::spec::Schema;
use kappascope_ingest::{HEAD_BYTES, IngestError, Reader, Rejected};
use kappascope_parquet::MAGIC;
use kappascope_scenario::{Faults, SCENARIOS, World};
use std::fs::File;
use std::io::{ErrorKind, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

/// Bytes read at a time: large enough that a system call costs nothing beside its rows, small enough to
/// stay in a processor's cache.
const READ_BYTES: usize = 1 << 20;

/// Rows of a scenario at a time: about as many as [`READ_BYTES`] hold.
const WORLD_ROWS: usize = 1 << 14;

/// A source as named on the command line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    File(PathBuf),
    Stdin,
    Scenario(Simulated),
}

/// A scenario, with its defaults where nothing is said.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Simulated {
    pub(crate) name: String,
    pub(crate) seed: Option<u64>,
    pub(crate) events: Option<u64>,
    pub(crate) faults: Faults,
}

impl Source {
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        if text == "-" {
            return Ok(Self::Stdin);
        }
        if let Some(rest) = text.strip_prefix("scenario:") {
            let simulated = Simulated::parse(rest).map_err(|message| Failure::usage(text, message))?;
            return Ok(Self::Scenario(simulated));
        }
        if text.contains("://") {
            return Err(Failure::usage(
                text,
                "no such source here; a file, `-` and `scenario:NAME?seed=N&events=N` would fit",
            ));
        }
        Ok(Self::File(text.into()))
    }

    /// How messages name it.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stdin => "standard input".to_owned(),
            Self::Scenario(simulated) => simulated.place(),
        }
    }

    /// Refuses to write over the file that is to be read.
    pub(crate) fn refuse_as_sink(&self, sinks: &[String]) -> Result<(), Failure> {
        let Self::File(path) = self else { return Ok(()) };
        let Ok(source) = path.canonicalize() else { return Ok(()) };
        match sinks.iter().find(|sink| Path::new(sink).canonicalize().is_ok_and(|sink| sink == source)) {
            Some(sink) => Err(Failure::usage(sink, "it is the source; another file would fit")),
            None => Ok(()),
        }
    }

    /// Opens it for reading, unless it is a scenario.
    fn open(&self) -> Result<(Box<dyn Read>, Option<u64>), Failure> {
        let Self::File(path) = self else {
            if std::io::stdin().is_terminal() {
                let message = "it is a terminal; `--from FILE` names a file to read";
                return Err(Failure::usage(self.place(), message));
            }
            return Ok((Box::new(std::io::stdin().lock()), None));
        };
        let refuse = |message: &dyn std::fmt::Display| Failure::usage(self.place(), message);
        let metadata = std::fs::metadata(path).map_err(|error| refuse(&told(&error)))?;
        if metadata.is_dir() {
            return Err(refuse(&"a directory; a CSV, JSON Lines or Parquet file would fit"));
        }
        let file = File::open(path).map_err(|error| refuse(&told(&error)))?;
        Ok((Box::new(file), metadata.is_file().then_some(metadata.len())))
    }

    /// The first bytes of it, and the rest to read.
    pub(crate) fn head(&self) -> Result<Bytes, Failure> {
        let (input, size) = self.open()?;
        let mut bytes = Bytes { place: self.place(), head: Vec::new(), input, size };
        let wanted = HEAD_BYTES as u64;
        let read = bytes.input.by_ref().take(wanted).read_to_end(&mut bytes.head);
        read.map_err(|error| Failure::running(&bytes.place, told(&error)))?;
        Ok(bytes)
    }
}

impl Simulated {
    /// `NAME?seed=N&events=N&disorder=5s`: settings, and faults by their names.
    fn parse(text: &str) -> Result<Self, String> {
        let (name, settings) = text.split_once('?').unwrap_or((text, ""));
        let mut simulated = Self { name: name.to_owned(), ..Self::default() };
        for setting in settings.split('&').filter(|setting| !setting.is_empty()) {
            simulated.set(setting)?;
        }
        Ok(simulated)
    }

    fn set(&mut self, setting: &str) -> Result<(), String> {
        let fits = "`seed=N` and `events=N`, whole numbers, and faults such as `disorder=5s` would fit";
        let no_setting = || format!("`{setting}` is no setting; {fits}");
        let (field, value) = setting.split_once('=').unwrap_or((setting, ""));
        if Faults::is_fault(field) {
            return self.faults.set(field, value).map_err(|error| error.to_string());
        }
        let number: u64 = value.parse().map_err(|_| no_setting())?;
        match field {
            "seed" => self.seed = Some(number),
            "events" if number > 0 => self.events = Some(number),
            "events" => return Err("no events; at least 1 would fit".to_owned()),
            _ => return Err(no_setting()),
        }
        Ok(())
    }

    /// How messages name it.
    fn place(&self) -> String {
        format!("scenario:{}", self.name)
    }

    /// Its world, from the start.
    pub(crate) fn world(&self) -> Result<World, Failure> {
        let known = SCENARIOS.iter().find(|known| known.name == self.name);
        let seed = self.seed.unwrap_or(known.map_or(0, |known| known.default_seed));
        kappascope_scenario::open_with(&self.name, seed, self.events, &self.faults)
            .map_err(|error| Failure::usage(self.place(), error))
    }
}

/// A file whose head has been read.
pub(crate) struct Bytes {
    pub(crate) place: String,
    pub(crate) head: Vec<u8>,
    pub(crate) input: Box<dyn Read>,
    /// Its size when it was opened, where it has one.
    pub(crate) size: Option<u64>,
}

/// An open source.
pub(crate) enum Feed {
    Bytes { bytes: Bytes, reader: Box<Reader>, buffer: Vec<u8>, read: u64 },
    Columns(Box<Columns>),
    World(Box<World>),
}

impl Feed {
    /// Opens a source for a pipeline, or for the scenario's own when there is none.
    pub(crate) fn open(source: &Source, spec: Option<Spec>) -> Result<(Self, Spec), Failure> {
        if let Source::Scenario(simulated) = source {
            let world = simulated.world()?;
            let spec = spec.unwrap_or_else(|| world.spec().clone());
            check_schema(source, &spec.schema, &world.spec().schema)?;
            return Ok((Self::World(Box::new(world)), spec));
        }
        let Some(spec) = spec else {
            let place = source.place();
            let from = if *source == Source::Stdin { "FILE" } else { &place };
            let message =
                format!("it needs a pipeline, `-p FILE`; `kappascope profile --from {from}` proposes one");
            return Err(Failure::usage(&place, message));
        };
        let bytes = source.head()?;
        if bytes.head.starts_with(MAGIC) {
            return Ok((Self::Columns(Box::new(Columns::open(source, bytes, &spec.schema)?)), spec));
        }
        let reader = Reader::new(&spec.schema, &bytes.head).map_err(|error| refused(&bytes.place, &error))?;
        Ok((Self::Bytes { bytes, reader: Box::new(reader), buffer: Vec::new(), read: 0 }, spec))
    }

    /// Appends the next portion to the log. Gives whether there may be more.
    pub(crate) fn fill(&mut self, log: &mut Log, rejected: &mut Vec<Rejected>) -> Result<bool, Failure> {
        match self {
            Self::World(world) => Ok(world.fill(log, WORLD_ROWS) > 0),
            Self::Columns(columns) => columns.fill(log, rejected),
            Self::Bytes { bytes, reader, buffer, read } => {
                let portion = if *read == 0 { &bytes.head } else { bytes.next(buffer)? };
                let place = &bytes.place;
                *read += portion.len() as u64;
                if portion.is_empty() {
                    check_size(place, bytes.size, *read)?;
                    reader.finish(log, rejected).map_err(|error| refused(place, &error))?;
                    return Ok(false);
                }
                reader.push(portion, log, rejected).map_err(|error| refused(place, &error))?;
                Ok(true)
            }
        }
    }

    /// Records that were no rows.
    pub(crate) fn rejected(&self) -> u64 {
        match self {
            Self::Bytes { reader, .. } => reader.rejected(),
            Self::Columns(columns) => columns.rejected(),
            Self::World(_) => 0,
        }
    }

    /// The share of it that is behind, where its size is known.
    pub(crate) fn share(&self, events: u64) -> Option<f64> {
        let (done, all) = match self {
            Self::Bytes { bytes, read, .. } => (*read, bytes.size?),
            Self::Columns(columns) => columns.progress(),
            Self::World(world) => (events, world.total()),
        };
        Some(done as f64 / all as f64).filter(|share| share.is_finite())
    }
}

impl Bytes {
    /// The next bytes of the input: what there is at the moment, so that a pipe is not waited for.
    pub(crate) fn next<'a>(&mut self, buffer: &'a mut Vec<u8>) -> Result<&'a Vec<u8>, Failure> {
        buffer.resize(READ_BYTES, 0);
        loop {
            match self.input.read(buffer) {
                Ok(n) => buffer.truncate(n),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Failure::running(&self.place, told(&error))),
            }
            return Ok(buffer);
        }
    }
}

/// Tells when a file is not as long any more as it was when it was opened.
fn check_size(place: &str, size: Option<u64>, read: u64) -> Result<(), Failure> {
    let Some(size) = size.filter(|size| *size != read) else { return Ok(()) };
    if read < size {
        let message = format!(
            "it had {size} bytes when it was opened and ended after {read}: it changed while it was read; \
             run again once it is complete"
        );
        return Err(Failure::running(place, message));
    }
    // With nowhere to say it, the rows are in the output all the same.
    let _ = writeln!(
        std::io::stderr(),
        "kappascope: {place}: it grew from {size} to {read} bytes while it was read; all of them were taken"
    );
    Ok(())
}

pub(crate) fn refused(place: &str, error: &IngestError) -> Failure {
    if error.is_schema() { Failure::usage(place, error) } else { Failure::running(place, error) }
}

fn check_schema(source: &Source, schema: &Schema, worlds: &Schema) -> Result<(), Failure> {
    if schema == worlds {
        return Ok(());
    }
    let place = source.place();
    let message = format!(
        "the pipeline's schema is not the scenario's; `kappascope profile --from {place}` writes it out"
    );
    Err(Failure::usage(place, message))
}
