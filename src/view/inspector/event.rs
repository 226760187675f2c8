//! What became of an event: in each query, whether it counted, where, and what came of it.

use super::alert::{brought_by, moved};
use super::{HEADING, dated, onward};
use crate::state::{Store, use_store};
use crate::text;
use crate::text::inspect;
use crate::view::key_name;
use crate::wire::{Event, EventFate, Fed, Given, Outcome, PointLine, QueryFate, Question, To};
use kappascope_core::Millis;
use leptos::prelude::*;

/// How far the buttons move an event, in milliseconds.
const SHIFTS: [f64; 6] = [-60_000.0, -10_000.0, -1_000.0, 1_000.0, 10_000.0, 60_000.0];

/// An event and its fate.
#[component]
pub(super) fn EventPane(fate: EventFate) -> impl IntoView {
    let store = use_store();
    let row = fate.event.row;
    let late = fate.queries.iter().any(|query| matches!(query.outcome, Outcome::Late { .. }));
    view! {
        <h2 id=HEADING tabindex="-1">
            "Event"
            {late.then(|| view! { <span class="tag late">"late"</span> })}
            <span class="grow"></span>
            <button
                class="link"
                title="Holds the source right behind this event"
                on:click=move |_| store.go(To::Row(row + 1.0))
            >
                "Go here"
            </button>
        </h2>
        <p class="big">
            {inspect::instant(fate.event.time, dated(store))} " "
            <small>{format!("event {}", text::count(row))}</small>
        </p>
        {facts(store, &fate)}
        {retime(store, &fate.event)}
        {fate.queries.iter().map(|query| of_query(store, row, query)).collect_view()}
        {points(store, &fate.points)}
        {(!fate.settled).then(|| view! {
            <p class="faint small">"More may come of it: a window that it counts in still changes."</p>
        })}
    }
}

fn facts(store: Store, fate: &EventFate) -> impl IntoView + use<> {
    let Event { time, arrival, partition, ref keys, ref measures, .. } = fate.event;
    let (partitions, key_names, measure_names) = store.spec.with_untracked(|spec| {
        spec.as_ref().map_or_else(Default::default, |spec| {
            (spec.schema.partitions, spec.schema.keys.clone(), spec.schema.measures.clone())
        })
    });
    let watermark = fate.watermark.map_or_else(|| "none yet".to_owned(), text::clock);
    let behind = fate.watermark.filter(|watermark| *watermark > time);
    let behind = behind.map(|watermark| ("Behind it by".to_owned(), inspect::exact(watermark - time)));
    let mut facts = vec![
        ("Arrived".to_owned(), format!("{}, {} later", text::clock(arrival), inspect::exact(arrival - time))),
        ("Met the watermark".to_owned(), watermark),
    ];
    facts.extend(behind);
    if partitions > 1 {
        facts.push(("Partition".to_owned(), partition.to_string()));
    }
    facts.extend(key_names.into_iter().zip(keys.iter().cloned()));
    facts.extend(measure_names.into_iter().zip(measures.iter().map(|measure| text::value(*measure))));
    view! {
        <dl class="facts-of">
            {facts.into_iter().map(|(name, fact)| view! { <div><dt>{name}</dt><dd>{fact}</dd></div> }).collect_view()}
        </dl>
    }
}

/// Buttons that give it another time: what dragging its dot does, by keys.
fn retime(store: Store, event: &Event) -> impl IntoView + use<> {
    let (row, time) = (event.row, event.time);
    let is_moved =
        Memo::new(move |_| store.explained.with(|frame| frame.moved.iter().any(|(moved, _)| *moved == row)));
    let step = move |ms: f64| {
        view! {
            <button class="button small" on:click=move |_| store.move_event(row, Some(time + ms))>
                {inspect::shift(ms)}
            </button>
        }
    };
    view! {
        <div class="retime" role="group" aria-label=inspect::RETIME data-testid="event-time">
            <p class="muted">{inspect::RETIME_HINT}</p>
            {SHIFTS.map(step)}
            <Show when=move || is_moved.get()>
                <button class="button small" data-testid="event-own-time" on:click=move |_| store.move_event(row, None)>
                    {inspect::OWN_TIME}
                </button>
            </Show>
        </div>
    }
}

