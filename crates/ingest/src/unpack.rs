//! Packed bytes to text: gzip and zstd, in pieces, of any number of members or frames.
//!
//! ```text
//!   file bytes   1f 8b 08 … │ 1f 8b 08 …       two gzip members are one text
//!   text         at,page,ms\n1,home,│20\n…      in pieces that are given on at once
//! ```
//!
//! **Invariant:** memory depends neither on the file's length nor on how far it was packed: text is given
//! on in pieces of at most [`TEXT_BYTES`], and beside one of these a decoder holds its window, of at most
//! [`MAX_WINDOW_BYTES`], and the block at hand. What cannot be unpacked is told with its byte.

use crate::beginning::HEAD_BYTES;
use crate::error::{IngestError, Kind};
use flate2::{Decompress, FlushDecompress, Status};
use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::Read;

/// Most text given on at once: enough that the calls cost nothing, little enough to stay in the cache.
const TEXT_BYTES: usize = 64 * 1024;

/// Largest zstd window, which must be held while unpacking: what the command `zstd` takes without being
/// asked to, and what a page can spare.
const MAX_WINDOW_BYTES: u64 = 128 << 20;

/// A zstd block, packed or not, is no larger (RFC 8878, 3.1.1.2.4).
const MAX_BLOCK_BYTES: usize = 128 * 1024;

/// How much of a head is unpacked before it is asked whether that is enough: a thousand times as much
/// text at the worst.
const HEAD_STEP_BYTES: usize = 1024;

/// The largest window of deflate, as a power of two: what gzip always has.
const GZIP_WINDOW_BITS: u8 = 15;

const GZIP_MAGIC: &[u8] = b"\x1f\x8b";
const ZSTD_MAGIC: &[u8] = b"\x28\xb5\x2f\xfd";
/// A zstd frame that holds no text begins with one of sixteen bytes, and these.
const SKIPPABLE_MAGIC: &[u8] = b"\x2a\x4d\x18";

/// How a file's text is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    None,
    Gzip,
    Zstd,
}

impl Packing {
    /// Found by the file's first bytes.
    pub(crate) fn of(head: &[u8]) -> Self {
        if head.starts_with(GZIP_MAGIC) {
            Self::Gzip
        } else if head.starts_with(ZSTD_MAGIC) || is_skippable(head) {
            Self::Zstd
        } else {
            Self::None
        }
    }
}

fn is_skippable(frame: &[u8]) -> bool {
    matches!(frame, [first, rest @ ..] if first >> 4 == 5 && rest.starts_with(SKIPPABLE_MAGIC))
}

/// Takes the next piece of text. An error ends the unpacking.
pub(crate) trait Give: FnMut(&[u8]) -> Result<(), IngestError> {}

impl<F: FnMut(&[u8]) -> Result<(), IngestError>> Give for F {}

/// Unpacks one file.
#[derive(Debug)]
pub(crate) enum Unpack {
    /// Its bytes are text already.
    None,
    Gzip(Box<Gzip>),
    Zstd(Box<Zstd>),
}

impl Unpack {
    pub(crate) fn new(packing: Packing) -> Self {
        match packing {
            Packing::None => Self::None,
            Packing::Gzip => Self::Gzip(Box::new(Gzip::new())),
            Packing::Zstd => Self::Zstd(Box::new(Zstd::new())),
        }
    }

    /// Takes the next bytes of the file, and gives on the text that they bring.
    pub(crate) fn push(&mut self, bytes: &[u8], give: &mut impl Give) -> Result<(), IngestError> {
        match self {
            Self::None => give(bytes),
            Self::Gzip(gzip) => gzip.push(bytes, give),
            Self::Zstd(zstd) => zstd.push(bytes, give),
        }
    }

    /// The file is complete: gives on what is left, and finds out whether its end is missing.
    pub(crate) fn finish(&mut self, give: &mut impl Give) -> Result<(), IngestError> {
        match self {
            Self::None => Ok(()),
            Self::Gzip(gzip) => gzip.finish(),
            Self::Zstd(zstd) => zstd.finish(give),
        }
    }
}

/// The first text of a packed file, of which `head` are the first bytes, or all when it is `whole`; and
/// whether that is all of its text.
pub(crate) fn beginning(packing: Packing, head: &[u8], whole: bool) -> Result<(Vec<u8>, bool), IngestError> {
    let (mut unpack, mut text) = (Unpack::new(packing), Vec::new());
    let mut steps = head.chunks(HEAD_STEP_BYTES);
    let done = loop {
        let mut keep = |piece: &[u8]| {
            // One byte more than needed shows that there is more.
            let room = HEAD_BYTES + 1 - text.len();
            text.extend_from_slice(&piece[..piece.len().min(room)]);
            Ok(())
        };
        let Some(step) = steps.next() else { break unpack.finish(&mut keep) };
        let pushed = unpack.push(step, &mut keep);
        if pushed.is_err() || text.len() > HEAD_BYTES {
            break pushed;
        }
    };
    let all = whole && done.is_ok() && text.len() <= HEAD_BYTES;
    text.truncate(HEAD_BYTES);
    match done {
        // A damaged file is read as far as it goes, if a line of it is left. Any other head may end anywhere.
        Err(error) if whole && memchr::memchr(b'\n', &text).is_none() => Err(error),
        _ => Ok((text, all)),
    }
}

