//! The story of a window: its events, what was refused, and every result with the events it covers.
//!
//! ```text
//!   row        0  1  2  3  4  5  6          hopping, lateness, on_update, accumulating
//!   in window  ·     ·        ·  x          x refused: it was gone
//!   results    ▲0    ▲1    ▲2 ▲3            2 on time, by row 4, which is not in it; 3 a correction
//!   covers     0     0,2   0,2 0,2,5        up to the row that brought them about
//! ```
//!
//! A discarding result covers what no earlier one of its window covered. A session covers the rows
//! between its first and last event time; sessions that became one tell one story. A count window covers
//! the last rows of its key, from one of its own on.

use super::follow::{Cover, Follow};
use super::run::{Key, KeyRows, Piece, given};
use super::{ExplainError, Given, Rerun, WindowTarget};
use crate::change::DropReason;
use std::ops::Range;

/// What a window has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowState {
    /// It has not ended.
    Open,
    /// It has ended and still takes late events.
    Fired,
    /// It takes no more.
    Gone,
}

/// An event of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its row in the log.
    pub row: u64,
    /// Its time.
    pub time: i64,
}

/// An event of the key that lies within the bounds that were asked for and does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its row in the log.
    pub row: u64,
    /// Its time.
    pub time: i64,
    /// The watermark that it met.
    pub watermark: i64,
    /// Why.
    pub reason: DropReason,
}

/// The story of a window and key; see the [module](super).
#[derive(Clone, Debug, PartialEq)]
pub struct WindowStory {
    /// What was asked.
    pub target: WindowTarget,
    /// Its events, in the order of the log.
    pub events: Vec<Member>,
    /// Events that would be among them, had they not been refused; those that `where` left out are not.
    pub refused: Vec<Refused>,
    /// All its results, in the order in which they were given; of a session, those of its parts too.
    pub results: Vec<Given>,
    /// What it has come to.
    pub state: WindowState,
    /// Rows from before the run that may belong to it too and were not looked at; empty when there is none.
    pub missing: Range<u64>,
    pub(super) covers: Vec<Cover>,
}

impl WindowStory {
    /// The rows that a result covers, in the order of the log; of a retraction, those that it takes back.
    ///
    /// # Panics
    /// When there is no such result.
    pub fn rows_of(&self, result: usize) -> impl Iterator<Item = u64> {
        let cover = &self.covers[result];
        self.events.iter().filter(|event| cover.has(event)).map(|event| event.row)
    }
}

impl Rerun<'_> {
    /// The story of a window.
    ///
    /// Costs one run up to the window's first event, two from there until it is gone, and one over what
    /// may still have come too late for it. Sessions, counted and global windows may begin anywhere: two
    /// runs.
    ///
    /// # Errors
    /// When the pipeline cannot run from where it should, or there is no such window.
    pub fn window(&self, target: &WindowTarget) -> Result<WindowStory, ExplainError> {
        let mut run = self.begin()?;
        let from = run.row;
        let nothing = || ExplainError::NoSuchWindow {
            query: self.name_of(target.query).to_owned(),
            start: target.start,
            end: target.end,
            from,
            until: self.until,
        };
        let query = self.spec.query.get(target.query as usize);
        let query = query.filter(|query| query.by.len() == target.key.len()).ok_or_else(nothing)?;
        let mut key = Key::new(target.query, &target.key);
        let id = key.id(&run.pipeline);
        let mut follow = Follow::new(query, target, id, &run).ok_or_else(nothing)?;
        run.skip_to(follow.first_row(&run));
        let mut rows = KeyRows::new(self.spec, target.query, &target.key, follow.times(), &run)?;
        let marks = run.clone().survey(|pipeline| follow.look(&mut key, pipeline));
        let mut visit = |piece: &Piece<'_>| {
            rows.each(piece, |arrival| follow.meet(arrival));
            if let (true, Some(id)) = (piece.block.len() <= 1, key.id(piece.pipeline)) {
                let taken = piece.pipeline.windows(target.query).events_of(id);
                let given = given(self.spec, target.query, id, piece);
                given.into_iter().for_each(|given| follow.give(given, taken));
            }
        };
        run.show(&marks, &mut visit);
        run.show_rest(&mut visit);
        let mut story = follow.end(run.pipeline.watermark()).ok_or_else(nothing)?;
        if self.from.is_none() {
            // Nothing is known of the rows that the log has let go of.
            story.missing = 0..from;
        }
        Ok(story)
    }
}
