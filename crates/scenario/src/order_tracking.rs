//! `order_tracking`: meals on their way through a city, and those that do not arrive.
//!
//! ```text
//!   placed ── the kitchen cooks ── picked_up ─ position ─ position ─ position ─ delivered
//!   late     placed ───────────────────────────────────── picked_up …      the kitchen forgot it
//!   stuck    placed ─── picked_up ─ position ─ ═════════════════ ─ …       the courier stands, far from the door
//!   lost     placed ─── picked_up ─ position                               not seen again
//! ```
//!
//! A courier's telephone tells its place once a minute, and how far it is to the door. Honest orders give as
//! many reasons to worry: some are for later, some kitchens are slow, and all are in the evening; couriers
//! wait at a door, deliver another order on the way, or lose the signal, and then some telephones tell
//! nothing and others everything at the end. One order in forty is cancelled.
//!
//! One in eighty goes wrong.
//!
//! | label | key | what |
//! |---|---|---|
//! | late order | order | the kitchen takes 30 to 100 minutes |
//! | stuck order | order | stands for 8 to 70 minutes; four in ten are cancelled then, the others go on |
//! | lost order | order | nothing after a place on the way: from there until an hour later. Half are cancelled when the customer calls |

use crate::attack::{DETAILS, HOUR_MS, MINUTE_MS, START, delay, hour, moment};
use crate::disturbance::Extent;
use crate::noise::{Noise, round_to};
use crate::world::{Event, Label, Model, PIECE_MS, Parts, padded};
use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::ops::Range;

/// What may happen to an order, in the order of the names.
const KINDS: [&str; 5] = ["placed", "picked_up", "position", "delivered", "cancelled"];
const PLACED: u32 = 0;
const PICKED_UP: u32 = 1;
const POSITION: u32 = 2;
const DELIVERED: u32 = 3;
const CANCELLED: u32 = 4;

/// Numbers of orders, after which they begin anew: more than a day of them. The step spreads them.
const NUMBERS: u64 = 30_000;
const NUMBER_STEP: u64 = 7_919;

const COURIERS: u32 = 250;
const KITCHENS: u32 = 120;

/// Every so manieth kitchen is slow, by this factor; and all of them are in the evening.
const SLOW_KITCHENS: u32 = 15;
const SLOW_KITCHEN: f64 = 1.7;
const EVENING: Range<f64> = 18.0..20.5;
const EVENING_RUSH: f64 = 1.35;

/// Orders a second, over a day.
const RATE: f64 = 0.23;

/// The city: degrees north and east of its middle, and kilometres a degree there.
const MIDDLE: (f64, f64) = (52.5, 13.4);
const SPREAD: (f64, f64) = (0.04, 0.065);
const KM_A_DEGREE: (f64, f64) = (111.2, 67.7);

/// Deviation of a place that a telephone tells, in kilometres.
const PLACE_KM: f64 = 0.012;

/// Shares of honest orders: for later, cancelled, with a wait at the door, a stop on the way, no signal.
const FOR_LATER: f64 = 0.004;
const CANCELLED_SHARE: f64 = 0.025;
const DOOR_WAIT: f64 = 0.06;
const STOP: f64 = 0.03;
const NO_SIGNAL: f64 = 0.04;

/// Share of stuck orders that are cancelled then.
const GIVEN_UP: f64 = 0.4;

/// Share of lost orders that are cancelled when the customer calls, after five minutes to an hour.
const COMPLAINTS: f64 = 0.5;

/// Share of orders that go wrong.
const TROUBLE: f64 = 0.012_5;

/// The orders that may go wrong are the first so many: more than anyone will play, and few enough to plan.
pub(crate) const ORDERS: u64 = 100_000;

/// The streams of chance of orders, one for each, beside that of when they are placed.
const COUNTS: u64 = 0;
const LIVES: u64 = 1 << 32;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Fine,
    Late,
    Stuck,
    Lost,
}

/// The life of one order, told from its start.
#[derive(Debug)]
struct Life {
    chance: Noise,
    fate: Fate,
    order: u32,
    courier: u32,
    /// Where it begins and ends, in degrees, and how far that is.
    from: (f64, f64),
    to: (f64, f64),
    km: f64,
    /// Where the telling is.
    time: i64,
    /// The share of the way that is done.
    done: f64,
    /// When the telephone has no signal, and whether it keeps what it could not tell.
    silence: Range<i64>,
    keeps: bool,
    events: Vec<Event>,
    label: Option<Range<i64>>,
}

