//! `service_latency`: how long a shop's service takes to answer, and the few whose answers never come.
//!
//! ```text
//!   checkout, median ▃▃▃▃▃▃▃▃▃▃▄▃▃▃▃
//!   checkout, p99    ▃▃▄▃▃▃▃▃▇█▇█▃▃▃    three people cannot pay
//!   a sample of 1%   ▃  ▃▃ ▃  ▃ ▃▃ ▃    none of them is in it
//! ```
//!
//! Six endpoints, each with a log-normal time of its own; one request in 250 meets a pause and takes several
//! times as long. Three times a day a new version goes out, and for some minutes caches are cold. At night a
//! report makes searches slow. Every fortieth user has a cart so large that checkout is always slow, and thirty
//! resellers order several times in a row, for whom it takes seven seconds.
//!
//! Every half hour something breaks.
//!
//! | label | key | what |
//! |---|---|---|
//! | checkout is broken for a user | endpoint, user | 2 to 12 users at a time whose requests run into a time limit of 6 to 30 seconds; each tries 2 to 9 times |
//! | slow tail | endpoint | one request in a hundred to one in twelve hangs for 1.5 to 12 seconds, for 8 to 30 minutes |

use crate::attack::{Attack, DETAILS, Later, MINUTE_MS, Scene, delay, hour, moment, rhythm, tries};
use crate::noise::{Noise, round_to};
use crate::world::{Event, padded};
use std::ops::Range;

/// One endpoint: its share of requests, and the median of its time in milliseconds.
struct Endpoint {
    name: &'static str,
    share: f64,
    median_ms: f64,
}

const ENDPOINTS: [Endpoint; 6] = [
    Endpoint { name: "home", share: 0.3, median_ms: 60.0 },
    Endpoint { name: "product", share: 0.34, median_ms: 90.0 },
    Endpoint { name: "search", share: 0.16, median_ms: 210.0 },
    Endpoint { name: "cart", share: 0.1, median_ms: 120.0 },
    Endpoint { name: "sign_in", share: 0.04, median_ms: 160.0 },
    Endpoint { name: "checkout", share: 0.06, median_ms: 380.0 },
];
const SEARCH: u32 = 2;
const CHECKOUT: u32 = 5;

const USERS: u32 = 6_000;

/// Every so manieth user has a very large cart, which makes checkout so many times as slow.
const LARGE_CARTS: u32 = 40;
const LARGE_CART: f64 = 5.0;

/// Resellers order several times in a row, and checkout takes them so many times as long: seldom, as a share
/// of requests.
const RESELLERS: u32 = 30;
const RESELLER: f64 = 18.0;
const RESELLING: f64 = 0.000_15;

/// Requests a second, over a day.
const RATE: f64 = 8.0;

/// Deviation of the logarithm of a time.
const SPREAD: f64 = 0.45;

/// Share of requests that meet a pause, and how many times as long they take.
const PAUSES: f64 = 0.004;
const PAUSE: Range<f64> = 3.0..10.0;

/// When new versions go out, in hours, how long caches are cold, and how many times as long all takes then.
const RELEASES: [f64; 3] = [10.4, 13.7, 16.2];
const COLD_HOURS: f64 = 0.06;
const COLD: f64 = 3.0;

/// When the report runs, and how many times as long searches take then.
const REPORT: Range<f64> = 2.0..3.0;
const SLOW_SEARCH: f64 = 2.5;

/// The scene.
#[derive(Debug)]
pub(crate) struct ServiceLatency {
    chance: Noise,
    /// Resellers who will order.
    orders: Later<u32>,
}

impl Scene for ServiceLatency {
    const PIPELINE: &'static str = pipeline!("service_latency");
    const SLOT_MS: i64 = 30 * MINUTE_MS;
    const CALM_SLOTS: u64 = 4;
    const SENDERS: usize = 1;

    fn new(seed: u64) -> Self {
        Self { chance: Noise::new(seed, DETAILS), orders: Later::new() }
    }

    fn names(&self) -> Vec<Vec<String>> {
        let endpoints = ENDPOINTS.iter().map(|endpoint| endpoint.name.to_owned());
        vec![endpoints.collect(), (0..USERS).map(user_name).collect()]
    }

    fn rate(&self, time: i64) -> f64 {
        RATE * rhythm(time, 17.0, 0.6)
    }

    fn honest(&mut self, start: i64, n: u32, events: &mut Vec<Event>) {
        for _ in 0..n {
            let event = match self.orders.take(start) {
                Some((time, user)) => self.order(time, user),
                None => self.request(start),
            };
            events.push(event);
        }
    }

    fn attack(&self, start: i64, chance: &mut Noise) -> Attack {
        let start = start + i64::from(chance.below(15 * MINUTE_MS as u32));
        if chance.happens(0.6) { broken_checkout(start, chance) } else { slow_tail(self, start, chance) }
    }
}

