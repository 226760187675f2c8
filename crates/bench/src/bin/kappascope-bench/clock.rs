//! Runs that take turns, each with its time.

use std::time::{Duration, Instant};

/// One that takes its turn: its name, and what runs it once and says how long that took.
pub(crate) struct Contestant<'a> {
    pub(crate) name: String,
    pub(crate) run: Box<dyn FnMut() -> Duration + 'a>,
}

impl<'a> Contestant<'a> {
    /// One that runs in this process.
    pub(crate) fn here(name: &str, mut run: impl FnMut() + 'a) -> Self {
        Self { name: name.to_owned(), run: Box::new(move || timed(&mut run)) }
    }
}

#[expect(clippy::disallowed_methods, reason = "a clock is what this program is for")]
fn timed(run: &mut impl FnMut()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

/// Runs each in turn, so many rounds; gives the times of each.
pub(crate) fn in_turn(rounds: usize, mut contestants: Vec<Contestant<'_>>) -> Vec<(String, Vec<Duration>)> {
    let mut times: Vec<(String, Vec<Duration>)> =
        contestants.iter().map(|contestant| (contestant.name.clone(), Vec::new())).collect();
    for _ in 0..rounds {
        for (contestant, (_, times)) in contestants.iter_mut().zip(&mut times) {
            times.push((contestant.run)());
        }
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_take_turns() {
        let order = std::cell::RefCell::new(String::new());
        let note = |letter| order.borrow_mut().push(letter);
        let times =
            in_turn(3, vec![Contestant::here("a", || note('a')), Contestant::here("b", || note('b'))]);
        let counts: Vec<(&str, usize)> =
            times.iter().map(|(name, times)| (name.as_str(), times.len())).collect();
        assert_eq!((order.borrow().as_str(), counts), ("ababab", vec![("a", 3), ("b", 3)]));
    }
}
