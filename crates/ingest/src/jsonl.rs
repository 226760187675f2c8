//! JSON objects to records: one a line, in an array, or one after the other. Only the wanted fields are kept.
//!
//! A wanted field may be inside of objects: `user.id` is the field of that name if there is one, else `id` of
//! the object `user`.
//!
//! ```text
//!   wanted   at, user.id, ms
//!   object   {"at": 1, "user": {"id": "u7", "tags": [1, 2]}, "ms": 20.50}
//!   cells    1, u7, 20.50
//! ```
//!
//! **Invariant:** a cell keeps the text that the file has, so a number means to the last bit what it
//! means in a CSV file. Of a field that an object has twice, the last counts.

use crate::beginning::Beginning;
use crate::error::{IngestError, Kind, shown};
use crate::json_array::Elements;
use crate::lines::Lines;
use crate::place::Place;
use crate::record::Record;
use crate::sample::Sample;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// How deep a sample looks into objects in objects for fields: deeper ones are found when a schema names
/// them, but nobody would pick from a list that long.
const SAMPLED_DEPTH: usize = 8;

/// Most fields of an object that a sample lists; as for the depth.
const SAMPLED_FIELDS: usize = 1_000;

/// How the objects of a file follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One a line.
    Lines,
    Array,
    /// One after the other, over many lines each.
    Objects,
}

/// Cuts a file into objects and reads the wanted fields of each.
#[derive(Debug)]
pub(crate) struct Json {
    cut: Cut,
    fields: Fields,
}

#[derive(Debug)]
enum Cut {
    Lines(Lines),
    Elements(Elements),
}

impl Cut {
    fn new(layout: Layout, bom: usize) -> Self {
        match layout {
            Layout::Lines => Self::Lines(Lines::new(bom)),
            Layout::Array => Self::Elements(Elements::of_array(bom)),
            Layout::Objects => Self::Elements(Elements::objects(bom)),
        }
    }

    fn push(
        &mut self,
        bytes: &[u8],
        give: impl FnMut(Place, Result<&[u8], String>) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        match self {
            Self::Lines(lines) => lines.push(bytes, give),
            Self::Elements(elements) => elements.push(bytes, give),
        }
    }

    fn finish(
        &mut self,
        give: impl FnMut(Place, Result<&[u8], String>) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        match self {
            Self::Lines(lines) => lines.finish(give),
            Self::Elements(elements) => elements.finish(give),
        }
    }
}

impl Json {
    /// A reader of the bytes that follow `bom` bytes of byte-order mark.
    pub(crate) fn new(layout: Layout, wanted: &[String], bom: usize) -> Self {
        Self { cut: Cut::new(layout, bom), fields: Fields::new(wanted) }
    }

    /// Takes the next bytes, and hands each object that they complete to `take`: its wanted fields, or why
    /// it is none.
    pub(crate) fn push(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(Place, Result<&Fields, String>) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        let Self { cut, fields } = self;
        cut.push(bytes, |place, text| take(place, text.and_then(|text| fields.read(text, place))))
    }

    /// Hands over the object that the end of the file completes.
    pub(crate) fn finish(
        &mut self,
        mut take: impl FnMut(Place, Result<&Fields, String>) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        let Self { cut, fields } = self;
        cut.finish(|place, text| take(place, text.and_then(|text| fields.read(text, place))))
    }
}

/// What an object has of a wanted field.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Missing,
    /// Its text.
    Text(Range<usize>),
    /// Something that has no text.
    Other(&'static str),
}

/// The wanted fields of one object.
#[derive(Debug)]
pub(crate) struct Fields {
    wanted: Wanted,
    cells: Vec<Found>,
    text: String,
}

/// A cell, and in how many objects the field was: the outermost of a name counts.
#[derive(Clone, Debug)]
struct Found {
    cell: Cell,
    depth: u32,
}

impl Fields {
    pub(crate) fn new(wanted: &[String]) -> Self {
        let wanted = Wanted { names: wanted.to_vec(), nested: wanted.iter().any(|name| name.contains('.')) };
        Self { wanted, cells: Vec::new(), text: String::new() }
    }

    /// The fields of an object, or why it is none.
    pub(crate) fn read(&mut self, object: &[u8], place: Place) -> Result<&Self, String> {
        self.text.clear();
        self.cells.clear();
        self.cells.resize(self.wanted.names.len(), Found { cell: Cell::Missing, depth: u32::MAX });
        let Self { wanted, cells, text } = self;
        let json = utf8(object, place)?;
        Object { wanted, path: "", depth: 0, cells, text }
            .read(json)
            .map_err(|error| not_an_object(&error, object, place))?;
        Ok(self)
    }

