//! One line that a side answers: a window's result, or an event that was late.
//!
//! **Invariant:** [`Answer::read`] gives back what was printed, to the last bit. This is the form of the golden
//! files and of what the program that asks Flink writes:
//!
//! ```text
//!   k0 -5000 0 3 13.25 -1.5 12.125 4.416666666666667        key, start, end, count, sum, min, max, avg
//!   k0 -5000 0 3 13.25 -1.5 12.125 4.416666666666667 1499   and the watermark, where the side shows it
//!   late k0 -3200 12.125                                    key, event time, measure
//! ```

use std::fmt;

use anyhow::{Context, Result, bail};

/// What a side answers, one line each.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A window gave a result for a key.
    Result {
        /// The key.
        key: String,
        /// First millisecond of the window.
        start: i64,
        /// One past its last millisecond.
        end: i64,
        /// Count, sum, min, max, avg.
        values: [f64; 5],
        /// The watermark at which it was given. SQL does not show it.
        watermark: Option<i64>,
    },
    /// An event went to the side output.
    Late {
        /// The key.
        key: String,
        /// Its event time.
        time: i64,
        /// Its measure.
        value: f64,
    },
}

impl Answer {
    /// Reads a line as [`Display`](fmt::Display) prints it.
    ///
    /// # Errors
    /// When the line has another form.
    pub fn read(line: &str) -> Result<Self> {
        Self::of_words(line).with_context(|| format!("not an answer: `{line}`"))
    }

    fn of_words(line: &str) -> Result<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        Ok(match words[..] {
            ["late", key, time, value] => {
                Self::Late { key: key.to_owned(), time: time.parse()?, value: value.parse()? }
            }
            [key, start, end, count, sum, min, max, avg, ref watermark @ ..] if watermark.len() < 2 => {
                let mut values = [0.0; 5];
                for (value, word) in values.iter_mut().zip([count, sum, min, max, avg]) {
                    *value = word.parse()?;
                }
                let watermark = watermark.first().map(|word| word.parse()).transpose()?;
                Self::Result {
                    key: key.to_owned(),
                    start: start.parse()?,
                    end: end.parse()?,
                    values,
                    watermark,
                }
            }
            _ => bail!("{} words", words.len()),
        })
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late { key, time, value } => write!(f, "late {key} {time} {value}"),
            Self::Result { key, start, end, values, watermark } => {
                write!(f, "{key} {start} {end}")?;
                values.iter().try_for_each(|value| write!(f, " {value}"))?;
                watermark.map_or(Ok(()), |watermark| write!(f, " {watermark}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_back() {
        let lines = [
            "k0 -5000 0 3 13.25 -1.5 12.125 4.416666666666667",
            "k0 -5000 0 3 13.25 -1.5 12.125 4.416666666666667 9223372036854775807",
            "k1 0 700 1 0 0 0 -0",
            "late k0 -3200 12.125",
        ];
        for line in lines {
            assert_eq!(Answer::read(line).unwrap().to_string(), line);
        }
    }

    #[test]
    fn other_lines_are_refused() {
        for line in ["", "late k0 1", "k0 0 700 1 2 3 4", "k0 0 700 1 2 3 4 5 6 7", "k0 0 x 1 2 3 4 5"] {
            let error = Answer::read(line).unwrap_err().to_string();
            assert!(error.contains(&format!("`{line}`")), "{error}");
        }
    }
}
