//! What text can do: match a pattern, change its letters, be kept by id.
//!
//! **Invariant:** text is compared by its bytes, and `_`, `length` count characters (Unicode scalar
//! values), as PostgreSQL does in a UTF-8 database with the collation `C`. Letters change by Unicode's
//! tables for no language in particular.

/// A compiled `LIKE` pattern: `%` is any run of characters, `_` any one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Box<[Piece]>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Char(char),
    AnyOne,
    AnyRun,
}

impl Pattern {
    /// `escape` takes from the character after it what it means; `None` when it is the last.
    pub(super) fn new(pattern: &str, escape: Option<char>) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            pieces.push(match c {
                c if Some(c) == escape => Piece::Char(chars.next()?),
                '%' => Piece::AnyRun,
                '_' => Piece::AnyOne,
                c => Piece::Char(c),
            });
        }
        Some(Self(pieces.into()))
    }

    /// Whether all of `text` matches. Each `%` first takes nothing and one character more whenever what
    /// follows fails; only the last one met needs to, so the work is at most text × pattern.
    pub(super) fn matches(&self, text: &str) -> bool {
        let (mut rest, mut piece) = (text.chars(), 0);
        let mut retry = None;
        loop {
            let here = rest.clone();
            let fits = match (self.0.get(piece), rest.next()) {
                (Some(Piece::AnyRun), _) => {
                    (rest, retry) = (here.clone(), Some((here, piece)));
                    true
                }
                (None, None) => return true,
                (Some(Piece::AnyOne), Some(_)) => true,
                (Some(Piece::Char(wanted)), Some(c)) => *wanted == c,
                (_, None) => return false,
                (None, Some(_)) => false,
            };
            piece += 1;
            if !fits {
                let Some((mut taken, run)) = retry else { return false };
                taken.next();
                (rest, piece) = (taken.clone(), run + 1);
                retry = Some((taken, run));
            }
        }
    }
}

/// `lower` or `upper`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Lower,
    Upper,
}

/// Changes of letters, the first one first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Letters(Vec<Case>);

impl Letters {
    pub(super) fn then(mut self, case: Case) -> Self {
        self.0.push(case);
        self
    }

    pub(super) fn apply(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, case| case.apply(&text))
    }
}

impl Case {
    pub(super) fn apply(self, text: &str) -> String {
        match self {
            Self::Lower => text.to_lowercase(),
            Self::Upper => text.to_uppercase(),
        }
    }
}

/// Strings by id, end to end in one buffer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Strings {
    bytes: String,
    ends: Vec<usize>,
}

impl Strings {
    pub(super) fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
    }

    pub(super) fn get(&self, id: usize) -> &str {
        let start = id.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[id]]
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}
