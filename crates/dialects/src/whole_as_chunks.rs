//! A whole answer as the chunks of a stream.
//!
//! Owns that one turn: for containers that do not stream, and for streams that the operator wants
//! made from whole answers.

use std::sync::Arc;

use sagewire_types::{ChatChunk, ChatResponse, Choice, ChunkChoice, FunctionCallDelta, Role, ToolCall, ToolCallDelta};

use crate::finish_reason;

/// The chunks of this answer: for each choice a word at a time and then its end, then the usage
/// where it was asked for.
pub fn into_chunks(response: ChatResponse, include_usage: bool) -> Vec<ChatChunk> {
    let ChatResponse { id, created, model, choices, usage, extra, .. } = response;
    let (id, model): (Arc<str>, Arc<str>) = (id.into(), model.into());
    let chunk = |choices| ChatChunk::new(id.clone(), model.clone(), created, choices);
    let mut chunks: Vec<ChatChunk> = choices.into_iter().flat_map(pieces).map(|choice| chunk(vec![choice])).collect();
    if let Some(first) = chunks.first_mut() {
        first.extra = extra;
    }
    if let Some(usage) = usage.filter(|_| include_usage) {
        let mut last = chunk(Vec::new());
        last.usage = Some(usage);
        chunks.push(last);
    }
    chunks
}

fn pieces(choice: Choice) -> Vec<ChunkChoice> {
    let (index, message) = (choice.index, choice.message);
    let mut first = ChunkChoice::default().at(index);
    first.delta.role = Some(Role::Assistant);
    first.delta.reasoning_content = message.reasoning_content;
    first.delta.extra = message.extra;
    first.logprobs = choice.logprobs;
    let has_calls = !message.tool_calls.is_empty();
    let content = message.content.unwrap_or_default();
    let mut words = words(&content);
    first.delta.content = words.next().map(str::to_owned);
    let mut pieces = vec![first];
    pieces.extend(words.map(|word| ChunkChoice::text(word).at(index)));
    if !message.tool_calls.is_empty() {
        let mut calls = ChunkChoice::default().at(index);
        calls.delta.tool_calls =
            message.tool_calls.into_iter().zip(0..).map(|(call, place)| delta(call, place)).collect();
        pieces.push(calls);
    }
    let mut last = ChunkChoice::default().at(index);
    last.finish_reason = Some(finish_reason::of_ended(choice.finish_reason, has_calls));
    last.extra = choice.extra;
    pieces.push(last);
    pieces
}

/// Cuts after each blank, so that the pieces joined are the text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(char::is_whitespace)
}

fn delta(call: ToolCall, index: u32) -> ToolCallDelta {
    let function = FunctionCallDelta { name: Some(call.function.name), arguments: Some(call.function.arguments) };
    let mut delta = ToolCallDelta::default();
    delta.index = Some(index);
    delta.id = Some(call.id);
    delta.kind = Some(call.kind);
    delta.function = Some(function);
    delta.extra = call.extra;
    delta
}

#[cfg(test)]
mod tests {
    use sagewire_types::{ChunkCollector, FinishReason};

    use super::*;

    #[test]
    fn the_chunks_add_up_to_the_answer() {
        let json = r#"{"id":"i","object":"chat.completion","created":3,"model":"m","choices":[
            {"index":0,"message":{"role":"assistant","content":"a b\n","reasoning_content":"r"},"finish_reason":"length","logprobs":{"content":[1]}},
            {"index":1,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls","stop_reason":7}
        ],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3},"system_fingerprint":"x"}"#;
        let response: ChatResponse = serde_json::from_str(json).unwrap();
        let mut collector = ChunkCollector::new();
        for chunk in into_chunks(response.clone(), true) {
            collector.push(chunk);
        }
        assert_eq!(collector.finish(), response);
    }

    #[test]
    fn usage_nobody_asked_for_is_left_out() {
        let mut response = ChatResponse::text("m", "a", FinishReason::Stop);
        response.usage = Some(sagewire_types::Usage::reported(1, 1));
        let chunks = into_chunks(response, false);
        assert!(chunks.len() == 2 && chunks.iter().all(|chunk| chunk.usage.is_none()));
    }
}
