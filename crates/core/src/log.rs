//! The append-only log: columns of event time, arrival, keys and measures, addressed by row and,
//! per partition, by offset.
//!
//! ```text
//!   row        0     1     2     3     4        the order in which the engine reads
//!   partition  0     1     0     0     1        merged by (arrival, partition, offset)
//!   offset     0     0     1     2     1        counts within a partition
//!   time     100   130   120   260   250        may step back: that is disorder
//! ```
//!
//! **Invariant:** a row never changes once appended, and every column has one entry a row. A source
//! appends rows in the order (arrival, partition, offset), so the row is the merged order and the offset
//! of a row is the number of rows of its partition before it.
//!
//! It keeps the extremes of the event times of every [`ZONE`] rows, so that a reader who only has to know
//! that nothing is late in them need not look at each.
//!
//! A log can be replayed from any row it retains. [`Log::forget`] lets go of the oldest rows when a
//! stream is longer than memory; rows keep their numbers.

use crate::spec::Schema;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::ops::Range;

/// The distinct strings of one key column, numbered in order of first appearance.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    names: Vec<String>,
    ids: FxHashMap<String, u32>,
}

impl Dictionary {
    /// The id of `name`, a new one if it has not been seen.
    pub fn intern(&mut self, name: &str) -> u32 {
        if let Some(&id) = self.ids.get(name) {
            return id;
        }
        let id = u32::try_from(self.names.len()).expect("a column has fewer than 2^32 distinct keys");
        self.names.push(name.to_owned());
        self.ids.insert(name.to_owned(), id);
        id
    }

    /// The string behind an id that [`Dictionary::intern`] gave.
    #[must_use]
    pub fn name(&self, id: u32) -> &str {
        &self.names[id as usize]
    }

    /// The id of a string that was interned.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<u32> {
        self.ids.get(name).copied()
    }

    /// Number of distinct strings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no string has been seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// One key column: an id a row, and the strings behind the ids.
#[derive(Clone, Debug, Default)]
pub struct KeyColumn {
    ids: Vec<u32>,
    dictionary: Dictionary,
}

/// Rows of a zone, counted from row 0.
pub const ZONE: u64 = 1_024;

/// The append-only log of one run. See the [module](self) for its order.
#[derive(Clone, Debug)]
pub struct Log {
    first_row: u64,
    partitions: u32,
    time: Vec<i64>,
    arrival: Vec<i64>,
    /// Empty when there is one partition only, which is the common case.
    partition: Vec<u32>,
    keys: Vec<KeyColumn>,
    measures: Vec<Vec<f64>>,
    /// Oldest and newest event time of each zone that has a row held.
    zones: VecDeque<(i64, i64)>,
}

