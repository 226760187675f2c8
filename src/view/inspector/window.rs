//! The story of a window: its results in order, its events, and those that it refused.

use super::alert::{brought_by, moved};
use super::point::PointPart;
use super::{HEADING, dated, event_link};
use crate::state::{Store, use_store};
use crate::text;
use crate::text::inspect;
use crate::view::key_name;
use crate::wire::{Event, Given, Story};
use leptos::prelude::*;

/// A window of a key.
#[component]
pub(super) fn WindowPane(story: Story) -> impl IntoView {
    let store = use_store();
    let what = story.aggregates.first().map_or_else(String::new, |name| inspect::counted(name));
    let place = format!(
        "{what} of {} in {}",
        key_name(&story.key),
        text::window(story.start, story.end, dated(store))
    );
    let last = story.results.iter().rev().find(|given| !given.retraction);
    let value = last.and_then(|given| given.values.first()).map(|value| text::value(*value));
    let value = value.unwrap_or_else(|| "No result yet".to_owned());
    view! {
        <h2 id=HEADING tabindex="-1">
            "Window"
            <span class="tag">{story.state.clone()}</span>
            <span class="grow"></span>
            <span class="severity">{story.query.clone()}</span>
        </h2>
        <p class="big">{value} " " <small>{place}</small></p>
        <p class="muted">{inspect::state_of(&story)}</p>
        {results(store, &story)}
        {story.results.iter().flat_map(|given| &given.points).filter_map(|point| moved(store, &point.alerts)).collect_view()}
        {story.why.clone().map(|why| view! {
            <h3>{if why.anomaly { "Why it is an anomaly" } else { "Why it is none" }}</h3>
            <p class="muted">{inspect::expected(why.expected, why.low, why.high)}</p>
            <PointPart point=why/>
        })}
        {refused(store, &story)}
        {events(store, &story)}
    }
}

