//! Numbers as a person writes them, for messages and reports.

/// A number with at most four digits behind the point, or with an exponent.
///
/// ```
/// use kappascope_core::words::number;
/// assert_eq!([-22.0, 0.1 + 0.2, 1.0e-9, 6.02e23].map(number), ["-22", "0.3", "1e-9", "6.02e23"]);
/// assert_eq!(number(-0.0), "0");
/// ```
#[must_use]
pub fn number(n: f64) -> String {
    let size = n.abs();
    if n == 0.0 || (1e-3..1e12).contains(&size) {
        // Both zeros are one number.
        let text = format!("{:.4}", n + 0.0);
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    // Rounded to five digits, of which none is written that says nothing.
    format!("{:e}", format!("{n:.4e}").parse().unwrap_or(n))
}
