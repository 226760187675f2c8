//! The engine's HTTP front as a client meets it; with `CLICKHOUSE_URL` a real server, which must pass the same.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, ensure};
use clickhouse::error::Error;
use clickhouse::{Client, Compression, Row};
use kappascope_infra::{Engine, Server};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::runtime::Builder;

/// A server to ask, and what must live as long.
struct Front {
    address: String,
    _ours: Option<(Server<Engine>, TempDir)>,
}

impl Front {
    fn find() -> Result<Self> {
        if let Ok(url) = std::env::var("CLICKHOUSE_URL") {
            return Ok(Self { address: url, _ours: None });
        }
        let folder = tempfile::tempdir()?;
        let server = Server::start(Engine::find()?, folder.path())?;
        Ok(Self { address: format!("http://{}", server.address()), _ours: Some((server, folder)) })
    }

    fn client(&self) -> Client {
        Client::default().with_url(&self.address)
    }
}

#[derive(Row, Serialize, Deserialize, Debug, PartialEq)]
struct Pair {
    number: u32,
    text: String,
}

/// All in one test, for one start of the engine.
#[test]
fn the_front_does_what_a_client_of_tables_needs() -> Result<()> {
    let front = Front::find()?;
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        parameters(&front.client()).await.context("parameters")?;
        settings_of_one_query(&front.client()).await.context("settings")?;
        errors_have_numbers(&front.client()).await.context("errors")?;
        an_insert_is_whole_or_nothing(&front.client()).await.context("inserts")
    })?;
    damaged_blocks_are_refused(front.address.trim_start_matches("http://")).context("damaged blocks")
}

/// As a form with several parts, which is how the client sends them.
async fn parameters(client: &Client) -> Result<()> {
    let texts = ["plain", "O'Neil \\ \"x\"", "tab\tand\nlines", "", "ключ, 鍵"];
    for (number, text) in (7_u32..).zip(texts) {
        let query = client.query("SELECT {n: UInt32} AS number, {t: String} AS text");
        let found: Pair = query.param("n", number).param("t", text).fetch_one().await?;
        ensure!(found == Pair { number, text: text.to_owned() }, "{found:?} came back for {text:?}");
    }
    Ok(())
}

async fn settings_of_one_query(client: &Client) -> Result<()> {
    let size = || client.query("SELECT toUInt32(getSetting('max_block_size'))");
    let before: u32 = size().fetch_one().await?;
    let changed: u32 = size().with_setting("max_block_size", "17").fetch_one().await?;
    let after: u32 = size().fetch_one().await?;
    ensure!((changed, before) == (17, after) && before != 17, "{before}, {changed}, {after}");
    Ok(())
}

async fn errors_have_numbers(client: &Client) -> Result<()> {
    let cases = [
        ("SELECT nothing_of_that_name", "Code: 47. "),
        ("SELECT", "Code: 62. "),
        ("SELECT * FROM table_that_is_not_there", "Code: 60. "),
        ("SELECT throwIf(number = 3) FROM numbers(10)", "Code: 395. "),
    ];
    for (query, expected) in cases {
        let error = client.query(query).execute().await.err().context("no error")?;
        let Error::BadResponse(text) = &error else { anyhow::bail!("{query}: {error:?}") };
        ensure!(text.starts_with(expected), "{query}: {text}");
    }
    let error = client.query("SELECT 1").with_setting("no_such_setting", "1").execute().await;
    ensure!(error.is_err_and(|error| error.to_string().contains("Code: 115. ")));
    Ok(())
}

async fn an_insert_is_whole_or_nothing(client: &Client) -> Result<()> {
    client
        .query("CREATE OR REPLACE TABLE front_pairs (number UInt32, text String) ENGINE = Memory")
        .execute()
        .await?;
    for compression in [Compression::Lz4, Compression::None] {
        let client = client.clone().with_compression(compression);
        let mut dropped = client.insert::<Pair>("front_pairs").await?;
        let mut ended = client.insert::<Pair>("front_pairs").await?;
        // More than fits into one of the client's buffers, so that the one that is dropped has sent some.
        for number in 0..50_000 {
            dropped.write(&Pair { number, text: "dropped".to_owned() }).await?;
            ended.write(&Pair { number, text: "ended".to_owned() }).await?;
        }
        drop(dropped);
        ended.end().await?;
    }
    let count = "SELECT toUInt32(count()) AS number, text FROM front_pairs GROUP BY text";
    let found = client.query(count).fetch_all::<Pair>().await?;
    ensure!(found == [Pair { number: 100_000, text: "ended".to_owned() }], "{found:?}");
    client.query("DROP TABLE front_pairs").execute().await?;
    Ok(())
}

/// Checksum, method "none", sizes 13 and 4, and the number 7; the checksum is what the CityHash128 of the front says.
const BLOCK_OF_SEVEN: [u8; 29] = [
    236, 60, 41, 213, 229, 26, 230, 202, 97, 69, 169, 253, 105, 47, 80, 251, // checksum
    2, 13, 0, 0, 0, 4, 0, 0, 0, // header
    7, 0, 0, 0,
];

/// A block, and the same with one bit wrong in the checksum, the method or the data, and one cut short.
fn damaged_blocks_are_refused(address: &str) -> Result<()> {
    let block = BLOCK_OF_SEVEN;
    ensure!(post(address, &block)?.starts_with("HTTP/1.1 200 "), "{}", post(address, &block)?);
    for place in [0, 16, 25] {
        let mut damaged = block;
        damaged[place] ^= 1;
        let answer = post(address, &damaged)?;
        ensure!(answer.starts_with("HTTP/1.1 500 ") && answer.contains("Code: "), "byte {place}: {answer}");
    }
    let cut = post(address, &block[..block.len() - 1])?;
    ensure!(cut.contains("Code: "), "{cut}");
    Ok(())
}

fn post(address: &str, block: &[u8]) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    let query = "INSERT%20INTO%20FUNCTION%20null('number%20UInt32')%20FORMAT%20RowBinary";
    let length = block.len();
    write!(stream, "POST /?decompress=1&query={query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n")?;
    write!(stream, "Content-Length: {length}\r\n\r\n")?;
    stream.write_all(block)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
