//! Real templates of the Hub with recorded conversations: every prompt must equal, byte for byte,
//! what `transformers` 5.23 rendered, and every failure must be the same failure.
//!
//! One test per template. The recorded values of `CONTINUE...` and batches are not part of the
//! vectors.

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
use sagewire_chat_template::{ChatTemplate, Conversation, SpecialTokens, TemplateError};
use serde_json::Value;

fn main() {
    let arguments = Arguments::from_args();
    let tests = match vectors::folder("chat-templates") {
        Some(folder) => trials(&folder),
        None => vec![vectors::absent("goldens")],
    };
    libtest_mimic::run(&arguments, tests).exit();
}

fn trials(folder: &Path) -> Vec<Trial> {
    let conversations = vectors::json_lines(&folder.join("conversations.jsonl"));
    let conversations: HashMap<String, Value> =
        conversations.into_iter().map(|entry| (entry["id"].as_str().unwrap().to_owned(), entry)).collect();
    let conversations = Arc::new(conversations);
    let mut files: Vec<_> =
        std::fs::read_dir(folder.join("goldens")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 85, "the vectors hold 85 templates");
    let trial = |golden: std::path::PathBuf| {
        let name = golden.file_stem().unwrap().to_str().unwrap().to_owned();
        let template = folder.join("templates").join(format!("{name}.jinja"));
        let conversations = Arc::clone(&conversations);
        Trial::test(name, move || compare(&template, &golden, &conversations))
    };
    files.into_iter().map(trial).collect()
}

fn compare(template: &Path, golden: &Path, conversations: &HashMap<String, Value>) -> Result<(), Failed> {
    let source = std::fs::read_to_string(template)?;
    let cases = vectors::json_lines(golden);
    assert_eq!(cases.len(), 29, "each template has 29 conversations");
    let mut differences = Vec::new();
    for case in &cases {
        let id = case["conversation"].as_str().unwrap();
        let rendered = render(&source, case, &conversations[id]);
        if let Some(difference) = difference(case, &rendered) {
            differences.push(format!("{id}: {difference}"));
        }
    }
    vectors::report(&differences)
}

fn render(source: &str, case: &Value, entry: &Value) -> Result<String, TemplateError> {
    let mut kwargs = case["kwargs"].as_object().unwrap().clone();
    let mut tokens = SpecialTokens::new();
    for name in ["bos_token", "eos_token"] {
        if let Some(text) = kwargs.remove(name) {
            tokens = tokens.with(name, text.as_str().unwrap());
        }
    }
    kwargs.remove("add_generation_prompt");
    let template = ChatTemplate::from_jinja(source, tokens)?;
    let mut conversation = Conversation::new(entry["messages"].as_array().unwrap())
        .add_generation_prompt(entry["add_generation_prompt"].as_bool().unwrap())
        .kwargs(&kwargs);
    if let Some(tools) = entry["tools"].as_array() {
        conversation = conversation.tools(tools);
    }
    if let Some(documents) = entry["documents"].as_array() {
        conversation = conversation.documents(documents);
    }
    template.render(&conversation, &vectors::recorded_at)
}

/// What differs: the text, or how it failed.
fn difference(case: &Value, rendered: &Result<String, TemplateError>) -> Option<String> {
    match (case.get("output").and_then(Value::as_str), rendered) {
        (Some(expected), Ok(text)) if expected == text => None,
        (Some(expected), Ok(text)) => Some(format!("expected {expected:?}\n     got {text:?}")),
        (Some(_), Err(error)) => Some(format!("failed: {error} ({error:?})")),
        (None, Ok(text)) => Some(format!("should fail with {}, but gave {text:?}", case["error"])),
        (None, Err(error)) => {
            let class = case["error"]["type"].as_str().unwrap();
            let message = case["error"]["message"].as_str().unwrap();
            let same = match error {
                TemplateError::Raised { message: raised } => class == "TemplateError" && raised == message,
                TemplateError::Undefined { .. } => class == "UndefinedError",
                TemplateError::Type { .. } => class == "TypeError",
                TemplateError::Forbidden { .. } => class == "SecurityError",
                TemplateError::Runtime { .. } => class == "TemplateRuntimeError",
                _ => false,
            };
            (!same).then(|| format!("should fail with {class}: {message}, but failed with {error:?}"))
        }
    }
}
