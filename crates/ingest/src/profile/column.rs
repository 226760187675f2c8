//! One column, measured as its cells come.
//!
//! What a column holds is known only at its end, so a cell is measured as all that it can be: as a value, a
//! number, a time in each format that the first cells showed.
//!
//! **Invariant:** `cells = empty + those that fit the kind + misfits`.

use super::disorder::Delays;
use super::findings::{ColumnKind, ColumnProfile, Misfit, TimeProfile};
use super::formats::{self, Found};
use super::numbers::Measured;
use super::rate::Counted;
use super::text_of;
use super::values::{Values, hash};
use crate::row::{finite, for_people, number};
use crate::time::{Format, TimeReader};

/// Measures a column.
#[derive(Clone, Debug, Default)]
pub(super) struct Column {
    pub(super) name: String,
    empty: u64,
    /// Cells that say something.
    filled: u64,
    values: Values,
    numbers: Measured,
    /// Records that have no cell here.
    absent: Slips,
    no_number: Slips,
    no_text: Slips,
    /// Numbers as people write them, and what is said of the first.
    for_people: u64,
    for_people_first: Option<String>,
    times: Vec<Times>,
    /// Cells that are times in any of the formats.
    timely: u64,
    /// The format that a reader finds by itself, by the first time it meets.
    by_itself: Option<Format>,
    /// Whether no cell has shown yet whether there are times.
    undecided: bool,
    without_year: bool,
}

/// The cells of a column as times in one format.
#[derive(Clone, Debug)]
struct Times {
    format: Format,
    reader: TimeReader,
    zone: String,
    fits: u64,
    slips: Slips,
    first: i64,
    last: i64,
    rate: Counted,
    delays: Delays,
}

/// Cells that are not what they should be: how many, and the first.
#[derive(Clone, Debug, Default)]
struct Slips {
    count: u64,
    first: Option<Misfit>,
}

/// What a cell was.
pub(super) struct Taken {
    /// Its hash as a value.
    pub(super) hash: u64,
    /// As a time in the column's first format.
    pub(super) time: Option<i64>,
}

impl Slips {
    fn add(&mut self, line: u64, cell: &[u8], reason: impl FnOnce() -> String) {
        self.count += 1;
        self.first.get_or_insert_with(|| Misfit { line, text: text_of(cell), reason: reason() });
    }
}

