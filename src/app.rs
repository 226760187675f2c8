//! The page as a whole: its frame, its keys, files dropped on it, and the animation frame that draws it.
//!
//! ```text
//!   worker ─► newest frame ─► animation frame: settings out, text (≤ 10 Hz), chart ─► ask for the next
//! ```

use crate::state::Store;
use crate::stats::{self, Meter};
use crate::text;
use crate::ui::theme::{self, Theme};
use crate::view::Easels;
use crate::view::data::DataPanel;
use crate::view::dialogs::{Dialog, Dialogs, Open};
use crate::view::disorder::DisorderCard;
use crate::view::footer::Footer;
use crate::view::header::Header;
use crate::view::inspector::Inspector;
use crate::view::main_chart::MainChart;
use crate::view::notices::{DropVeil, Hint, Problem, SharedScene};
use crate::view::scene::Scene;
use crate::view::strip::Strip;
use crate::view::tables::Tables;
use crate::wire::To;
use leptos::ev;
use leptos::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{DragEvent, Element, FileList, FileSystemEntry, KeyboardEvent};

/// The page.
#[component]
pub fn App() -> impl IntoView {
    let store = Store::start();
    provide_context(store);
    let chosen = RwSignal::new(Theme::remembered());
    let themes = theme::keep(chosen);
    let easels = Easels::new();
    provide_context(easels);
    Effect::new(move |_| {
        themes.track();
        easels.renew_theme();
    });
    let dragging = RwSignal::new(false);
    let open: Open = RwSignal::new(None);
    provide_context(open);
    listen(store, dragging, open);
    match Meter::new() {
        Ok(meter) => run(store, easels, meter),
        Err(why) => store.problem.set(Some(format!("This browser cannot show the page: {why}."))),
    }
    view! {
        <div class="app">
            <Header theme=chosen/>
            <div class="desk">
                <Scene/>
                <div class="work">
                    <main class="center" class:covered=store.data.panel>
                        <h1 class="unseen">"Kappascope"</h1>
                        <Problem/>
                        <DataPanel/>
                        <Strip/>
                        <SharedScene/>
                        <Hint/>
                        <MainChart easel=easels.main/>
                        // A feed has results, and no events.
                        <Show when=move || !store.is_live()><DisorderCard easel=easels.disorder/></Show>
                        <Tables/>
                    </main>
                    <Inspector/>
                </div>
            </div>
            <Footer/>
        </div>
        <Dialogs/>
        <DropVeil dragging=dragging/>
    }
}

/// Draws the page with every animation frame, as long as it lives.
fn run(store: Store, easels: Easels, meter: Rc<Meter>) {
    if let Err(error) = stats::publish(store, Rc::clone(&meter)) {
        web_sys::console::error_1(&error);
    }
    let next: Rc<Callback> = Rc::default();
    let again = Rc::clone(&next);
    let on_frame = Closure::<dyn FnMut()>::new(move || {
        if store.has_picture() {
            meter.begin();
        }
        // Text and chart take turns, so that no frame has to pay for both.
        if !store.settle(meter.now_ms()) {
            store.show(&easels.all());
        }
        request(&again);
    });
    next.replace(Some(on_frame));
    request(&next);
}

/// What an animation frame calls, once it is made.
type Callback = RefCell<Option<Closure<dyn FnMut()>>>;

fn request(callback: &Callback) {
    if let Some(callback) = callback.borrow().as_ref() {
        // Every window has animation frames.
        let _ = window().request_animation_frame(callback.as_ref().unchecked_ref());
    }
}

/// Keys, drops and changes of the address, anywhere on the page.
fn listen(store: Store, dragging: RwSignal<bool>, open: Open) {
    // The page never goes away, and its listeners stay with it.
    let _ = window_event_listener(ev::keydown, move |event| press(store, open, &event));
    let _ = window_event_listener(ev::hashchange, move |_| store.restore());
    let _ = window_event_listener(ev::dragover, move |event| {
        event.prevent_default();
        if !dragging.get_untracked() {
            dragging.set(true);
        }
    });
    let _ = window_event_listener(ev::dragleave, move |event: DragEvent| {
        // Only when it leaves the window, and not one element for another.
        if event.related_target().is_none() {
            dragging.set(false);
        }
    });
    let _ = window_event_listener(ev::drop, move |event: DragEvent| {
        event.prevent_default();
        dragging.set(false);
        match dropped(&event) {
            Ok(files) => store.open_files(&files),
            Err(problem) => store.problem.set(Some(problem)),
        }
    });
}

/// The files that were dropped, or what to do instead.
fn dropped(event: &DragEvent) -> Result<FileList, String> {
    let data = event.data_transfer().ok_or("Nothing was dropped.")?;
    let entry = data.items().get(0).and_then(|item| item.webkit_get_as_entry().ok().flatten());
    if let Some(folder) = entry.filter(FileSystemEntry::is_directory) {
        return Err(format!("{} is a folder: open it and drop one of its files.", folder.name()));
    }
    let files = data.files().filter(|files| files.length() > 0);
    files.ok_or_else(|| {
        format!("What was dropped is no file. Drop a file from your computer: {}.", text::FORMS)
    })
}

fn press(store: Store, open: Open, event: &KeyboardEvent) {
    let elsewhere = event.ctrl_key() || event.alt_key() || event.meta_key();
    if elsewhere || open.get_untracked().is_some() || has_own_keys(event) {
        return;
    }
    match event.key().as_str() {
        " " => store.toggle(),
        "ArrowRight" if event.shift_key() => store.go(To::NextWindow),
        "ArrowRight" => store.go(To::NextEvent),
        "ArrowLeft" if event.shift_key() => store.go(To::PreviousWindow),
        "ArrowLeft" => store.go(To::PreviousEvent),
        "l" => store.go(To::NextLate),
        "." => store.go(To::NextAlert),
        "Home" => store.reset(),
        "/" if !store.is_live() => open.set(Some(Dialog::Jump)),
        "?" => open.set(Some(Dialog::Keys)),
        "Escape" if store.sheet.get_untracked() => store.sheet.set(false),
        "Escape" if store.data.panel.get_untracked() => store.data.panel.set(false),
        "Escape" => store.close(),
        _ => return,
    }
    event.prevent_default();
}

/// Whether what has the focus needs the key itself.
fn has_own_keys(event: &KeyboardEvent) -> bool {
    const OWN: &str = "input, select, textarea, [role=tab]";
    const PRESSED: &str = "button, summary, a, label";
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    target.is_some_and(|target| {
        let is = |selector| target.matches(selector).unwrap_or(false);
        is(OWN) || (event.key() == " " && is(PRESSED))
    })
}
