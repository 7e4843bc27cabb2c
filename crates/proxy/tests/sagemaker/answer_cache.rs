//! Answers that are kept, on every route: the first one comes again, byte for byte, and no model is
//! asked.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use sagewire_proxy::{Config, Wiring};
use serde_json::{Value, json};

use crate::setup::{Answer, Setup};

const CACHED: &str = "
model_list:
  - {model_name: text, litellm_params: {model: sagemaker/tgi}}
  - {model_name: chat, litellm_params: {model: sagemaker_chat/messages}}
  - {model_name: vectors, litellm_params: {model: sagemaker/embedding}}
litellm_settings: {cache: true, cache_params: {type: local}}
sagewire_settings:
  keys: [{name: a, key: sk-a, token_budget: 1000000}, {name: b, key: sk-b}]
";

async fn ask(setup: &Setup, key: &str, path: &str, body: &Value) -> Answer {
    let authorization = format!("Bearer {key}");
    let answer = setup.send(Method::POST, path, &[("authorization", &authorization)], &body.to_string()).await;
    assert_eq!(answer.status, 200, "{path} {}", answer.text());
    answer
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name).map(|value| value.to_str().unwrap())
}

/// The answer without the id and the time that every response has of its own, as it may be stored
/// under them.
fn without_own(answer: &Answer) -> String {
    let text = answer.text();
    let Some(id) = text.split_once("\"resp_").and_then(|(_, rest)| rest.get(..32)) else { return text.to_owned() };
    let mut parts = text.split("\"created_at\":");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| part.trim_start_matches(|digit: char| digit.is_ascii_digit()));
    rest.fold(first, |whole, part| whole + part).replace(id, "")
}

