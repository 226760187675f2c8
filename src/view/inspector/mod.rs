//! What is looked into, with the way there; the newest alert while nothing is; and all alerts.
//!
//! ```text
//!   nothing asked      newest alert           asked      ‹ Traffic spike / 11:52 – 11:53 / Event 812   ×
//!                      all alerts                        answer
//!                                                        all alerts
//! ```
//!
//! Where the page is narrow, what was asked is a sheet over it.

mod alert;
mod alerts;
mod event;
mod newest;
mod point;
mod strip;
mod window;

use crate::inquiry::Step;
use crate::state::{Store, use_store};
use crate::text;
use crate::text::inspect;
use crate::ui::icon::{Glyph, Icon};
use crate::wire::{Answer, Question};
use leptos::html::Section;
use leptos::prelude::*;
use std::sync::Arc;
use wasm_bindgen::prelude::*;
use web_sys::{HtmlElement, MouseEvent};

/// The heading that takes the focus when an answer comes by keyboard.
const HEADING: &str = "explain-heading";

/// Steps of the way that are named.
const CRUMBS: usize = 3;

/// What the inspector shows.
#[derive(Clone, PartialEq)]
enum Pane {
    Newest,
    Answer(Arc<Answer>),
    Loading,
    Refused(Question, String),
}

/// The column of explanations.
#[component]
pub(crate) fn Inspector() -> impl IntoView {
    let store = use_store();
    Effect::new(move |_| {
        let frame = store.explained.get();
        untrack(|| store.keep_up(&frame));
    });
    view! {
        <aside class="inspector" aria-label="Inspector">
            <Explanation/>
            <alerts::Alerts/>
        </aside>
    }
}

#[component]
fn Explanation() -> impl IntoView {
    let store = use_store();
    let open = Memo::new(move |_| store.inquiry.is_open());
    let pane = Memo::new(move |before: Option<&Pane>| pane(store, before));
    let section = NodeRef::<Section>::new();
    Effect::new(move |_| {
        store.inquiry.trail.with(|trail| trail.last().map(|step| step.question.clone()));
        if let Some(section) = section.get() {
            to_top(&section);
        }
    });
    Effect::new(move |_| {
        if store.inquiry.arrived.get() > 0 {
            // Once the answer stands on the page.
            request_animation_frame(focus_heading);
        }
    });
    view! {
        <section class="inspect explain" class:asked=open data-testid="explain" node_ref=section aria-label="Explanation">
            <Show when=move || open.get()><Way/></Show>
            <p class="unseen" role="status">
                {move || match pane.get() {
                    Pane::Answer(answer) => inspect::summary(&answer),
                    Pane::Loading => "Running the log again".to_owned(),
                    Pane::Refused(question, _) => inspect::unanswered(&question).0.to_owned(),
                    Pane::Newest => String::new(),
                }}
            </p>
            <Show when=move || store.inquiry.old.get()>
                <p class="muted aged">
                    "The run has changed since. "
                    <button class="link" on:click=move |_| store.ask_again()>"Ask again"</button>
                </p>
            </Show>
            {move || match pane.get() {
                Pane::Newest => view! { <newest::Newest/> }.into_any(),
                Pane::Answer(answer) => show(&answer),
                Pane::Loading => loading(),
                Pane::Refused(question, why) => refused(store, &question, why),
            }}
        </section>
    }
}

/// What to show: while an answer is on its way, what was shown before.
fn pane(store: Store, before: Option<&Pane>) -> Pane {
    let inquiry = store.inquiry;
    let last = inquiry.trail.with(|trail| trail.last().cloned());
    let Some(Step { question, answer }) = last else { return Pane::Newest };
    match (inquiry.refusal.get(), answer) {
        (Some(why), _) => Pane::Refused(question, why),
        (None, Some(answer)) => Pane::Answer(answer),
        (None, None) if inquiry.slow.get() => Pane::Loading,
        (None, None) => before.cloned().unwrap_or(Pane::Newest),
    }
}

fn show(answer: &Answer) -> AnyView {
    match answer {
        Answer::Alert(why) => {
            view! { <div data-testid="explain-alert"><alert::AlertPane why=why.clone() title="Alert"/></div> }
                .into_any()
        }
        Answer::Window(story) => {
            view! { <div data-testid="explain-window"><window::WindowPane story=story.clone()/></div> }
                .into_any()
        }
        Answer::Point(story) => {
            view! { <div data-testid="explain-point"><point::PointPane story=story.clone()/></div> }
                .into_any()
        }
        Answer::Event(fate) => {
            view! { <div data-testid="explain-event"><event::EventPane fate=fate.clone()/></div> }.into_any()
        }
    }
}

