//! The controls, in the order in which data flows: source, time, windows, detector, alert.

use crate::knob;
use crate::permalink::LARGEST;
use crate::state::use_store;
use crate::text;
use crate::ui::slider::{BOUNDS, LATENESS, POINTS, SIZES, Slider, THRESHOLDS};
use crate::wire::{Opened, Reading, Source, Watch};
use kappascope_core::{Millis, Spec};
use leptos::prelude::*;
use std::sync::Arc;
use wasm_bindgen::prelude::*;
use web_sys::HtmlInputElement;

/// The column of controls; a sheet where the page is narrow.
#[component]
pub(crate) fn Scene() -> impl IntoView {
    let store = use_store();
    view! {
        <aside
            class="scene"
            id="scene"
            class:open=store.sheet
            aria-label="Scene"
            // A slider that is let go says so.
            on:change=move |_| store.let_go()
        >
            <SourceSection/>
            <TimeSection/>
            <WindowSection/>
            <DetectorSection/>
            <AlertSection/>
        </aside>
    }
}

/// How many partitions the log has, in words.
pub(crate) fn partitions(spec: &Spec) -> String {
    text::several(f64::from(spec.schema.partitions), "partition")
}

/// A numbered section with what it says of itself.
#[component]
fn Section(
    number: &'static str,
    name: &'static str,
    #[prop(into)] about: Signal<String>,
    children: Children,
) -> impl IntoView {
    view! {
        <details class="section" open>
            <summary><i aria-hidden="true">{number}</i>{name}<em>{about}</em></summary>
            <div class="section-body">{children()}</div>
        </details>
    }
}

/// What the pipeline that is open says; nothing before one is.
fn of_spec(write: fn(&Spec, Watch) -> String) -> Signal<String> {
    let store = use_store();
    Signal::derive(move || store.of_spec(write))
}

#[component]
fn SourceSection() -> impl IntoView {
    let store = use_store();
    let about = move || {
        store.opened.with(|opened| match opened.as_ref().map(|opened| &opened.source) {
            Some(Source::Scenario { .. }) => "simulated",
            Some(Source::Sample(_)) => "real data",
            Some(Source::File { .. }) => "your file",
            None => "opening",
        })
    };
    let seed = Memo::new(move |_| {
        store.opened.with(|opened| match opened.as_ref().map(|opened| &opened.source) {
            Some(Source::Scenario { seed, .. }) => Some(*seed),
            _ => None,
        })
    });
    view! {
        <Section number="1" name="Source" about=Signal::derive(move || about().to_owned())>
            <Show when=move || seed.get().is_some()><Seed seed=seed/></Show>
            <Progress/>
            <Show when=move || store.data.found.with(Option::is_some)>
                <button
                    class="button"
                    data-testid="data-open"
                    aria-expanded=move || store.data.panel.get().to_string()
                    on:click=move |_| store.show_data()
                >
                    "Your data…"
                </button>
            </Show>
            <Upload/>
        </Section>
    }
}

#[component]
fn Seed(seed: Memo<Option<u64>>) -> impl IntoView {
    let store = use_store();
    let set = move |event| {
        if let Ok(seed) = event_target_value(&event).trim().parse::<u64>() {
            store.reseed(seed);
        }
    };
    let renew = move |_| match getrandom::u32() {
        Ok(seed) => store.reseed(u64::from(seed)),
        Err(error) => store.problem.set(Some(format!("The browser gives no random number: {error}."))),
    };
    view! {
        <div class="seed-row">
            <label for="seed" title="The same seed gives the same events, here and on the command line">"Seed"</label>
            <input
                id="seed"
                class="field"
                data-testid="seed"
                type="number"
                min="0"
                max=LARGEST - 1
                prop:value=move || seed.get().map_or_else(String::new, |seed| seed.to_string())
                on:change=set
            />
            <button class="button" on:click=renew>"New seed"</button>
        </div>
    }
}