impl ServiceLatency {
    /// A reseller's next order.
    fn order(&mut self, time: i64, user: u32) -> Event {
        let ms = self.chance.log_gauss(ENDPOINTS[CHECKOUT as usize].median_ms * RESELLER, SPREAD);
        event(&mut self.chance, time, CHECKOUT, user, ms)
    }

    /// A reseller begins to order.
    fn plan_orders(&mut self, start: i64) {
        let user = self.chance.below(RESELLERS) * (USERS / RESELLERS);
        let (n, gap_ms) = (self.chance.between(&(2..9)), self.chance.log_uniform(&(60e3..400e3)));
        for time in tries(&mut self.chance, start, n, gap_ms) {
            self.orders.put(time, user);
        }
    }

    fn request(&mut self, start: i64) -> Event {
        if self.chance.happens(RESELLING) {
            self.plan_orders(start);
        }
        let chance = &mut self.chance;
        let time = moment(chance, start);
        let (endpoint, user) = (endpoint(chance), chance.skewed(USERS));
        let mut ms =
            chance.log_gauss(ENDPOINTS[endpoint as usize].median_ms, SPREAD) * slowness(time, endpoint);
        if endpoint == CHECKOUT && user % LARGE_CARTS == LARGE_CARTS - 1 {
            ms *= LARGE_CART;
        }
        if chance.happens(PAUSES) {
            ms *= chance.log_uniform(&PAUSE);
        }
        event(chance, time, endpoint, user, ms)
    }
}

fn user_name(user: u32) -> String {
    format!("user_{:04}", user + 1)
}

/// One of them, by their shares.
fn endpoint(chance: &mut Noise) -> u32 {
    let mut left = chance.uniform();
    let found = ENDPOINTS.iter().position(|endpoint| {
        left -= endpoint.share;
        left < 0.0
    });
    found.unwrap_or(0) as u32
}

/// How many times as long everyone's requests take at this time.
fn slowness(time: i64, endpoint: u32) -> f64 {
    let hour = hour(time);
    let cold = RELEASES.iter().any(|release| (*release..release + COLD_HOURS).contains(&hour));
    let report = endpoint == SEARCH && REPORT.contains(&hour);
    (if cold { COLD } else { 1.0 }) * (if report { SLOW_SEARCH } else { 1.0 })
}

/// Some users cannot pay: a label for each.
fn broken_checkout(start: i64, chance: &mut Noise) -> Attack {
    let limit_ms = chance.log_uniform(&(6e3..30e3));
    let first = chance.below(USERS);
    let mut attack = Attack::default();
    for nth in 0..chance.between(&(2..13)) {
        // Not neighbours, whatever the number of users.
        let user = (first + nth * 487) % USERS;
        let begins = start + i64::from(chance.below(20 * MINUTE_MS as u32));
        let (n, gap_ms) = (chance.between(&(2..10)), limit_ms + chance.log_uniform(&(10e3..180e3)));
        let times = tries(chance, begins, n, gap_ms).into_iter();
        let events = times.map(|time| {
            let ms = limit_ms + chance.exponential(150.0);
            event(chance, time, CHECKOUT, user, ms)
        });
        let events = events.collect();
        let name = user_name(user);
        let key = vec![("endpoint", ENDPOINTS[CHECKOUT as usize].name), ("user", &*name)];
        attack.add("checkout is broken for a user", key, events);
    }
    attack
}

/// A part of an endpoint's requests hangs, and is sent again: what hangs is more than there would be.
fn slow_tail(scene: &ServiceLatency, start: i64, chance: &mut Noise) -> Attack {
    let at = chance.below(ENDPOINTS.len() as u32);
    let Endpoint { name, share, .. } = &ENDPOINTS[at as usize];
    let minutes = chance.between(&(8..30));
    let usual = scene.rate(start) * share * 60.0 * f64::from(minutes);
    let n = ((usual * chance.log_uniform(&(0.01..0.08))) as u32).max(3);
    let median_ms = chance.log_uniform(&(1.5e3..12e3));
    let gap_ms = f64::from(minutes) * MINUTE_MS as f64 / f64::from(n);
    let times = tries(chance, start, n, gap_ms).into_iter();
    let events = times.map(|time| {
        let (user, ms) = (chance.skewed(USERS), chance.log_gauss(median_ms, 0.3));
        event(chance, time, at, user, ms)
    });
    let events = events.collect();
    let mut attack = Attack::default();
    attack.add("slow tail", vec![("endpoint", name)], events);
    attack
}

fn event(chance: &mut Noise, time: i64, endpoint: u32, user: u32, ms: f64) -> Event {
    Event {
        time,
        delay: delay(chance),
        partition: 0,
        keys: padded([endpoint, user]),
        values: padded([round_to(ms, 10.0)]),
    }
}
