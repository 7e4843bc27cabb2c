//! Calls all the way to the endpoint.

use http::Method;
use sagewire_emulator::{Emulator, Omni, Rerank, Scripted, Transcription};
use serde_json::json;

use crate::setup::Setup;

/// LiteLLM's documented configuration with the indentation that YAML needs; the endpoint is the
/// emulator's.
const DOCUMENTED: &str = "
model_list:
  - model_name: jumpstart-model
    litellm_params:
      model: sagemaker/tgi
      aws_access_key_id: os.environ/CUSTOM_AWS_ACCESS_KEY_ID
      aws_secret_access_key: os.environ/CUSTOM_AWS_SECRET_ACCESS_KEY
      aws_region_name: os.environ/CUSTOM_AWS_REGION_NAME
";

const THREE: &str = "
model_list:
  - {model_name: text, litellm_params: {model: sagemaker/tgi, temperature: 0.7, top_k: 40}}
  - {model_name: chat, litellm_params: {model: sagemaker_chat/messages}}
  - {model_name: vectors, litellm_params: {model: sagemaker/embedding}, model_info: {mode: embedding}}
  - {model_name: 'sagemaker/*', litellm_params: {model: 'sagemaker/*'}}
  - {model_name: gone, litellm_params: {model: sagemaker/no-such-endpoint}}
";

fn documented_call(model: &str) -> String {
    format!(
        r#" {{
      "model": "{model}",
      "messages": [
        {{
          "role": "user",
          "content": "what llm are you"
        }}
      ]
    }}
"#
    )
}

#[tokio::test]
async fn litellms_documented_configuration_answers_its_documented_call() {
    let setup = Setup::start(DOCUMENTED).await;
    let json = [("content-type", "application/json")];
    let answer = setup.send(Method::POST, "/chat/completions", &json, &documented_call("jumpstart-model")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!((&body["object"], &body["model"]), (&json!("chat.completion"), &json!("jumpstart-model")));
    assert!(!body["choices"][0]["message"]["content"].as_str().unwrap().is_empty(), "{body}");
    let received = setup.emulator.received();
    assert!(received.len() == 1 && received[0].accepted, "the signature was refused: {received:?}");
    assert!(answer.headers.contains_key("x-amzn-requestid"));
    assert_eq!(answer.headers["x-sagewire-deployment"], "jumpstart-model");
}

#[tokio::test]
async fn every_kind_of_model_answers() {
    let setup = Setup::start(THREE).await;
    for model in ["text", "chat", "sagemaker/tgi"] {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 20});
        let whole = setup.post("/v1/chat/completions", &body).await;
        assert_eq!((whole.status.as_u16(), &whole.json()["model"]), (200, &json!(model)), "{}", whole.text());
        let mut streamed = body;
        streamed["stream"] = json!(true);
        let stream = setup.post("/v1/chat/completions", &streamed).await;
        assert!(stream.text().ends_with("data: [DONE]\n\n"), "{model}: {}", stream.text());
        assert!(stream.text().contains(r#""finish_reason":""#), "{model}: {}", stream.text());
    }
    let vectors = setup.post("/embeddings", &json!({"model": "vectors", "input": ["a", "b"]})).await;
    assert_eq!(vectors.json()["data"].as_array().unwrap().len(), 2, "{}", vectors.text());
    let base64 =
        setup.post("/embeddings", &json!({"model": "vectors", "input": "a", "encoding_format": "base64"})).await;
    assert!(base64.json()["data"][0]["embedding"].is_string());
    let prompt = setup.post("/completions", &json!({"model": "text", "prompt": "Once upon a time"})).await;
    assert_eq!(prompt.status, 200, "{}", prompt.text());
    assert!(setup.emulator.received().iter().all(|request| request.accepted));
}

#[tokio::test]
async fn the_deployments_parameters_and_the_callers_reach_the_container_and_no_others() {
    let setup = Setup::start(THREE).await;
    let body = json!({
        "model": "text", "messages": [{"role": "user", "content": "Hello"}], "temperature": 0.2, "model_id": "component-1",
    });
    assert_eq!(setup.post("/chat/completions", &body).await.status, 200);
    let received = setup.emulator.received();
    let sent: serde_json::Value = serde_json::from_slice(&received[0].body).unwrap();
    assert_eq!((&sent["parameters"]["temperature"], &sent["parameters"]["top_k"]), (&json!(0.2), &json!(40)), "{sent}");
    assert_eq!(received[0].headers["x-amzn-sagemaker-inference-component"], "component-1");
    for secret in ["aws_", "AKIDEXAMPLE", "model_id"] {
        assert!(!sent.to_string().contains(secret), "{sent}");
    }
}

#[tokio::test]
async fn an_endpoint_that_the_operator_misnamed_is_a_502_that_hides_its_name_and_account() {
    let setup = Setup::start(THREE).await;
    let answer = setup.send(Method::POST, "/chat/completions", &[], &documented_call("gone")).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["code"]), (502, &json!("proxy_misconfigured")));
    assert_eq!(answer.headers["x-should-retry"], "false");
    let callers_own = documented_call("sagemaker/no-such-endpoint");
    let own = setup.send(Method::POST, "/chat/completions", &[], &callers_own).await;
    assert_eq!((own.status.as_u16(), &own.json()["error"]["code"]), (404, &json!("model_not_found")));
    let component = callers_own.replace("sagemaker/no-such-endpoint", "gone").replacen('{', r#"{"model_id":"x","#, 1);
    let named = setup.send(Method::POST, "/chat/completions", &[], &component).await;
    assert_eq!(named.status, 404, "a part of the name was the caller's choice: {}", named.text());
    assert!(
        !answer.text().contains("no-such-endpoint") && !answer.text().contains("123456789012"),
        "{}",
        answer.text()
    );
    assert!(answer.json()["error"]["aws_request_id"].is_string());
}

