//! The oracle's detectors and alert rules, from the list of each series' points.

use crate::cases::Event;
use crate::facts::{Cell, Fact, Window, number_of};
use crate::naive::offset_of;
use kappascope_core::spec::{AlertSpec, DetectorKind, DetectorSpec, Series, WindowSpec};
use kappascope_core::{AlertState, Limits, Spec};
use std::collections::BTreeMap;

/// What a score gets at most.
const MAX_SCORE: f64 = 1e6;

pub(crate) struct Judges<'a> {
    spec: &'a Spec,
    limits: Limits,
    /// The points of each detector and key.
    points: BTreeMap<(usize, String), Vec<f64>>,
    /// Detectors and keys in the order in which they first had an event or a result.
    order: Vec<(usize, String)>,
    /// The last sign of life of each detector of absence and key that is not silent.
    alive: BTreeMap<(usize, String), i64>,
    /// The alert that each rule and key is in.
    alerts: BTreeMap<(usize, String), Alert>,
    ids: Vec<Id>,
    /// The newest time at which each rule and key was evaluated while there was an alert.
    last: BTreeMap<(usize, String), i64>,
    /// What each detector said of the result at hand.
    said: BTreeMap<String, bool>,
    rules: Vec<Rule>,
}

/// What a rule looks at.
struct Rule {
    detector: Option<usize>,
    query: Option<usize>,
    /// Where the windows end: an offset and a step.
    grid: Option<(i64, i64)>,
    interval: Option<i64>,
}

impl Rule {
    fn new(spec: &Spec, rule: &AlertSpec) -> Self {
        let detector = spec.detector.iter().position(|detector| detector.name == rule.when);
        let query = spec.query_of_rule(rule);
        let is_absence = detector.is_some_and(|d| matches!(spec.detector[d].kind, DetectorKind::Absence(_)));
        let grid = match query.filter(|_| !is_absence).map(|query| spec.query[query].window) {
            Some(WindowSpec::Tumbling { size, offset }) => Some((offset.0, size.0)),
            Some(WindowSpec::Hopping { size, slide, offset }) => Some((offset.0 + size.0, slide.0)),
            Some(WindowSpec::Cumulate { step, offset, .. }) => Some((offset.0, step.0)),
            _ => None,
        };
        Self { detector, query, grid, interval: rule.interval.map(|interval| interval.0) }
    }

    /// When the next point of a key is due, if it has none.
    fn next_after(&self, last: i64, least: i64) -> Option<i64> {
        let (first, step) = match self.grid {
            Some((offset, step)) => (((last - offset).div_euclid(step) + 1) * step + offset, step),
            None => (last + self.interval?, self.interval?),
        };
        let steps = if least <= first { 0 } else { (least - first - 1) / step + 1 };
        Some(first + steps * step)
    }
}

/// What time alone brings about next.
pub(crate) type Timer = (i64, What, String);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// A key of this detector is overdue.
    Silence(usize),
    /// A key of this rule has no point.
    Rule(usize),
}

/// What makes an alert's id.
#[derive(PartialEq)]
struct Id {
    rule: usize,
    key: String,
    /// The event that began it.
    cause: Option<(u32, u64)>,
    time: i64,
}

#[derive(Clone, Copy)]
struct Alert {
    number: usize,
    active_at: i64,
    firing: bool,
    false_since: Option<i64>,
}

struct Point {
    key: String,
    start: i64,
    end: i64,
    value: f64,
    cause: Option<(u32, u64)>,
}

struct Verdict {
    point: Point,
    score: Cell,
    anomaly: bool,
    /// Whether there is a point, and not the lack of one.
    is_point: bool,
}

impl<'a> Judges<'a> {
    pub(crate) fn new(spec: &'a Spec, limits: Limits) -> Self {
        Self {
            spec,
            limits,
            points: BTreeMap::new(),
            order: Vec::new(),
            alive: BTreeMap::new(),
            alerts: BTreeMap::new(),
            ids: Vec::new(),
            last: BTreeMap::new(),
            said: BTreeMap::new(),
            rules: spec.alert.iter().map(|rule| Rule::new(spec, rule)).collect(),
        }
    }

