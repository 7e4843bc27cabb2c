//! The catalog as a whole: every template compiles and renders, and names find their family.

use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use super::*;
use crate::Conversation;

mod names;

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
        ("deepseek-ai/DeepSeek-R1-0528", "deepseek-r1-0528"),
        ("deepseek-ai/DeepSeek-R1-0528-Qwen3-8B", "deepseek-r1-0528"),
        ("LGAI-EXAONE/EXAONE-Deep-7.8B", "exaone-deep"),
        ("LGAI-EXAONE/EXAONE-4.5-33B", "exaone-4.5"),
        ("LiquidAI/LFM2.5-1.2B-Thinking", "lfm-2.5-1.2b"),
        ("LiquidAI/LFM2.5-350M", "lfm-2.5-1.2b"),
        ("CohereLabs/c4ai-command-a-03-2025", "command-a"),
        ("moonshotai/Kimi-K2.6", "kimi-k2.6"),
        ("moonshotai/Kimi-Linear-48B-A3B-Instruct", "kimi-linear"),
        ("zai-org/GLM-5.2", "glm-5.2"),
        ("zai-org/GLM-Z1-9B-0414", "glm-z1"),
        ("mistralai/Mistral-Small-4-119B-2603", "mistral-small-4"),
        ("nvidia/Llama-3_3-Nemotron-Super-49B-v1", "nemotron-super-49b"),
        ("nvidia/Llama-3_3-Nemotron-Super-49B-v1_5", "nemotron-super-49b-v1.5"),
        ("nvidia/Llama-3.1-Nemotron-Nano-8B-v1", "nemotron-nano-8b"),
        ("arcee-ai/Trinity-Mini", "trinity-mini"),
        ("arcee-ai/Trinity-Nano-Preview", "trinity-nano"),
        ("arcee-ai/Trinity-Large-Thinking", "trinity-large-thinking"),
        ("arcee-ai/AFM-4.5B", "afm"),
        ("ByteDance-Seed/Seed-Coder-8B-Instruct", "seed-coder"),
        ("ByteDance-Seed/Seed-Coder-8B-Reasoning", "seed-coder-reasoning"),
        ("rednote-hilab/dots.llm1.inst", "dots-llm1"),
        ("XiaomiMiMo/MiMo-V2-Flash", "mimo-v2-flash"),
        ("meituan-longcat/LongCat-Flash-Chat", "longcat-flash"),
        ("EssentialAI/rnj-1-instruct", "rnj-1"),
        ("utter-project/EuroLLM-22B-Instruct-2512", "eurollm-9b"),
        ("utter-project/EuroLLM-1.7B-Instruct", "eurollm-1.7b"),
        ("internlm/Intern-S1-Pro", "intern-s1-pro"),
        ("internlm/OREAL-32B", "oreal"),
        ("NousResearch/Hermes-4-70B", "hermes-4"),
        ("NousResearch/Hermes-4-14B", "hermes-4-14b"),
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
        ("mistralai/Mistral-Small-24B-Instruct-2501", "mistral-small-2501"),
        ("mistralai/Mistral-Small-3.2-24B-Instruct-2506", "mistral-v7-tekken"),
        ("mistralai/Mistral-Small-Instruct-2409", "mistral-v3"),
        ("mistralai/Mistral-7B-v0.1", "plain"),
        ("Qwen/Qwen2-7B-Instruct", "qwen-2"),
        ("Qwen/Qwen2.5-7B-Instruct", "qwen-2.5"),
        ("Qwen/Qwen2.5-Coder-32B-Instruct", "qwen-2.5"),
        ("Qwen/Qwen3-8B", "qwen-3"),
        ("Qwen/QwQ-32B", "qwq"),
        ("Qwen/QwQ-32B-Preview", "qwq-preview"),
        ("Qwen/QVQ-72B-Preview", "qvq"),
        ("Qwen/Qwen2-57B-A14B-Instruct", "qwen-2"),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "qwen-2"),
        ("Qwen/Qwen2.5-7B-Instruct-1M", "qwen-2.5-1m"),
        ("Qwen/Qwen3-4B-Thinking-2507", "qwen-3-thinking-2507"),
        ("Qwen/Qwen3-Next-80B-A3B-Thinking", "qwen-3-thinking-2507"),
        ("Qwen/Qwen3-235B-A22B-Instruct-2507", "qwen-3-instruct-2507"),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", "qwen-3-coder"),
        ("Qwen/Qwen3-Coder-Next", "qwen-3-coder-next"),
        ("Qwen/Qwen3-VL-8B-Instruct", "qwen-3-vl"),
        ("Qwen/Qwen3-VL-8B-Thinking", "qwen-3-vl-thinking"),
        ("Qwen/Qwen3.5-27B", "qwen-3.5"),
        ("Qwen/Qwen3.5-0.8B", "qwen-3.5-small"),
        ("Qwen/Qwen3.6-27B", "qwen-3.6"),
        ("Qwen/Qwen2-7B", "plain"),
        ("LGAI-EXAONE/EXAONE-3.5-7.8B-Instruct", "exaone-3.5"),
        ("LiquidAI/LFM2-1.2B", "lfm-2"),
        ("LiquidAI/LFM2.5-8B-A1B", "lfm-2.5"),
        ("tencent/Hunyuan-A13B-Instruct", "hunyuan-a13b"),
        ("tencent/Hunyuan-4B-Instruct", "hunyuan"),
        ("CohereLabs/c4ai-command-r-08-2024", "command-r"),
        ("ai21labs/AI21-Jamba-1.5-Mini", "jamba-1.5"),
        ("ai21labs/AI21-Jamba2-3B", "jamba-2"),
        ("google/gemma-7b-it", "gemma"),
        ("google/gemma-2-9b-it", "gemma"),
        ("google/gemma-3-27b-it", "gemma"),
        ("google/gemma-3n-E4B-it", "gemma"),
        ("google/gemma-4-31B-it", "gemma-4"),
        ("google/gemma-4-E4B-it", "gemma-4-e"),
        ("google/gemma-2-9b", "plain"),
        ("microsoft/Phi-3-mini-4k-instruct", "phi-3"),
        ("microsoft/Phi-3.5-mini-instruct", "phi-3"),
        ("microsoft/phi-4", "phi-4"),
        ("microsoft/Phi-4-reasoning-plus", "phi-4-reasoning"),
        ("microsoft/Phi-4-mini-reasoning", "phi-4-mini-reasoning"),
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
        ("deepseek-ai/DeepSeek-V3.2", "deepseek-v3.2"),
        ("deepseek-ai/DeepSeek-V2.5-1210", "deepseek-v2.5"),
        ("deepseek-ai/DeepSeek-V2-Chat-0628", "deepseek-v2-0628"),
        ("deepseek-ai/DeepSeek-V2-Chat", "deepseek-v2"),
        ("deepseek-ai/DeepSeek-Coder-V2-Instruct-0724", "deepseek-v2.5"),
        ("deepseek-ai/DeepSeek-Coder-V2-Instruct", "deepseek-v2"),
        ("deepseek-ai/deepseek-coder-6.7b-instruct", "deepseek-coder"),
        ("ibm-granite/granite-3.0-8b-instruct", "granite-3"),
        ("ibm-granite/granite-3.2-8b-instruct", "granite-3.1"),
        ("ibm-granite/granite-3.3-8b-instruct", "granite-3.3"),
        ("ibm-granite/granite-4.0-h-small", "granite-4.0"),
        ("ibm-granite/granite-13b-chat-v2", "granite-chat"),
        ("ibm-granite/granite-20b-code-instruct-8k", "granite-code"),
        ("CohereForAI/c4ai-command-r-plus", "command-r"),
        ("openai/gpt-oss-20b", "gpt-oss"),
        ("HuggingFaceTB/SmolLM2-1.7B-Instruct", "smollm"),
        ("HuggingFaceTB/SmolLM-1.7B-Instruct", "chatml"),
        ("HuggingFaceTB/SmolLM3-3B", "smollm-3"),
        ("databricks/dbrx-instruct", "chatml"),
        ("allenai/OLMo-2-1124-7B-Instruct", "olmo"),
        ("allenai/Olmo-3-7B-Instruct", "olmo-3-instruct"),
        ("allenai/Olmo-3-32B-Think", "olmo-3-think-32b"),
        ("allenai/Olmo-3.1-32B-Think", "olmo-3.1-think"),
        ("allenai/Llama-3.1-Tulu-3-8B", "tulu-3"),
        ("mistralai/Ministral-3-8B-Instruct-2512", "ministral-3-8b"),
        ("mistralai/Ministral-3-14B-Reasoning-2512", "ministral-3-reasoning"),
        ("mistralai/Ministral-8B-Instruct-2410", "mistral-tekken"),
        ("mistralai/Devstral-Small-2507", "mistral-v7-tekken"),
        ("mistralai/Devstral-Small-2-24B-Instruct-2512", "devstral-2-small"),
        ("zai-org/GLM-4.5-Air", "glm-4.5"),
        ("zai-org/GLM-4.7", "glm-4.7"),
        ("moonshotai/Kimi-K2-Instruct-0905", "kimi-k2"),
        ("moonshotai/Kimi-K2-Thinking", "kimi-k2-thinking"),
        ("MiniMaxAI/MiniMax-M2", "minimax-m2"),
        ("MiniMaxAI/MiniMax-M2.7", "minimax-m2.7"),
        ("ByteDance-Seed/Seed-OSS-36B-Instruct", "seed-oss"),
        ("swiss-ai/Apertus-70B-Instruct-2509", "apertus"),
        ("baidu/ERNIE-4.5-21B-A3B-PT", "ernie-4.5"),
        ("01-ai/Yi-1.5-9B-Chat", "yi-1.5"),
        ("01-ai/Yi-34B-Chat", "chatml"),
        ("CohereLabs/aya-expanse-8b", "command-r"),
        ("tiiuae/falcon-mamba-7b-instruct", "chatml"),
        ("tiiuae/Falcon-E-3B-Instruct", "chatml"),
        ("upstage/SOLAR-10.7B-Instruct-v1.0", "solar"),
        ("upstage/solar-pro-preview-instruct", "chatml"),
        ("openchat/openchat-3.6-8b-20240522", "openchat-3.6"),
        ("openchat/openchat-3.5-0106", "openchat"),
        ("NousResearch/DeepHermes-3-Llama-3-8B-Preview", "deephermes-3"),
        ("alpindale/WizardLM-2-8x22B", "wizardlm-2"),
        ("teknium/OpenHermes-2.5-Mistral-7B", "chatml"),
        ("NousResearch/Hermes-3-Llama-3.1-8B", "hermes-3"),
        ("Gryphe/MythoMax-L2-13b", "alpaca"),
        ("lmsys/vicuna-13b-v1.5", "vicuna"),
        ("WizardLM/WizardCoder-Python-34B-V1.0", "wizardcoder"),
        ("Phind/Phind-CodeLlama-34B-v2", "phind"),
        ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "nemotron-3-nano"),
        ("nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-BF16", "nemotron-3-super"),
        ("nvidia/NVIDIA-Nemotron-Nano-9B-v2", "nemotron-nano-2"),
        ("ServiceNow-AI/Apriel-Nemotron-15b-Thinker", "apriel-nemotron"),
        ("deepseek-ai/DeepSeek-V4", "deepseek-v4"),
        ("ai21labs/AI21-Jamba2-Mini", "jamba-2"),
        ("ai21labs/AI21-Jamba-Reasoning-3B", "jamba-reasoning"),
        ("LGAI-EXAONE/EXAONE-4.0-32B", "exaone-4.0"),
        ("kakaocorp/kanana-1.5-2.1b-instruct-2505", "kanana-1.5"),
        ("LiquidAI/LFM2.5-8B-A1B", "lfm-2.5"),
        ("openbmb/MiniCPM4.1-8B", "minicpm-4.1"),
        ("openbmb/MiniCPM3-4B", "minicpm-3"),
        ("internlm/Intern-S1", "intern-s1"),
        ("RekaAI/reka-flash-3.1", "reka-flash-3"),
        ("baichuan-inc/Baichuan-M2-32B", "baichuan-m2"),
        ("inclusionAI/Ling-2.6-flash", "ling-2.6"),
        ("inclusionAI/Ling-lite-1.5-2506", "ling-1.5-2507"),
        ("inclusionAI/Ling-Coder-lite", "ling-1.5"),
        ("inclusionAI/Ring-2.6-1T", "ring-2.6"),
        ("inclusionAI/Ring-1T", "ring-1t"),
        ("inclusionAI/Ring-mini-2.0", "ring-mini-2.0"),
        ("Qwen/Qwen3Guard-Gen-8B", "qwen-3-guard"),
    ];
    for (model, expected) in cases {
        assert_eq!(family(model), Some(expected), "{model}");
    }
}

