//! Why a point scored as it did: the formula with names, with numbers, what came out, and the smallest
//! change that would have turned it.

use super::alert::moved;
use super::strip::{self, Strip};
use super::{HEADING, dated, onward};
use crate::formula::Formula;
use crate::state::{Store, use_store};
use crate::text;
use crate::text::inspect::{self, BEYOND_MEASURE};
use crate::view::key_name;
use crate::wire::{PointStory, PointWhy, Question};
use kappascope_core::Spec;
use kappascope_core::spec::DetectorSpec;
use leptos::prelude::*;

/// What the page knows of the detector behind a point.
pub(super) struct Of {
    /// What its series counts.
    pub(super) unit: String,
    /// Behind its score and threshold.
    sigma: &'static str,
    /// What its score is called.
    score: &'static str,
}

impl Of {
    pub(super) fn point(store: Store, point: &PointWhy) -> Self {
        store.spec.with_untracked(|spec| {
            let spec = spec.as_ref();
            let detector = spec.and_then(|spec| detector(spec, &point.detector));
            let kind = detector.map(|detector| &detector.kind);
            Self {
                unit: spec.zip(detector).map_or_else(String::new, |(spec, d)| inspect::unit(spec, &d.on)),
                sigma: if kind.is_some_and(inspect::in_deviations) { "\u{a0}σ" } else { "" },
                score: if kind.is_some_and(inspect::is_z) { "z" } else { "score" },
            }
        })
    }
}

fn detector<'s>(spec: &'s Spec, name: &str) -> Option<&'s DetectorSpec> {
    spec.detector.iter().find(|detector| detector.name == name)
}

/// A point of a detector that reads events.
#[component]
pub(super) fn PointPane(story: PointStory) -> impl IntoView {
    let store = use_store();
    let PointStory { key, row, why, alerts } = story;
    let tag = if why.anomaly { "tag fire" } else { "tag" };
    let place = format!(
        "{} of {} at {}",
        Of::point(store, &why).unit,
        key_name(&key),
        inspect::instant(why.time, dated(store))
    );
    view! {
        <h2 id=HEADING tabindex="-1">
            {inspect::POINT} <span class=tag>{inspect::verdict(why.anomaly)}</span>
        </h2>
        <p class="big">{text::value(why.value)} " " <small>{place}</small></p>
        <p class="muted">{inspect::expected(why.expected, why.low, why.high)}</p>
        <PointPart point=why/>
        {row.map(|row| view! {
            <div class="onwards">
                {onward(store, inspect::ITS_EVENT, text::count(row), Question::Event { row })}
            </div>
        })}
        {moved(store, &alerts)}
    }
}

/// The arithmetic of a point.
#[component]
pub(super) fn PointPart(point: PointWhy) -> impl IntoView {
    let of = Of::point(use_store(), &point);
    let compared = match point.points.len() {
        0 => String::new(),
        points => format!(", compared with the last {}", text::several(points as f64, "point")),
    };
    let strip = Strip {
        value: point.value,
        expected: point.expected,
        low: point.low,
        high: point.high,
        anomaly: point.anomaly,
        points: point.points.clone(),
    };
    view! {
        {arithmetic(&point, &of)}
        {strip::draw(&strip)}
        <p class="faint small">{format!("Detector {}: {}{compared}.", point.detector, point.kind)}</p>
        {turned(&point, &of)}
        {figures(&point)}
    }
}

fn arithmetic(point: &PointWhy, of: &Of) -> AnyView {
    let mut known = vec![("value".to_owned(), point.value)];
    known.extend(point.figures.iter().cloned());
    let formula = Formula::read(&point.formula, known);
    let names = formula.as_ref().map_or_else(|| point.formula.clone(), Formula::names);
    let numbers = formula.as_ref().map(Formula::numbers).filter(|numbers| *numbers != names);
    let beyond = point.score.abs() >= BEYOND_MEASURE;
    let result = if beyond { "beyond measure".to_owned() } else { text::fixed(point.score, 2) + of.sigma };
    let threshold =
        point.threshold.map(|threshold| format!("threshold {}{}", inspect::figure(threshold), of.sigma));
    view! {
        <div class="formula steps" role="group" aria-label="Formula of the score">
            <span>{of.score}</span><span>"= " {names}</span>
            {numbers.map(|numbers| view! { <span></span><span>"= " {numbers}</span> })}
            <span></span>
            <span>"= " <b class:calm=!point.anomaly>{result}</b> <em>{threshold}</em></span>
        </div>
        {beyond.then(|| view! {
            <p class="muted">"The past has no spread, so any other value is as far away as can be."</p>
        })}
    }
    .into_any()
}

fn turned(point: &PointWhy, of: &Of) -> Option<AnyView> {
    let turn = inspect::turn(point, &of.unit, of.sigma)?;
    let both = turn.value.is_some() && turn.threshold.is_some();
    let lead = if turn.value.is_some() { "At " } else { "With " };
    Some(
        view! {
            <p class="what-if">
                {lead}
                {turn.value.map(|(value, side)| view! { <b>{value}</b> " " {side} })}
                {both.then_some(", or with ")}
                {turn.threshold.map(|threshold| view! { "a threshold of " <b>{threshold}</b> })}
                ", " {turn.then}
            </p>
        }
        .into_any(),
    )
}

fn figures(point: &PointWhy) -> impl IntoView + use<> {
    let figures = point.figures.clone();
    view! {
        <details class="more">
            <summary>"All figures"</summary>
            <dl class="facts-of">
                {figures.into_iter().map(|(name, figure)| view! {
                    <div><dt>{name}</dt><dd>{inspect::figure(figure)}</dd></div>
                }).collect_view()}
            </dl>
        </details>
    }
}
