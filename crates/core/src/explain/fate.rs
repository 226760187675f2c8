//! The fate of an event: in each query, whether it was left out, refused or taken, and what came of it.
//!
//! ```text
//!   row 7 ─┬─ query a: filtered
//!          ├─ query b: late, by 3 s of lateness
//!          ├─ query c: [0, 60 s)   on time, row 9 ─► point, score 4.1 ─► alert firing
//!          │                       correction, row 12
//!          └─ a detector that reads events: point, score 0.3
//! ```

use super::run::{ALL_TIMES, Key, KeyRows, Look, Piece, Run, given, points_of_event};
use super::session::Sessions;
use super::{ExplainError, Given, Judged, Rerun};
use crate::change::{Change, DropReason};
use crate::pipeline::Pipeline;
use crate::spec::{Accumulation, QuerySpec, WindowSpec};
use crate::time::Millis;
use crate::watermark::END_OF_TIME;
use crate::window::Grid;

/// What became of an event; see the [module](super).
#[derive(Clone, Debug, PartialEq)]
pub struct Fate {
    /// Its row in the log.
    pub row: u64,
    /// Its partition.
    pub partition: u32,
    /// Its offset in the partition.
    pub offset: u64,
    /// Its time.
    pub time: i64,
    /// The watermark that it met.
    pub watermark: i64,
    /// In each query.
    pub queries: Vec<QueryFate>,
    /// What detectors that read events made of it.
    pub points: Vec<Judged>,
    /// Whether no more can come of it.
    pub settled: bool,
}

/// What became of an event in one query.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryFate {
    /// The strings of its key, in the order of the query's `by`.
    pub key: Vec<String>,
    /// Whether it counts.
    pub outcome: Outcome,
    /// Windows that it counts in: all of those at fixed times, its session, of the others those that have
    /// given a result which covers it.
    pub windows: Vec<Fed>,
}

/// Whether an event counts in a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `where` left it out.
    Filtered,
    /// It came after all its windows were gone.
    Late {
        /// With so much lateness it would have counted. In sessions less may be enough, where a longer
        /// lateness keeps one that it touches.
        enough_lateness: Millis,
    },
    /// Its key would have been one too many.
    TooManyKeys,
    /// It would have been one too many to hold.
    TooManyWindows,
    /// It counts, except in these windows, first millisecond and one past the last, which were gone.
    Counted {
        /// Ascending.
        missed: Vec<(i64, i64)>,
    },
}

/// A window that an event counts in.
#[derive(Clone, Debug, PartialEq)]
pub struct Fed {
    /// First millisecond, as of the end of the run.
    pub start: i64,
    /// One past the last.
    pub end: i64,
    /// Its results that cover the event, and those that take them back, in order.
    pub results: Vec<Given>,
}

