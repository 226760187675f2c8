//! What the page knows of the file of the user's: what it is, how it is to run, and how it runs.
//!
//! ```text
//!   worker: found ─► proposal ─► draft ── a person's edits ──► asked ─► worker: opened ─► running
//!                        └─ a new look at the file moves what was not edited
//! ```
//!
//! **Invariant:** a column has one role in a mapping, and what is grouped by or watched is among its keys
//! and measures.

use crate::wire::{Findings, Looking, Measured, Source};
use kappascope_ingest::profile::{ColumnKind, Mapping};
use leptos::prelude::*;
use std::sync::Arc;

/// What was found in a file.
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) bytes: f64,
    pub(crate) findings: Findings,
}

/// The state of the panel: cheap to copy.
#[derive(Clone, Copy)]
pub(crate) struct Data {
    /// How far a look at a file has come.
    pub(crate) looking: RwSignal<Option<Looking>>,
    /// What is known of the file that is open.
    pub(crate) found: RwSignal<Option<Arc<Found>>>,
    /// The mapping as the panel has it.
    pub(crate) draft: RwSignal<Option<Mapping>>,
    /// The mapping that runs.
    pub(crate) running: RwSignal<Option<Mapping>>,
    /// The mapping that was asked for and does not run yet.
    asked: RwSignal<Option<Mapping>>,
    /// Why the draft cannot run.
    pub(crate) refused: RwSignal<Option<String>>,
    /// Whether the panel is open.
    pub(crate) panel: RwSignal<bool>,
}

impl Data {
    pub(crate) fn new() -> Self {
        Self {
            looking: RwSignal::new(None),
            found: RwSignal::new(None),
            draft: RwSignal::new(None),
            running: RwSignal::new(None),
            asked: RwSignal::new(None),
            refused: RwSignal::new(None),
            panel: RwSignal::new(false),
        }
    }

    /// A source was opened: the same file by the mapping that was asked for, or another source.
    pub(crate) fn opened(self, source: &Source) {
        self.refused.set(None);
        match self.asked.try_update(Option::take).flatten() {
            Some(mapping) if matches!(source, Source::File { .. }) => self.running.set(Some(mapping)),
            _ => {
                self.panel.set(false);
                self.found.set(None);
                self.draft.set(None);
                self.running.set(None);
            }
        }
    }

    /// The worker says what the file is: for the first time, or after another look.
    pub(crate) fn found(self, measured: Measured) {
        let Measured { name, bytes, findings } = measured;
        let findings: Findings = match serde_json::from_str(&findings) {
            Ok(findings) => findings,
            Err(error) => return self.refused.set(Some(format!("What was found cannot be read: {error}."))),
        };
        let new = &findings.proposal.mapping;
        let old = self.found.with_untracked(|found| Some(found.as_ref()?.findings.proposal.mapping.clone()));
        match old {
            Some(old) => self.draft.update(|draft| {
                if let Some(draft) = draft {
                    *draft = carry(draft, &old, new);
                }
            }),
            None => {
                self.draft.set(Some(new.clone()));
                self.running.set(Some(new.clone()));
                self.panel.set(true);
            }
        }
        self.found.set(Some(Arc::new(Found { name, bytes, findings })));
    }

    /// Changes the draft.
    pub(crate) fn edit(self, change: impl FnOnce(&mut Mapping)) {
        self.refused.set(None);
        self.draft.update(|draft| {
            if let Some(draft) = draft {
                change(draft);
                settle(draft);
            }
        });
    }

    /// The draft as it runs.
    pub(crate) fn undo(self) {
        self.refused.set(None);
        self.draft.set(self.running.get_untracked());
    }

    /// What was asked for cannot run.
    pub(crate) fn refuse(self, problem: String) {
        self.asked.set(None);
        self.refused.set(Some(problem));
    }

    /// Another source is asked for.
    pub(crate) fn leave(self) {
        self.asked.set(None);
    }

    /// The draft, which is to run now.
    pub(crate) fn ask_to_run(self) -> Option<Mapping> {
        let draft = self.draft.get_untracked();
        self.refused.set(None);
        self.asked.set(draft.clone());
        draft
    }
}

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Time,
    Arrival,
    Partition,
    Key,
    Measure,
    Unused,
}

impl Role {
    pub(crate) const ALL: [Self; 6] =
        [Self::Time, Self::Arrival, Self::Partition, Self::Key, Self::Measure, Self::Unused];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Arrival => "arrival",
            Self::Partition => "partition",
            Self::Key => "key",
            Self::Measure => "measure",
            Self::Unused => "not used",
        }
    }

    /// What a mapping uses a column for.
    pub(crate) fn of(mapping: &Mapping, column: &str) -> Self {
        let is = |name: &String| name == column;
        if is(&mapping.time) {
            Self::Time
        } else if mapping.arrival.as_ref().is_some_and(is) {
            Self::Arrival
        } else if mapping.partition.as_ref().is_some_and(|(name, _)| is(name)) {
            Self::Partition
        } else if mapping.keys.iter().any(is) {
            Self::Key
        } else if mapping.measures.iter().any(is) {
            Self::Measure
        } else {
            Self::Unused
        }
    }

    /// Uses a column for this, and for nothing else. The column of time can only be replaced; partitions
    /// are only those that were found.
    pub(crate) fn give(self, mapping: &mut Mapping, column: &str, found: &Findings) {
        if mapping.time == column {
            return;
        }
        let is = |name: &String| name == column;
        mapping.keys.retain(|name| !is(name));
        mapping.measures.retain(|name| !is(name));
        mapping.arrival.take_if(|name| is(name));
        mapping.partition.take_if(|(name, _)| is(name));
        match self {
            Self::Time => {
                column.clone_into(&mut mapping.time);
                mapping.time_format = time_format(column, found);
            }
            Self::Arrival => mapping.arrival = Some(column.to_owned()),
            Self::Partition => mapping.partition.clone_from(&found.proposal.mapping.partition),
            Self::Key => mapping.keys.push(column.to_owned()),
            Self::Measure => mapping.measures.push(column.to_owned()),
            Self::Unused => {}
        }
    }
}

