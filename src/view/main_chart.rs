//! The card of the main chart: its title, its two canvases and what the pointer finds on them.
//!
//! The chart is drawn by the page's animation frame through its [`Easel`], not by signals.

use crate::chart::{Chart, Hover, Picture, Place, columns};
use crate::state::{Ghost, Store, use_store};
use crate::text;
use crate::view::{Drawing, dot_class_at, key_name};
use crate::wire::{Frame, State, View};
use leptos::html::{Canvas, Div};
use leptos::prelude::*;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{HtmlElement, PointerEvent, ResizeObserver};

/// Distance of the box with the values from the crosshair.
const TIP_GAP: f64 = 12.0;

/// What stands between the card and the animation frame: the chart, its place and the pointer.
#[derive(Clone, Copy)]
pub(crate) struct Easel {
    inner: StoredValue<Rc<Inner>, LocalStorage>,
    hover: RwSignal<Option<Hover>>,
    on_label: RwSignal<bool>,
}

#[derive(Default)]
struct Inner {
    chart: RefCell<Option<Chart>>,
    place: Cell<Place>,
    /// Columns that the lines are reduced to.
    columns: Cell<u32>,
    pointer: Cell<Option<(f64, f64)>>,
    stale: Cell<bool>,
}

impl Easel {
    /// An easel without a chart: the card puts one on it.
    pub(crate) fn new() -> Self {
        Self {
            inner: StoredValue::new_local(Rc::default()),
            hover: RwSignal::new(None),
            on_label: RwSignal::new(false),
        }
    }

    fn inner(self) -> Rc<Inner> {
        self.inner.get_value()
    }

    /// The chart is to be drawn again with the next animation frame.
    pub(crate) fn touch(self) {
        self.inner().stale.set(true);
    }

    /// Reads the theme's colours again.
    pub(crate) fn renew_theme(self) {
        if let Some(chart) = self.inner().chart.borrow_mut().as_mut() {
            chart.renew_theme();
        }
        self.touch();
    }

    fn resize(self, place: Place) {
        self.inner().place.set(place);
        self.inner().columns.set(columns(place, &Frame::default()));
        self.touch();
    }

    fn point(self, pointer: Option<(f64, f64)>) {
        let inner = self.inner();
        inner.pointer.set(pointer);
        let chart = inner.chart.borrow();
        let label = pointer.and_then(|(x, y)| chart.as_ref()?.label_at(x, y));
        if self.on_label.get_untracked() != label.is_some() {
            self.on_label.set(label.is_some());
        }
        self.touch();
    }

    fn label_at(self, (x, y): (f64, f64)) -> Option<String> {
        self.inner().chart.borrow().as_ref()?.label_at(x, y).map(str::to_owned)
    }
}

impl Drawing for Easel {
    fn take_stale(&self) -> bool {
        self.inner().stale.replace(false)
    }

    fn draw(&self, store: Store, frame: &Frame, figures: &[f64], ghost: Option<&Ghost>) {
        let inner = self.inner();
        if let Some(chart) = inner.chart.borrow_mut().as_mut() {
            let hover = paint(chart, store, &inner, frame, figures, ghost);
            inner.columns.set(columns(inner.place.get(), frame));
            if self.hover.with_untracked(|before| *before != hover) {
                self.hover.set(hover);
            }
        }
    }

    fn ask(&self, view: &mut View) {
        view.pixels = self.inner().columns.get();
    }
}

fn paint(
    chart: &mut Chart,
    store: Store,
    inner: &Inner,
    frame: &Frame,
    figures: &[f64],
    ghost: Option<&Ghost>,
) -> Option<Hover> {
    let opened = store.opened.get_untracked();
    let mark = store.selected.get_untracked();
    let pinned = store.pinned.get_untracked();
    let pointer = inner.pointer.get();
    let pointed = pointer.and_then(|(x, y)| chart.label_at(x, y).map(str::to_owned));
    let newest = || frame.anomaly_rows.first().map(|row| row.key.as_str());
    let focus = pointed.as_deref().or(pinned.as_deref()).or(mark.as_ref().map(|mark| mark.key.as_str()));
    let picture = Picture {
        frame,
        figures,
        ghost,
        truth: opened.as_ref().map_or(&[], |opened| &opened.truth),
        window_ms: untrack(|| store.window_ms()) as f64,
        focus: focus.or_else(newest),
        mark: mark.as_ref(),
        pointer,
    };
    chart.draw(inner.place.get(), &picture)
}