    /// Judges a result that is on time, which the event of a row brought about.
    pub(crate) fn judge_result(
        &mut self,
        events: &[Event],
        window: &Window,
        row: Option<usize>,
        met: Option<i64>,
        facts: &mut Vec<Fact>,
    ) {
        self.said.clear();
        let cause = row.map(|row| (events[row].partition, offset_of(events, row)));
        for (d, detector) in self.spec.detector.iter().enumerate() {
            let Some(Series::Aggregate { query, aggregate }) = self.spec.series(&detector.on) else {
                continue;
            };
            if query == window.query {
                let (key, start, end) = (window.key.clone(), window.start, window.end);
                let value = window.values[aggregate].number();
                self.judge(d, detector, Point { key, start, end, value, cause }, met, facts);
            }
        }
        let query = &self.spec.query[window.query];
        let Some(count) = query.aggregates.iter().position(|aggregate| aggregate.to_string() == "count()")
        else {
            return;
        };
        for (r, rule) in self.spec.alert.iter().enumerate() {
            let Some(condition) = rule.when.strip_prefix(&format!("{}: ", query.name)) else { continue };
            let value = window.values[count].number();
            let holds = condition.split(" OR ").any(|part| match part.strip_prefix("count() >= ") {
                Some(least) => value >= least.parse().unwrap(),
                None => self.said.get(part) == Some(&true),
            });
            let (key, start, end) = (window.key.clone(), window.start, window.end);
            let point = Point { key, start, end, value, cause };
            let score = Cell::Real(f64::from(u8::from(holds)));
            self.evaluate(r, rule, &Verdict { point, score, anomaly: holds, is_point: true }, facts);
        }
    }

    /// Judges an event, where a detector reads a measure.
    pub(crate) fn judge_event(&mut self, events: &[Event], row: usize, met: i64, facts: &mut Vec<Fact>) {
        for (d, detector) in self.spec.detector.iter().enumerate() {
            let Some(Series::Measure(measure)) = self.spec.series(&detector.on) else { continue };
            let event = &events[row];
            let key = event.keys(&detector.by);
            let known = self.points.keys().filter(|(of, _)| *of == d).count();
            if !self.points.contains_key(&(d, key.clone())) && known >= self.limits.keys as usize {
                continue;
            }
            let value = if measure == 0 { event.v } else { event.w };
            let cause = Some((event.partition, offset_of(events, row)));
            let point = Point { key, start: event.time, end: event.time, value, cause };
            self.judge(d, detector, point, Some(met), facts);
        }
    }

    /// Judges a point; `met` is the watermark that its event met, if it came with one.
    fn judge(
        &mut self,
        d: usize,
        detector: &DetectorSpec,
        point: Point,
        met: Option<i64>,
        facts: &mut Vec<Fact>,
    ) {
        if !self.order.contains(&(d, point.key.clone())) {
            self.order.push((d, point.key.clone()));
        }
        let points = self.points.entry((d, point.key.clone())).or_default();
        let zscore = match &detector.kind {
            DetectorKind::Zscore(zscore) => zscore,
            DetectorKind::Novelty(_) => unreachable!("its oracle stands beside it"),
            DetectorKind::Absence(absence) => {
                let after = absence.after.0;
                if met.is_none_or(|met| point.end + after - 1 > met) {
                    let last = self.alive.entry((d, point.key.clone())).or_insert(point.end);
                    *last = point.end.max(*last);
                    let point = Point { value: 0.0, ..point };
                    self.say_silence(d, detector, point, after, 0.0, facts);
                }
                return;
            }
            other => unreachable!("{other:?} is not generated"),
        };
        if !point.value.is_finite() {
            return;
        }
        let past = points.len();
        points.push(point.value);
        let window = zscore.window as usize;
        let with_it = past + usize::from(zscore.include_current);
        let compared = &points[with_it.saturating_sub(window)..with_it];
        if compared.len() < zscore.min_points.unwrap_or(10.min(zscore.window)) as usize {
            return;
        }
        let (expected, deviation, score) = zscore_of(compared, point.value);
        let (anomaly, near) =
            (score.abs() >= zscore.threshold, |x: f64| Cell::Near(x, 1e-9 * (1.0 + x.abs())));
        let reach = zscore.threshold * deviation;
        let score = Cell::Near(score, 1e-6 * (1.0 + score.abs()));
        facts.push(Fact::Score {
            detector: d,
            key: point.key.clone(),
            time: point.start,
            value: Cell::Real(point.value),
            expected: near(expected),
            band: [near(expected - reach), near(expected + reach)],
            score: score.clone(),
            anomaly,
        });
        self.tell_rules(detector, Verdict { point, score, anomaly, is_point: true }, facts);
    }

