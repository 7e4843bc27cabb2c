//! `sagewire init`: accounts of the emulator become configurations that work.

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Stdio},
};

use sagewire_emulator::{Account, Chaos, Emulator, EmulatorBuilder, Fault, ObjectStore, Operation, Rerank};
use serde_json::{Value, json};

use crate::{http, objects, process::Home};

const DLC: &str = "763104351884.dkr.ecr.us-east-1.amazonaws.com";

/// An endpoint with the model of its own name.
fn add(account: &mut Value, name: &str, container: Value, status: &str) {
    let mut push = |list: &str, item: Value| account[list].as_array_mut().unwrap().push(item);
    push(
        "endpoints",
        json!({
            "EndpointName": name, "EndpointConfigName": name, "EndpointStatus": status,
            "ProductionVariants": [{"VariantName": "v", "CurrentInstanceCount": 1}],
        }),
    );
    let variant = json!({"VariantName": "v", "ModelName": name, "InstanceType": "ml.g5.xlarge"});
    push("endpoint_configs", json!({"EndpointConfigName": name, "ProductionVariants": [variant]}));
    push("models", json!({"ModelName": name, "PrimaryContainer": container}));
}

/// The latest item of a list.
fn last<'a>(account: &'a mut Value, list: &str) -> &'a mut Value {
    account[list].as_array_mut().unwrap().last_mut().unwrap()
}

/// Three hundred endpoints: of every kind that can be called, and some that cannot.
fn account() -> Value {
    let mut account = json!({"endpoints": [], "endpoint_configs": [], "models": [], "inference_components": [], "denied": ["DescribeModelPackage"]});
    let container =
        |image: &str, model: &str| json!({"Image": format!("{DLC}/{image}"), "Environment": {"HF_MODEL_ID": model}});
    let vllm = || container("vllm:server-2.6", "Qwen/Qwen3-8B");
    for number in 0..289 {
        add(&mut account, &format!("vllm-{number:03}"), vllm(), "InService");
    }
    let tgi = container("huggingface-pytorch-tgi-inference:2.1.1-tgi2.0.0-gpu", "mistralai/Mistral-7B-Instruct-v0.2");
    add(&mut account, "tgi-prod", tgi, "InService");
    add(&mut account, "tei-prod", container("tei:2.0.1-tei1.8.2-gpu", "BAAI/bge-m3"), "InService");
    add(&mut account, "rerank-prod", container("tei:2.0.1-tei1.8.2-gpu", "BAAI/bge-reranker-v2-m3"), "InService");
    add(&mut account, "whisper-prod", container("whisperx:3.8.6-gpu", "large-v3"), "InService");
    add(&mut account, "serverless-prod", vllm(), "InService");
    let serverless = json!({"MemorySizeInMB": 4096, "MaxConcurrency": 5});
    last(&mut account, "endpoint_configs")["ProductionVariants"] =
        json!([{"VariantName": "v", "ModelName": "serverless-prod", "ServerlessConfig": serverless}]);
    add(&mut account, "queue-prod", vllm(), "InService");
    let queue = json!({"OutputConfig": {"S3OutputPath": "s3://answers/async"}});
    last(&mut account, "endpoint_configs")["AsyncInferenceConfig"] = queue.clone();
    last(&mut account, "endpoints")["AsyncInferenceConfig"] = queue;
    add(&mut account, "asleep-prod", vllm(), "InService");
    last(&mut account, "endpoints")["ProductionVariants"][0]["CurrentInstanceCount"] = json!(0);
    add(&mut account, "broken", vllm(), "Failed");
    add(&mut account, "pictures", container("stabilityai-pytorch-inference:2.0", "x/y"), "InService");
    let package = "arn:aws:sagemaker:us-east-1:1:model-package/acme";
    add(&mut account, "bought", json!({"ModelPackageName": package}), "InService");
    let mut component = |name: &str, specification: Value| {
        account["inference_components"].as_array_mut().unwrap().push(json!({
            "InferenceComponentName": name, "EndpointName": "shared", "VariantName": "v", "Specification": specification,
            "RuntimeConfig": {"CurrentCopyCount": 1, "DesiredCopyCount": 1},
        }));
    };
    let image = format!("{DLC}/vllm:server-2.6");
    component("qwen-component", json!({"Container": {"DeployedImage": {"SpecifiedImage": image}}}));
    component("qwen-adapter", json!({"BaseInferenceComponentName": "qwen-component"}));
    let shared = json!({"EndpointName": "shared", "EndpointConfigName": "shared"});
    account["endpoints"].as_array_mut().unwrap().push(shared);
    account["endpoint_configs"].as_array_mut().unwrap().push(json!({
        "EndpointConfigName": "shared", "ProductionVariants": [{"VariantName": "v", "InstanceType": "ml.g6.xlarge"}]
    }));
    assert_eq!(account["endpoints"].as_array().unwrap().len(), 300);
    account
}

