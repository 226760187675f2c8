//! The pipeline: log → watermark → windows → aggregates → detectors → alerts, in one function.
//!
//! The definition is per event: an event meets the watermark of the events before it, then moves it, then
//! windows fire. [`Pipeline::push`] takes whole blocks: as long as no event finds one of its windows
//! fired, taking all of a block and firing afterwards is the same. Before an event that does, the block
//! is cut, and the event is taken alone: that is the definition itself.
//!
//! **Invariant:** every event ends, for each query, in exactly one of aggregated, filtered or dropped by
//! a stated rule: `events = aggregated + filtered + dropped`. [`Pipeline::push`] asserts it in debug builds.

use crate::alert::Rule;
use crate::change::{
    AlertState, Cause, Changes, Drop, DropReason, Kind, Score, Timing, Transition, WindowResult,
};
use crate::detect::{Judgement, Series};
use crate::digest::{self, Digest, KeyHashes};
use crate::judge::{Detector, Reads, SeriesState};
use crate::limits::Limits;
use crate::log::Block;
use crate::query::{Missed, Query};
use crate::spec::{Spec, SpecError};
use crate::watermark::{Stop, Watermark};
use crate::window::Windows;
use serde::{Deserialize, Serialize};

/// What a pipeline has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Events pushed.
    pub events: u64,
    /// Window results, early ones and corrections included, retractions not.
    pub windows: u64,
    /// Events left out by `where`, once for each query.
    pub filtered: u64,
    /// Events that came after all their windows were gone, once for each query they were late for.
    pub late: u64,
    /// Windows that an event came too late for that counts in others.
    pub late_for_some: u64,
    /// Events dropped because of [`Limits`], once for each query.
    pub over_limit: u64,
    /// Points that a detector called anomalies.
    pub anomalies: u64,
    /// Alerts that fired.
    pub alerts: u64,
}

/// One alert rule with its states.
#[derive(Clone, Debug)]
struct Alert {
    rule: Rule,
    /// A hash of its name, for the ids of its alerts.
    name: u64,
    detector: usize,
}

/// A running pipeline. Feed it a log's blocks in order with [`push`](Pipeline::push), and
/// [`finish`](Pipeline::finish) it when the log is complete.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// Begins every alert's id: the pipeline's name and version.
    identity: u64,
    /// A hash of the whole pipeline, for its snapshots.
    pub(crate) fingerprint: u64,
    watermark: Watermark,
    /// Where the watermark stood before the block at hand, for finding causes.
    before: Watermark,
    /// The watermark that the events at hand met, at least.
    met: i64,
    queries: Vec<Query>,
    detectors: Vec<Detector>,
    alerts: Vec<Alert>,
    /// Whether results come from several places while events are taken, so that they have to be put in
    /// the order of the events.
    interleaves: bool,
    counters: Counters,
    digest: Digest,
    changes: Changes,
}

/// What a snapshot keeps of a pipeline.
#[derive(Serialize, Deserialize)]
pub(crate) struct State {
    watermark: Watermark,
    queries: Vec<crate::query::State>,
    detectors: Vec<SeriesState>,
    rules: Vec<Rule>,
    counters: Counters,
    digest: Digest,
}

