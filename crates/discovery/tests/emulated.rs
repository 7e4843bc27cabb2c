//! Accounts of the emulator, read over HTTP.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use sagewire_credentials::{
    Credentials, Region, SharedConfig, StaticCredentials,
    seam::{MapEnv, SystemHttp, World},
};
use sagewire_discovery::{Account, Certainty, ControlPlane, EndpointFacts, Filter, Serves, read};
use sagewire_emulator::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Emulator, Operation};
use serde_json::{Value, json};

async fn account(emulator: &Emulator, region: &str) -> Account {
    let world = World::builder().with_http(SystemHttp::new(MapEnv::new())).build();
    let config = SharedConfig::load(&world, None).await;
    let keys = Credentials::new(EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY);
    let credentials = Arc::new(StaticCredentials::new(keys));
    let region = Region::new(region).unwrap();
    Account::new(ControlPlane::new(&config, region, Some(&emulator.url()), credentials).unwrap())
}

async fn endpoints(account: &Account, filter: &Filter) -> Vec<Arc<EndpointFacts>> {
    account.endpoints(filter, &|_, _| {}).await.unwrap()
}

fn names(facts: &[Arc<EndpointFacts>]) -> Vec<&str> {
    facts.iter().map(|facts| facts.endpoint.endpoint_name.as_str()).collect()
}

async fn start(account: &Value) -> Emulator {
    let account = sagewire_emulator::Account::from_json(&account.to_string()).unwrap();
    Emulator::builder().no_default_endpoints().account(account).start().await.unwrap()
}

const VLLM: &str = "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:server-2.6";

/// So many endpoints, each with a model of its own.
fn many(count: usize) -> Value {
    let list = |item: &dyn Fn(String) -> Value| (0..count).map(|n| item(format!("ep-{n:03}"))).collect::<Vec<_>>();
    json!({
        "endpoints": list(&|name| json!({"EndpointName": name, "EndpointConfigName": name})),
        "endpoint_configs": list(&|name| json!({
            "EndpointConfigName": name, "ProductionVariants": [{"VariantName": "v", "ModelName": name}]
        })),
        "models": list(&|name| json!({
            "ModelName": name, "PrimaryContainer": {"Image": VLLM, "Environment": {"SM_VLLM_MODEL": "Qwen/Qwen3-8B"}}
        })),
    })
}

#[tokio::test]
async fn a_large_account_is_read_once_and_then_only_listed() {
    let emulator = start(&many(230)).await;
    let account = account(&emulator, "us-east-1").await;
    let last = AtomicUsize::new(0);
    let facts = account
        .endpoints(&Filter::default(), &|done, total| {
            assert_eq!(total, 230);
            last.store(done, Ordering::Relaxed);
        })
        .await
        .unwrap();
    assert_eq!((facts.len(), last.load(Ordering::Relaxed)), (230, 230));
    assert!(names(&facts).is_sorted());
    assert_eq!((emulator.calls(Operation::ListEndpoints), emulator.calls(Operation::DescribeModel)), (3, 230));

    let again = endpoints(&account, &Filter::default()).await;
    assert_eq!(names(&again), names(&facts));
    assert_eq!((emulator.calls(Operation::ListEndpoints), emulator.calls(Operation::DescribeModel)), (6, 230));

    // What has changed is read anew, and what is gone is no longer there.
    let mut changed = many(230);
    changed["endpoints"].as_array_mut().unwrap().remove(7);
    changed["endpoints"][0]["LastModifiedTime"] = json!(1_800_000_000);
    emulator.set_account(sagewire_emulator::Account::from_json(&changed.to_string()).unwrap());
    let after = endpoints(&account, &Filter::default()).await;
    assert_eq!((after.len(), names(&after).contains(&"ep-007")), (229, false));
    let described = [Operation::DescribeEndpoint, Operation::DescribeEndpointConfig, Operation::DescribeModel];
    assert_eq!(described.map(|operation| emulator.calls(operation)), [231, 230, 230], "configurations never change");
}

#[tokio::test]
async fn the_built_in_endpoints_describe_themselves() {
    let emulator = Emulator::start().await.unwrap();
    let facts = endpoints(&account(&emulator, "us-east-1").await, &Filter::default()).await;
    let found: Vec<_> = facts.iter().flat_map(|facts| read(facts)).collect();
    assert!(found.iter().all(|found| found.obstacle.is_none()), "{found:#?}");
    let found: Vec<_> = found.into_iter().map(|found| (found.name(), found.serves)).collect();
    let expected = [
        ("embedding", Serves::Embeddings("tei")),
        ("messages", Serves::Chat("messages")),
        ("tgi", Serves::Chat("tgi")),
    ];
    assert_eq!(found, expected.map(|(name, serves)| (name.to_owned(), serves)));
}

