//! The tab with the distribution of the first measure: a histogram, its percentiles as lines, and as a table.

use crate::chart::distribution::{DistributionChart, PERCENTILES, Spread};
use crate::state::{Ghost, Store, use_store};
use crate::text;
use crate::view::easel::{Canvases, Easel};
use crate::view::{Drawing, groups, use_easels};
use crate::wire::{self, Frame, View};
use leptos::prelude::*;

/// What stands between the tab and the animation frame.
#[derive(Clone, Copy)]
pub(crate) struct DistributionEasel {
    easel: Easel<DistributionChart>,
    logarithmic: RwSignal<bool>,
}

impl DistributionEasel {
    /// An easel without a chart: the tab puts one on it.
    pub(crate) fn new() -> Self {
        Self { easel: Easel::new(), logarithmic: RwSignal::new(false) }
    }

    /// Reads the theme's colours again.
    pub(crate) fn renew_theme(self) {
        self.easel.renew_theme();
    }
}

impl Drawing for DistributionEasel {
    fn take_stale(&self) -> bool {
        self.easel.take_stale()
    }

    fn draw(&self, _: Store, frame: &Frame, figures: &[f64], _: Option<&Ghost>) {
        let Some(of) = frame.distribution.as_ref().filter(|_| self.easel.is_seen()) else { return };
        let (Some(range), Some(percentiles)) = (of.range, of.percentiles) else { return };
        let logarithmic = self.logarithmic.get_untracked();
        let spread = Spread { bins: groups(figures, of.bins, of.count), range, percentiles, logarithmic };
        let place = self.easel.place();
        self.easel.with(|chart| chart.draw(place, &spread));
    }

    fn ask(&self, view: &mut View) {
        view.spread |= self.easel.is_seen();
    }
}

/// What is known of a distribution, in order: names and values.
fn figures(of: &wire::Distribution) -> Vec<(&'static str, String)> {
    let mut figures = vec![("Events", text::count(of.events))];
    if let (Some(percentiles), Some((least, largest))) = (of.percentiles, of.range) {
        figures.push(("Least", text::value(least)));
        figures.extend(PERCENTILES.into_iter().zip(percentiles.map(text::value)));
        figures.push(("Largest", text::value(largest)));
    }
    figures
}

/// The tab's content.
#[component]
pub(crate) fn DistributionTab() -> impl IntoView {
    let store = use_store();
    let DistributionEasel { easel, logarithmic } = use_easels().distribution;
    Effect::new(move |_| {
        logarithmic.track();
        easel.touch();
    });
    let of = Memo::new(move |_| {
        store.explained.with(|frame| frame.distribution.as_ref().map(|of| (of.measure.clone(), figures(of))))
    });
    let none = Memo::new(move |_| {
        store.spec.with(|spec| spec.as_ref().is_some_and(|spec| spec.schema.measures.is_empty()))
    });
    let choice = move |this: bool, name: &'static str| {
        view! {
            <button aria-pressed=move || (logarithmic.get() == this).to_string() on:click=move |_| logarithmic.set(this)>
                {name}
            </button>
        }
    };
    let measure = move || of.get().map(|(measure, _)| measure).unwrap_or_default();
    view! {
        <div class="spread" data-testid="distribution">
            <div class="spread-plot" role="img" aria-label=move || format!("Histogram of {}; the table beside it has the percentiles", measure())>
                <Canvases easel=easel/>
            </div>
            <div class="spread-side">
                <div class="switch" role="group" aria-label="Scale of the values">
                    {choice(false, "Linear")}
                    {choice(true, "Log")}
                </div>
                <table>
                    <caption>{measure}</caption>
                    <tbody>
                        {move || of.get().map(|(_, figures)| figures).unwrap_or_default().into_iter()
                            .map(|(name, value)| view! { <tr><th scope="row" class="text">{name}</th><td>{value}</td></tr> })
                            .collect_view()}
                    </tbody>
                </table>
            </div>
            <Show when=move || none.get()>
                <p class="empty">"This pipeline has no measure, and so there is nothing to distribute."</p>
            </Show>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_come_in_rising_order_and_of_no_events_only_the_count() {
        let mut of = wire::Distribution { events: 3.0, ..wire::Distribution::default() };
        assert_eq!(figures(&of), [("Events", "3".to_owned())]);
        (of.percentiles, of.range) = (Some([2.0, 3.0, 4.0, 5.0]), Some((1.0, 6.0)));
        let values: Vec<String> = figures(&of).into_iter().skip(1).map(|(_, value)| value).collect();
        assert_eq!(values, ["1", "2", "3", "4", "5", "6"]);
    }
}
