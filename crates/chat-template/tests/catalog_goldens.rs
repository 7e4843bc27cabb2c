//! The catalog's own templates against the models' originals: for each family, what `transformers`
//! rendered with the model's template must be what ours renders, for every conversation the
//! original renders at all.
//!
//! [`DIFFERENT`] lists the conversations on which a family differs on purpose, each with its
//! reason.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod vectors;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use sagewire_chat_template::{Conversation, catalog};
use serde_json::Value;

/// Families and the recorded templates they stand for.
const ORIGINALS: &[(&str, &str)] = &[
    ("chatml", "chatml-OpenHermes-2.5"),
    ("llama-2", "Llama-2-7b-chat"),
    ("command-a", "command-a-axolotl"),
    ("codellama-70b", "CodeLlama-70b-Instruct"),
    ("llama-3", "Meta-Llama-3-8B-Instruct"),
    ("llama-3.1", "meta-llama-Llama-3.1-8B-Instruct"),
    ("llama-3.1", "meta-llama-Llama-3.3-70B-Instruct"),
    ("llama-3.2", "meta-llama-Llama-3.2-3B-Instruct"),
    ("mistral-v1", "Mistral-7B-Instruct-v0.2-v1"),
    ("mistral-v3", "Mistral-Large-2407-v3"),
    ("mistral-tekken", "mistralai-Mistral-Nemo-Instruct-2407"),
    ("mistral-v7", "Mistral-Large-2411-v7"),
    ("mistral-v7-tekken", "Mistral-Small-3.2-24B-Instruct-2506"),
    ("qwq", "Qwen-QwQ-32B"),
    ("qwen-2.5", "Qwen-Qwen2.5-7B-Instruct"),
    ("qwen-3", "Qwen-Qwen3-0.6B"),
    ("gemma", "google-gemma-2-2b-it"),
    ("gemma", "gemma3-trl"),
    ("phi-3", "microsoft-Phi-3.5-mini-instruct"),
    ("phi-4", "phi-4"),
    ("falcon-180b", "falcon-180b-chat-vllm"),
    ("zephyr", "zephyr-7b-beta"),
    ("deepseek-r1", "deepseek-ai-DeepSeek-R1-Distill-Llama-8B"),
    ("deepseek-v2", "DeepSeek-V2"),
    ("deepseek-coder", "deepseek-coder-33b-instruct"),
    ("granite-3", "granite-3.0-8b-instruct"),
    ("command-r", "command-r-plus-default"),
    ("gpt-oss", "openai-gpt-oss-120b"),
    ("smollm", "SmolLM2-1.7B-Instruct"),
    ("openchat", "openchat-3.5-0106"),
    ("llama-3", "llama3-training-trl"),
    ("mistral-v7-tekken", "unsloth-mistral-Devstral-Small-2507"),
    ("gpt-oss", "gptoss-training-trl"),
    ("qwen-3.5", "Qwen3.5-4B"),
    ("deepseek-v3.2", "deepseek-ai-DeepSeek-V3.2"),
    ("glm-4.5", "GLM-4.6"),
    ("glm-4.7", "GLM-4.7-Flash"),
    ("granite-4.0", "ibm-granite-granite-4.0"),
    ("seed-oss", "ByteDance-Seed-OSS"),
    ("nemotron-3-nano", "NVIDIA-Nemotron-3-Nano-30B-A3B-BF16"),
    ("exaone-4.0", "exaone4-axolotl"),
    ("lfm-2.5", "LFM2.5-8B-A1B"),
];

