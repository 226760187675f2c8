//! What stands between a card and the animation frame: a chart, its place, the pointer, and whether anybody
//! sees it.
//!
//! **Invariant:** a chart that nobody sees asks the worker for nothing.

use crate::chart::{Art, Caption, Ground, Place};
use crate::js::words;
use crate::state::{Store, use_store};
use crate::ui::icon::Icon;
use crate::ui::menu::{Item, Menu};
use leptos::ev;
use leptos::html::{Canvas, Div};
use leptos::prelude::*;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{
    HtmlElement, IntersectionObserver, IntersectionObserverEntry, MouseEvent, ResizeObserver, WheelEvent,
};

/// A gesture of the wheel that began elsewhere goes on scrolling the page when it comes over a chart, unless
/// it rests for so long.
const GESTURE_MS: f64 = 350.0;

thread_local! {
    /// When the wheel last scrolled the page.
    static SCROLLED_MS: Cell<f64> = const { Cell::new(f64::NEG_INFINITY) };
}

/// Notices when the wheel scrolls the page.
pub(super) fn notice_scrolling() {
    // The page never goes away, and its listeners stay with it.
    let _ = window_event_listener(ev::wheel, |event| {
        if !event.default_prevented() {
            SCROLLED_MS.set(event.time_stamp());
        }
    });
}

/// Whether a turn of the wheel over a chart scrolls the page and is not meant for the chart.
pub(super) fn is_scrolling(event: &WheelEvent) -> bool {
    !event.ctrl_key() && event.time_stamp() - SCROLLED_MS.get() < GESTURE_MS
}

/// A place for a chart of some kind; copied freely.
pub(crate) struct Easel<C: 'static> {
    inner: StoredValue<Rc<Inner<C>>, LocalStorage>,
}

impl<C> Clone for Easel<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Easel<C> {}

struct Inner<C> {
    chart: RefCell<Option<C>>,
    place: Cell<Place>,
    pointer: Cell<Option<(f64, f64)>>,
    stale: Cell<bool>,
    seen: Cell<bool>,
}

impl<C: Art> Easel<C> {
    /// An easel without a chart: the card puts one on it.
    pub(crate) fn new() -> Self {
        let inner = Inner {
            chart: RefCell::new(None),
            place: Cell::default(),
            pointer: Cell::new(None),
            stale: Cell::new(false),
            seen: Cell::new(false),
        };
        Self { inner: StoredValue::new_local(Rc::new(inner)) }
    }

    fn inner(self) -> Rc<Inner<C>> {
        self.inner.get_value()
    }

    /// The chart is to be drawn again with the next animation frame.
    pub(crate) fn touch(self) {
        self.inner().stale.set(true);
    }

    /// Whether it has to be drawn again; asking makes it fresh.
    pub(crate) fn take_stale(self) -> bool {
        self.inner().stale.replace(false)
    }

    /// Reads the theme's colours again.
    pub(crate) fn renew_theme(self) {
        self.with(Art::renew_theme);
        self.touch();
    }

    /// Whether the chart is on the screen.
    pub(crate) fn is_seen(self) -> bool {
        self.inner().seen.get()
    }

    pub(crate) fn place(self) -> Place {
        self.inner().place.get()
    }

    /// Where the pointer is, in CSS pixels.
    pub(crate) fn pointer(self) -> Option<(f64, f64)> {
        self.inner().pointer.get()
    }

    pub(crate) fn point(self, pointer: Option<(f64, f64)>) {
        self.inner().pointer.set(pointer);
        self.touch();
    }

    /// Does something with the chart, if there is one.
    pub(crate) fn with<T>(self, act: impl FnOnce(&mut C) -> T) -> Option<T> {
        self.inner().chart.borrow_mut().as_mut().map(act)
    }

    /// Puts the chart on its canvases and keeps to their place.
    fn mount(self, chart: Option<C>, host: &HtmlElement) {
        let inner = self.inner();
        inner.chart.replace(chart);
        let (element, easel) = (host.clone(), self);
        let settle = move || {
            easel.inner().place.set(Place::of(&element));
            easel.touch();
        };
        settle();
        let on_resize = Closure::<dyn FnMut()>::new(settle);
        if let Ok(observer) = ResizeObserver::new(on_resize.as_ref().unchecked_ref()) {
            observer.observe(host);
        }
        let on_seen = Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
            let newest: Option<IntersectionObserverEntry> = entries.pop().dyn_into().ok();
            easel.inner().seen.set(newest.is_some_and(|entry| entry.is_intersecting()));
            // What comes into sight shows what is there, also when no more frames come.
            easel.touch();
        });
        match IntersectionObserver::new(on_seen.as_ref().unchecked_ref()) {
            Ok(observer) => observer.observe(host),
            Err(_) => inner.seen.set(true),
        }
        // The browser lets go of observers with the element; what they call is small.
        on_resize.forget();
        on_seen.forget();
    }

    /// The canvases go away.
    fn leave(self) {
        if let Some(inner) = self.inner.try_get_value() {
            inner.seen.set(false);
            inner.pointer.set(None);
            inner.chart.replace(None);
        }
    }

    /// Hands the browser a PNG of the chart, below a caption.
    pub(crate) fn save_png(self, store: Store, name: &str, caption: &Caption) {
        match self.with(|chart| chart.png(caption)) {
            Some(Ok(address)) => store.save(&format!("{name}.png"), &address),
            Some(Err(error)) => {
                store.problem.set(Some(format!("The browser gave no picture: {}.", words(&error))));
            }
            None => {}
        }
    }
}

/// Where a pointer is within an element, in CSS pixels.
pub(super) fn position(event: &MouseEvent, element: &HtmlElement) -> (f64, f64) {
    let place = element.get_bounding_client_rect();
    (f64::from(event.client_x()) - place.left(), f64::from(event.client_y()) - place.top())
}

/// The two canvases of a chart, which lie on each other.
#[component]
pub(crate) fn Canvases<C: Art>(easel: Easel<C>) -> impl IntoView {
    let store = use_store();
    let (axes, data) = (NodeRef::<Canvas>::new(), NodeRef::<Canvas>::new());
    let host = NodeRef::<Div>::new();
    Effect::new(move |_| {
        let (Some(axes), Some(data), Some(host)) = (axes.get(), data.get(), host.get()) else { return };
        easel.mount(Ground::new(axes, data).map(C::on), &host);
        store.ask();
    });
    on_cleanup(move || easel.leave());
    view! {
        <div class="canvases" node_ref=host>
            <canvas node_ref=axes></canvas>
            <canvas node_ref=data></canvas>
        </div>
    }
}

/// The chart as a picture.
#[component]
pub(crate) fn SaveMenu(
    /// What is saved, for who cannot see the card around.
    what: &'static str,
    on_png: impl Fn() + Send + Sync + 'static,
    on_svg: impl Fn() + Send + Sync + 'static,
) -> impl IntoView {
    let item = |words, about, test_id, act| Item { words, about, test_id, only_narrow: false, act };
    let items = vec![
        item("PNG", "As it is on the screen", "save-png", Callback::new(move |()| on_png())),
        item("SVG", "For print, at any size", "save-svg", Callback::new(move |()| on_svg())),
    ];
    let label = format!("Save the {what} as a picture");
    view! { <Menu label=label icon=Icon::Save look="icon-button small" test_id="save" items=items/> }
}
