//! `login_brute_force`: sign-ins to a service, and people who guess passwords.
//!
//! Of the honest, most get in at once. Some mistype, some have forgotten their password and try a dozen, and
//! now and then a telephone that nobody told the new password tries the old one for half an hour. Forty
//! offices and eight mobile carriers each show hundreds of people under one address, and every morning the
//! passwords of one office have expired.
//!
//! Every half hour someone attacks, strongly or with patience: a try takes from one second to ten minutes.
//!
//! | label | key | what |
//! |---|---|---|
//! | brute force | account, address | one address tries 12 to 400 passwords on one account |
//! | distributed brute force | account | the same from 8 to 80 addresses, a few tries each |
//! | password spraying | address | one address tries one or two passwords on each of 20 to 300 accounts |
//!
//! A quarter of those with one address sit behind a carrier's, among its honest customers.

use crate::attack::{Attack, DETAILS, HOUR_MS, Later, MINUTE_MS, Scene, delay, hour, moment, rhythm, tries};
use crate::noise::Noise;
use crate::world::{Event, padded};
use std::ops::Range;

const ACCOUNTS: u32 = 3_000;

/// Addresses, in this order: a home for each account, offices, carriers, and those of attackers.
const OFFICES: u32 = 40;
const CARRIERS: u32 = 8;
const RENTED: u32 = 4_096;
const FIRST_OFFICE: u32 = ACCOUNTS;
const FIRST_CARRIER: u32 = FIRST_OFFICE + OFFICES;
const FIRST_RENTED: u32 = FIRST_CARRIER + CARRIERS;

/// Sign-ins a second, over a day.
const RATE: f64 = 3.0;

/// Shares of honest attempts that begin so.
const STALE: f64 = 0.000_05;
const FORGOTTEN: f64 = 0.003;
const MISTYPED: f64 = 0.055;

/// Share of people who cannot get in while the passwords of their office have expired.
const EXPIRED: f64 = 0.35;

/// Attackers behind a carrier's address.
const HIDDEN: f64 = 0.25;

/// Milliseconds between an attacker's tries, and the longest that an attack takes.
const GAP_MS: Range<f64> = 1e3..600e3;
const LONGEST_MS: f64 = 3.0 * HOUR_MS as f64;

/// Someone who is not in yet.
#[derive(Debug)]
struct Attempt {
    account: u32,
    address: u32,
    /// Failures to come.
    failures: u32,
    /// Whether it ends well.
    succeeds: bool,
    gap_ms: Range<u32>,
}

/// The scene.
#[derive(Debug)]
pub(crate) struct LoginBruteForce {
    seed: u64,
    chance: Noise,
    attempts: Later<Attempt>,
    names: [Vec<String>; 2],
}

impl Scene for LoginBruteForce {
    const PIPELINE: &'static str = pipeline!("login_brute_force");
    const SLOT_MS: i64 = 30 * MINUTE_MS;
    const CALM_SLOTS: u64 = 2;
    const SENDERS: usize = 0;

    fn new(seed: u64) -> Self {
        let names = [(1..=ACCOUNTS).map(|account| format!("user_{account:04}")).collect(), addresses()];
        Self { seed, chance: Noise::new(seed, DETAILS), attempts: Later::new(), names }
    }

    fn names(&self) -> Vec<Vec<String>> {
        self.names.to_vec()
    }

    fn rate(&self, time: i64) -> f64 {
        RATE * rhythm(time, 13.0, 0.7)
    }

    fn honest(&mut self, start: i64, n: u32, events: &mut Vec<Event>) {
        for _ in 0..n {
            let (time, attempt) = self.attempts.take(start).unwrap_or_else(|| self.begin(start));
            events.push(self.go_on(time, attempt));
        }
    }

    fn attack(&self, start: i64, chance: &mut Noise) -> Attack {
        let start = start + i64::from(chance.below(20 * MINUTE_MS as u32));
        match chance.below(3) {
            0 => self.brute_force(start, chance),
            1 => self.distributed(start, chance),
            _ => self.spraying(start, chance),
        }
    }
}

/// Homes, offices, carriers, and what attackers rent.
fn addresses() -> Vec<String> {
    let many = |prefix: &'static str, n: u32| (0..n).map(move |i| format!("{prefix}{}.{}", i / 256, i % 256));
    many("100.64.", ACCOUNTS)
        .chain((0..OFFICES).map(|i| format!("198.51.100.{i}")))
        .chain((0..CARRIERS).map(|i| format!("192.0.2.{i}")))
        .chain(many("203.0.", RENTED))
        .collect()
}

