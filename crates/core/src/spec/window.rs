//! How a query cuts its events into windows, and when it gives results: the part of the pipeline file
//! that has several forms.
//!
//! ```text
//!   { tumbling = "1m" }                      { session = "10s" }
//!   { hopping = "5m", slide = "10s" }        { count = 100, slide = 10 }
//!   { cumulate = "1h", step = "1m" }         { rolling = "1m" }            "global"
//! ```

use crate::time::Millis;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How a query cuts its events into windows. Durations are in event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowSpec {
    /// Windows of one size that neither overlap nor leave gaps, counted from the epoch plus the offset.
    Tumbling {
        /// Size of a window.
        size: Millis,
        /// Where windows begin; below the size.
        offset: Millis,
    },
    /// Windows of one size that begin every `slide`, so that they overlap.
    Hopping {
        /// Size of a window.
        size: Millis,
        /// From the start of one window to the next; at most the size.
        slide: Millis,
        /// Where windows begin; below the slide.
        offset: Millis,
    },
    /// Windows that begin together and end one `step` after another, up to the size (Flink SQL's `CUMULATE`).
    Cumulate {
        /// Size of the longest window, a multiple of the step.
        size: Millis,
        /// From the end of one window to the next.
        step: Millis,
        /// Where windows begin; below the size.
        offset: Millis,
    },
    /// A window a burst of events of one key: it ends when nothing came for longer than the gap.
    Session {
        /// The longest silence within a session.
        gap: Millis,
    },
    /// The last so many events of a key, every so many events, in order of arrival.
    Count {
        /// Events of a window.
        events: u32,
        /// Events from the end of one window to the next; at most `events`.
        slide: u32,
    },
    /// With each event, the events of its key up to this long before it.
    Rolling {
        /// How far back a window reaches.
        duration: Millis,
    },
    /// One window for everything.
    Global,
}

impl WindowSpec {
    /// Tumbling windows counted from the epoch.
    #[must_use]
    pub fn tumbling(size: Millis) -> Self {
        Self::Tumbling { size, offset: Millis(0) }
    }
}

/// The table as written: every field of every form.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(skip_serializing_if = "Option::is_none")]
    tumbling: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hopping: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cumulate: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rolling: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slide: Option<Slide>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<Millis>,
}

/// A slide in time, or in events.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
enum Slide {
    Time(Millis),
    Events(u32),
}

