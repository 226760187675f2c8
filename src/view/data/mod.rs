//! "Your data": what a file of the user's is, and how it is to run. Takes the place of the charts.
//!
//! | part | shows |
//! |---|---|
//! | `facts` | size, records, span, how they come over time |
//! | `columns` | each column: its kind, what it is used for, its values |
//! | `mapping` | the pipeline that the columns become, with the proposal's reasons |
//! | `disorder` | how late events come, and what each bound would lose |
//! | `preview` | the first rows, what does not fit marked |

mod columns;
mod disorder;
mod facts;
mod mapping;
mod preview;

use crate::data::{Data, Found};
use crate::state::use_store;
use crate::text;
use columns::Columns;
use disorder::Disorder;
use facts::Facts;
use leptos::html::Section;
use leptos::prelude::*;
use mapping::Pipeline;
use preview::Preview;
use std::sync::Arc;

/// The panel, while it is open.
#[component]
pub(crate) fn DataPanel() -> impl IntoView {
    let data = use_store().data;
    let open = Memo::new(move |_| data.panel.get() && data.found.with(Option::is_some));
    view! { <Show when=move || open.get()><Panel/></Show> }
}

#[component]
fn Panel() -> impl IntoView {
    let data = use_store().data;
    let panel = NodeRef::<Section>::new();
    Effect::new(move |_| {
        if let Some(panel) = panel.get() {
            // What cannot take the focus leaves it where it is.
            let _ = panel.focus();
        }
    });
    let about = move || {
        data.found.get().map(|found| {
            format!("{} · {} · {}", found.name, found.findings.profile.form, text::bytes(found.bytes))
        })
    };
    view! {
        <section class="data" data-testid="data" aria-label="Your data" tabindex="-1" node_ref=panel>
            <header class="data-head">
                <h2>"Your data"</h2>
                <span class="about" title=about>{about}</span>
                <button
                    class="button"
                    data-testid="data-close"
                    title="Back to the chart (Esc)"
                    on:click=move |_| data.panel.set(false)
                >
                    "Show the chart"
                </button>
            </header>
            <div class="data-body" tabindex="0" role="region" aria-label="What was found">
                {move || data.found.get().map(parts)}
            </div>
            <RunBar/>
        </section>
    }
}

fn parts(found: Arc<Found>) -> impl IntoView {
    view! {
        <Facts found=Arc::clone(&found)/>
        <Columns found=Arc::clone(&found)/>
        <Pipeline found=Arc::clone(&found)/>
        <Disorder found=Arc::clone(&found)/>
        <Preview found=found/>
    }
}

/// What runs, and the button for what does not yet.
#[component]
fn RunBar() -> impl IntoView {
    let store = use_store();
    let data = store.data;
    let changed = Memo::new(move |_| data.draft.get() != data.running.get());
    view! {
        <footer class="data-run">
            <div role="status" class="data-said">
                {move || match data.refused.get() {
                    Some(problem) => view! { <span class="refused" data-testid="data-refused">{problem}</span> }.into_any(),
                    None => view! { <span data-testid="data-state">{run_words(data)}</span> }.into_any(),
                }}
            </div>
            <Show when=move || changed.get()>
                <button class="button" data-testid="data-undo" on:click=move |_| data.undo()>"Undo"</button>
            </Show>
            <button
                class="button primary"
                data-testid="data-run"
                disabled=move || !changed.get()
                on:click=move |_| store.run_mapping()
            >
                "Run"
            </button>
        </footer>
    }
}

fn run_words(data: Data) -> &'static str {
    let running = data.running.get();
    let is_proposed = |found: &Option<Arc<Found>>| {
        found.as_ref().map(|found| &found.findings.proposal.mapping) == running.as_ref()
    };
    if data.draft.get() != running {
        "Changed. Run reads the file again from its start."
    } else if data.found.with(is_proposed) {
        "This proposal already runs. Change it above, then run it again."
    } else {
        "Your settings run."
    }
}

/// A part of the panel.
fn part(name: &'static str, about: impl Into<String>, content: impl IntoView) -> impl IntoView {
    view! {
        <section class="part">
            <h3>{name}<span class="about">{about.into()}</span></h3>
            {content}
        </section>
    }
}

/// Bars as one shape in a place of one unit a bar and a height of 1: heights are shares of the largest, by
/// `height`; only those that `is_drawn` says are drawn.
fn bars(counts: &[u64], height: impl Fn(u64) -> f64, is_drawn: impl Fn(usize) -> bool) -> String {
    let most = counts.iter().copied().max().map_or(1.0, &height).max(f64::MIN_POSITIVE);
    // Many bars leave no room between them.
    let wide = if counts.len() > 60 { 1.0 } else { 0.86 };
    let bar = |(at, count): (usize, &u64)| {
        // What is there at all is seen.
        let share = (height(*count) / most).max(0.04);
        format!("M{at} 1V{:.3}H{:.2}V1z", 1.0 - share, at as f64 + wide)
    };
    counts.iter().enumerate().filter(|(at, count)| **count > 0 && is_drawn(*at)).map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_bar_is_as_high_as_its_place_and_none_vanishes() {
        let linear = |count| count as f64;
        let drawn = |counts: &[u64]| bars(counts, linear, |_| true);
        assert_eq!(drawn(&[0, 1, 1_000]), "M1 1V0.960H1.86V1zM2 1V0.000H2.86V1z");
        assert_eq!(drawn(&[0]), "");
        assert_eq!(bars(&[4, 2], linear, |at| at == 1), "M1 1V0.500H1.86V1z");
    }
}
