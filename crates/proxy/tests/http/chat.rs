//! Whole answers.

use http::Method;
use serde_json::json;

use crate::client::Proxy;

#[tokio::test]
async fn litellms_documented_call_is_answered() {
    let proxy = Proxy::start().await;
    // The whitespace is as in the documented curl call.
    let body = r#" {
      "model": "echo",
      "messages": [
        {
          "role": "user",
          "content": "what llm are you"
        }
      ]
    }
"#;
    let answer = proxy.send(Method::POST, "/chat/completions", &[("content-type", "application/json")], body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(
        answer.json(),
        json!({
            "id": "", "object": "chat.completion", "created": 0, "model": "echo",
            "choices": [{
                "index": 0, "message": {"role": "assistant", "content": "what llm are you", "refusal": null},
                "finish_reason": "stop", "logprobs": null,
            }],
            "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
        })
    );
    assert_eq!(answer.headers["x-amzn-requestid"], "aws-request-1");
    assert_eq!(answer.headers["x-sagewire-deployment"], "d-1");
    assert_eq!(answer.headers["x-sagewire-attempts"], "1");
    assert!(proxy.asked()[0].has_deadline);
}

#[tokio::test]
async fn every_form_of_the_path_answers_under_the_callers_name() {
    let proxy = Proxy::start().await;
    let messages = json!([{"role": "user", "content": "hi"}]);
    for (path, model, named) in [
        ("/v1/chat/completions", "echo", "echo"),
        ("/engines/echo/chat/completions", "", "echo"),
        ("/v1/engines/echo/chat/completions", "other", "echo"),
        ("/openai/deployments/echo/chat/completions?api-version=2024-02-01", "other", "echo"),
        ("/openai/deployments/sagemaker/my-endpoint/chat/completions", "", "sagemaker/my-endpoint"),
        ("/chat/completions", "sagemaker/my-endpoint", "sagemaker/my-endpoint"),
    ] {
        let answer = proxy.post(path, &json!({"model": model, "messages": messages})).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["model"]), (200, &json!(named)), "{path}");
    }
}

#[tokio::test]
async fn the_body_reaches_the_provider_as_it_was_sent() {
    let proxy = Proxy::start().await;
    let body = json!({
        "model": "echo", "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "temperature": 0.5, "tools": [{"type": "function", "function": {"name": "f"}}], "top_k": 40, "seed": 3,
    });
    proxy.post("/chat/completions", &body).await;
    assert_eq!(proxy.asked()[0].body, body);
}

#[tokio::test]
async fn harmless_parameters_of_a_caller_go_along_and_the_operators_do_not() {
    let proxy = Proxy::start().await;
    let messages = json!([{"role": "user", "content": "hi"}]);
    let headers = [
        ("x-amzn-sagemaker-session-id", "s-1"),
        ("x-amzn-sagemaker-target-variant", "v-1"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ];
    let body = json!({"model": "echo", "messages": messages, "model_id": "component-1"}).to_string();
    assert_eq!(proxy.send(Method::POST, "/chat/completions", &headers, body).await.status, 200);
    let asked = &proxy.asked()[0];
    let parameters = asked.parameters.as_ref().unwrap();
    assert_eq!(parameters.model_id.as_deref(), Some("component-1"));
    assert_eq!(parameters.session_id.as_deref(), Some("s-1"));
    assert_eq!(parameters.target_variant.as_deref(), Some("v-1"));
    assert!(asked.traceparent.as_deref().unwrap().starts_with("00-4bf9"));
    assert_eq!(asked.body.get("model_id"), None);

    for name in ["aws_secret_access_key", "aws_region_name", "sagemaker_base_url", "api_base"] {
        let refused = proxy.post("/chat/completions", &json!({"model": "echo", "messages": messages, name: "x"})).await;
        assert_eq!(refused.status, 400, "{name}");
        assert_eq!(refused.json()["error"]["param"], name);
    }
    assert_eq!(proxy.asked().len(), 1, "what was refused reached the provider");
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_before_the_provider_is_asked() {
    let proxy = Proxy::start().await;
    let messages = json!([{"role": "user", "content": "hi"}]);
    for (body, status, param) in [
        (json!({"model": "echo"}), 400, Some("messages")),
        (json!({"model": "echo", "messages": []}), 400, Some("messages")),
        (json!({"messages": messages}), 400, Some("model")),
        (json!({"model": "echo", "messages": messages, "temperature": "hot"}), 400, Some("temperature")),
        (json!({"model": "nobody", "messages": messages}), 404, Some("model")),
        (json!([1]), 400, None),
    ] {
        let answer = proxy.post("/chat/completions", &body).await;
        assert_eq!((answer.status.as_u16(), answer.json()["error"]["param"].as_str()), (status, param), "{body}");
    }
    let broken = proxy.send(Method::POST, "/chat/completions", &[], "{\"model\"").await;
    assert_eq!((broken.status.as_u16(), &broken.json()["error"]["code"]), (400, &json!("invalid_json")));
    assert!(proxy.asked().is_empty());
}

#[tokio::test]
async fn a_raw_prompt_is_continued() {
    let proxy = Proxy::start().await;
    let answer = proxy.post("/v1/completions", &json!({"model": "echo", "prompt": "Once"})).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["choices"][0]["text"], "Once");
    assert_eq!(answer.json()["model"], "echo");
    let stream = proxy.post("/completions", &json!({"model": "echo", "prompt": "Once", "stream": true})).await;
    assert!(stream.text().contains(r#""model":"echo","choices":[{"index":0,"text":"more""#), "{stream:?}");
    assert!(stream.text().ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn a_default_model_answers_calls_that_name_none() {
    let (config, _) = sagewire_proxy::Config::from_yaml(
        "model_list: [{model_name: echo, litellm_params: {model: sagemaker/x}}]\ngeneral_settings: {completion_model: echo}",
        &|_| None,
    )
    .unwrap();
    let proxy = Proxy::with(|app| app.settings(&config)).await;
    let answer = proxy.post("/chat/completions", &json!({"messages": [{"role": "user", "content": "hi"}]})).await;
    assert_eq!(answer.json()["model"], "echo");
}

#[tokio::test]
async fn request_ids_come_back() {
    let proxy = Proxy::start().await;
    let answer = proxy.send(Method::GET, "/models", &[("x-request-id", "mine-1")], "").await;
    assert_eq!(answer.headers["x-request-id"], "mine-1");
    let answer = proxy.get("/models").await;
    assert!(answer.headers["x-request-id"].to_str().unwrap().starts_with("req-"));
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_apart() {
    let proxy = Proxy::start().await;
    assert_eq!(proxy.get("/nothing").await.json()["error"]["code"], "unknown_url");
    let wrong = proxy.get("/chat/completions").await;
    assert_eq!((wrong.status.as_u16(), &wrong.headers["allow"]), (405, &"POST".parse().unwrap()));
    assert_eq!(proxy.post("/models", &json!({})).await.status, 405);
}
