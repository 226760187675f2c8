//! Files as the browser gives them: a file of the user's, or one that comes with the page.
//!
//! **Invariant:** an input can be opened any number of times, and each stream begins at the first byte.

use super::Host;
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
    total: f64,
    /// Its first bytes, by which it is understood.
    head: Rc<Vec<u8>>,
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
        Self::of(host, From::File(file)).await
    }

    /// A file of the page's own site.
    pub(super) async fn of_site(host: &Host, path: &str) -> Result<Self, String> {
        Self::of(host, From::Site(path.to_owned())).await
    }

    async fn of(host: &Host, from: From) -> Result<Self, String> {
        let mut input = Self { from, total: 0.0, head: Rc::default() };
        let (mut stream, mut head) = (input.open(host).await?, Vec::new());
        input.total = stream.total;
        while head.len() < HEAD_BYTES
            && let Some(mut chunk) = stream.next().await?
        {
            head.append(&mut chunk);
        }
        head.truncate(HEAD_BYTES);
        input.head = Rc::new(head);
        Ok(input)
    }

    /// Its size in bytes; 0 when that is not known.
    pub(super) fn total(&self) -> f64 {
        self.total
    }

    /// Its first [`HEAD_BYTES`], or all of a shorter file.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// What a message calls it.
    pub(super) fn name(&self) -> String {
        match &self.from {
            From::File(file) => file.name(),
            From::Site(path) => path.clone(),
        }
    }

    /// Its bytes from the first on.
    pub(super) async fn open(&self, host: &Host) -> Result<Stream, String> {
        let (stream, total) = match &self.from {
            From::File(file) => (file.stream(), file.size()),
            From::Site(path) => {
                let response = fetch(host, path).await?;
                let total = response.headers().get("content-length").ok().flatten();
                let stream = response.body().ok_or_else(|| format!("{path} came without content."))?;
                (stream, total.and_then(|bytes| bytes.parse().ok()).unwrap_or(0.0))
            }
        };
        Ok(Stream { reader: stream.get_reader().unchecked_into(), total, read: 0.0 })
    }
}

/// The bytes of a file, piece by piece.
pub(super) struct Stream {
    reader: ReadableStreamDefaultReader,
    total: f64,
    read: f64,
}

impl Stream {
    /// Bytes given so far.
    pub(super) fn read(&self) -> f64 {
        self.read
    }

    /// The next bytes; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        let unreadable = |error: &JsValue| {
            format!(
                "it cannot be read after {} bytes ({}); if it has changed or moved since, choose it again",
                self.read,
                told(error)
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

impl Drop for Stream {
    fn drop(&mut self) {
        // The browser need read no further. A stream that broke says so again, and nobody has to hear it.
        let over = JsFuture::from(self.reader.cancel());
        spawn_local(async move { drop(over.await) });
    }
}

/// The text of a file of the page's own site.
pub(super) async fn text(host: &Host, path: &str) -> Result<String, String> {
    let text = fetch(host, path).await?.text().map_err(|error| told(&error))?;
    Ok(JsFuture::from(text).await.map_err(|error| told(&error))?.as_string().unwrap_or_default())
}

/// A file of the page's own site; nothing else can be reached.
async fn fetch(host: &Host, path: &str) -> Result<Response, String> {
    let response: Response =
        JsFuture::from(host.scope.fetch_with_str(path)).await.map_err(|error| told(&error))?.unchecked_into();
    if response.ok() {
        Ok(response)
    } else {
        Err(format!("{path} is missing from this site (status {}).", response.status()))
    }
}

fn told(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map_or_else(|| format!("{error:?}"), |error| String::from(error.message()))
}
