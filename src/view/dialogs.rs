//! What opens over the page: the keys, and where to jump.

use crate::jump;
use crate::state::use_store;
use crate::ui::dialog::Modal;
use leptos::html;
use leptos::prelude::*;

/// What is open over the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialog {
    /// All keys and what they do.
    Keys,
    /// A place of the log to go to.
    Jump,
}

/// What is open over the page, for anyone to open.
pub(crate) type Open = RwSignal<Option<Dialog>>;

/// Both dialogs.
#[component]
pub(crate) fn Dialogs() -> impl IntoView {
    let open = expect_context::<Open>();
    let close = Callback::new(move |()| open.set(None));
    view! {
        <Modal
            title="Keys"
            test_id="keys"
            open=Signal::derive(move || open.get() == Some(Dialog::Keys))
            on_close=close
        >
            <Keys/>
        </Modal>
        <Modal
            title="Go to"
            test_id="jump"
            open=Signal::derive(move || open.get() == Some(Dialog::Jump))
            on_close=close
        >
            <Jump/>
        </Modal>
    }
}

/// The keys of the page, with what they do.
const KEYS: [(&[&str], &str); 15] = [
    (&["Space"], "Play or pause"),
    (&["→"], "Step by an event"),
    (&["←"], "Step back by an event"),
    (&["Shift", "→"], "To the next result of a window"),
    (&["Shift", "←"], "Back to the result of a window before"),
    (&["L"], "To the next event that is dropped as late"),
    (&["."], "To the next alert"),
    (&["Home"], "Back to the start"),
    (&["/"], "Go to a time or a row"),
    (&["Esc"], "Let go of what is selected, or close"),
    (&["Tab"], "To the next control; arrows turn a slider, Home and End take it to its ends"),
    (&["+", "−", "0"], "On the main chart: nearer, farther, all of it"),
    (&["→", "←", "↑", "↓"], "On the main chart: the values of another time or line; Enter looks into them"),
    (&["↑", "↓"], "On a line of the disorder: longer or shorter"),
    (&["?"], "These keys"),
];

#[component]
fn Keys() -> impl IntoView {
    let line = |(keys, what): (&'static [&'static str], &'static str)| {
        let keys = keys.iter().map(|key| view! { <kbd>{*key}</kbd> }).collect_view();
        view! { <div><dt>{keys}</dt><dd>{what}</dd></div> }
    };
    view! {
        <dl class="keys">{KEYS.map(line).collect_view()}</dl>
    }
}

#[component]
fn Jump() -> impl IntoView {
    let store = use_store();
    let open = expect_context::<Open>();
    let field = NodeRef::<html::Input>::new();
    let wrong = RwSignal::new(None::<String>);
    let go = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(field) = field.get_untracked() else { return };
        match jump::read(&field.value(), store.newest().newest_time.unwrap_or(0.0)) {
            Ok(to) => {
                store.go(to);
                open.set(None);
            }
            Err(words) => wrong.set(Some(words)),
        }
    };
    view! {
        <form class="jump" on:submit=go>
            <label for="jump-to">"A time, in UTC, or the number of an event"</label>
            <div>
                <input
                    node_ref=field
                    id="jump-to"
                    class="field mono"
                    data-testid="jump-to"
                    placeholder="12:04:31 or #1204"
                    autocomplete="off"
                    autofocus
                    aria-describedby="jump-wrong"
                />
                <button class="button primary" type="submit">"Go"</button>
            </div>
            <p id="jump-wrong" class="refused" role="alert">{wrong}</p>
        </form>
    }
}
