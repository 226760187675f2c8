//! Why: the selected anomaly, or the newest, with its arithmetic; and all alerts.

use crate::knob;
use crate::state::{Mark, Store, use_store};
use crate::text;
use crate::view::key_name;
use crate::wire::{AnomalyRow, Firing};
use kappascope_core::spec::DetectorKind;
use leptos::prelude::*;

/// A score this large says that the past had no spread at all.
const BEYOND_MEASURE: f64 = 1e6;

/// The column of explanations; below the charts where the page is narrower.
#[component]
pub(crate) fn Inspector() -> impl IntoView {
    view! {
        <aside class="inspector" aria-label="Inspector">
            <Explanation/>
            <Alerts/>
        </aside>
    }
}

#[component]
fn Explanation() -> impl IntoView {
    let store = use_store();
    let explained = Memo::new(move |_| store.anomaly());
    let selected = move || store.selected.with(Option::is_some);
    let fires = move || {
        let row = explained.get()?;
        let at = |firing: &Firing| firing.key == row.key && firing.start <= row.start;
        let open = |firing: &&Firing| at(firing) && firing.end.is_none_or(|end| row.start < end);
        store.explained.with(|frame| frame.firing.iter().find(open).map(|firing| firing.end.is_none()))
    };
    view! {
        <section class="inspect" data-testid="explain" aria-live="off">
            <h2>
                {move || if selected() { "Selected anomaly" } else { "Newest anomaly" }}
                {move || fires().map(|now| {
                    if now { view! { <span class="tag fire">"firing"</span> } } else { view! { <span class="tag">"alerted"</span> } }
                        .into_any()
                })}
                <span class="grow"></span>
                <Show when=selected>
                    <button class="link" on:click=move |_| store.selected.set(None)>"Follow the newest"</button>
                </Show>
            </h2>
            {move || match explained.get() {
                Some(row) => view! { <Arithmetic row=row/> }.into_any(),
                None => view! {
                    <p class="muted">
                        {if selected() {
                            "With these settings it is no anomaly, or it lies too far back to be listed."
                        } else {
                            "Nothing unusual so far. When a value leaves its band, the arithmetic behind it appears here."
                        }}
                    </p>
                }
                .into_any(),
            }}
        </section>
    }
}

#[component]
fn Arithmetic(row: AnomalyRow) -> impl IntoView {
    let store = use_store();
    let what = untrack(|| store.of_spec(text::charted));
    let dated = store.explained.with_untracked(|frame| text::needs_days(frame.span));
    let place = format!("{what} of {} in {}", key_name(&row.key), text::window(row.start, row.end, dated));
    let band = format!(
        "Expected {}, between {} and {}.",
        text::value(row.expected),
        text::value(row.low),
        text::value(row.high)
    );
    let kind = untrack(|| store.of_spec(|spec, watch| knob::detector(spec, watch).map(|d| d.kind.clone())));
    let threshold = kind.as_ref().and_then(DetectorKind::threshold).unwrap_or(0.0);
    let is_zscore = matches!(kind, Some(DetectorKind::Zscore(_)));
    view! {
        <p class="big">{text::value(row.value)} " " <small>{place}</small></p>
        <p class="muted">{band}</p>
        {if is_zscore { formula(&row, threshold) } else { plain(&row) }}
        <BandStrip row=row.clone()/>
        {what_if(&row)}
    }
}

/// The score of a detector whose arithmetic is not shown.
fn plain(row: &AnomalyRow) -> AnyView {
    view! { <p class="formula">"score = " <b>{text::fixed(row.score, 2)}</b></p> }.into_any()
}

fn formula(row: &AnomalyRow, threshold: f64) -> AnyView {
    if row.score.abs() >= BEYOND_MEASURE {
        return view! { <p class="formula">"deviation of the past = 0\nany other value is an anomaly"</p> }
            .into_any();
    }
    let distance = format!("({} − {})", text::value(row.value), text::value(row.expected));
    let deviation = text::value((row.value - row.expected) / row.score);
    view! {
        <p class="formula">
            {format!("z = (x − mean) / deviation\n  = {distance} / {deviation}\n  = ")}
            <b>{text::fixed(row.score, 2)}</b>
            {format!("   threshold {threshold}")}
        </p>
    }
    .into_any()
}

