//! Syntax to a checked expression: columns are found, types agree.
//!
//! **Invariant:** what comes out cannot fail while it runs. Text and numbers never mix; NULL takes the
//! type of what it meets.

use super::expr::{Column, Comparison, Expr, Kind, Leaf, Unary};
use super::syntax::{Function, Node, Syntax};
use super::text::{Case, Letters, Pattern, Strings};
use super::timestamp::timestamp;
use super::{FilterError, excerpt};

/// A condition that was checked.
pub(super) struct Checked {
    pub(super) condition: Expr,
    /// The texts that it reads.
    pub(super) leaves: Vec<Leaf>,
    /// The number columns that it names, in the order in which they stand.
    pub(super) numbers: Vec<usize>,
}

/// Checks a condition over `columns`.
pub(super) fn check(text: &str, syntax: &Syntax, columns: &[Column]) -> Result<Checked, FilterError> {
    let mut checker = Checker { text, columns, leaves: Vec::new(), numbers: Vec::new() };
    let condition = checker.of_kind(syntax, Kind::Boolean)?;
    let Checker { leaves, numbers, .. } = checker;
    Ok(Checked { condition, leaves, numbers })
}

struct Checker<'a> {
    text: &'a str,
    columns: &'a [Column],
    leaves: Vec<Leaf>,
    numbers: Vec<usize>,
}

