//! Files as the browser gives them: a file of the user's, or one that comes with the page.
//!
//! **Invariant:** an input can be opened any number of times, and each stream begins at the first byte.

use super::Host;
use super::files::{Form, Piece};
use super::parquet::Parquet;
use crate::js::words;
use js_sys::{Reflect, Uint8Array};
use kappascope_ingest::HEAD_BYTES;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{File, ReadableStreamDefaultReader, Response};

/// A file that can be read from its start.
#[derive(Clone)]
pub(super) struct Input {
    from: From,
    /// Its size in bytes; 0 when that is not known.
    bytes: f64,
    form: Rc<Form>,
    /// How much of it there is to read; 0 when that is not known.
    size: Size,
}

/// How much of a file: bytes of text, rows of columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Size {
    Bytes(f64),
    Rows(f64),
}

impl Size {
    /// The number.
    pub(super) fn number(self) -> f64 {
        match self {
            Self::Bytes(number) | Self::Rows(number) => number,
        }
    }
}

#[derive(Clone)]
enum From {
    File(File),
    /// A file of the page's own site, by its path.
    Site(String),
}

impl Input {
    /// A file of the user's.
    pub(super) async fn of_file(host: &Host, file: File) -> Result<Self, String> {
        if !Parquet::is(&file) {
            return Self::of_text(host, From::File(file)).await;
        }
        let parquet = Parquet::open(&file).await?;
        let form = Form::Columns { names: parquet.columns.clone(), readable: parquet.readable() };
        let (bytes, size) = (file.size(), Size::Rows(parquet.rows));
        Ok(Self { from: From::File(file), bytes, form: Rc::new(form), size })
    }

    /// A file of the page's own site.
    pub(super) async fn of_site(host: &Host, path: &str) -> Result<Self, String> {
        Self::of_text(host, From::Site(path.to_owned())).await
    }

    async fn of_text(host: &Host, from: From) -> Result<Self, String> {
        let (mut stream, bytes) = from.stream(host).await?;
        let mut head = Vec::new();
        while head.len() < HEAD_BYTES
            && let Some(mut chunk) = stream.next().await?
        {
            head.append(&mut chunk);
        }
        head.truncate(HEAD_BYTES);
        Ok(Self { from, bytes, form: Rc::new(Form::Text { head }), size: Size::Bytes(bytes) })
    }

    /// Its size in bytes; 0 when that is not known.
    pub(super) fn bytes(&self) -> f64 {
        self.bytes
    }

    /// How much of it there is to read; 0 when that is not known.
    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// What is known of it before it is read.
    pub(super) fn form(&self) -> &Form {
        &self.form
    }

    /// What a message calls it.
    pub(super) fn name(&self) -> String {
        match &self.from {
            From::File(file) => file.name(),
            From::Site(path) => path.clone(),
        }
    }

    /// Its pieces from the first on: batches have these columns, or all that can be read.
    pub(super) async fn open(&self, host: &Host, wanted: Option<&[usize]>) -> Result<Stream, String> {
        let pieces = match (&*self.form, &self.from) {
            (Form::Columns { readable, .. }, From::File(file)) => {
                let parquet = Parquet::open(file).await?;
                parquet.choose(wanted.unwrap_or(readable))?;
                Pieces::Batches(parquet)
            }
            _ => Pieces::Bytes(self.from.stream(host).await?.0),
        };
        Ok(Stream { pieces, read: 0.0 })
    }
}

impl From {
    /// Its bytes from the first on, and how many there are; 0 when that is not known.
    async fn stream(&self, host: &Host) -> Result<(Bytes, f64), String> {
        let (stream, total) = match self {
            Self::File(file) => (file.stream(), file.size()),
            Self::Site(path) => {
                let response = fetch(host, path).await?;
                let total = response.headers().get("content-length").ok().flatten();
                let stream = response.body().ok_or_else(|| format!("{path} came without content."))?;
                (stream, total.and_then(|bytes| bytes.parse().ok()).unwrap_or(0.0))
            }
        };
        Ok((Bytes { reader: stream.get_reader().unchecked_into(), read: 0.0 }, total))
    }
}

/// A file, piece by piece.
pub(super) struct Stream {
    pieces: Pieces,
    read: f64,
}

enum Pieces {
    Bytes(Bytes),
    Batches(Parquet),
}

impl Stream {
    /// How much was given so far: bytes or rows.
    pub(super) fn read(&self) -> f64 {
        self.read
    }

    /// The next piece; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Piece>, String> {
        let piece = match &mut self.pieces {
            Pieces::Bytes(bytes) => bytes.next().await?.map(Piece::Bytes),
            Pieces::Batches(parquet) => parquet.next()?.map(Piece::Batch),
        };
        self.read += piece.as_ref().map_or(0.0, Piece::size);
        Ok(piece)
    }
}

/// The bytes of a file, as the browser brings them.
struct Bytes {
    reader: ReadableStreamDefaultReader,
    read: f64,
}

impl Bytes {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        let unreadable = |error: &JsValue| {
            format!(
                "it cannot be read after {} bytes ({}); if it has changed or moved since, choose it again",
                self.read,
                words(error)
            )
        };
        let result = JsFuture::from(self.reader.read()).await.map_err(|error| unreadable(&error))?;
        if Reflect::get(&result, &"done".into()).is_ok_and(|done| done.is_truthy()) {
            return Ok(None);
        }
        let value = Reflect::get(&result, &"value".into()).map_err(|error| unreadable(&error))?;
        let bytes: Uint8Array =
            value.dyn_into().map_err(|_| "the browser gave something else than bytes".to_owned())?;
        self.read += f64::from(bytes.length());
        Ok(Some(bytes.to_vec()))
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        // The browser need read no further. A stream that broke says so again, and nobody has to hear it.
        let over = JsFuture::from(self.reader.cancel());
        spawn_local(async move { drop(over.await) });
    }
}

/// The text of a file of the page's own site.
pub(super) async fn text(host: &Host, path: &str) -> Result<String, String> {
    let text = fetch(host, path).await?.text().map_err(|error| words(&error))?;
    Ok(JsFuture::from(text).await.map_err(|error| words(&error))?.as_string().unwrap_or_default())
}

/// A file of the page's own site; nothing else can be reached.
async fn fetch(host: &Host, path: &str) -> Result<Response, String> {
    let response: Response = JsFuture::from(host.scope.fetch_with_str(path))
        .await
        .map_err(|error| words(&error))?
        .unchecked_into();
    if response.ok() {
        Ok(response)
    } else {
        Err(format!("{path} is missing from this site (status {}).", response.status()))
    }
}
