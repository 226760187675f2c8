//! `exfiltration`: what accounts send out of a company, and those that send what they should not.
//!
//! An account sends a few megabytes at a time, mostly by day; every twentieth works at night. Each has a
//! volume of its own. Laptops and servers are backed up at night to `backup.example`, forty times a day's
//! volume. Four times a day someone has an honest bulk job: a film
//! for a client, a data set for a partner to whom hardly anyone else sends.
//!
//! From the second day on someone takes data out every two hours. A third of them use the cloud drive that
//! everyone uses; of these the label names the account only.
//!
//! | label | key | what |
//! |---|---|---|
//! | bulk exfiltration | account, destination | 0.1 to 20 GB within an hour |
//! | slow exfiltration | account, destination | 0.4 to 8 GB in 4 to 12 hours |
//! | exfiltration in small parts | account, destination | 50 to 600 MB in 8 to 20 hours: little more than the account sends anyway |

use crate::attack::{
    Attack, DAY_MS, DETAILS, HOUR_MS, Later, MINUTE_MS, Scene, delay, hour, moment, rhythm, tries,
};
use crate::noise::{Noise, round_to};
use crate::world::{Event, padded};
use std::ops::Range;

const ACCOUNTS: u32 = 400;

/// Accounts of servers, before those of people: they send by night as by day.
const SERVERS: u32 = 10;

/// Destinations, in this order.
const BACKUP: u32 = 0;
const DRIVE: u32 = 1;
const SITES: u32 = 300;
const FIRST_SITE: u32 = 2;
const PARTNERS: u32 = 500;
const FIRST_PARTNER: u32 = FIRST_SITE + SITES;
const DROPS: u32 = 500;
const FIRST_DROP: u32 = FIRST_PARTNER + PARTNERS;

/// Transfers a second, over a day.
const RATE: f64 = 0.9;

/// Share of honest transfers that begin a bulk job, and its size.
const BULK: f64 = 0.000_05;
const BULK_MEGABYTES: f64 = 700.0;

/// Share of bulk jobs, and of other transfers, that go to a partner to whom hardly anyone else sends.
const BULK_TO_PARTNER: f64 = 0.5;
const TO_PARTNER: f64 = 0.01;

/// Attackers who use the drive that everyone uses.
const HIDDEN: f64 = 0.35;

/// Who sends how much where, and how often still.
#[derive(Debug)]
struct Job {
    account: u32,
    destination: u32,
    /// Megabytes a transfer, by median.
    megabytes: f64,
    /// Transfers to come.
    left: u32,
    gap_ms: Range<u32>,
}

/// The scene.
#[derive(Debug)]
pub(crate) struct Exfiltration {
    seed: u64,
    chance: Noise,
    jobs: Later<Job>,
    names: [Vec<String>; 2],
}

impl Scene for Exfiltration {
    const PIPELINE: &'static str = pipeline!("exfiltration");
    const SLOT_MS: i64 = 2 * HOUR_MS;
    const CALM_SLOTS: u64 = 12;
    const SENDERS: usize = 0;

    fn new(seed: u64) -> Self {
        let servers = (1..=SERVERS).map(|server| format!("server_{server:02}"));
        let people = (1..=ACCOUNTS - SERVERS).map(|account| format!("user_{account:03}"));
        let named = ["backup.example", "drive.example"].map(str::to_owned).into_iter();
        let sites = (1..=SITES).map(|site| format!("site-{site:03}.example"));
        let partners = (1..=PARTNERS).map(|partner| format!("partner-{partner:03}.example"));
        let drops = (1..=DROPS).map(|drop| format!("paste-{drop:03}.example"));
        let names =
            [servers.chain(people).collect(), named.chain(sites).chain(partners).chain(drops).collect()];
        Self { seed, chance: Noise::new(seed, DETAILS), jobs: Later::new(), names }
    }

    fn names(&self) -> Vec<Vec<String>> {
        self.names.to_vec()
    }

    fn rate(&self, time: i64) -> f64 {
        RATE * rhythm(time, 14.0, 0.7)
    }

    fn honest(&mut self, start: i64, n: u32, events: &mut Vec<Event>) {
        if (start - crate::attack::START) % DAY_MS == 0 {
            self.plan_backups(start);
        }
        for _ in 0..n {
            let (time, job) = self.jobs.take(start).unwrap_or_else(|| self.begin(start));
            events.push(self.go_on(time, job));
        }
    }

