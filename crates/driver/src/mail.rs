//! What wakes a worker: answers to its effects, and what the group says of its partition.

use kappascope_delivery::Event;
use std::sync::mpsc::{Receiver, Sender};
use std::thread::Thread;

/// A letter to a worker.
pub(crate) enum Letter {
    /// An answer to an effect of a cycle: a worker may have several, one after the other.
    Answer {
        /// The number of the cycle.
        cycle: u64,
        /// What became of it.
        event: Event,
    },
    /// The partition is to be given back.
    Revoked,
    /// The partition is another's.
    Lost,
}

/// Where a worker gets its letters. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Mailbox {
    letters: Sender<Letter>,
    thread: Thread,
}

impl Mailbox {
    /// Of the thread that calls.
    pub(crate) fn of_this_thread() -> (Self, Receiver<Letter>) {
        #[expect(
            clippy::disallowed_methods,
            reason = "a cycle has few effects under way, and each one answer"
        )]
        let (letters, received) = std::sync::mpsc::channel();
        (Self { letters, thread: std::thread::current() }, received)
    }

    pub(crate) fn post(&self, letter: Letter) {
        // A worker that has ended waits for nothing.
        let _ = self.letters.send(letter);
        self.thread.unpark();
    }

    /// What wakes the worker, and says nothing.
    pub(crate) fn waker(&self) -> impl Fn() + Send + Sync + 'static {
        let thread = self.thread.clone();
        move || thread.unpark()
    }
}
