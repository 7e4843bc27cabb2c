//! Containers that speak the Responses and Messages APIs themselves: what is passed on, and what is
//! translated all the same.

use http::Method;
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
    // Of a container that was never asked there before, it is not known what it refuses: the
    // translation decides.
    setup.emulator.enqueue("native", Scripted::error(refusal()));
    assert_eq!(setup.post("/v1/messages", &messages("native")).await.status, 200);
    let last = asked(&setup).pop().unwrap();
    assert_eq!(last.0.as_deref(), Some("accept_eula=true"));
    assert_eq!(setup.post("/v1/messages", &messages("native")).await.status, 200);
    assert!(asked(&setup).pop().unwrap().0.unwrap().starts_with("route="));
}

/// How a container that has the route refuses a request without a field of it, and one whose text
/// looks like such a refusal.
#[tokio::test]
async fn a_callers_wrong_request_does_not_turn_a_route_off_for_others() {
    for (path, body) in [("/v1/responses", responses("native")), ("/v1/messages", messages("native"))] {
        let field = if path == "/v1/responses" { "input" } else { "max_tokens" };
        let forged = "'loc': ('body', 'inputs'), 'msg': 'Field required'";
        for (status, said) in [
            (
                422,
                json!({"detail": [{"type": "missing", "loc": ["body", field], "msg": "Field required", "input": forged}]}),
            ),
            (
                400,
                json!({"error": {"message": format!("[{{'type': 'missing', 'loc': ('body', '{field}'), 'msg': 'Field required'}}]")}}),
            ),
            (400, json!({"error": {"message": format!("unknown role `{{{forged}}}`")}})),
            (
                422,
                json!({"error": format!("Failed to deserialize the JSON body into the target type: missing field `{field}`")}),
            ),
            (404, json!({"error": {"message": "The model `x` was not found.", "code": 404}})),
        ] {
            let setup = setup().await;
            setup.emulator.enqueue("native", Scripted::error(AwsError::model_error(status, said.to_string())));
            let mut wrong = body.clone();
            wrong.as_object_mut().unwrap().remove(field);
            setup.post(path, &wrong).await;
            setup.emulator.clear_received();
            assert_eq!(setup.post(path, &body).await.status, 200);
            let routes: Vec<_> = asked(&setup).into_iter().map(|(route, _)| route.unwrap()).collect();
            assert_eq!(routes, [format!("route={path},accept_eula=true")], "{status} {said}");
        }
    }
}

