//! Batches of every route, and what the results of each look like.

use sagewire_batch::Endpoint;
use sagewire_emulator::{Emulator, Rerank};
use serde_json::{Map, Value, json};

use super::{As, keep};
use crate::setup::Setup;

/// A body for each route, what its answer is, and one that is refused.
fn bodies(endpoint: Endpoint) -> (Value, &'static str, Value) {
    match endpoint {
        Endpoint::ChatCompletions => {
            let messages = json!([{"role": "user", "content": "hi"}]);
            (json!({"model": "chat", "messages": messages}), "chat.completion", json!({"model": "chat"}))
        }
        Endpoint::Completions => {
            (json!({"model": "text", "prompt": "hi"}), "text_completion", json!({"model": "text"}))
        }
        Endpoint::Embeddings => (json!({"model": "vectors", "input": ["a", "b"]}), "list", json!({"model": "vectors"})),
        Endpoint::Responses => (json!({"model": "chat", "input": "hi"}), "response", json!({"model": "chat"})),
        Endpoint::Rerank => {
            let body = json!({"model": "ranker", "query": "llama", "documents": ["a car", "a llama"]});
            (body, "list", json!({"model": "ranker", "documents": ["a"]}))
        }
        other => panic!("{other}"),
    }
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().map(Map::keys).unwrap().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_route_is_answered_in_openais_form() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().display();
    let yaml = format!(
        "
model_list:
  - {{model_name: chat, litellm_params: {{model: sagemaker_chat/messages}}}}
  - {{model_name: text, litellm_params: {{model: sagemaker/tgi}}}}
  - {{model_name: vectors, litellm_params: {{model: sagemaker/embedding}}, model_info: {{mode: embedding}}}}
  - {{model_name: ranker, litellm_params: {{model: sagemaker/tei}}, model_info: {{mode: rerank}}}}
general_settings: {{master_key: sk-master}}
sagewire_settings: {{batches: {{store: '{store}'}}}}
"
    );
    let emulator = Emulator::builder().endpoint("tei", Rerank).start().await.unwrap();
    let setup = Setup::on(emulator, &yaml).await;
    let kept = keep(&setup);
    let master = As(&setup, "sk-master");
    for endpoint in Endpoint::ALL {
        let (good, object, bad) = bodies(endpoint);
        let line = |id: &str, body: &Value| {
            json!({"custom_id": id, "method": "POST", "url": endpoint.as_str(), "body": body}).to_string() + "\n"
        };
        let file = master.upload(&(line("a", &good) + &line("bad", &bad) + &line("b", &good))).await;
        let created = master.create_for(&file, endpoint.as_str()).await;
        assert_eq!(created.status, 200, "{}", created.text());
        let created = created.json();
        assert_eq!(created["endpoint"], endpoint.as_str());
        let batch = master.ended(created["id"].as_str().unwrap()).await;
        assert_eq!(batch["request_counts"], json!({"total": 3, "completed": 2, "failed": 1}), "{endpoint}: {batch}");
        let answers = master.lines(&batch["output_file_id"]).await;
        assert_eq!(answers.iter().map(|line| &line["custom_id"]).collect::<Vec<_>>(), ["a", "b"]);
        let refused = master.lines(&batch["error_file_id"]).await;
        assert_eq!(refused.iter().map(|line| &line["custom_id"]).collect::<Vec<_>>(), ["bad"]);
        for line in answers.iter().chain(&refused) {
            assert_eq!(keys(line), ["id", "custom_id", "response", "error"], "{endpoint}: {line}");
            assert!(line["id"].as_str().unwrap().starts_with("batch_req_") && line["error"].is_null(), "{line}");
            assert_eq!(keys(&line["response"]), ["status_code", "request_id", "body"]);
            assert!(!line["response"]["request_id"].as_str().unwrap().is_empty(), "{line}");
        }
        for line in &answers {
            assert_eq!(line["response"]["status_code"], 200);
            assert_eq!(line["response"]["body"]["object"], object, "{endpoint}: {line}");
            assert_eq!(line["response"]["body"]["model"], good["model"], "{endpoint}: {line}");
        }
        assert_eq!(refused[0]["response"]["status_code"], 400, "{endpoint}: {refused:?}");
        assert_eq!(refused[0]["response"]["body"]["error"]["type"], "invalid_request_error", "{refused:?}");
    }
    kept.abort();
}
