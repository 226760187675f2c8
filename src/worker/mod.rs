//! The Web Worker: owns the log and the engine, takes [`Command`]s, gives [`Notice`]s.
//!
//! ```text
//!   command ─► Host ─► Session: feed ─► log ─► pipeline ─► history ─► frame ─► notice
//! ```
//!
//! It works in slices of a few milliseconds and looks for messages between them, so a newer command
//! never waits for an older run to end.

mod answer;
mod disorder;
mod distribution;
mod export;
mod feed;
mod files;
mod frame;
mod history;
mod input;
mod kept;
mod lag;
mod live;
mod memory;
mod parquet;
mod reading;
mod rejected;
mod session;
mod sink;

use crate::wire::{Command, Export, Frame, Notice, Opened, Question, Source, View, Watch, pack, unpack};
use feed::{Feed, Made};
use input::Input;
use js_sys::{Array, Float64Array, Function, Promise, Uint8Array};
use kappascope_ingest::profile::Mapping;
use session::{Session, Work};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{DedicatedWorkerGlobalScope, File, MessageChannel, MessageEvent, MessagePort};

/// How long a slice of work may take before messages are looked at: half a frame, so that a picture asked
/// for at its beginning is not late for the next.
const SLICE_MS: f64 = 8.0;

/// How long to rest between slices where the worker, the page and the browser's painting share
/// [`FEW_CORES`]: a worker that never rests takes its time from the picture that it is there for.
const REST_MS: i32 = 4;

/// See [`REST_MS`].
const FEW_CORES: f64 = 2.0;

/// How long to sleep when the next event has not arrived yet: half a frame.
const NAP_MS: i32 = 8;

/// How long a frame waits for a run after a change of settings to catch up before it shows part of it.
const PATIENCE_MS: f64 = 250.0;

/// Questions that wait until a run has caught up: the newest. A page asks two at a time, and shows the answer
/// to the last of each kind only.
const QUESTIONS: usize = 4;

/// Why nothing is explained of what only its results are known of.
const NO_LOG: &str = "The events are in the server; only the results come here.";

/// Starts the worker of simulated worlds: answers messages until the page goes away.
pub fn run() {
    start(&NoFiles);
}

/// Starts the worker that opens files as well.
pub fn run_with_files() {
    start(&reading::Reading);
}

/// What a worker does with files. The worker of the first load has nothing of it, so that it is small: only
/// through this trait and [`Feed`] may it be reached.
trait Files {
    /// Opens a data set that comes with the page, or a file of the user's.
    fn open(&self, host: &Rc<Host>, source: Source, file: Option<File>);

    /// Starts over with the open file by a mapping.
    fn run(&self, _host: &Rc<Host>, _source: &Source, _input: &Input, _mapping: &Mapping) {}

    /// Looks at the whole of the open file and says what it is.
    fn measure(&self, _host: &Rc<Host>, _source: Source, _input: Input) {}

    /// Listens to a feed, and shows what comes once it says of which pipeline it is.
    fn listen(&self, _host: &Rc<Host>, _address: &str) {}

    /// Reads the columns that are wanted of the open file, from the first row on, into the session.
    fn read(&self, _host: &Rc<Host>, _ticket: Ticket, _input: Input, _wanted: Vec<usize>) {}
}

/// What shows results that come from elsewhere, in place of a session. As for [`Files`].
trait Listener {
    /// Whether it knows the pipeline, so that there is something to show.
    fn is_open(&self) -> bool;

    /// What the page looks at from now on.
    fn look(&self, view: View);

    /// Draws another series.
    fn watch(&self, watch: Watch);

    /// The picture of now with its figures, if there is something new.
    fn frame(&self, now: f64) -> Option<(Frame, Vec<f64>)>;

    /// Listens no more.
    fn leave(&self);
}

/// The worker of the first load. The page asks another to open files.
struct NoFiles;

impl Files for NoFiles {
    fn open(&self, host: &Rc<Host>, source: Source, _file: Option<File>) {
        host.trouble(&source, "this worker opens no files; reload the page");
    }
}

