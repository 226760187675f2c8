//! Why an alert fired.

use super::point::{Of, PointPart};
use super::{HEADING, dated, event_link, onward};
use crate::formula::Formula;
use crate::state::{Store, use_store};
use crate::text;
use crate::text::inspect;
use crate::view::key_name;
use crate::wire::{AlertWhy, Given, Moved, PointWhy, Question};
use kappascope_core::spec::AlertSpec;
use leptos::prelude::*;

/// An alert: what, where, when, why, and what would have kept it silent.
#[component]
pub(super) fn AlertPane(why: AlertWhy, title: &'static str) -> impl IntoView {
    let store = use_store();
    let rule = store.spec.with_untracked(|spec| {
        let spec = spec.as_ref()?;
        spec.alert.iter().find(|rule| rule.name == why.rule).cloned()
    });
    let id = why.id.clone();
    let end = Memo::new(move |_| {
        store.explained.with(|frame| frame.firing.iter().find(|firing| firing.id == id)?.end)
    });
    view! {
        <h2 id=HEADING tabindex="-1">
            {title}
            {move || match end.get() {
                None => view! { <span class="tag fire">"firing"</span> },
                Some(_) => view! { <span class="tag">"resolved"</span> },
            }}
            <span class="grow"></span>
            <span class="severity">{of_rule(&why.rule, rule.as_ref())}</span>
        </h2>
        {headline(store, &why)}
        {why.message.clone().map(|message| view! { <p class="said">{message}</p> })}
        {why.point.clone().map(|point| view! {
            <p class="muted">{inspect::expected(point.expected, point.low, point.high)}</p>
            <PointPart point=point/>
        })}
        {condition(store, &why)}
        {transitions(store, &why, rule.as_ref(), end)}
        {links(store, &why)}
    }
}

fn headline(store: Store, why: &AlertWhy) -> AnyView {
    let key = key_name(&why.key);
    let window = why.result.as_ref().map(|(_, given)| text::window(given.start, given.end, dated(store)));
    let moved = why.transitions.last();
    let (value, what) = match (&why.point, &why.result) {
        (Some(point), _) => (text::value(point.value), Of::point(store, point).unit),
        (None, Some((query, given))) => first_value(store, *query, given),
        (None, None) => ("No result".to_owned(), String::new()),
    };
    let place = match (&window, moved) {
        (Some(window), _) => format!("{what} of {key} in {window}"),
        (None, Some(moved)) => {
            format!("{what} of {key} at {}", inspect::instant(at(&why.point, moved), dated(store)))
        }
        (None, None) => format!("{what} of {key}"),
    };
    view! { <p class="big">{value} " " <small>{place}</small></p> }.into_any()
}

fn at(point: &Option<PointWhy>, moved: &Moved) -> f64 {
    point.as_ref().map_or(moved.time, |point| point.time)
}

/// The first aggregate of a result, and what it counts.
fn first_value(store: Store, query: u32, given: &Given) -> (String, String) {
    let names = aggregates(store, query);
    let value = given.values.first().map_or_else(|| "–".to_owned(), |value| text::value(*value));
    (value, names.first().map_or_else(String::new, |name| inspect::counted(name)))
}

/// A query's aggregates, as the pipeline writes them.
fn aggregates(store: Store, query: u32) -> Vec<String> {
    store.spec.with_untracked(|spec| {
        let query = spec.as_ref().and_then(|spec| spec.query.get(query as usize));
        query.map_or_else(Vec::new, |query| query.aggregates.iter().map(ToString::to_string).collect())
    })
}