#[tokio::test]
async fn wrong_credentials_of_the_proxy_are_a_502() {
    let yaml = DOCUMENTED.replace("os.environ/CUSTOM_AWS_SECRET_ACCESS_KEY", "wrong");
    let setup = Setup::start(&yaml).await;
    let answer = setup.send(Method::POST, "/chat/completions", &[], &documented_call("jumpstart-model")).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(answer.json()["error"]["code"].as_str().unwrap().starts_with("upstream_"), "{}", answer.text());
    assert!(!answer.text().contains("wrong"), "{}", answer.text());
}

#[tokio::test]
async fn health_probes_each_deployment_by_what_it_is() {
    let setup = Setup::start(THREE).await;
    assert_eq!(setup.get("/health").await.json()["unprobed_endpoints"][0]["status"], "not probed");
    assert!(setup.emulator.received().is_empty());
    let health = setup.get("/health?probe=true").await.json();
    assert_eq!(health["unhealthy_count"], 1, "{health}");
    assert_eq!(health["unhealthy_endpoints"][0]["id"], "gone");
    let statuses: Vec<_> =
        health["healthy_endpoints"].as_array().unwrap().iter().map(|entry| &entry["status"]).collect();
    assert_eq!(statuses, ["healthy", "healthy", "healthy"], "{health}");
    assert_eq!(health["unprobed_endpoints"][0]["status"], "not probed", "{health}");
}

#[tokio::test]
async fn a_probe_of_every_mode_is_a_request_of_that_mode() {
    let emulator = Emulator::builder()
        .endpoint("reranker", Rerank)
        .endpoint("whisperx", Transcription)
        .endpoint("omni", Omni)
        .start()
        .await
        .unwrap();
    let models = [
        ("chat", "sagemaker_chat/messages"),
        ("completion", "sagemaker/tgi"),
        ("embedding", "sagemaker/embedding"),
        ("rerank", "sagemaker/reranker"),
        ("audio_transcription", "sagemaker/whisperx"),
        ("audio_speech", "sagemaker/omni"),
        ("image_generation", "sagemaker/omni"),
    ];
    let entry = |(mode, model): (&str, &str)| {
        format!("  - {{model_name: {mode}, litellm_params: {{model: {model}}}, model_info: {{mode: {mode}}}}}\n")
    };
    // The same modes before a container of another kind.
    let wrong = models.map(|(mode, _)| {
        let container = if mode == "embedding" { "sagemaker_chat/messages" } else { "sagemaker/embedding" };
        entry((mode, container)).replace("model_name: ", "model_name: not-")
    });
    let entries: String = models.map(entry).into_iter().chain(wrong).collect();
    let yaml = format!("model_list:\n{entries}sagewire_settings: {{health_check: {{max_probes_per_minute: 100}}}}");
    let setup = Setup::on(emulator, &yaml).await;
    let health = setup.get("/health?probe=true").await.json();
    let ids = |list: &str| -> Vec<String> {
        health[list].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("healthy_endpoints"), models.map(|(mode, _)| mode), "{health}");
    assert_eq!(ids("unhealthy_endpoints"), models.map(|(mode, _)| format!("not-{mode}")), "{health}");
    let received = setup.emulator.received();
    assert!(received.iter().all(|request| request.body.len() < 5000), "{received:?}");
    let routes: Vec<_> =
        received.iter().filter_map(|request| request.header("x-amzn-sagemaker-custom-attributes")).collect();
    let native = ["route=/v1/audio/speech", "route=/v1/images/generations"];
    assert_eq!(routes, [native, native].concat());
}

