//! Cells to a log row: the one place that decides what a schema takes.
//!
//! **Invariant:** the log receives a row only when every cell that the schema uses fits: finite
//! measures, times in range, a partition that exists, keys in UTF-8. The order of a file is its order
//! of arrival, so an arrival time that steps back counts as the newest so far.

use crate::error::{IngestError, Kind, shown};
use crate::place::Position;
use crate::record::Record;
use crate::single::SingleRow;
use crate::time::TimeReader;
use kappascope_core::Log;
use kappascope_core::spec::Schema;

/// Memory that the different values of all key columns may take. The log keeps each once, so that rows
/// can hold numbers; 1 GiB is about 10 million short keys, and a quarter of what a page can address.
const KEY_MEMORY_BYTES: usize = 1 << 30;

/// What a key costs beside twice its text: two `String`s and an entry of a hash map.
const KEY_OVERHEAD_BYTES: usize = 64;

/// Why a record is no row.
pub(crate) struct Misfit {
    /// Number of the wanted column.
    pub(crate) column: usize,
    pub(crate) reason: String,
}

#[derive(Debug)]
pub(crate) struct TimeColumn {
    pub(crate) column: usize,
    pub(crate) reader: TimeReader,
}

/// Short keys of one column that came lately, found without hashing their text.
#[derive(Clone, Debug)]
struct RecentKeys {
    /// A key's bytes and length as one number, and its id; 0 is the number of no key.
    slots: Box<[(u64, u32); Self::SLOTS]>,
}

impl Default for RecentKeys {
    fn default() -> Self {
        Self { slots: Box::new([(0, 0); Self::SLOTS]) }
    }
}

impl RecentKeys {
    /// As many as stay in a processor's nearest cache.
    const SLOTS: usize = 256;

    /// Up to seven bytes and how many they are, so that no two keys are the same number.
    fn number(key: &[u8]) -> Option<u64> {
        let mut bytes = [0; 8];
        bytes.get_mut(..key.len()).filter(|_| key.len() < 8)?.copy_from_slice(key);
        bytes[7] = key.len() as u8 + 1;
        Some(u64::from_le_bytes(bytes))
    }

    /// Fibonacci hashing (Knuth, The Art of Computer Programming, 6.4).
    fn slot(number: u64) -> usize {
        (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
    }

    fn id(&self, key: &[u8]) -> Option<u32> {
        let number = Self::number(key)?;
        let (held, id) = self.slots[Self::slot(number)];
        (held == number).then_some(id)
    }

    fn remember(&mut self, key: &[u8], id: u32) {
        if let Some(number) = Self::number(key) {
            self.slots[Self::slot(number)] = (number, id);
        }
    }
}

/// Appends records to a log by a schema.
#[derive(Debug)]
pub(crate) struct Rows {
    wanted: Vec<String>,
    pub(crate) time: TimeColumn,
    pub(crate) arrival: Option<TimeColumn>,
    pub(crate) partition: Option<usize>,
    pub(crate) partitions: u32,
    pub(crate) keys: Vec<usize>,
    pub(crate) measures: Vec<usize>,
    pub(crate) newest_arrival: i64,
    key_memory_left: usize,
    /// One for each key column.
    recent: Vec<RecentKeys>,
    /// Scratch: the row at hand.
    ids: Vec<u32>,
    values: Vec<f64>,
}

impl Rows {
    pub(crate) fn new(schema: &Schema) -> Result<Self, IngestError> {
        let mut wanted = Vec::new();
        let mut number = |name: &String| {
            wanted.iter().position(|known| known == name).unwrap_or_else(|| {
                wanted.push(name.clone());
                wanted.len() - 1
            })
        };
        let reader = TimeReader::new(schema.time_format.as_deref()).map_err(Kind::TimeFormat)?;
        let time = TimeColumn { column: number(&schema.time), reader: reader.clone() };
        let arrival = schema.arrival.as_ref().map(|name| TimeColumn { column: number(name), reader });
        let partition = schema.partition.as_ref().map(&mut number);
        let keys: Vec<usize> = schema.keys.iter().map(&mut number).collect();
        let measures = schema.measures.iter().map(&mut number).collect();
        Ok(Self {
            wanted,
            time,
            arrival,
            partition,
            partitions: schema.partitions,
            recent: vec![RecentKeys::default(); keys.len()],
            keys,
            measures,
            newest_arrival: i64::MIN,
            key_memory_left: KEY_MEMORY_BYTES,
            ids: Vec::new(),
            values: Vec::new(),
        })
    }

