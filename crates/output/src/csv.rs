//! The results of one query as CSV: a line a result, one column a key column and an aggregate.
//!
//! Times are epoch milliseconds. A list such as `top3(user)` is one field of JSON. A line whose
//! `retraction` is true takes back the result of that revision.

use kappascope_core::{Change, Pipeline, Spec, Timing, Value, WindowResult};

/// Writes the results of one query.
pub struct Writer {
    query: u32,
    csv: csv::Writer<Vec<u8>>,
}

impl Writer {
    /// A writer of a query's results, its header already written.
    ///
    /// # Panics
    /// When the pipeline has no such query.
    #[must_use]
    pub fn new(spec: &Spec, query: u32) -> Self {
        let fields = &spec.query[query as usize];
        let mut writer = Self { query, csv: csv::Writer::from_writer(Vec::new()) };
        let aggregates: Vec<String> = fields.aggregates.iter().map(ToString::to_string).collect();
        let names = ["start", "end"].into_iter().chain(fields.by.iter().map(String::as_str));
        let names = names.chain(["revision", "timing", "retraction"]);
        writer.record(names.chain(aggregates.iter().map(String::as_str)));
        writer
    }

    /// Writes the results of the pipeline's last block.
    pub fn changes(&mut self, pipeline: &Pipeline) {
        for change in pipeline.changes().iter() {
            if let Change::Window(window) = change
                && window.query == self.query
            {
                self.window(pipeline, window);
            }
        }
    }

    /// Takes what has been written since the last time.
    ///
    /// # Panics
    /// Never: memory takes what is written.
    pub fn take(&mut self) -> Vec<u8> {
        self.csv.flush().expect("memory takes what is written");
        let empty = csv::WriterBuilder::new().from_writer(Vec::new());
        let full = std::mem::replace(&mut self.csv, empty);
        full.into_inner().expect("it was flushed")
    }

    fn window(&mut self, pipeline: &Pipeline, window: &WindowResult) {
        let timing = match window.timing {
            Timing::Early => "early",
            Timing::OnTime => "on_time",
            Timing::Late => "late",
        };
        let bounds = [window.start.to_string(), window.end.to_string()];
        let key = pipeline.key_names(window.query, window.key).map(str::to_owned);
        let state = [window.revision.to_string(), timing.to_owned(), window.retraction.to_string()];
        let values = pipeline.changes().values_of(window).map(field);
        let fields: Vec<String> = bounds.into_iter().chain(key).chain(state).chain(values).collect();
        self.record(fields.iter().map(String::as_str));
    }

    fn record<'a>(&mut self, fields: impl Iterator<Item = &'a str>) {
        self.csv.write_record(fields).expect("memory takes a line, and all have as many fields");
    }
}

fn field(value: Value<'_>) -> String {
    match value {
        Value::Count(n) => n.to_string(),
        Value::Real(x) if x.is_finite() => x.to_string(),
        Value::Real(_) => String::new(),
        Value::Top(entries) => serde_json::to_string(entries).expect("entries are strings and numbers"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kappascope_core::Log;

    const PIPELINE: &str = r#"
        name = "shop"
        version = 1
        [schema]
        time = "at"
        keys = ["page"]
        measures = ["ms"]
        [[query]]
        name = "per_minute"
        by = ["page"]
        window = { tumbling = "1m" }
        lateness = "10s"
        aggregates = ["count()", "avg(ms)"]
    "#;

    #[test]
    fn a_line_a_result_with_its_key_and_revision() {
        let spec = Spec::from_toml(PIPELINE).expect("runs");
        let mut log = Log::new(&spec.schema);
        let page = log.intern(0, "a, \"b\"");
        for (at, ms) in [(1_000, 20.0), (61_000, 1.5), (2_000, 40.0)] {
            log.append(at, 61_000, 0, &[page], &[ms]);
        }
        let mut pipeline = Pipeline::new(&spec).expect("runs");
        let mut writer = Writer::new(&spec, 0);
        pipeline.push(log.read(0, usize::MAX));
        writer.changes(&pipeline);
        let head = String::from_utf8(writer.take()).expect("is text");
        assert_eq!(
            head,
            "start,end,page,revision,timing,retraction,count(),avg(ms)\n\
             0,60000,\"a, \"\"b\"\"\",0,on_time,false,1,20\n\
             0,60000,\"a, \"\"b\"\"\",1,late,false,2,30\n"
        );
        pipeline.finish();
        writer.changes(&pipeline);
        let rest = String::from_utf8(writer.take()).expect("is text");
        assert_eq!(rest, "60000,120000,\"a, \"\"b\"\"\",0,on_time,false,1,1.5\n");
    }
}
