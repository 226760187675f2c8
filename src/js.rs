//! What JavaScript says, in Rust.

use wasm_bindgen::prelude::*;

/// What a JavaScript error says.
#[must_use]
pub fn words(error: &JsValue) -> String {
    error.dyn_ref::<js_sys::Error>().map_or_else(|| format!("{error:?}"), |error| error.message().into())
}
