//! What can go wrong with tables, and whether trying again may help.

use kappascope_address::SecretError;

/// What is wrong with tables or their server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server cannot be reached, or cannot do it now.
    #[error("{place}: {reason}")]
    Away {
        /// The server.
        place: String,
        /// What was heard.
        reason: String,
    },
    /// The server refuses, and would do so again.
    #[error("{place}: {reason}")]
    Refused {
        /// The server, and the table if it is about one.
        place: String,
        /// What was heard.
        reason: String,
    },
    /// A table is not as it has to be.
    #[error("{place}: {what}")]
    Shape {
        /// The table.
        place: String,
        /// What was found, and what would fit.
        what: String,
    },
    /// A pipeline's names cannot be those of tables and columns.
    #[error("{0}")]
    Name(String),
    /// A secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl Error {
    /// Whether trying again may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Away { .. })
    }

    pub(crate) fn of(place: &str, error: &clickhouse::error::Error) -> Self {
        use clickhouse::error::Error as Client;
        let (place, reason) = (place.to_owned(), told(error));
        match error {
            Client::BadResponse(said) if is_refusal(said) => Self::Refused { place, reason },
            Client::InvalidParams(_) | Client::Unsupported(_) | Client::InvalidColumnsHeader(_) => {
                Self::Refused { place, reason }
            }
            _ => Self::Away { place, reason },
        }
    }
}

/// An error with what is behind it, in one line.
fn told(error: &clickhouse::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(behind) = source {
        let said = behind.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = behind.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Codes of ClickHouse (`src/Common/ErrorCodes.cpp`) that the same request will always be answered with, until
/// somebody changes the tables, the rights or the server's settings. All others may pass: memory, disk, parts,
/// connections, replicas that are not there, and those that nobody here knows.
const REFUSALS: &[u32] = &[
    6,   // CANNOT_PARSE_TEXT
    10,  // NOT_FOUND_COLUMN_IN_BLOCK
    16,  // NO_SUCH_COLUMN_IN_TABLE
    20,  // NUMBER_OF_COLUMNS_DOESNT_MATCH
    27,  // CANNOT_PARSE_INPUT_ASSERTION_FAILED
    36,  // BAD_ARGUMENTS
    38,  // CANNOT_PARSE_DATE: a materialized view, as for all that is about values
    41,  // CANNOT_PARSE_DATETIME
    42,  // NUMBER_OF_ARGUMENTS_DOESNT_MATCH
    43,  // ILLEGAL_TYPE_OF_ARGUMENT: a materialized view behind the table breaks every insert
    44,  // ILLEGAL_COLUMN
    46,  // UNKNOWN_FUNCTION
    47,  // UNKNOWN_IDENTIFIER
    48,  // NOT_IMPLEMENTED
    50,  // UNKNOWN_TYPE
    53,  // TYPE_MISMATCH
    57,  // TABLE_ALREADY_EXISTS
    60,  // UNKNOWN_TABLE
    62,  // SYNTAX_ERROR
    69,  // ARGUMENT_OUT_OF_BOUND: a name that is too long
    70,  // CANNOT_CONVERT_TYPE
    72,  // CANNOT_PARSE_NUMBER
    73,  // UNKNOWN_FORMAT
    80,  // INCORRECT_QUERY
    81,  // UNKNOWN_DATABASE
    115, // UNKNOWN_SETTING
    117, // INCORRECT_DATA
    128, // TOO_LARGE_ARRAY_SIZE
    131, // TOO_LARGE_STRING_SIZE
    164, // READONLY
    192, // UNKNOWN_USER
    193, // WRONG_PASSWORD
    194, // REQUIRED_PASSWORD
    195, // IP_ADDRESS_NOT_ALLOWED
    344, // SUPPORT_IS_DISABLED
    349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
    395, // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO: a materialized view that refuses the rows
    407, // DECIMAL_OVERFLOW
    452, // SETTING_CONSTRAINT_VIOLATION
    469, // VIOLATED_CONSTRAINT
    472, // READONLY_SETTING
    497, // ACCESS_DENIED
    516, // AUTHENTICATION_FAILED
    691, // UNKNOWN_ELEMENT_OF_ENUM
    703, // INVALID_IDENTIFIER
    774, // TABLE_IS_PERMANENTLY_READ_ONLY
];

/// Whether an answer says that the same request will never pass.
fn is_refusal(said: &str) -> bool {
    match code(said) {
        Some(code) => REFUSALS.contains(&code),
        // Of a proxy, perhaps: 4xx, but not a time-out or too many requests.
        None => said.starts_with('4') && !said.starts_with("408") && !said.starts_with("429"),
    }
}

/// The number in `Code: 60. DB::Exception: …`.
fn code(said: &str) -> Option<u32> {
    let (_, rest) = said.split_once("Code: ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let cases = [
            ("Code: 60. DB::Exception: Unknown table expression identifier", true),
            ("Code: 497. DB::Exception: me: Not enough privileges", true),
            ("Code: 516. DB::Exception: default: Authentication failed", true),
            ("Code: 164. DB::Exception: Cannot execute query in readonly mode", true),
            ("Code: 69. DB::Exception: The max length of table name for database d is 212", true),
            ("Code: 252. DB::Exception: Too many parts (3000)", false),
            ("Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space", false),
            ("Code: 774. DB::Exception: Table is in readonly mode", true),
            ("Code: 242. DB::Exception: Table is in readonly mode", false),
            ("Code: 241. DB::Exception: Memory limit exceeded", false),
            ("Code: 99999. DB::Exception: Something new", false),
            ("404 Not Found", true),
            ("429 Too Many Requests", false),
            ("503 Service Unavailable", false),
        ];
        for (said, refused) in cases {
            let error = clickhouse::error::Error::BadResponse(said.to_owned());
            assert_eq!(!Error::of("here", &error).is_transient(), refused, "{said}");
        }
        assert!(Error::of("here", &clickhouse::error::Error::TimedOut).is_transient());
    }
}
