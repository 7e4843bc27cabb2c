//! Models whose names or formats are easily taken for others: each has the family of its own
//! template, and the prompts are those of the models' published templates.

use std::time::UNIX_EPOCH;

use serde_json::json;

use super::{family, family_of_endpoint};
use crate::{
    Conversation,
    catalog::{Recognition, by_model, recognise},
};

/// The prompt for a user's `Hi`.
fn prompt(model: &str) -> String {
    let messages = [json!({"role": "user", "content": "Hi"})];
    let entry = by_model(model).unwrap_or_else(|| panic!("{model} has no family"));
    entry.template().render(&Conversation::new(&messages), &|| UNIX_EPOCH).unwrap()
}

/// ChatML with this system message.
fn chatml(system: &str) -> String {
    format!("<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
}

#[test]
fn a_name_within_another_word_is_not_a_match() {
    assert_eq!(family("codellama/CodeLlama-34b-Instruct-hf"), Some("llama-2"));
    assert_eq!(family("Qwen/Qwen2-57B-A14B-Instruct"), Some("qwen-2"));
    assert_eq!(family("acme/CodeLlama-34b-finetune"), None);
    assert_eq!(family("acme/llama-2-7b-alpaca-de"), None);
}

#[test]
fn names_that_resemble_another_family_have_the_format_of_their_own() {
    let no_system = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n";
    let llama_3 =
        "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n";
    let deepseek = "<｜begin▁of▁sentence｜><｜User｜>Hi<｜Assistant｜>";
    for (model, name, expected) in [
        ("Qwen/Qwen3-4B-Thinking-2507", "qwen-3-thinking-2507", format!("{no_system}<think>\n")),
        ("Qwen/Qwen3-235B-A22B-Thinking-2507", "qwen-3-thinking-2507", format!("{no_system}<think>\n")),
        ("tiiuae/falcon-mamba-7b-instruct", "chatml", no_system.to_owned()),
        ("tiiuae/Falcon-E-3B-Instruct", "chatml", no_system.to_owned()),
        ("tiiuae/Falcon3-Mamba-7B-Instruct", "chatml", no_system.to_owned()),
        ("deepseek-ai/DeepSeek-V2-Chat-0628", "deepseek-v2-0628", deepseek.to_owned()),
        ("deepseek-ai/DeepSeek-Coder-V2-Instruct-0724", "deepseek-v2.5", deepseek.to_owned()),
        ("NousResearch/DeepHermes-3-Llama-3-8B-Preview", "deephermes-3", format!("<|begin_of_text|>{llama_3}")),
        (
            "openchat/openchat-3.6-8b-20240522",
            "openchat-3.6",
            "<|begin_of_text|><|start_header_id|>GPT4 Correct User<|end_header_id|>\n\nHi<|eot_id|>\
             <|start_header_id|>GPT4 Correct Assistant<|end_header_id|>\n\n"
                .to_owned(),
        ),
        ("upstage/solar-pro-preview-instruct", "chatml", no_system.to_owned()),
        (
            "google/functiongemma-270m-it",
            "functiongemma",
            "<bos><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n".to_owned(),
        ),
        (
            "nvidia/Llama-3.1-Nemotron-70B-Instruct-HF",
            "nemotron-70b",
            format!("<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n<|eot_id|>{llama_3}"),
        ),
    ] {
        assert_eq!((family(model), prompt(model)), (Some(name), expected), "{model}");
    }
    for (model, name, system) in [
        ("mistralai/Ministral-3-8B-Instruct-2512", "ministral-3-8b", "You are Ministral-3-8B-Instruct-2512, a Large"),
        ("mistralai/Ministral-3-3B-Instruct-2512", "ministral-3-3b", "You are Ministral-3-3B-Instruct-2512, a Large"),
        (
            "allenai/Olmo-3-7B-Instruct",
            "olmo-3-instruct",
            "You are a helpful function-calling AI assistant. You do not",
        ),
        (
            "allenai/Olmo-3-7B-Think",
            "olmo-3-think",
            "You are OLMo, a helpful function-calling AI assistant built by Ai2.",
        ),
        ("microsoft/Phi-4-reasoning", "phi-4-reasoning", "You are Phi, a language model trained by Microsoft"),
    ] {
        assert_eq!(family(model), Some(name), "{model}");
        assert!(prompt(model).contains(system), "{model}: {}", prompt(model));
    }
}

#[test]
fn default_system_messages_are_those_of_the_models() {
    let thinker =
        "You are a helpful and harmless assistant. You are Qwen developed by Alibaba. You should think step-by-step.";
    for (model, expected) in [
        ("Qwen/Qwen2.5-VL-7B-Instruct", chatml("You are a helpful assistant.")),
        ("Qwen/Qwen2.5-14B-Instruct-1M", chatml("You are a helpful assistant.")),
        ("Qwen/QVQ-72B-Preview", chatml(thinker)),
        ("Qwen/QwQ-32B-Preview", chatml(thinker)),
        ("HuggingFaceTB/SmolLM-1.7B-Instruct", "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n".to_owned()),
        ("NousResearch/Hermes-3-Llama-3.1-8B", format!("<|begin_of_text|>{}", chatml("You are a helpful assistant."))),
    ] {
        assert_eq!(prompt(model), expected, "{model}");
    }
    for model in ["ibm-granite/granite-3.1-8b-instruct", "ibm-granite/granite-3.2-8b-instruct"] {
        assert_eq!(
            prompt(model),
            "<|start_of_role|>system<|end_of_role|>Knowledge Cutoff Date: April 2024.\nToday's Date: January 01, 1970.\n\
             You are Granite, developed by IBM. You are a helpful AI assistant.<|end_of_text|>\n\
             <|start_of_role|>user<|end_of_role|>Hi<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
            "{model}"
        );
    }
}

#[test]
fn layouts_are_those_of_the_models() {
    for (model, expected) in [
        ("tiiuae/falcon-7b-instruct", "\n\nUser: Hi\n\nAssistant:"),
        ("upstage/SOLAR-10.7B-Instruct-v1.0", "### User:\nHi\n\n### Assistant:\n"),
        ("01-ai/Yi-1.5-9B-Chat", "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"),
        (
            "alpindale/WizardLM-2-8x22B",
            "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, \
             and polite answers to the user's questions. USER: Hi ASSISTANT:",
        ),
    ] {
        assert_eq!(prompt(model), expected, "{model}");
    }
}

#[test]
fn models_of_2025_and_2026_have_families() {
    for model in [
        "Qwen/Qwen3-Coder-30B-A3B-Instruct",
        "Qwen/Qwen3-Next-80B-A3B-Instruct",
        "Qwen/Qwen3-VL-8B-Instruct",
        "Qwen/Qwen3.5-27B",
        "Qwen/Qwen3.6-27B",
        "google/gemma-3n-E4B-it",
        "google/gemma-4-31B-it",
        "deepseek-ai/DeepSeek-V2.5",
        "deepseek-ai/DeepSeek-V3.1",
        "deepseek-ai/DeepSeek-V3.2",
        "deepseek-ai/DeepSeek-V4",
        "ibm-granite/granite-4.0-h-small",
        "CohereLabs/c4ai-command-a-03-2025",
        "CohereLabs/aya-expanse-8b",
        "zai-org/GLM-4.5",
        "zai-org/GLM-4.6",
        "zai-org/GLM-4.7",
        "zai-org/GLM-5",
        "moonshotai/Kimi-K2-Instruct-0905",
        "MiniMaxAI/MiniMax-M2",
        "nvidia/NVIDIA-Nemotron-Nano-9B-v2",
        "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16",
        "ByteDance-Seed/Seed-OSS-36B-Instruct",
        "LGAI-EXAONE/EXAONE-4.0-32B",
        "swiss-ai/Apertus-8B-Instruct-2509",
        "LiquidAI/LFM2-1.2B",
        "ai21labs/AI21-Jamba-Mini-1.5",
        "baidu/ERNIE-4.5-21B-A3B-PT",
        "tencent/Hunyuan-A13B-Instruct",
        "NousResearch/Hermes-4-14B",
        "allenai/Llama-3.1-Tulu-3-8B",
    ] {
        assert!(family(model).is_some_and(|name| name != "plain"), "{model}: {:?}", family(model));
        assert!(prompt(model).contains("Hi"), "{model}");
    }
}

/// The provider warns of them, or refuses them if `strict_chat_templates` is set.
#[test]
fn chat_models_without_a_family_are_not_taken_for_base_models() {
    for model in [
        "meta-llama/Llama-Guard-3-8B",
        "meta-llama/Llama-Guard-4-12B",
        "ai21labs/AI21-Jamba-Mini-1.6",
        "ai21labs/AI21-Jamba-Large-1.7",
        "LGAI-EXAONE/K-EXAONE-236B-A23B",
    ] {
        assert_eq!(family(model), None, "{model}");
    }
    for id in ["meta-textgeneration-llama-guard-3-8b", "nova-textgeneration-lite", "nova-textgeneration-pro"] {
        assert!(matches!(recognise(id), Recognition::ChatModel), "{id}: {:?}", family_of_endpoint(id));
    }
}
