//! What a feed has given, as the page is shown it.
//!
//! ```text
//!   message 17 ─► 17 was taken: passed over     18 ─► lines ─► history, totals     21 ─► 19 and 20 are lost
//! ```
//!
//! **Invariant:** each message of a run is taken at most once, in order; what it holds is bounded as
//! [`History`] is.

use super::line::{Alert, Counters, Key, Late, Line, Rejected, Score, Values, Window};
use crate::wire::{Frame, LateRow, RejectedRow, State, View, Watch};
use crate::worker::frame::{ROWS_SHOWN, Rate};
use crate::worker::history::{Given, History, joined};
use kappascope_core::{Spec, Transition};
use std::collections::{HashMap, VecDeque};

/// How many keys of the series that is drawn are told apart: some 10 MB. Results of further keys are counted only.
const KEYS_TOLD_APART: usize = 100_000;

/// What a message brought.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Heard {
    /// Whether it begins another run than the one that was known.
    pub(super) another_run: bool,
    /// Messages that are missing before it.
    pub(super) lost: u64,
}

/// What is heard over one connection after the other.
#[derive(Default)]
pub(super) struct Ear {
    /// What came; none before the pipeline is known.
    pub(super) picture: Option<Picture>,
    /// Number of the next message of this connection; none before it is said.
    next: Option<u64>,
}

impl Ear {
    /// A connection begins.
    pub(super) fn begin(&mut self) {
        self.next = None;
    }

    /// Takes a message: whole lines.
    pub(super) fn hear(&mut self, text: &str, now: f64) -> Result<Heard, String> {
        let mut heard = Heard::default();
        let mut is_new = None;
        for line in text.lines() {
            let line: Line = serde_json::from_str(line)
                .map_err(|error| format!("The feed says what this page does not know: {error}."))?;
            match line {
                Line::Pipeline { run, pipeline } => {
                    heard.another_run = self.picture.as_ref().is_none_or(|known| known.run != run);
                    if heard.another_run {
                        self.picture = Some(Picture::new(run, *pipeline, now));
                    }
                    is_new = Some(self.counts());
                }
                Line::From { message } => heard.lost += self.goes_on_at(message),
                Line::Lost { messages } => heard.lost += self.misses(messages),
                line => {
                    let is_new = *is_new.get_or_insert_with(|| self.counts());
                    if let Some(picture) = self.picture.as_mut().filter(|_| is_new) {
                        picture.take(line, now);
                    }
                }
            }
        }
        Ok(heard)
    }

    /// The connection goes on with this message: how many were missed since the last.
    fn goes_on_at(&mut self, message: u64) -> u64 {
        self.next = Some(message);
        let taken = self.picture.as_ref().and_then(|picture| picture.taken);
        taken.map_or(0, |taken| message.saturating_sub(taken))
    }

    /// So many messages are missing: how many of them had not been taken before.
    fn misses(&mut self, messages: u64) -> u64 {
        let Some(next) = &mut self.next else { return messages };
        *next += messages;
        let Some(picture) = &mut self.picture else { return messages };
        let missed = next.saturating_sub(picture.taken.unwrap_or(0)).min(messages);
        picture.taken = picture.taken.max(Some(*next));
        missed
    }

    /// Counts a message; whether it is new.
    fn counts(&mut self) -> bool {
        let Some(next) = &mut self.next else { return true };
        *next += 1;
        let Some(picture) = &mut self.picture else { return true };
        let is_new = picture.taken < Some(*next);
        picture.taken = picture.taken.max(Some(*next));
        is_new
    }
}

/// What a run has given so far.
pub(super) struct Picture {
    run: String,
    spec: Spec,
    history: History,
    /// The keys of the series that is drawn, by number and by name.
    keys: Vec<String>,
    numbers: HashMap<String, u32>,
    rejected: VecDeque<RejectedRow>,
    counters: Counters,
    digest: Option<String>,
    rate: Rate,
    view: View,
    /// How many messages of the run were taken; none of a picture that is drawn anew.
    taken: Option<u64>,
}

impl Picture {
    fn new(run: String, spec: Spec, now: f64) -> Self {
        let history = History::new(&spec, Watch::first_of(&spec));
        Self {
            run,
            spec,
            history,
            keys: Vec::new(),
            numbers: HashMap::new(),
            rejected: VecDeque::new(),
            counters: Counters::default(),
            digest: None,
            rate: Rate::new(now),
            view: View::default(),
            taken: None,
        }
    }

    pub(super) fn spec(&self) -> &Spec {
        &self.spec
    }

    /// What the page looks at; whether that changes the picture.
    pub(super) fn look(&mut self, view: View) -> bool {
        std::mem::replace(&mut self.view, view) != view
    }

