//! Panics of the library at pages that contradict themselves, turned into errors.
//!
//! The library checks most of what a file says of itself, but not all (lengths inside delta encodings and
//! of fixed-length values, for instance). In WebAssembly a panic ends the module's call with an exception,
//! which is caught where the module is called.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether a panic on this thread will be caught here.
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Runs `read`, whose state must not be used again when it panicked: then there is no result.
pub(crate) fn guarded<T>(read: impl FnOnce() -> T) -> Option<T> {
    HOOK.call_once(silence_what_is_caught);
    let outer = CAUGHT.replace(true);
    let result = catch_unwind(AssertUnwindSafe(read));
    CAUGHT.set(outer);
    result.ok()
}

/// What is caught is told as an error, and not on standard error as well.
fn silence_what_is_caught() {
    let told = take_hook();
    set_hook(Box::new(move |panic| {
        if !CAUGHT.get() {
            told(panic);
        }
    }));
}
