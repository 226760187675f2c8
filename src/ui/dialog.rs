//! A dialog over the page, which the browser closes with Escape and gives the focus back after.

use crate::ui::icon::{Glyph, Icon};
use leptos::ev::MouseEvent;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// A dialog with a title, as long as it is open.
#[component]
pub(crate) fn Modal(
    title: &'static str,
    test_id: &'static str,
    #[prop(into)] open: Signal<bool>,
    on_close: Callback<()>,
    children: ChildrenFn,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(dialog) = dialog.get() else { return };
        match (open.get(), dialog.open()) {
            // One that is on the page and closed can be opened.
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    // The dialog itself, and not what is in it, is hit where nothing but its backdrop is.
    let press = move |event: MouseEvent| {
        let hit = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlDialogElement>().ok());
        if hit.is_some() {
            on_close.run(());
        }
    };
    let heading = StoredValue::new(format!("{test_id}-title"));
    view! {
        <dialog
            node_ref=dialog
            class="modal"
            data-testid=test_id
            aria-labelledby=heading.get_value()
            on:click=press
            on:close=move |_| on_close.run(())
        >
            <div class="modal-body">
                <div class="modal-head">
                    <h2 id=heading.get_value()>{title}</h2>
                    <button class="icon-button" aria-label="Close" on:click=move |_| on_close.run(())>
                        <Glyph icon=Icon::Close/>
                    </button>
                </div>
                <Show when=move || open.get()>{children()}</Show>
            </div>
        </dialog>
    }
}
