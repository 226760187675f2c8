//! The alert rules: what they look at, and how long it has to hold.

use super::window::Picker;
use super::{Hand, Refusal, Section, at_first};
use crate::knob;
use crate::knob::detector as knobs;
use crate::state::use_store;
use crate::text;
use crate::ui::slider::{Slider, WAITS};
use kappascope_core::Millis;
use kappascope_core::spec::{AlertSpec, Watched};
use leptos::prelude::*;

/// Severities to choose from; a rule may have one of its own.
const SEVERITIES: [&str; 3] = ["info", "warning", "critical"];

/// The fifth section.
#[component]
pub(super) fn AlertSection() -> impl IntoView {
    let store = use_store();
    let alerts = Memo::new(move |_| store.controls.with(|frame| frame.alerts));
    let rules = Memo::new(move |_| store.of_spec(|spec, _| spec.alert.len()));
    let chosen = RwSignal::new(0);
    // A rule that is not there any more.
    let at = Memo::new(move |_| chosen.get().min(rules.get().saturating_sub(1)));
    view! {
        <Section
            number="5"
            id="section-alert"
            name="Alert"
            about=Signal::derive(move || format!("{} fired", text::count(alerts.get())))
        >
            <Show when=move || { rules.get() > 0 } fallback=NoRule>
                <Rules chosen=chosen at=at/>
                <When at=at/>
                <Wait
                    at=at
                    label="For"
                    about="How long the condition must hold before the alert fires."
                    test_id="alert-for"
                    none="at once"
                    read=|rule| rule.hold
                    write=|rule, wait| rule.hold = wait
                />
                <Wait
                    at=at
                    label="Keep firing"
                    about="How long the alert goes on firing after the condition ended."
                    test_id="alert-keep"
                    none="no longer"
                    read=|rule| rule.keep_firing_for
                    write=|rule, wait| rule.keep_firing_for = wait
                />
                <Severity at=at/>
                <p class="effect"><Fired at=at/></p>
            </Show>
        </Section>
    }
}

/// What can be done in a pipeline without rules.
#[component]
fn NoRule() -> impl IntoView {
    let hand = Hand::get();
    let detector = Memo::new(move |_| {
        hand.store.of_spec(|spec, watch| {
            let detector = knob::detector(spec, watch).or(spec.detector.first());
            detector.map(|detector| detector.name.clone())
        })
    });
    let add = move |name: String| hand.press("add-alert", |spec, _| knobs::add_rule(spec, &name));
    view! {
        <p class="effect">"This pipeline has no alert rule."</p>
        {move || detector.get().map(|name| {
            let words = format!("Alert on {name}");
            view! {
                <button class="button" data-testid="add-alert" on:click=move |_| add(name.clone())>{words}</button>
            }
        })}
        <Refusal control=Some("add-alert")/>
    }
}

/// What the rule at an index says.
fn of_rule<T: Default + PartialEq + Send + Sync + 'static>(
    at: Memo<usize>,
    read: impl Fn(&AlertSpec) -> T + Send + Sync + 'static,
) -> Memo<T> {
    let store = use_store();
    Memo::new(move |_| {
        let at = at.get();
        store.of_spec(|spec, _| spec.alert.get(at).map(&read)).unwrap_or_default()
    })
}

#[component]
fn Rules(chosen: RwSignal<usize>, at: Memo<usize>) -> impl IntoView {
    let store = use_store();
    let names = Memo::new(move |_| {
        store.of_spec(|spec, _| spec.alert.iter().map(|rule| rule.name.clone()).collect::<Vec<_>>())
    });
    let choose = move |event| {
        if let Ok(rule) = event_target_value(&event).parse() {
            chosen.set(rule);
        }
    };
    let options = move || {
        let option = |(i, name): (usize, String)| {
            view! { <option value=i.to_string() prop:selected=move || at.get() == i>{name}</option> }
        };
        names.get().into_iter().enumerate().map(option).collect_view()
    };
    view! {
        <Show
            when=move || { names.with(Vec::len) > 1 }
            fallback=move || view! { <p class="rule"><b>{move || names.get().into_iter().next()}</b></p> }
        >
            <label class="choice" title="The rule that is set here">
                <span>"Rule"</span>
                <Picker><select class="field" data-testid="alert-rule" on:change=choose>{options}</select></Picker>
            </label>
        </Show>
    }
}

