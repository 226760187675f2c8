//! What pipelines alert over a log: one run for all settings that differ in detectors and rules only.
//!
//! ```text
//!   settings   threshold 2   threshold 3   bound 10s, threshold 2
//!              └─────────┬────────────┘    │
//!   runs       queries once, two detectors │ queries, one detector
//! ```
//!
//! **Invariant:** the alerts of a setting are those of its pipeline run alone, whatever it shares a run
//! with.

use crate::setting::Setting;
use kappascope_core::spec::DetectorSpec;
use kappascope_core::{AlertState, Block, Cause, Change, Log, Pipeline, Spec, SpecError, Transition};
use rustc_hash::FxHashMap;
use serde::Serialize;

/// Rows pushed at a time, for all copies of a detector together: what they say of a block is held at
/// once.
const ROWS_AT_ONCE: usize = 1 << 17;

/// Most rows pushed at a time, where there is one copy: what `kappascope run` pushes of a simulated stream.
const MOST_ROWS: usize = 1 << 14;

/// Most settings that share a run: their alerts are held together until it is over. A run's own cost, its
/// queries, is then a small part of what it does for so many.
const MOST_SHARING: usize = 32;

/// One alert: from the first sign to the end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alert {
    /// Index of the rule in the pipeline.
    pub rule: u32,
    /// Its key columns and their values.
    pub key: Vec<(String, String)>,
    /// Start of the window that began it, or the time of its event: the first that it can be about.
    pub since: i64,
    /// When it fired, in event time: the end of the window, or the time of the event.
    pub fired: i64,
    /// When someone could have known: the arrival of the event that brought the firing about.
    pub known: i64,
    /// The first evaluation at which the condition held no longer; `None` when it held to the end.
    pub until: Option<i64>,
    /// The point that it fired with.
    pub value: f64,
    /// Its score.
    pub score: f64,
}

/// Gives the alerts of each setting, by its index, in the order in which they fired: those that share a run
/// one after the other, as soon as it is over.
///
/// # Errors
/// When a pipeline cannot run.
pub fn each(
    settings: &[Setting],
    log: &Log,
    mut take: impl FnMut(usize, Vec<Alert>),
) -> Result<(), SpecError> {
    for shared in Shared::group(settings) {
        shared.run(log)?.into_iter().for_each(|(setting, alerts)| take(setting, alerts));
    }
    Ok(())
}

/// The alerts of one setting, in the order in which they fired.
///
/// # Errors
/// When its pipeline cannot run.
pub fn alerts(setting: &Setting, log: &Log) -> Result<Vec<Alert>, SpecError> {
    let mut found = Vec::new();
    each(std::slice::from_ref(setting), log, |_, alerts| found = alerts)?;
    Ok(found)
}

/// Settings that share a run.
struct Shared {
    /// Their queries, each way that a detector is set, and every setting's rules.
    spec: Spec,
    /// Which settings these are.
    settings: Vec<usize>,
    /// Whose each rule of `spec` is: the setting's place in `settings`, and the rule within it.
    owners: Vec<(usize, u32)>,
    /// Where each detector stands in `spec`, by its text.
    detectors: FxHashMap<String, usize>,
}

impl Shared {
    fn group(settings: &[Setting]) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        let mut of_front = FxHashMap::default();
        for (s, Setting { spec, .. }) in settings.iter().enumerate() {
            let front = front(spec);
            let group = of_front.entry(front.to_toml()).or_insert(usize::MAX);
            if groups.get(*group).is_none_or(|group| group.settings.len() == MOST_SHARING) {
                *group = groups.len();
                groups.push(Self::new(front));
            }
            groups[*group].add(s, spec);
        }
        groups
    }

    fn new(front: Spec) -> Self {
        let (settings, owners, detectors) = (Vec::new(), Vec::new(), FxHashMap::default());
        Self { spec: front, settings, owners, detectors }
    }

    /// Adds a setting's rules, and the detectors that the run does not have yet, under names of their own.
    fn add(&mut self, setting: usize, spec: &Spec) {
        for (r, alert) in spec.alert.iter().enumerate() {
            let mut alert = alert.clone();
            if let Some(detector) = spec.detector.iter().find(|detector| detector.name == alert.when) {
                alert.when = self.detector(detector);
            }
            alert.name = format!("{} {}", alert.name, self.owners.len());
            self.spec.alert.push(alert);
            self.owners.push((self.settings.len(), r as u32));
        }
        self.settings.push(setting);
    }

    /// The name that a detector has here.
    fn detector(&mut self, detector: &DetectorSpec) -> String {
        if self.spec.detector.contains(detector) {
            return detector.name.clone();
        }
        let text = toml::to_string(detector).expect("a detector has string keys only");
        let at = *self.detectors.entry(text).or_insert_with(|| {
            let name = format!("{} {}", detector.name, self.spec.detector.len());
            self.spec.detector.push(DetectorSpec { name, ..detector.clone() });
            self.spec.detector.len() - 1
        });
        self.spec.detector[at].name.clone()
    }

    /// The alerts of every setting, with its index.
    fn run(&self, log: &Log) -> Result<Vec<(usize, Vec<Alert>)>, SpecError> {
        let mut pipeline = Pipeline::new(&self.spec)?;
        let mut watch = Watch::new(&self.spec);
        let copies = self.spec.detector.len() + self.spec.alert.len();
        let rows = (ROWS_AT_ONCE / copies.max(1)).clamp(1, MOST_ROWS);
        let mut row = log.start();
        while row < log.end() {
            let block = log.read(row, rows);
            pipeline.push(block.clone());
            watch.take(&pipeline, Some(&block));
            row += block.len() as u64;
        }
        pipeline.finish();
        watch.take(&pipeline, None);
        let mut found: Vec<_> = self.settings.iter().map(|setting| (*setting, Vec::new())).collect();
        for alert in watch.alerts {
            let (owner, rule) = self.owners[alert.rule as usize];
            found[owner].1.push(Alert { rule, ..alert });
        }
        Ok(found)
    }
}