#[component]
fn Progress() -> impl IntoView {
    let store = use_store();
    let looking = store.data.looking;
    let progress = Memo::new(move |_| store.controls.with(|frame| frame.progress));
    let reading = Memo::new(move |_| store.controls.with(|frame| frame.reading));
    let opening = move || looking.with(|looking| looking.as_ref().filter(|looking| !looking.whole).cloned());
    let words = move || match opening() {
        Some(looking) => format!("Looking at {}", looking.name),
        None => progress_words(progress.get(), reading.get()),
    };
    let part = move || opening().map(|looking| looking.part).or(progress.get()).unwrap_or(0.0);
    let going = move || reading.get().is_some_and(|reading| reading != Reading::Stopped);
    view! {
        <div class="progress">
            <progress max="1" aria-label="Read of the source" prop:value=part></progress>
            <div class="progress-line">
                <span data-testid="progress">{words}</span>
                <Show when=going>
                    <button
                        class="link"
                        data-testid="cancel"
                        title="Reads no further; what was read stays"
                        on:click=move |_| store.stop_reading()
                    >
                        "Cancel"
                    </button>
                </Show>
            </div>
            <Held/>
        </div>
    }
}

fn progress_words(progress: Option<f64>, reading: Option<Reading>) -> String {
    let read = match progress {
        Some(part) if part >= 1.0 => return "Read to the end".to_owned(),
        Some(part) => format!("{} read", text::share(part, 1.0)),
        None => "Reading".to_owned(),
    };
    match reading {
        Some(Reading::Stopped) => format!("{read}, then stopped. Play reads on."),
        Some(Reading::Waiting) => format!("{read}; the rest waits for the engine"),
        Some(Reading::Going) | None => read,
    }
}

/// Says when memory no longer holds all events.
#[component]
fn Held() -> impl IntoView {
    let store = use_store();
    let from = Memo::new(move |_| store.controls.with(|frame| frame.held_from));
    let again = move || {
        let simulated = |opened: &Arc<Opened>| matches!(opened.source, Source::Scenario { .. });
        let simulated = store.opened.with(|opened| opened.as_ref().is_some_and(simulated));
        if simulated { "makes them again" } else { "reads the file again" }
    };
    view! {
        <Show when=move || { from.get() > 0.0 }>
            <p data-testid="held">
                {move || format!(
                    "The first {} are no longer held in memory; a change of settings {}.",
                    text::several(from.get(), "event"),
                    again(),
                )}
            </p>
        </Show>
    }
}

#[component]
fn Upload() -> impl IntoView {
    let store = use_store();
    let take = move |event: web_sys::Event| {
        let input: Option<HtmlInputElement> = event.target().and_then(|target| target.dyn_into().ok());
        let Some(input) = input else { return };
        if let Some(files) = input.files() {
            store.open_files(&files);
        }
        // Choosing the same file again is a choice too.
        input.set_value("");
    };
    view! {
        <label class="drop">
            <b>"Drop a file"</b>
            {format!(" or choose one: {}. It stays in this browser.", text::FORMS)}
            <input class="unseen" type="file" data-testid="upload" aria-label="Choose a file" on:change=take/>
        </label>
    }
}

#[component]
fn TimeSection() -> impl IntoView {
    let store = use_store();
    let late = Memo::new(move |_| store.controls.with(|frame| (frame.late, frame.events)));
    let corrections = Memo::new(move |_| store.controls.with(|frame| frame.corrections));
    view! {
        <Section number="2" name="Time" about=of_spec(|spec, _| format!("by {}", spec.schema.time))>
            <Slider
                label="Bound"
                about="How far behind the newest event another may come and still count as on time."
                test_id="watermark-bound"
                ladder=BOUNDS
                value=Signal::derive(move || store.of_spec(|spec, _| spec.watermark.bound.0) as f64)
                write=|ms| text::span(ms as i64)
                on_change=move |ms| store.tune(|spec, _| spec.watermark.bound = Millis(ms as i64))
            >
                {move || match late.get() {
                    (0.0, _) => view! { <b class="none">"No event"</b> " came too late" }.into_any(),
                    (late, events) => view! {
                        <b>{text::several(late, "event")}</b>
                        {format!(" came too late ({})", text::share(late, events))}
                    }
                    .into_any(),
                }}
            </Slider>
            <Slider
                label="Lateness"
                about="How long after its end a window still takes events, and corrects its result."
                test_id="lateness"
                ladder=LATENESS
                value=Signal::derive(move || store.of_spec(|spec, watch| knob::query(spec, watch).lateness.0) as f64)
                write=|ms| text::span(ms as i64)
                on_change=move |ms| store.tune(|spec, watch| knob::query_mut(spec, watch).lateness = Millis(ms as i64))
            >
                {move || match corrections.get() {
                    0.0 => "No window was corrected after closing".to_owned(),
                    number => format!("{} after closing", text::several(number, "correction")),
                }}
            </Slider>
        </Section>
    }
}

