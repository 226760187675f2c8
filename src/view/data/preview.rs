//! The first rows of a file, with the cells marked that do not fit their column.

use super::part;
use crate::data::Found;
use kappascope_ingest::profile::{PreviewCell, PreviewRow};
use leptos::prelude::*;
use std::sync::Arc;

/// Columns that are shown: more than fit on any screen.
const COLUMNS: usize = 50;

#[component]
pub(super) fn Preview(found: Arc<Found>) -> impl IntoView {
    let profile = &found.findings.profile;
    let bad =
        profile.preview.rows.iter().flat_map(|row| &row.cells).filter(|cell| cell.bad.is_some()).count();
    let about = match bad {
        0 => "as they are in the file".to_owned(),
        1 => "1 cell does not fit its column".to_owned(),
        bad => format!("{bad} cells do not fit their column"),
    };
    let heads = profile
        .columns
        .iter()
        .take(COLUMNS)
        .map(|column| view! { <th class="text">{column.name.clone()}</th> });
    let content = view! {
            <div class="wide" tabindex="0" role="region" aria-label="First rows">
                <table class="preview" data-testid="data-preview">
                    <thead><tr><th>"Line"</th>{heads.collect_view()}</tr></thead>
                    <tbody>{profile.preview.rows.iter().map(row).collect_view()}</tbody>
                </table>
            </div>
    };
    part("First rows", about, content)
}

fn row(row: &PreviewRow) -> impl IntoView + use<> {
    view! {
        <tr>
            <td class="faint">{row.line}</td>
            {row.cells.iter().take(COLUMNS).map(cell).collect_view()}
        </tr>
    }
}

fn cell(cell: &PreviewCell) -> impl IntoView + use<> {
    let why = cell.bad.clone();
    let said = why.clone().map(|why| view! { <span class="unseen">{format!(" ({why})")}</span> });
    view! { <td class="text mono" class:bad=cell.bad.is_some() title=why>{cell.text.clone()} {said}</td> }
}
