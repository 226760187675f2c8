//! Where rows of the log come from: a simulated world, or bytes of a file.

use super::parquet::{self, Parquet};
use super::{Host, SLICE_MS};
use crate::wire::{RejectedRow, Source, Truth};
use js_sys::{Reflect, Uint8Array};
use kappascope_core::{Log, Spec};
use kappascope_ingest::{Batch, BatchReader, HEAD_BYTES, Reader, Rejected};
use kappascope_scenario::World;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{File, ReadableStream, ReadableStreamDefaultReader, Response};

/// How many refused records are kept to be shown; all are counted.
const REJECTED_KEPT: usize = 1_000;

/// A source of rows.
pub(super) enum Feed {
    /// A simulated world makes rows as they are asked for.
    World(Box<World>),
    /// Rows come when the browser has read more of a file.
    Bytes(Box<Bytes>),
    /// Rows come when the Parquet module has read more of a file.
    Columns(Box<Columns>),
}

/// A file that is being read.
pub(super) struct Bytes {
    spec: Spec,
    reader: Reader,
    total: f64,
    read: f64,
    complete: bool,
    refused: Vec<Rejected>,
    kept: Vec<RejectedRow>,
}

/// A file of columns that is being read.
pub(super) struct Columns {
    spec: Spec,
    reader: BatchReader,
    total: f64,
    complete: bool,
    kept: Vec<RejectedRow>,
}

impl Feed {
    /// A file of columns, of which `total` rows will come.
    pub(super) fn columns(spec: Spec, reader: BatchReader, total: f64) -> Self {
        Self::Columns(Box::new(Columns { spec, reader, total, complete: false, kept: Vec::new() }))
    }

    pub(super) fn world(name: &str, seed: u64, events: Option<u64>) -> Result<Self, String> {
        let world = kappascope_scenario::open(name, seed, events).map_err(|error| error.to_string())?;
        Ok(Self::World(Box::new(world)))
    }

    pub(super) fn spec(&self) -> &Spec {
        match self {
            Self::World(world) => world.spec(),
            Self::Bytes(bytes) => &bytes.spec,
            Self::Columns(columns) => &columns.spec,
        }
    }

    /// What really happened, where that is known.
    pub(super) fn truth(&self) -> Vec<Truth> {
        let Self::World(world) = self else { return Vec::new() };
        world
            .labels()
            .iter()
            .map(|label| Truth {
                what: label.what.to_string(),
                start: label.start as f64,
                end: label.end as f64,
                key: label.key.clone(),
            })
            .collect()
    }

    /// Appends up to `rows` rows that have arrived by `arrival`.
    pub(super) fn fill(&mut self, log: &mut Log, arrival: i64, rows: usize) {
        if let Self::World(world) = self {
            world.fill_until(log, arrival, rows);
        }
    }

    /// Whether it will never append another row.
    pub(super) fn is_complete(&self, log: &Log) -> bool {
        match self {
            Self::World(world) => log.end() >= world.total(),
            Self::Bytes(bytes) => bytes.complete,
            Self::Columns(columns) => columns.complete,
        }
    }

    /// Share of the source that has been read.
    pub(super) fn progress(&self, log: &Log) -> Option<f64> {
        match self {
            Self::World(world) => Some(log.end() as f64 / world.total() as f64),
            Self::Bytes(bytes) if bytes.complete => Some(1.0),
            Self::Bytes(bytes) => (bytes.total > 0.0).then(|| (bytes.read / bytes.total).min(1.0)),
            Self::Columns(columns) => {
                let read = (columns.reader.rows() + columns.reader.rejected()) as f64;
                (columns.total > 0.0).then(|| (read / columns.total).min(1.0))
            }
        }
    }

    /// How many records were refused, and the first of them.
    pub(super) fn rejected(&self) -> (u64, &[RejectedRow]) {
        match self {
            Self::World(_) => (0, &[]),
            Self::Bytes(bytes) => (bytes.reader.rejected(), &bytes.kept),
            Self::Columns(columns) => (columns.reader.rejected(), &columns.kept),
        }
    }

    /// Takes the next rows of a file of columns; none at its end.
    pub(super) fn take_batch(&mut self, batch: Option<&Batch>, log: &mut Log) -> Result<(), String> {
        let Self::Columns(columns) = self else { return Ok(()) };
        let mut refused = Vec::new();
        let result = match batch {
            Some(batch) => columns.reader.push(batch, log, &mut refused),
            None => {
                columns.complete = true;
                columns.reader.finish()
            }
        };
        let room = REJECTED_KEPT.saturating_sub(columns.kept.len());
        columns.kept.extend(refused.iter().take(room).map(describe));
        result.map_err(|error| error.to_string())
    }

    /// Takes the next bytes of a file; none at its end.
    pub(super) fn take(&mut self, chunk: Option<&[u8]>, log: &mut Log) -> Result<(), String> {
        let Self::Bytes(bytes) = self else { return Ok(()) };
        let result = match chunk {
            Some(chunk) => {
                bytes.read += chunk.len() as f64;
                bytes.reader.push(chunk, log, &mut bytes.refused)
            }
            None => {
                bytes.complete = true;
                bytes.reader.finish(log, &mut bytes.refused)
            }
        };
        let room = REJECTED_KEPT.saturating_sub(bytes.kept.len());
        bytes.kept.extend(bytes.refused.drain(..).take(room).map(|rejected| describe(&rejected)));
        result.map_err(|error| error.to_string())
    }
}

