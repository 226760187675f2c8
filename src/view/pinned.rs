//! A run that a person pinned, beside the present one: what became of its alerts, late events and windows.
//!
//! **Invariant:** alerts are the same if rule, key and start are; only those are compared that both runs have
//! come to.

use crate::state::use_store;
use crate::text;
use crate::wire::{Firing, Frame};
use leptos::prelude::*;

/// How the alerts of two runs differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Difference {
    gone: usize,
    new: usize,
    same: usize,
}

fn difference(before: &Frame, now: &Frame) -> Difference {
    let reached = |frame: &Frame| frame.newest_time.unwrap_or(f64::NEG_INFINITY);
    let until = reached(before).min(reached(now));
    let alerts = |frame: &'_ Frame| -> Vec<Firing> {
        frame.firing.iter().filter(|firing| firing.start <= until).cloned().collect()
    };
    let is_same = |a: &Firing, b: &Firing| (&a.rule, &a.key, a.start) == (&b.rule, &b.key, b.start);
    let (before, now) = (alerts(before), alerts(now));
    let same = now.iter().filter(|now| before.iter().any(|before| is_same(before, now))).count();
    Difference { gone: before.len() - same, new: now.len() - same, same }
}

/// What is different, in a line.
fn told(before: &Frame, now: &Frame) -> String {
    let Difference { gone, new, same } = difference(before, now);
    let counts =
        |name: &str, before: f64, now: f64| format!("{name} {} → {}", text::count(before), text::count(now));
    let windows = |frame: &Frame| frame.windows - frame.corrections;
    let mut parts = vec![
        format!("Alerts: {gone} gone, {new} new, {same} same"),
        counts("late events", before.late, now.late),
        counts("windows", windows(before), windows(now)),
    ];
    if before.row != now.row {
        parts.push(format!("pinned at {}", text::several(before.row, "event")));
    }
    parts.join(" · ")
}

/// The button that pins the present run.
#[component]
pub(super) fn Pin() -> impl IntoView {
    let store = use_store();
    let pinned = move || store.kept.with(Option::is_some);
    view! {
        <button
            class="button small"
            data-testid="pin"
            aria-pressed=move || pinned().to_string()
            title="Keeps this run as thin lines, to compare with what comes of other settings"
            on:click=move |_| store.keep(store.kept.with_untracked(Option::is_none))
        >
            {move || if pinned() { "Unpin" } else { "Pin" }}
        </button>
    }
}

/// The line of differences, while a run is pinned.
#[component]
pub(super) fn PinnedLine() -> impl IntoView {
    let store = use_store();
    let words = Memo::new(move |_| {
        store.kept.with(|kept| kept.as_ref().map(|kept| store.explained.with(|now| told(kept, now))))
    });
    view! {
        <p class="pinned-line" data-testid="pinned" hidden=move || words.with(Option::is_none)>
            <b>"Thin lines: the pinned run. "</b>
            {move || words.get()}
        </p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(row: f64, late: f64, starts: &[f64]) -> Frame {
        let firing = |start: &f64| Firing {
            rule: "spike".to_owned(),
            severity: String::new(),
            message: None,
            key: "click".to_owned(),
            drawn: true,
            id: String::new(),
            start: *start,
            end: None,
            value: 0.0,
            score: 0.0,
        };
        let firing = starts.iter().map(firing).collect();
        Frame {
            row,
            late,
            windows: 10.0,
            corrections: 2.0,
            newest_time: Some(row),
            firing,
            ..Frame::default()
        }
    }

    #[test]
    fn alerts_are_compared_as_far_as_both_runs_have_come() {
        let before = frame(100.0, 7.0, &[10.0, 20.0, 90.0]);
        let now = frame(50.0, 0.0, &[10.0, 30.0]);
        assert_eq!(difference(&before, &now), Difference { gone: 1, new: 1, same: 1 });
        assert_eq!(difference(&before, &before), Difference { gone: 0, new: 0, same: 3 });
        let said = told(&before, &now).replace('\u{a0}', " ");
        assert_eq!(
            said,
            "Alerts: 1 gone, 1 new, 1 same · late events 7 → 0 · windows 8 → 8 · pinned at 100 events"
        );
    }
}
