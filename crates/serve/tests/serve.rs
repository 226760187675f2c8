//! The server as its clients see it, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use kappascope_serve::{File, Guard, MESSAGES_KEPT, Reading, Secret, Server, Site, Status};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<TcpStream>>;

struct Running {
    address: SocketAddr,
    status: Status,
    stop: oneshot::Sender<()>,
    done: JoinHandle<()>,
}

fn site() -> Site {
    Site::new(|path| match path {
        "index.html" => Some(File { content: b"<p>the page</p>".as_slice().into(), tag: "1".to_owned() }),
        "page.wasm" => Some(File { content: b"\0asm".as_slice().into(), tag: "2".to_owned() }),
        _ => None,
    })
}

async fn serve(token: Option<&str>) -> Running {
    let listen: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let token = token.map(|token| Secret::new(token).unwrap());
    let server = Server::bind(listen, Guard::new(listen, token, Vec::new()).unwrap()).await.unwrap();
    let (address, status) = (server.address(), Status::default());
    let (stop, stopped) = oneshot::channel();
    let run = server.run(site(), status.clone(), async {
        let _ = stopped.await;
    });
    Running { address, status, stop, done: tokio::spawn(run) }
}

/// Status line, headers and body of the answer to a request.
async fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn get(address: SocketAddr, path: &str, headers: &str) -> String {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Connection: close\r\n\r\n"))
        .await
}

async fn listen(address: SocketAddr) -> Socket {
    tokio_tungstenite::connect_async(format!("ws://{address}/feed")).await.unwrap().0
}

/// The next text, passing over pings.
async fn heard(socket: &mut Socket) -> String {
    loop {
        let message = timeout(Duration::from_secs(10), futures_next(socket)).await.unwrap();
        if let Message::Text(text) = message {
            return text.to_string();
        }
    }
}

async fn futures_next(socket: &mut Socket) -> Message {
    use futures_util::StreamExt as _;
    socket.next().await.unwrap().unwrap()
}

#[tokio::test]
async fn files_have_their_kinds_and_are_sent_once() {
    let running = serve(None).await;
    let page = get(running.address, "/", "").await;
    assert!(page.starts_with("HTTP/1.1 200") && page.ends_with("<p>the page</p>"), "{page}");
    for header in [
        "content-type: text/html",
        "content-security-policy: default-src 'none'; script-src 'self' 'wasm-unsafe-eval'",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cross-origin-opener-policy: same-origin",
        "cache-control: no-cache",
    ] {
        assert!(page.contains(header), "{header} is not in {page}");
    }
    assert!(get(running.address, "/page.wasm?v=1", "").await.contains("content-type: application/wasm"));
    assert!(get(running.address, "/", "If-None-Match: \"1\"\r\n").await.starts_with("HTTP/1.1 304"));
    assert!(get(running.address, "/", "If-None-Match: \"0\"\r\n").await.starts_with("HTTP/1.1 200"));
    for path in ["/nothing", "/../Cargo.toml", "/..%2fCargo.toml", "//etc/passwd"] {
        assert!(get(running.address, path, "").await.starts_with("HTTP/1.1 404"), "{path}");
    }
}

#[tokio::test]
async fn the_page_is_told_of_a_feed_where_there_is_one() {
    let running = serve(None).await;
    let without = get(running.address, "/feed.json", "").await;
    assert!(without.ends_with("\r\n\r\n{}"), "{without}");
    running.status.offer_feed();
    let with = get(running.address, "/feed.json", "").await;
    assert!(with.ends_with("\r\n\r\n{\"feed\":\"feed\"}"), "{with}");
    // It is as secret as the feed itself.
    let guarded = serve(Some("0123456789abcdef")).await;
    assert!(get(guarded.address, "/feed.json", "").await.starts_with("HTTP/1.1 401"));
}

#[tokio::test]
async fn what_is_not_meant_for_it_is_refused() {
    let running = serve(None).await;
    let host = format!("Host: {}\r\nConnection: close\r\n", running.address);
    let cases = [
        ("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n".to_owned(), "421"),
        (format!("GET / HTTP/1.1\r\n{host}Origin: http://evil.example\r\n\r\n"), "403"),
        (format!("POST / HTTP/1.1\r\n{host}Content-Length: 0\r\n\r\n"), "405"),
        (format!("GET / HTTP/1.1\r\n{host}X: {}\r\n\r\n", "x".repeat(20_000)), "431"),
        (format!("GET / HTTP/1.1\r\n{}{host}\r\n", "X: y\r\n".repeat(200)), "431"),
        (format!("GET /feed HTTP/1.1\r\n{host}\r\n"), "4"),
    ];
    for (request, status) in cases {
        let answer = ask(running.address, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request:.60}: {answer:.80}");
    }
}

