//! The bytes of a file, wherever they are, read some way ahead.
//!
//! **Invariant:** nothing outside the file is asked for, and never more than [`MAX_PAGE_BYTES`] at once,
//! whatever the file says of itself.

use bytes::{Buf, Bytes, buf};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Largest page, packed or unpacked. Writers make pages of a mebibyte, some of up to 100; a page that
/// claims more is damaged, or would not fit beside others into what a page of a browser can address.
pub(crate) const MAX_PAGE_BYTES: usize = 256 << 20;

/// Bytes read at a time: a page or a few, so that a call of the browser or the system costs little.
const READ_BYTES: usize = 1 << 20;

/// Room for the header of a page: some dozen bytes, and the extremes of its values.
const HEADER_BYTES: usize = 64 << 10;

/// A file that can be read at any place.
pub trait Source: Send + Sync {
    /// Its length in bytes.
    fn len(&self) -> u64;

    /// Whether it has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `out` with the bytes from `start` on.
    ///
    /// # Errors
    /// When they cannot be read, with a sentence that says why.
    fn read(&self, start: u64, out: &mut [u8]) -> std::result::Result<(), String>;
}

/// A source that remembers why it failed: the library wraps that into words of its own.
pub(crate) struct Watched {
    source: Box<dyn Source>,
    failure: Mutex<Option<String>>,
}

impl Watched {
    pub(crate) fn new(source: impl Source + 'static) -> Self {
        Self { source: Box::new(source), failure: Mutex::new(None) }
    }

    /// Why it failed, if it did.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn len(&self) -> u64 {
        self.source.len()
    }

    pub(crate) fn read(&self, start: u64, out: &mut [u8]) -> std::result::Result<(), String> {
        let result = self.source.read(start, out);
        if let Err(why) = &result {
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.clone());
        }
        result
    }
}

impl Source for Vec<u8> {
    fn len(&self) -> u64 {
        self.as_slice().len() as u64
    }

    fn read(&self, start: u64, out: &mut [u8]) -> std::result::Result<(), String> {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let bytes = self.get(start..).and_then(|rest| rest.get(..out.len()));
        out.copy_from_slice(bytes.ok_or("the file ends before that")?);
        Ok(())
    }
}

/// Reads one stretch of a source from front to back.
pub(crate) struct Ahead {
    source: Arc<Watched>,
    /// Where the stretch ends.
    end: u64,
    /// What has been read, and where it begins.
    held: Mutex<(u64, Bytes)>,
    /// Bytes of the page whose header was read last, once it is unpacked.
    unpacked: AtomicUsize,
}

impl Ahead {
    pub(crate) fn new(source: Arc<Watched>, end: u64) -> Self {
        Self { source, end, held: Mutex::new((0, Bytes::new())), unpacked: AtomicUsize::new(0) }
    }

    /// How many bytes the page has, unpacked, whose header was read last.
    pub(crate) fn unpacked_bytes(&self) -> usize {
        self.unpacked.load(Ordering::Relaxed)
    }

    /// `least` bytes from `start` on, and those behind them that are held anyway.
    fn hold(&self, start: u64, least: usize) -> Result<Bytes> {
        if least > MAX_PAGE_BYTES || start.saturating_add(least as u64) > self.end {
            let left = self.end.saturating_sub(start);
            let text = format!("{least} bytes at byte {start}, where {left} are left");
            return Err(ParquetError::EOF(text));
        }
        // Only a panic while reading poisons it, and what is held then is whole.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let offset = start.checked_sub(held.0).and_then(|offset| usize::try_from(offset).ok());
        let there = offset.filter(|offset| held.1.len().checked_sub(*offset).is_some_and(|n| n >= least));
        if let Some(offset) = there {
            return Ok(held.1.slice(offset..));
        }
        let left = usize::try_from(self.end - start).unwrap_or(usize::MAX);
        let mut bytes = vec![0; least.max(READ_BYTES.min(left))];
        self.source.read(start, &mut bytes).map_err(|error| ParquetError::External(error.into()))?;
        *held = (start, bytes.into());
        Ok(held.1.clone())
    }
}

impl Length for Ahead {
    fn len(&self) -> u64 {
        self.end
    }
}

impl ChunkReader for Ahead {
    type T = buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let left = usize::try_from(self.end.saturating_sub(start)).unwrap_or(usize::MAX);
        let bytes = self.hold(start, HEADER_BYTES.min(left))?;
        let unpacked = unpacked_bytes(&bytes).filter(|bytes| *bytes <= MAX_PAGE_BYTES);
        let unpacked = unpacked.ok_or_else(|| {
            ParquetError::General(format!(
                "at byte {start} there is no page, or one of more than {} MB",
                MAX_PAGE_BYTES >> 20
            ))
        })?;
        self.unpacked.store(unpacked, Ordering::Relaxed);
        Ok(bytes.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        Ok(self.hold(start, length)?.slice(..length))
    }
}

/// The second field of a page's header, which all writers put second: a compact Thrift struct whose first
/// two fields are 32-bit numbers. <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>
fn unpacked_bytes(header: &[u8]) -> Option<usize> {
    let (_kind, rest) = number_field(header)?;
    let (bytes, _) = number_field(rest)?;
    usize::try_from(bytes).ok()
}

/// The number of a field that follows the one before by 1, and what is behind it.
fn number_field(bytes: &[u8]) -> Option<(i64, &[u8])> {
    const NEXT_FIELD_I32: u8 = 0x15;
    let [NEXT_FIELD_I32, rest @ ..] = bytes else { return None };
    let last = rest.iter().take(5).position(|byte| byte & 0x80 == 0)?;
    let (digits, rest) = rest.split_at(last + 1);
    let zigzag = digits.iter().rev().fold(0_i64, |number, byte| number << 7 | i64::from(byte & 0x7f));
    Some((zigzag >> 1 ^ -(zigzag & 1), rest))
}
