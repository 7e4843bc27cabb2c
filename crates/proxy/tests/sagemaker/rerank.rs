//! Reranking over every family of containers, in the forms of each path.

use sagewire_emulator::{AwsError, CohereRerank, Emulator, Pooling, Rerank, Scripted};
use serde_json::{Value, json};

use crate::setup::Setup;

const CONFIG: &str = "
model_list:
  - {model_name: tei, litellm_params: {model: sagemaker/tei}, model_info: {mode: rerank}}
  - {model_name: vllm, litellm_params: {model: sagemaker/pooling, rerank_dialect: vllm, hf_model_name: served}}
  - {model_name: cohere, litellm_params: {model: sagemaker/cohere-rerank}, model_info: {mode: rerank}}
  - {model_name: small, litellm_params: {model: sagemaker/pooling, dialect: vllm, rerank_batch_size: 2}}
  - {model_name: embedder, litellm_params: {model: sagemaker/embedding, embedding_dialect: tei}}
  - {model_name: both, litellm_params: {model: sagemaker/pooling, rerank_dialect: vllm, embedding_dialect: openai, hf_model_name: served}}
  - {model_name: talker, litellm_params: {model: sagemaker/tgi}, model_info: {mode: chat}}
";

async fn setup() -> Setup {
    let emulator = Emulator::builder()
        .endpoint("tei", Rerank)
        .endpoint("pooling", Pooling)
        .endpoint("cohere-rerank", CohereRerank)
        .start()
        .await
        .unwrap();
    Setup::on(emulator, CONFIG).await
}

fn body(model: &str) -> Value {
    json!({"model": model, "query": "a big llama", "documents": ["a car", {"text": "a big llama"}, "llama"], "top_n": 2})
}

