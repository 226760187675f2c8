//! The filter against a naive evaluator of one row, over generated expressions, columns and cuts.
//!
//! The oracle is written from PostgreSQL's documentation with `Option` for NULL: no masks, no buffers,
//! no dictionary. Expressions are written out with as few parentheses as the precedence allows.

use super::super::Filter;
use super::schema;
use crate::log::Log;
use proptest::prelude::*;
use std::fmt::Write;

/// How tightly what is written binds; below what its place needs, it gets parentheses.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub(super) enum Binds {
    Or,
    And,
    Not,
    Is,
    Compare,
    Match,
    Add,
    Multiply,
    Unary,
    Atom,
}

#[derive(Clone, Debug)]
pub(super) enum Tree {
    Null,
    Truth(bool),
    Number(f64),
    Text(String),
    NumberColumn(usize),
    TextColumn(usize),
    Time,
    Negate(Box<Tree>),
    Not(Box<Tree>),
    /// AND, OR, comparisons and arithmetic.
    Binary(&'static str, Box<[Tree; 2]>),
    Call(&'static str, Vec<Tree>),
    IsNull(Box<Tree>, bool),
    Between(Box<[Tree; 3]>, bool),
    In(Box<Tree>, Vec<Tree>, bool),
    Like(Box<Tree>, String, bool),
    Case(Vec<[Tree; 2]>, Option<Box<Tree>>),
}

const NUMBERS: [&str; 2] = ["v", "w"];
const TEXTS: [&str; 2] = ["k", "l"];
const COMPARISONS: [&str; 6] = ["=", "<>", "<", "<=", ">", ">="];
const ARITHMETIC: [&str; 5] = ["+", "-", "*", "/", "%"];
const LITERALS: [&str; 8] = ["a", "", "b", "B", "ab", "x_y", "50%", "ßÄ'"];
const VALUES: [f64; 8] = [0.0, 1.0, -1.0, 2.5, 3.5, -0.0, 7.0, 1e300];

/// Decisions taken from bytes, the first one when they run out: shrinking bytes shrinks the tree.
pub(super) struct Choices<'a>(std::slice::Iter<'a, u8>);

impl<'a> Choices<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.iter())
    }

    fn below(&mut self, n: usize) -> usize {
        self.0.next().map_or(0, |&byte| usize::from(byte) % n)
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// Seldom true, so that trees end.
    fn flip(&mut self) -> bool {
        self.below(3) == 2
    }
}

/// Deepest generated tree.
const DEEPEST: usize = 7;

pub(super) fn condition(c: &mut Choices<'_>, depth: usize) -> Tree {
    let next = depth + 1;
    match if depth > DEEPEST { c.below(2) } else { c.below(16) } {
        0 => Tree::Truth(c.flip()),
        1 => Tree::Null,
        2 | 3 => Tree::Binary("AND", Box::new([condition(c, next), condition(c, next)])),
        4 | 5 => Tree::Binary("OR", Box::new([condition(c, next), condition(c, next)])),
        6 => Tree::Not(Box::new(condition(c, next))),
        7 | 8 => Tree::Binary(c.of(&COMPARISONS), Box::new([number(c, next), number(c, next)])),
        9 => Tree::Binary(c.of(&COMPARISONS), Box::new([text(c, next), text(c, next)])),
        10 => Tree::Binary(c.of(&COMPARISONS), Box::new([condition(c, next), condition(c, next)])),
        11 => {
            let kind = c.of(&[number as Generate, text, condition]);
            Tree::IsNull(Box::new(kind(c, next)), c.flip())
        }
        12 => {
            let kind = c.of(&[number as Generate, text, condition]);
            Tree::Between(Box::new([kind(c, next), kind(c, next), kind(c, next)]), c.flip())
        }
        13 => {
            let kind = c.of(&[text as Generate, number, condition]);
            let (value, n) = (kind(c, next), 1 + c.below(3));
            Tree::In(Box::new(value), (0..n).map(|_| kind(c, next)).collect(), c.flip())
        }
        14 => {
            let pieces = (0..c.below(5)).map(|_| c.of(&["%", "_", "a", "b", "\\%", "\\_", "Ä"]));
            let pattern = pieces.collect();
            Tree::Like(Box::new(text(c, next)), pattern, c.flip())
        }
        _ => any_kind(c, next, condition),
    }
}

