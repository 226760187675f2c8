//! Parameters that a sweep changes: a place in the pipeline file and the values to try there.
//!
//! ```text
//!   detector.threshold=2:6:0.25          the only detector's threshold: 2, 2.25, … 6
//!   detector.traffic.window=10,30,100    of the detector `traffic`
//!   watermark.bound=0s:60s:5s            durations
//!   query.per_minute.window.tumbling=1m,5m
//!   alert.brute_force.when=5:20:1        the only number in the rule's expression
//!   alert.brute_force.when[2]=5:20:1     the second of several
//! ```
//!
//! **Invariant:** a setting is a pipeline that passes [`Spec::check`], so what it does not have is refused
//! before anything runs.

use kappascope_core::{Millis, Spec};
use std::ops::Range;
use std::str::FromStr;
use toml::{Table, Value};

/// Most settings of one sweep: each runs over the whole log.
pub const MAX_SETTINGS: usize = 2_500;

/// A place in the pipeline, and the values to try there.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// The place as written: `detector.threshold`.
    pub path: String,
    /// The values as written, in the order to try them.
    pub values: Vec<String>,
}

/// Why a sweep cannot run: the parameter, what was found, what would fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct SweepError {
    place: String,
    message: String,
}

impl SweepError {
    pub(crate) fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into() }
    }
}

impl FromStr for Parameter {
    type Err = SweepError;

    fn from_str(text: &str) -> Result<Self, SweepError> {
        let (path, values) = text.split_once('=').ok_or_else(|| {
            SweepError::new(text, "no values; `detector.threshold=2:6:0.25` or `…=2,3,4` would fit")
        })?;
        let values = values_of(values).map_err(|message| SweepError::new(path, message))?;
        Ok(Self { path: path.trim().to_owned(), values })
    }
}

/// `from:to:step`, of numbers or durations, or values between commas.
fn values_of(text: &str) -> Result<Vec<String>, String> {
    let parts: Vec<&str> = text.split(':').map(str::trim).collect();
    let values = match parts[..] {
        [from, to, step] => range(from, to, step)?,
        [_] => text.split(',').map(|value| value.trim().to_owned()).collect(),
        _ => return Err(format!("`{text}` is no range; `2:6:0.25` (from, to, step) would fit")),
    };
    if values.iter().any(String::is_empty) {
        return Err(format!("`{text}` has an empty value; `2,3,4` or `2:6:0.25` would fit"));
    }
    Ok(values)
}

fn range(from: &str, to: &str, step: &str) -> Result<Vec<String>, String> {
    let durations = [from, to, step].map(str::parse::<Millis>);
    if let [Ok(from), Ok(to), Ok(step)] = durations {
        let [from, to, step] = [from.0 as f64, to.0 as f64, step.0 as f64];
        return steps(from, to, step, |ms| Millis(ms as i64).to_string());
    }
    let number = |text: &str| {
        let finite = text.parse().ok().filter(|number: &f64| number.is_finite());
        finite.ok_or_else(|| format!("`{text}` is neither a number nor a duration such as `30s`"))
    };
    // Twelve digits: enough for any setting, and 0.1 · 3 is written as 0.3.
    let written = |x: f64| format!("{x:.12}").trim_end_matches('0').trim_end_matches('.').to_owned();
    steps(number(from)?, number(to)?, number(step)?, written)
}

fn steps(from: f64, to: f64, step: f64, written: impl Fn(f64) -> String) -> Result<Vec<String>, String> {
    // A ten-thousandth of a step more, so that rounding does not cost the last value.
    let last = ((to - from) / step + 1e-4).floor();
    if step <= 0.0 || last.is_nan() || last < 0.0 {
        return Err("a range goes up in steps above 0, such as `2:6:0.25`".to_owned());
    }
    if last >= MAX_SETTINGS as f64 {
        return Err(format!("{} values; at most {MAX_SETTINGS} would fit", last + 1.0));
    }
    Ok((0..=last as u32).map(|i| written(from + f64::from(i) * step)).collect())
}

/// One pipeline of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The value of each parameter, as written.
    pub values: Vec<String>,
    /// The pipeline with these values.
    pub spec: Spec,
}

