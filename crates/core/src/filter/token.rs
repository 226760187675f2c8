//! Text to tokens, by `sqlparser`'s tokenizer.
//!
//! Only the tokenizer: its expression parser reaches every statement of SQL through subqueries, and would
//! more than double the size of the page's worker. The tests hold our own parser against it.
//!
//! **Invariant:** the spans are bytes of the text, ascending, without white space and comments.

use super::FilterError;
use sqlparser::dialect::Dialect;
use sqlparser::tokenizer::{Location, Token, Tokenizer};
use std::ops::Range;

/// A token and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Lexeme {
    pub(super) token: Token,
    pub(super) span: Range<usize>,
}

/// PostgreSQL's words and quotes, without its many other kinds of literal.
#[derive(Debug)]
struct Words;

impl Dialect for Words {
    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || matches!(ch, '_' | '$')
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '"'
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }
}

/// The tokens of `text`.
pub(super) fn tokens(text: &str) -> Result<Vec<Lexeme>, FilterError> {
    let mut places = Places { text, byte: 0, line: 1, column: 1 };
    let tokens = Tokenizer::new(&Words, text).tokenize_with_location().map_err(|error| {
        let message = format!("not SQL: {}", error.message.trim_end_matches('.'));
        FilterError::at(text, Places { ..places }.byte_of(error.location), message)
    })?;
    let lexemes = tokens.into_iter().map(|found| {
        let start = places.byte_of(found.span.start);
        Lexeme { token: found.token, span: start..places.byte_of(found.span.end) }
    });
    Ok(lexemes.filter(|lexeme| !matches!(lexeme.token, Token::Whitespace(_))).collect())
}

/// Ascending lines and columns, as the tokenizer counts them, to bytes.
struct Places<'a> {
    text: &'a str,
    byte: usize,
    line: u64,
    column: u64,
}

impl Places<'_> {
    fn byte_of(&mut self, place: Location) -> usize {
        for c in self.text[self.byte..].chars() {
            if (self.line, self.column) >= (place.line, place.column) {
                break;
            }
            self.byte += c.len_utf8();
            (self.line, self.column) =
                if c == '\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
        }
        self.byte
    }
}
