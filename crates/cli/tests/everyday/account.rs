//! `sagewire token` and `sagewire iam-policy`, and an account whose owners write hostile descriptions.

use sagewire_emulator::{Account, Emulator};
use serde_json::{Value, json};

use crate::{http, process::Home};

#[tokio::test(flavor = "multi_thread")]
async fn the_token_alone_is_on_standard_output_and_opens_the_route() {
    let emulator = Emulator::start().await.unwrap();
    let home = Home::of(&emulator);
    let address = emulator.url().replace("http://", "");
    for (arguments, region) in [(&[][..], "us-east-1"), (&["--region", "eu-west-1"], "eu-west-1")] {
        let printed = home.run(&[&["token", "--endpoint", "messages", "--ttl", "600"], arguments].concat());
        assert_eq!(printed.code, Some(0), "{printed:?}");
        let token = printed.out.strip_suffix('\n').unwrap();
        assert!(token.starts_with("sagemaker-api-key-") && !token.contains(char::is_whitespace), "{token}");
        assert!(!printed.err.contains("sagemaker-api-key-"), "{}", printed.err);
        assert!(printed.err.contains(&format!("base URL: {}/endpoints/messages/openai/v1\n", emulator.url())));
        assert!(printed.err.contains(&format!("valid in {region} for ")), "{}", printed.err);
        let headers = [("authorization", format!("Bearer {token}")), ("content-type", "application/json".to_owned())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let body = json!({"model": "", "messages": [{"role": "user", "content": "Hi"}]}).to_string();
        let answer = http::post(&address, "/endpoints/messages/openai/v1/chat/completions", &headers, &body);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(emulator.received().pop().unwrap().region.as_deref(), Some(region));
    }
}

#[test]
fn what_no_token_can_be_made_of_is_refused() {
    let home = Home::empty().with("AWS_REGION", "us-east-1");
    for (arguments, says) in [
        (&["--ttl", "0"][..], "--ttl"),
        (&["--ttl", "43201"], "--ttl"),
        (&["--endpoint", "a/../b"], "letters, digits or hyphens"),
        (&["--endpoint", "a", "--inference-component", "b c"], "letters, digits or hyphens"),
        (&["--region", "nowhere at all"], "region"),
    ] {
        let printed = home.run(&[&["token"], arguments].concat());
        assert!(printed.code == Some(2) && printed.out.is_empty() && printed.err.contains(says), "{printed:?}");
    }
    let printed = home.run(&["token"]);
    assert!(
        printed.code == Some(1) && printed.out.is_empty() && printed.err.contains("sagewire doctor"),
        "{printed:?}"
    );
}

/// Endpoints whose owners may write anything into variables, and AWS into reasons.
fn hostile() -> Value {
    let long = "x".repeat(1_000_000);
    let yaml = "\n  - model_name: evil\n    litellm_params: {model: sagemaker/evil}\n";
    let screen = "\u{1b}[2J\u{1b}]0;title\u{7}\u{202e}\u{9b}31m";
    let vllm = "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:server-2.6";
    let toolkit = "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-inference:1";
    let names = [
        ("yaml", vllm, "SM_VLLM_MODEL", yaml.to_owned(), "InService"),
        ("screen", vllm, "SM_VLLM_MODEL", format!("a/{screen}"), "InService"),
        ("served", vllm, "SM_VLLM_SERVED_MODEL_NAME", format!("{screen}{yaml}"), "InService"),
        ("quoted", vllm, "SM_VLLM_SERVED_MODEL_NAME", "#\"':{}[]&*!|>%@`\u{85}\u{2028}".to_owned(), "InService"),
        ("long", vllm, "SM_VLLM_SERVED_MODEL_NAME", long.clone(), "InService"),
        ("task", toolkit, "HF_TASK", format!("{screen}{yaml}{long}"), "InService"),
        ("image", &format!("{vllm}{screen}{yaml}"), "HF_TOKEN", "hf_canary".to_owned(), "InService"),
        ("failed", vllm, "HF_TOKEN", "hf_canary".to_owned(), "Failed"),
    ]
    .map(|(name, image, variable, value, status)| (name, image.to_owned(), variable, value, status));
    let list = |item: &dyn Fn(&(&str, String, &str, String, &str)) -> Value| names.iter().map(item).collect::<Vec<_>>();
    json!({
        "endpoints": list(&|(name, _, _, _, status)| json!({
            "EndpointName": name, "EndpointConfigName": name, "EndpointStatus": status, "FailureReason": format!("{screen}{yaml}{long}"),
            "Tags": [{"Key": "team", "Value": screen}],
        })),
        "endpoint_configs": list(&|(name, ..)| json!({
            "EndpointConfigName": name, "ProductionVariants": [{"VariantName": "v", "ModelName": name, "InstanceType": format!("ml.{screen}")}]
        })),
        "models": list(&|(name, image, variable, value, _)| json!({
            "ModelName": name, "PrimaryContainer": {"Image": image, "Environment": {*variable: value}}
        })),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_descriptions_steer_no_terminal_and_write_nothing_into_the_file() {
    let account = Account::from_json(&hostile().to_string()).unwrap();
    let emulator = Emulator::builder().no_default_endpoints().account(account).start().await.unwrap();
    let home = Home::of(&emulator);
    let config = home.path().join("config.yaml");
    let path = config.to_str().unwrap();
    let written = home.run(&["init", "--tag", "team", "--output", path]);
    assert_eq!(written.code, Some(0), "{written:?}");
    let shown = home.run(&["init", "--output", "-"]);
    let examined = ["yaml", "screen", "served", "long", "task", "image", "failed"]
        .map(|name| home.run(&["doctor", "--no-invoke", "--verbose", &format!("sagemaker_chat/{name}")]));
    for printed in [&written, &shown].into_iter().chain(&examined) {
        for text in [&printed.out, &printed.err] {
            assert!(!text.chars().any(|c| c.is_control() && c != '\n' || c == '\u{202e}'), "{text:?}");
            assert!(!text.contains("canary") && text.len() < 40_000, "{} bytes: {text}", text.len());
        }
    }
    let file = std::fs::read_to_string(&config).unwrap();
    assert!(
        file.len() < 20_000 && !file.lines().any(|line| line.trim_start().starts_with("- model_name: evil")),
        "{file}"
    );
    let checked = home.run(&["check", "--no-env", "--config", path]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let names: Vec<_> = file.lines().filter_map(|line| line.strip_prefix("  - model_name: ")).collect();
    assert_eq!(names, ["long", "quoted", "screen", "served", "yaml"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_of_a_file_is_printed_as_json() {
    let home = Home::empty().with("AWS_REGION", "eu-west-1");
    let yaml = "model_list: [{model_name: q, litellm_params: {model: sagemaker_chat/queue, async_inference: true}}]\n";
    let config = home.file("config.yaml", yaml);
    let printed =
        home.run(&["iam-policy", "--config", config.to_str().unwrap(), "--account", "123456789012", "--discovery"]);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let policy: Value = serde_json::from_str(&printed.out).unwrap();
    let statement = |sid: &str| {
        policy["Statement"].as_array().unwrap().iter().find(|statement| statement["Sid"] == sid).unwrap().clone()
    };
    let endpoints = statement("InvokeAsynchronousEndpoints");
    assert_eq!(endpoints["Resource"], json!(["arn:aws:sagemaker:eu-west-1:123456789012:endpoint/queue"]));
    assert_eq!(endpoints["Action"], json!(["sagemaker:InvokeEndpointAsync"]));
    assert!(statement("FindEndpoints")["Action"].to_string().contains("sagemaker:DescribeModel"), "{policy}");
    assert!(printed.err.contains("narrow it"), "{}", printed.err);
}
