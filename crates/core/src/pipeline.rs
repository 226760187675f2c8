//! The pipeline: log → watermark → windows → aggregates → detectors → alerts, in one function.
//!
//! The definition is per event: an event meets the watermark of the events before it, then moves it, then
//! windows fire. [`Pipeline::push`] takes whole blocks: as long as no event finds one of its windows
//! fired, taking all of a block and firing afterwards is the same. Before an event that does, the block
//! is cut, and the event is taken alone: that is the definition itself.
//!
//! **Invariant:** every event ends, for each query, in exactly one of aggregated, filtered or dropped by
//! a stated rule: `events = aggregated + filtered + dropped`. [`Pipeline::push`] asserts it in debug builds.

use crate::alert::OfKey;
use crate::change::{
    AlertState, Cause, Changes, Drop, DropReason, Kind, Score, Timing, Transition, WindowResult,
};
use crate::detect::{Judgement, Series};
use crate::digest::{self, Digest, KeyHashes};
use crate::judge::{Detector, Reads, SeriesState};
use crate::key::KeySpace;
use crate::limits::Limits;
use crate::log::Block;
use crate::message::Figures;
use crate::query::{Missed, Query};
use crate::rules::{Alert, LooksAt, Said};
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
    /// What each detector said of the result at hand.
    said: Vec<Option<Said>>,
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
    rules: Vec<Vec<OfKey>>,
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
        let alerts: Vec<Alert> = spec.alert.iter().map(|alert| Alert::new(spec, alert)).collect();
        for (r, alert) in alerts.iter().enumerate() {
            if let LooksAt::Detector(d) = alert.looks_at {
                detectors[d].alerts.push(r);
            }
        }
        let shape = |query: &Query| query.plan().outputs.iter().map(|output| output.shape()).collect();
        let giving = queries.iter().filter(|query| query.state.windows.gives_while_taking()).count();
        let judging = detectors.iter().filter(|detector| detector.reads_events()).count();
        Ok(Self {
            identity: digest::of_strings([&*spec.name, &*spec.version.to_string()]),
            fingerprint: digest::of_spec(spec),
            before: watermark.clone(),
            met: watermark.now(),
            watermark,
            changes: Changes::of_shapes(queries.iter().map(shape).collect()),
            queries,
            said: vec![None; detectors.len()],
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
            && !self.alerts.iter().any(|alert| alert.rule.is_overdue(times.0, watermark))
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
        let timers = self.alerts.iter().filter_map(|alert| alert.rule.due_with(oldest));
        let overdue_at = deadlines.chain(timers).min().map_or(i64::MAX, |deadline| deadline - 1);
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
    /// tells the silences whose deadlines it has passed, and evaluates rules for keys that are due without a
    /// point; gives early results that are due; lets go of what is gone.
    fn fire(&mut self, block: Option<&Block<'_>>) {
        let (now, row) = (self.watermark.now(), block.map_or(0, |block| block.len() as u32));
        // The end of the log is no silence: nothing is known of what would have come.
        let overdue_by = block.map_or(self.watermark.newest_time(), |_| now.saturating_add(1));
        loop {
            let window = self.next_to_fire().filter(|(end, _)| end - 1 <= now);
            let timer = self.next_timer().filter(|(due, _)| *due <= overdue_by);
            match (window, timer) {
                (Some((end, q)), timer) if timer.is_none_or(|(due, _)| end <= due) => {
                    self.queries[q].fire_next(row, &mut self.changes);
                    self.give_results(q, block);
                }
                (_, Some((due, Timer::Silence(d)))) => self.tell_silence(d, due, row, block),
                (_, Some((due, Timer::Rule(r)))) => self.miss_point(r, due, row, block),
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

    /// What time alone brings about next, and when.
    fn next_timer(&self) -> Option<(i64, Timer)> {
        let silences = self
            .detectors
            .iter()
            .enumerate()
            .filter_map(|(d, detector)| Some((detector.next_deadline()?, Timer::Silence(d))));
        let rules = self.alerts.iter().enumerate();
        let rules = rules.filter_map(|(r, alert)| Some((alert.rule.next_due()?, Timer::Rule(r))));
        silences.chain(rules).min()
    }

    /// Evaluates a rule for a key that has no point when one was due.
    fn miss_point(&mut self, r: usize, due: i64, row: u32, block: Option<&Block<'_>>) {
        let Some(key) = self.alerts[r].rule.take_due() else { return };
        let behind = block.map_or(Behind::End, |block| Behind::Watermark(block, due - 1));
        let point = Point { key, start: due, end: due, value: 0.0, score: 0.0, holds: false, absent: true };
        if let Some(entered) = self.alerts[r].rule.miss(key, due) {
            self.enter(r, &point, entered, row, behind);
        }
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
        let is_judged = self.detectors.iter().any(|detector| detector.reads_query(q))
            || self.alerts.iter().any(|alert| alert.reads_query(q));
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
        self.said.fill(None);
        for d in 0..self.detectors.len() {
            let Reads::Results { query, aggregate } = self.detectors[d].reads else { continue };
            if query == q {
                let value = self.changes.value_of(window, aggregate).as_f64();
                self.judge_point(d, window.key, (window.start, window.end), value, row, behind);
            }
        }
        for r in 0..self.alerts.len() {
            if self.alerts[r].reads_query(q) {
                self.hold_against(r, q, window, row, behind);
            }
        }
    }

    /// Holds a rule's condition against a result.
    fn hold_against(&mut self, r: usize, q: usize, window: &WindowResult, row: u32, behind: Behind<'_>) {
        let Self { alerts, changes, said, queries, .. } = self;
        let LooksAt::Results { condition, .. } = &mut alerts[r].looks_at else { return };
        let value_of = |aggregate| changes.value_of(window, aggregate).as_f64();
        let holds = condition.holds(value_of, said, window.key, &queries[q].state.keys);
        let value = condition.subject().map_or(0.0, value_of);
        let &WindowResult { key, start, end, .. } = window;
        let point = Point { key, start, end, value, score: f64::from(u8::from(holds)), holds, absent: false };
        self.evaluate(r, &point, row, behind);
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
        let Judgement { score, anomaly, .. } = judgement;
        self.counters.anomalies += u64::from(anomaly);
        self.said[d] = Some(Said { score, anomaly });
        for i in 0..self.detectors[d].alerts.len() {
            let point = Point { key, start, end, value, score, holds: anomaly, absent: false };
            self.evaluate(self.detectors[d].alerts[i], &point, row, behind);
        }
    }

    /// Evaluates a rule after a point.
    fn evaluate(&mut self, r: usize, point: &Point, row: u32, behind: Behind<'_>) {
        let Self { identity, queries, detectors, alerts, before, .. } = self;
        let key_hash =
            if point.holds { Keys { queries, detectors, alerts }.of_rule(r as u32, point.key) } else { 0 };
        let name = alerts[r].name;
        let new_id = || {
            let cause = cause(before, behind);
            let (partition, offset) =
                cause.map_or((u64::MAX, u64::MAX), |cause| (u64::from(cause.partition), cause.offset));
            // One event can bring several windows of a key about, and an alert can begin in each.
            digest::of_words(&[*identity, name, key_hash, partition, offset, point.end as u64])
        };
        let entered = alerts[r].rule.evaluate(point.key, point.end, point.holds, new_id);
        if let Some(entered) = entered {
            self.enter(r, point, entered, row, behind);
        }
    }

    /// Gives the state that an alert enters.
    fn enter(
        &mut self,
        r: usize,
        point: &Point,
        (state, id): (AlertState, u64),
        row: u32,
        behind: Behind<'_>,
    ) {
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
            absent: point.absent,
            value: point.value,
            score: point.score,
        });
        self.changes.happened(Kind::Alert, 1, row);
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
    #[must_use]
    pub fn clock(&self) -> &Watermark {
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
        self.keys_of_detector(detector).names(key)
    }

    fn keys_of_detector(&self, detector: u32) -> &KeySpace {
        match &self.detectors[detector as usize].reads {
            Reads::Results { query, .. } => &self.queries[*query].state.keys,
            Reads::Events { keys, .. } => keys,
        }
    }

    /// Number of keys that a query has met.
    #[must_use]
    pub fn key_count(&self, query: u32) -> usize {
        self.queries[query as usize].state.keys.len()
    }

    /// The detector that a rule looks at; none when it looks at a query's results.
    #[must_use]
    pub fn detector_of_rule(&self, rule: u32) -> Option<u32> {
        match self.alerts[rule as usize].looks_at {
            LooksAt::Detector(d) => Some(d as u32),
            LooksAt::Results { .. } => None,
        }
    }

    /// The strings of an alert's key, in the order of the `by` of what its rule looks at.
    pub fn key_of_alert(&self, rule: u32, key: u32) -> impl ExactSizeIterator<Item = &str> {
        let keys = match &self.alerts[rule as usize].looks_at {
            LooksAt::Detector(d) => self.keys_of_detector(*d as u32),
            LooksAt::Results { query, .. } => &self.queries[*query].state.keys,
        };
        keys.names(key)
    }

    /// The result behind a transition of the last [`push`](Pipeline::push); none where an event, or a
    /// silence, is behind it.
    #[must_use]
    pub fn result_behind(&self, alert: &Transition) -> Option<&WindowResult> {
        let query = match &self.alerts[alert.rule as usize].looks_at {
            LooksAt::Results { query, .. } => *query,
            LooksAt::Detector(d) => match &self.detectors[*d].reads {
                Reads::Results { query, .. } => *query,
                Reads::Events { .. } => return None,
            },
        };
        self.changes.windows.iter().rev().find(|window| {
            let &&WindowResult { query: of, key, start, end, timing, retraction, .. } = window;
            (of as usize, key, start, end) == (query, alert.key, alert.window_start, alert.time)
                && timing == Timing::OnTime
                && !retraction
        })
    }

    /// What an alert says in a sentence, where its rule has a message and the key a point; of a transition of
    /// the last [`push`](Pipeline::push).
    #[must_use]
    pub fn message_of(&self, alert: &Transition) -> Option<String> {
        let message = self.alerts[alert.rule as usize].message.as_ref().filter(|_| !alert.absent)?;
        let values = |window| self.changes.values_of(window).map(|value| value.as_f64()).collect();
        let aggregates: Vec<f64> = self.result_behind(alert).map_or_else(Vec::new, values);
        let key: Vec<&str> = self.key_of_alert(alert.rule, alert.key).collect();
        Some(message.with(&Figures {
            aggregates: &aggregates,
            key: &key,
            start: alert.window_start,
            end: alert.time,
            value: alert.value,
            score: alert.score,
        }))
    }

    /// What a snapshot keeps.
    pub(crate) fn state(&self) -> State {
        State {
            watermark: self.watermark.clone(),
            queries: self.queries.iter().map(|query| query.state.clone()).collect(),
            detectors: self.detectors.iter().map(Detector::state).collect(),
            rules: self.alerts.iter().map(|alert| alert.rule.state()).collect(),
            counters: self.counters,
            digest: self.digest.clone(),
        }
    }

    /// Goes on from the state of a snapshot of the same pipeline.
    pub(crate) fn resume(&mut self, state: State) {
        self.watermark = state.watermark;
        self.queries.iter_mut().zip(state.queries).for_each(|(query, state)| query.resume(state));
        self.detectors.iter_mut().zip(state.detectors).for_each(|(detector, state)| detector.resume(state));
        self.alerts.iter_mut().zip(state.rules).for_each(|(alert, keys)| alert.rule.resume(keys));
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
    /// Whether the condition holds.
    holds: bool,
    /// Whether there is none.
    absent: bool,
}

/// What time alone brings about; at one time silences come before rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// A key of this detector is overdue.
    Silence(usize),
    /// A key of this rule has no point.
    Rule(usize),
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
        match self.alerts[rule as usize].looks_at {
            LooksAt::Detector(d) => self.of_detector(d as u32, key),
            LooksAt::Results { query, .. } => self.of_query(query as u32, key),
        }
    }
}
