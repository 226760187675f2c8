//! The page's address: a scene in the fragment, written and read.
//!
//! ```text
//!   #scenario=website&seed=42&events=200000&speed=max&window=1m&bound=5s&lateness=30s&points=30&threshold=3
//!   #sample=nyc-flights&threshold=4
//! ```
//!
//! Every part but the first may be missing; what is missing stays as the source's pipeline has it.
//!
//! **Invariant:** reading what was written gives the same scene.

use crate::wire::{Source, Tuning};
use kappascope_core::Millis;
use kappascope_core::spec::MAX_DETECTOR_WINDOW;

/// What a scenario is opened with when nobody says otherwise.
pub(crate) const FIRST_SEED: u64 = 42;

/// Seeds and numbers of events stay in the range of whole numbers that JavaScript keeps exact.
pub(crate) const LARGEST: u64 = 1 << 53;

/// What an address says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scene {
    pub(crate) source: Source,
    /// Seconds of arrival time a second, `None` within for as fast as it goes.
    pub(crate) speed: Option<Option<f64>>,
    pub(crate) settings: Settings,
}

/// Settings that differ from the source's pipeline.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Settings {
    window: Option<Millis>,
    bound: Option<Millis>,
    lateness: Option<Millis>,
    points: Option<u32>,
    threshold: Option<f64>,
}

impl Settings {
    /// All settings there are.
    pub(crate) fn of(tuning: Tuning) -> Self {
        Self {
            window: Some(Millis(tuning.window_ms)),
            bound: Some(Millis(tuning.bound_ms)),
            lateness: Some(Millis(tuning.lateness_ms)),
            points: Some(tuning.detector_window),
            threshold: Some(tuning.threshold),
        }
    }

    /// A pipeline's settings with these in their place.
    pub(crate) fn over(self, tuning: Tuning) -> Tuning {
        Tuning {
            window_ms: self.window.map_or(tuning.window_ms, |window| window.0),
            bound_ms: self.bound.map_or(tuning.bound_ms, |bound| bound.0),
            lateness_ms: self.lateness.map_or(tuning.lateness_ms, |lateness| lateness.0),
            detector_window: self.points.unwrap_or(tuning.detector_window),
            threshold: self.threshold.unwrap_or(tuning.threshold),
        }
    }
}

/// Reads a fragment, without its `#`.
///
/// # Errors
/// On a part that is not known or has a value that does not fit; in words for a person.
pub(crate) fn read(fragment: &str) -> Result<Scene, String> {
    let (mut scenario, mut sample, mut seed, mut events) = (None, None, None, None);
    let (mut speed, mut settings) = (None, Settings::default());
    for part in fragment.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        match name {
            "scenario" => scenario = Some(value.to_owned()),
            "sample" => sample = Some(value.to_owned()),
            "seed" => seed = Some(whole(name, value, 0)?),
            "events" => events = Some(whole(name, value, 1)?),
            "speed" if value == "max" => speed = Some(None),
            "speed" => speed = Some(Some(positive(name, value)?)),
            "window" => settings.window = Some(duration(name, value, 1)?),
            "bound" => settings.bound = Some(duration(name, value, 0)?),
            "lateness" => settings.lateness = Some(duration(name, value, 0)?),
            "points" => settings.points = Some(points(name, value)?),
            "threshold" => settings.threshold = Some(positive(name, value)?),
            _ => {
                return Err(misfit(
                    part,
                    "scenario, sample, seed, events, speed, window, bound, lateness, points and threshold are known",
                ));
            }
        }
    }
    let source = match (scenario, sample) {
        (Some(name), None) => Source::Scenario { name, seed: seed.unwrap_or(FIRST_SEED), events },
        (None, Some(name)) => Source::Sample(name),
        _ => return Err(misfit(fragment, "it needs either a scenario or a sample")),
    };
    Ok(Scene { source, speed, settings })
}

