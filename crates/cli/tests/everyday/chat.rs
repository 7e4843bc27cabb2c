//! `sagewire chat` on pipes.

use sagewire_emulator::{AwsError, Emulator, Operation, Scripted};

use crate::process::Home;

#[tokio::test(flavor = "multi_thread")]
async fn one_question_is_answered_without_colours_and_its_tokens_are_told_apart() {
    let printed = Home::empty().run(&["chat", "--demo", "What is", "a llama?"]);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert!(printed.out.contains("What is a llama?") && printed.out.ends_with('\n'), "{printed:?}");
    assert!(printed.err.contains("tokens/s") && !printed.out.contains("tokens/s"), "{printed:?}");
    assert!(!printed.out.contains('\x1b') && !printed.err.contains('\x1b'), "{printed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn system_text_sampling_and_parameters_reach_the_container() {
    let emulator = Emulator::start().await.unwrap();
    let home = Home::of(&emulator);
    let arguments = [
        "chat",
        "--model",
        "sagemaker_chat/messages",
        "--system",
        "Be brief.",
        "--temperature",
        "0.25",
        "--top-p",
        "0.5",
        "--max-tokens",
        "7",
        "--stop",
        "END",
        "--seed",
        "3",
        "-p",
        "top_k=40",
        "--inference-component",
        "llama",
        "Sum up:",
        "-",
    ];
    let printed = home.run_with_input(&arguments, "a long text\n");
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let received = emulator.received().pop().unwrap();
    let body = received.json().unwrap();
    assert_eq!(body["messages"][0], serde_json::json!({"role": "system", "content": "Be brief."}));
    assert_eq!(body["messages"][1]["content"], "Sum up:\na long text");
    for (name, value) in [("temperature", 0.25), ("top_p", 0.5), ("max_tokens", 7.0), ("seed", 3.0), ("top_k", 40.0)] {
        assert_eq!(body[name].as_f64(), Some(value), "{name}: {body}");
    }
    assert_eq!(body["stop"], "END");
    assert_eq!(received.header("x-amzn-sagemaker-inference-component"), Some("llama"));
    assert_eq!(received.operation, Operation::InvokeEndpointWithResponseStream);
    assert!(printed.err.contains("--max-tokens"), "the answer was cut: {printed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_of_the_configuration_is_a_model() {
    let emulator = Emulator::start().await.unwrap();
    let home = Home::of(&emulator);
    let yaml = "model_list:\n  - model_name: gpt-4\n    litellm_params:\n      model: sagemaker_chat/messages\n      aws_region_name: us-east-1\n";
    let config = home.file("config.yaml", yaml);
    let config = config.to_str().unwrap();
    for arguments in [
        ["chat", "--config", config, "--json", "hi"].as_slice(),
        &["chat", "-c", config, "-m", "gpt-4", "--json", "--no-stream", "hi"],
    ] {
        let printed = home.run(arguments);
        let answer: serde_json::Value = serde_json::from_str(&printed.out).unwrap();
        assert!(answer["choices"][0]["message"]["content"].as_str().unwrap().contains("hi"), "{printed:?}");
        assert!(answer["usage"]["completion_tokens"].as_u64().unwrap() > 0, "{printed:?}");
    }
    let printed = home.run(&["chat", "--config", config, "--model", "gpt-5", "hi"]);
    assert!(printed.code == Some(2) && printed.err.contains("gpt-5"), "{printed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_have_a_hint_and_the_documented_exit_codes() {
    let emulator = Emulator::start().await.unwrap();
    let home = Home::of(&emulator);
    emulator.enqueue("messages", Scripted::error(AwsError::access_denied("no")));
    let printed = home.run(&["chat", "--model", "sagemaker_chat/messages", "hi"]);
    assert_eq!(printed.code, Some(1), "{printed:?}");
    assert!(printed.err.starts_with("error: ") && printed.err.contains("\nhint: run `sagewire doctor"), "{printed:?}");
    for arguments in [
        ["chat", "hi"].as_slice(),
        &["chat", "--model", "nobody/knows", "hi"],
        &["chat", "--demo", ""],
        &["chat", "--nonsense"],
    ] {
        let printed = home.run(arguments);
        assert_eq!(printed.code, Some(2), "{arguments:?}: {printed:?}");
        assert!(printed.out.is_empty() && printed.err.contains("error:"), "{printed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_goes_is_no_failure() {
    let emulator = Emulator::start().await.unwrap();
    let mut child = Home::of(&emulator).command(&["chat", "--model", "sagemaker_chat/messages", "hi"]).spawn().unwrap();
    drop(child.stdout.take());
    let printed = crate::process::Printed::from(child.wait_with_output().unwrap());
    assert!(printed.code == Some(0) && !printed.err.contains("panicked"), "{printed:?}");
}
