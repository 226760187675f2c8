//! Pictures of each section in both themes and three widths, for a person to look at: `target/shots/`.

use kappascope_e2e::{each_look, each_state, repository, with_page};
use serde_json::json;
use std::time::Duration;

/// What a state's picture should have in sight.
const SUBJECTS: [(&str, &str); 8] = [
    ("tab-windows", "#table"),
    ("tab-distribution", "#table"),
    ("tab-lag", "#table"),
    ("tab-late", "#table"),
    ("tab-rejected", "#table"),
    ("window", "[data-testid=explain]"),
    ("event", "[data-testid=explain]"),
    ("alert", "[data-testid=explain]"),
];

#[test]
fn pictures_of_each_section() {
    with_page(async |page| {
        let folder = repository("target/shots/sections");
        each_look(&page, &[(1440, 900), (1024, 768), (390, 844)], async |name| {
            each_state(&page, async |state| {
                let subject = SUBJECTS.iter().find(|(of, _)| *of == state).map_or("body", |(_, it)| it);
                let seen = "document.querySelector(arguments[0]).scrollIntoView({ block: 'nearest' })";
                page.script(seen, &[json!(subject)]).await?;
                // What comes of it is on the screen by then.
                tokio::time::sleep(Duration::from_millis(250)).await;
                page.shoot(&folder.join(format!("{state}-{name}.png"))).await
            })
            .await
        })
        .await
    });
}
