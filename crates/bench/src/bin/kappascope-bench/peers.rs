//! Other programs over the same events: a Python process that holds the arrays in memory, runs a query when told and
//! says how long it took.
//!
//! ```text
//!   to it      load three_keys 10000000, then the columns: ts i64, key u32, value f64, little-endian
//!              run w1 three_keys DuckDB
//!              run csv /tmp/events.csv DuckDB
//!   from it    w1 DuckDB, a line each that it can do, then an empty one
//!              seconds rows total total …         (separated by tabs, as above)
//! ```
//!
//! **Invariant:** a time is taken only with results whose number and totals are the engine's.

use kappascope_bench::Work;
use kappascope_bench::result::Totals;
use kappascope_bench::stream::Stream;
use kappascope_core::Log;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// The program that it runs.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/peers.py");

/// The process, and what it can do.
pub(crate) struct Peers {
    child: Child,
    to: BufWriter<ChildStdin>,
    from: BufReader<ChildStdout>,
    /// A work's id and the name of one that does it.
    known: Vec<(String, String)>,
}

impl Peers {
    /// Starts it and asks what it can do.
    pub(crate) fn start(python: &Path) -> io::Result<Self> {
        let mut child = Command::new(python)
            .arg(PROGRAM)
            // Read when Polars is imported: one thread, as the engine has.
            .env("POLARS_MAX_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            unreachable!("both were asked for")
        };
        let (to, from) = (BufWriter::new(to), BufReader::new(from));
        let mut peers = Self { child, to, from, known: Vec::new() };
        while let Some((work, name)) = peers.answer()?.split_once('\t') {
            peers.known.push((work.to_owned(), name.to_owned()));
        }
        Ok(peers)
    }

    /// The names of those that can do the work of this id.
    pub(crate) fn of(&self, work: &str) -> Vec<String> {
        self.known.iter().filter(|(id, _)| id == work).map(|(_, name)| name.clone()).collect()
    }

    /// Gives it the events of a stream.
    ///
    /// # Panics
    /// When the process has ended; it says why on standard error.
    pub(crate) fn load(&mut self, stream: Stream, log: &Log) {
        self.send(stream, log).expect("the peers take their events");
    }

    fn send(&mut self, stream: Stream, log: &Log) -> io::Result<()> {
        let all = log.read(0, usize::MAX);
        writeln!(self.to, "load\t{}\t{}", name(stream), all.len())?;
        all.time().iter().try_for_each(|time| self.to.write_all(&time.to_le_bytes()))?;
        all.key(0).iter().try_for_each(|key| self.to.write_all(&key.to_le_bytes()))?;
        all.measure(0).iter().try_for_each(|value| self.to.write_all(&value.to_le_bytes()))?;
        self.to.flush()
    }

    /// Has one of them do a work once.
    ///
    /// # Panics
    /// When its results are not the engine's, or the process has ended.
    pub(crate) fn run(&mut self, work: &Work, peer: &str, totals: &Totals) -> Duration {
        self.timed(work.id, name(work.stream), peer, totals)
    }

    /// Has one of them read a file and do W1 once.
    ///
    /// # Panics
    /// When its results are not the engine's, or the process has ended.
    pub(crate) fn run_file(&mut self, id: &str, file: &Path, peer: &str, totals: &Totals) -> Duration {
        self.timed(id, &file.display().to_string(), peer, totals)
    }

    fn timed(&mut self, id: &str, events: &str, peer: &str, totals: &Totals) -> Duration {
        let answer = self.ask(id, events, peer).expect("the peers answer");
        let Some((seconds, rows, figures)) = parse(&answer) else {
            panic!("{peer} answers `{answer}` to {id}")
        };
        totals.assert_same(&format!("{peer}, {id}"), rows, &figures);
        Duration::from_secs_f64(seconds)
    }

    fn ask(&mut self, id: &str, events: &str, peer: &str) -> io::Result<String> {
        writeln!(self.to, "run\t{id}\t{events}\t{peer}")?;
        self.to.flush()?;
        self.answer()
    }

    fn answer(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.from.read_line(&mut line)? {
            0 => Err(io::Error::other("the process of the peers has ended")),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        // It holds nothing that has to be put away.
        if self.child.kill().is_ok() {
            let _ended = self.child.wait();
        }
    }
}

fn name(stream: Stream) -> &'static str {
    match stream {
        Stream::ThreeKeys => "three_keys",
        Stream::ManyKeys => "many_keys",
    }
}

/// Seconds, number of rows, totals.
fn parse(answer: &str) -> Option<(f64, u64, Vec<f64>)> {
    let mut words = answer.split('\t');
    let (seconds, rows) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let totals: Result<Vec<f64>, _> = words.map(str::parse).collect();
    Some((seconds, rows, totals.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_seconds_rows_and_totals() {
        assert_eq!(parse("0.25\t180\t1e3\t-4"), Some((0.25, 180, vec![1000.0, -4.0])));
        assert_eq!(parse("0.25\tx"), None);
        assert_eq!(parse("Traceback"), None);
    }
}