impl Rerun<'_> {
    /// What became of the event of a row.
    ///
    /// Costs one run up to the row, and two from there until its windows are gone.
    ///
    /// # Errors
    /// When the pipeline cannot run from where it should, or the run does not reach the row.
    pub fn event(&self, row: u64) -> Result<Fate, ExplainError> {
        if row >= self.until {
            return Err(ExplainError::RowAhead { row, until: self.until });
        }
        if row < self.log.start() {
            return Err(ExplainError::RowGone { row, oldest: self.log.start() });
        }
        let mut run = self.begin()?;
        if run.row > row {
            return Err(ExplainError::StateAhead { row: run.row, until: row });
        }
        run.skip_to(row);
        let before = run.pipeline.clock().clone();
        let block = run.log.read(row, 1);
        let partition = block.partition().map_or(0, |partition| partition[0]);
        let keys = self.spec.query.iter().map(|query| self.key_of(query, row)).collect::<Vec<_>>();
        run.step(1);
        let piece = Piece { first: row, block, pipeline: &run.pipeline };
        let mut fate = Fate {
            row,
            partition,
            offset: before.next_offset(partition),
            time: piece.block.time()[0],
            watermark: before.now(),
            queries: Vec::new(),
            points: points_of_event(self.spec, &piece),
            settled: true,
        };
        for (q, key) in keys.iter().enumerate() {
            let outcome = self.outcome(q, &fate, &piece)?;
            fate.queries.push(QueryFate { key: key.clone(), outcome, windows: Vec::new() });
        }
        self.follow(&mut fate, &keys, run)?;
        Ok(fate)
    }

    /// The strings of an event's key.
    fn key_of(&self, query: &QuerySpec, row: u64) -> Vec<String> {
        let block = self.log.read(row, 1);
        self.spec
            .key_columns(&query.by)
            .map(|column| block.dictionary(column).name(block.key(column)[0]).to_owned())
            .collect()
    }

    /// Whether the event that was just taken counts in a query.
    fn outcome(&self, q: usize, fate: &Fate, piece: &Piece<'_>) -> Result<Outcome, ExplainError> {
        if let Some(mut filter) = self.spec.filter(q)? {
            let mut passed = Vec::new();
            filter.select(&piece.block, &mut passed);
            if passed.is_empty() {
                return Ok(Outcome::Filtered);
            }
        }
        let query = &self.spec.query[q];
        let is_of_query = |change| match change {
            Change::Drop(drop) if drop.query as usize == q => Some(drop.reason),
            _ => None,
        };
        Ok(match piece.pipeline.changes().iter().find_map(is_of_query) {
            Some(DropReason::Late) => Outcome::Late {
                enough_lateness: Millis(fate.watermark - last_end(query.window, fate.time) + 2),
            },
            Some(DropReason::TooManyKeys) => Outcome::TooManyKeys,
            Some(DropReason::TooManyWindows) => Outcome::TooManyWindows,
            Some(DropReason::LateForSome) | None => Outcome::Counted { missed: missed(query, fate) },
        })
    }

    /// Follows the windows of an event that was just taken until they are gone.
    fn follow(&self, fate: &mut Fate, keys: &[Vec<String>], mut run: Run<'_>) -> Result<(), ExplainError> {
        let mut followed = Vec::new();
        for (q, of_query) in fate.queries.iter().enumerate() {
            if matches!(of_query.outcome, Outcome::Counted { .. }) {
                let key = Key::new(q as u32, &keys[q]);
                let rows = KeyRows::new(self.spec, q as u32, &keys[q], ALL_TIMES, &run)?;
                followed.push(Followed::new(&self.spec.query[q], key, rows, fate, &run.pipeline));
            }
        }
        if followed.is_empty() {
            return Ok(());
        }
        let piece = Piece { first: fate.row, block: run.log.read(fate.row, 1), pipeline: &run.pipeline };
        followed.iter_mut().for_each(|followed| followed.see_results(self, &piece));
        let marks = run.clone().survey(|pipeline| {
            let looks = followed.iter_mut().map(|followed| followed.look(pipeline));
            looks.fold(Look { closely: false, enough: true }, |all, one| Look {
                closely: all.closely || one.closely,
                enough: all.enough && one.enough,
            })
        });
        run.show(&marks, &mut |piece| followed.iter_mut().for_each(|followed| followed.see(self, piece)));
        fate.settled = followed.iter_mut().all(|followed| followed.look(&run.pipeline).enough);
        for followed in followed {
            fate.queries[followed.key.query as usize].windows = followed.windows;
        }
        Ok(())
    }
}

/// The windows of one query that an event counts in.
struct Followed<'q> {
    query: &'q QuerySpec,
    key: Key<'q>,
    rows: KeyRows,
    time: i64,
    kind: Kind,
    windows: Vec<Fed>,
}

enum Kind {
    Aligned,
    Rolling {
        duration: i64,
    },
    Global,
    /// Whether a session is its own.
    Sessions(Sessions<bool>),
    /// The event is the `number`th of its key, from 1; numbers of the windows that have given results.
    Counted {
        events: u64,
        slide: u64,
        number: u64,
        windows: Vec<u64>,
    },
}

