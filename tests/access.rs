//! What axe-core finds on the page: nothing that shuts people out, in both themes, on wide and narrow screens.

use anyhow::{Context as _, Result, ensure};
use kappascope_e2e::{Page, Served, Theme, axe, each_look, each_state, repository, show_running, with_page};
use serde_json::Value;

/// What axe-core finds wrong, as `rule: selector`, and beside it how much it looked at.
async fn findings(page: &Page) -> Result<(Vec<String>, u64)> {
    let script = std::fs::read_to_string(axe()).context("reading axe-core")?;
    page.script(&format!("if (!globalThis.axe) {{ {script} }}"), &[]).await?;
    let code = "return axe.run(document, { resultTypes: ['violations'] }).then(({ violations, passes }) => [
                  violations.flatMap(({ id, nodes }) => nodes.map(node => {
                    const colours = node.any.map(check => check.data).find(data => data?.contrastRatio);
                    const why = colours ? ` ${colours.fgColor} on ${colours.bgColor}: ${colours.contrastRatio}` : '';
                    return `${id}: ${node.target.join(' ')}${why}`;
                  })), passes.length])";
    Ok(serde_json::from_value(page.script(code, &[]).await?)?)
}

#[test]
fn nothing_shuts_people_out() {
    with_page(async |page| {
        let all = std::cell::RefCell::new(Vec::new());
        for (theme, width) in
            [(Theme::Light, 1440), (Theme::Dark, 1440), (Theme::Light, 390), (Theme::Dark, 390)]
        {
            page.prefer(theme).await?;
            page.resize(width, 900).await?;
            each_state(&page, async |state| {
                let (found, passed) = findings(&page).await?;
                ensure!(passed > 10, "axe-core looked at {passed} things only");
                let found = found.iter().map(|found| format!("{theme:?} {width} {state}: {found}"));
                all.borrow_mut().extend(found);
                Ok(())
            })
            .await?;
        }
        let all = all.into_inner();
        ensure!(all.is_empty(), "{} findings:\n{}", all.len(), all.join("\n"));
        Ok(())
    });
}

/// What a server gives, to its end and when it is gone.
#[test]
fn nothing_of_a_feed_shuts_people_out() {
    with_page(async |page| {
        let mut all = Vec::new();
        let mut server = Some(Served::start(&["--from", "scenario:website?seed=7&events=30000"])?);
        page.open_at(&format!("{}/", server.as_ref().context("it runs")?.url)).await?;
        page.until_stats("the source is done", |stats| stats.state == "done").await?;
        for (state, word) in [("ended", "Ended"), ("gone", "No connection")] {
            page.until_words(state, "[data-testid=connection]", |words| words.starts_with(word)).await?;
            each_look(&page, &[(1440, 900), (360, 780)], async |look| {
                let (found, passed) = findings(&page).await?;
                ensure!(passed > 10, "axe-core looked at {passed} things only");
                page.shoot(&repository(&format!("target/shots/feed/{state}-{look}.png"))).await?;
                ensure!(found.is_empty(), "{found:?}");
                Ok(())
            })
            .await
            .unwrap_or_else(|error| all.push(format!("{state}: {error:?}")));
            server.take();
        }
        // The browser says by itself that the server is gone.
        page.complaints().await?;
        ensure!(all.is_empty(), "{}", all.join("\n"));
        Ok(())
    });
}

/// The negative control.
#[test]
fn a_picture_without_words_is_found() {
    with_page(async |page| {
        show_running(&page).await?;
        let picture = "document.querySelector('main').append(new Image(20, 20))";
        page.script(picture, &[]).await.map(drop::<Value>)?;
        let (found, _) = findings(&page).await?;
        ensure!(found.iter().any(|found| found.starts_with("image-alt")), "{found:?}");
        Ok(())
    });
}
