//! Faults as dials: what goes wrong between where events happen and where they arrive, as numbers and as
//! text.
//!
//! | dial | text | what it does |
//! |---|---|---|
//! | disorder | `disorder=5s` | every event takes up to 5 seconds longer |
//! | stragglers | `stragglers=1%:2m` | one event in a hundred takes one to two minutes longer |
//! | idle | `idle=1h:10m:p1` | partition 1 sends nothing for ten minutes, one hour in; what it held back comes then |
//! | duplicates | `duplicates=1%` | one event in a hundred comes twice |
//! | skew | `skew=5%:-30s`, `skew=p1:30s` | the clocks of one sender in twenty, or of a partition, are off |
//! | hot key | `hot_key=30%` | three events in ten are one sender's |
//! | burst | `burst=1h:10m:5x` | five times as many events for ten minutes, one hour in |
//!
//! **Invariant:** [`Faults::default`] changes nothing, and neither does a dial at zero. A dial does not move
//! the chance of another: turning one up leaves the others' victims who they are, and its own too.
//!
//! ```
//! use kappascope_scenario::{Faults, open_with};
//!
//! let faults: Faults = "disorder=5s,stragglers=1%:2m".parse()?;
//! assert_eq!(faults.to_string(), "disorder=5s,stragglers=1%:2m");
//! let world = open_with("website", 7, Some(10_000), &faults)?;
//! assert_eq!(world.total(), 10_000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use kappascope_core::Millis;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Longest disorder. Delays bound what a world holds back, and nobody waits longer with a watermark.
pub const MOST_DISORDER_MS: u32 = 10 * 60_000;

/// Longest that a straggler takes, and that a partition is idle: all it sends meanwhile waits in memory.
pub const MOST_LATE_MS: u32 = 3_600_000;

/// Most that a clock may be off: a wrong date, or a wrong time zone.
pub const MOST_SKEW_MS: i32 = 86_400_000;

/// Strongest burst, and the longest: its events wait in memory while they are delayed.
pub const MOST_BURST: f64 = 20.0;
/// See [`MOST_BURST`].
pub const MOST_BURST_MS: u32 = 3_600_000;

/// What goes wrong on the way from a simulated world to the log. Times count from the world's start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Every event takes up to so many milliseconds longer, each as likely as the other.
    pub disorder_ms: u32,
    /// Events that come very late.
    pub stragglers: Option<Stragglers>,
    /// A partition that sends nothing for a while.
    pub idle: Option<Idle>,
    /// So many events in a hundred come twice.
    pub duplicates_percent: f64,
    /// Clocks that are off.
    pub skew: Option<Skew>,
    /// So many events in a hundred are given to one sender.
    pub hot_key_percent: f64,
    /// A while with more events.
    pub burst: Option<Burst>,
}

/// Events that come very late.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stragglers {
    /// How many in a hundred.
    pub percent: f64,
    /// They take between half of this and all of it longer.
    pub late_ms: u32,
}

/// A partition whose events are held back for a while, and then all come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Idle {
    /// From when on nothing arrives.
    pub from_ms: u32,
    /// For how long.
    pub length_ms: u32,
    /// Which.
    pub partition: u32,
}

/// Clocks that are off: event times are, arrivals are not.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skew {
    /// Whose clocks.
    pub of: Skewed,
    /// Ahead by so much; behind where it is negative.
    pub by_ms: i32,
}

/// Whose clocks are off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skewed {
    /// About so many in a hundred of those who send: users, accounts, devices.
    Percent(f64),
    /// All of a partition.
    Partition(u32),
}

/// A while with more events. It is a label.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Burst {
    /// From when on.
    pub from_ms: u32,
    /// For how long.
    pub length_ms: u32,
    /// How many times as many events. What is added looks like what happens then anyway.
    pub factor: f64,
}

/// A fault that cannot be: which, and what would fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fault `{fault}`: {message}")]
pub struct FaultError {
    fault: String,
    message: String,
}

