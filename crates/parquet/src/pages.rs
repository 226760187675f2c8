//! The pages of one row group: checked against what the index says of them, and unpacked.
//!
//! **Invariant:** no page has more values than its column has left, nor levels that reach beyond it.
//! Pages packed with zstd come from the library as they are, since it is told that they are not packed,
//! and are unpacked here.

use crate::error::told;
use crate::source::{Ahead, MAX_PAGE_BYTES, Watched};
use bytes::Bytes;
use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::Compression;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::SerializedPageReader;
use ruzstd::decoding::FrameDecoder;
use std::sync::Arc;

/// One row group of a file.
pub(crate) struct Group {
    pub(crate) source: Arc<Watched>,
    pub(crate) metadata: Arc<ParquetMetaData>,
    pub(crate) number: usize,
}

impl Group {
    fn row_group(&self) -> &RowGroupMetaData {
        self.metadata.row_group(self.number)
    }
}

impl RowGroups for Group {
    fn num_rows(&self) -> usize {
        usize::try_from(self.row_group().num_rows()).unwrap_or(0)
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let pages = Pages::new(Arc::clone(&self.source), self.row_group().column(column), self.num_rows())?;
        Ok(Box::new(Once(Some(pages))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.row_group()))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

/// The pages of the one chunk that a column has in a row group.
struct Once(Option<Pages>);

impl Iterator for Once {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(|pages| Ok(Box::new(pages) as Box<dyn PageReader>))
    }
}

impl PageIterator for Once {}

struct Pages {
    column: String,
    packed: SerializedPageReader<Ahead>,
    ahead: Arc<Ahead>,
    zstd: Option<FrameDecoder>,
    /// Values that the index says are yet to come.
    values_left: u64,
    /// The page that was looked at and not taken.
    next: Option<Page>,
}

impl Pages {
    fn new(source: Arc<Watched>, chunk: &ColumnChunkMetaData, rows: usize) -> Result<Self> {
        let (start, bytes) = chunk.byte_range();
        let ahead = Arc::new(Ahead::new(source, start + bytes));
        let zstd = matches!(chunk.compression(), Compression::ZSTD(_)).then(|| {
            let mut decoder = FrameDecoder::new();
            decoder.set_max_window_size(MAX_PAGE_BYTES as u64);
            decoder
        });
        let chunk = match zstd {
            Some(_) => chunk.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?,
            None => chunk.clone(),
        };
        Ok(Self {
            column: chunk.column_path().string(),
            packed: SerializedPageReader::new(Arc::clone(&ahead), &chunk, rows, None)?,
            ahead,
            zstd,
            values_left: rows as u64,
            next: None,
        })
    }

    fn read(&mut self) -> Result<Option<Page>> {
        let Some(page) = self.packed.get_next_page()? else { return Ok(None) };
        let page = match &mut self.zstd {
            Some(decoder) => unpacked(page, decoder, self.ahead.unpacked_bytes())?,
            None => page,
        };
        self.check(&page)?;
        Ok(Some(page))
    }

    fn check(&mut self, page: &Page) -> Result<()> {
        let (values, bytes) = (u64::from(page.num_values()), page.buffer().len() as u64);
        let levels = u64::from(levels_bytes(page));
        if levels > bytes {
            return Err(ParquetError::General(format!("a page of {bytes} bytes with {levels} of levels")));
        }
        if page.is_dictionary_page() {
            // No type of values in a dictionary takes less than a byte each.
            let fits = values <= bytes;
            let lie = || ParquetError::General(format!("a dictionary of {values} values in {bytes} bytes"));
            return if fits { Ok(()) } else { Err(lie()) };
        }
        let left = self.values_left;
        self.values_left = left.checked_sub(values).ok_or_else(|| {
            ParquetError::General(format!("a page of {values} values, where {left} are left"))
        })?;
        Ok(())
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        if let Some(page) = self.next.take() {
            return Ok(Some(page));
        }
        let page = self.read();
        page.map_err(|error| ParquetError::General(format!("column `{}`: {}", self.column, told(&error))))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.next = self.get_next_page()?;
        Ok(self.next.as_ref().map(|page| PageMetadata {
            num_rows: match page {
                Page::DataPageV2 { num_rows, .. } => Some(*num_rows as usize),
                Page::DataPage { .. } | Page::DictionaryPage { .. } => None,
            },
            num_levels: page.is_data_page().then_some(page.num_values() as usize),
            is_dict: page.is_dictionary_page(),
        }))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.get_next_page().map(drop)
    }
}

/// Bytes of the levels in front of the values, which are never packed in pages of the second version.
fn levels_bytes(page: &Page) -> u32 {
    match page {
        Page::DataPageV2 { def_levels_byte_len, rep_levels_byte_len, .. } => {
            def_levels_byte_len.saturating_add(*rep_levels_byte_len)
        }
        Page::DataPage { .. } | Page::DictionaryPage { .. } => 0,
    }
}

/// Unpacks a page that has `bytes` bytes then.
fn unpacked(mut page: Page, decoder: &mut FrameDecoder, bytes: usize) -> Result<Page> {
    let levels = levels_bytes(&page) as usize;
    let buffer = match &mut page {
        Page::DataPageV2 { is_compressed: false, .. } => return Ok(page),
        Page::DataPage { buf, .. } | Page::DataPageV2 { buf, .. } | Page::DictionaryPage { buf, .. } => buf,
    };
    if levels > buffer.len() || levels > bytes {
        return Err(ParquetError::General(format!("a page of {bytes} bytes with {levels} of levels")));
    }
    let mut whole = vec![0; bytes];
    whole[..levels].copy_from_slice(&buffer[..levels]);
    // A page of nulls only has levels and nothing else.
    if bytes > levels {
        let written = decoder
            .decode_all(&buffer[levels..], &mut whole[levels..])
            .map_err(|error| ParquetError::General(format!("zstd: {error}")))?;
        if written != bytes - levels {
            let text =
                format!("a page of {written} bytes unpacked, where its header says {}", bytes - levels);
            return Err(ParquetError::General(text));
        }
    }
    *buffer = Bytes::from(whole);
    Ok(page)
}
