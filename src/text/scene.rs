//! The words of the scene's controls.

/// Instead of the windows of a pipeline that has none.
pub(crate) const NO_QUERY: &str = "No query: the detectors read each event as it comes.";

/// Of a source that is in the server.
pub(crate) const LIVE: &str = "The pipeline runs in the server that this page came from, and gives its results as they \
                               come. Its settings, as shown below, are those of its file there.";
