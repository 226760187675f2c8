//! What an alert says in a sentence: a text with figures of the result behind it.
//!
//! ```text
//!   {user}: {count()} failures since {start}
//!   alice: 14 failures since 2026-01-05 09:11:00
//! ```
//!
//! `{{` and `}}` are braces.

use crate::time::civil;
use crate::words::number;

/// Longest message of a rule, in bytes: more than anyone reads on a phone.
pub(crate) const MAX_MESSAGE_BYTES: usize = 1_000;

/// Longest sentence, in bytes: keys come from outside, and a sentence goes to chats that cut at less.
const MAX_SENTENCE_BYTES: usize = 4_000;

/// How much of a message an error quotes, in letters.
const EXCERPT: usize = 20;

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
    /// Reads a message over these key columns and aggregates, of which it is known whether they are numbers.
    pub(crate) fn compile(
        text: &str,
        aggregates: &[(String, bool)],
        keys: &[String],
    ) -> Result<Self, String> {
        if text.len() > MAX_MESSAGE_BYTES {
            return Err(format!("a message of {} bytes; at most {MAX_MESSAGE_BYTES} would fit", text.len()));
        }
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(at);
            parts.push(Part::Text(before.to_owned()));
            let (part, length) = Part::read(brace, aggregates, keys)?;
            parts.push(part);
            rest = &brace[length..];
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The sentence, cut where it would be longer than anyone takes.
    pub(crate) fn with(&self, figures: &Figures<'_>) -> String {
        let sentence: String = self.0.iter().map(|part| part.with(figures)).collect();
        if sentence.len() <= MAX_SENTENCE_BYTES {
            return sentence;
        }
        let cut = sentence.floor_char_boundary(MAX_SENTENCE_BYTES - '…'.len_utf8());
        format!("{}…", &sentence[..cut])
    }
}

impl Part {
    /// What a text stands for that begins with a brace, and how long that is.
    fn read(text: &str, aggregates: &[(String, bool)], keys: &[String]) -> Result<(Self, usize), String> {
        if let Some(brace) = ["{{", "}}"].into_iter().find(|brace| text.starts_with(brace)) {
            return Ok((Self::Text(brace[..1].to_owned()), brace.len()));
        }
        let Some(inside) = text.strip_prefix('{') else {
            return Err("a `}` without its `{`; `}}` would be a brace".to_owned());
        };
        let close = inside.find(['{', '}']).filter(|at| inside[*at..].starts_with('}')).ok_or_else(|| {
            let start: String = text.chars().take(EXCERPT).collect();
            format!("a `{{` without its `}}` at `{start}`; `{{{{` would be a brace")
        })?;
        Ok((Self::find(inside[..close].trim(), aggregates, keys)?, close + 2))
    }

    fn find(name: &str, aggregates: &[(String, bool)], keys: &[String]) -> Result<Self, String> {
        match name {
            "start" => return Ok(Self::Start),
            "end" => return Ok(Self::End),
            "value" => return Ok(Self::Value),
            "score" => return Ok(Self::Score),
            _ => {}
        }
        if let Some(key) = keys.iter().position(|known| known == name) {
            return Ok(Self::Key(key));
        }
        let own = ["start", "end", "value", "score"].map(str::to_owned);
        let numbers = aggregates.iter().filter(|(_, is_number)| *is_number).map(|(name, _)| name);
        let known = own.iter().chain(keys).chain(numbers).map(|name| format!("`{{{name}}}`"));
        let known = || known.collect::<Vec<_>>().join(", ");
        match aggregates.iter().position(|(known, _)| known == name) {
            Some(aggregate) if aggregates[aggregate].1 => Ok(Self::Aggregate(aggregate)),
            Some(_) => Err(format!("`{{{name}}}` is a list; numbers and keys fit: {}", known())),
            None => Err(format!("no figure `{{{name}}}`; there are {}", known())),
        }
    }

    fn with(&self, figures: &Figures<'_>) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Aggregate(index) => {
                figures.aggregates.get(*index).map_or("nothing".to_owned(), |x| figure(*x))
            }
            Self::Key(column) => figures.key[*column].to_owned(),
            Self::Start => civil(figures.start),
            Self::End => civil(figures.end),
            Self::Value => figure(figures.value),
            Self::Score => figure(figures.score),
        }
    }
}

/// A figure, where there is one.
fn figure(x: f64) -> String {
    if x.is_finite() { number(x) } else { "nothing".to_owned() }
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
        let aggregates = [("count()", true), ("p99(ms)", true), ("top3(user)", false)];
        let aggregates = aggregates.map(|(name, is_number)| (name.to_owned(), is_number));
        let keys = names(&["user"]);
        let said = |text: &str, values: &[f64]| {
            Message::compile(text, &aggregates, &keys).map(|message| message.with(&figures(values, &["ann"])))
        };
        assert_eq!(said("{user}: {count()} of { p99(ms) }", &[3.0, 0.123_456]).unwrap(), "ann: 3 of 0.1235");
        assert_eq!(
            said("{start} to {end}: {value}, {score}", &[]).unwrap(),
            "2000-02-29 00:00:00 to 2000-02-29 00:01:00.500: 2.5, -3"
        );
        assert_eq!(said("{count()}{p99(ms)}", &[f64::NAN]).unwrap(), "nothingnothing");
        assert_eq!(said("{count()} {p99(ms)}", &[1e15, 2.5e-7]).unwrap(), "1e15 2.5e-7");
        assert_eq!(said("", &[]).unwrap(), "");
        assert_eq!(
            said("{who}", &[]).unwrap_err(),
            "no figure `{who}`; there are `{start}`, `{end}`, `{value}`, `{score}`, `{user}`, `{count()}`, `{p99(ms)}`"
        );
        assert_eq!(said("{{{user}}} }}{{", &[]).unwrap(), "{ann} }{");
        let error = |text: &str| said(text, &[]).unwrap_err();
        assert_eq!(
            error("a { b and much more than fits"),
            "a `{` without its `}` at `{ b and much more th`; `{{` would be a brace"
        );
        assert_eq!(error("{start {end}"), "a `{` without its `}` at `{start {end}`; `{{` would be a brace");
        assert_eq!(error("a } b"), "a `}` without its `{`; `}}` would be a brace");
        assert_eq!(
            error("{top3(user)}"),
            "`{top3(user)}` is a list; numbers and keys fit: `{start}`, `{end}`, `{value}`, `{score}`, `{user}`, `{count()}`, `{p99(ms)}`"
        );
        assert!(said(&"x".repeat(1_001), &[]).is_err());
    }

    #[test]
    fn a_sentence_has_an_end() {
        let message = Message::compile("{user}{user}", &[], &["user".to_owned()]).unwrap();
        let said = message.with(&figures(&[], &[&"é".repeat(1_500)]));
        assert!(said.len() <= MAX_SENTENCE_BYTES && said.ends_with("é…"), "{} bytes", said.len());
        let short = message.with(&figures(&[], &["é"]));
        assert_eq!(short, "éé");
    }
}
