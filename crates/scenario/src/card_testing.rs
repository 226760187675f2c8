//! `card_testing`: card payments at merchants, and stolen card numbers that are tried out.
//!
//! Of the honest, six in a hundred payments are declined, and some people try again. At noon and in the
//! evening there is a rush on gift cards, with more declines and more tries. Sixty terminals stand in
//! kiosks and take hundreds of small payments each. Four merchants sell subscriptions, and every hour one
//! of them bills a batch of small amounts, and then once more those that were declined.
//!
//! Every 25 minutes someone tries out cards of one bank (their first six digits, the BIN) with small amounts
//! at one merchant, a try every second to every ten minutes; of those that work, one in a larger purchase.
//!
//! | label | key | what |
//! |---|---|---|
//! | card testing | device, merchant, bin | 8 to 300 cards from one device |
//! | distributed card testing | merchant, bin | the same from 5 to 60 devices |
//! | cash-out | device | one to three purchases of 200 to 2,000 at another merchant, 5 minutes to 2 hours after |

use crate::attack::{Attack, DETAILS, HOUR_MS, Later, MINUTE_MS, Scene, delay, hour, moment, rhythm, tries};
use crate::noise::{Noise, round_to};
use crate::world::{Event, padded};
use std::ops::Range;

/// Merchants, in this order: of gift cards, of subscriptions, others.
const GIFT_CARDS: u32 = 4;
const SUBSCRIPTIONS: u32 = 4;
const SHOPS: u32 = 150;
const FIRST_SHOP: u32 = GIFT_CARDS + SUBSCRIPTIONS;

const BINS: u32 = 80;

/// Devices, in this order: the subscription merchants' own, kiosks, people's, attackers'.
const KIOSKS: u32 = 60;
const PEOPLE: u32 = 6_000;
const RENTED: u32 = 3_000;
const FIRST_KIOSK: u32 = SUBSCRIPTIONS;
const FIRST_PERSON: u32 = FIRST_KIOSK + KIOSKS;
const FIRST_RENTED: u32 = FIRST_PERSON + PEOPLE;

/// Payments a second, over a day.
const RATE: f64 = 4.0;

/// Milliseconds between an attacker's tries, and the longest that an attack takes.
const GAP_MS: Range<f64> = 1e3..600e3;
const LONGEST_MS: f64 = 3.0 * HOUR_MS as f64;

/// Who pays what.
#[derive(Clone, Copy, Debug)]
struct Payment {
    merchant: u32,
    bin: u32,
    device: u32,
    amount: f64,
    /// Chance of being declined.
    risk: f64,
    /// Chance of another try when declined.
    again: f64,
}

/// The scene.
#[derive(Debug)]
pub(crate) struct CardTesting {
    chance: Noise,
    payments: Later<Payment>,
    names: [Vec<String>; 3],
}

impl Scene for CardTesting {
    const PIPELINE: &'static str = pipeline!("card_testing");
    const SLOT_MS: i64 = 25 * MINUTE_MS;
    const CALM_SLOTS: u64 = 2;
    const SENDERS: usize = 2;

    fn new(seed: u64) -> Self {
        let names =
            [merchants(), (0..BINS).map(|bin| format!("{}", 400_000 + bin * 1_237)).collect(), devices()];
        Self { chance: Noise::new(seed, DETAILS), payments: Later::new(), names }
    }

    fn names(&self) -> Vec<Vec<String>> {
        self.names.to_vec()
    }

    fn rate(&self, time: i64) -> f64 {
        let rush = if rush(time) { 1.2 } else { 1.0 };
        RATE * rush * rhythm(time, 16.0, 0.7)
    }

    fn honest(&mut self, start: i64, n: u32, events: &mut Vec<Event>) {
        if (start - crate::attack::START) % HOUR_MS == 0 {
            self.plan_batch(start);
        }
        for _ in 0..n {
            let (time, payment) = self.payments.take(start).unwrap_or_else(|| self.begin(start));
            events.push(self.go_on(time, payment));
        }
    }

    fn attack(&self, start: i64, chance: &mut Noise) -> Attack {
        let start = start + i64::from(chance.below(15 * MINUTE_MS as u32));
        let distributed = chance.happens(0.5);
        let devices = if distributed { chance.between(&(5..60)) } else { 1 };
        let first = chance.below(RENTED);
        let (merchant, bin) = (target(chance), chance.skewed(BINS));
        let device = |nth: u32| FIRST_RENTED + (first + nth) % RENTED;
        let tests = tests(chance, start, merchant, bin, |chance| device(chance.below(devices)));
        let last = tests.iter().map(|event| event.time).max().unwrap_or(start);
        let mut attack = Attack::default();
        let [of_merchant, of_bin, of_device] =
            [("merchant", 0, merchant), ("bin", 1, bin), ("device", 2, device(0))]
                .map(|(column, names, value)| (column, self.names[names][value as usize].as_str()));
        match distributed {
            true => attack.add("distributed card testing", vec![of_merchant, of_bin], tests),
            false => attack.add("card testing", vec![of_device, of_merchant, of_bin], tests),
        }
        if chance.happens(0.7) {
            attack.add("cash-out", vec![of_device], cash_out(chance, last, bin, device(0)));
        }
        attack
    }
}

fn merchants() -> Vec<String> {
    let gift_cards = (1..=GIFT_CARDS).map(|merchant| format!("gift_cards_{merchant}"));
    let subscriptions = (1..=SUBSCRIPTIONS).map(|merchant| format!("subscriptions_{merchant}"));
    gift_cards.chain(subscriptions).chain((1..=SHOPS).map(|merchant| format!("shop_{merchant:03}"))).collect()
}

