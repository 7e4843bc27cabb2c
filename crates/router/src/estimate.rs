//! About how many tokens a prompt has, before anyone has counted them.
//!
//! Owns a guess from the length of the text, good enough to compare with a limit and never used in place of a count that a
//! model reports.

use sagewire_types::{ChatRequest, CompletionRequest, Content, EmbedInput, EmbedRequest, Prompt};

/// English text has about four bytes to a token, and so, at three bytes to a character, has text of other scripts, within a factor of two.
const BYTES_PER_TOKEN: usize = 4;
/// Role and separators of a message.
const TOKENS_PER_MESSAGE: usize = 4;

/// About how many tokens the messages have.
#[must_use]
pub fn of_chat(request: &ChatRequest) -> u64 {
    let tokens = request.messages.iter().map(|message| {
        let text = message.content.as_ref().map_or(0, content_bytes);
        let calls: usize =
            message.tool_calls.iter().map(|call| call.function.name.len() + call.function.arguments.len()).sum();
        TOKENS_PER_MESSAGE + in_bytes(text + calls)
    });
    whole(tokens.sum())
}

/// About how many tokens the prompts have.
#[must_use]
pub fn of_completion(request: &CompletionRequest) -> u64 {
    whole(match &request.prompt {
        Prompt::Text(text) => in_bytes(text.len()),
        Prompt::Texts(texts) => texts.iter().map(|text| in_bytes(text.len())).sum(),
        Prompt::Tokens(tokens) => tokens.len(),
        Prompt::TokenLists(lists) => lists.iter().map(Vec::len).sum(),
    })
}

/// About how many tokens the inputs have.
#[must_use]
pub fn of_embed(request: &EmbedRequest) -> u64 {
    whole(match &request.input {
        EmbedInput::Text(text) => in_bytes(text.len()),
        EmbedInput::Texts(texts) => texts.iter().map(|text| in_bytes(text.len())).sum(),
        EmbedInput::Tokens(tokens) => tokens.len(),
        EmbedInput::TokenLists(lists) => lists.iter().map(Vec::len).sum(),
    })
}

/// About how many tokens a text of this length in bytes has.
#[must_use]
pub fn of_text(bytes: usize) -> u64 {
    whole(in_bytes(bytes))
}

fn content_bytes(content: &Content) -> usize {
    match content {
        Content::Text(text) => text.len(),
        Content::Parts(parts) => parts.iter().filter_map(|part| part.text.as_ref()).map(String::len).sum(),
    }
}

fn in_bytes(bytes: usize) -> usize {
    bytes.div_ceil(BYTES_PER_TOKEN)
}

fn whole(tokens: usize) -> u64 {
    u64::try_from(tokens).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use sagewire_types::Message;

    use super::*;

    #[test]
    fn text_counts_by_its_length_and_token_ids_count_themselves() {
        let chat = ChatRequest::new("m", [Message::system("12345678"), Message::user("1234")]);
        assert_eq!(of_chat(&chat), 4 + 2 + 4 + 1);
        assert_eq!(of_embed(&EmbedRequest::new("m", ["1234", "12345"])), 3);
        let mut completion = CompletionRequest::new("m", "12345");
        assert_eq!(of_completion(&completion), 2);
        completion.prompt = Prompt::TokenLists(vec![vec![1, 2], vec![3]]);
        assert_eq!(of_completion(&completion), 3);
    }
}
