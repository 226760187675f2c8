//! `kappascope generate`: the events of a scenario as CSV or JSON lines, or in a Kafka topic, in the columns that its pipeline
//! names, so that [`run`](crate::run) reads back the same log.

use crate::args;
use crate::failure::Failure;
use crate::live::runtime;
use crate::pace::Pace;
use crate::sink::Sinks;
use crate::source::Simulated;
use jiff::Timestamp;
use kappascope_address::AddressError;
use kappascope_core::Log;
use kappascope_core::log::Block;
use kappascope_core::spec::Schema;
use kappascope_kafka::topic::{self, Shape, Topics};
use kappascope_kafka::{self as kafka, Address, TopicWriter};
use kappascope_scenario::{Faults, SCENARIOS};

/// Events made at a time.
const PORTION: usize = 1 << 14;

/// Writes a scenario's events, or the list of scenarios.
pub(crate) fn generate(args: &args::Generate) -> Result<(), Failure> {
    let Some(name) = args.scenario.clone().filter(|_| !args.list) else { return list() };
    let faults: Faults = args.fault.join(",").parse().map_err(|error| Failure::usage("--fault", error))?;
    let mut world = Simulated { name, seed: args.seed, events: args.events, faults }.world()?;
    let schema = world.spec().schema.clone();
    let mut output = Output::open(&args.to, &schema, args.create)?;
    let mut pace = args.rate.map(Pace::new);
    let portion = pace.as_ref().map_or(PORTION, Pace::portion);
    let mut log = Log::new(&schema);

    loop {
        let rows = world.fill(&mut log, portion);
        if rows == 0 {
            return output.finish();
        }
        output.write(&schema, &log.read(log.start(), rows))?;
        log.forget(log.end());
        if let Some(pace) = &mut pace {
            pace.wait_after(rows as u64);
        }
    }
}

fn list() -> Result<(), Failure> {
    let mut sinks = Sinks::open(&["-".to_owned()], &[])?;
    for scenario in SCENARIOS {
        let line = format!(
            "{:17} {} ({} events, seed {})\n",
            scenario.name, scenario.summary, scenario.default_events, scenario.default_seed
        );
        sinks.pending().extend_from_slice(line.as_bytes());
    }
    sinks.write()
}

/// Where events go.
enum Output {
    Lines { form: Form, sinks: Sinks },
    Topic { form: Form, writer: TopicWriter, key: Option<usize>, record: Vec<u8> },
}

impl Output {
    fn open(to: &str, schema: &Schema, create: bool) -> Result<Self, Failure> {
        if to.starts_with(Address::SCHEME) {
            return Self::topic(to, schema, create);
        }
        if create {
            return Err(Failure::usage("--create", "it makes a topic; `--to kafka://…` would need one"));
        }
        let mut sinks = Sinks::open(&[to.to_owned()], &[".csv", ".jsonl"])?;
        let form = if to.ends_with(".csv") { Form::Csv } else { Form::JsonLines };
        form.header(sinks.pending(), schema);
        Ok(Self::Lines { form, sinks })
    }

    fn topic(to: &str, schema: &Schema, create: bool) -> Result<Self, Failure> {
        let to: Address = to.parse().map_err(|error: AddressError| Failure::Usage(error.to_string()))?;
        let refuse = |message| Err(Failure::usage(&to, message));
        let columns: Vec<String> = names(schema).cloned().collect();
        let form = match &to.form {
            kafka::Form::Json => Form::JsonLines,
            kafka::Form::Csv(named) if *named == columns => Form::Csv,
            kafka::Form::Csv(_) => return refuse(format!("`columns={}` would fit", columns.join(","))),
        };
        let key = match &to.key {
            None => None,
            Some(name) => match schema.keys.iter().position(|key| key == name) {
                None => {
                    let keys = schema.keys.join(", ");
                    return refuse(format!("`key={name}` is no key column; one of {keys} would fit"));
                }
                found => found,
            },
        };
        if create {
            let shape = Shape { partitions: to.partitions, settings: &[] };
            runtime("generate")?.block_on(topic::create(&to, &to.topic, &shape)).map_err(failed)?;
        }
        // A producer would wait for a topic that is not there.
        Topics::open(&to).and_then(|topics| topics.partitions(&to.topic)).map_err(failed)?;
        let writer = TopicWriter::open(&to).map_err(failed)?;
        Ok(Self::Topic { form, writer, key, record: Vec::new() })
    }

