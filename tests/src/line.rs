//! The line between a server and a browser, which can be slow or cut.

use anyhow::Result;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What is carried at a time: a slow line brings it in small pieces, as a slow network does.
const PIECE_BYTES: usize = 16 << 10;

/// A line to a server, as long as this lives.
pub struct Line {
    /// Its near end, such as `http://127.0.0.1:1234`.
    pub url: String,
    /// Bytes a second towards the browser.
    speed: Arc<AtomicU64>,
    whole: watch::Sender<bool>,
}

impl Line {
    /// A line to the server at an address.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn to(server: &str) -> Result<Self> {
        let server: SocketAddr = server.parse()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (whole, state) = watch::channel(true);
        let speed = Arc::new(AtomicU64::new(u64::MAX));
        let carried = Arc::clone(&speed);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (mut state, speed) = (state.clone(), Arc::clone(&carried));
                tokio::spawn(async move {
                    if *state.borrow_and_update() {
                        tokio::select! {
                            _ = carry(near, server, &speed) => {}
                            _ = state.wait_for(|whole| !whole) => {}
                        }
                    }
                });
            }
        });
        Ok(Self { url, speed, whole })
    }

    /// Carries so many bytes a second to the browser from now on.
    pub fn slow_down_to(&self, bytes_per_second: u64) {
        self.speed.store(bytes_per_second, Ordering::Relaxed);
    }

    /// Carries as fast as it can.
    pub fn speed_up(&self) {
        self.slow_down_to(u64::MAX);
    }

    /// Cuts all connections and lets no other come.
    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    /// Lets connections come again.
    pub fn mend(&self) {
        self.whole.send_replace(true);
    }
}

async fn carry(near: TcpStream, server: SocketAddr, speed: &AtomicU64) -> Result<()> {
    let far = TcpStream::connect(server).await?;
    let (mut from_near, mut to_near) = near.into_split();
    let (mut from_far, mut to_far) = far.into_split();
    let up = async { tokio::io::copy(&mut from_near, &mut to_far).await.map(drop) };
    let down = async {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let bytes = from_far.read(&mut piece).await?;
            if bytes == 0 {
                return to_near.shutdown().await;
            }
            let seconds = bytes as f64 / speed.load(Ordering::Relaxed) as f64;
            tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
            to_near.write_all(&piece[..bytes]).await?;
        }
    };
    tokio::try_join!(up, down)?;
    Ok(())
}
