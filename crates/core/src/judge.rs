//! A pipeline's detectors: what each reads, and the series of each of its keys.

use crate::detect::{Detect, Judgement, Series};
use crate::key::KeySpace;
use crate::limits::Limits;
use crate::spec::{self, DetectorKind, DetectorSpec, Spec};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// One detector with its series.
#[derive(Clone, Debug)]
pub(crate) struct Detector {
    pub(crate) reads: Reads,
    pub(crate) series: Series,
    /// Of a detector of absence: how long until a key is overdue.
    after: Option<i64>,
    /// When keys are overdue, the first on top. A key whose deadline has moved on since is looked at again
    /// when it comes up, so there is one entry a key.
    deadlines: BinaryHeap<Reverse<(i64, u32)>>,
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
                let columns = spec.key_columns(&detector.by).collect();
                Reads::Events { measure, keys: KeySpace::new(columns, limits.keys), scratch: Vec::new() }
            }
        };
        let series = Series::new(&detector.kind);
        let after = match &detector.kind {
            DetectorKind::Absence(absence) => Some(absence.after.0),
            _ => None,
        };
        Self { reads, series, after, deadlines: BinaryHeap::new(), alerts: Vec::new() }
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

    /// Whether time alone brings about what it says.
    pub(crate) fn has_deadlines(&self) -> bool {
        self.after.is_some()
    }

    /// Judges a point of a key; gives the value that is scored, too. `met` is the watermark that its event
    /// met, where it came with an event.
    pub(crate) fn judge(
        &mut self,
        key: u32,
        (start, end): (i64, i64),
        value: f64,
        met: Option<i64>,
    ) -> Option<(f64, Judgement)> {
        if met.is_some_and(|met| self.is_too_late(end, met)) {
            return None;
        }
        let Some(each) = self.series.as_absence() else {
            return self.series.judge(key, start, value).map(|judgement| (value, judgement));
        };
        let of_key = each.of_mut(key);
        let was_alive = of_key.deadline().is_some();
        let judgement = of_key.judge(end, value);
        if !was_alive {
            self.deadlines.extend(of_key.deadline().map(|deadline| Reverse((deadline, key))));
        }
        judgement.map(|judgement| (0.0, judgement))
    }

    /// When a key may be overdue first.
    pub(crate) fn next_deadline(&self) -> Option<i64> {
        self.deadlines.peek().map(|Reverse((deadline, _))| *deadline)
    }

    /// The deadline that comes first if an event of this time comes.
    pub(crate) fn deadline_with(&self, time: i64) -> Option<i64> {
        let with_it = time + self.after?;
        Some(self.next_deadline().map_or(with_it, |next| next.min(with_it)))
    }

    /// Whether a point of this time is no sign of life any more: its deadline has passed.
    pub(crate) fn is_too_late(&self, time: i64, watermark: i64) -> bool {
        self.after.is_some_and(|after| time + after - 1 <= watermark)
    }

    /// The key whose deadline is next, with what is said of its silence, unless it has moved on.
    pub(crate) fn take_overdue(&mut self) -> Option<(u32, f64, Judgement)> {
        let Reverse((due, key)) = self.deadlines.pop()?;
        let of_key = self.series.as_absence()?.of_mut(key);
        let deadline = of_key.deadline()?;
        if deadline > due {
            self.deadlines.push(Reverse((deadline, key)));
            return None;
        }
        let (silence, judgement) = of_key.overdue();
        Some((key, silence, judgement))
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
        let alive = self.series.as_absence().into_iter().flat_map(|each| each.iter().zip(0..));
        self.deadlines = alive.filter_map(|(of_key, key)| Some(Reverse((of_key.deadline()?, key)))).collect();
        if let (Reads::Events { keys, .. }, Some(of_events)) = (&mut self.reads, of_events) {
            let empty = std::mem::replace(keys, of_events);
            keys.take_over_from(&empty);
        }
    }
}
