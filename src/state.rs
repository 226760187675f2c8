//! What the page knows and what it can ask for: a handful of signals over the newest [`Frame`].
//!
//! **Invariant:** every figure shown comes from a frame; views read signals and call the actions here,
//! and only this file talks to the worker.

use crate::data::Data;
use crate::inquiry::Inquiry;
use crate::js::words;
use crate::knob;
use crate::link::Link;
use crate::permalink::{self, LARGEST, Scene};
use crate::text;
use crate::view::Drawing;
use crate::wire::{Command, Export, Frame, Notice, Opened, Question, Source, State, To, View, Watch};
use js_sys::{Array, Float64Array};
use kappascope_core::Spec;
use kappascope_core::backpressure::QueueSpec;
use kappascope_scenario::Faults;
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

/// How often texts, controls, tables, explanations and the list of alerts are renewed, in milliseconds: as fast as
/// one reads, and seldom enough to leave a frame's time to the chart. No two of them are renewed with the same
/// animation frame.
const RENEWED_EVERY_MS: [f64; PARTS] = [100.0, 200.0, 200.0, 200.0, 200.0];
const PARTS: usize = 5;

/// How long the worker may take to load before the page says that something is wrong.
const PATIENCE_MS: f64 = 30_000.0;

/// How the names of scenes end that were saved as files.
const SCENE_ENDING: &str = ".scene";

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

/// A chart that can be pointed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pointed {
    Main,
    Disorder,
}

/// The newest frame and what is owed to the worker, read by the animation frame and not by views.
#[derive(Default)]
struct Desk {
    link: RefCell<Option<Link>>,
    frame: RefCell<Arc<Frame>>,
    figures: RefCell<Vec<f64>>,
    /// The frame that the charts show.
    drawn: RefCell<Option<Ghost>>,
    ghost: RefCell<Option<Ghost>>,
    /// The run that a person pinned.
    kept: RefCell<Option<Ghost>>,
    /// The event times that are pointed at, and on which chart.
    pointed: Cell<Option<(Pointed, (f64, f64))>>,
    fresh: Cell<bool>,
    /// What the worker was last asked to show, and whether it has yet to.
    asked: Cell<View>,
    waiting: Cell<bool>,
    stale: Cell<bool>,
    /// For texts, controls, tables and explanations: when they were renewed, and whether there is something
    /// newer.
    renewed_ms: [Cell<f64>; PARTS],
    outdated: [Cell<bool>; PARTS],
    shown_state: Cell<State>,
    untuned: Cell<bool>,
    dead: Cell<bool>,
    /// When the worker was started.
    started_ms: Cell<Option<f64>>,
    /// The file of the user's that is open.
    file: RefCell<Option<File>>,
    /// What the address says of the source that is being opened.
    restored: RefCell<Option<Scene>>,
    /// What the source that was opened last was told to do first, until a frame shows that it does.
    begins: RefCell<Option<Command>>,
    /// Row and digest of what whoever shared the scene saw.
    promised: RefCell<Option<(u64, String)>>,
}

impl Desk {
    fn remember_drawn(&self, frame: &Arc<Frame>, figures: &[f64]) {
        let mut drawn = self.drawn.borrow_mut();
        let mut kept = drawn.take().map_or_else(Vec::new, |before| before.figures);
        kept.clear();
        kept.extend_from_slice(figures);
        *drawn = Some(Ghost { frame: Arc::clone(frame), figures: kept });
    }
}

