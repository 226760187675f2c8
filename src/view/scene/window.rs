//! How events are cut into windows, and when a window gives results.

use super::{Dial, Hand, More, Refusal, Section, of_spec};
use crate::knob;
use crate::knob::window::{self, WindowKind};
use crate::state::{Store, use_store};
use crate::text;
use crate::text::scene as words;
use crate::ui::icon::{Glyph, Icon};
use crate::ui::slider::{EVENTS, LENGTHS};
use crate::wire::{Frame, Watch};
use kappascope_core::spec::{Accumulation, Emission};
use kappascope_core::{Millis, Spec};
use leptos::prelude::*;

/// How often windows give early results, unless somebody says otherwise.
const EVERY: Millis = Millis(10_000);

/// The third section.
#[component]
pub(super) fn WindowSection() -> impl IntoView {
    let store = use_store();
    let kind = Memo::new(move |_| kind_now(store));
    let has_query = Memo::new(move |_| store.of_spec(|spec, _| !spec.query.is_empty()));
    let about = of_spec(|spec, watch| match knob::query(spec, watch).map(|query| query.by.join(", ")) {
        None => "none".to_owned(),
        Some(by) if by.is_empty() => "all events".to_owned(),
        Some(by) => format!("by {by}"),
    });
    view! {
        <Section number="3" id="section-window" name="Windows" about=about>
            <Show
                when=move || has_query.get()
                fallback=|| view! { <p class="effect">{words::NO_QUERY}</p> }
            >
                <Query/>
                <Kinds kind=kind/>
                {move || dials(kind.get())}
                <p class="effect" data-testid="window-effect"><Effect/></p>
                <Show when=move || kind.get() != WindowKind::Rolling><More><Results/></More></Show>
            </Show>
        </Section>
    }
}

fn kind_now(store: Store) -> WindowKind {
    let kind = |spec: &Spec, watch| Some(WindowKind::of(knob::windows(spec, watch)));
    store.of_spec(kind).unwrap_or(WindowKind::Tumbling)
}

/// Which query, where there are several.
#[component]
fn Query() -> impl IntoView {
    let store = use_store();
    let names = Memo::new(move |_| {
        store.of_spec(|spec, _| spec.query.iter().map(|query| query.name.clone()).collect::<Vec<_>>())
    });
    let chosen = move || match store.watch.get() {
        Watch::Aggregate { query, .. } => query.to_string(),
        Watch::Points { .. } => "0".to_owned(),
    };
    let choose = move |event| {
        if let Ok(query) = event_target_value(&event).parse() {
            store.draw(Watch::Aggregate { query, aggregate: 0 });
        }
    };
    let options = move || {
        let option = |(i, name): (usize, String)| {
            let selected = move || chosen() == i.to_string();
            view! { <option value=i.to_string() prop:selected=selected>{name}</option> }
        };
        names.get().into_iter().enumerate().map(option).collect_view()
    };
    view! {
        <Show when=move || { names.with(Vec::len) > 1 }>
            <label class="choice" title="The query whose windows are set here and whose series is charted">
                <span>"Query"</span>
                <Picker><select class="field" data-testid="query" on:change=choose>{options}</select></Picker>
            </label>
        </Show>
    }
}

/// The frame of a select.
#[component]
pub(super) fn Picker(children: Children) -> impl IntoView {
    view! { <span class="picker-box">{children()}<Glyph icon=Icon::Down/></span> }
}

#[component]
fn Kinds(kind: Memo<WindowKind>) -> impl IntoView {
    let hand = Hand::get();
    let set = move |kind: WindowKind| {
        let Some(opened) = hand.store.opened.get_untracked() else { return };
        hand.press("window-kind", |spec, watch| window::set_window_kind(spec, watch, kind, &opened.spec));
    };
    let seldom = move || Some(kind.get()).filter(|kind| WindowKind::MORE.contains(kind));
    let choose = move |event| {
        if let Some(kind) = WindowKind::named(&event_target_value(&event)) {
            set(kind);
        }
    };
    view! {
        <div class="control">
            <fieldset class="segments" data-testid="window-kind">
                <legend class="unseen">"Kind of windows"</legend>
                {WindowKind::COMMON.map(|known| view! {
                    <label title=text::window_kind(known).1>
                        <input
                            type="radio"
                            class="unseen"
                            name="window-kind"
                            value=known.name()
                            data-testid=format!("window-kind-{}", known.name())
                            prop:checked=move || kind.get() == known
                            on:change=move |_| set(known)
                        />
                        <span>{text::window_kind(known).0}</span>
                    </label>
                })}
                <select
                    class:on=move || seldom().is_some()
                    aria-label="More kinds of windows"
                    data-testid="window-kind-more"
                    on:change=choose
                >
                    <option value="" hidden prop:selected=move || seldom().is_none()>"More"</option>
                    {WindowKind::MORE.map(|known| view! {
                        <option
                            value=known.name()
                            title=text::window_kind(known).1
                            prop:selected=move || seldom() == Some(known)
                        >
                            {text::window_kind(known).0}
                        </option>
                    })}
                </select>
            </fieldset>
            <p class="effect">{move || text::window_kind(kind.get()).1}</p>
            <Refusal control=Some("window-kind")/>
        </div>
    }
}