impl FaultError {
    fn new(fault: &str, message: impl Into<String>) -> Self {
        Self { fault: fault.to_owned(), message: message.into() }
    }
}

/// Every fault, with texts that it is read from.
pub const FORMS: [(&str, &[&str]); 7] = [
    ("disorder", &["5s"]),
    ("stragglers", &["1%:2m"]),
    ("idle", &["1h:10m:p1"]),
    ("duplicates", &["1%"]),
    ("skew", &["5%:-30s", "p1:30s"]),
    ("hot_key", &["30%"]),
    ("burst", &["1h:10m:5x"]),
];

impl Faults {
    /// Whether the bounds are kept. Whether a partition exists is known to a scenario only.
    ///
    /// # Errors
    /// Names the first fault that is out of its bounds, and the bounds.
    pub fn check(&self) -> Result<(), FaultError> {
        within("disorder", self.disorder_ms, MOST_DISORDER_MS)?;
        share("duplicates", self.duplicates_percent)?;
        share("hot_key", self.hot_key_percent)?;
        if let Some(Stragglers { percent, late_ms }) = self.stragglers {
            share("stragglers", percent)?;
            within("stragglers", late_ms, MOST_LATE_MS)?;
        }
        if let Some(idle) = self.idle {
            within("idle", idle.length_ms, MOST_LATE_MS)?;
        }
        if let Some(Skew { of, by_ms }) = self.skew {
            within("skew", by_ms.unsigned_abs(), MOST_SKEW_MS.unsigned_abs())?;
            if let Skewed::Percent(percent) = of {
                share("skew", percent)?;
            }
        }
        if let Some(burst) = self.burst {
            within("burst", burst.length_ms, MOST_BURST_MS)?;
            bounded("burst", burst.factor, 1.0..=MOST_BURST, "x")?;
        }
        Ok(())
    }

    /// The same, for a world of so many partitions.
    pub(crate) fn check_for(&self, partitions: u32) -> Result<(), FaultError> {
        self.check()?;
        let idle = self.idle.map(|idle| ("idle", idle.partition));
        let skewed = self.skew.and_then(|skew| match skew.of {
            Skewed::Partition(partition) => Some(("skew", partition)),
            Skewed::Percent(_) => None,
        });
        let missing = idle.into_iter().chain(skewed).find(|(_, partition)| *partition >= partitions);
        let Some((fault, partition)) = missing else { return Ok(()) };
        let there_are = match partitions {
            1 => "this scenario has only `p0`".to_owned(),
            n => format!("this scenario has `p0` to `p{}`", n - 1),
        };
        Err(FaultError::new(fault, format!("no partition `p{partition}`; {there_are}")))
    }

    /// Whether `name` is a fault, for [`Faults::set`].
    #[must_use]
    pub fn is_fault(name: &str) -> bool {
        FORMS.iter().any(|(fault, _)| *fault == name)
    }

    /// Turns a dial, as text says: see [`FORMS`].
    ///
    /// # Errors
    /// When there is no fault of this name, its value is not in its form, or out of its bounds.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), FaultError> {
        let Some((name, forms)) = FORMS.into_iter().find(|(fault, _)| *fault == name) else {
            let known = FORMS.map(|(fault, _)| format!("`{fault}`")).join(", ");
            return Err(FaultError::new(name, format!("there is no such fault; there are {known}")));
        };
        let turned = self.turned(name, value);
        *self = turned.ok_or_else(|| {
            let forms = forms.join("` or `");
            FaultError::new(name, format!("`{value}` is not in its form; such as `{forms}` would fit"))
        })?;
        self.check()
    }

    fn turned(&self, name: &str, value: &str) -> Option<Self> {
        let mut faults = self.clone();
        let parts: Vec<&str> = value.split(':').collect();
        match (name, parts.as_slice()) {
            ("disorder", [disorder]) => faults.disorder_ms = span(disorder)?,
            ("stragglers", [share, late]) => {
                faults.stragglers = Some(Stragglers { percent: percent(share)?, late_ms: span(late)? });
            }
            ("idle", [from, length, of]) => {
                let (from_ms, length_ms) = (span(from)?, span(length)?);
                faults.idle = Some(Idle { from_ms, length_ms, partition: partition(of)? });
            }
            ("duplicates", [share]) => faults.duplicates_percent = percent(share)?,
            ("skew", [of, by]) => {
                let of = percent(of).map(Skewed::Percent).or_else(|| partition(of).map(Skewed::Partition))?;
                faults.skew = Some(Skew { of, by_ms: offset(by)? });
            }
            ("hot_key", [share]) => faults.hot_key_percent = percent(share)?,
            ("burst", [from, length, factor]) => {
                let (from_ms, length_ms) = (span(from)?, span(length)?);
                faults.burst = Some(Burst { from_ms, length_ms, factor: number(factor.strip_suffix('x')?)? });
            }
            _ => return None,
        }
        Some(faults)
    }
}

