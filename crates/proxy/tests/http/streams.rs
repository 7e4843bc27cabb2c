//! Streamed answers.

use std::{
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use sagewire_types::{ChatChunk, ChunkChoice};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::client::Proxy;

fn request(model: &str, extra: Value) -> Value {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": "one two"}], "stream": true});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

fn http_request(body: &Value) -> Request<Full<Bytes>> {
    Request::post("/chat/completions").header("host", "localhost").body(Full::new(body.to_string().into())).unwrap()
}

fn piece(text: &str) -> ChatChunk {
    ChatChunk::new("chatcmpl-1".into(), "hidden".into(), 7, vec![ChunkChoice::text(text)])
}

#[tokio::test]
async fn a_stream_ends_with_done() {
    let proxy = Proxy::start().await;
    let answer = proxy.post("/v1/chat/completions", &request("echo", json!({}))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "text/event-stream; charset=utf-8");
    assert_eq!(answer.headers["cache-control"], "no-cache");
    assert_eq!(answer.headers["x-sagewire-deployment"], "d-1");
    let events: Vec<_> = answer.text().split_terminator("\n\n").collect();
    assert_eq!(events.len(), 4, "{events:?}");
    let first: Value = serde_json::from_str(events[0].strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!((&first["model"], &first["choices"][0]["delta"]["content"]), (&json!("echo"), &json!("one ")));
    assert_eq!(events[3], "data: [DONE]");
}

#[tokio::test]
async fn usage_is_told_to_those_who_ask() {
    let proxy = Proxy::start().await;
    let asked = request("echo", json!({"stream_options": {"include_usage": true}}));
    assert!(proxy.post("/chat/completions", &asked).await.text().contains(r#""usage":{"prompt_tokens":3"#));
    assert!(!proxy.post("/chat/completions", &request("echo", json!({}))).await.text().contains("usage"));
}

#[tokio::test]
async fn a_failure_before_the_first_piece_has_its_true_status() {
    let proxy = Proxy::start().await;
    let answer = proxy.post("/chat/completions", &request("fail-throttled", json!({}))).await;
    assert_eq!((answer.status.as_u16(), &answer.headers["retry-after"]), (429, &"7".parse().unwrap()));
    assert_eq!(answer.headers["content-type"], "application/json");
}

#[tokio::test]
async fn a_failure_on_the_way_is_an_error_event_and_never_a_false_end() {
    let proxy = Proxy::start().await;
    let answer = proxy.post("/chat/completions", &request("broken", json!({}))).await;
    assert_eq!(answer.status, 200);
    let events: Vec<_> = answer.text().split_terminator("\n\n").collect();
    assert_eq!(events.len(), 3, "{events:?}");
    let error: Value = serde_json::from_str(events[2].strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!(error["error"]["code"], "model_failed");
    assert!(!answer.text().contains("[DONE]") && !answer.text().contains("\"stop\""), "{}", answer.text());
    assert!(
        !answer.text().contains("UPSTREAM-BODY") && !answer.text().contains("hidden-endpoint"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn pieces_go_out_as_they_come_and_the_head_with_the_first() {
    let proxy = Proxy::start().await;
    let (feed, receiver) = mpsc::unbounded_channel();
    *proxy.double.feed.lock().unwrap() = Some(receiver);
    let body = request("fed", json!({}));
    let open = proxy.open(http_request(&body));
    tokio::pin!(open);
    // Until the first piece there is no head: a failure could still have its true status.
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut open).await.is_err());
    feed.send(Ok(piece("a"))).unwrap();
    let mut response = open.await;
    for text in ["a", "b", "c"] {
        if text != "a" {
            feed.send(Ok(piece(text))).unwrap();
        }
        let frame = response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(String::from_utf8(frame.to_vec()).unwrap().contains(&format!(r#""content":"{text}""#)), "{frame:?}");
    }
    drop(feed);
    let rest = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(rest, "data: [DONE]\n\n");
}

#[tokio::test]
async fn a_caller_that_goes_away_ends_the_upstream_call() {
    let proxy = Proxy::start().await;
    let (feed, receiver) = mpsc::unbounded_channel();
    *proxy.double.feed.lock().unwrap() = Some(receiver);
    feed.send(Ok(piece("a"))).unwrap();
    let response = proxy.open(http_request(&request("fed", json!({})))).await;
    assert_eq!(proxy.double.given_up.load(SeqCst), 0);
    drop(response);
    proxy.double.gave_up.notified().await;
    assert!(
        proxy
            .get("/metrics")
            .await
            .text()
            .contains(r#"sagewire_requests_total{route="chat",model="fed",status="499",key=""} 1"#)
    );
}

#[tokio::test]
async fn a_caller_that_goes_away_before_the_first_piece_ends_the_upstream_call() {
    let proxy = Arc::new(Proxy::start().await);
    let waiting = tokio::spawn({
        let proxy = Arc::clone(&proxy);
        async move { proxy.post("/chat/completions", &request("hang", json!({"stream": false}))).await }
    });
    proxy.double.began.notified().await;
    waiting.abort();
    proxy.double.gave_up.notified().await;
    assert_eq!(proxy.double.given_up.load(SeqCst), 1);
}
