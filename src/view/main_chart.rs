//! The card of the main chart: which series it draws, which times, and what the pointer finds on it.
//!
//! The chart is drawn by the page's animation frame through its [`MainEasel`], not by signals.
//!
//! **Invariant:** a person who chose times sees these until choosing others, whatever the engine does.

use crate::chart::{Caption, Chart, Hover, Picture, Sign, Step, columns, head_of};
use crate::knob;
use crate::state::{Ghost, Mark, Pointed, Store, use_store};
use crate::text;
use crate::text::charts as words;
use crate::view::easel::{Canvases, Easel, SaveMenu, is_scrolling, position};
use crate::view::pinned::{Pin, PinnedLine};
use crate::view::{Drawing, dot_class_at, key_name};
use crate::wire::{Frame, Question, State, View, Watch};
use kappascope_core::Spec;
use kappascope_core::spec::{Series, WindowSpec};
use leptos::html::Div;
use leptos::prelude::*;
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{HtmlElement, KeyboardEvent, PointerEvent, WheelEvent};

/// Distance of the box with the values from the crosshair.
const TIP_GAP: f64 = 12.0;

/// How much a turn of the wheel, or a key, zooms.
const ZOOM: f64 = 1.25;

/// How far a key moves the times, as a part of what is shown.
const PAN: f64 = 0.1;

/// The least that can be shown, in windows and in milliseconds.
const LEAST_WINDOWS: f64 = 3.0;
const LEAST_MS: f64 = 10.0;

/// A pointer that moved less than this, in CSS pixels, has clicked.
const CLICK: f64 = 4.0;

/// Which times are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Range {
    /// All.
    #[default]
    All,
    /// So many milliseconds up to the newest.
    Follow(f64),
    /// These, whatever comes.
    Hold(f64, f64),
}

impl Range {
    /// The range that shows these times of all there are.
    fn of(low: f64, high: f64, (first, last): (f64, f64)) -> Self {
        match (low <= first, high >= last) {
            (true, true) => Self::All,
            (false, true) => Self::Follow(high - low),
            (_, false) => Self::Hold(low, high),
        }
    }

    /// Times around one of them, shorter or longer by a factor, at least so long.
    fn zoomed((low, high): (f64, f64), around: f64, factor: f64, least: f64) -> (f64, f64) {
        let factor = factor.max(least / (high - low).max(1.0));
        (around - (around - low) * factor, around + (high - around) * factor)
    }
}

/// What stands between the card and the animation frame.
#[derive(Clone, Copy)]
pub(crate) struct MainEasel {
    easel: Easel<Chart>,
    hover: RwSignal<Option<Hover>>,
    /// Whether keys moved the crosshair, and not the pointer.
    by_keys: RwSignal<bool>,
    on_label: RwSignal<bool>,
    range: RwSignal<Range>,
    /// Results that there were when the times were held.
    held_at: RwSignal<f64>,
    hands: StoredValue<Rc<Hands>, LocalStorage>,
}

/// What the pointer is doing, and what the next frame is to show.
#[derive(Default)]
struct Hands {
    /// Columns that the lines are reduced to.
    columns: Cell<u32>,
    /// Times that were drawn, if not all.
    times: Cell<Option<(f64, f64)>>,
    pressed_at: Cell<Option<f64>>,
    brush: Cell<Option<(f64, f64)>>,
    /// Whether the click that comes now ends a brush.
    brushed: Cell<bool>,
}

impl MainEasel {
    /// An easel without a chart: the card puts one on it.
    pub(crate) fn new() -> Self {
        Self {
            easel: Easel::new(),
            hover: RwSignal::new(None),
            by_keys: RwSignal::new(false),
            on_label: RwSignal::new(false),
            range: RwSignal::default(),
            held_at: RwSignal::new(0.0),
            hands: StoredValue::new_local(Rc::default()),
        }
    }

    /// Reads the theme's colours again.
    pub(crate) fn renew_theme(self) {
        self.easel.renew_theme();
    }

    fn hands(self) -> Rc<Hands> {
        self.hands.get_value()
    }

    fn point(self, pointer: Option<(f64, f64)>) {
        self.easel.point(pointer);
        let on_label = pointer.is_some_and(|at| self.label_at(at).is_some());
        if self.on_label.get_untracked() != on_label {
            self.on_label.set(on_label);
        }
    }

