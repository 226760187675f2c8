//! How long to wait for events that come out of order, and what that costs.

use super::{Dial, Section, of_spec};
use crate::knob::detector::NONE;
use crate::knob::{self, window};
use crate::state::{Store, use_store};
use crate::text;
use crate::ui::slider::{BOUNDS, WAITS};
use crate::wire::{Disorder, Frame};
use kappascope_core::Millis;
use leptos::prelude::*;

/// The second section.
#[component]
pub(super) fn TimeSection() -> impl IntoView {
    let store = use_store();
    let has_lateness = Memo::new(move |_| store.of_spec(window::has_lateness));
    view! {
        <Section number="2" id="section-time" name="Time" about=of_spec(|spec, _| format!("by {}", spec.schema.time))>
            <Bound/>
            <Show
                when=move || has_lateness.get()
                fallback=|| view! { <p class="effect">"No event is too late for windows without event time."</p> }
            >
                <Lateness/>
            </Show>
            <Idle/>
        </Section>
    }
}

#[component]
fn Bound() -> impl IntoView {
    let store = use_store();
    let late = Memo::new(move |_| store.controls.with(|frame| (frame.late, frame.events)));
    let known = Memo::new(move |_| {
        store.controls.track();
        store.with_picture(longest_delay)
    });
    view! {
        <Dial
            label="Bound"
            about="How far behind the newest event another may come and still count as on time."
            test_id="watermark-bound"
            ladder=|_, _| BOUNDS.to_vec()
            read=|spec, _| Some(spec.watermark.bound.0 as f64)
            write=|ms| text::span(ms as i64)
            set=|spec, _, ms| spec.watermark.bound = Millis(ms as i64)
        >
            {move || match late.get() {
                (0.0, _) => view! { "Loses " <b class="none">"no event"</b> }.into_any(),
                (late, events) => view! {
                    "Loses " <b>{text::several(late, "event")}</b> {format!(" ({})", text::share(late, events))}
                }
                .into_any(),
            }}
            {move || known.get().and_then(|known| enough(store, known))}
        </Dial>
    }
}

/// Of the newest events, how many there are and how long the longest delay was.
fn longest_delay(frame: &Frame, figures: &[f64]) -> Option<(u32, i64)> {
    /// Index of the delay among the numbers of a dot.
    const DELAY: usize = 2;
    let disorder = &frame.disorder;
    let from = disorder.dots as usize;
    let dots = figures.get(from..from + disorder.count as usize * Disorder::DOT)?;
    let longest = dots.chunks_exact(Disorder::DOT).map(|dot| dot[DELAY]).reduce(f64::max)?;
    Some((disorder.count, longest as i64))
}

/// The bound that would lose none of the newest events, where the present one is shorter.
fn enough(store: Store, (events, longest): (u32, i64)) -> Option<String> {
    let bound = store.of_spec(|spec, _| spec.watermark.bound.0);
    (longest > bound).then(|| {
        format!(
            "; {} would lose none of the newest {}",
            text::span_up(longest),
            text::count(f64::from(events))
        )
    })
}

#[component]
fn Lateness() -> impl IntoView {
    let store = use_store();
    let corrections = Memo::new(move |_| store.controls.with(|frame| frame.corrections));
    view! {
        <Dial
            label="Lateness"
            about="How long after its end a window still takes events, and corrects its result."
            test_id="lateness"
            ladder=|_, _| WAITS.to_vec()
            read=|spec, watch| Some(knob::query(spec, watch)?.lateness.0 as f64)
            write=|ms| text::span(ms as i64)
            set=|spec, watch, ms| {
                knob::change_query(spec, watch, |query| query.lateness = Millis(ms as i64));
            }
        >
            {move || match corrections.get() {
                0.0 => "No window was corrected after closing".to_owned(),
                number => format!("{} after closing", text::several(number, "correction")),
            }}
        </Dial>
    }
}

#[component]
fn Idle() -> impl IntoView {
    let store = use_store();
    let partitions = move || store.of_spec(|spec, _| spec.schema.partitions);
    let idle = move || store.of_spec(|spec, _| spec.watermark.idle);
    let words = Memo::new(move |_| match (partitions(), idle()) {
        (0 | 1, _) => "The log has one partition, which waits for no other".to_owned(),
        (_, Some(idle)) => format!("Waits {} for a partition that is silent", text::span(idle.0)),
        (_, None) => "A silent partition holds all windows open".to_owned(),
    });
    view! {
        <Dial
            label="Idle after"
            about="After how long without events a partition no longer holds the watermark back."
            test_id="watermark-idle"
            ladder=|_, _| WAITS.iter().copied().skip(1).chain([NONE]).collect()
            read=|spec, _| Some(spec.watermark.idle.map_or(NONE, |idle| idle.0 as f64))
            write=|ms| if ms == NONE { "never".to_owned() } else { text::span(ms as i64) }
            set=|spec, _, ms| spec.watermark.idle = (ms != NONE).then_some(Millis(ms as i64))
        >
            {words}
        </Dial>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_delay_is_that_of_the_dots() {
        let disorder = Disorder { first_row: 0.0, dots: 1, count: 2 };
        let frame = Frame { disorder, ..Frame::default() };
        let mut figures = vec![9e9];
        figures.extend([0.0, 0.0, 250.0, 0.0, 0.0, 0.0]);
        figures.extend([0.0, 0.0, 40.0, 0.0, 0.0, 0.0]);
        assert_eq!(longest_delay(&frame, &figures), Some((2, 250)));
        assert_eq!(longest_delay(&frame, &figures[..5]), None);
        assert_eq!(longest_delay(&Frame::default(), &figures), None);
    }
}
