//! The built site, served from a sub-path of a loopback port: it has to work from any.

use anyhow::{Context as _, Result};
use axum::Router;
use std::path::Path;
use tower_http::services::ServeDir;

/// A site that is served as long as this lives.
pub struct Site {
    /// Where it is.
    pub url: String,
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
        let router = Router::new().nest_service("/some/where", ServeDir::new(dist));
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                eprintln!("the site's server ended: {error}");
            }
        });
        Ok(Self { url, server })
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}