    /// Names of the columns that the schema uses, each once. A [`Record`] numbers its cells by them.
    pub(crate) fn wanted(&self) -> &[String] {
        &self.wanted
    }

    /// Appends a record, or says why it is no row.
    pub(crate) fn append(&mut self, record: &impl Record, log: &mut Log) -> Result<(), Misfit> {
        let time = self.time.read(record)?;
        let arrival = self.arrival.as_mut().map(|arrival| arrival.read(record)).transpose()?;
        let partition = self.partition(record)?;
        self.measures(record)?;
        self.keys(record, log)?;
        self.newest_arrival = self.newest_arrival.max(arrival.unwrap_or(time));
        log.append(time, self.newest_arrival, partition, &self.ids, &self.values);
        Ok(())
    }

    /// Refuses to go on once the key columns hold more different values than memory has room for.
    pub(crate) fn check_memory(&self, at: Position) -> Result<(), IngestError> {
        if self.key_memory_left > 0 {
            return Ok(());
        }
        Err(Kind::KeyMemory { at, limit_mb: KEY_MEMORY_BYTES >> 20 }.into())
    }

    /// Reads a record by itself: what it gives depends on no record before. Of partitions nothing is asked, as
    /// the record comes out of one.
    pub(crate) fn read_alone(&mut self, record: &impl Record, row: &mut SingleRow) -> Result<(), Misfit> {
        row.time = self.time.read_alone(record)?;
        row.arrival = self.arrival.as_mut().map(|arrival| arrival.read_alone(record)).transpose()?;
        self.measures(record)?;
        row.measures.clone_from(&self.values);
        row.keys.resize_with(self.keys.len(), String::new);
        for (key, &column) in row.keys.iter_mut().zip(&self.keys) {
            key.clear();
            key.push_str(text(cell(record, column)?, column)?);
        }
        Ok(())
    }

    fn partition(&self, record: &impl Record) -> Result<u32, Misfit> {
        let Some(column) = self.partition else { return Ok(0) };
        let cell = cell(record, column)?.trim_ascii();
        let number = std::str::from_utf8(cell).ok().and_then(|text| text.parse().ok());
        number.filter(|partition| *partition < self.partitions).ok_or_else(|| Misfit {
            column,
            reason: format!("{} is not a partition; 0 to {} would fit", shown(cell), self.partitions - 1),
        })
    }

    fn measures(&mut self, record: &impl Record) -> Result<(), Misfit> {
        self.values.clear();
        for &column in &self.measures {
            let cell = cell(record, column)?.trim_ascii();
            self.values.push(finite(cell).map_err(|reason| Misfit { column, reason })?);
        }
        Ok(())
    }

    fn keys(&mut self, record: &impl Record, log: &mut Log) -> Result<(), Misfit> {
        self.ids.clear();
        for (key, &column) in self.keys.iter().enumerate() {
            let cell = cell(record, column)?;
            let recent = &mut self.recent[key];
            if let Some(id) = recent.id(cell) {
                self.ids.push(id);
                continue;
            }
            let name = text(cell, column)?;
            let id = intern(log, key, name, &mut self.key_memory_left);
            recent.remember(cell, id);
            self.ids.push(id);
        }
        Ok(())
    }

    /// The id of a key's name, for [`Log::append`].
    pub(crate) fn intern(&mut self, log: &mut Log, key: usize, name: &str) -> u32 {
        intern(log, key, name, &mut self.key_memory_left)
    }
}

/// A new name takes from the memory that is left for them.
fn intern(log: &mut Log, key: usize, name: &str, memory_left: &mut usize) -> u32 {
    let known = log.dictionary(key).len();
    let id = log.intern(key, name);
    if log.dictionary(key).len() > known {
        *memory_left = memory_left.saturating_sub(2 * name.len() + KEY_OVERHEAD_BYTES);
    }
    id
}

impl TimeColumn {
    fn read(&mut self, record: &impl Record) -> Result<i64, Misfit> {
        let column = self.column;
        self.reader.read(cell(record, column)?).map_err(|reason| Misfit { column, reason })
    }