impl Column {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), undecided: true, ..Self::default() }
    }

    /// Notes the formats that the first cells show.
    pub(super) fn expect<'a>(&mut self, found: Vec<Found>, cells: impl Iterator<Item = &'a [u8]> + Clone) {
        let times =
            |found: Found| Times::new(found.format.clone(), formats::zone(&found.format, cells.clone()));
        self.times = found.into_iter().map(times).collect();
        self.undecided = cells.clone().all(|cell| cell.trim_ascii().is_empty());
        self.without_year = self.times.is_empty() && formats::lack_a_year(cells);
    }

    /// Whether the first cells were times.
    pub(super) fn may_hold_times(&self) -> bool {
        !self.times.is_empty()
    }

    pub(super) fn take(&mut self, line: u64, cell: Result<&[u8], String>) -> Taken {
        let cell = match cell {
            Ok(cell) => cell,
            Err(reason) => {
                self.absent.add(line, b"", || reason);
                return Taken { hash: 0, time: None };
            }
        };
        let text = cell.trim_ascii();
        if text.is_empty() {
            self.empty += 1;
            return Taken { hash: 1, time: None };
        }
        if self.undecided {
            self.expect(formats::find([text].into_iter(), false), [text].into_iter());
        }
        self.filled += 1;
        let hash = hash(cell);
        self.values.add(hash, cell);
        self.take_number(line, text);
        if std::str::from_utf8(cell).is_err() {
            self.no_text.add(line, cell, || not_utf8(cell));
        }
        Taken { hash, time: self.take_time(line, text) }
    }

    fn take_number(&mut self, line: u64, text: &[u8]) {
        if let Some(number) = number(text).filter(|number| number.is_finite()) {
            return self.numbers.add(number);
        }
        self.no_number.add(line, text, || finite(text).err().unwrap_or_default());
        // Most text is no number at first sight.
        if !matches!(text[0], b'0'..=b'9' | b'-' | b'+') {
            return;
        }
        if let Some(found) = for_people(text) {
            self.for_people += 1;
            self.for_people_first.get_or_insert_with(|| format!("{} has {found}", shown(text)));
        }
    }

    fn take_time(&mut self, line: u64, text: &[u8]) -> Option<i64> {
        if self.times.is_empty() {
            return None;
        }
        if self.by_itself.is_none() {
            self.by_itself = Format::of(text);
        }
        let (mut first, mut any) = (None, false);
        for (i, times) in self.times.iter_mut().enumerate() {
            let time = times.take(line, text);
            any |= time.is_some();
            if i == 0 {
                first = time;
            }
        }
        self.timely += u64::from(any);
        first
    }

    /// What nine of ten of its cells are.
    fn kind(&self) -> ColumnKind {
        let most = |cells: u64| cells * 10 >= self.filled * 9;
        match self.usual_times() {
            _ if self.filled == 0 => ColumnKind::Empty,
            Some(times) if most(self.timely) => {
                ColumnKind::Time { format: times.format.name().to_owned(), zone: times.zone.clone() }
            }
            _ if most(self.numbers.count() + self.for_people) => ColumnKind::Number,
            _ => ColumnKind::Text,
        }
    }

    /// The format that most cells have; of equals the first.
    fn usual_times(&self) -> Option<&Times> {
        self.times.iter().rev().max_by_key(|times| times.fits)
    }

    fn slips(&self) -> Option<&Slips> {
        match self.kind() {
            ColumnKind::Time { .. } => self.usual_times().map(|times| &times.slips),
            ColumnKind::Number => Some(&self.no_number),
            ColumnKind::Text => Some(&self.no_text),
            ColumnKind::Empty => None,
        }
    }

    /// Why a cell does not fit what the column holds, if it does not.
    pub(super) fn why_misfit(&self, cell: &[u8]) -> Option<String> {
        let text = cell.trim_ascii();
        match self.kind() {
            ColumnKind::Time { .. } => self.usual_times()?.reader.clone().read(text).err(),
            ColumnKind::Number => finite(text).err(),
            ColumnKind::Text => std::str::from_utf8(cell).is_err().then(|| not_utf8(cell)),
            ColumnKind::Empty => None,
        }
    }

    pub(super) fn profile(&self) -> ColumnProfile {
        let kind = self.kind();
        let slips = self.slips();
        let firsts =
            [Some(&self.absent), slips].into_iter().flatten().filter_map(|slips| slips.first.as_ref());
        ColumnProfile {
            name: self.name.clone(),
            empty: self.empty,
            misfits: self.absent.count + slips.map_or(0, |slips| slips.count),
            first_misfit: firsts.min_by_key(|misfit| misfit.line).cloned(),
            distinct: self.values.distinct(),
            top: self.values.top(),
            numbers: self.numbers.numbers().filter(|_| kind == ColumnKind::Number),
            notice: self.notice(&kind),
            kind,
        }
    }

    fn notice(&self, kind: &ColumnKind) -> Option<String> {
        match kind {
            ColumnKind::Time { .. } => self.notice_of_times(),
            ColumnKind::Number => {
                let first = self.for_people_first.as_ref()?;
                Some(format!("{} of its numbers are written for people: {first}", self.for_people))
            }
            ColumnKind::Text if self.without_year => Some(formats::NO_YEAR.to_owned()),
            ColumnKind::Text => {
                let first = self.no_text.first.as_ref()?;
                Some(format!("line {}: {}", first.line, first.reason))
            }
            ColumnKind::Empty => None,
        }
    }

    fn notice_of_times(&self) -> Option<String> {
        let usual = self.usual_times()?;
        let other = self.times.iter().find(|times| times.format != usual.format)?;
        let name = other.format.name();
        let turned = formats::other_way_round(&usual.format) == Some(other.format.clone());
        if turned && other.fits == usual.fits {
            return Some(format!(
                "day and month may be the other way round, `{name}`: both fit, for no time has a day above 12"
            ));
        }
        (!turned && other.fits > 0).then(|| {
            format!(
                "times in two formats: `{}` {} times, `{name}` {}",
                usual.format.name(),
                usual.fits,
                other.fits
            )
        })
    }

    /// The times in the usual format, if the column holds times.
    pub(super) fn times(&self) -> Option<TimeProfile> {
        let times = self.usual_times().filter(|times| times.fits > 0)?;
        let by_itself = self.by_itself.as_ref() == Some(&times.format);
        Some(TimeProfile {
            column: self.name.clone(),
            first: times.first,
            last: times.last,
            events: times.fits,
            rate: times.rate.rate(),
            disorder: times.delays.disorder(),
            format: (!by_itself).then(|| times.format.name().to_owned()),
            ..TimeProfile::default()
        })
    }

    /// A cell as a time in the usual format.
    pub(super) fn time(&self, cell: &[u8]) -> Option<i64> {
        self.usual_times()?.reader.clone().read(cell.trim_ascii()).ok()
    }
}

impl Times {
    fn new(format: Format, zone: String) -> Self {
        Self {
            reader: TimeReader::of(format.clone()),
            format,
            zone,
            fits: 0,
            slips: Slips::default(),
            first: i64::MAX,
            last: i64::MIN,
            rate: Counted::default(),
            delays: Delays::default(),
        }
    }

    fn take(&mut self, line: u64, text: &[u8]) -> Option<i64> {
        match self.reader.read(text) {
            Ok(time) => {
                self.fits += 1;
                (self.first, self.last) = (self.first.min(time), self.last.max(time));
                self.rate.add(time);
                self.delays.add(time);
                Some(time)
            }
            Err(reason) => {
                self.slips.add(line, text, || reason);
                None
            }
        }
    }
}

fn not_utf8(cell: &[u8]) -> String {
    format!("{} is not UTF-8; save the file as UTF-8", shown(cell))
}

fn shown(cell: &[u8]) -> impl std::fmt::Display {
    crate::error::shown(cell)
}