/// What of a pipeline a run shares: all but its detectors and rules. A rule whose expression names a
/// detector needs it under that name, so such detectors are not copied.
fn front(spec: &Spec) -> Spec {
    let named = |detector: &DetectorSpec| {
        spec.alert.iter().any(|alert| alert.when != detector.name && alert.when.contains(&detector.name))
    };
    let detector = if spec.detector.iter().any(named) { spec.detector.clone() } else { Vec::new() };
    Spec { detector, alert: Vec::new(), ..spec.clone() }
}

/// Puts alerts together from their transitions.
struct Watch {
    keep_ms: Vec<i64>,
    key_columns: Vec<Vec<String>>,
    /// First sign of each alert that has not fired.
    pending: FxHashMap<u64, i64>,
    firing: FxHashMap<u64, usize>,
    alerts: Vec<Alert>,
    /// Offset that the next row of each partition has.
    offsets: Vec<u64>,
    newest_arrival: i64,
}

impl Watch {
    fn new(spec: &Spec) -> Self {
        Self {
            keep_ms: spec.alert.iter().map(|alert| alert.keep_firing_for.0).collect(),
            key_columns: spec.alert.iter().map(|alert| spec.keys_of_rule(alert).to_vec()).collect(),
            pending: FxHashMap::default(),
            firing: FxHashMap::default(),
            alerts: Vec::new(),
            offsets: vec![0; spec.schema.partitions as usize],
            newest_arrival: i64::MIN,
        }
    }

    /// Takes what the last block changed.
    fn take(&mut self, pipeline: &Pipeline, block: Option<&Block<'_>>) {
        for change in pipeline.changes().iter() {
            let Change::Alert(alert) = change else { continue };
            match alert.state {
                AlertState::Pending => drop(self.pending.insert(alert.id, alert.window_start)),
                AlertState::Firing => self.fire(pipeline, alert, block),
                AlertState::Resolved => self.resolve(alert),
            }
        }
        if let Some(block) = block {
            self.pass(block);
        }
    }

    fn fire(&mut self, pipeline: &Pipeline, alert: &Transition, block: Option<&Block<'_>>) {
        let since = self.pending.remove(&alert.id).unwrap_or(alert.window_start);
        let names = pipeline.key_of_alert(alert.rule, alert.key);
        let columns = self.key_columns[alert.rule as usize].iter();
        let known =
            block.zip(alert.cause).map_or(self.newest_arrival, |(block, cause)| self.arrival(block, cause));
        self.firing.insert(alert.id, self.alerts.len());
        self.alerts.push(Alert {
            rule: alert.rule,
            key: columns.cloned().zip(names.map(str::to_owned)).collect(),
            since,
            fired: alert.time,
            known,
            until: None,
            value: alert.value,
            score: alert.score,
        });
    }

    fn resolve(&mut self, alert: &Transition) {
        self.pending.remove(&alert.id);
        if let Some(at) = self.firing.remove(&alert.id) {
            self.alerts[at].until = Some(alert.time - self.keep_ms[alert.rule as usize]);
        }
    }

    /// When the event of the block arrived that has this place in the log.
    fn arrival(&self, block: &Block<'_>, cause: Cause) -> i64 {
        let nth = (cause.offset - self.offsets[cause.partition as usize]) as usize;
        let row = match block.partition() {
            None => nth,
            Some(partitions) => {
                let mut rows = (0..block.len()).filter(|row| partitions[*row] == cause.partition);
                rows.nth(nth).expect("a cause is an event of the block")
            }
        };
        block.arrival()[row]
    }

    fn pass(&mut self, block: &Block<'_>) {
        match block.partition() {
            None => self.offsets[0] += block.len() as u64,
            Some(partitions) => {
                partitions.iter().for_each(|partition| self.offsets[*partition as usize] += 1);
            }
        }
        self.newest_arrival = block.arrival().last().copied().unwrap_or(self.newest_arrival);
    }
}

