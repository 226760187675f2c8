//! A Parquet file: its index, its columns, and its rows batch by batch.

use crate::cells;
use crate::error::{Kind, ParquetError, plain, told};
use crate::guard::guarded;
use crate::pages::Group;
use crate::source::{Source, Watched};
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, FieldRef, Fields, TimeUnit};
use kappascope_ingest::Batch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use parquet::arrow::{FieldLevels, ProjectionMask, parquet_to_arrow_field_levels, parquet_to_arrow_schema};
use parquet::basic::{Compression, Type};
use parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData,
};
use std::sync::Arc;

/// Most bytes of an index. It has some hundred bytes for each column of each row group: this is room for
/// 100 columns in 3,000 row groups, which would be files of hundreds of gigabytes.
const MAX_INDEX_BYTES: u64 = 64 << 20;

/// The length of the index and the name of the format, at the end of every file.
const TAIL_BYTES: u64 = 8;

/// What every Parquet file begins with.
pub const MAGIC: &[u8; 4] = b"PAR1";

/// The name of the format where the index is encrypted.
const ENCRYPTED: &[u8; 4] = b"PARE";

/// Most rows of a batch: enough that a batch costs nothing beside its rows, few enough that its columns stay
/// in the cache, and that the allocator uses their memory again instead of asking the system for it anew.
const BATCH_ROWS: u64 = 1 << 13;

/// About how many bytes a batch may have: where rows are long, it has fewer of them.
const BATCH_BYTES: u64 = 32 << 20;

/// An open file. See the [crate] for an example.
#[derive(Clone)]
pub struct Parquet {
    source: Arc<Watched>,
    metadata: Arc<ParquetMetaData>,
    columns: Vec<Leaf>,
    names: Vec<String>,
    hints: Fields,
}

/// A column that holds values: it may lie inside structs.
#[derive(Clone)]
struct Leaf {
    /// Number among all columns of the file that hold values.
    number: usize,
    path: Vec<String>,
    /// Why it cannot be read.
    refused: Option<&'static str>,
}

impl Parquet {
    /// Reads the index of a file.
    ///
    /// # Errors
    /// When it is no Parquet, is cut short, encrypted or damaged.
    pub fn open(source: impl Source + 'static) -> Result<Self, ParquetError> {
        let source = Arc::new(Watched::new(source));
        let metadata = read_index(&source)?;
        for (group, row_group) in metadata.row_groups().iter().enumerate() {
            check_group(row_group, source.len())
                .map_err(|lie| Kind::Lie(format!("row group {group} {lie}")))?;
        }
        let schema = metadata.file_metadata().schema_descr();
        let fields = parquet_to_arrow_schema(schema, None).map_err(|error| Kind::Index(told(&error)))?.fields;
        let mut types = schema.columns().iter().map(|column| column.physical_type());
        let hints = fields.iter().map(|field| hint(field, &mut types)).collect();
        let leaf = |number: usize| {
            let column = schema.column(number);
            let path = column.path().parts().to_vec();
            let list = column.max_rep_level() > 0;
            let refused = if list { Some(LISTS) } else { leaf_type(&fields, &path).and_then(cells::refused) };
            Leaf { number, path, refused }
        };
        let columns: Vec<Leaf> = (0..schema.num_columns()).map(leaf).collect();
        let names = columns.iter().map(|leaf| leaf.path.join(".")).collect();
        Ok(Self { source, metadata: Arc::new(metadata), columns, names, hints })
    }

