//! Parquet in the worker: the module that reads it, loaded when the first such file comes, and a file's way
//! into the session.
//!
//! **Invariant:** the module has a memory of its own, so a file that makes it stop leaves the engine as it
//! was. What stands in a batch is copied once, from its memory to the engine's.

use crate::columns;
use crate::js::words;
use js_sys::{Array, Function, Reflect};
use kappascope_ingest::Batch;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{File, FileReaderSync};

/// What every Parquet file begins with.
const MAGIC: &str = "PAR1";

/// Beside the worker's own script. A dynamic import is syntax, so it takes a line of JavaScript.
#[wasm_bindgen(inline_js = "export const load_parquet = () => import(new URL('parquet.js', self.location));")]
extern "C" {
    #[wasm_bindgen(catch)]
    async fn load_parquet() -> Result<JsValue, JsValue>;
}

#[wasm_bindgen]
extern "C" {
    /// See `src/bin/parquet.rs`.
    type ParquetFile;

    #[wasm_bindgen(method)]
    fn columns(this: &ParquetFile) -> Vec<String>;

    #[wasm_bindgen(method)]
    fn readable(this: &ParquetFile) -> Vec<usize>;

    #[wasm_bindgen(method)]
    fn rows(this: &ParquetFile) -> f64;

    #[wasm_bindgen(method, catch)]
    fn choose(this: &ParquetFile, wanted: Vec<usize>) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    fn next_batch(this: &ParquetFile) -> Result<Option<Array>, JsValue>;

    #[wasm_bindgen(method)]
    fn free(this: &ParquetFile);
}

/// An open Parquet file.
pub(super) struct Parquet {
    file: ParquetFile,
    /// The names of all its columns.
    pub(super) columns: Vec<String>,
    /// How many rows its index says there are.
    pub(super) rows: f64,
}

impl Parquet {
    /// Whether a file is Parquet, by its first bytes.
    pub(super) fn is(file: &File) -> bool {
        let start = file.slice_with_i32_and_i32(0, MAGIC.len() as i32);
        let reader = FileReaderSync::new();
        let (Ok(start), Ok(reader)) = (start, reader) else { return false };
        reader.read_as_text(&start).is_ok_and(|start| start == MAGIC)
    }

    /// Reads the index of a file.
    pub(super) async fn open(file: &File) -> Result<Self, String> {
        let module = load_parquet().await.map_err(|error| unloaded(&error))?;
        let start: Function = member(&module, "default")?;
        let started = start.call0(&JsValue::UNDEFINED).map_err(|error| unloaded(&error))?;
        JsFuture::from(js_sys::Promise::resolve(&started)).await.map_err(|error| unloaded(&error))?;
        let class: Function = member(&module, "ParquetFile")?;
        let file: ParquetFile =
            Reflect::construct(&class, &Array::of1(file)).map_err(|error| words(&error))?.unchecked_into();
        Ok(Self { columns: file.columns(), rows: file.rows(), file })
    }

    /// The numbers of the columns that can be read.
    pub(super) fn readable(&self) -> Vec<usize> {
        self.file.readable()
    }

    /// Goes to the first row, to read these columns.
    pub(super) fn choose(&self, wanted: &[usize]) -> Result<(), String> {
        self.file.choose(wanted.to_vec()).map_err(|error| words(&error))
    }

    /// The next rows; none behind the last.
    pub(super) fn next(&self) -> Result<Option<Batch>, String> {
        let Some(message) = self.file.next_batch().map_err(|error| stopped(&error))? else { return Ok(None) };
        match columns::from_js(&message) {
            Some(batch) => Ok(Some(batch)),
            None => Err("the Parquet module gave something else than rows; reload the page".to_owned()),
        }
    }
}

impl Drop for Parquet {
    fn drop(&mut self) {
        self.file.free();
    }
}

fn member(module: &JsValue, name: &str) -> Result<Function, String> {
    let member = Reflect::get(module, &name.into()).map_err(|error| words(&error))?;
    member.dyn_into().map_err(|_| format!("the Parquet module has no `{name}`; reload the page"))
}

fn unloaded(error: &JsValue) -> String {
    format!("the module that reads Parquet could not be loaded ({}); reload the page", words(error))
}

/// A damaged file is told by the module; a page that contradicts itself stops it.
fn stopped(error: &JsValue) -> String {
    let said = words(error);
    if error.is_instance_of::<js_sys::WebAssembly::RuntimeError>() {
        return format!("the file contradicts itself ({said}); it is damaged, write it anew");
    }
    said
}