fn dials(kind: WindowKind) -> AnyView {
    match kind {
        WindowKind::Tumbling => view! { <Length label="Size" test_id="window-size"/> }.into_any(),
        WindowKind::Hopping => view! {
            <Length label="Size" test_id="window-size"/>
            <Slide label="Slide" about="From the start of one window to the next."/>
        }
        .into_any(),
        WindowKind::Cumulate => view! {
            <Length label="Size" test_id="window-size"/>
            <Slide label="Step" about="From the end of one window to the next, up to the size."/>
        }
        .into_any(),
        WindowKind::Session => view! { <Length label="Gap" test_id="window-gap"/> }.into_any(),
        WindowKind::Rolling => view! { <Length label="Reaches back" test_id="window-size"/> }.into_any(),
        WindowKind::Count => view! { <Events/> }.into_any(),
        WindowKind::Global => ().into_any(),
    }
}

#[component]
fn Length(label: &'static str, test_id: &'static str) -> impl IntoView {
    let about = match test_id {
        "window-gap" => "The longest silence within a session, in event time.",
        _ => "How much event time a window covers.",
    };
    view! {
        <Dial
            label=label
            about=about
            test_id=test_id
            ladder=lengths
            read=|spec, watch| knob::length(knob::windows(spec, watch)).map(|length| length.0 as f64)
            write=|ms| text::span(ms as i64)
            set=|spec, watch, ms| window::set_length(spec, watch, Millis(ms as i64))
        >
            ""
        </Dial>
    }
}

/// Lengths of windows: from a second, but for gaps, which may be shorter.
fn lengths(spec: &Spec, watch: Watch) -> Vec<f64> {
    let least = match WindowKind::of(knob::windows(spec, watch)) {
        WindowKind::Session => LENGTHS[0],
        _ => 1e3,
    };
    LENGTHS.iter().copied().filter(|length| *length >= least).collect()
}

#[component]
fn Slide(label: &'static str, about: &'static str) -> impl IntoView {
    let hops = of_spec(|spec, watch| {
        let size = knob::length(knob::windows(spec, watch));
        let (size, slide) = (size.unwrap_or_default(), window::slide(spec, watch).unwrap_or_default());
        let windows = size.0 / slide.0.max(1);
        format!("Each event is in up to {}", text::several(windows as f64, "window"))
    });
    view! {
        <Dial
            label=label
            about=about
            test_id="window-slide"
            ladder=|spec, watch| {
                let size = knob::length(knob::windows(spec, watch));
                size.map_or_else(Vec::new, |size| window::slides(size).into_iter().map(|ms| ms as f64).collect())
            }
            read=|spec, watch| window::slide(spec, watch).map(|slide| slide.0 as f64)
            write=|ms| text::span(ms as i64)
            set=|spec, watch, ms| window::set_slide(spec, watch, Millis(ms as i64))
        >
            {hops}
        </Dial>
    }
}

#[component]
fn Events() -> impl IntoView {
    view! {
        <Dial
            label="Events"
            about="How many events of a key a window has."
            test_id="window-events"
            ladder=|_, _| EVENTS.to_vec()
            read=|spec, watch| window::events(spec, watch).map(|(events, _)| f64::from(events))
            write=|number| text::several(number, "event")
            set=|spec, watch, number| window::set_events(spec, watch, number as u32)
        >
            ""
        </Dial>
        <Dial
            label="Slide"
            about="Events from the end of one window to the end of the next."
            test_id="window-slide"
            ladder=|spec, watch| {
                let most = window::events(spec, watch).map_or(1.0, |(events, _)| f64::from(events));
                EVENTS.iter().copied().filter(|number| *number < most).chain([most]).collect()
            }
            read=|spec, watch| window::events(spec, watch).map(|(_, slide)| f64::from(slide))
            write=|number| text::several(number, "event")
            set=|spec, watch, number| window::set_event_slide(spec, watch, number as u32)
        >
            ""
        </Dial>
    }
}

