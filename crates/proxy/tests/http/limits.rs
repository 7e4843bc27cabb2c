//! Limits and slow clients.

use std::{sync::Arc, time::Duration};

use http::Method;
use sagewire_proxy::{Limits, ServerOptions};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::client::Proxy;

fn request_limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

fn options(change: impl FnOnce(&mut Limits)) -> ServerOptions {
    let mut options = ServerOptions::default();
    change(&mut options.limits);
    options
}

#[tokio::test]
async fn a_body_that_is_too_large_is_a_413() {
    let proxy = Proxy::with(|app| app.limits(request_limits(|limits| limits.body_bytes = 100))).await;
    let body = json!({"model": "echo", "messages": [{"role": "user", "content": "x".repeat(200)}]});
    let answer = proxy.post("/chat/completions", &body).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["code"]), (413, &json!("body_too_large")));
}

#[tokio::test]
async fn a_body_that_is_too_deep_is_a_400() {
    let proxy = Proxy::start().await;
    let deep = format!(r#"{{"model":"echo","messages":[],"x":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let answer = proxy.send(Method::POST, "/chat/completions", &[], deep).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["code"]), (400, &json!("json_too_deep")));
}

#[tokio::test]
async fn more_requests_than_the_limit_are_a_503_with_a_time_to_wait() {
    let proxy = Arc::new(Proxy::with(|app| app.limits(request_limits(|limits| limits.concurrent = 1))).await);
    let messages = json!([{"role": "user", "content": "hi"}]);
    let first = tokio::spawn({
        let proxy = Arc::clone(&proxy);
        let body = json!({"model": "hang", "messages": messages});
        async move { proxy.post("/chat/completions", &body).await }
    });
    proxy.double.began.notified().await;
    let second = proxy.post("/chat/completions", &json!({"model": "echo", "messages": messages})).await;
    assert_eq!((second.status.as_u16(), &second.headers["retry-after"]), (503, &"1".parse().unwrap()));
    assert_eq!(second.headers["x-should-retry"], "true");
    assert_eq!(proxy.get("/health/liveliness").await.status, 200, "the proxy's own pages are always there");
    proxy.double.go_on.notify_one();
    assert_eq!(first.await.unwrap().status, 200);
    assert_eq!(proxy.post("/chat/completions", &json!({"model": "echo", "messages": messages})).await.status, 200);
}

#[tokio::test]
async fn the_callers_own_time_limit_is_kept() {
    let proxy = Proxy::start().await;
    let body = json!({"model": "hang", "messages": [{"role": "user", "content": "hi"}], "timeout": 0.05});
    let answer = proxy.post("/chat/completions", &body).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["code"]), (504, &json!("timeout")));
    proxy.double.gave_up.notified().await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_a_431() {
    let proxy = Proxy::with_options(|app| app, options(|limits| limits.header_bytes = 8192)).await;
    let answer = proxy.send(Method::GET, "/models", &[("x-large", &"x".repeat(20_000))], "").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["code"]), (431, &json!("head_too_large")));
    assert_eq!(answer.headers["connection"], "close");
}

