//! What an alert says in a sentence: a text with figures of the result behind it.
//!
//! ```text
//!   {user}: {count()} failures since {start}
//!   alice: 14 failures since 2026-01-05 09:11:00
//! ```

use crate::time::civil;

/// Longest message of a rule, in bytes: more than anyone reads on a phone.
pub(crate) const MAX_MESSAGE_BYTES: usize = 1_000;

/// A message with places for figures.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message(Vec<Part>);

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    /// An aggregate of the result, by its index.
    Aggregate(usize),
    /// A column of the key.
    Key(usize),
    Start,
    End,
    Value,
    Score,
}

/// What a message may say.
pub(crate) struct Figures<'a> {
    /// The aggregates of the result; empty where there was none.
    pub(crate) aggregates: &'a [f64],
    pub(crate) key: &'a [&'a str],
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) value: f64,
    pub(crate) score: f64,
}

impl Message {
    /// Reads a message over these aggregates and key columns.
    pub(crate) fn compile(text: &str, aggregates: &[String], keys: &[String]) -> Result<Self, String> {
        if text.len() > MAX_MESSAGE_BYTES {
            return Err(format!("a message of {} bytes; at most {MAX_MESSAGE_BYTES} would fit", text.len()));
        }
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some(open) = rest.find('{') {
            let close = rest[open..].find('}').ok_or("a `{` without its `}`")? + open;
            parts.push(Part::Text(rest[..open].to_owned()));
            parts.push(Part::find(rest[open + 1..close].trim(), aggregates, keys)?);
            rest = &rest[close + 1..];
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The sentence.
    pub(crate) fn with(&self, figures: &Figures<'_>) -> String {
        self.0.iter().map(|part| part.with(figures)).collect()
    }
}

impl Part {
    fn find(name: &str, aggregates: &[String], keys: &[String]) -> Result<Self, String> {
        let at = |names: &[String]| names.iter().position(|known| known == name);
        match name {
            "start" => return Ok(Self::Start),
            "end" => return Ok(Self::End),
            "value" => return Ok(Self::Value),
            "score" => return Ok(Self::Score),
            _ => {}
        }
        let found = at(keys).map(Self::Key).or_else(|| at(aggregates).map(Self::Aggregate));
        found.ok_or_else(|| {
            let own = ["start", "end", "value", "score"].map(str::to_owned);
            let known = own.iter().chain(keys).chain(aggregates).map(|name| format!("`{{{name}}}`"));
            format!("no figure `{{{name}}}`; there are {}", known.collect::<Vec<_>>().join(", "))
        })
    }

    fn with(&self, figures: &Figures<'_>) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Aggregate(index) => {
                figures.aggregates.get(*index).map_or("nothing".to_owned(), |x| number(*x))
            }
            Self::Key(column) => figures.key[*column].to_owned(),
            Self::Start => civil(figures.start),
            Self::End => civil(figures.end),
            Self::Value => number(figures.value),
            Self::Score => number(figures.score),
        }
    }
}

/// A number with at most four digits behind the point.
fn number(x: f64) -> String {
    if !x.is_finite() {
        return "nothing".to_owned();
    }
    let text = format!("{x:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures<'a>(aggregates: &'a [f64], key: &'a [&'a str]) -> Figures<'a> {
        Figures { aggregates, key, start: 951_782_400_000, end: 951_782_460_500, value: 2.5, score: -3.0 }
    }

    #[test]
    fn figures_take_their_places() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (aggregates, keys) = (names(&["count()", "p99(ms)"]), names(&["user"]));
        let said = |text: &str, values: &[f64]| {
            Message::compile(text, &aggregates, &keys).map(|message| message.with(&figures(values, &["ann"])))
        };
        assert_eq!(said("{user}: {count()} of { p99(ms) }", &[3.0, 0.123_456]).unwrap(), "ann: 3 of 0.1235");
        assert_eq!(
            said("{start} to {end}: {value}, {score}", &[]).unwrap(),
            "2000-02-29 00:00:00 to 2000-02-29 00:01:00.500: 2.5, -3"
        );
        assert_eq!(said("{count()}{p99(ms)}", &[f64::NAN]).unwrap(), "nothingnothing");
        assert_eq!(said("", &[]).unwrap(), "");
        assert_eq!(
            said("{who}", &[]).unwrap_err(),
            "no figure `{who}`; there are `{start}`, `{end}`, `{value}`, `{score}`, `{user}`, `{count()}`, `{p99(ms)}`"
        );
        assert_eq!(said("a { b", &[]).unwrap_err(), "a `{` without its `}`");
        assert!(said(&"x".repeat(1_001), &[]).is_err());
    }
}
