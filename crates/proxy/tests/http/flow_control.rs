//! Peers that speak HTTP/2 and say by themselves how much of an answer they take.

use std::{sync::Arc, time::Duration};

use sagewire_proxy::{AppBuilder, ServerOptions};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::client::Proxy;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;

/// A [frame](https://www.rfc-editor.org/rfc/rfc9113#section-4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The beginning of a connection whose peer takes so many bytes of each answer.
fn preface(window: u32) -> Vec<u8> {
    let setting = [&[0, 4][..], &window.to_be_bytes()].concat();
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 0, &setting)].concat()
}

/// A GET of this path, on this stream.
fn get(path: &str, stream: u32) -> Vec<u8> {
    // The method, the scheme and the authority by their places in HPACK's table; the path as a literal.
    let mut block = vec![0x82, 0x86, 0x41, 9];
    block.extend(b"localhost");
    block.extend([0x04, u8::try_from(path.len()).unwrap()]);
    block.extend(path.as_bytes());
    // The end of the head and of the request.
    frame(HEADERS, 0x5, stream, &block)
}

fn post(path: &str, body: &str, stream: u32) -> Vec<u8> {
    let mut block = vec![0x83, 0x86, 0x41, 9];
    block.extend(b"localhost");
    block.extend([0x04, u8::try_from(path.len()).unwrap()]);
    block.extend(path.as_bytes());
    [frame(HEADERS, 0x4, stream, &block), frame(DATA, 0x1, stream, body.as_bytes())].concat()
}

/// Ends when the server has closed the connection.
async fn closed(mut stream: TcpStream) {
    let mut bytes = Vec::new();
    // A reset counts as a close.
    let _ = stream.read_to_end(&mut bytes).await;
}

async fn proxy(change: impl FnOnce(AppBuilder) -> AppBuilder, write: u64, drain: u64) -> Proxy {
    let mut options = ServerOptions::default();
    options.limits.write_timeout = Duration::from_millis(write);
    options.limits.drain_timeout = Duration::from_millis(drain);
    Proxy::with_options(change, options).await
}

fn streamed(model: &str) -> String {
    json!({"model": model, "stream": true, "messages": [{"role": "user", "content": "hi"}]}).to_string()
}

#[tokio::test]
async fn a_peer_that_opens_no_window_is_given_up_whatever_it_asks_for() {
    let keyed = proxy(|app| app.master_key("sk-1234"), 100, 60_000).await;
    let open = proxy(|app| app, 100, 60_000).await;
    for (proxy, window, request) in [
        // A refusal has a body, too, and needs no key.
        (&keyed, 0, get("/models", 1)),
        (&open, 0, get("/openapi.json", 1)),
        (&open, 10, get("/openapi.json", 1)),
        (&open, 0, post("/chat/completions", &streamed("echo"), 1)),
        (&open, 0, [get("/models", 1), get("/openapi.json", 3)].concat()),
        // Answers to pings are taken, and no answer's bytes.
        (&open, 0, [get("/models", 1), frame(PING, 0, 0, b"01234567")].concat()),
    ] {
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        stream.write_all(&[preface(window), request].concat()).await.unwrap();
        closed(stream).await;
    }
}

#[tokio::test]
async fn a_stream_that_is_not_taken_gives_its_model_back() {
    let proxy = proxy(|app| app, 100, 60_000).await;
    let (feed, receiver) = tokio::sync::mpsc::unbounded_channel();
    *proxy.double.feed.lock().unwrap() = Some(receiver);
    let choice = sagewire_types::ChunkChoice::text("x");
    feed.send(Ok(sagewire_types::ChatChunk::new("i".into(), "m".into(), 0, vec![choice]))).unwrap();
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    stream.write_all(&[preface(0), post("/chat/completions", &streamed("fed"), 1)].concat()).await.unwrap();
    proxy.double.gave_up.notified().await;
    closed(stream).await;
}

#[tokio::test]
async fn a_peer_that_waits_for_its_model_is_not_given_up() {
    let proxy = Arc::new(proxy(|app| app, 50, 60_000).await);
    let (feed, receiver) = tokio::sync::mpsc::unbounded_channel();
    *proxy.double.feed.lock().unwrap() = Some(receiver);
    let piece = |text: &str| {
        let choice = sagewire_types::ChunkChoice::text(text);
        Ok(sagewire_types::ChatChunk::new("i".into(), "m".into(), 0, vec![choice]))
    };
    feed.send(piece("first")).unwrap();
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    stream.write_all(&[preface(65_535), post("/chat/completions", &streamed("fed"), 1)].concat()).await.unwrap();
    let mut seen = Vec::new();
    while !seen.windows(5).any(|part| part == b"first") {
        assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0);
    }
    // Another connection is given up for the time that this one waits.
    let mut other = TcpStream::connect(proxy.address).await.unwrap();
    other.write_all(&[preface(0), get("/models", 1)].concat()).await.unwrap();
    closed(other).await;
    feed.send(piece("second")).unwrap();
    while !seen.windows(6).any(|part| part == b"second") {
        assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0, "the connection that waited was closed");
    }
}

#[tokio::test]
async fn a_peer_that_takes_nothing_does_not_hold_up_the_end() {
    let mut proxy = proxy(|app| app, 60_000, 50).await;
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    stream.write_all(&[preface(0), get("/models", 1)].concat()).await.unwrap();
    // Its head is answered: the server has the request.
    let mut seen = Vec::new();
    while !seen.windows(4).any(|part| part == [HEADERS, 0x4, 0, 0]) {
        assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0);
    }
    proxy.stop();
    (&mut proxy.served).await.unwrap();
}
