//! What a person looks into: a trail of questions, each with its answer, and the newest alert's answer
//! while nothing is asked.
//!
//! ```text
//!   explain(alert) ─► look_into(window) ─► look_into(event)      back: the window again
//! ```
//!
//! **Invariant:** the last step of the trail is shown; an answer to any other question than the last one
//! comes to nothing. What is asked of its own accord is asked at most once in [`ASK_EVERY_MS`], and not at
//! all where the log is so long that it would keep the engine from its work.

use crate::state::{Mark, Store};
use crate::wire::{AlertWhy, Answer, Frame, Question, State, Watch};
use kappascope_core::Spec;
use leptos::prelude::*;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

/// How long an answer may take before the page says that it is being found.
const SLOW_MS: u64 = 150;

/// What is shown is asked again at most so often: as fast as one reads.
const ASK_EVERY_MS: f64 = 1_000.0;

/// An answer runs up to the whole log again, at about a million rows in two seconds. While the engine goes
/// on, only this much is worth taking from it once a second; once it rests, a longer wait harms nobody.
const ROWS_RUNNING: f64 = 200_000.0;
const ROWS_RESTING: f64 = 2_000_000.0;

/// The engine is far behind when so many rows wait for it.
const ROWS_BEHIND: f64 = 16_384.0;

/// Steps of a trail that are remembered: more than one walks back.
const STEPS: usize = 20;

/// A question, and what the worker said to it last.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) question: Question,
    pub(crate) answer: Option<Arc<Answer>>,
}

/// Where the run was, and by which pipeline, when something was asked.
#[derive(Clone, Default)]
struct Standing {
    row: f64,
    digest: String,
    spec: Option<Arc<Spec>>,
}

impl Standing {
    fn is_of(&self, spec: Option<&Arc<Spec>>) -> bool {
        match (&self.spec, spec) {
            (Some(then), Some(now)) => Arc::ptr_eq(then, now),
            (then, now) => then.is_none() == now.is_none(),
        }
    }

    fn is_at(&self, frame: &Frame) -> bool {
        self.row == frame.row && self.digest == frame.digest
    }
}

#[derive(Default)]
struct Desk {
    number: Cell<u32>,
    /// The question whose answer is awaited, of the trail and of the newest alert.
    wanted: Cell<Option<u32>>,
    following: Cell<Option<u32>>,
    asked_ms: Cell<f64>,
    asked: RefCell<Standing>,
    followed: RefCell<(String, Standing)>,
    timed: Cell<bool>,
    by_keyboard: Cell<bool>,
    /// What had the focus before the inspector took it.
    opener: RefCell<Option<HtmlElement>>,
}

/// The state of the inspector: cheap to copy.
#[derive(Clone, Copy)]
pub(crate) struct Inquiry {
    /// What was looked into, the newest last.
    pub(crate) trail: RwSignal<Vec<Step>>,
    /// Why the last question has no answer.
    pub(crate) refusal: RwSignal<Option<String>>,
    /// Whether the answer lets wait for itself.
    pub(crate) slow: RwSignal<bool>,
    /// Whether the answer may be out of date, in a log too long to ask again and again.
    pub(crate) old: RwSignal<bool>,
    /// Why the newest alert fired.
    pub(crate) newest: RwSignal<Option<Arc<AlertWhy>>>,
    /// Counts answers that came by keyboard: the heading takes the focus.
    pub(crate) arrived: RwSignal<u32>,
    desk: StoredValue<Rc<Desk>, LocalStorage>,
}

impl Inquiry {
    pub(crate) fn new() -> Self {
        Self {
            trail: RwSignal::new(Vec::new()),
            refusal: RwSignal::new(None),
            slow: RwSignal::new(false),
            old: RwSignal::new(false),
            newest: RwSignal::new(None),
            arrived: RwSignal::new(0),
            desk: StoredValue::new_local(Rc::default()),
        }
    }

    /// What is looked at, without asking to be told of changes.
    pub(crate) fn answer(self) -> Option<Arc<Answer>> {
        self.trail.with_untracked(|trail| trail.last().and_then(|step| step.answer.clone()))
    }

    fn desk(self) -> Rc<Desk> {
        self.desk.get_value()
    }