/// What the windows do now.
#[component]
fn Effect() -> impl IntoView {
    let store = use_store();
    let queries = move || store.of_spec(|spec, _| spec.query.len());
    let words = Memo::new(move |_| {
        let words = store.controls.with(|frame| effect(kind_now(store), frame));
        // The engine counts the windows of all queries together.
        if queries() > 1 { format!("{words}, of all {} queries", queries()) } else { words }
    });
    view! { {words} }
}

fn effect(kind: WindowKind, frame: &Frame) -> String {
    let (closed, open) = (text::count(frame.windows - frame.corrections), text::count(frame.open_windows));
    match kind {
        WindowKind::Session => format!("{closed} ended, {open} still going on"),
        WindowKind::Count => format!("{closed} full, {open} filling"),
        WindowKind::Rolling => format!("{closed} results, one with each event"),
        WindowKind::Global => format!("{closed} closed, {open} open until the end"),
        _ => format!("{closed} closed, {open} open"),
    }
}

/// When a window gives results, and what a further one says.
#[component]
fn Results() -> impl IntoView {
    let hand = Hand::get();
    let store = hand.store;
    let emit = Memo::new(move |_| {
        store.of_spec(|spec, watch| knob::query(spec, watch).map(|query| query.emit).unwrap_or_default())
    });
    let is_every = Memo::new(move |_| matches!(emit.get(), Emission::Every(_)));
    let set_emit = move |event| {
        let chosen = match event_target_value(&event).as_str() {
            "on_update" => Emission::OnUpdate,
            "every" => Emission::Every(EVERY),
            _ => Emission::OnClose,
        };
        hand.press("window-emit", |spec, watch| knob::change_query(spec, watch, |query| query.emit = chosen));
    };
    view! {
        <label class="choice" title="When a window gives results, beside the one when it closes">
            <span>"Results"</span>
            <Picker>
                <select class="field" data-testid="window-emit" on:change=set_emit>
                    <option value="on_close" prop:selected=move || emit.get() == Emission::OnClose>"When it closes"</option>
                    <option value="on_update" prop:selected=move || emit.get() == Emission::OnUpdate>"With each event too"</option>
                    <option value="every" prop:selected=move || is_every.get()>"At intervals too"</option>
                </select>
            </Picker>
        </label>
        <Refusal control=Some("window-emit")/>
        <Show when=move || is_every.get()><Every/></Show>
        <Accumulate/>
    }
}

#[component]
fn Every() -> impl IntoView {
    view! {
        <Dial
            label="Every"
            about="An early result whenever the watermark passes a multiple of this, if the window changed."
            test_id="window-every"
            ladder=|_, _| LENGTHS.to_vec()
            read=|spec, watch| match knob::query(spec, watch)?.emit {
                Emission::Every(every) => Some(every.0 as f64),
                _ => None,
            }
            write=|ms| text::span(ms as i64)
            set=|spec, watch, ms| {
                knob::change_query(spec, watch, |query| query.emit = Emission::Every(Millis(ms as i64)));
            }
        >
            ""
        </Dial>
    }
}

/// What a further result may say of the events of the earlier ones, with its name in a pipeline file.
const ACCUMULATIONS: [(Accumulation, &str, &str); 3] = [
    (Accumulation::Accumulating, "accumulating", "Replaces the last"),
    (Accumulation::Discarding, "discarding", "Adds to the others"),
    (Accumulation::Retracting, "retracting", "Takes the last back"),
];

#[component]
fn Accumulate() -> impl IntoView {
    let hand = Hand::get();
    let store = hand.store;
    let now = Memo::new(move |_| {
        store.of_spec(|spec, watch| {
            knob::query(spec, watch).map(|query| query.accumulation).unwrap_or_default()
        })
    });
    let set = move |event| {
        let chosen = event_target_value(&event);
        let known = ACCUMULATIONS.into_iter().find(|(_, name, _)| *name == chosen);
        if let Some((known, ..)) = known {
            hand.press("window-accumulation", |spec, watch| {
                knob::change_query(spec, watch, |query| query.accumulation = known);
            });
        }
    };
    view! {
        <label class="choice" title="What a further result of a window says of the events of the earlier ones">
            <span>"The next"</span>
            <Picker>
                <select class="field" data-testid="window-accumulation" on:change=set>
                    {ACCUMULATIONS.map(|(known, name, words)| view! {
                        <option value=name prop:selected=move || now.get() == known>{words}</option>
                    })}
                </select>
            </Picker>
        </label>
        <Refusal control=Some("window-accumulation")/>
    }
}