/// Unpacks gzip: members, one after the other, each with its checksum; zeros may follow (RFC 1952).
#[derive(Debug)]
pub(crate) struct Gzip {
    /// The member at hand.
    member: Option<Decompress>,
    text: Vec<u8>,
    /// Bytes of the file read so far.
    byte: u64,
}

impl Gzip {
    fn new() -> Self {
        Self { member: None, text: vec![0; TEXT_BYTES], byte: 0 }
    }

    fn push(&mut self, mut bytes: &[u8], give: &mut impl Give) -> Result<(), IngestError> {
        while !bytes.is_empty() {
            let read = if self.member.is_some() { self.unpack(bytes, give)? } else { self.between(bytes)? };
            self.byte += read as u64;
            bytes = &bytes[read..];
        }
        Ok(())
    }

    /// Finds the next member; gives how many bytes came before it.
    fn between(&mut self, bytes: &[u8]) -> Result<usize, IngestError> {
        let padding = bytes.iter().take_while(|byte| **byte == 0).count();
        match bytes.get(padding) {
            Some(&first) if first == GZIP_MAGIC[0] => {
                self.member = Some(Decompress::new_gzip(GZIP_WINDOW_BITS));
            }
            Some(_) => return Err(followed("gzip", self.byte + padding as u64)),
            None => {}
        }
        Ok(padding)
    }

    /// Unpacks some of the member at hand; gives how many bytes of it were read.
    fn unpack(&mut self, bytes: &[u8], give: &mut impl Give) -> Result<usize, IngestError> {
        let Some(member) = &mut self.member else { return Ok(0) };
        let (read_before, given_before) = (member.total_in(), member.total_out());
        let status = member.decompress(bytes, &mut self.text, FlushDecompress::None);
        let read = (member.total_in() - read_before) as usize;
        give(&self.text[..(member.total_out() - given_before) as usize])?;
        match status {
            Ok(Status::StreamEnd) => self.member = None,
            Ok(_) => {}
            Err(_) => return Err(damaged("gzip", self.byte + read as u64)),
        }
        Ok(read)
    }

    fn finish(&self) -> Result<(), IngestError> {
        if self.member.is_some() { Err(cut_off("gzip", self.byte)) } else { Ok(()) }
    }
}

/// Unpacks zstd: frames, one after the other, each of blocks (RFC 8878).
///
/// The decoder wants a block whole, and whether it is whole is told by its header. So bytes are held until
/// the part at hand is complete.
pub(crate) struct Zstd {
    part: Part,
    /// The beginning of the part at hand.
    held: Vec<u8>,
    frame: FrameDecoder,
    text: Vec<u8>,
    /// Bytes of the file before the part at hand.
    byte: u64,
}

/// What a zstd file is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    FrameHeader,
    /// A block; whether a checksum follows the last one of its frame.
    Block {
        checksum: bool,
    },
    /// That many bytes that hold no text.
    Skipped(u64),
}

impl Zstd {
    fn new() -> Self {
        let text = vec![0; TEXT_BYTES];
        Self { part: Part::FrameHeader, held: Vec::new(), frame: FrameDecoder::new(), text, byte: 0 }
    }

    fn push(&mut self, mut bytes: &[u8], give: &mut impl Give) -> Result<(), IngestError> {
        while !bytes.is_empty() {
            if let Part::Skipped(left) = self.part {
                bytes = &bytes[self.skip(left, bytes.len())..];
                continue;
            }
            let missing = self.part.length(&self.held) - self.held.len();
            let (more, rest) = bytes.split_at(missing.min(bytes.len()));
            self.held.extend_from_slice(more);
            bytes = rest;
            if self.part.length(&self.held) == self.held.len() {
                self.part = self.end_part(give)?;
                self.byte += self.held.len() as u64;
                self.held.clear();
            }
        }
        Ok(())
    }

    fn skip(&mut self, left: u64, there: usize) -> usize {
        let skipped = usize::try_from(left).map_or(there, |left| left.min(there));
        self.byte += skipped as u64;
        let left = left - skipped as u64;
        self.part = if left == 0 { Part::FrameHeader } else { Part::Skipped(left) };
        skipped
    }

    /// Reads the part that is complete, and says what comes next.
    fn end_part(&mut self, give: &mut impl Give) -> Result<Part, IngestError> {
        match self.part {
            Part::FrameHeader if is_skippable(&self.held) => Ok(match little_endian(&self.held[4..]) {
                0 => Part::FrameHeader,
                length => Part::Skipped(length),
            }),
            Part::FrameHeader => self.begin_frame(),
            Part::Block { .. } => self.unpack_block(give),
            part @ Part::Skipped(_) => Ok(part),
        }
    }

