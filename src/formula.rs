//! The formula of a score or the condition of a rule, for people: with names, with numbers, and what comes
//! out.
//!
//! ```text
//!   (value - mean) / deviation  ─►  (value − mean) / deviation
//!                                   (15 204 − 7 960) / 1 063          6.81
//! ```
//!
//! **Invariant:** of a choice (`CASE`, `coalesce`) only the branch that these figures take is shown, and what
//! comes out of it is what SQL says: a division by 0 has no value.

use crate::text::inspect::figure;

/// How deep a formula may be nested: deeper than any that a person writes, and no danger to the stack.
const DEEPEST: usize = 50;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
enum Expr {
    Null,
    Number(f64),
    Text(String),
    Name(String),
    Group(Box<Expr>),
    Minus(Box<Expr>),
    Not(Box<Expr>),
    Binary(Box<Expr>, String, Box<Expr>),
    First(Vec<Expr>),
    Case(Vec<(Expr, Expr)>, Box<Expr>),
}

/// A formula and what stands in it.
pub(crate) struct Formula {
    expr: Expr,
    figures: Vec<(String, f64)>,
}

impl Formula {
    /// Reads a formula over figures; none where it has more to it than a person would want to see.
    pub(crate) fn read(text: &str, figures: Vec<(String, f64)>) -> Option<Self> {
        let mut tokens = Tokens { tokens: split(text), at: 0, depth: 0 };
        let expr = tokens.either()?;
        let all = tokens.at == tokens.tokens.len();
        let formula = Self { expr, figures };
        let expr = formula.taken(&formula.expr);
        (all && formula.knows(&expr)).then_some(Self { expr, ..formula })
    }

    /// With names: `(value − mean) / deviation`.
    pub(crate) fn names(&self) -> String {
        write(&self.expr, &|name| name.to_owned())
    }

    /// With numbers in their place.
    pub(crate) fn numbers(&self) -> String {
        write(&self.expr, &|name| self.figure(name).map_or_else(|| name.to_owned(), figure))
    }

    /// What comes out; none where it has no value.
    #[cfg(test)]
    fn value(&self) -> Option<f64> {
        self.value_of(&self.expr)
    }

    fn figure(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|(known, _)| known == name).map(|(_, figure)| *figure)
    }

    fn knows(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Name(name) => self.figure(name).is_some(),
            Expr::Group(inner) | Expr::Minus(inner) | Expr::Not(inner) => self.knows(inner),
            Expr::Binary(left, _, right) => self.knows(left) && self.knows(right),
            _ => true,
        }
    }

    /// Only the branches that are taken.
    fn taken(&self, expr: &Expr) -> Expr {
        let boxed = |expr: &Expr| Box::new(self.taken(expr));
        match expr {
            Expr::Group(inner) => Expr::Group(boxed(inner)),
            Expr::Minus(inner) => Expr::Minus(boxed(inner)),
            Expr::Not(inner) => Expr::Not(boxed(inner)),
            Expr::Binary(left, sign, right) => Expr::Binary(boxed(left), sign.clone(), boxed(right)),
            Expr::First(list) => {
                let first = list.iter().find(|expr| self.value_of(expr).is_some());
                first.map_or(Expr::Null, |expr| self.taken(expr))
            }
            Expr::Case(branches, otherwise) => {
                let holds = |(condition, _): &&(Expr, Expr)| is_true(self.value_of(condition));
                let branch = branches.iter().find(holds).map(|(_, then)| then);
                self.taken(branch.unwrap_or(otherwise))
            }
            plain => plain.clone(),
        }
    }

    fn value_of(&self, expr: &Expr) -> Option<f64> {
        match expr {
            Expr::Null | Expr::Text(_) => None,
            Expr::Number(number) => Some(*number),
            Expr::Name(name) => self.figure(name),
            Expr::Group(inner) => self.value_of(inner),
            Expr::Minus(inner) => self.value_of(inner).map(|value| -value),
            Expr::Not(inner) => self.value_of(inner).map(|value| truth(value == 0.0)),
            Expr::Binary(left, sign, right) => binary(self.value_of(left), sign, self.value_of(right)),
            Expr::First(list) => list.iter().find_map(|expr| self.value_of(expr)),
            Expr::Case(..) => self.value_of(&self.taken(expr)),
        }
    }
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

fn is_true(value: Option<f64>) -> bool {
    value.is_some_and(|value| value != 0.0)
}

