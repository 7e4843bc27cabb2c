//! What callers read of a container's own words.

use sagewire_emulator::{AwsError, Scripted};
use serde_json::json;

use crate::setup::Setup;

const YAML: &str = "
model_list:
  - {model_name: chat, litellm_params: {model: sagemaker_chat/messages}}
  - {model_name: text, litellm_params: {model: sagemaker/tgi}}
  - {model_name: file, litellm_params: {model: sagemaker/tgi, chat_template: /srv/secret/place/a.jinja}}
router_settings: {num_retries: 0}
";

const TRACEBACK: &str = "Traceback (most recent call last):\n  File \"/opt/ml/model/code/inference.py\", line 12, in predict\n    db.connect(password='hunter2')\nValueError: hunter2";

#[tokio::test]
async fn only_the_reason_of_a_refusal_in_a_known_form_is_shown() {
    let setup = Setup::start(YAML).await;
    let vllm = r#"{"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 9000 tokens.","type":"BadRequestError","param":null,"code":400}"#;
    let tgi =
        r#"{"error":"Input validation error: `temperature` must be strictly positive","error_type":"validation"}"#;
    let fastapi =
        r#"{"detail":[{"loc":["body","messages",0,"role"],"msg":"field required","type":"value_error.missing"}]}"#;
    let openai = r#"{"error":{"message":"top_k must be -1 or at least 1, see http://10.0.3.7:8080/docs in /opt/vllm/api.py","type":"BadRequestError","code":400}}"#;
    for (status, said, shown) in [
        (400, vllm, "This model's maximum context length is 4096 tokens"),
        (422, tgi, "`temperature` must be strictly positive"),
        (422, fastapi, ".0.role: field required"),
        (400, openai, "top_k must be -1 or at least 1, see [url] in [path]"),
    ] {
        for (model, endpoint) in [("chat", "messages"), ("text", "tgi")] {
            setup.emulator.enqueue(endpoint, Scripted::error(AwsError::model_error(status, said)));
            let call = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
            let answer = setup.post("/chat/completions", &call).await;
            assert_eq!(answer.status, 400, "{}", answer.text());
            let body = answer.json();
            let message = body["error"]["message"].as_str().unwrap();
            assert!(message.contains(shown), "no {shown} in {message}");
            assert!(!message.contains("10.0.3.7") && !message.contains("/opt/") && message.len() < 900, "{message}");
        }
    }
}

#[tokio::test]
async fn plain_text_pages_tracebacks_and_failures_are_for_the_log() {
    let setup = Setup::start(YAML).await;
    let in_json = json!({ "error": TRACEBACK }).to_string();
    let details = r#"{"error":{"message":"CUDA error in /opt/ml/model for account 123456789012: hunter2"}}"#;
    let page = "<html><title>hunter2</title><body>hunter2 is down</body></html>";
    for (status, said) in [
        (400, TRACEBACK),
        (400, "hunter2"),
        (422, &in_json),
        (400, page),
        (500, details),
        (500, TRACEBACK),
        (503, details),
    ] {
        for stream in [false, true] {
            setup.emulator.enqueue("messages", Scripted::error(AwsError::model_error(status, said)));
            let call = json!({"model": "chat", "stream": stream, "messages": [{"role": "user", "content": "hi"}]});
            let answer = setup.post("/chat/completions", &call).await;
            assert!(!answer.status.is_success(), "{status} {said}: {}", answer.text());
            for hidden in ["hunter2", "inference.py", "/opt/", "123456789012", "Traceback", "CUDA"] {
                assert!(!answer.text().contains(hidden), "{status} {said} shows {hidden}: {}", answer.text());
            }
        }
    }
}

#[tokio::test]
async fn a_failure_within_a_reply_or_a_stream_is_judged_in_the_same_way() {
    let setup = Setup::start(YAML).await;
    let failed =
        r#"{"error":{"message":"worker died, see /opt/ml/log: hunter2","type":"InternalServerError","code":500}}"#;
    setup.emulator.enqueue("messages", Scripted::ok(failed));
    let call = json!({"model": "chat", "messages": [{"role": "user", "content": "hi"}]});
    let answer = setup.post("/chat/completions", &call).await;
    assert!(!answer.status.is_success() && !answer.text().contains("hunter2"), "{}", answer.text());
    let streamed = json!({"model": "chat", "stream": true, "messages": [{"role": "user", "content": "hi"}]});
    setup.emulator.enqueue("messages", Scripted::stream([format!("data: {failed}\n\n")]));
    let answer = setup.post("/chat/completions", &streamed).await;
    assert!(answer.text().contains("\"error\"") && !answer.text().contains("hunter2"), "{}", answer.text());
}

#[tokio::test]
async fn the_place_of_a_missing_template_is_not_shown() {
    let setup = Setup::start(YAML).await;
    let answer = setup
        .post("/chat/completions", &json!({"model": "file", "messages": [{"role": "user", "content": "hi"}]}))
        .await;
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert!(!answer.text().contains("/srv/secret"), "{}", answer.text());
}
