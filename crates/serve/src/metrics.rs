//! What Prometheus reads.
//!
//! **Invariant:** names end in their units, counters in `_total`, and times are seconds since 1970, as Prometheus' own
//! naming practices have it; `promtool check metrics` finds nothing to complain of.

use prometheus::{Gauge, GaugeVec, IntCounter, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};
use std::sync::{Arc, OnceLock};

/// What a pipeline has done so far, and where it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Events read.
    pub events: u64,
    /// Window results.
    pub windows: u64,
    /// Events that were dropped because they came too late.
    pub late: u64,
    /// Records that are no events.
    pub rejected: u64,
    /// Points that a detector called anomalies.
    pub anomalies: u64,
    /// Alerts that fired.
    pub alerts: u64,
    /// In epoch milliseconds; none before there is one, and at the end of a source.
    pub watermark: Option<i64>,
}

/// What a delivery has done so far, and where its partitions are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Batches stored.
    pub batches: u64,
    /// Effects that had to be tried again.
    pub retries: u64,
    /// The partitions of this process, by number.
    pub partitions: Vec<(u32, Partition)>,
}

/// Where a partition is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Partition {
    /// Records that are not stored yet, if that is known.
    pub lag: Option<u64>,
    /// Bytes of its last state.
    pub state_bytes: u64,
    /// In epoch milliseconds; none before there is one.
    pub watermark: Option<i64>,
}

/// Those of a delivery, which are there once there is one.
#[derive(Debug)]
struct OfDelivery {
    batches: IntCounter,
    retries: IntCounter,
    lag: IntGaugeVec,
    state: IntGaugeVec,
    watermark: GaugeVec,
}

impl OfDelivery {
    fn new(registry: &Registry) -> Self {
        let counter =
            |name: &str, help: &str| registered(registry, IntCounter::with_opts(Opts::new(name, help)));
        let gauges = |name: &str, help: &str| {
            registered(registry, IntGaugeVec::new(Opts::new(name, help), &[PARTITION]))
        };
        let watermark = Opts::new(
            "kappascope_partition_watermark_timestamp_seconds",
            "Event time up to which a partition is taken to be complete.",
        );
        Self {
            batches: counter("kappascope_batches_total", "Batches whose results are all stored."),
            retries: counter(
                "kappascope_retries_total",
                "Inserts, counts and records that had to be tried again.",
            ),
            lag: gauges(
                "kappascope_partition_lag_records",
                "Records of a partition that are not stored yet.",
            ),
            state: gauges("kappascope_partition_state_bytes", "Size of a partition's last state."),
            watermark: registered(registry, GaugeVec::new(watermark, &[PARTITION])),
        }
    }

    fn read(&self, now: &Delivery) {
        self.batches.inc_by(now.batches.saturating_sub(self.batches.get()));
        self.retries.inc_by(now.retries.saturating_sub(self.retries.get()));
        // A partition that was given back is another process's to tell of.
        self.lag.reset();
        self.state.reset();
        self.watermark.reset();
        for (number, at) in &now.partitions {
            let name = number.to_string();
            if let Some(lag) = at.lag {
                self.lag.with_label_values(&[&name]).set(lag.cast_signed());
            }
            self.state.with_label_values(&[&name]).set(at.state_bytes.cast_signed());
            if let Some(watermark) = at.watermark {
                self.watermark.with_label_values(&[&name]).set(watermark as f64 / 1e3);
            }
        }
    }
}

const PARTITION: &str = "partition";

