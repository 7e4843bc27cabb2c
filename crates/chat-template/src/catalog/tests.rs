//! The catalog as a whole: every template compiles and renders, and names find their family.

use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use super::*;
use crate::Conversation;

fn family(model: &str) -> Option<&'static str> {
    by_model(model).map(Entry::name)
}

fn family_of_endpoint(endpoint: &str) -> Option<&'static str> {
    by_endpoint(endpoint).map(Entry::name)
}

#[test]
fn models_find_their_family() {
    let cases = [
        ("meta-llama/Llama-2-7b-chat-hf", "llama-2"),
        ("meta-llama/Llama-2-7b", "plain"),
        ("togethercomputer/llama-2-70b-chat", "llama-2"),
        ("codellama/CodeLlama-13b-Instruct-hf", "llama-2"),
        ("codellama/CodeLlama-70b-Instruct-hf", "codellama-70b"),
        ("codellama/CodeLlama-7b-hf", "plain"),
        ("meta-llama/Meta-Llama-3-8B-Instruct", "llama-3"),
        ("META-LLAMA/META-LLAMA-3-8B", "plain"),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama-3.1"),
        ("meta-llama/Meta-Llama-3.1-70B-Instruct", "llama-3.1"),
        ("meta-llama/Llama-3.2-3B-Instruct", "llama-3.2"),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama-3.1"),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "llama-4"),
        ("mistralai/Mistral-7B-Instruct-v0.1", "mistral-v1"),
        ("mistralai/Mistral-7B-Instruct-v0.2", "mistral-v1"),
        ("mistralai/Mistral-7B-Instruct-v0.3", "mistral-v3"),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "mistral-v1"),
        ("mistralai/Mixtral-8x22B-Instruct-v0.1", "mistral-v3"),
        ("mistralai/Mistral-Nemo-Instruct-2407", "mistral-tekken"),
        ("mistralai/Mistral-Large-Instruct-2411", "mistral-v7"),
        ("mistralai/Mistral-Small-24B-Instruct-2501", "mistral-v7-tekken"),
        ("mistralai/Mistral-Small-Instruct-2409", "mistral-v3"),
        ("mistralai/Mistral-7B-v0.1", "plain"),
        ("Qwen/Qwen2-7B-Instruct", "qwen-2"),
        ("Qwen/Qwen2.5-7B-Instruct", "qwen-2.5"),
        ("Qwen/Qwen2.5-Coder-32B-Instruct", "qwen-2.5"),
        ("Qwen/Qwen3-8B", "qwen-3"),
        ("Qwen/QwQ-32B", "qwq"),
        ("Qwen/Qwen2-7B", "plain"),
        ("google/gemma-7b-it", "gemma"),
        ("google/gemma-2-9b-it", "gemma"),
        ("google/gemma-3-27b-it", "gemma"),
        ("google/gemma-2-9b", "plain"),
        ("microsoft/Phi-3-mini-4k-instruct", "phi-3"),
        ("microsoft/Phi-3.5-mini-instruct", "phi-3"),
        ("microsoft/phi-4", "phi-4"),
        ("microsoft/Phi-4-mini-instruct", "phi-4-mini"),
        ("microsoft/phi-2", "plain"),
        ("tiiuae/falcon-7b-instruct", "falcon"),
        ("tiiuae/falcon-180B-chat", "falcon-180b"),
        ("tiiuae/Falcon3-7B-Instruct", "falcon-3"),
        ("tiiuae/falcon-7b", "plain"),
        ("mosaicml/mpt-7b-chat", "chatml"),
        ("mosaicml/mpt-7b-instruct", "alpaca"),
        ("mosaicml/mpt-7b", "plain"),
        ("HuggingFaceH4/zephyr-7b-beta", "zephyr"),
        ("HuggingFaceH4/zephyr-7b-gemma-v0.1", "chatml"),
        ("deepseek-ai/DeepSeek-R1", "deepseek-r1"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "deepseek-r1"),
        ("deepseek-ai/DeepSeek-V3", "deepseek-v3"),
        ("deepseek-ai/DeepSeek-V3.1", "deepseek-v3.1"),
        ("ibm-granite/granite-3.0-8b-instruct", "granite-3"),
        ("ibm-granite/granite-13b-chat-v2", "granite-chat"),
        ("ibm-granite/granite-20b-code-instruct-8k", "granite-code"),
        ("CohereForAI/c4ai-command-r-plus", "command-r"),
        ("openai/gpt-oss-20b", "gpt-oss"),
        ("HuggingFaceTB/SmolLM2-1.7B-Instruct", "smollm"),
        ("HuggingFaceTB/SmolLM3-3B", "smollm-3"),
        ("databricks/dbrx-instruct", "chatml"),
        ("allenai/OLMo-2-1124-7B-Instruct", "olmo"),
        ("teknium/OpenHermes-2.5-Mistral-7B", "chatml"),
        ("NousResearch/Hermes-3-Llama-3.1-8B", "chatml"),
        ("Gryphe/MythoMax-L2-13b", "alpaca"),
        ("lmsys/vicuna-13b-v1.5", "vicuna"),
        ("WizardLM/WizardCoder-Python-34B-V1.0", "wizardcoder"),
        ("Phind/Phind-CodeLlama-34B-v2", "phind"),
    ];
    for (model, expected) in cases {
        assert_eq!(family(model), Some(expected), "{model}");
    }
}

