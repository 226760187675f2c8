//! The columns of a file: what each holds, and what it is used for.

use super::{bars, part};
use crate::data::{Found, Role};
use crate::state::use_store;
use crate::text;
use kappascope_ingest::profile::{ColumnKind, ColumnProfile, Mapping, Numbers};
use leptos::prelude::*;
use std::sync::Arc;

/// Columns that are listed: more than anybody reads. The others are counted, and not used.
const SHOWN: usize = 200;

#[component]
pub(super) fn Columns(found: Arc<Found>) -> impl IntoView {
    let columns = &found.findings.profile.columns;
    let lines = columns.iter().take(SHOWN).map(|column| line(&found, column)).collect_view();
    let more = columns.len().saturating_sub(SHOWN);
    let content = view! {
            <div class="wide">
                <table class="columns" data-testid="data-columns">
                    <thead>
                        <tr>
                            <th class="text">"Column"</th>
                            <th class="text">"Use as"</th>
                            <th class="text">"Kind"</th>
                            <th>"Empty"</th>
                            <th>"Distinct"</th>
                            <th class="text">"Values"</th>
                        </tr>
                    </thead>
                    <tbody>{lines}</tbody>
                </table>
            </div>
            {(more > 0).then(|| view! { <p class="muted">{format!("and {} more columns", text::count(more as f64))}</p> })}
    };
    part("Columns", text::count(columns.len() as f64), content)
}

fn line(found: &Arc<Found>, column: &ColumnProfile) -> impl IntoView + use<> {
    let misfits = column.first_misfit.as_ref().map(|misfit| {
        let words = format!("{} not fit; the first, line {}: {}", does(column.misfits), misfit.line, misfit.reason);
        view! { <span class="tag fire" title=words.clone()>{text::several(column.misfits as f64, "misfit")}<span class="unseen">{words.clone()}</span></span> }
    });
    let distinct = &column.distinct;
    view! {
        <tr>
            <td class="text name" title=column.name.clone()>{column.name.clone()}</td>
            <td class="text"><RoleOf found=Arc::clone(found) column=column.clone()/></td>
            <td class="text" title=notice(column)>{kind(&column.kind)} " " {misfits}</td>
            <td>{text::count(column.empty as f64)}</td>
            <td>{format!("{}{}", if distinct.exact { "" } else { "≈\u{a0}" }, text::count(distinct.count as f64))}</td>
            <td class="text">
                {match &column.numbers {
                    Some(numbers) => values_of(numbers).into_any(),
                    None => most_frequent(column).into_any(),
                }}
            </td>
        </tr>
    }
}

fn does(misfits: u64) -> String {
    if misfits == 1 { "1 does".to_owned() } else { format!("{} do", text::count(misfits as f64)) }
}

fn kind(kind: &ColumnKind) -> String {
    match kind {
        ColumnKind::Time { format, .. } => format!("time, {format}"),
        ColumnKind::Number => "number".to_owned(),
        ColumnKind::Text => "text".to_owned(),
        ColumnKind::Empty => "empty".to_owned(),
    }
}

/// What is to be known of a column beside its kind.
fn notice(column: &ColumnProfile) -> Option<String> {
    let zone = match &column.kind {
        ColumnKind::Time { zone, .. } => Some(format!("Zone: {zone}")),
        _ => None,
    };
    let told: Vec<String> = zone.into_iter().chain(column.notice.clone()).collect();
    Some(told.join(". ")).filter(|told| !told.is_empty())
}

/// A small histogram between the lowest and the highest value.
fn values_of(numbers: &Numbers) -> impl IntoView + use<> {
    let counts: Vec<u64> = numbers.histogram.iter().map(|bar| bar.count).collect();
    let (low, high) = (text::short(numbers.low), text::short(numbers.high));
    let words = format!(
        "{} to {}, mean {}",
        text::value(numbers.low),
        text::value(numbers.high),
        text::value(numbers.mean)
    );
    view! {
        <span class="range-of" title=words.clone()>
            <span>{low}</span>
            <svg
                class="bars"
                role="img"
                aria-label=words.clone()
                viewBox=format!("0 0 {} 1", counts.len().max(1))
                preserveAspectRatio="none"
            >
                <path d=bars(&counts, |count| count as f64, |_| true)></path>
            </svg>
            <span>{high}</span>
        </span>
    }
}

fn most_frequent(column: &ColumnProfile) -> impl IntoView + use<> {
    let counted: Vec<String> =
        column.top.iter().map(|(value, count)| format!("{value}: {}", text::count(*count as f64))).collect();
    let values: Vec<&str> = column.top.iter().map(|(value, _)| value.as_str()).collect();
    view! { <span class="top" title=counted.join("\n")>{values.join(", ")}</span> }
}

/// The choice of what a column is used for.
#[component]
fn RoleOf(found: Arc<Found>, column: ColumnProfile) -> impl IntoView {
    let data = use_store().data;
    let name = StoredValue::new(column.name.clone());
    let role = Memo::new(move |_| {
        let of = |draft: &Mapping| name.with_value(|name| Role::of(draft, name));
        data.draft.with(|draft| draft.as_ref().map_or(Role::Unused, of))
    });
    let partitions = found.findings.proposal.mapping.partition.as_ref();
    let options: Vec<Role> = Role::ALL.into_iter().filter(|role| fits(*role, &column, partitions)).collect();
    let choose = move |event| {
        let chosen = Role::ALL.into_iter().find(|role| role.name() == event_target_value(&event));
        if let Some(role) = chosen {
            data.edit(|draft| name.with_value(|name| role.give(draft, name, &found.findings)));
        }
    };
    view! {
        <select
            class="field small"
            class:used=move || role.get() != Role::Unused
            data-testid=format!("role-{}", column.name)
            aria-label=format!("Use {} as", column.name)
            disabled=move || role.get() == Role::Time
            title=move || (role.get() == Role::Time).then_some("Use another column as time to replace this one")
            on:change=choose
        >
            {options
                .into_iter()
                .map(|option| view! {
                    <option value=option.name() prop:selected=move || role.get() == option>{option.name()}</option>
                })
                .collect_view()}
        </select>
    }
}

/// Whether a column of this kind can be used so. Partitions are those that were found.
fn fits(role: Role, column: &ColumnProfile, partitions: Option<&(String, u32)>) -> bool {
    match role {
        Role::Time | Role::Arrival => matches!(column.kind, ColumnKind::Time { .. }),
        Role::Partition => partitions.is_some_and(|(name, _)| *name == column.name),
        Role::Measure => matches!(column.kind, ColumnKind::Number),
        Role::Key | Role::Unused => true,
    }
}
