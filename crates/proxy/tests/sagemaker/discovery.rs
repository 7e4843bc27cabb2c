//! Endpoints of the account that are served without being listed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use sagewire::credentials::seam::{HttpFn, MapEnv, RequestOptions, World};
use sagewire_emulator::{Account, Emulator, Operation};
use sagewire_proxy::{Config, Discoverer, Reloader, Server, ServerOptions, Wiring};
use serde_json::{Value, json};

use crate::setup::Setup;

const VLLM: &str = "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:server-2.6";

/// An account whose endpoints are vLLM's.
fn account(names: &[&str]) -> Value {
    let list = |item: &dyn Fn(&str) -> Value| names.iter().map(|name| item(name)).collect::<Vec<_>>();
    json!({
        "endpoints": list(&|name| json!({"EndpointName": name, "EndpointConfigName": name})),
        "endpoint_configs": list(&|name| json!({
            "EndpointConfigName": name,
            "ProductionVariants": [{"VariantName": "v", "ModelName": name, "InstanceType": "ml.g5.2xlarge"}],
        })),
        "models": list(&|name| json!({
            "ModelName": name, "PrimaryContainer": {"Image": VLLM, "Environment": {"SM_VLLM_MODEL": "Qwen/Qwen3-8B"}},
        })),
    })
}

fn set(emulator: &Emulator, account: &Value) {
    emulator.set_account(Account::from_json(&account.to_string()).unwrap());
}

async fn start(names: &[&str], yaml: &str) -> (Setup, Discoverer) {
    // Its containers are there from the start; the account tells which of them are.
    let all = Account::from_json(&account(&["a", "prod-a", "prod-b", "prod-c", "test-a"]).to_string()).unwrap();
    let emulator = Emulator::builder().no_default_endpoints().account(all).start().await.unwrap();
    set(&emulator, &account(names));
    let setup = Setup::on(emulator, yaml).await;
    let mut discoverer = Discoverer::new(Arc::clone(&setup.wiring), setup.handle.clone());
    discoverer.start().await;
    (setup, discoverer)
}

