//! A slider over a ladder of sensible values, with its value and what it does now.
//!
//! **Invariant:** the slider's own number is a step of its ladder, from 0; what it means is in
//! `aria-valuetext`. A value between two steps is shown as it is, at the nearest step.

use leptos::prelude::*;

/// Values that a setting may take, in rising order.
pub(crate) type Ladder = &'static [f64];

const SECOND: f64 = 1e3;
const MINUTE: f64 = 60.0 * SECOND;
const HOUR: f64 = 60.0 * MINUTE;

/// Sizes of windows, in milliseconds.
pub(crate) const SIZES: Ladder = &[
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
    6.0 * HOUR,
    12.0 * HOUR,
    24.0 * HOUR,
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
    24.0 * HOUR,
];

/// Lateness, in milliseconds.
pub(crate) const LATENESS: Ladder = &[
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
    6.0 * HOUR,
];

/// How many points a detector looks back on.
pub(crate) const POINTS: Ladder = &[
    5.0, 8.0, 10.0, 12.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 80.0, 100.0, 150.0, 200.0, 300.0, 500.0,
];

/// Thresholds, in deviations.
pub(crate) const THRESHOLDS: Ladder = &[
    1.0, 1.5, 2.0, 2.25, 2.5, 2.75, 3.0, 3.25, 3.5, 3.75, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0, 8.0, 10.0, 12.0,
    15.0, 20.0,
];

/// The step of a ladder nearest to a value.
fn nearest(ladder: Ladder, value: f64) -> usize {
    let after = ladder.partition_point(|step| *step < value).min(ladder.len() - 1);
    let before = after.saturating_sub(1);
    if (ladder[before] - value).abs() < (ladder[after] - value).abs() { before } else { after }
}

/// A labelled slider for one setting.
#[component]
pub(crate) fn Slider(
    /// What it sets.
    label: &'static str,
    /// Its meaning in a sentence, shown on hover and read out.
    about: &'static str,
    test_id: &'static str,
    ladder: Ladder,
    #[prop(into)] value: Signal<f64>,
    /// How a value is written.
    write: fn(f64) -> String,
    on_change: impl Fn(f64) + 'static,
    /// What the setting does now.
    children: Children,
) -> impl IntoView {
    let step = move || nearest(ladder, value.get());
    view! {
        <div class="control">
            <label class="control-top" title=about>
                <span>{label}</span>
                <output>{move || write(value.get())}</output>
            </label>
            <Range
                label=label
                test_id=test_id
                steps=ladder.len()
                step=Signal::derive(step)
                words=Signal::derive(move || write(value.get()))
                on_step=move |step| on_change(ladder[step])
            />
            <div class="effect">{children()}</div>
        </div>
    }
}

/// A slider over the steps from 0 to `steps` − 1.
#[component]
pub(crate) fn Range(
    label: &'static str,
    test_id: &'static str,
    steps: usize,
    step: Signal<usize>,
    /// What the present step means.
    words: Signal<String>,
    on_step: impl Fn(usize) + 'static,
) -> impl IntoView {
    let filled = move || format!("{:.1}%", 100.0 * step.get() as f64 / (steps - 1) as f64);
    view! {
        <input
            type="range"
            class="range"
            data-testid=test_id
            aria-label=label
            aria-valuetext=words
            min="0"
            max=steps - 1
            step="1"
            prop:value=move || step.get().to_string()
            style:--filled=filled
            on:input=move |event| on_step(event_target_value(&event).parse::<usize>().map_or(0, |step| step.min(steps - 1)))
        />
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_between_two_steps_finds_the_nearer() {
        assert_eq!(nearest(POINTS, 30.0), 7);
        assert_eq!(nearest(POINTS, 33.0), 7);
        assert_eq!(nearest(POINTS, 38.0), 8);
        assert_eq!(nearest(POINTS, 0.0), 0);
        assert_eq!(nearest(POINTS, 1e9), POINTS.len() - 1);
    }

    #[test]
    fn ladders_rise() {
        for ladder in [SIZES, BOUNDS, LATENESS, POINTS, THRESHOLDS] {
            assert!(ladder.is_sorted_by(|a, b| a < b), "{ladder:?}");
        }
    }
}
