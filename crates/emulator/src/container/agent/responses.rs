//! The model's turn in OpenAI's Responses API, as vLLM's own route answers it: <https://platform.openai.com/docs/api-reference/responses>

use serde_json::{Value, json};

use super::{
    super::{openai::extended, reply::ContainerReply, speech::tokens},
    conversation::Conversation,
    named_events,
    task::{self, Turn},
};

pub(super) fn answer(conversation: &Conversation, seed: u64) -> ContainerReply {
    let turn = task::next(conversation, seed);
    let items = items(&turn, seed);
    let output: Vec<&Value> = items.iter().map(|item| &item.whole).collect();
    let usage = json!({
        "input_tokens": conversation.prompt_tokens, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": turn.tokens(), "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": conversation.prompt_tokens + turn.tokens(),
    });
    let response = |status: &str, output: Value, usage: Value| {
        json!({
            "id": format!("resp_{seed:016x}"), "object": "response", "created_at": 1_700_000_000, "status": status,
            "model": conversation.model, "output": output, "usage": usage, "error": null, "incomplete_details": null,
            "instructions": null, "metadata": {}, "parallel_tool_calls": true, "temperature": 1.0, "tool_choice": "auto", "tools": [],
            "top_p": 1.0, "background": false, "truncation": "disabled",
        })
    };
    let whole = response("completed", json!(output), usage);
    if !conversation.is_streaming {
        return ContainerReply::json(200, &whole);
    }
    let begun = response("in_progress", json!([]), Value::Null);
    let mut events = vec![
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.in_progress", "response": begun}),
    ];
    for (index, item) in items.iter().enumerate() {
        events.push(json!({"type": "response.output_item.added", "output_index": index, "item": item.start}));
        events.extend(item.events.iter().map(|event| extended(event.clone(), [("output_index", json!(index))])));
        events.push(json!({"type": "response.output_item.done", "output_index": index, "item": item.whole}));
    }
    events.push(json!({"type": "response.completed", "response": whole}));
    let numbered =
        events.into_iter().enumerate().map(|(number, event)| extended(event, [("sequence_number", json!(number))]));
    named_events(&numbered.collect::<Vec<_>>())
}

/// An item of the output, whole and in events.
struct Item {
    whole: Value,
    start: Value,
    events: Vec<Value>,
}

fn items(turn: &Turn, seed: u64) -> Vec<Item> {
    let mut items = Vec::new();
    if !turn.thoughts.is_empty() {
        let id = format!("rs_{seed:016x}");
        let item = |content: Value, status: &str| json!({"type": "reasoning", "id": id, "summary": [], "content": content, "encrypted_content": null, "status": status});
        let part = |text: &str| json!({"type": "reasoning_text", "text": text});
        items.push(Item {
            whole: item(json!([part(&turn.thoughts)]), "completed"),
            start: item(json!([]), "in_progress"),
            events: content_events(&id, "response.reasoning_text", &turn.thoughts, &part),
        });
    }
    if !turn.text.is_empty() {
        let id = format!("msg_{seed:016x}");
        let item = |content: Value, status: &str| json!({"type": "message", "id": id, "role": "assistant", "content": content, "status": status});
        let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
        items.push(Item {
            whole: item(json!([part(&turn.text)]), "completed"),
            start: item(json!([]), "in_progress"),
            events: content_events(&id, "response.output_text", &turn.text, &part),
        });
    }
    for (place, call) in turn.calls.iter().enumerate() {
        let id = format!("fc_{seed:016x}_{place}");
        let item = |arguments: &str, status: &str| {
            let item = json!({"type": "function_call", "id": id, "call_id": call.id, "name": call.name, "arguments": arguments, "status": status});
            extended(item, call.namespace.as_deref().map(|namespace| ("namespace", json!(namespace))))
        };
        let mut events: Vec<Value> = tokens(&call.arguments)
            .into_iter()
            .map(|piece| json!({"type": "response.function_call_arguments.delta", "item_id": id, "delta": piece}))
            .collect();
        events.push(json!({"type": "response.function_call_arguments.done", "item_id": id, "name": call.name, "arguments": call.arguments}));
        items.push(Item { whole: item(&call.arguments, "completed"), start: item("", "in_progress"), events });
    }
    items
}

/// The events of a text: `kind` is what they are called before `.delta` and `.done`.
fn content_events(item_id: &str, kind: &str, text: &str, part: &dyn Fn(&str) -> Value) -> Vec<Value> {
    let event = |kind: &str, members: Value| {
        let event = json!({"type": kind, "item_id": item_id, "content_index": 0});
        extended(event, members.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value.clone())))
    };
    // Only of what is said there may be log probabilities.
    let with_logprobs = |members: Value| match kind {
        "response.output_text" => extended(members, [("logprobs", json!([]))]),
        _ => members,
    };
    let mut events = vec![event("response.content_part.added", json!({ "part": part("") }))];
    for piece in tokens(text) {
        events.push(event(&format!("{kind}.delta"), with_logprobs(json!({ "delta": piece }))));
    }
    events.push(event(&format!("{kind}.done"), with_logprobs(json!({ "text": text }))));
    events.push(event("response.content_part.done", json!({ "part": part(text) })));
    events
}
