//! Aggregates: what a window computes from its events.
//!
//! Each has an identity (the state of no events) and a fold in event order. The order of a sum is the
//! order of the log, which is what makes it the same bits however the log is cut.
//!
//! ```
//! use kappascope_core::aggregate::Aggregate;
//! let sum: Aggregate = "sum(value)".parse().unwrap();
//! assert_eq!(sum.measure(), Some("value"));
//! assert!("median(value)".parse::<Aggregate>().unwrap_err().contains("count()"));
//! ```

use crate::change::Value;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// An aggregate as written: `count()`, `sum(value)`, `min(value)`, `max(value)`, `avg(value)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// Number of events.
    Count,
    /// A function of one measure.
    Of(Function, String),
}

/// A function of one measure.
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
}

const FUNCTIONS: [(&str, Function); 4] =
    [("sum", Function::Sum), ("min", Function::Min), ("max", Function::Max), ("avg", Function::Avg)];

impl Aggregate {
    /// The measure it reads, if any.
    #[must_use]
    pub fn measure(&self) -> Option<&str> {
        match self {
            Self::Count => None,
            Self::Of(_, measure) => Some(measure),
        }
    }
}

impl FromStr for Aggregate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.strip_suffix(')').and_then(|rest| rest.split_once('('));
        match parts {
            Some(("count", "")) => Some(Self::Count),
            Some((name, measure)) if !measure.is_empty() => FUNCTIONS
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, function)| Self::Of(*function, measure.to_owned())),
            _ => None,
        }
        .ok_or_else(|| format!("no aggregate `{text}`; there are `count()` and `sum`, `min`, `max`, `avg` of a measure, such as `avg(value)`"))
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count => f.write_str("count()"),
            Self::Of(function, measure) => {
                let name = FUNCTIONS.iter().find(|(_, known)| known == function).map_or("", |(name, _)| name);
                write!(f, "{name}({measure})")
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

/// Sum, minimum and maximum of one measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments {
    sum: f64,
    min: f64,
    max: f64,
}

impl Moments {
    pub(crate) const IDENTITY: Self = Self { sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };

    pub(crate) fn fold(&mut self, value: f64) {
        self.sum += value;
        // Selections, not `f64::min`: of 0.0 and −0.0 the first seen stays, on every target.
        self.min = if value < self.min { value } else { self.min };
        self.max = if value > self.max { value } else { self.max };
    }
}

/// The aggregates of one query, resolved: which measures to fold, and what to read from them.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Measure columns of the log that are folded, each once.
    pub(crate) measures: Vec<usize>,
    outputs: Vec<Option<(Function, usize)>>,
}

impl Plan {
    /// `measures` are the log's measure columns, which the spec's check has found to hold every name.
    pub(crate) fn new(aggregates: &[Aggregate], measures: &[String]) -> Self {
        let mut plan = Self { measures: Vec::new(), outputs: Vec::new() };
        for aggregate in aggregates {
            let output = match aggregate {
                Aggregate::Count => None,
                Aggregate::Of(function, name) => {
                    let column = measures.iter().position(|m| m == name).expect("the spec was checked");
                    Some((*function, plan.slot(column)))
                }
            };
            plan.outputs.push(output);
        }
        plan
    }

    fn slot(&mut self, column: usize) -> usize {
        self.measures.iter().position(|&known| known == column).unwrap_or_else(|| {
            self.measures.push(column);
            self.measures.len() - 1
        })
    }

    /// Number of values of a result.
    pub(crate) fn width(&self) -> usize {
        self.outputs.len()
    }

    /// Appends the values of one window and key: `count` events whose measures folded to `moments`.
    pub(crate) fn read(&self, count: u64, moments: &[Moments], values: &mut Vec<Value>) {
        values.extend(self.outputs.iter().map(|output| match output {
            None => Value::Count(count),
            Some((Function::Sum, slot)) => Value::Real(moments[*slot].sum),
            Some((Function::Min, slot)) => Value::Real(moments[*slot].min),
            Some((Function::Max, slot)) => Value::Real(moments[*slot].max),
            Some((Function::Avg, slot)) => Value::Real(moments[*slot].sum / count as f64),
        }));
    }
}
