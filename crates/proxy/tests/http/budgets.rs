//! What a key may use, and that it is counted before the next request is judged.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use sagewire_proxy::{KeyDigest, config::CallerKey};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tracing_subscriber::filter::LevelFilter;

use crate::client::{Answer, Proxy};

const KEY: (&str, &str) = ("x-api-key", "sk-team");

async fn limited(change: impl FnOnce(&mut CallerKey)) -> Proxy {
    let mut key = CallerKey::new("team", KeyDigest::of(KEY.1));
    change(&mut key);
    Proxy::with(|app| app.master_key("sk-1234").caller_key(key)).await
}

async fn ask(proxy: &Proxy, body: &Value) -> Answer {
    proxy.send(Method::POST, "/chat/completions", &[KEY], body.to_string()).await
}

fn chat(model: &str, words: usize, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "max_tokens": 5, "messages": [{"role": "user", "content": "word ".repeat(words)}]})
}

#[tokio::test]
async fn what_an_answer_took_is_booked_before_its_end_is_sent() {
    for stream in [false, true] {
        // Each answer takes 7 tokens as it reports: the second ends the budget.
        let proxy = limited(|key| key.token_budget = Some(14)).await;
        for _ in 0..2 {
            assert_eq!(ask(&proxy, &chat("echo", 1, stream)).await.status, 200);
        }
        let refused = ask(&proxy, &chat("echo", 1, stream)).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["error"]["code"]), (429, &json!("insufficient_quota")));
    }
}