fn start(files: &'static dyn Files) {
    console_error_panic_hook::set_once();
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let host = Host::new(scope.clone(), files);
    let receiver = Rc::clone(&host);
    let on_message =
        Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| receiver.receive(&event.data()));
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // The worker lives as long as the page: its one handler is never dropped.
    on_message.forget();
    host.tell(&Notice::Ready, None);
}

/// One reading of a source's file: one that is not the session's last stops.
#[derive(Clone, Copy)]
struct Ticket {
    number: u32,
    reading: u32,
}

/// The worker's side of the conversation.
struct Host {
    scope: DedicatedWorkerGlobalScope,
    files: &'static dyn Files,
    session: RefCell<Option<Session>>,
    /// What is listened to; once it is open there is no session.
    listener: RefCell<Option<Rc<dyn Listener>>>,
    /// Number of the source that was asked for last: an older one that is not understood yet is given up.
    asked: Cell<u32>,
    /// Number of the source that the session reads: one that another has replaced is read no further.
    open: Cell<u32>,
    /// What the session reads.
    source: RefCell<Option<Source>>,
    /// Number of the newest look at a whole file.
    look: Cell<u32>,
    /// Those who wait until the log has room.
    waiting: RefCell<Vec<Function>>,
    /// Whether a frame was asked for and not yet sent.
    wanted: Cell<bool>,
    last_frame_ms: Cell<f64>,
    scheduled: Cell<bool>,
    /// What was asked while a run caught up, the oldest first.
    questions: RefCell<VecDeque<(u32, Question)>>,
    yield_port: MessagePort,
    wake: RefCell<Option<Closure<dyn FnMut()>>>,
}

impl Host {
    fn new(scope: DedicatedWorkerGlobalScope, files: &'static dyn Files) -> Rc<Self> {
        let channel = MessageChannel::new().expect("every worker scope has message channels");
        let host = Rc::new(Self {
            scope,
            files,
            session: RefCell::new(None),
            listener: RefCell::default(),
            asked: Cell::new(0),
            open: Cell::new(0),
            source: RefCell::new(None),
            look: Cell::new(0),
            waiting: RefCell::default(),
            wanted: Cell::new(false),
            last_frame_ms: Cell::new(0.0),
            scheduled: Cell::new(false),
            questions: RefCell::default(),
            yield_port: channel.port2(),
            wake: RefCell::new(None),
        });
        let worker = Rc::clone(&host);
        let wake = Closure::<dyn FnMut()>::new(move || worker.work());
        channel.port1().set_onmessage(Some(wake.as_ref().unchecked_ref()));
        host.wake.replace(Some(wake));
        host
    }

    fn now_ms(&self) -> f64 {
        self.scope.performance().map_or(0.0, |performance| performance.now())
    }

    fn receive(self: &Rc<Self>, message: &JsValue) {
        let parts: &Array = message.unchecked_ref();
        match unpack(&Uint8Array::new(&parts.get(0)).to_vec()) {
            Ok(Command::Open(source)) => self.open(source, parts.get(1).dyn_into().ok()),
            Ok(Command::Run(mapping)) => self.run(&mapping),
            Ok(Command::Measure) => self.measure(),
            Ok(Command::StopMeasuring) => self.stop_looking(),
            Ok(Command::Rejected) => self.give_rejected(),
            Ok(Command::Explain(number, question)) => self.explain(number, question),
            Ok(Command::Export(export)) => self.export(export),
            Ok(Command::Frame(view)) => self.look(view),
            Ok(command) => self.steer(&command),
            Err(error) => self.tell(
                &Notice::Problem(format!("The page sent what the worker does not know: {error}")),
                None,
            ),
        }
        self.schedule();
    }

