//! The chart below the dial of the slow sink: what waits for it, and how old that is.

use crate::chart::sink::{Queue, SinkChart};
use crate::state::{Ghost, Store, use_store};
use crate::text::charts as words;
use crate::view::easel::{Canvases, Easel};
use crate::view::{Drawing, groups, use_easels};
use crate::wire::{Frame, View};
use leptos::prelude::*;

/// What stands between the chart and the animation frame.
#[derive(Clone, Copy)]
pub(crate) struct SinkEasel {
    easel: Easel<SinkChart>,
}

impl SinkEasel {
    /// An easel without a chart: the dial puts one on it.
    pub(crate) fn new() -> Self {
        Self { easel: Easel::new() }
    }

    /// Reads the theme's colours again.
    pub(crate) fn renew_theme(self) {
        self.easel.renew_theme();
    }
}

/// The queue of a frame; none where the sink is fast enough.
fn queue<'a>(store: Store, frame: &Frame, figures: &'a [f64]) -> Option<Queue<'a>> {
    let sink = frame.sink.as_ref()?;
    let capacity = store.sink.with_untracked(|sink| sink.as_ref().map(|sink| f64::from(sink.capacity)))?;
    Some(Queue { samples: groups(figures, sink.samples, sink.count), capacity })
}

impl Drawing for SinkEasel {
    fn take_stale(&self) -> bool {
        self.easel.take_stale()
    }

    fn draw(&self, store: Store, frame: &Frame, figures: &[f64], _: Option<&Ghost>) {
        if !self.easel.is_seen() {
            return;
        }
        let place = self.easel.place();
        if let Some(queue) = queue(store, frame, figures) {
            self.easel.with(|chart| chart.draw(place, &queue));
        }
    }

    // A slow sink is in every frame.
    fn ask(&self, _: &mut View) {}
}

/// The chart of the slow sink that is on.
#[component]
pub(crate) fn SinkPicture() -> impl IntoView {
    let store = use_store();
    let SinkEasel { easel } = use_easels().sink;
    let summary = Memo::new(move |_| {
        store.explained.track();
        store.with_picture(|frame, figures| {
            queue(store, frame, figures)
                .map_or_else(String::new, |queue| words::sink(&queue.most(), queue.capacity))
        })
    });
    view! {
        <div class="plot sink" role="img" data-testid="sink-chart" aria-label=summary><Canvases easel=easel/></div>
        <p class="effect">{words::BLOCKED}</p>
    }
}