#[tokio::test]
async fn the_numbers_hold_the_routers_and_the_credentials_age() {
    let setup = Setup::start(DOCUMENTED).await;
    setup.send(Method::POST, "/chat/completions", &[], &documented_call("jumpstart-model")).await;
    let page = setup.get("/metrics").await;
    for line in [
        r#"sagewire_deployment_requests_per_minute{deployment="jumpstart-model"} 1.0"#,
        r#"sagewire_deployment_cooldown_seconds{deployment="jumpstart-model"} 0.0"#,
    ] {
        assert!(page.text().lines().any(|found| found == line), "no line {line} in\n{}", page.text());
    }
    assert!(
        page.text().contains(r#"sagewire_credentials_age_seconds{deployment="jumpstart-model"}"#),
        "{}",
        page.text()
    );
    assert!(!page.text().contains("AKIDEXAMPLE"));
}

#[tokio::test]
async fn the_container_is_told_the_trace_where_the_operator_asks_for_it() {
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let model =
        "model_list: [{model_name: m, litellm_params: {model: sagemaker/tgi, custom_attributes: accept_eula=true}}]";
    const FORWARD: &str = "\nlitellm_settings: {forward_traceparent_to_llm_provider: true}";
    const STATE: &str = "rojo=00f067aa0ba902b7, congo=t61rcWkgMzE";
    let forwarded = format!("accept_eula=true,traceparent={TRACE}");
    let long_own = format!("own={}", "x".repeat(950));
    for (model, settings, headers, told) in [
        (model.to_owned(), "", &[("traceparent", TRACE), ("tracestate", STATE)][..], "accept_eula=true".to_owned()),
        (model.to_owned(), FORWARD, &[("traceparent", TRACE)], forwarded.clone()),
        (
            model.to_owned(),
            FORWARD,
            &[("traceparent", TRACE), ("tracestate", STATE)],
            format!("{forwarded},tracestate=rojo%3D00f067aa0ba902b7%2C congo%3Dt61rcWkgMzE"),
        ),
        (
            model.to_owned(),
            FORWARD,
            &[("traceparent", "00-no-trace"), ("tracestate", STATE)],
            "accept_eula=true".into(),
        ),
        (
            model.replace("accept_eula=true", &long_own),
            FORWARD,
            &[("traceparent", TRACE), ("tracestate", STATE)],
            format!("{long_own},traceparent={TRACE}"),
        ),
    ] {
        let setup = Setup::start(&format!("{model}{settings}")).await;
        let answer = setup.send(Method::POST, "/chat/completions", headers, &documented_call("m")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(setup.emulator.received()[0].headers["x-amzn-sagemaker-custom-attributes"], told.as_str());
    }
}

#[tokio::test]
async fn token_ids_reach_the_containers_that_take_them_and_others_say_what_to_do() {
    let yaml = "
model_list:
  - {model_name: tei, litellm_params: {model: sagemaker/embedding, embedding_dialect: tei}}
  - {model_name: openai, litellm_params: {model: sagemaker/embedding, embedding_dialect: openai}}
  - {model_name: default, litellm_params: {model: sagemaker/embedding}}
  - {model_name: cohere, litellm_params: {model: sagemaker/embedding, embedding_dialect: cohere}}
  - {model_name: voyage, litellm_params: {model: sagemaker/embedding, embedding_dialect: voyage}}
  - {model_name: lmi, litellm_params: {model: sagemaker/embedding, embedding_dialect: lmi}}
  - {model_name: jumpstart, litellm_params: {model: sagemaker/embedding, embedding_dialect: jumpstart}}
";
    let setup = Setup::start(yaml).await;
    let vectors = [json!([[0.5, 1]]), json!([[0.5, 1], [2, 4]])];
    for (input, vectors) in [json!([1, 2, 3]), json!([[1, 2], [3]])].into_iter().zip(vectors) {
        let data: Vec<_> = vectors.as_array().unwrap().iter().map(|vector| json!({"embedding": vector})).collect();
        for (model, key, reply) in [("tei", "inputs", vectors.clone()), ("openai", "input", json!({"data": data}))] {
            setup.emulator.enqueue("embedding", Scripted::ok(reply.to_string()));
            let answer = setup.post("/v1/embeddings", &json!({"model": model, "input": input})).await;
            assert_eq!(answer.status, 200, "{model}: {}", answer.text());
            let data = answer.json()["data"].clone();
            let sent: Vec<_> = data.as_array().unwrap().iter().map(|item| item["embedding"].clone()).collect();
            assert_eq!(json!(sent), vectors, "{model}");
            let received = setup.emulator.received();
            let body: serde_json::Value = serde_json::from_slice(&received.last().unwrap().body).unwrap();
            assert_eq!(body[key], input, "{model}: {body}");
        }
        let asked = setup.emulator.received().len();
        for model in ["default", "cohere", "voyage", "lmi", "jumpstart"] {
            let answer = setup.post("/v1/embeddings", &json!({"model": model, "input": input})).await;
            let error = &answer.json()["error"];
            assert_eq!((answer.status.as_u16(), &error["param"]), (400, &json!("input")), "{model}: {error}");
            assert!(
                error["message"].as_str().unwrap().contains("check_embedding_ctx_length=False"),
                "{model}: {error}"
            );
        }
        assert_eq!(setup.emulator.received().len(), asked, "what cannot work is not sent");
    }
}