    fn steer(self: &Rc<Self>, command: &Command) {
        let now = self.now_ms();
        if let Some(session) = self.session.borrow_mut().as_mut() {
            session.steer(command, now);
        }
        if let (Some(listener), Command::Watch(watch)) = (self.open_listener(), command) {
            listener.watch(*watch);
        }
        self.read_anew();
    }

    /// A frame is wanted, of this.
    fn look(&self, view: View) {
        self.wanted.set(true);
        if let Some(session) = self.session.borrow_mut().as_mut() {
            session.look(view);
        }
        if let Some(listener) = self.open_listener() {
            listener.look(view);
        }
    }

    /// What is listened to and shown.
    fn open_listener(&self) -> Option<Rc<dyn Listener>> {
        self.listener.borrow().clone().filter(|listener| listener.is_open())
    }

    /// Listens to this and to nothing else; to nothing at all without one.
    fn listen(&self, listener: Option<Rc<dyn Listener>>) {
        if let Some(before) = self.listener.replace(listener) {
            before.leave();
        }
    }

    fn explain(&self, number: u32, question: Question) {
        let mut questions = self.questions.borrow_mut();
        questions.push_back((number, question));
        if questions.len() > QUESTIONS {
            questions.pop_front();
        }
        drop(questions);
        self.answer();
    }

    /// Answers what was asked, once a run after a change of settings has caught up: before that it would not
    /// know what the page shows.
    fn answer(&self) {
        let session = self.session.borrow();
        if session.is_none() && self.open_listener().is_some() {
            for (number, _) in self.questions.take() {
                self.tell(&Notice::Unexplained(number, NO_LOG.to_owned()), None);
            }
        }
        let Some(session) = session.as_ref().filter(|session| !session.is_catching_up()) else { return };
        for (number, question) in self.questions.take() {
            let notice = match answer::answer(session, &question) {
                Ok(answer) => Notice::Explained(number, Box::new(answer)),
                Err(why) => Notice::Unexplained(number, why),
            };
            self.tell(&notice, None);
        }
    }

    /// Writes a file of what came out so far.
    fn export(self: &Rc<Self>, export: Export) {
        let host = Rc::clone(self);
        spawn_local(async move {
            let notice = match host.write(export).await {
                Ok(parts) => return host.tell_file(export, &parts),
                Err(problem) => Notice::Problem(problem),
            };
            host.tell(&notice, None);
        });
    }

    async fn write(&self, export: Export) -> Result<Vec<Vec<u8>>, String> {
        let with =
            |session: &Session| -> Result<export::Writing, String> { export::Writing::new(session, export) };
        if export == Export::Snapshot {
            return self.look_at(|session| session.snapshot().map(|bytes| vec![bytes]));
        }
        let (mut writing, mut parts) = (self.look_at(with)?, Vec::new());
        while let Some(part) = self.look_at(|session| writing.next(session))? {
            parts.push(part);
            self.turn().await;
        }
        parts.push(self.look_at(|session| Ok(writing.end(session.refused())))?);
        Ok(parts)
    }

    fn look_at<T>(&self, look: impl FnOnce(&Session) -> Result<T, String>) -> Result<T, String> {
        self.session.borrow().as_ref().ok_or_else(|| "Nothing is open.".to_owned()).and_then(look)
    }

    /// Opens a source. What was open goes on until the new one is understood; a look at it does not.
    fn open(self: &Rc<Self>, source: Source, file: Option<File>) {
        self.stop_looking();
        if let Source::Live(address) = &source {
            return self.files.listen(self, address);
        }
        let Source::Scenario { name, seed, events, faults } = &source else {
            return self.files.open(self, source, file);
        };
        let number = self.ask();
        match Made::open(name, *seed, *events, faults) {
            Ok(world) => self.begin(number, source, world),
            Err(problem) => self.trouble(&source, &problem),
        }
    }

    /// Starts over with the open file. What was running goes on until the mapping is understood.
    fn run(self: &Rc<Self>, mapping: &Mapping) {
        if let Some((source, input)) = self.open_file() {
            self.files.run(self, &source, &input, mapping);
        }
    }

