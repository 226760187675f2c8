//! What really happened: the ground truth that alerts are held against.

use kappascope_core::{Block, Log};
use serde::Serialize;

/// Something that happened, in event time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Label {
    /// What it was, in a few words; may be empty.
    pub what: String,
    /// First moment, epoch milliseconds.
    pub start: i64,
    /// Last moment; the same as `start` for a point in time.
    pub end: i64,
    /// Whom it happened to: key columns and their values; none for everyone. An alert that has some of these
    /// columns must have their values; one that has others only is about something else.
    pub key: Vec<(String, String)>,
}

/// Values of a column that say no. Any other says yes.
const NO: [&str; 8] = ["", "0", "0.0", "false", "no", "n", "normal", "benign"];

/// Labels from a key column of the log that marks events, such as `is_fraud`: one for each run of marked
/// events of the same `by` without an unmarked one between them, in the order of the log. Empty values,
/// `0`, `false`, `no`, `n`, `normal` and `benign` mark none.
///
/// # Panics
/// When the log has no such columns.
#[must_use]
pub fn of_column(log: &Log, column: usize, by: &[(usize, String)]) -> Vec<Label> {
    let marks = marks(log, column);
    let mut labels: Vec<Label> = Vec::new();
    let mut running = rustc_hash::FxHashMap::default();
    let rows = log.read(log.start(), usize::MAX);
    for row in 0..rows.len() {
        let (time, mark) = (rows.time()[row], rows.key(column)[row]);
        let ids: Vec<u32> = by.iter().map(|(key, _)| rows.key(*key)[row]).collect();
        if !marks[mark as usize] {
            running.remove(&ids);
            continue;
        }
        let at = *running.entry(ids).or_insert_with_key(|ids| {
            labels.push(Label {
                what: what(&rows, column, mark),
                start: time,
                end: time,
                key: key(&rows, by, ids),
            });
            labels.len() - 1
        });
        labels[at].start = labels[at].start.min(time);
        labels[at].end = labels[at].end.max(time);
    }
    labels
}

/// Whether each string of the column marks.
fn marks(log: &Log, column: usize) -> Vec<bool> {
    let dictionary = log.dictionary(column);
    let says_no = |id: u32| NO.contains(&dictionary.name(id).to_ascii_lowercase().as_str());
    (0..dictionary.len() as u32).map(|id| !says_no(id)).collect()
}

/// The mark itself, where it says more than yes.
fn what(rows: &Block<'_>, column: usize, mark: u32) -> String {
    let name = rows.dictionary(column).name(mark);
    if ["1", "1.0", "true", "yes", "y"].contains(&name.to_ascii_lowercase().as_str()) {
        return String::new();
    }
    name.to_owned()
}

fn key(rows: &Block<'_>, by: &[(usize, String)], ids: &[u32]) -> Vec<(String, String)> {
    let names = by.iter().zip(ids);
    names.map(|((column, name), id)| (name.clone(), rows.dictionary(*column).name(*id).to_owned())).collect()
}
