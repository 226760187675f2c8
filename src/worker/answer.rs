//! Answers: why, from which events, what became of them. Each is found by running the log again.
//!
//! ```text
//!   question ─► kept state before it ─► core::explain ─► what the page shows
//! ```

use super::history::joined;
use super::kept::State;
use super::session::Session;
use crate::wire::{
    AlertWhy, Answer, Event, EventFate, Fed, Given, Moved, Outcome, PointLine, PointStory, PointWhy,
    QueryFate, Question, Story,
};
use kappascope_core::explain::{
    self, ConditionTarget, Judged, PointTarget, Rerun, WindowState, WindowTarget,
};
use kappascope_core::watermark::NOTHING;
use kappascope_core::{AlertState, Cause, Log, Pipeline, Spec, Timing, Transition};

/// Events of a window that are listed: more than one reads. All are counted.
const EVENTS_LISTED: usize = 200;

/// What an answer is found in.
pub(super) struct Run<'a> {
    pub(super) spec: &'a Spec,
    pub(super) log: &'a Log,
    pub(super) pipeline: &'a Pipeline,
    /// Behind the last row that was read.
    pub(super) until: u64,
    pub(super) finished: bool,
}

/// Answers a question about a session.
pub(super) fn answer(session: &Session, question: &Question) -> Result<Answer, String> {
    let run = session.run();
    match question {
        Question::Window { query, key, start, end } => {
            let key = run.key(*query, key)?;
            let target = WindowTarget { query: *query, key, start: *start as i64, end: *end as i64 };
            let kept = session.kept(|state| state.pipeline.newest_time() < target.start);
            run.window(kept, &target).map(Answer::Window)
        }
        Question::Event { row } => {
            let row = *row as u64;
            run.event(session.kept(|state| state.row() <= row), row).map(Answer::Event)
        }
        Question::EventAt { partition, offset } => {
            let event = Cause { partition: *partition, offset: *offset as u64 };
            let kept = session.kept(|state| state.pipeline.next_offset(event.partition) <= event.offset);
            let row = run.row_after(kept, event).ok_or("This event is no longer held in memory.")?;
            run.event(kept, row).map(Answer::Event)
        }
        Question::Alert { id } => {
            let found = u64::from_str_radix(id, 16).ok().and_then(|id| session.firing(id));
            let (transition, message) = found.ok_or("No such alert has fired up to here.")?;
            run.alert(transition, message).map(Answer::Alert)
        }
        Question::Point { detector, key, time, value } => {
            let number = session.key_drawn(*detector, key).ok_or_else(|| no_key(key))?;
            let names = run.pipeline.key_of_score(*detector, number).map(str::to_owned).collect();
            let known_by = explain::KnownBy::Value { time: *time as i64, value: *value };
            let target = PointTarget { detector: *detector, key: names, known_by };
            let kept = session.kept(|state| (state.pipeline.newest_time() as f64) < *time);
            run.point_story(kept, &target, key).map(Answer::Point)
        }
    }
}