    fn label_at(self, (x, y): (f64, f64)) -> Option<String> {
        self.easel.with(|chart| chart.label_at(x, y).map(str::to_owned)).flatten()
    }

    fn time_at(self, x: f64) -> Option<f64> {
        self.easel.with(|chart| chart.time_at(x)).flatten()
    }

    /// The times that are shown.
    fn shown(self) -> Option<(f64, f64)> {
        self.easel.with(|chart| chart.shown()).flatten()
    }

    /// Shows other times.
    fn choose(self, store: Store, low: f64, high: f64) {
        if let Some(span) = store.newest().span {
            self.set(store, Range::of(low, high, span));
        }
    }

    fn set(self, store: Store, range: Range) {
        let was_held = matches!(self.range.get_untracked(), Range::Hold(..));
        if matches!(range, Range::Hold(..)) && !was_held {
            self.held_at.set(results(&store.newest()));
        }
        if self.range.get_untracked() != range {
            self.range.set(range);
            self.easel.touch();
        }
    }

    fn zoom(self, store: Store, around: Option<f64>, factor: f64) {
        let Some((low, high)) = self.shown() else { return };
        let least = LEAST_MS.max(LEAST_WINDOWS * untrack(|| store.window_ms()) as f64);
        let (low, high) = Range::zoomed((low, high), around.unwrap_or((low + high) / 2.0), factor, least);
        self.choose(store, low, high);
    }

    /// Moves the times by a part of what is shown; says whether there is more than is shown.
    fn pan(self, store: Store, part: f64) -> bool {
        let (Some((low, high)), Some((first, last))) = (self.shown(), store.newest().span) else {
            return false;
        };
        if self.range.get_untracked() == Range::All {
            return false;
        }
        let by = (part * (high - low)).clamp((first - low).min(0.0), (last - high).max(0.0));
        self.choose(store, low + by, high + by);
        true
    }

    /// Holds the times that are shown, or follows the newest again.
    fn turn(self, store: Store) {
        match (self.range.get_untracked(), self.shown()) {
            (Range::Hold(low, high), _) => self.set(store, Range::Follow(high - low)),
            (_, Some((low, high))) => self.set(store, Range::Hold(low, high)),
            _ => {}
        }
    }

    /// The times to show of a frame; all when absent.
    fn times(self, frame: &Frame) -> Option<(f64, f64)> {
        match (self.range.get_untracked(), frame.span) {
            (Range::Hold(low, high), _) => Some((low, high)),
            (Range::Follow(length), Some((_, last))) => {
                let head = head_of(last, length);
                Some((head - length, head))
            }
            _ => None,
        }
    }

