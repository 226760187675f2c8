//! The card of the disorder chart: how far each event lay behind, the bound and the lateness as lines to
//! drag, and the classical picture of event time against arrival.
//!
//! **Invariant:** the lines are the scene's sliders by other means: the same setting, the same steps.

mod lift;

use self::lift::{Lift, PutBack};
use crate::chart::Caption;
use crate::chart::disorder::{Angle, DisorderChart, Dot, Events, Lines, Spot};
use crate::knob;
use crate::state::{Ghost, Pointed, Store, use_store};
use crate::text;
use crate::text::charts as words;
use crate::ui::slider::{BOUNDS, Ladder, WAITS};
use crate::view::easel::{Canvases, Easel, SaveMenu, is_scrolling, position};
use crate::view::{Drawing, groups};
use crate::wire::{Answer, Disorder, Fate, Frame, Question, View};
use kappascope_core::spec::WindowSpec;
use kappascope_core::{Millis, Spec};
use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{HtmlElement, KeyboardEvent, PointerEvent, WheelEvent};

/// Of how many events a person can choose to see the dots.
const COUNTS: [u32; 4] = [300, 1_000, 3_000, 10_000];

/// The first choice.
const COUNT: u32 = 1_000;

/// Lines nearer to each other than this share the width, so that both can be taken.
const CLOSE: f64 = 12.0;

/// Below this, in milliseconds, delays are told apart linearly when a line snaps to a step.
const SNAP_KNEE: f64 = 100.0;

/// The turn of a wheel that changes the number of events, in its own unit.
const TURN: f64 = 60.0;

/// A line that can be dragged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Bound,
    Lateness,
}

impl Line {
    fn ladder(self) -> Ladder {
        match self {
            Self::Bound => BOUNDS,
            Self::Lateness => WAITS,
        }
    }

    /// What the pipeline has it at, in milliseconds.
    fn of(self, store: Store) -> f64 {
        store.of_spec(|spec, watch| match self {
            Self::Bound => spec.watermark.bound.0,
            Self::Lateness => knob::query(spec, watch).map_or(0, |query| query.lateness.0),
        }) as f64
    }

    fn set(self, store: Store, ms: f64) {
        store.tune(|spec, watch| match self {
            Self::Bound => spec.watermark.bound = Millis(ms as i64),
            Self::Lateness => knob::change_query(spec, watch, |query| query.lateness = Millis(ms as i64)),
        });
    }
}

/// What stands between the card and the animation frame.
#[derive(Clone, Copy)]
pub(crate) struct DisorderEasel {
    easel: Easel<DisorderChart>,
    angle: RwSignal<Angle>,
    count: RwSignal<u32>,
    spot: RwSignal<Option<Spot>>,
    lines: RwSignal<Option<Lines>>,
    dragged: RwSignal<Option<Line>>,
    /// The event that is being given another time, with that time.
    lifted: RwSignal<Option<Dot>>,
}

impl DisorderEasel {
    /// An easel without a chart: the card puts one on it.
    pub(crate) fn new() -> Self {
        Self {
            easel: Easel::new(),
            angle: RwSignal::default(),
            count: RwSignal::new(COUNT),
            spot: RwSignal::new(None),
            lines: RwSignal::new(None),
            dragged: RwSignal::new(None),
            lifted: RwSignal::new(None),
        }
    }

    /// Reads the theme's colours again.
    pub(crate) fn renew_theme(self) {
        self.easel.renew_theme();
    }

