//! Tokens to syntax: precedence climbing over PostgreSQL's table of operators.
//!
//! ```text
//!   OR < AND < NOT < IS < comparisons < IN, BETWEEN, LIKE < + - < * / % < unary -
//!
//!   NOT a = 1 OR b + 2 * c > 3        (NOT (a = 1)) OR ((b + (2 * c)) > 3)
//! ```
//!
//! **Invariant:** no tree is deeper than [`MAX_DEPTH`], and neither is the recursion that reads
//! parentheses. Chains of `AND` and of `OR` are one node each.
//!
//! Source: <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-PRECEDENCE>

use super::expr::{Arithmetic, Comparison};
use super::syntax::{FUNCTIONS, Node, Syntax};
use super::timestamp::timestamp;
use super::token::{Keyword, Lexeme, Token, Word, tokens};
use super::{FilterError, MAX_BYTES, MAX_DEPTH, excerpt};

/// Words that are no columns unless quoted.
const RESERVED: [Keyword; 16] = [
    Keyword::And,
    Keyword::Between,
    Keyword::Case,
    Keyword::Else,
    Keyword::End,
    Keyword::False,
    Keyword::In,
    Keyword::Is,
    Keyword::Like,
    Keyword::Not,
    Keyword::Null,
    Keyword::Or,
    Keyword::Select,
    Keyword::Then,
    Keyword::True,
    Keyword::When,
];

const VALUES: &str = "a column, number, 'text', TIMESTAMP 'text', TRUE, FALSE, NULL, NOT, CASE WHEN, function \
                      or `(`";
const OPERATORS: &str = "an operator (AND, OR, =, <>, <, <=, >, >=, +, -, *, /, %, [NOT] IN, [NOT] BETWEEN, \
                         [NOT] LIKE, IS [NOT] NULL)";

/// How tightly an operator binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or,
    And,
    Not,
    Is,
    Compare,
    Match,
    Add,
    Multiply,
    Unary,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Infix {
    Or,
    And,
    Is,
    Compare(Comparison),
    In,
    Between,
    Like,
    Arithmetic(Arithmetic),
}

impl Infix {
    fn level(self) -> Level {
        match self {
            Self::Or => Level::Or,
            Self::And => Level::And,
            Self::Is => Level::Is,
            Self::Compare(_) => Level::Compare,
            Self::In | Self::Between | Self::Like => Level::Match,
            Self::Arithmetic(Arithmetic::Add | Arithmetic::Subtract) => Level::Add,
            Self::Arithmetic(_) => Level::Multiply,
        }
    }

    /// The loosest operator that the operand on its right may have.
    fn right(self) -> Level {
        match self.level() {
            Level::Or => Level::And,
            Level::And => Level::Not,
            Level::Not => Level::Is,
            Level::Is => Level::Compare,
            Level::Compare => Level::Match,
            Level::Match => Level::Add,
            Level::Add => Level::Multiply,
            Level::Multiply | Level::Unary => Level::Unary,
        }
    }

    /// `a < b < c` means nothing in SQL: what ends with such an operand is no operand of its neighbour.
    fn chains(self) -> bool {
        !matches!(self, Self::Compare(_) | Self::Between | Self::Like)
    }
}

/// Reads a whole expression, in which `names` that are not words, such as `p99(ms)`, may stand as they are.
pub(super) fn parse(text: &str, names: &[&str]) -> Result<Syntax, FilterError> {
    if text.len() > MAX_BYTES {
        return Err(FilterError::at(
            text,
            0,
            format!("an expression of {} bytes; at most {MAX_BYTES} would fit", text.len()),
        ));
    }
    let lexemes = joined(text, tokens(text)?, names);
    let mut parser = Parser { text, names, lexemes, next: 0, depth: 0 };
    let syntax = parser.expression(Level::Or)?;
    if parser.peek(0).is_some() {
        return Err(parser.unexpected(&format!("the end or {OPERATORS}")));
    }
    match syntax.below(MAX_DEPTH) {
        Some(deep) => Err(too_deep(text, deep.span.start)),
        None => Ok(syntax),
    }
}

