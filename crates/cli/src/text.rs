//! Plain text for a terminal: tables, wrapped lines, dates.

use jiff::Timestamp;
use std::fmt::Write;

/// Characters of a line: what most terminals and reviews show.
pub(crate) const WIDTH: usize = 100;

/// Rows with their cells below each other: the first `left` of them to the left, the others to the right.
pub(crate) fn table(rows: Vec<Vec<String>>, left: usize) -> Vec<String> {
    let widths: Vec<usize> = (0..rows.first().map_or(0, Vec::len))
        .map(|column| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let mut line = String::new();
        for (i, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ =
                if i < left { write!(line, "{cell:<width$}  ") } else { write!(line, "{cell:>width$}  ") };
        }
        line
    };
    rows.iter().map(line).collect()
}

pub(crate) fn date(ms: i64) -> String {
    let pattern = if ms % 1_000 == 0 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S.%3f" };
    Timestamp::from_millisecond(ms).map_or(ms.to_string(), |time| time.strftime(pattern).to_string())
}

/// A sentence on lines of which the second and later are set in.
pub(crate) fn hanging(text: &str) -> Vec<String> {
    let mut lines = wrapped(text, WIDTH - 6);
    lines.iter_mut().skip(1).for_each(|line| line.insert_str(0, "  "));
    lines
}

/// Words on lines of at most so many characters; a longer word stays whole.
pub(crate) fn wrapped(text: &str, chars: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in one_line(text).split(' ') {
        let last = lines.last_mut().filter(|line| line.is_empty() || width(line) + 1 + width(word) <= chars);
        match last {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

pub(crate) fn width(text: &str) -> usize {
    text.chars().count()
}

pub(crate) fn cut(text: &str, chars: usize) -> String {
    if width(text) <= chars {
        return text.to_owned();
    }
    text.chars().take(chars.saturating_sub(1)).chain(['…']).collect()
}

/// Text without line ends or other control characters: a comment ends with its line.
pub(crate) fn one_line(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}