    /// Whether something was asked.
    pub(crate) fn is_open(self) -> bool {
        self.trail.with(|trail| !trail.is_empty())
    }

    /// Forgets everything: another source was opened.
    pub(crate) fn clear(self) {
        let desk = self.desk();
        desk.wanted.set(None);
        desk.following.set(None);
        desk.followed.take();
        desk.opener.replace(None);
        self.trail.set(Vec::new());
        self.newest.set(None);
        self.rest();
    }

    /// Nothing is awaited, refused or old.
    fn rest(self) {
        self.refusal.set(None);
        self.slow.set(false);
        self.old.set(false);
    }

    /// The number of the next question.
    fn count(self) -> u32 {
        let desk = self.desk();
        desk.number.set(desk.number.get().wrapping_add(1));
        desk.number.get()
    }

    /// Says so if the answer to this question has not come soon.
    fn watch_for(self, number: u32) {
        let late = move || {
            if self.desk().wanted.get() == Some(number) {
                self.slow.set(true);
            }
        };
        set_timeout(late, Duration::from_millis(SLOW_MS));
    }

    /// Takes an answer, unless something else was asked since. Says whether it was the trail's.
    fn take(self, number: u32, answer: Answer) -> bool {
        let desk = self.desk();
        if desk.following.get() == Some(number) {
            desk.following.set(None);
            if let Answer::Alert(why) = answer {
                set_if_new(self.newest, Some(Arc::new(why)));
            }
            return false;
        }
        if desk.wanted.get() != Some(number) {
            return false;
        }
        desk.wanted.set(None);
        self.rest();
        // An answer that is as it was moves nothing on the page.
        let same = self
            .trail
            .with_untracked(|trail| trail.last().is_some_and(|step| step.answer.as_deref() == Some(&answer)));
        if !same {
            self.trail.update(|trail| {
                if let Some(step) = trail.last_mut() {
                    if let Answer::Event(fate) = &answer {
                        step.question = Question::Event { row: fate.event.row };
                    }
                    step.answer = Some(Arc::new(answer));
                }
            });
        }
        self.arrive();
        true
    }

    /// Takes a refusal, unless something else was asked since.
    fn refuse(self, number: u32, why: String) {
        let desk = self.desk();
        if desk.following.get() == Some(number) {
            desk.following.set(None);
            self.newest.set(None);
        } else if desk.wanted.get() == Some(number) {
            desk.wanted.set(None);
            self.rest();
            self.refusal.set(Some(why));
            self.arrive();
        }
    }

    fn arrive(self) {
        if self.desk().by_keyboard.replace(false) {
            self.arrived.update(|count| *count += 1);
        }
    }
}

impl Store {
    /// Asks about something that the picture shows, in place of what was asked before.
    pub(crate) fn explain(self, question: Question) {
        self.inquiry.desk().opener.replace(focused());
        self.inquiry.trail.set(Vec::new());
        self.look_into(question);
    }

    /// Asks about something that an answer names: one can go back from there.
    pub(crate) fn look_into(self, question: Question) {
        self.inquiry.trail.update(|trail| walk(trail, question));
        self.ask_again();
    }

    /// The same, by a press: of the keyboard, after which the focus follows the answer.
    pub(crate) fn look_by(self, event: &web_sys::MouseEvent, question: Question, onward: bool) {
        // A press of a key has no pointer that could have clicked.
        self.inquiry.desk().by_keyboard.set(event.detail() == 0);
        if onward { self.look_into(question) } else { self.explain(question) }
    }

    /// Asks the last question again.
    pub(crate) fn ask_again(self) {
        let inquiry = self.inquiry;
        let last = inquiry.trail.with_untracked(|trail| trail.last().cloned());
        let Some(Step { question, answer }) = last else { return };
        let number = inquiry.count();
        let desk = inquiry.desk();
        desk.wanted.set(Some(number));
        self.note_standing(&mut desk.asked.borrow_mut());
        if answer.is_none() {
            inquiry.watch_for(number);
        }
        self.put(number, question);
    }

