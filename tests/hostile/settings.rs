//! What is the operator's: URLs, regions, credentials, templates and how a request is carried.

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

/// Written otherwise they are names that nobody knows: a container may be told them, and nothing here obeys them.
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
        ("aws_region_name", json!(7)),
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
