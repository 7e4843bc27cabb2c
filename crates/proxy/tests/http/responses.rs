//! OpenAI's Responses API over HTTP: answers, streams, failures, and the answers that are kept.

use http::Method;
use sagewire_proxy::{KeyDigest, Limits, config::CallerKey};
use serde_json::{Value, json};

use crate::client::{Answer, Proxy};

fn request(model: &str, extra: Value) -> Value {
    let mut body = json!({"model": model, "input": "one two"});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

/// The events of a stream; each is named and numbered.
fn events(answer: &Answer) -> Vec<Value> {
    let mut events = Vec::new();
    for (number, event) in answer.text().split_terminator("\n\n").enumerate() {
        let (name, data) = event.strip_prefix("event: ").unwrap().split_once("\ndata: ").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!((data.get("type").unwrap(), data.get("sequence_number").unwrap()), (&json!(name), &json!(number)));
        events.push(data);
    }
    events
}

/// A proxy that keeps answers, with two keys beside the master key.
async fn keeping() -> Proxy {
    keeping_within(Limits::default()).await
}

async fn keeping_within(limits: Limits) -> Proxy {
    let yaml = "model_list: [{model_name: echo, litellm_params: {model: sagemaker/echo}}]\nsagewire_settings: {response_store: {max_responses: 100}}";
    let (config, _) = sagewire_proxy::Config::from_yaml(yaml, &|_| None).unwrap();
    let key = |name: &str| CallerKey::new(name, KeyDigest::of(&format!("sk-{name}")));
    Proxy::with(|app| {
        app.settings(&config).limits(limits).master_key("sk-master").caller_key(key("one")).caller_key(key("two"))
    })
    .await
}

async fn ask(proxy: &Proxy, key: &str, method: Method, path: &str, body: Value) -> Answer {
    let key = format!("Bearer sk-{key}");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    proxy.send(method, path, &[("authorization", &key)], body).await
}

#[tokio::test]
async fn a_whole_answer_is_a_response() {
    let proxy = Proxy::start().await;
    for path in ["/v1/responses", "/responses", "/v1/responses/"] {
        let answer = proxy.post(path, &request("echo", json!({"instructions": "Be brief."}))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let response = answer.json();
        let id = response["id"].as_str().unwrap().strip_prefix("resp_").unwrap();
        assert_eq!(id.len(), 32);
        assert_eq!(
            response["output"],
            json!([{"type": "message", "id": format!("msg_{id}_0"), "status": "completed", "role": "assistant", "content": [
                {"type": "output_text", "annotations": [], "logprobs": [], "text": "one two"},
            ]}])
        );
        assert_eq!((&response["object"], &response["status"]), (&json!("response"), &json!("completed")));
        assert_eq!((&response["model"], &response["store"]), (&json!("echo"), &json!(false)));
        assert_eq!((&response["usage"]["input_tokens"], &response["usage"]["total_tokens"]), (&json!(3), &json!(7)));
        assert_eq!(answer.headers["x-sagewire-deployment"], "d-1");
        assert!(!answer.headers.contains_key("x-sagewire-usage"));
    }
    assert_eq!(proxy.asked()[0].body["messages"][0], json!({"role": "system", "content": "Be brief."}));
}

#[tokio::test]
async fn a_stream_has_the_events_of_a_response() {
    let proxy = Proxy::start().await;
    let answer = proxy.post("/v1/responses", &request("echo", json!({"stream": true}))).await;
    assert_eq!(answer.headers["content-type"], "text/event-stream; charset=utf-8");
    let events = events(&answer);
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    let response = &events[9]["response"];
    assert_eq!((&response["model"], &response["usage"]["output_tokens"]), (&json!("echo"), &json!(4)));
    assert_eq!(response["output"][0]["content"][0]["text"], "one two");
    assert_eq!(response["id"], events[0]["response"]["id"]);
}

#[tokio::test]
async fn a_broken_stream_ends_with_a_failure_and_is_never_complete() {
    let proxy = Proxy::start().await;
    let answer = proxy.post("/v1/responses", &request("broken", json!({"stream": true}))).await;
    let events = events(&answer);
    let [.., error, failed] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!("server_error")));
    assert_eq!((&failed["type"], &failed["response"]["status"]), (&json!("response.failed"), &json!("failed")));
    assert_eq!(failed["response"]["error"]["message"], error["message"]);
    assert!(events.iter().all(|event| event["type"] != "response.completed" && event["type"] != "response.incomplete"));
    assert!(
        !answer.text().contains("hidden-endpoint") && !answer.text().contains("UPSTREAM-BODY"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn failures_have_openais_form() {
    let proxy = Proxy::start().await;
    for (model, status) in [("fail-invalid", 400), ("fail-throttled", 429), ("fail-model", 502), ("nobody", 404)] {
        let answer = proxy.post("/v1/responses", &request(model, json!({}))).await;
        assert_eq!(answer.status, status);
        assert!(answer.json()["error"]["message"].is_string());
        assert!(!answer.text().contains("hidden-endpoint") && !answer.text().contains("123456789012"));
    }
    for (body, param) in [
        (request("echo", json!({"aws_region_name": "eu-west-1"})), "aws_region_name"),
        (request("echo", json!({"previous_response_id": "resp_1"})), "previous_response_id"),
        (request("echo", json!({"input": [{"type": "item_reference", "id": "msg_1_0"}]})), "input"),
        (request("echo", json!({"background": true})), "background"),
    ] {
        let refused = proxy.post("/v1/responses", &body).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["error"]["param"]), (400, &json!(param)));
    }
    assert!(proxy.asked().iter().all(|asked| asked.body["model"] != "echo"));
}

#[tokio::test]
async fn tools_that_no_container_runs_are_named() {
    let proxy = Proxy::start().await;
    for stream in [false, true] {
        let tools = json!({"stream": stream, "tools": [{"type": "web_search"}, {"type": "function", "name": "f", "parameters": {}}]});
        let answer = proxy.post("/v1/responses", &request("echo", tools)).await;
        assert_eq!(answer.headers["x-sagewire-ignored-tools"], "web_search");
    }
    assert_eq!(proxy.asked()[0].body["tools"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_kept_answer_is_gone_on_from_read_and_deleted() {
    let proxy = keeping().await;
    for stream in [false, true] {
        let first = ask(&proxy, "one", Method::POST, "/v1/responses", request("echo", json!({"stream": stream}))).await;
        let first = if stream { events(&first).pop().unwrap()["response"].clone() } else { first.json() };
        assert_eq!(first["store"], true);
        let id = first["id"].as_str().unwrap();
        let item = first["output"][0]["id"].clone();

        let next = json!({"input": "three", "previous_response_id": id});
        let second = ask(&proxy, "one", Method::POST, "/v1/responses", request("echo", next)).await.json();
        assert_eq!(second["previous_response_id"], id);
        let messages = proxy.asked().pop().unwrap().body["messages"].clone();
        let said = |role: &str, text: &str| json!({"role": role, "content": text});
        assert_eq!(messages, json!([said("user", "one two"), said("assistant", "one two"), said("user", "three")]));

        let referred = json!({"input": [{"role": "user", "content": "a"}, {"type": "item_reference", "id": item}, {"role": "user", "content": "b"}]});
        let answer = ask(&proxy, "one", Method::POST, "/v1/responses", request("echo", referred)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(proxy.asked().pop().unwrap().body["messages"][1], said("assistant", "one two"));

        let path = format!("/v1/responses/{id}");
        assert_eq!(ask(&proxy, "one", Method::GET, &path, Value::Null).await.json(), first);
        let second_id = second["id"].as_str().unwrap();
        let items = |query: &str| format!("/v1/responses/{second_id}/input_items{query}");
        let page = ask(&proxy, "one", Method::GET, &items("?limit=2"), Value::Null).await.json();
        assert_eq!((&page["has_more"], &page["data"][0]["content"][0]["text"]), (&json!(true), &json!("three")));
        let after = format!("?order=asc&after={}", page["last_id"].as_str().unwrap());
        let rest = ask(&proxy, "one", Method::GET, &items(&after), Value::Null).await.json();
        assert_eq!((&rest["has_more"], &rest["data"].as_array().unwrap().len()), (&json!(false), &1));

        let cancelled = ask(&proxy, "one", Method::POST, &format!("{path}/cancel"), json!({})).await;
        assert_eq!(cancelled.status, 400, "{}", cancelled.text());
        for key in ["two", "master"] {
            for (method, path) in [
                (Method::GET, path.clone()),
                (Method::DELETE, path.clone()),
                (Method::GET, format!("{path}/input_items")),
                (Method::POST, format!("{path}/cancel")),
            ] {
                assert_eq!(ask(&proxy, key, method, &path, Value::Null).await.status, 404);
            }
            let foreign = request("echo", json!({"previous_response_id": id}));
            assert_eq!(ask(&proxy, key, Method::POST, "/v1/responses", foreign).await.status, 400);
        }
        let deleted = ask(&proxy, "one", Method::DELETE, &path, Value::Null).await;
        assert_eq!(deleted.json(), json!({"id": id, "object": "response", "deleted": true}));
        assert_eq!(ask(&proxy, "one", Method::GET, &path, Value::Null).await.status, 404);
    }
}

#[tokio::test]
async fn only_whole_answers_that_shall_be_kept_are() {
    let proxy = keeping().await;
    let not_kept = ask(&proxy, "one", Method::POST, "/v1/responses", request("echo", json!({"store": false}))).await;
    assert_eq!(not_kept.json()["store"], false);
    let broken = ask(&proxy, "one", Method::POST, "/v1/responses", request("broken", json!({"stream": true}))).await;
    let ids = [not_kept.json()["id"].clone(), events(&broken)[0]["response"]["id"].clone()];
    for id in ids {
        let path = format!("/v1/responses/{}", id.as_str().unwrap());
        assert_eq!(ask(&proxy, "one", Method::GET, &path, Value::Null).await.status, 404);
    }
    let without = Proxy::start().await;
    let id = without.post("/v1/responses", &request("echo", json!({}))).await.json()["id"].clone();
    let found = without.get(&format!("/v1/responses/{}", id.as_str().unwrap())).await;
    assert_eq!((found.status.as_u16(), &found.json()["error"]["code"]), (404, &json!("response_not_found")));
}

/// A reference is short, and so many of them would multiply what is stored.
#[tokio::test]
async fn what_is_referred_to_is_no_larger_than_a_body_may_be() {
    let mut limits = Limits::default();
    limits.body_bytes = 20_000;
    let proxy = keeping_within(limits).await;
    let long = json!({"input": "long ".repeat(1_000)});
    let first = ask(&proxy, "one", Method::POST, "/v1/responses", request("echo", long)).await.json();
    let reference = json!({"type": "item_reference", "id": first["output"][0]["id"]});
    for (count, status) in [(1, 200), (10, 400), (200, 400)] {
        let mut items = vec![reference.clone(); count];
        items.push(json!({"role": "user", "content": "a"}));
        let answer = ask(&proxy, "one", Method::POST, "/v1/responses", request("echo", json!({"input": items}))).await;
        assert_eq!(answer.status, status, "{count}: {:.200}", answer.text());
        assert!(status == 200 || answer.text().contains("max_body_bytes"), "{:.200}", answer.text());
    }

    let mut before = first["id"].clone();
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let next = json!({"input": "long ".repeat(1_000), "previous_response_id": before});
        let answer = ask(&proxy, "one", Method::POST, "/v1/responses", request("echo", next)).await;
        statuses.push(answer.status.as_u16());
        if answer.status == 200 {
            before = answer.json()["id"].clone();
        }
    }
    assert_eq!((statuses.first(), statuses.last()), (Some(&200), Some(&400)), "a conversation grows to the limit");
}
