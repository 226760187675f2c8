//! The detector of the charted series: its kind, and the settings that this kind has.

use super::window::Picker;
use super::{Hand, More, Refusal, Section, at_first, of_spec};
use crate::knob;
use crate::knob::detector::{self as knobs, KINDS, Reach, SETTINGS, SWITCHES, Setting, Unit};
use crate::state::{Store, use_store};
use crate::text;
use crate::ui::slider::Slider;
use crate::wire::Watch;
use kappascope_core::Millis;
use kappascope_core::spec::{DetectorKind, Series};
use leptos::prelude::*;

/// What a rate is for and a silence is counted in where no window says.
const MINUTE: Millis = Millis(60_000);

/// The fourth section.
#[component]
pub(super) fn DetectorSection() -> impl IntoView {
    let store = use_store();
    let has = Memo::new(move |_| kind_now(store).is_some());
    let about = of_spec(|spec, watch| match knob::detector(spec, watch) {
        Some(detector) => format!("{} of {}", detector.kind.title(), detector.on),
        None => "none".to_owned(),
    });
    view! {
        <Section number="4" id="section-detector" name="Detector" about=about>
            <Show when=move || has.get() fallback=Unjudged>
                <Kind/>
                <Settings folded=false/>
                <Folded/>
            </Show>
            <Others/>
        </Section>
    }
}

fn kind_now(store: Store) -> Option<DetectorKind> {
    store.of_spec(|spec, watch| knob::detector(spec, watch).map(|detector| detector.kind.clone()))
}

/// What can be done where nothing judges the series.
#[component]
fn Unjudged() -> impl IntoView {
    let hand = Hand::get();
    let can = Memo::new(move |_| hand.store.of_spec(knobs::can_judge));
    let words = of_spec(|spec, watch| match knobs::can_judge(spec, watch) {
        true => format!("Nothing judges {}.", text::charted(spec, watch)),
        false => format!("{} is a list, and a detector reads numbers.", text::charted(spec, watch)),
    });
    view! {
        <p class="effect">{words}</p>
        <Show when=move || can.get()>
            <button
                class="button"
                data-testid="add-detector"
                title="A z-score of the last 30 points with a threshold of 3, and an alert rule on it"
                on:click=move |_| hand.press("add-detector", knobs::add)
            >
                "Add a detector"
            </button>
        </Show>
        <Refusal control=Some("add-detector")/>
    }
}

/// The detectors that judge other series.
#[component]
fn Others() -> impl IntoView {
    let store = use_store();
    let others = Memo::new(move |_| {
        store.of_spec(|spec, watch| {
            let at = watch.detector(spec);
            let others = spec.detector.iter().enumerate().filter(|(i, _)| Some(*i) != at);
            let watch = |i: usize, on: &str| match spec.series(on) {
                Some(Series::Aggregate { query, aggregate }) => {
                    Watch::Aggregate { query: query as u32, aggregate: aggregate as u32 }
                }
                _ => Watch::Points { detector: i as u32 },
            };
            // A second detector of the same series is not drawn, so there is nothing to go to.
            others
                .map(|(i, other)| (other.name.clone(), other.on.clone(), watch(i, &other.on)))
                .filter(|(.., other)| *other != store.watch.get())
                .collect::<Vec<_>>()
        })
    });
    let line = move |(name, on, watch): (String, String, Watch)| {
        view! {
            <li>
                <button
                    class="link"
                    title=format!("Charts {on}, and shows the settings of {name}")
                    on:click=move |_| store.draw(watch)
                >
                    {name.clone()}
                </button>
                " judges "
                {on.clone()}
            </li>
        }
    };
    view! {
        <Show when=move || { !others.with(Vec::is_empty) }>
            <ul class="others">{move || others.get().into_iter().map(line).collect_view()}</ul>
        </Show>
    }
}

#[component]
fn Kind() -> impl IntoView {
    let hand = Hand::get();
    let store = hand.store;
    let name = Memo::new(move |_| kind_now(store).as_ref().map(knobs::name));
    let finds = Memo::new(move |_| kind_now(store).as_ref().map(knobs::finds));
    let choose = move |event| {
        let reach = untrack(|| reach_now(store));
        let every = Some(Millis(untrack(|| store.window_ms()))).filter(|ms| ms.0 > 0).unwrap_or(MINUTE);
        let name = event_target_value(&event);
        hand.press("detector-kind", |spec, watch| {
            if let Some(detector) = knob::detector_mut(spec, watch) {
                detector.kind = knobs::of_kind(&name, Some(&detector.kind), reach, every);
            }
        });
    };
    view! {
        <div class="control">
            <label class="choice">
                <span>"Kind"</span>
                <Picker>
                    <select class="field" data-testid="detector-kind" on:change=choose>
                        {KINDS.map(|(known, title, finds)| view! {
                            <option value=known title=finds prop:selected=move || name.get() == Some(known)>{title}</option>
                        })}
                    </select>
                </Picker>
            </label>
            <p class="effect">{finds}</p>
            <Refusal control=Some("detector-kind")/>
        </div>
    }
}

/// The settings that the kind has, of those that are folded or of the others.
#[component]
fn Settings(folded: bool) -> impl IntoView {
    let store = use_store();
    let here = Memo::new(move |_| settings_of(store, folded));
    view! { <For each=move || here.get() key=|i| *i children=move |i| view! { <Turn of=&SETTINGS[i]/> }/> }
}

/// Which settings the detector has now, by their indices.
fn settings_of(store: Store, folded: bool) -> Vec<usize> {
    let Some(kind) = kind_now(store) else { return Vec::new() };
    let has = |setting: &Setting| setting.folded == folded && (setting.read)(&kind).is_some();
    (0..SETTINGS.len()).filter(|i| has(&SETTINGS[*i])).collect()
}

