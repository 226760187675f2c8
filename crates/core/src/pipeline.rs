//! The pipeline: log → watermark → windows → aggregates → detectors → alerts, in one function.
//!
//! The definition is per event: an event meets the watermark of the events before it, then moves it, then
//! windows fire. [`Pipeline::push`] takes whole blocks: where no event of a block can be late or correct a
//! window at the watermark that the block ends with, aggregating all of it and firing afterwards is the
//! same; else the block is halved. A block of one event is the definition itself.
//!
//! **Invariant:** every event ends, for each query, in exactly one of aggregated or dropped by a stated
//! rule: `events = aggregated + dropped`. [`Pipeline::push`] asserts it in debug builds.

use crate::aggregate::Plan;
use crate::alert::Rule;
use crate::change::{AlertState, Change, Changes, Drop, DropReason, Score, Timing, Transition, WindowResult};
use crate::detect::ZScore;
use crate::digest::{self, Digest};
use crate::key::KeySpace;
use crate::log::Block;
use crate::spec::{DetectorSpec, QuerySpec, Spec, SpecError};
use crate::watermark::Watermark;
use crate::window::{Place, Tumbling};
use std::ops::Range;

/// Bounds on a query's state. What would pass one is dropped with its reason and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Distinct keys of one query: 32 bytes a measure and open window each.
    pub keys: u32,
    /// Windows of one query held at a time: lateness over size, and disorder, decide how many a stream needs.
    pub open_windows: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { keys: 1_000_000, open_windows: 100_000 }
    }
}

/// Up to how many events a block is searched for each of its stragglers in turn: longer ones are halved
/// first, so that a block full of stragglers costs a bounded number of looks an event.
const STRAGGLER_SCAN: usize = 512;

/// What a pipeline has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events pushed.
    pub events: u64,
    /// Window results, corrections included.
    pub windows: u64,
    /// Events that came after their window was dropped, once for each query they were late for.
    pub late: u64,
    /// Events dropped because of [`Limits`], once for each query.
    pub over_limit: u64,
    /// Points that a detector called anomalies.
    pub anomalies: u64,
    /// Alerts that fired.
    pub alerts: u64,
}

/// One query with its state.
#[derive(Clone, Debug)]
struct Query {
    keys: KeySpace,
    plan: Plan,
    windows: Tumbling,
    /// Scratch: the keys of the run at hand.
    run_keys: Vec<u32>,
    aggregated: u64,
    dropped: u64,
    /// Detectors that read this query.
    detectors: Vec<usize>,
}

/// One detector with its series, indexed by key.
#[derive(Clone, Debug)]
struct Detector {
    spec: DetectorSpec,
    query: u32,
    aggregate: usize,
    series: Vec<ZScore>,
    /// Alerts that read this detector.
    alerts: Vec<usize>,
}

/// One alert rule with its states.
#[derive(Clone, Debug)]
struct Alert {
    rule: Rule,
    /// A hash of its name, for the ids of its alerts.
    name: u64,
    /// The query behind its detector.
    query: u32,
}

/// A running pipeline. Feed it a log's blocks in order with [`push`](Pipeline::push), and
/// [`finish`](Pipeline::finish) it when the log is complete.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// Begins every alert's id: the pipeline's name and version.
    identity: u64,
    watermark: Watermark,
    /// Scratch: the watermark after the block at hand.
    ahead: Watermark,
    queries: Vec<Query>,
    detectors: Vec<Detector>,
    alerts: Vec<Alert>,
    counters: Counters,
    digest: Digest,
    changes: Changes,
}

impl Pipeline {
    /// A pipeline at the start of its log, with the default [`Limits`].
    ///
    /// # Errors
    /// When [`Spec::check`] refuses it.
    pub fn new(spec: &Spec) -> Result<Self, SpecError> {
        Self::with_limits(spec, Limits::default())
    }

