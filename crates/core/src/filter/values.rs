//! What a column of results holds, and the buffers that it is held in.
//!
//! ```text
//!   numbers  f64         NULL is NaN: no column and no result is NaN otherwise
//!   truths   u8          false 0, unknown 1, true 2: AND is min, OR is max, NOT is 2 − x (Kleene)
//!   texts    (u32, u32)  which leaf, which dictionary id; no string is copied
//! ```
//!
//! **Invariant:** each kind has one value that means NULL.

use super::eval::Evaluator;
use super::expr::Expr;

/// A truth value of three-valued logic, in Kleene's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub(super) struct Truth(u8);

impl Truth {
    pub(super) const FALSE: Self = Self(0);
    pub(super) const UNKNOWN: Self = Self(1);
    pub(super) const TRUE: Self = Self(2);

    /// True when `holds`, unknown when `unknown`; not both.
    pub(super) fn new(holds: bool, unknown: bool) -> Self {
        Self((2 * u8::from(holds)) | u8::from(unknown))
    }

    pub(super) fn not(self) -> Self {
        Self(2 - self.0)
    }

    pub(super) fn known(self) -> Option<bool> {
        (self != Self::UNKNOWN).then_some(self == Self::TRUE)
    }
}

impl From<bool> for Truth {
    fn from(truth: bool) -> Self {
        Self(2 * u8::from(truth))
    }
}

/// Which leaf a text comes from and its id there, if it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) leaf: u32,
    pub(super) id: u32,
}

/// Buffers that wait for their next use.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    numbers: Vec<Vec<f64>>,
    truths: Vec<Vec<Truth>>,
    texts: Vec<Vec<Text>>,
}

#[cfg(test)]
impl Scratch {
    /// Address and capacity of each buffer, sorted: they do not change unless one is allocated.
    pub(super) fn places(&self) -> Vec<(usize, usize)> {
        let numbers = self.numbers.iter().map(|buffer| (buffer.as_ptr().addr(), buffer.capacity()));
        let truths = self.truths.iter().map(|buffer| (buffer.as_ptr().addr(), buffer.capacity()));
        let texts = self.texts.iter().map(|buffer| (buffer.as_ptr().addr(), buffer.capacity()));
        let mut places: Vec<_> = numbers.chain(truths).chain(texts).collect();
        places.sort_unstable();
        places
    }
}

/// What a column can hold.
pub(super) trait Value: Copy {
    const NULL: Self;
    fn is_null(self) -> bool;
    fn spare(scratch: &mut Scratch) -> &mut Vec<Vec<Self>>;
    fn evaluate(evaluator: &mut Evaluator<'_>, expr: &Expr) -> Vec<Self>;
}

impl Value for f64 {
    const NULL: Self = Self::NAN;

    fn is_null(self) -> bool {
        self.is_nan()
    }

    fn spare(scratch: &mut Scratch) -> &mut Vec<Vec<Self>> {
        &mut scratch.numbers
    }

    fn evaluate(evaluator: &mut Evaluator<'_>, expr: &Expr) -> Vec<Self> {
        evaluator.numbers(expr)
    }
}

impl Value for Truth {
    const NULL: Self = Self::UNKNOWN;

    fn is_null(self) -> bool {
        self == Self::UNKNOWN
    }

    fn spare(scratch: &mut Scratch) -> &mut Vec<Vec<Self>> {
        &mut scratch.truths
    }

    fn evaluate(evaluator: &mut Evaluator<'_>, expr: &Expr) -> Vec<Self> {
        evaluator.truths(expr)
    }
}

impl Value for Text {
    const NULL: Self = Self { leaf: u32::MAX, id: 0 };

    fn is_null(self) -> bool {
        self == Self::NULL
    }

    fn spare(scratch: &mut Scratch) -> &mut Vec<Vec<Self>> {
        &mut scratch.texts
    }

    fn evaluate(evaluator: &mut Evaluator<'_>, expr: &Expr) -> Vec<Self> {
        evaluator.texts(expr)
    }
}

/// `value = f(value, other)` for each row.
pub(super) fn each<V: Copy>(values: &mut [V], others: &[V], f: impl Fn(V, V) -> V) {
    values.iter_mut().zip(others).for_each(|(value, other)| *value = f(*value, *other));
}
