//! The newest results, late events and refused records, as tables.

use crate::knob;
use crate::state::{Mark, Store, use_store};
use crate::text;
use crate::text::inspect;
use crate::view::distribution::DistributionTab;
use crate::view::lag::LagTab;
use crate::view::{dot_class, key_name};
use crate::wire::{Frame, LateRow, Question, RejectedRow, Watch, WindowRow};
use kappascope_core::Spec;
use leptos::prelude::*;
use web_sys::MouseEvent;

/// Lines of a table: more than one reads while they stream through, few enough to lay out in a moment.
const LINES: usize = 20;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tab {
    Windows,
    Distribution,
    Lag,
    Late,
    Rejected,
}

const TABS: [Tab; 5] = [Tab::Windows, Tab::Distribution, Tab::Lag, Tab::Late, Tab::Rejected];

/// Of a feed, which has no events to look at.
const LIVE_TABS: [Tab; 3] = [Tab::Windows, Tab::Late, Tab::Rejected];

fn tabs(store: Store) -> &'static [Tab] {
    if store.is_live() { &LIVE_TABS } else { &TABS }
}

impl Tab {
    fn id(self) -> &'static str {
        match self {
            Self::Windows => "tab-windows",
            Self::Distribution => "tab-distribution",
            Self::Lag => "tab-lag",
            Self::Late => "tab-late",
            Self::Rejected => "tab-rejected",
        }
    }

    fn title(self, store: Store) -> String {
        store.tables.with(|frame| match self {
            Self::Windows => "Windows".to_owned(),
            Self::Distribution => "Distribution".to_owned(),
            Self::Lag => "Lag".to_owned(),
            Self::Late => format!("Late events {}", text::count(frame.late)),
            Self::Rejected => format!("Rejected {}", text::count(frame.rejected)),
        })
    }
}

/// The card with the tables.
#[component]
pub(crate) fn Tables() -> impl IntoView {
    let store = use_store();
    let chosen = RwSignal::new(Tab::Windows);
    let tab = Memo::new(move |_| {
        Some(chosen.get()).filter(|tab| tabs(store).contains(tab)).unwrap_or(Tab::Windows)
    });
    let turn = move |event: web_sys::KeyboardEvent| {
        let tabs = untrack(|| tabs(store));
        let at = tabs.iter().position(|known| *known == tab.get_untracked()).unwrap_or(0);
        let next = match event.key().as_str() {
            "ArrowRight" => (at + 1) % tabs.len(),
            "ArrowLeft" => (at + tabs.len() - 1) % tabs.len(),
            _ => return,
        };
        event.stop_propagation();
        chosen.set(tabs[next]);
        if let Some(button) = document().get_element_by_id(tabs[next].id()) {
            let button: web_sys::HtmlElement = wasm_bindgen::JsCast::unchecked_into(button);
            // An element that cannot take the focus keeps it where it is.
            let _ = button.focus();
        }
    };
    view! {
        <section class="card" aria-label="Results">
            <div class="tabs" role="tablist" on:keydown=turn>
                {move || tabs(store).iter().map(|&this| view! {
                    <button
                        role="tab"
                        id=this.id()
                        data-testid=this.id()
                        aria-controls="table"
                        aria-selected=move || (tab.get() == this).to_string()
                        tabindex=move || if tab.get() == this { "0" } else { "-1" }
                        on:click=move |_| chosen.set(this)
                    >
                        {move || this.title(store)}
                    </button>
                }).collect_view()}
            </div>
            <div class="table-box" id="table" role="tabpanel" aria-labelledby=move || tab.get().id() tabindex="0">
                {move || match tab.get() {
                    Tab::Windows => view! { <Windows/> }.into_any(),
                    Tab::Distribution => view! { <DistributionTab/> }.into_any(),
                    Tab::Lag => view! { <LagTab/> }.into_any(),
                    Tab::Late => view! { <Late/> }.into_any(),
                    Tab::Rejected => view! { <Rejected/> }.into_any(),
                }}
            </div>
        </section>
    }
}

