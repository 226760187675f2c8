//! What the page knows and what it can ask for: a handful of signals over the newest [`Frame`].
//!
//! **Invariant:** every figure shown comes from a frame; views read signals and call the actions here,
//! and only this file talks to the worker.

use crate::data::Data;
use crate::js::words;
use crate::link::Link;
use crate::permalink::{self, FIRST_SEED, LARGEST, Scene, Settings};
use crate::text;
use crate::wire::{AnomalyRow, Command, Frame, Notice, Opened, Source, State, Tuning};
use js_sys::Float64Array;
use kappascope_core::Spec;
use leptos::prelude::*;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use wasm_bindgen::prelude::*;
use web_sys::{BlobPropertyBag, File, FileList, HtmlAnchorElement, Url};

/// Speeds of the slider, in seconds of arrival time a second; the last is as fast as it goes.
pub(crate) const SPEEDS: [Option<f64>; 10] = [
    Some(1.0),
    Some(10.0),
    Some(60.0),
    Some(300.0),
    Some(600.0),
    Some(1_800.0),
    Some(3_600.0),
    Some(7_200.0),
    Some(14_400.0),
    None,
];

/// How often texts, controls, tables and explanations are renewed, in milliseconds: as fast as one reads, and
/// seldom enough to leave a frame's time to the chart. No two of them are renewed with the same animation
/// frame.
const RENEWED_EVERY_MS: [f64; PARTS] = [100.0, 200.0, 200.0, 200.0];
const PARTS: usize = 4;

/// How long the worker may take to load before the page says that something is wrong.
const PATIENCE_MS: f64 = 30_000.0;

/// A window result of one key: what can be selected.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    pub(crate) key: String,
    pub(crate) start: f64,
}

/// A picture to compare with: what the chart showed before a slider was taken.
pub(crate) struct Ghost {
    pub(crate) frame: Arc<Frame>,
    pub(crate) figures: Vec<f64>,
}

/// The newest frame and what is owed to the worker, read by the animation frame and not by views.
#[derive(Default)]
struct Desk {
    link: RefCell<Option<Link>>,
    frame: RefCell<Arc<Frame>>,
    figures: RefCell<Vec<f64>>,
    ghost: RefCell<Option<Ghost>>,
    fresh: Cell<bool>,
    stale: Cell<bool>,
    /// For texts, controls, tables and explanations: when they were renewed, and whether there is something
    /// newer.
    renewed_ms: [Cell<f64>; PARTS],
    outdated: [Cell<bool>; PARTS],
    shown_state: Cell<State>,
    untuned: Cell<bool>,
    dead: Cell<bool>,
    /// What the address says of the source that is being opened.
    restored: RefCell<Option<Scene>>,
}

/// The page's state: cheap to copy, one for the whole page.
#[derive(Clone, Copy)]
pub(crate) struct Store {
    /// The frame that texts show.
    pub(crate) frame: RwSignal<Arc<Frame>>,
    /// The frame that the controls speak of.
    pub(crate) controls: RwSignal<Arc<Frame>>,
    /// The frame that tables show.
    pub(crate) tables: RwSignal<Arc<Frame>>,
    /// The frame that is explained.
    pub(crate) explained: RwSignal<Arc<Frame>>,
    /// The source that is open and its pipeline as it was opened.
    pub(crate) opened: RwSignal<Option<Arc<Opened>>>,
    /// Where the sliders stand.
    pub(crate) tuning: RwSignal<Tuning>,
    /// Seconds of arrival time a second; `None` is as fast as it goes.
    pub(crate) speed: RwSignal<Option<f64>>,
    /// What a person should know before anything else.
    pub(crate) problem: RwSignal<Option<String>>,
    /// What the inspector shows; the newest anomaly when nothing is selected.
    pub(crate) selected: RwSignal<Option<Mark>>,
    /// The key whose band is shown, when a person chose one.
    pub(crate) pinned: RwSignal<Option<String>>,
    /// Whether the scene is open, where it is a sheet.
    pub(crate) sheet: RwSignal<bool>,
    /// What is known of the file of the user's.
    pub(crate) data: Data,
    desk: StoredValue<Rc<Desk>, LocalStorage>,
}

