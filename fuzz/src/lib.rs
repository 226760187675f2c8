//! What every target checks of a file: no panic, no record lost, and that the cut into pieces does not show.

use kappascope_core::spec::Schema;
use kappascope_core::{Log, Spec};
use kappascope_ingest::{HEAD_BYTES, IngestError, Reader, Rejected};

/// All that reading a file gives.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    /// Time, keys and bits of the measures of each row.
    pub rows: Vec<(i64, Vec<String>, Vec<u64>)>,
    pub rejected: Vec<Rejected>,
    pub error: Option<IngestError>,
}

impl Outcome {
    /// How many records there were.
    pub fn records(&self) -> usize {
        self.rows.len() + self.rejected.len()
    }
}

/// Reads a file whole and in pieces of the given length, which must give the same.
pub fn read(schema: &Schema, file: &[u8], piece: usize) -> Outcome {
    let whole = read_pieces(schema, file, std::iter::once(file));
    let pieces = read_pieces(schema, file, file.chunks(piece.max(1)));
    assert_eq!(whole, pieces, "the cut into pieces of {piece} bytes shows");
    whole
}

/// Reads a file in the given pieces.
pub fn read_pieces<'a>(schema: &Schema, file: &[u8], pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let (mut log, mut rejected) = (Log::new(schema), Vec::new());
    let head = &file[..file.len().min(HEAD_BYTES)];
    let done = Reader::new(schema, head).and_then(|mut reader| {
        let mut pieces = pieces;
        let pushed = pieces.try_for_each(|piece| reader.push(piece, &mut log, &mut rejected));
        let done = pushed.and_then(|()| reader.finish(&mut log, &mut rejected));
        assert_eq!((reader.rows(), reader.rejected()), (log.end(), rejected.len() as u64));
        done
    });
    let (keys, measures) = (schema.keys.len(), schema.measures.len());
    let block = log.read(0, usize::MAX);
    let row = |row: usize| {
        let name = |key| block.dictionary(key).name(block.key(key)[row]).to_owned();
        let bits = |measure| block.measure(measure)[row].to_bits();
        (block.time()[row], (0..keys).map(name).collect(), (0..measures).map(bits).collect())
    };
    Outcome { rows: (0..block.len()).map(row).collect(), rejected, error: done.err() }
}

/// The schema of a pipeline, as the pipeline file writes it. A target makes its own once: to read TOML takes
/// longer than to read the file.
pub fn schema(schema: &str) -> Schema {
    let text = format!(
        "name = 't'\nversion = 1\nschema = {{ {schema} }}\n\
         [[query]]\nname = 'q'\nwindow = {{ tumbling = '1m' }}\naggregates = ['count()']"
    );
    Spec::from_toml(&text).expect("a pipeline that runs").schema
}

/// Lines that are not blank.
pub fn lines(text: &[u8]) -> usize {
    text.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count()
}
