//! What engine, loop and peer all compute, and whether it is the same.

use std::fmt::Debug;

/// The results of one window and key, with `Q` quantiles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group<const Q: usize = 0> {
    /// First millisecond.
    pub start: i64,
    /// One past the last millisecond.
    pub end: i64,
    /// The key's number.
    pub key: u32,
    /// Number of events.
    pub count: u64,
    /// Sum of the values, in the order of the events.
    pub sum: f64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Sum over count.
    pub avg: f64,
    /// Near the quantiles that were asked for.
    pub quantiles: [f64; Q],
}

impl<const Q: usize> Group<Q> {
    /// What is exact in it.
    #[must_use]
    pub fn without_quantiles(&self) -> Group {
        let Self { start, end, key, count, sum, min, max, avg, .. } = *self;
        Group { start, end, key, count, sum, min, max, avg, quantiles: [] }
    }
}

/// The z-score of one event.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Judged {
    /// The event's time.
    pub time: i64,
    /// Its value.
    pub value: f64,
    /// The mean of the values that it is compared with.
    pub expected: f64,
    /// Lower end of what would pass as normal.
    pub low: f64,
    /// Upper end of what would pass as normal.
    pub high: f64,
    /// Distance from the mean in standard deviations.
    pub score: f64,
    /// Whether the score reaches the threshold.
    pub anomaly: bool,
}

/// How far two scores may lie apart, of 1 or of the score if that is more: the loop slides its sums along, which
/// rounds otherwise than two passes do.
const NEAR_SCORES: f64 = 1e-6;

/// How far two quantiles may lie apart, of their value: the engine's and the loop's are half a bucket from the exact
/// one at most, 1 in 128.
const NEAR_QUANTILES: f64 = 0.01;

/// How far two totals of exact results may lie apart, of the total: peers add up in another order.
const NEAR_TOTALS: f64 = 1e-9;

fn near(left: f64, right: f64, tolerance: f64) -> bool {
    left == right || (left - right).abs() <= tolerance * left.abs().max(right.abs())
}

/// One result that can be held against another.
pub trait Outcome: Copy + Debug {
    /// What both sides are sorted by before they are compared; a sort that keeps the order of equals.
    fn place(&self) -> (i64, u64);
    /// Whether two are the same, as exactly as they have to be.
    fn same(&self, other: &Self) -> bool;
    /// The figures whose totals a peer must reach too, and how nearly.
    fn figures(&self) -> impl Iterator<Item = (f64, f64)>;
}

impl<const Q: usize> Outcome for Group<Q> {
    fn place(&self) -> (i64, u64) {
        (self.start, u64::from(self.key))
    }

    fn same(&self, other: &Self) -> bool {
        let quantiles = self.quantiles.iter().zip(&other.quantiles);
        self.without_quantiles() == other.without_quantiles()
            && quantiles.into_iter().all(|(&left, &right)| near(left, right, NEAR_QUANTILES))
    }

    fn figures(&self) -> impl Iterator<Item = (f64, f64)> {
        let start = (self.start - crate::stream::START) as f64;
        let exact = [start, self.count as f64, self.sum, self.min, self.max, self.avg];
        let quantiles = self.quantiles.map(|quantile| (quantile, NEAR_QUANTILES));
        exact.map(|figure| (figure, NEAR_TOTALS)).into_iter().chain(quantiles)
    }
}

impl Outcome for Judged {
    fn place(&self) -> (i64, u64) {
        (self.time, self.value.to_bits())
    }

    fn same(&self, other: &Self) -> bool {
        let figures = |point: &Self| [point.expected, point.low, point.high, point.score];
        let close = |(left, right): (f64, f64)| (left - right).abs() <= NEAR_SCORES * left.abs().max(1.0);
        // A score within rounding of the threshold may fall on either side of it.
        let decided = self.anomaly == other.anomaly
            || (self.score.abs() - crate::by_hand::zscore::THRESHOLD).abs() <= NEAR_SCORES;
        (self.time, self.value) == (other.time, other.value)
            && figures(self).into_iter().zip(figures(other)).all(close)
            && decided
    }

    fn figures(&self) -> impl Iterator<Item = (f64, f64)> {
        let time = (self.time - crate::stream::START) as f64;
        [(time, NEAR_TOTALS), (self.expected, NEAR_SCORES), (self.score.abs(), NEAR_SCORES)].into_iter()
    }
}

/// The totals of a work's results.
#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    /// Number of results.
    pub rows: u64,
    /// The total of each figure, and how near another's must come to it, of its value.
    pub figures: Vec<(f64, f64)>,
}

