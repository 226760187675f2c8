//! What our engine says of a case: the state of each key at each evaluation.

use kappascope_core::{AlertState, Change, Log, Pipeline, Spec, SpecError};

use super::{Case, Window};

/// The state of a rule for a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// No alert.
    #[default]
    Inactive,
    /// The condition holds, not for long enough.
    Pending,
    /// Somebody is told.
    Firing,
}

/// The states by key and step, from the transitions that the engine gives when it reads the case in blocks
/// of so many rows.
///
/// # Errors
/// When the engine refuses the pipeline.
pub fn states(case: &Case, rows: usize) -> Result<Vec<Vec<State>>, SpecError> {
    let spec = Spec::from_toml(&pipeline_file(case))?;
    let log = log(case, &spec);
    let mut pipeline = Pipeline::new(&spec)?;
    let mut states = vec![vec![State::default(); case.steps()]; case.keys.len()];
    for row in (0..log.end()).step_by(rows) {
        pipeline.push(log.read(row, rows));
        note(case, &pipeline, &mut states);
    }
    Ok(states)
}

/// The case as a pipeline file.
#[must_use]
pub fn pipeline_file(case: &Case) -> String {
    let Case { step, offset, bound, hold, keep, condition, .. } = case;
    let window = match case.window {
        Window::Tumbling => format!("tumbling = '{step}ms', offset = '{offset}ms'"),
        Window::Hopping => format!("hopping = '{}ms', slide = '{step}ms', offset = '{offset}ms'", 2 * step),
        Window::Cumulate => format!("cumulate = '{}ms', step = '{step}ms', offset = '{offset}ms'", 3 * step),
        Window::Rolling => "rolling = '1ms'".to_owned(),
    };
    let interval =
        if case.window == Window::Rolling { format!("interval = '{step}ms'\n") } else { String::new() };
    format!(
        "name = 'alerts'\nversion = 1\n\
         schema = {{ time = 't', keys = ['k'], measures = ['v'] }}\n\
         watermark = {{ bound = '{bound}ms' }}\n\
         [[query]]\nname = 'q'\nby = ['k']\nwindow = {{ {window} }}\naggregates = ['count()', 'max(v)']\n\
         [[alert]]\nname = 'a'\nwhen = \"q: {}\"\nfor = '{hold}ms'\nkeep_firing_for = '{keep}ms'\n{interval}\
         severity = 'critical'\nlabels = {{ team = 'security' }}\n",
        condition.0
    )
}

/// Steps that the clock goes on after the last, so that the watermark passes it.
const STEPS_AFTER: usize = 2;

fn log(case: &Case, spec: &Spec) -> Log {
    let mut log = Log::new(&spec.schema);
    for step in 0..case.steps() + STEPS_AFTER {
        let time = case.epoch + case.step * step as i64;
        for (key, samples) in case.keys.iter().enumerate() {
            let after_the_last = if key == 0 { samples[0] } else { None };
            let sample = samples.get(step).copied().unwrap_or(after_the_last);
            let id = log.intern(0, &Case::name(key));
            for sample in sample.iter().flat_map(|sample| std::iter::repeat_n(sample, sample.count)) {
                log.append(time, time, 0, &[id], &[sample.value]);
            }
        }
    }
    log
}

/// Writes the states that transitions of the last push enter.
fn note(case: &Case, pipeline: &Pipeline, states: &mut [Vec<State>]) {
    for change in pipeline.changes().iter() {
        let Change::Alert(alert) = change else { continue };
        let name: String = pipeline.key_of_alert(alert.rule, alert.key).collect();
        let key = (0..states.len()).find(|key| Case::name(*key) == name).expect("keys are of the case");
        let step = step_of(case, alert.time);
        let state = match alert.state {
            AlertState::Pending => State::Pending,
            AlertState::Firing => State::Firing,
            AlertState::Resolved => State::Inactive,
        };
        states[key].iter_mut().skip(step).for_each(|later| *later = state);
    }
}

/// The step at which something is evaluated: windows end with theirs, an event stands at the start of its.
fn step_of(case: &Case, time: i64) -> usize {
    let start = if case.window == Window::Rolling { case.epoch + 1 } else { case.epoch + case.step };
    let since = time - start;
    assert_eq!(since % case.step, 0, "case {}: an evaluation at {time}", case.number);
    (since / case.step) as usize
}