    /// Back to what was looked into before; closes the inspector where there is nothing.
    pub(crate) fn back(self) {
        let left = self.inquiry.trail.try_update(|trail| {
            trail.pop();
            trail.last().map(|step| step.answer.clone())
        });
        match left.flatten() {
            None => self.close(),
            Some(answer) => {
                self.inquiry.rest();
                self.mark(answer.as_deref());
                self.ask_again();
            }
        }
    }

    /// Looks into nothing any more; the focus goes back to where it came from.
    pub(crate) fn close(self) {
        let desk = self.inquiry.desk();
        desk.wanted.set(None);
        self.inquiry.trail.set(Vec::new());
        self.inquiry.rest();
        self.selected.set(None);
        if let Some(opener) = desk.opener.take().filter(|opener| opener.is_connected()) {
            // What cannot take the focus leaves it where it is.
            let _ = opener.focus();
        }
    }

    /// An answer came.
    pub(crate) fn answered(self, number: u32, answer: Answer) {
        if self.inquiry.take(number, answer) {
            let last = self.inquiry.trail.with_untracked(|trail| trail.last()?.answer.clone());
            self.mark(last.as_deref());
        }
    }

    /// There is no answer; why.
    pub(crate) fn unanswered(self, number: u32, why: String) {
        self.inquiry.refuse(number, why);
    }

    /// Marks in chart and tables what an answer is about.
    fn mark(self, answer: Option<&Answer>) {
        let watch = self.watch.get_untracked();
        let mark = answer.and_then(|answer| mark_of(answer, watch));
        if self.selected.with_untracked(|before| *before != mark) {
            self.selected.set(mark);
        }
    }

    fn note_standing(self, standing: &mut Standing) {
        let frame = self.newest();
        *standing =
            Standing { row: frame.row, digest: frame.digest.clone(), spec: self.spec.get_untracked() };
    }

    /// Asks again what a newer frame may have changed, and why the newest alert fired. To be called with
    /// every frame that is explained.
    pub(crate) fn keep_up(self, frame: &Frame) {
        let inquiry = self.inquiry;
        let desk = inquiry.desk();
        let (trail, newest) = (self.trail_is_due(frame), self.newest_is_due(frame));
        let cheap = is_cheap(frame);
        let open = inquiry.trail.with_untracked(|trail| !trail.is_empty());
        if open && inquiry.old.get_untracked() != (trail && !cheap) {
            inquiry.old.set(trail && !cheap);
        }
        if !cheap || !(trail || newest) || desk.wanted.get().is_some() || desk.following.get().is_some() {
            return;
        }
        let now = now_ms();
        let left = desk.asked_ms.get() + ASK_EVERY_MS - now;
        if left > 0.0 {
            return self.keep_up_in(left);
        }
        desk.asked_ms.set(now);
        if trail {
            self.ask_again();
        } else if let Some(firing) = frame.firing.first() {
            self.follow(&firing.id);
        }
    }

    /// There may be no later frame to be reminded by.
    fn keep_up_in(self, ms: f64) {
        let desk = self.inquiry.desk();
        if !desk.timed.replace(true) {
            let again = move || {
                self.inquiry.desk().timed.set(false);
                self.keep_up(&self.explained.get_untracked());
            };
            set_timeout(again, Duration::from_millis(ms as u64 + 1));
        }
    }

    fn follow(self, id: &str) {
        let number = self.inquiry.count();
        let desk = self.inquiry.desk();
        desk.following.set(Some(number));
        let mut followed = desk.followed.borrow_mut();
        id.clone_into(&mut followed.0);
        self.note_standing(&mut followed.1);
        self.put(number, Question::Alert { id: id.to_owned() });
    }

    fn trail_is_due(self, frame: &Frame) -> bool {
        let Some(last) = self.inquiry.trail.with_untracked(|trail| trail.last().cloned()) else {
            return false;
        };
        let desk = self.inquiry.desk();
        let asked = desk.asked.borrow();
        let same_spec = self.spec.with_untracked(|spec| asked.is_of(spec.as_ref()));
        let is_final = last.answer.as_deref().is_some_and(is_final) && frame.row >= asked.row;
        !same_spec || !(asked.is_at(frame) || is_final)
    }