impl Log {
    /// An empty log with the columns of `schema`.
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        Self {
            first_row: 0,
            partitions: schema.partitions,
            time: Vec::new(),
            arrival: Vec::new(),
            partition: Vec::new(),
            keys: vec![KeyColumn::default(); schema.keys.len()],
            measures: vec![Vec::new(); schema.measures.len()],
            zones: VecDeque::new(),
        }
    }

    /// The id of `name` in key column `column`, for [`Log::append`].
    pub fn intern(&mut self, column: usize, name: &str) -> u32 {
        self.keys[column].dictionary.intern(name)
    }

    /// Appends one event: event time and arrival in epoch milliseconds, partition, one id a key column,
    /// one number a measure.
    ///
    /// # Panics
    /// When the event does not have the log's shape, its partition does not exist, a time lies outside
    /// [`TIME_RANGE`](crate::time::TIME_RANGE), the arrival steps back or a measure is not finite: whoever decodes a record
    /// refuses such rows with their place before they come here.
    pub fn append(&mut self, time: i64, arrival: i64, partition: u32, keys: &[u32], measures: &[f64]) {
        assert!(partition < self.partitions, "partition {partition} of {}", self.partitions);
        assert!(
            crate::time::TIME_RANGE.contains(&time) && crate::time::TIME_RANGE.contains(&arrival),
            "time out of range"
        );
        assert!(
            keys.len() == self.keys.len() && measures.len() == self.measures.len(),
            "an event of another shape"
        );
        assert!(self.arrival.last().is_none_or(|&newest| newest <= arrival), "an arrival steps back");
        self.note(time);
        self.time.push(time);
        self.arrival.push(arrival);
        if self.partitions > 1 {
            self.partition.push(partition);
        }
        for (column, &id) in self.keys.iter_mut().zip(keys) {
            assert!((id as usize) < column.dictionary.len(), "key id {id} was not interned");
            column.ids.push(id);
        }
        for (column, &value) in self.measures.iter_mut().zip(measures) {
            assert!(value.is_finite(), "a measure is {value}");
            column.push(value);
        }
    }

    /// Appends many events at once, as [`append`](Self::append) does one.
    ///
    /// # Panics
    /// As [`append`](Self::append).
    pub fn append_columns(&mut self, events: &Events<'_>) {
        let rows = events.time.len();
        let in_range = |times: &[i64]| times.iter().all(|time| crate::time::TIME_RANGE.contains(time));
        assert!(in_range(events.time) && in_range(events.arrival), "time out of range");
        let newest = self.arrival.last().into_iter().chain(events.arrival);
        assert!(newest.is_sorted() && events.arrival.len() == rows, "an arrival steps back");
        self.note_all(events.time);
        self.time.extend_from_slice(events.time);
        self.arrival.extend_from_slice(events.arrival);
        if self.partitions > 1 {
            let exist = events.partition.iter().all(|&partition| partition < self.partitions);
            assert!(exist && events.partition.len() == rows, "a partition that is none");
            self.partition.extend_from_slice(events.partition);
        }
        assert_eq!((events.keys.len(), events.measures.len()), (self.keys.len(), self.measures.len()));
        for (column, ids) in self.keys.iter_mut().zip(&events.keys) {
            let interned = ids.iter().all(|&id| (id as usize) < column.dictionary.len());
            assert!(interned && ids.len() == rows, "a key id was not interned");
            column.ids.extend_from_slice(ids);
        }
        for (column, values) in self.measures.iter_mut().zip(&events.measures) {
            let finite = values.iter().all(|value| value.is_finite());
            assert!(finite && values.len() == rows, "a measure is not finite");
            column.extend_from_slice(values);
        }
    }

    /// Notes the times of the next rows in their zones.
    fn note_all(&mut self, mut times: &[i64]) {
        let mut end = self.end();
        while !times.is_empty() {
            let (zone, rest) = times.split_at(times.len().min((ZONE - end % ZONE) as usize));
            let (mut oldest, mut newest) = (i64::MAX, i64::MIN);
            for &time in zone {
                (oldest, newest) = (oldest.min(time), newest.max(time));
            }
            match self.zones.back_mut().filter(|_| !end.is_multiple_of(ZONE)) {
                Some(known) => *known = (known.0.min(oldest), known.1.max(newest)),
                None => self.zones.push_back((oldest, newest)),
            }
            end += zone.len() as u64;
            times = rest;
        }
    }

    /// Notes the time of the next row in its zone.
    fn note(&mut self, time: i64) {
        let begins = self.end().is_multiple_of(ZONE);
        match self.zones.back_mut().filter(|_| !begins) {
            Some((oldest, newest)) => (*oldest, *newest) = ((*oldest).min(time), (*newest).max(time)),
            None => self.zones.push_back((time, time)),
        }
    }

    /// Number of partitions.
    #[must_use]
    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    /// One row past the newest.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first_row + self.time.len() as u64
    }

    /// The oldest row still held.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.first_row
    }

    /// The strings of key column `column`.
    #[must_use]
    pub fn dictionary(&self, column: usize) -> &Dictionary {
        &self.keys[column].dictionary
    }

    /// Up to `rows` rows from row `from` on; fewer at the end of the log.
    ///
    /// # Panics
    /// When `from` lies before [`Log::start`].
    #[must_use]
    pub fn read(&self, from: u64, rows: usize) -> Block<'_> {
        assert!(from >= self.first_row, "row {from} is no longer held; the oldest is {}", self.first_row);
        let held = self.time.len();
        let begin = usize::try_from(from - self.first_row).map_or(held, |row| row.min(held));
        Block { log: self, rows: begin..begin.saturating_add(rows).min(held) }
    }

    /// Gives the event of a row another time. Whoever has read it before has to read the log again.
    ///
    /// # Panics
    /// When the row is not held, or the time lies outside [`TIME_RANGE`](crate::time::TIME_RANGE).
    pub fn set_time(&mut self, row: u64, time: i64) {
        assert!((self.first_row..self.end()).contains(&row), "row {row} is not held");
        assert!(crate::time::TIME_RANGE.contains(&time), "time out of range");
        let at = (row - self.first_row) as usize;
        self.time[at] = time;
        // A zone is asked only where all its rows are held.
        let begins = (row - row % ZONE).max(self.first_row) - self.first_row;
        let ends = (row - row % ZONE + ZONE).min(self.end()) - self.first_row;
        let times = &self.time[begins as usize..ends as usize];
        let bounds = times.iter().fold((i64::MAX, i64::MIN), |(a, b), &time| (a.min(time), b.max(time)));
        self.zones[(row / ZONE - self.first_row / ZONE) as usize] = bounds;
    }

    /// Lets go of the rows before `row`. Dictionaries and row numbers stay.
    pub fn forget(&mut self, row: u64) {
        let n = usize::try_from(row.clamp(self.first_row, self.end()) - self.first_row)
            .expect("rows held fit in memory");
        self.time.drain(..n);
        self.arrival.drain(..n);
        self.partition.drain(..n.min(self.partition.len()));
        self.keys.iter_mut().for_each(|column| drop(column.ids.drain(..n)));
        self.measures.iter_mut().for_each(|column| drop(column.drain(..n)));
        let gone = (self.first_row + n as u64) / ZONE - self.first_row / ZONE;
        self.zones.drain(..(gone as usize).min(self.zones.len()));
        self.first_row += n as u64;
    }

    /// Bytes held by the rows (not by the dictionaries).
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.time.len() * (16 + 4 * self.keys.len() + 8 * self.measures.len()) + 4 * self.partition.len()
    }
}