#[component]
fn Windows() -> impl IntoView {
    let store = use_store();
    let heads = Memo::new(move |_| {
        store.of_spec(|spec, watch| {
            let (by, aggregates) = heads(spec, watch);
            let score = knob::detector(spec, watch).map(|detector| match inspect::is_z(&detector.kind) {
                true => "z",
                false => "Score",
            });
            (by, aggregates, score)
        })
    });
    let is_judged = Memo::new(move |_| heads.with(|(.., score)| score.is_some()));
    view! {
        <table data-testid="windows-table">
            <thead>
                <tr>
                    <th class="text">"Window"</th>
                    <th class="text">{move || heads.get().0}</th>
                    {move || heads.get().1.into_iter().enumerate()
                        .map(|(i, name)| view! { <th class:seldom={i > 0}>{name}</th> })
                        .collect_view()}
                    {move || heads.get().2.map(|score| view! { <th class="seldom">{score}</th> })}
                    <th>"Result"</th>
                </tr>
            </thead>
            <tbody>{lines(store, |frame| &frame.rows, move |row| window_line(store, is_judged, row))}</tbody>
        </table>
        {empty(
            store,
            |frame| frame.rows.is_empty(),
            "No window has closed yet. A window closes when the watermark passes its end.",
        )}
    }
}

/// The columns of keys, and of figures: of points that are events, what is measured.
fn heads(spec: &Spec, watch: Watch) -> (String, Vec<String>) {
    let (by, figures) = match watch {
        Watch::Points { .. } => {
            (knob::detector(spec, watch).map(|detector| &detector.by), vec![text::charted(spec, watch)])
        }
        Watch::Aggregate { .. } => {
            let query = knob::query(spec, watch);
            let aggregates = query.map_or(&[][..], |query| &query.aggregates);
            (query.map(|query| &query.by), aggregates.iter().map(ToString::to_string).collect())
        }
    };
    let by = by.filter(|by| !by.is_empty()).map_or_else(|| "key".to_owned(), |by| by.join(" · "));
    (by, figures)
}

fn window_line(store: Store, is_judged: Memo<bool>, row: WindowRow) -> impl IntoView {
    let mark = Mark { key: row.key.clone(), start: row.start };
    let selected = Memo::new(move |_| store.selected.with(|selected| selected.as_ref() == Some(&mark)));
    let (anomaly, name) = (row.anomaly, text::window(row.start, row.end, false));
    // A point of an event has no window.
    let (key, start, end) = (row.key.clone(), row.start, row.end);
    let question = match store.watch.get_untracked() {
        Watch::Aggregate { query, .. } => Question::Window { query, key, start, end },
        Watch::Points { detector } => {
            let value = row.values.first().copied().unwrap_or_default();
            Question::Point { detector, key, time: start, value }
        }
    };
    let ask = move |event: MouseEvent| store.look_by(&event, question.clone(), false);
    let (dot, dated) =
        store.tables.with_untracked(|frame| (dot_class(frame, &row.key), text::needs_days(frame.span)));
    let (tag, word) = match row.revision {
        _ if anomaly => ("tag fire", "anomaly".to_owned()),
        0 => ("tag", "on time".to_owned()),
        revision => ("tag late", format!("revision {revision}")),
    };
    view! {
        <tr class="leads" class:anomaly=anomaly class:selected=move || selected.get() on:click=ask>
            <td class="text mono">{text::window(row.start, row.end, dated)}</td>
            <td class="text"><span class=dot></span>{key_name(&row.key).to_owned()}</td>
            {row.values.iter().enumerate()
                .map(|(i, value)| view! { <td class:seldom={i > 0}>{text::value(*value)}</td> })
                .collect_view()}
            {is_judged.get().then(|| view! {
                <td class="seldom">{row.score.map_or_else(|| "–".to_owned(), |score| text::fixed(score, 2))}</td>
            })}
            <td>
                <button class=tag aria-label=format!("{word}: look into {name}")>{word.clone()}</button>
            </td>
        </tr>
    }
}

