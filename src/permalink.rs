//! The page's address: a scene in the fragment, written and read.
//!
//! ```text
//!   #scenario=website&seed=42&speed=max&watermark.bound=0s&query.0.window={"tumbling":"5m"}
//!   #v=1&sample=nyc-flights&detector.0.threshold=4&row=6031&digest=90f1…&end
//! ```
//!
//! A name with a dot is a setting of the pipeline, by its path in the pipeline file; what is not named stays
//! as the source's pipeline has it. The page writes the version first and `end` last, so that an address that
//! lost its tail is known for what it is; one written by hand needs neither.
//!
//! **Invariant:** reading what was written gives the same scene.

use crate::patch::{self, Change};
use crate::text;
use crate::wire::{Source, Watch};
use kappascope_core::Spec;
use kappascope_core::backpressure::{QueueSpec, Stages};
use kappascope_core::time::TIME_RANGE;
use kappascope_scenario::{FaultError, Faults};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// Seeds and numbers of events stay in the range of whole numbers that JavaScript keeps exact.
pub(crate) const LARGEST: u64 = 1 << 53;

/// The form of the addresses that are written.
const VERSION: u64 = 1;

/// What stands last in an address that is whole.
const END: &str = "end";

/// Longest fragment that is read, in bytes: many times that of a large pipeline.
const LONGEST: usize = 65_536;

/// What an address cannot have as it is.
const ESCAPED: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'%').add(b'&').add(b'#');

/// What an address says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scene {
    pub(crate) source: Source,
    /// Seconds of arrival time a second, `None` within for as fast as it goes.
    pub(crate) speed: Option<Option<f64>>,
    /// Settings that differ from the source's pipeline.
    pub(crate) changes: Vec<Change>,
    /// What the chart draws, unless it is what it draws at first.
    pub(crate) watch: Option<Watch>,
    /// A slow sink behind the engine.
    pub(crate) sink: Option<QueueSpec>,
    /// Events that were given another time, by row.
    pub(crate) moved: Vec<(f64, f64)>,
    /// Where in the log it stood.
    pub(crate) row: Option<u64>,
    /// The digest of what came out up to there: 16 hex digits.
    pub(crate) digest: Option<String>,
}

impl Scene {
    /// A source as it is opened at first.
    pub(crate) fn of(source: Source) -> Self {
        Self {
            source,
            speed: None,
            changes: Vec::new(),
            watch: None,
            sink: None,
            moved: Vec::new(),
            row: None,
            digest: None,
        }
    }

    /// The source's pipeline with the settings of this scene.
    ///
    /// # Errors
    /// On a setting that the pipeline does not have, or that does not fit; in words for a person.
    pub(crate) fn pipeline(&self, spec: &Spec) -> Result<Spec, String> {
        let mut document = document(spec);
        for (path, value) in &self.changes {
            let place = || format!("{path}={}", patch::write(value));
            patch::set(&mut document, path, value.clone()).map_err(|error| misfit(&place(), &error))?;
        }
        let spec: Spec = serde_json::from_value(document)
            .map_err(|error| misfit("a setting that does not fit", &error.to_string()))?;
        spec.check().map_err(|error| misfit("a setting that does not fit", &error.to_string()))?;
        Ok(spec)
    }
}

/// How a pipeline differs from that of its source.
pub(crate) fn changes(source: &Spec, spec: &Spec) -> Vec<Change> {
    patch::diff(&document(source), &document(spec))
}

fn document(spec: &Spec) -> serde_json::Value {
    serde_json::to_value(spec).expect("a pipeline has string keys only, which JSON can always write")
}

/// What a scenario is opened with when nobody says otherwise: its own seed. One that nobody knows has none.
pub(crate) fn first_seed(scenario: &str) -> u64 {
    text::scenario(scenario).map_or(0, |known| known.default_seed)
}

