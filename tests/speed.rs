//! How fast the page answers, and what it holds, in a real Chromium. `cargo xtask bench --page` prints the figures of
//! the ignored tests, which are to be taken on a quiet machine.

use anyhow::{Result, bail, ensure};
use kappascope_e2e::{Page, Stats, uplot, with_page};
use serde_json::{Value, json};
use std::time::Duration;

/// Bytes of one of the page's threads, or of the scripts of the page.
#[derive(Clone, Copy, Debug)]
struct Held {
    worker: f64,
    page: f64,
    scripts: f64,
}

impl Held {
    async fn by(page: &Page) -> Result<Self> {
        let scripts = page.script_bytes().await?;
        let stats = page.stats().await?;
        Ok(Self { worker: stats.memory_bytes, page: stats.page_bytes, scripts })
    }

    /// How much more each is, in bytes.
    fn beyond(self, earlier: Self) -> [f64; 3] {
        [self.worker - earlier.worker, self.page - earlier.page, self.scripts - earlier.scripts]
    }
}

/// As fast as it goes, with small windows: the log and the results that are remembered reach their bounds within ten
/// million events, and let go of the oldest from then on.
const ENDLESS: &str = "#scenario=website&seed=42&events=2000000000&speed=max&query.0.window.tumbling=5s";

/// By then the bounds are reached.
const FULL: f64 = 20e6;

/// What a thread may hold more after as many events again as it took to fill it. The log alone would have grown by
/// five hundred million bytes.
const MORE_BYTES: f64 = 12e6;

/// How long a slow machine may take to read so many events.
const PATIENCE: Duration = Duration::from_secs(300);

async fn until_events(page: &Page, events: f64) -> Result<Stats> {
    page.until_stats_within(PATIENCE, &format!("{events} events"), |stats| stats.events > events).await
}

#[test]
fn memory_does_not_grow_once_its_bounds_are_reached() {
    with_page(async |page| {
        page.open(ENDLESS).await?;
        until_events(&page, FULL / 20.0).await?;
        let early = Held::by(&page).await?;
        until_events(&page, FULL).await?;
        let full = Held::by(&page).await?;
        // The negative control: while the log grows, the figures say so.
        ensure!(full.beyond(early)[0] > 10.0 * MORE_BYTES, "from {early:?} to {full:?}");
        until_events(&page, 2.0 * FULL).await?;
        let later = Held::by(&page).await?;
        println!("full {full:?}, later {later:?}");
        ensure!(later.beyond(full).iter().all(|bytes| *bytes < MORE_BYTES), "from {full:?} to {later:?}");
        Ok(())
    });
}

#[test]
#[ignore = "takes ten minutes; `cargo xtask bench --page` runs it"]
fn memory_does_not_grow_in_ten_minutes() {
    with_page(async |page| {
        page.open(ENDLESS).await?;
        until_events(&page, FULL).await?;
        let full = Held::by(&page).await?;
        tokio::time::sleep(Duration::from_secs(600)).await;
        let (later, stats) = (Held::by(&page).await?, page.stats().await?);
        println!(
            "| memory after ten minutes more, {:.0} million events | {later:?}, was {full:?} |",
            stats.events / 1e6
        );
        ensure!(stats.state == "running" && later.beyond(full).iter().all(|bytes| *bytes < MORE_BYTES));
        Ok(())
    });
}

/// What the page's own work may take of a frame, 99 times of 100. The goal is a frame of 60 a second, 16.7 ms, and
/// `cargo xtask bench --page` says how far it is met: 13 to 18 ms alone on two cores, 17 to 24 beside a compiler.
/// A test that runs beside others holds what all of these keep, and finds what makes frames half as long again.
const FRAME_MS: f64 = 25.0;

/// Others' load can only add to a frame, so one undisturbed one of these is enough.
const TRIES: usize = 10;