/// Every combination of the parameters' values, the last parameter's values next to each other. Without
/// parameters it is the pipeline as it stands.
///
/// # Errors
/// On a place that the pipeline does not have, a value that does not fit there, and more than
/// [`MAX_SETTINGS`] combinations.
pub fn settings(spec: &Spec, parameters: &[Parameter]) -> Result<Vec<Setting>, SweepError> {
    let count =
        parameters.iter().try_fold(1_usize, |count, parameter| count.checked_mul(parameter.values.len()));
    if count.is_none_or(|count| count > MAX_SETTINGS) {
        let paths: Vec<&str> = parameters.iter().map(|parameter| parameter.path.as_str()).collect();
        return Err(SweepError::new(
            paths.join(" and "),
            format!("more than {MAX_SETTINGS} settings together; fewer values would fit"),
        ));
    }
    let mut settings = vec![Setting { values: Vec::new(), spec: spec.clone() }];
    for parameter in parameters {
        let mut next = Vec::with_capacity(settings.len() * parameter.values.len());
        for setting in &settings {
            for value in &parameter.values {
                let spec = with(&setting.spec, &parameter.path, value)?;
                next.push(Setting {
                    values: [&setting.values[..], std::slice::from_ref(value)].concat(),
                    spec,
                });
            }
        }
        settings = next;
    }
    Ok(settings)
}

/// The pipeline with a value at a place.
fn with(spec: &Spec, path: &str, value: &str) -> Result<Spec, SweepError> {
    let refused = |message: String| SweepError::new(format!("{path}={value}"), message);
    let mut table =
        Table::try_from(spec).expect("a pipeline has string keys only, which TOML can always write");
    let steps = steps_to(&table, path).map_err(refused)?;
    put(&mut table, &steps, value).map_err(refused)?;
    let spec: Spec = table.try_into().map_err(|error: toml::de::Error| refused(told(error.message())))?;
    spec.check().map_err(|error| refused(error.to_string()))?;
    Ok(spec)
}

fn told(message: &str) -> String {
    message.trim().replace('\n', "; ")
}

/// A value as TOML would have it.
fn toml_of(text: &str) -> Value {
    let number = || text.parse().map(Value::Integer).or_else(|_| text.parse().map(Value::Float));
    let word = || text.parse().map(Value::Boolean).unwrap_or_else(|_| Value::String(text.to_owned()));
    number().unwrap_or_else(|_| word())
}

/// Where a value goes: the table, and within it the fields one below the other.
struct Place<'a> {
    /// Of tables in a list, which one.
    item: Option<usize>,
    section: &'a str,
    fields: Vec<&'a str>,
}

/// Finds the section, and the one meant of several.
fn steps_to<'a>(spec: &Table, path: &'a str) -> Result<Place<'a>, String> {
    let (section, rest) = path.split_once('.').unwrap_or((path, ""));
    if rest.is_empty() {
        return Err(
            "no parameter; `detector.threshold`, `watermark.bound` or `alert.NAME.for` would fit".to_owned()
        );
    }
    let fields = |rest: &'a str| rest.split('.').collect();
    match spec.get(section) {
        Some(Value::Table(_)) => Ok(Place { item: None, section, fields: fields(rest) }),
        Some(Value::Array(items)) => {
            let names: Vec<&str> = items.iter().filter_map(|item| item.get("name")?.as_str()).collect();
            let named = |name: &str| rest.strip_prefix(name)?.strip_prefix('.');
            let found = names.iter().enumerate().find_map(|(i, name)| Some((i, named(name)?)));
            match found {
                Some((i, rest)) => Ok(Place { item: Some(i), section, fields: fields(rest) }),
                None if names.len() == 1 => Ok(Place { item: Some(0), section, fields: fields(rest) }),
                None => Err(format!("there are {}; say which: `{section}.{}.…`", listed(&names), names[0])),
            }
        }
        _ => Err(format!("the pipeline has no `{section}`; {} would fit", sections(spec))),
    }
}

