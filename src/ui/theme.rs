//! Light, dark, or as the system has it; remembered by the browser.
//!
//! **Invariant:** `data-theme` of the root element is always `light` or `dark`, so the style sheets know
//! two themes and nothing of the system.

use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::MediaQueryList;

const KEY: &str = "kappascope-theme";

/// What a person chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    System,
    Light,
    Dark,
}

impl Theme {
    /// What was chosen last time.
    pub(crate) fn remembered() -> Self {
        let storage = web_sys::window().and_then(|window| window.local_storage().ok()?);
        match storage.and_then(|storage| storage.get_item(KEY).ok()?).as_deref() {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::System,
        }
    }

    /// The next in the round that the button makes.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    fn remember(self) {
        let storage = web_sys::window().and_then(|window| window.local_storage().ok()?);
        if let Some(storage) = storage {
            // A browser that forbids storage forgets the choice; nothing else depends on it.
            let _ = storage.set_item(KEY, self.name());
        }
    }
}

/// Keeps the root element's `data-theme` as chosen; the signal that it gives counts the changes.
pub(crate) fn keep(theme: RwSignal<Theme>) -> Signal<u32> {
    let system =
        web_sys::window().and_then(|window| window.match_media("(prefers-color-scheme: dark)").ok()?);
    let system_dark = RwSignal::new(system.as_ref().is_some_and(MediaQueryList::matches));
    if let Some(system) = system {
        watch(&system, system_dark);
    }
    let changes = RwSignal::new(0);
    Effect::new(move |_| {
        theme.get().remember();
        let dark = match theme.get() {
            Theme::System => system_dark.get(),
            chosen => chosen == Theme::Dark,
        };
        if let Some(root) = document().document_element() {
            // Setting an attribute of this name cannot fail.
            let _ = root.set_attribute("data-theme", if dark { "dark" } else { "light" });
        }
        changes.update(|changes| *changes += 1);
    });
    changes.into()
}

fn watch(system: &MediaQueryList, dark: RwSignal<bool>) {
    let query = system.clone();
    let on_change = Closure::<dyn FnMut()>::new(move || dark.set(query.matches()));
    system.set_onchange(Some(on_change.as_ref().unchecked_ref()));
    // The page watches the system's theme as long as it lives.
    on_change.forget();
}