/// Recorded templates that no family is compared with, and why.
const NOT_COMPARED: &[(&[&str], &str)] = &[
    (
        &["Mistral-7B-Instruct-v0.2-old", "Mixtral-8x7B-Instruct-v0.1", "Phi-3-mini", "Phi-3-medium"],
        "an older form of the same format: the models' repositories have the one compared above",
    ),
    (&["falcon-instruct-vllm"], "it is a server's template, with other line breaks than the model's own"),
    (
        &[
            "HuggingFaceTB-SmolLM3-3B",
            "Apertus-8B-Instruct",
            "Kimi-K2-Instruct",
            "Kimi-K2-Thinking",
            "Qwen3-Coder",
            "MiniMax-M2",
            "google-gemma-4-31B-it",
            "mistralai-Ministral-3-14B-Reasoning-2512",
        ],
        "it was changed for an inference engine: the catalog has the one of the model's repository",
    ),
    (&["gemma-7b-it"], "it leaves the first token to the tokenizer"),
    (
        &["deepseek-ai-DeepSeek-V3.1", "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B"],
        "it closes the thought that the model's card leaves open or closed by itself",
    ),
    (&["llama-cpp-deepseek-r1"], "it ends user turns with a token, which the model's own template does not"),
    (
        &["dbrx-instruct", "ibm-granite-granite-3.3-2B-Instruct"],
        "it begins with a long or dated system message that the model does not need",
    ),
    (
        &[
            "alpaca-vllm",
            "falcon-h1-axolotl",
            "llama4-pythonic-vllm",
            "phi4-mini-tool-vllm",
            "qwen3-training-trl",
            "hermes-tool-vllm",
            "mistral-tool-vllm",
            "granite-20b-fc-vllm",
            "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use",
            "NousResearch-Hermes-3-Llama-3.1-8B-tool_use",
            "CohereForAI-c4ai-command-r-plus-tool_use",
            "CohereForAI-c4ai-command-r7b-12-2024-tool_use",
        ],
        "it is made for a server's tool calls or for training, not the model's own",
    ),
    (
        &[
            "ChatGLM4",
            "FusionNet-34Bx2-MoE",
            "NVIDIA-Nemotron-Nano-v2",
            "Orion-14B-Chat",
            "Reka-Edge",
            "StepFun3.5-Flash",
            "YandexGPT-5-Lite",
            "fireworks-ai-llama-3-firefunction-v2",
            "jamba-axolotl",
            "llama-cpp-rwkv-world",
            "meetkai-functionary-medium-v3.1",
            "meetkai-functionary-medium-v3.2",
        ],
        "the catalog has no such family; its template has to be given",
    ),
];

/// Families (none: all), conversations, and why they differ.
const DIFFERENT: &[(&[&str], &[&str], &str)] = &[
    (&[], &["unknown_role"], "originals leave a role they do not know out; ours keeps what was said"),
    (&[], &["tool_round_str"], "arguments that are a JSON text are printed as JSON, not as a text in a text"),
    (
        &[
            "chatml",
            "llama-3",
            "phi-3",
            "phi-4",
            "falcon-180b",
            "zephyr",
            "deepseek-r1",
            "deepseek-v2",
            "deepseek-coder",
            "granite-3",
            "smollm",
            "openchat",
        ],
        &["tool_round", "tool_round_noid", "tool_args_types", "reasoning_tool"],
        "these originals drop the tool calls; ours prints them",
    ),
    (
        &["command-a"],
        &[
            "tools_defs",
            "tools_nosys",
            "tools_types",
            "tool_round",
            "tool_round_noid",
            "tool_args_types",
            "reasoning_tool",
            "date_kwargs",
        ],
        "this original drops tools; ours is the model's other template with them",
    ),
    (&["llama-3.1", "llama-3.2"], &["tool_round_noid"], "the original drops the text beside a tool call"),
    (&["llama-3.1"], &["date_kwargs"], "`builtin_tools` (a search engine, an interpreter) are not offered"),
    (
        &["llama-3", "llama-3.1", "llama-3.2", "nemotron-3-nano", "exaone-4.0", "command-a"],
        &["parts_text"],
        "originals print content in parts as a Python list, or drop it; ours prints its text",
    ),
    (
        &["codellama-70b", "llama-3", "phi-4"],
        &["u_single_noagp", "ends_assistant"],
        "these originals add a generation prompt that was not asked for",
    ),
    (
        &["llama-2", "mistral-v1", "mistral-v3", "mistral-tekken", "gemma", "phi-4"],
        &["system_only"],
        "originals drop a system message without a user turn; ours keeps it",
    ),
    (&["gemma"], &["empty_content", "ws_ascii"], "the original trims the system message and the turn one by one"),
    (
        &["mistral-v3", "mistral-tekken"],
        &["tools_defs", "tools_types", "tool_args_types", "reasoning_tool"],
        "the original writes descriptions without JSON escapes and drops the key `return`; ours writes valid JSON",
    ),
    (
        &["mistral-v7"],
        &["tools_defs", "tools_nosys", "tools_types", "date_kwargs"],
        "the recorded template of Mistral Large 2411 knows no tools; the model does",
    ),
    (
        &["mistral-v7-tekken"],
        &[
            "u_single",
            "u_single_noagp",
            "multi_nosys",
            "ends_assistant",
            "very_long",
            "tools_nosys",
            "tools_types",
            "tool_round",
            "tool_round_noid",
            "tool_args_types",
            "reasoning_field",
            "reasoning_tool",
            "thinking_off",
            "documents",
            "special_tokens_in_text",
            "null_content",
            "empty_content",
        ],
        "the long default system message of the original is left out",
    ),
    (
        &["qwq"],
        &[
            "u_single",
            "sys_user",
            "multi_sys",
            "multi_nosys",
            "unicode_emoji",
            "html_special",
            "empty_content",
            "ws_ascii",
            "very_long",
            "tools_defs",
            "tools_nosys",
            "tools_types",
            "tool_round",
            "tool_round_noid",
            "tool_args_types",
            "consecutive_users",
            "reasoning_field",
            "reasoning_tool",
            "thinking_off",
            "documents",
            "special_tokens_in_text",
            "system_only",
            "date_kwargs",
        ],
        "the recorded template closes the thought it opens unless `enable_thinking` is set; the model wants it open",
    ),
    (&["phi-4"], &["consecutive_users"], "the original opens an answer behind every user turn"),
    (&["gpt-oss"], &["ends_assistant"], "the original ends a last answer as for training, with <|return|>"),
    (
        &["gpt-oss"],
        &["tools_types", "tool_args_types"],
        "the original writes `any` for objects in arrays and breaks lines inside nested types",
    ),
    (&["gpt-oss"], &["date_kwargs"], "`builtin_tools` (a browser, an interpreter) are not offered"),
];

