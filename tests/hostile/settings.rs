//! What is the operator's: URLs, regions, credentials, templates and how a request is carried.

use sagewire::sagemaker::parameters::{self, InRequest};
use serde_json::{Value, json};

use crate::setup::{MASTER, Setup, bearer, question};

/// Each with what would lead a request, its keys or a look-up elsewhere.
fn operators(elsewhere: &str) -> Vec<(&'static str, Value)> {
    let url = json!(elsewhere);
    let mut all: Vec<(&str, Value)> = [
        "sagemaker_base_url",
        "api_base",
        "base_url",
        "aws_sts_endpoint",
        "aws_bedrock_runtime_endpoint",
        "aws_endpoint_url",
        "aws_endpoint_url_sagemaker_runtime",
        "hf_model_name",
        "chat_template",
    ]
    .map(|name| (name, url.clone()))
    .to_vec();
    all.extend([
        ("aws_region_name", json!("evil.com/")),
        ("aws_region_name", json!("us-east-1.evil.com#")),
        ("aws_region_name", json!("@127.0.0.1/")),
        ("region_name", json!("eu-west-1")),
        ("aws_access_key_id", json!("AKIAEVIL")),
        ("aws_secret_access_key", json!("x")),
        ("aws_session_token", json!("x")),
        ("aws_profile_name", json!("prod")),
        ("aws_role_name", json!("arn:aws:iam::123456789012:role/admin")),
        ("aws_external_id", json!("x")),
        ("aws_web_identity_token", json!("oidc/file//etc/passwd")),
        ("aws_web_identity_token", json!("oidc/env/AWS_SECRET_ACCESS_KEY")),
        ("aws_sagemaker_allow_zero_temp", json!(true)),
        ("api_key", json!("x")),
        ("chat_template", json!("/etc/passwd")),
        ("chat_template", json!("{{ ''.__class__.__mro__ }}")),
        ("hf_model_name", json!("../../../etc/passwd")),
        ("hub_access", json!(true)),
        ("hub_revision", json!("evil")),
        ("template_sources", json!(["hub"])),
        ("roles", json!({"user": {"pre_message": "x"}})),
        ("initial_prompt_value", json!("x")),
        ("extra_body", json!({"sagemaker_base_url": elsewhere})),
        ("extra_headers", json!({"x-amz-security-token": "x"})),
        ("litellm_params", json!({"api_base": elsewhere})),
        ("fallbacks", json!([{"model": "chat", "api_base": elsewhere}])),
        ("dialect", json!("messages")),
        ("fake_stream", json!(true)),
        ("max_retries", json!(1_000_000)),
        ("num_retries", json!(1_000_000)),
        ("wait_for_capacity", json!(1e9)),
        ("connect_timeout", json!(1e9)),
        ("verbose", json!(true)),
        ("mock_response", json!("x")),
    ]);
    all
}

#[tokio::test]
async fn in_a_body_each_is_refused_by_name_on_every_route() {
    let setup = Setup::start().await;
    for (name, value) in operators(&setup.elsewhere()) {
        for path in ["/chat/completions", "/completions", "/embeddings"] {
            let mut body = question("text");
            (body["prompt"], body["input"]) = (json!("a"), json!("a"));
            body[name] = value.clone();
            let answer = setup.post(path, &body).await;
            answer.is_refused(400, &json!("parameter_not_allowed"), &json!(name));
            assert!(!String::from_utf8_lossy(&answer.body).contains("evil"), "the value is repeated");
        }
    }
    assert!(setup.emulator.received().is_empty());
    setup.nothing_went_astray();
}

/// The parameters of the table that a request may not have, by each of their names.
fn of_the_table() -> Vec<&'static str> {
    let refused = |in_request| matches!(in_request, InRequest::Listed | InRequest::Operator | InRequest::Nested);
    let parameters = parameters::all().iter().filter(|parameter| refused(parameter.in_request()));
    parameters.flat_map(|parameter| parameter.aliases().iter().copied().chain([parameter.name()])).collect()
}

