//! Arrow's columns to ours: every width, unit and zone to one kind of cell.
//!
//! **Invariant:** nothing is rounded but times, down to the millisecond, and halves and floats are
//! widened. What a double or 64 bits cannot hold exactly (decimals, large unsigned numbers) becomes the
//! text that writes it.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Decimal256Type, DecimalType, Float16Type, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, TimeUnit};
use kappascope_ingest::{Cells, Column, Names};

/// Why a column of this type cannot be read.
pub(crate) fn refused(data_type: &DataType) -> Option<&'static str> {
    match data_type {
        DataType::Binary | DataType::FixedSizeBinary(_) => {
            Some("holds bytes that are not said to be text; text, numbers and times would fit")
        }
        DataType::Time32(_) | DataType::Time64(_) => {
            Some("holds times of day without a date; a timestamp would fit")
        }
        DataType::Interval(_) => Some("holds intervals; a number would fit"),
        _ => None,
    }
}

/// A column of a batch, with nothing where `nulls` says so.
pub(crate) fn column(array: &ArrayRef, nulls: Option<&NullBuffer>) -> Result<Column, String> {
    let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
    let nulls = nulls.map_or(Vec::new(), |nulls| nulls.iter().map(|there| !there).collect());
    Ok(Column { cells: cells(array, &nulls)?, nulls })
}

fn cells(array: &ArrayRef, nulls: &[bool]) -> Result<Cells, String> {
    Ok(match array.data_type() {
        DataType::Int8 => integers::<Int8Type>(array),
        DataType::Int16 => integers::<Int16Type>(array),
        DataType::Int32 => integers::<Int32Type>(array),
        DataType::Int64 => Cells::Integer(array.as_primitive::<Int64Type>().values().to_vec()),
        DataType::UInt8 => integers::<UInt8Type>(array),
        DataType::UInt16 => integers::<UInt16Type>(array),
        DataType::UInt32 => integers::<UInt32Type>(array),
        DataType::UInt64 => large_integers(array.as_primitive::<UInt64Type>().values())?,
        DataType::Float16 => numbers::<Float16Type>(array),
        DataType::Float32 => numbers::<Float32Type>(array),
        DataType::Float64 => Cells::Number(array.as_primitive::<Float64Type>().values().to_vec()),
        DataType::Boolean => truth(array)?,
        DataType::Date32 => Cells::Date(array.as_primitive::<Date32Type>().values().to_vec()),
        DataType::Timestamp(unit, _) => Cells::Time(times(array, *unit)),
        DataType::Decimal128(_, scale) => decimals::<Decimal128Type>(array, *scale)?,
        DataType::Decimal256(_, scale) => decimals::<Decimal256Type>(array, *scale)?,
        DataType::Dictionary(_, _) => text(array, nulls)?,
        DataType::Null => Cells::Integer(vec![0; array.len()]),
        other => return Err(format!("a column of {other}, where text, numbers or times would fit")),
    })
}

fn integers<T: ArrowPrimitiveType<Native: Into<i64>>>(array: &ArrayRef) -> Cells {
    Cells::Integer(array.as_primitive::<T>().values().iter().map(|&cell| cell.into()).collect())
}

fn numbers<T: ArrowPrimitiveType<Native: Into<f64>>>(array: &ArrayRef) -> Cells {
    Cells::Number(array.as_primitive::<T>().values().iter().map(|&cell| cell.into()).collect())
}

fn large_integers(cells: &[u64]) -> Result<Cells, String> {
    match cells.iter().map(|&cell| i64::try_from(cell)).collect::<Result<_, _>>() {
        Ok(cells) => Ok(Cells::Integer(cells)),
        Err(_) => written(cells.iter().map(u64::to_string)),
    }
}

fn decimals<T: DecimalType>(array: &ArrayRef, scale: i8) -> Result<Cells, String> {
    let (cells, precision) = (array.as_primitive::<T>().values(), T::MAX_PRECISION);
    written(cells.iter().map(|&cell| T::format_decimal(cell, precision, scale)))
}

/// Cells that are all different for what we know.
fn written(cells: impl Iterator<Item = String>) -> Result<Cells, String> {
    let mut names = Names::default();
    let ids = cells.map(|cell| names.push(&cell)).collect::<Option<_>>().ok_or(TOO_LONG)?;
    Ok(Cells::Text { ids, names })
}

const TOO_LONG: &str = "its text is longer than 4 GiB in one batch";

fn truth(array: &ArrayRef) -> Result<Cells, String> {
    let names = Names::from_parts("falsetrue".to_owned(), vec![5, 9]).ok_or(TOO_LONG)?;
    Ok(Cells::Text { ids: array.as_boolean().values().iter().map(u32::from).collect(), names })
}

/// Epoch milliseconds, rounded down; the ends of `i64` stand for what lies beyond them.
fn times(array: &ArrayRef, unit: TimeUnit) -> Vec<i64> {
    let times = match unit {
        TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values(),
        TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().values(),
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().values(),
        TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().values(),
    };
    match unit {
        TimeUnit::Second => times.iter().map(|time| time.saturating_mul(1_000)).collect(),
        TimeUnit::Millisecond => times.to_vec(),
        TimeUnit::Microsecond => times.iter().map(|time| time.div_euclid(1_000)).collect(),
        TimeUnit::Nanosecond => times.iter().map(|time| time.div_euclid(1_000_000)).collect(),
    }
}

/// Keeps of the dictionary, which is that of a whole row group, what the batch has.
fn text(array: &ArrayRef, nulls: &[bool]) -> Result<Cells, String> {
    const UNSEEN: u32 = u32::MAX;
    let array = array.as_dictionary_opt::<Int32Type>().ok_or("text with other numbers than 32-bit ones")?;
    let values: &StringArray = array.values().as_string_opt().ok_or("a dictionary that is not of text")?;
    let (mut names, mut ids) = (Names::default(), Vec::with_capacity(array.len()));
    let mut ours = vec![UNSEEN; values.len()];
    for (row, &key) in array.keys().values().iter().enumerate() {
        if nulls.get(row).copied().unwrap_or(false) {
            ids.push(0);
            continue;
        }
        let key = usize::try_from(key).ok().filter(|key| *key < ours.len()).ok_or("an index without text")?;
        if ours[key] == UNSEEN {
            ours[key] = names.push(values.value(key)).ok_or(TOO_LONG)?;
        }
        ids.push(ours[key]);
    }
    Ok(Cells::Text { ids, names })
}
