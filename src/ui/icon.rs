//! The icons, drawn on a grid of 16.

use leptos::prelude::*;

/// Outlines of the icons, filled with the colour of the text around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    Play,
    Pause,
    Step,
    Reset,
    Theme,
    Close,
    Back,
    Down,
}

impl Icon {
    fn outline(self) -> &'static str {
        match self {
            Self::Play => "M4 2.5v11L13.5 8z",
            Self::Pause => "M4 3h3v10H4zM9 3h3v10H9z",
            Self::Step => "M3 3v10l7-5zM11 3h2v10h-2z",
            Self::Reset => "M3 3h2v10H3zM13 3v10L6 8z",
            Self::Theme => "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm0 1.6v10.8A5.4 5.4 0 0 1 8 2.6z",
            Self::Close => {
                "M3.5 4.6 4.6 3.5 8 6.9l3.4-3.4 1.1 1.1L9.1 8l3.4 3.4-1.1 1.1L8 9.1l-3.4 3.4-1.1-1.1L6.9 8z"
            }
            Self::Back => "M10.4 2.5 5 8l5.4 5.5 1.2-1.2L7.4 8l4.2-4.3z",
            Self::Down => "M2 5h12l-6 7z",
        }
    }
}

/// Draws an icon that may change. The text beside it, or its button's label, says what it means.
#[component]
pub(crate) fn Glyph(#[prop(into)] icon: Signal<Icon>) -> impl IntoView {
    view! {
        <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d=move || icon.get().outline()></path>
        </svg>
    }
}