/// Reads a fragment, without its `#`.
///
/// # Errors
/// On a part that is not known or has a value that does not fit; in words for a person.
pub(crate) fn read(fragment: &str) -> Result<Scene, String> {
    if fragment.len() > LONGEST {
        let start: String = fragment.chars().take(40).collect();
        return Err(misfit(
            &format!("{start}…"),
            &format!("it is {} bytes long, at most {LONGEST} fit", fragment.len()),
        ));
    }
    if fragment.starts_with("v=") && fragment.rsplit('&').next() != Some(END) {
        return Err(misfit(&tail(fragment), "its end is missing, so that something was lost on the way"));
    }
    let (mut scenario, mut sample, mut seed, mut events) = (None, None, None, None);
    let mut faults = Faults::default();
    let mut scene = Scene::of(Source::Sample(String::new()));
    for part in fragment.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let value = percent_decode_str(value).decode_utf8().map_err(|_| misfit(part, "it is not UTF-8"))?;
        let value = &*value;
        match name {
            "v" => check_version(value)?,
            "scenario" => scenario = Some(value.to_owned()),
            "sample" => sample = Some(value.to_owned()),
            "seed" => seed = Some(whole(name, value, 0)?),
            "events" => events = Some(whole(name, value, 1)?),
            "faults" => {
                faults = value.parse().map_err(|error: FaultError| misfit(part, &error.to_string()))?;
            }
            "sink" => scene.sink = Some(sink(value)?),
            "move" => scene.moved.push(moved(value)?),
            "speed" if value == "max" => scene.speed = Some(None),
            "speed" => scene.speed = Some(Some(positive(name, value)?)),
            "watch" => scene.watch = Some(watch(value)?),
            "row" => scene.row = Some(whole(name, value, 0)?),
            "digest" => scene.digest = Some(digest(value)?),
            END => {}
            _ if name.contains('.') => scene.changes.push((name.to_owned(), patch::read(value))),
            _ => {
                return Err(misfit(
                    part,
                    "scenario, sample, seed, events, faults, speed, watch, sink, move, row, digest and settings such as watermark.bound are known",
                ));
            }
        }
    }
    scene.source = match (scenario, sample) {
        (Some(name), None) => {
            let seed = seed.unwrap_or_else(|| first_seed(&name));
            Source::Scenario { name, seed, events, faults }
        }
        (None, Some(name)) => Source::Sample(name),
        _ => return Err(misfit(fragment, "it needs either a scenario or a sample")),
    };
    Ok(scene)
}

/// Writes a fragment, without its `#`; nothing for a file, which no address can carry, nor for what comes live.
pub(crate) fn write(scene: &Scene) -> Option<String> {
    let mut parts = vec![format!("v={VERSION}")];
    match &scene.source {
        Source::Scenario { name, seed, events, faults } => {
            parts.extend([format!("scenario={name}"), format!("seed={seed}")]);
            parts.extend(events.map(|events| format!("events={events}")));
            if *faults != Faults::default() {
                parts.push(format!("faults={}", escaped(&faults.to_string())));
            }
        }
        Source::Sample(name) => parts.push(format!("sample={name}")),
        Source::File { .. } | Source::Live(_) => return None,
    }
    let speed =
        |speed: Option<f64>| speed.map_or_else(|| "speed=max".to_owned(), |speed| format!("speed={speed}"));
    parts.extend(scene.speed.map(speed));
    let changes = scene.changes.iter().map(|(path, value)| (path, patch::write(value)));
    parts.extend(changes.map(|(path, value)| format!("{path}={}", escaped(&value))));
    parts.extend(scene.watch.map(|watch| match watch {
        Watch::Aggregate { query, aggregate } => format!("watch={query}.{aggregate}"),
        Watch::Points { detector } => format!("watch={detector}"),
    }));
    if let Some(sink) = &scene.sink {
        let json = serde_json::to_string(sink).expect("a queue has string keys only");
        parts.push(format!("sink={}", escaped(&json)));
    }
    parts.extend(scene.moved.iter().map(|(row, time)| format!("move={row}:{time}")));
    parts.extend(scene.row.map(|row| format!("row={row}")));
    parts.extend(scene.digest.as_ref().map(|digest| format!("digest={digest}")));
    parts.push(END.to_owned());
    Some(parts.join("&"))
}

fn escaped(value: &str) -> String {
    utf8_percent_encode(value, ESCAPED).to_string()
}

fn misfit(found: &str, fits: &str) -> String {
    format!("The page's address says “{found}”: {fits}.")
}

/// The last part of an address, for a message.
fn tail(fragment: &str) -> String {
    let last = fragment.rsplit('&').next().unwrap_or(fragment);
    format!("…{last}")
}

fn check_version(value: &str) -> Result<(), String> {
    let fits =
        || misfit(&format!("v={value}"), &format!("it is of a newer page; this one knows version {VERSION}"));
    (value.parse() == Ok(VERSION)).then_some(()).ok_or_else(fits)
}

fn watch(value: &str) -> Result<Watch, String> {
    let fits = || {
        misfit(
            &format!("watch={value}"),
            "a query and an aggregate such as 0.1, or a detector such as 0, would fit",
        )
    };
    let number = |text: &str| text.parse::<u32>().map_err(|_| fits());
    Ok(match value.split_once('.') {
        Some((query, aggregate)) => Watch::Aggregate { query: number(query)?, aggregate: number(aggregate)? },
        None => Watch::Points { detector: number(value)? },
    })
}

fn sink(value: &str) -> Result<QueueSpec, String> {
    let misfit = |error: String| misfit(&format!("sink={value}"), &error);
    let spec: QueueSpec = serde_json::from_str(value).map_err(|error| misfit(error.to_string()))?;
    Stages::new(std::slice::from_ref(&spec)).map_err(|error| misfit(error.to_string()))?;
    Ok(spec)
}

