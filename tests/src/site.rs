//! The built site, served from a sub-path of a loopback port: it has to work from any.

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tower_http::services::ServeDir;

/// A site that is served as long as this lives.
pub struct Site {
    /// Where it is.
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
    server: tokio::task::JoinHandle<()>,
}

impl Site {
    pub(crate) async fn serve(dist: &Path) -> Result<Self> {
        let index = dist.join("index.html");
        anyhow::ensure!(
            index.is_file(),
            "{} is not there; `cargo xtask dist` builds the site",
            index.display()
        );
        let listener =
            tokio::net::TcpListener::bind("127.0.0.1:0").await.context("binding a loopback port")?;
        let url = format!("http://{}/some/where/", listener.local_addr()?);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&asked);
        let note = from_fn(move |request: Request, next: Next| {
            let path = request.uri().path().to_owned();
            list.lock().unwrap_or_else(PoisonError::into_inner).push(path);
            next.run(request)
        });
        let router = Router::new().nest_service("/some/where", ServeDir::new(dist)).layer(note);
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                eprintln!("the site's server ended: {error}");
            }
        });
        Ok(Self { url, asked, server })
    }

    /// The paths that have been asked for with `part` in them, in order.
    #[must_use]
    pub fn requests(&self, part: &str) -> Vec<String> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().filter(|path| path.contains(part)).cloned().collect()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}
