//! What was written, and where: the tree between parser and checker.
//!
//! **Invariant:** a chain of AND or of OR is one node, so depth counts what a person would call nesting.

use super::expr::{Arithmetic, Comparison};
use std::ops::Range;

/// What was written, and where.
#[derive(Clone, Debug)]
pub(super) struct Syntax {
    pub(super) node: Node,
    /// Bytes of the expression's text, with parentheses around it.
    pub(super) span: Range<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    Null,
    Truth(bool),
    Number(f64),
    Text(String),
    Name {
        name: String,
        quoted: bool,
    },
    Call(Function, Vec<Syntax>),
    Negate(Box<Syntax>),
    Not(Box<Syntax>),
    And(Vec<Syntax>),
    Or(Vec<Syntax>),
    Arithmetic(Arithmetic, Box<[Syntax; 2]>),
    Compare(Comparison, Box<[Syntax; 2]>),
    Between(Box<[Syntax; 3]>),
    In(Box<Syntax>, Vec<Syntax>),
    Like(Box<[Syntax; 2]>, Option<char>),
    IsNull(Box<Syntax>),
    /// Conditions and what they give, in order; the rest.
    Case(Vec<[Syntax; 2]>, Option<Box<Syntax>>),
}

impl Node {
    fn children(&self) -> Vec<&Syntax> {
        match self {
            Self::Null | Self::Truth(_) | Self::Number(_) | Self::Text(_) | Self::Name { .. } => Vec::new(),
            Self::Negate(x) | Self::Not(x) | Self::IsNull(x) => vec![x],
            Self::Arithmetic(_, pair) | Self::Compare(_, pair) | Self::Like(pair, _) => pair.iter().collect(),
            Self::Between(three) => three.iter().collect(),
            Self::Call(_, list) | Self::And(list) | Self::Or(list) => list.iter().collect(),
            Self::In(value, list) => std::iter::once(&**value).chain(list).collect(),
            Self::Case(cases, rest) => cases.iter().flatten().chain(rest.as_deref()).collect(),
        }
    }
}

impl Syntax {
    /// The first expression that lies more than `levels` below.
    pub(super) fn below(&self, levels: usize) -> Option<&Self> {
        match levels.checked_sub(1) {
            None => Some(self),
            Some(left) => self.node.children().into_iter().find_map(|child| child.below(left)),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Abs,
    Ceil,
    Coalesce,
    Floor,
    Length,
    Lower,
    Round,
    Upper,
}

pub(super) const FUNCTIONS: [(&str, Function); 8] = [
    ("abs", Function::Abs),
    ("ceil", Function::Ceil),
    ("coalesce", Function::Coalesce),
    ("floor", Function::Floor),
    ("length", Function::Length),
    ("lower", Function::Lower),
    ("round", Function::Round),
    ("upper", Function::Upper),
];

impl Function {
    pub(super) fn name(self) -> &'static str {
        FUNCTIONS.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }
}