/// A container reads other values as flags too, and would answer with events.
#[tokio::test]
async fn a_stream_that_is_no_flag_never_reaches_a_container() {
    let setup = setup().await;
    for (path, body) in [("/v1/responses", responses("native")), ("/v1/messages", messages("native"))] {
        for flag in [json!("true"), json!(1), json!([])] {
            let mut body = body.clone();
            body["stream"] = flag;
            let answer = setup.post(path, &body).await;
            assert!(answer.status == 400 && answer.text().contains("stream"), "{}", answer.text());
        }
    }
    assert!(asked(&setup).is_empty());
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
    let created = r#"{"type":"response.created","response":{"id":"r","object":"response","created_at":1,"model":"served","status":"in_progress","output":[]},"sequence_number":0}"#;
    let start = r#"{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","content":[],"model":"served","usage":{"input_tokens":1,"output_tokens":0}}}"#;
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

/// A proxy whose caller has a key, so that its use can be read.
const KEYED: &str = "
model_list:
  - {model_name: native, litellm_params: {model: sagemaker_chat/native, dialect: vllm, num_retries: 1}}
general_settings: {master_key: sk-master}
router_settings: {disable_cooldowns: true}
sagewire_settings: {keys: [{name: team, key: sk-team}]}
";

#[tokio::test]
async fn a_forwarded_call_is_retried_counted_and_charged_to_its_key() {
    let emulator = Emulator::builder().endpoint("native", Agent::new().with_native_routes()).start().await.unwrap();
    let setup = Setup::on(emulator, KEYED).await;
    let key = [("authorization", "Bearer sk-team"), ("content-type", "application/json")];
    let mut spent = 0;
    for (path, body, usage) in [
        ("/v1/responses", responses("native"), "/response/usage"),
        ("/v1/messages", messages("native"), "/usage"),
        ("/v1/responses", streamed(responses("native")), "/response/usage"),
        ("/v1/messages", streamed(messages("native")), "/usage"),
    ] {
        setup.emulator.clear_received();
        setup.emulator.enqueue("native", Scripted::error(AwsError::service_unavailable()));
        let answer = setup.send(Method::POST, path, &key, &body.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(asked(&setup).len(), 2, "{path}: one attempt failed before anything was sent to the caller");
        let told = if body.get("stream").is_some() {
            events(&answer).iter().rev().find_map(|event| event.pointer(usage).cloned()).unwrap()
        } else {
            answer.json()["usage"].clone()
        };
        spent += told["input_tokens"].as_u64().unwrap() + told["output_tokens"].as_u64().unwrap();
    }
    let info = setup.send(Method::GET, "/key/info", &key, "").await.json();
    assert_eq!((&info["info"]["tokens_spent"], &info["info"]["tokens_reserved"]), (&json!(spent), &json!(0)));
    let metrics = setup.send(Method::GET, "/metrics", &[("authorization", "Bearer sk-master")], "").await;
    for route in ["responses", "messages"] {
        let line = format!(r#"sagewire_requests_total{{route="{route}",model="native",status="200",key="team"}} 2"#);
        assert!(metrics.text().contains(&line), "no {line} in {}", metrics.text());
    }
}

/// Whatever the container writes, the caller gets an answer or an error in the form of its own API.
#[tokio::test]
async fn an_answer_in_another_form_never_reaches_a_caller() {
    let setup = setup().await;
    let created = r#"{"type":"response.created","sequence_number":0,"response":{"id":"r","object":"response","created_at":1,"status":"in_progress","model":"m","output":[]}}"#;
    let start = r#"{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],"usage":{"output_tokens":0}}}"#;
    let native = [
        (
            "/v1/responses",
            r#"{"object":"response","id":"GARBAGE"}"#,
            [created, r#"{"type":"response.output_text.delta","delta":["GARBAGE"],"sequence_number":1}"#],
        ),
        (
            "/v1/responses",
            r#"{"object":"response","output":"GARBAGE"}"#,
            [created, r#"{"type":"response.completed","response":"GARBAGE","sequence_number":1}"#],
        ),
        (
            "/v1/messages",
            r#"{"type":"message","content":"GARBAGE"}"#,
            [start, r#"{"type":"content_block_delta","index":"GARBAGE"}"#],
        ),
        (
            "/v1/messages",
            r#"{"type":"message","role":"user","x":"GARBAGE"}"#,
            [start, r#"{"type":"message_delta","delta":"GARBAGE"}"#],
        ),
        ("/v1/messages", r#"{"type":"message"}"#, [start, "GARBAGE"]),
    ];
    let chunk = r#"{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"a"}}]}"#;
    let chat = [
        (r#"{"choices":"GARBAGE"}"#, [chunk, r#"{"choices":[{"delta":"GARBAGE"}]}"#]),
        ("GARBAGE", [chunk, "GARBAGE"]),
        (
            r#"{"choices":[{"index":0,"message":{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"GARBAGE"}}]},"finish_reason":"tool_calls"}]}"#,
            [
                chunk,
                r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"GARBAGE"}}]},"finish_reason":"tool_calls"}]}"#,
            ],
        ),
    ];
    let translated = chat
        .iter()
        .flat_map(|(whole, stream)| ["/v1/responses", "/v1/messages"].map(|path| ("none", path, *whole, stream)));
    let forwarded = native.iter().map(|(path, whole, stream)| ("native", *path, *whole, stream));
    for (model, path, whole, stream) in translated.chain(forwarded) {
        let body = if path == "/v1/responses" { responses(model) } else { messages(model) };
        setup.emulator.enqueue("native", Scripted::ok(whole));
        let answer = setup.post(path, &body).await;
        assert_eq!(answer.status, 502, "{model} {path} {whole}: {}", answer.text());
        let error = answer.json();
        assert!(error["error"]["message"].is_string() && !answer.text().contains("GARBAGE"), "{}", answer.text());
        assert_eq!(error["type"] == "error", path == "/v1/messages", "{error}");

        let pieces = stream.iter().map(|piece| format!("data: {piece}\n\n"));
        setup.emulator.enqueue("native", Scripted::stream(pieces));
        let answer = setup.post(path, &streamed(body)).await;
        let events = events(&answer);
        let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
        let ends: &[_] = if path == "/v1/messages" { &["error"] } else { &["error", "response.failed"] };
        assert!(kinds.len() > ends.len() && kinds.ends_with(ends), "{model} {path}: {kinds:?}");
        // The arguments of a call are passed on as they come: that they are no JSON shows at their end.
        assert!(
            !answer.text().contains("GARBAGE") || stream[1].contains("arguments"),
            "{model} {path}: {}",
            answer.text()
        );
    }
    for tokenizer in [r#"{"count":-1}"#, r#"{"count":"GARBAGE"}"#, "GARBAGE"] {
        setup.emulator.enqueue("native", Scripted::ok(r#"{"input_tokens":"GARBAGE"}"#));
        setup.emulator.enqueue("native", Scripted::ok(tokenizer));
        let answer = setup.post("/v1/messages/count_tokens", &messages("native")).await;
        assert!(answer.status == 200 || answer.status == 502, "{}", answer.text());
        assert_eq!(answer.headers.contains_key("x-sagewire-usage"), answer.status == 200);
        assert!(!answer.text().contains("GARBAGE"), "{}", answer.text());
    }
}

/// vLLM before it had the Messages API has a tokenizer all the same.
#[tokio::test]
async fn tokens_are_counted_by_the_containers_tokenizer_if_it_has_no_route_for_it() {
    let emulator = Emulator::builder().endpoint("native", Agent::new().with_native_routes()).start().await.unwrap();
    let setup = Setup::on(
        emulator,
        "
model_list:
  - {model_name: tokenizer, litellm_params: {model: sagemaker_chat/native, hf_model_name: served, native_routes: [/tokenize]}}
  - {model_name: native, litellm_params: {model: sagemaker_chat/native, dialect: vllm}}
  - {model_name: chat, litellm_params: {model: sagemaker_chat/native}}
general_settings: {master_key: sk-master}
sagewire_settings: {keys: [{name: team, key: sk-team}]}
",
    )
    .await;
    let key = [("authorization", "Bearer sk-team"), ("content-type", "application/json")];
    let body = |model: &str| {
        let mut body = messages(model);
        body["tools"] = json!([{"name": "run", "description": "Runs it", "input_schema": {"type": "object"}}]);
        body.to_string()
    };
    let count = async |model: &str| setup.send(Method::POST, "/v1/messages/count_tokens", &key, &body(model)).await;
    let counted = count("tokenizer").await;
    assert!(counted.json()["input_tokens"].as_u64().unwrap() > 0, "{}", counted.text());
    assert!(!counted.headers.contains_key("x-sagewire-usage"), "the container has counted");
    let sent = asked(&setup);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].0.as_deref(), Some("route=/tokenize"));
    assert_eq!(
        sent[0].1,
        json!({
            "model": "served", "messages": [{"role": "user", "content": "Hello"}],
            "tools": [{"type": "function", "function": {"name": "run", "description": "Runs it", "parameters": {"type": "object"}}}],
        })
    );
    // A container that turns out not to have the one route is asked for the other.
    setup.emulator.clear_received();
    setup.emulator.enqueue("native", Scripted::ok(r#"{"object":"chat.completion"}"#));
    assert!(!count("native").await.headers.contains_key("x-sagewire-usage"));
    assert!(!count("native").await.headers.contains_key("x-sagewire-usage"));
    let routes: Vec<_> = asked(&setup).into_iter().map(|(route, _)| route.unwrap()).collect();
    assert_eq!(routes, ["route=/v1/messages/count_tokens", "route=/tokenize", "route=/tokenize"]);
    assert_eq!(count("chat").await.headers["x-sagewire-usage"], "estimated");
    let info = setup.send(Method::GET, "/key/info", &key, "").await.json();
    assert_eq!((&info["info"]["tokens_spent"], &info["info"]["tokens_reserved"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn what_only_the_service_has_is_refused_and_not_passed_on() {
    let setup = setup().await;
    for (path, mut body, name, value) in [
        ("/v1/responses", responses("native"), "background", json!(true)),
        ("/v1/responses", responses("native"), "conversation", json!("c")),
        ("/v1/responses", responses("native"), "prompt", json!({"id": "p"})),
        ("/v1/messages", messages("native"), "thread", json!({"type": "create"})),
    ] {
        body[name] = value;
        let answer = setup.post(path, &body).await;
        assert!(answer.status == 400 && answer.text().contains(name), "{name}: {}", answer.text());
    }
    assert!(asked(&setup).is_empty());
}
