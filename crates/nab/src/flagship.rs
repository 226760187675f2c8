//! How much of the flagship's score is luck: the weights of its parts and its threshold are chosen on one
//! half of the series and scored on the other.
//!
//! ```text
//!   58 series, shuffled by a seed ──► 29 choose weights and threshold ──► 29 say what they are worth
//! ```
//!
//! **Invariant:** nothing of the half that is scored has a say in what it is scored with, but for the
//! weights that ship, which the choices are around, and the form of the parts: those saw the whole corpus.

use crate::corpus::{Corpus, Series};
use crate::rows;
use crate::score::{Marks, PROFILES};
use crate::sweep::{Rest, Steps, best, score_at, steps};
use anyhow::{Result, ensure};
use kappascope_core::Millis;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// How many parts the score is a sum of.
pub const PARTS: usize = 4;

/// What the parts are called in the flagship's workings.
const NAMES: [&str; PARTS] = ["value_part", "change_part", "season_part", "level_part"];

/// What each part but the first may weigh: the threshold scales them all.
const WEIGHTS: [f64; 3] = [0.5, 1.0, 2.0];

/// How many times the series are split.
pub const SPLITS: u64 = 40;

/// What the flagship is worth on halves that did not choose, by the split's seed: 0 to [`SPLITS`] − 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Halves {
    /// Where the other half chose weights and threshold.
    pub weights: Vec<f64>,
    /// Where it chose the threshold, with the weights that ship.
    pub threshold: Vec<f64>,
}

/// Splits the corpus again and again; standard profile.
///
/// # Errors
///
/// When the flagship does not give its parts.
pub fn halves(corpus: &Corpus, marks: &Marks, rest: Rest) -> Result<Halves> {
    let parts: Vec<_> = corpus.series.iter().map(parts).collect::<Result<_>>()?;
    let choices = choices().into_iter().map(|weights| steps(&weighed(&parts, weights), marks, rest));
    let choices: Vec<Vec<Steps>> = choices.collect();
    let shipped = steps(&weighed(&parts, [1.0; PARTS]), marks, rest);
    let mut halves = Halves::default();
    for seed in 0..SPLITS {
        let split = halves_of(corpus.series.len(), seed);
        halves.weights.push(chosen_on_one(choices.iter(), marks, &split));
        halves.threshold.push(chosen_on_one(std::iter::once(&shipped), marks, &split));
    }
    Ok(halves)
}

/// What the unseen half scores with what is best for the seen one.
fn chosen_on_one<'a>(
    choices: impl Iterator<Item = &'a Vec<Steps>>,
    marks: &Marks,
    (seen, unseen): &(Vec<usize>, Vec<usize>),
) -> f64 {
    let standard = &PROFILES[0];
    let tuned = choices.map(|steps| (best(&marks.some(steps, seen), standard), steps));
    let chosen = tuned.max_by(|(a, _), (b, _)| a.score.total_cmp(&b.score));
    chosen.map_or(0.0, |(best, steps)| score_at(&marks.some(steps, unseen), best.threshold, standard))
}

/// All choices of weights, the value's being 1.
fn choices() -> Vec<[f64; PARTS]> {
    let mut choices = Vec::new();
    for change in WEIGHTS {
        for season in WEIGHTS {
            choices.extend(WEIGHTS.map(|level| [1.0, change, season, level]));
        }
    }
    choices
}

/// The scores of each series' rows, with weights on their parts.
fn weighed(parts: &[Vec<[f64; PARTS]>], weights: [f64; PARTS]) -> Vec<Vec<f64>> {
    let score = |parts: &[f64; PARTS]| parts.iter().zip(weights).map(|(part, weight)| part * weight).sum();
    parts.iter().map(|rows| rows.iter().map(score).collect()).collect()
}

/// The parts of the flagship's score at each row.
fn parts(series: &Series) -> Result<Vec<[f64; PARTS]>> {
    let mut detector = rows::detector(rows::FLAGSHIP.1)?;
    let rows = series.times.iter().zip(&series.values);
    rows.map(|(&time, &value)| {
        let workings = detector.workings(Millis(time), value);
        detector.judge(Millis(time), value);
        let Some(workings) = workings else { return Ok([0.0; PARTS]) };
        let parts: Vec<f64> = NAMES
            .iter()
            .filter_map(|name| workings.figures.iter().find(|(figure, _)| figure == name))
            .map(|(_, part)| *part)
            .collect();
        ensure!(parts.len() == PARTS, "the flagship's workings have other parts than {NAMES:?}");
        Ok([parts[0], parts[1], parts[2], parts[3]])
    })
    .collect()
}

/// Which series choose and which judge.
fn halves_of(series: usize, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut all: Vec<usize> = (0..series).collect();
    all.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let unseen = all.split_off(series / 2);
    (all, unseen)
}

/// Mean and sample deviation.
#[must_use]
pub fn spread(scores: &[f64]) -> (f64, f64) {
    let n = scores.len() as f64;
    let mean = scores.iter().sum::<f64>() / n;
    let squares: f64 = scores.iter().map(|score| (score - mean) * (score - mean)).sum();
    (mean, (squares / (n - 1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_is_never_in_the_other_and_seeds_differ() {
        let (seen, unseen) = halves_of(58, 7);
        assert_eq!((seen.len(), unseen.len()), (29, 29));
        let mut all = [seen.clone(), unseen].concat();
        all.sort_unstable();
        assert_eq!(all, (0..58).collect::<Vec<_>>());
        assert_eq!(halves_of(58, 7).0, seen);
        assert_ne!(halves_of(58, 8).0, seen);
    }

    #[test]
    fn the_weights_that_ship_are_among_the_choices_once() {
        let shipped = choices().into_iter().filter(|weights| *weights == [1.0; PARTS]).count();
        assert_eq!((shipped, choices().len()), (1, 27));
    }

    #[test]
    fn a_spread_by_hand() {
        assert_eq!(spread(&[1.0, 3.0, 5.0]), (3.0, 2.0));
    }
}
