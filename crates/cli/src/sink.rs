//! Where results go: standard output, files or a live feed, all of which get the same bytes.

use crate::failure::{Failure, told};
use std::fs::File;
use std::io::{ErrorKind, Write};

/// Bytes gathered before they are written.
const WRITE_BYTES: usize = 1 << 18;

struct Output {
    place: String,
    write: Box<dyn Write + Send>,
}

/// The open sinks of a run, and what they are yet to get.
pub(crate) struct Sinks {
    outputs: Vec<Output>,
    pending: Vec<u8>,
}

impl Sinks {
    /// Opens every sink that was named, once each. A file has one of the given endings.
    pub(crate) fn open(names: &[String], endings: &[&str]) -> Result<Self, Failure> {
        let mut outputs: Vec<Output> = Vec::new();
        for name in names {
            let output = open(name, endings)?;
            if outputs.iter().any(|known| known.place == output.place) {
                return Err(Failure::usage(name, "it is named twice; each sink gets everything once"));
            }
            outputs.push(output);
        }
        Ok(Self { outputs, pending: Vec::new() })
    }

    /// Everything to one place that is no file.
    pub(crate) fn one(place: &str, write: Box<dyn Write + Send>) -> Self {
        Self { outputs: vec![Output { place: place.to_owned(), write }], pending: Vec::new() }
    }

    /// What is to be written next; append to it.
    pub(crate) fn pending(&mut self) -> &mut Vec<u8> {
        &mut self.pending
    }

    /// Writes what is pending if it is much.
    pub(crate) fn write_if_much(&mut self) -> Result<(), Failure> {
        if self.pending.len() < WRITE_BYTES { Ok(()) } else { self.write() }
    }

    /// Writes what is pending.
    pub(crate) fn write(&mut self) -> Result<(), Failure> {
        let mut closed = None;
        for (i, output) in self.outputs.iter_mut().enumerate() {
            match output.write.write_all(&self.pending).and_then(|()| output.write.flush()) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::BrokenPipe => closed = Some(i),
                Err(error) => return Err(Failure::running(&output.place, told(&error))),
            }
        }
        self.pending.clear();
        // The other sinks go on.
        closed.map(|i| self.outputs.remove(i));
        if self.outputs.is_empty() { Err(Failure::OutputClosed) } else { Ok(()) }
    }
}

fn open(name: &str, endings: &[&str]) -> Result<Output, Failure> {
    if name == "-" {
        return Ok(Output { place: "standard output".to_owned(), write: Box::new(std::io::stdout()) });
    }
    if !endings.iter().any(|ending| name.ends_with(ending)) || name.contains("://") {
        let fits: String = endings.iter().map(|ending| format!(" or a `{ending}` file")).collect();
        return Err(Failure::usage(name, format!("no such sink; `-`{fits} would fit")));
    }
    let file = File::create(name).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::usage(name, "there is no such folder"),
        _ => Failure::usage(name, told(&error)),
    })?;
    Ok(Output { place: name.to_owned(), write: Box::new(file) })
}
