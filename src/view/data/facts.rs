//! How large a file is, what it spans, how its records come over time; and the look at all of it.

use super::bars;
use crate::data::Found;
use crate::state::use_store;
use crate::text;
use kappascope_ingest::profile::{Profile, TimeProfile};
use leptos::prelude::*;
use std::sync::Arc;

#[component]
pub(super) fn Facts(found: Arc<Found>) -> impl IntoView {
    let profile = &found.findings.profile;
    let (complete, rate) = (profile.complete, profile.time.as_ref().map(rate));
    view! {
        <section class="part facts">
            <p data-testid="data-facts">{facts(profile)}</p>
            {profile.notices.iter().map(|notice| view! { <p class="notice">{notice.clone()}</p> }).collect_view()}
            <Show when=move || !complete><Measure/></Show>
            {rate}
        </section>
    }
}

fn facts(profile: &Profile) -> String {
    let records = text::several(profile.records as f64, "record");
    let of = if profile.complete {
        format!("{records} in the whole file")
    } else {
        format!("{records} in the first {}", text::bytes(profile.bytes as f64))
    };
    let broken = match profile.broken {
        0 => String::new(),
        broken => format!(", {} that cannot be told into cells", text::several(broken as f64, "record")),
    };
    let span = profile.time.as_ref().map_or_else(String::new, |time| {
        format!(". {}, {} long", days(time), text::span((time.last - time.first).max(1)))
    });
    let same = match profile.duplicates.same {
        0 => String::new(),
        same => format!(
            ". {} of the first {} repeat an earlier one",
            text::count(same as f64),
            text::count(profile.duplicates.among as f64)
        ),
    };
    format!("{of}{broken}{span}{same}.")
}

fn days(time: &TimeProfile) -> String {
    let (first, last) = (text::full_day(time.first), text::full_day(time.last));
    if first == last { first } else { format!("{first} to {last}") }
}

/// Records over time, as bars.
fn rate(time: &TimeProfile) -> impl IntoView + use<> {
    let rate = &time.rate;
    let most = rate.counts.iter().copied().max().unwrap_or(0);
    let end = rate.start + rate.step_ms * rate.counts.len() as i64;
    let about = format!("up to {} per {}", text::several(most as f64, "record"), text::span(rate.step_ms));
    let dated = text::needs_days(Some((rate.start as f64, end as f64)));
    let moment = |ms: i64| match dated {
        true => format!("{}, {}", text::day(ms), text::moment(ms as f64, 60_000)),
        false => text::moment(ms as f64, 1_000),
    };
    view! {
        <figure class="rate">
            <svg
                class="bars"
                role="img"
                aria-label=format!("Records over time, {about}")
                viewBox=format!("0 0 {} 1", rate.counts.len())
                preserveAspectRatio="none"
            >
                <path d=bars(&rate.counts, |count| count as f64, |_| true)></path>
            </svg>
            <figcaption>
                <span>{moment(rate.start)}</span>
                <span>{about.clone()}</span>
                <span>{moment(end)}</span>
            </figcaption>
        </figure>
    }
}

/// Offers to look at all of the file, or says how far that has come.
#[component]
fn Measure() -> impl IntoView {
    let store = use_store();
    let part =
        Memo::new(move |_| store.data.looking.with(|looking| looking.as_ref().map(|looking| looking.part)));
    view! {
        <div class="measure">
            {move || match part.get().is_some() {
                false => view! {
                    <button
                        class="button"
                        data-testid="data-measure"
                        title="Reads all of the file once more and renews what is said here; your changes stay"
                        on:click=move |_| store.measure()
                    >
                        "Measure the whole file"
                    </button>
                }
                .into_any(),
                true => view! {
                    <div class="progress">
                        <progress max="1" aria-label="Measured" prop:value=move || part.get().unwrap_or(1.0)></progress>
                        <div class="progress-line">
                            <span>{move || format!("{} measured", text::share(part.get().unwrap_or(1.0), 1.0))}</span>
                            <button class="link" data-testid="data-measure-cancel" on:click=move |_| store.stop_measuring()>
                                "Cancel"
                            </button>
                        </div>
                    </div>
                }
                .into_any(),
            }}
        </div>
    }
}
