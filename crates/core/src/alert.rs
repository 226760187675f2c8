//! Alert rules: Prometheus' state machine, one state a rule and key.
//!
//! ```text
//!   condition   ─ ─ ■ ■ ■ ■ ■ ─ ─ ─            evaluated at the end of each window
//!   for 2m          pending─►firing─►          fires when now − active_at ≥ for
//!   keep 1m                     │ resolved     a minute after the first false evaluation
//! ```
//!
//! inactive → pending → firing → inactive; `for = 0` fires in the same evaluation. A pending alert whose
//! condition ends is resolved too, so that whoever shows it knows. Source: Prometheus `rules/alerting.go`.
//!
//! **Invariant:** an alert that fired, or is pending, is resolved before another begins for the same key.

use crate::change::AlertState;
use crate::spec::AlertSpec;

/// The state of one rule for one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Inactive,
    Pending {
        active_at: i64,
        id: u64,
    },
    Firing {
        id: u64,
        /// The first false evaluation since the condition last held.
        false_since: Option<i64>,
    },
}

/// One rule's states, indexed by key.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    hold: i64,
    keep: i64,
    states: Vec<State>,
}

impl Rule {
    pub(crate) fn new(spec: &AlertSpec) -> Self {
        Self { hold: spec.hold.0, keep: spec.keep_firing_for.0, states: Vec::new() }
    }

    /// Evaluates the rule for a key at event time `now`; gives the state entered, if any, and the id of
    /// the alert. `new_id` names an alert that begins.
    pub(crate) fn evaluate(
        &mut self,
        key: u32,
        now: i64,
        condition: bool,
        new_id: impl FnOnce() -> u64,
    ) -> Option<(AlertState, u64)> {
        let key = key as usize;
        if self.states.len() <= key {
            self.states.resize(key + 1, State::Inactive);
        }
        let before = self.states[key];
        let after = self.step(before, now, condition, new_id);
        self.states[key] = after;
        transition(before, after)
    }

    fn step(&self, state: State, now: i64, condition: bool, new_id: impl FnOnce() -> u64) -> State {
        match (state, condition) {
            (State::Inactive, true) => self.ripen(now, now, new_id()),
            (State::Pending { active_at, id }, true) => self.ripen(active_at, now, id),
            (State::Firing { id, .. }, true) => State::Firing { id, false_since: None },
            (State::Firing { id, false_since }, false) => {
                let since = false_since.unwrap_or(now);
                if now - since >= self.keep {
                    State::Inactive
                } else {
                    State::Firing { id, false_since: Some(since) }
                }
            }
            (State::Inactive | State::Pending { .. }, false) => State::Inactive,
        }
    }

    fn ripen(&self, active_at: i64, now: i64, id: u64) -> State {
        if now - active_at >= self.hold {
            State::Firing { id, false_since: None }
        } else {
            State::Pending { active_at, id }
        }
    }
}

fn transition(before: State, after: State) -> Option<(AlertState, u64)> {
    match (before, after) {
        (State::Inactive, State::Pending { id, .. }) => Some((AlertState::Pending, id)),
        (State::Inactive | State::Pending { .. }, State::Firing { id, .. }) => Some((AlertState::Firing, id)),
        (State::Pending { id, .. } | State::Firing { id, .. }, State::Inactive) => {
            Some((AlertState::Resolved, id))
        }
        _ => None,
    }
}