#[test]
fn unknown_models_find_nothing() {
    for model in [
        "acme/nothing",
        "Qwen/Qwen3.8-27B",
        "zai-org/GLM-5.3",
        "CohereLabs/command-a-plus-05-2026-w4a4",
        "LiquidAI/LFM2.5-1.2B-Base",
        "XiaomiMiMo/MiMo-V2-Flash-Base",
        "",
        "acme/CodeLlama-34b-finetune",
        "acme/llama-2-7b-alpaca-de",
        "openai/gpt-oss-safeguard-20b",
        "Qwen/Qwen3-ASR-1.7B",
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
        ("jumpstart-dft-hf-textgeneration1-mp-20240815-185614", Some("alpaca")),
        ("meta-textgeneration-llama-3-1-405b-inst-2025-08-15-18-56-14-123", Some("llama-3.1")),
        ("huggingface-llm-falcon-7b-bf16-2025-08-15-18-56-14-123", Some("plain")),
        ("huggingface-reasoning-qwen3-8b-2025-08-15-18-56-14-123", Some("qwen-3")),
        ("jumpstart-dft-deepseek-llm-r1-0528-20250815-185614", Some("deepseek-r1-0528")),
    ];
    for (endpoint, expected) in cases {
        assert_eq!(family_of_endpoint(endpoint), expected, "{endpoint}");
    }
}