    fn newest_is_due(self, frame: &Frame) -> bool {
        let Some(newest) = frame.firing.first() else {
            set_if_new(self.inquiry.newest, None);
            return false;
        };
        let desk = self.inquiry.desk();
        let followed = desk.followed.borrow();
        let same_spec = self.spec.with_untracked(|spec| followed.1.is_of(spec.as_ref()));
        let unasked = self.inquiry.trail.with_untracked(Vec::is_empty);
        unasked && (followed.0 != newest.id || !same_spec)
    }
}

fn set_if_new<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.with_untracked(|before| *before != value) {
        signal.set(value);
    }
}

/// Goes on to a question; to one that was asked before, by going back to it.
fn walk(trail: &mut Vec<Step>, question: Question) {
    match trail.iter().position(|step| step.question == question) {
        Some(at) => trail.truncate(at + 1),
        None => {
            trail.push(Step { question, answer: None });
            if trail.len() > STEPS {
                trail.remove(0);
            }
        }
    }
}

/// Whether going on in the log changes nothing of an answer.
fn is_final(answer: &Answer) -> bool {
    match answer {
        Answer::Alert(_) | Answer::Point(_) => true,
        Answer::Event(fate) => fate.settled,
        Answer::Window(story) => story.state == "gone",
    }
}

/// Whether a question can be asked without a person's wish.
fn is_cheap(frame: &Frame) -> bool {
    match frame.state {
        State::Running => frame.row <= ROWS_RUNNING && frame.waiting <= ROWS_BEHIND,
        _ => frame.row <= ROWS_RESTING,
    }
}

/// The window result of the drawn series that an answer is about.
fn mark_of(answer: &Answer, watch: Watch) -> Option<Mark> {
    let drawn = |query: u32| matches!(watch, Watch::Aggregate { query: q, .. } if q == query);
    let mark = |key: &str, start: f64| Some(Mark { key: key.to_owned(), start });
    match answer {
        Answer::Window(story) => mark(&story.key, story.start).filter(|_| drawn(story.query_index)),
        Answer::Point(point) => {
            mark(&point.key, point.why.time).filter(|_| matches!(watch, Watch::Points { .. }))
        }
        Answer::Event(fate) => {
            let query = fate.queries.iter().find(|query| drawn(query.query_index))?;
            mark(&query.key, query.windows.last()?.start)
        }
        Answer::Alert(why) => match (&why.result, &why.point) {
            (Some((query, given)), _) => mark(&why.key, given.start).filter(|_| drawn(*query)),
            (None, Some(point)) if matches!(watch, Watch::Points { .. }) => mark(&why.key, point.time),
            _ => None,
        },
    }
}

fn focused() -> Option<HtmlElement> {
    document().active_element()?.dyn_into().ok()
}

fn now_ms() -> f64 {
    window().performance().map_or(0.0, |performance| performance.now())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(row: f64) -> Question {
        Question::Event { row }
    }

    #[test]
    fn a_trail_goes_back_to_what_it_knows() {
        let mut trail = Vec::new();
        for row in [1.0, 2.0, 3.0, 2.0] {
            walk(&mut trail, event(row));
        }
        let rows = |trail: &[Step]| trail.iter().map(|step| step.question.clone()).collect::<Vec<_>>();
        assert_eq!(rows(&trail), [event(1.0), event(2.0)]);
    }

    #[test]
    fn a_trail_forgets_its_oldest_steps() {
        let mut trail = Vec::new();
        (0..=STEPS).for_each(|row| walk(&mut trail, event(row as f64)));
        assert_eq!(trail.len(), STEPS);
        assert_eq!(trail[0].question, event(1.0));
    }

    #[test]
    fn only_a_short_log_is_run_again_beside_the_engine() {
        let frame = |state, row, waiting| Frame { state, row, waiting, ..Frame::default() };
        assert!(is_cheap(&frame(State::Running, 1e5, 0.0)));
        assert!(!is_cheap(&frame(State::Running, 1e6, 0.0)));
        assert!(!is_cheap(&frame(State::Running, 1e5, 1e6)));
        assert!(is_cheap(&frame(State::Paused, 1e6, 0.0)));
        assert!(!is_cheap(&frame(State::Done, 1e7, 0.0)));
    }
}
