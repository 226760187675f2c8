//! How late events come, and what each bound would lose. A bound is chosen with a click.

use super::{bars, mapping, part};
use crate::data::Found;
use crate::state::use_store;
use crate::text;
use kappascope_ingest::profile::{Delay, Disorder as Measured, Loss};
use leptos::prelude::*;
use std::sync::Arc;

#[component]
pub(super) fn Disorder(found: Arc<Found>) -> impl IntoView {
    let time = found.findings.profile.time.as_ref();
    let content = match time {
        Some(time) => measured(&time.disorder, time.events).into_any(),
        None => view! { <p class="muted">"Without a column of times there is no order to measure."</p> }
            .into_any(),
    };
    part("Disorder", "how far events come behind the newest", content)
}

fn measured(disorder: &Measured, events: u64) -> impl IntoView + use<> {
    let words = match disorder.behind {
        0 => "Every event is the newest when it comes.".to_owned(),
        behind => format!(
            "{} of {} came behind a newer one, the last of them by {}.",
            text::count(behind as f64),
            text::several(events as f64, "event"),
            text::span(disorder.worst_ms)
        ),
    };
    view! {
        <p class="muted">{words}</p>
        <div class="data-pair">
            {(disorder.behind > 0).then(|| delays(disorder))}
            <ol class="losses" data-testid="data-losses" aria-label="What each bound would lose">
                {disorder.loses.iter().map(|loss| line(*loss)).collect_view()}
            </ol>
        </div>
    }
}

/// How many events came how late, on a logarithmic scale: the few that are very late are the ones that matter.
/// Those beyond the draft's bound have the colour of what is late.
fn delays(disorder: &Measured) -> impl IntoView + use<> {
    let data = use_store().data;
    let counts: Vec<u64> = disorder.delays.iter().map(|delay| delay.events).collect();
    let ends: Vec<i64> = disorder.delays.iter().map(|delay| delay.up_to_ms).collect();
    let (first, last) = (ends.first().map(|end| up_to(*end)), ends.last().map(|end| up_to(*end)));
    let wide = counts.len().max(1);
    let each = |delay: &Delay| format!("{}: {}", up_to(delay.up_to_ms), text::count(delay.events as f64));
    let words: Vec<String> = disorder.delays.iter().map(each).collect();
    let shapes = Memo::new(move |_| {
        let bound = data.draft.with(|draft| draft.as_ref().map_or(0, |draft| draft.bound_ms));
        let shape =
            |late: bool| bars(&counts, |count| (count as f64).ln_1p(), |at| (ends[at] > bound) == late);
        (shape(false), shape(true))
    });
    view! {
        <figure class="delays" title=words.join("\n")>
            <svg
                class="bars"
                role="img"
                aria-label=format!("Events by delay: {}", words.join("; "))
                viewBox=format!("0 0 {wide} 1")
                preserveAspectRatio="none"
            >
                <path d=move || shapes.get().0></path>
                <path class="late" d=move || shapes.get().1></path>
            </svg>
            <figcaption><span>{first}</span><span>"log scale"</span><span>{last}</span></figcaption>
        </figure>
    }
}

fn up_to(delay: i64) -> String {
    if delay == 0 { "in order".to_owned() } else { format!("up to {}", text::span(delay)) }
}

/// A bound with what it would lose.
fn line(loss: Loss) -> impl IntoView {
    let data = use_store().data;
    let bound = loss.bound_ms;
    let is_chosen =
        move || data.draft.with(|draft| draft.as_ref().is_some_and(|draft| draft.bound_ms == bound));
    let chosen = Memo::new(move |_| is_chosen());
    view! {
        <li>
            <button
                class="loss"
                class:lossless=loss.events == 0
                aria-pressed=move || chosen.get().to_string()
                title=format!("A bound of {} loses {}", text::span(bound), text::several(loss.events as f64, "event"))
                on:click=move |_| data.edit(|draft| draft.bound_ms = bound)
            >
                <span>{text::span(bound)}</span>
                <svg class="bars" viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
                    <rect width=loss.share height="1"></rect>
                </svg>
                <span>{mapping::lost(&loss)}</span>
            </button>
        </li>
    }
}
