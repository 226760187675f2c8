//! What the page tells scripts and the curious: `globalThis.kappascope.stats()`, and the meter of its
//! own frames.
//!
//! A frame's time runs from the start of the page's animation-frame callback until the page's thread is
//! free again after style, layout and paint: a message posted inside the callback is delivered then, as
//! a task of its own. Every animation frame from the worker's first picture on counts; loading does not.
//!
//! **Invariant:** figures are those of the newest frame from the worker, not of the text on the page,
//! which is renewed less often.

use crate::js::{memory_bytes, words};
use crate::state::Store;
use crate::wire::{Frame, State};
use js_sys::{Function, Object, Reflect};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{MessageChannel, MessagePort, Performance};

/// How many frames the percentiles look back on: ten seconds at 60 a second.
const FRAMES_KEPT: usize = 600;

/// Measures how long the page's thread is busy with each frame.
pub(crate) struct Meter {
    clock: Performance,
    port: MessagePort,
    began: Cell<f64>,
    frames: Cell<u32>,
    times: RefCell<Vec<f64>>,
}

impl Meter {
    /// A meter that has seen nothing.
    ///
    /// # Errors
    /// When the browser has no clock or no message channels.
    pub(crate) fn new() -> Result<Rc<Self>, String> {
        let clock = web_sys::window().and_then(|window| window.performance()).ok_or("there is no clock")?;
        let channel = MessageChannel::new().map_err(|error| words(&error))?;
        let meter = Rc::new(Self {
            clock,
            port: channel.port2(),
            began: Cell::new(0.0),
            frames: Cell::new(0),
            times: RefCell::default(),
        });
        let receiver = Rc::clone(&meter);
        let on_free = Closure::<dyn FnMut()>::new(move || receiver.end());
        channel.port1().set_onmessage(Some(on_free.as_ref().unchecked_ref()));
        // The meter runs as long as the page.
        on_free.forget();
        Ok(meter)
    }

    /// Milliseconds since the page was opened.
    pub(crate) fn now_ms(&self) -> f64 {
        self.clock.now()
    }

    /// To be called first in an animation-frame callback.
    pub(crate) fn begin(&self) {
        self.began.set(self.clock.now());
        // Fails only for values that cannot be cloned; null can.
        let _ = self.port.post_message(&JsValue::NULL);
    }

    fn end(&self) {
        let (frame, mut times) = (self.frames.get() as usize, self.times.borrow_mut());
        let time = self.clock.now() - self.began.get();
        if times.len() < FRAMES_KEPT {
            times.push(time);
        } else {
            times[frame % FRAMES_KEPT] = time;
        }
        self.frames.set(self.frames.get().wrapping_add(1));
    }

    /// The time that so many of 100 frames stay within.
    fn percentile(&self, percent: usize) -> f64 {
        let mut times = self.times.borrow().clone();
        times.sort_unstable_by(f64::total_cmp);
        times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied().unwrap_or(0.0)
    }
}

/// Puts `kappascope.stats()` into the global scope.
///
/// # Errors
/// When the global scope cannot be written to.
pub(crate) fn publish(store: Store, meter: Rc<Meter>) -> Result<(), JsValue> {
    let stats = Closure::<dyn Fn() -> Object>::new(move || figures(store, &meter)).into_js_value();
    let stats: Function = stats.unchecked_into();
    let page = Object::new();
    Reflect::set(&page, &"stats".into(), &stats)?;
    Reflect::set(&js_sys::global(), &"kappascope".into(), &page)?;
    Ok(())
}

fn figures(store: Store, meter: &Meter) -> Object {
    let frame = store.newest();
    let object = Object::new();
    let set = |name: &str, value: JsValue| {
        // Setting a property of a plain object cannot fail.
        let _ = Reflect::set(&object, &name.into(), &value);
    };
    set("events", frame.events.into());
    set("eventsPerSecond", frame.events_per_second.into());
    set("windows", frame.windows.into());
    set("late", frame.late.into());
    set("rejected", frame.rejected.into());
    set("alerts", frame.alerts.into());
    set("digest", frame.digest.as_str().into());
    set("frameMsP50", meter.percentile(50).into());
    set("frameMsP99", meter.percentile(99).into());
    set("frames", meter.frames.get().into());
    set("memoryBytes", frame.memory_bytes.into());
    set("pageBytes", memory_bytes().into());
    set("workerQueue", frame.waiting.into());
    set("state", serde_wasm_bindgen::to_value(&state(&frame)).unwrap_or(JsValue::UNDEFINED));
    object
}

/// What the engine is doing. A log at its end that is run again by other settings is done when it is there again.
fn state(frame: &Frame) -> State {
    if frame.state == State::Done && frame.waiting > 0.0 { State::Running } else { frame.state }
}
