//! Containers that speak the Responses and Messages APIs themselves: what is passed on, and what is translated all the same.

use sagewire_emulator::{Agent, AwsError, Emulator, Scripted};
use serde_json::{Value, json};

use crate::setup::{Answer, Setup};

const CONFIG: &str = "
model_list:
  - {model_name: native, litellm_params: {model: sagemaker_chat/native, dialect: vllm, hf_model_name: served, custom_attributes: accept_eula=true}}
  - {model_name: plain, litellm_params: {model: sagemaker_chat/plain, native_routes: true}}
  - {model_name: some, litellm_params: {model: sagemaker_chat/native, native_routes: [/v1/messages]}}
  - {model_name: none, litellm_params: {model: sagemaker_chat/native, dialect: vllm, native_routes: false}}
";

const ROUTE: &str = "x-amzn-sagemaker-custom-attributes";

async fn setup() -> Setup {
    let emulator = Emulator::builder()
        .endpoint("native", Agent::new().with_native_routes())
        .endpoint("plain", Agent::new())
        .start()
        .await
        .unwrap();
    Setup::on(emulator, CONFIG).await
}

fn responses(model: &str) -> Value {
    json!({"model": model, "input": "Hello", "temperature": 0.5, "odd": [1.0, null]})
}

fn messages(model: &str) -> Value {
    json!({"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]})
}

fn streamed(mut body: Value) -> Value {
    body.as_object_mut().unwrap().insert("stream".to_owned(), json!(true));
    body
}

/// The events of a stream, each named as its data says.
fn events(answer: &Answer) -> Vec<Value> {
    let read = |event: &str| {
        let (name, data) = event.strip_prefix("event: ").unwrap().split_once("\ndata: ").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data.get("type").unwrap(), name);
        data
    };
    answer.text().split_terminator("\n\n").map(read).collect()
}

/// What the container was asked: the route, and the body.
fn asked(setup: &Setup) -> Vec<(Option<String>, Value)> {
    let received = setup.emulator.received();
    assert!(received.iter().all(|request| request.accepted), "a signature was refused");
    received.iter().map(|request| (request.header(ROUTE).map(str::to_owned), request.json().unwrap())).collect()
}

#[tokio::test]
async fn a_request_is_passed_on_with_the_containers_own_name_of_the_model() {
    let setup = setup().await;
    let answer = setup.post("/v1/responses", &responses("native")).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["model"]), (200, &json!("native")), "{}", answer.text());
    assert_eq!(answer.json()["output"][0]["content"][0]["type"], "reasoning_text");
    assert!(!answer.headers.contains_key("x-sagewire-usage"));
    let answer = setup.post("/v1/messages", &messages("native")).await;
    assert_eq!((&answer.json()["model"], &answer.json()["content"][0]["signature"]), (&json!("native"), &json!("")));
    let answer = setup.post("/v1/messages/count_tokens", &messages("native")).await;
    assert!(answer.json()["input_tokens"].as_u64().unwrap() > 0);
    assert!(!answer.headers.contains_key("x-sagewire-usage"), "the container has counted");
    let sent: Vec<_> = asked(&setup);
    let routes: Vec<_> = sent.iter().map(|(route, _)| route.as_deref().unwrap()).collect();
    let route = |path: &str| format!("route={path},accept_eula=true");
    assert_eq!(routes, [route("/v1/responses"), route("/v1/messages"), route("/v1/messages/count_tokens")]);
    assert_eq!(
        sent[0].1,
        json!({"model": "served", "input": "Hello", "temperature": 0.5, "odd": [1.0, null], "store": false})
    );
    assert!(sent[1..].iter().all(|(_, body)| body["model"] == "served" && body.get("store").is_none()));
}

#[tokio::test]
async fn a_stream_is_passed_on_event_by_event() {
    let setup = setup().await;
    for (path, body, holder, first, last) in [
        ("/v1/responses", responses("native"), "response", "response.created", "response.completed"),
        ("/v1/messages", messages("native"), "message", "message_start", "message_stop"),
    ] {
        let whole = setup.post(path, &body).await.json();
        let answer = setup.post(path, &streamed(body)).await;
        assert_eq!(answer.headers["content-type"], "text/event-stream; charset=utf-8");
        let events = events(&answer);
        assert_eq!((&events[0]["type"], &events[0][holder]["model"]), (&json!(first), &json!("native")));
        assert_eq!(events.last().unwrap()["type"], last);
        assert!(!answer.text().contains("served"), "{}", answer.text());
        let said = |kind: &str, field: &str| -> String {
            let deltas = events.iter().filter(|event| event["type"] == kind);
            deltas.filter_map(|event| event.pointer(field)?.as_str()).collect()
        };
        let text = said("response.output_text.delta", "/delta") + &said("content_block_delta", "/delta/text");
        let of_whole = whole.pointer("/output/1/content/0/text").or_else(|| whole.pointer("/content/1/text"));
        assert_eq!(of_whole, Some(&json!(text)));
    }
    assert!(asked(&setup).iter().all(|(route, _)| route.as_ref().unwrap().contains("route=")));
}

