//! Serves the page, the results of a running pipeline as they come, and its metrics.
//!
//! | path | gives |
//! |---|---|
//! | `/` | the page |
//! | `/feed` | results over WebSocket, as JSON lines: see [`Feed`] |
//! | `/metrics` | counters and gauges for Prometheus: see [`Metrics`] |
//! | `/healthz` | 200 as long as the program answers |
//! | `/readyz` | 200 once the pipeline reads its source, 503 before |
//!
//! **Invariant:** whoever is not let in by [`Guard`] learns from `/healthz` and `/readyz` that something runs, and
//! nothing else, not even which paths there are; and nothing that a client does holds up the pipeline or takes more
//! memory than the bounds named in this crate.
//!
//! ```no_run
//! # async fn serve() -> Result<(), kappascope_serve::ServeError> {
//! use kappascope_serve::{Guard, Server, Site, Status};
//!
//! let listen = "127.0.0.1:8080".parse().expect("an address");
//! let server = Server::bind(listen, Guard::new(listen, None, Vec::new())?).await?;
//! server.run(Site::embedded(), Status::default(), std::future::pending()).await;
//! # Ok(())
//! # }
//! ```

mod connection;
mod feed;
mod guard;
mod metrics;
mod routes;
mod site;

pub use feed::{Feed, MESSAGE_BYTES, MESSAGES_KEPT, RECENT_BYTES};
pub use guard::{Guard, Secret};
pub use metrics::{Delivery, Metrics, Partition, Reading};
pub use routes::Status;
pub use site::{File, Site};

use connection::Connections;
use std::future::Future;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("{0} cannot be listened on: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// Others than this machine could reach it, and nothing would keep them out.
    #[error("{0} can be reached from other machines and needs a token; 127.0.0.1 needs none")]
    Open(SocketAddr),
    /// The token is too short to keep anybody out.
    #[error("the token has {0} bytes; at least {least} would keep people out", least = guard::LEAST_TOKEN_BYTES)]
    ShortToken(usize),
    /// The token would not pass through an address or a cookie unchanged.
    #[error("the token has other characters than letters, digits and -_.~")]
    OddToken,
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    guard: Guard,
}

impl Server {
    /// Listens on an address; on port 0, on one that is free.
    pub async fn bind(listen: SocketAddr, guard: Guard) -> Result<Self, ServeError> {
        let failed = |error| ServeError::Listen(listen, error);
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, guard })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is told to stop; then answers what was asked, for a few seconds at most.
    pub async fn run(self, site: Site, status: Status, stop: impl Future<Output = ()>) {
        let routes = routes::routes(site, status, self.guard);
        Connections::new(routes).accept(self.listener, stop).await;
    }
}
