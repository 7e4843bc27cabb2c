//! What callers are told about tokens: reported by the container, or estimated and marked so. It is
//! never a 0 for a text that has some.

use http::Method;
use sagewire_emulator::Emulator;
use serde_json::{Value, json};

use crate::setup::{Answer, Setup};

const TWO: &str = "
model_list:
  - {model_name: text, litellm_params: {model: sagemaker/tgi}}
  - {model_name: chat, litellm_params: {model: sagemaker_chat/messages}}
";

/// A request as the route has it, with further entries.
fn body(path: &str, model: &str, more: &Value) -> Value {
    let mut body = match path {
        "/completions" => json!({"model": model, "prompt": "What is a llama?", "max_tokens": 20}),
        "/v1/responses" => json!({"model": model, "input": "What is a llama?", "max_output_tokens": 20}),
        _ => json!({"model": model, "messages": [{"role": "user", "content": "What is a llama?"}], "max_tokens": 20}),
    };
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn is_marked(answer: &Answer) -> bool {
    answer.headers.get("x-sagewire-usage").is_some_and(|value| value == "estimated")
}

/// The chunks of a stream.
fn chunks(answer: &Answer) -> Vec<Value> {
    let events = answer.text().split("\n\n").filter_map(|event| event.strip_prefix("data: ")?.strip_prefix('{'));
    events.map(|json| serde_json::from_str(&format!("{{{json}")).unwrap()).collect()
}

#[tokio::test]
async fn whole_answers_say_whether_their_counts_are_estimated() {
    let setup = Setup::start(TWO).await;
    for (path, prompt, completion) in [
        ("/chat/completions", "prompt_tokens", "completion_tokens"),
        ("/completions", "prompt_tokens", "completion_tokens"),
        ("/v1/messages", "input_tokens", "output_tokens"),
        ("/v1/responses", "input_tokens", "output_tokens"),
    ] {
        for (model, estimated) in [("text", true), ("chat", false)] {
            let answer = setup.post(path, &body(path, model, &json!({}))).await;
            assert_eq!(answer.status, 200, "{path} {}", answer.text());
            let usage = &answer.json()["usage"];
            assert!(usage[prompt].as_u64() > Some(0) && usage[completion].as_u64() > Some(0), "{path} {usage}");
            assert_eq!(is_marked(&answer), estimated, "{path} {model}");
            assert_eq!(usage.get("estimated").is_some_and(|mark| mark == true), estimated, "{path} {model} {usage}");
        }
    }
}

/// A stream's head is sent before the counts are known, so that the event with the last counts has
/// the mark.
#[tokio::test]
async fn the_last_counts_of_every_stream_say_whether_they_are_estimated() {
    // LMI does not count the prompt.
    let emulator = Emulator::builder().built_in("lmi", "lmi").start().await.unwrap();
    let yaml = TWO.replace("model: sagemaker/tgi", "model: sagemaker/lmi, dialect: lmi");
    let setup = Setup::on(emulator, &yaml).await;
    for (path, place) in [
        ("/chat/completions", "/usage"),
        ("/completions", "/usage"),
        ("/v1/messages", "/usage"),
        ("/v1/responses", "/response/usage"),
    ] {
        for (model, estimated) in [("text", true), ("chat", false)] {
            let more = match place {
                "/usage" if path != "/v1/messages" => {
                    json!({"stream": true, "stream_options": {"include_usage": true}})
                }
                _ => json!({"stream": true}),
            };
            let answer = setup.post(path, &body(path, model, &more)).await;
            let events = answer.text().lines().filter_map(|line| line.strip_prefix("data: {"));
            let mut usages = events.filter_map(|json| {
                let event: Value = serde_json::from_str(&format!("{{{json}")).unwrap();
                event.pointer(place).filter(|usage| !usage.is_null()).cloned()
            });
            let last = usages.next_back().unwrap_or_else(|| panic!("{path} {model} {}", answer.text()));
            let generated = ["completion_tokens", "output_tokens"].iter().find_map(|name| last[*name].as_u64());
            assert!(generated > Some(0), "{path} {model} {last}");
            assert_eq!(last.get("estimated").is_some_and(|mark| mark == true), estimated, "{path} {model} {last}");
        }
    }
}

#[tokio::test]
async fn a_container_is_asked_for_a_streams_usage_and_only_callers_that_ask_are_told() {
    let setup = Setup::start(TWO).await;
    for path in ["/chat/completions", "/completions"] {
        for model in ["text", "chat"] {
            for asked in [json!({}), json!({"stream_options": {"include_usage": false}})] {
                let mut more = json!({"stream": true});
                more.as_object_mut().unwrap().extend(asked.as_object().unwrap().clone());
                let answer = setup.post(path, &body(path, model, &more)).await;
                assert!(!answer.text().contains("usage"), "{path} {model} {}", answer.text());
            }
            let more = json!({"stream": true, "stream_options": {"include_usage": true}});
            let chunks = chunks(&setup.post(path, &body(path, model, &more)).await);
            let usage = &chunks.last().unwrap()["usage"];
            assert!(usage["prompt_tokens"].as_u64() > Some(0), "{path} {model} {usage}");
        }
    }
    let received = setup.emulator.received();
    let bodies = received.iter().map(|request| serde_json::from_slice::<Value>(&request.body).unwrap());
    let wishes: Vec<Value> =
        bodies.filter(|body| body.get("inputs").is_none()).map(|body| body["stream_options"].clone()).collect();
    assert_eq!(wishes, vec![json!({"include_usage": true}); 6]);
}

#[tokio::test]
async fn tokens_of_a_stream_are_measured_though_its_caller_does_not_ask() {
    let setup = Setup::start(TWO).await;
    let answer = setup.post("/chat/completions", &body("/chat/completions", "chat", &json!({"stream": true}))).await;
    assert_eq!(answer.status, 200);
    let asked =
        setup.post("/chat/completions", &body("/chat/completions", "chat", &json!({}))).await.json()["usage"].clone();
    let page = setup.send(Method::GET, "/metrics", &[], "").await;
    for (kind, name) in [("prompt", "prompt_tokens"), ("completion", "completion_tokens")] {
        let twice = 2 * asked[name].as_u64().unwrap();
        let line = format!(r#"kind="{kind}",key=""}} {twice}"#);
        assert!(
            page.text().lines().any(|found| found.starts_with("sagewire_tokens_total") && found.ends_with(&line)),
            "{line} {}",
            page.text()
        );
    }
}
