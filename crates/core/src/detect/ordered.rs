//! Median and median absolute deviation of the last n points.
//!
//! The points are kept twice: as they came, and sorted. A point that comes takes the place of the oldest,
//! and only what lies between the two places moves:
//!
//! ```text
//!   sorted    1 3 4 6 7 9        3 leaves, 8 comes:   1 4 6 7 8 9
//!               └─────┘                                 └───┘
//! ```
//!
//! The half of the points that is nearest to the median lies side by side, so that the MAD is found by
//! halving, without the distances being sorted.
//!
//! A search halves until few places are left and counts among those: which way it goes cannot be predicted,
//! and a count has no branches.
//!
//! **Invariant:** `sorted` holds the points of the ring, ascending; neither holds −0, so that `<` is a total
//! order.

use super::saturate;
use serde::{Deserialize, Serialize};
use std::hint::select_unpredictable;

/// From how many places on a search halves.
const FEW: usize = 32;

/// The last points of a series, as they came and sorted. Its snapshot holds them as they came.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Ring", into = "Ring")]
pub(crate) struct Ordered {
    ring: Ring,
    sorted: Vec<f64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Ring {
    capacity: usize,
    /// Where the oldest point is, once there are as many as there may be.
    next: usize,
    points: Vec<f64>,
}

impl Ordered {
    /// Of the last `capacity` points.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { ring: Ring { capacity, next: 0, points: Vec::new() }, sorted: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.sorted.len()
    }

    /// The points, the oldest first.
    pub(crate) fn points(&self) -> impl Iterator<Item = f64> {
        let (newer, older) = self.ring.points.split_at(self.ring.next);
        older.iter().chain(newer).copied()
    }

    /// Takes a finite point; the oldest one leaves when the window is full.
    #[inline]
    pub(crate) fn push(&mut self, point: f64) {
        // −0 becomes 0.
        let point = point + 0.0;
        let Ring { capacity, next, points } = &mut self.ring;
        if points.len() < *capacity {
            points.push(point);
            let at = place(&self.sorted, point);
            self.sorted.insert(at, point);
            return;
        }
        let oldest = std::mem::replace(&mut points[*next], point);
        *next = if *next + 1 == *capacity { 0 } else { *next + 1 };
        let [from, to] = places(&self.sorted, [oldest, point]);
        if from < to {
            self.sorted.copy_within(from + 1..to, from);
            self.sorted[to - 1] = point;
        } else {
            self.sorted.copy_within(to..from, to + 1);
            self.sorted[to] = point;
        }
    }

    /// The median of the points, of which there must be one, and that of their distances from it. Of an
    /// even number it is the mean of the two in the middle.
    #[inline]
    pub(crate) fn median_and_mad(&self) -> (f64, f64) {
        let (sorted, n) = (&self.sorted[..], self.sorted.len());
        let half = n / 2;
        let median = if n % 2 == 1 { sorted[half] } else { sorted[half - 1].midpoint(sorted[half]) };
        // `nearest..nearest + half` are the points nearest to the median.
        let nearest = nearest(sorted, median, half);
        let distance = |at: usize| sorted.get(at).map_or(f64::INFINITY, |point| (point - median).abs());
        let next = distance(nearest.wrapping_sub(1)).min(distance(nearest + half));
        if n % 2 == 1 {
            return (median, saturate(next));
        }
        let last = distance(nearest).max(distance(nearest + half - 1));
        (median, saturate(last).midpoint(saturate(next)))
    }
}

/// [`place`] of both; of few points in one go.
#[inline]
fn places(sorted: &[f64], points: [f64; 2]) -> [usize; 2] {
    if sorted.len() > FEW {
        return points.map(|point| place(sorted, point));
    }
    let mut below = [0_u64; 2];
    for other in sorted {
        for (below, point) in below.iter_mut().zip(points) {
            *below += u64::from(*other < point);
        }
    }
    below.map(|places| places as usize)
}

/// How many points are below this one.
#[inline]
fn place(sorted: &[f64], point: f64) -> usize {
    first_without(sorted, sorted, |other, _| other < point)
}

/// Where the `half` points begin that are nearest to the median: the first place from which the point
/// `half` further on is not nearer.
#[inline]
fn nearest(sorted: &[f64], median: f64, half: usize) -> usize {
    first_without(&sorted[..half], &sorted[half..], |near, far| far - median < median - near)
}

/// The first place, in one list and another that is as long or longer, that has not what all before it
/// have, or the length of the one.
#[inline]
fn first_without(one: &[f64], other: &[f64], has: impl Fn(f64, f64) -> bool) -> usize {
    let (mut start, mut left) = (0, one.len());
    while left > FEW {
        let half = left / 2;
        let at = start + half - 1;
        start = select_unpredictable(has(one[at], other[at]), start + half, start);
        left -= half;
    }
    let pairs = one[start..][..left].iter().zip(&other[start..][..left]);
    start + pairs.map(|(&a, &b)| u64::from(has(a, b))).sum::<u64>() as usize
}

impl From<Ordered> for Ring {
    fn from(ordered: Ordered) -> Self {
        ordered.ring
    }
}

impl TryFrom<Ring> for Ordered {
    type Error = String;

    fn try_from(ring: Ring) -> Result<Self, String> {
        let (found, capacity, next) = (ring.points.len(), ring.capacity, ring.next);
        let fits = if found == capacity { next < capacity } else { found < capacity && next == 0 };
        if !fits {
            return Err(format!("{found} points, the oldest at {next}, do not fit a window of {capacity}"));
        }
        if let Some(point) = ring.points.iter().find(|point| !point.is_finite()) {
            return Err(format!("a point of {point}; only finite points are learned"));
        }
        if ring.points.iter().any(|point| point.is_sign_negative() && *point == 0.0) {
            return Err("a point of -0; it is learned as 0".to_owned());
        }
        let mut sorted = ring.points.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        Ok(Self { ring, sorted })
    }
}
