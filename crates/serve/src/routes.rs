//! What is answered where.

use crate::feed::{Feed, Heard};
use crate::guard::{Guard, TOKEN_COOKIE};
use crate::metrics::Metrics;
use crate::site::Site;
use axum::Router;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, REFERRER_POLICY,
    SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How many may listen to the feed at once.
const MOST_LISTENERS: usize = 64;

/// A listener says nothing of use; this much is read and thrown away.
const MOST_HEARD_BYTES: usize = 1 << 10;

/// How often a listener is asked whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(20);

/// How long a message may take to be taken: a listener that is stuck for longer has gone.
const SEND_WITHIN: Duration = Duration::from_secs(30);

/// What the page may do: talk to its own origin only, and be framed by it only.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; \
    connect-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'self'";

/// What is served beside the page. Cheap to clone; all clones are the same.
#[derive(Clone, Debug)]
pub struct Status {
    /// The results.
    pub feed: Feed,
    /// The counters.
    pub metrics: Metrics,
    is_ready: Arc<AtomicBool>,
    is_fed: Arc<AtomicBool>,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            feed: Feed::default(),
            metrics: Metrics::default(),
            is_ready: Arc::new(AtomicBool::new(true)),
            is_fed: Arc::default(),
        }
    }
}

impl Status {
    /// Says whether the pipeline has begun to read, which `/readyz` tells.
    pub fn set_ready(&self, is_ready: bool) {
        self.is_ready.store(is_ready, Ordering::Relaxed);
    }

    /// Says that a pipeline runs, or will: the page then listens to it.
    pub fn offer_feed(&self) {
        self.is_fed.store(true, Ordering::Relaxed);
    }
}

#[derive(Clone)]
pub(crate) struct Served {
    site: Site,
    status: Status,
    room: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
}

/// The answers to all requests, and what tells the listeners to go.
pub(crate) struct Routes {
    pub(crate) router: Router,
    pub(crate) stop: watch::Sender<bool>,
}

pub(crate) fn routes(site: Site, status: Status, guard: Guard) -> Routes {
    let (stop, stopping) = watch::channel(false);
    let served = Served { site, status, room: Arc::new(Semaphore::new(MOST_LISTENERS)), stopping };
    let guarded = Router::new()
        .route("/feed", get(feed))
        .route("/feed.json", get(offer))
        .route("/metrics", get(metrics))
        .fallback(get(file))
        .layer(from_fn_with_state(guard, let_in));
    let router = Router::new()
        .route("/healthz", get("ok\n"))
        .route("/readyz", get(readyz))
        .merge(guarded)
        .layer(map_response(secured))
        .with_state(served);
    Routes { router, stop }
}

/// Lets a request in, or says why not. A token in the address becomes a cookie, so that it is in no history.
async fn let_in(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    if let (Some(token), Some(said)) = (guard.token(), token_of(request.uri()))
        && token.is(said)
    {
        let cookie = format!("{TOKEN_COOKIE}={said}; HttpOnly; SameSite=Strict; Path=/");
        return (StatusCode::SEE_OTHER, [(LOCATION, "./".to_owned()), (SET_COOKIE, cookie)]).into_response();
    }
    match guard.check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    }
}

fn token_of(uri: &Uri) -> Option<&str> {
    uri.query()?.split('&').find_map(|part| part.strip_prefix("token="))
}

async fn secured(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn readyz(State(served): State<Served>) -> (StatusCode, &'static str) {
    if served.status.is_ready.load(Ordering::Relaxed) {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "starting\n")
    }
}

/// Tells the page whether there is a feed, and where, as seen from the page. A static host has a file of this name that
/// offers none.
async fn offer(State(served): State<Served>) -> impl IntoResponse {
    let is_fed = served.status.is_fed.load(Ordering::Relaxed);
    let offer = if is_fed { r#"{"feed":"feed"}"# } else { "{}" };
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], offer)
}

async fn metrics(State(served): State<Served>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], served.status.metrics.text())
}

async fn file(State(served): State<Served>, uri: Uri, asked: HeaderMap) -> Response {
    let path = match uri.path().trim_start_matches('/') {
        "" => "index.html",
        path => path,
    };
    let Some(file) = served.site.find(path) else {
        let why = match served.site.find("index.html") {
            Some(_) => "There is nothing here.\n",
            None => "This program was built without the page; `cargo xtask dist` builds one that has it.\n",
        };
        return (StatusCode::NOT_FOUND, why).into_response();
    };
    let tag = format!("\"{}\"", file.tag);
    // The browser asks each time, and gets a file once.
    let headers = [(ETAG, tag.clone()), (CACHE_CONTROL, "no-cache".to_owned())];
    if asked.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    (headers, [(CONTENT_TYPE, kind.essence_str())], file.content.into_owned()).into_response()
}

async fn feed(State(served): State<Served>, upgrade: WebSocketUpgrade) -> Response {
    let Ok(place) = Arc::clone(&served.room).try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "As many listen as may.\n").into_response();
    };
    upgrade.max_message_size(MOST_HEARD_BYTES).max_frame_size(MOST_HEARD_BYTES).on_upgrade(
        async move |socket| {
            served.status.metrics.listeners.inc();
            // However it ends, the other side sees that it has.
            let _ = tell(socket, &served).await;
            served.status.metrics.listeners.dec();
            drop(place);
        },
    )
}

/// Gives a listener all that it can take, until one of the two goes.
async fn tell(mut socket: WebSocket, served: &Served) -> Result<(), axum::Error> {
    let (mut listener, mut stopping) = (served.status.feed.listen(), served.stopping.clone());
    let mut ping = interval(PING_EVERY);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            heard = listener.next() => match heard {
                Some(Heard::Lines(lines)) => text(&lines),
                Some(Heard::Lost(messages)) => {
                    served.status.metrics.lost.inc_by(messages);
                    text(format!("{{\"type\":\"lost\",\"messages\":{messages}}}\n").as_bytes())
                }
                None => going(),
            },
            _ = ping.tick() => Message::Ping(Default::default()),
            said = socket.recv() => match said {
                Some(Ok(Message::Close(_))) | None => return Ok(()),
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(error),
            },
            _ = stopping.wait_for(|stop| *stop) => going(),
        };
        let last = matches!(message, Message::Close(_));
        match timeout(SEND_WITHIN, socket.send(message)).await {
            Ok(sent) => sent?,
            Err(_) => return Ok(()),
        }
        if last {
            return Ok(());
        }
    }
}

fn text(lines: &[u8]) -> Message {
    Message::Text(String::from_utf8_lossy(lines).into_owned().into())
}

/// The server ends; whoever listens may come again.
fn going() -> Message {
    Message::Close(Some(CloseFrame { code: close_code::AWAY, reason: "".into() }))
}