impl LoginBruteForce {
    /// Someone signs in.
    fn begin(&mut self, start: i64) -> (i64, Attempt) {
        let time = moment(&mut self.chance, start);
        let account = self.chance.below(ACCOUNTS);
        let address = self.whereabouts(time, account);
        let begun = self.chance.uniform();
        let expired = self.expired(time) == Some(address) && self.chance.happens(EXPIRED);
        let (failures, succeeds, gap_ms) = if begun < STALE {
            (self.chance.between(&(8..60)), false, 20_000..90_000)
        } else if begun < STALE + FORGOTTEN || expired {
            (self.chance.between(&(2..12)), self.chance.happens(0.7), 5_000..30_000)
        } else if begun < STALE + FORGOTTEN + MISTYPED {
            (1 + u32::from(self.chance.happens(0.3)), true, 3_000..12_000)
        } else {
            (0, true, 0..1)
        };
        (time, Attempt { account, address, failures, succeeds, gap_ms })
    }

    /// Three of five people have an office and are there by day.
    fn whereabouts(&mut self, time: i64, account: u32) -> u32 {
        let at_work = account % 5 < 3 && (8.0..18.0).contains(&hour(time));
        if at_work && self.chance.happens(0.8) {
            return FIRST_OFFICE + account % OFFICES;
        }
        if self.chance.happens(0.25) { FIRST_CARRIER + account % CARRIERS } else { account }
    }

    /// The office whose passwords have expired this morning.
    fn expired(&self, time: i64) -> Option<u32> {
        let day = (time - crate::attack::START) / crate::attack::DAY_MS;
        let office = Noise::new(self.seed, 2 + day as u64).below(OFFICES);
        (8.5..10.0).contains(&hour(time)).then_some(FIRST_OFFICE + office)
    }

    /// The next try, and what follows it.
    fn go_on(&mut self, time: i64, attempt: Attempt) -> Event {
        let Attempt { account, address, failures, succeeds, ref gap_ms } = attempt;
        if failures > 1 || (failures == 1 && succeeds) {
            let next = time + i64::from(self.chance.between(gap_ms));
            self.attempts.put(next, Attempt { failures: failures - 1, ..attempt });
        }
        event(&mut self.chance, time, account, address, failures > 0)
    }

    fn brute_force(&self, start: i64, chance: &mut Noise) -> Attack {
        let (account, address) = (chance.below(ACCOUNTS), attacker(chance));
        let events = guesses(chance, start, 12..400, |chance, time, failed| {
            event(chance, time, account, address, failed)
        });
        let key = vec![("account", self.account(account)), ("address", self.address(address))];
        attack("brute force", key, events)
    }

    fn distributed(&self, start: i64, chance: &mut Noise) -> Attack {
        let (account, first, addresses) =
            (chance.below(ACCOUNTS), chance.below(RENTED), chance.between(&(8..80)));
        let events = guesses(chance, start, 30..400, |chance, time, failed| {
            let address = FIRST_RENTED + (first + chance.below(addresses)) % RENTED;
            event(chance, time, account, address, failed)
        });
        attack("distributed brute force", vec![("account", self.account(account))], events)
    }

    fn spraying(&self, start: i64, chance: &mut Noise) -> Attack {
        let (address, first, passwords) =
            (attacker(chance), chance.below(ACCOUNTS), 1 + u32::from(chance.happens(0.3)));
        let mut tried = 0;
        let events = guesses(chance, start, 20..300, |chance, time, _| {
            tried += 1;
            let account = (first + tried / passwords * 7) % ACCOUNTS;
            let failed = !chance.happens(0.01);
            event(chance, time, account, address, failed)
        });
        attack("password spraying", vec![("address", self.address(address))], events)
    }

    fn account(&self, account: u32) -> &str {
        &self.names[0][account as usize]
    }

    fn address(&self, address: u32) -> &str {
        &self.names[1][address as usize]
    }
}

fn attack(what: &str, key: Vec<(&str, &str)>, events: Vec<Event>) -> Attack {
    let mut attack = Attack::default();
    attack.add(what, key, events);
    attack
}

fn attacker(chance: &mut Noise) -> u32 {
    if chance.happens(HIDDEN) {
        return FIRST_CARRIER + chance.below(CARRIERS);
    }
    FIRST_RENTED + chance.below(RENTED)
}

/// Tries at a pace of the attacker's own; in a fifth of cases the last gets in. Slow ones end before
/// they have tried all.
fn guesses(
    chance: &mut Noise,
    start: i64,
    tried: Range<u32>,
    mut event: impl FnMut(&mut Noise, i64, bool) -> Event,
) -> Vec<Event> {
    let gap_ms = chance.log_uniform(&GAP_MS);
    let n = chance.between(&tried).min((LONGEST_MS / gap_ms) as u32);
    let succeeds = chance.happens(0.2);
    let times = tries(chance, start, n, gap_ms);
    let last = times.len().saturating_sub(1);
    times.into_iter().enumerate().map(|(i, time)| event(chance, time, !(succeeds && i == last))).collect()
}

fn event(chance: &mut Noise, time: i64, account: u32, address: u32, failed: bool) -> Event {
    Event {
        time,
        delay: delay(chance),
        partition: 0,
        keys: padded([account, address]),
        values: padded([f64::from(u8::from(failed))]),
    }
}
