//! The works that are measured.

use kappascope_core::{Log, Spec};
use std::hint::black_box;

use crate::by_hand::{collect, hopping, quantile, session, tumbling, zscore};
use crate::engine;
use crate::result::{Totals, assert_same};
use crate::stream::{self, Stream};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60_000;
const GAP: i64 = 10 * SECOND;

/// One work: a pipeline, the events it takes, and the loop that does the same.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// A short name, for programs.
    pub id: &'static str,
    /// What it is, for people.
    pub name: &'static str,
    /// The events.
    pub stream: Stream,
    /// The pipeline's queries and detectors.
    stages: &'static str,
    by_hand: fn(&Log),
    check: fn(&Spec, &Log) -> Totals,
}

/// The query of most works, but for its window and what else it computes.
macro_rules! query {
    ($window:literal $(, $more:literal)*) => {
        concat!(
            "[[query]]\nname = \"groups\"\nby = [\"key\"]\nwindow = ", $window, "\n",
            r#"aggregates = ["count()", "sum(value)", "min(value)", "max(value)", "avg(value)""#,
            $(", \"", $more, "\"",)* "]\n",
        )
    };
}

impl Work {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self {
            id: "w1",
            name: "W1: tumbling 1 min × 3 keys",
            stream: Stream::ThreeKeys,
            stages: query!(r#"{ tumbling = "1m" }"#),
            by_hand: |log| tumbling::run::<MINUTE>(log, see),
            check: |spec, log| {
                assert_same(engine::groups(spec, log), collect(|give| tumbling::run::<MINUTE>(log, give)))
            },
        },
        Self {
            id: "w2",
            name: "W2: tumbling 1 s × 10,000 keys",
            stream: Stream::ManyKeys,
            stages: query!(r#"{ tumbling = "1s" }"#),
            by_hand: |log| tumbling::run::<SECOND>(log, see),
            check: |spec, log| {
                assert_same(engine::groups(spec, log), collect(|give| tumbling::run::<SECOND>(log, give)))
            },
        },
        Self {
            id: "w3",
            name: "W3: hopping 5 min / 10 s × 3 keys",
            stream: Stream::ThreeKeys,
            stages: query!(r#"{ hopping = "5m", slide = "10s" }"#),
            by_hand: |log| hopping::run::<{ 5 * MINUTE }, { 10 * SECOND }>(log, see),
            check: |spec, log| {
                let by_hand = collect(|give| hopping::run::<{ 5 * MINUTE }, { 10 * SECOND }>(log, give));
                assert_same(engine::groups(spec, log), by_hand)
            },
        },
        Self {
            id: "w4",
            name: "W4: z-score of 30, each event",
            stream: Stream::ThreeKeys,
            stages: r#"
                [[detector]]
                name = "unlike"
                on = "value"
                by = ["key"]
                kind = "zscore"
                window = 30
                threshold = 3.0
                "#,
            by_hand: |log| zscore::run(log, see),
            check: |spec, log| assert_same(engine::scores(spec, log), collect(|give| zscore::run(log, give))),
        },
        Self {
            id: "w6",
            name: "W6: W1 with p50 and p99",
            stream: Stream::ThreeKeys,
            stages: query!(r#"{ tumbling = "1m" }"#, "p50(value)", "p99(value)"),
            by_hand: |log| quantile::run(log, see),
            check: |spec, log| {
                assert_same(engine::groups(spec, log), collect(|give| quantile::run(log, give)))
            },
        },
        Self {
            id: "w7",
            name: "W7: session 10 s × 10,000 keys",
            stream: Stream::ManyKeys,
            stages: query!(r#"{ session = "10s" }"#),
            by_hand: |log| session::run::<GAP>(log, see),
            check: |spec, log| {
                assert_same(engine::groups(spec, log), collect(|give| session::run::<GAP>(log, give)))
            },
        },
    ];

    /// Its pipeline.
    #[must_use]
    pub fn spec(&self) -> Spec {
        stream::spec(self.stages)
    }

    /// Runs the engine and the loop once and gives what both find.
    ///
    /// # Panics
    /// When they find different things.
    #[must_use]
    pub fn check(&self, log: &Log) -> Totals {
        (self.check)(&self.spec(), log)
    }

    /// The engine, once.
    pub fn run_engine(&self, log: &Log) {
        engine::run(&self.spec(), log, |pipeline| {
            black_box(pipeline.changes());
        });
    }

    /// The loop, once.
    pub fn run_by_hand(&self, log: &Log) {
        (self.by_hand)(log);
    }
}

/// Takes what a loop gives, so that no compiler leaves out what made it.
fn see<T>(results: &[T]) {
    black_box(results);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The checks inside each work are what is tested: a work that differs from its loop panics.
    #[test]
    fn every_work_passes_its_check() {
        for work in Work::ALL {
            let totals = work.check(&work.stream.hour(20_000));
            assert!(totals.rows > 0, "{} gives nothing", work.id);
            work.run_by_hand(&work.stream.hour(100));
        }
    }

    #[test]
    fn a_work_has_its_own_id() {
        let ids: std::collections::BTreeSet<&str> = Work::ALL.iter().map(|work| work.id).collect();
        assert_eq!(ids.len(), Work::ALL.len());
    }
}
