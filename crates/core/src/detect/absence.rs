//! Absence: how long a key has said nothing.
//!
//! ```text
//!   after = 5m      ▪  ▪ ▪            ▪
//!   silence         0  0 0       ▲    0        the deadline: 5m after the last point. An anomaly,
//!                                5m            until the next point
//! ```
//!
//! A point is a sign of life, whatever its value: a window's result at the end of the window, an event at
//! its time. The watermark brings the deadline about, so an event that is only out of order is waited
//! for. The value that is scored is the silence in seconds: 0 with each sign of life, `after` at the
//! deadline.
//!
//! **Invariant:** a key that is silent is told once, and again only after a sign of life.

use super::{Detect, Judgement, Workings};
use crate::spec::AbsenceSpec;
use serde::{Deserialize, Serialize};

/// The silence of one key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Absence {
    after: i64,
    /// The last sign of life; none before the first, and once the silence was told.
    last: Option<i64>,
}

impl Absence {
    pub(crate) fn new(spec: &AbsenceSpec) -> Self {
        Self { after: spec.after.0, last: None }
    }

    /// When it is overdue, if it is alive.
    pub(crate) fn deadline(&self) -> Option<i64> {
        Some(self.last? + self.after)
    }

    /// The silence at the deadline, in seconds, and what is said of it.
    pub(crate) fn overdue(&mut self) -> (f64, Judgement) {
        self.last = None;
        (self.seconds(), self.say(1.0))
    }

    fn seconds(&self) -> f64 {
        self.after as f64 / 1_000.0
    }

    fn say(&self, score: f64) -> Judgement {
        Judgement { expected: 0.0, low: 0.0, high: self.seconds(), score, anomaly: score >= 1.0 }
    }
}

impl Detect for Absence {
    fn judge(&mut self, time: i64, _value: f64) -> Option<Judgement> {
        self.last = self.last.max(Some(time));
        Some(self.say(0.0))
    }

    fn workings(&self, _time: i64, _value: f64) -> Option<Workings> {
        Some(Workings {
            formula: "value / after",
            figures: vec![("after", self.seconds())],
            points: Vec::new(),
            usual: 0.0,
        })
    }
}