#[tokio::test]
async fn a_token_is_needed_everywhere_but_for_health() {
    let running = serve(Some("0123456789abcdef")).await;
    for path in ["/", "/metrics", "/feed", "/nothing"] {
        assert!(get(running.address, path, "").await.starts_with("HTTP/1.1 401"), "{path}");
    }
    assert!(get(running.address, "/healthz", "").await.starts_with("HTTP/1.1 200"));
    assert!(get(running.address, "/?token=0123456789abcdeX", "").await.starts_with("HTTP/1.1 401"));
    let opened = get(running.address, "/?a=b&token=0123456789abcdef", "").await;
    assert!(opened.starts_with("HTTP/1.1 303"), "{opened}");
    assert!(
        opened.contains("set-cookie: kappascope_token=0123456789abcdef; HttpOnly; SameSite=Strict"),
        "{opened}"
    );
    let cookie = "Cookie: kappascope_token=0123456789abcdef\r\n";
    assert!(get(running.address, "/", cookie).await.starts_with("HTTP/1.1 200"));
    let bearer = "Authorization: Bearer 0123456789abcdef\r\n";
    assert!(get(running.address, "/metrics", bearer).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn it_says_how_the_pipeline_is() {
    let running = serve(None).await;
    let readyz = async || get(running.address, "/readyz", "").await;
    assert!(readyz().await.starts_with("HTTP/1.1 200"));
    running.status.set_ready(false);
    assert!(readyz().await.starts_with("HTTP/1.1 503"));
    running.status.metrics.read(&Reading { events: 7, ..Reading::default() });
    let metrics = get(running.address, "/metrics", "").await;
    assert!(metrics.contains("content-type: text/plain; version=0.0.4"), "{metrics}");
    assert!(metrics.contains("\nkappascope_events_total 7\n"), "{metrics}");
}

#[tokio::test]
async fn listeners_get_what_was_and_what_comes_until_the_server_goes() {
    let running = serve(None).await;
    running.status.feed.publish(b"{\"type\":\"window\"}\n");
    let mut socket = listen(running.address).await;
    assert_eq!(heard(&mut socket).await, "{\"type\":\"from\",\"message\":0}\n");
    assert_eq!(heard(&mut socket).await, "{\"type\":\"window\"}\n");
    running.status.feed.publish(b"{\"type\":\"alert\"}\n{\"type\":\"late\"}\n");
    assert_eq!(heard(&mut socket).await, "{\"type\":\"alert\"}\n{\"type\":\"late\"}\n");
    assert!(get(running.address, "/metrics", "").await.contains("\nkappascope_feed_listeners 1\n"));

    running.stop.send(()).unwrap();
    loop {
        match timeout(Duration::from_secs(10), futures_next(&mut socket)).await.unwrap() {
            Message::Close(frame) => {
                assert_eq!(frame.unwrap().code, CloseCode::Away);
                break;
            }
            _ => continue,
        }
    }
    timeout(Duration::from_secs(10), running.done).await.unwrap().unwrap();
    assert!(TcpStream::connect(running.address).await.is_err());
}

#[tokio::test]
async fn another_site_cannot_listen() {
    let running = serve(None).await;
    let mut request = format!("ws://{}/feed", running.address).into_client_request().unwrap();
    request.headers_mut().insert("origin", "http://evil.example".parse().unwrap());
    assert!(tokio_tungstenite::connect_async(request).await.is_err());
}

#[tokio::test]
async fn a_listener_that_does_not_read_holds_up_nobody_and_learns_what_it_lost() {
    let running = serve(None).await;
    let mut slow = listen(running.address).await;
    // Far more than sockets hold, while nobody reads; publishing never waits.
    let line = format!("{}\n", "x".repeat(60_000));
    for round in 0..20 * MESSAGES_KEPT {
        running.status.feed.publish(line.as_bytes());
        if round % 16 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let mut lost = 0;
    let mut got = 0;
    while lost == 0 {
        let text = heard(&mut slow).await;
        match text.strip_prefix("{\"type\":\"lost\",\"messages\":") {
            Some(rest) => lost = rest.trim_end().trim_end_matches('}').parse::<usize>().unwrap(),
            None => got += 1,
        }
    }
    assert!(got + lost <= 20 * MESSAGES_KEPT && lost > 0, "{got} and {lost}");
    let metrics = get(running.address, "/metrics", "").await;
    assert!(!metrics.contains("\nkappascope_feed_dropped_messages_total 0\n"), "{metrics}");
}
