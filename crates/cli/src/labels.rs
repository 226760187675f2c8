//! Labels for a backtest: from a file, from a column of the events, or from the scenario that made them.

use crate::failure::Failure;
use crate::source::{Feed, Simulated, Source};
use kappascope_backtest::{Label, label};
use kappascope_core::spec::{Schema, WatermarkSpec};
use kappascope_core::{Log, Spec};
use kappascope_ingest::profile::Profiler;

/// Columns that a file may give the beginning, the end and the name of a label in.
const START: [&str; 5] = ["start", "time", "timestamp", "at", "ts"];
const END: &str = "end";
const WHAT: [&str; 4] = ["what", "label", "name", "type"];

/// Where labels come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    File(String),
    /// A column of the events.
    Column(String),
    Scenario,
}

impl Origin {
    /// What the command line asks for.
    pub(crate) fn parse(labels: Option<&str>, source: &Source) -> Result<Self, Failure> {
        match (labels, source) {
            (None, Source::Scenario(_)) => Ok(Self::Scenario),
            (None, _) => {
                let message =
                    "what really happened is missing; a file, or `column:NAME` of the events, would fit";
                Err(Failure::usage("--labels", message))
            }
            (Some(text), _) => Ok(match text.strip_prefix("column:") {
                Some(column) => Self::Column(column.to_owned()),
                None => Self::File(text.to_owned()),
            }),
        }
    }

    /// The pipeline, reading the column of labels too.
    pub(crate) fn add_column(&self, mut spec: Spec) -> Spec {
        if let Self::Column(name) = self
            && !spec.schema.keys.contains(name)
        {
            spec.schema.keys.push(name.clone());
        }
        spec
    }

    /// The labels.
    pub(crate) fn read(&self, source: &Source, spec: &Spec, log: &Log) -> Result<Vec<Label>, Failure> {
        match (self, source) {
            (Self::File(name), _) => of_file(name, &spec.schema.keys),
            (Self::Column(name), _) => Ok(of_column(name, spec, log)),
            (Self::Scenario, Source::Scenario(simulated)) => of_scenario(simulated),
            (Self::Scenario, _) => unreachable!("only a scenario knows by itself"),
        }
    }
}

fn of_column(name: &str, spec: &Spec, log: &Log) -> Vec<Label> {
    let column_of = |name: &String| spec.schema.keys.iter().position(|key| key == name);
    let columns = kappascope_backtest::run::key_columns_of(spec);
    let by: Vec<(usize, String)> =
        columns.into_iter().filter_map(|key| Some((column_of(&key)?, key))).collect();
    column_of(&name.to_owned()).map_or_else(Vec::new, |column| label::of_column(log, column, &by))
}

fn of_scenario(simulated: &Simulated) -> Result<Vec<Label>, Failure> {
    let world = simulated.world()?;
    let label = |label: &kappascope_scenario::Label| Label {
        what: label.what.clone(),
        start: label.start,
        end: label.end - 1,
        key: label.key.clone(),
    };
    Ok(world.labels().iter().map(label).collect())
}

/// A file's labels; one that cannot be read ends the backtest, as what it says would be missed silently.
fn of_file(name: &str, keys: &[String]) -> Result<Vec<Label>, Failure> {
    let source = Source::parse(name)?;
    let Source::File(_) = &source else {
        return Err(Failure::usage(
            "--labels",
            format!("`{name}` is no file; its columns are read one after the other"),
        ));
    };
    let columns = columns(&source)?;
    let (start, end) = (start(&source, &columns)?, columns.iter().find(|column| *column == END));
    let what = WHAT.iter().find_map(|name| columns.iter().find(|column| column == name));
    let of_pipeline = |column: &&String| keys.contains(column) && Some(*column) != what;
    let key: Vec<String> = columns.iter().filter(of_pipeline).cloned().collect();
    let texts: Vec<String> = key.iter().chain(what).cloned().collect();
    let starts = read(&source, start, &texts)?;
    let ends = end.map(|end| read(&source, end, &[])).transpose()?;
    (0..starts.end() as usize)
        .map(|row| label(&source, row, &starts, ends.as_ref(), &key, what.is_some()))
        .collect()
}

fn label(
    source: &Source,
    row: usize,
    starts: &Log,
    ends: Option<&Log>,
    key: &[String],
    has_what: bool,
) -> Result<Label, Failure> {
    let block = starts.read(row as u64, 1);
    let start = block.time()[0];
    let end = ends.map_or(start, |ends| ends.read(row as u64, 1).time()[0]);
    if end < start {
        let message = format!("label {} ends at {end}, before it starts, at {start}", row + 1);
        return Err(Failure::running(source.place(), message));
    }
    let text = |column: usize| block.dictionary(column).name(block.key(column)[0]).to_owned();
    let named = key.iter().enumerate().map(|(column, name)| (name.clone(), text(column)));
    Ok(Label {
        what: if has_what { text(key.len()) } else { String::new() },
        start,
        end,
        // A label without a value for a column is about all of them.
        key: named.filter(|(_, value)| !value.is_empty()).collect(),
    })
}

fn columns(source: &Source) -> Result<Vec<String>, Failure> {
    let bytes = source.head()?;
    let profiler = Profiler::new(&bytes.head).map_err(|error| Failure::running(&bytes.place, error))?;
    Ok(profiler.profile().columns.into_iter().map(|column| column.name).collect())
}

fn start<'a>(source: &Source, columns: &'a [String]) -> Result<&'a String, Failure> {
    let found = START.iter().find_map(|name| columns.iter().find(|column| column == name));
    found.ok_or_else(|| {
        let columns: Vec<String> = columns.iter().map(|column| format!("`{column}`")).collect();
        let message = format!(
            "no column says when a label starts; `start` or `time` would, and there are {}",
            columns.join(", ")
        );
        Failure::running(source.place(), message)
    })
}

/// The times of a column, and the texts of others.
fn read(source: &Source, time: &str, texts: &[String]) -> Result<Log, Failure> {
    let schema = Schema {
        time: time.to_owned(),
        time_format: None,
        arrival: None,
        partition: None,
        partitions: 1,
        keys: texts.to_vec(),
        measures: Vec::new(),
    };
    let watermark = WatermarkSpec::default();
    let (name, version) = ("labels".to_owned(), 1);
    let spec =
        Spec { name, version, schema, watermark, query: Vec::new(), detector: Vec::new(), alert: Vec::new() };
    let (mut feed, spec) = Feed::open(source, Some(spec))?;
    let (mut log, mut rejected) = (Log::new(&spec.schema), Vec::new());
    while feed.fill(&mut log, &mut rejected)? {}
    match rejected.first() {
        None => Ok(log),
        Some(first) => {
            let column = first.column.as_ref().map_or(String::new(), |column| format!(", `{column}`"));
            let message = format!("{}{column}: {}", first.position, first.reason);
            Err(Failure::running(source.place(), message))
        }
    }
}