#[test]
fn unknown_models_find_nothing() {
    for model in [
        "acme/nothing",
        "",
        "google/gemma-4-31B-it",
        "Qwen/Qwen3-Coder-30B-A3B-Instruct",
        "CohereForAI/c4ai-command-r7b-12-2024",
        "meta-llama/LlamaGuard-7b",
        "acme/llama-3-finetune",
        "mistralai/Mistral-Medium-Instruct",
    ] {
        assert_eq!(family(model), None, "{model}");
    }
}

#[test]
fn endpoints_find_the_family_of_their_model() {
    let cases = [
        ("jumpstart-dft-meta-textgeneration-llama-2-7b", Some("plain")),
        ("jumpstart-dft-meta-textgeneration-llama-2-7b-f", Some("llama-2")),
        ("jumpstart-dft-meta-textgeneration-llama-2-13b", Some("plain")),
        ("jumpstart-dft-meta-textgeneration-llama-2-13b-f", Some("llama-2")),
        ("jumpstart-dft-meta-textgeneration-llama-2-70b", Some("plain")),
        ("jumpstart-dft-meta-textgeneration-llama-2-70b-b-f", Some("llama-2")),
        ("huggingface-llm-mistral-7b-instruct", Some("mistral-v1")),
        ("jumpstart-dft-hf-llm-mistral-7b-instruct-20240815-185614", Some("mistral-v1")),
        ("jumpstart-dft-llama-3-1-8b-instruct-20240815-185614", Some("llama-3.1")),
        ("jumpstart-dft-hf-llm-falcon-7b-instruct-bf16", Some("falcon")),
        ("meta-textgeneration-llama-3-3-70b", Some("llama-3.1")),
        ("openai-reasoning-gpt-oss-20b", Some("gpt-oss")),
        ("cohere-command-r-plus-a100", Some("command-r")),
        ("granite-3-0-8b-instruct", Some("granite-3")),
        ("my-Llama-2-chat", Some("llama-2")),
        ("my-llama-2", None),
        ("my-endpoint", None),
        ("jumpstart-dft-hf-textgeneration1-mp-20240815-185614", None),
    ];
    for (endpoint, expected) in cases {
        assert_eq!(family_of_endpoint(endpoint), expected, "{endpoint}");
    }
}

#[test]
fn base_models_of_the_table_are_plain_and_chat_models_never_are() {
    for model in jumpstart::models() {
        let found = by_endpoint(model.id).map(Entry::name);
        assert_eq!(found == Some(PLAIN), model.is_base, "{} is {found:?}", model.id);
    }
}

#[test]
fn names_are_unique_and_every_family_can_be_found() {
    for entry in entries() {
        assert!(std::ptr::eq(by_name(entry.name()).unwrap(), entry), "{}", entry.name());
        assert!(!entry.description().is_empty() && !entry.patterns().is_empty());
    }
}

#[test]
fn every_family_renders_every_form_of_conversation() {
    let call = json!({"id": "call12345", "type": "function", "function": {"name": "add", "arguments": "{\"a\": 1}"}});
    let conversations = [
        json!([{"role": "user", "content": "Hello"}]),
        json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "Hello"}]}]),
        json!([{"role": "user", "content": "Hello"}, {"role": "user", "content": "there"}, {"role": "assistant", "content": null},
            {"role": "user", "content": "?"}]),
        json!([{"role": "user", "content": "Hello"}, {"role": "assistant", "content": null, "tool_calls": [call, call]},
            {"role": "tool", "tool_call_id": "call12345", "content": "3"}]),
        json!([{"role": "system", "content": "Hello"}]),
        json!([{"role": "assistant", "content": "Hello"}, {"role": "developer", "content": "x"}, {"role": "critic", "content": "y"}]),
    ];
    let tools =
        [json!({"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}})];
    for entry in entries() {
        for messages in &conversations {
            let messages: Vec<Value> = messages.as_array().unwrap().clone();
            for with_tools in [false, true] {
                let mut conversation = Conversation::new(&messages);
                if with_tools {
                    conversation = conversation.tools(&tools);
                }
                let prompt = entry.template().render(&conversation, &|| UNIX_EPOCH);
                let prompt = prompt.unwrap_or_else(|error| panic!("{}: {error}: {messages:?}", entry.name()));
                assert!(prompt.contains("Hello"), "{}: {prompt:?}", entry.name());
            }
        }
    }
}
