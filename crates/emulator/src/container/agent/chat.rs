//! The model's turn as a chat completion, in vLLM's form.

use serde_json::{Value, json};

use super::{
    super::{reply::ContainerReply, speech::tokens},
    conversation::Conversation,
    task::{self, Turn},
};

pub(super) fn answer(conversation: &Conversation, seed: u64) -> ContainerReply {
    let turn = task::next(conversation, seed);
    let finish_reason = if turn.calls.is_empty() { "stop" } else { "tool_calls" };
    let usage = json!({
        "prompt_tokens": conversation.prompt_tokens, "completion_tokens": turn.tokens(),
        "total_tokens": conversation.prompt_tokens + turn.tokens(),
    });
    let envelope = |object: &str, choices: Value, usage: Value| {
        json!({
            "id": format!("chatcmpl-{seed:016x}"), "object": object, "created": 1_700_000_000, "model": conversation.model,
            "choices": choices, "usage": usage,
        })
    };
    if !conversation.is_streaming {
        let message = json!({
            "role": "assistant", "content": some(&turn.text), "reasoning": some(&turn.thoughts),
            "tool_calls": turn.calls.iter().map(|call| json!({
                "id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments},
            })).collect::<Vec<_>>(),
        });
        let choice = json!([{"index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason, "stop_reason": null}]);
        return ContainerReply::json(200, &envelope("chat.completion", choice, usage));
    }
    let mut chunks: Vec<Value> = deltas(&turn)
        .into_iter()
        .map(|delta| {
            let choice = json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": null}]);
            envelope("chat.completion.chunk", choice, Value::Null)
        })
        .collect();
    let last =
        json!([{"index": 0, "delta": {}, "logprobs": null, "finish_reason": finish_reason, "stop_reason": null}]);
    chunks.push(envelope("chat.completion.chunk", last, Value::Null));
    if conversation.include_usage {
        chunks.push(envelope("chat.completion.chunk", json!([]), usage));
    }
    let mut body: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    body.push_str("data: [DONE]\n\n");
    ContainerReply::new(200, "text/event-stream; charset=utf-8", body)
}

fn deltas(turn: &Turn) -> Vec<Value> {
    let mut deltas = vec![json!({"role": "assistant", "content": ""})];
    deltas.extend(tokens(&turn.thoughts).into_iter().map(|piece| json!({ "reasoning": piece })));
    deltas.extend(tokens(&turn.text).into_iter().map(|piece| json!({ "content": piece })));
    for (index, call) in turn.calls.iter().enumerate() {
        let function = json!({"name": call.name, "arguments": ""});
        deltas.push(json!({"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}]}));
        for piece in tokens(&call.arguments) {
            deltas.push(json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}));
        }
    }
    deltas
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
