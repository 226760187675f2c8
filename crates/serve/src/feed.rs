//! The results of a running pipeline, given to whoever listens.
//!
//! **Invariant:** [`Feed::publish`] never waits. Who listens too slowly loses the oldest messages, and is told how
//! many; the pipeline and the other listeners go on. The messages of a feed are numbered, and who begins to listen is
//! told the number of the next: so one who was away knows which it has had and which it has missed.

use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast::{self, error::RecvError};

/// Messages that wait for the slowest listener: some 16 MB, a few seconds of a busy pipeline.
pub const MESSAGES_KEPT: usize = 256;

/// A message is at most so long, unless a single line is longer: small enough that a browser reads it within a frame.
pub const MESSAGE_BYTES: usize = 1 << 16;

/// What is kept of the newest results for whoever comes later.
pub const RECENT_BYTES: usize = 1 << 20;

/// Results on their way to any number of listeners. Cheap to clone; all clones are one feed.
#[derive(Clone, Debug)]
pub struct Feed {
    sender: broadcast::Sender<Bytes>,
    recent: Arc<Mutex<Recent>>,
}

#[derive(Debug, Default)]
struct Recent {
    greeting: Option<Bytes>,
    messages: VecDeque<Bytes>,
    bytes: usize,
    /// How many were sent, the greeting among them.
    sent: u64,
}

/// What a listener gets next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Whole lines.
    Lines(Bytes),
    /// So many messages were lost: they came faster than they were taken.
    Lost(u64),
}

/// One who listens.
pub(crate) struct Listener {
    before: VecDeque<Bytes>,
    receiver: broadcast::Receiver<Bytes>,
}

impl Default for Feed {
    fn default() -> Self {
        Self { sender: broadcast::Sender::new(MESSAGES_KEPT), recent: Arc::default() }
    }
}

impl Feed {
    /// Sets what everyone hears first, who listens already and who comes later: a whole line.
    pub fn greet(&self, line: &[u8]) {
        let greeting = Bytes::copy_from_slice(line);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.greeting = Some(greeting.clone());
        recent.sent += 1;
        // Nobody may be listening.
        let _ = self.sender.send(greeting);
    }

    /// Gives whole lines, each with its line feed, to all who listen.
    pub fn publish(&self, lines: &[u8]) {
        for message in messages(lines) {
            let message = Bytes::copy_from_slice(message);
            let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            recent.keep(message.clone());
            recent.sent += 1;
            // Under the lock, so that who begins to listen gets each message once. Nobody may be listening.
            let _ = self.sender.send(message);
        }
    }

    /// The greeting, the number of the next message and the newest results first, then all that come.
    pub(crate) fn listen(&self) -> Listener {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let next = recent.sent - recent.messages.len() as u64;
        let from = Bytes::from(format!("{{\"type\":\"from\",\"message\":{next}}}\n"));
        let before = recent.greeting.iter().chain([&from]).chain(&recent.messages).cloned().collect();
        Listener { before, receiver: self.sender.subscribe() }
    }
}

impl Recent {
    fn keep(&mut self, message: Bytes) {
        self.bytes += message.len();
        self.messages.push_back(message);
        while self.bytes > RECENT_BYTES
            && let Some(oldest) = self.messages.pop_front()
        {
            self.bytes -= oldest.len();
        }
    }
}

impl Listener {
    /// The next lines, in order; nothing when the feed has ended. To drop what this gives before it is done loses
    /// nothing.
    pub(crate) async fn next(&mut self) -> Option<Heard> {
        if let Some(message) = self.before.pop_front() {
            return Some(Heard::Lines(message));
        }
        match self.receiver.recv().await {
            Ok(message) => Some(Heard::Lines(message)),
            Err(RecvError::Lagged(lost)) => Some(Heard::Lost(lost)),
            Err(RecvError::Closed) => None,
        }
    }
}

/// Lines as messages of at most [`MESSAGE_BYTES`], or of one line that is longer.
fn messages(mut lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let within = &lines[..lines.len().min(MESSAGE_BYTES)];
        let end = |of: &[u8]| of.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1);
        let first = || lines.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let at = end(within).or_else(first).unwrap_or(lines.len());
        let (message, rest) = lines.split_at(at);
        lines = rest;
        (!message.is_empty()).then_some(message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(message: u64) -> Heard {
        Heard::Lines(format!("{{\"type\":\"from\",\"message\":{message}}}\n").into())
    }

    #[tokio::test]
    async fn who_was_away_is_told_where_it_goes_on() {
        let feed = Feed::default();
        let mut early = feed.listen();
        feed.greet(b"hello\n");
        feed.publish(b"one\n");
        let mut late = feed.listen();
        feed.publish(b"two\n");
        let heard = |line: &'static str| Heard::Lines(line.into());
        for expected in [from(0), heard("hello\n"), heard("one\n"), heard("two\n")] {
            assert_eq!(early.next().await, Some(expected));
        }
        // Both count `two` as number 2.
        for expected in [heard("hello\n"), from(1), heard("one\n"), heard("two\n")] {
            assert_eq!(late.next().await, Some(expected));
        }
    }

    #[tokio::test]
    async fn who_is_slow_loses_the_oldest_and_is_told_how_many() {
        let feed = Feed::default();
        let mut slow = feed.listen();
        for message in 0..MESSAGES_KEPT as u64 + 10 {
            feed.publish(format!("{message}\n").as_bytes());
        }
        assert_eq!(slow.next().await, Some(from(0)));
        assert_eq!(slow.next().await, Some(Heard::Lost(10)));
        assert_eq!(slow.next().await, Some(Heard::Lines("10\n".into())));
    }

    #[tokio::test]
    async fn who_comes_later_gets_the_newest_first_and_each_once() {
        let feed = Feed::default();
        feed.greet(b"hello\n");
        let line = format!("{}\n", "x".repeat(999));
        for _ in 0..2 * RECENT_BYTES / line.len() {
            feed.publish(line.as_bytes());
        }
        let mut late = feed.listen();
        feed.publish(b"last\n");
        assert_eq!(late.next().await, Some(Heard::Lines("hello\n".into())));
        let kept = (RECENT_BYTES / line.len()) as u64;
        assert_eq!(late.next().await, Some(from(1 + 2 * RECENT_BYTES as u64 / line.len() as u64 - kept)));
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line: &Bytes| line != "last\n") {
            match late.next().await {
                Some(Heard::Lines(next)) => lines.push(next),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(lines.len(), RECENT_BYTES / line.len() + 1);
    }

    #[test]
    fn messages_end_with_lines() {
        let line = |bytes: usize| format!("{}\n", "x".repeat(bytes - 1));
        let text = [line(10), line(MESSAGE_BYTES - 10), line(1), line(3 * MESSAGE_BYTES), line(7)].concat();
        let lengths: Vec<usize> = messages(text.as_bytes()).map(<[u8]>::len).collect();
        assert_eq!(lengths, [MESSAGE_BYTES, 1, 3 * MESSAGE_BYTES, 7]);
        assert_eq!(messages(b"").count(), 0);
    }
}
