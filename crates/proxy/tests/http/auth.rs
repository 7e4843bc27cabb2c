//! Keys.

use http::Method;
use sagewire_proxy::{Config, KeyDigest, config::CallerKey};
use serde_json::json;

use crate::client::Proxy;

fn key(change: impl FnOnce(&mut CallerKey)) -> CallerKey {
    let mut key = CallerKey::new("team", KeyDigest::of("sk-team"));
    change(&mut key);
    key
}

fn body() -> String {
    json!({"model": "echo", "messages": [{"role": "user", "content": "hi"}]}).to_string()
}

#[tokio::test]
async fn a_missing_or_wrong_key_is_a_401_before_the_body_is_read() {
    let proxy = Proxy::with(|app| app.master_key("sk-1234")).await;
    for headers in [&[][..], &[("authorization", "Bearer sk-12345")], &[("authorization", "sk-1234")]] {
        // The body is not JSON: if it were read first, the error would be about that.
        let answer = proxy.send(Method::POST, "/chat/completions", headers, "{nonsense").await;
        assert_eq!(answer.status, 401, "{headers:?}");
        assert_eq!(answer.json()["error"]["code"], "invalid_api_key");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
    for headers in [("authorization", "Bearer sk-1234"), ("x-api-key", "sk-1234"), ("api-key", "sk-1234")] {
        assert_eq!(proxy.send(Method::POST, "/chat/completions", &[headers], body()).await.status, 200, "{headers:?}");
    }
}

#[tokio::test]
async fn what_needs_no_key_needs_none() {
    let proxy = Proxy::with(|app| app.master_key("sk-1234")).await;
    for (path, status) in [
        ("/health/liveliness", 200),
        ("/health/readiness", 200),
        ("/metrics", 200),
        ("/openapi.json", 200),
        ("/", 200),
        ("/health", 401),
        ("/models", 401),
        ("/models/echo", 401),
        ("/model/info", 401),
    ] {
        assert_eq!(proxy.get(path).await.status.as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn a_named_key_opens_its_own_models_and_sees_no_others() {
    let key = key(|key| key.models = Some(vec!["echo".to_owned()]));
    let proxy = Proxy::with(|app| app.master_key("sk-1234").caller_key(key)).await;
    let team = [("x-api-key", "sk-team")];
    assert_eq!(proxy.send(Method::POST, "/chat/completions", &team, body()).await.status, 200);
    let other = body().replace("echo", "fed");
    assert_eq!(
        proxy.send(Method::POST, "/chat/completions", &team, other).await.json()["error"]["code"],
        "model_not_found"
    );
    let listed = proxy.send(Method::GET, "/v1/models", &team, "").await.json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(proxy.send(Method::GET, "/health", &team, "").await.status, 403);
}

#[tokio::test]
async fn a_keys_limits_are_a_429_with_a_time_to_wait() {
    let key = key(|key| key.rpm = Some(1));
    let proxy = Proxy::with(|app| app.caller_key(key)).await;
    let team = [("x-api-key", "sk-team")];
    assert_eq!(proxy.send(Method::POST, "/chat/completions", &team, body()).await.status, 200);
    let refused = proxy.send(Method::POST, "/chat/completions", &team, body()).await;
    assert_eq!(refused.status, 429);
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(refused.json()["error"]["code"], "rate_limit_exceeded");
    assert_eq!(proxy.asked().len(), 1);
}

#[tokio::test]
async fn a_budget_is_spent_by_whole_answers_and_by_streams() {
    for stream in [false, true] {
        // Each answer takes seven tokens.
        let key = key(|key| key.token_budget = Some(7));
        let proxy = Proxy::with(|app| app.caller_key(key)).await;
        let team = [("x-api-key", "sk-team")];
        let body =
            json!({"model": "echo", "messages": [{"role": "user", "content": "hi"}], "stream": stream}).to_string();
        assert_eq!(proxy.send(Method::POST, "/chat/completions", &team, body.clone()).await.status, 200);
        let refused = proxy.send(Method::POST, "/chat/completions", &team, body).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["error"]["code"]), (429, &json!("insufficient_quota")));
        assert_eq!(refused.headers["x-should-retry"], "false");
    }
}

#[tokio::test]
async fn without_a_key_web_pages_are_kept_out() {
    let proxy = Proxy::start().await;
    let page = [("origin", "https://evil.example"), ("content-type", "text/plain")];
    let refused = proxy.send(Method::POST, "/chat/completions", &page, body()).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]["code"]), (403, &json!("origin_not_allowed")));
    assert!(!refused.headers.contains_key("access-control-allow-origin"));

    let keyed = Proxy::with(|app| app.master_key("sk-1234")).await;
    let page = [("origin", "https://app.example"), ("x-api-key", "sk-1234")];
    let answer = keyed.send(Method::POST, "/chat/completions", &page, body()).await;
    assert_eq!((answer.status.as_u16(), &answer.headers["access-control-allow-origin"]), (200, &"*".parse().unwrap()));
    let preflight = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization"),
    ];
    let answer = keyed.send(Method::OPTIONS, "/chat/completions", &preflight, "").await;
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["access-control-allow-headers"]),
        (204, &"authorization".parse().unwrap())
    );
}

#[tokio::test]
async fn without_a_key_a_page_that_rebinds_its_name_reads_nothing() {
    let proxy = Proxy::start().await;
    for path in ["/v1/models", "/model/info", "/metrics", "/health", "/health?probe=true", "/key/info"] {
        for headers in [
            &[("host", "rebound.example:4000")][..],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
        ] {
            let answer = proxy.send(Method::GET, path, headers, "").await;
            assert_eq!(answer.status, 403, "{path} {headers:?}: {}", answer.text());
        }
        assert_eq!(proxy.send(Method::GET, path, &[("sec-fetch-site", "same-origin")], "").await.status, 200, "{path}");
    }
    let keyed = Proxy::with(|app| app.master_key("sk-1234")).await;
    let named = [("host", "proxy.example"), ("x-api-key", "sk-1234")];
    assert_eq!(keyed.send(Method::GET, "/v1/models", &named, "").await.status, 200);
    let yaml = "model_list: [{model_name: m, litellm_params: {model: sagemaker/x}}]\nsagewire_settings: {allowed_hosts: [proxy.example]}";
    let (config, _) = Config::from_yaml(yaml, &|_| None).unwrap();
    let listed = Proxy::with(|app| app.settings(&config)).await;
    assert_eq!(listed.send(Method::GET, "/v1/models", &[("host", "proxy.example")], "").await.status, 200);
}

#[tokio::test]
async fn a_key_in_the_url_is_refused_whatever_its_name() {
    let proxy = Proxy::with(|app| app.master_key("sk-1234")).await;
    let key = [("x-api-key", "sk-1234")];
    for query in ["password=x", "x=sk-1234", "q=sk%2D1234"] {
        assert_eq!(proxy.send(Method::GET, &format!("/models?{query}"), &key, "").await.status, 401, "{query}");
    }
    assert_eq!(proxy.send(Method::GET, "/models?api-version=2024-02-01", &key, "").await.status, 200);
}
