//! vLLM's own routes for models that read, passed on.

use sagewire_emulator::{Emulator, Pooling, Tgi};
use serde_json::{Value, json};

use crate::setup::Setup;

const CONFIG: &str = "
model_list:
  - {model_name: vllm, litellm_params: {model: sagemaker/pooling, dialect: vllm, hf_model_name: served}}
  - {model_name: reranker, litellm_params: {model: sagemaker/pooling, rerank_dialect: vllm}}
  - {model_name: listed, litellm_params: {model: sagemaker/pooling, native_routes: [/tokenize]}}
  - {model_name: plain, litellm_params: {model: sagemaker/tgi}}
  - {model_name: wrong, litellm_params: {model: sagemaker/tgi, dialect: vllm}}
";

async fn setup() -> Setup {
    let emulator = Emulator::builder().endpoint("pooling", Pooling).endpoint("tgi", Tgi::new()).start().await.unwrap();
    Setup::on(emulator, CONFIG).await
}

fn requests() -> [(&'static str, &'static str, Value, &'static str); 5] {
    [
        ("/score", "/v1/score", json!({"text_1": "a llama", "text_2": ["a car", "a llama"]}), "/data/1/score"),
        ("/classify", "/classify", json!({"input": ["short", "a long text"]}), "/data/1/label"),
        ("/pooling", "/pooling", json!({"input": "a llama"}), "/data/0/data/0/0"),
        ("/tokenize", "/tokenize", json!({"prompt": "ñ"}), "/tokens/0"),
        ("/detokenize", "/detokenize", json!({"tokens": [241]}), "/prompt"),
    ]
}

#[tokio::test]
async fn a_request_goes_to_the_containers_route_with_its_name_of_the_model() {
    let setup = setup().await;
    for (path, route, mut request, shows) in requests() {
        for path in [path.to_owned(), format!("/v1{path}")] {
            for model in ["vllm", "reranker"] {
                setup.emulator.clear_received();
                request["model"] = json!(model);
                request["odd"] = json!([1.0, null]);
                let answer = setup.post(&path, &request).await;
                assert_eq!(answer.status, 200, "{path} {}", answer.text());
                assert!(answer.json().pointer(shows).is_some(), "{}", answer.text());
                assert!(answer.json().get("model").is_none_or(|name| name == model), "{}", answer.text());
                let received = setup.emulator.received();
                let attributes = received[0].header("x-amzn-sagemaker-custom-attributes");
                assert_eq!(attributes, Some(&*format!("route={route}")));
                let sent = received[0].json().unwrap();
                assert_eq!(
                    (&sent["model"], &sent["odd"]),
                    (&json!(if model == "vllm" { "served" } else { "" }), &json!([1.0, null]))
                );
            }
        }
    }
}

#[tokio::test]
async fn a_model_without_the_route_is_a_400_before_aws_is_asked() {
    let setup = setup().await;
    for (path, route, mut request, _) in requests() {
        for model in ["plain", "listed"] {
            request["model"] = json!(model);
            let answer = setup.post(path, &request).await;
            let is_listed = model == "listed" && route == "/tokenize";
            assert_eq!(answer.status, if is_listed { 200 } else { 400 }, "{path} {}", answer.text());
            assert!(is_listed || answer.text().contains("native_routes"), "{}", answer.text());
        }
    }
    assert_eq!(setup.emulator.received().len(), 1);
}

#[tokio::test]
async fn a_container_that_does_not_have_the_route_after_all_is_a_400_that_says_so() {
    let setup = setup().await;
    let request = json!({"model": "wrong", "prompt": "a"});
    for _ in 0..2 {
        let answer = setup.post("/tokenize", &request).await;
        assert!(
            answer.status == 400 && answer.text().contains("the model `wrong` has no route `/tokenize`"),
            "{}",
            answer.text()
        );
    }
    assert_eq!(setup.emulator.received().len(), 1, "it is asked once");
}

#[tokio::test]
async fn operators_parameters_are_refused_and_many_tokens_are_taken() {
    let setup = setup().await;
    let answer = setup.post("/tokenize", &json!({"model": "vllm", "prompt": "a", "aws_region_name": "x"})).await;
    assert_eq!(answer.json()["error"]["param"], "aws_region_name");
    let tokens = vec![100; 20_000];
    let answer = setup.post("/detokenize", &json!({"model": "vllm", "tokens": tokens})).await;
    assert_eq!((answer.status.as_u16(), answer.json()["prompt"].as_str().unwrap().len()), (200, 20_000));
}
