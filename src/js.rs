//! What JavaScript says, in Rust.

use js_sys::{ArrayBuffer, WebAssembly};
use wasm_bindgen::prelude::*;

/// What a JavaScript error says.
#[must_use]
pub fn words(error: &JsValue) -> String {
    error.dyn_ref::<js_sys::Error>().map_or_else(|| format!("{error:?}"), |error| error.message().into())
}

/// Bytes of WebAssembly memory that this thread holds now.
#[must_use]
pub fn memory_bytes() -> f64 {
    let memory: WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    f64::from(memory.buffer().unchecked_into::<ArrayBuffer>().byte_length())
}
