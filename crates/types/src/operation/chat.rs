//! Chat: a conversation in, the assistant's next message out, whole or in chunks.

use super::{
    Counted, answer,
    tally::{Tally, in_bytes, tokens},
};
use crate::{ChatChunk, ChatRequest, ChatResponse, ChatStream, Content, Reply};

/// Role and separators of a message.
const TOKENS_PER_MESSAGE: usize = 4;

answer!(Chat, Reply<ChatResponse>);
answer!(ChatStream, ChatStream);

impl ChatRequest {
    /// About how many tokens the request has, guessed from the length of its text.
    #[must_use]
    pub fn estimated_tokens(&self) -> u64 {
        let counts = self.messages.iter().map(|message| {
            let text = message.content.as_ref().map_or(0, content_bytes);
            let calls: usize =
                message.tool_calls.iter().map(|call| call.function.name.len() + call.function.arguments.len()).sum();
            TOKENS_PER_MESSAGE + in_bytes(text + calls)
        });
        tokens(counts.sum())
    }
}

impl Counted for ChatResponse {
    fn tally(&self) -> Tally<'_> {
        let texts = self.choices.iter().filter_map(|choice| choice.message.content.as_ref());
        Tally::new(self.usage.as_ref(), texts.map(String::len).sum())
    }
}

impl Counted for ChatChunk {
    fn tally(&self) -> Tally<'_> {
        let texts = self.choices.iter().filter_map(|choice| choice.delta.content.as_ref());
        Tally::new(self.usage.as_ref(), texts.map(String::len).sum())
    }
}

fn content_bytes(content: &Content) -> usize {
    match content {
        Content::Text(text) => text.len(),
        Content::Parts(parts) => parts.iter().filter_map(|part| part.text.as_ref()).map(String::len).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Call, Message};

    #[test]
    fn text_counts_by_its_length() {
        let request = ChatRequest::new("m", [Message::user("12345678"), Message::user("1")]);
        assert_eq!(request.estimated_tokens(), 4 + 2 + 4 + 1);
        let mut call = Call::ChatStream(Box::new(request));
        call.set_model("other".to_owned());
        assert_eq!((call.model(), call.is_stream(), call.estimated_tokens()), ("other", true, 11));
    }
}