    /// Gives a function what the chart shows of a frame.
    fn show<T>(self, store: Store, frame: &Frame, figures: &[f64], show: impl FnOnce(&Events<'_>) -> T) -> T {
        let (first_row, dots) = dots(frame, figures);
        let answer = store.inquiry.answer();
        let spec = store.spec.get_untracked();
        let watch = store.watch.get_untracked();
        let query = spec.as_deref().and_then(|spec| knob::query(spec, watch));
        let lifted = self.lifted.get_untracked();
        let dragged = lifted.is_some() || self.dragged.get_untracked().is_some();
        show(&Events {
            angle: self.angle.get_untracked(),
            first_row,
            dots,
            bound: spec.as_deref().map_or(0.0, |spec: &Spec| spec.watermark.bound.0 as f64),
            lateness: query.map_or(0.0, |query| query.lateness.0 as f64),
            window: query.map_or(WindowSpec::Global, |query| query.window),
            pointer: self.easel.pointer().filter(|_| !dragged),
            explained: match answer.as_deref() {
                Some(Answer::Event(fate)) => Some(fate.event.row),
                _ => None,
            },
            times: store.pointed(Pointed::Disorder).or(match answer.as_deref() {
                Some(Answer::Window(story)) => Some((story.start, story.end)),
                _ => None,
            }),
            lifted,
            moved: &frame.moved,
            dragged,
        })
    }

    /// Shows more or fewer events; says whether there was another choice.
    fn change_count(self, fewer: bool) -> bool {
        let at = COUNTS.iter().position(|count| *count == self.count.get_untracked()).unwrap_or(0);
        let next = if fewer { at.checked_sub(1) } else { Some(at + 1) };
        let Some(count) = next.and_then(|at| COUNTS.get(at)) else { return false };
        self.count.set(*count);
        self.easel.touch();
        true
    }

    /// What stands above the chart as a picture; its lines and dots are named beside it.
    fn caption(self, store: Store) -> Caption {
        let times =
            store.with_picture(|frame, figures| self.show(store, frame, figures, |events| events.arrivals()));
        let name = untrack(|| store.of_spec(|spec, _| spec.name.clone()));
        let about = words::caption(&name, times, words::BY_ARRIVAL);
        Caption { title: words::DISORDER.to_owned(), about, signs: Vec::new() }
    }

    fn save_svg(self, store: Store) {
        let (place, caption) = (self.easel.place(), self.caption(store));
        let image = store.with_picture(|frame, figures| {
            self.show(store, frame, figures, |events| {
                self.easel.with(|chart| chart.svg(place, events, &caption))
            })
        });
        if let Some(image) = image {
            store.download("disorder.svg", "image/svg+xml", &image);
        }
    }
}

impl Drawing for DisorderEasel {
    fn take_stale(&self) -> bool {
        self.easel.take_stale()
    }

    // A zoom of the main chart brings a new frame with the same events.
    fn differs(&self, before: &Ghost, frame: &Frame, figures: &[f64]) -> bool {
        dots(&before.frame, &before.figures) != dots(frame, figures) || before.frame.moved != frame.moved
    }

    fn draw(&self, store: Store, frame: &Frame, figures: &[f64], _: Option<&Ghost>) {
        if !self.easel.is_seen() {
            return;
        }
        let place = self.easel.place();
        let drawn =
            self.show(store, frame, figures, |events| self.easel.with(|chart| chart.draw(place, events)));
        let Some((spot, lines)) = drawn else { return };
        if self.spot.with_untracked(|before| *before != spot) {
            self.spot.set(spot);
        }
        if self.lines.with_untracked(|before| *before != lines) {
            self.lines.set(lines);
        }
        store.point_at(Pointed::Disorder, spot.map(|spot| (spot.dot.time, spot.dot.time)));
    }

    fn ask(&self, view: &mut View) {
        view.dots = if self.easel.is_seen() { self.count.get_untracked() } else { 0 };
    }
}

/// The events of a frame: the row of the first, and their figures.
fn dots<'f>(frame: &Frame, figures: &'f [f64]) -> (f64, &'f [[f64; Disorder::DOT]]) {
    let Disorder { first_row, dots, count } = frame.disorder;
    (first_row, groups(figures, dots, count))
}