/// How the times of a column are written: left to the reader only where the proposal does so.
fn time_format(column: &str, found: &Findings) -> Option<String> {
    if column == found.proposal.mapping.time {
        return found.proposal.mapping.time_format.clone();
    }
    match &found.profile.column(column)?.kind {
        ColumnKind::Time { format, .. } => Some(format.clone()),
        _ => None,
    }
}

/// Holds the invariant after an edit.
fn settle(mapping: &mut Mapping) {
    mapping.by.take_if(|by| !mapping.keys.contains(by));
    mapping.watch.take_if(|watched| !mapping.measures.contains(watched));
}

/// A draft after another look at the file: what was edited stays, what was not follows the new proposal.
fn carry(draft: &Mapping, old: &Mapping, new: &Mapping) -> Mapping {
    fn kept<T: Clone + PartialEq>(draft: &T, old: &T, new: &T) -> T {
        if draft == old { new.clone() } else { draft.clone() }
    }
    // Roles depend on each other: a column of one is in none of the others.
    let roles = |mapping: &Mapping| {
        let Mapping { time, time_format, arrival, partition, keys, measures, .. } = mapping.clone();
        (time, time_format, arrival, partition, keys, measures)
    };
    let (time, time_format, arrival, partition, keys, measures) =
        kept(&roles(draft), &roles(old), &roles(new));
    let mut mapping = Mapping {
        time,
        time_format,
        arrival,
        partition,
        keys,
        measures,
        by: kept(&draft.by, &old.by, &new.by),
        watch: kept(&draft.watch, &old.watch, &new.watch),
        bound_ms: kept(&draft.bound_ms, &old.bound_ms, &new.bound_ms),
        lateness_ms: kept(&draft.lateness_ms, &old.lateness_ms, &new.lateness_ms),
        window_ms: kept(&draft.window_ms, &old.window_ms, &new.window_ms),
        ..new.clone()
    };
    settle(&mut mapping);
    mapping
}

#[cfg(test)]
mod tests {
    use super::*;
    use kappascope_ingest::profile::{ColumnProfile, Profile, Proposal};

    fn mapping() -> Mapping {
        Mapping {
            time: "at".to_owned(),
            time_format: None,
            arrival: None,
            partition: None,
            keys: vec!["page".to_owned(), "user".to_owned()],
            measures: vec!["ms".to_owned()],
            by: Some("page".to_owned()),
            watch: Some("ms".to_owned()),
            bound_ms: 5_000,
            idle_ms: None,
            lateness_ms: 0,
            window_ms: 60_000,
        }
    }

    fn found() -> Findings {
        let column =
            |name: &str, kind| ColumnProfile { name: name.to_owned(), kind, ..ColumnProfile::default() };
        let time = |format: &str| ColumnKind::Time { format: format.to_owned(), zone: String::new() };
        let columns = vec![column("at", time("rfc3339")), column("sent", time("us"))];
        let partition = Some(("user".to_owned(), 3));
        Findings {
            profile: Profile { columns, ..Profile::default() },
            proposal: Proposal { mapping: Mapping { partition, ..mapping() }, reasons: Vec::new() },
        }
    }

    #[test]
    fn a_column_has_one_role() {
        for role in Role::ALL {
            let mut draft = mapping();
            role.give(&mut draft, "user", &found());
            assert_eq!(Role::of(&draft, "user"), role);
            assert_eq!(draft.keys.contains(&"user".to_owned()), role == Role::Key);
            assert_eq!(Role::of(&draft, "at") == Role::Unused, role == Role::Time, "{role:?}");
        }
    }

    #[test]
    fn the_column_of_time_is_only_replaced_and_brings_its_format() {
        let mut draft = mapping();
        Role::Key.give(&mut draft, "at", &found());
        assert_eq!(draft, mapping());
        Role::Time.give(&mut draft, "sent", &found());
        assert_eq!((draft.time.as_str(), draft.time_format.as_deref()), ("sent", Some("us")));
        Role::Time.give(&mut draft, "at", &found());
        assert_eq!(draft, mapping());
    }

    #[test]
    fn what_is_grouped_by_and_watched_is_there() {
        let mut draft = mapping();
        Role::Unused.give(&mut draft, "page", &found());
        Role::Key.give(&mut draft, "ms", &found());
        settle(&mut draft);
        assert_eq!((draft.by, draft.watch), (None, None));
        let mut draft = mapping();
        settle(&mut draft);
        assert_eq!(draft, mapping());
    }

    #[test]
    fn another_look_moves_what_was_not_edited() {
        let (old, mut new, mut draft) = (mapping(), mapping(), mapping());
        (new.bound_ms, new.window_ms) = (30_000, 300_000);
        draft.window_ms = 1_000;
        draft.by = None;
        let carried = carry(&draft, &old, &new);
        assert_eq!((carried.bound_ms, carried.window_ms, carried.by.as_deref()), (30_000, 1_000, None));
        assert_eq!(carry(&old, &old, &new), new);
    }

    #[test]
    fn edited_roles_stay_together() {
        let (old, mut new, mut draft) = (mapping(), mapping(), mapping());
        new.keys = vec!["page".to_owned()];
        Role::Measure.give(&mut draft, "user", &found());
        let carried = carry(&draft, &old, &new);
        assert_eq!((carried.keys, carried.measures), (draft.keys, draft.measures));
    }
}
