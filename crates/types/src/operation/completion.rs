//! Completion: a raw prompt in, its continuation out, whole or in chunks.

use super::{
    Counted, answer,
    tally::{Tally, in_bytes, tokens},
};
use crate::{CompletionRequest, CompletionResponse, CompletionStream, Prompt, Reply};

answer!(Complete, Reply<CompletionResponse>);
answer!(CompleteStream, CompletionStream);

impl CompletionRequest {
    /// About how many tokens the request has, guessed from the length of its text.
    #[must_use]
    pub fn estimated_tokens(&self) -> u64 {
        tokens(match &self.prompt {
            Prompt::Text(text) => in_bytes(text.len()),
            Prompt::Texts(texts) => texts.iter().map(|text| in_bytes(text.len())).sum(),
            Prompt::Tokens(ids) => ids.len(),
            Prompt::TokenLists(lists) => lists.iter().map(Vec::len).sum(),
        })
    }
}

/// A whole completion, and a chunk of one: both have the same shape.
impl Counted for CompletionResponse {
    fn tally(&self) -> Tally<'_> {
        Tally::new(self.usage.as_ref(), self.choices.iter().map(|choice| choice.text.len()).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_counts_by_its_length_and_token_ids_count_themselves() {
        let mut request = CompletionRequest::new("m", "12345");
        assert_eq!(request.estimated_tokens(), 2);
        request.prompt = Prompt::Tokens(vec![1, 2, 3]);
        assert_eq!(request.estimated_tokens(), 3);
    }
}