    /// Gives a function what the chart shows of a frame.
    fn show<T>(
        self,
        store: Store,
        (frame, figures): (&Frame, &[f64]),
        ghost: Option<&Ghost>,
        show: impl FnOnce(&Picture<'_>) -> T,
    ) -> T {
        let opened = store.opened.get_untracked();
        let mark = store.selected.get_untracked();
        let pinned = store.pinned.get_untracked();
        let pointer = self.easel.pointer();
        let pointed = pointer.and_then(|at| self.label_at(at));
        let newest = || frame.anomaly_rows.first().map(|row| row.key.as_str());
        let focus = pointed.as_deref().or(pinned.as_deref()).or(mark.as_ref().map(|mark| mark.key.as_str()));
        show(&Picture {
            frame,
            figures,
            ghost,
            truth: opened.as_ref().map_or(&[], |opened| &opened.truth),
            window_ms: untrack(|| store.window_ms()) as f64,
            focus: focus.or_else(newest),
            mark: mark.as_ref(),
            pointer,
            times: self.times(frame),
            brush: self.hands().brush.get(),
            cursor: store.pointed(Pointed::Main).map(|(time, _)| time),
        })
    }

    /// Moves the crosshair by a key; at the ends of what is shown, the times.
    fn step(self, store: Store, step: Step) {
        let place = self.easel.place();
        let next = store.with_picture(|frame, figures| {
            self.show(store, (frame, figures), None, |picture| {
                self.easel.with(|chart| chart.beside(place, picture, step)).flatten()
            })
        });
        match (next, step) {
            (Some(_), _) => self.point(next),
            (None, Step::Earlier) => drop(self.pan(store, -PAN)),
            (None, Step::Later) => drop(self.pan(store, PAN)),
            (None, Step::Above | Step::Below) => {}
        }
        self.by_keys.set(true);
    }

    /// Takes the crosshair away; says whether there was one.
    fn let_go(self) -> bool {
        let was = self.easel.pointer().is_some();
        self.point(None);
        was
    }

    /// What stands above the chart as a picture.
    fn caption(self, store: Store, picture: &Picture<'_>) -> Caption {
        let name = |at: usize| key_name(&picture.frame.series[at].name).to_owned();
        let band = picture.focus().filter(|at| picture.frame.series[*at].band_points > 0);
        let has = |there: bool, sign, words: &str| there.then(|| (sign, words.to_owned()));
        let anomalies = picture.frame.series.iter().any(|series| series.mark_points > 0);
        let signs = [
            band.map(|at| (Sign::Band(at), words::expected_of(&name(at)))),
            has(anomalies, Sign::Anomaly, words::ANOMALY),
            has(picture.firing().next().is_some(), Sign::Firing, words::FIRING),
            has(!picture.truth.is_empty(), Sign::Truth, words::TRUTH),
        ];
        let about = untrack(|| store.of_spec(|spec, watch| (spec.name.clone(), text::charted(spec, watch))));
        Caption {
            title: untrack(|| store.of_spec(text::chart_title)),
            about: words::caption(&about.0, self.shown().unwrap_or_default(), &about.1),
            signs: signs.into_iter().flatten().collect(),
        }
    }

    fn save_png(self, store: Store) {
        let caption = store.with_picture(|frame, figures| {
            self.show(store, (frame, figures), None, |picture| self.caption(store, picture))
        });
        self.easel.save_png(store, "chart", &caption);
    }

    fn save_svg(self, store: Store) {
        let place = self.easel.place();
        let image = store.with_picture(|frame, figures| {
            self.show(store, (frame, figures), None, |picture| {
                let caption = self.caption(store, picture);
                self.easel.with(|chart| chart.svg(place, picture, &caption))
            })
        });
        if let Some(image) = image {
            store.download("chart.svg", "image/svg+xml", &image);
        }
    }
}

/// Results of a frame: what is new while the times are held.
fn results(frame: &Frame) -> f64 {
    match frame.watch {
        Some(Watch::Points { .. }) => frame.events,
        _ => frame.windows,
    }
}

impl Drawing for MainEasel {
    fn take_stale(&self) -> bool {
        self.easel.take_stale()
    }

    fn draw(&self, store: Store, frame: &Frame, figures: &[f64], ghost: Option<&Ghost>) {
        let (hands, place) = (self.hands(), self.easel.place());
        let hover = self.show(store, (frame, figures), ghost, |picture| {
            hands.times.set(picture.times);
            self.easel.with(|chart| chart.draw(place, picture))
        });
        let Some(hover) = hover else { return };
        hands.columns.set(columns(place, frame));
        let window_ms = untrack(|| store.window_ms()) as f64;
        store.point_at(Pointed::Main, hover.as_ref().map(|hover| (hover.time, hover.time + window_ms)));
        if self.hover.with_untracked(|before| *before != hover) {
            self.hover.set(hover);
        }
    }