fn binary(left: Option<f64>, sign: &str, right: Option<f64>) -> Option<f64> {
    let is_false = |side: Option<f64>| side == Some(0.0);
    match sign {
        "and" if is_false(left) || is_false(right) => return Some(0.0),
        "or" if is_true(left) || is_true(right) => return Some(1.0),
        _ => {}
    }
    let (left, right) = (left?, right?);
    let value = match sign {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" if right == 0.0 => return None,
        "/" => left / right,
        "=" => truth(left == right),
        "<>" | "!=" => truth(left != right),
        "<" => truth(left < right),
        ">" => truth(left > right),
        "<=" => truth(left <= right),
        ">=" => truth(left >= right),
        "and" | "or" => truth(sign == "and"),
        _ => return None,
    };
    Some(value)
}

/// Writes an expression; `name` writes what has a name.
fn write(expr: &Expr, name: &dyn Fn(&str) -> String) -> String {
    match expr {
        Expr::Number(number) => figure(*number),
        Expr::Text(text) => text.clone(),
        Expr::Name(known) => name(known),
        Expr::Group(inner) => format!("({})", write(inner, name)),
        Expr::Minus(inner) => format!("−{}", operand(inner, name)),
        Expr::Not(inner) => format!("not {}", write(inner, name)),
        Expr::Binary(left, sign, right) => {
            format!("{} {} {}", write(left, name), sign_of(sign), operand(right, name))
        }
        Expr::Null | Expr::First(_) | Expr::Case(..) => "nothing".to_owned(),
    }
}

/// What stands behind a sign: a negative number in parentheses.
fn operand(expr: &Expr, name: &dyn Fn(&str) -> String) -> String {
    let text = write(expr, name);
    if text.starts_with('−') { format!("({text})") } else { text }
}

fn sign_of(sign: &str) -> &str {
    match sign {
        "-" => "−",
        "*" => "·",
        "<=" => "≤",
        ">=" => "≥",
        "<>" | "!=" => "≠",
        other => other,
    }
}

/// The words and signs of a formula. A call such as `avg(value)` is one word: an aggregate's name.
fn split(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' => rest[1..].find('\'').map_or(rest.len(), |end| end + 2),
            _ if first.is_alphanumeric() || first == '_' => word(rest),
            '<' | '>' | '!' if rest[1..].starts_with(['=', '>']) => 2,
            _ => first.len_utf8(),
        };
        let (token, left) = rest.split_at(length);
        tokens.push(token.to_owned());
        rest = left.trim_start();
    }
    tokens
}

/// The length of the word that a text begins with, with its arguments if it is an aggregate.
fn word(text: &str) -> usize {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let is_keyword = KEYWORDS.iter().any(|keyword| text[..end].eq_ignore_ascii_case(keyword));
    match text[end..].find(')') {
        Some(close) if text[end..].starts_with('(') && !is_keyword => end + close + 1,
        _ => end,
    }
}

const KEYWORDS: [&str; 10] = ["case", "when", "then", "else", "end", "and", "or", "not", "null", "coalesce"];

/// A formula being read, each level of precedence by a function of its own.
struct Tokens {
    tokens: Vec<String>,
    at: usize,
    depth: usize,
}