    /// A pipeline at the start of its log.
    ///
    /// # Errors
    /// When [`Spec::check`] refuses it.
    pub fn with_limits(spec: &Spec, limits: Limits) -> Result<Self, SpecError> {
        spec.check()?;
        let watermark = Watermark::new(&spec.schema, &spec.watermark);
        let mut queries: Vec<Query> =
            spec.query.iter().map(|query| Query::new(spec, query, limits)).collect();
        let mut detectors: Vec<Detector> =
            spec.detector.iter().map(|detector| Detector::new(spec, detector)).collect();
        for (d, detector) in detectors.iter().enumerate() {
            queries[detector.query as usize].detectors.push(d);
        }
        let mut alerts = Vec::new();
        for (r, alert) in spec.alert.iter().enumerate() {
            let detector = detectors.iter_mut().find(|detector| detector.spec.name == alert.when);
            let detector = detector.expect("the spec was checked");
            detector.alerts.push(r);
            let name = digest::of_strings(std::slice::from_ref(&alert.name));
            alerts.push(Alert { rule: Rule::new(alert), name, query: detector.query });
        }
        let widths = queries.iter().map(|query| query.plan.width() as u32).collect();
        Ok(Self {
            identity: digest::of_strings(&[spec.name.clone(), spec.version.to_string()]),
            ahead: watermark.clone(),
            watermark,
            queries,
            detectors,
            alerts,
            counters: Counters::default(),
            digest: Digest::default(),
            changes: Changes { widths, ..Changes::default() },
        })
    }

    /// Takes the next block of the log. What changed stands in [`changes`](Pipeline::changes) until the next call.
    pub fn push(&mut self, block: Block<'_>) {
        self.changes.clear();
        self.counters.events += block.len() as u64;
        self.advance(&block);
        self.settle();
    }

    /// The log is complete: the watermark moves to the end of time, and every open window fires.
    pub fn finish(&mut self) {
        self.changes.clear();
        self.watermark.finish();
        self.fire();
        self.settle();
    }

    /// Chains what changed into the digest, and holds the invariant.
    fn settle(&mut self) {
        let Self { queries, detectors, alerts, changes, digest, .. } = self;
        let query_of = |change: &Change| match change {
            Change::Window(window) => window.query,
            Change::Drop(dropped) => dropped.query,
            Change::Score(score) => detectors[score.detector as usize].query,
            Change::Alert(transition) => alerts[transition.rule as usize].query,
        };
        digest.chain(changes, query_of, |query, key| queries[query as usize].keys.hash(key));
        debug_assert!(queries.iter().all(|query| query.aggregated + query.dropped == self.counters.events));
    }

    /// What the last [`push`](Pipeline::push) or [`finish`](Pipeline::finish) changed.
    #[must_use]
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Log → watermark → windows and aggregates → (detectors → alerts).
    fn advance(&mut self, block: &Block<'_>) {
        if block.is_empty() {
            return;
        }
        if let Some(at) = self.where_to_split(block) {
            let (first, rest) = block.split_at(at);
            self.advance(&first);
            return self.advance(&rest);
        }
        for query in 0..self.queries.len() {
            self.aggregate(query, block);
        }
        std::mem::swap(&mut self.watermark, &mut self.ahead);
        self.fire();
    }

    /// Where to cut a block that cannot be taken whole; `None` when it can, and then `ahead` is the
    /// watermark that it ends with.
    ///
    /// A straggler, whose window has fired before the block begins, is cut out to be taken alone, once the
    /// block is short enough for looking for each of them. Everything else is a matter of how much time
    /// the block spans: it is halved.
    fn where_to_split(&mut self, block: &Block<'_>) -> Option<usize> {
        let (times, single, half) = (Times::of(block.time()), block.len() == 1, block.len() / 2);
        if !single && !self.take_whole(&times, self.watermark.now(), block.len()) {
            let straggler = if times.oldest_at > 0 { times.oldest_at } else { 1 };
            return Some(if block.len() > STRAGGLER_SCAN { half } else { straggler });
        }
        self.ahead.clone_from(&self.watermark);
        self.ahead.observe(block);
        (!single && !self.take_whole(&times, self.ahead.now(), block.len())).then_some(half)
    }

    fn take_whole(&self, times: &Times, watermark: i64, events: usize) -> bool {
        self.queries.iter().all(|query| query.takes_whole(times, watermark, events))
    }

