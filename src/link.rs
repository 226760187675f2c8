//! The workers from the page's side: sends [`Command`]s, hands on [`Notice`]s.
//!
//! A message is an array of packed bytes and what comes beside them: to a worker `[command, File?]`, from it
//! `[notice, Float64Array?]`, or a written file as `[notice, Uint8Array[]]`.
//!
//! The first load brings the worker of simulated worlds. The one that also reads files is larger, and started
//! when the first is opened; it takes the other's place for good:
//!
//! ```text
//!   worker ───────── frames ──────────┤ ended
//!   worker_files      └ Open ─► Opened ├───── frames ─────►
//! ```
//!
//! **Invariant:** what is open goes on until a worker says that it has opened something else. No command leaves
//! before its worker said that it is ready.

use crate::js::words;
use crate::wire::{Command, Notice, Source, pack, unpack};
use js_sys::{Array, Uint8Array};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, File, MessageEvent, Worker, WorkerOptions, WorkerType};

/// What Trunk calls the script that loads the WebAssembly of the worker of simulated worlds.
const WORLDS: &str = "./worker_loader.js";

/// The same of the worker that reads files too.
const FILES: &str = "./worker_files_loader.js";

/// The page's end of the conversation. Lives as long as the page.
#[derive(Clone)]
pub(crate) struct Link(Rc<Ends>);

struct Ends {
    /// The one whose source is shown.
    current: RefCell<Option<Thread>>,
    /// The one that is to take its place, once it has opened something.
    coming: RefCell<Option<Thread>>,
    /// Whether any has said that it is ready.
    ready: Cell<bool>,
    /// The frame that was asked for last: one that takes another's place is asked anew.
    asked: RefCell<Option<Command>>,
    on_notice: Box<dyn Fn(Notice, JsValue)>,
    on_death: Box<dyn Fn(String)>,
}

/// A running worker.
struct Thread {
    worker: Worker,
    script: &'static str,
    /// Commands given before it is ready; `None` once it is.
    waiting: Option<Vec<(Command, Option<File>)>>,
    /// What it calls, kept as long as it may.
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Link {
    /// `on_notice` gets what the worker says, with what came beside it; `on_death` why it can say no more.
    pub(crate) fn new(
        on_notice: impl Fn(Notice, JsValue) + 'static,
        on_death: impl Fn(String) + 'static,
    ) -> Self {
        Self(Rc::new(Ends {
            current: RefCell::new(None),
            coming: RefCell::new(None),
            ready: Cell::new(false),
            asked: RefCell::new(None),
            on_notice: Box::new(on_notice),
            on_death: Box::new(on_death),
        }))
    }

    /// Ends the workers, whatever they are doing.
    pub(crate) fn close(&self) {
        self.0.current.take();
        self.0.coming.take();
    }

    /// Whether a worker has said that it is ready.
    pub(crate) fn is_ready(&self) -> bool {
        self.0.ready.get()
    }

    /// Sends a command to the worker whose source is shown, or to the one that can open this source.
    pub(crate) fn send(&self, command: Command, file: Option<File>) {
        let opens = match &command {
            Command::Open(Source::Scenario { .. }) => Some(WORLDS),
            Command::Open(Source::Sample(_) | Source::File { .. } | Source::Live(_)) => Some(FILES),
            _ => None,
        };
        if let Some(script) = opens {
            return self.open(script, command, file);
        }
        if matches!(command, Command::Frame { .. }) {
            self.0.asked.replace(Some(command.clone()));
        }
        if let Some(thread) = self.0.current.borrow_mut().as_mut() {
            thread.send(command, file);
        }
    }

    /// The worker that reads files opens everything.
    fn open(&self, script: &'static str, command: Command, file: Option<File>) {
        for place in [&self.0.coming, &self.0.current] {
            if let Some(thread) = place.borrow_mut().as_mut()
                && [script, FILES].contains(&thread.script)
            {
                return thread.send(command, file);
            }
        }
        match self.start(script) {
            Ok(mut thread) => {
                thread.send(command, file);
                self.0.coming.replace(Some(thread));
            }
            Err(error) => (self.0.on_death)(words(&error)),
        }
    }

    fn start(&self, script: &'static str) -> Result<Thread, JsValue> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(script, &options)?;
        let (link, from) = (self.clone(), worker.clone());
        let on_message =
            Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| link.hear(&from, &event));
        let (link, from) = (self.clone(), worker.clone());
        let on_error = Closure::<dyn FnMut(ErrorEvent)>::new(move |event: ErrorEvent| {
            // A script that cannot be loaded raises an event without a message.
            let message = event.message();
            link.end(&from, if message.is_empty() { "it could not be loaded".to_owned() } else { message });
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let waiting = Some(Vec::new());
        Ok(Thread { worker, script, waiting, _on_message: on_message, _on_error: on_error })
    }

    fn hear(&self, from: &Worker, event: &MessageEvent) {
        let message: Array = event.data().unchecked_into();
        match unpack(&Uint8Array::new(&message.get(0)).to_vec()) {
            Ok(Notice::Ready) => self.ready(from),
            Ok(notice) => {
                if matches!(notice, Notice::Opened(_)) {
                    self.settle(from);
                }
                (self.0.on_notice)(notice, message.get(1));
            }
            Err(error) => self.end(from, format!("it said what this page does not understand ({error})")),
        }
    }

    fn ready(&self, from: &Worker) {
        self.0.ready.set(true);
        for place in [&self.0.current, &self.0.coming] {
            if let Some(thread) = place.borrow_mut().as_mut().filter(|thread| thread.worker == *from) {
                thread.ready();
            }
        }
    }

    /// The worker that has opened something takes the place of the other.
    fn settle(&self, from: &Worker) {
        if !self.0.coming.borrow().as_ref().is_some_and(|thread| thread.worker == *from) {
            return;
        }
        let mut coming = self.0.coming.take();
        if let (Some(thread), Some(asked)) = (&mut coming, self.0.asked.borrow().clone()) {
            thread.send(asked, None);
        }
        self.0.current.replace(coming);
    }

    /// A worker says no more. One that has opened nothing yet leaves the other as it is.
    fn end(&self, from: &Worker, why: String) {
        let coming = self.0.coming.borrow().as_ref().is_some_and(|thread| thread.worker == *from);
        if coming && self.0.current.borrow().is_some() {
            self.0.coming.take();
            let problem = format!("The worker that opens it stopped: {why}. Open it again.");
            (self.0.on_notice)(Notice::Problem(problem), JsValue::UNDEFINED);
        } else {
            (self.0.on_death)(why);
        }
    }
}

impl Thread {
    fn send(&mut self, command: Command, file: Option<File>) {
        match &mut self.waiting {
            Some(waiting) => waiting.push((command, file)),
            None => self.post(&command, file.as_ref()),
        }
    }

    fn ready(&mut self) {
        for (command, file) in self.waiting.take().unwrap_or_default() {
            self.post(&command, file.as_ref());
        }
    }

    fn post(&self, command: &Command, file: Option<&File>) {
        let message = Array::of1(&Uint8Array::from(&pack(command)[..]));
        if let Some(file) = file {
            message.push(file);
        }
        if let Err(error) = self.worker.post_message(&message) {
            web_sys::console::error_1(&error);
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // What it has said and nobody has heard is not to be heard any more.
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}
