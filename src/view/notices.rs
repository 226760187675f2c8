//! Lines that speak to a person: what went wrong and what to do, what to try first, whether a
//! shared scene came out the same, where to drop.

use crate::state::{Store, use_store};
use crate::text;
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
                    <Show when=move || store.dead.get()>
                        <button class="button" data-testid="restart" on:click=move |_| restart(store)>
                            "Start it again"
                        </button>
                    </Show>
                    <button class="icon-button" aria-label="Dismiss" on:click=move |_| store.problem.set(None)>
                        <Glyph icon=Icon::Close/>
                    </button>
                </div>
            </Show>
        </div>
    }
}

/// Starts another engine, which runs the log again up to where the one that stopped was.
fn restart(store: Store) {
    store.problem.set(None);
    store.restart();
}

/// Under what the browser remembers which hints were dismissed: their sources, parted by spaces.
const DISMISSED: &str = "kappascope-hints";

/// What to try first in this source, until it is dismissed, which the browser remembers where it may.
#[component]
pub(crate) fn Hint() -> impl IntoView {
    let store = use_store();
    let dismissed = RwSignal::new(remembered());
    let source = Memo::new(move |_| {
        store.opened.with(|opened| opened.as_ref().map(|opened| text::option_of(&opened.source)))
    });
    let hint = move || {
        let source = source.get()?;
        let new = dismissed.with(|known| known.split(' ').all(|known| known != source));
        new.then(|| text::hint(&source)).flatten()
    };
    let dismiss = move |_| {
        dismissed.update(|known| known.extend([" ", &source.get_untracked().unwrap_or_default()]));
        dismissed.with_untracked(|known| remember(known));
    };
    view! {
        {move || hint().map(|words| view! {
            <p class="hint" data-testid="hint">
                <span><b>"Try this: "</b>{words}</span>
                <button class="link" on:click=dismiss>"Dismiss"</button>
            </p>
        })}
    }
}

fn remembered() -> String {
    let storage = window().local_storage().ok().flatten();
    storage.and_then(|storage| storage.get_item(DISMISSED).ok()?).unwrap_or_default()
}

fn remember(dismissed: &str) {
    if let Some(storage) = window().local_storage().ok().flatten() {
        // A browser that forbids storage shows the hint again after a reload; nothing else depends on it.
        let _ = storage.set_item(DISMISSED, dismissed);
    }
}

/// Says whether the same came out as for whoever shared the scene.
#[component]
pub(crate) fn SharedScene() -> impl IntoView {
    let store = use_store();
    let digest = Memo::new(move |_| store.shared.get().map(|_| text::digest(&store.newest().digest)));
    let line = move || {
        let shared = store.shared.get()?;
        let events = text::several(shared.row as f64, "event");
        let digest = digest.get().unwrap_or_default();
        let words = if shared.identical {
            view! { <b>"Identical to the last bit: "</b> {events} " give digest " <span class="mono">{digest}</span> }
                .into_any()
        } else {
            view! {
                <b>"Not identical: "</b>
                {events}
                " give digest "
                <span class="mono">{digest}</span>
                ", and whoever shared this scene had another. The page that made it may be of another version."
            }
            .into_any()
        };
        Some((shared.identical, words))
    };
    view! {
        <div role="status">
            {move || line().map(|(identical, words)| view! {
                <p class="shared" class:differs=!identical data-testid="shared">
                    <span>{words}</span>
                    <button class="link" on:click=move |_| store.shared.set(None)>"Dismiss"</button>
                </p>
            })}
        </div>
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
