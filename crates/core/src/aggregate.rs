//! Aggregates: what a window computes from its events, as a person writes it.
//!
//! ```
//! use kappascope_core::aggregate::Aggregate;
//! let p99: Aggregate = "p99(value)".parse().unwrap();
//! assert_eq!(p99.column(), Some("value"));
//! assert!("median(value)".parse::<Aggregate>().unwrap_err().contains("p50"));
//! ```

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Most entries that `top` may ask for.
pub const MOST_TOP: u16 = 100;

/// An aggregate as written: `count()`, `rate()`, or a function of one column, such as `avg(value)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// Number of events.
    Count,
    /// Events a second of the window's length.
    Rate,
    /// A function of one column.
    Of(Function, String),
}

/// A function of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Sum, in the order of the log.
    Sum,
    /// Smallest value.
    Min,
    /// Largest value.
    Max,
    /// Sum over count.
    Avg,
    /// Sample variance, by n − 1; none of fewer than two events.
    Variance,
    /// Sample standard deviation.
    Stddev,
    /// Value of the event with the smallest time; of several, of the one that came first.
    First,
    /// Value of the event with the largest time; of several, of the one that came last.
    Last,
    /// Number of different values: exact up to 256, then by HyperLogLog with a standard error of 1.6%.
    Distinct,
    /// The value at this rank (nearest rank), in hundredths of a percent: exact up to 64 events, then within
    /// 0.8% of it.
    Quantile(u16),
    /// So many of the most frequent values: exact up to 256 different ones, then each count too high by at
    /// most the error given with it, which is at most 1/256 of the events.
    Top(u16),
}

/// The kind of column that an aggregate reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    Measure,
    Key,
    Either,
}

const FUNCTIONS: [(&str, Function); 9] = [
    ("sum", Function::Sum),
    ("min", Function::Min),
    ("max", Function::Max),
    ("avg", Function::Avg),
    ("variance", Function::Variance),
    ("stddev", Function::Stddev),
    ("first", Function::First),
    ("last", Function::Last),
    ("distinct", Function::Distinct),
];

impl Aggregate {
    /// The column it reads, if any.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Count | Self::Rate => None,
            Self::Of(_, column) => Some(column),
        }
    }

    pub(crate) fn reads(&self) -> Reads {
        match self {
            Self::Of(Function::Distinct, _) => Reads::Either,
            Self::Of(Function::Top(_), _) => Reads::Key,
            _ => Reads::Measure,
        }
    }

    /// Whether a detector can read it.
    #[must_use]
    pub fn is_number(&self) -> bool {
        !matches!(self, Self::Of(Function::Top(_), _))
    }
}

impl FromStr for Aggregate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.strip_suffix(')').and_then(|rest| rest.split_once('('));
        match parts {
            Some(("count", "")) => Some(Self::Count),
            Some(("rate", "")) => Some(Self::Rate),
            Some((name, column)) if !column.is_empty() => {
                function(name).map(|function| Self::Of(function, column.to_owned()))
            }
            _ => None,
        }
        .ok_or_else(|| {
            format!(
                "no aggregate `{text}`; there are `count()`, `rate()`, and of a column `sum`, `avg`, `min`, `max`, \
                 `variance`, `stddev`, `first`, `last`, `distinct`, `p50` (any percentile), `top5` (up to {MOST_TOP}), \
                 such as `avg(value)`"
            )
        })
    }
}

fn function(name: &str) -> Option<Function> {
    let plain = FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, function)| *function);
    plain
        .or_else(|| name.strip_prefix("top").and_then(most).map(Function::Top))
        .or_else(|| name.strip_prefix('p').and_then(percentile).map(Function::Quantile))
}

fn most(text: &str) -> Option<u16> {
    text.parse().ok().filter(|k| (1..=MOST_TOP).contains(k) && text == format!("{k}"))
}

/// Hundredths of a percent of `50`, `99.9` or `99.99`, above 0 and below 100.
fn percentile(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.len() > 2 || fraction.len() > 2 {
        return None;
    }
    let hundredths: u16 = whole.parse::<u16>().ok()? * 100 + format!("{fraction:0<2}").parse::<u16>().ok()?;
    Some(hundredths).filter(|n| *n > 0 && format!("p{text}") == percentile_name(*n))
}

fn percentile_name(hundredths: u16) -> String {
    let (whole, fraction) = (hundredths / 100, hundredths % 100);
    match (fraction, fraction % 10) {
        (0, _) => format!("p{whole}"),
        (_, 0) => format!("p{whole}.{}", fraction / 10),
        _ => format!("p{whole}.{fraction:02}"),
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count => f.write_str("count()"),
            Self::Rate => f.write_str("rate()"),
            Self::Of(Function::Quantile(n), column) => write!(f, "{}({column})", percentile_name(*n)),
            Self::Of(Function::Top(k), column) => write!(f, "top{k}({column})"),
            Self::Of(function, column) => {
                let name = FUNCTIONS.iter().find(|(_, known)| known == function).map_or("", |(name, _)| name);
                write!(f, "{name}({column})")
            }
        }
    }
}

impl<'de> Deserialize<'de> for Aggregate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Aggregate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_printed() {
        for text in [
            "count()",
            "rate()",
            "sum(v)",
            "p50(v)",
            "p99.9(v)",
            "p99.99(v)",
            "p0.05(v)",
            "top5(k)",
            "top100(k)",
            "distinct(k)",
        ] {
            assert_eq!(text.parse::<Aggregate>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for text in [
            "",
            "count",
            "count(v)",
            "sum()",
            "p(v)",
            "p0(v)",
            "p100(v)",
            "p050(v)",
            "p99.990(v)",
            "p99.(v)",
            "p+5(v)",
            "top0(k)",
            "top101(k)",
            "top05(k)",
            "top(k)",
            "rate(v)",
            "Sum(v)",
        ] {
            assert!(text.parse::<Aggregate>().is_err(), "{text}");
        }
    }
}
