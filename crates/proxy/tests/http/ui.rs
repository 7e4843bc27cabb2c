//! The page for browsers, and what it is told.

use http::Method;
use sagewire_proxy::{Config, KeyDigest, config::CallerKey};
use serde_json::{Value, json};

use crate::client::Proxy;

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");

#[tokio::test]
async fn a_browser_gets_a_page_that_may_load_its_own_files_alone() {
    let proxy = Proxy::with(|app| app.master_key("sk-1234")).await;
    for path in ["/", "/docs", "/docs/", "/ui/index.html"] {
        let page = proxy.send(Method::GET, path, &[BROWSER], "").await;
        assert_eq!(
            (page.status.as_u16(), page.headers["content-type"].to_str().unwrap()),
            (200, "text/html; charset=utf-8")
        );
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        for part in
            ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"]
        {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.headers["x-content-type-options"], "nosniff");
        assert_eq!(page.headers["x-frame-options"], "DENY");
        assert!(!page.headers.contains_key("set-cookie"));
        // Every file that it names is there, with its type.
        let text = page.text();
        let named = text.split('"').filter(|value| value.starts_with("/ui/"));
        for name in named {
            let file = proxy.send(Method::GET, name, &[("accept", "*/*")], "").await;
            assert_eq!(
                (file.status.as_u16(), &file.headers["x-content-type-options"]),
                (200, &"nosniff".parse().unwrap())
            );
        }
    }
    for (accept, what) in [("application/json", "json"), ("*/*", "json"), ("", "json")] {
        let home = proxy.send(Method::GET, "/", &[("accept", accept)], "").await;
        assert_eq!(
            (home.json()["name"].clone(), home.json()["needs_key"].clone()),
            (json!("sagewire"), json!(true)),
            "{what}"
        );
    }
    let head = proxy.send(Method::HEAD, "/", &[BROWSER], "").await;
    assert!(head.status == 200 && head.body.is_empty());
    for missing in ["/ui", "/ui/", "/ui/x.js", "/ui/../Cargo.toml", "/ui/%2e%2e/Cargo.toml", "/docs/x"] {
        assert_eq!(proxy.send(Method::GET, missing, &[BROWSER], "").await.status, 404, "{missing}");
    }
}

#[tokio::test]
async fn the_operator_can_turn_the_page_off() {
    let yaml = "model_list: [{model_name: m, litellm_params: {model: sagemaker/x}}]\nsagewire_settings: {ui: false}";
    let (config, _) = Config::from_yaml(yaml, &|_| None).unwrap();
    let proxy = Proxy::with(|app| app.settings(&config)).await;
    let home = proxy.send(Method::GET, "/", &[BROWSER], "").await;
    assert_eq!(
        (home.json()["needs_key"].clone(), home.headers["content-type"].to_str().unwrap()),
        (json!(false), "application/json")
    );
    for path in ["/docs", "/ui/index.html", "/ui/main.js"] {
        assert_eq!(
            proxy.send(Method::GET, path, &[BROWSER], "").await.json()["error"]["code"],
            "unknown_url",
            "{path}"
        );
    }
}

/// The page sends an `Origin` with its POSTs, which is that of the proxy itself.
#[tokio::test]
async fn the_own_page_may_call_a_proxy_without_a_key() {
    let proxy = Proxy::start().await;
    let body = json!({"model": "echo", "messages": [{"role": "user", "content": "hi"}]}).to_string();
    let host = proxy.address.to_string();
    for (origin, status) in
        [(format!("http://{host}"), 200), ("http://127.0.0.1:1".to_owned(), 403), ("null".to_owned(), 403)]
    {
        let answer = proxy.send(Method::POST, "/v1/chat/completions", &[("origin", &origin)], body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{origin}");
    }
}

async fn ask(proxy: &Proxy, key: &str, model: &str, stream: bool) {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "a b"}], "stream": stream});
    proxy.send(Method::POST, "/chat/completions", &[("x-api-key", key)], body.to_string()).await;
}

async fn activity(proxy: &Proxy, key: &str) -> Value {
    proxy.send(Method::GET, "/activity", &[("x-api-key", key)], "").await.json()
}

#[tokio::test]
async fn a_key_sees_its_own_figures_and_failures_and_the_master_key_those_of_all() {
    // Its name gives it no more than any other.
    let team = |name: &str| CallerKey::new(name, KeyDigest::of(&format!("sk-{name}")));
    let proxy = Proxy::with(|app| app.master_key("sk-1234").caller_key(team("master")).caller_key(team("b"))).await;
    ask(&proxy, "sk-master", "echo", true).await;
    ask(&proxy, "sk-b", "echo", false).await;
    ask(&proxy, "sk-b", "fail-model", false).await;
    ask(&proxy, "sk-1234", "broken", true).await;
    let own = activity(&proxy, "sk-master").await;
    assert_eq!((own["series"].as_array().unwrap().len(), own["failures"].as_array().unwrap().len()), (1, 0));
    let minute = &own["series"][0]["minutes"][0];
    for (name, expected) in
        [("requests", 1), ("errors", 0), ("prompt_tokens", 3), ("completion_tokens", 4), ("streams", 1)]
    {
        assert_eq!(minute[name], expected, "{name}: {own}");
    }
    let own = activity(&proxy, "sk-b").await;
    let failures = own["failures"].as_array().unwrap();
    assert_eq!((failures.len(), own["series"].as_array().unwrap().len()), (1, 2));
    let failure = &failures[0];
    assert_eq!(
        (&failure["status"], &failure["kind"], &failure["model"], &failure["aws_request_id"], &failure["deployment"]),
        (&json!(502), &json!("model_failed"), &json!("fail-model"), &json!("aws-request-1"), &Value::Null)
    );
    assert!(failure["request_id"].as_str().unwrap().starts_with("req-"));
    let all = activity(&proxy, "sk-1234").await;
    assert_eq!((all["series"].as_array().unwrap().len(), all["failures"].as_array().unwrap().len()), (4, 2));
    // What AWS said of itself, and the endpoint's name, are in none of them.
    for text in [all.to_string(), own.to_string()] {
        for secret in ["UPSTREAM-BODY", "123456789012", "hidden-endpoint-7", "LOG-STREAM", "sk-b", "sk-1234"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    assert_eq!(proxy.get("/activity").await.status, 401);
    for (key, is_operator) in [("sk-1234", true), ("sk-master", false)] {
        let info = proxy.send(Method::GET, "/key/info", &[("x-api-key", key)], "").await.json();
        assert_eq!(info["info"]["is_operator"], is_operator);
    }
}