impl<'de> Deserialize<'de> for Slide {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Slide;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a duration such as `\"10s\"`, or a number of events with `count`")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Slide, E> {
                text.parse().map(Slide::Time).map_err(E::custom)
            }
            fn visit_i64<E: serde::de::Error>(self, events: i64) -> Result<Slide, E> {
                u32::try_from(events).map(Slide::Events).map_err(|_| {
                    E::custom(format!("a slide of {events} events; 1 to {} would fit", u32::MAX))
                })
            }
            fn visit_u64<E: serde::de::Error>(self, events: u64) -> Result<Slide, E> {
                self.visit_i64(i64::try_from(events).unwrap_or(i64::MAX))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

const FORMS: &str = "a window is one of `{ tumbling = \"1m\" }`, `{ hopping = \"5m\", slide = \"10s\" }`, \
    `{ cumulate = \"1h\", step = \"1m\" }`, `{ session = \"10s\" }`, `{ count = 100 }`, `{ rolling = \"1m\" }`, `\"global\"`";

impl Table {
    /// The one form that the fields make up.
    fn window(self) -> Result<WindowSpec, String> {
        let offset = self.offset.unwrap_or_default();
        let given = [self.slide.is_some(), self.step.is_some(), self.offset.is_some()];
        let only = |allowed: [bool; 3], window: WindowSpec| {
            let field = ["slide", "step", "offset"].into_iter().zip(given.into_iter().zip(allowed));
            match field.into_iter().find(|(_, (given, allowed))| *given && !allowed) {
                Some((field, _)) => Err(format!("`{field}` does not belong here; {FORMS}")),
                None => Ok(window),
            }
        };
        let Self { tumbling, hopping, cumulate, session, count, rolling, slide, step, offset: _ } = self;
        match (tumbling, hopping, cumulate, session, count, rolling) {
            (Some(size), None, None, None, None, None) => {
                only([false, false, true], WindowSpec::Tumbling { size, offset })
            }
            (None, Some(size), None, None, None, None) => match slide {
                Some(Slide::Time(slide)) => {
                    only([true, false, true], WindowSpec::Hopping { size, slide, offset })
                }
                _ => Err("hopping windows need a `slide`, such as `slide = \"10s\"`".to_owned()),
            },
            (None, None, Some(size), None, None, None) => match step {
                Some(step) => only([false, true, true], WindowSpec::Cumulate { size, step, offset }),
                None => Err("cumulating windows need a `step`, such as `step = \"1m\"`".to_owned()),
            },
            (None, None, None, Some(gap), None, None) => only([false; 3], WindowSpec::Session { gap }),
            (None, None, None, None, Some(events), None) => match slide {
                Some(Slide::Time(_)) => {
                    Err("the slide of a count window is a number of events, such as `slide = 10`".to_owned())
                }
                Some(Slide::Events(slide)) => only([true, false, false], WindowSpec::Count { events, slide }),
                None => only([false; 3], WindowSpec::Count { events, slide: events }),
            },
            (None, None, None, None, None, Some(duration)) => {
                only([false; 3], WindowSpec::Rolling { duration })
            }
            _ => Err(FORMS.to_owned()),
        }
    }
}

impl From<WindowSpec> for Table {
    fn from(window: WindowSpec) -> Self {
        let written = |offset: Millis| Some(offset).filter(|offset| offset.0 != 0);
        match window {
            WindowSpec::Tumbling { size, offset } => {
                Self { tumbling: Some(size), offset: written(offset), ..Self::default() }
            }
            WindowSpec::Hopping { size, slide, offset } => Self {
                hopping: Some(size),
                slide: Some(Slide::Time(slide)),
                offset: written(offset),
                ..Self::default()
            },
            WindowSpec::Cumulate { size, step, offset } => {
                Self { cumulate: Some(size), step: Some(step), offset: written(offset), ..Self::default() }
            }
            WindowSpec::Session { gap } => Self { session: Some(gap), ..Self::default() },
            WindowSpec::Count { events, slide } => Self {
                count: Some(events),
                slide: Some(Slide::Events(slide)).filter(|_| slide != events),
                ..Self::default()
            },
            WindowSpec::Rolling { duration } => Self { rolling: Some(duration), ..Self::default() },
            WindowSpec::Global => Self::default(),
        }
    }
}

impl Serialize for WindowSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Global => serializer.serialize_str("global"),
            window => Table::from(*window).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for WindowSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = WindowSpec;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(FORMS)
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<WindowSpec, E> {
                match text {
                    "global" => Ok(WindowSpec::Global),
                    _ => Err(E::custom(format!("no window `{text}`; {FORMS}"))),
                }
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<WindowSpec, A::Error> {
                let table = Table::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                table.window().map_err(A::Error::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// When a window gives results, beside the one when it closes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Emission {
    /// One result, when the watermark passes the end of the window.
    #[default]
    OnClose,
    /// An early result with each event too.
    OnUpdate,
    /// An early result too whenever the watermark passes a multiple of this, if the window changed.
    Every(Millis),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Every {
    every: Millis,
}

const EMISSIONS: &str = "`emit` is one of `\"on_close\"`, `\"on_update\"`, `{ every = \"1s\" }`";

impl Serialize for Emission {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::OnClose => serializer.serialize_str("on_close"),
            Self::OnUpdate => serializer.serialize_str("on_update"),
            Self::Every(every) => Every { every: *every }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Emission {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Emission;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(EMISSIONS)
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Emission, E> {
                match text {
                    "on_close" => Ok(Emission::OnClose),
                    "on_update" => Ok(Emission::OnUpdate),
                    _ => Err(E::custom(format!("no emission `{text}`; {EMISSIONS}"))),
                }
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Emission, A::Error> {
                let every = Every::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Emission::Every(every.every))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// What a further result of a window says of the events of the earlier ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accumulation {
    /// It covers them too: a result replaces the one before.
    #[default]
    Accumulating,
    /// It leaves them out: results add up.
    Discarding,
    /// It covers them too, and comes after the earlier one was taken back.
    Retracting,
}
