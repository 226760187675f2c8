//! Keys as WebDriver writes them.

/// To the start of a range.
pub const HOME: &str = "\u{e011}";
/// To its end.
pub const END: &str = "\u{e010}";
/// To the left.
pub const LEFT: &str = "\u{e012}";
/// To the right.
pub const RIGHT: &str = "\u{e014}";
/// Up.
pub const UP: &str = "\u{e013}";
/// Down.
pub const DOWN: &str = "\u{e015}";
/// To the left with shift held, which is let go again.
pub const SHIFT_LEFT: &str = "\u{e008}\u{e012}\u{e008}";
/// To what can be reached next.
pub const TAB: &str = "\u{e004}";
/// Presses what has the focus.
pub const ENTER: &str = "\u{e007}";
/// Out of something.
pub const ESCAPE: &str = "\u{e00c}";