impl Totals {
    fn of<T: Outcome>(results: &[T]) -> Self {
        let mut figures: Vec<(f64, f64)> = Vec::new();
        for result in results {
            for (at, (figure, tolerance)) in result.figures().enumerate() {
                match figures.get_mut(at) {
                    Some((total, _)) => *total += figure,
                    None => figures.push((figure, tolerance)),
                }
            }
        }
        Self { rows: results.len() as u64, figures }
    }

    /// Holds a peer's number of results and totals against these.
    ///
    /// # Panics
    /// When they differ.
    pub fn assert_same(&self, peer: &str, rows: u64, totals: &[f64]) {
        let same = |(&(ours, tolerance), &theirs): (&(f64, f64), &f64)| near(ours, theirs, tolerance);
        let as_many = rows == self.rows && totals.len() == self.figures.len();
        assert!(
            as_many && self.figures.iter().zip(totals).all(same),
            "{peer} gives other results: {rows} rows with totals {totals:?}, the engine {self:?}"
        );
    }
}

/// Holds the loop's results against the engine's; gives their totals.
///
/// # Panics
/// When they differ: then the two did not do the same work, and their times say nothing.
pub(crate) fn assert_same<T: Outcome>(engine: Vec<T>, by_hand: Vec<T>) -> Totals {
    let totals = Totals::of(&engine);
    if let Some(difference) = difference(engine, by_hand) {
        panic!("the engine and the loop differ: {difference}");
    }
    totals
}

fn difference<T: Outcome>(mut engine: Vec<T>, mut by_hand: Vec<T>) -> Option<String> {
    for results in [&mut engine, &mut by_hand] {
        results.sort_by_key(Outcome::place);
    }
    let differs = engine.iter().zip(&by_hand).find(|(ours, theirs)| !ours.same(theirs));
    match differs {
        Some((ours, theirs)) => Some(format!("{ours:?}, by hand {theirs:?}")),
        None if engine.len() != by_hand.len() => {
            Some(format!("{} results, by hand {}", engine.len(), by_hand.len()))
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::START;

    const GROUP: Group<1> = Group {
        start: START,
        end: START + 1,
        key: 0,
        count: 2,
        sum: 0.3,
        min: 0.1,
        max: 0.2,
        avg: 0.15,
        quantiles: [0.1],
    };
    const POINT: Judged =
        Judged { time: START, value: 9.0, expected: 5.0, low: 2.0, high: 8.0, score: 4.0, anomaly: true };

    #[test]
    fn order_does_not_matter() {
        let other = Group { key: 1, ..GROUP };
        assert_eq!(difference(vec![GROUP, other], vec![other, GROUP]), None);
    }

    #[test]
    fn the_last_bit_of_a_sum_matters_and_that_of_a_quantile_does_not() {
        let other = Group { sum: 0.1 + 0.2, ..GROUP };
        assert!(
            difference(vec![GROUP], vec![other]).is_some_and(|text| text.contains("0.30000000000000004"))
        );
        assert_eq!(difference(vec![GROUP], vec![Group { quantiles: [0.1009], ..GROUP }]), None);
        assert!(difference(vec![GROUP], vec![Group { quantiles: [0.1011], ..GROUP }]).is_some());
    }

    #[test]
    fn scores_are_the_same_within_a_millionth() {
        assert!(POINT.same(&Judged { score: 4.000_003, ..POINT }));
        assert!(!POINT.same(&Judged { score: 4.000_005, ..POINT }));
        assert!(!POINT.same(&Judged { anomaly: false, ..POINT }));
        let close = Judged { score: 3.0, ..POINT };
        assert!(close.same(&Judged { score: 2.999_999_9, anomaly: false, ..POINT }));
    }

    #[test]
    fn a_group_that_is_missing_matters() {
        assert_eq!(difference(vec![GROUP, GROUP], vec![GROUP]), Some("2 results, by hand 1".to_owned()));
    }

    #[test]
    fn totals_are_near_those_of_a_peer_that_adds_up_otherwise() {
        let totals = Totals::of(&[GROUP, GROUP]);
        let given = [0.0, 4.0, 0.1 + 0.2 + 0.3, 0.2, 0.4, 0.3, 0.2];
        totals.assert_same("peer", 2, &given);
        let wrong = |rows, totals_given: &[f64]| {
            let (totals, given) = (totals.clone(), totals_given.to_vec());
            std::panic::catch_unwind(move || totals.assert_same("peer", rows, &given)).is_err()
        };
        assert!(wrong(3, &given) && wrong(2, &given[..6]) && wrong(2, &[1.0, 4.0, 0.6, 0.2, 0.4, 0.3, 0.2]));
    }
}
