//! A template and a conversation, both from outside.
//!
//! The input is a template, a line `=====`, and a JSON object with `messages` and, if wanted,
//! `tools`, `documents`, `kwargs` and the two switches. Without that line the whole input is the
//! template.

use std::time::UNIX_EPOCH;

use sagewire_chat_template::{ChatTemplate, Conversation, Limits, SpecialTokens};
use serde_json::{Value, json};

use super::Bound;

const BORDER: &str = "\n=====\n";

/// Little fuel: one input may not take long.
fn limits() -> Limits {
    Limits::default().fuel(50_000).output_bytes(256 << 10)
}

/// The template's own limits bound what it makes of its text, whatever the text.
pub const BOUND: Bound = Bound { peak_per_byte: 2_000, bytes_per_byte: 8_000, free: 64 << 20 };

/// Compiles the template and renders the conversation with it.
pub fn read(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (source, conversation) = text.split_once(BORDER).unwrap_or((text, ""));
    let Ok(template) = ChatTemplate::from_jinja_within(source, SpecialTokens::new(), limits()) else { return };
    let given: Value = serde_json::from_str(conversation).unwrap_or_default();
    let messages = given.get("messages").and_then(Value::as_array).cloned().unwrap_or_default();
    let _ = template.render(&Conversation::new(&messages), &|| UNIX_EPOCH);
}

/// No panic; rendering ends with a prompt within its bounds or with an error that says something,
/// and always with the same one.
///
/// # Panics
/// Where this is not so.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (source, conversation) = text.split_once(BORDER).unwrap_or((text, ""));
    let tokens = SpecialTokens::new().with("bos_token", "<s>").with("eos_token", "</s>");
    let template = match ChatTemplate::from_jinja_within(source, tokens, limits()) {
        Ok(template) => template,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };

    let usual = || json!({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]});
    let given: Value = serde_json::from_str(conversation).unwrap_or_else(|_| usual());
    let list = |name: &str| given.get(name).and_then(Value::as_array).map(Vec::as_slice);
    let flag = |name: &str| given.get(name).and_then(Value::as_bool);
    let mut conversation = Conversation::new(list("messages").unwrap_or_default())
        .add_generation_prompt(flag("add_generation_prompt").unwrap_or(true));
    if let Some(tools) = list("tools") {
        conversation = conversation.tools(tools);
    }
    if let Some(documents) = list("documents") {
        conversation = conversation.documents(documents);
    }
    if let Some(kwargs) = given.get("kwargs").and_then(Value::as_object) {
        conversation = conversation.kwargs(kwargs);
    }
    if flag("continue_final_message") == Some(true) {
        conversation = conversation.continue_final_message();
    }
    for template in [template.clone(), template.adapting()] {
        let render = || template.render(&conversation, &|| UNIX_EPOCH).map_err(|error| error.to_string());
        let rendered = render();
        match &rendered {
            Ok(prompt) => assert!(prompt.len() <= limits().output_bytes, "{} bytes", prompt.len()),
            Err(sentence) => assert!(!sentence.is_empty()),
        }
        assert_eq!(render(), rendered, "the same question gives another prompt");
    }
}
