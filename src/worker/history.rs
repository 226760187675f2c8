//! What a pipeline has given, as the page draws it: one of its series, a line a key with its detector's
//! band and anomalies, spans of alerts, and the newest lines of the tables.
//!
//! **Invariant:** a frame holds at most four points of a line for each pixel of the chart, so its size
//! depends on the screen and not on the stream; and at most [`POINTS_KEPT`] results are remembered.

use super::frame::ROWS_SHOWN;
use super::memory::POINTS_KEPT;
use crate::wire::{AnomalyRow, Firing, Frame, LINES_SHOWN, LateRow, Line, View, Watch, WindowRow};
use kappascope_core::spec::{AlertSpec, Watched};
use kappascope_core::{
    AlertState, Change, DropReason, Pipeline, Score, Spec, Timing, Transition, WindowResult,
};
use std::collections::VecDeque;

/// How many keys are remembered for the chart. The first so many of the stream compete for its lines.
const KEYS_KEPT: usize = 1_000;

/// When there are too many points, the oldest of so many parts goes.
const PARTS: usize = 4;

/// How many spans of alerts are remembered: the newest. All are counted.
const FIRINGS_KEPT: usize = 100;

#[derive(Clone, Debug)]
struct Point {
    start: i64,
    value: f64,
    /// Low and high end of the band, once the detector speaks.
    band: Option<(f64, f64)>,
    score: f64,
    anomaly: bool,
}

#[derive(Clone, Debug, Default)]
struct Points {
    points: Vec<Point>,
    total: f64,
}

#[derive(Clone)]
struct Row {
    key: u32,
    start: i64,
    end: i64,
    revision: u32,
    values: Vec<f64>,
    score: Option<(f64, bool)>,
}

/// What a pipeline has given, as the page draws it.
#[derive(Clone)]
pub(super) struct History {
    watch: Watch,
    /// The detector whose verdicts are drawn.
    detector: Option<usize>,
    /// Of each rule, its query and what it is called.
    rules: Vec<Rule>,
    lines: Vec<Points>,
    rows: VecDeque<Row>,
    late: VecDeque<LateRow>,
    anomalies: VecDeque<(u32, i64, Score)>,
    /// Newest first.
    firing: VecDeque<Alert>,
    corrections: u64,
    span: Option<(i64, i64)>,
    /// Points of all lines.
    points: usize,
    /// Results before this time are no longer remembered.
    since: Option<i64>,
}

#[derive(Clone)]
struct Rule {
    name: String,
    severity: String,
    drawn: bool,
}

/// An alert that fired.
#[derive(Clone)]
struct Alert {
    transition: Transition,
    key: String,
    message: Option<String>,
    end: Option<i64>,
}

/// A result of a window of the query that is watched.
pub(super) struct Given {
    pub(super) key: u32,
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) revision: u32,
    pub(super) timing: Timing,
    /// One value an aggregate.
    pub(super) values: Vec<f64>,
}

impl History {
    pub(super) fn new(spec: &Spec, watch: Watch) -> Self {
        let query = match watch {
            Watch::Aggregate { query, .. } => Some(query as usize),
            Watch::Points { .. } => None,
        };
        let detector = watch.detector(spec);
        let drawn = |alert: &AlertSpec| match query {
            Some(query) => spec.query_of_rule(alert) == Some(query),
            None => matches!(spec.watched(&alert.when), Some(Watched::Detector(d)) if Some(d) == detector),
        };
        let rule = |alert: &AlertSpec| Rule {
            name: alert.name.clone(),
            severity: alert.severity.clone(),
            drawn: drawn(alert),
        };
        Self {
            watch,
            detector,
            rules: spec.alert.iter().map(rule).collect(),
            lines: Vec::new(),
            rows: VecDeque::new(),
            late: VecDeque::new(),
            anomalies: VecDeque::new(),
            firing: VecDeque::new(),
            corrections: 0,
            span: None,
            points: 0,
            since: None,
        }
    }

    /// The series that is drawn.
    pub(super) fn watch(&self) -> Watch {
        self.watch
    }

    /// Results that are remembered.
    pub(super) fn len(&self) -> usize {
        self.points
    }

    /// Remembers what the pipeline's last block changed.
    pub(super) fn take(&mut self, pipeline: &Pipeline) {
        let changes = pipeline.changes();
        for change in changes.iter() {
            match change {
                Change::Window(window) if self.watches(window.query) && !window.retraction => {
                    let &WindowResult { key, start, end, revision, timing, .. } = window;
                    let values = changes.values_of(window).map(|value| value.as_f64()).collect();
                    self.window(Given { key, start, end, revision, timing, values });
                }
                Change::Score(score) if self.is_judged_by(score.detector) => self.score(score),
                Change::Alert(transition) => {
                    let key = || joined(pipeline.key_of_alert(transition.rule, transition.key));
                    self.alert(transition, key, || pipeline.message_of(transition));
                }
                Change::Drop(dropped) if dropped.reason == DropReason::Late => self.late(
                    dropped.query,
                    LateRow {
                        partition: dropped.partition,
                        offset: dropped.offset as f64,
                        time: dropped.time as f64,
                        watermark: dropped.watermark as f64,
                    },
                ),
                _ => {}
            }
        }
    }