    fn ask(&self, view: &mut View) {
        view.pixels = self.hands().columns.get();
        view.times = self.hands().times.get();
    }
}

/// The card of the main chart.
#[component]
pub(crate) fn MainChart(easel: MainEasel) -> impl IntoView {
    let store = use_store();
    // What is drawn depends on these, and on every frame.
    Effect::new(move |_| {
        store.selected.track();
        store.pinned.track();
        easel.easel.touch();
    });
    // Another source or another series has other times.
    Effect::new(move |_| {
        store.opened.track();
        store.watch.track();
        easel.range.set(Range::All);
        easel.easel.touch();
    });
    let since = Memo::new(move |_| store.controls.with(|frame| frame.drawn_since));
    let keys = Memo::new(move |_| store.controls.with(|frame| (frame.series.len(), frame.keys)));
    view! {
        <section class="card" aria-label="Main chart">
            <div class="card-head">
                <Title/>
                <span class="about">
                    {move || text::keys_shown(keys.get()).map(|words| format!("{words}: "))}
                    {move || store.of_spec(text::chart_about)}
                    {move || since.get().map(|since| format!(", since {}", text::full_day(since as i64)))}
                </span>
                <Pin/>
                <Times easel=easel/>
                <SaveMenu
                    what="main chart"
                    on_png=move || easel.save_png(store)
                    on_svg=move || easel.save_svg(store)
                />
                <Show when=move || !store.is_live()><StateWord/></Show>
            </div>
            <PinnedLine/>
            <Plot easel=easel/>
        </section>
    }
}

/// What the chart draws: a menu where the pipeline has several series.
#[component]
fn Title() -> impl IntoView {
    let store = use_store();
    let series = Memo::new(move |_| store.of_spec(|spec, _| series(spec)));
    let title = move || store.of_spec(text::chart_title);
    let choose = move |event| {
        let chosen = event_target_value(&event).parse::<usize>().ok();
        if let Some((watch, _)) =
            chosen.and_then(|at| series.with_untracked(|series| series.get(at).cloned()))
        {
            store.draw(watch);
        }
    };
    let options = move || {
        let watch = store.watch.get();
        let option = |(at, (this, name)): (usize, (Watch, String))| {
            view! { <option value=at.to_string() selected=this == watch>{name}</option> }
        };
        series.get().into_iter().enumerate().map(option).collect_view()
    };
    view! {
        <h2>
            <Show when=move || { series.with(|series| series.len() > 1) } fallback=move || title()>
                <select class="title-menu" data-testid="series" aria-label="Series" on:change=choose>{options}</select>
            </Show>
        </h2>
    }
}

/// The series of a pipeline: the aggregates of its queries, and the measures that detectors read.
fn series(spec: &Spec) -> Vec<(Watch, String)> {
    let several = spec.query.len() > 1;
    let named = |watch: Watch, query: Option<&str>| {
        let title = text::chart_title(spec, watch);
        (watch, query.filter(|_| several).map_or_else(|| title.clone(), |query| format!("{query}: {title}")))
    };
    let aggregates = spec.query.iter().enumerate().flat_map(|(query, of)| {
        let watch = move |aggregate| Watch::Aggregate { query: query as u32, aggregate: aggregate as u32 };
        (0..of.aggregates.len()).map(move |aggregate| named(watch(aggregate), Some(&of.name)))
    });
    let measured = |on: &str| matches!(spec.series(on), Some(Series::Measure(_)));
    let detectors = spec.detector.iter().enumerate().filter(|(_, detector)| measured(&detector.on));
    let points = detectors.map(|(detector, _)| named(Watch::Points { detector: detector as u32 }, None));
    aggregates.chain(points).collect()
}

/// Whether the chart follows the newest, and back to all times.
#[component]
fn Times(easel: MainEasel) -> impl IntoView {
    let store = use_store();
    let held = move || matches!(easel.range.get(), Range::Hold(..));
    let new =
        Memo::new(move |_| held().then(|| store.frame.with(|frame| results(frame)) - easel.held_at.get()));
    let words = move || match new.get() {
        None => "Following".to_owned(),
        Some(new) if new > 0.0 => format!("{} new", text::count(new)),
        Some(_) => "Held".to_owned(),
    };
    let about = move || {
        if held() {
            "The chart stays; press to follow the newest"
        } else {
            "The chart follows the newest; press to hold it"
        }
    };
    view! {
        <button
            class="button small"
            data-testid="zoom-all"
            hidden=move || easel.range.get() == Range::All
            title="Shows all times again"
            on:click=move |_| easel.set(store, Range::All)
        >
            "All"
        </button>
        <button
            class="button small follow"
            data-testid="follow"
            aria-pressed=move || (!held()).to_string()
            title=about
            on:click=move |_| easel.turn(store)
        >
            {words}
        </button>
    }
}

#[component]
fn Plot(easel: MainEasel) -> impl IntoView {
    let store = use_store();
    let host = NodeRef::<Div>::new();
    let empty = Memo::new(move |_| store.frame.with(|frame| frame.series.is_empty()));
    let waiting = move || store.opened.with(Option::is_none);
    let at = move |event: &PointerEvent| host.get_untracked().map(|host| position(event, &host));
    let zoom = move |event: WheelEvent| {
        if !is_scrolling(&event) && turn(store, easel, &event, host.get_untracked().as_deref()) {
            event.prevent_default();
        }
    };
    view! {
        <div
            class="plot"
            data-testid="chart"
            role="img"
            tabindex="0"
            aria-keyshortcuts="+ - 0 ArrowLeft ArrowRight ArrowUp ArrowDown Enter"
            aria-label=move || summary(store)
            class:on-label=easel.on_label
            node_ref=host
            on:pointerdown=move |event| if let Some((x, _)) = at(&event) { easel.hands().press(&event, x) }
            on:pointermove=move |event| {
                let at = at(&event);
                easel.hands().brush_to(&event, at.map(|(x, _)| x));
                easel.by_keys.set(false);
                easel.point(at);
            }
            on:pointerup=move |_| release(store, easel)
            on:pointercancel=move |_| { easel.hands().forget(); }
            on:pointerleave=move |_| easel.point(None)
            on:click=move |_| click(store, easel)
            on:dblclick=move |_| easel.set(store, Range::All)
            on:wheel=zoom
            on:keydown=move |event| press(store, easel, &event)
            on:blur=move |_| if easel.by_keys.get_untracked() { easel.point(None) }
        >
            <Canvases easel=easel.easel/>
            <Show when=move || empty.get()>
                <p class="plot-empty">
                    {move || if waiting() { "Opening the source" } else { "The first window closes when the watermark passes its end" }}
                </p>
            </Show>
            <Tip hover=easel.hover/>
        </div>
        <p class="unseen" role="status" data-testid="read-out">{move || read_out(store, easel)}</p>
    }
}

/// What keys found on the chart, for who cannot see it.
fn read_out(store: Store, easel: MainEasel) -> String {
    if !easel.by_keys.get() {
        return String::new();
    }
    easel.hover.with(|hover| {
        let Some(hover) = hover else { return String::new() };
        let time = text::window(hover.time, hover.time + store.window_ms() as f64, false);
        let (near, others): (Vec<_>, Vec<_>) =
            hover.values.iter().partition(|(_, name, _)| Some(name) == hover.near.as_ref());
        let value =
            |(_, name, value): &&(usize, String, f64)| format!("{} {}", key_name(name), text::value(*value));
        let values: Vec<String> = near.iter().chain(&others).map(value).collect();
        format!("{time}: {}", values.join(", "))
    })
}

impl Hands {
    fn press(&self, event: &PointerEvent, x: f64) {
        self.brushed.set(false);
        self.pressed_at.set((event.button() == 0).then_some(x));
    }

