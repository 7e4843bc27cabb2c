//! Callers that close their sending side after their request, and callers that have gone.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::client::Proxy;

const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

fn post(version: &str, model: &str, stream: bool) -> String {
    let body = json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "hi"}]}).to_string();
    let length = body.len();
    format!("POST /v1/chat/completions HTTP/{version}\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{body}")
}

/// Sends this and closes the sending side.
async fn half_closed(proxy: &Proxy, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    stream
}

/// All that still comes, without what every client skips before an answer.
async fn answer(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let mut text = String::from_utf8(bytes).unwrap();
    while let Some(rest) = text.strip_prefix(CONTINUE) {
        text = rest.to_owned();
    }
    assert!(!text.contains("100 Continue"), "{text}");
    text
}

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end.as_bytes()) {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "{}", String::from_utf8_lossy(&bytes));
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn a_caller_that_closed_its_sending_side_is_answered() {
    let proxy = Proxy::start().await;
    for request in ["GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n", &post("1.1", "echo", false)] {
        let text = answer(half_closed(&proxy, request).await).await;
        assert!(text.starts_with("HTTP/1.1 200 ") && text.ends_with('}'), "{text}");
    }
    // An answer that takes long, in whole and as a stream.
    let mut stream = half_closed(&proxy, &post("1.1", "hang", false)).await;
    assert_eq!(read_until(&mut stream, "\r\n\r\n").await, CONTINUE);
    proxy.double.began.notified().await;
    proxy.double.go_on.notify_one();
    assert!(answer(stream).await.starts_with("HTTP/1.1 200 "));

    let (feed, receiver) = tokio::sync::mpsc::unbounded_channel();
    *proxy.double.feed.lock().unwrap() = Some(receiver);
    let piece = |text: &str| {
        Ok(sagewire_types::ChatChunk::new("i".into(), "m".into(), 0, vec![sagewire_types::ChunkChoice::text(text)]))
    };
    feed.send(piece("first")).unwrap();
    let mut stream = half_closed(&proxy, &post("1.1", "fed", true)).await;
    read_until(&mut stream, "\n\n\r\n").await;
    feed.send(piece("second")).unwrap();
    drop(feed);
    let rest = answer(stream).await;
    assert!(rest.contains("second") && rest.contains("data: [DONE]"), "{rest}");
}

#[tokio::test]
async fn the_call_of_a_caller_that_has_gone_is_given_up() {
    let proxy = Proxy::start().await;
    let expecting = post("1.1", "hang", false).replacen("host:", "expect: 100-continue\r\nhost:", 1);
    for (request, closes_first) in
        [(post("1.1", "hang", false), true), (post("1.1", "hang", false), false), (expecting, true)]
    {
        let stream = if closes_first {
            half_closed(&proxy, &request).await
        } else {
            let mut stream = TcpStream::connect(proxy.address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            stream
        };
        proxy.double.began.notified().await;
        drop(stream);
        proxy.double.gave_up.notified().await;
    }
    // Nothing can be written to HTTP/1.0 before an answer: there the end of what it sends is the end.
    let stream = half_closed(&proxy, &post("1.0", "hang", false)).await;
    proxy.double.gave_up.notified().await;
    drop(stream);
}

#[tokio::test]
async fn half_a_request_is_never_called() {
    let proxy = Proxy::start().await;
    let whole = post("1.1", "echo", false);
    for length in [20, whole.len() - 1] {
        let stream = half_closed(&proxy, whole.get(..length).unwrap()).await;
        assert!(!answer(stream).await.starts_with("HTTP/1.1 200"));
    }
    assert!(proxy.asked().is_empty());
}