    /// Looks at the whole of the open file.
    fn measure(self: &Rc<Self>) {
        if let Some((source, input)) = self.open_file() {
            self.stop_looking();
            self.files.measure(self, source, input);
        }
    }

    /// A source cannot be opened or looked at.
    fn trouble(&self, source: &Source, problem: &str) {
        let (Source::File { name, .. }
        | Source::Sample(name)
        | Source::Scenario { name, .. }
        | Source::Live(name)) = source;
        self.tell(&Notice::Problem(format!("{name}: {problem}")), None);
    }

    fn stop_looking(&self) {
        self.look.set(self.look.get() + 1);
        self.tell(&Notice::Looking(None), None);
    }

    fn open_file(&self) -> Option<(Source, Input)> {
        let input = self.session.borrow().as_ref().and_then(Session::input).cloned();
        self.source.borrow().clone().zip(input)
    }

    fn give_rejected(&self) {
        let csv = self.session.borrow().as_ref().map(Session::refused_csv);
        self.tell(&Notice::Rejected(csv.unwrap_or_default()), None);
    }

    /// The number of a source that is asked for now.
    fn ask(&self) -> u32 {
        self.asked.set(self.asked.get() + 1);
        self.asked.get()
    }

    /// Whether no other source has been asked for since this one.
    fn is_wanted(&self, number: u32) -> bool {
        self.asked.get() == number
    }

    /// Replaces what was open.
    fn begin(self: &Rc<Self>, number: u32, source: Source, feed: Box<dyn Feed>) {
        let opened = Opened { source: source.clone(), spec: feed.spec().clone(), truth: feed.truth() };
        match Session::new(feed, self.now_ms()) {
            Ok(session) => {
                self.listen(None);
                self.source.replace(Some(source));
                self.session.replace(Some(session));
                self.open.set(number);
                self.tell(&Notice::Opened(Box::new(opened)), None);
                self.read_anew();
            }
            Err(error) => self.tell(&Notice::Problem(error.to_string()), None),
        }
        self.schedule();
    }

    /// Reads the open file from its start, if the session waits for that.
    fn read_anew(self: &Rc<Self>) {
        let unread = self.session.borrow_mut().as_mut().and_then(Session::take_unread);
        if let Some((reading, input, wanted)) = unread {
            self.files.read(self, Ticket { number: self.open.get(), reading }, input, wanted);
        }
    }

    /// Does something to the session, if it still wants this reading.
    fn with_session(
        &self,
        ticket: Ticket,
        act: impl FnOnce(&mut Session) -> Result<(), String>,
    ) -> Result<(), String> {
        let result = match self.session.borrow_mut().as_mut() {
            Some(session) if self.is_read(session, ticket) => act(session),
            _ => Ok(()),
        };
        self.schedule();
        result
    }

    fn is_read(&self, session: &Session, ticket: Ticket) -> bool {
        self.open.get() == ticket.number && session.is_reading(ticket.reading)
    }

    /// Waits until the session has room for more of its file; says no when it wants none.
    async fn has_room(&self, ticket: Ticket) -> bool {
        loop {
            match self.session.borrow_mut().as_mut() {
                Some(session) if self.is_read(session, ticket) => {
                    if session.has_room() {
                        return true;
                    }
                }
                _ => return false,
            }
            let room = Promise::new(&mut |resolve, _| self.waiting.borrow_mut().push(resolve));
            // Nobody refuses it: see `wake_readers`.
            let _ = JsFuture::from(room).await;
        }
    }

    /// Lets those who wait for room look again.
    fn wake_readers(&self) {
        for waiting in self.waiting.take() {
            // It only settles a promise, which cannot fail.
            let _ = waiting.call0(&JsValue::NULL);
        }
    }

    /// A file could not be read to its end.
    fn break_off(&self, ticket: Ticket, problem: &str) {
        if let Some(session) = self.session.borrow_mut().as_mut()
            && self.is_read(session, ticket)
        {
            session.fail();
            self.tell(&Notice::Problem(problem.to_owned()), None);
        }
        self.schedule();
    }