#[tokio::test]
async fn names_and_tags_filter_and_regions_are_apart() {
    let mut state = many(4);
    state["endpoints"][1]["Tags"] = json!([{"Key": "team", "Value": "search"}]);
    state["endpoints"][2]["EndpointArn"] = json!("arn:aws:sagemaker:eu-west-1:123456789012:endpoint/ep-002");
    let emulator = start(&state).await;
    let here = account(&emulator, "us-east-1").await;
    assert_eq!(names(&endpoints(&here, &Filter::default()).await), ["ep-000", "ep-001", "ep-003"]);
    assert_eq!(names(&endpoints(&here, &Filter::default().with_name_contains("03")).await), ["ep-003"]);
    assert_eq!(names(&endpoints(&here, &Filter::default().with_name("ep-000")).await), ["ep-000"]);
    let there = account(&emulator, "eu-west-1").await;
    assert_eq!(names(&endpoints(&there, &Filter::default()).await), ["ep-000", "ep-001", "ep-002", "ep-003"]);
    for (tag, expected) in [("team", 1), ("team=search", 1), ("team=other", 0), ("owner", 0)] {
        let account = account(&emulator, "us-east-1").await;
        assert_eq!(endpoints(&account, &Filter::default().with_tag(tag)).await.len(), expected, "{tag}");
        // What was left out, or read, for one filter is judged anew for another.
        assert_eq!(endpoints(&account, &Filter::default()).await.len(), 3, "{tag}");
        assert_eq!(endpoints(&account, &Filter::default().with_tag(tag)).await.len(), expected, "{tag}");
    }
}

#[tokio::test]
async fn what_may_not_be_read_is_said_and_the_rest_is_read() {
    let mut state = many(1);
    state["denied"] = json!(["DescribeModel", "ListInferenceComponents"]);
    state["endpoints"][0]["ProductionVariants"] =
        json!([{"VariantName": "v", "DeployedImages": [{"SpecifiedImage": VLLM}]}]);
    let emulator = start(&state).await;
    let facts = endpoints(&account(&emulator, "us-east-1").await, &Filter::default()).await;
    let deployment = &read(&facts[0])[0];
    assert_eq!((&deployment.serves, deployment.certainty), (&Serves::Chat("messages"), Certainty::Likely));
    let reasons = deployment.reasons.join("\n");
    assert!(
        reasons.contains("the model `ep-000` could not be read") && reasons.contains("sagemaker:DescribeModel"),
        "{reasons}"
    );

    state["denied"] = json!(["ListEndpoints"]);
    emulator.set_account(sagewire_emulator::Account::from_json(&state.to_string()).unwrap());
    let error = account(&emulator, "us-east-1").await.endpoints(&Filter::default(), &|_, _| {}).await.unwrap_err();
    assert_eq!(error.kind(), sagewire_types::ErrorKind::Permission);
}

#[tokio::test]
async fn components_are_found_and_read_anew_when_one_changes() {
    let component = |name: &str, copies: u32| {
        json!({
            "InferenceComponentName": name, "EndpointName": "shared", "VariantName": "v",
            "Specification": {"Container": {"DeployedImage": {"SpecifiedImage": VLLM}}},
            "RuntimeConfig": {"CurrentCopyCount": copies, "DesiredCopyCount": copies},
        })
    };
    let mut state = json!({
        "endpoints": [{"EndpointName": "shared", "EndpointConfigName": "c"}],
        "endpoint_configs": [{"EndpointConfigName": "c", "ProductionVariants": [{"VariantName": "v", "InstanceType": "ml.g6.xlarge"}]}],
        "inference_components": [component("one", 1), component("two", 0)],
    });
    let emulator = start(&state).await;
    let account = account(&emulator, "us-east-1").await;
    let found = read(&endpoints(&account, &Filter::default()).await[0]);
    let asleep: Vec<_> = found.iter().map(|found| (found.name(), found.asleep)).collect();
    assert_eq!(asleep, [("one".to_owned(), false), ("two".to_owned(), true)]);

    state["inference_components"][1] = component("two", 2);
    state["inference_components"][1]["LastModifiedTime"] = json!(1_800_000_000);
    emulator.set_account(sagewire_emulator::Account::from_json(&state.to_string()).unwrap());
    assert!(!read(&endpoints(&account, &Filter::default()).await[0])[1].asleep);
}
