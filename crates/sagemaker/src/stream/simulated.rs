//! Streams for containers that cannot stream: a whole reply, cut into chunks.
//!
//! Owns the stream alone; it is asked for by the setting `fake_stream`, or follows from a door that
//! does not stream. The cut is the dialects'.

use futures_util::{Stream, stream};
use sagewire_types::{ChatChunk, ChatResponse, CompletionResponse, Error, ReplyMeta};

use sagewire_dialects::whole_as_chunks as whole;

/// The chunks of a whole reply: a word at a time, then each choice's end, then the usage where it
/// is wanted.
pub(crate) fn chunks(
    response: ChatResponse,
    include_usage: bool,
) -> impl Stream<Item = Result<ChatChunk, Error>> + Send + 'static {
    stream::iter(whole::into_chunks(response, include_usage).into_iter().map(Ok))
}

/// Notes that the stream was made of a whole reply.
pub(crate) fn mark(meta: &mut ReplyMeta) {
    meta.decisions.push(("simulated_stream", "true".to_owned()));
}

/// A whole completion as a stream: one piece, then the usage where it is wanted.
pub(crate) fn completion(
    mut response: CompletionResponse,
    include_usage: bool,
) -> impl Stream<Item = Result<CompletionResponse, Error>> + Send + 'static {
    let usage = response.usage.take();
    let mut pieces = vec![response.clone()];
    if include_usage && usage.is_some() {
        response.choices.clear();
        response.usage = usage;
        pieces.push(response);
    }
    stream::iter(pieces.into_iter().map(Ok))
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
