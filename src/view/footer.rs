//! The totals, and what becomes of the data.

use crate::state::use_store;
use crate::text;
use leptos::prelude::*;

/// The line at the bottom.
#[component]
pub(crate) fn Footer() -> impl IntoView {
    let store = use_store();
    let late = Memo::new(move |_| store.frame.with(|frame| frame.late));
    let share = move || store.frame.with(|frame| text::share(frame.late, frame.events));
    view! {
        <footer class="footer">
            <span data-testid="events-total">
                <b>{move || store.frame.with(|frame| text::count(frame.events))}</b>
                " events"
            </span>
            <span class="figure" data-testid="events-rate">
                <b>{move || store.frame.with(|frame| text::short(frame.events_per_second))}</b>
                "/s"
            </span>
            <span class:late=move || { late.get() > 0.0 }>
                <b>{move || text::count(late.get())}</b>
                {move || format!(" late ({})", share())}
            </span>
            <span><b>{move || store.frame.with(|frame| text::count(frame.rejected))}</b>" rejected"</span>
            <span title="What the engine holds of this browser's memory: at most about 1 GB">
                "memory "
                {move || store.frame.with(|frame| text::bytes(frame.memory_bytes))}
            </span>
            <span
                class="mono"
                // Of a feed it is told at the end.
                hidden=move || store.frame.with(|frame| frame.digest.is_empty())
                title="The same for the same events and pipeline, here and on the command line"
            >
                "digest "
                <span data-testid="digest">{move || store.frame.with(|frame| text::digest(&frame.digest))}</span>
            </span>
            <span class="grow"></span>
            <span>
                {move || match store.is_live() {
                    true => "Runs in the server of this page. Nothing is sent.",
                    false => "Runs in this browser. Nothing is sent.",
                }}
            </span>
        </footer>
    }
}
