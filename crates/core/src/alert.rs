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
use serde::{Deserialize, Serialize};

/// The state of one rule for one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Serialize, Deserialize)]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Millis;

    /// Evaluates a rule once a second over a condition drawn as `-` and `#`, and draws the states: `.`
    /// no transition, `p`, `f`, `r`.
    fn check(hold_s: i64, keep_s: i64, condition: &str, expected: &str) {
        let mut rule = Rule::new(&AlertSpec {
            name: "r".to_owned(),
            when: "d".to_owned(),
            hold: Millis(hold_s * 1_000),
            keep_firing_for: Millis(keep_s * 1_000),
            severity: "warning".to_owned(),
        });
        let drawn: String = condition
            .chars()
            .zip(0..)
            .map(|(c, second)| match rule.evaluate(0, second * 1_000, c == '#', || second as u64) {
                None => '.',
                Some((AlertState::Pending, _)) => 'p',
                Some((AlertState::Firing, _)) => 'f',
                Some((AlertState::Resolved, _)) => 'r',
            })
            .collect();
        assert_eq!(drawn, expected, "for {hold_s} s, keep {keep_s} s, {condition}");
    }

    #[test]
    fn states_as_prometheus() {
        check(0, 0, "--##--#-", "..f.r.fr");
        check(2, 0, "--####--", "..p.f.r.");
        check(2, 0, "--##--", "..p.r.");
        check(2, 0, "##-###-", "p.rp.fr");
        check(0, 2, "#-----", "f..r..");
        check(0, 2, "#-#---#", "f....rf");
        check(1, 1, "##-#--#", "pf...rp");
    }

    #[test]
    fn one_alert_keeps_its_id_and_keys_do_not_share_states() {
        let spec = AlertSpec {
            name: "r".to_owned(),
            when: "d".to_owned(),
            hold: Millis(1),
            keep_firing_for: Millis(0),
            severity: "warning".to_owned(),
        };
        let mut rule = Rule::new(&spec);
        assert_eq!(rule.evaluate(0, 0, true, || 7), Some((AlertState::Pending, 7)));
        assert_eq!(rule.evaluate(3, 0, true, || 8), Some((AlertState::Pending, 8)));
        assert_eq!(rule.evaluate(0, 1, true, || 9), Some((AlertState::Firing, 7)));
        assert_eq!(rule.evaluate(0, 2, false, || 9), Some((AlertState::Resolved, 7)));
        assert_eq!(rule.evaluate(3, 2, true, || 9), Some((AlertState::Firing, 8)));
    }
}
