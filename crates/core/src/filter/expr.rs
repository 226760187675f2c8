//! A checked expression: columns are numbers, types are right, nothing in it can fail.
//!
//! **Invariant:** every operand has the kind that its operator asks for, or is [`Expr::Null`].

use super::text::{Letters, Pattern, Strings};

/// The type of a value. NULL alone has none until it meets one that has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Text,
    Number,
    Boolean,
}

impl Kind {
    /// With its article, for messages.
    pub(super) fn described(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Text => "text",
            Self::Number => "a number",
            Self::Boolean => "a condition",
        }
    }
}

/// A column that an expression may name: text, number, or truth.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// `= <> < <= > >=`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// `+ - * / %`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// Functions of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unary {
    Negate,
    Abs,
    Floor,
    Ceil,
    Round,
}

/// An expression. The kind beside operands is theirs, where it is not the expression's own.
#[derive(Clone, Debug)]
pub(super) enum Expr {
    Null,
    Truth(bool),
    Number(f64),
    /// A number column.
    Column(usize),
    /// One of the program's [`Leaf`]s.
    Text(usize),
    Length(Box<Expr>),
    Unary(Unary, Box<Expr>),
    Arithmetic(Arithmetic, Box<[Expr; 2]>),
    Not(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Compare(Comparison, Kind, Box<[Expr; 2]>),
    /// Value, low, high.
    Between(Kind, Box<[Expr; 3]>),
    In(Kind, Box<Expr>, Vec<Expr>),
    Like(Box<Expr>, Pattern),
    IsNull(Kind, Box<Expr>),
    Coalesce(Kind, Vec<Expr>),
    /// Conditions and what they give, in order; the rest.
    Case(Kind, Vec<[Expr; 2]>, Box<Expr>),
    /// One of the program's answers by dictionary id.
    Cached(usize, Kind),
}

impl Expr {
    /// The type of its value.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Text(_) => Kind::Text,
            Self::Number(_) | Self::Column(_) | Self::Length(_) | Self::Unary(..) | Self::Arithmetic(..) => {
                Kind::Number
            }
            Self::Coalesce(kind, _) | Self::Case(kind, ..) | Self::Cached(_, kind) => *kind,
            _ => Kind::Boolean,
        }
    }

    /// The expressions right below.
    pub(super) fn children(&mut self) -> Vec<&mut Self> {
        match self {
            Self::Null
            | Self::Truth(_)
            | Self::Number(_)
            | Self::Column(_)
            | Self::Text(_)
            | Self::Cached(..) => Vec::new(),
            Self::Length(x) | Self::Unary(_, x) | Self::Not(x) | Self::Like(x, _) | Self::IsNull(_, x) => {
                vec![x]
            }
            Self::Arithmetic(_, pair) | Self::Compare(_, _, pair) => pair.iter_mut().collect(),
            Self::Between(_, three) => three.iter_mut().collect(),
            Self::And(list) | Self::Or(list) | Self::Coalesce(_, list) => list.iter_mut().collect(),
            Self::In(_, value, list) => std::iter::once(&mut **value).chain(list).collect(),
            Self::Case(_, cases, rest) => cases.iter_mut().flatten().chain([&mut **rest]).collect(),
        }
    }
}

/// Where a text comes from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Leaf {
    Constant(Box<str>),
    /// A text column.
    Column(usize),
    /// A text column in other letters, and the strings of the ids met so far.
    Folded(usize, Letters, Strings),
}

impl Leaf {
    /// The column that it reads.
    pub(super) fn column(&self) -> Option<usize> {
        match self {
            Self::Constant(_) => None,
            Self::Column(column) | Self::Folded(column, ..) => Some(*column),
        }
    }
}