impl Tokens {
    fn is_next(&self, word: &str) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.eq_ignore_ascii_case(word))
    }

    fn skip(&mut self, word: &str) -> Option<()> {
        let next = self.is_next(word);
        self.at += usize::from(next);
        next.then_some(())
    }

    /// Operands of one level with the signs between them.
    fn level(&mut self, signs: &[&str], operand: fn(&mut Self) -> Option<Expr>) -> Option<Expr> {
        let mut left = operand(self)?;
        while let Some(sign) = signs.iter().find(|sign| self.is_next(sign)) {
            self.at += 1;
            let right = operand(self)?;
            left = Expr::Binary(Box::new(left), (*sign).to_owned(), Box::new(right));
        }
        Some(left)
    }

    fn either(&mut self) -> Option<Expr> {
        self.level(&["or"], Self::both)
    }

    fn both(&mut self) -> Option<Expr> {
        self.level(&["and"], Self::comparison)
    }

    fn comparison(&mut self) -> Option<Expr> {
        self.level(&["=", "<>", "!=", "<=", ">=", "<", ">"], Self::sum)
    }

    fn sum(&mut self) -> Option<Expr> {
        self.level(&["+", "-"], Self::product)
    }

    fn product(&mut self) -> Option<Expr> {
        self.level(&["*", "/"], Self::atom)
    }

    fn atom(&mut self) -> Option<Expr> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let expr = self.inner_atom();
        self.depth -= 1;
        expr
    }

    fn inner_atom(&mut self) -> Option<Expr> {
        let token = self.tokens.get(self.at)?.clone();
        self.at += 1;
        match token.to_ascii_lowercase().as_str() {
            "(" => {
                let inner = self.either()?;
                self.skip(")")?;
                Some(Expr::Group(Box::new(inner)))
            }
            "-" => Some(Expr::Minus(Box::new(self.atom()?))),
            "not" => Some(Expr::Not(Box::new(self.comparison()?))),
            "null" => Some(Expr::Null),
            "coalesce" => self.first(),
            "case" => self.case(),
            lower if lower.starts_with(|c: char| c.is_ascii_digit()) => lower.parse().ok().map(Expr::Number),
            lower if lower.starts_with('\'') => Some(Expr::Text(token)),
            lower if lower.starts_with(|c: char| c.is_alphabetic() || c == '_') => Some(Expr::Name(token)),
            _ => None,
        }
    }

    fn first(&mut self) -> Option<Expr> {
        self.skip("(")?;
        let mut list = vec![self.either()?];
        while self.skip(",").is_some() {
            list.push(self.either()?);
        }
        self.skip(")")?;
        Some(Expr::First(list))
    }

    fn case(&mut self) -> Option<Expr> {
        let mut branches = Vec::new();
        while self.skip("when").is_some() {
            let condition = self.either()?;
            self.skip("then")?;
            branches.push((condition, self.either()?));
        }
        let otherwise = if self.skip("else").is_some() { self.either()? } else { Expr::Null };
        self.skip("end")?;
        Some(Expr::Case(branches, Box::new(otherwise)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formula(text: &str, figures: &[(&str, f64)]) -> Option<Formula> {
        Formula::read(text, figures.iter().map(|(name, figure)| ((*name).to_owned(), *figure)).collect())
    }

    #[track_caller]
    fn check(text: &str, figures: &[(&str, f64)], names: &str, numbers: &str, value: Option<f64>) {
        let formula = formula(text, figures).expect("it can be read");
        let shown = formula.numbers().replace('\u{a0}', "_");
        assert_eq!((formula.names().as_str(), shown.as_str(), formula.value()), (names, numbers, value));
    }

    const CUSUM: &str = "CASE WHEN deviation = 0 AND value <> mean THEN NULL \
        WHEN above + coalesce((value - mean) / deviation, 0) > drift THEN above + coalesce((value - mean) / deviation, 0) - drift \
        ELSE 0 END";

    #[test]
    fn a_score_is_written_with_names_and_with_numbers() {
        check(
            "(value - mean) / deviation",
            &[("value", 15_204.0), ("mean", 7_960.0), ("deviation", 1_000.0)],
            "(value − mean) / deviation",
            "(15_204 − 7_960) / 1_000",
            Some(7.244),
        );
    }

    #[test]
    fn negative_numbers_stand_in_parentheses_behind_a_sign() {
        let figures = [("value", -2.0), ("mean", -5.0)];
        check("value - mean", &figures, "value − mean", "−2 − (−5)", Some(3.0));
        check("-(value - mean)", &figures, "−(value − mean)", "−(−2 − (−5))", Some(-3.0));
    }

    #[test]
    fn of_a_choice_only_what_is_taken_is_shown() {
        let figures = [("above", 3.0), ("value", 9.0), ("mean", 5.0), ("deviation", 2.0), ("drift", 0.5)];
        let names = "above + (value − mean) / deviation − drift";
        check(CUSUM, &figures, names, "3 + (9 − 5) / 2 − 0.5", Some(4.5));
        let calm = [("above", 0.0), ("value", 5.0), ("mean", 5.0), ("deviation", 0.0), ("drift", 0.5)];
        check(CUSUM, &calm, "0", "0", Some(0.0));
    }

    #[test]
    fn what_is_divided_by_nothing_has_no_value() {
        let figures = [("above", 3.0), ("value", 9.0), ("mean", 5.0), ("deviation", 0.0), ("drift", 0.5)];
        check(CUSUM, &figures, "nothing", "nothing", None);
    }

    #[test]
    fn a_condition_names_aggregates() {
        check(
            "count() >= 10 AND distinct(address) = 1",
            &[("count()", 12.0), ("distinct(address)", 1.0)],
            "count() ≥ 10 and distinct(address) = 1",
            "12 ≥ 10 and 1 = 1",
            Some(1.0),
        );
    }

    #[test]
    fn what_it_does_not_know_it_does_not_write() {
        assert!(formula("value + unknown", &[("value", 1.0)]).is_none());
        assert!(formula("value +", &[("value", 1.0)]).is_none());
        assert!(formula("value BETWEEN 1 AND 2", &[("value", 1.0)]).is_none());
        assert!(formula("", &[]).is_none());
        assert!(formula(&"(".repeat(10_000), &[]).is_none());
    }
}
