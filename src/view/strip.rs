//! The pipeline in one line: its stages with what they hold, and between them what flows.

use crate::state::use_store;
use crate::text;
use crate::view::scene::partitions;
use crate::wire::{Frame, State};
use leptos::prelude::*;

/// Source, log, watermark, windows, detector, alerts.
#[component]
pub(crate) fn Strip() -> impl IntoView {
    let store = use_store();
    let figure = move |write: fn(&Frame) -> String| move || store.frame.with(|frame| write(frame));
    let firing =
        Memo::new(move |_| store.frame.with(|frame| frame.firing.iter().filter(|f| f.end.is_none()).count()));
    let late = Memo::new(move |_| store.frame.with(|frame| frame.late > 0.0));
    view! {
        <div class="strip" role="list" aria-label="Pipeline">
            <Stage name="Source">
                {move || store.opened.with(|opened| opened.as_ref().map_or_else(|| "opening".to_owned(), |o| partitions(&o.spec)))}
            </Stage>
            <Edge>{figure(|frame| format!("{}/s", text::short(frame.events_per_second)))}</Edge>
            <Stage name="Log">{figure(|frame| text::count(frame.events))}</Stage>
            <Edge>{figure(|frame| format!("lag {}", text::short(frame.waiting)))}</Edge>
            <Stage name="Watermark">
                <span class="watermark">{move || store.frame.with(|frame| watermark(frame))}</span>
            </Stage>
            <Edge><span class:late=late>{figure(|frame| format!("{} late", text::short(frame.late)))}</span></Edge>
            <Stage name="Windows">{figure(|frame| format!("{} open", text::count(frame.open_windows)))}</Stage>
            <Edge>{figure(|frame| text::short(frame.windows))}</Edge>
            <Stage name="Detector">{figure(|frame| format!("{} series", text::count(f64::from(frame.keys))))}</Stage>
            <Edge>{figure(|frame| text::short(frame.anomalies))}</Edge>
            <div class="stage" class:firing=move || firing.get() != 0 role="listitem">
                <b>"Alerts"</b>
                <span>
                    {move || match firing.get() {
                        0 => store.frame.with(|frame| format!("{} fired", text::short(frame.alerts))),
                        now => format!("{now} firing"),
                    }}
                </span>
            </div>
        </div>
    }
}

fn watermark(frame: &Frame) -> String {
    match frame.watermark {
        Some(time) => text::moment(time, 1_000),
        None if frame.state == State::Done => "end of time".to_owned(),
        None => "not yet".to_owned(),
    }
}

#[component]
fn Stage(name: &'static str, children: Children) -> impl IntoView {
    view! {
        <div class="stage" role="listitem">
            <b>{name}</b>
            <span>{children()}</span>
        </div>
    }
}

#[component]
fn Edge(children: Children) -> impl IntoView {
    view! { <div class="edge" aria-hidden="true"><span>{children()}</span></div> }
}
