//! `sensor`: thermometers in the rooms of a greenhouse, with days, weather and age, and those that lie.
//!
//! ```text
//!   a room      ▁▂▄▆▇▆▄▂▁▂▄▆▇▆▄▂▁       a day's swing, the weather that all rooms share, a level of its own
//!   a drift     ▁▂▄▆▇▇▆▅▄▅▇██▆▄▂▁       slowly away, until someone calibrates it
//!   stuck       ▁▂▄▆▆▆▆▆▁▂▄▆▇▆▄▂▁       the same reading again and again
//!   spikes      ▁▂▄▆█▁▄▂█▂▄▆▇▆▄▂▁       single readings far off
//! ```
//!
//! Each of the twelve reports once a minute over a slow radio network. Three are old and know steps of 0.4
//! degrees only, so on a calm night they repeat themselves honestly. All age by up to 0.3 degrees a week. Vents and
//! doors open for some minutes and let a room fall by one to six degrees.
//!
//! From the fourth day on one sensor begins to lie every eight hours.
//!
//! | label | key | what |
//! |---|---|---|
//! | stuck value | sensor | the same reading for 20 minutes to 8 hours |
//! | drift | sensor | 1 to 12 degrees, either way, within 4 to 30 hours |
//! | spikes | sensor | 2 to 8 readings within 20 minutes to 3 hours, 1.5 to 15 degrees off |

use crate::attack::{DAY_MS, DETAILS, HOUR_MS, MINUTE_MS, START, rhythm};
use crate::disturbance::Extent;
use crate::noise::{Noise, round_to};
use crate::world::{Event, Label, Model, PIECE_MS, Parts, padded, pieces_of};
use std::ops::Range;

const SENSORS: u32 = 12;

/// The last ones are old: they know steps of 0.4 degrees, the others of 0.1.
const OLD: u32 = 3;

/// Readings in a piece: each sensor reports in one of the six pieces of a minute.
const READINGS: u32 = SENSORS / (MINUTE_MS / PIECE_MS) as u32;

/// There is one lie in each slot, after days in which seasons are learned.
const SLOT_MS: i64 = 8 * HOUR_MS;
const CALM_SLOTS: u64 = 9;

/// Lies there are: more than anyone will play, and few enough to list.
pub(crate) const LIES: u64 = 1_200;

/// Streams of chance of a seed beside [`DETAILS`]: what rooms are like, and one for each lie.
const ROOMS: u64 = 2;
const FATES: u64 = 1 << 32;

/// The weather that all rooms share: its deviation in degrees, and how much of it is left after a piece
/// (half of it goes in four hours).
const WEATHER: f64 = 0.6;
const WEATHER_KEPT: f64 = 0.999_52;

/// How many degrees a drift reaches.
const DRIFT: Range<f64> = 1.0..12.0;

/// How many degrees a spike is off.
const SPIKE: Range<f64> = 1.5..15.0;

/// Deviation of a reading, and chance that a vent opens at one.
const READING: f64 = 0.12;
const VENT: f64 = 0.000_5;

/// Mean delay over the radio network, and the longest, which is the pipeline's bound.
const DELAY_MS: f64 = 8_000.0;
const LONGEST_DELAY_MS: u32 = 60_000;

/// How a sensor lies.
#[derive(Clone, Debug)]
enum Kind {
    Stuck,
    /// Degrees in all.
    Drift(f64),
    /// When, and how far off.
    Spikes(Vec<(i64, f64)>),
}

/// A lie.
#[derive(Clone, Debug)]
struct Lie {
    sensor: u32,
    kind: Kind,
    start: i64,
    end: i64,
    /// The first reading since it began.
    first: Option<f64>,
}

impl Lie {
    fn of_slot(seed: u64, slot: u64) -> Self {
        let mut chance = Noise::new(seed, FATES + slot);
        let start = START + slot as i64 * SLOT_MS + i64::from(chance.below(SLOT_MS as u32 / 2));
        let sensor = chance.below(SENSORS);
        let sort = chance.below(3);
        let hours = chance.log_uniform(&[0.33..8.0, 4.0..30.0, 0.33..3.0][sort as usize]);
        let end = start + (hours * HOUR_MS as f64) as i64;
        let sign = if chance.happens(0.5) { 1.0 } else { -1.0 };
        let kind = match sort {
            0 => Kind::Stuck,
            1 => Kind::Drift(sign * chance.log_uniform(&DRIFT)),
            _ => Kind::Spikes(spikes(&mut chance, start, end)),
        };
        Self { sensor, kind, start, end, first: None }
    }

    /// What the sensor says where it should say `honest`.
    fn tell(&mut self, time: i64, honest: f64) -> f64 {
        let first = *self.first.get_or_insert(honest);
        match &self.kind {
            Kind::Stuck => first,
            Kind::Drift(degrees) => {
                honest + degrees * (time - self.start) as f64 / (self.end - self.start) as f64
            }
            Kind::Spikes(spikes) => {
                let minute = |at: i64| (at - START) / MINUTE_MS;
                let spike = spikes.iter().find(|(at, _)| minute(*at) == minute(time));
                honest + spike.map_or(0.0, |(_, off)| *off)
            }
        }
    }

    fn label(&self) -> Label {
        let what = match self.kind {
            Kind::Stuck => "stuck value",
            Kind::Drift(_) => "drift",
            Kind::Spikes(_) => "spikes",
        };
        let key = vec![("sensor".to_owned(), name(self.sensor))];
        Label { what: what.to_owned(), start: self.start, end: self.end, key }
    }
}

