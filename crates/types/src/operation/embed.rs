//! Embeddings: texts in, a vector for each out.

use super::{
    Counted, answer,
    tally::{Tally, in_bytes, tokens},
};
use crate::{EmbedInput, EmbedRequest, EmbedResponse, Reply};

answer!(Embed, Reply<EmbedResponse>);

impl EmbedRequest {
    /// About how many tokens the request has, guessed from the length of its text.
    #[must_use]
    pub fn estimated_tokens(&self) -> u64 {
        tokens(match &self.input {
            EmbedInput::Text(text) => in_bytes(text.len()),
            EmbedInput::Texts(texts) => texts.iter().map(|text| in_bytes(text.len())).sum(),
            EmbedInput::Tokens(ids) => ids.len(),
            EmbedInput::TokenLists(lists) => lists.iter().map(Vec::len).sum(),
            EmbedInput::Others(others) => in_bytes(others.iter().map(EmbedInput::text_bytes_of).sum()),
        })
    }
}

impl Counted for EmbedResponse {
    fn tally(&self) -> Tally<'_> {
        Tally::new(self.usage.as_ref(), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_counts_by_its_length_and_token_ids_count_themselves() {
        assert_eq!(EmbedRequest::new("m", ["1234", "12345"]).estimated_tokens(), 3);
        let mut request = EmbedRequest::new("m", "");
        request.input = EmbedInput::TokenLists(vec![vec![1, 2], vec![3]]);
        assert_eq!(request.estimated_tokens(), 3);
    }
}
