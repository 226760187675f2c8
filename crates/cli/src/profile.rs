//! `kappascope profile`: a first pipeline for a source, on standard output.

use crate::args;
use crate::columns::{self, PARQUET};
use crate::failure::Failure;
use crate::sink::Sinks;
use crate::source::{Source, world};

/// Proposes a pipeline from the first rows of a source; a scenario has its own.
pub(crate) fn profile(args: &args::Profile) -> Result<(), Failure> {
    let source = Source::parse(&args.from)?;
    let spec = match &source {
        Source::Scenario { name, seed, events } => world(name, *seed, *events)?.spec().clone(),
        Source::File(_) | Source::Stdin => {
            let bytes = source.head()?;
            let name = if source == Source::Stdin { "data" } else { &source.place() };
            if bytes.head.starts_with(PARQUET) {
                columns::propose(name, &source, bytes)?
            } else {
                kappascope_ingest::propose(name, &bytes.head)
                    .map_err(|error| Failure::running(&bytes.place, error))?
            }
        }
    };
    let mut sinks = Sinks::open(&["-".to_owned()], &[])?;
    sinks.pending().extend_from_slice(spec.to_toml().as_bytes());
    sinks.write()
}
