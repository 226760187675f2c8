//! Generated series with a rule, as a function of a number.
//!
//! **Invariant:** one key, the first, has a sample at every step. It is the clock that drives the watermark,
//! as in any stream in which something goes on while other keys are silent.

use crate::numbers::Numbers;

/// How many cases there are.
const CASES: u64 = 400;

/// Evaluations of a case.
const STEPS: usize = 48;

/// What comes of one key in one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// How many events.
    pub count: usize,
    /// The value of each.
    pub value: f64,
}

/// The windows of a case's query: each ends with a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Of one step.
    Tumbling,
    /// Of two steps, sliding by one.
    Hopping,
    /// Of up to three steps.
    Cumulate,
    /// Around each event alone; a key that had none for a step is evaluated by the rule's `interval`.
    Rolling,
}

/// Series with a rule.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its number.
    pub number: u64,
    /// The query's windows.
    pub window: Window,
    /// Time between two evaluations, in milliseconds.
    pub step: i64,
    /// Time of the first step.
    pub epoch: i64,
    /// How far windows begin beside the multiples of their size, in milliseconds.
    pub offset: i64,
    /// How far the watermark stays behind.
    pub bound: i64,
    /// The rule's `for`, in milliseconds.
    pub hold: i64,
    /// The rule's `keep_firing_for`, in milliseconds.
    pub keep: i64,
    /// The condition, in SQL over the query's aggregates and in PromQL over `value` and `count`.
    pub condition: (String, String),
    /// What comes, by key and step.
    pub keys: Vec<Vec<Option<Sample>>>,
}

impl Case {
    /// All cases.
    #[must_use]
    pub fn all() -> Vec<Self> {
        (0..CASES).map(Self::generate).collect()
    }

    /// The case of a number.
    #[must_use]
    pub fn generate(number: u64) -> Self {
        let mut numbers = Numbers(number.wrapping_mul(0x1000_0000_01b3));
        let windows = [Window::Tumbling, Window::Hopping, Window::Cumulate, Window::Rolling];
        let window = windows[number as usize % windows.len()];
        let step = numbers.one_of(&[1_000, 7_500, 15_000, 60_000]);
        // A rolling window gives its result at once, so keys of one time need the watermark to wait for them.
        let bound = if window == Window::Rolling { step / 2 } else { numbers.one_of(&[0, step / 2]) };
        let of_steps = |halves: i64| halves * step / 2;
        let hold = of_steps(numbers.one_of(&[0, 0, 1, 2, 3, 4, 6, 10]));
        let keep = of_steps(numbers.one_of(&[0, 0, 1, 2, 3, 4, 6, 10]));
        // Windows of any number of steps begin there.
        let epoch = numbers.one_of(&[0, 480_000_000, -480_000_000]) * step;
        let offset = numbers.one_of(&[0, step / 4]);
        let condition = condition(&mut numbers);
        let most = if window == Window::Rolling { 1 } else { 3 };
        let others = 1 + numbers.below(3);
        let mut keys = vec![series(0, most, &mut numbers)];
        keys.extend((0..others).map(|_| {
            let gaps = numbers.one_of(&[0, 1, 3, 6]);
            series(gaps, most, &mut numbers)
        }));
        Self { number, window, step, epoch: epoch + offset, offset, bound, hold, keep, condition, keys }
    }

    /// The name of a key.
    #[must_use]
    pub fn name(key: usize) -> String {
        format!("k{key}")
    }

    /// How often it is evaluated.
    #[must_use]
    pub fn steps(&self) -> usize {
        STEPS
    }

    /// What the query gives for a key at a step: the definition of its window, over samples.
    #[must_use]
    pub fn result(&self, key: usize, step: usize) -> Option<Sample> {
        let first = match self.window {
            Window::Tumbling | Window::Rolling => step,
            Window::Hopping => step.saturating_sub(1),
            Window::Cumulate => step - step % 3,
        };
        let of_window = self.keys[key][first..=step].iter().flatten();
        of_window.copied().reduce(|a, b| Sample { count: a.count + b.count, value: a.value.max(b.value) })
    }
}

/// A condition in SQL and in PromQL. Values are halves from 0 to 9.5.
fn condition(numbers: &mut Numbers) -> (String, String) {
    let (a, b) = (numbers.below(16) as f64 / 2.0 + 1.0, numbers.below(4) as f64 / 2.0);
    let (sql, promql) = match numbers.below(8) {
        0 => (format!("max(v) > {a}"), format!("value > {a}")),
        1 => (format!("max(v) <= {a}"), format!("value <= {a}")),
        2 => (format!("NOT (max(v) = {b} OR max(v) < {a})"), format!("value != {b} >= {a}")),
        3 => (format!("max(v) BETWEEN {b} AND {a}"), format!("value >= {b} <= {a}")),
        4 => (format!("max(v) > {a} OR max(v) <= {b}"), format!("value > {a} or value <= {b}")),
        5 => (format!("max(v) > {b} AND count() >= 2"), format!("value > {b} and count >= 2")),
        6 => (format!("max(v) >= {a} AND k <> 'k1'"), format!("value{{k!=\"k1\"}} >= {a}")),
        _ => (format!("max(v) / count() < {a}"), format!("value / count < {a}")),
    };
    (sql, promql)
}

/// A key's samples: runs of high and of low values, some of one step, with `gaps` in ten runs missing.
fn series(gaps: i64, most: i64, numbers: &mut Numbers) -> Vec<Option<Sample>> {
    let mut samples = Vec::new();
    let longest = numbers.one_of(&[1, 3, 9]);
    let mut high = false;
    while samples.len() < STEPS {
        high = !high;
        let missing = numbers.below(10) < gaps;
        for _ in 0..1 + numbers.below(longest) {
            let value = (numbers.below(10) + if high { 10 } else { 0 }) as f64 / 2.0;
            let count = 1 + numbers.below(most) as usize;
            samples.push((!missing).then_some(Sample { count, value }));
        }
    }
    samples.truncate(STEPS);
    samples
}
