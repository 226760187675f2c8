//! The newest alert, or anomaly, while nothing else is asked: what a frame says of it at once, and why as
//! soon as the worker was asked.

use super::{HEADING, alert, dated, strip};
use crate::knob;
use crate::state::{Store, use_store};
use crate::text;
use crate::text::inspect;
use crate::view::key_name;
use crate::wire::{AlertWhy, AnomalyRow, Firing, Question, Watch};
use leptos::prelude::*;
use std::sync::Arc;
use web_sys::MouseEvent;

#[derive(Clone, PartialEq)]
enum Newest {
    Nothing,
    Why(Arc<AlertWhy>),
    Fired(Firing),
    Anomaly(AnomalyRow),
}

/// The newest of what is worth a look.
#[component]
pub(super) fn Newest() -> impl IntoView {
    let store = use_store();
    let newest = Memo::new(move |_| newest(store));
    move || match newest.get() {
        Newest::Nothing => nothing(store),
        Newest::Why(why) => view! { <alert::AlertPane why=(*why).clone() title="Newest alert"/> }.into_any(),
        Newest::Fired(firing) => fired(store, firing),
        Newest::Anomaly(row) => anomaly(store, &row),
    }
}

fn newest(store: Store) -> Newest {
    let why = store.inquiry.newest.get();
    store.explained.with(|frame| match (frame.firing.first(), frame.anomaly_rows.first()) {
        (Some(firing), _) => match why.filter(|why| why.id == firing.id) {
            Some(why) => Newest::Why(why),
            // Its end is told by the list.
            None => Newest::Fired(Firing { end: None, ..firing.clone() }),
        },
        (None, Some(row)) => Newest::Anomaly(row.clone()),
        (None, None) => Newest::Nothing,
    })
}

fn nothing(store: Store) -> AnyView {
    view! {
        <h2 id=HEADING tabindex="-1">"Nothing unusual so far"</h2>
        <p class="muted">
            "When a value leaves its band, the arithmetic behind it appears here. "
            {untrack(|| !store.is_live())
                .then_some("A line of the tables below the chart opens a window or an event.")}
        </p>
    }
    .into_any()
}

fn fired(store: Store, firing: Firing) -> AnyView {
    let since = text::since(firing.start, None, dated(store));
    let row = store.explained.with_untracked(|frame| {
        let is_it = |row: &&AnomalyRow| row.key == firing.key && row.start == firing.start;
        frame.anomaly_rows.iter().find(is_it).cloned()
    });
    let question = Question::Alert { id: firing.id };
    view! {
        <h2 id=HEADING tabindex="-1">"Newest alert"<span class="tag fire">{firing.severity}</span></h2>
        <p class="big">
            {text::value(firing.value)} " "
            <small>{format!("{} of {}, {since}", firing.rule, key_name(&firing.key))}</small>
        </p>
        {firing.message.map(|message| view! { <p class="said">{message}</p> })}
        {row.map(|row| measured(&row))}
        {asking(store, question, "Why it fired")}
    }
    .into_any()
}

fn anomaly(store: Store, row: &AnomalyRow) -> AnyView {
    let what = untrack(|| store.of_spec(text::charted));
    let window = text::window(row.start, row.end, dated(store));
    let (key, start, end) = (row.key.clone(), row.start, row.end);
    let question = match store.watch.get_untracked() {
        Watch::Aggregate { query, .. } => Question::Window { query, key, start, end },
        Watch::Points { detector } => Question::Point { detector, key, time: start, value: row.value },
    };
    view! {
        <h2 id=HEADING tabindex="-1">"Newest anomaly"</h2>
        <p class="big">
            {text::value(row.value)} " "
            <small>{format!("{} of {} in {window}", inspect::counted(&what), key_name(&row.key))}</small>
        </p>
        {measured(row)}
        {asking(store, question, "Why it is one")}
    }
    .into_any()
}

/// The band and the score, as the frame has them.
fn measured(row: &AnomalyRow) -> impl IntoView + use<> {
    let store = use_store();
    let detector = untrack(|| store.of_spec(|spec, watch| knob::detector(spec, watch).cloned()));
    let sigma = detector.filter(|detector| inspect::in_deviations(&detector.kind)).map_or("", |_| " σ");
    let score = match row.score.abs() {
        score if score >= inspect::BEYOND_MEASURE => "The past has no spread to measure it by.".to_owned(),
        _ => format!("Score {}{sigma}.", text::fixed(row.score, 2)),
    };
    let strip = strip::Strip {
        value: row.value,
        expected: row.expected,
        low: row.low,
        high: row.high,
        anomaly: true,
        points: Vec::new(),
    };
    view! {
        <p class="muted">{inspect::expected(row.expected, row.low, row.high)} " " {score}</p>
        {strip::draw(&strip)}
    }
}

/// The button that asks, where there are events to ask of.
fn asking(store: Store, question: Question, words: &'static str) -> impl IntoView {
    let ask = move |event: MouseEvent| store.look_by(&event, question.clone(), false);
    untrack(|| !store.is_live())
        .then(|| view! { <p class="actions"><button class="button" on:click=ask>{words}</button></p> })
}