fn moved(value: &str) -> Result<(f64, f64), String> {
    let fits = || {
        misfit(
            &format!("move={value}"),
            "a row and a time in epoch milliseconds such as 17:1714557600000 would fit",
        )
    };
    let (row, time) = value.split_once(':').ok_or_else(fits)?;
    let row: u64 = row.parse().ok().filter(|row| *row < LARGEST).ok_or_else(fits)?;
    let time: i64 = time.parse().ok().filter(|time| TIME_RANGE.contains(time)).ok_or_else(fits)?;
    Ok((row as f64, time as f64))
}

fn digest(value: &str) -> Result<String, String> {
    let hex = |digit: char| digit.is_ascii_digit() || ('a'..='f').contains(&digit);
    let fits = value.len() == 16 && value.chars().all(hex);
    fits.then(|| value.to_owned())
        .ok_or_else(|| misfit(&format!("digest={value}"), "16 hex digits would fit"))
}

fn whole(name: &str, value: &str, least: u64) -> Result<u64, String> {
    let fits =
        || misfit(&format!("{name}={value}"), &format!("a whole number from {least} to 2^53 − 1 would fit"));
    value.parse().ok().filter(|number| (least..LARGEST).contains(number)).ok_or_else(fits)
}

fn positive(name: &str, value: &str) -> Result<f64, String> {
    let fits = || misfit(&format!("{name}={value}"), "a number above 0 would fit");
    value.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0).ok_or_else(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kappascope_core::Millis;
    use kappascope_core::backpressure::WhenFull;

    fn spec() -> Spec {
        kappascope_scenario::open("tutorial", 1, Some(1)).expect("is known").spec().clone()
    }

    #[test]
    fn what_is_written_is_read() {
        let faults: Faults = "disorder=5s,stragglers=1%:2m".parse().expect("are faults");
        let source = Source::Scenario { name: "tutorial".to_owned(), seed: 7, events: Some(1_000), faults };
        let mut other = spec();
        other.watermark.bound = Millis(9);
        other.query[0].filter = Some("value > 5 AND event_type = 'a & b'".to_owned());
        other.query[0].window = kappascope_core::spec::WindowSpec::Session { gap: Millis(5_000) };
        let scene = Scene {
            speed: Some(None),
            changes: changes(&spec(), &other),
            watch: Some(Watch::Aggregate { query: 0, aggregate: 1 }),
            sink: Some(QueueSpec {
                capacity: 5,
                when_full: WhenFull::Block,
                service_per_second: 3,
                dial: vec![],
            }),
            moved: vec![(17.0, 1_714_557_600_000.0)],
            row: Some(512),
            digest: Some("0123456789abcdef".to_owned()),
            ..Scene::of(source)
        };
        let fragment = write(&scene).expect("a scenario has an address");
        assert_eq!(read(&fragment).as_ref(), Ok(&scene));
        assert_eq!(scene.pipeline(&spec()), Ok(other));
        let cut = &fragment[..fragment.len() - 20];
        assert!(read(cut).is_err_and(|error| error.contains("lost on the way")));
    }

    #[test]
    fn what_is_missing_stays_as_the_pipeline_has_it() {
        let scene = read("scenario=tutorial&watermark.bound=9ms").expect("reads");
        let own = text::scenario("tutorial").expect("is known").default_seed;
        assert_eq!(scene.source, Source::scenario("tutorial", own));
        let mut other = spec();
        other.watermark.bound = Millis(9);
        assert_eq!(scene.pipeline(&spec()), Ok(other));
    }

    #[track_caller]
    fn check_error(fragment: &str, want: &str) {
        let scene = read(fragment);
        let error = scene.and_then(|scene| scene.pipeline(&spec())).expect_err("is refused");
        assert!(error.contains(want), "{error}");
    }

    #[test]
    fn what_does_not_fit_is_refused_in_words() {
        check_error("scenario=website&seed=x", "“seed=x”");
        check_error("scenario=website&seed=9007199254740992", "2^53");
        check_error("scenario=website&events=0", "from 1");
        check_error("scenario=website&color=red", "“color=red”");
        check_error("scenario=a&sample=b", "either");
        check_error("seed=1", "either");
        check_error("v=2&scenario=tutorial&end", "newer");
        check_error("v=1&scenario=tutorial", "lost on the way");
        check_error("scenario=tutorial&digest=xyz", "16 hex digits");
        check_error("scenario=tutorial&watch=a.b", "0.1");
        check_error("scenario=tutorial&faults=rain=5s", "rain");
        check_error("scenario=tutorial&move=5", "such as 17:");
        check_error("scenario=tutorial&sink={}", "capacity");
        check_error("scenario=tutorial&query.7.window=1m", "no item");
        check_error("scenario=tutorial&watermark.bound=5", "setting");
        check_error("scenario=tutorial&detector.0.threshold=-1", "threshold");
        check_error("scenario=tutorial&watermark.colour=red", "colour");
        check_error(&format!("scenario={}", "x".repeat(2_000_000)), "bytes long");
    }

    #[test]
    fn a_file_has_no_address() {
        let source = Source::File { name: "x.csv".to_owned(), bytes: 1.0 };
        assert_eq!(write(&Scene::of(source)), None);
    }
}
