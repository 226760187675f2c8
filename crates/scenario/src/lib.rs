//! Simulated event worlds with ground truth: a seed gives the same events on every target, and
//! [`Label`]s say what really happened in them.
//!
//! **Invariant:** events are a pure function of (scenario, seed). How many are asked for, and in which
//! portions, changes where the world is cut and nothing else.
//!
//! ```
//! use kappascope_core::{Log, Pipeline};
//!
//! let mut world = kappascope_scenario::open("tutorial", 7, None)?;
//! let mut log = Log::new(&world.spec().schema);
//! let mut pipeline = Pipeline::new(world.spec()).expect("a scenario's pipeline runs");
//! while world.fill(&mut log, 10_000) > 0 {
//!     pipeline.push(log.read(pipeline.counters().events, usize::MAX));
//! }
//! pipeline.finish();
//! assert_eq!(pipeline.counters().events, world.total());
//! assert_eq!(world.labels()[0].key.as_deref(), Some("purchase"));
//! # Ok::<(), kappascope_scenario::UnknownScenario>(())
//! ```

mod noise;
#[cfg(test)]
mod tests;
mod tutorial;
mod website;
mod world;

pub use world::{Label, World};

/// One entry of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its name, for [`open`].
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What happens in it, in a sentence.
    pub summary: &'static str,
    /// How many events it has unless asked for more or fewer.
    pub default_events: u64,
    /// A seed that shows it well.
    pub default_seed: u64,
}

/// Every scenario there is.
pub const SCENARIOS: [Scenario; 2] = [
    Scenario {
        name: "tutorial",
        title: "Tutorial",
        summary: "A steady stream of three types of event, with two minutes in which purchases are worth four times as much.",
        default_events: 72_000,
        default_seed: 1,
    },
    Scenario {
        name: "website",
        title: "Website",
        summary: "Page views, clicks and purchases through a day and a night, with bots, sales and outages, from clients that are often late.",
        default_events: 1_000_000,
        default_seed: 7,
    },
];

/// There is no scenario of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no scenario `{name}`; there are {}", SCENARIOS.map(|known| format!("`{}`", known.name)).join(", "))]
pub struct UnknownScenario {
    name: String,
}

/// A scenario from its start; `events` of them, or as many as its entry in [`SCENARIOS`] says.
///
/// # Errors
/// When there is no scenario of this name.
pub fn open(name: &str, seed: u64, events: Option<u64>) -> Result<World, UnknownScenario> {
    let unknown = || UnknownScenario { name: name.to_owned() };
    let scenario = SCENARIOS.iter().find(|known| known.name == name).ok_or_else(unknown)?;
    let events = events.unwrap_or(scenario.default_events);
    let parts = match scenario.name {
        "tutorial" => tutorial::parts(seed, events, tutorial::SPIKES),
        "website" => website::parts(seed, events, website::INCIDENTS),
        _ => return Err(unknown()),
    };
    Ok(World::new(parts, events))
}