/// The smallest change that would have turned the verdict.
fn what_if(row: &AnomalyRow) -> impl IntoView + use<> {
    let above = row.value > row.expected;
    let (end, side) = if above { (row.high, "below") } else { (row.low, "above") };
    let silent = (row.score.abs() < BEYOND_MEASURE).then(|| {
        view! { ", or with a threshold above " <b>{text::fixed(row.score.abs(), 2)} " σ"</b> }
    });
    view! {
        <p class="what-if">
            "A value " {side} " " <b>{text::value(end)}</b> {silent} ", would have passed as normal."
        </p>
    }
}

/// Width and height of the drawing, in its own units.
const STRIP: (f64, f64) = (308.0, 68.0);
const STRIP_MARGIN: f64 = 24.0;

/// Least distance between two texts under the strip.
const STRIP_TEXT: f64 = 46.0;

/// The band and how far the value lies outside it.
#[component]
fn BandStrip(row: AnomalyRow) -> impl IntoView {
    let (low, high) = (row.low.min(row.value), row.high.max(row.value));
    let range = if high > low { high - low } else { 1.0 };
    let x = move |value: f64| STRIP_MARGIN + (value - low) / range * (STRIP.0 - 2.0 * STRIP_MARGIN);
    let edge = if row.value > row.expected { row.high } else { row.low };
    let (left, right) = (x(row.low), x(row.high));
    let texts = strip_texts(&row, x);
    view! {
        <svg class="band-strip" viewBox=format!("0 0 {} {}", STRIP.0, STRIP.1) aria-hidden="true">
            <rect class="band" x=left y="14" width=(right - left).max(1.0) height="32" rx="2"></rect>
            <line class="expected" x1=x(row.expected) x2=x(row.expected) y1="10" y2="50"></line>
            <line class="reach" x1=x(edge) x2=x(row.value) y1="30" y2="30"></line>
            <circle cx=x(row.value) cy="30" r="5"></circle>
            {texts.into_iter().map(|(at, text)| view! { <text x=at y="63">{text}</text> }).collect_view()}
        </svg>
    }
}

/// Texts under the strip: the value first, then what still has room.
fn strip_texts(row: &AnomalyRow, x: impl Fn(f64) -> f64) -> Vec<(f64, String)> {
    let wanted = [
        (row.value, text::short(row.value)),
        (row.expected, "expected".to_owned()),
        (row.high, text::short(row.high)),
        (row.low, text::short(row.low)),
    ];
    let mut texts: Vec<(f64, String)> = Vec::new();
    for (value, text) in wanted {
        let at = x(value);
        if texts.iter().all(|(other, _)| (other - at).abs() >= STRIP_TEXT) {
            texts.push((at, text));
        }
    }
    texts
}

#[component]
fn Alerts() -> impl IntoView {
    let store = use_store();
    let none = Memo::new(move |_| store.explained.with(|frame| frame.firing.is_empty()));
    let dated = Memo::new(move |_| store.explained.with(|frame| text::needs_days(frame.span)));
    let newest_first = move || store.explained.with(|frame| frame.firing.clone());
    view! {
        <section class="inspect">
            <h2>
                "All alerts"
                <span class="faint">{move || store.explained.with(|frame| text::count(frame.alerts))}</span>
            </h2>
            <ol data-testid="alerts">
                <For
                    each=newest_first
                    key=move |firing| (firing.id.clone(), firing.end.map(|end| end as i64), dated.get())
                    children=move |firing| alert_line(store, firing, dated.get_untracked())
                />
            </ol>
            <Show when=move || none.get()>
                <p class="muted">"None yet. An alert fires when an anomaly lasts as long as its rule says."</p>
            </Show>
        </section>
    }
}

fn alert_line(store: Store, firing: Firing, dated: bool) -> impl IntoView {
    let mark = Mark { key: firing.key.clone(), start: firing.start };
    let when = text::since(firing.start, firing.end, dated);
    let state = if firing.end.is_none() { "firing: " } else { "resolved: " };
    view! {
        <li>
            <button
                class="alert"
                class:firing=firing.end.is_none()
                title=text::full_day(firing.start as i64)
                on:click=move |_| store.selected.set(Some(mark.clone()))
            >
                <i aria-hidden="true"></i>
                <span>
                    <span class="unseen">{state}</span>
                    <span class="name">{firing.rule}</span>
                    " "
                    <span class="key">{key_name(&firing.key).to_owned()}</span>
                </span>
                <span class="when">{when}</span>
            </button>
        </li>
    }
}
