//! The words of the bar at the top.

pub(crate) const MORE: &str = "More: results, state or scene as files";
pub(crate) const JUMP: &str = "Go to a time or a row";
pub(crate) const KEYS: &str = "Keys";
pub(crate) const PIPELINE: (&str, &str) =
    ("Pipeline file", "The pipeline with these settings, as a file for the command line");
