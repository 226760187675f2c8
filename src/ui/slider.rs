//! A slider over a ladder of sensible values, with its value and what it does now.
//!
//! **Invariant:** the slider's own number is a step of its ladder, from 0; what it means is in
//! `aria-valuetext`. A value between two steps is shown as it is, at the nearest step.

use leptos::prelude::*;

/// Values that a setting may take, in rising order.
pub(crate) type Ladder = &'static [f64];

/// Lengths of time in milliseconds, as ladders have them.
pub(crate) const SECOND: f64 = 1e3;
pub(crate) const MINUTE: f64 = 60.0 * SECOND;
pub(crate) const HOUR: f64 = 60.0 * MINUTE;
pub(crate) const DAY: f64 = 24.0 * HOUR;

/// Sizes of windows, gaps between sessions and other lengths of time, in milliseconds.
pub(crate) const LENGTHS: Ladder = &[
    100.0,
    200.0,
    500.0,
    SECOND,
    2.0 * SECOND,
    5.0 * SECOND,
    10.0 * SECOND,
    15.0 * SECOND,
    30.0 * SECOND,
    MINUTE,
    2.0 * MINUTE,
    5.0 * MINUTE,
    10.0 * MINUTE,
    15.0 * MINUTE,
    30.0 * MINUTE,
    HOUR,
    2.0 * HOUR,
    3.0 * HOUR,
    4.0 * HOUR,
    6.0 * HOUR,
    12.0 * HOUR,
    DAY,
    2.0 * DAY,
    7.0 * DAY,
];

/// Bounds of disorder, in milliseconds.
pub(crate) const BOUNDS: Ladder = &[
    0.0,
    100.0,
    250.0,
    500.0,
    SECOND,
    2.0 * SECOND,
    3.0 * SECOND,
    5.0 * SECOND,
    8.0 * SECOND,
    10.0 * SECOND,
    15.0 * SECOND,
    20.0 * SECOND,
    30.0 * SECOND,
    MINUTE,
    2.0 * MINUTE,
    5.0 * MINUTE,
    10.0 * MINUTE,
    15.0 * MINUTE,
    30.0 * MINUTE,
    HOUR,
    3.0 * HOUR,
    6.0 * HOUR,
    DAY,
];

/// How long something lasts or is waited for, in milliseconds: from not at all.
pub(crate) const WAITS: Ladder = &[
    0.0,
    SECOND,
    5.0 * SECOND,
    10.0 * SECOND,
    30.0 * SECOND,
    MINUTE,
    2.0 * MINUTE,
    5.0 * MINUTE,
    10.0 * MINUTE,
    15.0 * MINUTE,
    30.0 * MINUTE,
    HOUR,
    2.0 * HOUR,
    3.0 * HOUR,
    4.0 * HOUR,
    6.0 * HOUR,
    12.0 * HOUR,
    DAY,
];

/// Numbers of events.
pub(crate) const EVENTS: Ladder =
    &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 10e3, 20e3, 50e3, 100e3];

/// The step of a ladder nearest to a value. A ladder may end in infinity, for a setting that is left out.
fn nearest(ladder: &[f64], value: f64) -> usize {
    let after = ladder.partition_point(|step| *step < value).min(ladder.len().saturating_sub(1));
    let before = after.saturating_sub(1);
    let distance = |step: usize| ladder.get(step).map_or(f64::INFINITY, |known| (known - value).abs());
    if distance(before) < distance(after) { before } else { after }
}

