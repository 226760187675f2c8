//! Access logs of web servers to records: the common and the combined log format, one request a line.
//!
//! ```text
//!   127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 2326 "http://x/" "Mozilla/4.08"
//!   address   │ user   time                         method path protocol  │  bytes  referer     agent
//!          identity                                                     status
//! ```
//!
//! <https://httpd.apache.org/docs/2.4/logs.html#accesslog>; nginx writes the same. `-` means that there is
//! nothing: an empty cell, and of `bytes` 0, since that is what `%b` writes for it. A request that is not
//! of three words is a path only. What follows the agent is not read.
//!
//! **Invariant:** a line gives a record or the reason why it is none.

use crate::beginning::Beginning;
use crate::error::{IngestError, shown};
use crate::lines::Lines;
use crate::place::Place;
use crate::record::Record;
use crate::sample::Sample;
use std::borrow::Cow;

/// The columns, in the order of the line; the last two in the combined format only.
const COLUMNS: [&str; 11] = [
    "address", "identity", "user", "time", "method", "path", "protocol", "status", "bytes", "referer",
    "agent",
];

/// How many columns the common format has.
const COMMON: usize = 9;

/// How many lines are tried to find out whether a text is an access log: the first may be broken.
const TRIED_LINES: usize = 10;

/// Cuts an access log into lines and reads each.
#[derive(Debug)]
pub(crate) struct AccessLog {
    lines: Lines,
    /// The wanted columns, by their place in [`COLUMNS`].
    wanted: Vec<usize>,
}

/// A line whose cells can be asked for.
pub(crate) struct LogLine<'a> {
    cells: Cells<'a>,
    wanted: &'a [usize],
}

/// The text of each column; `None` where the line ends before it.
type Cells<'a> = [Option<Cow<'a, [u8]>>; COLUMNS.len()];

impl AccessLog {
    /// A reader of the bytes that follow `bom` bytes of byte-order mark.
    pub(crate) fn new(wanted: Vec<usize>, bom: usize) -> Self {
        Self { lines: Lines::new(bom), wanted }
    }

    /// Takes the next bytes, and hands each line that they complete to `take`, or why it is none of a log.
    pub(crate) fn push(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(Place, Result<LogLine<'_>, String>) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        let Self { lines, wanted } = self;
        lines.push(bytes, |place, line| take(place, read(line, wanted)))
    }

    /// Hands over the line that the end of the file completes.
    pub(crate) fn finish(
        &mut self,
        mut take: impl FnMut(Place, Result<LogLine<'_>, String>) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        let Self { lines, wanted } = self;
        lines.finish(|place, line| take(place, read(line, wanted)))
    }
}

fn read<'a>(line: Result<&'a [u8], String>, wanted: &'a [usize]) -> Result<LogLine<'a>, String> {
    Ok(LogLine { cells: cells(line?)?, wanted })
}

impl Record for LogLine<'_> {
    fn cell(&self, column: usize) -> Result<&[u8], String> {
        self.cells[self.wanted[column]].as_deref().ok_or_else(|| "the line ends before it".to_owned())
    }
}

/// Whether a text is an access log.
pub(crate) fn is_one(text: &[u8]) -> bool {
    text.split(|&byte| byte == b'\n').take(TRIED_LINES).any(|line| cells(line).is_ok())
}

/// The first records of an access log, as text.
pub(crate) fn sample(beginning: &Beginning<'_>) -> Sample {
    let text = beginning.text();
    let end = if beginning.whole { text.len() } else { memchr::memrchr(b'\n', text).unwrap_or(0) };
    let lines: Vec<Cells<'_>> =
        text[..end].split(|&byte| byte == b'\n').filter_map(|line| cells(line).ok()).collect();
    let combined = lines.iter().any(|cells| cells[COMMON].is_some());
    let names = &COLUMNS[..if combined { COLUMNS.len() } else { COMMON }];
    let text = |cell: &Option<Cow<'_, [u8]>>| Some(String::from_utf8_lossy(cell.as_deref()?).into_owned());
    let rows = lines.iter().map(|cells| cells[..names.len()].iter().map(text).collect());
    Sample { names: names.iter().map(|&name| name.to_owned()).collect(), rows: rows.collect() }
}

/// The cells of a line, or what is wrong with it.
fn cells(line: &[u8]) -> Result<Cells<'_>, String> {
    let mut rest = Rest(line.trim_ascii());
    let address = rest.word();
    let identity = rest.word();
    let user = rest.up_to(b" [").ok_or_else(|| rest.lacks("a time in brackets"))?;
    let time = rest.up_to(b"]").ok_or_else(|| rest.lacks("a `]` behind the time"))?;
    let request = rest.quoted().ok_or_else(|| rest.lacks("a request in quotes"))?;
    let (before_status, status) = (rest, rest.word());
    if status.len() != 3 || !status.iter().all(u8::is_ascii_digit) {
        return Err(before_status.lacks("a status of three digits"));
    }
    let (before_bytes, bytes) = (rest, rest.word());
    if bytes != b"-" && (bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit)) {
        return Err(before_bytes.lacks("a number of bytes"));
    }
    let referer = rest.quoted();
    let agent = referer.and_then(|_| rest.quoted());
    let [method, path, protocol] = words(request);
    let bytes = if bytes == b"-" { b"0" } else { bytes };
    Ok([
        Some(there(address)),
        Some(there(identity)),
        Some(there(user)),
        Some(there(time)),
        Some(there(method)),
        Some(unescaped(path)),
        Some(there(protocol)),
        Some(there(status)),
        Some(there(bytes)),
        referer.map(unescaped),
        agent.map(unescaped),
    ])
}

