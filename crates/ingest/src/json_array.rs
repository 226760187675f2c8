//! JSON values that are not one a line: the elements of an array, or objects one after the other.
//!
//! ```text
//!   pieces    [ {"at":1,"u":{"id":│7}},\n  {"at":2} ]
//!   elements    {"at":1,"u":{"id":7}}       line 1, byte 2
//!               {"at":2}                    line 2, byte 28
//! ```
//!
//! Only brackets and strings are looked at: where an element begins and ends. What it holds is for the
//! reader of fields. Commas are passed over, be there one or not. After an element whose brackets do not
//! fit, or with a line end in a string, the next one is where a line begins with `{`.
//!
//! **Invariant:** every element is given once, in order, and what is no element is told as a broken one.
//! One longer than [`MAX_RECORD_BYTES`](crate::place::MAX_RECORD_BYTES) is read past and told.

use crate::error::IngestError;
use crate::held::Held;
use crate::place::Place;

/// Deepest nesting: what serde_json takes for values that it builds.
const MAX_DEPTH: u32 = 127;

/// Cuts text into elements.
#[derive(Debug)]
pub(crate) struct Elements {
    stage: Stage,
    state: State,
    held: Held,
    /// Where the element at hand begins.
    start: Place,
    next: Place,
}

/// Which part of the file is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Objects without an array around them.
    Objects,
    BeforeArray,
    InArray,
    AfterArray,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Between,
    /// In an object or array.
    Nested(Nest),
    /// In anything else: a number, a word, what does not belong there.
    Bare,
    /// Behind an element that broke off; whether a line has just begun.
    Lost {
        line_begins: bool,
    },
}

/// What the next byte of an element is in.
#[derive(Clone, Copy, Debug, Default)]
struct Nest {
    /// The brackets that are open, the last one lowest: 1 for `{`, 0 for `[`. There are bits for [`MAX_DEPTH`].
    open: u128,
    depth: u32,
    in_string: bool,
    escaped: bool,
}

/// What a run of bytes brings an element to.
enum Run {
    More,
    /// Its end, behind that many bytes.
    End(usize),
    /// A byte that cannot be there.
    Broken(usize, String),
}

impl Elements {
    /// For the text of an array that follows `bom` bytes of byte-order mark.
    pub(crate) fn of_array(bom: usize) -> Self {
        let start = Place { line: 1, byte: bom as u64 };
        let (stage, state) = (Stage::BeforeArray, State::Between);
        Self { stage, state, held: Held::default(), start, next: start }
    }

    /// For objects one after the other.
    pub(crate) fn objects(bom: usize) -> Self {
        Self { stage: Stage::Objects, ..Self::of_array(bom) }
    }

    /// Takes the next bytes, and gives each element that they complete, or why it is none.
    pub(crate) fn push(
        &mut self,
        mut bytes: &[u8],
        mut give: impl FnMut(Place, Result<&[u8], String>) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        while !bytes.is_empty() {
            let read = match self.state {
                State::Between => self.between(bytes),
                State::Nested(nest) => self.nested(nest, bytes, &mut give)?,
                State::Bare => self.bare(bytes, &mut give)?,
                State::Lost { line_begins } => self.lost(line_begins, bytes),
            };
            self.next.line += memchr::memchr_iter(b'\n', &bytes[..read]).count() as u64;
            self.next.byte += read as u64;
            bytes = &bytes[read..];
        }
        Ok(())
    }

    /// The file is complete: tells what it breaks off.
    pub(crate) fn finish(
        &mut self,
        mut give: impl FnMut(Place, Result<&[u8], String>) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        let cut_off = |what| Err(format!("the file ends {what}; was it cut off?"));
        match std::mem::replace(&mut self.state, State::Between) {
            State::Nested(_) => give(self.start, cut_off("in the middle of this element")),
            State::Bare => self.end_element(&[], &mut give),
            State::Between if self.stage == Stage::InArray => {
                give(self.next, cut_off("before the array is closed by `]`"))
            }
            State::Between | State::Lost { .. } => Ok(()),
        }
    }

