//! Anthropic's Messages API over HTTP: answers, streams, failures, keys and limits.

use http::Method;
use sagewire_proxy::{ServedDeployment, ServedModel};
use serde_json::{Value, json};

use crate::client::{Answer, Proxy};

fn request(model: &str, extra: Value) -> Value {
    let mut body = json!({"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": "one two"}]});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

/// The events of a stream; each is named as its data says.
fn events(answer: &Answer) -> Vec<Value> {
    let mut events = Vec::new();
    for event in answer.text().split_terminator("\n\n") {
        let (name, data) = event.strip_prefix("event: ").unwrap().split_once("\ndata: ").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data.get("type").unwrap(), name);
        events.push(data);
    }
    events
}

#[tokio::test]
async fn a_whole_answer_has_anthropics_form() {
    let proxy = Proxy::start().await;
    for path in ["/v1/messages", "/v1/messages?beta=true", "/messages/"] {
        let answer = proxy.post(path, &request("echo", json!({}))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let mut message = answer.json();
        assert!(message["id"].as_str().unwrap().starts_with("msg_"));
        message.as_object_mut().unwrap().remove("id");
        assert_eq!(
            message,
            json!({
                "type": "message", "role": "assistant", "model": "echo", "content": [{"type": "text", "text": "one two"}],
                "stop_reason": "end_turn", "stop_sequence": null,
                "usage": {"input_tokens": 3, "cache_creation_input_tokens": null, "cache_read_input_tokens": null, "output_tokens": 4},
            })
        );
        assert_eq!(answer.headers["request-id"], answer.headers["x-request-id"]);
        assert_eq!(answer.headers["x-sagewire-deployment"], "d-1");
        assert!(!answer.headers.contains_key("x-sagewire-usage"));
    }
}

#[tokio::test]
async fn a_stream_has_anthropics_events() {
    let proxy = Proxy::start().await;
    let answer = proxy.post("/v1/messages", &request("echo", json!({"stream": true}))).await;
    assert_eq!(answer.headers["content-type"], "text/event-stream; charset=utf-8");
    let events = events(&answer);
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "message_start",
            "ping",
            "content_block_start",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    assert_eq!(events[0]["message"]["model"], "echo");
    let text: String = events.iter().filter_map(|event| event["delta"]["text"].as_str()).collect();
    assert_eq!(text, "one two");
    assert_eq!(
        (&events[6]["delta"]["stop_reason"], &events[6]["usage"]["output_tokens"]),
        (&json!("end_turn"), &json!(4))
    );
}

#[tokio::test]
async fn a_broken_stream_ends_with_an_error_and_never_with_message_stop() {
    let proxy = Proxy::start().await;
    let answer = proxy.post("/v1/messages", &request("broken", json!({"stream": true}))).await;
    let events = events(&answer);
    let last = events.last().unwrap();
    assert_eq!((&last["type"], &last["error"]["type"]), (&json!("error"), &json!("api_error")));
    assert!(events.iter().all(|event| event["type"] != "message_stop" && event["type"] != "message_delta"));
    assert!(
        !answer.text().contains("hidden-endpoint") && !answer.text().contains("UPSTREAM-BODY"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn failures_have_anthropics_form_on_its_routes_and_for_its_clients() {
    let proxy = Proxy::start().await;
    for (model, status, kind) in [
        ("fail-invalid", 400, "invalid_request_error"),
        ("fail-context", 400, "invalid_request_error"),
        ("fail-throttled", 429, "rate_limit_error"),
        ("fail-model", 502, "api_error"),
        ("fail-timeout", 504, "timeout_error"),
        ("nobody", 404, "not_found_error"),
    ] {
        let answer = proxy.post("/v1/messages", &request(model, json!({}))).await;
        let body = answer.json();
        assert_eq!(
            (answer.status.as_u16(), &body["type"], &body["error"]["type"]),
            (status, &json!("error"), &json!(kind))
        );
        assert_eq!(body["request_id"], answer.headers["request-id"].to_str().unwrap());
        assert!(!answer.text().contains("hidden-endpoint") && !answer.text().contains("123456789012"));
    }
    let anthropic = [("anthropic-version", "2023-06-01")];
    let unknown = proxy.send(Method::GET, "/v1/nothing", &anthropic, "").await;
    assert_eq!((unknown.status.as_u16(), &unknown.json()["error"]["type"]), (404, &json!("not_found_error")));
    let other = proxy.get("/v1/nothing").await;
    assert_eq!(other.json()["error"]["code"], "unknown_url");
    let refused = proxy.post("/v1/messages", &request("echo", json!({"aws_region_name": "eu-west-1"}))).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]["type"]), (400, &json!("invalid_request_error")));
    // Anthropic's SDKs go on without a thread by this code.
    let threaded = proxy.post("/v1/messages", &request("echo", json!({"thread": {"type": "create"}}))).await;
    let details = json!({"error_code": "thread_unsupported_request", "unsupported": ["thread"]});
    assert_eq!((threaded.status.as_u16(), &threaded.json()["error"]["details"]), (400, &details));
    let broken =
        proxy.post("/v1/messages", &json!({"model": "echo", "messages": [{"role": "tool", "content": "x"}]})).await;
    assert_eq!(broken.status, 400, "{}", broken.text());
}

#[tokio::test]
async fn the_key_is_accepted_as_anthropics_clients_send_it() {
    let proxy = Proxy::with(|app| app.master_key("sk-1234")).await;
    let body = request("echo", json!({})).to_string();
    let sent = |name, value| proxy.send(Method::POST, "/v1/messages", vec![(name, value)].leak(), body.clone());
    assert_eq!(sent("x-api-key", "sk-1234").await.status, 200);
    assert_eq!(sent("authorization", "Bearer sk-1234").await.status, 200);
    // The versions that clients name are accepted, whichever they are.
    let headers = vec![
        ("x-api-key", "sk-1234"),
        ("anthropic-version", "2023-06-01"),
        ("anthropic-beta", "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27"),
    ];
    assert_eq!(proxy.send(Method::POST, "/v1/messages", headers.leak(), body.clone()).await.status, 200);
    let refused = sent("x-api-key", "sk-wrong").await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]["type"]), (401, &json!("authentication_error")));
}

