//! What a backtest says: the curve of a sweep, the setting that was chosen, and what it missed and cried
//! wolf over; as text, or as one JSON object.

use crate::text::{cut, date, hanging, one_line, table};
use kappascope_backtest::judge::interval;
use kappascope_backtest::sweep::too_small;
use kappascope_backtest::{Alert, Label, Outcome, Parameter, Part, Sweep};
use kappascope_core::Spec;
use kappascope_ingest::profile::words::{count_of, counted, number, span};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Labels and alerts that are listed one by one: a screen of each.
const MOST_LISTED: usize = 20;

/// Characters of the bar of the dearest setting.
const BAR: f64 = 20.0;

/// Everything there is to say.
pub(crate) struct Verdict<'a> {
    pub(crate) place: String,
    pub(crate) events: u64,
    pub(crate) rejected: u64,
    /// The pipeline as chosen.
    pub(crate) spec: &'a Spec,
    pub(crate) parameters: &'a [Parameter],
    pub(crate) labels: &'a [Label],
    pub(crate) miss_cost: f64,
    pub(crate) sweep: &'a Sweep,
}

/// A part of time with what came of the chosen setting there.
struct Column<'a> {
    name: &'static str,
    part: Part,
    outcome: &'a Outcome,
}

impl Verdict<'_> {
    /// Plain text for a terminal.
    pub(crate) fn text(&self) -> String {
        let mut lines = vec![self.head()];
        let curve = if self.parameters.is_empty() { Vec::new() } else { self.curve() };
        let columns = self.columns();
        let sections = [
            ("Settings, judged on the training part", curve),
            ("", self.choice()),
            ("", scoreboard(&columns, self.miss_cost)),
            ("Missed", self.missed(&columns)),
            ("False alarms", self.false_alarms(&columns)),
            ("To bear in mind", self.warnings(&columns)),
        ];
        for (title, body) in sections.into_iter().filter(|(_, body)| !body.is_empty()) {
            lines.push(String::new());
            lines.extend((!title.is_empty()).then(|| title.to_owned()));
            let margin = if title.is_empty() { "" } else { "  " };
            lines.extend(body.iter().map(|line| format!("{margin}{line}")));
        }
        lines.iter().map(|line| line.trim_end().to_owned() + "\n").collect()
    }

    fn head(&self) -> String {
        let Part { from, until } = self.sweep.whole;
        let rejected = match self.rejected {
            0 => String::new(),
            n => format!(", {} rejected", counted(n)),
        };
        let (events, labels) = (count_of(self.events, "event"), count_of(self.labels.len() as u64, "label"));
        let time = format!("{} to {}", date(from), date(until - 1));
        format!("{}: {events}{rejected}, {time} ({}); {labels}", one_line(&self.place), span(until - from))
    }

    fn chosen(&self) -> &Outcome {
        &self.sweep.tried[self.sweep.chosen].train
    }

    fn columns(&self) -> Vec<Column<'_>> {
        let Sweep { train, test, tested, .. } = self.sweep;
        let name = if test.is_some() { "training" } else { "all" };
        let first = Column { name, part: *train, outcome: self.chosen() };
        let second = test.zip(tested.as_ref()).map(|(part, outcome)| Column { name: "test", part, outcome });
        std::iter::once(first).chain(second).collect()
    }

    /// A row a setting, the chosen one marked, with a bar as long as its cost.
    fn curve(&self) -> Vec<String> {
        let names = self.parameters.iter().map(|parameter| parameter.path.clone());
        let figures = ["precision", "recall", "F1", "alerts a day", "median delay", "cost", ""];
        let header: Vec<String> = names.chain(figures.map(str::to_owned)).chain([String::new()]).collect();
        let costs: Vec<f64> = self.sweep.tried.iter().map(|tried| tried.train.cost(self.miss_cost)).collect();
        let most = costs.iter().copied().fold(0.0, f64::max);
        let row = |(i, tried): (usize, &kappascope_backtest::sweep::Tried)| {
            let outcome = &tried.train;
            let mark = if i == self.sweep.chosen { "chosen" } else { "" };
            let figures = [
                share(outcome.precision()),
                share(outcome.recall()),
                share(outcome.f1()),
                format!("{:.1}", outcome.alerts_per_day()),
                delay(outcome, 0.5),
                number(costs[i]),
                mark.to_owned(),
                bar(costs[i], most),
            ];
            tried.values.iter().cloned().chain(figures).collect()
        };
        table(std::iter::once(header).chain(self.sweep.tried.iter().enumerate().map(row)).collect(), 0)
    }

    /// What was chosen, and why.
    fn choice(&self) -> Vec<String> {
        let Sweep { tried, chosen, test, .. } = self.sweep;
        if self.parameters.is_empty() {
            return Vec::new();
        }
        let values = self.parameters.iter().zip(&tried[*chosen].values);
        let values: Vec<String> =
            values.map(|(parameter, value)| format!("{} = {value}", parameter.path)).collect();
        let judged = if test.is_some() { " on the training part, and tested on the rest" } else { "" };
        let miss = number(self.miss_cost);
        hanging(&format!(
            "Chosen: {}, the cheapest{judged}; a miss costs as much as {miss} false alarms.",
            values.join(", ")
        ))
    }

    fn missed(&self, columns: &[Column<'_>]) -> Vec<String> {
        let missed = columns.iter().flat_map(|column| column.outcome.missed.iter().map(|l| &self.labels[*l]));
        let row = |label: &Label| {
            let length = if label.end > label.start { span(label.end - label.start) } else { String::new() };
            vec![date(label.start), length, key(&label.key), label.what.clone()]
        };
        listed(missed.map(row).collect())
    }

    fn false_alarms(&self, columns: &[Column<'_>]) -> Vec<String> {
        let alerts = &self.sweep.alerts;
        let alarms =
            columns.iter().flat_map(|column| column.outcome.false_alarms.iter().map(|a| &alerts[*a]));
        let row = |alert: &Alert| {
            let length = alert.until.map_or(String::new(), |until| span(until - alert.since));
            let figures = format!("value {}, score {}", number(alert.value), number(round(alert.score)));
            vec![date(alert.fired), length, self.rule(alert).to_owned(), key(&alert.key), figures]
        };
        listed(alarms.map(row).collect())
    }

    fn rule(&self, alert: &Alert) -> &str {
        &self.spec.alert[alert.rule as usize].name
    }

    /// Where the sample is too small to say, and what was not counted.
    fn warnings(&self, columns: &[Column<'_>]) -> Vec<String> {
        let mut said = Vec::new();
        for (i, Column { name, outcome, .. }) in columns.iter().enumerate() {
            let place = if columns.len() > 1 { format!(" in the {name} part") } else { String::new() };
            if outcome.labels == 0 {
                said.push(no_labels(&place, i == 0 && !self.parameters.is_empty()));
            }
            let open = too_small(outcome).into_iter().filter(|(what, ..)| has(outcome, what));
            let open: Vec<String> = open
                .map(|(what, low, high)| format!("{what} could be anything from {low:.2} to {high:.2}"))
                .collect();
            if !open.is_empty() {
                said.push(format!("Too few cases to say{place}: {}.", open.join(", ")));
            }
        }
        said.extend(self.ties());
        let unjudged: u64 = columns.iter().map(|column| column.outcome.unjudged).sum();
        if self.sweep.outside > 0 {
            let labels = count_of(self.sweep.outside, "label");
            said.push(format!("{labels} not wholly within the time of the events: not counted."));
        }
        if columns.len() > 1 && unjudged > 0 {
            let cut = date(self.sweep.train.until);
            said.push(format!(
                "Labels across the cut at {cut}, and alerts about them, are counted in neither part."
            ));
        }
        said.iter().flat_map(|line| hanging(line)).collect()
    }

    /// Settings that cost the same as the chosen one.
    fn ties(&self) -> Option<String> {
        let cost = |outcome: &Outcome| outcome.cost(self.miss_cost);
        let best = cost(self.chosen());
        let same = self.sweep.tried.iter().filter(|tried| cost(&tried.train) == best).count();
        (same > 1).then(|| format!("{same} settings cost the same: this history cannot tell them apart."))
    }

    /// One JSON object.
    pub(crate) fn json(&self) -> String {
        let settings: Vec<Value> =
            self.sweep.tried.iter().map(|tried| self.setting(&tried.values, &tried.train)).collect();
        let chosen = &self.sweep.tried[self.sweep.chosen];
        let parts: Vec<Value> = self.columns().iter().map(|column| self.part(column)).collect();
        let object = json!({
            "type": "backtest",
            "source": self.place,
            "events": self.events,
            "rejected": self.rejected,
            "from": self.sweep.whole.from,
            "until": self.sweep.whole.until,
            "labels": self.labels,
            "labels_outside": self.sweep.outside,
            "miss_cost": self.miss_cost,
            "parameters": self.parameters.iter().map(|parameter| &parameter.path).collect::<Vec<_>>(),
            "settings": settings,
            "chosen": chosen.values,
            "parts": parts,
            "alerts": self.sweep.alerts.iter().map(|alert| self.alert(alert)).collect::<Vec<_>>(),
        });
        format!("{object}\n")
    }

    fn setting(&self, values: &[String], outcome: &Outcome) -> Value {
        json!({ "values": values, "outcome": self.figures(outcome) })
    }

    fn part(&self, Column { name, part, outcome }: &Column<'_>) -> Value {
        let bounds = |part: u64, all: u64| {
            let (low, high) = interval(part, all);
            [low, high]
        };
        json!({
            "name": name,
            "from": part.from,
            "until": part.until,
            "outcome": self.figures(outcome),
            "precision_95": bounds(outcome.right, outcome.alerts),
            "recall_95": bounds(outcome.met, outcome.labels),
            "missed": outcome.missed,
            "false_alarms": outcome.false_alarms,
            "unjudged": outcome.unjudged,
        })
    }

    fn figures(&self, outcome: &Outcome) -> Value {
        json!({
            "labels": outcome.labels,
            "met": outcome.met,
            "alerts": outcome.alerts,
            "right": outcome.right,
            "precision": outcome.precision(),
            "recall": outcome.recall(),
            "f1": outcome.f1(),
            "alerts_per_day": outcome.alerts_per_day(),
            "delay_ms_p50": outcome.delay_ms(0.5),
            "delay_ms_p90": outcome.delay_ms(0.9),
            "cost": outcome.cost(self.miss_cost),
        })
    }

    fn alert(&self, alert: &Alert) -> Value {
        json!({
            "rule": self.rule(alert),
            "key": alert.key.iter().cloned().collect::<BTreeMap<_, _>>(),
            "since": alert.since,
            "fired": alert.fired,
            "known": alert.known,
            "until": alert.until,
            "value": alert.value,
            "score": alert.score,
        })
    }
}

fn no_labels(place: &str, chosen_here: bool) -> String {
    let choice = if chosen_here { ", and the choice is of the setting with the fewest alerts" } else { "" };
    format!("No label lies{place}: nothing can be said of recall there{choice}.")
}

fn has(outcome: &Outcome, what: &str) -> bool {
    if what == "precision" { outcome.alerts > 0 } else { outcome.labels > 0 }
}

/// A figure a row, a part a column.
fn scoreboard(columns: &[Column<'_>], miss_cost: f64) -> Vec<String> {
    let row = |name: &str, cell: &dyn Fn(&Outcome) -> String| {
        std::iter::once(name.to_owned()).chain(columns.iter().map(|column| cell(column.outcome))).collect()
    };
    let header =
        std::iter::once(String::new()).chain(columns.iter().map(|column| column.name.to_owned())).collect();
    let until = std::iter::once("up to".to_owned())
        .chain(columns.iter().map(|column| date(column.part.until - 1)))
        .collect();
    let rows: Vec<Vec<String>> = vec![
        header,
        until,
        row("labels", &|outcome| counted(outcome.labels)),
        row("  met", &|outcome| counted(outcome.met)),
        row("alerts", &|outcome| counted(outcome.alerts)),
        row("  right", &|outcome| counted(outcome.right)),
        row("precision", &|outcome| share(outcome.precision())),
        row("  95 % interval", &|outcome| within(outcome.right, outcome.alerts)),
        row("recall", &|outcome| share(outcome.recall())),
        row("  95 % interval", &|outcome| within(outcome.met, outcome.labels)),
        row("F1", &|outcome| share(outcome.f1())),
        row("alerts a day", &|outcome| format!("{:.1}", outcome.alerts_per_day())),
        row("time to detect, median", &|outcome| delay(outcome, 0.5)),
        row("time to detect, 90 %", &|outcome| delay(outcome, 0.9)),
        row("cost in false alarms", &|outcome| number(outcome.cost(miss_cost))),
    ];
    table(rows, 1)
}

fn within(part: u64, all: u64) -> String {
    let (low, high) = interval(part, all);
    if all == 0 { "–".to_owned() } else { format!("{low:.2}–{high:.2}") }
}

fn share(share: Option<f64>) -> String {
    share.map_or("–".to_owned(), |share| format!("{share:.2}"))
}

fn delay(outcome: &Outcome, share: f64) -> String {
    outcome.delay_ms(share).map_or("–".to_owned(), span)
}

fn bar(cost: f64, most: f64) -> String {
    let full = if most > 0.0 { (cost / most * BAR).round() as usize } else { 0 };
    format!("{:<width$}", "█".repeat(full), width = BAR as usize)
}

fn key(key: &[(String, String)]) -> String {
    let values: Vec<String> = key.iter().map(|(_, value)| one_line(value)).collect();
    cut(&values.join(" "), 40)
}

fn round(score: f64) -> f64 {
    (score * 100.0).round() / 100.0
}

/// As many rows as fit on a screen, and how many there are more.
fn listed(mut rows: Vec<Vec<String>>) -> Vec<String> {
    let more = rows.len().saturating_sub(MOST_LISTED);
    rows.truncate(MOST_LISTED);
    let columns = rows.first().map_or(0, Vec::len);
    let mut lines = table(rows, columns);
    lines.extend((more > 0).then(|| format!("… and {more} more; `--json` has them all")));
    lines
}
