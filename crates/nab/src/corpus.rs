//! NAB's corpus as its repository holds it: series in `data/`, their labelled windows in `labels/`.
//!
//! **Invariant:** a corpus is read whole or not at all: every series that has labels, even if none, and
//! each window with its first and last row.
//!
//! ```text
//! data/realTweets/Twitter_volume_FB.csv      timestamp,value
//! labels/combined_windows.json               {"realTweets/Twitter_volume_FB.csv": [["2015-03-03 …", "2015-03-04 …"], …]}
//! ```

use anyhow::{Context, Result, bail};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;

/// The labelled windows, below the corpus' folder.
const WINDOWS: &str = "labels/combined_windows.json";

/// All series, by name.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// The series, in the order of their names.
    pub series: Vec<Series>,
}

/// One series with its labels.
#[derive(Clone, Debug)]
pub struct Series {
    /// The path below `data/`, such as `realTweets/Twitter_volume_FB.csv`.
    pub name: String,
    /// When each row was measured, in milliseconds since 1970 as if the times were UTC. Some repeat, and
    /// some step back.
    pub times: Vec<i64>,
    /// What was measured.
    pub values: Vec<f64>,
    /// Rows of the anomalous windows, in order.
    pub windows: Vec<RangeInclusive<usize>>,
}

#[derive(Deserialize)]
struct Row {
    timestamp: String,
    value: f64,
}

type Labels = BTreeMap<String, Vec<[String; 2]>>;

impl Corpus {
    /// Reads the corpus in `folder`.
    ///
    /// # Errors
    ///
    /// When a file is missing, cannot be read, or a window does not begin and end at a row.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(WINDOWS);
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("no labels at {}", path.display()))?;
        let labels: Labels =
            serde_json::from_str(&text).with_context(|| format!("{} has another form", path.display()))?;
        let series = labels.iter().map(|(name, windows)| Series::read(&folder.join("data"), name, windows));
        Ok(Self { series: series.collect::<Result<_>>()? })
    }

    /// The number of labelled windows.
    #[must_use]
    pub fn windows(&self) -> usize {
        self.series.iter().map(|series| series.windows.len()).sum()
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.series.iter().map(|series| series.values.len()).sum()
    }
}

impl Series {
    fn read(data: &Path, name: &str, windows: &[[String; 2]]) -> Result<Self> {
        let path = data.join(name);
        let mut reader =
            csv::Reader::from_path(&path).with_context(|| format!("no series at {}", path.display()))?;
        let mut series =
            Self { name: name.to_owned(), times: Vec::new(), values: Vec::new(), windows: Vec::new() };
        for row in reader.deserialize() {
            let Row { timestamp, value } = row.with_context(|| format!("in {}", path.display()))?;
            series.times.push(millis(&timestamp).with_context(|| format!("in {}", path.display()))?);
            series.values.push(value);
        }
        series.label(windows)?;
        Ok(series)
    }

    /// A window begins at the first row of its first time, and ends at the first row from there on that
    /// has its last time: what NAB's scorer does with times that repeat.
    fn label(&mut self, windows: &[[String; 2]]) -> Result<()> {
        let mut from = 0;
        for [start, end] in windows {
            let first = self.row_at(from, start)?;
            let last = self.row_at(first, end)?;
            self.windows.push(first..=last);
            from = last + 1;
        }
        Ok(())
    }

    fn row_at(&self, from: usize, timestamp: &str) -> Result<usize> {
        let time = millis(timestamp)?;
        match self.times[from..].iter().position(|&at| at == time) {
            Some(rows) => Ok(from + rows),
            None => bail!("{}: no row at {timestamp}, where a window begins or ends", self.name),
        }
    }
}

fn millis(timestamp: &str) -> Result<i64> {
    let time: DateTime = timestamp.parse().with_context(|| format!("`{timestamp}` where a time belongs"))?;
    let time = time.to_zoned(TimeZone::UTC).with_context(|| format!("the time {timestamp}"))?;
    Ok(time.timestamp().as_millisecond())
}