/// A labelled slider for one setting.
#[component]
pub(crate) fn Slider(
    /// What it sets.
    label: &'static str,
    /// Its meaning in a sentence, shown on hover and read out.
    about: &'static str,
    test_id: &'static str,
    /// The values that it may take, rising.
    #[prop(into)]
    ladder: Signal<Vec<f64>>,
    value: Signal<f64>,
    /// A value to go back to, while it is another.
    mark: Signal<Option<f64>>,
    /// How the value is written.
    words: Signal<String>,
    on_change: Callback<f64>,
    /// What the setting does now.
    children: Children,
) -> impl IntoView {
    let place = move |value: f64| ladder.with(|ladder| nearest(ladder, value));
    let steps = Signal::derive(move || ladder.with(Vec::len));
    let choose = move |step: usize| {
        if let Some(value) = ladder.with_untracked(|ladder| ladder.get(step).copied()) {
            on_change.run(value);
        }
    };
    let marked = move || {
        let mark = mark.get().filter(|mark| *mark != value.get())?;
        Some(format!("{:.4}", part(place(mark), steps.get())))
    };
    let about_id = format!("about-{test_id}");
    view! {
        <div class="control">
            <div class="control-top" title=about>
                <span>{label}</span>
                <output>{words}</output>
            </div>
            <span class="unseen" id=about_id.clone()>{about}</span>
            <div class="range-box">
                <Range
                    label=label
                    test_id=test_id
                    described_by=about_id
                    steps=steps
                    step=Signal::derive(move || place(value.get()))
                    words=words
                    on_step=choose
                />
                <i
                    class="was"
                    aria-hidden="true"
                    hidden=move || marked().is_none()
                    style:--at=move || marked().unwrap_or_default()
                ></i>
            </div>
            <div class="effect">{children()}</div>
        </div>
    }
}

/// Where a step lies between the first, 0, and the last, 1.
fn part(step: usize, steps: usize) -> f64 {
    step as f64 / steps.saturating_sub(1).max(1) as f64
}

/// A slider over the steps from 0 to `steps` − 1. It shows the step that is set, also after one that was refused.
#[component]
pub(crate) fn Range(
    label: &'static str,
    test_id: &'static str,
    /// The element that says what it is for.
    #[prop(optional, into)]
    described_by: Option<String>,
    #[prop(into)] steps: Signal<usize>,
    step: Signal<usize>,
    /// What the present step means.
    words: Signal<String>,
    on_step: impl Fn(usize) + 'static,
) -> impl IntoView {
    let input = NodeRef::<leptos::html::Input>::new();
    // Together and in this order: a browser does not take a value that is beyond the end.
    let show = move |steps: usize, step: usize| {
        if let Some(input) = input.get_untracked() {
            input.set_max(&steps.saturating_sub(1).to_string());
            input.set_value(&step.to_string());
        }
    };
    Effect::new(move |_| {
        input.track();
        show(steps.get(), step.get());
    });
    let turn = move |event| {
        if let Ok(chosen) = event_target_value(&event).parse::<usize>() {
            on_step(chosen);
        }
        show(steps.get_untracked(), step.get_untracked());
    };
    view! {
        <input
            node_ref=input
            type="range"
            class="range"
            data-testid=test_id
            aria-label=label
            aria-describedby=described_by
            aria-valuetext=words
            min="0"
            step="1"
            disabled=move || { steps.get() < 2 }
            style:--filled=move || format!("{:.1}%", 100.0 * part(step.get(), steps.get()))
            on:input=turn
        />
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_between_two_steps_finds_the_nearer() {
        let points = [5.0, 10.0, 30.0, 50.0];
        assert_eq!(nearest(&points, 30.0), 2);
        assert_eq!(nearest(&points, 33.0), 2);
        assert_eq!(nearest(&points, 41.0), 3);
        assert_eq!(nearest(&points, 0.0), 0);
        assert_eq!(nearest(&points, 1e9), 3);
        assert_eq!(nearest(&[], 1.0), 0);
    }

    #[test]
    fn a_setting_that_is_left_out_is_the_end_of_its_ladder() {
        let ladder = [f64::NEG_INFINITY, 1.0, 2.0, f64::INFINITY];
        assert_eq!(nearest(&ladder, f64::INFINITY), 3);
        assert_eq!(nearest(&ladder, 50.0), 2);
        assert_eq!(nearest(&ladder, 1.2), 1);
        assert_eq!(nearest(&ladder, -9.0), 1);
        assert_eq!(nearest(&ladder, f64::NEG_INFINITY), 0);
    }

    #[test]
    fn ladders_rise() {
        for ladder in [LENGTHS, BOUNDS, WAITS, EVENTS] {
            assert!(ladder.is_sorted_by(|a, b| a < b), "{ladder:?}");
        }
    }
}
