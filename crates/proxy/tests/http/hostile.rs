//! Requests that mean harm.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::client::Proxy;

async fn raw(proxy: &Proxy, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn ambiguous_lengths_smuggle_no_second_request() {
    let proxy = Proxy::with(|app| app.master_key("sk-1234")).await;
    for head in [
        // Two lengths that differ.
        "content-length: 4\r\ncontent-length: 40",
        // A length and chunks: by the length, the second request would be part of the first one's body or not.
        "content-length: 4\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 4",
        // A coding that is not the last.
        "transfer-encoding: chunked, identity",
        "transfer-encoding: xchunked",
        "content-length: +4",
        "content-length: 4, 5",
    ] {
        let request = format!(
            "POST /chat/completions HTTP/1.1\r\nhost: localhost\r\n{head}\r\n\r\n0\r\n\r\nGET /health/liveliness HTTP/1.1\r\nhost: x\r\n\r\n"
        );
        let answer = raw(&proxy, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{head}: {answer}");
        // Where the first request is understood by its chunks, what follows is a request of the same
        // caller; it must never be answered in place of the first.
        assert!(!answer.starts_with("HTTP/1.1 200"), "{head}: {answer}");
    }
}

#[tokio::test]
async fn nonsense_is_a_400_and_the_proxy_lives_on() {
    let proxy = Proxy::start().await;
    for request in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET /health HTTP/9.9\r\n\r\n",
        b"GET  /a b HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"POST /chat/completions HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET /models HTTP/1.1\r\nhost: localhost\r\nx: a\0b\r\n\r\n",
        b"\0\0\0\0",
    ] {
        let answer = raw(&proxy, request).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    assert_eq!(proxy.get("/health/liveliness").await.status, 200);
}

#[tokio::test]
async fn odd_paths_lead_nowhere() {
    let proxy = Proxy::start().await;
    for path in [
        "/../etc/passwd",
        "/v1/../metrics",
        "/models/%00",
        "/models/..%2f..%2fx",
        "//models",
        "/v1//models",
        "/%2e%2e/metrics",
    ] {
        let answer = proxy.get(path).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_header_cannot_be_forged_through_a_request_id_or_a_model() {
    let proxy = Proxy::start().await;
    let answer = raw(
        &proxy,
        b"GET /models HTTP/1.1\r\nhost: localhost\r\nx-request-id: a b\"<script>\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.contains("x-request-id: req-"), "{answer}");
    let body = r#"{"model":"a\r\nset-cookie: x=1","messages":[{"role":"user","content":"hi"}]}"#;
    let answer = proxy.send(http::Method::POST, "/chat/completions", &[], body).await;
    assert_eq!(answer.status, 404);
    assert!(!answer.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn a_request_has_exactly_one_host() {
    let proxy = Proxy::start().await;
    for (head, status) in [
        ("GET /health/liveliness HTTP/1.1\r\n", "400"),
        ("GET /health/liveliness HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n", "400"),
        ("GET /health/liveliness HTTP/1.1\r\nhost: localhost\r\n", "200"),
        ("GET /health/liveliness HTTP/1.0\r\n", "200"),
    ] {
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        stream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.split(' ').nth(1) == Some(status), "{head}: {answer}");
    }
}