/// A scene that somebody shared, now that its place in the log is reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shared {
    /// Events up to there.
    pub(crate) row: u64,
    /// Whether the same came out, to the last bit.
    pub(crate) identical: bool,
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
    /// The frame that the list of alerts shows.
    pub(crate) alerts: RwSignal<Arc<Frame>>,
    /// The source that is open and its pipeline as it was opened.
    pub(crate) opened: RwSignal<Option<Arc<Opened>>>,
    /// The source that was asked for and is not open yet.
    pub(crate) coming: RwSignal<Option<Source>>,
    /// The pipeline as the controls have it; none before a source is open.
    pub(crate) spec: RwSignal<Option<Arc<Spec>>>,
    /// Why the pipeline cannot be what the controls say.
    pub(crate) refused: RwSignal<Option<String>>,
    /// The series that the chart draws.
    pub(crate) watch: RwSignal<Watch>,
    /// The slow sink behind the engine, if there is one.
    pub(crate) sink: RwSignal<Option<QueueSpec>>,
    /// How the scene that was opened compares with what was shared.
    pub(crate) shared: RwSignal<Option<Shared>>,
    /// What a person looks into.
    pub(crate) inquiry: Inquiry,
    /// Seconds of arrival time a second; `None` is as fast as it goes.
    pub(crate) speed: RwSignal<Option<f64>>,
    /// What a person should know before anything else.
    pub(crate) problem: RwSignal<Option<String>>,
    /// Whether the worker died; [`Store::restart`] starts another.
    pub(crate) dead: RwSignal<bool>,
    /// The window result that chart and tables mark.
    pub(crate) selected: RwSignal<Option<Mark>>,
    /// The key whose band is shown, when a person chose one.
    pub(crate) pinned: RwSignal<Option<String>>,
    /// The picture of the run that a person pinned, to compare with.
    pub(crate) kept: RwSignal<Option<Arc<Frame>>>,
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
            alerts: RwSignal::default(),
            opened: RwSignal::new(None),
            coming: RwSignal::new(None),
            spec: RwSignal::new(None),
            refused: RwSignal::new(None),
            watch: RwSignal::new(Watch::Aggregate { query: 0, aggregate: 0 }),
            sink: RwSignal::new(None),
            shared: RwSignal::new(None),
            inquiry: Inquiry::new(),
            speed: RwSignal::new(None),
            problem: RwSignal::new(None),
            dead: RwSignal::new(false),
            selected: RwSignal::new(None),
            pinned: RwSignal::new(None),
            kept: RwSignal::new(None),
            sheet: RwSignal::new(false),
            data: Data::new(),
            desk: StoredValue::new_local(Rc::default()),
        };
        store.link();
        store.restore();
        store
    }

    /// Makes the page's end of the conversation.
    fn link(self) {
        let link = Link::new(move |notice, beside| self.hear(notice, beside), move |why| self.died(&why));
        self.desk().link.replace(Some(link));
    }

    /// Starts another worker in place of one that died, which runs the log again up to where that one was.
    pub(crate) fn restart(self) {
        let (desk, scene) = (self.desk(), self.scene());
        if let Some(link) = desk.link.take() {
            link.close();
        }
        desk.dead.set(false);
        desk.started_ms.set(None);
        self.dead.set(false);
        self.link();
        self.ask();
        match scene {
            Some(scene) => self.open_scene(Scene { digest: None, ..scene }),
            None => self.restore(),
        }
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
        self.dead.set(true);
        self.problem.set(Some(format!("The engine stopped: {why}.")));
    }

    fn hear(self, notice: Notice, beside: JsValue) {
        match notice {
            Notice::Ready => {}
            Notice::Opened(opened) => self.opened(*opened),
            Notice::Frame(frame) => self.take(*frame, beside.dyn_into().ok()),
            Notice::Written(export) => self.save_written(export, &beside.unchecked_into()),
            Notice::Looking(looking) => self.data.looking.set(looking),
            Notice::Measured(measured) => self.data.found(*measured),
            Notice::Refused(problem) => self.data.refuse(problem),
            Notice::Rejected(csv) => self.download("rejected.csv", "text/csv", &csv),
            Notice::Explained(number, answer) => self.answered(number, *answer),
            Notice::Unexplained(number, why) => self.unanswered(number, why),
            Notice::Problem(why) => {
                self.coming.set(None);
                self.problem.set(Some(why));
            }
        }
    }

    fn opened(self, opened: Opened) {
        self.data.opened(&opened.source);
        self.selected.set(None);
        self.inquiry.clear();
        self.pinned.set(None);
        self.keep(false);
        // One that was asked for since brings its own.
        let restored = self.desk().restored.borrow_mut().take_if(|scene| scene.source == opened.source);
        let speed = restored.as_ref().and_then(|scene| scene.speed);
        self.speed.set(speed.unwrap_or_else(|| self.speed_of(&opened.source)));
        let watch = Watch::first_of(&opened.spec);
        let spec = Arc::new(opened.spec.clone());
        self.watch.set(watch);
        self.spec.set(Some(Arc::clone(&spec)));
        let row = restored.as_ref().and_then(|scene| scene.row);
        if let Some(scene) = restored {
            self.resume(&scene, &spec, watch);
        }
        let source = opened.source.clone();
        self.opened.set(Some(Arc::new(opened)));
        if self.coming.with_untracked(|coming| coming.as_ref() == Some(&source)) {
            self.coming.set(None);
        }
        self.send(Command::Speed(self.speed.get_untracked()), None);
        let first = row.map_or(Command::Play, |row| Command::Go(To::Row(row as f64)));
        self.desk().begins.replace(Some(first.clone()));
        self.send(first, None);
    }

    /// Sets what an address says beside its source.
    fn resume(self, scene: &Scene, spec: &Spec, watch: Watch) {
        match scene.pipeline(spec) {
            Ok(pipeline) if pipeline != *spec => {
                self.send(Command::Tune(Box::new(pipeline.clone())), None);
                self.spec.set(Some(Arc::new(pipeline)));
            }
            Ok(_) => {}
            Err(problem) => self.problem.set(Some(problem)),
        }
        for (row, time) in &scene.moved {
            self.move_event(*row, Some(*time));
        }
        self.set_sink(scene.sink.clone());
        if let Some(chosen) = scene.watch.filter(|chosen| *chosen != watch) {
            self.draw(chosen);
        }
        self.desk().promised.replace(scene.row.zip(scene.digest.clone()));
    }

    /// Compares what came out with what whoever shared the scene saw.
    fn compare(self, frame: &Frame) {
        let desk = self.desk();
        let mut promised = desk.promised.borrow_mut();
        let Some((row, digest)) = promised.as_ref().filter(|(row, _)| *row as f64 == frame.row) else {
            return;
        };
        if matches!(frame.state, State::Paused | State::Done) {
            self.shared.set(Some(Shared { row: *row, identical: *digest == frame.digest }));
            *promised = None;
        }
    }

    fn take(self, frame: Frame, figures: Option<Float64Array>) {
        let desk = self.desk();
        let mut kept = desk.figures.borrow_mut();
        kept.clear();
        if let Some(figures) = figures {
            kept.resize(figures.length() as usize, 0.0);
            figures.copy_to(&mut kept);
        }
        self.compare(&frame);
        if frame.state != State::Paused || frame.goal > 0.0 {
            desk.begins.take();
        }
        desk.frame.replace(Arc::new(frame));
        desk.fresh.set(true);
        desk.waiting.set(false);
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

    /// Does something with the newest frame and its figures.
    pub(crate) fn with_picture<T>(self, act: impl FnOnce(&Frame, &[f64]) -> T) -> T {
        let desk = self.desk();
        act(&desk.frame.borrow(), &desk.figures.borrow())
    }

    /// Says that a chart is pointed at, at these event times, so that the others mark them too.
    pub(crate) fn point_at(self, chart: Pointed, times: Option<(f64, f64)>) {
        let desk = self.desk();
        let before = desk.pointed.get();
        let now = times.map(|times| (chart, times));
        let others = before.is_some_and(|(before, _)| before != chart);
        if before != now && !(others && now.is_none()) {
            desk.pointed.set(now);
            desk.stale.set(true);
        }
    }

    /// The event times that another chart is pointed at.
    pub(crate) fn pointed(self, chart: Pointed) -> Option<(f64, f64)> {
        self.desk().pointed.get().filter(|(pointed, _)| *pointed != chart).map(|(_, times)| times)
    }

    /// Keeps the picture of now to compare with, or lets the kept one go.
    pub(crate) fn keep(self, keep: bool) {
        let desk = self.desk();
        let figures = || desk.figures.borrow().clone();
        desk.kept.replace(keep.then(|| Ghost { frame: self.newest(), figures: figures() }));
        self.kept.set(keep.then(|| self.newest()));
        desk.stale.set(true);
    }

    /// Draws the newest frame if it is new or if a drawing asks for it; then the worker may send the next.
    pub(crate) fn show(self, drawings: &[&dyn Drawing]) {
        let desk = self.desk();
        let fresh = desk.fresh.replace(false);
        let stale = desk.stale.replace(false);
        let (frame, figures) = (desk.frame.borrow(), desk.figures.borrow());
        let (ghost, kept) = (desk.ghost.borrow(), desk.kept.borrow());
        let ghost = ghost.as_ref().or(kept.as_ref());
        let differs = |drawing: &dyn Drawing| {
            desk.drawn.borrow().as_ref().is_none_or(|drawn| drawing.differs(drawn, &frame, &figures))
        };
        for drawing in drawings {
            if drawing.take_stale() | stale || fresh && differs(*drawing) {
                drawing.draw(self, &frame, &figures, ghost);
            }
        }
        if fresh {
            desk.remember_drawn(&frame, &figures);
        }
        let view = view_of(drawings);
        if fresh || (desk.asked.replace(view) != view && desk.waiting.get()) {
            desk.asked.set(view);
            desk.waiting.set(true);
            self.send(Command::Frame(view), None);
        }
    }

    /// Asks for the first frame; [`Store::show`] asks for the others.
    pub(crate) fn ask(self) {
        self.desk().waiting.set(true);
        self.send(Command::Frame(self.desk().asked.get()), None);
    }

    /// What an animation frame owes: the newest settings to the worker, the newest frame to the text. Says
    /// whether text changed.
    pub(crate) fn settle(self, now_ms: f64) -> bool {
        let desk = self.desk();
        if desk.untuned.replace(false)
            && let Some(spec) = self.spec.get_untracked()
        {
            self.send(Command::Tune(Box::new((*spec).clone())), None);
        }
        let ready = desk.link.borrow().as_ref().is_some_and(Link::is_ready);
        let started_ms = desk.started_ms.get().unwrap_or(now_ms);
        desk.started_ms.set(Some(started_ms));
        if now_ms - started_ms > PATIENCE_MS && !ready && !desk.dead.get() {
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
        [self.frame, self.controls, self.tables, self.explained, self.alerts][part].set(self.newest());
        true
    }

    /// Opens a source and plays it.
    pub(crate) fn open(self, source: Source, file: Option<File>) {
        self.sheet.set(false);
        self.problem.set(None);
        self.data.leave();
        self.let_go();
        let desk = self.desk();
        desk.restored.replace(None);
        desk.promised.replace(None);
        desk.file.replace(file.clone());
        self.shared.set(None);
        self.sink.set(None);
        self.coming.set(Some(source.clone()));
        self.send(Command::Open(source), file);
    }

    /// Opens what the picker calls so: `scenario:NAME`, with the first seed, `sample:NAME`, or the live feed.
    pub(crate) fn open_named(self, option: &str) {
        let source = match option.split_once(':') {
            Some(("sample", name)) => Source::Sample(name.to_owned()),
            None if option == text::LIVE => match feed() {
                Some(address) => Source::Live(address),
                None => return,
            },
            Some((_, name)) => Source::scenario(name, permalink::first_seed(name)),
            None => return,
        };
        self.open(source, None);
    }

    /// Opens a file of the user's: the first of those given.
    pub(crate) fn open_files(self, files: &FileList) {
        let Some(file) = files.get(0) else { return };
        let name = file.name();
        if name.ends_with(SCENE_ENDING) {
            return self.open_scene_file(file);
        }
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
        self.download_parts(name, kind, &Array::of1(&content.into()));
    }

    fn download_parts(self, name: &str, kind: &str, parts: &Array) {
        if let Err(error) = download(name, kind, parts) {
            self.problem.set(Some(format!("The browser did not take the file: {}.", words(&error))));
        }
    }

    /// Hands the browser a file that has an address.
    pub(crate) fn save(self, name: &str, address: &str) {
        if let Err(error) = click(name, address) {
            self.problem.set(Some(format!("The browser did not take the file: {}.", words(&error))));
        }
    }

    /// Opens the scenario again with another seed.
    pub(crate) fn reseed(self, seed: u64) {
        if let Some(Source::Scenario { name, events, faults, .. }) = untrack(|| self.wanted()) {
            self.open_again(Source::Scenario { name, seed: seed % LARGEST, events, faults });
        }
    }

    /// Opens the scenario again with other faults.
    pub(crate) fn disturb(self, change: impl FnOnce(&mut Faults)) {
        if let Some(Source::Scenario { name, seed, events, mut faults }) = untrack(|| self.wanted()) {
            change(&mut faults);
            match faults.check() {
                Ok(()) => self.open_again(Source::Scenario { name, seed, events, faults }),
                Err(error) => self.problem.set(Some(error.to_string())),
            }
        }
    }

    /// Opens a variant of what is open: the pipeline and the speed stay, and the place unless it plays. At the
    /// end it is the end that stays: the variant may have more events. The sheet from which it was asked for
    /// stays too.
    fn open_again(self, source: Source) {
        let row_of = |scene: &Scene| match (self.newest().state, &*self.desk().begins.borrow()) {
            (_, Some(Command::Go(To::Row(row)))) => Some(*row as u64),
            (_, Some(_)) | (State::Running, None) => None,
            (State::Done, None) => Some(LARGEST - 1),
            _ => scene.row,
        };
        let placed = |scene: Scene| Scene { row: row_of(&scene), ..scene };
        if let Some(scene) = self.scene_to_come().or_else(|| self.scene().map(placed)) {
            let sheet = self.sheet.get_untracked();
            self.open_scene(Scene { source, digest: None, ..scene });
            self.sheet.set(sheet);
        }
    }

    /// The scene that was asked for and is not open yet.
    fn scene_to_come(self) -> Option<Scene> {
        let source = self.coming.get_untracked()?;
        let restored = self.desk().restored.borrow().clone();
        Some(restored.filter(|scene| scene.source == source).unwrap_or_else(|| Scene::of(source)))
    }

    /// Gives an event another time, or its own.
    pub(crate) fn move_event(self, row: f64, time: Option<f64>) {
        self.send(Command::Move { row, time }, None);
    }

    /// Puts a slow sink behind the engine, or none.
    pub(crate) fn set_sink(self, spec: Option<QueueSpec>) {
        self.sink.set(spec.clone());
        self.send(Command::Sink(spec), None);
    }

    /// Has a file of what came out written, which is saved when it is there.
    pub(crate) fn export(self, export: Export) {
        self.send(Command::Export(export), None);
    }

    fn save_written(self, export: Export, parts: &Array) {
        let name =
            self.spec.with_untracked(|spec| spec.as_ref().map_or_else(String::new, |spec| spec.name.clone()));
        let (ending, kind) = match export {
            Export::Jsonl => ("jsonl", "application/x-ndjson"),
            Export::Csv => ("csv", "text/csv"),
            Export::Snapshot => ("snapshot", "application/octet-stream"),
        };
        self.download_parts(&format!("{name}.{ending}"), kind, parts);
    }

    /// The source that was asked for last: the one that comes, or else the one that is open.
    pub(crate) fn wanted(self) -> Option<Source> {
        let open = || self.opened.with(|opened| opened.as_ref().map(|opened| opened.source.clone()));
        self.coming.get().or_else(open)
    }

    /// Whether what is shown are the results of a pipeline that runs elsewhere: there is nothing to steer then.
    pub(crate) fn is_live(self) -> bool {
        matches!(self.wanted(), Some(Source::Live(_)))
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

    /// Holds the source and goes to another place of the log.
    pub(crate) fn go(self, to: To) {
        self.send(Command::Go(to), None);
    }

    /// Draws another series.
    pub(crate) fn draw(self, watch: Watch) {
        self.watch.set(watch);
        self.pinned.set(None);
        self.keep(false);
        self.send(Command::Watch(watch), None);
    }

    /// Asks the worker; the answer has the same number.
    pub(crate) fn put(self, number: u32, question: Question) {
        self.send(Command::Explain(number, question), None);
    }

    /// Back to the start.
    pub(crate) fn reset(self) {
        self.close();
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

    /// Changes the pipeline. The newest goes out with the next animation frame; one that cannot run stays
    /// with its reason.
    pub(crate) fn tune(self, change: impl FnOnce(&mut Spec, Watch)) {
        let Some(mut spec) = self.spec.get_untracked().map(|spec| (*spec).clone()) else { return };
        change(&mut spec, self.watch.get_untracked());
        if let Err(error) = spec.check() {
            return self.refused.set(Some(error.to_string()));
        }
        let desk = self.desk();
        desk.ghost
            .borrow_mut()
            .get_or_insert_with(|| Ghost { frame: self.newest(), figures: desk.figures.borrow().clone() });
        self.refused.set(None);
        self.spec.set(Some(Arc::new(spec)));
        desk.untuned.set(true);
    }

    /// What the pipeline says, with what the chart draws; the default before there is one.
    pub(crate) fn of_spec<T: Default>(self, read: impl FnOnce(&Spec, Watch) -> T) -> T {
        let watch = self.watch.get();
        self.spec.with(|spec| spec.as_ref().map_or_else(T::default, |spec| read(spec, watch)))
    }

    /// The length of a window, in milliseconds; 0 where time does not bound them.
    pub(crate) fn window_ms(self) -> i64 {
        self.of_spec(|spec, watch| match watch {
            Watch::Aggregate { .. } => knob::length(knob::windows(spec, watch)).map_or(0, |length| length.0),
            Watch::Points { .. } => 0,
        })
    }

    /// The slider was let go: there is nothing to compare with any more.
    pub(crate) fn let_go(self) {
        let desk = self.desk();
        desk.ghost.replace(None);
        desk.stale.set(true);
    }

    /// Whether this scene can be carried by the page's address.
    pub(crate) fn can_share(self) -> bool {
        self.opened.with(|opened| {
            opened
                .as_ref()
                .is_some_and(|opened| !matches!(opened.source, Source::File { .. } | Source::Live(_)))
        })
    }

    /// The fragment that carries the scene; nothing for a file, which no address can carry.
    pub(crate) fn fragment(self) -> Option<String> {
        Some(format!("#{}", permalink::write(&self.scene()?)?))
    }

    /// The scene as it stands.
    fn scene(self) -> Option<Scene> {
        let opened = self.opened.get_untracked()?;
        let (spec, frame) = (self.spec.get_untracked()?, self.newest());
        let watch = self.watch.get_untracked();
        Some(Scene {
            source: opened.source.clone(),
            speed: Some(self.speed.get_untracked()),
            changes: permalink::changes(&opened.spec, &spec),
            watch: (watch != Watch::first_of(&opened.spec)).then_some(watch),
            sink: self.sink.get_untracked(),
            moved: frame.moved.clone(),
            row: Some(frame.goal as u64),
            digest: (frame.goal == frame.row).then(|| frame.digest.clone()),
        })
    }

    /// How fast a source plays at first: as the one before if only the seed is new, a file as fast as it goes.
    fn speed_of(self, source: &Source) -> Option<f64> {
        let option = text::option_of(source);
        if self.source().is_some_and(|before| text::option_of(&before) == option) {
            return self.speed.get_untracked();
        }
        text::speed_at_first(&option)
    }

    /// Opens what the fragment of the address carries, or the feed that is offered, or the first source.
    pub(crate) fn restore(self) {
        let hash = window().location().hash().unwrap_or_default();
        let fragment = hash.trim_start_matches('#');
        if fragment.is_empty() {
            return self.open_named(if feed().is_some() { text::LIVE } else { text::FIRST_SOURCE });
        }
        match permalink::read(fragment) {
            Ok(scene) => self.open_scene(scene),
            Err(problem) => {
                self.open_named(text::FIRST_SOURCE);
                self.problem.set(Some(problem));
            }
        }
    }

    /// Opens a scene that was saved as a file.
    fn open_scene_file(self, file: File) {
        leptos::task::spawn_local(async move {
            let text = wasm_bindgen_futures::JsFuture::from(file.text()).await;
            let text = text.ok().and_then(|text| text.as_string()).unwrap_or_default();
            match permalink::read(text.trim().trim_start_matches('#')) {
                Ok(scene) => self.open_scene(scene),
                Err(problem) => self.problem.set(Some(format!("{}: {problem}", file.name()))),
            }
        });
    }

    fn open_scene(self, scene: Scene) {
        let is_file = matches!(scene.source, Source::File { .. });
        let file = self.desk().file.borrow().clone().filter(|_| is_file);
        self.open(scene.source.clone(), file);
        self.desk().restored.replace(Some(scene));
    }
}

/// What all drawings want to find in the next frame.
fn view_of(drawings: &[&dyn Drawing]) -> View {
    let mut view = View::default();
    drawings.iter().for_each(|drawing| drawing.ask(&mut view));
    view
}

/// The address of the feed that the server offers, if it does: `boot.js` asks it.
pub(crate) fn feed() -> Option<String> {
    document().document_element()?.get_attribute("data-feed")
}

/// The page's state, from anywhere in the page.
pub(crate) fn use_store() -> Store {
    expect_context()
}

fn download(name: &str, kind: &str, parts: &Array) -> Result<(), JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    let blob = web_sys::Blob::new_with_blob_sequence_and_options(parts, &options)?;
    let url = Url::create_object_url_with_blob(&blob)?;
    click(name, &url)?;
    Url::revoke_object_url(&url)
}

/// Follows a link that saves what is at an address under a name.
fn click(name: &str, address: &str) -> Result<(), JsValue> {
    let anchor: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
    anchor.set_href(address);
    anchor.set_download(name);
    anchor.click();
    Ok(())
}
