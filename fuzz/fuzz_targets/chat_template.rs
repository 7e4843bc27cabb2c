//! A template and a conversation, both from outside: rendering never panics, and stays within its bounds.
//!
//! The input is a template, a byte 0, and a JSON object with `messages` and, if wanted, `tools`, `documents`, `kwargs`
//! and the two switches. Without a byte 0 the whole input is the template.
//!
//! `cargo +nightly fuzz run chat_template -- -max_len=4096 -timeout=10 -detect_leaks=0`: the leak check takes an empty
//! shared object in a static for a leak.

#![no_main]

use std::time::UNIX_EPOCH;

use libfuzzer_sys::fuzz_target;
use sagewire_chat_template::{ChatTemplate, Conversation, Limits, SpecialTokens};
use serde_json::{Value, json};

/// Little fuel: one input may not take long.
fn limits() -> Limits {
    Limits::default().fuel(50_000).output_bytes(256 << 10)
}

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |byte| *byte == 0);
    let Ok(source) = std::str::from_utf8(parts.next().unwrap_or_default()) else { return };
    let tokens = SpecialTokens::new().with("bos_token", "<s>").with("eos_token", "</s>");
    let Ok(template) = ChatTemplate::from_jinja_within(source, tokens, limits()) else { return };

    let usual = || json!({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]});
    let given: Value = parts.next().and_then(|text| serde_json::from_slice(text).ok()).unwrap_or_else(usual);
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
        if let Ok(prompt) = template.render(&conversation, &|| UNIX_EPOCH) {
            assert!(prompt.len() <= limits().output_bytes, "{} bytes", prompt.len());
        }
    }
});