/// `sagewire serve` with a file, which ends when this is dropped.
struct Serving {
    child: Child,
    address: String,
    /// What it prints is not read any further, but has a place to go.
    _printed: BufReader<ChildStdout>,
}

impl Serving {
    fn start(home: &Home, config: &str) -> Self {
        let mut command = home.command(&["serve", "--config", config, "--port", "0"]);
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let mut printed = BufReader::new(child.stdout.take().unwrap());
        let mut url = String::new();
        printed.read_line(&mut url).unwrap();
        let address = url.trim().strip_prefix("http://").unwrap().to_owned();
        Self { child, address, _printed: printed }
    }

    fn post(&self, path: &str, body: &Value) -> String {
        self.send(path, "application/json", &body.to_string())
    }

    fn send(&self, path: &str, content_type: &str, body: &str) -> String {
        http::post(&self.address, path, &[("content-type", content_type)], body)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn start(account: &Value) -> Emulator {
    start_with(account, |builder| builder).await
}

async fn start_with(account: &Value, change: impl FnOnce(EmulatorBuilder) -> EmulatorBuilder) -> Emulator {
    let account = Account::from_json(&account.to_string()).unwrap();
    change(Emulator::builder().no_default_endpoints().account(account)).start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_account_becomes_a_file_that_serves_a_call_of_each_kind() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = start_with(&account(), |builder| {
        let objects = ObjectStore::folder(folder.path());
        builder.endpoint("rerank-prod", Rerank).object_store(objects).async_output("s3://answers/async")
    })
    .await;
    // One description in a hundred is throttled.
    let described = [Operation::ListEndpoints, Operation::DescribeEndpoint, Operation::DescribeModel];
    let throttled = Fault::Error(sagewire_emulator::AwsError::throttling());
    emulator.set_chaos(Some(Chaos::seeded(3).rate(0.01).faults([throttled]).operations(described)));
    let home = Home::of(&emulator).with("AWS_ENDPOINT_URL_S3", &objects::serve(folder.path().to_owned()).await);
    let config = home.path().join("config.yaml");
    let path = config.to_str().unwrap();
    let printed = home.run(&["init", "--output", path]);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert!(printed.out.contains("298 models, 3 left out"), "{}", printed.out);
    let line = |name: &str| printed.out.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    for (name, parts) in [
        ("tei-prod", ["embeddings (tei)", "1 x ml.g5.xlarge", "sure"]),
        ("rerank-prod", ["rerank (tei)", "BAAI/bge-reranker-v2-m3", "likely"]),
        ("whisper-prod", ["transcription (whisperx)", "WhisperX", "sure"]),
        ("serverless-prod", ["chat (messages)", "serverless, 4096 MiB", "sure"]),
        ("queue-prod", ["chat (messages)", "asynchronous", "sure"]),
        ("asleep-prod", ["0 x ml.g5.xlarge", "asleep", "sure"]),
        ("qwen-adapter", ["chat (messages)", "1 copies on ml.g6.xlarge", "sure"]),
        ("broken", ["left out", "its status is", "Failed"]),
        ("pictures", ["image generation", "left out", "not known"]),
        ("bought", ["unknown", "left out", "not known"]),
    ] {
        assert!(parts.iter().all(|part| line(name).contains(part)), "{}", line(name));
    }
    assert!(emulator.calls(Operation::ListEndpoints) >= 3);

    let checked = home.run(&["check", "--no-env", "--config", path]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let text = std::fs::read_to_string(&config).unwrap();
    for part in [
        "# - `HF_MODEL_ID` names the model BAAI/bge-m3",
        "# Left out: how to call it is not known.",
        "rerank_dialect: tei\n      hf_model_name: BAAI/bge-reranker-v2-m3\n    model_info:\n      mode: rerank\n",
        "transcription_dialect: whisperx\n",
        "mode: audio_transcription\n",
        "async_inference: true\n",
        "wait_for_capacity: 600\n",
        "AWS does not permit `DescribeModelPackage`",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }

    let serving = Serving::start(&home, path);
    let chats = "vllm-000 vllm-288 tgi-prod qwen-component qwen-adapter serverless-prod asleep-prod queue-prod";
    for model in chats.split(' ') {
        for stream in [false, true] {
            let question = [json!({"role": "user", "content": "What is a llama?"})];
            let body = json!({"model": model, "stream": stream, "messages": question});
            let answer = serving.post("/v1/chat/completions", &body);
            assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"content\":"), "{model}: {answer}");
        }
    }
    let answer = serving.post("/v1/completions", &json!({"model": "tgi-prod", "prompt": "Once"}));
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"text\":"), "{answer}");
    let answer = serving.post("/v1/embeddings", &json!({"model": "tei-prod", "input": "a string"}));
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"embedding\":"), "{answer}");
    let ranked = json!({"model": "rerank-prod", "query": "a big llama", "documents": ["a car", "a big llama"]});
    let answer = serving.post("/v1/rerank", &ranked);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"relevance_score\":"), "{answer}");
    let part =
        |head: &str, content: &str| format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n");
    let form = [part("name=\"model\"", "whisper-prod"), part("name=\"file\"; filename=\"a.wav\"", "RIFF")].concat();
    let answer =
        serving.send("/v1/audio/transcriptions", "multipart/form-data; boundary=b", &format!("{form}--b--\r\n"));
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"text\":"), "{answer}");

    let received = emulator.received();
    let of =
        |endpoint: &'static str| received.iter().filter(move |request| request.endpoint.as_deref() == Some(endpoint));
    let components: Vec<_> =
        of("shared").map(|request| request.header("x-amzn-sagemaker-inference-component")).collect();
    assert_eq!(components, ["qwen-component", "qwen-component", "qwen-adapter", "qwen-adapter"].map(Some));
    assert!(of("queue-prod").all(|request| request.operation == Operation::InvokeEndpointAsync));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_is_sent_after_a_yes_and_writes_down_what_came_of_it() {
    let emulator = start(&account()).await;
    let home = Home::of(&emulator);
    let arguments = ["init", "--endpoint", "tgi-prod", "--endpoint", "tei-prod", "--output", "-", "--probe"];
    let refused = home.run(&arguments);
    assert!(refused.code == Some(2) && refused.err.contains("--yes"), "{refused:?}");
    assert_eq!(emulator.calls(Operation::InvokeEndpoint), 0);
    let printed = home.run(&[&arguments[..], &["--yes"]].concat());
    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert_eq!(printed.out.matches("asked by `--probe`: it answered").count(), 2, "{}", printed.out);
    assert_eq!(emulator.calls(Operation::InvokeEndpoint), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_not_replaced_and_refusals_say_what_to_do() {
    let mut denied = account();
    denied["denied"] = json!(["ListEndpoints"]);
    let emulator = start(&denied).await;
    let home = Home::of(&emulator);
    let path = home.file("config.yaml", "mine: 1\n");
    let path = path.to_str().unwrap();
    let printed = home.run(&["init", "--output", path]);
    assert!(printed.code == Some(2) && printed.err.contains("--force"), "{printed:?}");
    assert_eq!(std::fs::read_to_string(path).unwrap(), "mine: 1\n");
    assert_eq!(emulator.calls(Operation::ListEndpoints), 0);
    let printed = home.run(&["init", "--output", path, "--force"]);
    assert!(printed.code == Some(1) && printed.err.contains("sagemaker:ListEndpoints"), "{printed:?}");
    assert!(printed.err.contains("docs/account.md"), "{printed:?}");

    let empty = start(&json!({})).await;
    let printed = Home::of(&empty).run(&["init", "--output", "-"]);
    assert!(printed.code == Some(1) && printed.err.contains("no endpoint was found"), "{printed:?}");
}
