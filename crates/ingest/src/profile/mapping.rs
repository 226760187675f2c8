//! Which column means what, and the few settings that a person changes before a first run; from it the
//! pipeline.

use super::{DAY, HOUR, MINUTE, SECOND};
use crate::error::{IngestError, Kind};
use kappascope_core::aggregate::{Aggregate, Function};
use kappascope_core::spec::{
    Accumulation, AlertSpec, DetectorKind, DetectorSpec, Emission, QuerySpec, Schema, WatermarkSpec,
    WindowSpec, ZscoreSpec,
};
use kappascope_core::{Millis, Spec};
use serde::{Deserialize, Serialize};

/// What a first pipeline for a file depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// Column of the event time.
    pub time: String,
    /// How times are written, where a reader does not find it by itself.
    pub time_format: Option<String>,
    /// Column of the arrival time.
    pub arrival: Option<String>,
    /// Column of the partition number, and how many partitions there are.
    pub partition: Option<(String, u32)>,
    /// Columns to group by or to filter on.
    pub keys: Vec<String>,
    /// Columns of numbers to aggregate.
    pub measures: Vec<String>,
    /// The key to group by; all events together when absent.
    pub by: Option<String>,
    /// The measure whose mean the detector watches; the count of events when absent.
    pub watch: Option<String>,
    /// How long to wait for events that come out of order.
    pub bound_ms: i64,
    /// After how long without events a partition no longer holds the watermark back.
    pub idle_ms: Option<i64>,
    /// How long after its end a window still takes events.
    pub lateness_ms: i64,
    /// How long a window is.
    pub window_ms: i64,
}

impl Mapping {
    /// The pipeline, named after a file: a count for each window and group, the mean of the watched or the
    /// first measure, a z-score on one of them, an alert on that.
    ///
    /// # Errors
    /// When it cannot run: the message names the field, what was found and what would fit.
    pub fn pipeline(&self, name: &str) -> Result<Spec, IngestError> {
        let query = query_name(self.window_ms);
        let spec = Spec {
            name: stem(name),
            version: 1,
            schema: self.schema(),
            watermark: WatermarkSpec { bound: Millis(self.bound_ms), idle: self.idle_ms.map(Millis) },
            query: vec![self.query(query.clone())],
            detector: vec![self.detector(&query)],
            alert: vec![AlertSpec {
                name: format!("unusual_{}", self.subject()),
                when: self.subject().to_owned(),
                severity: "warning".to_owned(),
                ..AlertSpec::default()
            }],
        };
        spec.check().map_err(|error| Kind::Proposal(error.to_string()))?;
        Ok(spec)
    }

    fn schema(&self) -> Schema {
        Schema {
            time: self.time.clone(),
            time_format: self.time_format.clone(),
            arrival: self.arrival.clone(),
            partition: self.partition.as_ref().map(|(column, _)| column.clone()),
            partitions: self.partition.as_ref().map_or(1, |(_, count)| *count),
            keys: self.keys.clone(),
            measures: self.measures.clone(),
        }
    }

    /// The mean that is computed beside the count.
    fn mean(&self) -> Option<Aggregate> {
        let measure = self.watch.as_ref().or(self.measures.first())?;
        Some(Aggregate::Of(Function::Avg, measure.clone()))
    }

    /// What the detector is named after.
    fn subject(&self) -> &str {
        self.watch.as_deref().unwrap_or("count")
    }

    fn query(&self, name: String) -> QuerySpec {
        QuerySpec {
            name,
            by: self.by.iter().cloned().collect(),
            filter: None,
            window: WindowSpec::tumbling(Millis(self.window_ms)),
            lateness: Millis(self.lateness_ms),
            emit: Emission::OnClose,
            accumulation: Accumulation::Accumulating,
            aggregates: std::iter::once(Aggregate::Count).chain(self.mean()).collect(),
        }
    }

    fn detector(&self, query: &str) -> DetectorSpec {
        let mean = self.mean().filter(|_| self.watch.is_some());
        DetectorSpec {
            name: self.subject().to_owned(),
            on: format!("{query}.{}", mean.unwrap_or(Aggregate::Count)),
            by: Vec::new(),
            kind: DetectorKind::Zscore(ZscoreSpec {
                window: 30,
                threshold: 3.0,
                min_points: None,
                include_current: false,
            }),
        }
    }
}

fn query_name(size: i64) -> String {
    match size {
        SECOND => "per_second".to_owned(),
        MINUTE => "per_minute".to_owned(),
        HOUR => "per_hour".to_owned(),
        DAY => "per_day".to_owned(),
        _ => format!("per_{}", Millis(size)),
    }
}

/// A file's name without folders and ending.
fn stem(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = file.split_once('.').map_or(file, |(stem, _)| stem);
    if stem.is_empty() { "data".to_owned() } else { stem.to_owned() }
}
