//! The words of the scene's controls.

/// Instead of the windows of a pipeline that has none.
pub(crate) const NO_QUERY: &str = "No query: the detectors read each event as it comes.";
