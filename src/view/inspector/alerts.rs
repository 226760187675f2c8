//! All alerts, the newest first.

use crate::state::{Store, use_store};
use crate::text::{self, inspect as words};
use crate::view::key_name;
use crate::wire::{Firing, Question, State};
use leptos::prelude::*;

/// Most lines while events come: as many as one sees at once. A hundred that all change five times a second take
/// longer to paint than a frame lasts.
const LINES_RUNNING: usize = 20;

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
    let dated = Memo::new(move |_| store.alerts.with(|frame| text::needs_days(frame.span)));
    let open = Memo::new(move |_| {
        store.inquiry.trail.with(|trail| match &trail.last()?.question {
            Question::Alert { id } => Some(id.clone()),
            _ => None,
        })
    });
    let shown = Memo::new(move |_| {
        let rule = chosen.get();
        let is_shown = |firing: &&Firing| rule.is_empty() || firing.rule == rule;
        store.alerts.with(|frame| frame.firing.iter().filter(is_shown).cloned().collect::<Vec<_>>())
    });
    let all = Memo::new(move |_| shown.with(Vec::len));
    let is_running = Memo::new(move |_| store.alerts.with(|frame| frame.state == State::Running));
    let count = Memo::new(move |_| if is_running.get() { all.get().min(LINES_RUNNING) } else { all.get() });
    // Lines stay where they are and only their words change: at a million events a second every alert is a new one
    // at each renewal.
    let lines =
        move |at: usize| line(store, open, dated, Memo::new(move |_| shown.with(|all| all.get(at).cloned())));
    view! {
        <section class="inspect" aria-label="All alerts">
            <div class="inspect-head">
                <h2>
                    "All alerts"
                <span class="faint">{move || store.alerts.with(|frame| text::count(frame.alerts))}</span>
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
                <For each=move || 0..count.get() key=|at| *at children=lines/>
            </ol>
            <Show when=move || count.get() < all.get()>
                <p class="muted">{move || words::more_when_paused(all.get() - count.get())}</p>
            </Show>
            <Show when=move || count.get() == 0>
                <p class="muted">
                    {move || words::no_alerts(chosen.with(String::is_empty))}
                </p>
            </Show>
        </section>
    }
}

/// One alert; nothing in the moment between its end and that of its line.
fn line(
    store: Store,
    open: Memo<Option<String>>,
    dated: Memo<bool>,
    firing: Memo<Option<Firing>>,
) -> impl IntoView {
    let of = move |word: fn(&Firing) -> String| {
        move || firing.with(|firing| firing.as_ref().map(word).unwrap_or_default())
    };
    let is_firing =
        Memo::new(move |_| firing.with(|firing| firing.as_ref().is_some_and(|firing| firing.end.is_none())));
    let is_open = Memo::new(move |_| {
        firing.with(|firing| {
            open.with(|open| firing.as_ref().is_some_and(|firing| open.as_ref() == Some(&firing.id)))
        })
    });
    let when = move || {
        let dated = dated.get();
        firing.with(|firing| firing.as_ref().map(|firing| text::since(firing.start, firing.end, dated)))
    };
    let look = move |event| {
        if let Some(firing) = firing.get_untracked() {
            store.look_by(&event, Question::Alert { id: firing.id }, false);
        }
    };
    view! {
        <li>
            <button
                class="alert"
                class:firing=move || is_firing.get()
                aria-current=move || is_open.get().then_some("true")
                title=of(|firing| text::full_day(firing.start as i64))
                on:click=look
            >
                <i aria-hidden="true"></i>
                <span>
                    <span class="unseen">{move || if is_firing.get() { "firing: " } else { "resolved: " }}</span>
                    <span class="name">{of(|firing| firing.rule.clone())}</span>
                    " "
                    <span class="key">{of(|firing| key_name(&firing.key).to_owned())}</span>
                </span>
                <span class="when">{when}</span>
                <span class="about">{of(about)}</span>
            </button>
        </li>
    }
}

fn about(firing: &Firing) -> String {
    match &firing.message {
        Some(message) => format!("{}: {message}", firing.severity),
        None => firing.severity.clone(),
    }
}
