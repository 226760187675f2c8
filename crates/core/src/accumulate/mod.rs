//! Accumulators: what a window holds of its events, one kind a file.
//!
//! | file | holds | exact | beyond that |
//! |---|---|---|---|
//! | [`spread`] | count, mean, squared deviations | to rounding | |
//! | [`edge`] | the first or last value by event time | always | |
//! | [`quantile`] | values, then buckets of them | up to 64 values | each within 1/128 of itself |
//! | [`distinct`] | hashes, then registers | up to 256 hashes | standard error 1/61 of the number |
//! | [`top`] | a counter an id | up to 256 ids | each count at most 1/256 of all events too high |
//!
//! **Invariant:** an accumulator is a function of the inputs folded, in their order; the default is the
//! state of no events, and merging it changes nothing. Fold and merge use addition, multiplication,
//! division, square root and bit operations only, which give the same bits on every target.
//!
//! ```text
//!   log      a  b  c | d  e | f        fold(a) … fold(f)                       left to right
//!   panes    [a b c]  [d e]  [f]       merge([a b c], [d e]), merge(…, [f])    left to right
//! ```

pub(crate) mod distinct;
pub(crate) mod edge;
pub(crate) mod quantile;
#[cfg(test)]
mod samples;
pub(crate) mod spread;
pub(crate) mod top;

/// State of one aggregate over the events of one window and key. The default is that of no events.
pub(crate) trait Accumulator: Clone + Default {
    /// What it takes of one event.
    type Input: Copy;

    /// Takes one event, in the order of the log.
    fn fold(&mut self, input: Self::Input);

    /// Takes all events of `later`, which come after its own.
    fn merge(&mut self, later: &Self);
}

#[cfg(test)]
mod tests {
    use super::{Accumulator, distinct::Distinct, edge, quantile::Quantiles, samples, spread::Spread, top};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Folds the first half and the second half apart and merges them, which takes the code of both.
    fn halves<A: Accumulator>(input: impl Fn(u64) -> A::Input) -> A {
        let mut all = samples::folded::<A>((0..5_000).map(&input));
        all.merge(&samples::folded::<A>((5_000..10_000).map(&input)));
        all
    }

    /// The figures were printed by a native run; WebAssembly must give the same bits.
    #[test]
    fn every_target_gives_these_bits() {
        let value = |i| samples::lognormal(7, i);
        let spread: Spread = halves(value);
        let first: edge::First = halves(|i| (samples::mix(i) as i64, value(i)));
        let last: edge::Last = halves(|i| (samples::mix(i) as i64, value(i)));
        let quantiles: Quantiles = halves(value);
        let distinct: Distinct = halves(samples::mix);
        let top: top::Top = halves(|i| samples::zipf(7, i) + (samples::mix(i) % 400) as u32);
        let reals =
            [spread.variance(), spread.stddev(), first.value(), last.value(), quantiles.quantile(0.99)];
        let bits = [
            0x4090_9cfb_d450_ae57,
            0x4040_4dc0_fcdb_9459,
            0x4009_95ff_665d_6062,
            0x4020_f42f_fd62_d954,
            0x4058_2000_0000_0000,
        ];
        assert_eq!(reals.map(f64::to_bits), bits, "{reals:?}");
        assert_eq!(distinct.estimate(), 9_945);
        let held = top.top(top::COUNTERS);
        let sums = held.iter().fold((0, 0), |sums, held| (sums.0 + held.count, sums.1 + held.error));
        assert_eq!((held[9].id, sums), (215, (9_924, 7_753)));
    }
}
