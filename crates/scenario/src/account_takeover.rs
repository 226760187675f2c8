//! `account_takeover`: what people do with their accounts, and others who have their passwords.
//!
//! The identity provider says where each event came from (by its address) and whether the device is new to
//! the account. Honest people get new telephones and then change their password; some go through a VPN
//! whose exit is in another country each time; some share an account with someone in another city; some
//! travel, no faster than an airliner; and what a mobile carrier says of a place is a few degrees off.
//!
//! Every forty minutes someone takes an account over; some act at once, some wait for hours.
//!
//! | label | key | what |
//! |---|---|---|
//! | takeover from abroad | account | new device, another country; then changes |
//! | takeover through a proxy nearby | account | new device, but near the owner's home; then changes |
//! | stolen session | account | the owner's own session, used from another country; nothing is new |

use crate::attack::{Attack, DETAILS, HOUR_MS, Later, MINUTE_MS, Scene, delay, hour, moment, rhythm};
use crate::noise::{Noise, round_to};
use crate::world::{Event, padded};

const ACCOUNTS: u32 = 3_000;

/// A country, its largest city, and how many of 100 accounts are at home there.
struct Country {
    name: &'static str,
    latitude: f64,
    longitude: f64,
    share: u32,
}

const fn country(name: &'static str, latitude: f64, longitude: f64, share: u32) -> Country {
    Country { name, latitude, longitude, share }
}

const COUNTRIES: [Country; 12] = [
    country("DE", 52.5, 13.4, 30),
    country("FR", 48.9, 2.4, 15),
    country("GB", 51.5, -0.1, 15),
    country("NL", 52.4, 4.9, 10),
    country("ES", 40.4, -3.7, 10),
    country("PL", 52.2, 21.0, 8),
    country("SE", 59.3, 18.1, 5),
    country("US", 40.7, -74.0, 4),
    country("IN", 19.1, 72.9, 1),
    country("BR", -23.6, -46.6, 1),
    country("NG", 6.5, 3.4, 1),
    country("VN", 10.8, 106.7, 0),
];

/// Where the exits of VPNs are.
const EXITS: [u32; 4] = [2, 3, 6, 7];

const ACTIONS: [&str; 6] = ["login", "view", "change_password", "change_email", "change_phone", "payment"];
const LOGIN: u32 = 0;
const VIEW: u32 = 1;
const PASSWORD: u32 = 2;
const EMAIL: u32 = 3;
const PHONE: u32 = 4;
const PAYMENT: u32 = 5;

/// Events a second, over a day.
const RATE: f64 = 2.0;

/// Shares of honest sessions: from a new device; in which something is changed; that are placed wrongly.
const NEW_DEVICE: f64 = 0.012;
const CHANGES: f64 = 0.01;
const CHANGES_ON_NEW: f64 = 0.25;

/// Share of those who change something and change something more.
const CHANGES_MORE: f64 = 0.1;

/// Share of other events that are payments.
const PAYMENTS: f64 = 0.02;

const MISPLACED: f64 = 0.02;

/// Degrees that a wrongly placed session is off, by deviation.
const MISPLACED_DEGREES: f64 = 4.0;

/// Degrees that people live from their country's largest city, by deviation.
const HOME_DEGREES: f64 = 1.5;

/// Where an event comes from.
#[derive(Clone, Copy, Debug)]
struct Place {
    country: u32,
    latitude: f64,
    longitude: f64,
}

/// Someone at work with an account.
#[derive(Clone, Copy, Debug)]
struct Session {
    account: u32,
    place: Place,
    new_device: bool,
    /// Changes to come, the last things done.
    changes: u32,
    /// Events to come.
    left: u32,
    begun: bool,
}

/// The scene.
#[derive(Debug)]
pub(crate) struct AccountTakeover {
    chance: Noise,
    sessions: Later<Session>,
    homes: Vec<Place>,
    names: Vec<String>,
}