    /// Folds a block into one query's windows, a run of events of one window at a time. Unless the block
    /// is a single event, none of its events is dropped or corrects a window.
    fn aggregate(&mut self, q: usize, block: &Block<'_>) {
        let (watermark, time) = (self.watermark.now(), block.time());
        let mut row = 0;
        while row < time.len() {
            let query = &mut self.queries[q];
            let at = match query.windows.place(time[row], watermark) {
                Place::Held(at) => at,
                Place::Gone => return self.drop_event(q, block, DropReason::Late),
                Place::TooMany => return self.drop_event(q, block, DropReason::TooManyWindows),
            };
            let (start, end) = query.windows.bounds(at);
            let run = time[row..].iter().take_while(|&&time| (start..end).contains(&time)).count();
            query.fold(at, block, row..row + run);
            if query.run_keys.is_empty() {
                return self.drop_event(q, block, DropReason::TooManyKeys);
            }
            if query.windows.has_fired(at) {
                let key = query.run_keys[0];
                self.emit(q, at, key, Timing::Late);
            }
            row += run;
        }
    }

    /// Fires every window that the watermark has passed: by end, then by query, then by key.
    fn fire(&mut self) {
        let now = self.watermark.now();
        while let Some((_, q)) = self.next_to_fire().filter(|(end, _)| end - 1 <= now) {
            let at = self.queries[q].windows.fire_next();
            let mut from = 0;
            while let Some(key) = self.queries[q].windows.next_key(at, from) {
                let window = self.emit(q, at, key, Timing::OnTime);
                self.detect(q, &window);
                from = key + 1;
            }
        }
        self.queries.iter_mut().for_each(|query| query.windows.drop_until(now));
    }

    fn next_to_fire(&self) -> Option<(i64, usize)> {
        let ends =
            self.queries.iter().enumerate().filter_map(|(q, query)| Some((query.windows.next_end()?, q)));
        ends.min()
    }

    /// Gives the result of one window and key.
    fn emit(&mut self, q: usize, at: usize, key: u32, timing: Timing) -> WindowResult {
        let query = &mut self.queries[q];
        let first_value = self.changes.values.len() as u32;
        let (start, end) = query.windows.bounds(at);
        let revision = query.windows.result(at, key, &query.plan, &mut self.changes.values);
        let window = WindowResult { query: q as u32, key, start, end, revision, timing, first_value };
        self.changes.list.push(Change::Window(window.clone()));
        self.counters.windows += 1;
        window
    }

    /// Judges the points of an on-time result. A correction is not judged again: an alert that was right
    /// by what was known then stays.
    fn detect(&mut self, q: usize, window: &WindowResult) {
        for i in 0..self.queries[q].detectors.len() {
            let d = self.queries[q].detectors[i];
            let detector = &mut self.detectors[d];
            let value = self.changes.values_of(window)[detector.aggregate].as_f64();
            let Some(judgement) = detector.series(window.key).judge(value) else { continue };
            let score = Score {
                detector: d as u32,
                key: window.key,
                time: window.start,
                value,
                expected: judgement.expected,
                low: judgement.low,
                high: judgement.high,
                score: judgement.score,
                anomaly: judgement.anomaly,
            };
            self.counters.anomalies += u64::from(score.anomaly);
            self.changes.list.push(Change::Score(score.clone()));
            self.alert(d, window, &score);
        }
    }

    /// Evaluates the rules of a detector after one of its scores.
    fn alert(&mut self, d: usize, window: &WindowResult, score: &Score) {
        for &r in &self.detectors[d].alerts {
            let alert = &mut self.alerts[r];
            let key_hash = self.queries[window.query as usize].keys.hash(window.key);
            let id = || digest::of_words(&[self.identity, alert.name, key_hash, window.start as u64]);
            let Some((state, id)) = alert.rule.evaluate(window.key, window.end, score.anomaly, id) else {
                continue;
            };
            self.counters.alerts += u64::from(state == AlertState::Firing);
            self.changes.list.push(Change::Alert(Transition {
                rule: r as u32,
                key: window.key,
                state,
                time: window.end,
                window_start: window.start,
                id,
                value: score.value,
                score: score.score,
            }));
        }
    }

    /// Sends the one event of a block to the side output.
    fn drop_event(&mut self, q: usize, event: &Block<'_>, reason: DropReason) {
        debug_assert!(event.len() == 1, "only a block of one event meets a rule that drops it");
        match reason {
            DropReason::Late => self.counters.late += 1,
            DropReason::TooManyKeys | DropReason::TooManyWindows => self.counters.over_limit += 1,
        }
        let partition = event.partition().map_or(0, |partition| partition[0]);
        self.queries[q].dropped += 1;
        self.changes.list.push(Change::Drop(Drop {
            query: q as u32,
            partition,
            offset: self.watermark.next_offset(partition),
            time: event.time()[0],
            watermark: self.watermark.now(),
            reason,
        }));
    }