    /// Whether the object at hand has the field.
    fn has(&self, column: usize) -> bool {
        self.cells[column].cell != Cell::Missing
    }
}

/// The text of an object, which stands at `place`.
fn utf8(json: &[u8], place: Place) -> Result<&str, String> {
    std::str::from_utf8(json).map_err(|error| {
        let byte = place.byte + error.valid_up_to() as u64;
        format!("not UTF-8 at byte {byte}; save the file as UTF-8")
    })
}

/// The names of the wanted fields.
#[derive(Debug)]
struct Wanted {
    names: Vec<String>,
    /// Whether any of them may be inside of an object.
    nested: bool,
}

/// What the fields of a name in an object are wanted for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Use {
    /// The wanted field that it is.
    cell: Option<usize>,
    /// A wanted field that may be inside of it.
    path_of: Option<usize>,
}

impl Wanted {
    /// What the field `name` is wanted for, of an object at `path`. Objects mostly have their fields in the
    /// same order, so the one that is `expected` is tried first.
    fn find(&self, path: &str, name: &str, expected: usize) -> Use {
        let is = |wanted: &String| behind(path, wanted) == Some(name);
        let cell = match self.names.get(expected) {
            Some(wanted) if is(wanted) => Some(expected),
            _ => self.names.iter().position(is),
        };
        let holds = |wanted: &String| {
            let inside = behind(path, wanted).and_then(|wanted| wanted.strip_prefix(name));
            inside.is_some_and(|inside| inside.starts_with('.'))
        };
        let path_of = if self.nested { self.names.iter().position(holds) } else { None };
        Use { cell, path_of }
    }
}

/// What of a wanted field comes behind a path. Most paths are empty, and to compare nothing is dear: the
/// empty string lies at no address, and a vector load from there takes longer than all else.
fn behind<'a>(path: &str, wanted: &'a str) -> Option<&'a str> {
    if path.is_empty() { Some(wanted) } else { wanted.strip_prefix(path) }
}

/// An object in which fields are looked for.
struct Object<'a> {
    wanted: &'a Wanted,
    /// How the names of its fields begin among the wanted: empty, or the objects that it is in and a dot.
    path: &'a str,
    /// How many objects it is in.
    depth: u32,
    cells: &'a mut [Found],
    text: &'a mut String,
}

impl Object<'_> {
    fn read(self, json: &str) -> Result<(), serde_json::Error> {
        let mut json = serde_json::Deserializer::from_str(json);
        json.deserialize_map(self)?;
        json.end()
    }

    /// Takes a field that is wanted, with a name of so many bytes.
    fn take(&mut self, field: Use, name_bytes: usize, value: &str) -> Result<(), serde_json::Error> {
        if let Some(column) = field.cell {
            self.set(column, text_of(value));
        }
        match field.path_of.filter(|_| value.starts_with('{')) {
            Some(wanted) => self.look_inside(wanted, name_bytes, value),
            None => Ok(()),
        }
    }

    /// Reads an object that is a field of this one.
    fn look_inside(
        &mut self,
        wanted: usize,
        name_bytes: usize,
        object: &str,
    ) -> Result<(), serde_json::Error> {
        let Self { wanted: names, path, depth, cells, text } = self;
        let path = &names.names[wanted][..path.len() + name_bytes + 1];
        Object { wanted: names, path, depth: *depth + 1, cells, text }.read(object)
    }

    fn set(&mut self, column: usize, text: Result<Cow<'_, str>, &'static str>) {
        let found = &mut self.cells[column];
        if self.depth > found.depth {
            return;
        }
        let cell = match text {
            Ok(text) => {
                let start = self.text.len();
                self.text.push_str(&text);
                Cell::Text(start..self.text.len())
            }
            Err(what) => Cell::Other(what),
        };
        *found = Found { cell, depth: self.depth };
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut expected = 0;
        while let Some((field, name_bytes)) =
            map.next_key_seed(Name { wanted: self.wanted, path: self.path, expected })?
        {
            if field == Use::default() {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value: &RawValue = map.next_value()?;
            self.take(field, name_bytes, value.get()).map_err(A::Error::custom)?;
            expected = field.cell.map_or(expected, |column| column + 1);
        }
        Ok(())
    }
}

/// Finds out what a field is wanted for, and how long its name is.
struct Name<'a> {
    wanted: &'a Wanted,
    path: &'a str,
    expected: usize,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = (Use, usize);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = (Use, usize);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok((self.wanted.find(self.path, name, self.expected), name.len()))
    }
}

