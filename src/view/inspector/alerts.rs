//! All alerts, the newest first.

use crate::state::{Store, use_store};
use crate::text;
use crate::view::key_name;
use crate::wire::{Firing, Question};
use leptos::prelude::*;

/// The list of alerts; of one rule, where there are several and a person chose one.
#[component]
pub(super) fn Alerts() -> impl IntoView {
    let store = use_store();
    let chosen = RwSignal::new(String::new());
    let rules = Memo::new(move |_| {
        store.of_spec(|spec, _| spec.alert.iter().map(|rule| rule.name.clone()).collect::<Vec<_>>())
    });
    Effect::new(move |_| {
        if !rules.with(|rules| rules.contains(&chosen.get_untracked())) {
            chosen.set(String::new());
        }
    });
    let dated = Memo::new(move |_| store.explained.with(|frame| text::needs_days(frame.span)));
    let open = Memo::new(move |_| {
        store.inquiry.trail.with(|trail| match &trail.last()?.question {
            Question::Alert { id } => Some(id.clone()),
            _ => None,
        })
    });
    let shown = move || {
        let rule = chosen.get();
        let is_shown = |firing: &&Firing| rule.is_empty() || firing.rule == rule;
        store.explained.with(|frame| frame.firing.iter().filter(is_shown).cloned().collect::<Vec<_>>())
    };
    let none = Memo::new(move |_| shown().is_empty());
    view! {
        <section class="inspect" aria-label="All alerts">
            <div class="inspect-head">
                <h2>
                    "All alerts"
                <span class="faint">{move || store.explained.with(|frame| text::count(frame.alerts))}</span>
                </h2>
                <Show when=move || rules.with(|rules| rules.len() > 1)>
                    <select
                        class="field small"
                        aria-label="Alerts of which rule"
                        data-testid="alerts-rule"
                        prop:value=move || chosen.get()
                        on:change=move |event| chosen.set(event_target_value(&event))
                    >
                        <option value="">"all rules"</option>
                        {move || rules.get().into_iter().map(|rule| view! { <option value=rule.clone()>{rule.clone()}</option> }).collect_view()}
                    </select>
                </Show>
            </div>
            <ol data-testid="alerts">
                <For
                    each=shown
                    key=move |firing| (firing.id.clone(), firing.end.map(|end| end as i64), dated.get())
                    children=move |firing| line(store, open, firing, dated.get_untracked())
                />
            </ol>
            <Show when=move || none.get()>
                <p class="muted">
                    {move || match chosen.with(String::is_empty) {
                        true => "None yet. An alert fires when an anomaly lasts as long as its rule says.",
                        false => "None of this rule among the newest.",
                    }}
                </p>
            </Show>
        </section>
    }
}

fn line(store: Store, open: Memo<Option<String>>, firing: Firing, dated: bool) -> impl IntoView {
    let when = text::since(firing.start, firing.end, dated);
    let state = if firing.end.is_none() { "firing: " } else { "resolved: " };
    let (id, question) = (firing.id.clone(), Question::Alert { id: firing.id });
    let about = match firing.message {
        Some(message) => format!("{}: {message}", firing.severity),
        None => firing.severity,
    };
    view! {
        <li>
            <button
                class="alert"
                class:firing=firing.end.is_none()
                aria-current=move || open.with(|open| open.as_ref() == Some(&id)).then_some("true")
                title=text::full_day(firing.start as i64)
                on:click=move |event| store.look_by(&event, question.clone(), false)
            >
                <i aria-hidden="true"></i>
                <span>
                    <span class="unseen">{state}</span>
                    <span class="name">{firing.rule}</span>
                    " "
                    <span class="key">{key_name(&firing.key).to_owned()}</span>
                </span>
                <span class="when">{when}</span>
                <span class="about">{about}</span>
            </button>
        </li>
    }
}