    fn write(&mut self, schema: &Schema, block: &Block<'_>) -> Result<(), Failure> {
        match self {
            Self::Lines { form, sinks } => {
                (0..block.len()).for_each(|row| form.row(sinks.pending(), schema, block, row));
                sinks.write()
            }
            Self::Topic { form, writer, key, record } => {
                for row in 0..block.len() {
                    record.clear();
                    form.row(record, schema, block, row);
                    // The line's end is the record's.
                    record.pop();
                    let key =
                        key.map(|column| block.dictionary(column).name(block.key(column)[row]).as_bytes());
                    // Its time is now: Kafka deletes records that are said to be old.
                    writer.send(record, key).map_err(failed)?;
                }
                Ok(())
            }
        }
    }

    fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Lines { mut sinks, .. } => sinks.write(),
            Self::Topic { writer, .. } => writer.finish().map_err(failed),
        }
    }
}

fn failed(error: kafka::Error) -> Failure {
    if error.is_transient() { Failure::Running(error.to_string()) } else { Failure::Usage(error.to_string()) }
}

#[derive(Clone, Copy)]
enum Form {
    Csv,
    JsonLines,
}

/// One cell of an event.
enum Cell<'a> {
    Time(i64),
    Partition(u32),
    Key(&'a str),
    Measure(f64),
}

impl Form {
    fn header(self, out: &mut Vec<u8>, schema: &Schema) {
        let Self::Csv = self else { return };
        for (i, name) in names(schema).enumerate() {
            separate(out, i);
            csv_text(out, name);
        }
        out.push(b'\n');
    }

    fn row(self, out: &mut Vec<u8>, schema: &Schema, block: &Block<'_>, row: usize) {
        out.extend_from_slice(if let Self::JsonLines = self { b"{" } else { b"" });
        for (i, (name, cell)) in names(schema).zip(cells(schema, block, row)).enumerate() {
            separate(out, i);
            if let Self::JsonLines = self {
                json(out, name);
                out.push(b':');
            }
            self.cell(out, &cell);
        }
        out.extend_from_slice(if let Self::JsonLines = self { b"}\n" } else { b"\n" });
    }

    fn cell(self, out: &mut Vec<u8>, cell: &Cell<'_>) {
        match (self, cell) {
            (Self::Csv, Cell::Time(ms)) => csv_text(out, &rfc3339(*ms)),
            (Self::JsonLines, Cell::Time(ms)) => json(out, &rfc3339(*ms)),
            (Self::Csv, Cell::Key(text)) => csv_text(out, text),
            (Self::JsonLines, Cell::Key(text)) => json(out, text),
            (_, Cell::Partition(number)) => json(out, number),
            (_, Cell::Measure(number)) => json(out, number),
        }
    }
}

/// The columns that a schema names, in the order in which [`cells`] gives them.
fn names(schema: &Schema) -> impl Iterator<Item = &String> {
    let times = std::iter::once(&schema.time).chain(&schema.arrival);
    times.chain(&schema.partition).chain(&schema.keys).chain(&schema.measures)
}

/// One row of a block, a cell a column.
fn cells<'a>(schema: &Schema, block: &Block<'a>, row: usize) -> impl Iterator<Item = Cell<'a>> {
    let arrival = schema.arrival.as_ref().map(|_| Cell::Time(block.arrival()[row]));
    let partition = block.partition().map_or(0, |partition| partition[row]);
    let partition = schema.partition.as_ref().map(|_| Cell::Partition(partition));
    let key = move |column| Cell::Key(block.dictionary(column).name(block.key(column)[row]));
    let measure = move |column| Cell::Measure(block.measure(column)[row]);
    let times = std::iter::once(Cell::Time(block.time()[row])).chain(arrival);
    let keys = (0..schema.keys.len()).map(key);
    times.chain(partition).chain(keys).chain((0..schema.measures.len()).map(measure))
}

fn separate(out: &mut Vec<u8>, column: usize) {
    if column > 0 {
        out.push(b',');
    }
}

/// A form that says by itself what it is, whatever the size of the number.
fn rfc3339(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |timestamp| format!("{timestamp:.3}"))
}

fn csv_text(out: &mut Vec<u8>, text: &str) {
    if text.contains([',', '"', '\r', '\n']) {
        out.extend_from_slice(format!("\"{}\"", text.replace('"', "\"\"")).as_bytes());
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

fn json(out: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) {
    serde_json::to_writer(out, value).expect("a string or a number, and memory takes it");
}
