//! What is open, how it plays, where it is in time, and what can be taken away.

use crate::state::{SPEEDS, Store, feed, use_store};
use crate::text;
use crate::text::header as words;
use crate::ui::icon::{Glyph, Icon};
use crate::ui::menu::{Item, Menu};
use crate::ui::slider::Range;
use crate::ui::theme::Theme;
use crate::view::dialogs::{Dialog, Open};
use crate::wire::{Export, Source, State, To};
use kappascope_scenario::SCENARIOS;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

/// The bar at the top; where the page is narrow its transport sits at the bottom.
#[component]
pub(crate) fn Header(theme: RwSignal<Theme>) -> impl IntoView {
    let open = expect_context::<Open>();
    let store = use_store();
    view! {
        <header class="header">
            <div class="brand"><Logo/><span>"Kappascope"</span></div>
            <Picker/>
            <Show when=move || !store.is_live() fallback=|| view! { <Connection/> }><Transport/></Show>
            <Clocks/>
            <div class="grow"></div>
            <button
                class="icon-button not-narrow"
                disabled=move || store.is_live()
                data-testid="jump-open"
                aria-label=words::JUMP
                title=format!("{} (/)", words::JUMP)
                on:click=move |_| open.set(Some(Dialog::Jump))
            >
                <Glyph icon=Icon::Search/>
            </button>
            <Share/>
            <Export/>
            <button
                class="icon-button not-narrow"
                data-testid="keys-open"
                aria-label=words::KEYS
                title=format!("{} (?)", words::KEYS)
                on:click=move |_| open.set(Some(Dialog::Keys))
            >
                <b aria-hidden="true">"?"</b>
            </button>
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
    let chosen = move || {
        let opened =
            store.opened.with(|opened| opened.as_ref().map(|opened| text::option_of(&opened.source)));
        opened.or_else(|| store.is_live().then(|| text::LIVE.to_owned()))
    };
    let file = move || {
        store.opened.with(|opened| match opened.as_ref().map(|opened| &opened.source) {
            Some(Source::File { name, .. }) => name.clone(),
            _ => "Your file…".to_owned(),
        })
    };
    let live = move || {
        store.opened.with(|opened| match opened.as_ref().map(|opened| (&opened.source, &opened.spec.name)) {
            Some((Source::Live(_), name)) => format!("Live: {name}"),
            _ => "Live".to_owned(),
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
                prop:value=move || chosen().unwrap_or_else(|| text::FIRST_SOURCE.to_owned())
                on:change=choose
            >
                {feed().map(|_| view! {
                    <optgroup label="From this server">
                        <option value=text::LIVE>{live}</option>
                    </optgroup>
                })}
                <optgroup label="Simulated">
                    {SCENARIOS.map(|known| view! {
                        <option value=format!("scenario:{}", known.name) title=known.summary>{known.title}</option>
                    })}
                </optgroup>
                <optgroup label="Real data">
                    {text::SAMPLES.map(|(name, title)| view! { <option value=name>{title}</option> })}
                    <option value=text::OWN_FILE>{file}</option>
                </optgroup>
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

/// In place of the transport, how it stands with a feed that cannot be steered.
#[component]
fn Connection() -> impl IntoView {
    let store = use_store();
    let listening = Memo::new(move |_| store.frame.with(|frame| frame.listening));
    let ended = Memo::new(move |_| store.frame.with(|frame| frame.state == State::Done));
    let word = Memo::new(move |_| words::connection(listening.get(), ended.get()));
    let lost = Memo::new(move |_| listening.get().map_or(0.0, |listening| listening.lost));
    view! {
        <div class="transport connection" data-testid="connection">
            <i class=move || word.get().1 aria-hidden="true"></i>
            <span>
                <b role="status">{move || word.get().0}</b>
                {move || words::next_attempt(listening.get())}
            </span>
            <Show when=move || { lost.get() > 0.0 }>
                <span class="tag late" data-testid="lost" title=words::LOST>
                    {move || format!("{} lost", text::several(lost.get(), "message"))}
                </span>
            </Show>
        </div>
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
    let done = Signal::derive(move || state.get() == State::Done);
    let words = Signal::derive(move || text::speed(store.speed.get()));
    view! {
        <div class="transport" role="group" aria-label="Transport">
            <Move
                icon=Icon::Reset
                test_id="reset"
                label="Back to the start"
                key="Home"
                on_press=move |_| store.reset()
            />
            <Move
                icon=Icon::StepBack
                test_id="step-back"
                label="Step back by an event, with shift by a window"
                key="←"
                on_press=move |shift| store.go(if shift { To::PreviousWindow } else { To::PreviousEvent })
            />
            <button
                class="icon-button primary"
                data-testid=move || if running() { "pause" } else { "play" }
                aria-label=label
                title=move || format!("{} (space)", label())
                on:click=move |_| store.toggle()
            >
                <Glyph icon=Signal::derive(move || if running() { Icon::Pause } else { Icon::Play })/>
            </button>
            <Move
                icon=Icon::Step
                test_id="step"
                label="Step by an event, with shift by a window"
                key="→"
                disabled=done
                on_press=move |shift| store.go(if shift { To::NextWindow } else { To::NextEvent })
            />
            <Move
                icon=Icon::Late
                test_id="next-late"
                label="To the next late event"
                key="L"
                disabled=done
                on_press=move |_| store.go(To::NextLate)
            />
            <Move
                icon=Icon::Bell
                test_id="next-alert"
                label="To the next alert"
                key="."
                disabled=done
                on_press=move |_| store.go(To::NextAlert)
            />
            <div class="speed">
                <Range
                    label="Speed"
                    test_id="speed"
                    steps=Signal::stored(SPEEDS.len())
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

/// A button that goes to another place of the log.
#[component]
fn Move(
    icon: Icon,
    test_id: &'static str,
    label: &'static str,
    key: &'static str,
    #[prop(optional, into)] disabled: Signal<bool>,
    /// Told whether shift is held.
    on_press: impl Fn(bool) + 'static,
) -> impl IntoView {
    view! {
        <button
            class="icon-button"
            data-testid=test_id
            aria-label=label
            title=format!("{label} ({key})")
            disabled=disabled
            on:click=move |event| on_press(event.shift_key())
        >
            <Glyph icon=icon/>
        </button>
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
        <div class="clock event-time not-narrow" title="The newest event's own time, UTC">
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
                class="button"
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
    let open = expect_context::<Open>();
    view! {
        <button
            class="button"
            data-testid="export"
            title=words::PIPELINE.1
            on:click=move |_| save_pipeline(store)
        >
            "Export"
        </button>
        // What came out and the state are in the server.
        <Show when=move || !store.is_live()>
            <Menu
                label=words::MORE.to_owned()
                icon=Icon::More
                look="icon-button"
                test_id="export-more"
                items=more(store, open)
            />
        </Show>
    }
}

fn save_pipeline(store: Store) {
    if let Some(spec) = store.spec.get_untracked() {
        store.download(&format!("{}.toml", spec.name), "application/toml", &spec.to_toml());
    }
}

/// What else can be taken away; where the page is narrow, also what has no room beside it.
fn more(store: Store, open: Open) -> Vec<Item> {
    let export = |export| Callback::new(move |()| store.export(export));
    let show = |dialog| Callback::new(move |()| open.set(Some(dialog)));
    let scene = move |()| {
        if let Some(fragment) = store.fragment() {
            store.download("kappascope.scene", "text/plain", &fragment);
        }
    };
    vec![
        Item {
            words: words::PIPELINE.0,
            about: words::PIPELINE.1,
            test_id: "export-pipeline",
            only_narrow: true,
            act: Callback::new(move |()| save_pipeline(store)),
        },
        Item {
            words: "All results, JSON lines",
            about: "Everything that came out up to here, as the binary writes it",
            test_id: "export-jsonl",
            only_narrow: false,
            act: export(Export::Jsonl),
        },
        Item {
            words: "Windows, CSV",
            about: "The results of the charted query",
            test_id: "export-csv",
            only_narrow: false,
            act: export(Export::Csv),
        },
        Item {
            words: "Snapshot",
            about: "The engine's state here: `kappascope run --resume` goes on from it",
            test_id: "export-snapshot",
            only_narrow: false,
            act: export(Export::Snapshot),
        },
        Item {
            words: "Scene",
            about: "Source, settings and place as a file; drop it on the page to open it",
            test_id: "export-scene",
            only_narrow: false,
            act: Callback::new(scene),
        },
        Item {
            words: words::JUMP,
            about: words::JUMP,
            test_id: "more-jump",
            only_narrow: true,
            act: show(Dialog::Jump),
        },
        Item {
            words: words::KEYS,
            about: words::KEYS,
            test_id: "more-keys",
            only_narrow: true,
            act: show(Dialog::Keys),
        },
    ]
}