    /// Whether the results of this query are drawn.
    pub(super) fn watches(&self, query: u32) -> bool {
        matches!(self.watch, Watch::Aggregate { query: watched, .. } if watched == query)
    }

    /// Whether the scores of this detector are drawn.
    pub(super) fn is_judged_by(&self, detector: u32) -> bool {
        self.detector == Some(detector as usize)
    }

    /// Remembers an event that was late for the query that is watched, or for the first.
    pub(super) fn late(&mut self, query: u32, row: LateRow) {
        let watched = match self.watch {
            Watch::Aggregate { query, .. } => query,
            Watch::Points { .. } => 0,
        };
        if query == watched {
            keep(&mut self.late, ROWS_SHOWN, row);
        }
    }

    /// Remembers a result of the query that is watched.
    pub(super) fn window(&mut self, given: Given) {
        let Watch::Aggregate { aggregate, .. } = self.watch else { return };
        let Given { key, start, end, revision, timing, values } = given;
        self.corrections += u64::from(timing == Timing::Late);
        self.point(key as usize, start, values[aggregate as usize]);
        keep(&mut self.rows, ROWS_SHOWN, Row { key, start, end, revision, values, score: None });
    }

    /// Remembers a result for the chart, in place of an earlier one of the same window.
    fn point(&mut self, key: usize, start: i64, value: f64) {
        if self.since.is_some_and(|since| start < since) {
            return;
        }
        let (first, last) = self.span.unwrap_or((start, start));
        self.span = Some((first.min(start), last.max(start)));
        if key >= KEYS_KEPT {
            return;
        }
        if self.lines.len() <= key {
            self.lines.resize_with(key + 1, Points::default);
        }
        let line = &mut self.lines[key];
        line.total += value.abs();
        let newest_first = line.points.iter().rposition(|point| point.start <= start);
        match newest_first {
            Some(at) if line.points[at].start == start => line.points[at].value = value,
            _ => {
                let point = Point { start, value, band: None, score: 0.0, anomaly: false };
                line.points.insert(newest_first.map_or(0, |at| at + 1), point);
                self.points += 1;
            }
        }
        if self.points > POINTS_KEPT {
            self.forget();
        }
    }

    /// Lets go of the oldest points, and of what lies with them at the same time.
    fn forget(&mut self) {
        let mut starts: Vec<i64> =
            self.lines.iter().flat_map(|line| &line.points).map(|point| point.start).collect();
        let (_, &mut last_gone, _) = starts.select_nth_unstable(self.points / PARTS);
        let since = last_gone + 1;
        for line in &mut self.lines {
            let gone = line.points.partition_point(|point| point.start < since);
            line.points.drain(..gone);
            self.points -= gone;
        }
        self.since = Some(since);
        self.span = self.span.map(|(_, last)| (since.min(last), last));
    }

    /// A score follows the on-time result that it judges, which is then the newest of its key; that of an
    /// event is its point.
    pub(super) fn score(&mut self, score: &Score) {
        if matches!(self.watch, Watch::Points { .. }) {
            self.point(score.key as usize, score.time, score.value);
            let (key, start, values) = (score.key, score.time, vec![score.value]);
            keep(
                &mut self.rows,
                ROWS_SHOWN,
                Row { key, start, end: start, revision: 0, values, score: None },
            );
        }
        if let Some(row) = self.rows.front_mut() {
            row.score = Some((score.score, score.anomaly));
        }
        let line = self.lines.get_mut(score.key as usize);
        if let Some(point) =
            line.and_then(|line| line.points.iter_mut().rev().find(|point| point.start == score.time))
        {
            point.band = Some((score.low, score.high));
            point.score = score.score;
            point.anomaly = score.anomaly;
        }
        if score.anomaly {
            let end = self.rows.front().map_or(score.time, |row| row.end);
            keep(&mut self.anomalies, ROWS_SHOWN, (score.key, end, score.clone()));
        }
    }

    /// A rule's state changed: for this key, with this to say of itself.
    pub(super) fn alert(
        &mut self,
        transition: &Transition,
        key: impl FnOnce() -> String,
        message: impl FnOnce() -> Option<String>,
    ) {
        match transition.state {
            AlertState::Pending => {}
            AlertState::Firing => {
                let (key, message) = (key(), message());
                let alert = Alert { transition: transition.clone(), key, message, end: None };
                keep(&mut self.firing, FIRINGS_KEPT, alert);
            }
            AlertState::Resolved => {
                let alert = self.firing.iter_mut().find(|alert| alert.transition.id == transition.id);
                if let Some(alert) = alert {
                    alert.end = Some(transition.time);
                }
            }
        }
    }