fn main() {
    let arguments = Arguments::from_args();
    let tests = match vectors::folder("chat-templates") {
        Some(folder) => trials(&folder),
        None => vec![vectors::absent("catalog_goldens")],
    };
    libtest_mimic::run(&arguments, tests).exit();
}

fn trials(folder: &Path) -> Vec<Trial> {
    let conversations = vectors::json_lines(&folder.join("conversations.jsonl"));
    let conversations: HashMap<String, Value> =
        conversations.into_iter().map(|entry| (entry["id"].as_str().unwrap().to_owned(), entry)).collect();
    let conversations = Arc::new(conversations);
    let trial = |(family, original): &(&'static str, &'static str)| {
        let golden = folder.join("goldens").join(format!("{original}.jsonl"));
        let (family, conversations) = (*family, Arc::clone(&conversations));
        Trial::test(format!("{family} as {original}"), move || compare(family, &golden, &conversations))
    };
    let mut trials: Vec<Trial> = ORIGINALS.iter().map(trial).collect();
    let goldens = folder.join("goldens");
    trials.push(Trial::test("every recorded template is compared or listed", move || account_for_all(&goldens)));
    trials
}

/// Finds the recorded templates by glob: none may be forgotten, and no list may name one that is
/// not there.
fn account_for_all(goldens: &Path) -> Result<(), Failed> {
    let mut recorded: Vec<String> = std::fs::read_dir(goldens)?
        .filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    recorded.sort();
    let compared = ORIGINALS.iter().map(|(_, original)| *original);
    let listed = NOT_COMPARED.iter().flat_map(|(names, _)| names.iter().copied());
    let mut known: Vec<&str> = compared.chain(listed).collect();
    known.sort_unstable();
    let missing: Vec<&String> = recorded.iter().filter(|name| !known.contains(&name.as_str())).collect();
    let gone: Vec<&str> =
        known.iter().copied().filter(|name| !recorded.iter().any(|recorded| recorded == name)).collect();
    known.dedup();
    if missing.is_empty() && gone.is_empty() && known.len() == recorded.len() {
        return Ok(());
    }
    Err(format!("neither compared nor listed: {missing:?}; listed but not recorded: {gone:?}").into())
}

fn compare(family: &str, golden: &Path, conversations: &HashMap<String, Value>) -> Result<(), Failed> {
    let template = catalog::by_name(family).unwrap().template();
    let (mut differences, mut equal) = (Vec::new(), 0);
    for case in vectors::json_lines(golden) {
        let id = case["conversation"].as_str().unwrap();
        // Where the original fails, ours works: that is tested elsewhere.
        let Some(expected) = case.get("output").and_then(Value::as_str) else { continue };
        let entry = &conversations[id];
        let kwargs = entry["kwargs"].as_object().unwrap();
        let mut conversation = Conversation::new(entry["messages"].as_array().unwrap())
            .add_generation_prompt(entry["add_generation_prompt"].as_bool().unwrap())
            .kwargs(kwargs);
        if let Some(tools) = entry["tools"].as_array() {
            conversation = conversation.tools(tools);
        }
        conversation.documents = entry["documents"].as_array().map(Vec::as_slice);
        let rendered = template.render(&conversation, &vectors::recorded_at);
        let listed = DIFFERENT
            .iter()
            .any(|(families, ids, _)| (families.is_empty() || families.contains(&family)) && ids.contains(&id));
        match rendered {
            Ok(text) if text == expected => equal += 1,
            _ if listed => {}
            Ok(text) => differences.push(format!("{id}: expected {expected:?}\n     got {text:?}")),
            Err(error) => differences.push(format!("{id}: {error}")),
        }
    }
    if equal == 0 {
        differences.push("no conversation is equal".to_owned());
    }
    vectors::report(&differences)
}