    fn read_alone(&mut self, record: &impl Record) -> Result<i64, Misfit> {
        let column = self.column;
        self.reader.read_alone(cell(record, column)?).map_err(|reason| Misfit { column, reason })
    }
}

fn text(cell: &[u8], column: usize) -> Result<&str, Misfit> {
    std::str::from_utf8(cell).map_err(|_| Misfit {
        column,
        reason: format!("{} is not UTF-8; save the file as UTF-8", shown(cell)),
    })
}

fn cell(record: &impl Record, column: usize) -> Result<&[u8], Misfit> {
    record.cell(column).map_err(|reason| Misfit { column, reason })
}

/// The finite number that a cell writes, or why it writes none.
pub(crate) fn finite(cell: &[u8]) -> Result<f64, String> {
    match number(cell) {
        Some(number) if number.is_finite() => Ok(number),
        Some(_) => Err(format!("{} is not finite; a number such as `12.5` would fit", shown(cell))),
        None => Err(not_a_number(cell)),
    }
}

/// The number that a cell writes, which may be infinite or none.
pub(crate) fn number(cell: &[u8]) -> Option<f64> {
    short_decimal(cell).or_else(|| std::str::from_utf8(cell).ok()?.parse().ok())
}

/// Digits of a number whose value a double holds exactly, whatever they are.
const EXACT_DIGITS: usize = 15;

/// The powers of ten up to [`EXACT_DIGITS`], all of them doubles.
const POWERS: [f64; EXACT_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// The number of a cell such as `-12.50`, if it has few digits and no exponent: as most have.
///
/// Digits and power of ten are exact, so their quotient is rounded once, as it has to be (Clinger, How to
/// read floating point numbers accurately, 1990).
fn short_decimal(cell: &[u8]) -> Option<f64> {
    let digits = cell.strip_prefix(b"-").unwrap_or(cell);
    // The point is one byte more; neither it nor the sign is a number by itself.
    if digits.len() > EXACT_DIGITS + 1 || digits.is_empty() {
        return None;
    }
    let (mut whole, mut point) = (0_u64, None);
    for (at, &byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => whole = whole * 10 + u64::from(byte - b'0'),
            b'.' if point.is_none() && digits.len() > 1 => point = Some(at),
            _ => return None,
        }
    }
    let places = match point {
        Some(at) => digits.len() - at - 1,
        None if digits.len() > EXACT_DIGITS => return None,
        None => 0,
    };
    let number = whole as f64 / POWERS[places];
    Some(if digits.len() < cell.len() { -number } else { number })
}

fn not_a_number(cell: &[u8]) -> String {
    match (cell, for_people(cell)) {
        (b"", _) => "nothing where a number belongs; a finite number such as `12.5` would fit".to_owned(),
        (_, Some(what)) => format!("{} has {what} would fit", shown(cell)),
        _ => format!("{} is not a number; a finite number such as `12.5` would fit", shown(cell)),
    }
}

/// What a number that is written for people has, and how it would be written here; none if a cell is no such
/// number.
pub(crate) fn for_people(cell: &[u8]) -> Option<String> {
    let grouped = |separator, point| without_separators(cell, separator, point);
    let thousands = [(b',', b'.'), (b'.', b','), (b' ', b','), (b' ', b'.'), (b'\'', b'.')];
    let thousands = thousands.into_iter().find_map(|(separator, point)| grouped(separator, point));
    match (thousands, with_point(cell)) {
        (Some(number), None) => Some(format!("thousands separators; {}", shown(&number))),
        (None, Some(number)) => Some(format!("a decimal comma; {}", shown(&number))),
        (Some(whole), Some(part)) => {
            Some(format!("a comma; {} or, if it sets decimals apart, {}", shown(&whole), shown(&part)))
        }
        (None, None) => None,
    }
}

/// `12,5` as `12.5`.
fn with_point(cell: &[u8]) -> Option<Vec<u8>> {
    let comma = cell.iter().position(|&byte| byte == b',')?;
    let mut with_point = cell.to_vec();
    with_point[comma] = b'.';
    number(&with_point).filter(|number| number.is_finite()).map(|_| with_point)
}

/// `1,234,567.5` as `1234567.5`: groups of three digits behind the first, and at least one of them.
fn without_separators(cell: &[u8], separator: u8, point: u8) -> Option<Vec<u8>> {
    let (sign, digits) = cell.split_at(usize::from(matches!(cell, [b'+' | b'-', ..])));
    let whole_end = digits.iter().position(|&byte| byte == point).unwrap_or(digits.len());
    let (whole, fraction) = digits.split_at(whole_end);
    let all_digits = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
    let mut groups = whole.split(|&byte| byte == separator);
    let first = groups.next().filter(|first| (1..=3).contains(&first.len()) && all_digits(first))?;
    let mut plain = [sign, first].concat();
    for group in groups {
        if group.len() != 3 || !all_digits(group) {
            return None;
        }
        plain.extend_from_slice(group);
    }
    let separated = plain.len() > sign.len() + first.len();
    (separated && fraction.get(1..).is_none_or(all_digits)).then(|| {
        plain.extend(fraction.iter().enumerate().map(|(i, &byte)| if i == 0 { b'.' } else { byte }));
        plain
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kappascope_core::Spec;

    #[test]
    fn a_short_decimal_is_the_double_that_the_standard_library_reads() {
        let mut short = 0;
        for seed in 0..200_000_u64 {
            // Digits of every length with a point anywhere, or none.
            let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed << 7;
            let mut text = (mixed >> (mixed % 50)).to_string();
            if mixed % 4 > 0 {
                text.insert((mixed % 11) as usize % (text.len() + 1), '.');
            }
            if mixed % 3 == 0 {
                text.insert(0, '-');
            }
            let expected = text.parse::<f64>().map(f64::to_bits).ok();
            if let Some(number) = short_decimal(text.as_bytes()) {
                assert_eq!(Some(number.to_bits()), expected, "{text}");
                short += 1;
            }
        }
        assert!(short > 100_000, "{short} were short");
    }

    #[test]
    fn what_is_no_short_decimal_is_left_to_the_standard_library() {
        for text in ["", "-", ".", "-.", "1e3", "1.2.3", "+1", "inf", "NaN", "1234567890123456", " 1", "1_0"]
        {
            assert_eq!(short_decimal(text.as_bytes()), None, "{text}");
        }
        for (text, number) in
            [("-0", -0.0_f64), ("5.", 5.0), (".5", 0.5), ("999999999999999", 999_999_999_999_999.0)]
        {
            assert_eq!(short_decimal(text.as_bytes()).map(f64::to_bits), Some(number.to_bits()), "{text}");
        }
    }

    /// A record of one cell for every column.
    struct Same(String);

    impl Record for Same {
        fn cell(&self, _: usize) -> Result<&[u8], String> {
            Ok(self.0.as_bytes())
        }
    }

    #[test]
    fn different_keys_use_memory_up_and_the_same_ones_do_not() {
        let spec = Spec::from_toml(
            "name='t'\nversion=1\nschema={time='at',keys=['who']}\n\
             [[query]]\nname='q'\nwindow={tumbling='1m'}\naggregates=['count()']",
        );
        let schema = spec.unwrap().schema;
        let (mut rows, mut log) = (Rows::new(&schema).unwrap(), Log::new(&schema));
        rows.key_memory_left = 10 * (2 + KEY_OVERHEAD_BYTES) + 1;
        for i in 0..1_000 {
            assert!(rows.append(&Same((i % 10).to_string()), &mut log).is_ok());
            assert_eq!(rows.check_memory(Position::Row(i)), Ok(()));
        }
        assert!(rows.append(&Same("10".to_owned()), &mut log).is_ok());
        let error = rows.check_memory(Position::Row(1_001)).unwrap_err();
        assert!(error.to_string().starts_with("row 1001: the key columns hold more than 1024 MB"), "{error}");
    }
}
