//! Simulated event worlds with ground truth: a seed gives the same events on every target, and
//! [`Label`]s say what really happened in them.
//!
//! **Invariant:** events are a pure function of (scenario, seed, faults). How many are asked for, and in
//! which portions, changes where the world is cut and nothing else.
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
//! assert!(world.labels()[0].is_of("event_type", "purchase"));
//! # Ok::<(), kappascope_scenario::UnknownScenario>(())
//! ```

mod account_takeover;
mod attack;
mod card_testing;
mod disturbance;
mod exfiltration;
pub mod faults;
mod login_brute_force;
mod noise;
#[cfg(test)]
mod tests;
mod tutorial;
mod website;
mod world;

use account_takeover::AccountTakeover;
use attack::ATTACKS;
use card_testing::CardTesting;
use disturbance::Extent;
use exfiltration::Exfiltration;
use login_brute_force::LoginBruteForce;

pub use faults::{FaultError, Faults};
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
pub const SCENARIOS: [Scenario; 6] = [
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
    Scenario {
        name: "login_brute_force",
        title: "Guessed passwords",
        summary: "Sign-ins of a day, with people who mistype and offices behind one address, among brute force and password spraying.",
        default_events: 250_000,
        default_seed: 11,
    },
    Scenario {
        name: "exfiltration",
        title: "Data taken out",
        summary: "What the accounts of a company send out in four days, with backups and bulk jobs, among data that is taken out fast or slowly.",
        default_events: 300_000,
        default_seed: 11,
    },
    Scenario {
        name: "account_takeover",
        title: "Accounts taken over",
        summary: "Sessions of a day, with VPNs, shared accounts and business trips, among accounts taken over from abroad, from nearby and by stolen sessions.",
        default_events: 180_000,
        default_seed: 11,
    },
    Scenario {
        name: "card_testing",
        title: "Stolen cards tried out",
        summary: "Card payments of most of a day, with a rush on gift cards and subscriptions billed in batches, among small payments that try out stolen cards.",
        default_events: 250_000,
        default_seed: 11,
    },
];

/// There is no scenario of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no scenario `{name}`; there are {}", SCENARIOS.map(|known| format!("`{}`", known.name)).join(", "))]
pub struct UnknownScenario {
    name: String,
}

/// A scenario that cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// There is none of this name.
    #[error(transparent)]
    Unknown(#[from] UnknownScenario),
    /// A fault cannot be, in this scenario or at all.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

/// A scenario from its start; `events` of them, or as many as its entry in [`SCENARIOS`] says.
///
/// # Errors
/// When there is no scenario of this name.
pub fn open(name: &str, seed: u64, events: Option<u64>) -> Result<World, UnknownScenario> {
    made(name, seed, events, &Faults::default())
}

/// The same, with faults between where its events happen and where they arrive.
///
/// # Errors
/// When there is no scenario of this name, and when a fault is out of its bounds or about a partition that
/// the scenario does not have.
pub fn open_with(name: &str, seed: u64, events: Option<u64>, faults: &Faults) -> Result<World, OpenError> {
    faults.check()?;
    let world = made(name, seed, events, faults)?;
    faults.check_for(world.spec().schema.partitions)?;
    Ok(world)
}

fn made(name: &str, seed: u64, events: Option<u64>, faults: &Faults) -> Result<World, UnknownScenario> {
    let unknown = || UnknownScenario { name: name.to_owned() };
    let scenario = SCENARIOS.iter().find(|known| known.name == name).ok_or_else(unknown)?;
    let extent = Extent { events: events.unwrap_or(scenario.default_events), faults };
    let parts = match scenario.name {
        "tutorial" => tutorial::parts(seed, extent, tutorial::SPIKES),
        "website" => website::parts(seed, extent, website::INCIDENTS),
        "login_brute_force" => attack::parts::<LoginBruteForce>(seed, extent, ATTACKS),
        "exfiltration" => attack::parts::<Exfiltration>(seed, extent, ATTACKS),
        "account_takeover" => attack::parts::<AccountTakeover>(seed, extent, ATTACKS),
        "card_testing" => attack::parts::<CardTesting>(seed, extent, ATTACKS),
        _ => return Err(unknown()),
    };
    Ok(World::new(parts, seed, extent))
}