fn call(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hi"}]})
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn endpoints_come_and_go_without_a_reload() {
    let yaml = "sagewire_settings: {discover: {name_contains: prod}}";
    let (setup, discoverer) = start(&["prod-a", "test-a"], yaml).await;
    let models = setup.get("/v1/models").await.json();
    assert_eq!(ids(&models), ["prod-a"]);
    let info = &models["data"][0]["model_info"];
    assert_eq!(
        *info,
        json!({
            "mode": "chat", "region": "us-east-1", "container": "vLLM", "base_model": "Qwen/Qwen3-8B",
            "hosting": "? x ml.g5.2xlarge", "asleep": false, "certainty": "sure",
        })
    );
    let details = setup.get("/model/info").await.json();
    assert!(details["data"][0]["model_info"]["reasons"][0].as_str().unwrap().contains("vLLM"), "{details}");
    assert_eq!(setup.post("/chat/completions", &call("prod-a")).await.status, 200);
    assert_eq!(setup.post("/chat/completions", &call("test-a")).await.status, 404);

    set(&setup.emulator, &account(&["prod-b", "test-a", "prod-c"]));
    assert_eq!(setup.post("/chat/completions", &call("prod-b")).await.status, 404, "it was not looked yet");
    discoverer.look().await;
    assert_eq!(ids(&setup.get("/v1/models").await.json()), ["prod-b", "prod-c"]);
    assert_eq!(setup.post("/chat/completions", &call("prod-b")).await.status, 200);
    assert_eq!(setup.post("/chat/completions", &call("prod-a")).await.status, 404);

    // What has not changed is not described again.
    let described = setup.emulator.calls(Operation::DescribeEndpoint);
    discoverer.look().await;
    assert_eq!(setup.emulator.calls(Operation::DescribeEndpoint), described);
    let page = setup.get("/metrics").await;
    for line in
        [r#"sagewire_discovery_total{region="us-east-1",result="read"} 3"#, "sagewire_discovered_deployments 2.0"]
    {
        assert!(page.text().contains(line), "{}", page.text());
    }
}

#[tokio::test]
async fn a_failure_keeps_what_is_served() {
    let (setup, discoverer) = start(&["a"], "sagewire_settings: {discover: {name_contains: ''}}").await;
    let mut denied = account(&["b"]);
    denied["denied"] = json!(["ListEndpoints"]);
    set(&setup.emulator, &denied);
    discoverer.look().await;
    assert_eq!(ids(&setup.get("/v1/models").await.json()), ["a"]);
    assert!(setup.get("/metrics").await.text().contains(r#"result="failed"} 1"#));
}

#[tokio::test]
async fn a_start_without_the_account_serves_the_file_and_finds_the_rest_later() {
    let emulator = Emulator::start().await.unwrap();
    let mut denied = account(&["a"]);
    denied["denied"] = json!(["ListEndpoints"]);
    set(&emulator, &denied);
    let yaml = "
model_list: [{model_name: own, litellm_params: {model: sagemaker_chat/a}}]
sagewire_settings: {discover: {name_contains: ''}}";
    let setup = Setup::on(emulator, yaml).await;
    let mut discoverer = Discoverer::new(Arc::clone(&setup.wiring), setup.handle.clone());
    discoverer.start().await;
    assert_eq!(ids(&setup.get("/v1/models").await.json()), ["own"]);
    set(&setup.emulator, &account(&["a", "own"]));
    discoverer.look().await;
    let models = setup.get("/v1/models").await.json();
    assert_eq!(ids(&models), ["own", "a"], "the file's own name stays the file's");
    assert_eq!(models["data"][0]["model_info"], Value::Null);
}

#[tokio::test]
async fn what_is_found_is_open_to_keys_that_list_it_and_to_others_only_if_the_operator_says_so() {
    let yaml = |open: bool| {
        format!(
            "
general_settings: {{master_key: sk-master}}
sagewire_settings:
  keys: [{{name: without, key: sk-without}}, {{name: listing, key: sk-listing, models: [a]}}, {{name: other, key: sk-other, models: [b]}}]
  discover: {{name_contains: '', open_to_all_keys: {open}}}"
        )
    };
    for (open, key, status) in [
        (false, "sk-master", 200),
        (false, "sk-listing", 200),
        (false, "sk-without", 404),
        (false, "sk-other", 404),
        (true, "sk-without", 200),
        (true, "sk-other", 404),
    ] {
        let (setup, _) = start(&["a"], &yaml(open)).await;
        let headers = [("x-api-key", key), ("content-type", "application/json")];
        let answer = setup.send(http::Method::POST, "/chat/completions", &headers, &call("a").to_string()).await;
        assert_eq!(answer.status, status, "{open} {key}");
        let listed = setup.send(http::Method::GET, "/v1/models", &headers, "").await.json();
        assert_eq!(ids(&listed).contains(&"a"), status == 200, "{open} {key}");
    }
}

#[tokio::test]
async fn another_filter_takes_effect_with_the_reload() {
    let yaml = "sagewire_settings: {discover: {name_contains: prod}}";
    let (setup, _) = start(&["prod-a", "test-a"], yaml).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    let reloader = Reloader::new(&path, setup.world.clone(), Arc::clone(&setup.wiring), setup.handle.clone());
    for (yaml, expected) in [
        (yaml.replace("prod", "test"), "test-a"),
        (yaml.replace("prod}", "test, interval: 60}"), "test-a"),
        ("model_list: [{model_name: own, litellm_params: {model: sagemaker/e}}]".to_owned(), "own"),
        (yaml.to_owned(), "prod-a"),
    ] {
        std::fs::write(&path, &yaml).unwrap();
        reloader.reload().await.unwrap();
        assert_eq!(ids(&setup.get("/v1/models").await.json()), [expected], "{yaml}");
    }
}

/// With a clock and a transport of the test: lists are asked for at every interval, descriptions
/// once.
#[tokio::test(start_paused = true)]
async fn only_lists_are_polled() {
    let calls: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let counted = Arc::clone(&calls);
    let http = HttpFn::new(move |request: http::Request<Bytes>, _: &RequestOptions| {
        let operation = request.headers()["x-amz-target"].to_str().unwrap().replace("SageMaker.", "");
        let answer = match operation.as_str() {
            "ListEndpoints" => json!({"Endpoints": [{"EndpointName": "a", "EndpointStatus": "InService"}]}),
            "DescribeEndpoint" => json!({"EndpointName": "a", "EndpointConfigName": "c"}),
            "DescribeEndpointConfig" => json!({"ProductionVariants": [{"VariantName": "v", "ModelName": "m"}]}),
            _ => json!({"PrimaryContainer": {"Image": VLLM}}),
        };
        *counted.lock().unwrap().entry(operation).or_default() += 1;
        Ok(http::Response::new(answer.to_string().into()))
    });
    let env =
        MapEnv::from([("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "key"), ("AWS_REGION", "us-east-1")]);
    let world = World::builder().with_env(env).with_http(http).build();
    let yaml = "sagewire_settings: {discover: {name_contains: '', interval: 100}}";
    let config = Config::from_yaml(yaml, &|_| None).unwrap().0;
    let wiring = Arc::new(Wiring::new(world));
    let app = wiring.app(&config, None).unwrap();
    let server = Server::bind(([127, 0, 0, 1], 0).into(), app, ServerOptions::default()).await.unwrap();
    let handle = server.handle();
    let running = Discoverer::new(wiring, handle.clone()).run();
    assert!(tokio::time::timeout(Duration::from_secs(350), running).await.is_err());
    let expected = [("DescribeEndpoint", 1), ("DescribeEndpointConfig", 1), ("DescribeModel", 1), ("ListEndpoints", 4)];
    assert_eq!(*calls.lock().unwrap(), expected.map(|(name, count)| (name.to_owned(), count)).into());
    assert_eq!(handle.app().found_models().collect::<Vec<_>>(), ["a"]);
}
