//! The pipeline that the columns become: a setting a row, with the reason that the proposal gives.

use super::part;
use crate::data::Found;
use crate::state::use_store;
use crate::text;
use crate::ui::slider::{LENGTHS, Ladder, WAITS};
use kappascope_ingest::profile::{Loss, Mapping};
use leptos::prelude::*;
use std::sync::Arc;

/// What a select says where a mapping has nothing.
const NOTHING: &str = "";

#[component]
pub(super) fn Pipeline(found: Arc<Found>) -> impl IntoView {
    let proposed = &found.findings.proposal.mapping;
    let by = view! {
        <Choice
            label="Group by"
            test_id="mapping-by"
            options=|mapping| names(&mapping.keys, "all events as one", str::to_owned)
            chosen=|mapping| mapping.by.clone().unwrap_or_default()
            choose=|mapping, value| mapping.by = named(value)
        />
    };
    let watch = view! {
        <Choice
            label="Watch"
            test_id="mapping-watch"
            options=|mapping| names(&mapping.measures, "count()", |name| format!("avg({name})"))
            chosen=|mapping| mapping.watch.clone().unwrap_or_default()
            choose=|mapping, value| mapping.watch = named(value)
        />
    };
    let window = view! {
        <Duration
            label="Window"
            test_id="mapping-window"
            steps=ladder(LENGTHS, proposed.window_ms)
            get=|mapping| mapping.window_ms
            set=|mapping, ms| mapping.window_ms = ms
        />
    };
    let bound = view! {
        <Duration
            label="Bound"
            test_id="mapping-bound"
            steps=bounds(&found)
            get=|mapping| mapping.bound_ms
            set=|mapping, ms| mapping.bound_ms = ms
        />
    };
    let lateness = view! {
        <Duration
            label="Lateness"
            test_id="mapping-lateness"
            steps=ladder(WAITS, proposed.lateness_ms)
            get=|mapping| mapping.lateness_ms
            set=|mapping, ms| mapping.lateness_ms = ms
        />
    };
    let why = |place: &str| found.findings.proposal.reason(place).unwrap_or_default().to_owned();
    let content = view! {
        <dl class="mapping" data-testid="data-mapping">
            {row("Time", why("schema.time"), told("mapping-time", |mapping| mapping.time.clone()))}
            {proposed.arrival.is_some().then(|| row("Arrival", why("schema.arrival"), told("mapping-arrival", arrival)))}
            {proposed.partition.is_some().then(|| row("Partition", why("schema.partition"), told("mapping-partition", partition)))}
            {row("Keys", why("schema.keys"), told("mapping-keys", |mapping| listed(&mapping.keys)))}
            {row("Group by", why("query.by"), by)}
            {row("Measures", why("schema.measures"), told("mapping-measures", |mapping| listed(&mapping.measures)))}
            {row("Watch", why("detector.on"), watch)}
            {row("Window", why("query.window"), window)}
            {row("Bound", why("watermark.bound"), bound)}
            {row("Lateness", why("query.lateness"), lateness)}
        </dl>
    };
    part("Pipeline", "as proposed, each with its reason", content)
}

fn arrival(mapping: &Mapping) -> String {
    mapping.arrival.clone().unwrap_or_else(|| "none".to_owned())
}

fn partition(mapping: &Mapping) -> String {
    let Some((column, count)) = &mapping.partition else { return "none".to_owned() };
    format!("{column}, {count} of them")
}

/// A setting, and why the proposal has it so.
fn row(label: &'static str, why: String, control: impl IntoView) -> impl IntoView {
    view! {
        <div class="mapping-row">
            <dt>{label}</dt>
            <dd>{control}</dd>
            <dd class="why">{why}</dd>
        </div>
    }
}