#[component]
fn Late() -> impl IntoView {
    let store = use_store();
    view! {
        <table data-testid="late-events">
            <thead>
                <tr>
                    <th class="text">"Event time"</th>
                    <th>"Behind the watermark"</th>
                    <th class="seldom">"Watermark then"</th>
                    <th class="seldom">"Partition"</th>
                    <th>"Offset"</th>
                </tr>
            </thead>
            <tbody>{lines(store, |frame| &frame.late_rows, move |row| late_line(store, row))}</tbody>
        </table>
        {empty(
            store,
            |frame| frame.late_rows.is_empty(),
            match untrack(|| store.is_live()) {
                true => "No event came too late.",
                false => "No event came too late. Drag Bound to 0 s: the watermark then waits for nobody, and what \
                          comes out of order may be dropped.",
            },
        )}
    }
}

fn late_line(store: Store, row: LateRow) -> impl IntoView {
    let question = Question::EventAt { partition: row.partition, offset: row.offset };
    let offset = text::count(row.offset);
    view! {
        <tr class="leads" on:click=move |event| store.look_by(&event, question.clone(), false)>
            <td class="text mono">{text::clock(row.time)}</td>
            <td>{text::span((row.watermark - row.time) as i64)}</td>
            <td class="seldom mono">{text::clock(row.watermark)}</td>
            <td class="seldom">{row.partition}</td>
            <td>
                <button class="tag late" aria-label=format!("Look into the event of offset {offset}")>{offset.clone()}</button>
            </td>
        </tr>
    }
}

#[component]
fn Rejected() -> impl IntoView {
    let store = use_store();
    let counts = Memo::new(move |_| store.tables.with(|frame| (frame.refused_kept, frame.refused)));
    view! {
        <table data-testid="rejected">
            <thead><tr><th class="text">"Where"</th><th class="text">"Why"</th></tr></thead>
            <tbody>{lines(store, |frame| &frame.rejected_rows, rejected_line)}</tbody>
        </table>
        <Show when=move || { counts.get().0 > 0.0 }>
            <p class="below-table">
                <button class="button" data-testid="rejected-download" on:click=move |_| store.download_rejected()>
                    {move || download_words(counts.get())}
                </button>
            </p>
        </Show>
        {empty(
            store,
            |frame| frame.rejected_rows.is_empty(),
            "Every record could be read. One that cannot be is listed here with its place and the reason.",
        )}
    }
}

fn download_words((kept, refused): (f64, f64)) -> String {
    if kept < refused {
        format!("Download the first {} of {}", text::count(kept), text::count(refused))
    } else {
        format!("Download all {}", text::count(refused))
    }
}

fn rejected_line(row: RejectedRow) -> impl IntoView {
    view! { <tr><td class="text mono">{row.place}</td><td class="text wrap">{row.reason}</td></tr> }
}

/// One line a row of the frame. Lines stay where they are and their text changes: far cheaper than new
/// lines while results stream through.
fn lines<T, V>(
    store: Store,
    rows: fn(&Frame) -> &[T],
    line: impl Fn(T) -> V + Copy + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let count = Memo::new(move |_| store.tables.with(|frame| rows(frame).len().min(LINES)));
    let children = move |at| {
        let row = Memo::new(move |_| store.tables.with(|frame| rows(frame).get(at).cloned()));
        move || row.get().map(line)
    };
    view! { <For each=move || 0..count.get() key=|at| *at children=children/> }
}

/// What a table says when it has no rows.
fn empty(store: Store, is_empty: fn(&Frame) -> bool, words: &'static str) -> impl IntoView {
    let none = Memo::new(move |_| store.tables.with(|frame| is_empty(frame)));
    view! { <Show when=move || none.get()><p class="empty">{words}</p></Show> }
}