    /// A pointer that is pressed and moves chooses times.
    fn brush_to(&self, event: &PointerEvent, x: Option<f64>) {
        let (Some(from), Some(to)) = (self.pressed_at.get(), x) else { return };
        if self.brush.get().is_none() && (to - from).abs() < CLICK {
            return;
        }
        if self.brush.replace(Some((from, to))).is_none() {
            let chart = event.current_target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
            // Without a hold on the pointer the brush ends where the chart does.
            let _ = chart.map(|chart| chart.set_pointer_capture(event.pointer_id()));
        }
    }

    fn forget(&self) -> Option<(f64, f64)> {
        self.pressed_at.set(None);
        self.brush.take()
    }
}

/// The times that were brushed are shown.
fn release(store: Store, easel: MainEasel) {
    let Some((from, to)) = easel.hands().forget() else { return };
    easel.hands().brushed.set(true);
    if let (Some(from), Some(to)) = (easel.time_at(from), easel.time_at(to)) {
        let (low, high) = (from.min(to), from.max(to));
        let least = LEAST_MS.max(LEAST_WINDOWS * untrack(|| store.window_ms()) as f64);
        let more = ((least - (high - low)) / 2.0).max(0.0);
        easel.choose(store, low - more, high + more);
    }
    easel.easel.touch();
}

/// A click on a key's name keeps its band; one on the lines selects the window of the nearest.
fn click(store: Store, easel: MainEasel) {
    if easel.hands().brushed.replace(false) {
        return;
    }
    if let Some(key) = easel.easel.pointer().and_then(|at| easel.label_at(at)) {
        let again = store.pinned.with_untracked(|pinned| pinned.as_ref() == Some(&key));
        return store.pinned.set((!again).then_some(key));
    }
    let Some(hover) = easel.hover.get_untracked() else { return };
    let Some(key) = hover.near else { return };
    let start = hover.time;
    let value = hover.values.iter().find(|(_, name, _)| *name == key).map(|(.., value)| *value);
    let question = match store.watch.get_untracked() {
        Watch::Aggregate { query, .. } => {
            let end = end_of(store, &key, start);
            end.map(|end| Question::Window { query, key: key.clone(), start, end })
        }
        Watch::Points { detector } => {
            value.map(|value| Question::Point { detector, key: key.clone(), time: start, value })
        }
    };
    if let Some(question) = question {
        store.explain(question);
    }
    store.selected.set(Some(Mark { key, start: hover.time }));
}

/// Where a window of the series ends, if that is known: by the kind of the windows, or by a result that the
/// tables have.
fn end_of(store: Store, key: &str, start: f64) -> Option<f64> {
    let watch = store.watch.get_untracked();
    let spec = store.spec.get_untracked()?;
    match knob::windows(&spec, watch) {
        WindowSpec::Tumbling { size, .. } | WindowSpec::Hopping { size, .. } => Some(start + size.0 as f64),
        _ => {
            let frame = store.newest();
            let row = frame.rows.iter().find(|row| row.key == key && row.start == start);
            row.map(|row| row.end)
        }
    }
}

/// The wheel zooms around the pointer and, turned sideways, moves the times. Says whether it did.
fn turn(store: Store, easel: MainEasel, event: &WheelEvent, host: Option<&HtmlElement>) -> bool {
    if event.delta_x().abs() > event.delta_y().abs() {
        return easel.pan(store, event.delta_x().signum() * PAN / 2.0);
    }
    let out = event.delta_y() > 0.0;
    if out && easel.range.get_untracked() == Range::All {
        return false;
    }
    let around = host.and_then(|host| easel.time_at(position(event, host).0));
    easel.zoom(store, around, if out { ZOOM } else { 1.0 / ZOOM });
    true
}

fn press(store: Store, easel: MainEasel, event: &KeyboardEvent) {
    if event.ctrl_key() || event.alt_key() || event.meta_key() || event.shift_key() && event.key() != "+" {
        return;
    }
    match event.key().as_str() {
        "+" | "=" => easel.zoom(store, None, 1.0 / ZOOM),
        "-" => easel.zoom(store, None, ZOOM),
        "0" => easel.set(store, Range::All),
        "ArrowLeft" => easel.step(store, Step::Earlier),
        "ArrowRight" => easel.step(store, Step::Later),
        "ArrowUp" => easel.step(store, Step::Above),
        "ArrowDown" => easel.step(store, Step::Below),
        "Enter" => click(store, easel),
        "Escape" if easel.let_go() => {}
        _ => return,
    }
    event.prevent_default();
    event.stop_propagation();
}

/// What the chart shows, for who cannot see it; the table of windows has the figures.
fn summary(store: Store) -> String {
    store.explained.with(|frame| {
        let names: Vec<&str> = frame.series.iter().map(|series| key_name(&series.name)).collect();
        format!(
            "Chart of {}: {}. {} and {}. The table of windows has the newest figures.",
            text::keys_shown((names.len(), frame.keys))
                .unwrap_or_else(|| text::several(names.len() as f64, "line")),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_all_follow_the_head_or_stay() {
        let span = (0.0, 100.0);
        assert_eq!(Range::of(-5.0, 120.0, span), Range::All);
        assert_eq!(Range::of(40.0, 100.0, span), Range::Follow(60.0));
        assert_eq!(Range::of(10.0, 30.0, span), Range::Hold(10.0, 30.0));
        assert_eq!(Range::of(-10.0, 30.0, span), Range::Hold(-10.0, 30.0));
    }

    #[test]
    fn zooming_keeps_what_is_under_the_pointer() {
        assert_eq!(Range::zoomed((0.0, 100.0), 25.0, 0.5, 1.0), (12.5, 62.5));
        assert_eq!(Range::zoomed((0.0, 100.0), 50.0, 0.1, 80.0), (10.0, 90.0), "no further than the least");
        assert_eq!(Range::zoomed((0.0, 100.0), 50.0, 2.0, 80.0), (-50.0, 150.0));
    }
}
