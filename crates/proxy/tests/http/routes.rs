//! Paths and methods.

use http::Method;
use sagewire_proxy::Config;
use serde_json::json;

use crate::client::Proxy;

fn chat() -> String {
    json!({"messages": [{"role": "user", "content": "hi"}]}).to_string()
}

#[tokio::test]
async fn every_form_of_a_path_leads_to_its_route() {
    let proxy = Proxy::start().await;
    let embed = json!({"input": "hi"}).to_string();
    let complete = json!({"prompt": "hi"}).to_string();
    for (path, body, object) in [
        ("/engines/echo/chat/completions", chat(), "chat.completion"),
        ("/v1/engines/echo/chat/completions", chat(), "chat.completion"),
        ("/openai/deployments/echo/chat/completions", chat(), "chat.completion"),
        ("/v1/openai/deployments/echo/chat/completions/", chat(), "chat.completion"),
        ("/openai/deployments/sagemaker/a/chat/completions", chat(), "chat.completion"),
        ("/openai/deployments/sagemaker%2Fa/embeddings", embed.clone(), "list"),
        ("/engines/echo/embeddings", embed, "list"),
        ("/v1/engines/echo/completions", complete, "text_completion"),
    ] {
        let answer = proxy.send(Method::POST, path, &[], body).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["object"]), (200, &json!(object)), "{path}");
        let model = if path.contains("sagemaker") { "sagemaker/a" } else { "echo" };
        assert_eq!(answer.json()["model"], model, "{path}");
    }
    for path in ["/chat/completions", "/v1/chat/completions", "/v1/chat/completions/"] {
        let answer = proxy.send(Method::POST, path, &[], chat().replacen('{', r#"{"model":"echo","#, 1)).await;
        assert_eq!(answer.status, 200, "{path}");
    }
    for (path, key) in [
        ("/models", "data"),
        ("/v1/models/", "data"),
        ("/models/sagemaker/a", "id"),
        ("/v1/models/sagemaker%2Fa", "id"),
        ("/model/info", "data"),
        ("/v1/model/info", "data"),
        ("/health", "healthy_count"),
        ("/", "openapi"),
        ("/openapi.json/", "paths"),
    ] {
        let answer = proxy.get(path).await;
        assert!(answer.status == 200 && answer.json().get(key).is_some(), "{path}: {answer:?}");
    }
    for unknown in [
        "/v1",
        "/v1/",
        "/v2/models",
        "/v1/health",
        "/engines//chat/completions",
        "/models/%FF",
        "/v1models",
        "/engines/m",
        "/openai/deployments/%FF/embeddings",
    ] {
        let answer = proxy.send(Method::POST, unknown, &[], chat()).await;
        let expected =
            if unknown == "/models/%FF" { (405, json!("method_not_allowed")) } else { (404, json!("unknown_url")) };
        assert_eq!((answer.status.as_u16(), answer.json()["error"]["code"].clone()), expected, "{unknown}");
        assert!(answer.headers["x-request-id"].to_str().unwrap().starts_with("req-"));
    }
    assert_eq!(proxy.get("/models/%FF").await.json()["error"]["code"], "unknown_url");
}

#[tokio::test]
async fn a_method_that_a_path_does_not_take_is_a_405_that_names_those_it_takes() {
    let proxy = Proxy::start().await;
    for (method, path, allowed) in [
        (Method::GET, "/chat/completions", "POST"),
        (Method::GET, "/engines/echo/completions", "POST"),
        (Method::POST, "/models", "GET"),
        (Method::PUT, "/models/echo", "GET"),
        (Method::DELETE, "/health/liveliness", "GET"),
    ] {
        let answer = proxy.send(method.clone(), path, &[], "").await;
        assert_eq!(
            (answer.status.as_u16(), &answer.headers["allow"]),
            (405, &allowed.parse().unwrap()),
            "{method} {path}"
        );
        assert_eq!(answer.json()["error"]["code"], "method_not_allowed");
    }
    let head = proxy.send(Method::HEAD, "/models", &[], "").await;
    assert!(head.status == 200 && head.body.is_empty() && head.headers["content-length"] != "0", "{head:?}");
}

#[tokio::test]
async fn large_answers_are_compressed_for_callers_that_accept_it_if_the_operator_says_so() {
    let yaml =
        "model_list: [{model_name: m, litellm_params: {model: sagemaker/x}}]\nsagewire_settings: {compression: true}";
    let (config, _) = Config::from_yaml(yaml, &|_| None).unwrap();
    let compressing = Proxy::with(|app| app.settings(&config)).await;
    let plain = Proxy::start().await;
    let body = |length: usize| {
        json!({"model": "echo", "messages": [{"role": "user", "content": "x".repeat(length)}]}).to_string()
    };
    for (proxy, accept, length, compressed) in [
        (&compressing, "gzip, deflate", 20_000, true),
        (&compressing, "br, GZIP;q=0.5", 20_000, true),
        (&compressing, "gzip", 10, false),
        (&compressing, "gzip;q=0", 20_000, false),
        (&compressing, "identity", 20_000, false),
        (&plain, "gzip", 20_000, false),
    ] {
        let answer = proxy.send(Method::POST, "/chat/completions", &[("accept-encoding", accept)], body(length)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers.contains_key("content-encoding"), compressed, "{accept} {length}");
        if compressed {
            assert!(answer.body.len() < 1000 && answer.body.starts_with(&[0x1f, 0x8b]), "{} bytes", answer.body.len());
            assert!(answer.headers.get_all("vary").iter().any(|value| value == "accept-encoding"), "{answer:?}");
        } else {
            assert!(answer.json()["choices"][0]["message"]["content"].as_str().unwrap().len() == length);
        }
    }
    let stream = body(20_000).replacen('{', r#"{"stream":true,"#, 1);
    let answer = compressing.send(Method::POST, "/chat/completions", &[("accept-encoding", "gzip")], stream).await;
    assert!(answer.text().ends_with("data: [DONE]\n\n"), "streams go out as they are");
}
