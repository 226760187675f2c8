//! What is written on the page can be read, whatever the width: nothing lies on something else, nothing is cut off,
//! nothing scrolls sideways.

use anyhow::{Result, ensure};
use kappascope_e2e::{Page, each_state, with_page};
use serde_json::Value;

/// From a small phone to 4K.
const WIDTHS: [u32; 7] = [360, 390, 768, 1024, 1440, 2560, 3840];

/// What is wrong: pairs of texts and controls that lie on each other, buttons whose words do not fit, and a page that
/// is wider than the screen.
///
/// Two things are held against each other only where they lie in the same layer: a menu or a sheet covers what is
/// below. What is scrolled or cut away is not there.
const FAULTS: &str = r#"
  const seen = element => {
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) return false;
    return !element.closest('.unseen');
  };
  const floats = new Map();
  const layer = element => {
    if (!element || element === document.documentElement) return null;
    if (floats.has(element)) return floats.get(element);
    const position = getComputedStyle(element).position;
    const own = ['absolute', 'fixed', 'sticky'].includes(position);
    const found = own ? element : layer(element.parentElement);
    floats.set(element, found);
    return found;
  };
  const clipped = (box, element) => {
    let { left, right, top, bottom } = box;
    for (let e = element; e; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (style.overflowX !== 'visible' || style.contain.includes('paint') || style.contain === 'strict') {
        const edge = e.getBoundingClientRect();
        left = Math.max(left, edge.left); right = Math.min(right, edge.right);
        top = Math.max(top, edge.top); bottom = Math.min(bottom, edge.bottom);
      }
    }
    return { left, right, top, bottom };
  };
  const named = (element, text) => {
    const id = element.closest('[data-testid]')?.dataset.testid ?? element.className;
    return `${element.tagName.toLowerCase()} (${id})${text ? ` “${text.trim().slice(0, 30)}”` : ''}`;
  };
  const things = [];
  const add = (element, box, name) => {
    const { left, right, top, bottom } = clipped(box, element);
    if (right - left > 1 && bottom - top > 1) things.push({ element, left, right, top, bottom, name, layer: layer(element) });
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const element = text.parentElement;
    if (!text.data.trim() || ['SCRIPT', 'STYLE', 'OPTION'].includes(element.tagName) || !seen(element)) continue;
    range.selectNodeContents(text);
    for (const box of range.getClientRects()) add(element, box, named(element, text.data));
  }
  for (const element of document.querySelectorAll('button, input, select'))
    if (seen(element)) add(element, element.getBoundingClientRect(), named(element));
  const faults = new Set();
  const over = document.documentElement.scrollWidth - innerWidth;
  if (over > 0) faults.add(`the page is ${over} px wider than the screen`);
  things.sort((a, b) => a.top - b.top);
  for (let i = 0; i < things.length; i++) {
    const a = things[i];
    for (let j = i + 1; j < things.length && things[j].top < a.bottom; j++) {
      const b = things[j];
      if (a.layer !== b.layer || a.element.contains(b.element) || b.element.contains(a.element)) continue;
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - b.top;
      // Boxes of lines reach a little into their neighbours; letters do not.
      if (wide > 2 && high > 4) faults.add(`${a.name} lies on ${b.name}, by ${wide.toFixed(0)} × ${high.toFixed(0)} px`);
    }
  }
  for (const button of document.querySelectorAll('button, .field')) {
    if (!seen(button) || !button.getClientRects().length) continue;
    const cut = getComputedStyle(button).textOverflow !== 'ellipsis' && button.scrollWidth - button.clientWidth;
    if (cut > 1) faults.add(`the words of ${named(button, button.innerText)} are ${cut} px too long for it`);
  }
  return [...faults];
"#;

async fn faults(page: &Page) -> Result<Vec<String>> {
    Ok(serde_json::from_value(page.script(FAULTS, &[]).await?)?)
}

#[test]
fn nothing_lies_on_something_else_at_any_width() {
    with_page(async |page| {
        let all = std::cell::RefCell::new(Vec::new());
        // What opens as a sheet on a phone is opened there.
        for (first, widths) in [(1440, &WIDTHS[2..]), (390, &WIDTHS[..2])] {
            page.resize(first, 900).await?;
            each_state(&page, async |state| {
                for width in widths {
                    page.resize(*width, 900).await?;
                    settled(&page).await?;
                    let found = faults(&page).await?;
                    all.borrow_mut().extend(found.iter().map(|fault| format!("{width} {state}: {fault}")));
                }
                page.resize(first, 900).await
            })
            .await?;
        }
        let all = all.into_inner();
        ensure!(all.is_empty(), "{} faults:\n{}", all.len(), all.join("\n"));
        Ok(())
    });
}

/// Waits until the page has taken its new size in.
async fn settled(page: &Page) -> Result<()> {
    let frames = "return new Promise(done => {
        let left = 6; const next = () => left-- ? requestAnimationFrame(next) : done(true); next(); })";
    page.script(frames, &[]).await.map(drop::<Value>)
}

/// The negative control.
#[test]
fn what_lies_on_something_else_is_found() {
    with_page(async |page| {
        page.open("#scenario=tutorial&seed=1&speed=1&row=2000").await?;
        page.until_stats("it stands there", |stats| stats.state == "paused").await?;
        ensure!(faults(&page).await?.is_empty(), "{:?}", faults(&page).await?);
        for (breakage, told) in [
            ("document.querySelector('[data-testid=export]').style.marginLeft = '-60px'", "lies on"),
            ("document.querySelector('[data-testid=export]').style.width = '30px'", "too long for it"),
            (
                "document.body.style.width = '120vw'; document.body.style.paddingLeft = '10px'",
                "wider than the screen",
            ),
        ] {
            page.script(breakage, &[]).await?;
            settled(&page).await?;
            let found = faults(&page).await?;
            ensure!(found.iter().any(|fault| fault.contains(told)), "{breakage}: {found:?}");
        }
        Ok(())
    });
}
