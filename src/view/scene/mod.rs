//! The controls, in the order in which data flows: source, time, windows, detector, alert.
//!
//! **Invariant:** a control shows what runs. A change that the pipeline refuses leaves it as it was, and the
//! reason stands below the control that asked for it until a change fits.

mod alert;
mod detector;
mod faults;
mod source;
mod time;
mod window;

use crate::state::{Store, use_store};
use crate::ui::slider::Slider;
use crate::wire::Watch;
use alert::AlertSection;
use detector::DetectorSection;
use kappascope_core::Spec;
use leptos::prelude::*;
use source::SourceSection;
pub(crate) use source::partitions;
use time::TimeSection;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;
use window::WindowSection;

/// The column of controls; a sheet where the page is narrow.
#[component]
pub(crate) fn Scene() -> impl IntoView {
    let store = use_store();
    let hand = Hand { store, blamed: RwSignal::new(None) };
    provide_context(hand);
    view! {
        <aside
            class="scene"
            id="scene"
            class:open=store.sheet
            aria-label="Scene"
            // A slider that is let go says so.
            on:change=move |_| store.let_go()
        >
            <Changed/>
            <Refusal control=None/>
            <SourceSection/>
            // What another process runs is not turned here.
            <div class="dials" inert=move || store.is_live()>
                <TimeSection/>
                <WindowSection/>
                <DetectorSection/>
                <AlertSection/>
            </div>
        </aside>
    }
}

/// What turns the settings of the pipeline, and remembers which control was refused.
#[derive(Clone, Copy)]
struct Hand {
    store: Store,
    /// The test id of the control whose change was refused last.
    blamed: RwSignal<Option<&'static str>>,
}

impl Hand {
    fn get() -> Self {
        expect_context()
    }

    /// Changes the pipeline by a control.
    fn turn(self, control: &'static str, change: impl FnOnce(&mut Spec, Watch)) {
        self.store.tune(change);
        let refused = self.store.refused.with_untracked(Option::is_some);
        self.blamed.set(refused.then_some(control));
    }

    /// The same, by a control that is not dragged: there is nothing to compare with while it moves.
    fn press(self, control: &'static str, change: impl FnOnce(&mut Spec, Watch)) {
        self.turn(control, change);
        self.store.let_go();
    }

    /// Gives the pipeline back the settings of its source.
    fn reset(self) {
        let Some(opened) = self.store.opened.get_untracked() else { return };
        let first = Watch::first_of(&opened.spec);
        let known = self.store.watch.get_untracked().is_of(&opened.spec);
        self.press("reset-settings", |spec, _| spec.clone_from(&opened.spec));
        if !known {
            self.store.draw(first);
        }
    }
}

/// Says that the settings are not the source's any more, with a way back.
#[component]
fn Changed() -> impl IntoView {
    let hand = Hand::get();
    let store = hand.store;
    let changed = Memo::new(move |_| {
        let spec = store.spec.get();
        store.opened.with(|opened| match (opened, &spec) {
            (Some(opened), Some(spec)) => opened.spec != **spec,
            _ => false,
        })
    });
    view! {
        <Show when=move || changed.get()>
            <p class="changed">
                "Settings changed"
                <button
                    class="link"
                    data-testid="reset-settings"
                    title="Gives the pipeline back the settings that its source came with"
                    on:click=move |_| hand.reset()
                >
                    "Reset settings"
                </button>
            </p>
        </Show>
    }
}

/// Why the change of a control was refused; of any that is not of the scene where there is none.
#[component]
fn Refusal(control: Option<&'static str>) -> impl IntoView {
    let hand = Hand::get();
    let words = move || hand.store.refused.get().filter(|_| hand.blamed.get() == control);
    view! {
        <div class="refusal" role="alert">
            {move || words().map(|words| view! { <p class="refused">"Not possible: " {words}</p> })}
        </div>
    }
}

/// After how long a sheet that was opened can take the focus: an element that begins to come is not there yet.
const SHEET_MS: u64 = 50;

/// Opens a section of the scene and brings it into sight.
pub(crate) fn show_section(store: Store, id: &str) {
    let Some(section) = document().get_element_by_id(id) else { return };
    // An attribute of this name can be set.
    let _ = section.set_attribute("open", "");
    store.sheet.set(true);
    section.scroll_into_view();
    let summary = section.query_selector("summary").ok().flatten();
    if let Some(summary) = summary.and_then(|summary| summary.dyn_into::<HtmlElement>().ok()) {
        // Once the sheet is there. A heading that cannot take the focus leaves it where it is.
        set_timeout(move || drop(summary.focus()), std::time::Duration::from_millis(SHEET_MS));
    }
}

/// A numbered section with what it says of itself.
#[component]
fn Section(
    number: &'static str,
    id: &'static str,
    name: &'static str,
    #[prop(into)] about: Signal<String>,
    children: Children,
) -> impl IntoView {
    view! {
        <details class="section" id=id open>
            <summary><i aria-hidden="true">{number}</i>{name}<em title=about>{about}</em></summary>
            <div class="section-body">{children()}</div>
        </details>
    }
}

/// What the pipeline that is open says; nothing before one is.
fn of_spec(write: fn(&Spec, Watch) -> String) -> Signal<String> {
    let store = use_store();
    Signal::derive(move || store.of_spec(write))
}

/// What is seldom turned.
#[component]
fn More(children: Children) -> impl IntoView {
    view! {
        <details class="more">
            <summary>"More"</summary>
            <div class="more-body">{children()}</div>
        </details>
    }
}

/// A slider for one setting of the pipeline, with a tick at what the source came with.
#[component]
fn Dial(
    label: &'static str,
    about: &'static str,
    test_id: &'static str,
    /// The values that fit the pipeline as it is.
    ladder: fn(&Spec, Watch) -> Vec<f64>,
    read: fn(&Spec, Watch) -> Option<f64>,
    write: fn(f64) -> String,
    set: fn(&mut Spec, Watch, f64),
    /// What the setting does now.
    children: Children,
) -> impl IntoView {
    let hand = Hand::get();
    let store = hand.store;
    let ladder = Memo::new(move |_| store.of_spec(ladder));
    let value = Memo::new(move |_| store.of_spec(read).unwrap_or(0.0));
    let words = Signal::derive(move || write(value.get()));
    view! {
        <Slider
            label=label
            about=about
            test_id=test_id
            ladder=ladder
            value=value.into()
            mark=at_first(read)
            words=words
            on_change=Callback::new(move |value| hand.turn(test_id, |spec, watch| set(spec, watch, value)))
        >
            {children()}
            <Refusal control=Some(test_id)/>
        </Slider>
    }
}

/// What the source's own pipeline says.
fn at_first<T: Send + Sync + 'static>(
    read: impl Fn(&Spec, Watch) -> Option<T> + Send + Sync + 'static,
) -> Signal<Option<T>> {
    let store = use_store();
    Signal::derive(move || {
        let watch = store.watch.get();
        store.opened.with(|opened| opened.as_ref().and_then(|opened| read(&opened.spec, watch)))
    })
}