impl Scene for AccountTakeover {
    const PIPELINE: &'static str = pipeline!("account_takeover");
    const SLOT_MS: i64 = 40 * MINUTE_MS;
    const CALM_SLOTS: u64 = 2;
    const SENDERS: usize = 0;

    fn new(seed: u64) -> Self {
        let mut fate = Noise::new(seed, 2);
        let homes = (0..ACCOUNTS).map(|_| home(&mut fate)).collect();
        let names = (1..=ACCOUNTS).map(|account| format!("user_{account:04}")).collect();
        Self { chance: Noise::new(seed, DETAILS), sessions: Later::new(), homes, names }
    }

    fn names(&self) -> Vec<Vec<String>> {
        let actions = ACTIONS.map(str::to_owned).to_vec();
        let countries = COUNTRIES.iter().map(|country| country.name.to_owned()).collect();
        vec![self.names.clone(), actions, countries]
    }

    fn rate(&self, time: i64) -> f64 {
        RATE * rhythm(time, 19.0, 0.6)
    }

    fn honest(&mut self, start: i64, n: u32, events: &mut Vec<Event>) {
        for _ in 0..n {
            let (time, session) = self.sessions.take(start).unwrap_or_else(|| self.begin(start));
            events.push(self.go_on(time, session));
        }
    }

    fn attack(&self, start: i64, chance: &mut Noise) -> Attack {
        let start = start + i64::from(chance.below(30 * MINUTE_MS as u32));
        let account = chance.below(ACCOUNTS);
        let home = self.homes[account as usize];
        let country = abroad(chance, home.country);
        let abroad = near(chance, country, HOME_DEGREES);
        let nearby = Place {
            latitude: home.latitude + chance.gauss(0.0, 0.7),
            longitude: home.longitude + chance.gauss(0.0, 0.7),
            ..home
        };
        let (what, place, new_device) = match chance.below(3) {
            0 => ("takeover from abroad", abroad, true),
            1 => ("takeover through a proxy nearby", nearby, true),
            _ => ("stolen session", abroad, false),
        };
        let events = taken_over(chance, start, account, place, new_device);
        let mut attack = Attack::default();
        attack.add(what, vec![("account", &self.names[account as usize])], events);
        attack
    }
}

/// Where an account is at home.
fn home(chance: &mut Noise) -> Place {
    let mut at = chance.below(100);
    let country = COUNTRIES.iter().position(|country| {
        let here = at < country.share;
        at = at.saturating_sub(country.share);
        here
    });
    near(chance, country.unwrap_or(0) as u32, HOME_DEGREES)
}

/// Somewhere around a country's largest city.
fn near(chance: &mut Noise, country: u32, degrees: f64) -> Place {
    let city = &COUNTRIES[country as usize];
    Place {
        country,
        latitude: chance.gauss(city.latitude, degrees),
        longitude: chance.gauss(city.longitude, degrees),
    }
}

/// A country that is not this one.
fn abroad(chance: &mut Noise, home: u32) -> u32 {
    let others = COUNTRIES.len() as u32;
    (home + 1 + chance.below(others - 1)) % others
}

impl AccountTakeover {
    /// Someone begins a session.
    fn begin(&mut self, start: i64) -> (i64, Session) {
        let time = moment(&mut self.chance, start);
        let (account, place) = self.someone(time);
        let new_device = self.chance.happens(NEW_DEVICE);
        let changes = self.chance.happens(if new_device { CHANGES_ON_NEW } else { CHANGES });
        let changes = if changes { 1 + u32::from(self.chance.happens(CHANGES_MORE)) } else { 0 };
        let left = 1 + changes + self.chance.exponential(5.0) as u32;
        (time, Session { account, place, new_device, changes, left, begun: false })
    }

    /// Who, and from where. Nobody signs in while on an airplane.
    fn someone(&mut self, time: i64) -> (u32, Place) {
        loop {
            let account = self.chance.below(ACCOUNTS);
            if let Some(place) = self.whereabouts(time, account) {
                return (account, place);
            }
        }
    }

