//! Connections, and how many there may be.
//!
//! **Invariant:** a connection takes bounded memory, and one that asks nothing ends by itself.

use crate::routes::Routes;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

/// Connections at once; the others wait to be taken.
const MOST_CONNECTIONS: usize = 256;

/// Bytes of a request's line and headers.
const MOST_HEAD_BYTES: usize = 16 << 10;

/// How long a client may take to say what it wants.
const HEAD_WITHIN: Duration = Duration::from_secs(15);

/// How long answers that were begun may take when the server ends.
const GRACE: Duration = Duration::from_secs(3);

/// A failed `accept`, for want of file descriptors, would fail again at once.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

pub(crate) struct Connections {
    routes: Routes,
    room: Arc<Semaphore>,
}

impl Connections {
    pub(crate) fn new(routes: Routes) -> Self {
        Self { routes, room: Arc::new(Semaphore::new(MOST_CONNECTIONS)) }
    }

    /// Serves whoever comes, until it is told to stop.
    pub(crate) async fn accept(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                accepted = self.next(&listener) => match accepted {
                    Some((stream, place)) => self.serve(stream, place),
                    None => sleep(AFTER_FAILURE).await,
                },
            }
        }
        drop(listener);
        // Nobody may be listening.
        let _ = self.routes.stop.send(true);
        let all = u32::try_from(MOST_CONNECTIONS).unwrap_or(u32::MAX);
        let _ = timeout(GRACE, self.room.acquire_many(all)).await;
    }

    async fn next(&self, listener: &TcpListener) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        let place = Arc::clone(&self.room).acquire_owned().await.ok()?;
        let (stream, _) = listener.accept().await.ok()?;
        Some((stream, place))
    }

    fn serve(&self, stream: TcpStream, place: OwnedSemaphorePermit) {
        let service = TowerToHyperService::new(self.routes.router.clone());
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .max_buf_size(MOST_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut stop = self.routes.stop.subscribe();
        tokio::spawn(async move {
            let mut connection = pin!(connection);
            let done = tokio::select! {
                _ = &mut connection => true,
                () = told(&mut stop) => false,
            };
            if !done {
                connection.as_mut().graceful_shutdown();
                // A client that breaks off is its own affair.
                let _ = connection.await;
            }
            drop(place);
        });
    }
}

/// Waits until the server is to stop.
async fn told(stop: &mut watch::Receiver<bool>) {
    // Fails only when the server has gone already.
    let _ = stop.wait_for(|stop| *stop).await;
}