fn loading() -> AnyView {
    view! {
        <h2 id=HEADING tabindex="-1">"Running the log again…"</h2>
        <p class="muted">"The answer is found by running the log once more up to there. A long log takes a few seconds."</p>
    }
    .into_any()
}

fn refused(store: Store, question: &Question, why: String) -> AnyView {
    let row = match question {
        Question::Event { row } => Some(*row),
        _ => None,
    };
    let (title, words) = inspect::unanswered(question);
    view! {
        <h2 id=HEADING tabindex="-1">{title}</h2>
        <p class="muted">{words}</p>
        <p class="reason">{why}</p>
        <p class="actions">
            {row.map(|row| view! {
                <button class="button" on:click=move |_| store.go(crate::wire::To::Row(row + 1.0))>"Go to this event"</button>
            })}
            <button class="button" on:click=move |_| store.close()>"Close"</button>
        </p>
    }
    .into_any()
}

/// The way to what is shown, and out of it.
#[component]
fn Way() -> impl IntoView {
    let store = use_store();
    let crumbs = Memo::new(move |_| {
        store.inquiry.trail.with(|trail| {
            let from = trail.len().saturating_sub(CRUMBS);
            let name =
                |step: &Step| (inspect::step(&step.question, step.answer.as_deref()), step.question.clone());
            (from > 0, trail[from..].iter().map(name).collect::<Vec<_>>())
        })
    });
    let alone = move || crumbs.with(|(_, crumbs)| crumbs.len() < 2);
    let list = move || {
        let (more, crumbs) = crumbs.get();
        let last = crumbs.len().saturating_sub(1);
        let crumb = move |(at, (name, question)): (usize, (String, Question))| {
            if at == last {
                return view! { <li aria-current="true"><span>{name}</span></li> }.into_any();
            }
            let back = move |event: MouseEvent| store.look_by(&event, question.clone(), true);
            view! { <li><button class="link" on:click=back>{name}</button></li> }.into_any()
        };
        let before = more.then(|| view! { <li aria-hidden="true">"…"</li> });
        (before, crumbs.into_iter().enumerate().map(crumb).collect_view())
    };
    view! {
        <div class="way">
            <button
                class="icon-button"
                data-testid="explain-back"
                aria-label="Back to what was looked into before"
                title="Back"
                disabled=alone
                on:click=move |_| store.back()
            >
                <Glyph icon=Icon::Back/>
            </button>
            <nav aria-label="Looked into"><ol>{list}</ol></nav>
            <button
                class="icon-button"
                data-testid="inspector-close"
                aria-label="Close, and follow the newest alert"
                title="Close (Escape)"
                on:click=move |_| store.close()
            >
                <Glyph icon=Icon::Close/>
            </button>
        </div>
    }
}

/// A line that leads on to something else.
fn onward(store: Store, words: impl IntoView + 'static, about: String, question: Question) -> AnyView {
    view! {
        <button class="onward" on:click=move |event| store.look_by(&event, question.clone(), true)>
            <span>{words}</span>
            <span class="faint">{about}</span>
        </button>
    }
    .into_any()
}

/// A link to an event in a line of text.
fn event_link(store: Store, row: f64) -> AnyView {
    view! {
        <button
            class="link"
            aria-label=format!("Event {}", text::count(row))
            on:click=move |event| store.look_by(&event, Question::Event { row }, true)
        >
            {text::count(row)}
        </button>
    }
    .into_any()
}

/// Whether times need their days to be told apart.
fn dated(store: Store) -> bool {
    store.explained.with_untracked(|frame| text::needs_days(frame.span))
}

fn focus_heading() {
    let heading = document().get_element_by_id(HEADING);
    if let Some(heading) = heading.and_then(|heading| heading.dyn_into::<HtmlElement>().ok()) {
        // What cannot take the focus leaves it where it is.
        let _ = heading.focus();
    }
}

/// Shows the beginning of what is new: in the sheet, and in the column.
fn to_top(section: &HtmlElement) {
    section.set_scroll_top(0);
    if let Some(column) = section.parent_element() {
        column.set_scroll_top(0);
    }
}
