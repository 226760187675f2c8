//! `kappascope backtest`: what a pipeline's alerts would have caught, missed and cried wolf over.

use crate::args;
use crate::failure::Failure;
use crate::labels::Origin;
use crate::run::read_pipeline;
use crate::sink::Sinks;
use crate::source::{Feed, Source};
use crate::verdict::Verdict;
use kappascope_backtest::setting::settings;
use kappascope_backtest::sweep::Rules;
use kappascope_backtest::{Parameter, SweepError, sweep};
use kappascope_core::{Log, Spec};

/// Parameters of one sweep: more than a table with two sides shows nobody reads.
const MOST_PARAMETERS: usize = 2;

/// Reads the whole source, runs every setting over it, and says what came of them.
pub(crate) fn backtest(args: &args::Backtest) -> Result<(), Failure> {
    let (parameters, rules) = (parameters(&args.sweep)?, rules(args)?);
    let source = Source::parse(&args.from)?;
    let origin = Origin::parse(args.labels.as_deref(), &source)?;
    let spec = args.pipeline.as_deref().map(read_pipeline).transpose()?;
    let (mut feed, spec) = Feed::open(&source, spec.map(|spec| origin.add_column(spec)))?;
    check_alerts(&spec)?;
    let settings = settings(&spec, &parameters).map_err(|error| refused(&error))?;
    let (mut log, mut rejected) = (Log::new(&spec.schema), Vec::new());
    while feed.fill(&mut log, &mut rejected)? {
        rejected.clear();
    }
    let labels = origin.read(&source, &spec, &log)?;
    let sweep = sweep(&settings, &log, &labels, rules).map_err(|error| Failure::usage(&spec.name, error))?;
    let verdict = Verdict {
        place: source.place(),
        events: log.end(),
        rejected: feed.rejected(),
        spec: &settings[sweep.chosen].spec,
        parameters: &parameters,
        labels: &labels,
        miss_cost: rules.miss_cost,
        sweep: &sweep,
    };
    let mut sinks = Sinks::open(&["-".to_owned()], &[])?;
    let text = if args.json { verdict.json() } else { verdict.text() };
    sinks.pending().extend_from_slice(text.as_bytes());
    sinks.write()
}

fn parameters(sweep: &[String]) -> Result<Vec<Parameter>, Failure> {
    if sweep.len() > MOST_PARAMETERS {
        let message = format!("{} parameters; at most {MOST_PARAMETERS} can be swept together", sweep.len());
        return Err(Failure::usage("--sweep", message));
    }
    sweep.iter().map(|text| text.parse().map_err(|error| refused(&error))).collect()
}

fn refused(error: &SweepError) -> Failure {
    Failure::usage("--sweep", error)
}

fn rules(args: &args::Backtest) -> Result<Rules, Failure> {
    let miss_cost = args.miss_cost;
    if !(miss_cost.is_finite() && miss_cost >= 0.0) {
        return Err(Failure::usage("--miss-cost", format!("{miss_cost}; a number from 0 on would fit")));
    }
    let train = args.train.unwrap_or(if args.sweep.is_empty() { 1.0 } else { 0.5 });
    if !(train > 0.0 && train <= 1.0) {
        return Err(Failure::usage("--train", format!("{train}; a share above 0, at most 1, would fit")));
    }
    Ok(Rules { miss_cost, train })
}

fn check_alerts(spec: &Spec) -> Result<(), Failure> {
    if spec.alert.is_empty() {
        return Err(Failure::usage(&spec.name, "it has no alert rule to judge; add an `[[alert]]`"));
    }
    Ok(())
}