    /// Begins to draw another series, if it is one: all is to be heard again.
    pub(super) fn watch(&mut self, watch: Watch) -> bool {
        if watch == self.history.watch() || !watch.is_of(&self.spec) {
            return false;
        }
        self.history = History::new(&self.spec, watch);
        self.keys.clear();
        self.numbers.clear();
        self.rejected.clear();
        self.taken = None;
        true
    }

    fn take(&mut self, line: Line, now: f64) {
        match line {
            Line::Counters(counters) => {
                let events = counters.events.saturating_sub(self.counters.events);
                // The first totals that are heard are those of the time before.
                if self.counters.events > 0 {
                    self.rate.count(events as usize, now);
                }
                self.counters = counters;
            }
            Line::Window(window) => self.window(&window),
            Line::Score(score) => self.score(&score),
            Line::Alert(alert) => self.alert(alert),
            Line::Late(late) => self.late(&late),
            Line::Rejected(rejected) => self.reject(rejected),
            Line::Summary { digest } => self.digest = Some(digest),
            _ => {}
        }
    }

    fn window(&mut self, window: &Window) {
        let Some(query) = self.spec.query.iter().position(|query| query.name == window.query) else { return };
        if window.retraction || !self.history.watches(query as u32) {
            return;
        }
        let query = &self.spec.query[query];
        let values =
            query.aggregates.iter().map(|aggregate| number(&window.values, &aggregate.to_string())).collect();
        let name = name(&query.by, &window.key);
        if let Some(key) = self.key(name) {
            let &Window { start, end, revision, timing, .. } = window;
            self.history.window(Given { key, start, end, revision, timing, values });
        }
    }

    fn score(&mut self, score: &Score) {
        let Some(detector) = self.spec.detector.iter().position(|known| known.name == score.detector) else {
            return;
        };
        if !self.history.is_judged_by(detector as u32) {
            return;
        }
        let name = name(self.spec.keys_of_detector(&self.spec.detector[detector]), &score.key);
        if let Some(key) = self.key(name) {
            self.history.score(&kappascope_core::Score {
                time: score.time,
                value: score.value,
                expected: score.expected,
                low: score.low.unwrap_or(f64::MIN),
                high: score.high.unwrap_or(f64::MAX),
                score: score.score.unwrap_or(f64::INFINITY),
                detector: detector as u32,
                key,
                anomaly: score.anomaly,
            });
        }
    }

    fn alert(&mut self, alert: Alert) {
        let Some(rule) = self.spec.alert.iter().position(|rule| rule.name == alert.rule) else { return };
        let spec = &self.spec.alert[rule];
        let key = name(self.spec.keys_of_rule(spec), &alert.key);
        let value =
            alert.values.iter().find(|(name, _)| *name != SCORE).and_then(|(_, value)| value.as_f64());
        let transition = Transition {
            rule: rule as u32,
            key: 0,
            state: alert.state,
            time: alert.time,
            // The line has the end of the window only.
            window_start: self.history.window_ending(alert.time).unwrap_or(alert.time),
            cause: None,
            id: u64::from_str_radix(&alert.id, 16).unwrap_or_default(),
            absent: value.is_none(),
            value: value.unwrap_or(0.0),
            score: alert.values.get(SCORE).and_then(serde_json::Value::as_f64).unwrap_or(0.0),
        };
        self.history.alert(&transition, || key, || alert.message);
    }

    fn late(&mut self, late: &Late) {
        let Some(query) = self.spec.query.iter().position(|query| query.name == late.query) else { return };
        let &Late { partition, offset, time, watermark, .. } = late;
        let watermark = watermark.unwrap_or(time);
        self.history.late(query as u32, LateRow { partition, offset, time, watermark });
    }

    fn reject(&mut self, rejected: Rejected) {
        let Rejected { position, column, reason } = rejected;
        let place = column.map_or_else(|| position.to_string(), |column| format!("{position}, {column}"));
        self.rejected.truncate(ROWS_SHOWN - 1);
        self.rejected.push_front(RejectedRow { place, reason });
    }

    /// The number of a key of the series that is drawn.
    fn key(&mut self, name: String) -> Option<u32> {
        if let Some(number) = self.numbers.get(&name) {
            return Some(*number);
        }
        let number = self.keys.len() as u32;
        (self.keys.len() < KEYS_TOLD_APART).then(|| {
            self.keys.push(name.clone());
            self.numbers.insert(name, number);
            number
        })
    }

    /// Whether the picture changes also when nothing comes.
    pub(super) fn is_moving(&mut self, now: f64) -> bool {
        self.rate.per_second(now) > 0.0
    }

