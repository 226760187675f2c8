//! Records of the input become rows, by the rules of the file readers.

use crate::failure::Stop;
use kappascope_core::spec::Schema;
use kappascope_delivery::{Decode, Record, Rejection, Row};
use kappascope_ingest::{Single, SingleForm, SingleRow, Unfit};
use kappascope_kafka::{Address, Form};

/// Of CSV records; a record has no first line to look at.
const SEPARATOR: u8 = b',';

pub(crate) struct Decoder {
    single: Single,
    row: SingleRow,
}

impl Decoder {
    pub(crate) fn new(schema: &Schema, input: &Address) -> Result<Self, Stop> {
        let form = match &input.form {
            Form::Json => SingleForm::Json,
            Form::Csv(columns) => SingleForm::Csv { columns: columns.clone(), separator: SEPARATOR },
        };
        let single = Single::new(schema, &form).map_err(|error| Stop::Usage(format!("{input}: {error}")))?;
        Ok(Self { single, row: SingleRow::default() })
    }
}

impl Decode for Decoder {
    fn decode(&mut self, record: Record<'_>, row: &mut Row) -> Result<(), Rejection> {
        // What the row holds is lent, so that nothing is allocated for a record.
        std::mem::swap(&mut self.row.keys, &mut row.keys);
        std::mem::swap(&mut self.row.measures, &mut row.measures);
        let read = self.single.read(record.payload, &mut self.row);
        std::mem::swap(&mut self.row.keys, &mut row.keys);
        std::mem::swap(&mut self.row.measures, &mut row.measures);
        (row.time, row.arrival) = (self.row.time, self.row.arrival);
        read.map_err(|Unfit { column, reason }| Rejection { column, reason })
    }
}
