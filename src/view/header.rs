//! What is open, how it plays, where it is in time, and what can be taken away.

use crate::state::{SPEEDS, Store, use_store};
use crate::text;
use crate::ui::icon::{Glyph, Icon};
use crate::ui::slider::Range;
use crate::ui::theme::Theme;
use crate::wire::{Source, State, To};
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

/// The bar at the top; where the page is narrow its transport sits at the bottom.
#[component]
pub(crate) fn Header(theme: RwSignal<Theme>) -> impl IntoView {
    view! {
        <header class="header">
            <div class="brand"><Logo/><span>"Kappascope"</span></div>
            <Picker/>
            <Transport/>
            <Clocks/>
            <div class="grow"></div>
            <Share/>
            <Export/>
            <button
                class="icon-button"
                data-testid="theme"
                title="Light, dark, or as the system"
                aria-label=move || format!("Theme: {}", theme.get().name())
                on:click=move |_| theme.update(|theme| *theme = theme.next())
            >
                <Glyph icon=Icon::Theme/>
            </button>
        </header>
    }
}

#[component]
fn Logo() -> impl IntoView {
    view! {
        <svg viewBox="0 0 20 20" aria-hidden="true">
            <path
                d="M3 2v16M4 11.5 15.5 2M8 8.6c4 .6 5.6 3.3 8.6 9.4"
                fill="none"
                stroke="currentColor"
                stroke-width="2.2"
                stroke-linecap="round"
            ></path>
        </svg>
    }
}

#[component]
fn Picker() -> impl IntoView {
    let store = use_store();
    let chosen =
        move || store.opened.with(|opened| opened.as_ref().map(|opened| text::option_of(&opened.source)));
    let file = move || {
        store.opened.with(|opened| match opened.as_ref().map(|opened| &opened.source) {
            Some(Source::File { name, .. }) => name.clone(),
            _ => "Your file…".to_owned(),
        })
    };
    let choose = move |event| match event_target_value(&event).as_str() {
        text::OWN_FILE => {
            choose_file();
            // Until a file is there the picker says what is open.
            store.opened.notify();
        }
        name => store.open_named(name),
    };
    view! {
        <div class="picker-box">
            <select
                class="field picker"
                data-testid="source"
                aria-label="Source of events"
                prop:value=move || chosen().unwrap_or_else(|| text::SOURCES[0].0.to_owned())
                on:change=choose
            >
                {text::SOURCES.map(|(name, title, _)| view! { <option value=name>{title}</option> })}
                <option value=text::OWN_FILE>{file}</option>
            </select>
            <Glyph icon=Icon::Down/>
        </div>
    }
}

/// Opens the browser's dialog for files.
pub(crate) fn choose_file() {
    let input = document().query_selector("[data-testid=upload]").ok().flatten();
    if let Some(input) = input.and_then(|input| input.dyn_into::<HtmlElement>().ok()) {
        input.click();
    }
}

#[component]
fn Transport() -> impl IntoView {
    let store = use_store();
    let state = Memo::new(move |_| store.frame.with(|frame| frame.state));
    let running = move || state.get() == State::Running;
    let label = move || match state.get() {
        State::Running => "Pause",
        State::Done | State::Failed => "Play again",
        _ => "Play",
    };
    let words = Signal::derive(move || text::speed(store.speed.get()));
    view! {
        <div class="transport" role="group" aria-label="Transport">
            <button
                class="icon-button"
                data-testid="reset"
                aria-label="Back to start"
                title="Back to start (Home)"
                on:click=move |_| store.reset()
            >
                <Glyph icon=Icon::Reset/>
            </button>
            <button
                class="icon-button primary"
                data-testid=move || if running() { "pause" } else { "play" }
                aria-label=label
                title=move || format!("{} (space)", label())
                on:click=move |_| store.toggle()
            >
                <Glyph icon=Signal::derive(move || if running() { Icon::Pause } else { Icon::Play })/>
            </button>
            <button
                class="icon-button"
                data-testid="step"
                aria-label="Step"
                title="Step by an event (→), with shift to the next window"
                disabled=move || state.get() == State::Done
                on:click=move |event| store.go(if event.shift_key() { To::NextWindow } else { To::NextEvent })
            >
                <Glyph icon=Icon::Step/>
            </button>
            <div class="speed">
                <Range
                    label="Speed"
                    test_id="speed"
                    steps=SPEEDS.len()
                    step=Signal::derive(move || store.speed_step())
                    words=words
                    on_step=move |step| store.set_speed(step)
                />
                <output title="Time of the source that passes in a second">{words}</output>
            </div>
            <button
                class="button only-narrow"
                aria-expanded=move || store.sheet.get().to_string()
                aria-controls="scene"
                on:click=move |_| toggle_sheet(store)
            >
                "Scene"
            </button>
        </div>
    }
}