impl Store {
    /// Starts the worker and opens what the address says, or the first scenario.
    pub(crate) fn start() -> Self {
        let store = Self {
            frame: RwSignal::default(),
            controls: RwSignal::default(),
            tables: RwSignal::default(),
            explained: RwSignal::default(),
            opened: RwSignal::new(None),
            tuning: RwSignal::new(Tuning {
                window_ms: 60_000,
                bound_ms: 5_000,
                lateness_ms: 0,
                detector_window: 30,
                threshold: 3.0,
            }),
            speed: RwSignal::new(None),
            problem: RwSignal::new(None),
            selected: RwSignal::new(None),
            pinned: RwSignal::new(None),
            sheet: RwSignal::new(false),
            data: Data::new(),
            desk: StoredValue::new_local(Rc::default()),
        };
        let link = Link::new(move |notice, figures| store.hear(notice, figures), move |why| store.died(&why));
        store.desk().link.replace(Some(link));
        store.restore();
        store
    }

    fn desk(self) -> Rc<Desk> {
        self.desk.get_value()
    }

    fn send(self, command: Command, file: Option<File>) {
        if let Some(link) = self.desk().link.borrow().as_ref() {
            link.send(command, file);
        }
    }

    fn died(self, why: &str) {
        self.desk().dead.set(true);
        self.problem.set(Some(format!("The engine stopped: {why}. Reload the page to start it again.")));
    }

    fn hear(self, notice: Notice, figures: Option<Float64Array>) {
        match notice {
            Notice::Ready => {}
            Notice::Opened(opened) => self.opened(*opened),
            Notice::Frame(frame) => self.take(*frame, figures),
            Notice::Looking(looking) => self.data.looking.set(looking),
            Notice::Measured(measured) => self.data.found(*measured),
            Notice::Refused(problem) => self.data.refuse(problem),
            Notice::Rejected(csv) => self.download("rejected.csv", "text/csv", &csv),
            Notice::Problem(problem) => self.problem.set(Some(problem)),
        }
    }

    fn opened(self, opened: Opened) {
        self.data.opened(&opened.source);
        self.selected.set(None);
        self.pinned.set(None);
        let restored = self.desk().restored.take();
        let speed = restored.as_ref().and_then(|scene| scene.speed);
        self.speed.set(speed.unwrap_or_else(|| self.speed_of(&opened.source)));
        let tuning = Tuning::of(&opened.spec);
        self.tuning.set(restored.map_or(tuning, |scene| scene.settings.over(tuning)));
        if self.tuning.get_untracked() != tuning {
            self.send(Command::Tune(self.tuning.get_untracked()), None);
        }
        self.opened.set(Some(Arc::new(opened)));
        self.send(Command::Speed(self.speed.get_untracked()), None);
        self.send(Command::Play, None);
    }

    fn take(self, frame: Frame, figures: Option<Float64Array>) {
        let desk = self.desk();
        let mut kept = desk.figures.borrow_mut();
        kept.clear();
        if let Some(figures) = figures {
            kept.resize(figures.length() as usize, 0.0);
            figures.copy_to(&mut kept);
        }
        desk.frame.replace(Arc::new(frame));
        desk.fresh.set(true);
        desk.outdated.iter().for_each(|outdated| outdated.set(true));
    }

    /// Whether the worker has sent a frame.
    pub(crate) fn has_picture(self) -> bool {
        self.desk().frame.borrow().state != State::Idle
    }

    /// The newest frame.
    pub(crate) fn newest(self) -> Arc<Frame> {
        Arc::clone(&self.desk().frame.borrow())
    }

    /// Calls `draw` with the newest frame and its figures if `redraw` or if they are new; then the worker
    /// may send the next.
    pub(crate) fn show(self, redraw: bool, draw: impl FnOnce(&Frame, &[f64], Option<&Ghost>) -> u32) {
        let desk = self.desk();
        let fresh = desk.fresh.replace(false);
        if fresh | redraw | desk.stale.replace(false) {
            let pixels = draw(&desk.frame.borrow(), &desk.figures.borrow(), desk.ghost.borrow().as_ref());
            if fresh {
                self.send(Command::Frame { pixels }, None);
            }
        }
    }

    /// Asks for the first frame; [`Store::show`] asks for the others.
    pub(crate) fn ask(self, pixels: u32) {
        self.send(Command::Frame { pixels }, None);
    }

