//! A batch on its way from the memory of the Parquet module to that of the engine: typed arrays.
//!
//! **Invariant:** this file owns the form, and what is read is what was written, to the bit.
//!
//! ```text
//!   [rows, [kind, nulls, cells, …], …]      "text": [kind, nulls, ids, text, ends]
//! ```

use js_sys::{Array, BigInt64Array, Float64Array, Int32Array, Uint8Array, Uint32Array};
use kappascope_ingest::{Batch, Cells, Column, Names};
use wasm_bindgen::prelude::*;

/// A batch as JavaScript holds it.
#[must_use]
pub fn to_js(batch: Batch) -> Array {
    let message = Array::of1(&JsValue::from_f64(batch.rows as f64));
    for column in batch.columns {
        message.push(&column_to_js(column));
    }
    message
}

/// The batch that [`to_js`] wrote; none if it was something else.
#[must_use]
pub fn from_js(message: &Array) -> Option<Batch> {
    let rows = message.get(0).as_f64()? as usize;
    let columns = (1..message.length()).map(|at| column_from_js(message.get(at).dyn_ref()?));
    Some(Batch { rows, columns: columns.collect::<Option<_>>()? })
}

fn column_to_js(column: Column) -> Array {
    let nulls: Vec<u8> = column.nulls.into_iter().map(u8::from).collect();
    let nulls = Uint8Array::from(nulls.as_slice());
    let of = |kind: &str, cells: &JsValue| Array::of3(&kind.into(), &nulls, cells);
    match column.cells {
        Cells::Text { ids, names } => {
            let (text, ends) = names.into_parts();
            let column = of("text", &Uint32Array::from(ids.as_slice()));
            column.push(&Uint8Array::from(text.as_bytes()));
            column.push(&Uint32Array::from(ends.as_slice()));
            column
        }
        Cells::Integer(cells) => of("integer", &BigInt64Array::from(cells.as_slice())),
        Cells::Number(cells) => of("number", &Float64Array::from(cells.as_slice())),
        Cells::Time(cells) => of("time", &BigInt64Array::from(cells.as_slice())),
        Cells::Date(cells) => of("date", &Int32Array::from(cells.as_slice())),
    }
}

fn column_from_js(column: &Array) -> Option<Column> {
    let nulls: Uint8Array = column.get(1).dyn_into().ok()?;
    let nulls = nulls.to_vec().into_iter().map(|null| null != 0).collect();
    let cells = column.get(2);
    let cells = match column.get(0).as_string()?.as_str() {
        "text" => {
            let (text, ends) = (column.get(3).dyn_into::<Uint8Array>().ok()?, column.get(4));
            let ends = ends.dyn_into::<Uint32Array>().ok()?.to_vec();
            let names = Names::from_parts(String::from_utf8(text.to_vec()).ok()?, ends)?;
            Cells::Text { ids: cells.dyn_into::<Uint32Array>().ok()?.to_vec(), names }
        }
        "integer" => Cells::Integer(cells.dyn_into::<BigInt64Array>().ok()?.to_vec()),
        "number" => Cells::Number(cells.dyn_into::<Float64Array>().ok()?.to_vec()),
        "time" => Cells::Time(cells.dyn_into::<BigInt64Array>().ok()?.to_vec()),
        "date" => Cells::Date(cells.dyn_into::<Int32Array>().ok()?.to_vec()),
        _ => return None,
    };
    Some(Column { cells, nulls })
}