/// The card of the disorder chart.
#[component]
pub(crate) fn DisorderCard(easel: DisorderEasel) -> impl IntoView {
    let store = use_store();
    let open = RwSignal::new(true);
    // What is drawn depends on these, and on every frame.
    Effect::new(move |_| {
        store.spec.track();
        store.inquiry.trail.track();
        store.watch.track();
        easel.angle.track();
        easel.dragged.track();
        easel.lifted.track();
        easel.easel.touch();
    });
    let about = move || match easel.angle.get() {
        Angle::Delay => words::BY_DELAY,
        Angle::EventTime => words::BY_EVENT_TIME,
    };
    view! {
        <section class="card" aria-label="Disorder" data-testid="disorder">
            <div class="card-head">
                <h2>
                    <button class="fold" aria-expanded=move || open.get().to_string() on:click=move |_| open.update(|open| *open = !*open)>
                        "Disorder"
                    </button>
                </h2>
                <span class="about">{about}</span>
                <Show when=move || open.get()>
                    <PutBack/>
                    <Count easel=easel/>
                    <Angles angle=easel.angle/>
                    <SaveMenu
                        what="disorder chart"
                        on_png=move || easel.easel.save_png(store, "disorder", &easel.caption(store))
                        on_svg=move || easel.save_svg(store)
                    />
                </Show>
            </div>
            <div class="plot low" hidden=move || !open.get()>
                <Picture easel=easel/>
            </div>
        </section>
    }
}

/// How many events are shown.
#[component]
fn Count(easel: DisorderEasel) -> impl IntoView {
    let choose = move |event| {
        if let Ok(count) = event_target_value(&event).parse() {
            easel.count.set(count);
            easel.easel.touch();
        }
    };
    view! {
        <select class="field small seldom" aria-label="Events shown" prop:value=move || easel.count.get().to_string() on:change=choose>
            {COUNTS.map(|count| view! {
                <option value=count.to_string() selected=count == COUNT>
                    {format!("last {}", text::count(f64::from(count)))}
                </option>
            })}
        </select>
    }
}

/// The switch between the two pictures.
#[component]
fn Angles(angle: RwSignal<Angle>) -> impl IntoView {
    let choice = move |this: Angle, name: &'static str| {
        view! {
            <button aria-pressed=move || (angle.get() == this).to_string() on:click=move |_| angle.set(this)>
                {name}
            </button>
        }
    };
    view! {
        <div class="switch" role="group" aria-label="Disorder by" data-testid="disorder-view">
            {choice(Angle::Delay, "Delay")}
            {choice(Angle::EventTime, "Event × arrival")}
        </div>
    }
}

#[component]
fn Picture(easel: DisorderEasel) -> impl IntoView {
    let store = use_store();
    let host = NodeRef::<Div>::new();
    let turned = StoredValue::new_local(0.0);
    let point = move |event: &PointerEvent| {
        if let Some(host) = host.get_untracked() {
            easel.easel.point(Some(position(event, &host)));
        }
    };
    let zoom = move |event: WheelEvent| {
        if is_scrolling(&event) {
            return;
        }
        let turn: f64 = turned.get_value() + event.delta_y();
        turned.set_value(if turn.abs() < TURN { turn } else { 0.0 });
        if turn.abs() < TURN || easel.change_count(turn < 0.0) {
            event.prevent_default();
        }
    };
    let lift = Lift::new(store, easel, host);
    let explain = move |_| match easel.spot.get_untracked() {
        Some(spot) if !lift.has_moved() => store.explain(Question::Event { row: spot.dot.row }),
        _ => {}
    };
    view! {
        <div
            class="canvases"
            class:on-dot=move || easel.spot.with(Option::is_some)
            class:lifted=move || easel.lifted.with(Option::is_some)
            node_ref=host
            on:pointerdown=move |event| lift.take(&event)
            on:pointermove=move |event| {
                point(&event);
                lift.drag(&event);
            }
            on:pointerup=move |_| lift.let_go()
            on:pointercancel=move |_| lift.leave()
            on:pointerleave=move |_| easel.easel.point(None)
            on:wheel=zoom
            on:click=explain
        >
            <div class="canvases" role="img" aria-label=move || summary(store, easel)>
                <Canvases easel=easel.easel/>
            </div>
            <Handle easel=easel host=host line=Line::Bound/>
            <Handle easel=easel host=host line=Line::Lateness/>
            <NoDots/>
        </div>
        <Tip easel=easel/>
    }
}