    /// What an animation frame owes: the newest settings to the worker, the newest frame to the text. Says
    /// whether text changed.
    pub(crate) fn settle(self, now_ms: f64) -> bool {
        let desk = self.desk();
        if desk.untuned.replace(false) {
            self.send(Command::Tune(self.tuning.get_untracked()), None);
        }
        let ready = desk.link.borrow().as_ref().is_some_and(Link::is_ready);
        if now_ms > PATIENCE_MS && !ready && !desk.dead.get() {
            self.died("it did not start within 30 seconds");
        }
        self.renew(now_ms)
    }

    /// Renews one of the parts of the page that are due; texts are due at once when the state changes.
    fn renew(self, now_ms: f64) -> bool {
        let desk = self.desk();
        let state = desk.frame.borrow().state;
        let changed = desk.shown_state.replace(state) != state;
        let due = |part: usize| {
            let old = now_ms - desk.renewed_ms[part].get() >= RENEWED_EVERY_MS[part];
            desk.outdated[part].get() && (old || (changed && part == 0))
        };
        let Some(part) = (0..PARTS).find(|part| due(*part)) else { return false };
        desk.outdated[part].set(false);
        desk.renewed_ms[part].set(now_ms);
        [self.frame, self.controls, self.tables, self.explained][part].set(self.newest());
        true
    }

    /// Opens a source and plays it.
    pub(crate) fn open(self, source: Source, file: Option<File>) {
        self.sheet.set(false);
        self.problem.set(None);
        self.data.leave();
        self.let_go();
        self.desk().restored.replace(None);
        self.send(Command::Open(source), file);
    }

    /// Opens what the picker calls so: `scenario:NAME`, with the first seed, or `sample:NAME`.
    pub(crate) fn open_named(self, option: &str) {
        let source = match option.split_once(':') {
            Some(("sample", name)) => Source::Sample(name.to_owned()),
            Some((_, name)) => Source::Scenario { name: name.to_owned(), seed: FIRST_SEED, events: None },
            None => return,
        };
        self.open(source, None);
    }

    /// Opens a file of the user's: the first of those given.
    pub(crate) fn open_files(self, files: &FileList) {
        let Some(file) = files.get(0) else { return };
        let name = file.name();
        self.open(Source::File { name: name.clone(), bytes: file.size() }, Some(file));
        if files.length() > 1 {
            let words =
                format!("{name} is opened, the first of {} files: one runs at a time.", files.length());
            self.problem.set(Some(words));
        }
    }

    /// Shows what is known of the file that is open, or the chart again.
    pub(crate) fn show_data(self) {
        self.sheet.set(false);
        self.data.panel.update(|open| *open = !*open);
    }

    /// Starts over with the file that is open, by the mapping that the panel shows.
    pub(crate) fn run_mapping(self) {
        if let Some(mapping) = self.data.ask_to_run() {
            self.send(Command::Run(Box::new(mapping)), None);
        }
    }

    /// Looks at the whole of the file that is open.
    pub(crate) fn measure(self) {
        self.send(Command::Measure, None);
    }

    /// Looks no further.
    pub(crate) fn stop_measuring(self) {
        self.send(Command::StopMeasuring, None);
    }

    /// Reads no more of the file, until it is played on.
    pub(crate) fn stop_reading(self) {
        self.send(Command::StopReading, None);
    }

    /// Downloads the refused records.
    pub(crate) fn download_rejected(self) {
        self.send(Command::Rejected, None);
    }

    /// Hands the browser a file to save.
    pub(crate) fn download(self, name: &str, kind: &str, content: &str) {
        if let Err(error) = download(name, kind, content) {
            self.problem.set(Some(format!("The browser did not take the file: {}.", words(&error))));
        }
    }

    /// Opens the scenario again with another seed.
    pub(crate) fn reseed(self, seed: u64) {
        if let Some(Source::Scenario { name, events, .. }) = self.source() {
            self.open(Source::Scenario { name, seed: seed % LARGEST, events }, None);
        }
    }

    /// What is open, without asking to be told of changes.
    fn source(self) -> Option<Source> {
        self.opened.with_untracked(|opened| opened.as_ref().map(|opened| opened.source.clone()))
    }

    /// Plays, pauses, or starts over at the end.
    pub(crate) fn toggle(self) {
        match self.newest().state {
            State::Running => self.send(Command::Pause, None),
            State::Done | State::Failed => {
                self.reset();
                self.send(Command::Play, None);
            }
            _ => self.send(Command::Play, None),
        }
    }

