//! A real Chromium with the page open in it, driven as a person drives it.

use crate::setting;
use crate::site::Site;
use anyhow::{Context as _, Result, bail};
use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::process::{Child, Command};

/// How long to wait for what should come soon: a slow machine is no failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// What `kappascope.stats()` says.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Events read by the engine.
    pub events: f64,
    /// Events a second.
    pub events_per_second: f64,
    /// Window results.
    pub windows: f64,
    /// Late events.
    pub late: f64,
    /// Refused records.
    pub rejected: f64,
    /// Alerts that fired.
    pub alerts: f64,
    /// 16 hex digits.
    pub digest: String,
    /// Median of the page thread's time for a frame.
    pub frame_ms_p50: f64,
    /// 99th percentile of it.
    pub frame_ms_p99: f64,
    /// Frames shown.
    pub frames: f64,
    /// WebAssembly memory that the worker holds.
    pub memory_bytes: f64,
    /// WebAssembly memory that the page's own thread holds.
    pub page_bytes: f64,
    /// What the engine is doing.
    pub state: String,
}

/// A colour scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// The page in its browser.
#[derive(Clone)]
pub struct Page {
    client: Client,
    inner: Arc<Inner>,
}

struct Inner {
    site: Site,
    // Ends chromedriver, and with it the browser, when the test is over.
    _driver: Child,
    downloads: tempfile::TempDir,
}

