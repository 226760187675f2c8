//! Flink's answers beside ours, in the order that both promise.
//!
//! **Invariant:** nothing is compared less strictly than Flink is deterministic. Numbers are compared bit by bit.
//!
//! | family | order that counts |
//! |---|---|
//! | SQL | none: each window and key has one row |
//! | DataStream, tumbling and session | of all that concerns a key |
//! | DataStream, hopping | of the results of each key and window, and of the late events of each key |
//!
//! Flink fires the keys of one window in the order of a heap, and corrects the newest of an event's hopping
//! windows first where we correct the oldest; neither is part of what a window means.

use std::fmt;

use crate::{Answer, Stream, Window};

/// How the answers to one stream differ.
#[derive(Clone, Debug)]
pub struct Differences {
    /// Which stream.
    pub id: String,
    /// Lines of Flink's that are not ours.
    pub only_flink: Vec<String>,
    /// Lines of ours that are not Flink's.
    pub only_ours: Vec<String>,
}

/// Nothing when the answers are the same.
#[must_use]
pub fn compare(stream: &Stream, flink: &[Answer], ours: &[Answer]) -> Option<Differences> {
    let (flink, ours) = (arranged(stream, flink), arranged(stream, ours));
    if flink == ours {
        return None;
    }
    let only_flink = without(&flink, &ours);
    let only_ours = without(&ours, &flink);
    Some(Differences { id: stream.id.clone(), only_flink, only_ours })
}

/// The answers as lines, which say every bit of a number, in the order that counts.
fn arranged(stream: &Stream, answers: &[Answer]) -> Vec<String> {
    let mut answers: Vec<&Answer> = answers.iter().collect();
    let hopping = matches!(stream.window, Window::Hopping { .. });
    answers.sort_by_key(|answer| match answer {
        Answer::Result { key, start, end, .. } if stream.family.sql => (key, *start, *end),
        Answer::Result { key, start, .. } if hopping => (key, *start, 0),
        Answer::Late { key, .. } if hopping => (key, i64::MIN, 0),
        Answer::Result { key, .. } | Answer::Late { key, .. } => (key, 0, 0),
    });
    answers.into_iter().map(ToString::to_string).collect()
}

/// The lines of `these` for which `those` has no line of their own.
fn without(these: &[String], those: &[String]) -> Vec<String> {
    let mut rest: Vec<&String> = those.iter().collect();
    let mut lines = Vec::new();
    for line in these {
        match rest.iter().position(|other| *other == line) {
            Some(at) => drop(rest.swap_remove(at)),
            None => lines.push(line.clone()),
        }
    }
    lines
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:", self.id)?;
        if self.only_flink.is_empty() && self.only_ours.is_empty() {
            return writeln!(f, "  the same lines in another order");
        }
        self.only_flink.iter().try_for_each(|line| writeln!(f, "  Flink {line}"))?;
        self.only_ours.iter().try_for_each(|line| writeln!(f, "  ours  {line}"))
    }
}