#[tokio::test]
async fn what_is_no_request_is_a_400() {
    let proxy = Proxy::start().await;
    for nonsense in
        ["nonsense\r\n\r\n", "GET /models HTTP/1.1\r\nbad header: x\r\n\r\n", "\x16\x03\x01\x02\x00\x01\r\n"]
    {
        let mut stream = connect(&proxy).await;
        stream.write_all(nonsense.as_bytes()).await.unwrap();
        let answer = String::from_utf8(rest(stream).await).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n") && answer.contains("x-request-id: "), "{answer}");
        assert!(answer.contains(r#""code":"malformed_request""#), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    }
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address).await.unwrap()
}

/// Ends when the server closes the connection; what it sent until then.
async fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset counts as a close.
    let _ = stream.read_to_end(&mut bytes).await;
    bytes
}

fn short_head(limits: &mut Limits) {
    limits.header_timeout = Duration::from_millis(50);
}

#[tokio::test]
async fn a_head_that_never_ends_is_a_408_and_ends_the_connection() {
    let proxy = Proxy::with_options(|app| app, options(short_head)).await;
    for head in ["POST /chat/completions HTTP/1.1\r\nhost: localhost\r\nx-slow: ", "P", "\r\n"] {
        let mut stream = connect(&proxy).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = String::from_utf8(rest(stream).await).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer}"));
        assert!(head.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{head}");
        for line in ["connection: close", "content-type: application/json", &format!("content-length: {}", body.len())]
        {
            assert!(head.lines().any(|found| found == line), "no {line} in {head}");
        }
        assert!(head.contains("x-request-id: req-") && head.contains("date: "), "{head}");
        let error: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(error["error"]["code"], "head_too_slow");
        assert_eq!(error["error"]["type"], "invalid_request_error");
    }
    let page = proxy.get("/metrics").await;
    let line = r#"sagewire_requests_total{route="none",model="",status="408",key=""} 3"#;
    assert!(page.text().contains(line), "{}", page.text());
}

#[tokio::test]
async fn a_slow_head_after_an_answer_is_a_408_too_and_silence_is_not() {
    let proxy = Proxy::with_options(|app| app, options(short_head)).await;
    let mut stream = connect(&proxy).await;
    stream.write_all(b"GET /health/liveliness HTTP/1.1\r\nhost: localhost\r\n\r\nGET /mod").await.unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    // What came with the first request is not taken for slow before more of it comes.
    stream.write_all(b"els HTTP/1.1\r\n").await.unwrap();
    let answer = String::from_utf8(rest(stream).await).unwrap();
    assert_eq!((answer.matches("HTTP/1.1 ").count(), answer.contains("HTTP/1.1 408")), (1, true), "{answer}");

    let mut short = options(short_head);
    short.limits.idle_timeout = Duration::from_millis(100);
    let proxy = Proxy::with_options(|app| app, short).await;
    let mut stream = connect(&proxy).await;
    stream.write_all(b"GET /health/liveliness HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let answer = String::from_utf8(rest(stream).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("408"), "{answer}");
}

#[tokio::test]
async fn a_caller_that_goes_on_sending_its_slow_head_still_reads_the_answer() {
    let proxy = Proxy::with_options(|app| app, options(short_head)).await;
    let (mut reader, mut writer) = connect(&proxy).await.into_split();
    let drip = tokio::spawn(async move {
        while writer.write_all(b"GET / HTTP/1.1\r\nx: y").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let mut answer = Vec::new();
    let _ = reader.read_to_end(&mut answer).await;
    drip.abort();
    assert!(answer.starts_with(b"HTTP/1.1 408"), "{:?}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn http2_without_a_request_is_idle_and_never_answered_as_http1() {
    let mut short = options(short_head);
    short.limits.idle_timeout = Duration::from_millis(200);
    let proxy = Proxy::with_options(|app| app, short).await;
    let mut stream = connect(&proxy).await;
    // The preface, empty settings, and the beginning of a head that never ends.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x20\x01").await.unwrap();
    let answer = rest(stream).await;
    // A frame's type is its fourth byte: settings first, and then GOAWAY.
    assert_eq!(answer.get(3), Some(&4), "{answer:?}");
    assert!(!answer.windows(4).any(|bytes| bytes == b"HTTP"), "{answer:?}");
}

#[tokio::test]
async fn a_body_that_never_ends_is_a_408() {
    let limits = request_limits(|limits| limits.body_timeout = Duration::from_millis(50));
    let proxy = Proxy::with(|app| app.limits(limits)).await;
    let mut stream = connect(&proxy).await;
    stream
        .write_all(b"POST /chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{")
        .await
        .unwrap();
    let answer = String::from_utf8(rest(stream).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("body_too_slow"), "{answer}");
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let proxy = Arc::new(
        Proxy::with_options(|app| app, options(|limits| limits.idle_timeout = Duration::from_millis(50))).await,
    );
    let idle = connect(&proxy).await;
    let busy = tokio::spawn({
        let proxy = Arc::clone(&proxy);
        let body = json!({"model": "hang", "messages": [{"role": "user", "content": "hi"}]});
        async move { proxy.post("/chat/completions", &body).await }
    });
    proxy.double.began.notified().await;
    assert_eq!(rest(idle).await, b"");
    proxy.double.go_on.notify_one();
    assert_eq!(busy.await.unwrap().status, 200);
}

#[tokio::test]
async fn a_caller_that_takes_no_bytes_is_given_up() {
    let proxy =
        Proxy::with_options(|app| app, options(|limits| limits.write_timeout = Duration::from_millis(100))).await;
    let (feed, receiver) = tokio::sync::mpsc::unbounded_channel();
    *proxy.double.feed.lock().unwrap() = Some(receiver);
    let text = "x".repeat(64 * 1024);
    // More than the buffers on the way can hold.
    for _ in 0..400 {
        let choice = sagewire_types::ChunkChoice::text(text.clone());
        feed.send(Ok(sagewire_types::ChatChunk::new("i".into(), "m".into(), 0, vec![choice]))).unwrap();
    }
    let body = json!({"model": "fed", "stream": true, "messages": [{"role": "user", "content": "hi"}]}).to_string();
    let mut stream = connect(&proxy).await;
    let head =
        format!("POST /chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    proxy.double.gave_up.notified().await;
    drop(stream);
}

#[tokio::test]
async fn lists_that_multiply_what_an_answer_costs_have_limits_that_are_named() {
    let proxy = Proxy::with(|app| {
        app.limits(request_limits(|limits| {
            limits.inputs = 2;
            limits.tools = 1;
            limits.stop_texts = 2;
            limits.stop_bytes = 5;
        }))
    })
    .await;
    let tool = json!({"type": "function", "function": {"name": "f"}});
    let messages = json!([{"role": "user", "content": "hi"}]);
    for (path, body, param, setting) in [
        ("/embeddings", json!({"model": "echo", "input": ["a", "b", "c"]}), "input", "max_inputs"),
        ("/completions", json!({"model": "echo", "prompt": ["a", "b", "c"]}), "prompt", "max_inputs"),
        (
            "/chat/completions",
            json!({"model": "echo", "messages": messages, "tools": [tool, tool]}),
            "tools",
            "max_tools",
        ),
        (
            "/chat/completions",
            json!({"model": "echo", "messages": messages, "stop": ["a", "b", "c"]}),
            "stop",
            "max_stop_texts",
        ),
        (
            "/chat/completions",
            json!({"model": "echo", "messages": messages, "stop": "abcdef"}),
            "stop",
            "max_stop_bytes",
        ),
    ] {
        let answer = proxy.post(path, &body).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]["param"]), (400, &json!(param)));
        assert!(answer.text().contains(setting), "{}", answer.text());
    }
    assert!(proxy.asked().is_empty());
    let fits = json!({"model": "echo", "messages": messages, "tools": [tool], "stop": ["ab", "cd"]});
    assert_eq!(proxy.post("/chat/completions", &fits).await.status, 200);
}
