//! Conversations in OpenAI's form through published templates: the prompt must be what
//! `transformers` rendered of the same conversation in its own form.
//!
//! The recorded conversations are rewritten as OpenAI's clients send them: arguments of calls as
//! JSON texts, the system message as `developer` where the template does not know that role. Where
//! `transformers` refused the conversation, a prompt must come out that holds all that was said.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod vectors;

use std::path::Path;

use libtest_mimic::{Arguments, Failed, Trial};
use sagewire_chat_template::{ChatTemplate, Conversation, SpecialTokens};
use serde_json::Value;

/// Templates, conversations, and why the prompt differs on purpose.
const DIFFERENT: &[(&[&str], &[&str], &str)] = &[
    (&[], &["tool_round_str"], "arguments that are a JSON text are decoded; `transformers` writes a text in a text"),
    (&[], &["parts_text"], "the text of the parts; `transformers` prints them as a Python list, or nothing"),
];

/// Templates that refuse what `transformers` cannot render with them either, and why.
const REFUSING: &[(&[&str], &str)] = &[
    (&["Kimi-K2-Instruct", "Kimi-K2-Thinking"], "they change a list, which their sandbox forbids"),
    (
        &[
            "CohereForAI-c4ai-command-r-plus-tool_use",
            "CohereForAI-c4ai-command-r7b-12-2024-tool_use",
            "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use",
            "NousResearch-Hermes-3-Llama-3.1-8B-tool_use",
            "fireworks-ai-llama-3-firefunction-v2",
        ],
        "they need tools: each is a model's second template",
    ),
    (&["llama-cpp-deepseek-r1"], "it writes a generator as JSON, which fails in Python too"),
];

fn main() {
    let arguments = Arguments::from_args();
    let tests = match vectors::folder("chat-templates") {
        Some(folder) => trials(&folder),
        None => vec![vectors::absent("openai_conversations")],
    };
    libtest_mimic::run(&arguments, tests).exit();
}

fn trials(folder: &Path) -> Vec<Trial> {
    let conversations = vectors::json_lines(&folder.join("conversations.jsonl"));
    let mut files: Vec<_> =
        std::fs::read_dir(folder.join("goldens")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let trial = |golden: std::path::PathBuf| {
        let name = golden.file_stem().unwrap().to_str().unwrap().to_owned();
        let template = folder.join("templates").join(format!("{name}.jinja"));
        let conversations = conversations.clone();
        Trial::test(name.clone(), move || compare(&name, &template, &golden, &conversations))
    };
    files.into_iter().map(trial).collect()
}

fn compare(name: &str, template: &Path, golden: &Path, conversations: &[Value]) -> Result<(), Failed> {
    let source = std::fs::read_to_string(template)?;
    let mut differences = Vec::new();
    for case in vectors::json_lines(golden) {
        let id = case["conversation"].as_str().unwrap();
        let entry = conversations.iter().find(|entry| entry["id"] == id).unwrap();
        let messages = as_openai(entry["messages"].as_array().unwrap(), !source.contains("developer"));
        let rendered = render(&source, &case, entry, &messages);
        let listed = DIFFERENT.iter().any(|(names, ids, _)| {
            (names.is_empty() || names.contains(&name)) && (ids.is_empty() || ids.contains(&id))
        });
        let difference = match (case.get("output").and_then(Value::as_str), rendered) {
            (Some(expected), Ok(text)) if expected == text => None,
            (Some(expected), Ok(text)) => Some(format!("{id}: expected {expected:?}\n     got {text:?}")),
            (None, Ok(text)) => lost(&messages, &text).map(|lost| format!("{id}: {lost:?} is lost in {text:?}")),
            // A role that no template knows is the caller's fault.
            (None, Err(_)) if id == "unknown_role" || REFUSING.iter().any(|(names, _)| names.contains(&name)) => None,
            (_, Err(error)) => Some(format!("{id}: {error}")),
        };
        differences.extend(difference.filter(|_| !listed));
    }
    vectors::report(&differences)
}

/// The messages as OpenAI's clients send them.
fn as_openai(messages: &[Value], developer: bool) -> Vec<Value> {
    let mut messages = messages.to_vec();
    for message in &mut messages {
        if developer && message["role"] == "system" {
            message["role"] = "developer".into();
        }
        for call in message.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
            let arguments = &mut call["function"]["arguments"];
            if !arguments.is_string() {
                *arguments = arguments.to_string().into();
            }
        }
    }
    messages
}

/// A text of the conversation that the prompt does not hold.
fn lost<'m>(messages: &'m [Value], prompt: &str) -> Option<&'m str> {
    messages.iter().filter_map(|message| message["content"].as_str()).find(|text| !prompt.contains(text.trim()))
}

fn render(
    source: &str,
    case: &Value,
    entry: &Value,
    messages: &[Value],
) -> Result<String, sagewire_chat_template::TemplateError> {
    let mut kwargs = case["kwargs"].as_object().unwrap().clone();
    let mut tokens = SpecialTokens::new();
    for name in ["bos_token", "eos_token"] {
        if let Some(text) = kwargs.remove(name) {
            tokens = tokens.with(name, text.as_str().unwrap());
        }
    }
    kwargs.remove("add_generation_prompt");
    let mut conversation = Conversation::new(messages)
        .add_generation_prompt(entry["add_generation_prompt"].as_bool().unwrap())
        .kwargs(&kwargs);
    conversation.tools = entry["tools"].as_array().map(Vec::as_slice);
    conversation.documents = entry["documents"].as_array().map(Vec::as_slice);
    ChatTemplate::from_jinja(source, tokens)?.adapting().render(&conversation, &vectors::recorded_at)
}