/// The card of the main chart.
#[component]
pub(crate) fn MainChart(easel: Easel) -> impl IntoView {
    let store = use_store();
    // What is drawn depends on these, and on every frame.
    Effect::new(move |_| {
        store.selected.track();
        store.pinned.track();
        store.opened.track();
        easel.touch();
    });
    let empty = Memo::new(move |_| store.frame.with(|frame| frame.series.is_empty()));
    let since = Memo::new(move |_| store.controls.with(|frame| frame.drawn_since));
    let waiting = move || store.opened.with(Option::is_none);
    view! {
        <section class="card" aria-label="Main chart">
            <div class="card-head">
                <h2>{move || store.of_spec(text::chart_title)}</h2>
                <span class="about">
                    {move || store.of_spec(text::chart_about)}
                    {move || since.get().map(|since| format!(", since {}", text::full_day(since as i64)))}
                </span>
                <StateWord/>
            </div>
            <div class="plot" data-testid="chart" role="img" aria-label=move || summary(store) class:on-label=easel.on_label>
                <Canvases easel=easel/>
                <Show when=move || empty.get()>
                    <p class="plot-empty">
                        {move || if waiting() { "Opening the source" } else { "The first window closes when the watermark passes its end" }}
                    </p>
                </Show>
                <Tip hover=easel.hover/>
            </div>
        </section>
    }
}

/// What the chart shows, for who cannot see it; the table of windows has the figures.
fn summary(store: Store) -> String {
    store.explained.with(|frame| {
        let names: Vec<&str> = frame.series.iter().map(|series| key_name(&series.name)).collect();
        format!(
            "Chart of {} lines: {}. {} and {}. The table of windows has the newest figures.",
            names.len(),
            names.join(", "),
            text::several(frame.anomalies, "anomaly").replace("anomalys", "anomalies"),
            text::several(frame.alerts, "alert"),
        )
    })
}

#[component]
fn StateWord() -> impl IntoView {
    let store = use_store();
    let state = Memo::new(move |_| store.frame.with(|frame| frame.state));
    let word = move || match state.get() {
        State::Idle => "Opening",
        State::Running => "Running",
        State::Paused => "Paused",
        State::Done => "At the end",
        State::Failed => "Stopped",
    };
    view! {
        <span
            class="state"
            class:running=move || state.get() == State::Running
            class:failed=move || state.get() == State::Failed
            role="status"
        >
            {word}
        </span>
    }
}

#[component]
fn Canvases(easel: Easel) -> impl IntoView {
    let store = use_store();
    let (axes, data) = (NodeRef::<Canvas>::new(), NodeRef::<Canvas>::new());
    let host = NodeRef::<Div>::new();
    Effect::new(move |_| {
        let (Some(axes), Some(data), Some(host)) = (axes.get(), data.get(), host.get()) else { return };
        easel.inner().chart.replace(Chart::new(axes, data));
        easel.resize(Place::of(&host));
        store.ask();
        watch_size(easel, &host);
    });
    let at = |event: &PointerEvent| (f64::from(event.offset_x()), f64::from(event.offset_y()));
    view! {
        <div
            class="canvases"
            node_ref=host
            on:pointermove=move |event| easel.point(Some(at(&event)))
            on:pointerleave=move |_| easel.point(None)
            on:click=move |event| {
                let at = (f64::from(event.offset_x()), f64::from(event.offset_y()));
                if let Some(key) = easel.label_at(at) {
                    let again = store.pinned.with_untracked(|pinned| pinned.as_ref() == Some(&key));
                    store.pinned.set((!again).then_some(key));
                }
            }
        >
            <canvas node_ref=axes></canvas>
            <canvas node_ref=data></canvas>
        </div>
    }
}

fn watch_size(easel: Easel, host: &HtmlElement) {
    let element = host.clone();
    let on_resize = Closure::<dyn FnMut()>::new(move || easel.resize(Place::of(&element)));
    if let Ok(observer) = ResizeObserver::new(on_resize.as_ref().unchecked_ref()) {
        observer.observe(host);
    }
    // The chart stays as long as the page.
    on_resize.forget();
}

/// The values under the crosshair.
#[component]
fn Tip(hover: RwSignal<Option<Hover>>) -> impl IntoView {
    let store = use_store();
    let shift = move || {
        hover.with(|hover| {
            hover.as_ref().map_or_else(String::new, |hover| {
                let side =
                    if hover.right { format!("calc(-100% - {TIP_GAP}px)") } else { format!("{TIP_GAP}px") };
                format!("translateX({:.1}px) translateX({side})", hover.x)
            })
        })
    };
    let time = move || {
        let window_ms = store.window_ms();
        let dated = store.frame.with(|frame| text::needs_days(frame.span));
        hover.with(|hover| {
            hover.as_ref().map(|hover| text::window(hover.time, hover.time + window_ms as f64, dated))
        })
    };
    let values =
        move || hover.with(|hover| hover.as_ref().map_or_else(Vec::new, |hover| hover.values.clone()));
    let truth = move || hover.with(|hover| hover.as_ref().and_then(|hover| hover.truth.clone()));
    view! {
        <div class="tip" hidden=move || hover.with(Option::is_none) style:transform=shift aria-hidden="true">
            <time>{time}</time>
            {move || values().into_iter().map(|(place, name, value)| view! {
                <div>
                    <span class=dot_class_at(place)></span>
                    {key_name(&name).to_owned()}
                    <b>{text::value(value)}</b>
                </div>
            }).collect_view()}
            {move || truth().map(|what| view! { <time>"In truth: " {what}</time> })}
        </div>
    }
}
