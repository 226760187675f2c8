//! Giving an event another time by dragging its dot.
//!
//! **Invariant:** nothing is sent while the dot is dragged; letting go moves the event, Escape leaves it.

use super::DisorderEasel;
use crate::chart::disorder::Dot;
use crate::state::{Store, use_store};
use crate::text::charts as words;
use crate::view::easel::position;
use crate::wire::Question;
use leptos::ev;
use leptos::html::Div;
use leptos::prelude::*;
use web_sys::PointerEvent;

/// How far a pointer has to go before it drags and does not click, in CSS pixels.
const LEAST: f64 = 4.0;

/// What the pointer has taken, and where.
#[derive(Clone, Copy)]
struct Taken {
    dot: Dot,
    y: f64,
}

/// A hand on the chart's dots.
#[derive(Clone, Copy)]
pub(super) struct Lift {
    store: Store,
    easel: DisorderEasel,
    host: NodeRef<Div>,
    taken: StoredValue<Option<Taken>>,
    /// Whether the click that ends a drag means the drag.
    moved: StoredValue<bool>,
}

impl Lift {
    pub(super) fn new(store: Store, easel: DisorderEasel, host: NodeRef<Div>) -> Self {
        let lift = Self { store, easel, host, taken: StoredValue::new(None), moved: StoredValue::new(false) };
        let escape = window_event_listener(ev::keydown, move |event| {
            if event.key() == "Escape" {
                lift.leave();
            }
        });
        on_cleanup(move || escape.remove());
        lift
    }

    /// Takes the dot under the pointer. On a touch screen a finger scrolls instead: the inspector has buttons.
    pub(super) fn take(self, event: &PointerEvent) {
        self.moved.set_value(false);
        // A line that lies over the dot has taken the pointer already.
        if event.button() != 0 || event.pointer_type() == "touch" || event.default_prevented() {
            return;
        }
        let (Some(spot), Some(host)) = (self.easel.spot.get_untracked(), self.host.get_untracked()) else {
            return;
        };
        // Without a hold on the pointer the dot is dragged only as long as the pointer stays on the chart.
        let _ = host.set_pointer_capture(event.pointer_id());
        self.taken.set_value(Some(Taken { dot: spot.dot, y: position(event, &host).1 }));
    }

    pub(super) fn drag(self, event: &PointerEvent) {
        let (Some(Taken { dot, y: from }), Some(host)) = (self.taken.get_value(), self.host.get_untracked())
        else {
            return;
        };
        let (_, y) = position(event, &host);
        if !self.moved.get_value() && (y - from).abs() < LEAST {
            return;
        }
        self.moved.set_value(true);
        let time = self.easel.easel.with(|chart| chart.time_at(&dot, y)).flatten();
        self.easel.lifted.set(time.map(|time| dot.at(time)));
    }

    /// Moves the event to where its dot is.
    pub(super) fn let_go(self) {
        if let Some(Dot { row, time, .. }) = self.easel.lifted.get_untracked() {
            self.store.move_event(row, Some(time));
            self.store.explain(Question::Event { row });
        }
        self.taken.set_value(None);
        self.easel.lifted.set(None);
    }

    /// Leaves the event at its time.
    pub(super) fn leave(self) {
        self.taken.set_value(None);
        self.easel.lifted.set(None);
    }

    /// Whether the pointer has dragged a dot since it was pressed.
    pub(super) fn has_moved(self) -> bool {
        self.moved.get_value()
    }
}

/// The button that gives all moved events their own times again.
#[component]
pub(super) fn PutBack() -> impl IntoView {
    let store = use_store();
    let moved = Memo::new(move |_| store.frame.with(|frame| frame.moved.len()));
    let put_back = move |_| {
        for (row, _) in &store.newest().moved {
            store.move_event(*row, None);
        }
    };
    view! {
        <Show when=move || moved.get() != 0>
            <button class="button small" data-testid="event-reset" title=words::PUT_BACK_TITLE on:click=put_back>
                {move || words::put_back(moved.get())}
            </button>
        </Show>
    }
}
