//! The built site, served from a sub-path of a loopback port: it has to work from any.

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Runtime;
use tower_http::services::ServeDir;

/// A site that is served as long as this lives, or until it is stopped.
pub struct Site {
    /// Where it is.
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
    // One of its own, which takes the open connections with it when it ends.
    server: Mutex<Option<Runtime>>,
}

impl Site {
    /// Serves a folder at a path, which begins and ends with `/`.
    pub(crate) fn serve(dist: &Path, path: &str) -> Result<Self> {
        let index = dist.join("index.html");
        anyhow::ensure!(
            index.is_file(),
            "{} is not there; `cargo xtask dist` builds the site",
            index.display()
        );
        let listener = std::net::TcpListener::bind("127.0.0.1:0").context("binding a loopback port")?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}{path}", listener.local_addr()?);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&asked);
        let note = from_fn(move |request: Request, next: Next| {
            let path = request.uri().path().to_owned();
            list.lock().unwrap_or_else(PoisonError::into_inner).push(path);
            next.run(request)
        });
        let files = ServeDir::new(dist);
        let router = match path.trim_end_matches('/') {
            "" => Router::new().fallback_service(files),
            path => Router::new().nest_service(path, files),
        };
        let server = Runtime::new()?;
        server.spawn(async move {
            let served =
                async { axum::serve(tokio::net::TcpListener::from_std(listener)?, router.layer(note)).await };
            if let Err(error) = served.await {
                eprintln!("the site's server ended: {error}");
            }
        });
        Ok(Self { url, asked, server: Mutex::new(Some(server)) })
    }

    /// Lets nobody reach the site any more.
    pub(crate) fn stop(&self) {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(server) = server {
            server.shutdown_background();
        }
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
        self.stop();
    }
}