    /// Passes what is between two elements; gives how many bytes that is.
    fn between(&mut self, bytes: &[u8]) -> usize {
        let is_between = |byte: &&u8| byte.is_ascii_whitespace() || **byte == b',';
        let passed = bytes.iter().take_while(is_between).count();
        match (bytes.get(passed), self.stage) {
            (None, _) => passed,
            (Some(b'['), Stage::BeforeArray | Stage::AfterArray) => {
                self.stage = Stage::InArray;
                passed + 1
            }
            (Some(b']'), Stage::InArray) => {
                self.stage = Stage::AfterArray;
                passed + 1
            }
            (Some(_), _) if passed > 0 => passed,
            (Some(first), _) => {
                self.start = self.next;
                let nested = matches!(first, b'{' | b'[');
                self.state = if nested { State::Nested(Nest::default()) } else { State::Bare };
                0
            }
        }
    }

    fn nested(
        &mut self,
        mut nest: Nest,
        bytes: &[u8],
        give: &mut impl FnMut(Place, Result<&[u8], String>) -> Result<(), IngestError>,
    ) -> Result<usize, IngestError> {
        match nest.run(bytes) {
            Run::More => {
                self.state = State::Nested(nest);
                self.held.push(bytes);
                Ok(bytes.len())
            }
            Run::End(length) => self.end_element(&bytes[..length], give).map(|()| length),
            Run::Broken(length, reason) => {
                self.held.clear();
                self.state = State::Lost { line_begins: false };
                give(self.start, Err(reason)).map(|()| length)
            }
        }
    }

    /// Reads on to the end of what is neither object nor array. It has one byte at least.
    fn bare(
        &mut self,
        bytes: &[u8],
        give: &mut impl FnMut(Place, Result<&[u8], String>) -> Result<(), IngestError>,
    ) -> Result<usize, IngestError> {
        let first = usize::from(self.held.length() == 0);
        let ends = |byte: &u8| matches!(byte, b',' | b']' | b'\n' | b'{' | b'[');
        match bytes[first..].iter().position(ends) {
            Some(end) => self.end_element(&bytes[..first + end], give).map(|()| first + end),
            None => {
                self.held.push(bytes);
                Ok(bytes.len())
            }
        }
    }

    fn end_element(
        &mut self,
        last: &[u8],
        give: &mut impl FnMut(Place, Result<&[u8], String>) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        self.state = State::Between;
        let element = self.held.end(last);
        let outside = "this stands after the `]` that closes the array".to_owned();
        give(self.start, if self.stage == Stage::AfterArray { Err(outside) } else { element })
    }

    /// Looks for a line that begins with `{`; gives how many bytes come before it.
    fn lost(&mut self, mut line_begins: bool, bytes: &[u8]) -> usize {
        for (i, byte) in bytes.iter().enumerate() {
            match byte {
                b'\n' => line_begins = true,
                b'{' if line_begins => {
                    self.state = State::Between;
                    return i;
                }
                b',' => {}
                _ => line_begins &= byte.is_ascii_whitespace(),
            }
        }
        self.state = State::Lost { line_begins };
        bytes.len()
    }
}

impl Nest {
    /// Reads on to the end of the element.
    fn run(&mut self, bytes: &[u8]) -> Run {
        for (i, &byte) in bytes.iter().enumerate() {
            if self.in_string {
                match byte {
                    b'\n' => return Run::Broken(i, "a string without end: a line ends in it".to_owned()),
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            let fits = match byte {
                b'"' => {
                    self.in_string = true;
                    continue;
                }
                b'{' | b'[' => self.open(byte),
                b'}' | b']' => self.close(byte),
                _ => continue,
            };
            match fits {
                Err(reason) => return Run::Broken(i, reason),
                Ok(()) if self.depth == 0 => return Run::End(i + 1),
                Ok(()) => {}
            }
        }
        Run::More
    }

    fn open(&mut self, bracket: u8) -> Result<(), String> {
        if self.depth == MAX_DEPTH {
            return Err(format!("nested more than {MAX_DEPTH} deep"));
        }
        self.depth += 1;
        self.open = self.open << 1 | u128::from(bracket == b'{');
        Ok(())
    }

    fn close(&mut self, bracket: u8) -> Result<(), String> {
        let fits = if self.open & 1 == 1 { b'}' } else { b']' };
        if bracket != fits {
            return Err(format!("`{}` where `{}` would fit", char::from(bracket), char::from(fits)));
        }
        self.depth -= 1;
        self.open >>= 1;
        Ok(())
    }
}
