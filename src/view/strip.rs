//! The pipeline as a living diagram: its stages with what they hold, and between them what flows.
//!
//! ```text
//!   source ─36k/s─► log ─0 waiting─► watermark ─312 late─► windows ─92─► aggregates ─95─► detector ─3─► alerts
//! ```
//!
//! Each stage is a button that leads to where it is set, or to what it gave.

use crate::state::{Store, use_store};
use crate::text;
use crate::view::scene::{partitions, show_section};
use crate::wire::{Frame, State, Watch};
use leptos::prelude::*;

/// How many rows may wait for the engine before that is worth a look: what it reads in some milliseconds.
const MANY_WAITING: f64 = 100_000.0;

/// The stages in a row.
#[component]
pub(crate) fn Strip() -> impl IntoView {
    let store = use_store();
    let figure =
        move |write: fn(&Frame) -> String| Signal::derive(move || store.frame.with(|frame| write(frame)));
    let firing =
        Memo::new(move |_| store.frame.with(|frame| frame.firing.iter().filter(|f| f.end.is_none()).count()));
    let late = Memo::new(move |_| store.frame.with(|frame| frame.late > 0.0));
    let waiting = Memo::new(move |_| store.frame.with(|frame| frame.waiting > MANY_WAITING));
    let alerts = move || match firing.get() {
        0 => store.frame.with(|frame| format!("{} fired", text::short(frame.alerts))),
        now => format!("{now} firing"),
    };
    view! {
        <nav class="strip-box" aria-label="Pipeline">
            <ol class="strip" data-testid="strip">
                <Stage
                    name="Source"
                    about="Where the events come from"
                    goes=Goes::Section("section-source")
                    value=source(store)
                >
                    <Edge
                        about="Events a second"
                        value=figure(|frame| format!("{}/s", text::short(frame.events_per_second)))
                    />
                </Stage>
                <Stage
                    name="Log"
                    about="Events in the order in which they came"
                    goes=Goes::Card("[data-testid=disorder]")
                    value=figure(|frame| text::count(frame.events))
                >
                    <Edge
                        about="Events that the engine has yet to read"
                        late=waiting
                        value=figure(|frame| format!("lag {}", text::short(frame.waiting)))
                    />
                </Stage>
                <Stage
                    name="Watermark"
                    class="watermark"
                    about="No event before this time is expected any more"
                    goes=Goes::Section("section-time")
                    value=figure(watermark)
                >
                    <Edge
                        about="Events dropped as late"
                        late=late
                        value=figure(|frame| format!("{} late", text::short(frame.late)))
                    />
                </Stage>
                <Stage
                    name="Windows"
                    about="Windows that have not closed"
                    goes=Goes::Section("section-window")
                    value=figure(|frame| format!("{} open", text::short(frame.open_windows)))
                >
                    <Edge
                        about="Windows that have closed"
                        value=figure(|frame| text::short(frame.windows - frame.corrections))
                    />
                </Stage>
                <Stage
                    name="Aggregates"
                    about="What is computed for each window and key"
                    goes=Goes::Card("[role=tablist]")
                    value=aggregates(store)
                >
                    <Edge
                        about="Results of windows, corrections among them"
                        value=figure(|frame| text::short(frame.windows))
                    />
                </Stage>
                <Stage
                    name="Detector"
                    about="Series that are charted and judged, one a key"
                    goes=Goes::Section("section-detector")
                    value=detector(store)
                >
                    <Edge about="Anomalies" fire=true value=figure(|frame| text::short(frame.anomalies))/>
                </Stage>
                <Stage
                    name="Alerts"
                    about="Alerts that fire now, or did"
                    firing=Signal::derive(move || firing.get() != 0)
                    goes=Goes::Card("[data-testid=alerts]")
                    value=Signal::derive(alerts)
                />
            </ol>
        </nav>
    }
}

/// How far the source is read, or what it is where that is not known.
fn source(store: Store) -> Signal<String> {
    Signal::derive(move || {
        let (state, progress) = store.frame.with(|frame| (frame.state, frame.progress));
        match (state, progress) {
            (State::Failed, _) => "failed".to_owned(),
            (_, Some(part)) if part >= 1.0 => "all read".to_owned(),
            (_, Some(part)) => format!("{:.0}\u{a0}% read", 100.0 * part),
            (_, None) => store.opened.with(|opened| {
                opened.as_ref().map_or_else(|| "opening".to_owned(), |opened| partitions(&opened.spec))
            }),
        }
    })
}

fn aggregates(store: Store) -> Signal<String> {
    Signal::derive(move || {
        store.of_spec(|spec, watch| match watch {
            Watch::Aggregate { query, .. } => {
                let query = spec.query.get(query as usize);
                text::several(query.map_or(0, |query| query.aggregates.len()) as f64, "value")
            }
            Watch::Points { .. } => "by event".to_owned(),
        })
    })
}

/// How many series the detector judges, if there is one.
fn detector(store: Store) -> Signal<String> {
    let has = Memo::new(move |_| store.of_spec(|spec, watch| watch.detector(spec).is_some()));
    Signal::derive(move || match has.get() {
        true => store.frame.with(|frame| format!("{} series", text::short(f64::from(frame.keys)))),
        false => "none".to_owned(),
    })
}

fn watermark(frame: &Frame) -> String {
    match frame.watermark {
        Some(time) => text::moment(time, 1_000),
        None if frame.state == State::Done => "the end".to_owned(),
        None => "not yet".to_owned(),
    }
}

/// Where a stage leads.
#[derive(Clone, Copy)]
enum Goes {
    /// To the section of the scene with this id.
    Section(&'static str),
    /// To what this selects.
    Card(&'static str),
}

impl Goes {
    fn go(self, store: Store) {
        match self {
            Self::Section(id) => show_section(store, id),
            Self::Card(selector) => {
                store.sheet.set(false);
                let card = document().query_selector(selector).ok().flatten();
                if let Some(card) = card {
                    // The card as a whole, with its heading.
                    let whole = card.closest("section").ok().flatten();
                    whole.unwrap_or(card).scroll_into_view();
                }
            }
        }
    }
}

#[component]
fn Stage(
    name: &'static str,
    #[prop(optional)] class: &'static str,
    about: &'static str,
    goes: Goes,
    value: Signal<String>,
    #[prop(optional, into)] firing: Signal<bool>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let store = use_store();
    view! {
        <li>
            <button class="stage" class:firing=firing title=about on:click=move |_| goes.go(store)>
                <b>{name}</b>
                <span class=class>{value}</span>
            </button>
            {children.map(|children| children())}
        </li>
    }
}

#[component]
fn Edge(
    about: &'static str,
    value: Signal<String>,
    /// Whether what flows is worth a look.
    #[prop(optional, into)]
    late: Signal<bool>,
    #[prop(optional)] fire: bool,
) -> impl IntoView {
    let some = move || fire && value.with(|value| value != "0");
    view! {
        <div class="edge" title=about>
            <span class="unseen">{about} ": "</span>
            <span class="flow" class:late=late class:fire=some>{value}</span>
        </div>
    }
}
