//! The sessions of one key, run again beside the engine, which keeps sums where lineage wants rows.

/// What is held of one key; the rules are those of [`window::session`](crate::window).
pub(super) struct Sessions<T> {
    gap: i64,
    lateness: i64,
    held: Vec<Session<T>>,
}

/// A session, and what is known of it.
pub(super) struct Session<T> {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) known: T,
}

impl<T: Default> Sessions<T> {
    /// Those that the engine holds, by their first and last event times.
    pub(super) fn new(gap: i64, lateness: i64, held: &[(i64, i64)], known: impl Fn(i64, i64) -> T) -> Self {
        let held = held.iter().map(|&(first, last)| Session {
            start: first,
            end: last + gap,
            known: known(first, last),
        });
        Self { gap, lateness, held: held.collect() }
    }

    /// Lets go of those that are gone at a watermark.
    pub(super) fn let_go(&mut self, watermark: i64) -> Vec<Session<T>> {
        let lateness = self.lateness;
        self.held.extract_if(.., |session| watermark >= session.end - 1 + lateness).collect()
    }

    /// Takes an event, which may make one session of several, and gives what is known of its session.
    pub(super) fn meet(&mut self, time: i64, mut join: impl FnMut(&mut T, T)) -> &mut T {
        let end = time + self.gap;
        let touches = |session: &mut Session<T>| time <= session.end && session.start <= end;
        let at = self.held.iter_mut().position(touches).unwrap_or_else(|| {
            self.held.push(Session { start: time, end, known: T::default() });
            self.held.len() - 1
        });
        let others: Vec<_> = self.held.extract_if(at + 1.., touches).collect();
        let own = &mut self.held[at];
        (own.start, own.end) = (own.start.min(time), own.end.max(end));
        for other in others {
            (own.start, own.end) = (own.start.min(other.start), own.end.max(other.end));
            join(&mut own.known, other.known);
        }
        &mut own.known
    }

    /// The session of a result, or the one that its session has become part of.
    pub(super) fn of_result(&mut self, start: i64, end: i64) -> Option<&mut Session<T>> {
        self.held.iter_mut().find(|session| session.start <= start && end <= session.end)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Session<T>> {
        self.held.iter()
    }

    pub(super) fn into_held(self) -> Vec<Session<T>> {
        self.held
    }
}