#[test]
fn a_chat_model_is_never_silently_a_base_model() {
    let cut = recognise("jumpstart-dft-hf-textgeneration1-mp-20240815-185614");
    assert!(matches!(cut, Recognition::Guess(entry) if entry.name() == "alpaca"), "{cut:?}");
    let sure = recognise("huggingface-reasoning-qwen3-8b");
    assert!(matches!(sure, Recognition::Family(entry) if entry.name() == "qwen-3"), "{sure:?}");
    for known in ["writer-palmyra-x-004", "meta-textgeneration-llama-guard-7b"] {
        assert!(matches!(recognise(known), Recognition::ChatModel), "{known}");
    }
    assert!(matches!(recognise("my-endpoint"), Recognition::Unknown));
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
    let tools = [
        json!({"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object",
            "properties": {"a": {"type": "integer", "description": "A number."}}, "required": ["a"]}}}),
    ];
    for entry in entries() {
        // A model's own template may refuse what it was not made for: a conversation without a user, or of
        // odd roles.
        let forms = if entry.abilities.is_some() { conversations.len() } else { 4 };
        for messages in conversations.iter().take(forms) {
            let messages: Vec<Value> = messages.as_array().unwrap().clone();
            // Nor need it know tools in OpenAI's form.
            for with_tools in if entry.abilities.is_some() { &[false, true][..] } else { &[false] } {
                let mut conversation = Conversation::new(&messages);
                if *with_tools {
                    conversation = conversation.tools(&tools);
                }
                let prompt = entry.template().render(&conversation, &|| UNIX_EPOCH);
                let prompt = prompt.unwrap_or_else(|error| panic!("{}: {error}: {messages:?}", entry.name()));
                assert!(prompt.contains("Hello"), "{}: {prompt:?}", entry.name());
            }
        }
    }
}

