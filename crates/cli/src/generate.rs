//! `kappascope generate`: the events of a scenario as CSV or JSON lines, in the columns that its pipeline
//! names, so that [`run`](crate::run) reads back the same log.

use crate::args;
use crate::failure::Failure;
use crate::pace::Pace;
use crate::sink::Sinks;
use crate::source::Simulated;
use jiff::Timestamp;
use kappascope_core::Log;
use kappascope_core::log::Block;
use kappascope_core::spec::Schema;
use kappascope_scenario::{Faults, SCENARIOS};

/// Events made at a time.
const PORTION: usize = 1 << 14;

/// Writes a scenario's events, or the list of scenarios.
pub(crate) fn generate(args: &args::Generate) -> Result<(), Failure> {
    let Some(name) = args.scenario.clone().filter(|_| !args.list) else { return list() };
    let faults: Faults = args.fault.join(",").parse().map_err(|error| Failure::usage("--fault", error))?;
    let mut world = Simulated { name, seed: args.seed, events: args.events, faults }.world()?;
    let schema = world.spec().schema.clone();
    let mut sinks = Sinks::open(std::slice::from_ref(&args.to), &[".csv", ".jsonl"])?;
    let form = if args.to.ends_with(".csv") { Form::Csv } else { Form::JsonLines };
    let mut pace = args.rate.map(Pace::new);
    let portion = pace.as_ref().map_or(PORTION, Pace::portion);
    let mut log = Log::new(&schema);

    form.header(sinks.pending(), &schema);
    loop {
        let rows = world.fill(&mut log, portion);
        if rows == 0 {
            return sinks.write();
        }
        form.rows(sinks.pending(), &schema, &log.read(log.start(), rows));
        log.forget(log.end());
        sinks.write()?;
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

    fn rows(self, out: &mut Vec<u8>, schema: &Schema, block: &Block<'_>) {
        for row in 0..block.len() {
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
