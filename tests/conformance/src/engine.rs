//! What our engine answers.
//!
//! **Invariant:** events are pushed one at a time, so that the watermark of each answer is known: an on-time result
//! comes after the event has moved the watermark, a correction before.

use kappascope_core::{Change, DropReason, Log, Pipeline, Spec, SpecError, Timing};

use crate::Answer;
use crate::stream::{Event, Stream, Window};

/// Runs a stream through the engine.
///
/// # Errors
/// When the engine does not know the window.
pub fn answers(stream: &Stream) -> Result<Vec<Answer>, SpecError> {
    let spec = Spec::from_toml(&pipeline_file(stream))?;
    let log = log(&spec, &stream.events);
    let mut pipeline = Pipeline::new(&spec)?;
    let mut answers = Vec::new();
    for row in 0..log.end() {
        let before = pipeline.watermark();
        pipeline.push(log.read(row, 1));
        note(stream, &pipeline, before, &mut answers);
    }
    let before = pipeline.watermark();
    pipeline.finish();
    note(stream, &pipeline, before, &mut answers);
    Ok(answers)
}

/// The digest of everything the engine gives when it reads a stream in blocks of so many rows.
///
/// # Errors
/// When the engine does not know the window.
pub fn digest(stream: &Stream, rows: usize) -> Result<u64, SpecError> {
    let spec = Spec::from_toml(&pipeline_file(stream))?;
    let log = log(&spec, &stream.events);
    let mut pipeline = Pipeline::new(&spec)?;
    for row in (0..log.end()).step_by(rows) {
        pipeline.push(log.read(row, rows));
    }
    pipeline.finish();
    Ok(pipeline.digest())
}

/// The stream's window as a pipeline file says it.
#[must_use]
pub fn pipeline_file(stream: &Stream) -> String {
    let window = match stream.window {
        Window::Tumbling { size, offset } => format!("tumbling = '{size}ms', offset = '{offset}ms'"),
        Window::Hopping { size, slide, offset } => {
            format!("hopping = '{size}ms', slide = '{slide}ms', offset = '{offset}ms'")
        }
        Window::Cumulate { size, step, offset } => {
            format!("cumulate = '{size}ms', step = '{step}ms', offset = '{offset}ms'")
        }
        Window::Session { gap } => format!("session = '{gap}ms'"),
    };
    let (bound, lateness) = (stream.bound, stream.lateness);
    format!(
        "name = 'conformance'\nversion = 1\n\
         schema = {{ time = 't', keys = ['k'], measures = ['v'] }}\n\
         watermark = {{ bound = '{bound}ms' }}\n\
         [[query]]\nname = 'q'\nby = ['k']\nwindow = {{ {window} }}\nlateness = '{lateness}ms'\n\
         aggregates = ['count()', 'sum(v)', 'min(v)', 'max(v)', 'avg(v)']\n"
    )
}

fn log(spec: &Spec, events: &[Event]) -> Log {
    let mut log = Log::new(&spec.schema);
    for (row, event) in events.iter().enumerate() {
        let key = log.intern(0, &event.key);
        log.append(event.time, row as i64, 0, &[key], &[event.value]);
    }
    log
}

/// Turns what the last push changed into answers.
fn note(stream: &Stream, pipeline: &Pipeline, before: i64, answers: &mut Vec<Answer>) {
    let changes = pipeline.changes();
    for change in changes.iter() {
        match change {
            Change::Window(window) => {
                let on_time = window.timing == Timing::OnTime;
                let watermark = if on_time { pipeline.watermark() } else { before };
                let mut values = [0.0; 5];
                for (value, of_window) in values.iter_mut().zip(changes.values_of(window)) {
                    *value = of_window.as_f64();
                }
                answers.push(Answer::Result {
                    key: pipeline.key_names(window.query, window.key).collect(),
                    start: window.start,
                    end: window.end,
                    values,
                    watermark: (!stream.family.sql).then_some(watermark),
                });
            }
            // SQL drops late events without a word.
            Change::Drop(dropped) if dropped.reason == DropReason::Late && !stream.family.sql => {
                let event = &stream.events[dropped.offset as usize];
                answers.push(Answer::Late { key: event.key.clone(), time: event.time, value: event.value });
            }
            _ => {}
        }
    }
}
