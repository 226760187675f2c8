//! What the shipped rules of the worlds of attacks and troubles catch and miss: the tables of `docs/scenarios.md` are
//! computed anew, and a page that says something else fails. `UPDATE_EXPECT=1 cargo test` puts it right.
//!
//! ```text
//!   <!-- measured: card_testing attacks -->     each sort of attack: met, and how soon
//!   <!-- measured: sensor troubles -->          the same of what is no attack
//!   <!-- measured: card_testing rules -->       each rule, and all: right, and how often
//! ```

#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
#![expect(clippy::disallowed_methods, reason = "it reads the page that it holds against what it measures")]

use expect_test::expect_file;
use kappascope_backtest::setting::settings;
use kappascope_backtest::{Alert, Judge, Label, Outcome, Part, run};
use kappascope_core::{Log, Spec};
use std::fmt::Write;
use std::iter::Peekable;
use std::ops::RangeInclusive;
use std::str::Lines;

const PAGE: &str = "docs/scenarios.md";

const SCENARIOS: [&str; 7] = [
    "login_brute_force",
    "exfiltration",
    "account_takeover",
    "card_testing",
    "order_tracking",
    "service_latency",
    "sensor",
];

/// Thresholds were chosen on seeds 1 to 5.
const SEEDS: RangeInclusive<u64> = 11..=20;

/// A world run to its end.
struct History {
    labels: Vec<Label>,
    alerts: Vec<Alert>,
    part: Part,
}

/// Runs a world with these rules.
fn history(name: &str, seed: u64, spec: &Spec) -> History {
    let mut world = kappascope_scenario::open(name, seed, None).unwrap();
    let mut log = Log::new(&spec.schema);
    world.fill(&mut log, usize::MAX);
    let times = log.read(0, usize::MAX).time();
    let part = Part { from: *times.iter().min().unwrap(), until: times.iter().max().unwrap() + 1 };
    let alerts = run::alerts(&settings(spec, &[]).unwrap()[0], &log).unwrap();
    History { labels: world.labels().iter().map(label).collect(), alerts, part }
}

fn label(label: &kappascope_scenario::Label) -> Label {
    let kappascope_scenario::Label { what, start, end, key } = label.clone();
    Label { what, start, end: end - 1, key }
}

fn spec(name: &str) -> Spec {
    kappascope_scenario::open(name, 0, Some(0)).unwrap().spec().clone()
}

fn histories(name: &str) -> Vec<History> {
    let spec = spec(name);
    SEEDS.map(|seed| history(name, seed, &spec)).collect()
}

/// What came of some alerts about some labels in all runs.
fn total(
    histories: &[History],
    of_label: impl Fn(&Label) -> bool,
    of_alert: impl Fn(&Alert) -> bool,
) -> Outcome {
    let mut total = Outcome::default();
    for History { labels, alerts, part } in histories {
        let labels: Vec<Label> = labels.iter().filter(|label| of_label(label)).cloned().collect();
        let alerts: Vec<Alert> = alerts.iter().filter(|alert| of_alert(alert)).cloned().collect();
        let outcome = Judge::new(&labels).outcome(&alerts, *part);
        total.days += outcome.days;
        total.labels += outcome.labels;
        total.met += outcome.met;
        total.alerts += outcome.alerts;
        total.right += outcome.right;
        total.delays_ms.extend(outcome.delays_ms);
    }
    total.delays_ms.sort_unstable();
    total
}

/// Rows of a scenario's attacks, by their sort.
fn attacks(histories: &[History]) -> Vec<String> {
    let mut sorts: Vec<&str> =
        histories.iter().flat_map(|run| &run.labels).map(|label| label.what.as_str()).collect();
    sorts.sort_unstable();
    sorts.dedup();
    let row = |sort: &&str| {
        let outcome = total(histories, |label| label.what == *sort, |_| true);
        let delay = |share| outcome.delay_ms(share).map_or_else(|| "–".to_owned(), duration);
        let Outcome { labels, met, .. } = outcome;
        let recall = outcome.recall().unwrap();
        format!("| {sort} | {labels} | {met} | {recall:.2} | {} | {} |", delay(0.5), delay(0.9))
    };
    sorts.iter().map(row).collect()
}

/// Rows of a scenario's rules, and of all of them.
fn rules(spec: &Spec, histories: &[History]) -> Vec<String> {
    let row = |name: &str, outcome: &Outcome| {
        let Outcome { alerts, right, .. } = outcome;
        let precision = outcome.precision().map_or_else(|| "–".to_owned(), |share| format!("{share:.2}"));
        format!("| {name} | {alerts} | {right} | {precision} | {:.1} |", outcome.alerts_per_day())
    };
    let of_rule = |r: usize| total(histories, |_| true, |alert| alert.rule as usize == r);
    let rules = spec.alert.iter().enumerate().map(|(r, rule)| row(&format!("`{}`", rule.name), &of_rule(r)));
    rules.chain([row("all", &total(histories, |_| true, |_| true))]).collect()
}

/// A time as people say it: `45 s`, `12 min`, `3.5 h`.
fn duration(ms: i64) -> String {
    let seconds = ms as f64 / 1e3;
    match seconds {
        _ if seconds < 120.0 => format!("{seconds:.0} s"),
        _ if seconds < 7_200.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3_600.0),
    }
}

fn root(path: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The page with its tables of a scenario written anew.
fn renewed(page: &str, name: &str) -> String {
    let (spec, histories) = (spec(name), histories(name));
    let mut lines = page.lines().peekable();
    let mut renewed = String::new();
    while let Some(line) = lines.next() {
        let _ = writeln!(renewed, "{line}");
        let measured = line.strip_prefix("<!-- measured: ").and_then(|rest| rest.strip_suffix(" -->"));
        let rows = match measured.and_then(|what| what.strip_prefix(name)) {
            Some(" attacks" | " troubles") => attacks(&histories),
            Some(" rules") => rules(&spec, &histories),
            _ => continue,
        };
        for line in head(&mut lines).into_iter().chain(rows) {
            let _ = writeln!(renewed, "{line}");
        }
    }
    renewed
}

/// The header of a table, whose rows are passed over.
fn head(lines: &mut Peekable<Lines<'_>>) -> Vec<String> {
    let head = lines.by_ref().take(2).map(str::to_owned).collect();
    while lines.next_if(|line| line.starts_with('|')).is_some() {}
    head
}

/// One scenario after the other, as each writes the same page.
#[test]
fn the_page_says_what_the_rules_catch() {
    for name in SCENARIOS {
        let page = std::fs::read_to_string(root(PAGE)).unwrap();
        expect_file![root(PAGE)].assert_eq(&renewed(&page, name));
    }
}