    /// When the newest result began of a window that ends at this time.
    pub(super) fn window_ending(&self, end: i64) -> Option<i64> {
        self.rows.iter().find(|row| row.end == end).map(|row| row.start)
    }

    /// The number of a key of the detector whose points are drawn, by its strings in one.
    pub(super) fn key_drawn(&self, pipeline: &Pipeline, detector: u32, name: &str) -> Option<u32> {
        let mut keys = 0..self.lines.len() as u32;
        let drawn = self.watch == Watch::Points { detector };
        keys.find(|key| drawn && self.name(pipeline, *key) == name)
    }

    /// The firing of an alert that is remembered, by its id.
    pub(super) fn firing(&self, id: u64) -> Option<(&Transition, Option<&str>)> {
        let alert = self.firing.iter().find(|alert| alert.transition.id == id)?;
        Some((&alert.transition, alert.message.as_deref()))
    }

    /// Fills in the chart and the tables of a frame, and the figures of the chart's lines.
    pub(super) fn draw(&self, pipeline: &Pipeline, view: &View, frame: &mut Frame, figures: &mut Vec<f64>) {
        self.draw_keys(&|key| self.name(pipeline, key), self.key_count(pipeline), view, frame, figures);
    }

    /// The same, of keys that are named so and are so many.
    pub(super) fn draw_keys(
        &self,
        name: &dyn Fn(u32) -> String,
        keys: usize,
        view: &View,
        frame: &mut Frame,
        figures: &mut Vec<f64>,
    ) {
        frame.watch = Some(self.watch);
        frame.keys = u32::try_from(keys).unwrap_or(u32::MAX);
        frame.corrections = self.corrections as f64;
        frame.drawn_since = self.since.map(|since| since as f64);
        frame.span = self.span.map(|(first, last)| (first as f64, last as f64));
        let columns = Columns::new(self.span, view);
        frame.series = self
            .shown()
            .into_iter()
            .map(|key| line(&self.lines[key], name(key as u32), columns, figures))
            .collect();
        frame.firing = self.firing.iter().map(|alert| self.fired(alert)).collect();
        frame.rows = self.rows.iter().map(|row| window_row(row, name(row.key))).collect();
        frame.late_rows = self.late.iter().cloned().collect();
        frame.anomaly_rows =
            self.anomalies.iter().map(|(key, end, score)| anomaly_row(name(*key), *end, score)).collect();
    }

    fn name(&self, pipeline: &Pipeline, key: u32) -> String {
        match self.watch {
            Watch::Aggregate { query, .. } => joined(pipeline.key_names(query, key)),
            Watch::Points { detector } => joined(pipeline.key_of_score(detector, key)),
        }
    }

    fn key_count(&self, pipeline: &Pipeline) -> usize {
        match self.watch {
            Watch::Aggregate { query, .. } => pipeline.key_count(query),
            Watch::Points { .. } => self.lines.len(),
        }
    }

    fn fired(&self, alert: &Alert) -> Firing {
        let Alert { transition, key, message, end } = alert;
        let rule = &self.rules[transition.rule as usize];
        Firing {
            rule: rule.name.clone(),
            severity: rule.severity.clone(),
            drawn: rule.drawn,
            message: message.clone(),
            key: key.clone(),
            id: format!("{:016x}", transition.id),
            start: transition.window_start as f64,
            end: end.map(|end| end as f64),
            value: transition.value,
            score: transition.score,
        }
    }

    /// The keys with the largest totals, in order of first appearance.
    fn shown(&self) -> Vec<usize> {
        let mut keys: Vec<usize> = (0..self.lines.len()).collect();
        keys.sort_by(|a, b| self.lines[*b].total.total_cmp(&self.lines[*a].total));
        keys.truncate(LINES_SHOWN);
        keys.sort_unstable();
        keys
    }
}

/// Puts a row before the others and lets the oldest go.
fn keep<T>(rows: &mut VecDeque<T>, most: usize, row: T) {
    rows.truncate(most - 1);
    rows.push_front(row);
}

fn window_row(row: &Row, key: String) -> WindowRow {
    WindowRow {
        start: row.start as f64,
        end: row.end as f64,
        key,
        values: row.values.clone(),
        revision: row.revision,
        score: row.score.map(|(score, _)| score),
        anomaly: row.score.is_some_and(|(_, anomaly)| anomaly),
    }
}

fn anomaly_row(key: String, end: i64, score: &Score) -> AnomalyRow {
    AnomalyRow {
        key,
        start: score.time as f64,
        end: end as f64,
        value: score.value,
        expected: score.expected,
        low: score.low,
        high: score.high,
        score: score.score,
    }
}

