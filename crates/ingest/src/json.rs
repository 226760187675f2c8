//! JSON read in place: where its values begin and end, with nothing copied and no number computed.
//!
//! ```text
//!   {"at": 1714557600000, "u": {"id": "k17"}}
//!    name  value          name  value, or a name and value of its own
//! ```
//!
//! serde_json would build each value, or scan it a second time to keep its text. What a string with escapes
//! says, and why a text is no JSON, is asked of serde_json.
//!
//! **Invariant:** what this passes as a value, serde_json does too, and the other way round, but for
//! nesting deeper than [`MAX_DEPTH`]. Tests hold the two against each other.

use std::borrow::Cow;

/// Deepest nesting: what serde_json takes for values that it builds.
pub(crate) const MAX_DEPTH: u32 = 127;

/// A text, read from front to back. Every step gives `None` where the text is no JSON.
pub(crate) struct Json<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Json<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next byte.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// Passes the beginning of an object; whether it has a member.
    pub(crate) fn open_object(&mut self) -> Option<bool> {
        self.space();
        self.eat(b'{')?;
        self.space();
        let empty = self.peek()? == b'}';
        self.at += usize::from(empty);
        Some(!empty)
    }

    /// A member's name, and all up to its value.
    pub(crate) fn name(&mut self) -> Option<Cow<'a, str>> {
        let from = self.at;
        let escaped = self.string()?;
        let name = &self.text[from..self.at];
        self.space();
        self.eat(b':')?;
        self.space();
        if escaped { serde_json::from_str(name).ok() } else { Some(Cow::Borrowed(&name[1..name.len() - 1])) }
    }

    /// Passes what is behind a member; whether another one follows.
    pub(crate) fn another(&mut self) -> Option<bool> {
        self.space();
        match self.next()? {
            b',' => {
                self.space();
                Some(true)
            }
            b'}' => Some(false),
            _ => None,
        }
    }

    /// A value as it is written, `depth` brackets deep.
    pub(crate) fn value(&mut self, depth: u32) -> Option<&'a str> {
        let from = self.at;
        match self.peek()? {
            b'"' => drop(self.string()?),
            b'{' => self.object(depth)?,
            b'[' => self.array(depth)?,
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => self.word("null")?,
            _ => self.number()?,
        }
        Some(&self.text[from..self.at])
    }

    /// Whether nothing is left.
    pub(crate) fn end(&mut self) -> Option<()> {
        self.space();
        (self.at == self.text.len()).then_some(())
    }

    fn object(&mut self, depth: u32) -> Option<()> {
        let mut more = self.open_object().filter(|_| depth < MAX_DEPTH)?;
        while more {
            self.name()?;
            self.value(depth + 1)?;
            more = self.another()?;
        }
        Some(())
    }

    fn array(&mut self, depth: u32) -> Option<()> {
        self.eat(b'[').filter(|()| depth < MAX_DEPTH)?;
        self.space();
        if self.peek()? == b']' {
            return self.eat(b']');
        }
        loop {
            self.value(depth + 1)?;
            self.space();
            match self.next()? {
                b',' => self.space(),
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Passes a string; whether it has escapes.
    fn string(&mut self) -> Option<bool> {
        self.eat(b'"')?;
        let mut escaped = false;
        loop {
            match self.next()? {
                b'"' => return Some(escaped),
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                0..0x20 => return None,
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => (0..4).try_for_each(|_| self.next().filter(u8::is_ascii_hexdigit).map(drop)),
            _ => None,
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let there = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += word.len();
        there.then_some(())
    }

    fn number(&mut self) -> Option<()> {
        self.at += usize::from(self.peek() == Some(b'-'));
        match self.next()? {
            b'0' => {}
            b'1'..=b'9' => self.digits(),
            _ => return None,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.some_digits()?;
        }
        Some(())
    }

    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Option<()> {
        let from = self.at;
        self.digits();
        (self.at > from).then_some(())
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    fn passes(text: &str) -> bool {
        let mut json = Json::new(text);
        json.space();
        json.value(0).and_then(|_| json.end()).is_some()
    }

    /// Whether serde_json takes it, without building strings: it does not look at surrogates then.
    fn serde_passes(text: &str) -> bool {
        serde_json::from_str::<&RawValue>(text).is_ok()
    }

    /// Texts that are nearly JSON.
    fn nearly() -> impl Strategy<Value = String> {
        let part = prop::sample::select(
            &[
                "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"\\", "u00e9", "0", "-", "12", ".", "5", "e",
                "E+", "true", "false", "null", "nul", " ", "\n", "\t", "\u{7}", "é", "\\\"", "\"b\":",
                "{\"c\":[", "]}", "/", "\\u12",
            ][..],
        );
        prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 20, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
                prop::collection::vec(("[a-z\"\\\\]{0,3}", inner), 0..5)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn nearly_json_is_judged_as_by_serde_json(text in nearly()) {
            prop_assert_eq!(passes(&text), serde_passes(&text), "{}", text);
        }

        #[test]
        fn json_passes_and_damaged_json_is_judged_as_by_serde_json(
            value in json(), pretty in any::<bool>(), at in any::<prop::sample::Index>(), byte in "[ -~]",
        ) {
            let text = if pretty { format!("{value:#}") } else { value.to_string() };
            prop_assert!(passes(&text), "{}", text);
            let chars: Vec<char> = text.chars().collect();
            let at = at.index(chars.len());
            let damaged: String = chars[..at].iter().copied().chain(byte.chars()).chain(chars[at + 1..].iter().copied()).collect();
            prop_assert_eq!(passes(&damaged), serde_passes(&damaged), "{}", damaged);
        }
    }

    #[test]
    fn nesting_has_an_end() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(passes(&nested(MAX_DEPTH as usize)));
        assert!(!passes(&nested(MAX_DEPTH as usize + 1)));
        assert!(!passes(&"[".repeat(1 << 20)));
    }
}