/// Opens or closes the scene where it is a sheet; the chart stays in sight above it.
fn toggle_sheet(store: Store) {
    store.sheet.update(|open| *open = !*open);
    let chart = document().query_selector("section.card").ok().flatten();
    if let Some(chart) = chart.filter(|_| store.sheet.get_untracked()) {
        chart.scroll_into_view();
    }
}

#[component]
fn Clocks() -> impl IntoView {
    let store = use_store();
    let clock = |time: Option<f64>| time.map_or_else(|| "--:--:--.---".to_owned(), text::clock);
    let day = |time: Option<f64>| time.map(|time| format!(", {}", text::day(time as i64)));
    view! {
        <div class="clock not-narrow" title="The newest event's own time, UTC">
            <span>"Event time" {move || store.frame.with(|frame| day(frame.newest_time))}</span>
            <b>{move || store.frame.with(|frame| clock(frame.newest_time))}</b>
        </div>
        <div class="clock not-narrow" title="No event before this time is expected any more">
            <span>"Watermark"</span>
            <b class="watermark">
                {move || store.frame.with(|frame| match frame.watermark {
                    None if frame.state == State::Done => "end of time".to_owned(),
                    time => clock(time),
                })}
            </b>
        </div>
    }
}

/// How long a button says that it did its work.
const SAID_MS: u64 = 1_600;

#[component]
fn Share() -> impl IntoView {
    let store = use_store();
    let copied = RwSignal::new(false);
    let share = move |_| {
        if share_scene(store).is_some() {
            copied.set(true);
            set_timeout(move || copied.set(false), std::time::Duration::from_millis(SAID_MS));
        }
    };
    view! {
        <Show when=move || store.can_share()>
            <button
                class="button not-narrow"
                data-testid="permalink"
                title="Copies an address that opens this source, seed and settings"
                on:click=share
            >
                {move || if copied.get() { "Copied" } else { "Share" }}
            </button>
        </Show>
    }
}

/// Puts the scene into the page's address, and the address on the clipboard where the browser allows it.
fn share_scene(store: Store) -> Option<()> {
    let fragment = store.fragment()?;
    let window = window();
    window.history().ok()?.replace_state_with_url(&JsValue::NULL, "", Some(&fragment)).ok()?;
    if window.is_secure_context() {
        let address = window.location().href().ok()?;
        leptos::task::spawn_local(async move {
            let written = window.navigator().clipboard().write_text(&address);
            // Refused: the address bar has it all the same.
            let _ = wasm_bindgen_futures::JsFuture::from(written).await;
        });
    }
    Some(())
}

#[component]
fn Export() -> impl IntoView {
    let store = use_store();
    let export = move |_| {
        let Some(spec) = store.spec.get_untracked() else { return };
        store.download(&format!("{}.toml", spec.name), "application/toml", &spec.to_toml());
    };
    view! {
        <button
            class="button not-narrow"
            data-testid="export"
            title="Downloads the pipeline with these settings as a file for the command line"
            on:click=export
        >
            "Export"
        </button>
    }
}
