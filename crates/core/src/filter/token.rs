//! Text to tokens: PostgreSQL's words, quotes, numbers and comments, without its many other kinds of literal.
//!
//! ```text
//!   "ms" >= 1.5e3 -- slow        Word  GreaterEqual  Number
//! ```
//!
//! A library's tokenizer knows every word and literal of every SQL, and would be a tenth of the page's worker.
//! The tests hold this one against `sqlparser`'s.
//!
//! **Invariant:** the spans are bytes of the text, ascending, without white space and comments. What no
//! expression may have is a token too, [`Token::Other`], so that the parser can say what it found.
//!
//! Source: <https://www.postgresql.org/docs/current/sql-syntax-lexical.html>

use super::FilterError;
use std::ops::Range;

/// A token and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Lexeme {
    pub(super) token: Token,
    pub(super) span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(Word),
    Number(String),
    Text(String),
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Open,
    Close,
    Comma,
    Period,
    /// Nothing of an expression: `||`, `$1`, `0x1F`.
    Other,
}

/// A name, or one of the words that are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) value: String,
    pub(super) quoted: bool,
    /// Never that of a name in quotes.
    pub(super) keyword: Option<Keyword>,
}

macro_rules! keywords {
    ($($name:ident $text:literal,)*) => {
        /// The words that an expression is made of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Keyword {
            $($name,)*
        }

        const KEYWORDS: &[(&str, Keyword)] = &[$(($text, Keyword::$name),)*];
    };
}

keywords! {
    And "and",
    Between "between",
    Case "case",
    Else "else",
    End "end",
    Escape "escape",
    False "false",
    In "in",
    Is "is",
    Like "like",
    Not "not",
    Null "null",
    Or "or",
    Select "select",
    Then "then",
    Timestamp "timestamp",
    True "true",
    When "when",
}

/// What is neither word nor number, the longer before what it begins with.
const SYMBOLS: &[(&str, Token)] = &[
    ("||/", Token::Other),
    ("->>", Token::Other),
    ("<=>", Token::Other),
    ("->", Token::Other),
    ("=>", Token::Other),
    ("==", Token::Other),
    ("<<", Token::Other),
    ("<@", Token::Other),
    (">>", Token::Other),
    ("||", Token::Other),
    ("::", Token::Other),
    ("!=", Token::NotEqual),
    ("<>", Token::NotEqual),
    ("<=", Token::LessEqual),
    (">=", Token::GreaterEqual),
    ("=", Token::Equal),
    ("<", Token::Less),
    (">", Token::Greater),
    ("+", Token::Plus),
    ("-", Token::Minus),
    ("*", Token::Star),
    ("/", Token::Slash),
    ("%", Token::Percent),
    ("(", Token::Open),
    (")", Token::Close),
    (",", Token::Comma),
    (".", Token::Period),
];

impl Token {
    /// A name as it is, whatever its letters.
    pub(super) fn quoted(name: &str) -> Self {
        Self::Word(Word { value: name.to_owned(), quoted: true, keyword: None })
    }

    fn word(name: &str) -> Self {
        let keyword = KEYWORDS.iter().find(|(text, _)| text.eq_ignore_ascii_case(name));
        let keyword = keyword.map(|(_, keyword)| *keyword);
        Self::Word(Word { value: name.to_owned(), quoted: false, keyword })
    }
}

/// The tokens of `text`.
pub(super) fn tokens(text: &str) -> Result<Vec<Lexeme>, FilterError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut lexemes = Vec::new();
    loop {
        lexer.skip_blanks()?;
        let start = lexer.at;
        let Some(token) = lexer.token()? else { return Ok(lexemes) };
        lexemes.push(Lexeme { token, span: start..lexer.at });
    }
}

struct Lexer<'a> {
    text: &'a str,
    /// The byte that is read next.
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, prefix: &str) -> bool {
        let found = self.rest().starts_with(prefix);
        self.at += if found { prefix.len() } else { 0 };
        found
    }

    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !fits(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// White space and comments.
    fn skip_blanks(&mut self) -> Result<(), FilterError> {
        loop {
            let start = self.at;
            self.take_while(char::is_whitespace);
            if self.take("--") {
                self.take_while(|c| c != '\n');
            }
            if self.rest().starts_with("/*") {
                self.skip_comment()?;
            }
            if self.at == start {
                return Ok(());
            }
        }
    }

    /// A comment that may hold others.
    fn skip_comment(&mut self) -> Result<(), FilterError> {
        let (start, mut depth) = (self.at, 0);
        loop {
            if self.take("/*") {
                depth += 1;
            } else if self.take("*/") {
                depth -= 1;
            } else {
                let Some(c) = self.peek() else { return Err(self.endless(start, "comment", "*/")) };
                self.at += c.len_utf8();
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Option<Token>, FilterError> {
        let Some(first) = self.peek() else { return Ok(None) };
        Ok(Some(match first {
            '\'' => Token::Text(self.within('\'', "text")?),
            '"' => Token::quoted(&self.within('"', "name")?),
            '0'..='9' => self.number(),
            '.' if self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) => self.number(),
            '$' => {
                self.take_while(in_word);
                Token::Other
            }
            _ if begins_word(first) => Token::word(self.take_while(in_word)),
            _ => self.symbol(first),
        }))
    }

    fn symbol(&mut self, first: char) -> Token {
        let known = SYMBOLS.iter().find(|(text, _)| self.rest().starts_with(text));
        let (bytes, token) =
            known.map_or((first.len_utf8(), Token::Other), |(text, token)| (text.len(), token.clone()));
        self.at += bytes;
        token
    }

    /// What stands between quotes, where two of them are one.
    fn within(&mut self, quote: char, what: &str) -> Result<String, FilterError> {
        let (start, mut inside) = (self.at, String::new());
        self.at += quote.len_utf8();
        loop {
            inside += self.take_while(|c| c != quote);
            if self.peek().is_none() {
                return Err(self.endless(start, what, quote.encode_utf8(&mut [0; 4])));
            }
            self.at += quote.len_utf8();
            if self.peek() != Some(quote) {
                return Ok(inside);
            }
            self.at += quote.len_utf8();
            inside.push(quote);
        }
    }

    fn number(&mut self) -> Token {
        let start = self.at;
        let whole = self.take_while(|c| c.is_ascii_digit());
        if whole == "0" && self.take("x") {
            self.take_while(|c| c.is_ascii_hexdigit());
            return Token::Other;
        }
        self.take(".");
        self.take_while(|c| c.is_ascii_digit());
        self.exponent();
        let digits = &self.text[start..self.at];
        if self.take("L") { Token::Other } else { Token::Number(digits.to_owned()) }
    }

    /// `e5`, `E-5`; an `e` without a number behind it begins a word.
    fn exponent(&mut self) {
        let start = self.at;
        if self.take("e") || self.take("E") {
            let _sign = self.take("+") || self.take("-");
            if self.take_while(|c| c.is_ascii_digit()).is_empty() {
                self.at = start;
            }
        }
    }

    fn endless(&self, start: usize, what: &str, end: &str) -> FilterError {
        FilterError::at(self.text, start, format!("a {what} that does not end; `{end}` after it would fit"))
    }
}

fn begins_word(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$')
}