/// The tokens that spell one of the names, as one: a name in quotes.
fn joined(text: &str, lexemes: Vec<Lexeme>, names: &[&str]) -> Vec<Lexeme> {
    let mut joined: Vec<Lexeme> = Vec::with_capacity(lexemes.len());
    let mut until = 0;
    for lexeme in &lexemes {
        let start = lexeme.span.start;
        if start < until {
            continue;
        }
        let ends_a_token = |name: &str| lexemes.iter().any(|other| other.span.end == start + name.len());
        let spelt = names.iter().filter(|name| text[start..].starts_with(**name) && ends_a_token(name));
        match spelt.max_by_key(|name| name.len()) {
            Some(name) => {
                until = start + name.len();
                let token = Token::quoted(name);
                joined.push(Lexeme { token, span: start..until });
            }
            None => joined.push(lexeme.clone()),
        }
    }
    joined
}

fn too_deep(text: &str, byte: usize) -> FilterError {
    FilterError::at(
        text,
        byte,
        format!("an expression that nests deeper than {MAX_DEPTH} levels; fewer would fit"),
    )
}

struct Parser<'a> {
    text: &'a str,
    names: &'a [&'a str],
    lexemes: Vec<Lexeme>,
    next: usize,
    depth: usize,
}

impl Parser<'_> {
    /// An operand and all that binds to it at least as tightly as `loosest`.
    fn expression(&mut self, loosest: Level) -> Result<Syntax, FilterError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(too_deep(self.text, self.start()));
        }
        let start = self.start();
        let mut left = self.operand()?;
        let mut closed = None;
        while let Some((infix, negated)) = self.infix().filter(|(infix, _)| infix.level() >= loosest) {
            if closed == Some(infix.level()) {
                return Err(self.unexpected("AND or OR, since comparisons do not chain,"));
            }
            closed = (!infix.chains()).then_some(infix.level());
            self.next += if negated { 2 } else { 1 };
            let node = self.after(left, infix)?;
            left = Syntax { node, span: start..self.end() };
            if negated {
                left = Syntax { span: left.span.clone(), node: Node::Not(Box::new(left)) };
            }
        }
        self.depth -= 1;
        Ok(left)
    }

    /// The operator that comes next, and whether NOT stands before it.
    fn infix(&self) -> Option<(Infix, bool)> {
        let plain = match self.peek(0)? {
            Token::Equal => Infix::Compare(Comparison::Equal),
            Token::NotEqual => Infix::Compare(Comparison::NotEqual),
            Token::Less => Infix::Compare(Comparison::Less),
            Token::LessEqual => Infix::Compare(Comparison::LessEqual),
            Token::Greater => Infix::Compare(Comparison::Greater),
            Token::GreaterEqual => Infix::Compare(Comparison::GreaterEqual),
            Token::Plus => Infix::Arithmetic(Arithmetic::Add),
            Token::Minus => Infix::Arithmetic(Arithmetic::Subtract),
            Token::Star => Infix::Arithmetic(Arithmetic::Multiply),
            Token::Slash => Infix::Arithmetic(Arithmetic::Divide),
            Token::Percent => Infix::Arithmetic(Arithmetic::Remainder),
            _ => match self.keyword(0)? {
                Keyword::Or => Infix::Or,
                Keyword::And => Infix::And,
                Keyword::Is => Infix::Is,
                Keyword::Not => return Some((matching(self.keyword(1)?)?, true)),
                keyword => matching(keyword)?,
            },
        };
        Some((plain, false))
    }

    /// What an operator, just read, makes of the operand before it and what follows.
    fn after(&mut self, left: Syntax, infix: Infix) -> Result<Node, FilterError> {
        match infix {
            Infix::Is => self.is_null(left),
            Infix::In => Ok(Node::In(Box::new(left), self.list_of_in()?)),
            Infix::Between => self.between(left),
            Infix::Like => self.like(left),
            Infix::Or => {
                let right = self.expression(infix.right())?;
                Ok(match left.node {
                    Node::Or(list) => Node::Or(with(list, right)),
                    _ => Node::Or(vec![left, right]),
                })
            }
            Infix::And => {
                let right = self.expression(infix.right())?;
                Ok(match left.node {
                    Node::And(list) => Node::And(with(list, right)),
                    _ => Node::And(vec![left, right]),
                })
            }
            Infix::Compare(comparison) => {
                let right = self.expression(infix.right())?;
                Ok(Node::Compare(comparison, Box::new([left, right])))
            }
            Infix::Arithmetic(operator) => {
                let right = self.expression(infix.right())?;
                Ok(Node::Arithmetic(operator, Box::new([left, right])))
            }
        }
    }

    fn is_null(&mut self, left: Syntax) -> Result<Node, FilterError> {
        let span = left.span.start;
        let negated = self.take_keyword(Keyword::Not);
        self.expect_keyword(Keyword::Null, if negated { "NULL" } else { "NULL or NOT NULL" })?;
        let test = Node::IsNull(Box::new(left));
        Ok(if negated { Node::Not(Box::new(Syntax { node: test, span: span..self.end() })) } else { test })
    }

    fn list_of_in(&mut self) -> Result<Vec<Syntax>, FilterError> {
        self.expect(&Token::Open, "a list, such as `('a', 'b')`,")?;
        self.list()
    }

    fn between(&mut self, left: Syntax) -> Result<Node, FilterError> {
        let low = self.expression(Infix::Between.right())?;
        self.expect_keyword(Keyword::And, "AND and the upper bound")?;
        let high = self.expression(Infix::Between.right())?;
        Ok(Node::Between(Box::new([left, low, high])))
    }

    fn like(&mut self, left: Syntax) -> Result<Node, FilterError> {
        let pattern = self.expression(Infix::Like.right())?;
        let mut escape = Some('\\');
        if self.take_keyword(Keyword::Escape) {
            escape = match self.peek(0) {
                Some(Token::Text(text)) if text.chars().nth(1).is_none() => text.chars().next(),
                _ => return Err(self.unexpected("one character in single quotes, or none,")),
            };
            self.next += 1;
        }
        Ok(Node::Like(Box::new([left, pattern]), escape))
    }

    fn operand(&mut self) -> Result<Syntax, FilterError> {
        let start = self.start();
        let node = match self.peek(0).cloned() {
            Some(Token::Open) => return self.parentheses(),
            Some(Token::Word(word)) => self.word(&word)?,
            Some(Token::Number(digits)) => Node::Number(self.number(&digits)?),
            Some(Token::Text(text)) => {
                self.next += 1;
                Node::Text(text)
            }
            Some(Token::Minus) => {
                self.next += 1;
                Node::Negate(Box::new(self.expression(Level::Unary)?))
            }
            _ => return Err(self.unexpected(VALUES)),
        };
        Ok(Syntax { node, span: start..self.end() })
    }

    fn parentheses(&mut self) -> Result<Syntax, FilterError> {
        let start = self.start();
        self.next += 1;
        let inner = self.expression(Level::Or)?;
        self.expect(&Token::Close, &format!("`)` or {OPERATORS}"))?;
        Ok(Syntax { span: start..self.end(), ..inner })
    }

    fn number(&mut self, digits: &str) -> Result<f64, FilterError> {
        let number = digits.parse().ok().filter(|number: &f64| number.is_finite());
        let number =
            number.ok_or_else(|| self.unexpected("a number of double precision, at most 1.8e308,"))?;
        self.next += 1;
        Ok(number)
    }

    /// A column, a call, or one of the words that begin something else.
    fn word(&mut self, word: &Word) -> Result<Node, FilterError> {
        let keyword = self.keyword(0);
        if let Some(reserved) = keyword.filter(|keyword| RESERVED.contains(keyword)) {
            return self.reserved(reserved);
        }
        match self.peek(1) {
            Some(Token::Open) if !word.quoted => self.call(&word.value),
            Some(Token::Text(text)) if keyword == Some(Keyword::Timestamp) => {
                let time = timestamp(text);
                self.next += 1;
                let time = time.ok_or_else(|| self.unexpected("a moment, such as '2026-01-05 09:30:00',"))?;
                self.next += 1;
                Ok(Node::Number(time))
            }
            next => {
                let dotted = next == Some(&Token::Period);
                self.next += 1;
                if dotted {
                    return Err(self.unexpected("double quotes around a name with a dot in it"));
                }
                Ok(Node::Name { name: word.value.clone(), quoted: word.quoted })
            }
        }
    }

    fn reserved(&mut self, keyword: Keyword) -> Result<Node, FilterError> {
        let unexpected = self.unexpected(VALUES);
        self.next += 1;
        match keyword {
            Keyword::Null => Ok(Node::Null),
            Keyword::True => Ok(Node::Truth(true)),
            Keyword::False => Ok(Node::Truth(false)),
            Keyword::Not => Ok(Node::Not(Box::new(self.expression(Level::Not)?))),
            Keyword::Case => self.case(),
            _ => Err(unexpected),
        }
    }

    fn call(&mut self, name: &str) -> Result<Node, FilterError> {
        let known = FUNCTIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let Some((_, function)) = known else {
            let names: Vec<&str> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
            let of_query: String = self.names.iter().map(|name| format!(", `{name}`")).collect();
            let message = format!("no function `{name}`; there are {}{of_query}", names.join(", "));
            return Err(FilterError::at(self.text, self.start(), message));
        };
        self.next += 2;
        Ok(Node::Call(*function, self.list()?))
    }

    /// What follows `(`: one expression or more, separated by commas, and `)`.
    fn list(&mut self) -> Result<Vec<Syntax>, FilterError> {
        let mut list = vec![self.expression(Level::Or)?];
        while self.take(&Token::Comma) {
            list.push(self.expression(Level::Or)?);
        }
        self.expect(&Token::Close, &format!("`,`, `)` or {OPERATORS}"))?;
        Ok(list)
    }

    fn case(&mut self) -> Result<Node, FilterError> {
        let mut cases = Vec::new();
        self.expect_keyword(Keyword::When, "WHEN and a condition")?;
        loop {
            let condition = self.expression(Level::Or)?;
            self.expect_keyword(Keyword::Then, &format!("THEN or {OPERATORS}"))?;
            cases.push([condition, self.expression(Level::Or)?]);
            if !self.take_keyword(Keyword::When) {
                break;
            }
        }
        let rest = if self.take_keyword(Keyword::Else) { Some(self.expression(Level::Or)?) } else { None };
        self.expect_keyword(Keyword::End, &format!("WHEN, ELSE, END or {OPERATORS}"))?;
        Ok(Node::Case(cases, rest.map(Box::new)))
    }

    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.lexemes.get(self.next + ahead).map(|lexeme| &lexeme.token)
    }

    fn keyword(&self, ahead: usize) -> Option<Keyword> {
        match self.peek(ahead) {
            Some(Token::Word(word)) => word.keyword,
            _ => None,
        }
    }

    fn take(&mut self, token: &Token) -> bool {
        let found = self.peek(0) == Some(token);
        self.next += usize::from(found);
        found
    }

    fn take_keyword(&mut self, keyword: Keyword) -> bool {
        let found = self.keyword(0) == Some(keyword);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, token: &Token, fits: &str) -> Result<(), FilterError> {
        if self.take(token) { Ok(()) } else { Err(self.unexpected(fits)) }
    }

    fn expect_keyword(&mut self, keyword: Keyword, fits: &str) -> Result<(), FilterError> {
        if self.take_keyword(keyword) { Ok(()) } else { Err(self.unexpected(fits)) }
    }

    /// Where the next token begins.
    fn start(&self) -> usize {
        self.lexemes.get(self.next).map_or(self.text.len(), |lexeme| lexeme.span.start)
    }

    /// Where the last token ended.
    fn end(&self) -> usize {
        self.lexemes[..self.next].last().map_or(0, |lexeme| lexeme.span.end)
    }

    fn unexpected(&self, fits: &str) -> FilterError {
        let found = self.lexemes.get(self.next);
        let found = found.map_or("the end".to_owned(), |lexeme| excerpt(self.text, &lexeme.span));
        FilterError::at(self.text, self.start(), format!("found {found}; {fits} would fit"))
    }
}

fn matching(keyword: Keyword) -> Option<Infix> {
    match keyword {
        Keyword::In => Some(Infix::In),
        Keyword::Between => Some(Infix::Between),
        Keyword::Like => Some(Infix::Like),
        _ => None,
    }
}

fn with(mut list: Vec<Syntax>, last: Syntax) -> Vec<Syntax> {
    list.push(last);
    list
}