#[tokio::test]
async fn what_nobody_reports_is_estimated_from_prompt_and_answer() {
    // Prompt and answer have 4,000 bytes each: some 2,000 tokens.
    let proxy = limited(|key| key.token_budget = Some(1_900)).await;
    let body = json!({"model": "echo", "prompt": "x".repeat(4_000)}).to_string();
    assert_eq!(proxy.send(Method::POST, "/completions", &[KEY], body.clone()).await.status, 200);
    assert_eq!(proxy.send(Method::POST, "/completions", &[KEY], body).await.status, 429);
    let page = proxy.get("/metrics").await;
    for kind in ["prompt", "completion"] {
        let line = format!(r#"sagewire_tokens_total{{model="echo",kind="{kind}",key="team"}} 1000"#);
        assert!(page.text().contains(&line), "no {line} in {}", page.text());
    }
}

#[tokio::test]
async fn a_stream_that_breaks_counts_as_far_as_it_came() {
    let proxy = limited(|key| key.token_budget = Some(1_200)).await;
    let broken = ask(&proxy, &chat("broken", 500, true)).await;
    assert!(broken.text().contains("\"error\""), "{broken:?}");
    assert_eq!(ask(&proxy, &chat("echo", 1, false)).await.status, 429);
}

#[tokio::test]
async fn a_call_that_is_refused_uses_nothing() {
    let proxy = limited(|key| key.token_budget = Some(600)).await;
    for model in ["fail-throttled", "fail-invalid", "fail-model"] {
        assert!(!ask(&proxy, &chat(model, 500, false)).await.status.is_success());
    }
    assert_eq!(ask(&proxy, &chat("echo", 1, false)).await.status, 200);
}

#[tokio::test]
async fn calls_at_once_reserve_what_is_left_and_one_alone_is_let_through() {
    let proxy = Arc::new(limited(|key| key.tpm = Some(1_000)).await);
    let large = chat("hang", 1_000, false);
    let first = tokio::spawn({
        let proxy = Arc::clone(&proxy);
        async move { ask(&proxy, &large).await }
    });
    proxy.double.began.notified().await;
    let second = ask(&proxy, &chat("echo", 1, false)).await;
    assert_eq!((second.status.as_u16(), &second.json()["error"]["code"]), (429, &json!("rate_limit_exceeded")));
    assert_eq!(
        (&second.headers["retry-after"], &second.headers["x-should-retry"]),
        (&"1".parse().unwrap(), &"true".parse().unwrap())
    );
    assert!(second.text().contains("reserved") && second.text().contains("`tpm`"), "{second:?}");
    proxy.double.go_on.notify_one();
    assert_eq!(first.await.unwrap().status, 200);
    assert_eq!(ask(&proxy, &chat("echo", 1, false)).await.status, 200, "the first took 7 tokens in the end");
}

fn request(body: &Value) -> Request<Full<Bytes>> {
    Request::post("/chat/completions")
        .header("host", "localhost")
        .header(KEY.0, KEY.1)
        .body(Full::new(body.to_string().into()))
        .unwrap()
}

#[tokio::test]
async fn a_call_that_is_given_up_counts_what_it_was_expected_to_take() {
    let proxy = limited(|key| key.token_budget = Some(1_000)).await;
    {
        let opened = proxy.open(request(&chat("hang", 1_000, false)));
        tokio::select! {
            _ = opened => panic!("it hangs"),
            () = proxy.double.began.notified() => {}
        }
    }
    proxy.double.gave_up.notified().await;
    assert_eq!(ask(&proxy, &chat("echo", 1, false)).await.json()["error"]["code"], "insufficient_quota");
}

#[tokio::test]
async fn a_stream_that_is_given_up_counts_what_was_written() {
    let proxy = limited(|key| key.token_budget = Some(1_000)).await;
    let (feed, receiver) = mpsc::unbounded_channel();
    *proxy.double.feed.lock().unwrap() = Some(receiver);
    let choice = sagewire_types::ChunkChoice::text("x".repeat(8_000));
    feed.send(Ok(sagewire_types::ChatChunk::new("i".into(), "m".into(), 0, vec![choice]))).unwrap();
    drop(proxy.open(request(&chat("fed", 1, true))).await);
    proxy.double.gave_up.notified().await;
    let refused = ask(&proxy, &chat("echo", 1, false)).await.json();
    assert_eq!(refused["error"]["code"], "insufficient_quota");
    let said = refused["error"]["message"].as_str().unwrap();
    assert!(said.contains("1000 tokens (`token_budget`)") && said.contains("does not reset"), "{said}");
}

#[tokio::test]
async fn a_limited_key_is_told_what_is_left_with_every_answer_and_can_ask_for_it() {
    let proxy = limited(|key| {
        key.rpm = Some(3);
        key.token_budget = Some(100);
    })
    .await;
    let first = ask(&proxy, &chat("echo", 1, false)).await;
    for (name, value) in [
        ("x-ratelimit-limit-requests", "3"),
        ("x-ratelimit-remaining-requests", "2"),
        ("x-ratelimit-limit-tokens", "100"),
        ("x-ratelimit-remaining-tokens", "93"),
    ] {
        assert_eq!(first.headers[name], value, "{name}");
    }
    let reset = first.headers["x-ratelimit-reset-requests"].to_str().unwrap();
    assert!(reset.ends_with('s') && !first.headers.contains_key("x-ratelimit-reset-tokens"), "{:?}", first.headers);
    let unknown = ask(&proxy, &chat("nobody", 1, false)).await;
    assert_eq!(unknown.headers["x-ratelimit-remaining-requests"], "2", "what reaches no model is not counted");
    let info = proxy.send(Method::GET, "/key/info", &[KEY], "").await;
    assert_eq!(info.headers["x-ratelimit-remaining-requests"], "2", "asking for it costs nothing");
    let info = info.json();
    assert_eq!(info["info"]["key_alias"], "team");
    assert_eq!((&info["info"]["requests"], &info["info"]["rpm_limit"]), (&json!(1), &json!(3)));
    assert_eq!((&info["info"]["tokens_spent"], &info["info"]["token_budget"]), (&json!(7), &json!(100)));
    assert!(!info.to_string().contains("sk-team"));
    let master = proxy.send(Method::GET, "/key/info", &[("x-api-key", "sk-1234")], "").await;
    assert_eq!((master.status.as_u16(), &master.json()["info"]["key_alias"]), (200, &json!("master")));
    assert!(!master.headers.contains_key("x-ratelimit-limit-requests"));
}

#[test]
fn a_request_that_is_refused_by_its_head_is_logged_with_its_model() {
    let refused = |padding: usize| {
        let lines = crate::logs::capture(LevelFilter::INFO, async {
            let proxy = limited(|key| key.rpm = Some(1)).await;
            // The first pass makes sure that every line's place in the code is known.
            for (words, status) in [(1, 200), (1, 429), (padding, 429)] {
                tracing::callsite::rebuild_interest_cache();
                assert_eq!(ask(&proxy, &chat("echo", words, true)).await.status, status);
            }
        });
        let access = lines.into_iter().rev().find(|line| line["target"] == "sagewire::proxy::access").unwrap();
        assert_eq!((&access["status"], &access["key"]), (&json!(429), &json!("team")));
        (access["model"].clone(), access["stream"].clone())
    };
    assert_eq!(refused(1), (json!("echo"), json!(true)));
    assert_eq!(refused(10_000), (Value::Null, Value::Null), "a large body is not read");
}
