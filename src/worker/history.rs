//! What the pipeline's first query has given, as the page draws it: a line a key with its detector's
//! band and anomalies, spans of alerts, and the newest lines of the tables.
//!
//! **Invariant:** a frame holds at most four points of a line for each pixel of the chart, so its size
//! depends on the screen and not on the stream; and at most [`POINTS_KEPT`] results are remembered.

use super::frame::ROWS_SHOWN;
use super::memory::POINTS_KEPT;
use crate::wire::{AnomalyRow, Firing, Frame, LateRow, Series, WindowRow};
use kappascope_core::spec;
use kappascope_core::{
    AlertState, Change, Changes, DropReason, Pipeline, Score, Spec, Timing, Transition, WindowResult,
};
use std::collections::VecDeque;

/// How many keys a chart shows: more lines than colours and dashes that a person can tell apart.
const LINES_SHOWN: usize = 8;

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
struct Line {
    points: Vec<Point>,
    total: f64,
}

struct Row {
    window: WindowResult,
    values: Vec<f64>,
    score: Option<(f64, bool)>,
}

/// The pipeline's first query as the page draws it.
pub(super) struct History {
    /// The aggregate that is drawn.
    aggregate: usize,
    /// Whether the first detector reads it.
    judged: bool,
    rules: Vec<String>,
    lines: Vec<Line>,
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

/// An alert that fired.
struct Alert {
    rule: u32,
    key: u32,
    id: u64,
    firing: Firing,
}

impl History {
    pub(super) fn new(spec: &Spec) -> Self {
        let series = spec.detector.first().and_then(|detector| spec.series(&detector.on));
        let judged = match series {
            Some(spec::Series::Aggregate { query: 0, aggregate }) => Some(aggregate),
            _ => None,
        };
        Self {
            aggregate: judged.unwrap_or(0),
            judged: judged.is_some(),
            rules: spec.alert.iter().map(|alert| alert.name.clone()).collect(),
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

    /// Remembers what changed.
    pub(super) fn take(&mut self, changes: &Changes) {
        for change in changes.iter() {
            match change {
                Change::Window(window) if window.query == 0 && !window.retraction => {
                    self.window(window, changes.values_of(window).map(|value| value.as_f64()).collect());
                }
                Change::Score(score) if self.judged && score.detector == 0 => self.score(score),
                Change::Alert(transition) => self.alert(transition),
                Change::Drop(dropped) if dropped.query == 0 && dropped.reason == DropReason::Late => {
                    let row = LateRow {
                        partition: dropped.partition,
                        offset: dropped.offset as f64,
                        time: dropped.time as f64,
                        watermark: dropped.watermark as f64,
                    };
                    keep(&mut self.late, ROWS_SHOWN, row);
                }
                _ => {}
            }
        }
    }

    fn window(&mut self, window: &WindowResult, values: Vec<f64>) {
        self.corrections += u64::from(window.timing == Timing::Late);
        self.point(window.key as usize, window.start, values[self.aggregate]);
        keep(&mut self.rows, ROWS_SHOWN, Row { window: window.clone(), values, score: None });
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
            self.lines.resize_with(key + 1, Line::default);
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

    /// A score follows the on-time result that it judges, which is then the newest of its key.
    fn score(&mut self, score: &Score) {
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
            let end = self.rows.front().map_or(score.time, |row| row.window.end);
            keep(&mut self.anomalies, ROWS_SHOWN, (score.key, end, score.clone()));
        }
    }

    fn alert(&mut self, transition: &Transition) {
        match transition.state {
            AlertState::Pending => {}
            AlertState::Firing => {
                let firing = Firing {
                    rule: self.rules[transition.rule as usize].clone(),
                    key: String::new(),
                    id: format!("{:016x}", transition.id),
                    start: transition.window_start as f64,
                    end: None,
                    value: transition.value,
                    score: transition.score,
                };
                let &Transition { rule, key, id, .. } = transition;
                keep(&mut self.firing, FIRINGS_KEPT, Alert { rule, key, id, firing });
            }
            AlertState::Resolved => {
                let alert = self.firing.iter_mut().find(|alert| alert.id == transition.id);
                if let Some(alert) = alert {
                    alert.firing.end = Some(transition.time as f64);
                }
            }
        }
    }

    /// Fills in the chart and the tables of a frame, and the figures of the chart's lines.
    pub(super) fn draw(&self, pipeline: &Pipeline, pixels: u32, frame: &mut Frame, figures: &mut Vec<f64>) {
        let name = |query: u32, key: u32| pipeline.key_names(query, key).collect::<Vec<_>>().join(" · ");
        frame.corrections = self.corrections as f64;
        frame.drawn_since = self.since.map(|since| since as f64);
        frame.span = self.span.map(|(first, last)| (first as f64, last as f64));
        let columns = Columns::new(self.span, pixels);
        frame.series = self
            .shown()
            .into_iter()
            .map(|key| series(&self.lines[key], name(0, key as u32), columns, figures))
            .collect();
        let of_rule =
            |alert: &Alert| pipeline.key_of_alert(alert.rule, alert.key).collect::<Vec<_>>().join(" · ");
        let firing = self.firing.iter();
        frame.firing = firing.map(|alert| Firing { key: of_rule(alert), ..alert.firing.clone() }).collect();
        frame.rows = self.rows.iter().map(|row| window_row(row, name(0, row.window.key))).collect();
        frame.late_rows = self.late.iter().cloned().collect();
        frame.anomaly_rows =
            self.anomalies.iter().map(|(key, end, score)| anomaly_row(name(0, *key), *end, score)).collect();
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
        start: row.window.start as f64,
        end: row.window.end as f64,
        key,
        values: row.values.clone(),
        revision: row.window.revision,
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

/// The pixel columns of a chart.
#[derive(Clone, Copy)]
struct Columns {
    first: i64,
    per_ms: f64,
}

impl Columns {
    fn new(span: Option<(i64, i64)>, pixels: u32) -> Self {
        let (first, last) = span.unwrap_or((0, 0));
        Self { first, per_ms: f64::from(pixels.max(1)) / ((last - first).max(1) as f64) }
    }

    fn of(self, point: &Point) -> u32 {
        ((point.start - self.first) as f64 * self.per_ms) as u32
    }
}

/// Appends one line's figures, reduced to its columns, and says where they are.
fn series(line: &Line, name: String, columns: Columns, figures: &mut Vec<f64>) -> Series {
    let start = figures.len();
    let pieces: Vec<&[Point]> = line.points.chunk_by(|a, b| columns.of(a) == columns.of(b)).collect();
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
    Series {
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
        History::new(world.spec())
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
            |line: &Line| line.points.first().zip(line.points.last()).map(|(a, b)| (a.start, b.start));
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