impl Record for Fields {
    fn cell(&self, column: usize) -> Result<&[u8], String> {
        match &self.cells[column].cell {
            Cell::Text(range) => Ok(&self.text.as_bytes()[range.clone()]),
            Cell::Missing => Err("the record has no such field".to_owned()),
            Cell::Other(what) => Err(format!("{what} where text or a number would fit")),
        }
    }
}

/// The text of a value: of a string what it says, of a number or truth value what is written, of null
/// nothing.
fn text_of(raw: &str) -> Result<Cow<'_, str>, &'static str> {
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

/// Why a text is no object, in the words of serde_json.
fn not_an_object(error: &serde_json::Error, json: &[u8], place: Place) -> String {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    if error.is_eof() {
        return format!("not a JSON object: it ends early ({message})");
    }
    let line = json.split(|&byte| byte == b'\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let rest = line.get(error.column().saturating_sub(1)..).unwrap_or_default();
    let at = match error.line() {
        0 | 1 => String::new(),
        line => format!("line {}, ", place.line + line as u64 - 1),
    };
    format!("not a JSON object: {message} at {at}column {}, {}", error.column(), shown(rest.trim_ascii()))
}

/// A wanted field that none of the first objects has.
pub(crate) fn missed(
    beginning: &Beginning<'_>,
    layout: Layout,
    wanted: &[String],
) -> Result<Option<String>, IngestError> {
    let (mut fields, mut met) = (Fields::new(wanted), vec![false; wanted.len()]);
    let mut objects = 0;
    each(beginning, layout, |place, text| {
        if let Ok(fields) = text.and_then(|text| fields.read(text, place)) {
            objects += 1;
            met.iter_mut().enumerate().for_each(|(column, met)| *met |= fields.has(column));
        }
    })?;
    if objects == 0 {
        return sample(beginning, layout).map(|_| None); // tells why none of them is an object
    }
    Ok(met.iter().position(|met| !met).map(|column| wanted[column].clone()))
}

/// The first records of a file, with all their fields in the order in which they first appear: of objects in
/// objects by path.
pub(crate) fn sample(beginning: &Beginning<'_>, layout: Layout) -> Result<Sample, IngestError> {
    let mut sample = Sample::default();
    let (mut failed, mut first) = (0, None);
    each(beginning, layout, |place, text| match text.and_then(|text| all_fields(text, place)) {
        Ok(fields) => sample.add(fields),
        Err(reason) => {
            failed += 1;
            first.get_or_insert((place.line, reason));
        }
    })?;
    match first {
        Some((line, reason)) if sample.rows.is_empty() => {
            let what = if layout == Layout::Lines { "lines" } else { "elements" };
            Err(Kind::NotObjects { count: failed, what, line, reason }.into())
        }
        _ => Ok(sample),
    }
}

/// Gives each whole object of the head as text, or why it is none.
fn each(
    beginning: &Beginning<'_>,
    layout: Layout,
    mut give: impl FnMut(Place, Result<&[u8], String>),
) -> Result<(), IngestError> {
    let mut cut = Cut::new(layout, beginning.bom);
    let mut give = |place: Place, text: Result<&[u8], String>| {
        give(place, text);
        Ok(())
    };
    cut.push(beginning.text(), &mut give)?;
    if beginning.whole { cut.finish(&mut give) } else { Ok(()) }
}

/// Every field of an object with its text, `None` where it has none; of objects in it by path.
fn all_fields(json: &[u8], place: Place) -> Result<AllFields<'_>, String> {
    let mut fields = AllFields::new();
    flatten(utf8(json, place)?, "", 1, &mut fields).map_err(|error| not_an_object(&error, json, place))?;
    Ok(fields)
}

type AllFields<'a> = Vec<(String, Option<Cow<'a, str>>)>;

fn flatten<'a>(
    json: &'a str,
    path: &str,
    depth: usize,
    fields: &mut AllFields<'a>,
) -> Result<(), serde_json::Error> {
    let Members(members) = serde_json::from_str(json)?;
    for (name, value) in members {
        let name = format!("{path}{name}");
        if value.get().starts_with('{') && depth < SAMPLED_DEPTH {
            flatten(value.get(), &format!("{name}."), depth + 1, fields)?;
        } else if fields.len() < SAMPLED_FIELDS {
            fields.push((name, text_of(value.get()).ok()));
        }
    }
    Ok(())
}

/// The names and values of an object.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}
