//! JSON Lines to records, in pieces: one object a line, of which only the wanted fields are kept.
//!
//! **Invariant:** a cell keeps the text that the file has, so a number means to the last bit what it
//! means in a CSV file. A line holds at most [`MAX_RECORD_BYTES`]; what is longer is read past and told.
//! Blank lines are no records. Of a field that a line has twice, the last counts.

use crate::error::{IngestError, Kind, shown};
use crate::head::Head;
use crate::place::{MAX_RECORD_BYTES, Place, too_long};
use crate::records::Record;
use crate::sample::Sample;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// What a line has of a wanted field.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Missing,
    /// Its text.
    Text(Range<usize>),
    /// Something that has no text.
    Other(&'static str),
}

/// The wanted fields of one line.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    cells: Vec<Cell>,
    text: String,
}

/// Cuts a file into lines and reads the wanted fields of each.
#[derive(Debug)]
pub(crate) struct JsonLines {
    wanted: Vec<String>,
    fields: Fields,
    /// The beginning of a line whose end is yet to come; empty when the line is too long already.
    pending: Vec<u8>,
    pending_bytes: usize,
    next: Place,
}

impl JsonLines {
    /// A reader of the bytes that follow `bom` bytes of byte-order mark.
    pub(crate) fn new(wanted: &[String], bom: usize) -> Self {
        Self {
            wanted: wanted.to_vec(),
            fields: Fields::default(),
            pending: Vec::new(),
            pending_bytes: 0,
            next: Place { line: 1, byte: bom as u64 },
        }
    }

    /// Takes the next bytes, and hands each line that they complete to `take`: its wanted fields, or why
    /// it is no object.
    pub(crate) fn push(
        &mut self,
        mut bytes: &[u8],
        mut take: impl FnMut(Place, Result<&Fields, String>) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.end_line(&bytes[..end], &mut take)?;
            bytes = &bytes[end + 1..];
        }
        self.hold(bytes);
        Ok(())
    }

    /// Hands over the line that the end of the file completes.
    pub(crate) fn finish(
        &mut self,
        mut take: impl FnMut(Place, Result<&Fields, String>) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        self.end_line(&[], &mut take)
    }

    fn hold(&mut self, bytes: &[u8]) {
        self.pending_bytes += bytes.len();
        if self.pending_bytes > MAX_RECORD_BYTES {
            self.pending.clear();
        } else {
            self.pending.extend_from_slice(bytes);
        }
    }

    fn end_line(
        &mut self,
        last: &[u8],
        take: &mut impl FnMut(Place, Result<&Fields, String>) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        let place = self.next;
        let held = self.pending_bytes;
        let bytes = held + last.len();
        self.next = Place { line: place.line + 1, byte: place.byte + bytes as u64 + 1 };
        if held > 0 {
            self.hold(last);
        }
        self.pending_bytes = 0;
        if bytes > MAX_RECORD_BYTES {
            self.pending.clear();
            return take(place, Err(too_long(bytes as u64)));
        }
        let line = if held > 0 { &self.pending } else { last };
        if line.trim_ascii().is_empty() {
            self.pending.clear();
            return Ok(());
        }
        let read = self.fields.read(line, &self.wanted).map_err(|error| not_an_object(&error, line));
        self.pending.clear();
        take(place, read.map(|()| &self.fields))
    }
}

impl Fields {
    fn read(&mut self, line: &[u8], wanted: &[String]) -> Result<(), serde_json::Error> {
        self.text.clear();
        self.cells.clear();
        self.cells.resize(wanted.len(), Cell::Missing);
        let mut json = serde_json::Deserializer::from_slice(line);
        json.deserialize_map(FieldsVisitor { wanted, fields: self })?;
        json.end()
    }

    fn set(&mut self, field: usize, value: &RawValue) {
        self.cells[field] = match text_of(value) {
            Ok(text) => {
                let start = self.text.len();
                self.text.push_str(&text);
                Cell::Text(start..self.text.len())
            }
            Err(what) => Cell::Other(what),
        };
    }
}

impl Record for Fields {
    fn cell(&self, column: usize) -> Result<&[u8], String> {
        match &self.cells[column] {
            Cell::Text(range) => Ok(&self.text.as_bytes()[range.clone()]),
            Cell::Missing => Err("the record has no such field".to_owned()),
            Cell::Other(what) => Err(format!("{what} where text or a number would fit")),
        }
    }
}

/// The text of a value: of a string what it says, of a number or truth value what is written, of null
/// nothing.
fn text_of(value: &RawValue) -> Result<Cow<'_, str>, &'static str> {
    let raw = value.get();
    match raw.as_bytes() {
        [b'"', inner @ .., b'"'] if memchr::memchr(b'\\', inner).is_none() => {
            Ok(Cow::Borrowed(&raw[1..raw.len() - 1]))
        }
        [b'"', ..] => serde_json::from_str(raw).map_err(|_| "a string with a broken escape"),
        [b'{', ..] => Err("an object"),
        [b'[', ..] => Err("an array"),
        [b'n', ..] => Ok(Cow::Borrowed("")),
        _ => Ok(Cow::Borrowed(raw)),
    }
}

fn not_an_object(error: &serde_json::Error, line: &[u8]) -> String {
    if std::str::from_utf8(line).is_err() {
        return "not UTF-8; save the file as UTF-8".to_owned();
    }
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    if error.is_eof() {
        return format!("not a JSON object: the line ends early ({message})");
    }
    let column = error.column();
    let rest = line.get(column.saturating_sub(1)..).unwrap_or_default();
    format!("not a JSON object: {message} at column {column}, {}", shown(rest.trim_ascii()))
}

struct FieldsVisitor<'a> {
    wanted: &'a [String],
    fields: &'a mut Fields,
}

impl<'de> Visitor<'de> for FieldsVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(field) = map.next_key_seed(Name(self.wanted))? {
            match field {
                Some(field) => self.fields.set(field, map.next_value::<&RawValue>()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// Finds a field's name among the wanted ones.
struct Name<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|wanted| wanted == name))
    }
}

/// The first records of a file, with all their fields in the order in which they first appear.
pub(crate) fn sample(head: &Head<'_>) -> Result<Sample, IngestError> {
    let text = head.text();
    let end = if head.whole { text.len() } else { memchr::memrchr(b'\n', text).unwrap_or(0) };
    let lines = text[..end].split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let mut sample = Sample::default();
    let (mut failed, mut first_reason) = (0, None);
    for line in lines {
        let object: Result<AllFields<'_>, _> = serde_json::from_slice(line);
        match object {
            Ok(AllFields(fields)) => sample.add(fields),
            Err(error) => {
                failed += 1;
                first_reason.get_or_insert_with(|| not_an_object(&error, line));
            }
        }
    }
    match first_reason {
        Some(reason) if sample.rows.is_empty() => Err(Kind::NotJsonLines { lines: failed, reason }.into()),
        _ => Ok(sample),
    }
}

/// Every field of a line with its text, `None` where it has none.
struct AllFields<'a>(Vec<(String, Option<Cow<'a, str>>)>);

impl<'de> serde::Deserialize<'de> for AllFields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = AllFields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    fields.push((name, text_of(value).ok()));
                }
                Ok(AllFields(fields))
            }
        }
        deserializer.deserialize_map(All)
    }
}