/// What a rule looks at: the condition, to be edited where it is one.
#[component]
fn When(at: Memo<usize>) -> impl IntoView {
    let hand = Hand::get();
    let store = hand.store;
    let when = of_rule(at, |rule| rule.when.clone());
    let of_detector = Memo::new(move |_| {
        let when = when.get();
        store.of_spec(|spec, _| matches!(spec.watched(&when), Some(Watched::Detector(_))))
    });
    let change = move |event| {
        let written = event_target_value(&event).trim().to_owned();
        let at = at.get_untracked();
        hand.press("alert-when", |spec, _| {
            if let Some(rule) = spec.alert.get_mut(at) {
                rule.when = written;
            }
        });
    };
    view! {
        <Show
            when=move || of_detector.get()
            fallback=move || view! {
                <label class="condition">
                    <span title="A query's name, a colon, and what must hold of its results">"When"</span>
                    <textarea
                        class="field"
                        data-testid="alert-when"
                        rows="3"
                        spellcheck="false"
                        prop:value=when
                        on:change=change
                    ></textarea>
                </label>
                <Refusal control=Some("alert-when")/>
            }
        >
            <p class="effect">"When " {when} " finds an anomaly"</p>
        </Show>
    }
}

/// How long something has to last.
#[component]
fn Wait(
    at: Memo<usize>,
    label: &'static str,
    about: &'static str,
    test_id: &'static str,
    /// What no time at all is called.
    none: &'static str,
    read: fn(&AlertSpec) -> Millis,
    write: fn(&mut AlertSpec, Millis),
) -> impl IntoView {
    let hand = Hand::get();
    let value = of_rule(at, move |rule| read(rule).0 as f64);
    let words = move || match value.get() {
        0.0 => none.to_owned(),
        ms => text::span(ms as i64),
    };
    let set = move |ms: f64| {
        let at = at.get_untracked();
        hand.turn(test_id, |spec, _| {
            if let Some(rule) = spec.alert.get_mut(at) {
                write(rule, Millis(ms as i64));
            }
        });
    };
    view! {
        <Slider
            label=label
            about=about
            test_id=test_id
            ladder=Signal::derive(|| WAITS.to_vec())
            value=value.into()
            mark=at_first(move |spec, _| spec.alert.get(at.get()).map(|rule| read(rule).0 as f64))
            words=Signal::derive(words)
            on_change=Callback::new(set)
        >
            <Refusal control=Some(test_id)/>
        </Slider>
    }
}

#[component]
fn Severity(at: Memo<usize>) -> impl IntoView {
    let hand = Hand::get();
    let now = of_rule(at, |rule| rule.severity.clone());
    let known = move || {
        let own = Some(now.get()).filter(|own| !SEVERITIES.contains(&own.as_str()));
        SEVERITIES.iter().map(ToString::to_string).chain(own).collect::<Vec<_>>()
    };
    let choose = move |event| {
        let (at, chosen) = (at.get_untracked(), event_target_value(&event));
        hand.press("alert-severity", |spec, _| {
            if let Some(rule) = spec.alert.get_mut(at) {
                rule.severity = chosen;
            }
        });
    };
    let option = move |name: String| {
        let shown = name.clone();
        let value = name.clone();
        view! { <option value=value prop:selected=move || now.get() == name>{shown}</option> }
    };
    view! {
        <label class="choice" title="For whoever is paged">
            <span>"Severity"</span>
            <Picker>
                <select class="field" data-testid="alert-severity" on:change=choose>
                    {move || known().into_iter().map(option).collect_view()}
                </select>
            </Picker>
        </label>
        <Refusal control=Some("alert-severity")/>
    }
}

/// How often the rule fired, as far as it is known: the newest alerts are, one by one.
#[component]
fn Fired(at: Memo<usize>) -> impl IntoView {
    let store = use_store();
    let rule = of_rule(at, |rule| rule.name.clone());
    let words = Memo::new(move |_| {
        store.controls.with(|frame| {
            let of_rule = frame.firing.iter().filter(|firing| rule.with(|rule| firing.rule == *rule));
            let (fired, open) = of_rule
                .fold((0, 0), |(fired, open), firing| (fired + 1, open + usize::from(firing.end.is_none())));
            let known = frame.firing.len() as f64;
            let newest = match known < frame.alerts {
                true => format!(" among the newest {}", text::count(known)),
                false => String::new(),
            };
            match (fired, open) {
                (0, _) => format!("Not fired{newest}"),
                (_, 0) => format!("Fired {}{newest}", text::times(f64::from(fired))),
                _ => format!("Fired {}{newest}, {open} firing now", text::times(f64::from(fired))),
            }
        })
    });
    view! { {words} }
}