fn of_query(store: Store, row: f64, fate: &QueryFate) -> AnyView {
    let tag = match fate.outcome {
        Outcome::Counted { .. } | Outcome::Filtered { .. } => "tag",
        Outcome::Late { .. } => "tag late",
        Outcome::OverLimit { .. } => "tag fire",
    };
    let key = fate.key.clone();
    let windows = fate.windows.iter().map(|fed| window(store, row, fate, fed)).collect_view();
    view! {
        <div class="fate">
            <h3>
                {fate.query.clone()}
                <span class=tag>{inspect::outcome(&fate.outcome)}</span>
                <span class="faint">{key_name(&key).to_owned()}</span>
            </h3>
            {said(store, fate)}
            {windows}
        </div>
    }
    .into_any()
}

/// The rule and the number that decided.
fn said(store: Store, fate: &QueryFate) -> AnyView {
    match &fate.outcome {
        Outcome::Filtered { filter } => view! {
            <p class="muted">"It does not pass the query's " <b>"where"</b> ":"</p>
            <div class="formula">{filter.clone()}</div>
        }
        .into_any(),
        Outcome::Late { enough_ms } => late(store, fate.query_index, *enough_ms),
        Outcome::OverLimit { limit } => view! {
            <p class="muted">
                "It was dropped: it would have been one too many for the limit on " <b>{limit.clone()}</b> "."
            </p>
        }
        .into_any(),
        Outcome::Counted { missed } if missed.is_empty() => {
            let windows = text::several(fate.windows.len() as f64, "window");
            view! { <p class="muted">"It counts in " {windows} "."</p> }.into_any()
        }
        Outcome::Counted { missed } => {
            let dated = dated(store);
            let gone: Vec<String> =
                missed.iter().map(|(start, end)| text::window(*start, *end, dated)).collect();
            view! { <p class="muted">"It came too late for " <b>{gone.join(", ")}</b> ", and counts in:"</p> }
                .into_any()
        }
    }
}

/// How late it was, and the setting that would have kept it.
fn late(store: Store, query: u32, enough_ms: f64) -> AnyView {
    let lateness = store.spec.with_untracked(|spec| {
        let query = spec.as_ref().and_then(|spec| spec.query.get(query as usize));
        query.map_or(0.0, |query| query.lateness.0 as f64)
    });
    let more = inspect::exact((enough_ms - lateness).max(0.0));
    let enough = inspect::exact(enough_ms);
    let set = move |_| {
        store.tune(|spec, _| {
            if let Some(query) = spec.query.get_mut(query as usize) {
                query.lateness = Millis(enough_ms as i64);
            }
        });
        store.let_go();
    };
    view! {
        <p class="muted">
            "All its windows were gone when it came. Their lateness of " {inspect::exact(lateness)}
            " was too short by " <b class="late">{more}</b> "."
        </p>
        <p class="actions">
            <button class="button" data-testid="enough-lateness" on:click=set>"Set lateness to " {enough}</button>
        </p>
    }
    .into_any()
}

/// A window that it counts in, and the results that cover it.
fn window(store: Store, row: f64, fate: &QueryFate, fed: &Fed) -> AnyView {
    let question =
        Question::Window { query: fate.query_index, key: fate.key.clone(), start: fed.start, end: fed.end };
    let about = match fed.results.len() {
        0 => "no result yet".to_owned(),
        results => text::several(results as f64, "result"),
    };
    let name = text::window(fed.start, fed.end, dated(store));
    view! {
        <div class="onwards">
            {onward(store, name, about, question)}
            <ul class="fed">{fed.results.iter().map(|given| result(store, row, given)).collect_view()}</ul>
        </div>
    }
    .into_any()
}

fn result(store: Store, row: f64, given: &Given) -> AnyView {
    let words = inspect::timing(&given.timing, given.revision, given.retraction);
    let by = match given.row {
        Some(by) if by == row => "this event".into_any(),
        Some(_) => view! { "event " {brought_by(store, given.row)} }.into_any(),
        None => brought_by(store, None),
    };
    let values: Vec<String> = given.values.iter().take(1).map(|value| text::value(*value)).collect();
    view! {
        <li>
            <span>{words} ", brought by " {by}</span>
            <b>{values.join(", ")}</b>
            {points(store, &given.points)}
        </li>
    }
    .into_any()
}

/// What detectors made of it.
fn points(store: Store, points: &[PointLine]) -> AnyView {
    let line = |point: &PointLine| {
        let verdict = inspect::verdict(point.anomaly);
        let words = format!("{}: {verdict}, score {}", point.detector, text::fixed(point.score, 2));
        view! { <p class="faint small" class:fire=point.anomaly>{words}</p> {moved(store, &point.alerts)} }
    };
    points.iter().map(line).collect_view().into_any()
}