/// At the start, at the end and between.
fn spikes(chance: &mut Noise, start: i64, end: i64) -> Vec<(i64, f64)> {
    let mut times = vec![start + MINUTE_MS, end - MINUTE_MS];
    times.extend((0..chance.below(7)).map(|_| start + i64::from(chance.below((end - start) as u32))));
    let off = |_: &i64| {
        let sign = if chance.happens(0.5) { 1.0 } else { -1.0 };
        sign * chance.log_uniform(&SPIKE)
    };
    let offs: Vec<f64> = times.iter().map(off).collect();
    times.into_iter().zip(offs).collect()
}

fn name(sensor: u32) -> String {
    format!("sensor_{:02}", sensor + 1)
}

/// A room, and the sensor in it.
#[derive(Clone, Copy, Debug)]
struct Room {
    /// Degrees on average, and how far it swings by day and night.
    level: f64,
    swing: f64,
    /// How much of the weather comes in.
    open: f64,
    /// Degrees that the sensor ages in a day.
    age: f64,
    /// When the vent that opened last closes, and by how much the room is colder until then.
    vent_until: i64,
    vent: f64,
}

/// The model.
#[derive(Debug)]
struct Sensors {
    seed: u64,
    lies: u64,
    chance: Noise,
    weather: f64,
    rooms: Vec<Room>,
    /// Those that have begun and are not over.
    told: Vec<Lie>,
}

/// The first `lies` slots after the calm ones have their lie.
pub(crate) fn parts(seed: u64, extent: Extent<'_>, lies: u64) -> Parts {
    let slots = CALM_SLOTS..CALM_SLOTS + lies;
    let most = (CALM_SLOTS + LIES) * (SLOT_MS / PIECE_MS) as u64;
    let end = START + pieces_of(extent, most, || [READINGS, 0, 0]) as i64 * PIECE_MS;
    let labels = slots.map(|slot| Lie::of_slot(seed, slot).label()).take_while(|label| label.start < end);
    Parts {
        labels: labels.collect(),
        model: Box::new(Sensors::new(seed, lies)),
        start: START,
        end,
        senders: 0,
        names: vec![(0..SENSORS).map(name).collect()],
        pipeline: pipeline!("sensor"),
    }
}

impl Sensors {
    fn new(seed: u64, lies: u64) -> Self {
        let mut chance = Noise::new(seed, ROOMS);
        let room = |_| Room {
            level: 16.0 + 8.0 * chance.uniform(),
            swing: 2.0 + 3.0 * chance.uniform(),
            open: 0.3 + 0.7 * chance.uniform(),
            age: (chance.uniform() - 0.5) * 0.6 / 7.0,
            vent_until: START,
            vent: 0.0,
        };
        let rooms = (0..SENSORS).map(room).collect();
        Self { seed, lies, chance: Noise::new(seed, DETAILS), weather: 0.0, rooms, told: Vec::new() }
    }

    /// What the sensor of a room says when nothing is wrong with it.
    fn honest(&mut self, sensor: u32, time: i64) -> f64 {
        let room = &mut self.rooms[sensor as usize];
        if self.chance.happens(VENT) {
            room.vent_until = time + i64::from(self.chance.between(&(3..25))) * MINUTE_MS;
            room.vent = self.chance.log_uniform(&(1.0..6.0));
        }
        let day = room.swing * (rhythm(time, 15.0, 1.0) - 1.0);
        let age = room.age * (time - START) as f64 / DAY_MS as f64;
        let vent = if time < room.vent_until { room.vent } else { 0.0 };
        room.level + day + room.open * self.weather + age - vent + self.chance.gauss(0.0, READING)
    }

    fn read(&mut self, sensor: u32, time: i64) -> Event {
        let mut celsius = self.honest(sensor, time);
        let lies = self.told.iter_mut().filter(|lie| lie.sensor == sensor);
        for lie in lies.filter(|lie| (lie.start..lie.end).contains(&time)) {
            celsius = lie.tell(time, celsius);
        }
        let steps = if sensor < SENSORS - OLD { 10.0 } else { 2.5 };
        Event {
            time,
            delay: (self.chance.exponential(DELAY_MS) as u32).min(LONGEST_DELAY_MS),
            partition: 0,
            keys: padded([sensor]),
            values: padded([round_to(celsius, steps)]),
        }
    }
}

impl Model for Sensors {
    fn make(&mut self, start: i64, events: &mut Vec<Event>) {
        let since = start - START;
        let slot = (since / SLOT_MS) as u64;
        if since % SLOT_MS == 0 && (CALM_SLOTS..CALM_SLOTS + self.lies).contains(&slot) {
            self.told.retain(|lie| lie.end > start);
            self.told.push(Lie::of_slot(self.seed, slot));
        }
        let push = WEATHER * (1.0 - WEATHER_KEPT * WEATHER_KEPT).sqrt();
        self.weather = WEATHER_KEPT * self.weather + self.chance.gauss(0.0, push);
        let first = (since / PIECE_MS % (MINUTE_MS / PIECE_MS)) as u32 * READINGS;
        for sensor in first..first + READINGS {
            let time = start + i64::from(self.chance.below(PIECE_MS as u32));
            let event = self.read(sensor, time);
            events.push(event);
        }
    }
}