/// What the chart shows, for who cannot see it.
fn summary(store: Store, easel: DisorderEasel) -> String {
    store.explained.track();
    let fates =
        store.with_picture(|frame, figures| easel.show(store, frame, figures, |events| events.fates()));
    let count = |fate: Fate| format!("{} {}", text::count(fates[fate as usize] as f64), words::fate(fate));
    format!(
        "Of the last {}: {}, {}, {}, {}. The bound is {} and the lateness {}. The table of late events has those \
         that were dropped.",
        text::several(fates.iter().sum::<usize>() as f64, "event"),
        count(Fate::InOrder),
        count(Fate::Reordered),
        count(Fate::Corrected),
        count(Fate::Dropped),
        text::span(Line::Bound.of(store) as i64),
        text::span(Line::Lateness.of(store) as i64),
    )
}

#[component]
fn NoDots() -> impl IntoView {
    let store = use_store();
    let none = Memo::new(move |_| store.frame.with(|frame| frame.events == 0.0));
    view! {
        <Show when=move || none.get()>
            <p class="plot-empty">{words::NO_DOTS}</p>
        </Show>
    }
}

/// A line to drag: a slider whose steps are those of the scene's.
#[component]
fn Handle(easel: DisorderEasel, host: NodeRef<Div>, line: Line) -> impl IntoView {
    let store = use_store();
    let value = Memo::new(move |_| line.of(store));
    // Who takes a line and lets it go again means the dot that lies under it.
    let moved = StoredValue::new_local(false);
    let step = move || snap(line.ladder(), value.get());
    let (name, test_id, class) = match line {
        Line::Bound => ("Bound", "bound-handle", "handle bound"),
        Line::Lateness => ("Lateness", "lateness-handle", "handle lateness"),
    };
    let y = move || {
        let y = |lines: Lines| if line == Line::Bound { lines.bound } else { lines.lateness };
        format!("translateY({:.1}px)", easel.lines.get().map_or(0.0, y))
    };
    // Half of the width where the lines lie on each other.
    let close = move || easel.lines.get().is_some_and(|lines| lines.bound - lines.lateness < CLOSE);
    let reach = move || {
        let lines = easel.lines.get()?;
        let (from, to) = match (close(), line) {
            (false, _) => (0.0, 1.0),
            (true, Line::Bound) => (0.0, 0.5),
            (true, Line::Lateness) => (0.5, 1.0),
        };
        Some((lines.left + lines.width * from, lines.width * (to - from)))
    };
    let drag = move |event: PointerEvent| {
        if easel.dragged.get_untracked() != Some(line) {
            return;
        }
        if let Some(host) = host.get_untracked() {
            let (_, y) = position(&event, &host);
            if drag_to(store, easel, line, y) {
                moved.set_value(true);
            }
        }
    };
    let let_go = move |_| {
        if easel.dragged.get_untracked() == Some(line) {
            easel.dragged.set(None);
            store.let_go();
        }
    };
    view! {
        <div
            class=class
            class:taken=move || easel.dragged.get() == Some(line)
            role="slider"
            tabindex="0"
            data-testid=test_id
            aria-label=name
            aria-orientation="vertical"
            aria-valuemin="0"
            aria-valuemax=line.ladder().len() - 1
            aria-valuenow=step
            aria-valuetext=move || text::span(value.get() as i64)
            hidden=move || easel.lines.with(Option::is_none)
            style:transform=y
            style:left=move || reach().map(|(left, _)| format!("{left:.1}px"))
            style:width=move || reach().map(|(_, width)| format!("{width:.1}px"))
            on:pointerdown=move |event| {
                moved.set_value(false);
                take(easel, line, &event);
            }
            on:pointermove=drag
            on:pointerup=let_go
            on:pointercancel=let_go
            on:click=move |event| if moved.get_value() { event.stop_propagation() }
            on:keydown=move |event| press(store, line, &event)
            on:keyup=move |_| store.let_go()
        >
            <i></i>
        </div>
    }
}

