//! Alert rules: Prometheus' state machine, one state a rule and key.
//!
//! ```text
//!   condition   ─ ─ ■ ■ ■ ■ ■ ─ ─ ─            evaluated at the end of each window
//!   for 2m          pending─►firing─►          fires when now − active_at ≥ for
//!   keep 1m                     │ resolved     a minute after the first false evaluation
//! ```
//!
//! A key that has no point when the next is due is evaluated as false, as a series that is gone is in
//! Prometheus: at the end of each window, or after the rule's `interval`.
//!
//! inactive → pending → firing → inactive; `for = 0` fires in the same evaluation. A pending alert whose
//! condition ends is resolved too, so that whoever shows it knows. Source: Prometheus `rules/alerting.go`.
//!
//! **Invariant:** an alert that fired, or is pending, is resolved before another begins for the same key.

use crate::change::AlertState;
use crate::spec::AlertSpec;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

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

/// When a key that has no point is due to be evaluated all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// At the end of each window: at `offset` and every `step` from there.
    Grid {
        offset: i64,
        step: i64,
    },
    /// So long after its last evaluation.
    After(i64),
    Never,
}

impl Due {
    /// The first time after `last`, the newest point's, that lies not before `least`.
    fn next(self, last: i64, least: i64) -> Option<i64> {
        let (from, step) = match self {
            Self::Grid { offset, step } => (last - (last - offset).rem_euclid(step), step),
            Self::After(interval) => (last, interval),
            Self::Never => return None,
        };
        let steps = (least.max(last + 1) - from + step - 1).div_euclid(step);
        Some(from + steps.max(1) * step)
    }
}

/// One rule's states.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    hold: i64,
    keep: i64,
    due: Due,
    keys: Vec<OfKey>,
    /// When active keys are due, the first on top. A key whose due time has moved on since is looked at
    /// again when this one comes up; one whose due time was brought forward has a second entry, and the
    /// later one means nothing.
    timers: BinaryHeap<Reverse<(i64, u32)>>,
}

/// One key's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OfKey {
    state: State,
    /// The newest point that it was evaluated at while it was active. Times of events may step back, and
    /// this must not, as timers are not looked for but waited for.
    last: i64,
    /// Its timer.
    #[serde(skip)]
    timer: Option<i64>,
}

impl OfKey {
    const NEW: Self = Self { state: State::Inactive, last: i64::MIN, timer: None };
}

impl Rule {
    pub(crate) fn new(spec: &AlertSpec, due: Due) -> Self {
        let (hold, keep) = (spec.hold.0, spec.keep_firing_for.0);
        Self { hold, keep, due, keys: Vec::new(), timers: BinaryHeap::new() }
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
        if self.keys.len() <= key as usize {
            // Nothing to keep of a key that was never active.
            if !condition {
                return None;
            }
            self.keys.resize(key as usize + 1, OfKey::NEW);
        }
        let OfKey { state: before, last, timer } = self.keys[key as usize];
        let after = self.step(before, now, condition, new_id);
        if before == State::Inactive && after == State::Inactive {
            return None;
        }
        self.keys[key as usize] = OfKey { state: after, last: last.max(now), timer };
        self.time(key);
        transition(before, after)
    }

    /// Evaluates the rule for a key that has no point: the condition is false.
    pub(crate) fn miss(&mut self, key: u32, now: i64) -> Option<(AlertState, u64)> {
        let before = self.keys[key as usize].state;
        let after = self.step(before, now, false, || unreachable!("no alert begins without a point"));
        self.keys[key as usize].state = after;
        self.time(key);
        transition(before, after)
    }

    /// When a key is to be evaluated without a point. In between, while `keep_firing_for` runs, no
    /// evaluation would change anything, so a jump in time costs one and not thousands.
    fn due(&self, OfKey { state, last, .. }: OfKey) -> Option<i64> {
        match state {
            State::Inactive => None,
            State::Firing { false_since: Some(since), .. } => self.due.next(last, since + self.keep),
            State::Pending { .. } | State::Firing { .. } => self.due.next(last, last),
        }
    }

    /// Sees to it that a key is looked at when it is due.
    fn time(&mut self, key: u32) {
        let due = self.due(self.keys[key as usize]);
        let timer = &mut self.keys[key as usize].timer;
        if let Some(due) = due.filter(|due| timer.is_none_or(|timer| *due < timer)) {
            *timer = Some(due);
            self.timers.push(Reverse((due, key)));
        }
    }

    /// When an active key may be due first.
    pub(crate) fn next_due(&self) -> Option<i64> {
        self.timers.peek().map(|Reverse((due, _))| *due)
    }

    /// When a key may be due first if one is evaluated at a time.
    pub(crate) fn due_with(&self, time: i64) -> Option<i64> {
        let with_it = match self.due {
            Due::After(_) => self.due.next(time, time),
            // What ends on the grid is evaluated by the watermark, never between two of its steps.
            Due::Grid { .. } | Due::Never => None,
        };
        self.next_due().into_iter().chain(with_it).min()
    }

    /// Whether a key that is evaluated at this time is due again already.
    pub(crate) fn is_overdue(&self, time: i64, watermark: i64) -> bool {
        matches!(self.due, Due::After(interval) if time + interval - 1 <= watermark)
    }

    /// The key that is due next, unless it was evaluated since, or is active no more.
    pub(crate) fn take_due(&mut self) -> Option<u32> {
        let Reverse((due, key)) = self.timers.pop()?;
        let of_key = &mut self.keys[key as usize];
        if of_key.timer != Some(due) {
            return None;
        }
        of_key.timer = None;
        if self.due(self.keys[key as usize]) == Some(due) {
            return Some(key);
        }
        self.time(key);
        None
    }

    pub(crate) fn state(&self) -> Vec<OfKey> {
        self.keys.clone()
    }

    pub(crate) fn resume(&mut self, keys: Vec<OfKey>) {
        self.keys = keys;
        (0..self.keys.len() as u32).for_each(|key| self.time(key));
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
        let (hold, keep_firing_for) = (Millis(hold_s * 1_000), Millis(keep_s * 1_000));
        let mut rule = Rule::new(&AlertSpec { hold, keep_firing_for, ..AlertSpec::default() }, Due::Never);
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
        let mut rule = Rule::new(&AlertSpec { hold: Millis(1), ..AlertSpec::default() }, Due::Never);
        assert_eq!(rule.evaluate(0, 0, true, || 7), Some((AlertState::Pending, 7)));
        assert_eq!(rule.evaluate(3, 0, true, || 8), Some((AlertState::Pending, 8)));
        assert_eq!(rule.evaluate(0, 1, true, || 9), Some((AlertState::Firing, 7)));
        assert_eq!(rule.evaluate(0, 2, false, || 9), Some((AlertState::Resolved, 7)));
        assert_eq!(rule.evaluate(3, 2, true, || 9), Some((AlertState::Firing, 8)));
    }
}
