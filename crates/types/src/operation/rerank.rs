//! Reranking: a query and documents in, the documents' places by relevance out.

use serde_json::Value;

use super::{
    Counted, answer,
    tally::{Tally, in_bytes, tokens},
};
use crate::{Reply, RerankDocument, RerankRequest, RerankResponse};

answer!(Rerank, Reply<RerankResponse>);

impl RerankRequest {
    /// About how many tokens the request has, guessed from the length of its texts: a model reads
    /// the query again with each document.
    #[must_use]
    pub fn estimated_tokens(&self) -> u64 {
        let query = in_bytes(self.query.len());
        let counts = self.documents.iter().map(|document| query.saturating_add(in_bytes(text_bytes(document))));
        tokens(counts.fold(0, usize::saturating_add))
    }
}

fn text_bytes(document: &RerankDocument) -> usize {
    match document {
        RerankDocument::Text(text) => text.len(),
        RerankDocument::Fields(fields) => fields.values().filter_map(Value::as_str).map(str::len).sum(),
    }
}

impl Counted for RerankResponse {
    fn tally(&self) -> Tally<'_> {
        Tally::new(self.usage.as_ref(), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_counts_with_each_document() {
        assert_eq!(RerankRequest::new("m", "12345", ["1234", "1"]).estimated_tokens(), 2 + 1 + 2 + 1);
    }
}