type Generate = fn(&mut Choices<'_>, usize) -> Tree;

fn number(c: &mut Choices<'_>, depth: usize) -> Tree {
    let next = depth + 1;
    match if depth > DEEPEST { c.below(4) } else { c.below(10) } {
        0 => Tree::NumberColumn(c.below(NUMBERS.len())),
        1 => Tree::Number(c.of(&VALUES).abs()),
        2 => Tree::Time,
        3 => Tree::Null,
        4..=6 => Tree::Binary(c.of(&ARITHMETIC), Box::new([number(c, next), number(c, next)])),
        7 => Tree::Negate(Box::new(number(c, next))),
        8 => match c.below(5) {
            4 => Tree::Call("length", vec![text(c, next)]),
            i => Tree::Call(["abs", "floor", "ceil", "round"][i], vec![number(c, next)]),
        },
        _ => any_kind(c, next, number),
    }
}

fn text(c: &mut Choices<'_>, depth: usize) -> Tree {
    let next = depth + 1;
    match if depth > DEEPEST { c.below(4) } else { c.below(7) } {
        0 | 1 => Tree::TextColumn(c.below(TEXTS.len())),
        2 => Tree::Text(c.of(&LITERALS).to_owned()),
        3 => Tree::Null,
        4 | 5 => Tree::Call(c.of(&["lower", "upper"]), vec![text(c, next)]),
        _ => any_kind(c, next, text),
    }
}

fn any_kind(c: &mut Choices<'_>, depth: usize, kind: Generate) -> Tree {
    let n = 1 + c.below(2);
    if c.flip() {
        return Tree::Call("coalesce", (0..=n).map(|_| kind(c, depth)).collect());
    }
    let cases = (0..n).map(|_| [condition(c, depth), kind(c, depth)]).collect();
    let rest = c.flip().then(|| Box::new(kind(c, depth)));
    Tree::Case(cases, rest)
}

impl Tree {
    pub(super) fn written(&self) -> String {
        let mut out = String::new();
        self.write(Binds::Or, &mut out);
        out
    }

    fn binds(&self) -> Binds {
        match self {
            Self::Binary("OR", _) => Binds::Or,
            Self::Binary("AND", _) => Binds::And,
            Self::Not(_) => Binds::Not,
            Self::IsNull(..) => Binds::Is,
            Self::Binary("+" | "-", _) => Binds::Add,
            Self::Binary("*" | "/" | "%", _) => Binds::Multiply,
            Self::Binary(..) => Binds::Compare,
            Self::Between(..) | Self::In(..) | Self::Like(..) => Binds::Match,
            Self::Negate(_) => Binds::Unary,
            _ => Binds::Atom,
        }
    }

    fn write(&self, needs: Binds, out: &mut String) {
        if self.binds() < needs {
            out.push('(');
            self.write(Binds::Or, out);
            out.push(')');
            return;
        }
        let not = |negated: &bool| if *negated { "NOT " } else { "" };
        let list = |items: &[Self], out: &mut String| {
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                item.write(Binds::Or, out);
            }
        };
        match self {
            Self::Null => out.push_str("NULL"),
            Self::Truth(truth) => out.push_str(if *truth { "TRUE" } else { "false" }),
            Self::Number(number) => write!(out, "{number}").unwrap(),
            Self::Text(text) => write!(out, "'{}'", text.replace('\'', "''")).unwrap(),
            Self::NumberColumn(column) => out.push_str(NUMBERS[*column]),
            Self::TextColumn(column) => out.push_str(TEXTS[*column]),
            Self::Time => out.push_str("at"),
            Self::Negate(x) => {
                out.push_str("- ");
                x.write(Binds::Unary, out);
            }
            Self::Not(x) => {
                out.push_str("NOT ");
                x.write(Binds::Not, out);
            }
            Self::Binary(operator, pair) => {
                // Comparisons do not chain; the others do, to the left.
                let (left, right) = match self.binds() {
                    Binds::Or => (Binds::Or, Binds::And),
                    Binds::And => (Binds::And, Binds::Not),
                    Binds::Add => (Binds::Add, Binds::Multiply),
                    Binds::Multiply => (Binds::Multiply, Binds::Unary),
                    _ => (Binds::Match, Binds::Match),
                };
                pair[0].write(left, out);
                write!(out, " {operator} ").unwrap();
                pair[1].write(right, out);
            }
            Self::Call(name, items) => {
                write!(out, "{name}(").unwrap();
                list(items, out);
                out.push(')');
            }
            Self::IsNull(x, negated) => {
                x.write(Binds::Is, out);
                write!(out, " IS {}NULL", not(negated)).unwrap();
            }
            Self::Between(three, negated) => {
                three[0].write(Binds::Add, out);
                write!(out, " {}BETWEEN ", not(negated)).unwrap();
                three[1].write(Binds::Add, out);
                out.push_str(" AND ");
                three[2].write(Binds::Add, out);
            }
            Self::In(value, items, negated) => {
                value.write(Binds::Add, out);
                write!(out, " {}IN (", not(negated)).unwrap();
                list(items, out);
                out.push(')');
            }
            Self::Like(x, pattern, negated) => {
                x.write(Binds::Add, out);
                write!(out, " {}LIKE '{pattern}'", not(negated)).unwrap();
            }
            Self::Case(cases, rest) => {
                out.push_str("CASE");
                for [when, then] in cases {
                    out.push_str(" WHEN ");
                    when.write(Binds::Or, out);
                    out.push_str(" THEN ");
                    then.write(Binds::Or, out);
                }
                if let Some(rest) = rest {
                    out.push_str(" ELSE ");
                    rest.write(Binds::Or, out);
                }
                out.push_str(" END");
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Row {
    time: i64,
    texts: [String; 2],
    numbers: [f64; 2],
}

/// A value that is not NULL.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum Known {
    Truth(bool),
    Number(f64),
    Text(String),
}

impl Known {
    fn number(&self) -> f64 {
        match self {
            Self::Number(number) => *number,
            other => panic!("{other:?} is no number"),
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            other => panic!("{other:?} is no text"),
        }
    }
}

fn value(tree: &Tree, row: &Row) -> Option<Known> {
    let holds = |tree: &Tree| value(tree, row).map(|known| known == Known::Truth(true));
    let negated_if = |negated: bool, truth: Option<bool>| truth.map(|truth| Known::Truth(truth != negated));
    match tree {
        Tree::Null => None,
        Tree::Truth(truth) => Some(Known::Truth(*truth)),
        Tree::Number(number) => Some(Known::Number(*number)),
        Tree::Text(text) => Some(Known::Text(text.clone())),
        Tree::NumberColumn(column) => Some(Known::Number(row.numbers[*column])),
        Tree::TextColumn(column) => Some(Known::Text(row.texts[*column].clone())),
        Tree::Time => Some(Known::Number(row.time as f64)),
        Tree::Negate(x) => Some(Known::Number(-value(x, row)?.number())),
        Tree::Not(x) => negated_if(true, holds(x)),
        Tree::Binary("AND", pair) => match (holds(&pair[0]), holds(&pair[1])) {
            (Some(false), _) | (_, Some(false)) => Some(Known::Truth(false)),
            (Some(true), Some(true)) => Some(Known::Truth(true)),
            _ => None,
        },
        Tree::Binary("OR", pair) => match (holds(&pair[0]), holds(&pair[1])) {
            (Some(true), _) | (_, Some(true)) => Some(Known::Truth(true)),
            (Some(false), Some(false)) => Some(Known::Truth(false)),
            _ => None,
        },
        Tree::Binary(operator, pair) => binary(operator, &value(&pair[0], row)?, &value(&pair[1], row)?),
        Tree::Call("coalesce", list) => list.iter().find_map(|x| value(x, row)),
        Tree::Call(name, list) => Some(call(name, &value(&list[0], row)?)),
        Tree::IsNull(x, negated) => negated_if(*negated, Some(value(x, row).is_none())),
        Tree::Between(three, negated) => {
            let [x, low, high] = three.each_ref().map(|x| value(x, row));
            let above = x.clone().zip(low).map(|(x, low)| x >= low);
            let below = x.zip(high).map(|(x, high)| x <= high);
            negated_if(
                *negated,
                if above == Some(false) {
                    above
                } else if below == Some(true) {
                    above
                } else if below == Some(false) {
                    below
                } else {
                    None
                },
            )
        }
        Tree::In(x, list, negated) => {
            let x = value(x, row);
            let equal: Vec<Option<bool>> =
                list.iter().map(|item| Some(x.clone()? == value(item, row)?)).collect();
            let any = equal.contains(&Some(true)).then_some(true);
            negated_if(*negated, any.or_else(|| (!equal.contains(&None)).then_some(false)))
        }
        Tree::Like(x, pattern, negated) => {
            let (x, pattern) = (value(x, row)?, pattern.chars().collect::<Vec<_>>());
            negated_if(*negated, Some(like(&x.text().chars().collect::<Vec<_>>(), &pattern)))
        }
        Tree::Case(cases, rest) => match cases.iter().find(|[when, _]| holds(when) == Some(true)) {
            Some([_, then]) => value(then, row),
            None => rest.as_ref().and_then(|rest| value(rest, row)),
        },
    }
}

fn binary(operator: &str, a: &Known, b: &Known) -> Option<Known> {
    let finite = |x: f64| x.is_finite().then_some(Known::Number(x));
    Some(Known::Truth(match operator {
        "=" => a == b,
        "<>" => a != b,
        "<" => a < b,
        "<=" => a <= b,
        ">" => a > b,
        ">=" => a >= b,
        "+" => return finite(a.number() + b.number()),
        "-" => return finite(a.number() - b.number()),
        "*" => return finite(a.number() * b.number()),
        "/" => return finite(a.number() / b.number()),
        "%" => return finite(a.number() % b.number()),
        other => panic!("{other}"),
    }))
}

fn call(name: &str, x: &Known) -> Known {
    match name {
        "abs" => Known::Number(if x.number() < 0.0 { -x.number() } else { x.number() }),
        "floor" => Known::Number(x.number().floor()),
        "ceil" => Known::Number(-(-x.number()).floor()),
        "round" => {
            let (below, rest) = (x.number().floor(), x.number() - x.number().floor());
            let up = rest > 0.5 || rest == 0.5 && below % 2.0 != 0.0;
            Known::Number(if up { below + 1.0 } else { below })
        }
        "length" => Known::Number(x.text().chars().count() as f64),
        "lower" => Known::Text(x.text().to_lowercase()),
        "upper" => Known::Text(x.text().to_uppercase()),
        other => panic!("{other}"),
    }
}

fn like(text: &[char], pattern: &[char]) -> bool {
    match (pattern, text) {
        (['%', pattern @ ..], _) => (0..=text.len()).any(|taken| like(&text[taken..], pattern)),
        (['\\', wanted, pattern @ ..], [c, text @ ..]) => wanted == c && like(text, pattern),
        (['_', pattern @ ..], [_, text @ ..]) => like(text, pattern),
        ([wanted, pattern @ ..], [c, text @ ..]) => wanted == c && like(text, pattern),
        (pattern, text) => pattern.is_empty() && text.is_empty(),
    }
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let text = || prop::sample::select(&LITERALS[..]).prop_map(str::to_owned);
    let number = || prop::sample::select(&VALUES[..]);
    let row = (-3..3_i64, [text(), text()], [number(), number()]);
    prop::collection::vec(row.prop_map(|(time, texts, numbers)| Row { time, texts, numbers }), 0..12)
}

fn log_of(rows: &[Row]) -> Log {
    let mut log = Log::new(&schema(&TEXTS, &NUMBERS));
    for row in rows {
        let keys = [log.intern(0, &row.texts[0]), log.intern(1, &row.texts[1])];
        log.append(row.time, 0, 0, &keys, &row.numbers);
    }
    log
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn agrees_with_a_naive_evaluator(
        bytes in prop::collection::vec(any::<u8>(), 0..150),
        rows in rows(),
        cut in 0..12_usize,
    ) {
        let tree = condition(&mut Choices::new(&bytes), 0);
        let text = tree.written();
        prop_assume!(text.len() <= super::MAX_BYTES);
        let expected: Vec<u32> = (0..)
            .zip(&rows)
            .filter(|(_, row)| value(&tree, row) == Some(Known::Truth(true)))
            .map(|(i, _)| i)
            .collect();
        let mut filter = Filter::compile(&text, &schema(&TEXTS, &NUMBERS))
            .unwrap_or_else(|error| panic!("{error} in {text}"));
        let mut found = Vec::new();

        // The log grows between the two blocks, and its dictionaries with it.
        let cut = cut.min(rows.len());
        filter.select(&log_of(&rows[..cut]).read(0, cut), &mut found);
        let (first, mut rest) = (found.clone(), Vec::new());
        filter.select(&log_of(&rows).read(cut as u64, usize::MAX), &mut rest);
        let all: Vec<u32> = first.into_iter().chain(rest.iter().map(|row| row + cut as u32)).collect();
        prop_assert_eq!(all, expected, "{}", text);
    }

    /// Anything a person can type is answered, never with a panic.
    #[test]
    fn any_text_is_compiled_or_refused(text in "\\PC{0,40}|[ -~\n]{0,40}") {
        if let Err(error) = Filter::compile(&text, &schema(&TEXTS, &NUMBERS)) {
            prop_assert!(error.line() <= 1 + text.matches('\n').count());
            prop_assert!(error.column() <= 1 + text.chars().count());
        }
    }
}
