//! Puts the page into the place that `index.html` keeps for it.

use kappascope_page::app::App;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

fn main() {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        show_end();
    }));
    let Some(place) = document().get_element_by_id("page") else { return };
    place.set_inner_html("");
    mount_to(place.unchecked_into(), App).forget();
}

/// A page that panicked answers no more: says so, in what `index.html` keeps for that.
fn show_end() {
    if let Some(fatal) = document().get_element_by_id("fatal") {
        // Removing an attribute that is not there is no error.
        let _ = fatal.remove_attribute("hidden");
    }
}
