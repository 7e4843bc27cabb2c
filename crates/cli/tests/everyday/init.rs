//! `sagewire init`: accounts of the emulator become configurations that work.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStdout, Stdio},
};

use sagewire_emulator::{Account, Chaos, Emulator, Fault, Operation};
use serde_json::{Value, json};

use crate::process::Home;

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

/// Three hundred endpoints: of every kind that the emulator plays, and some that cannot be called.
fn account() -> Value {
    let mut account = json!({"endpoints": [], "endpoint_configs": [], "models": [], "inference_components": [], "denied": ["DescribeModelPackage"]});
    let container =
        |image: &str, model: &str| json!({"Image": format!("{DLC}/{image}"), "Environment": {"HF_MODEL_ID": model}});
    for number in 0..294 {
        add(&mut account, &format!("vllm-{number:03}"), container("vllm:server-2.6", "Qwen/Qwen3-8B"), "InService");
    }
    let tgi = container("huggingface-pytorch-tgi-inference:2.1.1-tgi2.0.0-gpu", "mistralai/Mistral-7B-Instruct-v0.2");
    add(&mut account, "tgi-prod", tgi, "InService");
    add(&mut account, "tei-prod", container("tei:2.0.1-tei1.8.2-gpu", "BAAI/bge-m3"), "InService");
    add(&mut account, "broken", container("vllm:server-2.6", "Qwen/Qwen3-8B"), "Failed");
    add(&mut account, "pictures", container("stabilityai-pytorch-inference:2.0", "x/y"), "InService");
    let package = "arn:aws:sagemaker:us-east-1:1:model-package/acme";
    add(&mut account, "bought", json!({"ModelPackageName": package}), "InService");
    let component = json!({
        "InferenceComponentName": "qwen-component", "EndpointName": "shared", "VariantName": "v",
        "Specification": {"Container": {"DeployedImage": {"SpecifiedImage": format!("{DLC}/vllm:server-2.6")}}},
        "RuntimeConfig": {"CurrentCopyCount": 1, "DesiredCopyCount": 1},
    });
    account["inference_components"].as_array_mut().unwrap().push(component);
    account["endpoints"]
        .as_array_mut()
        .unwrap()
        .push(json!({"EndpointName": "shared", "EndpointConfigName": "shared"}));
    account["endpoint_configs"].as_array_mut().unwrap().push(json!({
        "EndpointConfigName": "shared", "ProductionVariants": [{"VariantName": "v", "InstanceType": "ml.g6.xlarge"}]
    }));
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
        let body = body.to_string();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn start(account: &Value) -> Emulator {
    let account = Account::from_json(&account.to_string()).unwrap();
    Emulator::builder().no_default_endpoints().account(account).start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_account_becomes_a_file_that_works() {
    let emulator = start(&account()).await;
    // One description in a hundred is throttled.
    let described = [Operation::ListEndpoints, Operation::DescribeEndpoint, Operation::DescribeModel];
    let throttled = Fault::Error(sagewire_emulator::AwsError::throttling());
    emulator.set_chaos(Some(Chaos::seeded(3).rate(0.01).faults([throttled]).operations(described)));
    let home = Home::of(&emulator);
    let config = home.path().join("config.yaml");
    let path = config.to_str().unwrap();
    let printed = home.run(&["init", "--output", path]);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert!(printed.out.contains("297 models, 3 left out"), "{}", printed.out);
    let line = |name: &str| printed.out.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(line("tei-prod").contains("embeddings (tei)") && line("tei-prod").contains("sure"), "{}", line("tei-prod"));
    assert!(line("broken").contains("left out: its status is Failed"), "{}", line("broken"));
    assert!(emulator.calls(Operation::ListEndpoints) >= 3);

    let checked = home.run(&["check", "--no-env", "--config", path]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.contains("# - `HF_MODEL_ID` names the model BAAI/bge-m3"), "{text}");
    assert!(text.contains("# Left out: how to call it is not known."), "{text}");

    let serving = Serving::start(&home, path);
    for model in ["vllm-000", "vllm-293", "tgi-prod", "qwen-component"] {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "What is a llama?"}]});
        let answer = serving.post("/v1/chat/completions", &body);
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"content\":"), "{model}: {answer}");
    }
    let answer = serving.post("/v1/embeddings", &json!({"model": "tei-prod", "input": "a string"}));
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"embedding\":"), "{answer}");
    let component = emulator.received().into_iter().rev().find(|request| request.endpoint.as_deref() == Some("shared"));
    assert_eq!(component.unwrap().headers["x-amzn-sagemaker-inference-component"], "qwen-component");
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