/// A key's strings as one.
pub(super) fn joined<'a>(key: impl Iterator<Item = &'a str>) -> String {
    key.collect::<Vec<_>>().join(" · ")
}

/// The pixel columns of a chart, and the times that it shows.
#[derive(Clone, Copy)]
struct Columns {
    first: i64,
    last: i64,
    per_ms: f64,
}

impl Columns {
    fn new(span: Option<(i64, i64)>, view: &View) -> Self {
        let chosen = view.times.map(|(first, last)| (first as i64, last as i64));
        let (first, last) = chosen.or(span).unwrap_or((0, 0));
        Self { first, last, per_ms: f64::from(view.pixels.max(1)) / ((last - first).max(1) as f64) }
    }

    /// The points that are seen, and their neighbours, to which a line goes on.
    fn seen<'p>(&self, points: &'p [Point]) -> &'p [Point] {
        let from = points.partition_point(|point| point.start < self.first);
        let to = points.partition_point(|point| point.start <= self.last);
        &points[from.saturating_sub(1)..(to + 1).min(points.len())]
    }

    fn of(self, point: &Point) -> u32 {
        ((point.start - self.first) as f64 * self.per_ms) as u32
    }
}

/// Appends one line's figures, reduced to its columns, and says where they are.
fn line(line: &Points, name: String, columns: Columns, figures: &mut Vec<f64>) -> Line {
    let start = figures.len();
    let seen = columns.seen(&line.points);
    let pieces: Vec<&[Point]> = seen.chunk_by(|a, b| columns.of(a) == columns.of(b)).collect();
    pieces.iter().for_each(|piece| outline(piece, figures));
    let band = figures.len();
    for piece in &pieces {
        let judged = piece.iter().rev().find_map(|point| Some((point.start, point.band?)));
        figures.extend(judged.iter().flat_map(|(time, (low, high))| [*time as f64, *low, *high]));
    }
    let marks = figures.len();
    for piece in &pieces {
        let worst =
            piece.iter().filter(|point| point.anomaly).max_by(|a, b| a.score.abs().total_cmp(&b.score.abs()));
        figures.extend(worst.iter().flat_map(|point| [point.start as f64, point.value]));
    }
    Line {
        name,
        line: start as u32,
        points: ((band - start) / 2) as u32,
        band: band as u32,
        band_points: ((marks - band) / 3) as u32,
        marks: marks as u32,
        mark_points: ((figures.len() - marks) / 2) as u32,
    }
}

/// The first, lowest, highest and last point of a column, in time order: what a line through all of its
/// points would touch.
fn outline(column: &[Point], figures: &mut Vec<f64>) {
    let by_value = |a: &usize, b: &usize| column[*a].value.total_cmp(&column[*b].value);
    let indices = 0..column.len();
    let mut kept = [
        0,
        indices.clone().min_by(by_value).unwrap_or(0),
        indices.max_by(by_value).unwrap_or(0),
        column.len() - 1,
    ];
    kept.sort_unstable();
    for (i, &at) in kept.iter().enumerate() {
        if i == 0 || at != kept[i - 1] {
            figures.extend([column[at].start as f64, column[at].value]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> History {
        let world = kappascope_scenario::open("tutorial", 1, Some(1)).unwrap();
        History::new(world.spec(), Watch::first_of(world.spec()))
    }

    #[test]
    fn the_oldest_points_go_when_there_are_too_many() {
        let (mut history, keys) = (history(), 10);
        let windows = POINTS_KEPT as i64 / keys as i64 + 1;
        for start in 0..windows {
            (0..keys).for_each(|key| history.point(key, start, 1.0));
        }
        let held: usize = history.lines.iter().map(|line| line.points.len()).sum();
        assert_eq!(held, history.points);
        assert!((POINTS_KEPT / 2..=POINTS_KEPT).contains(&held), "{held} points");
        let since = history.since.expect("some are gone");
        assert_eq!(history.span, Some((since, windows - 1)));
        let starts =
            |line: &Points| line.points.first().zip(line.points.last()).map(|(a, b)| (a.start, b.start));
        assert!(history.lines.iter().all(|line| starts(line) == Some((since, windows - 1))));
        // A correction of what is gone brings nothing back.
        history.point(0, since - 1, 1.0);
        assert_eq!((history.points, history.span), (held, Some((since, windows - 1))));
    }

    #[test]
    fn all_points_stay_while_there_is_room() {
        let mut history = history();
        (0..1_000).rev().for_each(|start| history.point(0, start, 1.0));
        assert_eq!((history.points, history.since, history.span), (1_000, None, Some((0, 999))));
        history.point(0, 500, 2.0);
        assert_eq!((history.points, history.lines[0].points[500].value), (1_000, 2.0));
    }
}