    /// The names of all columns that hold values: of those inside structs the path, with dots.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.names
    }

    /// The numbers of the columns that can be read.
    #[must_use]
    pub fn readable(&self) -> Vec<usize> {
        (0..self.columns.len()).filter(|&column| self.columns[column].refused.is_none()).collect()
    }

    /// How many rows the index says there are.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.metadata.row_groups().iter().map(|group| group.num_rows().unsigned_abs()).sum()
    }

    /// Reads columns from the first row on: as numbered by [`columns`](Self::columns), and in this order.
    ///
    /// # Errors
    /// When one of them holds what is neither text, number nor time, or is packed in a way that cannot be
    /// read.
    pub fn batches(&self, wanted: &[usize]) -> Result<Batches, ParquetError> {
        let mut leaves = Vec::with_capacity(wanted.len());
        for &column in wanted {
            let leaf = &self.columns[column];
            let column = self.names[column].clone();
            if let Some(what) = leaf.refused.or_else(|| self.packed_strangely(leaf.number)) {
                return Err(Kind::Column { column, what: what.to_owned() }.into());
            }
            leaves.push(leaf.clone());
        }
        let schema = self.metadata.file_metadata().schema_descr();
        let mask = ProjectionMask::leaves(schema, leaves.iter().map(|leaf| leaf.number));
        let levels = parquet_to_arrow_field_levels(schema, mask, Some(&self.hints))
            .map_err(|error| Kind::Index(told(&error)))?;
        Ok(Batches { file: self.clone(), leaves, levels, reader: None, next_group: 0, left_in_group: 0 })
    }

    fn packed_strangely(&self, column: usize) -> Option<&'static str> {
        let lzo = |group: &RowGroupMetaData| group.column(column).compression() == Compression::LZO;
        let lzo = self.metadata.row_groups().iter().any(lzo);
        lzo.then_some("is packed with LZO, which nothing writes any more; write it with zstd")
    }

    /// How many rows of a group make a batch of [`BATCH_BYTES`].
    fn batch_rows(&self, group: &RowGroupMetaData, leaves: &[Leaf]) -> usize {
        let bytes = |leaf: &Leaf| group.column(leaf.number).uncompressed_size().unsigned_abs();
        let bytes: u64 = leaves.iter().map(bytes).fold(0, u64::saturating_add);
        let rows = group.num_rows().unsigned_abs().max(1);
        let fit = u128::from(BATCH_BYTES) * u128::from(rows) / u128::from(bytes.max(1));
        fit.clamp(1, u128::from(BATCH_ROWS)) as usize
    }
}

const CONTRADICTION: &str = "it contradicts itself";

const LISTS: &str = "holds lists or maps; one value a row would fit";

/// Reads the rows of a file.
pub struct Batches {
    file: Parquet,
    leaves: Vec<Leaf>,
    levels: FieldLevels,
    reader: Option<ParquetRecordBatchReader>,
    next_group: usize,
    left_in_group: u64,
}

impl Batches {
    /// The next rows; none behind the last.
    ///
    /// # Errors
    /// When the file is damaged, or its source fails.
    pub fn next_batch(&mut self) -> Result<Option<Batch>, ParquetError> {
        loop {
            let Some(reader) = &mut self.reader else {
                if self.next_group == self.file.metadata.num_row_groups() {
                    return Ok(None);
                }
                self.open_group()?;
                continue;
            };
            let number = self.next_group - 1;
            let damaged = |cause| damaged(&self.file.source, number, cause);
            match guarded(|| reader.next()).ok_or_else(|| damaged(CONTRADICTION.to_owned()))? {
                Some(Ok(rows)) => {
                    self.left_in_group = self
                        .left_in_group
                        .checked_sub(rows.num_rows() as u64)
                        .ok_or_else(|| damaged("it has more rows than the index says".to_owned()))?;
                    return Ok(Some(self.batch(&rows).map_err(damaged)?));
                }
                Some(Err(error)) => return Err(damaged(plain(&error.to_string())).into()),
                None if self.left_in_group > 0 => {
                    let missing = self.left_in_group;
                    return Err(
                        damaged(format!("{missing} of the rows that the index names are missing")).into()
                    );
                }
                None => self.reader = None,
            }
        }
    }

    fn open_group(&mut self) -> Result<(), ParquetError> {
        let file = &self.file;
        let group = Group {
            source: Arc::clone(&file.source),
            metadata: Arc::clone(&file.metadata),
            number: self.next_group,
        };
        let row_group = file.metadata.row_group(self.next_group);
        let rows = file.batch_rows(row_group, &self.leaves);
        let damaged = |cause| damaged(&file.source, self.next_group, cause);
        let open = || ParquetRecordBatchReader::try_new_with_row_groups(&self.levels, &group, rows, None);
        let reader = guarded(open).ok_or_else(|| damaged(CONTRADICTION.to_owned()))?;
        let reader = reader.map_err(|error| damaged(told(&error)))?;
        self.left_in_group = row_group.num_rows().unsigned_abs();
        self.reader = Some(reader);
        self.next_group += 1;
        Ok(())
    }

    fn batch(&self, rows: &RecordBatch) -> Result<Batch, String> {
        let column = |leaf: &Leaf| {
            let (array, nulls) = descend(rows, &leaf.path).ok_or("a column is missing")?;
            cells::column(&array, nulls.as_ref())
        };
        let columns = self.leaves.iter().map(column).collect::<Result<_, String>>()?;
        Ok(Batch { rows: rows.num_rows(), columns })
    }
}

/// Why a row group cannot be read, unless it is its source that failed.
fn damaged(source: &Watched, group: usize, cause: String) -> Kind {
    source.failure().map_or(Kind::Group { group, cause }, Kind::Source)
}

