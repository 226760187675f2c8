//! The tab with the lag: how far the watermark and each partition lay behind, as strips of heat and as a table.

use crate::chart::lag::{LagChart, Lags, MOST_STRIPS, Moment, name_of};
use crate::state::{Ghost, Store, use_store};
use crate::text;
use crate::view::easel::{Canvases, Easel, position};
use crate::view::{Drawing, use_easels};
use crate::wire::{Frame, View};
use leptos::html::Div;
use leptos::prelude::*;

/// What stands between the tab and the animation frame.
#[derive(Clone, Copy)]
pub(crate) struct LagEasel {
    easel: Easel<LagChart>,
    moment: RwSignal<Option<Moment>>,
}

impl LagEasel {
    /// An easel without a chart: the tab puts one on it.
    pub(crate) fn new() -> Self {
        Self { easel: Easel::new(), moment: RwSignal::new(None) }
    }

    /// Reads the theme's colours again.
    pub(crate) fn renew_theme(self) {
        self.easel.renew_theme();
    }
}

/// What a frame has of lags.
fn lags<'a>(frame: &Frame, figures: &'a [f64], pointer: Option<(f64, f64)>) -> Lags<'a> {
    let (partitions, first) = (frame.lag.partitions as usize, frame.lag.samples as usize);
    let count = frame.lag.count as usize * (partitions + 2);
    Lags { samples: figures.get(first..first + count).unwrap_or_default(), partitions, pointer }
}

impl Drawing for LagEasel {
    fn take_stale(&self) -> bool {
        self.easel.take_stale()
    }

    fn draw(&self, _: Store, frame: &Frame, figures: &[f64], _: Option<&Ghost>) {
        if !self.easel.is_seen() {
            return;
        }
        let (place, lags) = (self.easel.place(), lags(frame, figures, self.easel.pointer()));
        let moment = self.easel.with(|chart| chart.draw(place, &lags)).flatten();
        if self.moment.with_untracked(|before| *before != moment) {
            self.moment.set(moment);
        }
    }

    fn ask(&self, view: &mut View) {
        view.spread |= self.easel.is_seen();
    }
}

/// A lag in words.
fn words(lag: f64) -> String {
    if lag < 0.0 { "–".to_owned() } else { text::span(lag as i64) }
}

/// The tab's content.
#[component]
pub(crate) fn LagTab() -> impl IntoView {
    let store = use_store();
    let LagEasel { easel, moment } = use_easels().lag;
    let host = NodeRef::<Div>::new();
    let rows = Memo::new(move |_| {
        store.explained.track();
        store.with_picture(|frame, figures| lags(frame, figures, None).summary())
    });
    let left_out = move || rows.with(|rows| rows.len().saturating_sub(MOST_STRIPS));
    view! {
        <div class="spread" data-testid="lag">
            <div
                class="spread-plot"
                node_ref=host
                on:pointermove=move |event| easel.point(host.get_untracked().map(|host| position(&event, &host)))
                on:pointerleave=move |_| easel.point(None)
            >
                <div class="canvases" role="img" aria-label="Lag of the watermark and of each partition over arrival time; the table beside it has the figures">
                    <Canvases easel=easel/>
                </div>
                <Tip moment=moment/>
            </div>
            <div class="spread-side">
                <table>
                    <caption>"Behind the newest event"</caption>
                    <thead><tr><td></td><th scope="col">"Now"</th><th scope="col">"Most"</th></tr></thead>
                    <tbody>
                        {move || rows.get().into_iter().take(MOST_STRIPS).enumerate()
                            .map(|(strip, (now, most))| view! {
                                <tr><th scope="row" class="text">{name_of(strip)}</th><td>{words(now)}</td><td>{words(most)}</td></tr>
                            })
                            .collect_view()}
                    </tbody>
                </table>
                <Show when=move || { left_out() > 0 }>
                    <p class="empty">{move || format!("{} are not shown.", text::several(left_out() as f64, "more partition"))}</p>
                </Show>
            </div>
        </div>
    }
}

/// The lags under the pointer.
#[component]
fn Tip(moment: RwSignal<Option<Moment>>) -> impl IntoView {
    let shift = move || {
        moment.get().map_or_else(String::new, |moment| {
            let side = if moment.right { "calc(-100% - 12px)" } else { "12px" };
            format!("translateX({:.1}px) translateX({side})", moment.x)
        })
    };
    let body = move || {
        moment.get().map(|moment| {
            let lags = moment.lags.into_iter().enumerate();
            let row = |(strip, lag)| view! { <div>{name_of(strip)}<b>{words(lag)}</b></div> };
            view! { <time>{text::clock(moment.arrival)}</time>{lags.map(row).collect_view()} }
        })
    };
    view! {
        <div class="tip" hidden=move || moment.with(Option::is_none) style:transform=shift aria-hidden="true">{body}</div>
    }
}