#[tokio::test]
async fn every_parameter_of_the_table_is_refused_wherever_litellm_takes_it() {
    let setup = Setup::start().await;
    let names = of_the_table();
    assert!(names.contains(&"session_id") && names.contains(&"headers") && names.contains(&"rpm"), "{names:?}");
    for name in names {
        let mut body = question("chat");
        body[name] = json!("evil");
        setup.chat(&body).await.is_refused(400, &json!("parameter_not_allowed"), &json!(name));
        for container in ["extra_body", "litellm_params", "user_config"] {
            let mut body = question("chat");
            body[container] = json!({ name: "evil" });
            setup.chat(&body).await.is_refused(400, &json!("parameter_not_allowed"), &json!(container));
        }
    }
    assert!(setup.emulator.received().is_empty());
    setup.nothing_went_astray();
}

/// Inside of messages, tools, schemas and the like the same names are ordinary words, and they
/// arrive.
#[tokio::test]
async fn the_same_words_arrive_where_they_are_content() {
    let setup = Setup::start().await;
    for name in of_the_table().into_iter().chain(["timeout", "model_id", "api_base", "litellm_params"]) {
        let schema = json!({"type": "object", "properties": {name: {"type": "string"}}, "required": [name]});
        let call = json!({"id": "c", "type": "function", "function": {"name": name, "arguments": format!("{{\"{name}\":1}}")}});
        let body = json!({
            "model": "chat",
            "messages": [
                {"role": "user", "content": format!("what is `{name}`?"), name: "a word"},
                {"role": "assistant", "content": "", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "c", "content": format!("{{\"{name}\": 1}}")},
            ],
            "tools": [{"type": "function", "function": {"name": name, "parameters": schema}}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}},
            "metadata": {name: "a word"},
            "chat_template_kwargs": {name: true},
        });
        let answer = setup.chat(&body).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.json());
        let received = setup.emulator.received().pop().unwrap();
        let sent: Value = serde_json::from_slice(&received.body).unwrap();
        for key in ["messages", "tools", "response_format", "metadata", "chat_template_kwargs"] {
            assert_eq!(sent[key], body[key], "{name}");
        }
    }
    setup.nothing_went_astray();
}

/// What LiteLLM's clients send for LiteLLM itself is no reason to refuse a request, and no
/// container is told it.
#[tokio::test]
async fn book_keeping_of_litellms_clients_reaches_no_container() {
    let setup = Setup::start().await;
    for model in ["text", "chat"] {
        let mut body = question(model);
        let plain = setup.chat(&body).await;
        for (name, value) in [
            ("metadata", json!({"tags": ["evil"], "trace_id": 1})),
            ("cache", json!({"no-cache": true})),
            ("caching", json!(true)),
            ("tags", json!(["evil"])),
            ("no-log", json!(true)),
            ("ttl", json!(60)),
            ("litellm_metadata", json!({"a": "evil"})),
            ("litellm_session_id", json!("evil")),
            ("litellm_trace_id", json!("evil")),
            ("proxy_server_request", json!({"url": "evil"})),
            ("input_cost_per_token", json!(0.1)),
            ("s3_bucket_name", json!("evil")),
        ] {
            body[name] = value;
        }
        assert_eq!((setup.chat(&body).await.status, plain.status), (200, 200));
        let [.., before, after] = &setup.emulator.received()[..] else { panic!("two calls") };
        assert_eq!(before.body, after.body, "{model}");
    }
    for name in ["guardrails", "fallbacks", "user_config", "mock_response"] {
        let mut body = question("chat");
        body[name] = json!(["evil"]);
        setup.chat(&body).await.is_refused(400, &json!("parameter_not_allowed"), &json!(name));
    }
    setup.nothing_went_astray();
}