/// The event behind an evaluation.
#[derive(Clone, Copy)]
enum Behind<'a> {
    /// The event of this row of the block.
    Row(&'a Block<'a>, u32),
    /// The event of the block that brought the watermark up to here.
    Watermark(&'a Block<'a>, i64),
    /// The end of the log.
    End,
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
        let queries =
            (0..spec.query.len()).map(|q| Query::new(spec, q, limits)).collect::<Result<Vec<_>, _>>()?;
        let mut detectors: Vec<Detector> =
            spec.detector.iter().map(|detector| Detector::new(spec, detector, limits)).collect();
        let mut alerts = Vec::new();
        for (r, alert) in spec.alert.iter().enumerate() {
            let d = detectors.iter().position(|detector| detector.name == alert.when);
            let detector = d.expect("the spec was checked");
            detectors[detector].alerts.push(r);
            alerts.push(Alert { rule: Rule::new(alert), name: digest::of_strings([&*alert.name]), detector });
        }
        let shape = |query: &Query| query.plan().outputs.iter().map(|output| output.shape()).collect();
        let giving = queries.iter().filter(|query| query.state.windows.gives_while_taking()).count();
        let judging = detectors.iter().filter(|detector| detector.reads_events()).count();
        Ok(Self {
            identity: digest::of_strings([&*spec.name, &*spec.version.to_string()]),
            fingerprint: digest::of_strings([&*spec.to_toml()]),
            before: watermark.clone(),
            met: watermark.now(),
            watermark,
            changes: Changes::of_shapes(queries.iter().map(shape).collect()),
            queries,
            detectors,
            alerts,
            interleaves: giving + judging > 1,
            counters: Counters::default(),
            digest: Digest::default(),
        })
    }

    /// Takes the next block of the log. What changed stands in [`changes`](Pipeline::changes) until the next call.
    pub fn push(&mut self, block: Block<'_>) {
        self.changes.clear();
        self.counters.events += block.len() as u64;
        self.advance_over(&block);
        self.settle();
    }

    /// The log is complete: the watermark moves to the end of time, and every open window fires.
    pub fn finish(&mut self) {
        self.changes.clear();
        self.watermark.finish();
        self.fire(None);
        self.settle();
    }

    /// Chains what changed into the digest, and holds the invariant.
    fn settle(&mut self) {
        let Self { queries, detectors, alerts, changes, digest, .. } = self;
        digest.chain(changes, &Keys { queries, detectors, alerts });
        self.counters.filtered = queries.iter().map(Query::filtered).sum();
        debug_assert!(queries.iter().all(|query| query.seen() == self.counters.events));
    }

    /// What the last [`push`](Pipeline::push) or [`finish`](Pipeline::finish) changed.
    #[must_use]
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Takes a block, in parts if it may meet a limit.
    fn advance_over(&mut self, block: &Block<'_>) {
        let times = block.extremes();
        let mut rest = block.clone();
        while !rest.is_empty() {
            let taken = match rest.len() {
                1 => self.advance_one(&rest),
                _ if self.takes_whole(times, rest.len()) => self.advance(&rest, times),
                events => {
                    let (first, second) = rest.split_at(events / 2);
                    self.advance_over(&first);
                    return self.advance_over(&second);
                }
            };
            rest = rest.split_at(taken).1;
        }
    }

    /// Log → watermark → windows and aggregates → (detectors → alerts). Takes at least one event from the
    /// front of a block whose times lie between two, and gives how many.
    fn advance(&mut self, block: &Block<'_>, times: (i64, i64)) -> usize {
        let watermark = self.watermark.now();
        self.met = watermark;
        if !self.alerts.is_empty() {
            self.before.clone_from(&self.watermark);
        }
        let passed = self.advance_watermark(block, times.0);
        if passed == 0 {
            return self.advance_one(&block.slice(0..1));
        }
        let taken = block.slice(0..passed);
        let mark = self.changes.mark();
        for q in 0..self.queries.len() {
            self.queries[q].take(&taken, times, watermark, &mut self.changes);
            self.give_results(q, Some(&taken));
        }
        self.judge_events(&taken);
        if self.interleaves {
            self.changes.by_row(mark);
        }
        self.fire(Some(&taken));
        passed
    }

    /// Whether so many events of these times meet no limit and need not come one by one.
    fn takes_whole(&mut self, times: (i64, i64), events: usize) -> bool {
        let watermark = self.watermark.now();
        let takes =
            |detector: &Detector| detector.room() >= events && !detector.is_too_late(times.0, watermark);
        self.detectors.iter().all(takes)
            && self
                .queries
                .iter_mut()
                .all(|query| !query.takes_one_by_one() && query.has_room(times, events, watermark))
    }

    /// Moves the watermark over a block, up to the first event that finds a window fired. Results given
    /// while events are taken come in order with those of firing only if nothing fires in between, and
    /// early results only show what came before them.
    fn advance_watermark(&mut self, block: &Block<'_>, oldest: i64) -> usize {
        let now = self.watermark.now();
        let gives = self.queries.iter().any(|query| query.state.windows.gives_while_taking())
            || self.detectors.iter().any(Detector::reads_events);
        let first_end =
            self.queries.iter_mut().filter(|_| gives).map(|q| q.state.windows.earliest_end(oldest));
        let fires_at = first_end.min().map_or(i64::MAX, |end| end - 1);
        let ticks_at = self.queries.iter().map(Query::next_tick).min().unwrap_or(i64::MAX);
        let deadlines = self.detectors.iter().filter_map(|detector| detector.deadline_with(oldest));
        let overdue_at = deadlines.min().map_or(i64::MAX, |deadline| deadline - 1);
        let queries = &self.queries;
        let stop = Stop {
            before: &|time, watermark| {
                queries.iter().any(|query| query.state.windows.meets_fired(time, watermark))
            },
            near: queries.iter().map(|query| query.state.windows.near()).max().unwrap_or(0),
            at: fires_at.min(ticks_at).min(overdue_at).max(now.saturating_add(1)),
        };
        self.watermark.advance(block, &stop)
    }

    /// Takes a block of one event: the definition.
    fn advance_one(&mut self, event: &Block<'_>) -> usize {
        self.before.clone_from(&self.watermark);
        let watermark = self.watermark.now();
        self.met = watermark;
        for q in 0..self.queries.len() {
            if let Some(missed) = self.queries[q].take_one(event, watermark, &mut self.changes) {
                self.miss(q, event, &missed);
            }
            self.give_results(q, Some(event));
        }
        self.judge_events(event);
        self.watermark.advance(event, &Stop::NOWHERE);
        self.fire(Some(event));
        1
    }

    /// Fires every window that the watermark has passed, by end, then by query, then by key; between them
    /// tells the silences whose deadlines it has passed; gives early results that are due; lets go of what
    /// is gone.
    fn fire(&mut self, block: Option<&Block<'_>>) {
        let (now, row) = (self.watermark.now(), block.map_or(0, |block| block.len() as u32));
        // The end of the log is no silence: nothing is known of what would have come.
        let overdue_by = block.map_or(self.watermark.newest_time(), |_| now.saturating_add(1));
        loop {
            let window = self.next_to_fire().filter(|(end, _)| end - 1 <= now);
            let deadline = self.next_deadline().filter(|(deadline, _)| *deadline <= overdue_by);
            match (window, deadline) {
                (Some((end, q)), deadline) if deadline.is_none_or(|(deadline, _)| end <= deadline) => {
                    self.queries[q].fire_next(row, &mut self.changes);
                    self.give_results(q, block);
                }
                (_, Some((deadline, d))) => self.tell_silence(d, deadline, row, block),
                _ => break,
            }
        }
        for q in 0..self.queries.len() {
            if self.queries[q].passes_tick(now) {
                self.queries[q].tick(row, &mut self.changes);
                self.give_results(q, block);
            }
        }
        self.queries.iter_mut().for_each(|query| query.state.windows.drop_until(now));
    }

    fn next_to_fire(&mut self) -> Option<(i64, usize)> {
        let queries = self.queries.iter_mut().enumerate();
        queries.filter_map(|(q, query)| Some((query.state.windows.next_end()?, q))).min()
    }

    fn next_deadline(&self) -> Option<(i64, usize)> {
        let detectors = self.detectors.iter().enumerate();
        detectors.filter_map(|(d, detector)| Some((detector.next_deadline()?, d))).min()
    }

    /// Tells that a key is overdue, if it still is.
    fn tell_silence(&mut self, d: usize, deadline: i64, row: u32, block: Option<&Block<'_>>) {
        let Some((key, silence, judgement)) = self.detectors[d].take_overdue() else { return };
        let behind = block.map_or(Behind::End, |block| Behind::Watermark(block, deadline - 1));
        self.say(d, key, (deadline, deadline), silence, judgement, row, behind);
    }

    /// Puts the results that a query has given since the last time in order, and has those that are on
    /// time judged.
    fn give_results(&mut self, q: usize, block: Option<&Block<'_>>) {
        let rows = self.queries[q].take_rows_of_results();
        let first = self.changes.windows.len() - rows.len();
        let is_judged = self.detectors.iter().any(|detector| detector.reads_query(q));
        for (i, &row) in rows.iter().enumerate() {
            let at = first + i;
            self.changes.happened_at(Kind::Window, at..at + 1, row);
            let window = &self.changes.windows[at];
            self.counters.windows += u64::from(!window.retraction);
            if is_judged && window.timing == Timing::OnTime && !window.retraction {
                let window = window.clone();
                let behind = match block {
                    None => Behind::End,
                    Some(block) if row as usize == block.len() => Behind::Watermark(block, window.end - 1),
                    Some(block) => Behind::Row(block, row),
                };
                self.judge(q, &window, row, behind);
            }
        }
        self.queries[q].reuse(rows);
    }

    /// Judges the points of an on-time result. A correction is not judged again: an alert that was right
    /// by what was known then stays.
    fn judge(&mut self, q: usize, window: &WindowResult, row: u32, behind: Behind<'_>) {
        for d in 0..self.detectors.len() {
            let Reads::Results { query, aggregate } = self.detectors[d].reads else { continue };
            if query == q {
                let value = self.changes.value_of(window, aggregate).as_f64();
                self.judge_point(d, window.key, (window.start, window.end), value, row, behind);
            }
        }
    }

    /// Judges the events of a block, where a detector reads them.
    fn judge_events(&mut self, block: &Block<'_>) {
        for d in 0..self.detectors.len() {
            let Reads::Events { measure, keys, scratch } = &mut self.detectors[d].reads else { continue };
            let measure = *measure;
            keys.of(block, None, scratch);
            let keys = std::mem::take(scratch);
            let alone = self.detectors[d].alerts.is_empty() && !self.detectors[d].has_deadlines();
            if !self.interleaves && alone {
                self.judge_all(d, &keys, block.time(), block.measure(measure));
            } else {
                self.judge_each(d, &keys, block, measure);
            }
            self.counters.over_limit += (block.len() - keys.len()) as u64;
            if let Reads::Events { scratch, .. } = &mut self.detectors[d].reads {
                *scratch = keys;
            }
        }
    }

    /// Judges points that nobody waits for.
    fn judge_all(&mut self, d: usize, keys: &[u32], times: &[i64], values: &[f64]) {
        let Self { detectors, changes, counters, .. } = self;
        let first = changes.scores.len();
        detectors[d].series.judge_all((keys, times, values), |i, judgement| {
            counters.anomalies += u64::from(judgement.anomaly);
            changes.scores.push(Score::of(judgement, d as u32, keys[i], times[i], values[i]));
        });
        changes.happened(Kind::Score, changes.scores.len() - first, 0);
    }

    /// Judges points one after the other with what each brings about.
    fn judge_each(&mut self, d: usize, keys: &[u32], block: &Block<'_>, measure: usize) {
        for (i, (&key, &value)) in keys.iter().zip(block.measure(measure)).enumerate() {
            let (row, time) = (i as u32, block.time()[i]);
            let order = if self.interleaves { row } else { 0 };
            self.judge_point(d, key, (time, time), value, order, Behind::Row(block, row));
        }
    }
    /// Judges one point of a detector's series: of a window, or of an event.
    fn judge_point(
        &mut self,
        d: usize,
        key: u32,
        (start, end): (i64, i64),
        value: f64,
        row: u32,
        behind: Behind<'_>,
    ) {
        let met = matches!(behind, Behind::Row(..)).then_some(self.met);
        let Some((value, judgement)) = self.detectors[d].judge(key, (start, end), value, met) else { return };
        self.say(d, key, (start, end), value, judgement, row, behind);
    }

    /// Gives a score, and has the rules look at it.
    #[allow(clippy::too_many_arguments, reason = "what a point is, and where it came from")]
    fn say(
        &mut self,
        d: usize,
        key: u32,
        (start, end): (i64, i64),
        value: f64,
        judgement: Judgement,
        row: u32,
        behind: Behind<'_>,
    ) {
        self.changes.scores.push(Score::of(judgement, d as u32, key, start, value));
        self.changes.happened(Kind::Score, 1, row);
        self.counters.anomalies += u64::from(judgement.anomaly);
        if !self.detectors[d].alerts.is_empty() {
            let point = Point { key, start, end, value, score: judgement.score, anomaly: judgement.anomaly };
            self.alert(d, &point, row, behind);
        }
    }

    /// Evaluates the rules of a detector after one of its scores.
    fn alert(&mut self, d: usize, point: &Point, row: u32, behind: Behind<'_>) {
        for r in self.detectors[d].alerts.clone() {
            let keys = Keys { queries: &self.queries, detectors: &self.detectors, alerts: &self.alerts };
            let key_hash = keys.of_detector(d as u32, point.key);
            let (identity, name) = (self.identity, self.alerts[r].name);
            let new_id = || {
                let cause = cause(&self.before, behind);
                let (partition, offset) =
                    cause.map_or((u64::MAX, u64::MAX), |cause| (u64::from(cause.partition), cause.offset));
                digest::of_words(&[identity, name, key_hash, partition, offset])
            };
            let entered = self.alerts[r].rule.evaluate(point.key, point.end, point.anomaly, new_id);
            let Some((state, id)) = entered else { continue };
            let cause = cause(&self.before, behind);
            self.counters.alerts += u64::from(state == AlertState::Firing);
            self.changes.alerts.push(Transition {
                rule: r as u32,
                key: point.key,
                state,
                time: point.end,
                window_start: point.start,
                cause,
                id,
                value: point.value,
                score: point.score,
            });
            self.changes.happened(Kind::Alert, 1, row);
        }
    }

    /// Sends the one event of a block to the side output.
    fn miss(&mut self, q: usize, event: &Block<'_>, missed: &Missed) {
        match missed.reason {
            DropReason::Late => self.counters.late += 1,
            DropReason::LateForSome => self.counters.late_for_some += u64::from(missed.windows),
            DropReason::TooManyKeys | DropReason::TooManyWindows => self.counters.over_limit += 1,
        }
        let partition = event.partition().map_or(0, |partition| partition[0]);
        self.changes.drops.push(Drop {
            query: q as u32,
            partition,
            offset: self.watermark.next_offset(partition),
            time: event.time()[0],
            watermark: self.watermark.now(),
            reason: missed.reason,
            windows: missed.windows,
        });
        self.changes.happened(Kind::Drop, 1, 0);
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

    /// The offset that the next event of a partition will have.
    #[must_use]
    pub fn next_offset(&self, partition: u32) -> u64 {
        self.watermark.next_offset(partition)
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

    /// Where its watermark stands, partition by partition.
    pub(crate) fn clock(&self) -> &Watermark {
        &self.watermark
    }

    /// The windows of a query.
    pub(crate) fn windows(&self, query: u32) -> &Windows {
        &self.queries[query as usize].state.windows
    }

    /// One series of a detector.
    pub(crate) fn series(&self, detector: u32, key: u32) -> Series {
        self.detectors[detector as usize].series.only(key)
    }

    /// Windows of all queries that have not fired: panes where windows share them, events kept where each
    /// event has a window of its own.
    #[must_use]
    pub fn open_windows(&self) -> usize {
        self.queries.iter().map(|query| query.state.windows.open()).sum()
    }

    /// The strings of a key, in the order of the query's `by`.
    pub fn key_names(&self, query: u32, key: u32) -> impl ExactSizeIterator<Item = &str> {
        self.queries[query as usize].state.keys.names(key)
    }

    /// The strings of a score's key, in the order of the `by` of what its detector reads.
    pub fn key_of_score(&self, detector: u32, key: u32) -> impl ExactSizeIterator<Item = &str> {
        let keys = match &self.detectors[detector as usize].reads {
            Reads::Results { query, .. } => &self.queries[*query].state.keys,
            Reads::Events { keys, .. } => keys,
        };
        keys.names(key)
    }

    /// Number of keys that a query has met.
    #[must_use]
    pub fn key_count(&self, query: u32) -> usize {
        self.queries[query as usize].state.keys.len()
    }

    /// The detector behind a rule.
    #[must_use]
    pub fn detector_of_rule(&self, rule: u32) -> u32 {
        self.alerts[rule as usize].detector as u32
    }

    /// What a snapshot keeps.
    pub(crate) fn state(&self) -> State {
        State {
            watermark: self.watermark.clone(),
            queries: self.queries.iter().map(|query| query.state.clone()).collect(),
            detectors: self.detectors.iter().map(Detector::state).collect(),
            rules: self.alerts.iter().map(|alert| alert.rule.clone()).collect(),
            counters: self.counters,
            digest: self.digest.clone(),
        }
    }

    /// Goes on from the state of a snapshot of the same pipeline.
    pub(crate) fn resume(&mut self, state: State) {
        self.watermark = state.watermark;
        self.queries.iter_mut().zip(state.queries).for_each(|(query, state)| query.resume(state));
        self.detectors.iter_mut().zip(state.detectors).for_each(|(detector, state)| detector.resume(state));
        self.alerts.iter_mut().zip(state.rules).for_each(|(alert, rule)| alert.rule = rule);
        self.counters = state.counters;
        self.digest = state.digest;
    }
}

/// A point that a rule looks at.
struct Point {
    key: u32,
    start: i64,
    end: i64,
    value: f64,
    score: f64,
    anomaly: bool,
}

/// The event behind an evaluation, found by going over the block again.
fn cause(before: &Watermark, behind: Behind<'_>) -> Option<Cause> {
    let (block, row) = match behind {
        Behind::End => return None,
        Behind::Row(block, row) => (block, row as usize),
        Behind::Watermark(block, at) => {
            let passed = before.clone().advance(block, &Stop { at, ..Stop::NOWHERE });
            (block, passed.saturating_sub(1))
        }
    };
    let partition = block.partition().map_or(0, |partition| partition[row]);
    let earlier = block.partition().map_or(row, |of| of[..row].iter().filter(|p| **p == partition).count());
    Some(Cause { partition, offset: before.next_offset(partition) + earlier as u64 })
}

/// Names keys by their hashes.
struct Keys<'a> {
    queries: &'a [Query],
    detectors: &'a [Detector],
    alerts: &'a [Alert],
}

impl KeyHashes for Keys<'_> {
    fn of_query(&self, query: u32, key: u32) -> u64 {
        self.queries[query as usize].state.keys.hash(key)
    }

    fn of_detector(&self, detector: u32, key: u32) -> u64 {
        match &self.detectors[detector as usize].reads {
            Reads::Results { query, .. } => self.queries[*query].state.keys.hash(key),
            Reads::Events { keys, .. } => keys.hash(key),
        }
    }

    fn of_rule(&self, rule: u32, key: u32) -> u64 {
        self.of_detector(self.alerts[rule as usize].detector as u32, key)
    }
}