/// `disorder=5s,duplicates=1%`, as [`fmt::Display`] writes it.
impl FromStr for Faults {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let mut faults = Self::default();
        for setting in text.split(',').filter(|setting| !setting.is_empty()) {
            let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
            faults.set(name, value)?;
        }
        Ok(faults)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let above_zero = |percent: f64| (percent > 0.0).then(|| format!("{percent}%"));
        let texts = [
            (self.disorder_ms > 0).then(|| ms(self.disorder_ms).to_string()),
            self.stragglers.map(|Stragglers { percent, late_ms }| format!("{percent}%:{}", ms(late_ms))),
            self.idle.map(|idle| format!("{}:{}:p{}", ms(idle.from_ms), ms(idle.length_ms), idle.partition)),
            above_zero(self.duplicates_percent),
            self.skew.map(|skew| skew.to_string()),
            above_zero(self.hot_key_percent),
            self.burst
                .map(|burst| format!("{}:{}:{}x", ms(burst.from_ms), ms(burst.length_ms), burst.factor)),
        ];
        let named = FORMS.iter().zip(texts);
        let written = named.filter_map(|((name, _), text)| text.map(|text| format!("{name}={text}")));
        f.write_str(&written.collect::<Vec<_>>().join(","))
    }
}

impl fmt::Display for Skew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of {
            Skewed::Percent(percent) => write!(f, "{percent}%:")?,
            Skewed::Partition(partition) => write!(f, "p{partition}:")?,
        }
        write!(f, "{}{}", if self.by_ms < 0 { "-" } else { "" }, ms(self.by_ms.unsigned_abs()))
    }
}

fn ms(ms: u32) -> Millis {
    Millis(i64::from(ms))
}

fn span(text: &str) -> Option<u32> {
    u32::try_from(text.parse::<Millis>().ok()?.0).ok()
}

fn offset(text: &str) -> Option<i32> {
    match text.strip_prefix('-') {
        Some(behind) => Some(-i32::try_from(span(behind)?).ok()?),
        None => i32::try_from(span(text)?).ok(),
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn percent(text: &str) -> Option<f64> {
    number(text.strip_suffix('%')?)
}

fn partition(text: &str) -> Option<u32> {
    text.strip_prefix('p')?.parse().ok()
}

fn within(fault: &str, found_ms: u32, most_ms: u32) -> Result<(), FaultError> {
    if found_ms <= most_ms {
        return Ok(());
    }
    Err(FaultError::new(fault, format!("{} is too long; at most {} would fit", ms(found_ms), ms(most_ms))))
}

fn share(fault: &str, percent: f64) -> Result<(), FaultError> {
    bounded(fault, percent, 0.0..=100.0, "%")
}

fn bounded(fault: &str, found: f64, fits: RangeInclusive<f64>, unit: &str) -> Result<(), FaultError> {
    if fits.contains(&found) {
        return Ok(());
    }
    let (least, most) = fits.into_inner();
    let message = format!("{found}{unit} is out of bounds; {least}{unit} to {most}{unit} would fit");
    Err(FaultError::new(fault, message))
}