    /// What is due first without a point, and whose it is. Of several keys, the first by `order_of` a query,
    /// or of a detector that reads events by appearance.
    pub(crate) fn due(&self, order_of: impl Fn(usize, &str) -> usize) -> Option<Timer> {
        let silences = self.alive.iter().map(|((d, key), last)| {
            let DetectorKind::Absence(absence) = &self.spec.detector[*d].kind else { unreachable!() };
            (last + absence.after.0, What::Silence(*d), key)
        });
        let missed = self.alerts.keys().filter_map(|at| {
            let alert = &self.alerts[at];
            let keep = self.spec.alert[at.0].keep_firing_for.0;
            // While it is kept firing, what is false anyway is not said again.
            let least = alert.false_since.filter(|_| alert.firing).map_or(i64::MIN, |since| since + keep);
            let due = self.rules[at.0].next_after(self.last[at], least)?;
            Some((due, What::Rule(at.0), &at.1))
        });
        let all: Vec<(i64, What, &String)> = silences.chain(missed).collect();
        let first = all.iter().map(|(due, what, _)| (*due, *what)).min()?;
        let keys = all.iter().filter(|(due, what, _)| (*due, *what) == first).map(|(.., key)| *key);
        let key = keys.min_by_key(|key| match first.1 {
            What::Silence(d) => self.order(Some(d), self.query_of(d), key, &order_of),
            What::Rule(r) => self.order(self.rules[r].detector, self.rules[r].query, key, &order_of),
        })?;
        Some((first.0, first.1, key.clone()))
    }

    fn query_of(&self, d: usize) -> Option<usize> {
        match self.spec.series(&self.spec.detector[d].on) {
            Some(Series::Aggregate { query, .. }) => Some(query),
            _ => None,
        }
    }

    fn order(
        &self,
        d: Option<usize>,
        query: Option<usize>,
        key: &str,
        order_of: impl Fn(usize, &str) -> usize,
    ) -> usize {
        match query {
            Some(query) => order_of(query, key),
            None => self.order.iter().position(|(of, name)| (Some(*of), name.as_str()) == (d, key)).unwrap(),
        }
    }

    /// What comes of it.
    pub(crate) fn tell(&mut self, timer: Timer, cause: Option<(u32, u64)>, facts: &mut Vec<Fact>) {
        match timer {
            (deadline, What::Silence(d), key) => self.tell_silence((deadline, d, key), cause, facts),
            (due, What::Rule(r), key) => {
                let point = Point { key, start: due, end: due, value: 0.0, cause };
                let verdict = Verdict { point, score: Cell::Real(0.0), anomaly: false, is_point: false };
                self.evaluate(r, &self.spec.alert[r], &verdict, facts);
            }
        }
    }

    fn tell_silence(
        &mut self,
        (deadline, d, key): (i64, usize, String),
        cause: Option<(u32, u64)>,
        facts: &mut Vec<Fact>,
    ) {
        let last = self.alive.remove(&(d, key.clone())).unwrap();
        let value = (deadline - last) as f64 / 1_000.0;
        let point = Point { key, start: deadline, end: deadline, value, cause };
        self.say_silence(d, &self.spec.detector[d], point, deadline - last, 1.0, facts);
    }