fn order(answer: &Value) -> Vec<u64> {
    let results = answer["results"].as_array().unwrap_or_else(|| panic!("{answer}"));
    results.iter().map(|result| result["index"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn every_family_ranks_and_each_path_answers_in_its_form() {
    let setup = setup().await;
    for model in ["tei", "vllm", "cohere"] {
        for path in ["/rerank", "/v1/rerank", "/v2/rerank"] {
            let mut request = body(model);
            request["return_documents"] = json!(true);
            let answer = setup.post(path, &request).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let answer = answer.json();
            assert_eq!(order(&answer), [1, 2], "{model} {path} {answer}");
            assert_eq!(answer["results"][1]["document"], json!({"text": "llama"}));
            let is_v2 = path == "/v2/rerank";
            assert_eq!(answer["meta"]["api_version"]["version"], if is_v2 { "2" } else { "1" });
            assert_eq!(answer.get("object").is_none(), is_v2, "{answer}");
            let shown = answer.get("model").and_then(Value::as_str);
            assert_eq!(shown, (!is_v2).then_some(model));
        }
    }
}

#[tokio::test]
async fn only_reported_counts_are_shown() {
    let setup = setup().await;
    let tei = setup.post("/v1/rerank", &body("tei")).await.json();
    assert!(tei.get("usage").is_none() && tei["meta"].as_object().unwrap().len() == 1, "{tei}");
    let vllm = setup.post("/v1/rerank", &body("vllm")).await.json();
    assert_eq!((&vllm["usage"]["prompt_tokens"], &vllm["meta"]["tokens"]["input_tokens"]), (&json!(54), &json!(54)));
    let cohere = setup.post("/v2/rerank", &body("cohere")).await.json();
    assert_eq!(cohere["meta"]["billed_units"], json!({"search_units": 1}));
}

#[tokio::test]
async fn each_container_is_asked_in_its_own_words() {
    let setup = setup().await;
    for (model, expected) in [
        ("tei", json!({"query": "a big llama", "texts": ["a car", "a big llama", "llama"]})),
        (
            "vllm",
            json!({"model": "served", "query": "a big llama", "documents": ["a car", "a big llama", "llama"], "top_n": 2}),
        ),
        (
            "cohere",
            json!({"query": "a big llama", "documents": ["a car", {"text": "a big llama"}, "llama"], "api_version": 1, "top_n": 2}),
        ),
    ] {
        setup.emulator.clear_received();
        setup.post("/v1/rerank", &body(model)).await;
        let received = setup.emulator.received();
        assert_eq!(received[0].json().unwrap(), expected);
        let route = received[0].header("x-amzn-sagemaker-custom-attributes").map(str::to_owned);
        assert_eq!(route.as_deref(), (model == "vllm").then_some("route=/v1/rerank"));
    }
}

#[tokio::test]
async fn more_documents_than_a_container_takes_are_joined_and_sorted_again() {
    let setup = setup().await;
    let documents: Vec<String> =
        (0..70).map(|place| if place == 65 { "llama".to_owned() } else { format!("car {place}") }).collect();
    for (model, requests) in [("tei", 3), ("small", 35)] {
        setup.emulator.clear_received();
        let request = json!({"model": model, "query": "llama", "documents": documents});
        let answer = setup.post("/rerank", &request).await;
        let answer = answer.json();
        let order = order(&answer);
        assert_eq!((order[0], order.len()), (65, 70), "{answer}");
        let scores: Vec<_> =
            answer["results"].as_array().unwrap().iter().map(|result| result["relevance_score"].as_f64()).collect();
        assert_eq!((scores[0], scores[1]), (Some(1.0), Some(0.0)));
        assert_eq!(setup.emulator.received().len(), requests);
    }
}

#[tokio::test]
async fn what_cannot_be_ranked_is_a_400_that_names_it() {
    let setup = setup().await;
    for (model, change, param) in [
        ("tei", json!({"documents": []}), "documents"),
        ("tei", json!({"documents": ["a", {"title": "b"}]}), "documents"),
        ("tei", json!({"max_tokens_per_doc": 10}), "max_tokens_per_doc"),
        ("vllm", json!({"top_n": 0}), "top_n"),
        ("cohere", json!({"aws_region_name": "eu-west-1"}), "aws_region_name"),
        ("cohere", json!({"documents": vec!["a"; 2049]}), "documents"),
    ] {
        let mut request = body(model);
        request.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = setup.post("/v2/rerank", &request).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"]["param"].as_str()),
            (400, Some(param)),
            "{}",
            answer.text()
        );
    }
    assert_eq!(setup.emulator.received().len(), 0);
    setup.emulator.enqueue(
        "tei",
        Scripted::error(AwsError::model_error(429, r#"{"error":"Model is overloaded","error_type":"Overloaded"}"#)),
    );
    setup.emulator.enqueue(
        "tei",
        Scripted::error(AwsError::model_error(429, r#"{"error":"Model is overloaded","error_type":"Overloaded"}"#)),
    );
    assert_eq!(setup.post("/v2/rerank", &body("tei")).await.status, 200, "it is asked again");
}

#[tokio::test]
async fn a_model_of_another_kind_is_a_400_that_names_its_route() {
    let setup = setup().await;
    let chat = json!({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 5});
    let embed = json!({"input": "hi"});
    for (path, model, mut request, route) in [
        ("/v1/chat/completions", "embedder", chat.clone(), "/v1/embeddings"),
        ("/v1/chat/completions", "tei", chat.clone(), "/v1/rerank"),
        ("/v1/messages", "embedder", chat, "/v1/embeddings"),
        ("/v1/completions", "vllm", json!({"prompt": "hi"}), "/v1/rerank"),
        ("/v1/embeddings", "tei", embed.clone(), "/v1/rerank"),
        ("/v1/embeddings", "talker", embed, "/v1/chat/completions"),
        ("/v2/rerank", "talker", body("talker"), "/v1/chat/completions"),
        ("/v1/rerank", "embedder", body("embedder"), "/v1/embeddings"),
    ] {
        request["model"] = json!(model);
        let answer = setup.post(path, &request).await;
        assert_eq!(answer.status, 400, "{path} {model} {}", answer.text());
        assert!(answer.text().contains(&format!("send the request to `{route}`")), "{}", answer.text());
    }
    assert_eq!(setup.emulator.received().len(), 0, "AWS is not asked");
}

#[tokio::test]
async fn a_model_with_two_dialects_is_asked_for_both() {
    let setup = setup().await;
    assert_eq!(setup.post("/v1/rerank", &body("both")).await.status, 200);
    setup.post("/v1/embeddings", &json!({"model": "both", "input": "hi"})).await;
    assert_eq!(setup.emulator.received().len(), 2, "AWS is asked for vectors, too");
}
