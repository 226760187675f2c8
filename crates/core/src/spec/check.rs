//! What a pipeline must be to run.
//!
//! **Invariant:** a [`Spec`] that passes is one that every later stage takes without looking again.

use super::{
    Accumulation, AlertSpec, DetectorSpec, Emission, QuerySpec, Series, Spec, SpecError, Step, Watched,
    WindowSpec,
};
use crate::aggregate::{Aggregate, Reads};
use crate::rules::{self, ResultCondition};
use crate::time::Millis;

/// Most partitions of one log: each costs a few words in the watermark, and an event looks at them all
/// when the slowest moves.
pub const MAX_PARTITIONS: u32 = 1_024;

/// Most events of a count window: those of one that slides are held for each key.
pub const MAX_COUNT_WINDOW: u32 = 1_000_000;

/// Most panes of one hopping or cumulating window: a result merges them all, and an event may belong to
/// as many windows.
pub const MAX_PANES: i64 = 10_000;

/// The field that does not fit, and why.
pub(super) type Refusal = (&'static str, String);

impl Spec {
    /// Refuses what cannot run.
    ///
    /// # Errors
    /// On a column, query, aggregate or detector that is not there, a name used twice, and a number or
    /// duration out of its range.
    pub fn check(&self) -> Result<(), SpecError> {
        self.check_schema()?;
        if self.query.is_empty() && self.detector.is_empty() {
            return Err(SpecError::at(&[Step::Field("query")], "a pipeline needs at least one query"));
        }
        unique("query", self.query.iter().map(|query| query.name.as_str()))?;
        unique("detector", self.detector.iter().map(|detector| detector.name.as_str()))?;
        unique("alert", self.alert.iter().map(|alert| alert.name.as_str()))?;
        self.query.iter().enumerate().try_for_each(|(i, query)| self.check_query(i, query))?;
        self.detector.iter().enumerate().try_for_each(|(i, detector)| self.check_detector(i, detector))?;
        self.alert.iter().enumerate().try_for_each(|(i, alert)| self.check_alert(i, alert))
    }

    fn check_schema(&self) -> Result<(), SpecError> {
        let schema = &self.schema;
        if self.watermark.idle == Some(Millis(0)) {
            let message = "all partitions would be idle at once; at least `1ms`, or leave `idle` out";
            return Err(SpecError::at(&[Step::Field("watermark"), Step::Field("idle")], message));
        }
        let at = |field, message: String| {
            Err(SpecError::at(&[Step::Field("schema"), Step::Field(field)], message))
        };
        if !(1..=MAX_PARTITIONS).contains(&schema.partitions) {
            return at(
                "partitions",
                format!("{} partitions; 1 to {MAX_PARTITIONS} would fit", schema.partitions),
            );
        }
        if schema.partitions > 1 && schema.partition.is_none() {
            return at(
                "partitions",
                format!("{} partitions need `partition`, the column that says which", schema.partitions),
            );
        }
        let mut seen: Vec<&str> = Vec::new();
        let roles = [("keys", &schema.keys), ("measures", &schema.measures)];
        for (field, columns) in roles {
            for (i, column) in columns.iter().enumerate() {
                if *column == schema.time || seen.contains(&column.as_str()) {
                    return Err(SpecError::at(
                        &[Step::Field("schema"), Step::Field(field), Step::Item(i)],
                        format!("column `{column}` is named twice; a column has one role"),
                    ));
                }
                seen.push(column);
            }
        }
        Ok(())
    }

    fn check_query(&self, i: usize, query: &QuerySpec) -> Result<(), SpecError> {
        self.filter(i)?;
        let at = |steps: &[Step], message: String| {
            let path = [&[Step::Field("query"), Step::Item(i)], steps].concat();
            Err(SpecError::at(&path, message))
        };
        for (j, column) in query.by.iter().enumerate() {
            if !self.schema.keys.contains(column) {
                let fits = listed("the schema's keys are", &self.schema.keys);
                return at(&[Step::Field("by"), Step::Item(j)], format!("no key column `{column}`; {fits}"));
            }
        }
        check_window(query.window).or_else(|(field, message)| {
            let field = field.map(Step::Field);
            at(&[&[Step::Field("window")], field.as_slice()].concat(), message)
        })?;
        if let Err((field, message)) = check_results(query) {
            return at(&[Step::Field(field)], message);
        }
        if query.aggregates.is_empty() {
            return at(&[Step::Field("aggregates")], "nothing to compute; `count()` would fit".to_owned());
        }
        for (j, aggregate) in query.aggregates.iter().enumerate() {
            if query.aggregates[..j].contains(aggregate) {
                return at(
                    &[Step::Field("aggregates"), Step::Item(j)],
                    format!("`{aggregate}` stands there twice; once would fit"),
                );
            }
            if let Err(message) = self.check_aggregate(aggregate) {
                return at(&[Step::Field("aggregates"), Step::Item(j)], message);
            }
        }
        Ok(())
    }

    fn check_aggregate(&self, aggregate: &Aggregate) -> Result<(), String> {
        let Some(column) = aggregate.column() else { return Ok(()) };
        let (keys, measures) = (&self.schema.keys, &self.schema.measures);
        let known = |names: &[String]| names.iter().any(|name| name == column);
        match aggregate.reads() {
            Reads::Measure if !known(measures) => {
                Err(format!("no measure `{column}`; {}", listed("the schema's measures are", measures)))
            }
            Reads::Key if !known(keys) => {
                Err(format!("no key column `{column}`; {}", listed("the schema's keys are", keys)))
            }
            Reads::Either if !known(keys) && !known(measures) => {
                let all = [&keys[..], measures].concat();
                Err(format!("no column `{column}`; {}", listed("the schema has", &all)))
            }
            _ => Ok(()),
        }
    }

    fn check_detector(&self, i: usize, detector: &DetectorSpec) -> Result<(), SpecError> {
        let at = |field, message| {
            Err(SpecError::at(&[Step::Field("detector"), Step::Item(i), Step::Field(field)], message))
        };
        match self.series(&detector.on) {
            None => {
                let series: Vec<String> = self.query.iter().flat_map(number_series).collect();
                let series = [&series[..], &self.schema.measures].concat();
                return at("on", format!("no series `{}`; {}", detector.on, listed("there are", &series)));
            }
            Some(Series::Aggregate { query, aggregate }) => {
                if !self.query[query].aggregates[aggregate].is_number() {
                    return at("on", format!("`{}` is a list; a detector reads numbers", detector.on));
                }
                if !detector.by.is_empty() {
                    let query = &self.query[query].name;
                    return at(
                        "by",
                        format!(
                            "the series of `{query}` have its keys; only a detector on a measure has its own"
                        ),
                    );
                }
            }
            Some(Series::Measure(_)) => {
                if let Some(column) = detector.by.iter().find(|column| !self.schema.keys.contains(column)) {
                    let fits = listed("the schema's keys are", &self.schema.keys);
                    return at("by", format!("no key column `{column}`; {fits}"));
                }
            }
        }
        detector.kind.check().or_else(|(field, message)| at(field, message))
    }

    fn check_alert(&self, i: usize, alert: &AlertSpec) -> Result<(), SpecError> {
        let at = |field, message| {
            Err(SpecError::at(&[Step::Field("alert"), Step::Item(i), Step::Field(field)], message))
        };
        match self.watched(&alert.when) {
            None => return at("when", self.nothing_to_watch(&alert.when)),
            Some(Watched::Results { query, condition }) => {
                if let Err(error) = ResultCondition::new(self, query, &condition) {
                    return at("when", error.to_string());
                }
            }
            Some(Watched::Detector(_)) => {}
        }
        if let Err(message) = self.check_interval(alert) {
            return at("interval", message);
        }
        rules::message(self, alert).map(|_| ()).or_else(|message| at("message", message))
    }

    fn nothing_to_watch(&self, when: &str) -> String {
        if let Some(query) = self.query.iter().find(|query| query.name == when.trim()) {
            let example = condition_on(query);
            return format!(
                "`{}` is a query and needs a condition on its results, such as `{example}`",
                query.name
            );
        }
        let detectors: Vec<String> = self.detector.iter().map(|detector| detector.name.clone()).collect();
        let queries: Vec<String> = self.query.iter().map(|query| query.name.clone()).collect();
        if let Some((query, _)) = when.split_once(':') {
            return format!("no query `{}`; {}", query.trim(), listed("there are", &queries));
        }
        let fits = listed("there are", &detectors);
        let example = self.query.first().map_or(String::new(), |query| {
            let example = condition_on(query);
            format!("; a condition on a query's results begins with its name, such as `{example}`")
        });
        format!("no detector `{when}`; {fits}{example}")
    }

    fn check_interval(&self, alert: &AlertSpec) -> Result<(), String> {
        let window = self.query_of_rule(alert).map(|query| self.query[query].window);
        match alert.interval {
            None => Ok(()),
            Some(Millis(0)) => Err("at least `1ms` would fit".to_owned()),
            Some(_) if rules::is_of_absence(self, alert) => {
                Err("a silence ends with the next point; leave `interval` out".to_owned())
            }
            Some(_) if window.and_then(rules::grid).is_some() => {
                Err("the rule is evaluated at the end of each window; leave `interval` out".to_owned())
            }
            Some(_) => Ok(()),
        }
    }
}

/// A rule that a query's results can be held against, for an error to show.
fn condition_on(query: &QuerySpec) -> String {
    let number = query.aggregates.iter().find(|aggregate| aggregate.is_number());
    format!("{}: {} > 10", query.name, number.unwrap_or(&Aggregate::Count))
}

/// The field of the window, if one is to blame, and what is wrong with it.
type WindowFault = (Option<&'static str>, String);

fn check_window(window: WindowSpec) -> Result<(), WindowFault> {
    let positive = |field, duration: Millis| match duration.0 {
        0 => Err((Some(field), "a window of no length; at least `1ms`".to_owned())),
        _ => Ok(()),
    };
    let below = |offset: Millis, name: &str, limit: Millis| {
        if offset < limit {
            return Ok(());
        }
        let message = format!("an offset of {offset} needs to be below the window's {name}, {limit}");
        Err((Some("offset"), message))
    };
    let few_panes = |size: Millis, pane: i64| match size.0 / pane {
        panes if panes > MAX_PANES => {
            let pane = Millis(pane);
            let message = format!(
                "windows share their events in panes of {pane}, and one would be made of {panes}; at most {MAX_PANES}"
            );
            Err((None, message))
        }
        _ => Ok(()),
    };
    match window {
        WindowSpec::Tumbling { size, offset } => {
            positive("tumbling", size)?;
            below(offset, "size", size)
        }
        WindowSpec::Hopping { size, slide, offset } => {
            positive("hopping", size)?;
            positive("slide", slide)?;
            if slide > size {
                let message =
                    format!("a slide of {slide} leaves gaps between windows of {size}; at most the size");
                return Err((Some("slide"), message));
            }
            below(offset, "slide", slide)?;
            few_panes(size, gcd(size.0, slide.0))
        }
        WindowSpec::Cumulate { size, step, offset } => {
            positive("cumulate", size)?;
            positive("step", step)?;
            if size.0 % step.0 != 0 {
                let message = format!("a step of {step} does not divide the size, {size}");
                return Err((Some("step"), message));
            }
            below(offset, "size", size)?;
            few_panes(size, step.0)
        }
        WindowSpec::Session { gap } => positive("session", gap),
        WindowSpec::Count { events, slide } => {
            if !(1..=MAX_COUNT_WINDOW).contains(&events) {
                let message = format!("a window of {events} events; 1 to {MAX_COUNT_WINDOW} would fit");
                return Err((Some("count"), message));
            }
            if !(1..=events).contains(&slide) {
                let message = format!("a slide of {slide} events; 1 to the window's {events} would fit");
                return Err((Some("slide"), message));
            }
            Ok(())
        }
        WindowSpec::Rolling { duration } => positive("rolling", duration),
        WindowSpec::Global => Ok(()),
    }
}

/// Emission and accumulation that fit each other and the window.
fn check_results(query: &QuerySpec) -> Result<(), (&'static str, String)> {
    let rolling = matches!(query.window, WindowSpec::Rolling { .. });
    if rolling && query.emit != Emission::OnClose {
        return Err(("emit", "a rolling window gives a result with each event; leave `emit` out".to_owned()));
    }
    if rolling && query.accumulation != Accumulation::Accumulating {
        let message = "a rolling window gives one result an event; leave `accumulation` out".to_owned();
        return Err(("accumulation", message));
    }
    let timeless = matches!(query.window, WindowSpec::Count { .. } | WindowSpec::Global);
    if timeless && query.lateness.0 > 0 {
        let message = "no event is late for a window without event time; leave `lateness` out".to_owned();
        return Err(("lateness", message));
    }
    match query.emit {
        Emission::Every(Millis(0)) => Err(("emit", "every no time at all; at least `1ms`".to_owned())),
        _ => Ok(()),
    }
}

/// The greatest common divisor of two positive numbers: the pane that both are multiples of.
pub(crate) fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn number_series(query: &QuerySpec) -> impl Iterator<Item = String> {
    let numbers = query.aggregates.iter().filter(|aggregate| aggregate.is_number());
    numbers.map(move |aggregate| format!("{}.{aggregate}", query.name))
}

fn unique<'a>(table: &'static str, names: impl Iterator<Item = &'a str>) -> Result<(), SpecError> {
    let mut seen: Vec<&str> = Vec::new();
    for (i, name) in names.enumerate() {
        let at = |message: String| {
            Err(SpecError::at(&[Step::Field(table), Step::Item(i), Step::Field("name")], message))
        };
        if name.is_empty() {
            return at("an empty name".to_owned());
        }
        if seen.contains(&name) {
            return at(format!("`{name}` is taken by another {table}; names are unique"));
        }
        seen.push(name);
    }
    Ok(())
}

fn listed(lead: &str, names: &[String]) -> String {
    if names.is_empty() {
        return "there is none".to_owned();
    }
    format!("{lead} {}", names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
}
