//! Batches of every route on the own engine, and of an asynchronous endpoint.

use std::collections::BTreeMap;

use sagewire_emulator::{Container, ContainerReply, Emulator, Invocation, ObjectStore, Rerank};
use serde_json::{Value, json};

use crate::{objects, process::Home};

/// The lines of a file of results, by their `custom_id`.
fn lines(path: &std::path::Path) -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        (line["custom_id"].as_str().unwrap().to_owned(), line)
    });
    lines.collect()
}

fn line(id: &str, url: &str, body: Value) -> String {
    json!({"custom_id": id, "method": "POST", "url": url, "body": body}).to_string() + "\n"
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_every_route_are_answered_in_one_run() {
    let emulator = Emulator::builder().endpoint("tei", Rerank).start().await.unwrap();
    let home = Home::of(&emulator);
    let config = home.file(
        "config.yaml",
        "
model_list:
  - {model_name: chat, litellm_params: {model: sagemaker_chat/messages}}
  - {model_name: text, litellm_params: {model: sagemaker/tgi}}
  - {model_name: vectors, litellm_params: {model: sagemaker/embedding}, model_info: {mode: embedding}}
  - {model_name: ranker, litellm_params: {model: sagemaker/tei}, model_info: {mode: rerank}}
",
    );
    let messages = json!([{"role": "user", "content": "hi"}]);
    let text = [
        line("chat.completion", "/v1/chat/completions", json!({"model": "chat", "messages": messages})),
        line("text_completion", "/v1/completions", json!({"model": "text", "prompt": "hi"})),
        line("embeddings", "/v1/embeddings", json!({"model": "vectors", "input": "hi"})),
        line("response", "/v1/responses", json!({"model": "chat", "input": "hi"})),
        line("rerank", "/v1/rerank", json!({"model": "ranker", "query": "a", "documents": ["a", "b"]})),
        line("unknown", "/v1/rerank", json!({"model": "nothing", "query": "a", "documents": ["a"]})),
    ];
    let input = home.file("in.jsonl", &text.concat());
    let output = home.path().join("out.jsonl");
    let (from, to, config) = (input.to_str().unwrap(), output.to_str().unwrap(), config.to_str().unwrap());
    let printed = home.run(&["batch", "run", from, "-o", to, "--config", config]);
    assert_eq!(printed.code, Some(1), "{printed:?}");
    assert!(printed.err.contains("failed: unknown: "), "{printed:?}");
    let answers = lines(&output);
    let objects = [
        ("chat.completion", "chat.completion"),
        ("text_completion", "text_completion"),
        ("embeddings", "list"),
        ("response", "response"),
        ("rerank", "list"),
    ];
    assert_eq!(answers.len(), objects.len());
    for (id, object) in objects {
        let response = &answers[id]["response"];
        assert_eq!((&response["status_code"], &response["body"]["object"]), (&json!(200), &json!(object)), "{id}");
        assert!(answers[id]["error"].is_null() && response["request_id"].is_string(), "{id}");
    }
}

/// Answers, fails, or never answers, as it is told.
#[derive(Debug)]
struct Told;

#[async_trait::async_trait]
impl Container for Told {
    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        let body: Value = serde_json::from_slice(&invocation.body).unwrap();
        match body["messages"][0]["content"].as_str().unwrap() {
            "fail" => {
                ContainerReply::json(400, &json!({"object": "error", "message": "that is too much", "code": 400}))
            }
            "lose" => std::future::pending().await,
            said => {
                let message = json!({"role": "assistant", "content": format!("echo {said}")});
                let choices = json!([{"index": 0, "message": message, "finish_reason": "stop"}]);
                let reply =
                    json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": choices});
                ContainerReply::json(200, &reply)
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asynchronous_endpoint_answers_and_failures_and_lost_results_are_the_lines_errors() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = Emulator::builder()
        .endpoint("queue", Told)
        .object_store(ObjectStore::folder(folder.path()))
        .async_output("s3://mine/async")
        .start()
        .await
        .unwrap();
    let home = Home::of(&emulator).with("AWS_ENDPOINT_URL_S3", &objects::serve(folder.path().to_owned()).await);
    let config = home.file(
        "config.yaml",
        "
model_list:
  - {model_name: queue, litellm_params: {model: sagemaker_chat/queue, async_inference: true, timeout: 3, num_retries: 0}}
router_settings: {num_retries: 0}
",
    );
    let said = ["a", "fail", "b", "lose", "c"];
    let text = said.map(|said| {
        let messages = json!([{"role": "user", "content": said}]);
        line(said, "/v1/chat/completions", json!({"model": "queue", "messages": messages}))
    });
    let input = home.file("in.jsonl", &text.concat());
    let output = home.path().join("out.jsonl");
    let (from, to, config) = (input.to_str().unwrap(), output.to_str().unwrap(), config.to_str().unwrap());
    let printed = home.run(&["batch", "run", from, "-o", to, "--config", config]);
    assert_eq!(printed.code, Some(1), "{printed:?}");
    assert!(printed.err.contains("5 of 5 lines done"), "{printed:?}");
    let answers = lines(&output);
    assert_eq!(answers.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    for (id, line) in &answers {
        let said = &line["response"]["body"]["choices"][0]["message"]["content"];
        assert_eq!(said, &json!(format!("echo {id}")));
    }
    let errors = lines(&home.path().join("out.errors.jsonl"));
    assert_eq!(errors.keys().collect::<Vec<_>>(), ["fail", "lose"]);
    let failed = errors["fail"]["response"]["body"]["error"]["message"].as_str().unwrap();
    assert!(failed.contains("that is too much"), "{errors:?}");
    assert_eq!(errors["lose"]["response"]["status_code"], 504, "{errors:?}");
}