/// Writes a fragment, without its `#`; nothing for a file, which no address can carry.
pub(crate) fn write(scene: &Scene) -> Option<String> {
    let mut parts = match &scene.source {
        Source::Scenario { name, seed, events } => {
            let events = events.map(|events| format!("events={events}"));
            [format!("scenario={name}"), format!("seed={seed}")].into_iter().chain(events).collect::<Vec<_>>()
        }
        Source::Sample(name) => vec![format!("sample={name}")],
        Source::File { .. } => return None,
    };
    parts.extend(
        scene
            .speed
            .map(|speed| speed.map_or_else(|| "speed=max".to_owned(), |speed| format!("speed={speed}"))),
    );
    let Settings { window, bound, lateness, points, threshold } = scene.settings;
    parts.extend(window.map(|window| format!("window={window}")));
    parts.extend(bound.map(|bound| format!("bound={bound}")));
    parts.extend(lateness.map(|lateness| format!("lateness={lateness}")));
    parts.extend(points.map(|points| format!("points={points}")));
    parts.extend(threshold.map(|threshold| format!("threshold={threshold}")));
    Some(parts.join("&"))
}

fn misfit(found: &str, fits: &str) -> String {
    format!("The page's address says “{found}”: {fits}.")
}

fn whole(name: &str, value: &str, least: u64) -> Result<u64, String> {
    let fits =
        || misfit(&format!("{name}={value}"), &format!("a whole number from {least} to 2^53 − 1 would fit"));
    value.parse().ok().filter(|number| (least..LARGEST).contains(number)).ok_or_else(fits)
}

fn points(name: &str, value: &str) -> Result<u32, String> {
    let fits = || misfit(&format!("{name}={value}"), &format!("2 to {MAX_DETECTOR_WINDOW} would fit"));
    value.parse().ok().filter(|number| (2..=MAX_DETECTOR_WINDOW).contains(number)).ok_or_else(fits)
}

fn positive(name: &str, value: &str) -> Result<f64, String> {
    let fits = || misfit(&format!("{name}={value}"), "a number above 0 would fit");
    value.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0).ok_or_else(fits)
}

fn duration(name: &str, value: &str, least: i64) -> Result<Millis, String> {
    let fits = || misfit(&format!("{name}={value}"), "a duration such as 500ms, 5s, 1m or 2h would fit");
    value.parse().ok().filter(|duration: &Millis| duration.0 >= least).ok_or_else(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_round_trip(fragment: &str) {
        let scene = read(fragment).expect("reads");
        assert_eq!(write(&scene).as_deref(), Some(fragment));
    }

    #[test]
    fn what_is_written_is_read() {
        check_round_trip("scenario=website&seed=42");
        check_round_trip(
            "scenario=website&seed=7&events=200000&speed=max&window=1m&bound=0s&lateness=30s&points=30&threshold=2.5",
        );
        check_round_trip("sample=nyc-flights&speed=600&threshold=4");
    }

    #[test]
    fn what_is_missing_stays_as_the_pipeline_has_it() {
        let tuning = Tuning { window_ms: 1, bound_ms: 2, lateness_ms: 3, detector_window: 4, threshold: 5.0 };
        let scene = read("scenario=tutorial&bound=9ms").expect("reads");
        assert_eq!(
            scene.source,
            Source::Scenario { name: "tutorial".to_owned(), seed: FIRST_SEED, events: None }
        );
        assert_eq!(scene.settings.over(tuning), Tuning { bound_ms: 9, ..tuning });
        assert_eq!(Settings::of(tuning).over(Tuning { threshold: 1.0, ..tuning }), tuning);
    }

    #[track_caller]
    fn check_error(fragment: &str, want: &str) {
        let error = read(fragment).expect_err("is refused");
        assert!(error.contains(want), "{error}");
    }

    #[test]
    fn what_does_not_fit_is_refused_in_words() {
        check_error("scenario=website&seed=x", "“seed=x”");
        check_error("scenario=website&seed=9007199254740992", "2^53");
        check_error("scenario=website&events=0", "from 1");
        check_error("scenario=website&window=0s", "duration");
        check_error("scenario=website&bound=5", "duration");
        check_error("scenario=website&threshold=-1", "above 0");
        check_error("scenario=website&threshold=NaN", "above 0");
        check_error("scenario=website&points=1", "2 to");
        check_error("scenario=website&color=red", "“color=red”");
        check_error("scenario=a&sample=b", "either");
        check_error("seed=1", "either");
    }

    #[test]
    fn a_file_has_no_address() {
        let source = Source::File { name: "x.csv".to_owned(), bytes: 1.0 };
        assert_eq!(write(&Scene { source, speed: None, settings: Settings::default() }), None);
    }
}