impl Page {
    pub(crate) async fn start(site: Site) -> Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let driver = Command::new(setting("KAPPASCOPE_CHROMEDRIVER"))
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("starting chromedriver")?;
        let downloads = tempfile::tempdir()?;
        let client = connect(port, capabilities(downloads.path())).await?;
        Ok(Self { client, inner: Arc::new(Inner { site, _driver: driver, downloads }) })
    }

    /// Opens the page with a fragment, empty or beginning with `#`, and waits until it answers.
    pub async fn open(&self, fragment: &str) -> Result<()> {
        self.load(fragment).await?;
        self.answers().await
    }

    async fn answers(&self) -> Result<()> {
        let there = "return !!(globalThis.kappascope && kappascope.stats())";
        self.until("the page answers", async || Ok(self.script(there, &[]).await? == json!(true))).await
    }

    /// The same without waiting, for a page that may never answer.
    pub async fn load(&self, fragment: &str) -> Result<()> {
        // A change of the fragment alone would not load the page again.
        self.client.goto("about:blank").await?;
        Ok(self.client.goto(&format!("{}{fragment}", self.inner.site.url)).await?)
    }

    /// Opens the page at another address, and waits until it answers.
    pub async fn open_at(&self, url: &str) -> Result<()> {
        self.client.goto(url).await?;
        self.answers().await
    }

    /// Loads the page again past all that the browser keeps, as with Shift and the reload button.
    pub async fn reload_anew(&self) -> Result<()> {
        self.devtools("Page.reload", json!({ "ignoreCache": true })).await
    }

    /// Lets nobody reach the site any more, as when the network is gone.
    pub fn unplug(&self) {
        self.inner.site.stop();
    }

    /// Runs JavaScript in each page before its own.
    pub async fn before_each(&self, code: &str) -> Result<()> {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": code })).await
    }

    /// The paths that the browser has asked the site for, with `part` in them.
    #[must_use]
    pub fn requests(&self, part: &str) -> Vec<String> {
        self.inner.site.requests(part)
    }

    /// The figures that the page tells of itself.
    pub async fn stats(&self) -> Result<Stats> {
        Ok(serde_json::from_value(self.script("return kappascope.stats()", &[]).await?)?)
    }

    /// Waits until the figures satisfy a condition, and gives them.
    pub async fn until_stats(&self, what: &str, condition: impl Fn(&Stats) -> bool) -> Result<Stats> {
        self.until_stats_within(PATIENCE, what, condition).await
    }

    /// Waits so long until the figures satisfy a condition, and gives them.
    pub async fn until_stats_within(
        &self,
        patience: Duration,
        what: &str,
        condition: impl Fn(&Stats) -> bool,
    ) -> Result<Stats> {
        let last = std::cell::RefCell::new(None);
        let satisfied = poll_within(patience, what, async || {
            let stats = self.stats().await?;
            last.replace(Some(stats.clone()));
            Ok(condition(&stats).then_some(stats))
        });
        satisfied.await.with_context(|| format!("the page says {:?}", last.borrow()))
    }

    /// Waits until something holds.
    pub async fn until(&self, what: &str, condition: impl AsyncFn() -> Result<bool>) -> Result<()> {
        poll(what, async || Ok(condition().await?.then_some(()))).await
    }

    /// The element of a test id, once it is there.
    pub async fn find(&self, id: &str) -> Result<Element> {
        let selector = format!("[data-testid=\"{id}\"]");
        self.client
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(&selector))
            .await
            .with_context(|| format!("no {id}"))
    }

    /// The text that a person reads in an element.
    pub async fn text(&self, id: &str) -> Result<String> {
        Ok(self.find(id).await?.text().await?)
    }

    /// Clicks an element.
    pub async fn click(&self, id: &str) -> Result<()> {
        self.find(id).await?.click().await.with_context(|| format!("clicking {id}"))
    }

    /// Chooses an option of a select by its value.
    pub async fn choose(&self, id: &str, value: &str) -> Result<()> {
        self.find(id).await?.select_by_value(value).await.with_context(|| format!("choosing {value} in {id}"))
    }

    /// Moves a slider to a step by keys, as a person without a mouse does: to its start, then right.
    pub async fn slide(&self, id: &str, step: usize) -> Result<()> {
        let slider = self.find(id).await?;
        let keys = format!("\u{e011}{}", "\u{e014}".repeat(step));
        slider.send_keys(&keys).await.with_context(|| format!("moving {id}"))
    }

    /// Gives a file to a file input.
    pub async fn upload(&self, id: &str, file: &Path) -> Result<()> {
        let file = file.canonicalize().with_context(|| format!("{}", file.display()))?;
        self.find(id)
            .await?
            .send_keys(&file.to_string_lossy())
            .await
            .with_context(|| format!("uploading by {id}"))
    }

    /// Presses keys, wherever the focus is.
    pub async fn press(&self, keys: &str) -> Result<()> {
        Ok(self.client.active_element().await?.send_keys(keys).await?)
    }

    /// Moves the pointer to a place in an element, in parts of its width and height.
    pub async fn hover(&self, selector: &str, at: (f64, f64)) -> Result<(f64, f64)> {
        // What stands still for so many frames is where it will be pressed; the page's texts come a few times a second.
        let code = "const [selector, x, y] = arguments;
             const find = () => document.querySelector(selector);
             find().scrollIntoView({ block: 'center', behavior: 'instant' });
             return new Promise(done => {
               let last, still = 0;
               const look = () => {
                 const box = (find() ?? document.body).getBoundingClientRect();
                 const now = [box.left + box.width * x, box.top + box.height * y];
                 still = String(now) === String(last) ? still + 1 : 0;
                 last = now;
                 if (still < 15) requestAnimationFrame(look); else done(now);
               };
               look();
             })";
        let wait = self.client.wait().at_most(PATIENCE);
        wait.for_element(Locator::Css(selector)).await.with_context(|| format!("no {selector}"))?;
        let place = self.script(code, &[json!(selector), json!(at.0), json!(at.1)]).await?;
        let place = serde_json::from_value(place).with_context(|| format!("no {selector}"))?;
        self.mouse("mouseMoved", place, 0).await?;
        Ok(place)
    }

    /// Presses the pointer on a place in an element, moves it by so many CSS pixels, and lets go.
    pub async fn drag(&self, selector: &str, at: (f64, f64), by: (f64, f64)) -> Result<()> {
        self.drag_and(selector, at, by, async || Ok(())).await
    }

    /// The same, and does something before it lets go.
    pub async fn drag_and(
        &self,
        selector: &str,
        at: (f64, f64),
        by: (f64, f64),
        act: impl AsyncFnOnce() -> Result<()>,
    ) -> Result<()> {
        let (x, y) = self.hover(selector, at).await?;
        self.mouse("mousePressed", (x, y), 1).await?;
        for part in [0.25, 0.5, 0.75, 1.0] {
            self.mouse("mouseMoved", (x + by.0 * part, y + by.1 * part), 1).await?;
        }
        act().await?;
        self.mouse("mouseReleased", (x + by.0, y + by.1), 0).await
    }

    /// Clicks the middle of an element by the pointer.
    pub async fn tap(&self, selector: &str) -> Result<()> {
        let at = self.hover(selector, (0.5, 0.5)).await?;
        self.mouse("mousePressed", at, 1).await?;
        self.mouse("mouseReleased", at, 0).await
    }

    /// Sends keys to the first of a selector's elements, once it is there.
    pub async fn press_on(&self, selector: &str, keys: &str) -> Result<()> {
        let wait = self.client.wait().at_most(PATIENCE);
        let element =
            wait.for_element(Locator::Css(selector)).await.with_context(|| format!("no {selector}"))?;
        element.send_keys(keys).await.with_context(|| format!("pressing on {selector}"))
    }

    /// The text of the first of a selector's elements as it is seen, with plain spaces; empty where there is none.
    pub async fn words(&self, selector: &str) -> Result<String> {
        let code = "return document.querySelector(arguments[0])?.innerText ?? ''";
        let words = self.script(code, &[json!(selector)]).await?;
        Ok(words.as_str().unwrap_or_default().replace(['\u{a0}', '\u{202f}'], " "))
    }

    /// Waits until the first of a selector's elements has words of which this holds, and gives them.
    pub async fn until_words(
        &self,
        what: &str,
        selector: &str,
        condition: impl Fn(&str) -> bool,
    ) -> Result<String> {
        let last = std::cell::RefCell::new(String::new());
        let found = poll(what, async || {
            last.replace(self.words(selector).await?);
            Ok(condition(&last.borrow()).then(|| last.borrow().clone()))
        });
        found.await.with_context(|| format!("{selector} says “{}”", last.borrow()))
    }

    /// Turns the wheel over a place in an element; down is positive.
    pub async fn wheel(&self, selector: &str, at: (f64, f64), turn: f64) -> Result<()> {
        let (x, y) = self.hover(selector, at).await?;
        let turn = json!({ "type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": turn });
        self.devtools("Input.dispatchMouseEvent", turn).await
    }

    async fn mouse(&self, kind: &str, (x, y): (f64, f64), buttons: u8) -> Result<()> {
        let button = if kind == "mouseMoved" && buttons == 0 { "none" } else { "left" };
        let event =
            json!({ "type": kind, "x": x, "y": y, "button": button, "buttons": buttons, "clickCount": 1 });
        self.devtools("Input.dispatchMouseEvent", event).await
    }

    /// Clicks what downloads a file and gives the file once it is whole.
    pub async fn download(&self, id: &str) -> Result<PathBuf> {
        let before = files(self.inner.downloads.path())?;
        self.click(id).await?;
        poll(&format!("{id} has downloaded a file"), async || {
            Ok(files(self.inner.downloads.path())?.into_iter().find(|file| !before.contains(file)))
        })
        .await
    }

    /// Runs JavaScript in the page.
    pub async fn script(&self, code: &str, arguments: &[Value]) -> Result<Value> {
        self.client.execute(code, arguments.to_vec()).await.with_context(|| format!("running `{code}`"))
    }

    /// Sets the size of the page in CSS pixels, whatever the window around it takes.
    pub async fn resize(&self, width: u32, height: u32) -> Result<()> {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await
    }

    /// Prefers a colour scheme, as the system's setting would.
    pub async fn prefer(&self, theme: Theme) -> Result<()> {
        self.medium("prefers-color-scheme", if theme == Theme::Light { "light" } else { "dark" }).await
    }

    /// Gives one feature of the medium a value, as the system's setting would, and the others their own.
    pub async fn medium(&self, feature: &str, value: &str) -> Result<()> {
        let features = json!({ "features": [{ "name": feature, "value": value }] });
        self.devtools("Emulation.setEmulatedMedia", features).await
    }

    /// Puts the page in the background for so long, as when a person looks at another tab, and gives its
    /// figures as they are the first moment it is seen again.
    pub async fn hide_for(&self, length: Duration) -> Result<Stats> {
        let here = self.client.window().await?;
        let other = self.client.new_window(true).await?.handle;
        self.client.switch_to_window(other).await?;
        tokio::time::sleep(length).await;
        self.client.close_window().await?;
        self.client.switch_to_window(here).await?;
        self.stats().await
    }

    /// Drops a file anywhere on the page, as from the desktop.
    pub async fn drop_text(&self, name: &str, text: &str) -> Result<()> {
        self.drop_text_when("true", name, text).await
    }

    /// Drops a file as soon as a JavaScript condition holds.
    pub async fn drop_text_when(&self, condition: &str, name: &str, text: &str) -> Result<()> {
        self.drop_all(condition, &[(name, text)]).await
    }

    /// Drops several files at once.
    pub async fn drop_texts(&self, files: &[(&str, &str)]) -> Result<()> {
        self.drop_all("true", files).await
    }

    async fn drop_all(&self, condition: &str, files: &[(&str, &str)]) -> Result<()> {
        let drop = "const data = new DataTransfer();
             for (const [name, text] of arguments[0]) data.items.add(new File([text], name));
             for (const type of ['dragenter', 'dragover', 'drop'])
               document.body.dispatchEvent(
                 new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));";
        self.script_when(condition, drop, &[json!(files)]).await
    }

    /// Runs JavaScript in the page as soon as a condition in JavaScript holds.
    pub async fn script_when(&self, condition: &str, code: &str, arguments: &[Value]) -> Result<()> {
        let code = format!(
            "return new Promise(done => {{
               const look = () => {{ if ({condition}) {{ act(...arguments); done(true) }} else setTimeout(look, 1) }};
               const act = function () {{ {code} }};
               look();
             }})"
        );
        self.script(&code, arguments).await.map(drop)
    }

    /// Saves a picture of what is seen.
    pub async fn shoot(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(std::fs::write(path, self.client.screenshot().await?)?)
    }

    /// What the browser wrote to its console as warnings and errors.
    pub async fn complaints(&self) -> Result<Vec<String>> {
        let log = self.client.issue_cmd(commands::Log).await?;
        let entries = log.as_array().cloned().unwrap_or_default();
        Ok(entries.iter().map(|entry| entry["message"].to_string()).collect())
    }

    /// How many pixels the last canvas (the one of data) inside an element has that are not empty. They are read from
    /// a copy: a canvas that is read again and again is moved off the graphics card, with a warning.
    pub async fn painted(&self, selector: &str) -> Result<f64> {
        let code = "const canvas = [...document.querySelectorAll(arguments[0] + ' canvas')].at(-1);
             const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
             copy.drawImage(canvas, 0, 0);
             const pixels = copy.getImageData(0, 0, canvas.width, canvas.height).data;
             let painted = 0;
             for (let at = 3; at < pixels.length; at += 4) painted += pixels[at] > 0;
             return painted";
        let painted = self.script(code, &[json!(selector)]).await?;
        painted.as_f64().with_context(|| format!("{selector} has {painted} painted pixels"))
    }

    /// Bytes that the page's scripts hold, once what nobody needs is gone.
    pub async fn script_bytes(&self) -> Result<f64> {
        self.devtools("HeapProfiler.collectGarbage", json!({})).await?;
        let usage = self.ask_devtools("Runtime.getHeapUsage", json!({})).await?;
        usage["usedSize"].as_f64().with_context(|| format!("the browser says {usage}"))
    }

    async fn devtools(&self, method: &'static str, parameters: Value) -> Result<()> {
        self.ask_devtools(method, parameters).await.map(drop)
    }

    async fn ask_devtools(&self, method: &'static str, parameters: Value) -> Result<Value> {
        self.client.issue_cmd(commands::DevTools { method, parameters }).await.with_context(|| method)
    }

    /// Ends the browser. A test that passed must leave no complaint in the console.
    pub(crate) async fn close(self, result: Result<()>) -> Result<()> {
        let result = match result {
            Ok(()) => match self.complaints().await?.as_slice() {
                [] => Ok(()),
                complaints => Err(anyhow::anyhow!("the console is not empty: {complaints:#?}")),
            },
            error => error,
        };
        self.client.close().await?;
        result
    }
}