/// What the roles of the columns make of the draft.
fn told(test_id: &'static str, write: fn(&Mapping) -> String) -> impl IntoView {
    let data = use_store().data;
    let words = Memo::new(move |_| data.draft.with(|draft| draft.as_ref().map_or_else(String::new, write)));
    view! { <span class="told" data-testid=test_id title=words>{words}</span> }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The options of a select over names: nothing, then each.
fn names(names: &[String], nothing: &str, write: impl Fn(&str) -> String) -> Vec<(String, String)> {
    let each = names.iter().map(|name| (name.clone(), write(name)));
    std::iter::once((NOTHING.to_owned(), nothing.to_owned())).chain(each).collect()
}

fn named(value: String) -> Option<String> {
    Some(value).filter(|value| value != NOTHING)
}

/// A select over values and their words, both of the draft.
#[component]
fn Choice(
    label: &'static str,
    test_id: &'static str,
    options: fn(&Mapping) -> Vec<(String, String)>,
    chosen: fn(&Mapping) -> String,
    choose: fn(&mut Mapping, String),
) -> impl IntoView {
    let data = use_store().data;
    let of_draft = move |read: fn(&Mapping) -> String| {
        data.draft.with(|draft| draft.as_ref().map(read).unwrap_or_default())
    };
    let options =
        Memo::new(move |_| data.draft.with(|draft| draft.as_ref().map(options).unwrap_or_default()));
    let chosen = Memo::new(move |_| of_draft(chosen));
    view! {
        <select
            class="field small"
            data-testid=test_id
            aria-label=label
            on:change=move |event| data.edit(|draft| choose(draft, event_target_value(&event)))
        >
            {move || options.get().into_iter()
                .map(|(value, words)| {
                    let this = value.clone();
                    view! { <option value=value prop:selected=move || chosen.get() == this>{words}</option> }
                })
                .collect_view()}
        </select>
    }
}

/// A select over durations and their words.
#[component]
fn Duration(
    label: &'static str,
    test_id: &'static str,
    steps: Vec<(i64, String)>,
    get: fn(&Mapping) -> i64,
    set: fn(&mut Mapping, i64),
) -> impl IntoView {
    let data = use_store().data;
    let chosen = Memo::new(move |_| data.draft.with(|draft| draft.as_ref().map(get).unwrap_or_default()));
    let choose = move |event| {
        if let Ok(ms) = event_target_value(&event).parse() {
            data.edit(|draft| set(draft, ms));
        }
    };
    view! {
        <select class="field small" data-testid=test_id aria-label=label on:change=choose>
            {steps
                .into_iter()
                .map(|(ms, words)| view! { <option value=ms prop:selected=move || chosen.get() == ms>{words}</option> })
                .collect_view()}
        </select>
    }
}

/// The steps of a ladder, and the proposed one among them.
fn ladder(steps: Ladder, proposed: i64) -> Vec<(i64, String)> {
    let mut steps: Vec<i64> = steps.iter().map(|ms| *ms as i64).chain([proposed]).collect();
    steps.sort_unstable();
    steps.dedup();
    steps.into_iter().map(|ms| (ms, text::span(ms))).collect()
}

/// The bounds that were measured, each with what it would lose.
fn bounds(found: &Found) -> Vec<(i64, String)> {
    let proposed = found.findings.proposal.mapping.bound_ms;
    let losses = found.findings.profile.time.as_ref().map_or(&[][..], |time| &time.disorder.loses);
    let mut steps: Vec<(i64, String)> = losses
        .iter()
        .map(|loss| (loss.bound_ms, format!("{}, loses {}", text::span(loss.bound_ms), lost(loss))))
        .collect();
    if losses.iter().all(|loss| loss.bound_ms != proposed) {
        steps.push((proposed, text::span(proposed)));
    }
    steps.sort_unstable();
    steps
}

/// What a bound would lose, in words.
pub(super) fn lost(loss: &Loss) -> String {
    match loss.events {
        0 => "nothing".to_owned(),
        _ => text::share(loss.share, 1.0),
    }
}