#[component]
fn WindowSection() -> impl IntoView {
    let store = use_store();
    let counts = Memo::new(move |_| {
        store.controls.with(|frame| (frame.windows, frame.corrections, frame.open_windows))
    });
    let about = of_spec(|spec, watch| match knob::query(spec, watch).by.join(", ") {
        by if by.is_empty() => "all events".to_owned(),
        by => format!("by {by}"),
    });
    view! {
        <Section number="3" name="Windows" about=about>
            <Slider
                label="Size"
                about="Windows of this length of event time, which neither overlap nor leave gaps."
                test_id="window-size"
                ladder=SIZES
                value=Signal::derive(move || store.window_ms() as f64)
                write=|ms| text::span(ms as i64)
                on_change=move |ms| store.tune(|spec, watch| {
                    if let Some(length) = knob::length_mut(&mut knob::query_mut(spec, watch).window) {
                        *length = Millis(ms as i64);
                    }
                })
            >
                {move || {
                    let (windows, corrections, open) = counts.get();
                    format!("{} closed, {} open", text::count(windows - corrections), text::count(open))
                }}
            </Slider>
        </Section>
    }
}

#[component]
fn DetectorSection() -> impl IntoView {
    let store = use_store();
    let keys = Memo::new(move |_| store.controls.with(|frame| frame.keys));
    let anomalies = Memo::new(move |_| store.controls.with(|frame| frame.anomalies));
    let about = of_spec(|spec, watch| match knob::detector(spec, watch) {
        Some(detector) => format!("{} of {}", detector.kind.title(), detector.on),
        None => "none".to_owned(),
    });
    view! {
        <Section number="4" name="Detector" about=about>
            <Slider
                label="Window"
                about="With how many past results of the same key a new one is compared."
                test_id="detector-window"
                ladder=POINTS
                value=Signal::derive(move || f64::from(store.of_spec(|spec, watch| knob::detector(spec, watch)?.kind.window()).unwrap_or(0)))
                write=|points| text::several(points, "point")
                on_change=move |points| store.tune(|spec, watch| {
                    if let Some(detector) = knob::detector_mut(spec, watch) {
                        detector.kind.set_window(points as u32);
                    }
                })
            >
                {move || format!("Compares each of {} series with its own past", keys.get())}
            </Slider>
            <Slider
                label="Threshold"
                about="From how many deviations on a result is called an anomaly."
                test_id="threshold"
                ladder=THRESHOLDS
                value=Signal::derive(move || store.of_spec(|spec, watch| knob::detector(spec, watch)?.kind.threshold()).unwrap_or(0.0))
                write=|deviations| format!("{} σ", text::fixed(deviations, 2).trim_end_matches('0').trim_end_matches('.'))
                on_change=move |deviations| store.tune(|spec, watch| {
                    let kind = knob::detector_mut(spec, watch).map(|detector| &mut detector.kind);
                    if let Some(threshold) = kind.and_then(|kind| kind.threshold_mut()) {
                        *threshold = deviations;
                    }
                })
            >
                {move || match anomalies.get() {
                    0.0 => "No result lies outside its band".to_owned(),
                    1.0 => "1 result lies outside its band".to_owned(),
                    number => format!("{} results lie outside their band", text::count(number)),
                }}
            </Slider>
        </Section>
    }
}

#[component]
fn AlertSection() -> impl IntoView {
    let store = use_store();
    let alerts = Memo::new(move |_| store.controls.with(|frame| frame.alerts));
    let rule = move || {
        store.of_spec(|spec, _| {
            let rule = knob::alert(spec)?;
            Some((rule.name.clone(), text::rule(rule.hold, rule.keep_firing_for)))
        })
    };
    let about = Signal::derive(move || format!("{} fired", text::count(alerts.get())));
    view! {
        <Section number="5" name="Alert" about=about>
            <p class="rule">
                {move || match rule() {
                    Some((name, words)) => view! { <b>{name}</b> " " {words} }.into_any(),
                    None => "This pipeline has no alert rule.".into_any(),
                }}
            </p>
        </Section>
    }
}
