//! A pipeline's detectors: what each reads, and the series of each of its keys.

use crate::detect::Series;
use crate::key::KeySpace;
use crate::limits::Limits;
use crate::spec::{self, DetectorSpec, Spec};

/// One detector with its series.
#[derive(Clone, Debug)]
pub(crate) struct Detector {
    pub(crate) name: String,
    pub(crate) reads: Reads,
    pub(crate) series: Series,
    /// Alerts that read this detector.
    pub(crate) alerts: Vec<usize>,
}

/// Where a detector's points come from.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "one a detector; sizes differ between targets")]
pub(crate) enum Reads {
    /// The results of a query, one point a window.
    Results { query: usize, aggregate: usize },
    /// The events, one point each.
    Events { measure: usize, keys: KeySpace, scratch: Vec<u32> },
}

/// What a snapshot keeps of a detector: its series, and their keys if it reads events.
pub(crate) type SeriesState = (Series, Option<KeySpace>);

impl Detector {
    pub(crate) fn new(spec: &Spec, detector: &DetectorSpec, limits: Limits) -> Self {
        let reads = match spec.series(&detector.on).expect("the spec was checked") {
            spec::Series::Aggregate { query, aggregate } => Reads::Results { query, aggregate },
            spec::Series::Measure(measure) => {
                let column = |name: &String| spec.schema.keys.iter().position(|key| key == name);
                let columns =
                    detector.by.iter().map(|name| column(name).expect("the spec was checked")).collect();
                Reads::Events { measure, keys: KeySpace::new(columns, limits.keys), scratch: Vec::new() }
            }
        };
        let (name, series) = (detector.name.clone(), Series::new(&detector.kind));
        Self { name, reads, series, alerts: Vec::new() }
    }

    pub(crate) fn reads_events(&self) -> bool {
        matches!(self.reads, Reads::Events { .. })
    }

    pub(crate) fn reads_query(&self, q: usize) -> bool {
        matches!(self.reads, Reads::Results { query, .. } if query == q)
    }

    /// How many more keys it takes.
    pub(crate) fn room(&self) -> usize {
        match &self.reads {
            Reads::Results { .. } => usize::MAX,
            Reads::Events { keys, .. } => keys.room(),
        }
    }

    pub(crate) fn state(&self) -> SeriesState {
        let keys = match &self.reads {
            Reads::Results { .. } => None,
            Reads::Events { keys, .. } => Some(keys.clone()),
        };
        (self.series.clone(), keys)
    }

    pub(crate) fn resume(&mut self, (series, of_events): SeriesState) {
        self.series = series;
        if let (Reads::Events { keys, .. }, Some(of_events)) = (&mut self.reads, of_events) {
            let empty = std::mem::replace(keys, of_events);
            keys.take_over_from(&empty);
        }
    }
}
