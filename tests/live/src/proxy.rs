//! Stands between the binary and the tables, and does to inserts what a server has on bad days.

use anyhow::Result;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, HOST, HeaderMap, TRANSFER_ENCODING};
use hyper::http::uri::PathAndQuery;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// What is done to an insert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It is refused with this code, and reaches no table.
    Code(u32),
    /// It is stored, and the connection is cut before anybody hears of it.
    Cut,
    /// It is stored so much later.
    Slow(Duration),
}

/// What is to be done to how many of the next inserts, and to how many it was done.
#[derive(Debug, Default)]
struct Plan {
    trouble: Option<Trouble>,
    left: u32,
    done: u32,
}

impl Plan {
    /// What is to be done to an insert that came.
    fn next(&mut self) -> Option<Trouble> {
        self.left = self.left.checked_sub(1)?;
        self.done += 1;
        self.trouble
    }
}

fn lock(plan: &Mutex<Plan>) -> MutexGuard<'_, Plan> {
    plan.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A proxy in front of an engine, until it is dropped.
pub struct Proxy {
    address: String,
    plan: Arc<Mutex<Plan>>,
    _runtime: Runtime,
}

impl Proxy {
    /// In front of the engine at an address. It lets all through until it is told otherwise.
    ///
    /// # Errors
    /// When there is no port.
    pub fn start(engine: &str) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let (address, plan) = (listener.local_addr()?.to_string(), Arc::<Mutex<Plan>>::default());
        runtime.spawn(serve(listener, engine.to_owned(), Arc::clone(&plan)));
        Ok(Self { address, plan, _runtime: runtime })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Does this to the next so many inserts.
    pub fn trouble(&self, trouble: Trouble, inserts: u32) {
        *lock(&self.plan) = Plan { trouble: Some(trouble), left: inserts, done: 0 };
    }

    /// To how many inserts it was done so far.
    #[must_use]
    pub fn done(&self) -> u32 {
        lock(&self.plan).done
    }

    /// Lets all through again; gives to how many inserts something was done.
    pub fn relieve(&self) -> u32 {
        std::mem::take(&mut *lock(&self.plan)).done
    }
}

async fn serve(listener: TcpListener, engine: String, plan: Arc<Mutex<Plan>>) {
    let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    while let Ok((stream, _)) = listener.accept().await {
        let (engine, plan, client) = (engine.clone(), Arc::clone(&plan), client.clone());
        let answer = service_fn(move |request| {
            let (engine, plan, client) = (engine.clone(), Arc::clone(&plan), client.clone());
            async move { answer(request, &engine, &plan, &client).await }
        });
        tokio::spawn(async move {
            // An error is what cuts the connection.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

type Forward = Client<HttpConnector, Full<Bytes>>;

async fn answer(
    request: Request<Incoming>,
    engine: &str,
    plan: &Mutex<Plan>,
    client: &Forward,
) -> Result<Response<Full<Bytes>>> {
    let is_insert = request.uri().query().is_some_and(|query| query.contains("INSERT"));
    let trouble = is_insert.then(|| lock(plan).next()).flatten();
    let (mut head, body) = request.into_parts();
    let body = whole(&mut head.headers, body).await?;
    match trouble {
        Some(Trouble::Code(code)) => return refused(code),
        Some(Trouble::Slow(wait)) => tokio::time::sleep(wait).await,
        Some(Trouble::Cut) | None => {}
    }
    let place = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    head.uri = format!("http://{engine}{place}").parse()?;
    let (mut head, body) = client.request(Request::from_parts(head, body)).await?.into_parts();
    let body = whole(&mut head.headers, body).await?;
    anyhow::ensure!(trouble != Some(Trouble::Cut), "the connection is cut");
    Ok(Response::from_parts(head, body))
}

/// A body in one piece, and its headers without what was of its connection only.
async fn whole(headers: &mut HeaderMap, body: Incoming) -> Result<Full<Bytes>> {
    for of_the_connection in [HOST, TRANSFER_ENCODING, CONTENT_LENGTH] {
        headers.remove(of_the_connection);
    }
    Ok(Full::new(body.collect().await?.to_bytes()))
}

/// As ClickHouse refuses.
fn refused(code: u32) -> Result<Response<Full<Bytes>>> {
    let said = format!("Code: {code}. DB::Exception: a bad day. (version 26.9)");
    let answer = Response::builder().status(500).header("X-ClickHouse-Exception-Code", code);
    Ok(answer.body(Full::from(said))?)
}
