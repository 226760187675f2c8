//! Sessions: events of a key that lie at most a gap apart.
//!
//! The bound is shorter than the gap, so a key has at most two sessions to which an event may still come: the
//! newest, and the one before it while the bound has not passed. An event that touches both makes them one.
//!
//! ```text
//!   before  ├──────┤                  ├───┤  newest         gap 10 s, bound 5 s
//!                       more than 10 s
//!   then              │ less than 10 s from both: one session from here on
//! ```
//!
//! A session is given when its key begins the one after the next, or at the end: the loop has no timer, which a
//! program that answers in time would need, and which the engine has.
//!
//! **Invariant:** `before`, if any, ends more than the gap before `newest` begins.

use kappascope_core::Log;

use super::Cell;
use crate::result::Group;
use crate::stream::BOUND_MS;

/// A session that may still grow.
#[derive(Clone, Copy)]
struct Session {
    first: i64,
    last: i64,
    cell: Cell,
}

impl Session {
    fn of(time: i64, value: f64) -> Self {
        let mut cell = Cell::EMPTY;
        cell.add(value);
        Self { first: time, last: time, cell }
    }

    fn add(&mut self, time: i64, value: f64) {
        self.first = self.first.min(time);
        self.last = self.last.max(time);
        self.cell.add(value);
    }
}

/// The sessions of one key.
#[derive(Clone, Copy)]
struct Key {
    newest: Session,
    before: Option<Session>,
}

impl Key {
    /// Takes an event; gives a session that no event can reach any more.
    #[inline(always)]
    fn take<const GAP_MS: i64>(&mut self, time: i64, value: f64) -> Option<Session> {
        if time - self.newest.last > GAP_MS {
            let newest = std::mem::replace(&mut self.newest, Session::of(time, value));
            return self.before.replace(newest);
        }
        if let Some(before) = self.before
            && time - before.last <= GAP_MS
        {
            self.join(before);
        }
        self.newest.add(time, value);
        None
    }

    fn join(&mut self, before: Session) {
        let mut cell = before.cell;
        cell.merge(&self.newest.cell);
        self.newest = Session { first: before.first, last: self.newest.last, cell };
        self.before = None;
    }
}

/// Runs over a log's arrays; `ended` takes the groups, in no order of time.
pub fn run<const GAP_MS: i64>(log: &Log, mut ended: impl FnMut(&[Group])) {
    const { assert!(BOUND_MS < GAP_MS, "else a key may have three sessions that an event reaches") }
    let all = log.read(0, usize::MAX);
    let mut keys: Vec<Option<Key>> = vec![None; log.dictionary(0).len()];
    let mut end = |key: usize, session: Session| {
        ended(&[session.cell.group(session.first, session.last + GAP_MS, key)]);
    };
    for ((&time, &key), &value) in all.time().iter().zip(all.key(0)).zip(all.measure(0)) {
        match &mut keys[key as usize] {
            Some(state) => {
                if let Some(session) = state.take::<GAP_MS>(time, value) {
                    end(key as usize, session);
                }
            }
            none => *none = Some(Key { newest: Session::of(time, value), before: None }),
        }
    }
    for (key, state) in keys.iter().enumerate() {
        let sessions = state.iter().flat_map(|state| state.before.into_iter().chain([state.newest]));
        sessions.for_each(|session| end(key, session));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{collect, naive};
    use super::*;
    use crate::stream::{START, Stream, log_of};

    const GAP_MS: i64 = 10_000;

    /// Cuts each key's events, in order of time, where more than the gap lies between two.
    fn cut(log: &Log) -> Vec<Group> {
        let mut groups = Vec::new();
        for (key, mut events) in naive::by_key(log).into_iter().enumerate() {
            events.sort_by_key(|&(time, _)| time);
            for session in events.chunk_by(|(before, _), (time, _)| time - before <= GAP_MS) {
                let values: Vec<f64> = session.iter().map(|&(_, value)| value).collect();
                let (first, last) = (session[0].0, session[session.len() - 1].0);
                groups.extend(naive::group(first, last + GAP_MS, key, &values));
            }
        }
        groups
    }

    #[test]
    fn the_sessions_are_those_of_the_sorted_events() {
        let log = Stream::ManyKeys.hour(20_000);
        let expected = cut(&log);
        assert!(expected.len() > 4_000, "{} sessions", expected.len());
        naive::assert_alike(collect(|give| run::<GAP_MS>(&log, give)), expected);
    }

    #[test]
    fn an_event_in_between_joins_two_sessions_and_the_gap_itself_is_not_more_than_the_gap() {
        // Bridged by the third; then exactly a gap apart; then a millisecond more.
        for times in
            [&[0, 14_000, 10_000][..], &[0, 10_000], &[0, 10_001], &[5_000, 0, 15_000, 26_000, 21_500]]
        {
            let events: Vec<(i64, f64)> = times.iter().map(|ms| (START + ms, 1.5)).collect();
            let log = log_of(&events);
            naive::assert_alike(collect(|give| run::<GAP_MS>(&log, give)), cut(&log));
        }
    }
}