fn sections(spec: &Table) -> String {
    let of_tables = |value: &Value| {
        value.is_table() || value.as_array().is_some_and(|all| all.iter().all(Value::is_table))
    };
    let names: Vec<&str> =
        spec.iter().filter(|(_, value)| of_tables(value)).map(|(name, _)| name.as_str()).collect();
    listed(&names)
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn put(spec: &mut Table, place: &Place<'_>, value: &str) -> Result<(), String> {
    let section = &mut spec[place.section];
    let mut table = match place.item {
        None => section.as_table_mut(),
        Some(item) => section[item].as_table_mut(),
    };
    let (field, above) = place.fields.split_last().expect("a path has a field");
    for step in above {
        table = table.and_then(|table| table.get_mut(*step)).and_then(Value::as_table_mut);
    }
    let table = table.ok_or_else(|| format!("the pipeline has no `{}` there", above.join(".")))?;
    let value = match (place.section, expression(field), table.get("when")) {
        ("alert", Some(nth), Some(Value::String(when))) => Value::String(with_number(when, nth, value)?),
        _ => toml_of(value),
    };
    table.insert(field.split('[').next().unwrap_or(field).to_owned(), value);
    Ok(())
}

/// Which number of a rule's expression `when` or `when[2]` means; none is said by `Some(None)`.
fn expression(field: &str) -> Option<Option<usize>> {
    let rest = field.strip_prefix("when")?;
    if rest.is_empty() {
        return Some(None);
    }
    let nth = rest.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
    Some(Some(nth))
}

/// An expression with another number in place of its only one, or of its nth, from 1.
fn with_number(when: &str, nth: Option<usize>, number: &str) -> Result<String, String> {
    let places = numbers(when);
    let found = match (nth, &places[..]) {
        (None, [only]) => only,
        (Some(nth), _) if (1..=places.len()).contains(&nth) => &places[nth - 1],
        (_, []) => return Err(format!("`{when}` has no number to change")),
        _ => {
            let all: Vec<&str> = places.iter().map(|place| &when[place.clone()]).collect();
            let count = places.len();
            return Err(format!(
                "`{when}` has the numbers {}; `when[1]` to `when[{count}]` would fit",
                all.join(", ")
            ));
        }
    };
    if number.parse().is_ok_and(f64::is_finite) {
        return Ok([&when[..found.start], number, &when[found.end..]].concat());
    }
    Err(format!("`{number}` is no number, which the expression needs there"))
}

/// Where an expression has numbers: not in names such as `p99(ms)`, not in quotes.
fn numbers(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let word =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.') || !byte.is_ascii();
        let length = match bytes[at] {
            quote @ (b'\'' | b'"') => 2 + bytes[at + 1..].iter().take_while(|byte| **byte != quote).count(),
            first if word(&first) => bytes[at..].iter().take_while(|byte| word(byte)).count(),
            _ => 1,
        };
        let end = (at + length).min(bytes.len());
        if bytes[at].is_ascii_digit() || (bytes[at] == b'.' && end > at + 1) {
            found.push(at..end);
        }
        at = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    const PIPELINE: &str = r#"
name = "shop"
version = 1
[schema]
time = "at"
keys = ["page"]
measures = ["ms"]
[watermark]
bound = "5s"
[[query]]
name = "per_minute"
by = ["page"]
window = { tumbling = "1m" }
aggregates = ["count()", "p99(ms)"]
[[detector]]
name = "traffic"
on = "per_minute.count()"
kind = "zscore"
window = 30
threshold = 3.0
[[alert]]
name = "spike"
when = "traffic"
[[alert]]
name = "other"
when = "traffic"
"#;

    fn check(parameter: &str, expected: Expect) {
        let spec = Spec::from_toml(PIPELINE).unwrap();
        let found = parameter.parse().and_then(|parameter| settings(&spec, &[parameter]));
        let line_by_line = |setting: &Setting| {
            let (before, after) = (spec.to_toml(), setting.spec.to_toml());
            let changed: Vec<&str> = after.lines().filter(|line| !before.contains(*line)).collect();
            format!("{}: {}", setting.values.join(" "), changed.join("; "))
        };
        let said = match found {
            Ok(settings) => settings.iter().map(line_by_line).collect::<Vec<_>>().join("\n"),
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&said);
    }

    #[test]
    fn places_and_values() {
        check(
            "detector.threshold=2:3:0.5",
            expect![[r#"
            2: threshold = 2.0
            2.5: threshold = 2.5
            3: "#]],
        );
        check(
            "detector.traffic.window=10, 20",
            expect![[r#"
            10: window = 10
            20: window = 20"#]],
        );
        check(
            "watermark.bound=0s:1m:30s",
            expect![[r#"
            0s: bound = "0s"
            30s: bound = "30s"
            1m: bound = "1m""#]],
        );
        check(
            "query.window.tumbling=30s,1m",
            expect![[r#"
            30s: tumbling = "30s"
            1m: "#]],
        );
        check("query.per_minute.lateness=30s", expect![[r#"30s: lateness = "30s""#]]);
        check("alert.spike.for=2m", expect![[r#"2m: for = "2m""#]]);
        check("detector.include_current=true", expect!["true: include_current = true"]);
        check(
            "detector.threshold=0.1:0.3:0.1",
            expect![[r#"
            0.1: threshold = 0.1
            0.2: threshold = 0.2
            0.3: threshold = 0.3"#]],
        );
    }

    #[test]
    fn what_does_not_fit() {
        check(
            "detector.threshold",
            expect!["detector.threshold: no values; `detector.threshold=2:6:0.25` or `…=2,3,4` would fit"],
        );
        check(
            "detector.alpha=0.1",
            expect![
                "detector.alpha=0.1: unknown field `alpha`, expected one of `window`, `threshold`, `min_points`, `include_current`"
            ],
        );
        check(
            "detector.window=1",
            expect!["detector.window=1: detector[0].window: a window of 1 points; 2 to 10000 would fit"],
        );
        check(
            "detector.window=ten",
            expect![[r#"detector.window=ten: invalid type: string "ten", expected u32"#]],
        );
        check(
            "detector.threshold=3:2:0.5",
            expect!["detector.threshold: a range goes up in steps above 0, such as `2:6:0.25`"],
        );
        check(
            "detector.threshold=1:2:0",
            expect!["detector.threshold: a range goes up in steps above 0, such as `2:6:0.25`"],
        );
        check(
            "detector.threshold=1:2:nan",
            expect!["detector.threshold: `nan` is neither a number nor a duration such as `30s`"],
        );
        check(
            "detector.threshold=0:1:0.00001",
            expect!["detector.threshold: 100001 values; at most 2500 would fit"],
        );
        check(
            "detector.threshold=1:2",
            expect!["detector.threshold: `1:2` is no range; `2:6:0.25` (from, to, step) would fit"],
        );
        check(
            "detector.threshold=1,,2",
            expect!["detector.threshold: `1,,2` has an empty value; `2,3,4` or `2:6:0.25` would fit"],
        );
        check(
            "detector=1",
            expect![
                "detector=1: no parameter; `detector.threshold`, `watermark.bound` or `alert.NAME.for` would fit"
            ],
        );
        check(
            "detectors.threshold=1",
            expect![
                "detectors.threshold=1: the pipeline has no `detectors`; `alert`, `detector`, `query`, `schema`, `watermark` would fit"
            ],
        );
        check(
            "alert.for=1m",
            expect!["alert.for=1m: there are `spike`, `other`; say which: `alert.spike.…`"],
        );
        check(
            "query.window.hopping=1m",
            expect![[
                r#"query.window.hopping=1m: a window is one of `{ tumbling = "1m" }`, `{ hopping = "5m", slide = "10s" }`, `{ cumulate = "1h", step = "1m" }`, `{ session = "10s" }`, `{ count = 100 }`, `{ rolling = "1m" }`, `"global"`"#
            ]],
        );
        check(
            "query.windows.hopping=1m",
            expect!["query.windows.hopping=1m: the pipeline has no `windows` there"],
        );
    }

    #[test]
    fn every_combination() {
        let spec = Spec::from_toml(PIPELINE).unwrap();
        let parameters =
            ["detector.threshold=2,3", "watermark.bound=0s,5s,10s"].map(|text| text.parse().unwrap());
        let settings = settings(&spec, &parameters).unwrap();
        let values: Vec<String> = settings.iter().map(|setting| setting.values.join(" ")).collect();
        assert_eq!(values, ["2 0s", "2 5s", "2 10s", "3 0s", "3 5s", "3 10s"]);
        let many =
            ["detector.threshold=1:100:1", "alert.spike.for=1s:30s:1s"].map(|text| text.parse().unwrap());
        let error = super::settings(&spec, &many).unwrap_err().to_string();
        expect![
            "detector.threshold and alert.spike.for: more than 2500 settings together; fewer values would fit"
        ]
        .assert_eq(&error);
    }

    #[test]
    fn numbers_of_an_expression() {
        let when = "q: p99.9(ms) > 80.5 AND page = 'p 7' OR count() >= .5 AND abs(avg(ms)-10) < 1e3";
        let found: Vec<&str> = numbers(when).into_iter().map(|place| &when[place]).collect();
        assert_eq!(found, ["80.5", ".5", "10", "1e3"]);
        assert_eq!(with_number("q: count() >= 10", None, "12").unwrap(), "q: count() >= 12");
        assert_eq!(
            with_number("q: p99(ms) > 1 AND count() > 2", Some(2), "7").unwrap(),
            "q: p99(ms) > 1 AND count() > 7"
        );
        for (when, nth, number) in [
            ("q: a > 1 AND b > 2", None, "3"),
            ("q: a > b", None, "3"),
            ("q: a > 1", Some(2), "3"),
            ("q: a > 1", None, "x"),
        ] {
            assert!(with_number(when, nth, number).is_err(), "{when} {nth:?} {number}");
        }
    }
}
