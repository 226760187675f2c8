//! What Flink answers: live, or as it once did.
//!
//! **Invariant:** an answer stands under the stream that it belongs to, in the order in which Flink gave it.
//!
//! The program that asks Flink (`flink/Streams.java`) reads the streams as
//!
//! ```text
//!   stream sql-hopping-02-latekeys sql hopping 4000 1000 250 0 0    id, interface, kind, size, step, offset, bound, lateness
//!   -20000 k0 12.125                                                event time, key, measure, in the order of arrival
//! ```
//!
//! and answers, as do the golden files, with `stream ID` before the [lines](crate::answer) of each stream.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::Answer;
use crate::stream::{Family, Stream, Window};

/// Answers by the stream's id.
pub type Answers = BTreeMap<String, Vec<Answer>>;

/// A place with the compiled program and the jars of Flink.
pub struct Flink {
    /// What `java -cp` takes.
    pub class_path: String,
    /// A folder for the files that go in and out.
    pub folder: PathBuf,
}

impl Flink {
    /// Asks Flink about `streams`, in one run of the Java machine.
    ///
    /// # Errors
    /// When Java does not start or Flink fails, which says why on standard error.
    pub fn ask(&self, streams: &[Stream]) -> Result<Answers> {
        let (asked, answered) = (self.folder.join("streams.txt"), self.folder.join("answers.txt"));
        let text: String = streams.iter().map(question).collect();
        std::fs::write(&asked, text).with_context(|| format!("cannot write {}", asked.display()))?;
        let mut java = Command::new("java");
        // The run is over before a better compiler has paid for itself: this halves it.
        java.arg("-XX:TieredStopAtLevel=1");
        java.args(["-cp", &self.class_path, "Streams"]).arg(&asked).arg(&answered);
        let status = java.status().context("cannot start java")?;
        if !status.success() {
            bail!("Flink failed ({status})");
        }
        read(&answered)
    }
}

/// A stream as the program that asks Flink reads it.
fn question(stream: &Stream) -> String {
    let (size, step, offset) = match stream.window {
        Window::Tumbling { size, offset } => (size, size, offset),
        Window::Hopping { size, slide, offset } => (size, slide, offset),
        Window::Cumulate { size, step, offset } => (size, step, offset),
        Window::Session { gap } => (gap, gap, 0),
    };
    let Family { sql, kind, .. } = stream.family;
    let interface = if sql { "sql" } else { "datastream" };
    let Stream { id, bound, lateness, .. } = stream;
    let mut text = format!("stream {id} {interface} {kind} {size} {step} {offset} {bound} {lateness}\n");
    for event in &stream.events {
        writeln!(text, "{} {} {}", event.time, event.key, event.value).expect("a String takes all");
    }
    text
}

/// Reads a file of answers.
///
/// # Errors
/// When it cannot be read, with the line.
pub fn read(path: &Path) -> Result<Answers> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| path.display().to_string())
}

fn parse(text: &str) -> Result<Answers> {
    let mut answers = Answers::new();
    let mut stream = None;
    for (index, line) in text.lines().enumerate() {
        if let Some(id) = line.strip_prefix("stream ") {
            stream = Some(answers.entry(id.to_owned()).or_default());
        } else {
            let place = || format!("line {}", index + 1);
            let stream = stream.as_mut().context("an answer before the first stream").with_context(place)?;
            stream.push(Answer::read(line).with_context(place)?);
        }
    }
    Ok(answers)
}

/// The file in which the answers of a family are kept.
#[must_use]
pub fn golden(family: Family) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(format!("{family}.txt"))
}

/// Keeps the answers of a family.
///
/// # Errors
/// When the file cannot be written.
pub fn keep(family: Family, answers: &Answers) -> Result<()> {
    let mut text = String::new();
    for (id, answers) in answers.iter().filter(|(id, _)| id.starts_with(&format!("{family}-"))) {
        writeln!(text, "stream {id}")?;
        answers.iter().try_for_each(|answer| writeln!(text, "{answer}"))?;
    }
    let path = golden(family);
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_stand_under_their_stream() {
        let answers = parse("stream a\nlate k0 1 2\nlate k1 1 2\nstream b\nstream c\nlate k2 1 2\n").unwrap();
        let counts: Vec<_> = answers.iter().map(|(id, answers)| (id.as_str(), answers.len())).collect();
        assert_eq!(counts, [("a", 2), ("b", 0), ("c", 1)]);
    }

    #[test]
    fn a_broken_file_names_its_line() {
        let error = format!("{:#}", parse("stream a\nlate k0 1 2\nnothing\n").unwrap_err());
        assert!(error.starts_with("line 3: "), "{error}");
        assert!(parse("late k0 1 2\n").is_err());
    }
}