    fn begin_frame(&mut self) -> Result<Part, IngestError> {
        if !self.held.starts_with(ZSTD_MAGIC) {
            return Err(followed("zstd", self.byte));
        }
        self.frame = FrameDecoder::new();
        self.frame.set_max_window_size(MAX_WINDOW_BYTES);
        self.frame.init(&self.held[..]).map_err(|error| refused_frame(&error, self.byte))?;
        Ok(Part::Block { checksum: has_checksum(self.held[4]) })
    }

    fn unpack_block(&mut self, give: &mut impl Give) -> Result<Part, IngestError> {
        let decoded = self.frame.decode_blocks(&self.held[..], BlockDecodingStrategy::UptoBlocks(1));
        decoded.map_err(|_| damaged("zstd", self.byte))?;
        self.give_text(give)?;
        if !self.frame.is_finished() {
            return Ok(self.part);
        }
        let stated = self.frame.get_checksum_from_data();
        if stated.is_some() && stated != self.frame.get_calculated_checksum() {
            return Err(damaged("zstd", self.byte));
        }
        Ok(Part::FrameHeader)
    }

    /// Gives on what is unpacked and lies behind the window; at the end of a frame all of it.
    fn give_text(&mut self, give: &mut impl Give) -> Result<(), IngestError> {
        loop {
            let length = self.frame.read(&mut self.text).map_err(|_| damaged("zstd", self.byte))?;
            if length == 0 {
                return Ok(());
            }
            give(&self.text[..length])?;
        }
    }

    fn finish(&mut self, give: &mut impl Give) -> Result<(), IngestError> {
        if self.part == Part::FrameHeader && self.held.is_empty() {
            return Ok(());
        }
        if let Part::Block { .. } = self.part {
            // The decoder keeps its window until the frame ends: so an empty last block ends it.
            let last = [1, 0, 0, 0, 0, 0, 0];
            let ended = self.frame.decode_blocks(&last[..], BlockDecodingStrategy::UptoBlocks(1));
            ended.map_err(|_| damaged("zstd", self.byte))?;
            self.give_text(give)?;
        }
        Err(cut_off("zstd", self.byte + self.held.len() as u64))
    }
}

impl std::fmt::Debug for Zstd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Zstd").field("part", &self.part).field("byte", &self.byte).finish_non_exhaustive()
    }
}

impl Part {
    /// How long the part is, or its header, as far as its first bytes tell.
    fn length(self, held: &[u8]) -> usize {
        match self {
            Self::FrameHeader if is_skippable(held) => 8,
            Self::FrameHeader => held.get(4).map_or(5, |descriptor| frame_header_length(*descriptor)),
            Self::Block { checksum } => held.get(..3).map_or(3, |header| block_length(header, checksum)),
            Self::Skipped(_) => 0,
        }
    }
}

/// RFC 8878, 3.1.1.1.
fn frame_header_length(descriptor: u8) -> usize {
    let single_segment = descriptor & 0x20 != 0;
    let window = usize::from(!single_segment);
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let content_size = [usize::from(single_segment), 2, 4, 8][usize::from(descriptor >> 6)];
    5 + window + dictionary + content_size
}

fn has_checksum(descriptor: u8) -> bool {
    descriptor & 4 != 0
}

/// RFC 8878, 3.1.1.2. A block of a kind or size that does not exist is its header, which the decoder refuses.
fn block_length(header: &[u8], checksum: bool) -> usize {
    let fields = little_endian(header);
    let (is_last, kind, size) = (fields & 1 == 1, fields >> 1 & 3, (fields >> 3) as usize);
    let content = match kind {
        1 => 1,
        0 | 2 if size <= MAX_BLOCK_BYTES => size,
        _ => 0,
    };
    3 + content + if is_last && checksum { 4 } else { 0 }
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn refused_frame(error: &FrameDecoderError, byte: u64) -> IngestError {
    match error {
        FrameDecoderError::WindowSizeTooBig { requested, max } => {
            let (requested, max) = (requested.div_ceil(1 << 20), max >> 20);
            packed(
                format!(
                    "the zstd stream at byte {byte} needs {requested} MB of memory, where at most {max} MB would fit"
                ),
                "pack it again without `--long`",
            )
        }
        FrameDecoderError::DictNotProvided { .. } => packed(
            format!(
                "the zstd stream at byte {byte} was packed with a dictionary, which the file does not hold"
            ),
            "pack it again without one",
        ),
        _ => damaged("zstd", byte),
    }
}

fn damaged(packing: &'static str, byte: u64) -> IngestError {
    let advice = if packing == "gzip" { "`gzip -t` checks a file" } else { "`zstd -t` checks a file" };
    packed(format!("the {packing} stream is damaged near byte {byte}"), advice)
}

fn cut_off(packing: &'static str, byte: u64) -> IngestError {
    packed(
        format!("the file ends at byte {byte}, in the middle of its {packing} stream"),
        "it was cut off; fetch or write it again",
    )
}

fn followed(packing: &'static str, byte: u64) -> IngestError {
    packed(
        format!("what follows the {packing} stream at byte {byte} is no {packing}"),
        "unpack the file, and look at its end",
    )
}

fn packed(what: String, advice: &'static str) -> IngestError {
    Kind::Packed { what, records: 0, advice }.into()
}
