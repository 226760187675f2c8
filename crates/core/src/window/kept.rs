//! Events that are kept one by one, for windows that have to fold them again.

use crate::plan::{Plan, Source};
use serde::{Deserialize, Serialize};

/// Events as words, one a part of the plan; where each lies is its number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    width: usize,
    words: Vec<u64>,
    free: Vec<u32>,
    held: usize,
    #[serde(skip)]
    scratch: Vec<u64>,
}

impl Kept {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self { width: plan.parts.len(), words: Vec::new(), free: Vec::new(), held: 0, scratch: Vec::new() }
    }

    /// Number of events kept.
    pub(crate) fn len(&self) -> usize {
        self.held
    }

    /// Keeps an event and gives its number.
    pub(crate) fn keep(&mut self, plan: &Plan, source: &Source<'_>, event: usize) -> u32 {
        self.held += 1;
        let number = self.free.pop().unwrap_or_else(|| {
            self.words.resize(self.held * self.width, 0);
            self.held as u32 - 1
        });
        self.scratch.clear();
        source.words(plan, event, &mut self.scratch);
        let first = number as usize * self.width;
        self.words[first..first + self.width].copy_from_slice(&self.scratch);
        number
    }

    pub(crate) fn words(&self, number: u32) -> &[u64] {
        let first = number as usize * self.width;
        &self.words[first..first + self.width]
    }

    pub(crate) fn release(&mut self, number: u32) {
        self.free.push(number);
        self.held -= 1;
    }
}
