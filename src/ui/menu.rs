//! A button that opens a small menu of things to do.
//!
//! Choosing, Escape and leaving it close it; the focus goes back to the button.

use crate::ui::icon::{Glyph, Icon};
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

/// One thing to do.
pub(crate) struct Item {
    pub(crate) words: &'static str,
    /// What it does in a sentence, shown on hover.
    pub(crate) about: &'static str,
    pub(crate) test_id: &'static str,
    /// Whether it stands elsewhere where the page is wide.
    pub(crate) only_narrow: bool,
    pub(crate) act: Callback<()>,
}

/// A button with a menu.
#[component]
pub(crate) fn Menu(
    /// What the button is for, for who cannot see its icon.
    label: String,
    icon: Icon,
    /// The look of the button, as classes.
    look: &'static str,
    test_id: &'static str,
    items: Vec<Item>,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let button = NodeRef::<leptos::html::Button>::new();
    let close = move || {
        open.set(false);
        if let Some(button) = button.get_untracked() {
            // A button that cannot take the focus keeps it where it is.
            let _ = button.focus();
        }
    };
    let item = |Item { words, about, test_id, only_narrow, act }| {
        let choose = move |_| {
            act.run(());
            close();
        };
        view! {
            <button class:only-narrow=only_narrow data-testid=test_id title=about on:click=choose>{words}</button>
        }
    };
    view! {
        <div
            class="menu"
            on:keydown=move |event| if open.get_untracked() && event.key() == "Escape" {
                event.stop_propagation();
                close();
            }
            on:focusout=move |event| {
                let inside = event.related_target().and_then(|to| to.dyn_into::<HtmlElement>().ok());
                if inside.is_none_or(|to| to.closest(".menu").ok().flatten().is_none()) {
                    open.set(false);
                }
            }
        >
            <button
                class=look
                node_ref=button
                data-testid=test_id
                title=label.clone()
                aria-label=label
                aria-expanded=move || open.get().to_string()
                on:click=move |_| open.update(|open| *open = !*open)
            >
                <Glyph icon=icon/>
            </button>
            <div class="menu-items" hidden=move || !open.get()>{items.into_iter().map(item).collect_view()}</div>
        </div>
    }
}