    /// Goes on by one event, or to the next result of a window.
    pub(crate) fn step(self, window: bool) {
        self.send(Command::Pause, None);
        self.send(Command::Step { window }, None);
    }

    /// Back to the start.
    pub(crate) fn reset(self) {
        self.selected.set(None);
        self.send(Command::Reset, None);
    }

    /// Sets the speed to a step of [`SPEEDS`].
    pub(crate) fn set_speed(self, step: usize) {
        self.speed.set(SPEEDS[step]);
        self.send(Command::Speed(SPEEDS[step]), None);
    }

    /// The step of [`SPEEDS`] nearest to the speed.
    pub(crate) fn speed_step(self) -> usize {
        let last = SPEEDS.len() - 1;
        let Some(speed) = self.speed.get() else { return last };
        let distance = |step: &usize| SPEEDS[*step].map_or(f64::INFINITY, |known| (known / speed).ln().abs());
        (0..last).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(last)
    }

    /// Changes the settings. The newest go out with the next animation frame.
    pub(crate) fn tune(self, change: impl FnOnce(&mut Tuning)) {
        let desk = self.desk();
        desk.ghost
            .borrow_mut()
            .get_or_insert_with(|| Ghost { frame: self.newest(), figures: desk.figures.borrow().clone() });
        self.tuning.update(change);
        desk.untuned.set(true);
    }

    /// The slider was let go: there is nothing to compare with any more.
    pub(crate) fn let_go(self) {
        let desk = self.desk();
        desk.ghost.replace(None);
        desk.stale.set(true);
    }

    /// The pipeline as the sliders have it.
    pub(crate) fn spec(self) -> Option<Spec> {
        let mut spec = self.opened.get_untracked()?.spec.clone();
        self.tuning.get_untracked().apply(&mut spec);
        Some(spec)
    }

    /// The anomaly that the inspector explains.
    pub(crate) fn anomaly(self) -> Option<AnomalyRow> {
        let selected = self.selected.get();
        self.explained.with(|frame| match &selected {
            Some(mark) => {
                frame.anomaly_rows.iter().find(|row| row.key == mark.key && row.start == mark.start).cloned()
            }
            None => frame.anomaly_rows.first().cloned(),
        })
    }

    /// Whether this scene can be carried by the page's address.
    pub(crate) fn can_share(self) -> bool {
        self.opened.with(|opened| {
            opened.as_ref().is_some_and(|opened| !matches!(opened.source, Source::File { .. }))
        })
    }

    /// The fragment that carries the scene.
    pub(crate) fn fragment(self) -> Option<String> {
        let scene = Scene {
            source: self.source()?,
            speed: Some(self.speed.get_untracked()),
            settings: Settings::of(self.tuning.get_untracked()),
        };
        Some(format!("#{}", permalink::write(&scene)?))
    }

    /// How fast a source plays at first: as the one before if only the seed is new, a file as fast as it goes.
    fn speed_of(self, source: &Source) -> Option<f64> {
        let option = text::option_of(source);
        if self.source().is_some_and(|before| text::option_of(&before) == option) {
            return self.speed.get_untracked();
        }
        text::SOURCES.iter().find(|(known, ..)| *known == option).and_then(|(_, _, speed)| *speed)
    }

    /// Opens what the fragment of the address carries, or the first source.
    pub(crate) fn restore(self) {
        let hash = window().location().hash().unwrap_or_default();
        let fragment = hash.trim_start_matches('#');
        if fragment.is_empty() {
            return self.open_named(text::SOURCES[0].0);
        }
        match permalink::read(fragment) {
            Ok(scene) => self.open_scene(scene),
            Err(problem) => {
                self.open_named(text::SOURCES[0].0);
                self.problem.set(Some(problem));
            }
        }
    }

    fn open_scene(self, scene: Scene) {
        self.open(scene.source.clone(), None);
        self.desk().restored.replace(Some(scene));
    }
}

/// The page's state, from anywhere in the page.
pub(crate) fn use_store() -> Store {
    expect_context()
}

fn download(name: &str, kind: &str, content: &str) -> Result<(), JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    let parts = js_sys::Array::of1(&content.into());
    let blob = web_sys::Blob::new_with_str_sequence_and_options(&parts, &options)?;
    let url = Url::create_object_url_with_blob(&blob)?;
    let anchor: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
    anchor.set_href(&url);
    anchor.set_download(name);
    anchor.click();
    Url::revoke_object_url(&url)
}
