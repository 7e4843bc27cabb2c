//! A second opinion on requests: those of every door and of the control plane are what botocore's
//! service models describe.
//!
//! `SAGEWIRE_BOTOCORE_PYTHON` names a Python with botocore. Without it, the case is ignored.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{
    collections::BTreeSet,
    io::Write as _,
    path::Path,
    process::{Command, ExitCode, Stdio},
    sync::Arc,
};

use libtest_mimic::{Arguments, Failed};
use sagewire::{
    AsyncInvocation, CallContext, CallerIdentity, IdSource, Provider, Settings,
    credentials::{
        Credentials, Region, SharedConfig, StaticCredentials,
        seam::{MapEnv, SystemHttp, World},
    },
};
use sagewire_discovery::{ControlPlane, Filter};
use sagewire_emulator::{Account, EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Emulator, Operation, Received};
use sagewire_tests::endpoint::{builder_for, question};
use serde_json::{Value, json};

fn main() -> ExitCode {
    let trial = sagewire_test_programs::botocore().trial("requests by botocore's models", |python| check(python));
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

/// The service that has an operation; none has AWS's OpenAI-compatible route.
fn service(operation: Operation) -> Option<&'static str> {
    match operation {
        Operation::InvokeEndpoint | Operation::InvokeEndpointWithResponseStream | Operation::InvokeEndpointAsync => {
            Some("sagemaker-runtime")
        }
        Operation::InvokeInferenceRouter | Operation::InvokeInferenceRouterAsync => {
            Some("sagemaker-inference-router-runtime")
        }
        Operation::InvokeGlobalInferenceGateway | Operation::InvokeGlobalInferenceGatewayWithResponseStream => {
            Some("sagemaker-gateway-runtime")
        }
        Operation::OpenAiChatCompletions => None,
        _ => Some("sagemaker"),
    }
}

fn check(python: &Path) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let received = runtime.block_on(requests());
    let operations: BTreeSet<_> = received.iter().map(|request| request.operation.as_str()).collect();
    assert_eq!(operations.len(), 20, "{operations:?}");
    let requests: Vec<Value> = received.iter().filter_map(shown).collect();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("service_models/validate.py");
    let mut command = Command::new(python);
    command.arg(script).env_clear().env("HOME", "/nonexistent").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut judge = command.spawn()?;
    judge.stdin.take().unwrap().write_all(json!(requests).to_string().as_bytes())?;
    let problems: Vec<Vec<String>> = serde_json::from_slice(&judge.wait_with_output()?.stdout)?;
    assert_eq!(problems.len(), requests.len());
    for (request, problems) in requests.iter().zip(problems) {
        assert!(problems.is_empty(), "{request:#}\n{problems:#?}");
    }
    Ok(())
}

fn shown(request: &Received) -> Option<Value> {
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    Some(json!({
        "service": service(request.operation)?,
        "operation": request.operation.as_str(),
        "path": request.path,
        "headers": headers.collect::<std::collections::BTreeMap<_, _>>(),
        "body": std::str::from_utf8(&request.body).unwrap(),
    }))
}

/// One request of each operation, with whatever can be set.
async fn requests() -> Vec<Received> {
    let destination = json!({"ResourceArn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/messages"});
    let account = json!({
        "endpoints": [{"EndpointName": "shared", "EndpointConfigName": "c"}],
        "endpoint_configs": [{"EndpointConfigName": "c", "ProductionVariants": [{"VariantName": "v"}]}],
        "models": [{"ModelName": "m", "PrimaryContainer": {"ModelPackageName": "p"}}],
        "model_packages": [{"ModelPackageName": "p"}],
        "inference_components": [{"InferenceComponentName": "c", "EndpointName": "shared", "Specification": {"ModelName": "m"}}],
        "inference_routers": [{"InferenceRouterName": "r", "RoutingTargets": [{"Name": "t", "Destinations": [destination]}]}],
        "global_inference_gateways": [{"Id": "k3x9p2m7q1ab", "Name": "g", "Models": {"m": "messages"}}],
    });
    let account = Account::from_json(&account.to_string()).unwrap();
    let emulator = Emulator::builder().account(account).start().await.unwrap();
    invoke(&emulator).await;
    describe(&emulator).await;
    let received = emulator.received();
    assert!(received.iter().all(|request| request.accepted));
    received
}

async fn invoke(emulator: &Emulator) {
    let context = CallContext::new().with(CallerIdentity::new().with_key("team"));
    let sagemaker = |settings: Settings| builder_for(emulator.url()).settings(settings).build().unwrap();
    let ids = || Settings::new().with_prefix_aware_id_from(IdSource::Conversation).with_session_id_from(IdSource::Key);
    let mut all = ids();
    all.headers.custom_attributes = Some("accept_eula=true".to_owned());
    all.headers.inference_id = Some("inference".to_owned());
    all.headers.target_variant = Some("AllTraffic".to_owned());
    let of_router = || {
        let mut settings = Settings::new().with_prefix_aware_id_from(IdSource::Key);
        settings.headers.inference_id = Some("inference".to_owned());
        settings
    };
    let of_gateway = Settings::new().with_customer_identity_token("header.payload.signature");
    for (model, settings) in [
        ("sagemaker_chat/messages", all),
        ("sagemaker_router/r/t", of_router()),
        ("sagemaker_gateway/k3x9p2m7q1ab/m", of_gateway),
        ("sagemaker_openai/messages", ids()),
    ] {
        let provider = sagemaker(settings);
        provider.chat(question(model), &context).await.unwrap();
        drop(provider.chat_stream(question(model), &context).await.unwrap());
    }
    for (model, settings) in [("sagemaker_chat/messages", Settings::new()), ("sagemaker_router/r/t", of_router())] {
        let mut invocation = AsyncInvocation::at(model, "s3://bucket/input.json");
        invocation.accept = Some("application/json".to_owned());
        invocation.filename = Some("out.json".to_owned());
        sagemaker(settings).invoke_async(invocation, &context).await.unwrap();
    }
}

async fn describe(emulator: &Emulator) {
    let world = World::builder().with_http(SystemHttp::new(MapEnv::new())).build();
    let config = SharedConfig::load(&world, None).await;
    let keys = Credentials::new(EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY);
    let region = Region::new("us-east-1").unwrap();
    let credentials = Arc::new(StaticCredentials::new(keys));
    let plane = ControlPlane::new(&config, region, Some(&emulator.url()), credentials).unwrap();
    let account = sagewire_discovery::Account::new(plane.clone());
    let filter = Filter::default().with_name_contains("shared").with_tag("team");
    account.endpoints(&filter, &|_, _| {}).await.unwrap();
    account.endpoints(&Filter::default(), &|_, _| {}).await.unwrap();
    plane.list_inference_routers().await.unwrap();
    plane.describe_inference_router("r").await.unwrap();
    plane.list_global_inference_gateways().await.unwrap();
    plane.describe_global_inference_gateway("k3x9p2m7q1ab").await.unwrap();
}