impl Life {
    fn new(seed: u64, number: u64, placed: i64, may_fail: bool) -> Self {
        let mut chance = Noise::new(seed, LIVES + number);
        let cancelled = chance.happens(CANCELLED_SHARE);
        let troubled = chance.happens(TROUBLE) && may_fail && !cancelled;
        let fate = [Fate::Late, Fate::Stuck, Fate::Lost][chance.below(3) as usize];
        let kitchen = chance.below(KITCHENS);
        let from = place(seed, kitchen);
        let (km, angle) = (chance.log_uniform(&(0.5..5.0)), TAU * chance.uniform());
        let (north, east) = (km * libm::cos(angle), km * libm::sin(angle));
        let mut life = Self {
            fate: if troubled { fate } else { Fate::Fine },
            order: (number % NUMBERS) as u32,
            courier: chance.below(COURIERS),
            from,
            to: (from.0 + north / KM_A_DEGREE.0, from.1 + east / KM_A_DEGREE.1),
            km,
            time: placed,
            done: 0.0,
            silence: placed..placed,
            keeps: false,
            events: Vec::new(),
            label: None,
            chance,
        };
        life.tell(PLACED);
        if life.cook(kitchen, cancelled) {
            life.ride();
        }
        life
    }

    /// Appends an event at the time and place of the telling.
    fn tell(&mut self, kind: u32) {
        let chance = &mut self.chance;
        let at = |from: f64, to: f64| from + (to - from) * self.done;
        let noise = if kind == PLACED { 0.0 } else { PLACE_KM };
        let latitude = at(self.from.0, self.to.0) + chance.gauss(0.0, noise) / KM_A_DEGREE.0;
        let longitude = at(self.from.1, self.to.1) + chance.gauss(0.0, noise) / KM_A_DEGREE.1;
        let over = kind == DELIVERED || kind == CANCELLED;
        let mut delay = delay(chance);
        if kind == POSITION && self.silence.contains(&self.time) {
            if !self.keeps {
                return;
            }
            delay += (self.silence.end - self.time) as u32;
        }
        self.events.push(Event {
            time: self.time,
            delay,
            partition: 0,
            keys: padded([kind, self.order, self.courier]),
            values: padded([
                round_to(latitude, 1e5),
                round_to(longitude, 1e5),
                round_to(self.km * (1.0 - self.done), 1e3),
                f64::from(u8::from(over)),
            ]),
        });
    }

    /// The kitchen's part. Gives whether a courier picks the order up.
    fn cook(&mut self, kitchen: u32, cancelled: bool) -> bool {
        let placed = self.time;
        let slow = if kitchen.is_multiple_of(SLOW_KITCHENS) { SLOW_KITCHEN } else { 1.0 };
        let rush = if EVENING.contains(&hour(placed)) { EVENING_RUSH } else { 1.0 };
        let mut minutes = self.chance.log_gauss(11.0, 0.35) * slow * rush;
        if self.chance.happens(FOR_LATER) {
            minutes += f64::from(self.chance.between(&(30..90)));
        }
        if self.fate == Fate::Late {
            minutes = self.chance.log_uniform(&(30.0..100.0));
        }
        self.time += (minutes * MINUTE_MS as f64) as i64;
        self.tell(if cancelled { CANCELLED } else { PICKED_UP });
        self.label = (self.fate == Fate::Late).then_some(placed..self.time + 1);
        !cancelled
    }

    /// The courier's part.
    fn ride(&mut self) {
        let km_an_hour = 12.0 + 8.0 * self.chance.uniform();
        let stop_at = 0.15 + 0.75 * self.chance.uniform();
        let stop_minutes = self.stop();
        if self.chance.happens(NO_SIGNAL) {
            let begins = self.time + i64::from(self.chance.below(5 * MINUTE_MS as u32));
            self.silence = begins..begins + i64::from(self.chance.between(&(5..25))) * MINUTE_MS;
            self.keeps = self.chance.happens(0.5);
        }
        self.go(stop_at, km_an_hour);
        match self.fate {
            Fate::Lost => {
                self.label = Some(self.time..self.time + HOUR_MS);
                return self.complain();
            }
            Fate::Stuck => {
                let from = self.time;
                self.stand(stop_minutes);
                self.label = Some(from..self.time + 1);
                if self.chance.happens(GIVEN_UP) {
                    return self.tell(CANCELLED);
                }
            }
            _ => self.stand(stop_minutes),
        }
        self.go(1.0, km_an_hour);
        if self.chance.happens(DOOR_WAIT) {
            let minutes = self.chance.log_uniform(&(3.0..20.0));
            self.stand(minutes);
        }
        self.time += 15_000;
        self.tell(DELIVERED);
    }

    /// Some customers whose order is lost call, and it is cancelled.
    fn complain(&mut self) {
        if self.chance.happens(COMPLAINTS) {
            self.time += (self.chance.log_uniform(&(5.0..60.0)) * MINUTE_MS as f64) as i64;
            self.tell(CANCELLED);
        }
    }

    /// For how many minutes the courier stands on the way. Whatever the fate, the same chance is drawn, so that
    /// lives differ from where they go wrong only.
    fn stop(&mut self) -> f64 {
        let stuck = self.fate == Fate::Stuck;
        let stops = self.chance.happens(STOP);
        let minutes = self.chance.log_uniform(if stuck { &(8.0..70.0) } else { &(2.0..14.0) });
        if stuck || stops { minutes } else { 0.0 }
    }

