//! The icons, drawn on a grid of 16.

use leptos::prelude::*;

/// Outlines of the icons, filled with the colour of the text around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    Play,
    Pause,
    Step,
    StepBack,
    Reset,
    Late,
    Bell,
    Search,
    Theme,
    Close,
    Back,
    Down,
    Save,
    More,
}

impl Icon {
    fn outline(self) -> &'static str {
        match self {
            Self::Play => "M4 2.5v11L13.5 8z",
            Self::Pause => "M4 3h3v10H4zM9 3h3v10H9z",
            Self::Step => "M3 3v10l7-5zM11 3h2v10h-2z",
            Self::StepBack => "M3 3h2v10H3zM13 3v10L6 8z",
            Self::Reset => "M2 3h1.6v10H2zM9 3v10L4 8zM14.5 3v10l-5-5z",
            Self::Late => {
                "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zm0 1.6a4.9 4.9 0 1 1 0 9.8 4.9 4.9 0 0 1 0-9.8z\
                 M7.2 4.6v4l3 1.8.8-1.3-2.2-1.3V4.6z"
            }
            Self::Bell => {
                "M8 1.5c-2.6 0-4.3 1.9-4.3 4.4v3L2.4 11v1h11.2v-1l-1.3-2.1v-3c0-2.5-1.7-4.4-4.3-4.4z\
                 M6.3 13c0 1 .7 1.7 1.7 1.7s1.7-.7 1.7-1.7z"
            }
            Self::Search => {
                "M7 2a5 5 0 1 0 2.9 9.1l3.4 3.4 1.2-1.2-3.4-3.4A5 5 0 0 0 7 2zm0 1.6a3.4 3.4 0 1 1 0 6.8 3.4 3.4 0 0 1 0-6.8z"
            }
            Self::Theme => "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm0 1.6v10.8A5.4 5.4 0 0 1 8 2.6z",
            Self::Close => {
                "M3.5 4.6 4.6 3.5 8 6.9l3.4-3.4 1.1 1.1L9.1 8l3.4 3.4-1.1 1.1L8 9.1l-3.4 3.4-1.1-1.1L6.9 8z"
            }
            Self::Back => "M10.4 2.5 5 8l5.4 5.5 1.2-1.2L7.4 8l4.2-4.3z",
            Self::Down => "M2 5h12l-6 7z",
            Self::More => "M1.8 6.4h3.2v3.2H1.8zM6.4 6.4h3.2v3.2H6.4zM11 6.4h3.2v3.2H11z",
            Self::Save => "M7.2 2h1.6v5.9l2.1-2.1L12 6.9l-4 4-4-4 1.1-1.1 2.1 2.1zM3 12.4h10V14H3z",
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