fn results(store: Store, story: &Story) -> AnyView {
    if story.results.is_empty() {
        return view! { <h3>"Results"</h3> <p class="muted">"None so far."</p> }.into_any();
    }
    let heads = story.aggregates.clone();
    let judged = story.results.iter().any(|given| !given.points.is_empty());
    let lines = story.results.iter().map(|given| result(store, given, judged)).collect_view();
    view! {
        <h3>"Results"<span class="faint">{text::count(story.results.len() as f64)}</span></h3>
        <div class="sheet-table" tabindex="0" role="region" aria-label="Results of the window">
            <table>
                <thead>
                    <tr>
                        <th class="text">"Result"</th>
                        {heads.into_iter().map(|name| view! { <th>{name}</th> }).collect_view()}
                        {judged.then(|| view! { <th>"Score"</th> })}
                        <th title="How many events it covers">"Covers"</th>
                        <th title="Row of the event that brought it about">"By event"</th>
                    </tr>
                </thead>
                <tbody>{lines}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn result(store: Store, given: &Given, judged: bool) -> impl IntoView + use<> {
    let words = inspect::timing(&given.timing, given.revision, given.retraction);
    let tag = if given.timing == "correction" { "tag late" } else { "tag" };
    let score = given.points.first().map(|point| (text::fixed(point.score, 2), point.anomaly));
    let (score, anomaly) = score.unwrap_or_else(|| ("–".to_owned(), false));
    view! {
        <tr class:gone=given.retraction>
            <td class="text"><span class=tag>{words}</span></td>
            {given.values.iter().map(|value| view! { <td>{text::value(*value)}</td> }).collect_view()}
            {judged.then(|| view! { <td class:fire=anomaly>{score}</td> })}
            <td>{given.covers.map_or_else(|| "–".to_owned(), text::count)}</td>
            <td>{brought_by(store, given.row)}</td>
        </tr>
    }
}

/// What an event of a query has beside its time and what it is grouped by: columns of the schema.
#[derive(Default)]
struct Columns {
    partitions: bool,
    measures: Vec<String>,
    /// Their places among all keys.
    keys: Vec<(usize, String)>,
}

impl Columns {
    fn of(store: Store, query: u32) -> Self {
        store.spec.with_untracked(|spec| {
            let Some(spec) = spec.as_ref() else { return Self::default() };
            let by = spec.query.get(query as usize).map_or(&[][..], |query| &query.by);
            let keys = spec.schema.keys.iter().cloned().enumerate();
            Self {
                partitions: spec.schema.partitions > 1,
                measures: spec.schema.measures.clone(),
                keys: keys.filter(|(_, key)| !by.contains(key)).collect(),
            }
        })
    }
}

fn events(store: Store, story: &Story) -> AnyView {
    let (listed, all) = (story.events.len() as f64, story.count);
    let about = if listed < all {
        format!("the first {} of {}", text::count(listed), text::count(all))
    } else {
        text::count(all)
    };
    let columns = Columns::of(store, story.query_index);
    let lines = story.events.iter().map(|event| line(store, event, &columns)).collect_view();
    view! {
        <h3>"Events"<span class="faint">{about}</span></h3>
        <div class="sheet-table tall" tabindex="0" role="region" aria-label="Events of the window">
            <table>
                <thead>
                    <tr>
                        <th class="text">"Event"</th>
                        <th class="text">"Time"</th>
                        <th title="How long after its own time it arrived">"Delay"</th>
                        {columns.measures.iter().map(|name| view! { <th>{name.clone()}</th> }).collect_view()}
                        {columns.keys.iter().map(|(_, name)| view! { <th class="text">{name.clone()}</th> }).collect_view()}
                        {columns.partitions.then(|| view! { <th>"Partition"</th> })}
                    </tr>
                </thead>
                <tbody>{lines}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn line(store: Store, event: &Event, columns: &Columns) -> impl IntoView + use<> {
    let keys = columns.keys.iter().filter_map(|(at, _)| event.keys.get(*at));
    let keys = keys.map(|key| view! { <td class="text">{key.clone()}</td> }).collect_view();
    view! {
        <tr>
            <td class="text">{event_link(store, event.row)}</td>
            <td class="text mono">{text::clock(event.time)}</td>
            <td>{text::span((event.arrival - event.time) as i64)}</td>
            {event.measures.iter().map(|measure| view! { <td>{text::value(*measure)}</td> }).collect_view()}
            {keys}
            {columns.partitions.then(|| view! { <td>{event.partition}</td> })}
        </tr>
    }
}

fn refused(store: Store, story: &Story) -> Option<AnyView> {
    if story.refused.is_empty() {
        return None;
    }
    let lateness = store.spec.with_untracked(|spec| {
        let query = spec.as_ref().and_then(|spec| spec.query.get(story.query_index as usize));
        query.map_or(0, |query| query.lateness.0)
    });
    // The window is gone when the watermark is at its last millisecond and the lateness.
    let missed = |watermark: f64| watermark - story.end + 2.0 - lateness as f64;
    let lines = story.refused.iter().map(|(event, watermark)| {
        view! {
            <tr>
                <td class="text">{event_link(store, event.row)}</td>
                <td class="text mono">{text::clock(event.time)}</td>
                <td class="mono">{text::clock(*watermark)}</td>
                <td class="late">{inspect::exact(missed(*watermark).max(0.0))}</td>
            </tr>
        }
    });
    let lines = lines.collect_view();
    Some(
        view! {
            <h3>"Refused"<span class="faint">{text::count(story.refused_count)}</span></h3>
            <div class="sheet-table" tabindex="0" role="region" aria-label="Refused events">
                <table>
                    <thead>
                        <tr>
                            <th class="text">"Event"</th>
                            <th class="text">"Time"</th>
                            <th title="The watermark that it met">"Watermark"</th>
                            <th title="With so much more lateness it would have counted">"Missed by"</th>
                        </tr>
                    </thead>
                    <tbody>{lines}</tbody>
                </table>
            </div>
        }
        .into_any(),
    )
}
