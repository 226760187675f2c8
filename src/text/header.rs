//! The words of the bar at the top.

use crate::wire::Listening;

pub(crate) const MORE: &str = "More: results, state or scene as files";
pub(crate) const JUMP: &str = "Go to a time or a row";
pub(crate) const KEYS: &str = "Keys";
pub(crate) const PIPELINE: (&str, &str) =
    ("Pipeline file", "The pipeline with these settings, as a file for the command line");

/// Why messages are lost, of a feed.
pub(crate) const LOST: &str = "They came faster than they were taken, or while there was no connection";

/// How it stands with a feed, in a word and as a class; not known before the pipeline is.
pub(crate) fn connection(listening: Option<Listening>, ended: bool) -> (&'static str, &'static str) {
    match listening.map(|listening| listening.retry_in) {
        Some(None) if ended => ("Ended", "ended"),
        Some(None) => ("Live", "on"),
        Some(Some(seconds)) if seconds > 0.0 => ("No connection", "off"),
        Some(Some(_)) | None => ("Connecting", "off"),
    }
}

/// When the next attempt is made.
pub(crate) fn next_attempt(listening: Option<Listening>) -> Option<String> {
    let seconds = listening?.retry_in?.ceil();
    (seconds > 0.0).then(|| format!(", again in {seconds:.0}\u{a0}s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_told_in_a_word() {
        let say = |retry_in, ended| {
            let listening = Some(Listening { retry_in, lost: 0.0 });
            format!("{}{}", connection(listening, ended).0, next_attempt(listening).unwrap_or_default())
        };
        assert_eq!(say(None, false), "Live");
        assert_eq!(say(None, true), "Ended");
        assert_eq!(say(Some(0.0), true), "Connecting");
        assert_eq!(say(Some(2.3), false), "No connection, again in 3\u{a0}s");
        assert_eq!(connection(None, false).0, "Connecting");
    }
}
