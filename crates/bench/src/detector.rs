//! Every kind of detector on each event of three keys. There is no loop beside them: a kind is held against
//! its definition where it is written.

use kappascope_core::{Log, Spec};
use std::hint::black_box;

use crate::engine;
use crate::stream::{self, Stream};

/// One kind of detector, with settings.
#[derive(Clone, Copy, Debug)]
pub struct Detector {
    /// A short name, for programs.
    pub id: &'static str,
    /// What it is, for people.
    pub name: &'static str,
    settings: &'static str,
}

const fn detector(id: &'static str, name: &'static str, settings: &'static str) -> Detector {
    Detector { id, name, settings }
}

impl Detector {
    /// What they all read.
    pub const STREAM: Stream = Stream::ThreeKeys;

    /// All of them; the robust z-score with windows of four lengths, as its cost grows with them.
    pub const ALL: [Self; 12] = [
        detector("robust", "robust_zscore of 30", "kind = 'robust_zscore'\nwindow = 30\nthreshold = 3.5"),
        detector("robust2", "robust_zscore of 100", "kind = 'robust_zscore'\nwindow = 100\nthreshold = 3.5"),
        detector(
            "robust3",
            "robust_zscore of 1,000",
            "kind = 'robust_zscore'\nwindow = 1000\nthreshold = 3.5",
        ),
        detector(
            "robust4",
            "robust_zscore of 10,000",
            "kind = 'robust_zscore'\nwindow = 10000\nthreshold = 3.5",
        ),
        detector("ewma", "ewma", "kind = 'ewma'\nalpha = 0.05\nthreshold = 3.0"),
        detector(
            "seasonal",
            "seasonal, period given",
            "kind = 'seasonal'\nperiod = '10m'\nalpha = 0.05\nthreshold = 3.0",
        ),
        detector("search", "seasonal, period searched", "kind = 'seasonal'\nalpha = 0.05\nthreshold = 3.0"),
        detector("cusum", "cusum of 30", "kind = 'cusum'\nwindow = 30\ndrift = 0.5\nthreshold = 8.0"),
        detector("page", "page_hinkley", "kind = 'page_hinkley'\nalpha = 0.05\ndrift = 0.5\nthreshold = 8.0"),
        detector("rate", "rate_of_change", "kind = 'rate_of_change'\nper = '1s'\nthreshold = 100000.0"),
        detector("threshold", "threshold", "kind = 'threshold'\nabove = 990\nhysteresis = 10"),
        detector("novelty", "novelty", "kind = 'novelty'"),
    ];

    /// Its pipeline.
    #[must_use]
    pub fn spec(&self) -> Spec {
        let head = "[[detector]]\nname = 'unlike'\non = 'value'\nby = ['key']\n";
        stream::spec(&format!("{head}{}\n", self.settings))
    }

    /// Runs over a log of the stream, once.
    pub fn run(&self, log: &Log) {
        engine::run(&self.spec(), log, |pipeline| {
            black_box(pipeline.changes());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_judges_most_events() {
        for detector in Detector::ALL {
            let scores = engine::scores(&detector.spec(), &Detector::STREAM.hour(20_000));
            assert!(scores.len() > 9_000, "{}: {} scores", detector.id, scores.len());
        }
    }
}