impl<'q> Followed<'q> {
    /// After the event was taken.
    fn new(query: &'q QuerySpec, mut key: Key<'q>, rows: KeyRows, fate: &Fate, pipeline: &Pipeline) -> Self {
        let time = fate.time;
        let (mut windows, fed) = (Vec::new(), |(start, end)| Fed { start, end, results: Vec::new() });
        let kind = match query.window {
            WindowSpec::Rolling { duration } => Kind::Rolling { duration: duration.0 },
            WindowSpec::Global => Kind::Global,
            WindowSpec::Session { gap } => {
                let (sessions, own) = sessions_after(&mut key, gap.0, query.lateness.0, time, pipeline);
                windows.push(fed(own));
                Kind::Sessions(sessions)
            }
            WindowSpec::Count { events, slide } => {
                let number = key.id(pipeline).map_or(0, |id| pipeline.windows(key.query).events_of(id));
                Kind::Counted { events: events.into(), slide: slide.into(), number, windows: Vec::new() }
            }
            window => {
                let all = fixed_windows(window, time);
                let live = all.filter(|(_, end)| !is_gone(query, *end, fate.watermark));
                windows.extend(live.map(fed));
                Kind::Aligned
            }
        };
        Self { query, key, rows, time, kind, windows }
    }

    /// Whether a block has results that may cover the event, and none will come later.
    fn look(&mut self, pipeline: &Pipeline) -> Look {
        let everywhere = matches!(self.kind, Kind::Global);
        let holds = |start, end| everywhere || (start..end).contains(&self.time);
        let closely = self.key.results(pipeline).any(|result| holds(result.start, result.end));
        let now = pipeline.watermark();
        let enough = now == END_OF_TIME
            || match &self.kind {
                Kind::Aligned => self.windows.iter().all(|window| is_gone(self.query, window.end, now)),
                // The oldest event that is not late comes just after the watermark less the lateness.
                Kind::Rolling { duration } => {
                    now.saturating_sub(self.query.lateness.0) >= self.time + duration - 1
                }
                Kind::Global => false,
                Kind::Sessions(_) => {
                    let held =
                        self.key.id(pipeline).map(|id| pipeline.windows(self.key.query).held_sessions(id));
                    !held.into_iter().flatten().any(|(first, last)| (first..=last).contains(&self.time))
                }
                Kind::Counted { events, slide, number, .. } => {
                    let taken =
                        self.key.id(pipeline).map(|id| pipeline.windows(self.key.query).events_of(id));
                    taken >= Some((number + events - 1) / slide * slide)
                }
            };
        Look { closely, enough }
    }

    /// What comes after the event.
    fn see(&mut self, rerun: &Rerun<'_>, piece: &Piece<'_>) {
        if let Kind::Sessions(sessions) = &mut self.kind {
            self.rows.each(piece, |arrival| {
                if arrival.dropped.is_none() {
                    sessions.let_go(arrival.watermark);
                    sessions.meet(arrival.time, |own, other| *own |= other);
                }
            });
            let own = sessions.iter().find(|session| session.known);
            own.into_iter().for_each(|own| {
                (self.windows[0].start, self.windows[0].end) = (own.start, own.end);
            });
        }
        if piece.block.len() <= 1 {
            self.see_results(rerun, piece);
        }
    }

    fn see_results(&mut self, rerun: &Rerun<'_>, piece: &Piece<'_>) {
        let Some(id) = self.key.id(piece.pipeline) else { return };
        let taken = piece.pipeline.windows(self.key.query).events_of(id);
        for given in given(rerun.spec, self.key.query, id, piece) {
            if let Some(at) = self.window_of(&given, taken) {
                self.windows[at].results.push(given);
            }
        }
    }