#[test]
fn a_jumpstart_id_has_a_name_on_the_hub() {
    let id = "meta-textgeneration-llama-3-8b-instruct";
    assert_eq!(hub_name(id), Some("meta-llama/Meta-Llama-3-8B-Instruct"));
    assert_eq!(hub_name("META-textgeneration-llama-3-8b-instruct"), hub_name(id));
    assert_eq!((hub_name("meta-textgeneration"), hub_name("cohere-command-r-a100")), (None, None));
    assert!(by_model("meta-llama/Llama-2-7b-hf").unwrap().is_for_base_models());
    assert!(!by_model("meta-llama/Llama-2-7b-chat-hf").unwrap().is_for_base_models());
}

/// Families whose models call tools although their published template has no place for them.
const WITHOUT_A_PLACE: [&str; 7] = [
    "deepseek-r1",
    "deepseek-r1-0528",
    "deepseek-v3.1",
    "deepseek-v3",
    "deepseek-v2.5",
    "mistral-small-2501",
    "mistral-small-3.1",
];

#[test]
fn a_family_that_calls_tools_offers_them() {
    let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let function = json!({"name": "get_weather", "description": "d", "parameters": parameters});
    let tools = [json!({"type": "function", "function": function})];
    let messages = [json!({"role": "user", "content": "Hi"})];
    for entry in entries() {
        let template = entry.template();
        // Apertus does not take tools in OpenAI's form.
        if let Ok(prompt) = template.render(&Conversation::new(&messages).tools(&tools), &|| UNIX_EPOCH) {
            assert_eq!(template.takes_tools(), prompt.contains("get_weather"), "{}", entry.name());
        }
        if template.tool_calls().is_some() {
            assert_eq!(template.takes_tools(), !WITHOUT_A_PLACE.contains(&entry.name()), "{}", entry.name());
        }
    }
}

#[test]
fn the_r1_of_may_2025_opens_its_thoughts_itself() {
    let messages = [json!({"role": "user", "content": "Hi"})];
    for (model, end) in
        [("deepseek-ai/DeepSeek-R1", "<｜Assistant｜><think>\n"), ("deepseek-ai/DeepSeek-R1-0528", "Hi<｜Assistant｜>")]
    {
        let template = by_model(model).unwrap().template();
        let prompt = template.render(&Conversation::new(&messages), &|| UNIX_EPOCH).unwrap();
        assert!(prompt.ends_with(end), "{prompt}");
    }
}
