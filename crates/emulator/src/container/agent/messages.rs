//! The model's turn in Anthropic's Messages API, as vLLM's own route answers it: <https://docs.anthropic.com/en/api/messages>

use serde_json::{Value, json};

use super::{
    super::{reply::ContainerReply, speech::tokens},
    conversation::Conversation,
    named_events,
    task::{self, Turn},
};

pub(super) fn answer(conversation: &Conversation, seed: u64) -> ContainerReply {
    let turn = task::next(conversation, seed);
    let stop_reason = if turn.calls.is_empty() { "end_turn" } else { "tool_use" };
    let message = |content: Value, stop_reason: Value, output_tokens: usize| {
        json!({
            "id": format!("msg_{seed:016x}"), "type": "message", "role": "assistant", "content": content, "model": conversation.model,
            "stop_reason": stop_reason, "stop_sequence": null,
            "usage": {"input_tokens": conversation.prompt_tokens, "output_tokens": output_tokens},
        })
    };
    if !conversation.is_streaming {
        let content: Vec<Value> = blocks(&turn).into_iter().map(|block| block.whole).collect();
        return ContainerReply::json(200, &message(json!(content), json!(stop_reason), turn.tokens()));
    }
    let mut events = vec![json!({"type": "message_start", "message": message(json!([]), Value::Null, 0)})];
    for (index, block) in blocks(&turn).into_iter().enumerate() {
        events.push(json!({"type": "content_block_start", "index": index, "content_block": block.start}));
        for delta in block.deltas {
            events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    events.push(json!({
        "type": "message_delta", "delta": {"stop_reason": stop_reason, "stop_sequence": null},
        "usage": {"input_tokens": conversation.prompt_tokens, "output_tokens": turn.tokens()},
    }));
    events.push(json!({"type": "message_stop"}));
    named_events(&events)
}

/// A block of the content, whole and in pieces.
struct Block {
    whole: Value,
    start: Value,
    deltas: Vec<Value>,
}

fn blocks(turn: &Turn) -> Vec<Block> {
    let mut blocks = Vec::new();
    if !turn.thoughts.is_empty() {
        let pieces =
            tokens(&turn.thoughts).into_iter().map(|piece| json!({"type": "thinking_delta", "thinking": piece}));
        blocks.push(Block {
            whole: json!({"type": "thinking", "thinking": turn.thoughts, "signature": ""}),
            start: json!({"type": "thinking", "thinking": "", "signature": ""}),
            deltas: pieces.collect(),
        });
    }
    if !turn.text.is_empty() {
        let pieces = tokens(&turn.text).into_iter().map(|piece| json!({"type": "text_delta", "text": piece}));
        blocks.push(Block {
            whole: json!({"type": "text", "text": turn.text}),
            start: json!({"type": "text", "text": ""}),
            deltas: pieces.collect(),
        });
    }
    for call in &turn.calls {
        let input: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
        let pieces = tokens(&call.arguments).into_iter();
        blocks.push(Block {
            whole: json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input}),
            start: json!({"type": "tool_use", "id": call.id, "name": call.name, "input": {}}),
            deltas: pieces.map(|piece| json!({"type": "input_json_delta", "partial_json": piece})).collect(),
        });
    }
    blocks
}
