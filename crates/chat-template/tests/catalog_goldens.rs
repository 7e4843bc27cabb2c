//! The catalog's own templates against the models' originals: for each family, what `transformers` rendered with the
//! model's template must be what ours renders, for every conversation the original renders at all.
//!
//! [`DIFFERENT`] lists the conversations on which a family differs on purpose, each with its reason.

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
    ("falcon", "falcon-instruct-vllm"),
    ("falcon-180b", "falcon-180b-chat-vllm"),
    ("zephyr", "zephyr-7b-beta"),
    ("deepseek-r1", "deepseek-ai-DeepSeek-R1-Distill-Llama-8B"),
    ("deepseek-v2", "DeepSeek-V2"),
    ("deepseek-coder", "deepseek-coder-33b-instruct"),
    ("granite-3", "granite-3.0-8b-instruct"),
    ("command-r", "command-r-plus-default"),
    ("gpt-oss", "openai-gpt-oss-120b"),
    ("smollm", "SmolLM2-1.7B-Instruct"),
    ("smollm-3", "HuggingFaceTB-SmolLM3-3B"),
    ("openchat", "openchat-3.5-0106"),
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
            "falcon",
            "falcon-180b",
            "zephyr",
            "deepseek-r1",
            "deepseek-v2",
            "deepseek-coder",
            "granite-3",
            "smollm",
            "smollm-3",
            "openchat",
        ],
        &["tool_round", "tool_round_noid", "tool_args_types", "reasoning_tool"],
        "these originals drop the tool calls; ours prints them",
    ),
    (&["llama-3.1", "llama-3.2"], &["tool_round_noid"], "the original drops the text beside a tool call"),
    (&["llama-3.1"], &["date_kwargs"], "`builtin_tools` (a search engine, an interpreter) are not offered"),
    (
        &["llama-3", "llama-3.1", "llama-3.2", "smollm-3"],
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
        &["mistral-v7-tekken", "deepseek-coder", "smollm-3"],
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
    (
        &["falcon"],
        &[
            "sys_user",
            "multi_sys",
            "unicode_emoji",
            "html_special",
            "empty_content",
            "ws_ascii",
            "tools_defs",
            "consecutive_users",
            "system_only",
            "date_kwargs",
        ],
        "the original drops the system message; ours puts it into the first user turn",
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
    ORIGINALS.iter().map(trial).collect()
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
