//! `kappascope check`: whether a pipeline, its source and its sinks fit each other, can be reached and let us in.

use crate::args;
use crate::failure::Failure;
use crate::live::{self, Followed, is_live};
use crate::run::read_pipeline;
use crate::sink::Sinks;
use crate::source::{Feed, Source};
use kappascope_core::Pipeline;

/// Checks, and says what was found.
pub(crate) fn check(args: &args::Check) -> Result<(), Failure> {
    let mut told = Sinks::open(&["-".to_owned()], &[])?;
    let mut tell = |line: String| {
        told.pending().extend_from_slice(format!("{line}\n").as_bytes());
        told.write()
    };
    let spec = args.pipeline.as_deref().map(read_pipeline).transpose()?;
    if let Some(spec) = &spec {
        Pipeline::new(spec).map_err(|error| Failure::usage("pipeline", error))?;
        let (queries, rules) = (spec.query.len(), spec.alert.len());
        tell(format!(
            "ok  pipeline `{}`, version {}: {queries} queries, {rules} alerts",
            spec.name, spec.version
        ))?;
    }
    let Some(from) = &args.from else { return Ok(()) };
    if is_live(from) {
        let followed = Followed::open(from, args.pipeline.as_deref(), &args.to)?;
        let runtime = live::runtime("check")?;
        runtime.block_on(live::prepare(&followed.job, false)).map_err(|stop| live::failed(&stop))?;
        tell(format!("ok  {}, its state, and what it is delivered to", followed.job.input))?;
    } else {
        live::refuse_sinks(&args.to)?;
        let source = Source::parse(from)?;
        Feed::open(&source, spec)?;
        tell(format!("ok  {} has what the pipeline reads", source.place()))?;
    }
    Ok(())
}
