//! Listens to the feed of the server that the page came from, and shows what comes.
//!
//! ```text
//!   WebSocket ─► message ─► lines ─► Picture ─► frame        closed ─► wait, twice as long each time ─► WebSocket
//! ```
//!
//! **Invariant:** it goes to the page's own origin only. A message is taken once: after a new connection to the same
//! run those that were taken already are passed over, and those that were missed are counted as lost.

mod line;
mod picture;

use super::{Host, Listener};
use crate::js::{memory_bytes, words};
use crate::wire::{Frame, Listening, Notice, Opened, Source, View, Watch};
use js_sys::Promise;
use picture::{Ear, Heard};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{MessageEvent, Url, WebSocket, WorkerGlobalScope};

/// How long to wait after the first connection that broke off: a server that is started again needs a moment.
const FIRST_WAIT_MS: f64 = 500.0;

/// The longest wait: a person who starts the server again should not have to reload the page.
const LONGEST_WAIT_MS: f64 = 15_000.0;

/// A wait is shorter by up to this part, by chance, so that pages that lost the same server do not come back at once.
const JITTER: f64 = 0.5;

/// How often the page is told how long it will be.
const TICK_MS: f64 = 1_000.0;

/// Begins to listen, in place of what was listened to before.
pub(super) fn listen(host: &Rc<Host>, address: &str) {
    let live = Rc::new(Live {
        host: Rc::clone(host),
        number: host.ask(),
        address: address.to_owned(),
        ear: RefCell::default(),
        socket: RefCell::new(None),
        listening: Cell::new(Listening { retry_in: Some(0.0), lost: 0.0 }),
        left: Cell::new(false),
        heard: Cell::new(false),
        again: Cell::new(false),
        changed: Cell::new(false),
    });
    host.listen(Some(Rc::clone(&live) as Rc<dyn Listener>));
    spawn_local(live.go_on());
}

struct Live {
    host: Rc<Host>,
    /// Number of the source that this is.
    number: u32,
    address: String,
    ear: RefCell<Ear>,
    socket: RefCell<Option<WebSocket>>,
    listening: Cell<Listening>,
    /// Whether something else is shown by now.
    left: Cell<bool>,
    /// Whether this connection has given anything.
    heard: Cell<bool>,
    /// Whether to connect again at once.
    again: Cell<bool>,
    changed: Cell<bool>,
}

impl Live {
    /// Connects again and again, as long as anyone looks.
    async fn go_on(self: Rc<Self>) {
        let mut wait_ms = FIRST_WAIT_MS;
        while !self.left.get() {
            self.say(Some(0.0));
            self.heard.set(false);
            self.ear.borrow_mut().begin();
            if let Err(error) = self.connect().await {
                return self.host.trouble(&Source::Live(self.address.clone()), &words(&error));
            }
            if self.heard.get() {
                wait_ms = FIRST_WAIT_MS;
            }
            if !self.again.take() {
                self.wait(wait_ms * (1.0 - JITTER * js_sys::Math::random())).await;
                wait_ms = (2.0 * wait_ms).min(LONGEST_WAIT_MS);
            }
        }
    }

    /// One connection, from its beginning to its end.
    async fn connect(self: &Rc<Self>) -> Result<(), JsValue> {
        let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
        let url = Url::new_with_base(&self.address, &scope.location().href())?;
        url.set_protocol(if url.protocol() == "https:" { "wss:" } else { "ws:" });
        let socket = WebSocket::new(&url.href())?;
        let live = Rc::clone(self);
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(text) = event.data().as_string() {
                live.hear(&text);
            }
        });
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        // One that cannot be opened is closed, too.
        let closed = Promise::new(&mut |resolve, _| socket.set_onclose(Some(&resolve)));
        self.socket.replace(Some(socket.clone()));
        let _ = JsFuture::from(closed).await;
        socket.set_onmessage(None);
        self.socket.take();
        Ok(())
    }

    /// Waits, and tells the page how long it will be.
    async fn wait(&self, mut ms: f64) {
        while ms > 0.0 && !self.left.get() && !self.again.get() {
            self.say(Some(ms / 1_000.0));
            let nap = ms.min(TICK_MS);
            self.host.sleep(nap as i32).await;
            ms -= nap;
        }
        self.again.set(false);
    }

    fn say(&self, retry_in: Option<f64>) {
        self.listening.update(|listening| Listening { retry_in, ..listening });
        self.renew();
    }

    /// There is something new to show.
    fn renew(&self) {
        self.changed.set(true);
        self.host.schedule();
    }

    fn hear(self: &Rc<Self>, text: &str) {
        if self.left.get() {
            return;
        }
        self.heard.set(true);
        let now = self.host.now_ms();
        let heard = self.ear.borrow_mut().hear(text, now);
        match heard {
            Ok(Heard { another_run, lost }) => {
                let before = self.listening.get().lost;
                self.listening.set(Listening { retry_in: None, lost: before + lost as f64 });
                if another_run {
                    self.open();
                }
            }
            Err(problem) => self.host.tell(&Notice::Problem(problem), None),
        }
        self.renew();
    }

    /// Takes the place of what was open: the pipeline is known.
    fn open(&self) {
        if !self.host.is_wanted(self.number) {
            return;
        }
        let Some(spec) = self.ear.borrow().picture.as_ref().map(|picture| picture.spec().clone()) else {
            return;
        };
        let source = Source::Live(self.address.clone());
        self.host.source.replace(Some(source.clone()));
        self.host.session.replace(None);
        self.host.open.set(self.number);
        self.host.wake_readers();
        self.host.tell(&Notice::Opened(Box::new(Opened { source, spec, truth: Vec::new() })), None);
    }

    fn close(&self) {
        if let Some(socket) = self.socket.borrow().as_ref() {
            // A socket can always be closed without a reason.
            let _ = socket.close();
        }
    }
}

impl Listener for Live {
    fn is_open(&self) -> bool {
        self.ear.borrow().picture.is_some()
    }

    fn look(&self, view: View) {
        if let Some(picture) = self.ear.borrow_mut().picture.as_mut() {
            self.changed.set(self.changed.get() | picture.look(view));
        }
    }

    /// What was given before is in the server: it is heard again from there.
    fn watch(&self, watch: Watch) {
        if let Some(picture) = self.ear.borrow_mut().picture.as_mut()
            && picture.watch(watch)
        {
            self.again.set(true);
            self.changed.set(true);
            self.close();
        }
    }

    fn frame(&self, now: f64) -> Option<(Frame, Vec<f64>)> {
        let mut ear = self.ear.borrow_mut();
        let picture = ear.picture.as_mut()?;
        // A rate falls also when nothing comes.
        if !self.changed.replace(picture.is_moving(now)) {
            self.changed.set(false);
            return None;
        }
        let (mut frame, figures) = picture.frame(now);
        frame.listening = Some(self.listening.get());
        frame.memory_bytes = memory_bytes();
        Some((frame, figures))
    }

    fn leave(&self) {
        self.left.set(true);
        self.close();
    }
}