    /// Rides until so much of the way is done.
    fn go(&mut self, until: f64, km_an_hour: f64) {
        let a_minute = km_an_hour / 60.0 / self.km;
        while self.done < until {
            self.done = (self.done + a_minute).min(until);
            self.wait();
        }
    }

    /// Stands for so long.
    fn stand(&mut self, minutes: f64) {
        (0..minutes as u32).for_each(|_| self.wait());
    }

    /// The next minute, more or less, and the place that is told at its end.
    fn wait(&mut self) {
        self.time += i64::from(self.chance.between(&(55_000..65_000)));
        self.tell(POSITION);
    }

    fn label(&self) -> Option<Label> {
        let what = match self.fate {
            Fate::Fine => return None,
            Fate::Late => "late order",
            Fate::Stuck => "stuck order",
            Fate::Lost => "lost order",
        };
        let Range { start, end } = self.label.clone()?;
        let key = vec![("order".to_owned(), order_name(u64::from(self.order)))];
        Some(Label { what: what.to_owned(), start, end, key })
    }
}

/// Where a kitchen is.
fn place(seed: u64, kitchen: u32) -> (f64, f64) {
    let mut chance = Noise::new(seed, DETAILS + 1 + u64::from(kitchen));
    let mut off = |spread: f64| spread * (2.0 * chance.uniform() - 1.0);
    (MIDDLE.0 + off(SPREAD.0), MIDDLE.1 + off(SPREAD.1))
}

fn order_name(order: u64) -> String {
    format!("order_{:05}", order * NUMBER_STEP % NUMBERS + 1)
}

/// Orders over a day's mean: most in the evening, many at noon, few at night.
fn rhythm(time: i64) -> f64 {
    let hour = hour(time);
    let meal = |at: f64, hours: f64| libm::exp(-0.5 * ((hour - at) / hours) * ((hour - at) / hours));
    0.25 + 2.0 * meal(12.5, 1.3) + 2.6 * meal(19.3, 1.7)
}

/// The model: orders, and what of their lives is to come.
#[derive(Debug)]
struct City {
    seed: u64,
    /// The first so many orders may go wrong.
    troubled: u64,
    counts: Noise,
    placed: u64,
    /// By the start of their piece.
    due: BTreeMap<i64, Vec<Event>>,
}

impl City {
    fn new(seed: u64, troubled: u64) -> Self {
        Self { seed, troubled, counts: Noise::new(seed, COUNTS), placed: 0, due: BTreeMap::new() }
    }

    /// Plans the orders that are placed in a piece, and gives the events that are due in it and the labels
    /// of the orders.
    fn piece(&mut self, start: i64) -> (Vec<Event>, Vec<Label>) {
        let mut labels = Vec::new();
        for _ in 0..self.placed_in(start) {
            let placed = moment(&mut self.counts, start);
            let life = Life::new(self.seed, self.placed, placed, self.placed < self.troubled);
            self.placed += 1;
            labels.extend(life.label());
            for event in life.events {
                let piece = event.time - (event.time - START).rem_euclid(PIECE_MS);
                self.due.entry(piece).or_default().push(event);
            }
        }
        (self.due.remove(&start).unwrap_or_default(), labels)
    }

    /// A draw for each of the few that are expected: too few for a Gaussian.
    fn placed_in(&mut self, start: i64) -> u32 {
        let each = RATE * rhythm(start) * PIECE_MS as f64 / 1e3 / f64::from(Self::MOST_PLACED);
        (0..Self::MOST_PLACED).map(|_| u32::from(self.counts.happens(each))).sum()
    }

    /// Orders that may be placed in a piece.
    const MOST_PLACED: u32 = 20;
}

impl Model for City {
    fn make(&mut self, start: i64, events: &mut Vec<Event>) {
        events.extend(self.piece(start).0);
    }
}

/// The first `troubled` orders may go wrong.
pub(crate) fn parts(seed: u64, extent: Extent<'_>, troubled: u64) -> Parts {
    let (labels, end) = labels(City::new(seed, troubled), extent);
    Parts {
        labels,
        model: Box::new(City::new(seed, troubled)),
        start: START,
        end,
        senders: 2,
        names: vec![
            KINDS.map(str::to_owned).to_vec(),
            (0..NUMBERS).map(order_name).collect(),
            (1..=COURIERS).map(|courier| format!("courier_{courier:03}")).collect(),
        ],
        pipeline: pipeline!("order_tracking"),
    }
}

/// Labels that begin before the world ends, in order of time, and when it ends. Lives the orders to know.
fn labels(mut city: City, extent: Extent<'_>) -> (Vec<Label>, i64) {
    let (mut labels, mut arriving, mut piece) = (Vec::new(), 0.0, START);
    while arriving < extent.events as f64 && city.placed < ORDERS {
        let (events, of_orders) = city.piece(piece);
        labels.extend(of_orders);
        arriving += extent.arriving(piece - START, events.len() as u64);
        piece += PIECE_MS;
    }
    labels.retain(|label| label.start < piece);
    labels.sort_by_key(|label| label.start);
    (labels, piece)
}
