//! Where the events come from: what happens there, its seed, how far it is read, and a file instead.

use super::Section;
use super::faults::FaultDials;
use crate::permalink::LARGEST;
use crate::state::use_store;
use crate::text;
use crate::text::scene as words;
use crate::wire::{Opened, Reading, Source};
use kappascope_core::Spec;
use leptos::prelude::*;
use std::sync::Arc;
use wasm_bindgen::prelude::*;
use web_sys::HtmlInputElement;

/// How many partitions the log has, in words.
pub(crate) fn partitions(spec: &Spec) -> String {
    text::several(f64::from(spec.schema.partitions), "partition")
}

/// The first section.
#[component]
pub(super) fn SourceSection() -> impl IntoView {
    let store = use_store();
    let about = move || {
        store.opened.with(|opened| match opened.as_ref().map(|opened| &opened.source) {
            Some(Source::Scenario { .. }) => "simulated",
            Some(Source::Sample(_)) => "real data",
            Some(Source::File { .. }) => "your file",
            Some(Source::Live(_)) => "live",
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
        <Section number="1" id="section-source" name="Source" about=Signal::derive(move || about().to_owned())>
            <Story/>
            <Show when=move || seed.get().is_some()><Seed seed=seed/></Show>
            <Show when=move || !store.is_live() fallback=|| view! { <p class="effect">{words::LIVE}</p> }>
                <FaultDials/>
                <Progress/>
            </Show>
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

/// What happens in a simulated world, and on demand what really happens in it.
#[component]
fn Story() -> impl IntoView {
    let store = use_store();
    let scenario = Memo::new(move |_| {
        store.opened.with(|opened| text::scenario_of(&opened.as_ref()?.source).map(|known| known.name))
    });
    let story = move || {
        let known = scenario.get().and_then(text::scenario)?;
        Some(view! {
            <p class="effect">{known.summary}</p>
            <details class="more" data-testid="story">
                <summary>"What really happens in it"</summary>
                <p>{known.story}</p>
            </details>
        })
    };
    view! { {story} }
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
