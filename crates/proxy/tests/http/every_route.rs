//! What holds on every route that asks a model: keys, limits, metrics, cancellation, and bodies that
//! mean harm.
//!
//! The routes are those of `/openapi.json`: one without a row in the table fails the test.

use std::sync::{Arc, atomic::Ordering::SeqCst};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use sagewire_proxy::{KeyDigest, Limits, config::CallerKey};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::client::{Answer, Proxy};

const JSON: &str = "application/json";
const FORM: &str = "multipart/form-data; boundary=XX";

/// A route: its path without a version, what metrics call it, and its body for a model.
struct Row {
    path: &'static str,
    name: &'static str,
    content_type: &'static str,
    body: fn(&str) -> String,
}

const fn row(path: &'static str, name: &'static str, body: fn(&str) -> String) -> Row {
    Row { path, name, content_type: JSON, body }
}

fn chat(model: &str) -> String {
    json!({"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}).to_string()
}

fn input(model: &str) -> String {
    json!({"model": model, "input": "hi"}).to_string()
}

fn prompt(model: &str) -> String {
    json!({"model": model, "prompt": "hi"}).to_string()
}

fn upload(model: &str) -> String {
    let part =
        |head: &str, content: &str| format!("--XX\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n");
    format!("{}{}--XX--\r\n", part("name=\"model\"", model), part("name=\"file\"; filename=\"a.wav\"", "RIFF"))
}

const ROWS: [Row; 15] = [
    row("/chat/completions", "chat", chat),
    row("/completions", "completions", prompt),
    row("/embeddings", "embeddings", input),
    row("/rerank", "rerank", |model| json!({"model": model, "query": "q", "documents": ["a", "b"]}).to_string()),
    row("/messages", "messages", chat),
    row("/responses", "responses", input),
    row("/score", "score", |model| json!({"model": model, "text_1": "a", "text_2": "b"}).to_string()),
    row("/classify", "classify", input),
    row("/pooling", "pooling", input),
    row("/tokenize", "tokenize", prompt),
    row("/detokenize", "detokenize", |model| json!({"model": model, "tokens": [1]}).to_string()),
    row("/images/generations", "images", prompt),
    row("/audio/speech", "speech", input),
    Row { path: "/audio/transcriptions", name: "transcriptions", content_type: FORM, body: upload },
    Row { path: "/audio/translations", name: "translations", content_type: FORM, body: upload },
];

/// Every path at which a model is asked, with its row.
async fn routes(proxy: &Proxy) -> Vec<(String, &'static Row)> {
    let document = proxy.get("/openapi.json").await.json();
    let paths = document.get("paths").and_then(Value::as_object).unwrap().iter();
    let asks = paths.filter(|(path, methods)| methods.pointer("/post/responses/429").is_some() && !path.contains('{'));
    let routes: Vec<_> = asks
        .map(|(path, _)| {
            let plain = ["/v1", "/v2"].iter().find_map(|version| path.strip_prefix(version)).unwrap_or(path);
            let row = ROWS.iter().find(|row| row.path == plain);
            (path.clone(), row.unwrap_or_else(|| panic!("{path} has no row in the table")))
        })
        .collect();
    assert!(ROWS.iter().all(|row| routes.iter().any(|(path, _)| path == row.path)), "a row without a route");
    routes
}

impl Proxy {
    async fn ask(&self, path: &str, row: &Row, key: &str, body: impl Into<Bytes>) -> Answer {
        let headers = [("content-type", row.content_type), ("authorization", &*format!("Bearer {key}"))];
        self.send(Method::POST, path, &headers, body).await
    }
}

fn key(name: &str, change: impl FnOnce(&mut CallerKey)) -> CallerKey {
    let mut key = CallerKey::new(name, KeyDigest::of(&format!("sk-{name}")));
    change(&mut key);
    key
}

async fn proxy() -> Proxy {
    Proxy::with(|app| {
        app.master_key("sk-master")
            .caller_key(key("other", |key| key.models = Some(vec!["fed".to_owned()])))
            .caller_key(key("once", |key| key.rpm = Some(1)))
            .caller_key(key("poor", |key| key.token_budget = Some(0)))
    })
    .await
}

fn code(answer: &Answer) -> Value {
    // Routes of Anthropic's API have its form of errors.
    let body = answer.json();
    let named = |pointer| body.pointer(pointer).filter(|value| !value.is_null());
    named("/error/code").or_else(|| named("/error/type")).cloned().unwrap_or_default()
}

#[tokio::test]
async fn keys_and_their_limits_hold() {
    let proxy = proxy().await;
    for (path, row) in routes(&proxy).await {
        let body = || (row.body)("echo");
        assert_eq!(proxy.ask(&path, row, "sk-wrong", "nonsense").await.status, 401, "{path}: before the body is read");
        let answer = proxy.ask(&path, row, "sk-master", body()).await;
        assert_eq!(answer.status, 200, "{path} {}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.headers["x-amzn-requestid"], "aws-request-1", "{path}");
        let hidden = proxy.ask(&path, row, "sk-other", body()).await;
        let unknown = proxy.ask(&path, row, "sk-master", (row.body)("no-such-model")).await;
        assert_eq!((hidden.status, unknown.status), (404.try_into().unwrap(), 404.try_into().unwrap()), "{path}");
        let poor = proxy.ask(&path, row, "sk-poor", body()).await;
        assert_eq!(poor.status, 429, "{path} {}", poor.text());
        assert!(["insufficient_quota", "rate_limit_error"].contains(&code(&poor).as_str().unwrap()), "{}", poor.text());
    }
    // A minute's single request is one on whichever route.
    let all = routes(&proxy).await;
    let (first, rest) = all.split_first().unwrap();
    assert_eq!(proxy.ask(&first.0, first.1, "sk-once", (first.1.body)("echo")).await.status, 200);
    for (path, row) in rest {
        let limited = proxy.ask(path, row, "sk-once", (row.body)("echo")).await;
        assert!(limited.status == 429 && limited.headers.contains_key("retry-after"), "{path} {limited:?}");
    }
}

#[tokio::test]
async fn every_request_is_counted_under_its_routes_name() {
    let proxy = Proxy::start().await;
    let mut expected = std::collections::BTreeMap::new();
    for (path, row) in routes(&proxy).await {
        let failed = proxy.ask(&path, row, "", (row.body)("fail-throttled")).await;
        assert_eq!(failed.status, 429, "{path} {}", failed.text());
        assert_eq!(proxy.ask(&path, row, "", (row.body)("echo")).await.status, 200, "{path}");
        *expected.entry(row.name).or_insert(0) += 1;
    }
    let metrics = proxy.get("/metrics").await;
    for (name, count) in expected {
        for (model, status) in [("echo", 200), ("fail-throttled", 429)] {
            let line = format!(
                r#"sagewire_requests_total{{route="{name}",model="{model}",status="{status}",key=""}} {count}"#
            );
            assert!(metrics.text().contains(&line), "no {line} in\n{}", metrics.text());
        }
    }
    assert!(metrics.text().contains("sagewire_requests_in_flight 0"));
    assert!(metrics.text().contains("sagewire_upload_bytes 0"));
}

#[tokio::test]
async fn a_caller_that_goes_away_ends_the_call_and_frees_its_place() {
    let proxy = Arc::new(
        Proxy::with(|app| {
            let mut limits = Limits::default();
            limits.concurrent = 1;
            app.limits(limits)
        })
        .await,
    );
    for (count, (path, row)) in routes(&proxy).await.into_iter().enumerate() {
        let request = Request::post(&path).header("host", "localhost").header("content-type", row.content_type);
        let request = request.body(Full::new(Bytes::from((row.body)("hang")))).unwrap();
        let caller = tokio::spawn({
            let proxy = Arc::clone(&proxy);
            async move { drop(proxy.open(request).await) }
        });
        proxy.double.began.notified().await;
        assert_eq!(proxy.ask(&path, row, "", (row.body)("echo")).await.status, 503, "{path}: the only place is taken");
        caller.abort();
        proxy.double.gave_up.notified().await;
        assert_eq!(proxy.double.given_up.load(SeqCst), count + 1, "{path}");
        // The place is free once the call's record is dropped, which is in the same turn.
        assert_eq!(proxy.ask(&path, row, "", (row.body)("echo")).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn bodies_that_mean_harm_are_refused() {
    let proxy = Proxy::start().await;
    let deep = format!(r#"{{"model":"echo","x":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let dense = format!(r#"{{"model":"echo","x":[{}0]}}"#, "0,".repeat(1 << 20));
    let parts =
        format!("{}--XX--\r\n", "--XX\r\nContent-Disposition: form-data; name=\"a[]\"\r\n\r\n\r\n".repeat(5000));
    let head = format!("--XX\r\nContent-Disposition: form-data; name=\"{}", "x".repeat(1 << 20));
    let field = format!("--XX\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\n{}", "x".repeat(1 << 20));
    let json = [
        "",
        "{",
        "[]",
        "null",
        "\"text\"",
        "{}",
        &deep,
        &dense,
        r#"{"model":"echo","model":"echo"}"#,
        r#"{"model":7}"#,
        r#"{"model":"echo"}"#,
    ];
    let form = ["", "--XX", "--XX--", "{}", &parts, &head, &field, "--XX\r\n\r\n\r\n--XX--\r\n"];
    for (path, row) in routes(&proxy).await {
        let is_form = row.content_type == FORM;
        for body in if is_form { &form[..] } else { &json[..] } {
            // vLLM's routes and images pass on what only the container can judge.
            let is_passed_on = row.name != "rerank" && *body == r#"{"model":"echo"}"#;
            let answer = proxy.ask(&path, row, "", (*body).to_owned()).await;
            let status = answer.status.as_u16();
            assert!(
                matches!(status, 400 | 404 | 413) || (status == 200 && is_passed_on),
                "{path} {body:.60} {answer:?}"
            );
            assert!(answer.json().is_object() || status == 200, "{path} {body:.60}");
        }
        for (name, value, expected) in [
            ("content-encoding", "gzip", 415),
            ("content-type", if is_form { "multipart/form-data" } else { JSON }, if is_form { 415 } else { 200 }),
        ] {
            let headers = [("content-type", row.content_type), (name, value)];
            let headers = if name == "content-type" { &headers[1..] } else { &headers[..] };
            let answer = proxy.send(Method::POST, &path, headers, (row.body)("echo")).await;
            assert_eq!(answer.status, expected, "{path} {name}");
        }
        // A length that promises more than comes.
        let body = (row.body)("echo");
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n",
            row.content_type,
            body.len() + 5
        );
        let short = body.get(..body.len() - 5).unwrap();
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        stream.write_all(format!("{head}{short}").as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{path} {answer}");
    }
    assert_eq!(proxy.get("/health/liveliness").await.status, 200);
}