    fn say_silence(
        &mut self,
        d: usize,
        detector: &DetectorSpec,
        point: Point,
        after: i64,
        score: f64,
        facts: &mut Vec<Fact>,
    ) {
        let score = Cell::Real(score);
        let anomaly = score == Cell::Real(1.0);
        facts.push(Fact::Score {
            detector: d,
            key: point.key.clone(),
            time: point.start,
            value: Cell::Real(point.value),
            expected: Cell::Real(0.0),
            band: [Cell::Real(0.0), Cell::Real(after as f64 / 1_000.0)],
            score: score.clone(),
            anomaly,
        });
        self.tell_rules(detector, Verdict { point, score, anomaly, is_point: true }, facts);
    }

    fn tell_rules(&mut self, detector: &DetectorSpec, verdict: Verdict, facts: &mut Vec<Fact>) {
        self.said.insert(detector.name.clone(), verdict.anomaly);
        for (r, rule) in self.spec.alert.iter().enumerate().filter(|(_, rule)| rule.when == detector.name) {
            self.evaluate(r, rule, &verdict, facts);
        }
    }

    fn evaluate(&mut self, r: usize, rule: &AlertSpec, verdict: &Verdict, facts: &mut Vec<Fact>) {
        let Verdict { point, score, anomaly: condition, .. } = verdict;
        let now = point.end;
        let at = (r, point.key.clone());
        let before = self.alerts.get(&at).copied();
        let mut alert = match before {
            Some(alert) => alert,
            None if *condition => {
                let id = Id { rule: r, key: point.key.clone(), cause: point.cause, time: now };
                let number = number_of(&mut self.ids, id);
                Alert { number, active_at: now, firing: false, false_since: None }
            }
            None => return,
        };
        if verdict.is_point {
            let last = self.last.entry(at.clone()).or_insert(now);
            *last = now.max(*last);
        }
        let entered = if *condition {
            alert.false_since = None;
            let fires = !alert.firing && now - alert.active_at >= rule.hold.0;
            alert.firing |= fires;
            self.alerts.insert(at, alert);
            match (fires, before) {
                (true, _) => Some(AlertState::Firing),
                (false, None) => Some(AlertState::Pending),
                (false, Some(_)) => None,
            }
        } else {
            let since = *alert.false_since.get_or_insert(now);
            let ends = !alert.firing || now - since >= rule.keep_firing_for.0;
            if ends {
                self.alerts.remove(&at);
            } else {
                self.alerts.insert(at, alert);
            }
            ends.then_some(AlertState::Resolved)
        };
        if let Some(state) = entered {
            facts.push(Fact::Alert {
                rule: r,
                key: point.key.clone(),
                state,
                time: now,
                window_start: point.start,
                cause: point.cause,
                alert: alert.number,
                value: Cell::Real(point.value),
                score: score.clone(),
            });
        }
    }
}

/// Mean and sample deviation of some points, and the distance of a value from the one in the other.
fn zscore_of(points: &[f64], value: f64) -> (f64, f64, f64) {
    let (origin, n) = (points[0], points.len() as f64);
    let from_origin: Vec<f64> = points.iter().map(|point| point - origin).collect();
    let mean = from_origin.iter().sum::<f64>() / n;
    let deviation = (from_origin.iter().map(|d| (d - mean) * (d - mean)).sum::<f64>() / (n - 1.0)).sqrt();
    let distance = value - origin - mean;
    let score = if distance == 0.0 { 0.0 } else { (distance / deviation).clamp(-MAX_SCORE, MAX_SCORE) };
    (origin + mean, deviation, score)
}

/// How many events detectors had no room for a key for.
pub(crate) fn unseen(spec: &Spec, events: &[Event], limits: Limits) -> u64 {
    let of_detector = |detector: &DetectorSpec| {
        let mut keys = Vec::new();
        let names = events.iter().map(|event| event.keys(&detector.by));
        names.filter(|name| number_of(&mut keys, name.clone()) >= limits.keys as usize).count() as u64
    };
    let on_events = |detector: &&DetectorSpec| matches!(spec.series(&detector.on), Some(Series::Measure(_)));
    spec.detector.iter().filter(on_events).map(of_detector).sum()
}