fn describe(rejected: &Rejected) -> RejectedRow {
    let place = match &rejected.column {
        Some(column) => format!("{}, {column}", rejected.position),
        None => rejected.position.to_string(),
    };
    RejectedRow { place, reason: rejected.reason.clone() }
}

/// Reads a data set that comes with the page, by the pipeline that comes with it.
pub(super) async fn load_sample(
    host: &Rc<Host>,
    number: u32,
    source: &Source,
    name: &str,
) -> Result<(), String> {
    let pipeline = fetch(host, &format!("samples/{name}.toml")).await?;
    let text = pipeline.text().map_err(|error| told(&error))?;
    let text = JsFuture::from(text).await.map_err(|error| told(&error))?.as_string().unwrap_or_default();
    let spec = Spec::from_toml(&text).map_err(|error| format!("samples/{name}.toml: {error}"))?;
    let data = fetch(host, &format!("samples/{name}.csv")).await?;
    let total = data
        .headers()
        .get("content-length")
        .ok()
        .flatten()
        .and_then(|bytes| bytes.parse().ok())
        .unwrap_or(0.0);
    let stream = data.body().ok_or_else(|| format!("samples/{name}.csv came without content."))?;
    load(host, number, source, Plan::Given(Box::new(spec)), stream, total).await
}

/// Reads a file of the user's, by a pipeline proposed from its first rows.
pub(super) async fn load_file(
    host: &Rc<Host>,
    number: u32,
    source: &Source,
    name: &str,
    file: Option<File>,
) -> Result<(), String> {
    let file = file.ok_or_else(|| format!("{name} did not reach the worker; choose it again."))?;
    if Parquet::is(&file) {
        return parquet::load(host, number, source, name, &file).await.map_err(|error| place(source, &error));
    }
    let total = file.size();
    load(host, number, source, Plan::Proposed(name), file.stream(), total).await
}

/// Where the pipeline of a file comes from.
enum Plan<'a> {
    Given(Box<Spec>),
    /// From the first rows of the file of this name.
    Proposed(&'a str),
}

/// Reads a stream to its end into the session that it begins.
async fn load(
    host: &Rc<Host>,
    number: u32,
    source: &Source,
    plan: Plan<'_>,
    stream: ReadableStream,
    total: f64,
) -> Result<(), String> {
    let stream: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut head = Vec::new();
    while head.len() < HEAD_BYTES
        && let Some(mut chunk) = next_chunk(&stream).await?
    {
        head.append(&mut chunk);
    }
    if !host.is_wanted(number) {
        return Ok(());
    }
    let feed = understand(plan, &head, total).map_err(|error| place(source, &error))?;
    host.begin(number, source.clone(), feed);
    read_on(host, number, &stream, head).await.map_err(|error| place(source, &error))
}

/// Gives the session what it reads, as long as it does. Every slice of time others have their turn: the
/// browser would bring one chunk after the other, and neither the engine nor a message between them.
async fn read_on(
    host: &Rc<Host>,
    number: u32,
    stream: &ReadableStreamDefaultReader,
    head: Vec<u8>,
) -> Result<(), String> {
    let mut chunk = Some(head);
    let mut since = host.now_ms();
    while host.is_open(number) {
        host.with_session(number, |session| session.take(chunk.as_deref()))?;
        if chunk.is_none() {
            break;
        }
        if host.now_ms() - since > SLICE_MS {
            host.turn().await;
            since = host.now_ms();
        }
        chunk = next_chunk(stream).await?;
    }
    Ok(())
}

fn understand(plan: Plan<'_>, head: &[u8], total: f64) -> Result<Feed, String> {
    let spec = match plan {
        Plan::Given(spec) => *spec,
        Plan::Proposed(name) => kappascope_ingest::propose(name, head).map_err(|error| error.to_string())?,
    };
    let reader = Reader::new(&spec.schema, head).map_err(|error| error.to_string())?;
    let bytes =
        Bytes { spec, reader, total, read: 0.0, complete: false, refused: Vec::new(), kept: Vec::new() };
    Ok(Feed::Bytes(Box::new(bytes)))
}

fn place(source: &Source, problem: &str) -> String {
    match source {
        Source::File { name, .. } => format!("{name}: {problem}"),
        Source::Sample(name) => format!("{name}.csv: {problem}"),
        Source::Scenario { name, .. } => format!("{name}: {problem}"),
    }
}

async fn next_chunk(stream: &ReadableStreamDefaultReader) -> Result<Option<Vec<u8>>, String> {
    let result = JsFuture::from(stream.read()).await.map_err(|error| told(&error))?;
    let done = Reflect::get(&result, &"done".into()).is_ok_and(|done| done.is_truthy());
    if done {
        return Ok(None);
    }
    let value = Reflect::get(&result, &"value".into()).map_err(|error| told(&error))?;
    let bytes: Uint8Array =
        value.dyn_into().map_err(|_| "The browser gave something else than bytes.".to_owned())?;
    Ok(Some(bytes.to_vec()))
}

/// A file of the page's own site; nothing else can be reached.
async fn fetch(host: &Rc<Host>, path: &str) -> Result<Response, String> {
    let response: Response =
        JsFuture::from(host.scope.fetch_with_str(path)).await.map_err(|error| told(&error))?.unchecked_into();
    if response.ok() {
        Ok(response)
    } else {
        Err(format!("{path} is missing from this site (status {}).", response.status()))
    }
}

pub(super) fn told(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map_or_else(|| format!("{error:?}"), |error| String::from(error.message()))
}
