//! The worker from the page's side: sends [`Command`]s, hands on [`Notice`]s.
//!
//! A message is an array: to the worker `[command, File?]`, from it `[notice, Float64Array?]`, or a written file
//! as `[notice, Uint8Array[]]`.
//!
//! **Invariant:** no command leaves before the worker said that it is ready, and none is lost meanwhile.

use crate::js::words;
use crate::wire::{Command, Notice};
use js_sys::Array;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, File, MessageEvent, Worker, WorkerOptions, WorkerType};

/// What Trunk calls the script that loads the worker's WebAssembly.
const SCRIPT: &str = "./worker_loader.js";

/// Commands given before the worker is ready; `None` once it is.
type Waiting = RefCell<Option<Vec<(Command, Option<File>)>>>;

/// A running worker.
#[derive(Clone)]
pub(crate) struct Link {
    worker: Worker,
    waiting: Rc<Waiting>,
}

impl Link {
    /// Starts the worker. `on_notice` gets what it says, with what came beside it; `on_death` why it
    /// can say no more.
    ///
    /// # Errors
    /// When the browser refuses to start a worker.
    pub(crate) fn start(
        on_notice: impl Fn(Notice, JsValue) + 'static,
        on_death: impl Fn(String) + 'static,
    ) -> Result<Self, String> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(SCRIPT, &options).map_err(|error| words(&error))?;
        let link = Self { worker, waiting: Rc::new(RefCell::new(Some(Vec::new()))) };
        link.listen(on_notice, Rc::new(on_death));
        Ok(link)
    }

    /// Ends the worker, whatever it is doing.
    pub(crate) fn end(&self) {
        self.worker.set_onerror(None);
        self.worker.set_onmessage(None);
        self.worker.terminate();
    }

    /// Whether the worker has said that it is ready.
    pub(crate) fn is_ready(&self) -> bool {
        self.waiting.borrow().is_none()
    }

    /// Sends a command, once the worker is ready for it.
    pub(crate) fn send(&self, command: Command, file: Option<File>) {
        match self.waiting.borrow_mut().as_mut() {
            Some(waiting) => waiting.push((command, file)),
            None => self.post(&command, file.as_ref()),
        }
    }

    fn post(&self, command: &Command, file: Option<&File>) {
        let sent = serde_wasm_bindgen::to_value(command).map_err(JsValue::from).and_then(|command| {
            let message = Array::of1(&command);
            if let Some(file) = file {
                message.push(file);
            }
            self.worker.post_message(&message)
        });
        if let Err(error) = sent {
            web_sys::console::error_1(&error);
        }
    }

    fn listen(&self, on_notice: impl Fn(Notice, JsValue) + 'static, on_death: Rc<impl Fn(String) + 'static>) {
        let (link, died) = (self.clone(), Rc::clone(&on_death));
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let message: Array = event.data().unchecked_into();
            match serde_wasm_bindgen::from_value(message.get(0)) {
                Ok(Notice::Ready) => link.ready(),
                Ok(notice) => on_notice(notice, message.get(1)),
                Err(error) => died(format!("it said what this page does not understand ({error})")),
            }
        });
        let on_error = Closure::<dyn FnMut(ErrorEvent)>::new(move |event: ErrorEvent| {
            // A script that cannot be loaded raises an event without a message.
            let message = event.message();
            on_death(if message.is_empty() { "it could not be loaded".to_owned() } else { message });
        });
        self.worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        self.worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        // Workers are few, and most live as long as the page: so do their two handlers.
        on_message.forget();
        on_error.forget();
    }

    fn ready(&self) {
        for (command, file) in self.waiting.take().unwrap_or_default() {
            self.post(&command, file.as_ref());
        }
    }
}