    /// The window of a result that covers the event; a counted one when the key has brought so many.
    fn window_of(&mut self, given: &Given, taken: u64) -> Option<usize> {
        let id = |given: &Given| (given.start, given.end, given.revision);
        if given.retraction {
            let is_taken_back = |earlier: &Given| !earlier.retraction && id(earlier) == id(given);
            // Counted windows one after the other may have the same bounds.
            let is_of = |at: usize| match &self.kind {
                Kind::Counted { slide, windows, .. } => windows[at] == taken.div_ceil(*slide),
                _ => true,
            };
            let mut windows = self.windows.iter().enumerate();
            return windows.position(|(at, window)| is_of(at) && window.results.iter().any(is_taken_back));
        }
        let at = match &mut self.kind {
            Kind::Aligned => self
                .windows
                .iter()
                .position(|window| (window.start, window.end) == (given.start, given.end))?,
            Kind::Rolling { .. } => {
                (given.start..given.end).contains(&self.time).then_some(self.windows.len())?
            }
            Kind::Global => 0,
            Kind::Sessions(sessions) => {
                sessions.of_result(given.start, given.end).filter(|session| session.known).map(|_| 0)?
            }
            Kind::Counted { events, slide, number, windows } => {
                let window = taken.div_ceil(*slide);
                ((window * *slide).saturating_sub(*events) < *number).then_some(())?;
                windows.iter().position(|known| *known == window).unwrap_or_else(|| {
                    windows.push(window);
                    windows.len() - 1
                })
            }
        };
        if at == self.windows.len() {
            self.windows.push(Fed { start: given.start, end: given.end, results: Vec::new() });
        }
        let window = &mut self.windows[at];
        if matches!(self.kind, Kind::Global | Kind::Counted { .. }) {
            (window.start, window.end) = (given.start, given.end);
        }
        let covered = self.query.accumulation == Accumulation::Discarding && !window.results.is_empty();
        (!covered).then_some(at)
    }
}

/// The sessions held of a key after an event was taken, and the bounds of its own. A leap of the watermark
/// may have closed that one already.
fn sessions_after(
    key: &mut Key<'_>,
    gap: i64,
    lateness: i64,
    time: i64,
    pipeline: &Pipeline,
) -> (Sessions<bool>, (i64, i64)) {
    let held = key.id(pipeline).map(|id| pipeline.windows(key.query).held_sessions(id));
    let mut held = held.unwrap_or_default();
    let own = |first, last| (first..=last).contains(&time);
    if !held.iter().any(|&(first, last)| own(first, last)) {
        let closed = key.results(pipeline).filter(|result| own(result.start, result.end - gap)).last();
        held.extend(closed.map(|result| (result.start, result.end - gap)));
    }
    let sessions = Sessions::new(gap, lateness, &held, own);
    let bounds = sessions.iter().find(|session| session.known).map(|session| (session.start, session.end));
    (sessions, bounds.unwrap_or((time, time + gap)))
}

/// First millisecond and one past the last of the windows of an event, where they lie at fixed times.
fn fixed_windows(window: WindowSpec, time: i64) -> impl Iterator<Item = (i64, i64)> {
    let grid = Grid::new(window);
    grid.into_iter().flat_map(move |grid| grid.ends(time).map(move |end| (grid.start(end), end)))
}

fn is_gone(query: &QuerySpec, end: i64, watermark: i64) -> bool {
    watermark >= end - 1 + query.lateness.0
}

fn missed(query: &QuerySpec, fate: &Fate) -> Vec<(i64, i64)> {
    fixed_windows(query.window, fate.time).filter(|(_, end)| is_gone(query, *end, fate.watermark)).collect()
}

/// End of the last window that an event is in on its own.
fn last_end(window: WindowSpec, time: i64) -> i64 {
    match window {
        WindowSpec::Session { gap } => time + gap.0,
        WindowSpec::Rolling { .. } | WindowSpec::Count { .. } | WindowSpec::Global => time + 1,
        window => fixed_windows(window, time).last().map_or(time, |(_, end)| end),
    }
}
