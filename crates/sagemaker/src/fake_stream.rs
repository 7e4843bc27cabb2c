//! Streams for containers that cannot stream: a whole reply, cut into chunks.
//!
//! Owns the cut alone; it is asked for by the setting `fake_stream`.

use std::sync::Arc;

use futures_util::{Stream, stream};
use sagewire_types::{
    ChatChunk, ChatResponse, Choice, ChunkChoice, Error, FunctionCallDelta, Role, ToolCall, ToolCallDelta,
};

/// The chunks of a whole reply: a word at a time, then each choice's end, then the usage where it is wanted.
pub(crate) fn chunks(
    response: ChatResponse,
    include_usage: bool,
) -> impl Stream<Item = Result<ChatChunk, Error>> + Send + 'static {
    let (id, model): (Arc<str>, Arc<str>) = (response.id.into(), response.model.into());
    let created = response.created;
    let chunk = move |choices| ChatChunk::new(Arc::clone(&id), Arc::clone(&model), created, choices);
    let mut chunks: Vec<ChatChunk> =
        response.choices.into_iter().flat_map(pieces).map(|piece| chunk(vec![piece])).collect();
    if let Some(usage) = response.usage.filter(|_| include_usage) {
        let mut last = chunk(Vec::new());
        last.usage = Some(usage);
        chunks.push(last);
    }
    stream::iter(chunks.into_iter().map(Ok))
}

fn pieces(choice: Choice) -> Vec<ChunkChoice> {
    let index = choice.index;
    let message = choice.message;
    let mut first = ChunkChoice::default().at(index);
    first.delta.role = Some(Role::Assistant);
    first.delta.reasoning_content = message.reasoning_content;
    first.delta.extra = message.extra;
    first.logprobs = choice.logprobs;
    let mut pieces = vec![first];
    let content = message.content.unwrap_or_default();
    pieces.extend(words(&content).map(|word| ChunkChoice::text(word).at(index)));
    if !message.tool_calls.is_empty() {
        let mut calls = ChunkChoice::default().at(index);
        calls.delta.tool_calls =
            message.tool_calls.into_iter().zip(0..).map(|(call, place)| delta(call, place)).collect();
        pieces.push(calls);
    }
    let mut last = ChunkChoice::default().at(index);
    last.finish_reason = choice.finish_reason;
    last.extra = choice.extra;
    pieces.push(last);
    pieces
}

/// Cuts after each run of blanks, so that the pieces joined are the text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(char::is_whitespace)
}

fn delta(call: ToolCall, index: u32) -> ToolCallDelta {
    let mut delta = ToolCallDelta::default();
    delta.index = index;
    delta.id = Some(call.id);
    delta.kind = Some(call.kind);
    delta.function =
        Some(FunctionCallDelta { name: Some(call.function.name), arguments: Some(call.function.arguments) });
    delta.extra = call.extra;
    delta
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use sagewire_types::{ChatStream, ReplyMeta};

    use super::*;

    #[test]
    fn the_chunks_joined_are_the_reply() {
        let response: ChatResponse = serde_json::from_str(
            r#"{"id":"i","object":"chat.completion","created":7,"model":"m","choices":[
                {"index":0,"message":{"role":"assistant","content":"two  words\n","reasoning_content":"hm"},"finish_reason":"length"},
                {"index":1,"message":{"role":"assistant","content":"","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}
            ],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#,
        )
        .unwrap();
        let stream = ChatStream::new(ReplyMeta::default(), chunks(response.clone(), true));
        let mut collected = stream.collect_reply().now_or_never().unwrap().unwrap().value;
        collected.choices[1].message.content.get_or_insert_default();
        assert_eq!(collected, response);
    }
}