    /// Lets the browser deliver what else has come.
    async fn turn(&self) {
        self.sleep(0).await;
    }

    async fn sleep(&self, ms: i32) {
        let promise = Promise::new(&mut |resolve, _| {
            let _ = self.scope.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms);
        });
        // A timer that cannot be set leaves this waiting; there is none that refuses.
        let _ = JsFuture::from(promise).await;
    }

    /// One slice of work, then a frame if one is due, then the next slice.
    fn work(&self) {
        self.scheduled.set(false);
        let deadline = self.now_ms() + SLICE_MS;
        let work = match self.session.borrow_mut().as_mut() {
            Some(session) => session.work(|| self.now_ms(), deadline),
            None => Work::Nothing,
        };
        self.wake_readers();
        self.show();
        self.answer();
        match work {
            Work::More { awaited: false } if self.scope.navigator().hardware_concurrency() <= FEW_CORES => {
                self.schedule_in(REST_MS);
            }
            Work::More { .. } => self.schedule(),
            Work::Later => self.schedule_in(NAP_MS),
            Work::Stopped(problem) => {
                self.tell(&Notice::Problem(problem), None);
                self.schedule();
            }
            Work::Nothing => {}
        }
    }

    /// Sends the frame that was asked for, if there is something new to show.
    fn show(&self) {
        let now = self.now_ms();
        if let Some(listener) = self.open_listener() {
            if self.wanted.get()
                && let Some((frame, figures)) = listener.frame(now)
            {
                self.wanted.set(false);
                self.tell(&Notice::Frame(Box::new(frame)), Some(&figures));
            }
            return;
        }
        let mut session = self.session.borrow_mut();
        let Some(session) = session.as_mut().filter(|session| self.wanted.get() && session.is_changed())
        else {
            return;
        };
        if session.is_catching_up() && now - self.last_frame_ms.get() < PATIENCE_MS {
            return;
        }
        let (frame, figures) = session.frame(now);
        self.wanted.set(false);
        self.last_frame_ms.set(now);
        self.tell(&Notice::Frame(Box::new(frame)), Some(&figures));
    }

    fn schedule(&self) {
        if !self.scheduled.replace(true) {
            // Fails only for values that cannot be cloned; null can.
            let _ = self.yield_port.post_message(&JsValue::NULL);
        }
    }

    fn schedule_in(&self, ms: i32) {
        if self.scheduled.replace(true) {
            return;
        }
        if let Some(wake) = self.wake.borrow().as_ref() {
            let _ = self
                .scope
                .set_timeout_with_callback_and_timeout_and_arguments_0(wake.as_ref().unchecked_ref(), ms);
        }
    }

    /// Hands a file to the page, whose memory takes it over.
    fn tell_file(&self, export: Export, parts: &[Vec<u8>]) {
        let notice = Uint8Array::from(&pack(&Notice::Written(export))[..]);
        let arrays: Array = parts.iter().map(|part| JsValue::from(Uint8Array::from(&part[..]))).collect();
        let transfer: Array =
            arrays.iter().map(|part| JsValue::from(part.unchecked_into::<Uint8Array>().buffer())).collect();
        let message = Array::of2(&notice, &arrays);
        if let Err(error) = self.scope.post_message_with_transfer(&message, &transfer) {
            web_sys::console::error_1(&error);
        }
    }

    fn tell(&self, notice: &Notice, figures: Option<&[f64]>) {
        let notice = Uint8Array::from(&pack(notice)[..]);
        let sent = match figures {
            None => self.scope.post_message(&Array::of1(&notice)),
            Some(figures) => {
                let figures = Float64Array::from(figures);
                let transfer = Array::of1(&figures.buffer());
                self.scope.post_message_with_transfer(&Array::of2(&notice, &figures), &transfer)
            }
        };
        if let Err(error) = sent {
            web_sys::console::error_1(&error);
        }
    }
}