impl Checker<'_> {
    fn expr(&mut self, syntax: &Syntax) -> Result<Expr, FilterError> {
        Ok(match &syntax.node {
            Node::Null => Expr::Null,
            Node::Truth(truth) => Expr::Truth(*truth),
            Node::Number(number) => Expr::Number(*number),
            Node::Text(text) => self.leaf(Leaf::Constant(text.as_str().into())),
            Node::Name { name, quoted } => self.name(syntax, name, *quoted)?,
            Node::Call(function, arguments) => self.call(syntax, *function, arguments)?,
            Node::Negate(x) => Expr::Unary(Unary::Negate, self.boxed(x, Kind::Number)?),
            Node::Not(x) => Expr::Not(self.boxed(x, Kind::Boolean)?),
            Node::And(list) => Expr::And(self.all(list, Kind::Boolean)?),
            Node::Or(list) => Expr::Or(self.all(list, Kind::Boolean)?),
            Node::Arithmetic(operator, pair) => {
                let [a, b] = &**pair;
                let pair = [self.of_kind(a, Kind::Number)?, self.of_kind(b, Kind::Number)?];
                Expr::Arithmetic(*operator, Box::new(pair))
            }
            Node::Compare(comparison, pair) => self.compare(*comparison, pair)?,
            Node::Between(three) => {
                let (kind, three) = self.alike(three.iter())?;
                let three = three.try_into().expect("as many as were written");
                if kind == Kind::Null { Expr::Null } else { Expr::Between(kind, Box::new(three)) }
            }
            Node::In(value, list) => {
                let (kind, mut all) = self.alike(std::iter::once(&**value).chain(list))?;
                let value = Box::new(all.remove(0));
                if kind == Kind::Null { Expr::Null } else { Expr::In(kind, value, all) }
            }
            Node::Like(pair, escape) => self.like(pair, *escape)?,
            Node::IsNull(x) => match self.expr(x)? {
                Expr::Null => Expr::Truth(true),
                x => Expr::IsNull(x.kind(), Box::new(x)),
            },
            Node::Case(cases, rest) => self.case(cases, rest.as_deref())?,
        })
    }

    fn leaf(&mut self, leaf: Leaf) -> Expr {
        let known = self.leaves.iter().position(|known| *known == leaf);
        Expr::Text(known.unwrap_or_else(|| {
            self.leaves.push(leaf);
            self.leaves.len() - 1
        }))
    }

    fn name(&mut self, syntax: &Syntax, name: &str, quoted: bool) -> Result<Expr, FilterError> {
        let column = self.find(name, quoted).map_err(|message| self.error(syntax, message))?;
        Ok(match self.columns[column].kind {
            Kind::Text => self.leaf(Leaf::Column(column)),
            // A truth is a number, 0 where it does not hold.
            Kind::Boolean => {
                let pair = Box::new([Expr::Column(column), Expr::Number(0.0)]);
                Expr::Compare(Comparison::NotEqual, Kind::Number, pair)
            }
            _ => {
                self.numbers.push(column);
                Expr::Column(column)
            }
        })
    }

    fn find(&self, name: &str, quoted: bool) -> Result<usize, String> {
        if let Some(exact) = self.columns.iter().position(|column| column.name == name) {
            return Ok(exact);
        }
        let (folded, columns) = (name.to_lowercase(), self.columns.iter().enumerate());
        let similar: Vec<usize> = columns
            .filter(|(_, column)| !quoted && column.name.to_lowercase() == folded)
            .map(|(i, _)| i)
            .collect();
        let names = |columns: &mut dyn Iterator<Item = &Column>| {
            columns.map(|column| format!("`{}`", column.name)).collect::<Vec<_>>().join(", ")
        };
        match similar[..] {
            [one] => Ok(one),
            [] => {
                let hint = if quoted { ". Text is written in single quotes" } else { "" };
                Err(format!("no column `{name}`; there are {}{hint}", names(&mut self.columns.iter())))
            }
            _ => {
                let them = names(&mut similar.iter().map(|&i| &self.columns[i]));
                Err(format!("`{name}` could be any of {them}; the name as it is would fit"))
            }
        }
    }

    fn call(
        &mut self,
        syntax: &Syntax,
        function: Function,
        arguments: &[Syntax],
    ) -> Result<Expr, FilterError> {
        if function == Function::Coalesce {
            let (kind, list) = self.alike(arguments.iter())?;
            return Ok(if kind == Kind::Null { Expr::Null } else { Expr::Coalesce(kind, list) });
        }
        let [x] = arguments else {
            let message = format!("{} takes one argument, found {}", function.name(), arguments.len());
            return Err(self.error(syntax, message));
        };
        let number = |unary| move |x| Expr::Unary(unary, x);
        match function {
            Function::Abs => self.boxed(x, Kind::Number).map(number(Unary::Abs)),
            Function::Ceil => self.boxed(x, Kind::Number).map(number(Unary::Ceil)),
            Function::Floor => self.boxed(x, Kind::Number).map(number(Unary::Floor)),
            Function::Round => self.boxed(x, Kind::Number).map(number(Unary::Round)),
            Function::Length => self.boxed(x, Kind::Text).map(Expr::Length),
            Function::Lower => self.of_kind(x, Kind::Text).map(|x| self.letters(x, Case::Lower)),
            Function::Upper => self.of_kind(x, Kind::Text).map(|x| self.letters(x, Case::Upper)),
            Function::Coalesce => unreachable!("answered above"),
        }
    }

    /// Changes the letters where the text comes from, so that they change once for each string and not
    /// for each row: `lower(CASE WHEN c THEN a ELSE b END)` is `CASE WHEN c THEN lower(a) ELSE lower(b) END`.
    fn letters(&mut self, x: Expr, case: Case) -> Expr {
        match x {
            Expr::Text(leaf) => {
                let leaf = match &self.leaves[leaf] {
                    Leaf::Constant(text) => Leaf::Constant(case.apply(text).into()),
                    Leaf::Column(column) => {
                        Leaf::Folded(*column, Letters::default().then(case), Strings::default())
                    }
                    Leaf::Folded(column, letters, _) => {
                        Leaf::Folded(*column, letters.clone().then(case), Strings::default())
                    }
                };
                self.leaf(leaf)
            }
            Expr::Coalesce(kind, list) => {
                Expr::Coalesce(kind, list.into_iter().map(|x| self.letters(x, case)).collect())
            }
            Expr::Case(kind, cases, rest) => {
                let cases = cases.into_iter().map(|[when, then]| [when, self.letters(then, case)]).collect();
                Expr::Case(kind, cases, Box::new(self.letters(*rest, case)))
            }
            null => null,
        }
    }

    fn compare(&mut self, comparison: Comparison, pair: &[Syntax; 2]) -> Result<Expr, FilterError> {
        let (kind, pair) = self.alike(pair.iter())?;
        let pair = pair.try_into().expect("as many as were written");
        Ok(if kind == Kind::Null { Expr::Null } else { Expr::Compare(comparison, kind, Box::new(pair)) })
    }

    fn like(&mut self, [value, pattern]: &[Syntax; 2], escape: Option<char>) -> Result<Expr, FilterError> {
        let value = self.boxed(value, Kind::Text)?;
        let constant = match self.of_kind(pattern, Kind::Text)? {
            Expr::Null => return Ok(Expr::Null),
            Expr::Text(leaf) => match &self.leaves[leaf] {
                Leaf::Constant(text) => Some(text.clone()),
                _ => None,
            },
            _ => None,
        };
        let Some(constant) = constant else {
            let message = format!("{} changes from row to row; LIKE takes 'text'", self.excerpt(pattern));
            return Err(self.error(pattern, message));
        };
        match Pattern::new(&constant, escape) {
            Some(compiled) => Ok(Expr::Like(value, compiled)),
            None => {
                let message = format!("the pattern {} ends with its escape character", self.excerpt(pattern));
                Err(self.error(pattern, message))
            }
        }
    }

    fn case(&mut self, cases: &[[Syntax; 2]], rest: Option<&Syntax>) -> Result<Expr, FilterError> {
        let whens = cases.iter().map(|[when, _]| self.of_kind(when, Kind::Boolean));
        let whens: Vec<Expr> = whens.collect::<Result<_, _>>()?;
        let (kind, mut thens) = self.alike(cases.iter().map(|[_, then]| then).chain(rest))?;
        if kind == Kind::Null {
            return Ok(Expr::Null);
        }
        let rest =
            if rest.is_some() { thens.pop().expect("it was checked with the others") } else { Expr::Null };
        let cases = whens.into_iter().zip(thens).map(|(when, then)| [when, then]).collect();
        Ok(Expr::Case(kind, cases, Box::new(rest)))
    }

    fn all(&mut self, list: &[Syntax], kind: Kind) -> Result<Vec<Expr>, FilterError> {
        list.iter().map(|syntax| self.of_kind(syntax, kind)).collect()
    }

    fn boxed(&mut self, syntax: &Syntax, kind: Kind) -> Result<Box<Expr>, FilterError> {
        self.of_kind(syntax, kind).map(Box::new)
    }

    fn of_kind(&mut self, syntax: &Syntax, wanted: Kind) -> Result<Expr, FilterError> {
        let expr = self.expr(syntax)?;
        let found = expr.kind();
        if found == wanted || found == Kind::Null {
            return Ok(expr);
        }
        let (excerpt, found, wanted) = (self.excerpt(syntax), found.described(), wanted.described());
        Err(self.error(syntax, format!("{excerpt} is {found}; {wanted} would fit")))
    }

    /// Expressions of one kind, and which: NULL when all are.
    fn alike<'s>(
        &mut self,
        list: impl Iterator<Item = &'s Syntax>,
    ) -> Result<(Kind, Vec<Expr>), FilterError> {
        let mut typed: Option<(&Syntax, Kind)> = None;
        let mut exprs = Vec::new();
        for syntax in list {
            let expr = self.expr(syntax)?;
            match (typed, expr.kind()) {
                (_, Kind::Null) => {}
                (None, kind) => typed = Some((syntax, kind)),
                (Some((_, kind)), found) if kind == found => {}
                (Some(first), found) => return Err(self.unlike(first, (syntax, found))),
            }
            exprs.push(expr);
        }
        Ok((typed.map_or(Kind::Null, |(_, kind)| kind), exprs))
    }

    fn unlike(&self, first: (&Syntax, Kind), second: (&Syntax, Kind)) -> FilterError {
        let fits = match (&first.0.node, &second.0.node) {
            (Node::Text(text), _) if second.1 == Kind::Number => number_in(text),
            (_, Node::Text(text)) if first.1 == Kind::Number => number_in(text),
            (Node::Number(_), _) if second.1 == Kind::Text => {
                Some(format!("'{}'", &self.text[first.0.span.clone()]))
            }
            (_, Node::Number(_)) if first.1 == Kind::Text => {
                Some(format!("'{}'", &self.text[second.0.span.clone()]))
            }
            _ => None,
        };
        let ((a, a_kind), (b, b_kind)) = (first, second);
        let message = format!(
            "{} is {}, but {} is {}; {} would fit",
            self.excerpt(b),
            b_kind.described(),
            self.excerpt(a),
            a_kind.described(),
            fits.as_deref().unwrap_or("one type"),
        );
        self.error(b, message)
    }

    fn excerpt(&self, syntax: &Syntax) -> String {
        excerpt(self.text, &syntax.span)
    }

    fn error(&self, syntax: &Syntax, message: String) -> FilterError {
        FilterError::at(self.text, syntax.span.start, message)
    }
}

/// How the number that `text` seems to mean is written.
fn number_in(text: &str) -> Option<String> {
    if timestamp(text).is_some() {
        return Some(format!("TIMESTAMP '{text}'"));
    }
    text.parse::<f64>().is_ok_and(f64::is_finite).then(|| format!("{text} without quotes"))
}