/// The key columns of a pipeline's rules, each once.
#[must_use]
pub fn key_columns_of(spec: &Spec) -> Vec<String> {
    let mut columns = Vec::new();
    for column in spec.alert.iter().flat_map(|alert| spec.keys_of_rule(alert)) {
        if !columns.contains(column) {
            columns.push(column.clone());
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::settings;
    use kappascope_scenario::World;

    fn filled(world: &mut World) -> Log {
        let mut log = Log::new(&world.spec().schema);
        while world.fill(&mut log, 10_000) > 0 {}
        log
    }

    /// Alerts of the pipeline alone, pushed in blocks of another size.
    fn alone(spec: &Spec, log: &Log) -> Vec<Alert> {
        let mut pipeline = Pipeline::new(spec).unwrap();
        let mut watch = Watch::new(spec);
        let mut row = 0;
        while row < log.end() {
            let block = log.read(row, 777);
            pipeline.push(block.clone());
            watch.take(&pipeline, Some(&block));
            row += block.len() as u64;
        }
        pipeline.finish();
        watch.take(&pipeline, None);
        watch.alerts
    }

    #[test]
    fn what_is_shared_changes_no_alert() {
        for (name, events) in [("tutorial", 40_000), ("website", 150_000)] {
            let mut world = kappascope_scenario::open(name, 3, Some(events)).unwrap();
            let log = filled(&mut world);
            let rule = world.spec().alert[0].name.clone();
            let detector = world.spec().detector[0].name.clone();
            let hold = format!("alert.{rule}.for=0s,2m");
            let parameters =
                [&*format!("detector.{detector}.threshold=1.5,2,3"), &*hold, "watermark.bound=0s,10s"]
                    .map(|text| text.parse().unwrap());
            let settings = settings(world.spec(), &parameters).unwrap();
            let mut found = vec![None; settings.len()];
            each(&settings, &log, |s, alerts| found[s] = Some(alerts)).unwrap();
            let groups = Shared::group(&settings);
            assert_eq!(groups.len(), 2, "one run a bound");
            assert!(groups[0].spec.detector.len() <= 3 * world.spec().detector.len());
            let mut counts: Vec<usize> = Vec::new();
            for (setting, found) in settings.iter().zip(found) {
                let found = found.unwrap();
                counts.push(found.len());
                assert_eq!(found, alone(&setting.spec, &log), "{:?}", setting.values);
            }
            assert!(counts[0] > 2 && counts.iter().any(|count| *count != counts[0]), "{name}: {counts:?}");
        }
    }

    #[test]
    fn few_enough_settings_share_a_run() {
        let world = kappascope_scenario::open("website", 3, Some(1)).unwrap();
        let parameters =
            ["detector.threshold=1:4:0.1", "watermark.bound=0s,10s"].map(|text| text.parse().unwrap());
        let settings = settings(world.spec(), &parameters).unwrap();
        let groups = Shared::group(&settings);
        let sizes: Vec<usize> = groups.iter().map(|group| group.settings.len()).collect();
        assert_eq!((settings.len(), sizes), (62, vec![31, 31]));
        let more = [&settings[..], &settings].concat();
        let groups = Shared::group(&more);
        let sizes: Vec<usize> = groups.iter().map(|group| group.settings.len()).collect();
        assert_eq!(sizes, [MOST_SHARING, MOST_SHARING, 30, 30]);
        let mut all: Vec<usize> = groups.into_iter().flat_map(|group| group.settings).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..more.len()), "each setting once");
    }

    #[test]
    fn an_alert_is_known_when_its_event_arrives() {
        let spec = Spec::from_toml(
            r#"
            name = "t"
            version = 1
            [schema]
            time = "at"
            keys = ["k"]
            measures = ["v"]
            [watermark]
            bound = "10ms"
            [[query]]
            name = "q"
            by = ["k"]
            window = { tumbling = "100ms" }
            aggregates = ["sum(v)"]
            [[detector]]
            name = "d"
            on = "q.sum(v)"
            kind = "zscore"
            window = 10
            threshold = 3.0
            min_points = 2
            [[alert]]
            name = "a"
            when = "d"
            for = "100ms"
            keep_firing_for = "100ms"
            "#,
        )
        .unwrap();
        let mut log = Log::new(&spec.schema);
        let key = log.intern(0, "x");
        // Windows of 1, 1, 9, 90, 1, 1: the third and the fourth are out of the way.
        let sums = [1.0, 1.0, 9.0, 90.0, 1.0, 1.0];
        for (window, sum) in (0_i64..).zip(sums) {
            log.append(window * 100, window * 100 + 7, 0, &[key], &[sum]);
            log.append(window * 100 + 60, window * 100 + 67, 0, &[key], &[0.0]);
        }
        let setting = Setting { values: Vec::new(), spec };
        let found = alerts(&setting, &log).unwrap();
        // Began with the window from 200, fired at the end of the one from 300, 400; the watermark came there
        // with the event of 460, which arrived at 467. The window from 400 ended it, at 500.
        let [alert] = &found[..] else { panic!("{found:?}") };
        assert_eq!((alert.since, alert.fired, alert.known, alert.until), (200, 400, 467, Some(500)));
        assert_eq!(alert.key, [("k".to_owned(), "x".to_owned())]);
    }
}