fn devices() -> Vec<String> {
    let billing = (1..=SUBSCRIPTIONS).map(|merchant| format!("billing_{merchant}"));
    let kiosks = (1..=KIOSKS).map(|kiosk| format!("kiosk_{kiosk:02}"));
    billing.chain(kiosks).chain((1..=PEOPLE + RENTED).map(|device| format!("device_{device:05}"))).collect()
}

/// Whether people buy gift cards: at noon, and in the evening.
fn rush(time: i64) -> bool {
    (12.0..13.0).contains(&hour(time)) || (18.0..20.0).contains(&hour(time))
}

impl CardTesting {
    /// One merchant bills its subscribers, and tries those that were declined once more: few of these pay.
    fn plan_batch(&mut self, start: i64) {
        let merchant = self.chance.below(SUBSCRIPTIONS);
        let again = start + 25 * MINUTE_MS;
        for (start, n, risk) in [(start, 120, 0.15), (again, 25, 0.7)] {
            for time in tries(&mut self.chance, start, n, 4_000.0) {
                let payment = Payment {
                    merchant: GIFT_CARDS + merchant,
                    bin: self.chance.skewed(BINS),
                    device: merchant,
                    amount: [2.99, 4.99, 9.99][self.chance.below(3) as usize],
                    risk,
                    again: 0.0,
                };
                self.payments.put(time, payment);
            }
        }
    }

    /// Someone pays.
    fn begin(&mut self, start: i64) -> (i64, Payment) {
        let time = moment(&mut self.chance, start);
        let chance = &mut self.chance;
        let bin = chance.skewed(BINS);
        let person = FIRST_PERSON + chance.below(PEOPLE);
        let shop = FIRST_SHOP + chance.skewed(SHOPS);
        let gift = chance.happens(if rush(time) { 0.2 } else { 0.01 });
        let payment = if gift {
            let amount = [5.0, 10.0, 15.0, 25.0, 50.0][chance.below(5) as usize];
            Payment { merchant: chance.below(GIFT_CARDS), bin, device: person, amount, risk: 0.2, again: 0.8 }
        } else if chance.happens(0.12) {
            let kiosk = chance.below(KIOSKS);
            let amount = round_to(1.0 + chance.exponential(5.0), 10.0);
            Payment {
                merchant: FIRST_SHOP + kiosk,
                bin,
                device: FIRST_KIOSK + kiosk,
                amount,
                risk: 0.06,
                again: 0.3,
            }
        } else {
            let amount = round_to(chance.log_gauss(35.0, 1.0), 100.0);
            Payment { merchant: shop, bin, device: person, amount, risk: 0.06, again: 0.5 }
        };
        (time, payment)
    }

    /// A payment; where it is declined, perhaps another try.
    fn go_on(&mut self, time: i64, payment: Payment) -> Event {
        let declined = self.chance.happens(payment.risk);
        if declined && self.chance.happens(payment.again) {
            let next = time + i64::from(self.chance.between(&(10_000..60_000)));
            // What was declined once is more likely to be declined again.
            self.payments.put(next, Payment { risk: 0.6, ..payment });
        }
        event(&mut self.chance, time, payment, declined)
    }
}

/// Where cards are tried: often where small amounts are usual.
fn target(chance: &mut Noise) -> u32 {
    match chance.below(3) {
        0 => chance.below(FIRST_SHOP),
        _ => FIRST_SHOP + chance.skewed(SHOPS),
    }
}

/// Small payments at a pace of the attacker's own.
fn tests(
    chance: &mut Noise,
    start: i64,
    merchant: u32,
    bin: u32,
    mut device: impl FnMut(&mut Noise) -> u32,
) -> Vec<Event> {
    let gap_ms = chance.log_uniform(&GAP_MS);
    let n = chance.between(&(8..300)).min((LONGEST_MS / gap_ms) as u32);
    let risk = 0.5 + 0.45 * chance.uniform();
    let times = tries(chance, start, n, gap_ms).into_iter();
    times
        .map(|time| {
            let amount = round_to(0.5 + 4.5 * chance.uniform(), 100.0);
            let payment = Payment { merchant, bin, device: device(chance), amount, risk, again: 0.0 };
            let declined = chance.happens(risk);
            event(chance, time, payment, declined)
        })
        .collect()
}

/// What the cards that work are for.
fn cash_out(chance: &mut Noise, tested: i64, bin: u32, device: u32) -> Vec<Event> {
    let start = tested + chance.log_uniform(&(5.0 * MINUTE_MS as f64..2.0 * HOUR_MS as f64)) as i64;
    let n = chance.between(&(1..4));
    let merchant = FIRST_SHOP + chance.below(SHOPS);
    let times = tries(chance, start, n, 60_000.0).into_iter();
    times
        .map(|time| {
            let amount = round_to(chance.log_uniform(&(200.0..2_000.0)), 100.0);
            let payment = Payment { merchant, bin, device, amount, risk: 0.2, again: 0.0 };
            let declined = chance.happens(payment.risk);
            event(chance, time, payment, declined)
        })
        .collect()
}

fn event(chance: &mut Noise, time: i64, payment: Payment, declined: bool) -> Event {
    Event {
        time,
        delay: delay(chance),
        partition: 0,
        keys: padded([payment.merchant, payment.bin, payment.device]),
        values: padded([payment.amount, f64::from(u8::from(declined))]),
    }
}
