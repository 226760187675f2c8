//! What can be broken on purpose, for the negative controls of the tests.

/// What is broken. What would notice it at once, the counting of rows, is then off as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The intents of those before are not found again.
    Intent,
    /// No two inserts have the same token.
    Tokens,
}