/// Method, path and protocol of a request.
fn words(request: &[u8]) -> [&[u8]; 3] {
    let split = || {
        let first = memchr::memchr(b' ', request)?;
        let last = memchr::memrchr(b' ', request).filter(|last| *last > first)?;
        Some([&request[..first], &request[first + 1..last], &request[last + 1..]])
    };
    split().unwrap_or([b"", request, b""])
}

/// `-` is nothing.
fn there(cell: &[u8]) -> Cow<'_, [u8]> {
    Cow::Borrowed(if cell == b"-" { b"" } else { cell })
}

/// What a quoted part says: `\"` is a quote and `\\` a backslash; other escapes stay as they are.
fn unescaped(quoted: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', quoted).is_none() {
        return there(quoted);
    }
    let mut text = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter().peekable();
    while let Some(&byte) = bytes.next() {
        let escaped = bytes.next_if(|next| byte == b'\\' && matches!(**next, b'"' | b'\\'));
        text.push(*escaped.unwrap_or(&byte));
    }
    Cow::Owned(text)
}

/// What of a line is yet to be read.
#[derive(Clone, Copy)]
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// The next word, and the space behind it.
    fn word(&mut self) -> &'a [u8] {
        let end = memchr::memchr(b' ', self.0).unwrap_or(self.0.len());
        let word = &self.0[..end];
        self.0 = self.0.get(end + 1..).unwrap_or_default();
        word
    }

    /// What comes before `end`, which is passed as well.
    fn up_to(&mut self, end: &[u8]) -> Option<&'a [u8]> {
        let at = memchr::memmem::find(self.0, end)?;
        let before = &self.0[..at];
        self.0 = &self.0[at + end.len()..];
        Some(before)
    }

    /// What is in the quotes that come next, and the space behind them.
    fn quoted(&mut self) -> Option<&'a [u8]> {
        let text = self.0.trim_ascii_start().strip_prefix(b"\"")?;
        let mut from = 0;
        let end = loop {
            match memchr::memchr2(b'"', b'\\', &text[from..])? + from {
                at if text[at] == b'"' => break at,
                at => from = (at + 2).min(text.len()),
            }
        };
        self.0 = text.get(end + 1..).unwrap_or_default().trim_ascii_start();
        Some(&text[..end])
    }

    fn lacks(&self, what: &str) -> String {
        let there =
            if self.0.is_empty() { "the end of the line".to_owned() } else { shown(self.0).to_string() };
        format!("not a line of an access log: {there} where {what} would fit")
    }
}
