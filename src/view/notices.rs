//! Lines that speak to a person: what went wrong and what to do, what to try first, where to drop.

use crate::state::use_store;
use crate::ui::icon::{Glyph, Icon};
use leptos::prelude::*;

/// What went wrong, until it is dismissed.
#[component]
pub(crate) fn Problem() -> impl IntoView {
    let store = use_store();
    view! {
        <div role="alert">
            <Show when=move || store.problem.with(Option::is_some)>
                <div class="banner" data-testid="error">
                    <span class="tag fire">"Problem"</span>
                    <span>{move || store.problem.get()}</span>
                    <button class="icon-button" aria-label="Dismiss" on:click=move |_| store.problem.set(None)>
                        <Glyph icon=Icon::Close/>
                    </button>
                </div>
            </Show>
        </div>
    }
}

/// What to try first, until it is dismissed.
#[component]
pub(crate) fn Hint() -> impl IntoView {
    let seen = RwSignal::new(false);
    view! {
        <Show when=move || !seen.get()>
            <p class="hint">
                <span>"Try this: drag " <b>"Lateness"</b> " and " <b>"Bound"</b> " to 0 s and watch the late events."</span>
                <button class="link" on:click=move |_| seen.set(true)>"Dismiss"</button>
            </p>
        </Show>
    }
}

/// Covers the page while a file hangs over it.
#[component]
pub(crate) fn DropVeil(dragging: RwSignal<bool>) -> impl IntoView {
    view! {
        <Show when=move || dragging.get()>
            <div class="drop-veil"><p>"Drop it: the file stays in this browser"</p></div>
        </Show>
    }
}