    fn attack(&self, start: i64, chance: &mut Noise) -> Attack {
        let start = start + i64::from(chance.below(HOUR_MS as u32));
        let (what, hours, gigabytes) = match chance.below(3) {
            0 => ("bulk exfiltration", 0.1..1.0, 0.1..20.0),
            1 => ("slow exfiltration", 4.0..12.0, 0.4..8.0),
            _ => ("exfiltration in small parts", 8.0..20.0, 0.05..0.6),
        };
        let duration_ms = chance.log_uniform(&hours) * HOUR_MS as f64;
        let megabytes = chance.log_uniform(&gigabytes) * 1e3;
        self.taken_out(what, start, duration_ms, megabytes, chance)
    }
}

impl Exfiltration {
    /// Every server and every tenth laptop is backed up between one and three at night.
    fn plan_backups(&mut self, day: i64) {
        for account in (0..SERVERS).chain((SERVERS..ACCOUNTS).step_by(10)) {
            let start = day + HOUR_MS + i64::from(self.chance.below(2 * HOUR_MS as u32));
            let left = self.chance.between(&(5..15));
            let megabytes = self.chance.log_gauss(150.0, 0.5);
            let gap_ms = 30_000..120_000;
            self.jobs.put(start, Job { account, destination: BACKUP, megabytes, left, gap_ms });
        }
    }

    /// Someone sends something.
    fn begin(&mut self, start: i64) -> (i64, Job) {
        let time = moment(&mut self.chance, start);
        let account = self.awake(time);
        let bulk = self.chance.happens(BULK);
        let destination = self.destination(if bulk { BULK_TO_PARTNER } else { TO_PARTNER });
        let job = if bulk {
            let left = self.chance.between(&(10..60));
            let megabytes = self.chance.log_gauss(BULK_MEGABYTES, 0.8) / f64::from(left);
            Job { account, destination, megabytes, left, gap_ms: 5_000..60_000 }
        } else {
            Job { account, destination, megabytes: self.usual(account), left: 1, gap_ms: 0..1 }
        };
        (time, job)
    }

    fn destination(&mut self, to_partner: f64) -> u32 {
        if self.chance.happens(to_partner) {
            return FIRST_PARTNER + self.chance.below(PARTNERS);
        }
        if self.chance.happens(0.25) { DRIVE } else { FIRST_SITE + self.chance.skewed(SITES) }
    }

    /// Who is at work: every twentieth by night, the others by day, servers always.
    fn awake(&mut self, time: i64) -> u32 {
        let night = !(7.0..21.0).contains(&hour(time));
        loop {
            let account = self.chance.below(ACCOUNTS);
            let on_shift = (account % 20 == 19) == night;
            if account < SERVERS || on_shift || self.chance.happens(0.06) {
                return account;
            }
        }
    }

    /// Megabytes that an account usually sends at a time: from 0.3 to 3 by median.
    fn usual(&self, account: u32) -> f64 {
        Noise::new(self.seed, 2 + u64::from(account)).log_uniform(&(0.3..3.0))
    }

    /// The next transfer of a job, and when the one after it comes.
    fn go_on(&mut self, time: i64, job: Job) -> Event {
        let event = event(&mut self.chance, time, job.account, job.destination, job.megabytes);
        if job.left > 1 {
            let next = time + i64::from(self.chance.between(&job.gap_ms));
            self.jobs.put(next, Job { left: job.left - 1, ..job });
        }
        event
    }

    fn taken_out(
        &self,
        what: &str,
        start: i64,
        duration_ms: f64,
        megabytes: f64,
        chance: &mut Noise,
    ) -> Attack {
        let account = chance.between(&(SERVERS..ACCOUNTS));
        let drop = FIRST_DROP + chance.below(DROPS);
        let hidden = chance.happens(HIDDEN);
        let destination = if hidden { DRIVE } else { drop };
        let most = (duration_ms / MINUTE_MS as f64).max(6.0) as u32;
        let n = chance.between(&(5..most.min(120)));
        let part = megabytes / f64::from(n);
        let times = tries(chance, start, n, duration_ms / f64::from(n));
        let events = times.into_iter().map(|time| event(chance, time, account, destination, part)).collect();
        let mut attack = Attack::default();
        let mut key = vec![("account", self.names[0][account as usize].as_str())];
        key.extend((!hidden).then(|| ("destination", self.names[1][drop as usize].as_str())));
        attack.add(what, key, events);
        attack
    }
}

/// A transfer: two of three lie within a factor of 2.5 of the median.
fn event(chance: &mut Noise, time: i64, account: u32, destination: u32, median: f64) -> Event {
    Event {
        time,
        delay: delay(chance),
        partition: 0,
        keys: padded([account, destination]),
        values: padded([round_to(chance.log_gauss(median, 0.9), 1e3)]),
    }
}