fn take(easel: DisorderEasel, line: Line, event: &PointerEvent) {
    if event.button() != 0 {
        return;
    }
    let handle = event.current_target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
    if let Some(handle) = handle {
        // Without a hold on the pointer the line is dragged only as long as the pointer stays on it.
        let _ = handle.set_pointer_capture(event.pointer_id());
        let _ = handle.focus();
    }
    event.prevent_default();
    easel.dragged.set(Some(line));
}

/// Sets what lies at a height, at the nearest step. Says whether that is another than before.
fn drag_to(store: Store, easel: DisorderEasel, line: Line, y: f64) -> bool {
    let Some(delay) = easel.easel.with(|chart| chart.delay_at(y)).flatten() else { return false };
    let value = match line {
        Line::Bound => delay,
        Line::Lateness => (delay - untrack(|| Line::Bound.of(store))).max(0.0),
    };
    let next = line.ladder()[snap(line.ladder(), value)];
    let other = next != untrack(|| line.of(store));
    if other {
        line.set(store, next);
    }
    other
}

fn press(store: Store, line: Line, event: &KeyboardEvent) {
    let (ladder, last) = (line.ladder(), line.ladder().len() - 1);
    let at = snap(ladder, untrack(|| line.of(store)));
    let next = match event.key().as_str() {
        "ArrowUp" | "ArrowRight" => (at + 1).min(last),
        "ArrowDown" | "ArrowLeft" => at.saturating_sub(1),
        "PageUp" => (at + 3).min(last),
        "PageDown" => at.saturating_sub(3),
        "Home" => 0,
        "End" => last,
        _ => return,
    };
    event.prevent_default();
    event.stop_propagation();
    line.set(store, ladder[next]);
}

/// The step of a ladder of durations that looks nearest on the logarithmic scale.
fn snap(ladder: &[f64], ms: f64) -> usize {
    let look = |ms: f64| (ms / SNAP_KNEE).ln_1p();
    let away = |step: &usize| (look(ladder[*step]) - look(ms)).abs();
    (0..ladder.len()).min_by(|a, b| away(a).total_cmp(&away(b))).unwrap_or(0)
}

/// The event under the pointer.
#[component]
fn Tip(easel: DisorderEasel) -> impl IntoView {
    let store = use_store();
    let spot = easel.spot;
    let shift = move || {
        spot.get().map_or_else(String::new, |spot| {
            let side = if spot.right { "calc(-100% - 12px)" } else { "12px" };
            let rise = if spot.y > easel.easel.place().height / 2.0 { "calc(-100% - 6px)" } else { "6px" };
            format!("translate({:.1}px, {:.1}px) translate({side}, {rise})", spot.x, spot.y)
        })
    };
    let row = |name: &'static str, value: String| view! { <div>{name}<b>{value}</b></div> };
    let body = move || {
        spot.get().map(|Spot { dot, .. }| {
            let told = match easel.lifted.get() {
                Some(_) => words::LIFTED,
                None => words::told(&dot, untrack(|| Line::Bound.of(store))),
            };
            view! {
                <time>{told}</time>
                {row("Happened", text::clock(dot.time))}
                {row("Came", text::clock(dot.arrival))}
                {row("Behind the newest", text::span(dot.delay as i64))}
            }
        })
    };
    view! {
        <div class="tip at-dot" hidden=move || spot.with(Option::is_none) style:transform=shift aria-hidden="true">
            {body}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_snaps_to_the_step_that_looks_nearest() {
        assert_eq!(BOUNDS[snap(BOUNDS, 0.0)], 0.0);
        assert_eq!(BOUNDS[snap(BOUNDS, 5_400.0)], 5_000.0);
        assert_eq!(BOUNDS[snap(BOUNDS, 1e12)], *BOUNDS.last().unwrap());
        assert_eq!(WAITS[snap(WAITS, 20_000.0)], 30_000.0);
    }
}