/// Written otherwise they are unknown names: a container may be told them, and nothing here obeys
/// them.
#[tokio::test]
async fn in_other_letters_or_deeper_down_they_have_no_effect() {
    let setup = Setup::start().await;
    let url = setup.elsewhere();
    for more in [
        json!({"AWS_REGION_NAME": "evil.com/", "SAGEMAKER_BASE_URL": url, "Api_Base": url}),
        json!({" api_base": url, "api_base ": url, "api\u{ff3f}base": url, "\u{ff41}ws_region_name": "x"}),
        json!({"api-base": url, "sagemakerBaseUrl": url, "awsRegionName": "x"}),
        json!({"AWS_ENDPOINT_URL": url, "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": url, "HTTP_PROXY": url, "HF_ENDPOINT": url}),
        json!({"metadata": {"api_base": url, "sagemaker_base_url": url}}),
        json!({"litellm_metadata": {"api_base": url}, "litellm_api_base": url}),
        json!({"proxy_server_request": {"url": url}, "parameters": {"sagemaker_base_url": url}}),
        json!({"os.environ/AWS_SECRET_ACCESS_KEY": "os.environ/AWS_SECRET_ACCESS_KEY"}),
    ] {
        let mut body = question("text");
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let status = setup.chat(&body).await.status;
        assert!(status == 200 || status == 400, "{more}: {status}");
    }
    let mut named = question("os.environ/AWS_SECRET_ACCESS_KEY");
    setup.chat(&named).await.is_refused(404, &json!("model_not_found"), &json!("model"));
    named["model"] = json!("sagemaker/os.environ/AWS_SECRET_ACCESS_KEY");
    setup.chat(&named).await.is_refused(400, &Value::Null, &json!("model"));
    setup.nothing_went_astray();
    for received in setup.emulator.received() {
        assert_eq!(received.endpoint.as_deref(), Some("tgi"));
        let body = String::from_utf8_lossy(&received.body);
        assert!(!body.contains(sagewire_emulator::EXAMPLE_SECRET_ACCESS_KEY), "a variable was looked up: {body}");
    }
}

#[tokio::test]
async fn in_the_query_and_the_head_they_have_no_effect() {
    let setup = Setup::start().await;
    let (url, body) = (setup.elsewhere(), question("text").to_string());
    for (name, value) in operators(&url) {
        let value = value.to_string().replace(['"', ' ', '{', '}', '#'], "");
        let line = format!("POST /chat/completions?model=chat&{name}={value}");
        // A key in the query is refused; of the rest, nothing is read.
        let expected = if name == "api_key" { 401 } else { 200 };
        assert_eq!(setup.send(&line, &bearer(MASTER), body.as_bytes()).await.status, expected, "{line}");
        let head = format!("{}{}: {value}\r\n", bearer(MASTER), name.replace('_', "-"));
        let expected = if name == "api_key" { 401 } else { 200 };
        let status = setup.send("POST /chat/completions", &head, body.as_bytes()).await.status;
        assert_eq!(status, expected, "{name}: {value}");
    }
    setup.nothing_went_astray();
    assert!(setup.emulator.received().iter().all(|received| received.endpoint.as_deref() == Some("tgi")));
}

/// Where the operator lists a name, a caller may set it; the checks of its value stay.
#[tokio::test]
async fn a_name_that_the_operator_lists_is_still_checked() {
    let listed = "
  - model_name: open
    litellm_params:
      model: sagemaker/tgi
      configurable_clientside_auth_params: [aws_region_name, sagemaker_base_url]
";
    let setup = Setup::with_models(listed).await;
    for (name, value) in [
        ("aws_region_name", json!("evil.com/")),
        ("aws_region_name", json!("us-east-1.evil.com#")),
        ("aws_region_name", json!("../x")),
        ("aws_region_name", json!([7])),
        ("aws_region_name", json!({"name": "us-east-1"})),
        ("sagemaker_base_url", json!("file:///etc/passwd")),
        ("sagemaker_base_url", json!("gopher://127.0.0.1/")),
        ("sagemaker_base_url", json!("https://user:pass@evil.com")),
    ] {
        let mut body = question("open");
        body[name] = value.clone();
        let answer = setup.chat(&body).await;
        assert_eq!(answer.status, 400, "{name}: {value}: {}", answer.json());
        assert!(answer.json()["error"]["message"].is_string());
    }
    assert!(setup.emulator.received().is_empty());
    setup.nothing_went_astray();
}
