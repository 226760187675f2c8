//! Errors that come again and again are told now and then.

use crate::clock::now_ms;

/// Before the same error is told again, in milliseconds.
const QUIET_MS: u64 = 10_000;

/// What was told last, and when.
#[derive(Debug, Default)]
pub(crate) struct Told {
    last: String,
    at_ms: u64,
}

impl Told {
    /// Tells an error, unless it was told a moment ago.
    pub(crate) fn tell<E: std::fmt::Display>(&mut self, error: &E, tell: impl FnOnce(&E)) {
        let (text, now) = (error.to_string(), now_ms());
        if text != self.last || now - self.at_ms >= QUIET_MS {
            tell(error);
            *self = Self { last: text, at_ms: now };
        }
    }
}
