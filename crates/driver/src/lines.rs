//! What a batch gave as lines, in the form of `kappascope run`: windows query by query, then late events, alerts and
//! rejected records.

use crate::alerts::parts;
use kappascope_core::{Drop, Spec};
use kappascope_delivery::{Effects, LateRow, RejectedRow, WindowRow};
use kappascope_output::jsonl;

/// Writes what batches gave as lines.
pub struct Lines<'a> {
    writer: jsonl::Writer<'a>,
}

impl<'a> Lines<'a> {
    /// Of a pipeline.
    #[must_use]
    pub fn new(spec: &'a Spec) -> Self {
        Self { writer: jsonl::Writer::new(spec) }
    }

    /// Appends the lines of a batch.
    pub fn write(&self, out: &mut Vec<u8>, partition: u32, effects: &Effects) {
        for (query, rows) in (0..).zip(&effects.windows) {
            rows.iter().for_each(|row| self.writer.window(out, window(query, row)));
        }
        for &LateRow { query, offset, time, watermark, reason, windows } in &effects.late {
            let dropped = Drop { query, partition, offset, time, watermark, reason, windows };
            self.writer.dropped(out, &dropped);
        }
        effects.alerts.iter().for_each(|alert| self.writer.alert(out, parts(alert, partition)));
        for RejectedRow { offset, column, reason, .. } in &effects.rejected {
            self.writer.rejected_record(out, partition, *offset, column.as_deref(), reason);
        }
    }
}

fn window(query: u32, row: &WindowRow) -> jsonl::Window<'_> {
    let WindowRow { key, start, end, revision, timing, retraction, values, .. } = row;
    jsonl::Window {
        query,
        key: key.iter().map(String::as_str).collect(),
        start: *start,
        end: *end,
        revision: *revision,
        timing: *timing,
        retraction: *retraction,
        values: values.iter().map(Into::into).collect(),
    }
}