/// Counters and gauges. Cheap to clone; all clones are the same.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    events: IntCounter,
    windows: IntCounter,
    late: IntCounter,
    rejected: IntCounter,
    anomalies: IntCounter,
    alerts: IntCounter,
    watermark: Gauge,
    pub(crate) listeners: IntGauge,
    pub(crate) lost: IntCounter,
    delivery: Arc<OnceLock<OfDelivery>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let registry = Registry::new();
        let counter =
            |name: &str, help: &str| registered(&registry, IntCounter::with_opts(Opts::new(name, help)));
        Self {
            events: counter("kappascope_events_total", "Events read from the source."),
            windows: counter(
                "kappascope_windows_total",
                "Window results, early ones and corrections included.",
            ),
            late: counter(
                "kappascope_late_events_total",
                "Events dropped because they came after their windows.",
            ),
            rejected: counter(
                "kappascope_rejected_records_total",
                "Records of the source that are no events.",
            ),
            anomalies: counter("kappascope_anomalies_total", "Points that a detector called anomalies."),
            alerts: counter("kappascope_alerts_total", "Alerts that fired."),
            watermark: registered(
                &registry,
                Gauge::with_opts(Opts::new(
                    "kappascope_watermark_timestamp_seconds",
                    "Event time up to which the stream is taken to be complete.",
                )),
            ),
            listeners: registered(
                &registry,
                IntGauge::with_opts(Opts::new(
                    "kappascope_feed_listeners",
                    "Clients that listen to the feed.",
                )),
            ),
            lost: counter(
                "kappascope_feed_dropped_messages_total",
                "Messages that slow clients of the feed did not get.",
            ),
            delivery: Arc::default(),
            registry,
        }
    }
}

/// A metric of ours, which is well named and only once there.
#[expect(clippy::expect_used, reason = "names and helps are constants of this file")]
fn registered<M: prometheus::core::Collector + Clone + 'static>(
    registry: &Registry,
    metric: prometheus::Result<M>,
) -> M {
    let metric = metric.expect("a well-formed metric");
    registry.register(Box::new(metric.clone())).expect("a name that is new");
    metric
}

impl Metrics {
    /// Takes over how far a pipeline has come. Readings come in order: counters never fall.
    pub fn read(&self, now: &Reading) {
        let counters = [
            (&self.events, now.events),
            (&self.windows, now.windows),
            (&self.late, now.late),
            (&self.rejected, now.rejected),
            (&self.anomalies, now.anomalies),
            (&self.alerts, now.alerts),
        ];
        for (counter, total) in counters {
            counter.inc_by(total.saturating_sub(counter.get()));
        }
        if let Some(watermark) = now.watermark {
            self.watermark.set(watermark as f64 / 1e3);
        }
    }

    /// Takes over how far a delivery has come.
    pub fn read_delivery(&self, now: &Delivery) {
        self.delivery.get_or_init(|| OfDelivery::new(&self.registry)).read(now);
    }

    /// All of them in Prometheus' text format.
    #[must_use]
    pub fn text(&self) -> String {
        // Fails only for metrics without a name or a value.
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_come_and_go() {
        let metrics = Metrics::default();
        assert!(!metrics.text().contains("partition"), "nothing is delivered");
        let at = Partition { lag: Some(7), state_bytes: 90, watermark: Some(1_500) };
        metrics.read_delivery(&Delivery { batches: 3, retries: 1, partitions: vec![(0, at), (2, at)] });
        metrics.read_delivery(&Delivery { batches: 4, retries: 1, partitions: vec![(2, at)] });
        let text = metrics.text();
        for line in [
            "kappascope_batches_total 4",
            "kappascope_partition_lag_records{partition=\"2\"} 7",
            "kappascope_partition_state_bytes{partition=\"2\"} 90",
            "kappascope_partition_watermark_timestamp_seconds{partition=\"2\"} 1.5",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("{partition=\"0\"}"), "{text}");
    }

    #[test]
    fn counters_take_over_totals_and_never_fall() {
        let metrics = Metrics::default();
        metrics.read(&Reading { events: 10, alerts: 1, watermark: Some(1_500), ..Reading::default() });
        metrics.read(&Reading { events: 25, alerts: 1, ..Reading::default() });
        metrics.read(&Reading::default());
        let text = metrics.text();
        for line in [
            "kappascope_events_total 25",
            "kappascope_alerts_total 1",
            "kappascope_watermark_timestamp_seconds 1.5",
            "# TYPE kappascope_late_events_total counter",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