#[tokio::test]
async fn a_container_without_the_route_is_asked_for_it_once() {
    let setup = setup().await;
    for (path, body) in [("/v1/responses", responses("plain")), ("/v1/messages", messages("plain"))] {
        setup.emulator.clear_received();
        for body in [body.clone(), streamed(body.clone()), body] {
            let answer = setup.post(path, &body).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert!(answer.text().contains(" asked"), "{}", answer.text());
        }
        let routes: Vec<_> = asked(&setup).into_iter().map(|(route, _)| route).collect();
        assert_eq!(routes, [Some(format!("route={path}")), None, None, None]);
    }
    let counted = setup.post("/v1/messages/count_tokens", &messages("plain")).await;
    assert_eq!((counted.status.as_u16(), counted.headers["x-sagewire-usage"].to_str().unwrap()), (200, "estimated"));
}

#[tokio::test]
async fn a_refusal_of_a_container_that_has_the_route_is_the_callers() {
    let setup = setup().await;
    assert_eq!(setup.post("/v1/responses", &responses("native")).await.status, 200);
    let refusal = || {
        AwsError::model_error(
            400,
            r#"{"error":{"message":"temperature is too hot","type":"BadRequestError","code":400}}"#,
        )
    };
    setup.emulator.enqueue("native", Scripted::error(refusal()));
    let answer = setup.post("/v1/responses", &responses("native")).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("temperature is too hot"), "{}", answer.text());
    // Of a container that was never asked there before, it is not known what it refuses: the translation decides.
    setup.emulator.enqueue("native", Scripted::error(refusal()));
    assert_eq!(setup.post("/v1/messages", &messages("native")).await.status, 200);
    let last = asked(&setup).pop().unwrap();
    assert_eq!(last.0.as_deref(), Some("accept_eula=true"));
    assert_eq!(setup.post("/v1/messages", &messages("native")).await.status, 200);
    assert!(asked(&setup).pop().unwrap().0.unwrap().starts_with("route="));
}

#[tokio::test]
async fn the_operator_decides_which_routes_are_passed_on() {
    let setup = setup().await;
    for (model, native) in [("some", [false, true]), ("none", [false, false])] {
        setup.emulator.clear_received();
        setup.post("/v1/responses", &responses(model)).await;
        setup.post("/v1/messages", &messages(model)).await;
        let routes = asked(&setup).into_iter().map(|(route, _)| route.is_some_and(|route| route.contains("route=")));
        assert_eq!(routes.collect::<Vec<_>>(), native, "{model}");
    }
    // What only the proxy stores is never asked of a container.
    let refused =
        setup.post("/v1/responses", &json!({"model": "native", "input": "x", "previous_response_id": "resp_1"})).await;
    assert_eq!(refused.status, 400);
    let refused =
        setup.post("/v1/responses", &json!({"model": "native", "input": "x", "aws_region_name": "eu-west-1"})).await;
    assert_eq!(refused.json()["error"]["param"], "aws_region_name");
}

#[tokio::test]
async fn a_stream_without_its_end_is_never_complete() {
    let setup = setup().await;
    let created = r#"{"type":"response.created","response":{"id":"r","object":"response","model":"served","status":"in_progress"},"sequence_number":0}"#;
    let start = r#"{"type":"message_start","message":{"id":"m","model":"served","usage":{"input_tokens":1}}}"#;
    let failed = r#"{"type":"response.failed","response":{"error":{"code":"server_error","message":"SECRET PLACE"}},"sequence_number":1}"#;
    for (path, body, pieces, ends) in [
        ("/v1/responses", responses("native"), vec![created], vec!["error", "response.failed"]),
        ("/v1/responses", responses("native"), vec![created, failed], vec!["error", "response.failed"]),
        ("/v1/messages", messages("native"), vec![start], vec!["error"]),
    ] {
        let pieces = pieces.iter().map(|piece| format!("event: x\ndata: {piece}\n\n"));
        setup.emulator.enqueue("native", Scripted::stream(pieces));
        let answer = setup.post(path, &streamed(body)).await;
        let events = events(&answer);
        let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert!(kinds.ends_with(&ends) && kinds.len() == 1 + ends.len(), "{kinds:?}");
        if path == "/v1/responses" {
            assert_eq!((&events[1]["sequence_number"], &events[2]["sequence_number"]), (&json!(1), &json!(2)));
            assert_eq!(
                (&events[2]["response"]["status"], &events[2]["response"]["model"]),
                (&json!("failed"), &json!("native"))
            );
        }
        assert!(!answer.text().contains("SECRET"), "{}", answer.text());
    }
}
