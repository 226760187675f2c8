//! The engine of one partition, and the batch that is being filled: records → rows → effects.
//!
//! ```text
//!   offsets    40   41   43   44        42 is no record: a transaction's mark, say
//!   becomes   row  row  rej. row
//!   engine's    7    8         9        rows are counted without gaps; offsets are the partition's
//! ```
//!
//! **Invariant:** where batches are cut shows nowhere in their rows, only in their tokens.

use crate::effects::{AlertRow, Effects, LateRow, RawRows, RejectedRow, WindowRow, alert_id};
use crate::record::{Decode, Record, Rejection, Row};
use crate::settings::Identity;
use crate::state::Content;
use kappascope_core::time::TIME_RANGE;
use kappascope_core::{
    Change, Drop, Limits, Log, Pipeline, SnapshotError, Spec, SpecError, Transition, WindowResult,
};
use twox_hash::XxHash3_64;

/// Log and pipeline of a partition.
pub(crate) struct Engine {
    spec: Spec,
    log: Log,
    pipeline: Pipeline,
    newest_arrival: Option<i64>,
    /// The newest arrival of what the pipeline has run: that of its state. A batch that is being filled is ahead.
    run_arrival: Option<i64>,
    /// Window results given since the partition's start.
    results: u64,
    row: Row,
    ids: Vec<u32>,
    /// Whether somebody wants the rows, and not their offsets alone.
    keeps_rows: bool,
}

/// Records taken so far.
pub(crate) struct Batch {
    pub(crate) records: usize,
    pub(crate) bytes: usize,
    pub(crate) since_ms: u64,
    digest: u64,
    effects: Effects,
}

impl Batch {
    pub(crate) fn new(spec: &Spec, from: u64) -> Self {
        let windows = spec.query.iter().map(|_| Vec::new()).collect();
        let (late, alerts, rejected) = (Vec::new(), Vec::new(), Vec::new());
        let raw = RawRows::new(&spec.schema);
        let effects = Effects { from, to: from, raw, windows, late, alerts, rejected };
        Self { records: 0, bytes: 0, since_ms: 0, digest: 0, effects }
    }

    /// One past the last offset taken.
    pub(crate) fn end(&self) -> u64 {
        self.effects.to
    }
}

impl Engine {
    /// An engine at the start of a partition. Whatever the file that the pipeline was written for, here it has
    /// one partition to itself.
    pub(crate) fn new(spec: &Spec, keeps_rows: bool) -> Result<Self, SpecError> {
        let mut spec = spec.clone();
        (spec.schema.partition, spec.schema.partitions) = (None, 1);
        let pipeline = Pipeline::new(&spec)?;
        let row = Row {
            keys: vec![String::new(); spec.schema.keys.len()],
            measures: vec![0.0; spec.schema.measures.len()],
            ..Row::default()
        };
        let log = Log::new(&spec.schema);
        Ok(Self {
            log,
            pipeline,
            newest_arrival: None,
            run_arrival: None,
            results: 0,
            row,
            ids: Vec::new(),
            keeps_rows,
            spec,
        })
    }

    pub(crate) fn spec(&self) -> &Spec {
        &self.spec
    }

    pub(crate) fn snapshot(&self) -> Vec<u8> {
        self.pipeline.snapshot()
    }

    pub(crate) fn run_arrival(&self) -> Option<i64> {
        self.run_arrival
    }

    pub(crate) fn results(&self) -> u64 {
        self.results
    }

    /// Goes on from a snapshot, with empty dictionaries: the pipeline has the strings that it needs.
    pub(crate) fn resume(
        &mut self,
        snapshot: &[u8],
        newest_arrival: Option<i64>,
        results: u64,
    ) -> Result<(), SnapshotError> {
        self.pipeline = Pipeline::resume_from(&self.spec, Limits::default(), snapshot)?;
        self.log = Log::new(&self.spec.schema);
        (self.newest_arrival, self.run_arrival) = (newest_arrival, newest_arrival);
        self.results = results;
        Ok(())
    }

    pub(crate) fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// How many strings the log's dictionaries hold.
    pub(crate) fn strings(&self) -> usize {
        (0..self.spec.schema.keys.len()).map(|key| self.log.dictionary(key).len()).sum()
    }

    /// Begins dictionaries anew.
    pub(crate) fn shed(&mut self, snapshot: &[u8]) -> Result<(), SnapshotError> {
        self.resume(snapshot, self.run_arrival, self.results)
    }

    /// Takes a record into a batch.
    pub(crate) fn take(&mut self, batch: &mut Batch, record: Record<'_>, decoder: &mut impl Decode) {
        batch.records += 1;
        batch.bytes += record.payload.len();
        batch.digest = XxHash3_64::oneshot_with_seed(batch.digest, record.payload);
        batch.effects.to = record.offset + 1;
        let decoded = decoder.decode(record, &mut self.row).and_then(|()| check(&self.row, &self.spec));
        match decoded {
            Ok(()) => self.append(&mut batch.effects.raw, record.offset),
            Err(Rejection { column, reason }) => {
                let Record { offset, timestamp, payload } = record;
                let payload = payload.to_vec();
                batch.effects.rejected.push(RejectedRow { offset, timestamp, column, reason, payload });
            }
        }
    }