    pub(super) fn frame(&mut self, now: f64) -> (Frame, Vec<f64>) {
        let Counters {
            events,
            windows,
            open_windows,
            late,
            rejected,
            anomalies,
            alerts,
            newest_time,
            watermark,
        } = self.counters;
        let mut frame = Frame {
            state: if self.digest.is_some() { State::Done } else { State::Running },
            events: events as f64,
            events_per_second: self.rate.per_second(now),
            windows: windows as f64,
            open_windows: open_windows as f64,
            late: late as f64,
            rejected: rejected as f64,
            refused: rejected as f64,
            anomalies: anomalies as f64,
            alerts: alerts as f64,
            digest: self.digest.clone().unwrap_or_default(),
            newest_time: newest_time.map(|time| time as f64),
            watermark: watermark.map(|time| time as f64),
            rejected_rows: self.rejected.iter().cloned().collect(),
            ..Frame::default()
        };
        let mut figures = Vec::new();
        let name = |key: u32| self.keys[key as usize].clone();
        self.history.draw_keys(&name, self.keys.len(), &self.view, &mut frame, &mut figures);
        (frame, figures)
    }
}

/// Under what an alert's values have the score of the point beside the point.
const SCORE: &str = "score";

/// A key's strings as one, in the order of its columns.
fn name(columns: &[String], key: &Key) -> String {
    joined(columns.iter().filter_map(|column| key.get(column)).map(String::as_str))
}

/// A value as a detector reads it: what is no number is none.
fn number(values: &Values, name: &str) -> f64 {
    values.get(name).and_then(serde_json::Value::as_f64).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn greeting(run: &str) -> String {
        let world = kappascope_scenario::open("website", 1, Some(1)).expect("it is in the list");
        json!({ "type": "pipeline", "run": run, "pipeline": world.spec() }).to_string()
    }

    fn window(start: i64, count: u64) -> String {
        json!({
            "type": "window", "query": "per_minute", "key": { "event_type": "click" }, "start": start,
            "end": start + 60_000, "revision": 0, "timing": "on_time",
            "values": { "count()": count, "avg(value)": 1.5 },
        })
        .to_string()
    }

    fn from(message: u64) -> String {
        json!({ "type": "from", "message": message }).to_string()
    }

    /// What is lost in all over these connections, and the counts of the windows that are known at the end.
    fn check(connections: &[&[String]], lost: u64, counts: &[f64]) {
        let mut ear = Ear::default();
        let mut told = 0;
        for messages in connections {
            ear.begin();
            for text in *messages {
                told += ear.hear(text, 0.0).expect("it is known").lost;
            }
        }
        assert_eq!(told, lost);
        let (frame, _) = ear.picture.expect("there is a pipeline").frame(0.0);
        let rows: Vec<f64> = frame.rows.iter().rev().map(|row| row.values[0]).collect();
        assert_eq!(rows, counts, "{frame:?}");
    }

    #[test]
    fn a_message_is_taken_once() {
        let run = || greeting("a");
        let first = [run(), from(1), window(0, 1), window(60_000, 2)];
        let again = [run(), from(1), window(0, 1), window(60_000, 2), window(120_000, 3)];
        check(&[&first, &again], 0, &[1.0, 2.0, 3.0]);
    }

    #[test]
    fn what_was_missed_while_away_is_counted() {
        let run = || greeting("a");
        check(&[&[run(), from(1), window(0, 1)], &[run(), from(5), window(60_000, 2)]], 3, &[1.0, 2.0]);
    }

    #[test]
    fn what_the_server_dropped_is_counted_once() {
        let lost = json!({ "type": "lost", "messages": 7 }).to_string();
        let run = || greeting("a");
        let first = [run(), from(1), window(0, 1), lost.clone(), window(60_000, 2)];
        check(&[&first, &[run(), from(9), window(60_000, 2)]], 7, &[1.0, 2.0]);
        // What is missing a second time had been taken.
        check(&[&first, &[run(), from(2), lost, window(60_000, 2), window(120_000, 3)]], 7, &[1.0, 2.0, 3.0]);
    }

    #[test]
    fn another_run_begins_anew() {
        check(&[&[greeting("a"), from(1), window(0, 1)], &[greeting("b"), from(1), window(0, 9)]], 0, &[9.0]);
    }

    /// Who listens before there is a pipeline hears its line as the first message.
    #[test]
    fn the_pipeline_may_come_late() {
        let run = || greeting("a");
        let again = [run(), from(1), window(0, 1), window(60_000, 2)];
        check(&[&[from(0), run(), window(0, 1)], &again], 0, &[1.0, 2.0]);
    }

    #[test]
    fn lines_of_a_newer_server_are_passed_over_and_others_are_told() {
        let mut ear = Ear::default();
        ear.hear(&greeting("a"), 0.0).expect("it is known");
        assert_eq!(ear.hear("{\"type\":\"new\"}\n", 0.0), Ok(Heard::default()));
        assert!(ear.hear("what?", 0.0).is_err_and(|why| why.contains("does not know")));
    }
}