    /// What it has done so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The digest of everything given so far.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.digest.get()
    }

    /// The watermark: epoch milliseconds, or [`NOTHING`](crate::watermark::NOTHING), or
    /// [`END_OF_TIME`](crate::watermark::END_OF_TIME).
    #[must_use]
    pub fn watermark(&self) -> i64 {
        self.watermark.now()
    }

    /// The newest event time so far, or [`NOTHING`](crate::watermark::NOTHING).
    #[must_use]
    pub fn newest_time(&self) -> i64 {
        self.watermark.newest_time()
    }

    /// Windows of all queries that have not fired.
    #[must_use]
    pub fn open_windows(&self) -> usize {
        self.queries.iter().map(|query| query.windows.open()).sum()
    }

    /// The strings of a key, in the order of the query's `by`.
    #[must_use]
    pub fn key_names(&self, query: u32, key: u32) -> &[String] {
        self.queries[query as usize].keys.names(key)
    }

    /// Number of keys that a query has met.
    #[must_use]
    pub fn key_count(&self, query: u32) -> usize {
        self.queries[query as usize].keys.len()
    }

    /// The query that a detector reads.
    #[must_use]
    pub fn query_of_detector(&self, detector: u32) -> u32 {
        self.detectors[detector as usize].query
    }

    /// The query behind a rule's detector.
    #[must_use]
    pub fn query_of_rule(&self, rule: u32) -> u32 {
        self.alerts[rule as usize].query
    }
}

impl Query {
    fn new(spec: &Spec, query: &QuerySpec, limits: Limits) -> Self {
        let column = |name: &String| spec.schema.keys.iter().position(|key| key == name);
        let columns = query.by.iter().map(|name| column(name).expect("the spec was checked")).collect();
        let plan = Plan::new(&query.aggregates, &spec.schema.measures);
        let (size, offset) = (query.window.tumbling.0, query.window.offset.0);
        let windows = Tumbling::new(size, offset, query.lateness.0, plan.measures.len(), limits.open_windows);
        let keys = KeySpace::new(columns, limits.keys);
        Self { keys, plan, windows, run_keys: Vec::new(), aggregated: 0, dropped: 0, detectors: Vec::new() }
    }

    /// Takes a run of rows into a held window. One whose key is over the limit leaves `run_keys` empty.
    fn fold(&mut self, at: usize, block: &Block<'_>, rows: Range<usize>) {
        self.keys.of(block, rows.clone(), &mut self.run_keys);
        let columns = self.plan.measures.iter().map(|&column| &block.measure(column)[rows.clone()]);
        self.windows.fold(at, &self.run_keys, self.keys.len(), columns);
        self.aggregated += self.run_keys.len() as u64;
    }

    /// Whether so many events of these times can be folded in one go when the watermark ends at `after`: none can be late, correct a window or meet a limit.
    fn takes_whole(&self, times: &Times, after: i64, events: usize) -> bool {
        self.windows.all_open(times.oldest, times.newest, after) && self.keys.room() >= events
    }
}

impl Detector {
    fn new(spec: &Spec, detector: &DetectorSpec) -> Self {
        let (query, aggregate) = spec.series(&detector.on).expect("the spec was checked");
        Self {
            spec: detector.clone(),
            query: query as u32,
            aggregate,
            series: Vec::new(),
            alerts: Vec::new(),
        }
    }

    fn series(&mut self, key: u32) -> &mut ZScore {
        while self.series.len() <= key as usize {
            self.series.push(ZScore::new(&self.spec));
        }
        &mut self.series[key as usize]
    }
}

/// The extremes of a block's event times.
struct Times {
    oldest: i64,
    oldest_at: usize,
    newest: i64,
}

impl Times {
    /// Of at least one event.
    fn of(time: &[i64]) -> Self {
        let (oldest, newest) = time.iter().fold((i64::MAX, i64::MIN), |(a, b), &t| (a.min(t), b.max(t)));
        let oldest_at = time.iter().position(|&t| t == oldest).unwrap_or(0);
        Self { oldest, oldest_at, newest }
    }
}