/// What the page's thread did while the engine took in events.
#[derive(Clone, Copy, Debug)]
struct Smooth {
    events_a_second: f64,
    frames_a_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

impl Smooth {
    /// Of all charts of the first view, over 600 frames.
    async fn measured(page: &Page) -> Result<Self> {
        // Website traffic comes at about 9.3 events a second of its own time.
        page.open("#scenario=website&seed=42&events=16000000&speed=120000").await?;
        page.until_stats("it is under way", |stats| stats.events > 1.5e6).await?;
        let (start, before) = (tokio::time::Instant::now(), page.stats().await?);
        // The page's figures look back on 600 frames: wait until all of them are of this round.
        let after = page.until_stats("600 frames are shown", |s| s.frames >= before.frames + 600.0).await?;
        let seconds = start.elapsed().as_secs_f64();
        ensure!(after.state == "running", "the measurement ends before the source: {after:?}");
        Ok(Self {
            events_a_second: (after.events - before.events) / seconds,
            frames_a_second: (after.frames - before.frames) / seconds,
            p50_ms: after.frame_ms_p50,
            p99_ms: after.frame_ms_p99,
        })
    }
}

#[test]
fn page_stays_smooth_at_a_million_events_a_second() {
    with_page(async |page| {
        let mut tries = Vec::new();
        while tries.len() < TRIES {
            let smooth = Smooth::measured(&page).await?;
            println!("{smooth:?}");
            if smooth.events_a_second > 1e6 && smooth.frames_a_second > 58.0 && smooth.p99_ms < FRAME_MS {
                return Ok(());
            }
            tries.push(smooth);
        }
        bail!("none took in a million events a second with p99 of frames below {FRAME_MS} ms: {tries:?}")
    });
}

/// How often what is measured is repeated.
const ROUNDS: usize = 15;

/// Notes when the first picture with a line in it stands, in milliseconds since the page was asked for: the start of
/// the frame behind the one in which a line was stroked on the canvas of the data, the second of the chart.
const NOTE_FIRST: &str = "const stroke = CanvasRenderingContext2D.prototype.stroke;
  CanvasRenderingContext2D.prototype.stroke = function (...of) {
    if (!globalThis.firstChart && this.canvas.matches('[data-testid=chart] canvas + canvas')) {
      globalThis.firstChart = Infinity;
      requestAnimationFrame(() => { globalThis.firstChart = performance.now(); });
    }
    return stroke.apply(this, of);
  }";

/// Notes how long the page's thread is busy with each frame that redraws a canvas: script, layout and painting.
const NOTE_REDRAWS: &str =
    "const raf = requestAnimationFrame.bind(globalThis), painted = new MessageChannel();
  let begun = 0, drew = false;
  globalThis.redraws = [];
  painted.port1.onmessage = () => {
    if (drew) redraws.push(performance.now() - begun);
    begun = 0;
    drew = false;
  };
  globalThis.requestAnimationFrame = step => raf(now => {
    if (!begun) {
      begun = performance.now();
      painted.port2.postMessage(null);
    }
    step(now);
  });
  const clear = CanvasRenderingContext2D.prototype.clearRect;
  CanvasRenderingContext2D.prototype.clearRect = function (...of) {
    drew = true;
    return clear.apply(this, of);
  }";

/// Lets uPlot draw as many points over the chart, in as many lines, and zoom in and out; gives the milliseconds of
/// each redraw.
const UPLOT_ZOOMS: &str = "const [points, lines, rounds] = arguments, x = [], columns = [];
  for (let at = 0; at < points / lines; at++) x.push(at);
  for (let line = 0; line < lines; line++) columns.push(x.map(() => line + Math.random()));
  const { width, height } = document.querySelector('[data-testid=chart]').getBoundingClientRect();
  const place = document.createElement('div');
  place.style.cssText = 'position: fixed; inset: 0; z-index: 99; background: white';
  document.body.append(place);
  const series = columns.map((_, at) => ({ stroke: ['teal', 'navy', 'maroon', 'olive'][at % 4] }));
  const plot = new uPlot(
    { width, height, scales: { x: { time: false } }, legend: { show: false }, series: [{}, ...series] },
    [x, ...columns], place);
  return new Promise(done => setTimeout(() => {
    redraws.length = 0;
    let round = 0;
    const zoom = () => {
      if (round++ === rounds) return setTimeout(() => done(redraws), 100);
      const cut = round % 2 * x.length / 20;
      plot.setScale('x', { min: cut, max: x.length - 1 - cut });
      setTimeout(() => requestAnimationFrame(zoom), 50);
    };
    requestAnimationFrame(zoom);
  }, 500))";

/// Moves the slider of window sizes to a step, and gives the milliseconds until the new picture of all events has been
/// drawn: the frame behind the one that has its figures.
const CHANGE: &str = "const slider = document.querySelector('[data-testid=window-size]');
  const before = kappascope.stats().digest;
  return new Promise(done => {
    const start = performance.now();
    slider.value = arguments[0];
    for (const type of ['input', 'change']) slider.dispatchEvent(new Event(type, { bubbles: true }));
    const look = () => {
      const { digest, state, events } = kappascope.stats();
      const whole = state === 'done' && events === arguments[1];
      if (digest !== before && whole) requestAnimationFrame(() => done(performance.now() - start));
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  })";

fn row(what: &str, mut ms: Vec<f64>) {
    ms.sort_unstable_by(f64::total_cmp);
    println!("| {what} | {:.1} ({:.1} to {:.1}) ms |", ms[ms.len() / 2], ms[0], ms[ms.len() - 1]);
}

fn number(value: &Value) -> Result<f64> {
    value.as_f64().ok_or_else(|| anyhow::anyhow!("{value} is not a number"))
}

#[test]
#[ignore = "measures; `cargo xtask bench --page` runs it"]
fn figures() {
    with_page(async |page| {
        println!("| what | median (fastest to slowest) |\n|---|---|");
        let smooth = Smooth::measured(&page).await?;
        println!(
            "| frames at {:.2} million events a second | {:.1} ms, p99 {:.1} ms, {:.1} a second |",
            smooth.events_a_second / 1e6,
            smooth.p50_ms,
            smooth.p99_ms,
            smooth.frames_a_second
        );
        page.before_each(NOTE_FIRST).await?;
        let mut first = Vec::new();
        for _ in 0..ROUNDS {
            page.open("#scenario=website&seed=7&speed=max").await?;
            page.reload_anew().await?;
            page.until("a chart", async || {
                Ok(page.script("return globalThis.firstChart < Infinity", &[]).await? == json!(true))
            })
            .await?;
            first.push(number(&page.script("return firstChart", &[]).await?)?);
        }
        row("first chart, nothing cached", first);
        for (events, name) in [(1e6, "a million"), (1e7, "ten million")] {
            page.open(&format!("#scenario=website&seed=7&speed=max&events={events}")).await?;
            page.until_stats_within(PATIENCE, "it is done", |stats| stats.state == "done").await?;
            let mut change = Vec::new();
            for round in 0..ROUNDS {
                change.push(number(&page.script(CHANGE, &[json!(8 + round % 4), json!(events)]).await?)?);
            }
            row(&format!("new picture of {name} events after a change of window size"), change);
        }
        Ok(())
    });
}

/// Lines of the chart of website traffic.
const LINES: f64 = 4.0;

#[test]
#[ignore = "measures; `cargo xtask bench --page` runs it"]
fn redraws_beside_uplot() {
    with_page(async |page| {
        page.before_each(NOTE_REDRAWS).await?;
        page.open("#scenario=website&seed=7&speed=max&events=1800000&query.0.window.tumbling=1s").await?;
        let done = page.until_stats_within(PATIENCE, "it is done", |stats| stats.state == "done").await?;
        // All of them are remembered: see POINTS_KEPT of the worker.
        ensure!((450_000.0..500_000.0).contains(&done.windows), "{done:?}");
        page.script("redraws.length = 0", &[]).await?;
        for round in 0..2 * ROUNDS {
            let turn = if round % 2 == 0 { -40.0 } else { 40.0 };
            page.wheel("[data-testid=chart]", (0.5, 0.5), turn).await?;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let ours = page.script("return redraws", &[]).await?;
        page.script(&format!("{}; globalThis.uPlot = uPlot", std::fs::read_to_string(uplot())?), &[]).await?;
        let mut drawn = vec![("ours", done.windows, ours)];
        for points in [done.windows, 1e6] {
            let theirs = [json!(points), json!(LINES), json!(2 * ROUNDS)];
            drawn.push(("uPlot", points, page.script(UPLOT_ZOOMS, &theirs).await?));
        }
        for (name, points, took) in drawn {
            let took: Vec<f64> = serde_json::from_value(took)?;
            ensure!(took.len() >= ROUNDS, "{name} drew {} times only", took.len());
            row(&format!("redraw of a chart of {points:.0} points, {name}"), took);
        }
        Ok(())
    });
}