impl<'a> Run<'a> {
    fn rerun(&self, kept: Option<&'a State>) -> Rerun<'a> {
        let rerun = Rerun::new(self.spec, self.log).until(self.until).finished(self.finished);
        kept.map_or(rerun, |state| rerun.from(&state.pipeline))
    }

    /// The strings of a key that is known by all of them in one.
    fn key(&self, query: u32, name: &str) -> Result<Vec<String>, String> {
        let keys = 0..self.pipeline.key_count(query) as u32;
        let found = keys.into_iter().find(|key| joined(self.pipeline.key_names(query, *key)) == name);
        let key = found.ok_or_else(|| no_key(name))?;
        Ok(self.pipeline.key_names(query, key).map(str::to_owned).collect())
    }

    fn window(&self, kept: Option<&'a State>, target: &WindowTarget) -> Result<Story, String> {
        let story = self.rerun(kept).window(target).map_err(|error| error.to_string())?;
        let query = &self.spec.query[target.query as usize];
        let covers = |result: usize| Some(story.rows_of(result).count() as f64);
        let results: Vec<Given> =
            story.results.iter().enumerate().map(|(i, given)| self.given(given, covers(i))).collect();
        let judged = story.results.iter().flat_map(|given| &given.points).next();
        Ok(Story {
            query: query.name.clone(),
            query_index: target.query,
            key: joined(target.key.iter().map(String::as_str)),
            start: target.start as f64,
            end: target.end as f64,
            state: match story.state {
                WindowState::Open => "open",
                WindowState::Fired => "closed",
                WindowState::Gone => "gone",
            }
            .to_owned(),
            aggregates: query.aggregates.iter().map(ToString::to_string).collect(),
            results,
            count: story.events.len() as f64,
            events: story.events.iter().take(EVENTS_LISTED).filter_map(|event| self.at(event.row)).collect(),
            refused_count: story.refused.len() as f64,
            refused: story
                .refused
                .iter()
                .take(EVENTS_LISTED)
                .filter_map(|event| Some((self.at(event.row)?, event.watermark as f64)))
                .collect(),
            why: judged.and_then(|judged| self.why_of(kept, target, judged)),
        })
    }

    /// Why a point of a window's result scored as it did.
    fn why_of(&self, kept: Option<&'a State>, target: &WindowTarget, judged: &Judged) -> Option<PointWhy> {
        let known_by = explain::KnownBy::Score(judged.score.clone());
        let target = PointTarget { detector: judged.score.detector, key: target.key.clone(), known_by };
        // Without one the window's story still stands.
        self.point(kept, &target).ok()
    }

    fn point(&self, kept: Option<&'a State>, target: &PointTarget) -> Result<PointWhy, String> {
        let why = self.rerun(kept).point(target).map_err(|error| error.to_string())?;
        Ok(self.point_why(why))
    }

    fn point_story(
        &self,
        kept: Option<&'a State>,
        target: &PointTarget,
        key: &str,
    ) -> Result<PointStory, String> {
        let why = self.rerun(kept).point(target).map_err(|error| error.to_string())?;
        Ok(PointStory {
            key: key.to_owned(),
            row: why.row.map(|row| row as f64),
            alerts: why.point.alerts.iter().map(|moved| self.moved(moved)).collect(),
            why: self.point_why(why),
        })
    }

    fn point_why(&self, why: explain::Why) -> PointWhy {
        let score = &why.point.score;
        let detector = &self.spec.detector[score.detector as usize];
        PointWhy {
            detector: detector.name.clone(),
            kind: detector.kind.title().to_owned(),
            time: score.time as f64,
            value: score.value,
            expected: score.expected,
            low: score.low,
            high: score.high,
            score: score.score,
            anomaly: score.anomaly,
            formula: why.workings.formula.to_owned(),
            figures: why.workings.figures.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
            points: why.workings.points,
            threshold: why.threshold,
            turn_value: why.turn.value,
            turn_threshold: why.turn.threshold,
        }
    }

    fn event(&self, kept: Option<&'a State>, row: u64) -> Result<EventFate, String> {
        let fate = self.rerun(kept).event(row).map_err(|error| error.to_string())?;
        let queries = fate.queries.iter().enumerate();
        Ok(EventFate {
            event: self.at(row).ok_or("This event is no longer held in memory.")?,
            watermark: (fate.watermark != NOTHING).then_some(fate.watermark as f64),
            queries: queries.map(|(query, fate)| self.query_fate(query, fate)).collect(),
            points: fate.points.iter().map(|point| self.point_line(point)).collect(),
            settled: fate.settled,
        })
    }

    fn query_fate(&self, query: usize, fate: &explain::QueryFate) -> QueryFate {
        let spec = &self.spec.query[query];
        let fed = |fed: &explain::Fed| Fed {
            start: fed.start as f64,
            end: fed.end as f64,
            results: fed.results.iter().map(|given| self.given(given, None)).collect(),
        };
        QueryFate {
            query: spec.name.clone(),
            query_index: query as u32,
            key: joined(fate.key.iter().map(String::as_str)),
            outcome: outcome(&fate.outcome, spec.filter.as_deref()),
            windows: fate.windows.iter().map(fed).collect(),
        }
    }

    /// Why an alert fired; from the start, as what came before it fired belongs to the answer.
    fn alert(&self, transition: &Transition, message: Option<&str>) -> Result<AlertWhy, String> {
        let rule = &self.spec.alert[transition.rule as usize];
        let mut why = AlertWhy {
            rule: rule.name.clone(),
            key: joined(self.pipeline.key_of_alert(transition.rule, transition.key)),
            id: format!("{:016x}", transition.id),
            message: message.map(str::to_owned),
            transitions: vec![self.moved(transition)],
            row: transition.cause.and_then(|cause| self.row_after(None, cause)).map(|row| row as f64),
            point: None,
            condition: None,
            result: None,
        };
        let transitions = |all: &[Transition]| all.iter().map(|moved| self.moved(moved)).collect();
        let query = self.spec.query_of_rule(rule).map(|query| query as u32);
        let given = |result: Option<explain::Given>| query.zip(result.map(|given| self.given(&given, None)));
        if let Some(target) = PointTarget::of_alert(self.pipeline, transition) {
            let found = self.rerun(None).point(&target).map_err(|error| error.to_string())?;
            why.transitions = transitions(&found.alert);
            why.result = given(found.result.clone());
            why.point = Some(self.point_why(found));
        } else if let Some(target) = ConditionTarget::of_alert(self.pipeline, transition) {
            let found = self.rerun(None).condition(&target).map_err(|error| error.to_string())?;
            why.transitions = transitions(&found.alert);
            why.condition = Some(found.condition);
            why.result = given(found.result);
        }
        Ok(why)
    }

    /// The row of an event that is known by its partition and offset, looked for from a state that was kept
    /// before it, or from the start of the log, if that is held.
    fn row_after(&self, kept: Option<&State>, event: Cause) -> Option<u64> {
        match kept {
            Some(state) => row_of(self.log, state.row(), event, state.pipeline.next_offset(event.partition)),
            None => (self.log.start() == 0).then(|| row_of(self.log, 0, event, 0)).flatten(),
        }
    }

    fn given(&self, given: &explain::Given, covers: Option<f64>) -> Given {
        Given {
            row: given.row.map(|row| row as f64),
            start: given.start as f64,
            end: given.end as f64,
            revision: given.revision,
            timing: match given.timing {
                Timing::Early => "early",
                Timing::OnTime => "on time",
                Timing::Late => "correction",
            }
            .to_owned(),
            retraction: given.retraction,
            values: given.values.iter().map(explain::Figure::as_f64).collect(),
            covers,
            points: given.points.iter().map(|point| self.point_line(point)).collect(),
        }
    }

    fn point_line(&self, judged: &Judged) -> PointLine {
        PointLine {
            detector: self.spec.detector[judged.score.detector as usize].name.clone(),
            value: judged.score.value,
            score: judged.score.score,
            anomaly: judged.score.anomaly,
            alerts: judged.alerts.iter().map(|moved| self.moved(moved)).collect(),
        }
    }

    fn moved(&self, transition: &Transition) -> Moved {
        Moved {
            rule: self.spec.alert[transition.rule as usize].name.clone(),
            id: format!("{:016x}", transition.id),
            state: match transition.state {
                AlertState::Pending => "pending",
                AlertState::Firing => "firing",
                AlertState::Resolved => "resolved",
            }
            .to_owned(),
            time: transition.time as f64,
            value: transition.value,
            absent: transition.absent,
        }
    }

    /// The event of a row, if it is still held.
    fn at(&self, row: u64) -> Option<Event> {
        if row < self.log.start() || row >= self.log.end() {
            return None;
        }
        let block = self.log.read(row, 1);
        let name = |column: usize| block.dictionary(column).name(block.key(column)[0]).to_owned();
        Some(Event {
            row: row as f64,
            partition: block.partition().map_or(0, |partition| partition[0]),
            time: block.time()[0] as f64,
            arrival: block.arrival()[0] as f64,
            keys: (0..self.spec.schema.keys.len()).map(name).collect(),
            measures: (0..self.spec.schema.measures.len()).map(|column| block.measure(column)[0]).collect(),
        })
    }
}

fn no_key(name: &str) -> String {
    format!("There is no key {name} with these settings.")
}

/// The row of an event, looked for from a row on where its partition has come to an offset.
pub(super) fn row_of(log: &Log, from: u64, event: Cause, offset: u64) -> Option<u64> {
    let block = log.read(from, usize::MAX);
    let ahead = event.offset.checked_sub(offset)?;
    let at = match block.partition() {
        None => usize::try_from(ahead).ok().filter(|at| *at < block.len())?,
        Some(partition) => {
            let rows = partition.iter().enumerate().filter(|(_, partition)| **partition == event.partition);
            rows.map(|(at, _)| at).nth(usize::try_from(ahead).ok()?)?
        }
    };
    Some(from + at as u64)
}

fn outcome(outcome: &explain::Outcome, filter: Option<&str>) -> Outcome {
    let over_limit = |limit: &str| Outcome::OverLimit { limit: limit.to_owned() };
    match outcome {
        explain::Outcome::Filtered => Outcome::Filtered { filter: filter.unwrap_or_default().to_owned() },
        explain::Outcome::Late { enough_lateness } => Outcome::Late { enough_ms: enough_lateness.0 as f64 },
        explain::Outcome::TooManyKeys => over_limit("keys"),
        explain::Outcome::TooManyWindows => over_limit("open windows"),
        explain::Outcome::Counted { missed } => Outcome::Counted {
            missed: missed.iter().map(|(start, end)| (*start as f64, *end as f64)).collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::History;
    use super::*;
    use crate::wire::Watch;

    /// Three partitions in turn, the first twice as often.
    fn log(spec: &Spec, rows: usize) -> Log {
        let mut log = Log::new(&spec.schema);
        let keys: Vec<u32> = (0..spec.schema.keys.len()).map(|column| log.intern(column, "a")).collect();
        for row in 0..rows {
            let partition = [0, 1, 0, 2][row % 4];
            log.append(row as i64, row as i64, partition, &keys, &vec![1.0; spec.schema.measures.len()]);
        }
        log
    }

    #[test]
    fn an_event_is_found_by_its_place_in_its_partition_from_any_state_before_it() {
        let mut spec = kappascope_scenario::open("tutorial", 1, Some(1)).unwrap().spec().clone();
        (spec.schema.partition, spec.schema.partitions) = (Some("p".to_owned()), 3);
        let (log, mut pipeline) = (log(&spec, 40), Pipeline::new(&spec).unwrap());
        pipeline.push(log.read(0, 10));
        let history = History::new(&spec, Watch::first_of(&spec));
        let kept = State { pipeline: pipeline.clone(), history };
        let run = Run { spec: &spec, log: &log, pipeline: &pipeline, until: 40, finished: false };
        let event = |partition, offset| Cause { partition, offset };
        // Of the first ten rows, five are of partition 0, three of 1, two of 2.
        for (event, row) in [(event(0, 5), 10), (event(1, 3), 13), (event(2, 2), 11), (event(0, 19), 38)] {
            assert_eq!(run.row_after(None, event), Some(row), "{event:?}");
            assert_eq!(run.row_after(Some(&kept), event), Some(row), "{event:?}");
        }
        assert_eq!(run.row_after(None, event(0, 20)), None);
        assert_eq!(run.row_after(Some(&kept), event(0, 4)), None);
    }
}