/// What had to hold of a result, with names and with numbers, and the result's values.
fn condition(store: Store, why: &AlertWhy) -> Option<AnyView> {
    let condition = why.condition.as_ref()?.trim().to_owned();
    let Some((query, given)) = &why.result else {
        return Some(
            view! {
                <div class="formula">{condition}</div>
                <p class="muted">"There was no result in that window, which counts as false."</p>
            }
            .into_any(),
        );
    };
    let values: Vec<(String, f64)> =
        aggregates(store, *query).into_iter().zip(given.values.iter().copied()).collect();
    let formula = Formula::read(&condition, values.clone());
    let (names, numbers) = formula.map_or((condition, None), |f| (f.names(), Some(f.numbers())));
    Some(
        view! {
            <div class="formula steps" role="group" aria-label="Condition of the rule">
                <span>"when"</span><span>{names}</span>
                {numbers.map(|numbers| view! { <span>"now"</span><span><b>{numbers}</b></span> })}
            </div>
            <dl class="facts-of">
                {values.into_iter().map(|(name, value)| view! {
                    <div><dt>{name}</dt><dd>{text::value(value)}</dd></div>
                }).collect_view()}
            </dl>
        }
        .into_any(),
    )
}

fn transitions(store: Store, why: &AlertWhy, rule: Option<&AlertSpec>, end: Memo<Option<f64>>) -> AnyView {
    let days = dated(store);
    let time = move |ms: f64| inspect::instant(ms, days);
    let line = move |moved: &Moved| {
        let value = if moved.absent { "no value".to_owned() } else { text::value(moved.value) };
        view! {
            <li class:fire=moved.state == "firing">
                <b>{moved.state.clone()}</b><span>{value}</span><time>{time(moved.time)}</time>
            </li>
        }
    };
    view! {
        <h3>"What it went through"</h3>
        <ol class="moves">
            {why.transitions.iter().map(line).collect_view()}
            {move || match end.get() {
                Some(end) => view! { <li><b>"resolved"</b><span></span><time>{time(end)}</time></li> }.into_any(),
                None => view! { <li><b>"firing still"</b><span></span><span></span></li> }.into_any(),
            }}
        </ol>
        {rule.map(|rule| view! { <p class="faint small">{told(rule)}</p> })}
    }
    .into_any()
}

/// The rule and how bad it is.
fn of_rule(name: &str, rule: Option<&AlertSpec>) -> String {
    rule.map_or_else(|| name.to_owned(), |rule| format!("{name}, {}", rule.severity))
}

fn told(rule: &AlertSpec) -> String {
    let words = text::rule(rule.hold, rule.keep_firing_for);
    format!("The rule {words}.")
}

/// Where the alert comes from.
fn links(store: Store, why: &AlertWhy) -> AnyView {
    let window = why.result.as_ref().map(|(query, given)| {
        let question =
            Question::Window { query: *query, key: why.key.clone(), start: given.start, end: given.end };
        let name = text::window(given.start, given.end, dated(store));
        onward(store, "Its window", name, question)
    });
    let source = why
        .row
        .map(|row| onward(store, "The event that brought it", text::count(row), Question::Event { row }));
    let at_end = why.row.is_none().then(|| {
        view! { <p class="faint small">"The end of the log brought it: no event did, or it is no longer held."</p> }
    });
    view! { <div class="onwards">{window}{source}{at_end}</div> }.into_any()
}

/// The alerts that a point moved, in a line.
pub(super) fn moved(store: Store, alerts: &[Moved]) -> Option<AnyView> {
    if alerts.is_empty() {
        return None;
    }
    let line = |moved: &Moved| {
        let fired =
            store.explained.with_untracked(|frame| frame.firing.iter().any(|firing| firing.id == moved.id));
        let words = format!("{} {}", moved.rule, moved.state);
        let question = Question::Alert { id: moved.id.clone() };
        match fired {
            true => onward(store, "Alert", words, question),
            false => view! { <p class="faint small">{words}</p> }.into_any(),
        }
    };
    Some(view! { <div class="onwards">{alerts.iter().map(line).collect_view()}</div> }.into_any())
}

/// The row that brought a result about, as a link; the log's end has none.
pub(super) fn brought_by(store: Store, row: Option<f64>) -> AnyView {
    match row {
        Some(row) => event_link(store, row),
        None => view! { <span class="faint">"end of log"</span> }.into_any(),
    }
}