fn capabilities(downloads: &Path) -> serde_json::Map<String, Value> {
    let arguments = [
        "--headless=new",
        // As root Chromium has no sandbox; the page under test is our own.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--disable-quic",
        "--window-size=1440,900",
    ];
    let capabilities = json!({
        "browserName": "chrome",
        "goog:loggingPrefs": { "browser": "WARNING" },
        "goog:chromeOptions": {
            "binary": setting("KAPPASCOPE_CHROMIUM"),
            "args": arguments,
            "prefs": { "download.default_directory": downloads, "download.prompt_for_download": false },
        },
    });
    match capabilities {
        Value::Object(map) => map,
        _ => unreachable!("written as an object above"),
    }
}

async fn connect(port: u16, capabilities: serde_json::Map<String, Value>) -> Result<Client> {
    let connector = hyper_util::client::legacy::connect::HttpConnector::new();
    let driver = format!("http://127.0.0.1:{port}");
    poll("chromedriver starts a browser", async || {
        let mut builder = ClientBuilder::new(connector.clone());
        let client = builder.capabilities(capabilities.clone()).connect(&driver);
        Ok(client.await.ok())
    })
    .await
}

async fn poll<T>(what: &str, attempt: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
    poll_within(PATIENCE, what, attempt).await
}

/// Tries again until there is an answer, or patience ends.
async fn poll_within<T>(
    patience: Duration,
    what: &str,
    attempt: impl AsyncFn() -> Result<Option<T>>,
) -> Result<T> {
    let attempts = async {
        loop {
            if let Some(answer) = attempt().await? {
                return Ok(answer);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(patience, attempts)
        .await
        .unwrap_or_else(|_| bail!("waited {patience:?} until {what}"))
}

/// Files that are whole: Chromium writes `….crdownload` first.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let files: std::io::Result<Vec<PathBuf>> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect();
    let whole = |file: &PathBuf| {
        file.extension().is_none_or(|e| e != "crdownload")
            && !file.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'))
    };
    Ok(files?.into_iter().filter(whole).collect())
}

/// What chromedriver does beyond the WebDriver standard.
mod commands {
    use fantoccini::wd::WebDriverCompatibleCommand;
    use http::Method;
    use serde_json::{Value, json};

    #[derive(Debug)]
    pub(super) struct Log;

    impl WebDriverCompatibleCommand for Log {
        fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
            base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
        }

        fn method_and_body(&self, _: &url::Url) -> (Method, Option<String>) {
            (Method::POST, Some(json!({ "type": "browser" }).to_string()))
        }
    }

    #[derive(Debug)]
    pub(super) struct DevTools {
        pub(super) method: &'static str,
        pub(super) parameters: Value,
    }

    impl WebDriverCompatibleCommand for DevTools {
        fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
            base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
        }

        fn method_and_body(&self, _: &url::Url) -> (Method, Option<String>) {
            (Method::POST, Some(json!({ "cmd": self.method, "params": self.parameters }).to_string()))
        }
    }
}