    /// Of 100 accounts 6 go through a VPN half of the time, 3 are shared with someone in another country,
    /// and 2 are on a trip that began today.
    fn whereabouts(&mut self, time: i64, account: u32) -> Option<Place> {
        let home = self.homes[account as usize];
        let chance = &mut self.chance;
        match account * 37 % 100 {
            0..6 if chance.happens(0.5) => {
                let exit = EXITS[chance.below(EXITS.len() as u32) as usize];
                Some(near(chance, exit, 0.1))
            }
            6..9 if chance.happens(0.4) => Some(near(chance, (account + 1) % 8, 0.1)),
            9..11 => trip(home, hour(time), account),
            _ if chance.happens(MISPLACED) => Some(Place {
                latitude: home.latitude + chance.gauss(0.0, MISPLACED_DEGREES),
                longitude: home.longitude + chance.gauss(0.0, MISPLACED_DEGREES),
                ..home
            }),
            _ => Some(home),
        }
    }

    /// The next event of a session.
    fn go_on(&mut self, time: i64, session: Session) -> Event {
        let chance = &mut self.chance;
        let Session { account, place, new_device, changes, left, begun } = session;
        let action = match begun {
            false => LOGIN,
            true if left <= changes => PASSWORD + chance.below(3),
            true if chance.happens(PAYMENTS) => PAYMENT,
            true => VIEW,
        };
        if left > 1 {
            let next = time + i64::from(chance.between(&(15_000..180_000)));
            self.sessions.put(next, Session { left: left - 1, begun: true, ..session });
        }
        event(&mut self.chance, time, account, action, place, new_device)
    }
}

/// Where someone is who flies out in the morning and back in the evening, for a place that the account's
/// number decides.
fn trip(home: Place, hour: f64, account: u32) -> Option<Place> {
    let city = &COUNTRIES[(account as usize / 3) % 8];
    let there = Place { country: (account / 3) % 8, latitude: city.latitude, longitude: city.longitude };
    let (north, east) = (there.latitude - home.latitude, (there.longitude - home.longitude) * 0.65);
    let hours = (north * north + east * east).sqrt() * 111.0 / 800.0;
    let leaves = 5.0 + f64::from(account % 6);
    match hour {
        hour if hour < leaves => Some(home),
        hour if hour < leaves + hours => None,
        _ => Some(there),
    }
}

/// Someone else signs in or goes on with a session, looks around, waits, and changes what keeps the owner out.
fn taken_over(chance: &mut Noise, start: i64, account: u32, place: Place, new_device: bool) -> Vec<Event> {
    let wait_ms = chance.log_uniform(&(MINUTE_MS as f64..3.0 * HOUR_MS as f64));
    let mut actions = vec![if new_device { LOGIN } else { VIEW }];
    actions.extend((0..chance.below(8)).map(|_| VIEW));
    let looked = actions.len();
    actions.push(if chance.happens(0.6) { EMAIL } else { PASSWORD });
    actions.extend((0..chance.below(3)).map(|_| PASSWORD + chance.below(3)));
    actions.extend((0..chance.below(3)).map(|_| PAYMENT));
    let mut time = start;
    let mut events = Vec::with_capacity(actions.len());
    for (nth, action) in actions.into_iter().enumerate() {
        time += i64::from(chance.between(&(5_000..90_000)));
        time += if nth == looked { wait_ms as i64 } else { 0 };
        events.push(event(chance, time, account, action, place, new_device));
    }
    events
}

fn event(chance: &mut Noise, time: i64, account: u32, action: u32, place: Place, new_device: bool) -> Event {
    let coordinates = [place.latitude, place.longitude].map(|degrees| round_to(degrees, 100.0));
    let change = f64::from(u8::from((PASSWORD..=PHONE).contains(&action)));
    Event {
        time,
        delay: delay(chance),
        partition: 0,
        keys: padded([account, action, place.country]),
        values: [coordinates[0], coordinates[1], f64::from(u8::from(new_device)), change],
    }
}
