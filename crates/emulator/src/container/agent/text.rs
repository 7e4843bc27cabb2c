//! The model's turn as a text, with thoughts and calls in the form of Hermes and Qwen.

use serde_json::Value;

use super::{
    super::{reply::ContainerReply, tgi::Generate},
    conversation::Conversation,
    task::{self, Turn},
};

pub(super) fn answer(request: &Generate, seed: u64) -> ContainerReply {
    request.saying(&text(&task::next(&Conversation::of_prompt(request.inputs()), seed)))
}

fn text(turn: &Turn) -> String {
    let mut text = String::new();
    if !turn.thoughts.is_empty() {
        text.push_str(&format!("<think>\n{}\n</think>\n\n", turn.thoughts));
    }
    text.push_str(&turn.text);
    for call in &turn.calls {
        let name = Value::from(call.name.as_str());
        text.push_str(&format!("\n<tool_call>\n{{\"name\": {name}, \"arguments\": {}}}\n</tool_call>", call.arguments));
    }
    text
}
