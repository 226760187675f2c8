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

/// A scenario's pipeline, `pipelines/NAME.toml`, as JSON: see `build.rs`.
macro_rules! pipeline {
    ($name:literal) => {
        include_str!(concat!(env!("OUT_DIR"), "/", $name, ".json"))
    };
}

mod account_takeover;
mod attack;
mod card_testing;
mod disturbance;
mod exfiltration;
pub mod faults;
mod login_brute_force;
mod noise;
mod order_tracking;
mod sensor;
mod service_latency;
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
use service_latency::ServiceLatency;

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
    /// What really happens in it, in a few sentences.
    pub story: &'static str,
    /// How many events it has unless asked for more or fewer.
    pub default_events: u64,
    /// A seed that shows it well.
    pub default_seed: u64,
}

/// Every scenario there is.
pub const SCENARIOS: [Scenario; 9] = [
    Scenario {
        name: "tutorial",
        title: "Tutorial",
        summary: "A steady stream of three types of event, with two minutes in which purchases are worth four times as much.",
        story: "Three types of event come at one rate, 72,000 in two hours, each worth 50 give or take 20. In the last third of every two hours, purchases are worth 200 for two minutes. Events arrive up to three seconds late, which is the pipeline's bound, so none is too late until you make it shorter.",
        default_events: 72_000,
        default_seed: 1,
    },
    Scenario {
        name: "website",
        title: "Website",
        summary: "Page views, clicks and purchases through a day and a night, with bots, sales and outages, from clients that are often late.",
        story: "Page views, clicks and purchases rise and fall with the day, told by clients on three partitions; a few in a thousand were offline and tell it up to two minutes later. Every four hours something happens for six to twelve minutes: a bot clicks, page views are lost in an outage, or a sale brings purchases. A sale at night is a purchase more or less, and hard to tell from noise.",
        default_events: 1_000_000,
        default_seed: 7,
    },
    Scenario {
        name: "login_brute_force",
        title: "Guessed passwords",
        summary: "Sign-ins of a day, with people who mistype and offices behind one address, among brute force and password spraying.",
        story: "People sign in, mistype and forget their passwords; offices and mobile carriers show hundreds of them under one address. Every half hour someone guesses: many passwords on one account, from one address or from dozens, or one password on many accounts. The patient try every few minutes, and a quarter of the sprayers hide behind a carrier.",
        default_events: 250_000,
        default_seed: 11,
    },
    Scenario {
        name: "exfiltration",
        title: "Data taken out",
        summary: "What the accounts of a company send out in four days, with backups and bulk jobs, among data that is taken out fast or slowly.",
        story: "Accounts send a few megabytes at a time by day, machines are backed up at night, and now and then someone has an honest bulk job. From the second day on someone takes data out every two hours: in one go, over half a day, or in parts so small that the account sends little more than usual. A third of them use the drive that everyone uses.",
        default_events: 300_000,
        default_seed: 11,
    },
    Scenario {
        name: "account_takeover",
        title: "Accounts taken over",
        summary: "Sessions of a day, with VPNs, shared accounts and business trips, among accounts taken over from abroad, from nearby and by stolen sessions.",
        story: "People use their accounts from home, through VPNs, from business trips, or share them with someone far away, and some get a new telephone. Every forty minutes someone takes an account over, from abroad, through a proxy nearby, or by a stolen session, and changes what keeps the owner out. Some wait for hours before they act.",
        default_events: 180_000,
        default_seed: 11,
    },
    Scenario {
        name: "card_testing",
        title: "Stolen cards tried out",
        summary: "Card payments of most of a day, with a rush on gift cards and subscriptions billed in batches, among small payments that try out stolen cards.",
        story: "People pay at shops, kiosks bill small amounts, subscriptions are billed in batches, and at noon and in the evening there is a rush on gift cards. Every 25 minutes someone tries out stolen cards of one bank with small payments, from one device or from dozens. After most of these a card that works pays for something large.",
        default_events: 250_000,
        default_seed: 11,
    },
    Scenario {
        name: "order_tracking",
        title: "Orders on their way",
        summary: "Meals carried through a city by couriers who tell their places, among orders that are late, stuck or lost.",
        story: "Meals are placed, cooked, picked up and carried through a city, and couriers' telephones tell their places once a minute. One order in eighty goes wrong: the kitchen forgets it, the courier stands still far from the door, or nothing is ever heard of it again. Honest orders look alike at times: some are for later, some couriers wait at a door or stop on the way, and telephones lose the signal.",
        default_events: 250_000,
        default_seed: 11,
    },
    Scenario {
        name: "service_latency",
        title: "Slow for a few",
        summary: "Response times of a shop's endpoints through a day, with releases and pauses, among people who cannot pay and tails that hang.",
        story: "Six endpoints of a shop answer in some tens to hundreds of milliseconds, with pauses, cold caches after releases and a report at night. Every half hour something breaks: a few users cannot pay and wait for up to half a minute each time, or a small part of an endpoint's requests hangs. The median does not move, and a sample of one request in a hundred seldom has one of theirs.",
        default_events: 400_000,
        default_seed: 11,
    },
    Scenario {
        name: "sensor",
        title: "Sensors that lie",
        summary: "Thermometers of a greenhouse through two weeks of days and weather, among values that are stuck, drift or spike.",
        story: "Twelve thermometers in a greenhouse follow the day, the weather and their own age; vents let a room fall by some degrees, and three old sensors know coarse steps only. From the fourth day on one of them begins to lie every eight hours: it repeats one value, drifts slowly away, or throws in readings that are far off. A slow drift is less than what the weather does.",
        default_events: 240_000,
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
        "order_tracking" => order_tracking::parts(seed, extent, order_tracking::ORDERS),
        "service_latency" => attack::parts::<ServiceLatency>(seed, extent, ATTACKS),
        "sensor" => sensor::parts(seed, extent, sensor::LIES),
        _ => return Err(unknown()),
    };
    Ok(World::new(parts, seed, extent))
}
