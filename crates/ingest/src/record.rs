//! A record, whatever it was cut from, and who gets it.

use crate::error::IngestError;
use crate::place::Place;

/// A record whose cells can be asked for by the number of the wanted column.
pub(crate) trait Record {
    /// The cell as text, or why there is none.
    fn cell(&self, column: usize) -> Result<&[u8], String>;
}

/// Who gets the records.
pub(crate) trait Take {
    /// A record, and where it begins. An error ends the reading.
    fn record(&mut self, place: Place, record: &impl Record) -> Result<(), IngestError>;

    /// A record that cannot be told into cells, and why.
    fn broken(&mut self, place: Place, reason: String) -> Result<(), IngestError>;
}