/// The array at a path, and in which rows neither it nor what it lies in is there.
fn descend(rows: &RecordBatch, path: &[String]) -> Option<(ArrayRef, Option<NullBuffer>)> {
    let (first, rest) = path.split_first()?;
    let mut array = Arc::clone(rows.column_by_name(first)?);
    let mut nulls = array.logical_nulls();
    for name in rest {
        array = Arc::clone(array.as_any().downcast_ref::<StructArray>()?.column_by_name(name)?);
        nulls = NullBuffer::union(nulls.as_ref(), array.logical_nulls().as_ref());
    }
    Some((array, nulls))
}

fn read_index(source: &Watched) -> Result<ParquetMetaData, ParquetError> {
    let (len, mut start, mut tail) = (source.len(), [0; MAGIC.len()], [0; TAIL_BYTES as usize]);
    if len < (MAGIC.len() as u64) + TAIL_BYTES {
        return Err(Kind::CutShort.into());
    }
    source.read(0, &mut start).map_err(Kind::Source)?;
    source.read(len - TAIL_BYTES, &mut tail).map_err(Kind::Source)?;
    let (bytes, end) = tail.split_at(4);
    match (&start, end) {
        (ENCRYPTED, _) | (_, b"PARE") => return Err(Kind::Encrypted.into()),
        (MAGIC, b"PAR1") => {}
        (MAGIC, _) => return Err(Kind::CutShort.into()),
        _ => return Err(Kind::NotParquet.into()),
    }
    let bytes = bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
    let room = len - TAIL_BYTES - MAGIC.len() as u64;
    if bytes > room {
        return Err(Kind::FooterSize { bytes, fits: format!("{room} are there") }.into());
    }
    if bytes > MAX_INDEX_BYTES {
        let fits = format!("at most {MAX_INDEX_BYTES} would fit");
        return Err(Kind::FooterSize { bytes, fits }.into());
    }
    let mut index = vec![0; bytes as usize];
    source.read(len - TAIL_BYTES - bytes, &mut index).map_err(Kind::Source)?;
    let decoded = guarded(|| ParquetMetaDataReader::decode_metadata(&index));
    let decoded = decoded.ok_or_else(|| Kind::Index(CONTRADICTION.to_owned()))?;
    decoded.map_err(|error| Kind::Index(told(&error)).into())
}

/// Refuses what the library takes for granted.
fn check_group(group: &RowGroupMetaData, file_bytes: u64) -> Result<(), String> {
    if group.num_rows() < 0 {
        return Err(format!("with {} rows", group.num_rows()));
    }
    for chunk in group.columns() {
        check_chunk(chunk, group.num_rows(), file_bytes)
            .map_err(|lie| format!("whose column `{}` {lie}", chunk.column_path().string()))?;
    }
    Ok(())
}

fn check_chunk(chunk: &ColumnChunkMetaData, rows: i64, file_bytes: u64) -> Result<(), String> {
    if let Some(file) = chunk.file_path() {
        return Err(format!("lies in another file, {file:?}"));
    }
    let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
    let bytes = chunk.compressed_size();
    let end = start.checked_add(bytes).and_then(|end| u64::try_from(end).ok());
    if start < 0 || bytes < 0 || end.is_none_or(|end| end > file_bytes) {
        return Err(format!("begins at byte {start} and has {bytes}, in a file of {file_bytes}"));
    }
    let values = chunk.num_values();
    if chunk.column_descr().max_rep_level() == 0 && values != rows {
        return Err(format!("has {values} values in {rows} rows"));
    }
    Ok(())
}

/// What arrow is to make of a column: text stays numbers into a dictionary, as most files have it, and the
/// 96-bit times of old files become milliseconds, which hold all of them.
fn hint(field: &FieldRef, types: &mut impl Iterator<Item = Type>) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|field| hint(field, types)).collect()),
        DataType::List(item) => DataType::List(hint(item, types)),
        DataType::Map(entries, sorted) => DataType::Map(hint(entries, types), *sorted),
        leaf => match (leaf, types.next()) {
            (DataType::Utf8, _) => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            (_, Some(Type::INT96)) => DataType::Timestamp(TimeUnit::Millisecond, None),
            _ => leaf.clone(),
        },
    };
    Arc::new(Field::clone(field).with_data_type(data_type))
}

/// The type of the column at a path; none where that is no column.
fn leaf_type<'a>(fields: &'a Fields, path: &[String]) -> Option<&'a DataType> {
    let (first, rest) = path.split_first()?;
    let data_type = fields.iter().find(|field| field.name() == first)?.data_type();
    match data_type {
        _ if rest.is_empty() => Some(data_type),
        DataType::Struct(fields) => leaf_type(fields, rest),
        _ => None,
    }
}