/// Events to append at once, column by column: one entry an event in each.
#[derive(Clone, Debug, Default)]
pub struct Events<'a> {
    /// Event times, epoch milliseconds.
    pub time: &'a [i64],
    /// Arrival times, epoch milliseconds, which never step back.
    pub arrival: &'a [i64],
    /// Partitions; not looked at when the log has one only.
    pub partition: &'a [u32],
    /// Interned ids, a slice a key column.
    pub keys: Vec<&'a [u32]>,
    /// Finite numbers, a slice a measure.
    pub measures: Vec<&'a [f64]>,
}

/// A run of neighbouring rows of a [`Log`], read in place: the unit in which a pipeline is fed.
#[derive(Clone, Debug)]
pub struct Block<'a> {
    log: &'a Log,
    rows: Range<usize>,
}

impl<'a> Block<'a> {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it holds no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Event times, epoch milliseconds.
    #[must_use]
    pub fn time(&self) -> &'a [i64] {
        &self.log.time[self.rows.clone()]
    }

    /// The zone that begins at a row, if it lies within the block whole: its number of rows, and its oldest
    /// and newest event time.
    #[must_use]
    pub fn zone(&self, row: usize) -> Option<(usize, i64, i64)> {
        let number = self.log.first_row + (self.rows.start + row) as u64;
        if !number.is_multiple_of(ZONE) || row + ZONE as usize > self.len() {
            return None;
        }
        let (oldest, newest) = self.log.zones[(number / ZONE - self.log.first_row / ZONE) as usize];
        Some((ZONE as usize, oldest, newest))
    }

    /// The oldest and the newest event time, of at least one event.
    pub(crate) fn extremes(&self) -> (i64, i64) {
        let (mut extremes, mut row) = ((i64::MAX, i64::MIN), 0);
        let widen = |(a, b): (i64, i64), oldest: i64, newest: i64| (a.min(oldest), b.max(newest));
        while row < self.len() {
            let (rows, oldest, newest) = self.zone(row).unwrap_or_else(|| {
                let rows = self.rows_to_zone(row);
                let times = self.time()[row..row + rows].iter();
                let (oldest, newest) =
                    times.fold((i64::MAX, i64::MIN), |times, &time| widen(times, time, time));
                (rows, oldest, newest)
            });
            extremes = widen(extremes, oldest, newest);
            row += rows;
        }
        extremes
    }

    /// Rows from one on to where the next zone begins, or the block ends.
    pub(crate) fn rows_to_zone(&self, row: usize) -> usize {
        let number = self.log.first_row + (self.rows.start + row) as u64;
        ((ZONE - number % ZONE) as usize).min(self.len() - row)
    }

    /// Arrival times, epoch milliseconds.
    #[must_use]
    pub fn arrival(&self) -> &'a [i64] {
        &self.log.arrival[self.rows.clone()]
    }

    /// The partition of each row; `None` when the log has one partition only.
    #[must_use]
    pub fn partition(&self) -> Option<&'a [u32]> {
        self.log.partition.get(self.rows.clone()).filter(|_| self.log.partitions > 1)
    }

    /// The ids of key column `column`.
    #[must_use]
    pub fn key(&self, column: usize) -> &'a [u32] {
        &self.log.keys[column].ids[self.rows.clone()]
    }

    /// The strings behind the ids of key column `column`.
    #[must_use]
    pub fn dictionary(&self, column: usize) -> &'a Dictionary {
        &self.log.keys[column].dictionary
    }

    /// The values of measure `column`.
    #[must_use]
    pub fn measure(&self, column: usize) -> &'a [f64] {
        &self.log.measures[column][self.rows.clone()]
    }

    /// Some of the rows.
    #[must_use]
    pub fn slice(&self, rows: Range<usize>) -> Self {
        assert!(rows.end <= self.len(), "rows {rows:?} of {}", self.len());
        Self { log: self.log, rows: self.rows.start + rows.start..self.rows.start + rows.end }
    }

    /// The first `n` rows and the rest.
    #[must_use]
    pub fn split_at(&self, n: usize) -> (Self, Self) {
        let middle = self.rows.start + n;
        let part = |rows| Self { log: self.log, rows };
        (part(self.rows.start..middle), part(middle..self.rows.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same events one by one and in runs that end anywhere, the oldest forgotten on the way.
    #[test]
    fn events_appended_at_once_are_those_appended_one_by_one() {
        let spec = crate::Spec::from_toml(
            "name='t'\nversion=1\nschema={time='at',partition='p',partitions=3,keys=['k'],measures=['m']}\n\
             [[query]]\nname='q'\nwindow={tumbling='1m'}\naggregates=['count()']",
        );
        let schema = spec.expect("a pipeline that runs").schema;
        let (mut single, mut runs) = (Log::new(&schema), Log::new(&schema));
        let mut next = 0_u32;
        for rows in [1_u32, 1_000, 23, 1_024, 0, 4_000, 77] {
            let numbers: Vec<u32> = (next..next + rows).collect();
            next += rows;
            let time: Vec<i64> = numbers.iter().map(|n| i64::from(n * 7_919 % 5_003)).collect();
            let arrival: Vec<i64> = numbers.iter().map(|&n| i64::from(n)).collect();
            let partition: Vec<u32> = numbers.iter().map(|n| n % 3).collect();
            let names = numbers.iter().map(|n| (n % 5).to_string());
            let ids: Vec<u32> =
                names.map(|name| single.intern(0, &name).max(runs.intern(0, &name))).collect();
            let values: Vec<f64> = numbers.iter().map(|&n| f64::from(n)).collect();
            for row in 0..numbers.len() {
                single.append(time[row], arrival[row], partition[row], &[ids[row]], &[values[row]]);
            }
            let (time, arrival, partition) = (&time[..], &arrival[..], &partition[..]);
            runs.append_columns(&Events {
                time,
                arrival,
                partition,
                keys: vec![&ids],
                measures: vec![&values],
            });
            let (a, b) = (single.read(single.start(), usize::MAX), runs.read(runs.start(), usize::MAX));
            assert_eq!((a.time(), a.arrival(), a.partition()), (b.time(), b.arrival(), b.partition()));
            assert_eq!((a.key(0), a.measure(0)), (b.key(0), b.measure(0)));
            assert_eq!(single.zones, runs.zones);
            single.forget(single.end().saturating_sub(500));
            runs.forget(runs.end().saturating_sub(500));
        }
    }
}