#[component]
fn Folded() -> impl IntoView {
    let store = use_store();
    let switches = Memo::new(move |_| {
        let kind = kind_now(store);
        let has = |i: &usize| kind.as_ref().is_some_and(|kind| (SWITCHES[*i].read)(kind).is_some());
        (0..SWITCHES.len()).filter(has).collect::<Vec<_>>()
    });
    let any = Memo::new(move |_| !switches.with(Vec::is_empty) || !settings_of(store, true).is_empty());
    view! {
        <Show when=move || any.get()>
            <More>
                <For each=move || switches.get() key=|i| *i children=|i| view! { <Flip of=i/> }/>
                <Settings folded=true/>
            </More>
        </Show>
    }
}

#[component]
fn Turn(of: &'static Setting) -> impl IntoView {
    let hand = Hand::get();
    let store = hand.store;
    let value = Memo::new(move |_| kind_now(store).and_then(|kind| (of.read)(&kind)).unwrap_or(0.0));
    let reach = Memo::new(move |_| if of.unit == Unit::Series { reach_now(store) } else { Reach::default() });
    let ladder = Memo::new(move |_| (of.ladder)(reach.get()));
    let set = move |number| {
        hand.turn(of.test_id, |spec, watch| {
            if let Some(detector) = knob::detector_mut(spec, watch) {
                (of.write)(&mut detector.kind, number);
            }
        });
    };
    view! {
        <Slider
            label=of.label
            about=of.about
            test_id=of.test_id
            ladder=ladder
            value=value.into()
            mark=at_first(move |spec, watch| (of.read)(&knob::detector(spec, watch)?.kind))
            words=Signal::derive(move || setting_words(of, value.get()))
            on_change=Callback::new(set)
        >
            <TurnEffect of=of/>
            <Refusal control=Some(of.test_id)/>
        </Slider>
    }
}

/// The reach of the charted series, as far as it is drawn.
fn reach_now(store: Store) -> Reach {
    store.controls.track();
    store.with_picture(|frame, figures| {
        Reach::of(frame.series.iter().flat_map(|line| {
            let from = line.line as usize;
            let points = figures.get(from..from + 2 * line.points as usize).unwrap_or_default();
            points.chunks_exact(2).map(|point| point[1])
        }))
    })
}

fn setting_words(of: &Setting, value: f64) -> String {
    if let Some((_, words)) = of.absent.filter(|(none, _)| *none == value) {
        return words.to_owned();
    }
    match of.unit {
        Unit::Points => text::several(value, "point"),
        Unit::Deviations => format!("{} σ", text::plain(value, 2)),
        Unit::Share => text::plain(value, 3),
        Unit::Time => text::span(value as i64),
        Unit::Series => text::value(value),
    }
}

/// What a setting does now, where something is known of it.
#[component]
fn TurnEffect(of: &'static Setting) -> impl IntoView {
    let store = use_store();
    let words = Memo::new(move |_| match of.test_id {
        "threshold" | "detector-above" | "detector-after" => found(store),
        "detector-window" => {
            let keys = store.controls.with(|frame| frame.keys);
            format!("Compares each of {keys} series with its own past")
        }
        "detector-alpha" => kind_now(store).and_then(|kind| (of.read)(&kind)).map_or_else(String::new, half),
        "detector-drift" => {
            kind_now(store).and_then(|kind| (of.read)(&kind)).map_or_else(String::new, |drift| {
                format!("Finds shifts of {} σ and more", text::plain(2.0 * drift, 2))
            })
        }
        _ => String::new(),
    });
    view! { {words} }
}

/// What an alpha does: the weights of past points fall by this share with each.
fn half(alpha: f64) -> String {
    let points = (0.5f64.ln() / (1.0 - alpha).ln()).ceil();
    format!("Half of the weight is on the last {}", text::several(points, "point"))
}

/// How much was found, in the words of the kind.
fn found(store: Store) -> String {
    let number = store.controls.with(|frame| frame.anomalies);
    let (one, several) = match kind_now(store) {
        Some(DetectorKind::Cusum(_) | DetectorKind::PageHinkley(_)) => {
            ("shift was found", "shifts were found")
        }
        Some(DetectorKind::RateOfChange(_)) => ("jump was found", "jumps were found"),
        Some(DetectorKind::Absence(_)) => ("silence was found", "silences were found"),
        Some(DetectorKind::Threshold(_)) => ("point lies beyond a limit", "points lie beyond a limit"),
        Some(DetectorKind::Novelty(_)) => ("new pattern was found", "new patterns were found"),
        _ => ("point lies outside its band", "points lie outside their band"),
    };
    let all = store.of_spec(|spec, _| spec.detector.len());
    let of = if all > 1 { format!(", of all {all} detectors") } else { String::new() };
    match number {
        1.0 => format!("1 {one}{of}"),
        0.0 => format!("No {one}{of}"),
        number => format!("{} {several}{of}", text::count(number)),
    }
}

#[component]
fn Flip(of: usize) -> impl IntoView {
    let hand = Hand::get();
    let of = &SWITCHES[of];
    let on = Memo::new(move |_| kind_now(hand.store).and_then(|kind| (of.read)(&kind)).unwrap_or(false));
    let flip = move |event| {
        let on = event_target_checked(&event);
        hand.press(of.test_id, |spec, watch| {
            if let Some(detector) = knob::detector_mut(spec, watch) {
                (of.write)(&mut detector.kind, on);
            }
        });
    };
    view! {
        <label class="flip" title=of.about>
            <input type="checkbox" data-testid=of.test_id prop:checked=move || on.get() on:change=flip/>
            <span>{of.label}</span>
        </label>
        <Refusal control=Some(of.test_id)/>
    }
}