#[tokio::test]
async fn tools_that_no_container_runs_are_named_or_refused() {
    let tools = json!({"tools": [{"type": "web_search_20250305", "name": "web_search"}, {"name": "f", "input_schema": {"type": "object"}}]});
    let proxy = Proxy::start().await;
    for stream in [false, true] {
        let mut body = request("echo", tools.clone());
        body["stream"] = json!(stream);
        let answer = proxy.post("/v1/messages", &body).await;
        assert_eq!(answer.headers["x-sagewire-ignored-tools"], "web_search_20250305");
    }
    assert_eq!(proxy.asked()[0].body["tools"].as_array().unwrap().len(), 1);
    let yaml = "model_list: [{model_name: echo, litellm_params: {model: sagemaker/echo}}]\nsagewire_settings: {strict_tools: true}";
    let (config, _) = sagewire_proxy::Config::from_yaml(yaml, &|_| None).unwrap();
    let strict = Proxy::with(|app| app.settings(&config)).await;
    let refused = strict.post("/v1/messages", &request("echo", tools)).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("web_search_20250305"), "{}", refused.text());
}

#[tokio::test]
async fn tokens_are_estimated_without_asking_the_model() {
    let proxy = Proxy::start().await;
    let count = async |body| {
        let answer = proxy.post("/v1/messages/count_tokens", &body).await;
        assert_eq!((answer.status.as_u16(), answer.headers["x-sagewire-usage"].to_str().unwrap()), (200, "estimated"));
        answer.json()["input_tokens"].as_u64().unwrap()
    };
    let plain = count(json!({"model": "echo", "messages": [{"role": "user", "content": "one two"}]})).await;
    let with_tool = count(json!({"model": "echo", "messages": [{"role": "user", "content": "one two"}], "tools": [{"name": "f", "input_schema": {"type": "object"}}]})).await;
    assert!(0 < plain && plain < with_tool, "{plain} {with_tool}");
    // The container's tokenizer was looked for, at most; no model was asked.
    assert!(proxy.asked().iter().all(|asked| asked.body.get("max_tokens").is_none()), "{:?}", proxy.asked());
    let unknown = proxy.post("/v1/messages/count_tokens", &request("nobody", json!({}))).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn agents_find_the_server_and_its_models() {
    let proxy = Proxy::start().await;
    for method in [Method::HEAD, Method::GET] {
        assert_eq!(proxy.send(method, "/", &[], "").await.status, 200);
    }
    let anthropic = [("anthropic-version", "2023-06-01")];
    let page = proxy.send(Method::GET, "/v1/models", &anthropic, "").await.json();
    assert_eq!((&page["has_more"], &page["first_id"]), (&json!(false), &json!("echo")));
    let model = json!({"type": "model", "id": "echo", "display_name": "echo", "created_at": "1970-01-01T00:00:00Z", "lifecycle": "active"});
    assert_eq!(page["data"][0], model);
    assert_eq!(proxy.send(Method::GET, "/v1/models/echo", &anthropic, "").await.json(), model);
    assert_eq!(proxy.get("/v1/models").await.json()["object"], "list");
}

#[tokio::test]
async fn anthropics_model_names_lead_to_one_deployment_whose_limit_counts() {
    let info = json!({"max_output_tokens": 40}).as_object().unwrap().clone();
    let deployment = ServedDeployment::new("c-1", "sagemaker/hidden").with_info(info);
    let proxy = Proxy::with(|app| app.model(ServedModel::new("claude-*").with_deployment(deployment))).await;
    for name in ["claude-sonnet-5", "claude-haiku-9-20270101"] {
        let answer = proxy.post("/v1/messages", &request(name, json!({}))).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["model"]), (200, &json!(name)));
    }
    let lower = proxy.post("/v1/messages", &request("claude-x", json!({"max_tokens": 7}))).await;
    assert_eq!(lower.status, 200);
    let limits: Vec<_> = proxy.asked().iter().map(|asked| asked.body["max_tokens"].clone()).collect();
    assert_eq!(limits, [json!(40), json!(40), json!(7)]);
}
