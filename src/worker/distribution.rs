//! How a measure is distributed, over all rows that the engine has read.
//!
//! Values are counted by their leading bits: sign, exponent and five bits of the fraction, so that a bin is
//! at most 1/32 of its value wide, whatever the values are.
//!
//! ```text
//!   bits of an f64   s eeeeeeeeeee fffff|fff…     the first 17, flipped so that they ascend with the value
//! ```
//!
//! **Invariant:** counts are those of the rows from `since` up to `row`, each once.

use crate::wire;
use kappascope_core::Log;

/// Bits that tell bins apart.
const BITS: u32 = 17;

/// Rows counted in one go.
const ROWS: usize = 65_536;

const PERCENTILES: [f64; 4] = [0.5, 0.9, 0.99, 0.999];

/// The distribution of the first measure.
pub(super) struct Distribution {
    measure: String,
    counts: Vec<u64>,
    /// The next row to count.
    row: u64,
    events: u64,
    range: Option<(f64, f64)>,
}

impl Distribution {
    pub(super) fn new(measure: &str) -> Self {
        let counts = vec![0; 1 << BITS];
        Self { measure: measure.to_owned(), counts, row: 0, events: 0, range: None }
    }

    /// Counts what the engine has read up to a row; from the start if it went back.
    pub(super) fn follow(&mut self, log: &Log, row: u64) {
        if row < self.row {
            *self = Self::new(&self.measure);
        }
        self.row = self.row.max(log.start());
        while self.row < row {
            let rows = ROWS.min((row - self.row) as usize);
            let block = log.read(self.row, rows);
            block.measure(0).iter().for_each(|value| self.counts[bin_of(*value)] += 1);
            self.widen(block.measure(0));
            self.row += rows as u64;
            self.events += rows as u64;
        }
    }

    fn widen(&mut self, values: &[f64]) {
        let (low, high) = self.range.unwrap_or((f64::INFINITY, f64::NEG_INFINITY));
        let low = values.iter().fold(low, |low, value| low.min(*value));
        self.range = Some((low, values.iter().fold(high, |high, value| high.max(*value))));
    }

    /// Puts the bins into a frame.
    pub(super) fn draw(&self, figures: &mut Vec<f64>) -> wire::Distribution {
        let bins = figures.len();
        let counted = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        for (bin, count) in counted {
            let (low, high) = self.reach(bin);
            figures.extend([low, high, *count as f64]);
        }
        wire::Distribution {
            measure: self.measure.clone(),
            bins: bins as u32,
            count: ((figures.len() - bins) / 3) as u32,
            events: self.events as f64,
            percentiles: self.range.map(|_| PERCENTILES.map(|part| self.percentile(part))),
            range: self.range,
        }
    }

    /// Where a bin begins and ends; no further than the values do.
    fn reach(&self, bin: usize) -> (f64, f64) {
        let (least, most) = self.range.unwrap_or((0.0, 0.0));
        (first_of(bin).max(least), first_of(bin + 1).min(most))
    }

    /// The value below which this part of the values lies: of those in its bin as if they lay evenly.
    fn percentile(&self, part: f64) -> f64 {
        let mut left = part * self.events as f64;
        for (bin, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let count = *count as f64;
            if left <= count {
                let (low, high) = self.reach(bin);
                return low + (high - low) * left / count;
            }
            left -= count;
        }
        self.range.map_or(0.0, |(_, most)| most)
    }
}

/// The bin of a value. −0 is 0.
fn bin_of(value: f64) -> usize {
    let bits = (value + 0.0).to_bits();
    let ascending = if bits >> 63 == 0 { bits | 1 << 63 } else { !bits };
    (ascending >> (64 - BITS)) as usize
}

/// The least value of a bin.
fn first_of(bin: usize) -> f64 {
    let ascending = (bin as u64).checked_shl(64 - BITS).unwrap_or(u64::MAX);
    let bits = if ascending >> 63 == 1 { ascending & !(1 << 63) } else { !ascending };
    f64::from_bits(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_ascend_and_hold_their_values() {
        let values = [-1e300, -3.5, -1.0, -1e-300, 0.0, 1e-300, 0.1, 1.0, 1.03, 50.0, 1e300];
        let bins: Vec<usize> = values.iter().map(|value| bin_of(*value)).collect();
        assert!(bins.is_sorted(), "{bins:?}");
        for (value, bin) in values.into_iter().zip(bins).filter(|(value, _)| *value >= 0.0) {
            assert!((first_of(bin)..first_of(bin + 1)).contains(&value), "{value} in bin {bin}");
        }
        assert_eq!(bin_of(-0.0), bin_of(0.0));
    }
}