    /// Appends the row at hand to the log and to the raw rows. An arrival that steps back is the newest one.
    fn append(&mut self, raw: &mut RawRows, offset: u64) {
        let Self { log, row, ids, newest_arrival, keeps_rows, .. } = self;
        let arrival = row.arrival.unwrap_or(row.time).max(newest_arrival.unwrap_or(i64::MIN));
        *newest_arrival = Some(arrival);
        ids.clear();
        ids.extend(row.keys.iter().enumerate().map(|(column, name)| log.intern(column, name)));
        log.append(row.time, arrival, 0, ids, &row.measures);
        raw.offset.push(offset);
        if !*keeps_rows {
            return;
        }
        raw.time.push(row.time);
        raw.arrival.push(arrival);
        raw.keys.iter_mut().zip(&row.keys).for_each(|(texts, key)| texts.push(key));
        raw.measures.iter_mut().zip(&row.measures).for_each(|(values, value)| values.push(*value));
    }

    /// Runs a batch through the pipeline, and lets go of its rows.
    pub(crate) fn run(&mut self, batch: Batch, of: &Identity) -> (Effects, Content) {
        let Batch { mut effects, digest, .. } = batch;
        let first = self.pipeline.next_offset(0);
        self.pipeline.push(self.log.read(self.log.start(), usize::MAX));
        for change in self.pipeline.changes().iter() {
            match change {
                Change::Window(result) => {
                    let row = window(&self.pipeline, result, self.results);
                    effects.windows[result.query as usize].push(row);
                    self.results += 1;
                }
                Change::Drop(dropped) => effects.late.push(late(dropped, &effects.raw, first)),
                Change::Alert(transition) => {
                    let alert = alert(&self.pipeline, transition, &effects.raw, first, of);
                    effects.alerts.push(alert);
                }
                Change::Score(_) => {}
            }
        }
        self.log.forget(self.log.end());
        self.run_arrival = self.newest_arrival;
        let content = Content {
            rows: effects.raw.offset.len() as u64,
            rejected: effects.rejected.len() as u64,
            records: digest,
            results: self.pipeline.digest(),
        };
        (effects, content)
    }
}

/// Refuses what the log would not take.
fn check(row: &Row, spec: &Spec) -> Result<(), Rejection> {
    let refuse = |column: &str, reason| Err(Rejection { column: Some(column.to_owned()), reason });
    let schema = &spec.schema;
    if !TIME_RANGE.contains(&row.time) {
        return refuse(&schema.time, format!("a time of {} ms is beyond what a pipeline counts", row.time));
    }
    if let Some(arrival) = row.arrival.filter(|arrival| !TIME_RANGE.contains(arrival)) {
        let column = schema.arrival.as_deref().unwrap_or("timestamp");
        return refuse(column, format!("an arrival of {arrival} ms is beyond what a pipeline counts"));
    }
    match row.measures.iter().position(|value| !value.is_finite()) {
        Some(at) => refuse(&schema.measures[at], format!("{} is no number to count with", row.measures[at])),
        None => Ok(()),
    }
}

fn window(pipeline: &Pipeline, result: &WindowResult, number: u64) -> WindowRow {
    let &WindowResult { query, key, start, end, revision, timing, retraction, .. } = result;
    let key = pipeline.key_names(query, key).map(str::to_owned).collect();
    let values = pipeline.changes().values_of(result).map(Into::into).collect();
    WindowRow { number, key, start, end, revision, timing, retraction, values }
}

/// `first` is the engine's number of the first of the rows.
fn late(dropped: &Drop, rows: &RawRows, first: u64) -> LateRow {
    let &Drop { query, time, watermark, reason, windows, offset, .. } = dropped;
    LateRow { query, offset: rows.offset[(offset - first) as usize], time, watermark, reason, windows }
}

fn alert(
    pipeline: &Pipeline,
    transition: &Transition,
    rows: &RawRows,
    first: u64,
    of: &Identity,
) -> AlertRow {
    let &Transition { rule, key, state, time, window_start, value, score, cause, id, .. } = transition;
    let behind = pipeline.result_behind(transition);
    // Without a cause it would be the end of the log's doing, and this log has none.
    let row = cause.map_or(0, |cause| (cause.offset - first) as usize);
    AlertRow {
        id: alert_id(of, id, state),
        rule,
        key: pipeline.key_of_alert(rule, key).map(str::to_owned).collect(),
        state,
        time,
        window_start,
        offset: rows.offset[row],
        value,
        score,
        values: behind
            .map_or_else(Vec::new, |result| pipeline.changes().values_of(result).map(Into::into).collect()),
        message: pipeline.message_of(transition),
    }
}