/// Every route whose answers are kept.
fn requests() -> Vec<(&'static str, Value)> {
    let chat = json!({"messages": [{"role": "user", "content": "What is a llama?"}]});
    let mut requests = Vec::new();
    for (path, model, body) in [
        ("/v1/chat/completions", "chat", chat.clone()),
        ("/v1/chat/completions", "text", chat),
        ("/v1/completions", "text", json!({"prompt": "What is a llama?"})),
        ("/v1/messages", "chat", json!({"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1000})),
        ("/v1/responses", "chat", json!({"input": "Hello"})),
    ] {
        for stream in [false, true] {
            let mut body = body.clone();
            let more = [("model".to_owned(), model.into()), ("stream".to_owned(), stream.into())];
            body.as_object_mut().unwrap().extend(more);
            requests.push((path, body));
        }
    }
    requests.push(("/v1/embeddings", json!({"model": "vectors", "input": ["one", "two"]})));
    requests
}

#[tokio::test]
async fn the_same_request_has_the_same_answer_on_every_route() {
    for (path, body) in requests() {
        let setup = Setup::start(CACHED).await;
        let first = ask(&setup, "sk-a", path, &body).await;
        assert_eq!(header(&first, "x-sagewire-cache"), Some("miss"), "{path} {body}");
        let asked = setup.emulator.received().len();
        let second = ask(&setup, "sk-a", path, &body).await;
        assert_eq!(header(&second, "x-sagewire-cache"), Some("hit"), "{path} {body}");
        assert_eq!(header(&second, "x-sagewire-cache-age"), Some("0"));
        assert_eq!(without_own(&second), without_own(&first), "{path} {body}");
        let keys = [&first, &second].map(|answer| header(answer, "x-sagewire-cache-key").map(str::len));
        let expected = if path.ends_with("embeddings") { None } else { Some(64) };
        assert_eq!(keys, [expected; 2]);
        assert_eq!(setup.emulator.received().len(), asked, "no model is asked: {path} {body}");
        assert_eq!(header(&ask(&setup, "sk-b", path, &body).await, "x-sagewire-cache"), Some("miss"), "another key");
    }
}

#[tokio::test]
async fn a_kept_answer_counts_as_a_request_and_not_as_tokens() {
    let setup = Setup::start(CACHED).await;
    for (path, body) in requests() {
        ask(&setup, "sk-a", path, &body).await;
    }
    let used = async || {
        let headers = [("authorization", "Bearer sk-a")];
        let info = setup.send(Method::GET, "/key/info", &headers, "").await.json();
        (info["info"]["requests"].clone(), info["info"]["tokens"].clone(), info)
    };
    let before = used().await;
    for (path, body) in requests() {
        ask(&setup, "sk-a", path, &body).await;
    }
    let after = used().await;
    assert_eq!(after.1, before.1, "{}", after.2);
    let page = setup.get("/metrics").await;
    for (model, result) in [("chat", "hit"), ("chat", "miss"), ("vectors", "hit")] {
        let line = format!(r#"sagewire_cache_lookups_total{{model="{model}",result="{result}",key="a"}} "#);
        assert!(page.text().contains(&line), "{line} {}", page.text());
    }
}

#[tokio::test]
async fn a_request_says_what_it_wants_of_the_cache_and_its_container_is_not_told() {
    let setup = Setup::start(CACHED).await;
    let found = async |cache: Value| {
        let body = json!({"model": "chat", "messages": [{"role": "user", "content": "Hello"}], "cache": cache});
        header(&ask(&setup, "sk-a", "/v1/chat/completions", &body).await, "x-sagewire-cache").map(str::to_owned)
    };
    for (cache, expected) in [
        (json!({"no-store": true}), Some("miss")),
        (json!({"ttl": 60}), Some("miss")),
        (json!({}), Some("hit")),
        (Value::Null, Some("hit")),
        (json!({"no-cache": true}), Some("miss")),
        (json!({"namespace": "other"}), Some("miss")),
        (json!({"use-cache": false}), None),
        (json!({"s-maxage": 3600, "something-new": 1}), Some("hit")),
    ] {
        assert_eq!(found(cache.clone()).await.as_deref(), expected, "{cache}");
    }
    for request in setup.emulator.received() {
        assert!(!String::from_utf8_lossy(&request.body).contains("cache"), "{request:?}");
    }
    for (cache, message) in [
        (json!(true), "invalid value for `cache`"),
        (json!({"no-cache": "perhaps"}), "invalid value for `cache.no-cache`: expected true or false"),
        (json!({"ttl": -1}), "invalid value for `cache.ttl`: expected a number of seconds"),
        (json!({"ttl": 1e300}), "invalid value for `cache.ttl`: expected a number of seconds"),
        (json!({"s-maxage": "1"}), "invalid value for `cache.s-maxage`"),
        (json!({"namespace": 1}), "invalid value for `cache.namespace`: expected a string"),
    ] {
        let body = json!({"model": "chat", "messages": [{"role": "user", "content": "Hello"}], "cache": cache});
        let headers = [("authorization", "Bearer sk-a")];
        let answer = setup.send(Method::POST, "/v1/chat/completions", &headers, &body.to_string()).await;
        assert!(answer.status == 400 && answer.text().contains(message), "{}", answer.text());
    }
}

#[tokio::test]
async fn answers_are_kept_as_the_operator_says() {
    let hello = json!({"model": "chat", "messages": [{"role": "user", "content": "Hello"}]});
    for (params, second, other) in [
        ("{type: local, scope: all}", Some("hit"), Some("hit")),
        ("{type: local, mode: default_off}", None, None),
        ("{type: local, supported_call_types: [embedding]}", None, None),
    ] {
        let setup = Setup::start(&CACHED.replace("{type: local}", params)).await;
        ask(&setup, "sk-a", "/v1/chat/completions", &hello).await;
        for (key, expected) in [("sk-a", second), ("sk-b", other)] {
            let answer = ask(&setup, key, "/v1/chat/completions", &hello).await;
            assert_eq!(header(&answer, "x-sagewire-cache"), expected, "{params} {key}");
        }
    }
}

#[tokio::test]
async fn a_caller_that_chooses_the_target_is_not_answered_from_the_cache() {
    let setup = Setup::start(CACHED).await;
    let hello = json!({"model": "chat", "messages": [{"role": "user", "content": "Hello"}]}).to_string();
    for _ in 0..2 {
        let headers = [("authorization", "Bearer sk-a"), ("x-amzn-sagemaker-target-variant", "blue")];
        let answer = setup.send(Method::POST, "/v1/chat/completions", &headers, &hello).await;
        assert_eq!(header(&answer, "x-sagewire-cache"), None, "{}", answer.text());
    }
}

/// What a proxy keeps the answer to this request under.
async fn key_of(setup: &Setup, yaml: &str, body: &Value) -> String {
    let (config, _) = Config::from_yaml(yaml, &|name| setup.world.var(name)).unwrap();
    let app = Wiring::new(setup.world.clone()).app(&config, None).unwrap();
    let request =
        Request::post("/v1/chat/completions").header("authorization", "Bearer sk-a").header("host", "localhost");
    let response = app.answer(request.body(Full::new(Bytes::from(body.to_string()))).unwrap()).await;
    response.headers()["x-sagewire-cache-key"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn proxies_share_answers_only_if_everything_that_decides_them_is_the_same() {
    let setup = Setup::start(CACHED).await;
    let hello = json!({"model": "chat", "messages": [{"role": "user", "content": "Hello"}]});
    let key = key_of(&setup, CACHED, &hello).await;
    for (what, by, is_same) in [
        ("", "", true),
        ("{name: a,", "{name: c,", true),
        // Who has the same name and another key is another caller.
        ("{name: a, key: sk-a,", "{name: a, key: sk-x}, {name: c, key: sk-a,", true),
        ("litellm_settings: {", "litellm_settings: {drop_params: true, ", false),
        ("{type: local}", "{type: local, namespace: other}", false),
        ("{type: local}", "{type: local, scope: all}", false),
        ("sagemaker_chat/messages}", "sagemaker_chat/messages, temperature: 0.5}", false),
        ("sagemaker_chat/messages}", "sagemaker/tgi}", false),
    ] {
        let other = key_of(&setup, &CACHED.replace(what, by), &hello).await;
        assert_eq!(other == key, is_same, "{by}");
    }
    // A caller's namespace lies within the operator's.
    let mut named = hello.clone();
    named.as_object_mut().unwrap().insert("cache".to_owned(), json!({"namespace": "other"}));
    let operators = CACHED.replace("{type: local}", "{type: local, namespace: other}");
    assert_ne!(key_of(&setup, &operators, &hello).await, key_of(&setup, CACHED, &named).await);
}
