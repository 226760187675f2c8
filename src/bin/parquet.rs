//! The module that reads Parquet. The worker loads it when the first Parquet file comes, so that those who
//! have none do not wait for it: see `kappascope_page::worker`.

use js_sys::{Array, Uint8Array};
use kappascope_page::columns;
use kappascope_page::js::words;
use kappascope_parquet::{Batches, Parquet, Source};
use send_wrapper::SendWrapper;
use wasm_bindgen::prelude::*;
use web_sys::{File, FileReaderSync};

fn main() {
    console_error_panic_hook::set_once();
}

/// A Parquet file that a person chose.
#[wasm_bindgen]
pub struct ParquetFile {
    file: Parquet,
    batches: Option<Batches>,
}

#[wasm_bindgen]
impl ParquetFile {
    /// Reads the index of the file.
    #[wasm_bindgen(constructor)]
    pub fn new(file: File) -> Result<ParquetFile, JsError> {
        let file = Parquet::open(Disk::new(file)?)?;
        Ok(Self { file, batches: None })
    }

    /// The names of all columns.
    pub fn columns(&self) -> Vec<String> {
        self.file.columns().to_vec()
    }

    /// The numbers of those that can be read.
    pub fn readable(&self) -> Vec<usize> {
        self.file.readable()
    }

    /// How many rows the index says there are.
    pub fn rows(&self) -> f64 {
        self.file.rows() as f64
    }

    /// Goes to the first row, to read these columns.
    pub fn choose(&mut self, wanted: Vec<usize>) -> Result<(), JsError> {
        self.batches = Some(self.file.batches(&wanted)?);
        Ok(())
    }

    /// The next rows, as `kappascope_page::columns` has them; nothing behind the last.
    pub fn next_batch(&mut self) -> Result<Option<Array>, JsError> {
        let Some(batches) = &mut self.batches else { return Ok(None) };
        Ok(batches.next_batch()?.map(columns::to_js))
    }
}

/// A file that the browser reads piece by piece. Both stay in this thread: a worker has one only.
struct Disk {
    file: SendWrapper<(File, FileReaderSync)>,
    bytes: u64,
}

impl Disk {
    fn new(file: File) -> Result<Self, JsError> {
        let reader = FileReaderSync::new().map_err(|error| JsError::new(&words(&error)))?;
        let bytes = file.size() as u64;
        Ok(Self { file: SendWrapper::new((file, reader)), bytes })
    }

    fn slice(&self, start: u64, bytes: usize) -> Result<Uint8Array, JsValue> {
        let (file, reader) = &*self.file;
        let end = start as f64 + bytes as f64;
        let slice = file.slice_with_f64_and_f64(start as f64, end)?;
        Ok(Uint8Array::new(&reader.read_as_array_buffer(&slice)?.into()))
    }
}

impl Source for Disk {
    fn len(&self) -> u64 {
        self.bytes
    }

    fn read(&self, start: u64, out: &mut [u8]) -> Result<(), String> {
        let bytes = self.slice(start, out.len()).map_err(|error| {
            format!(
                "the browser cannot read it any more ({}); has it changed? Choose it again",
                words(&error)
            )
        })?;
        if bytes.length() as usize != out.len() {
            return Err("it is shorter than when it was opened; choose it again".to_owned());
        }
        bytes.copy_to(out);
        Ok(())
    }
}
