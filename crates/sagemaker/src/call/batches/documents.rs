//! Batches of documents to rank: scores of one model can be compared over batches, so that the best
//! of all are among the best of each.

use sagewire_dialects::rerank::no_score;
use sagewire_types::{Error, ErrorKind, RerankDocument, RerankRequest, RerankResponse};

use super::{Batched, at_another_place, chunks, place_in, sum_of};

impl Batched for RerankRequest {
    type Answer = RerankResponse;

    fn len(&self) -> usize {
        self.documents.len()
    }

    fn split(&self, max: usize) -> Vec<Self> {
        if self.documents.len() <= max.max(1) {
            return vec![self.clone()];
        }
        chunks(&self.documents, max).into_iter().map(|documents| with_documents(self, documents)).collect()
    }

    fn join(whole: &mut RerankResponse, next: RerankResponse, first: usize) {
        whole.results.extend(next.results.into_iter().map(|mut result| {
            result.index = result.index.saturating_add(first);
            result
        }));
        whole.usage = sum_of(whole.usage.take(), next.usage);
        whole.search_units = whole.search_units.zip(next.search_units).map(|(one, other)| one.saturating_add(other));
    }

    fn finish(&self, whole: &mut RerankResponse) {
        whole.sort();
        whole.results.truncate(self.results());
    }

    fn of_all_inputs(error: Error, first: usize) -> Error {
        match place_in(&error, "documents").filter(|_| first > 0 && error.kind() == ErrorKind::Decode) {
            Some(place) => at_another_place(&error, no_score(first + place)),
            None => error,
        }
    }
}

fn with_documents(request: &RerankRequest, documents: Vec<RerankDocument>) -> RerankRequest {
    let mut batch = RerankRequest::new(request.model.as_str(), request.query.as_str(), documents);
    batch.top_n = request.top_n;
    batch.rank_fields.clone_from(&request.rank_fields);
    batch.return_documents = request.return_documents;
    batch.max_tokens_per_doc = request.max_tokens_per_doc;
    batch.extra.clone_from(&request.extra);
    batch
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use futures_util::FutureExt;
    use sagewire_types::{Reply, RerankResult, Usage};

    use super::{super::in_fitting_batches, *};

    /// Each document's number as its score, the best first.
    fn answer(batch: &RerankRequest) -> RerankResponse {
        let numbers = batch.texts().unwrap().into_iter().map(|text| text.parse().unwrap());
        let results = numbers.enumerate().map(|(index, score)| RerankResult::new(index, score));
        let mut answer = RerankResponse::new("m", results);
        answer.usage = Some(Usage::reported(1, 0));
        answer.sort();
        answer.results.truncate(batch.results());
        answer
    }

    #[test]
    fn the_best_of_all_batches_come_first_with_their_scores_untouched() {
        let numbers = ["0.25", "7.5", "-3", "7.5", "0.1", "12", "3"];
        let request = RerankRequest::new("m", "q", numbers).with_top_n(4);
        let one = NonZeroUsize::MIN;
        let send = |batch: RerankRequest| async move { Ok(Reply::new(answer(&batch))) };
        let asked = in_fitting_batches(&request, NonZeroUsize::new(3), one, |_| {}, send);
        let reply = asked.now_or_never().unwrap().unwrap().value;
        let results: Vec<_> = reply.results.iter().map(|result| (result.index, result.relevance_score)).collect();
        assert_eq!(results, [(5, 12.0), (1, 7.5), (3, 7.5), (6, 3.0)]);
        assert_eq!(reply.usage, Some(Usage::reported(3, 0)));
    }

    #[test]
    fn an_error_names_the_document_by_its_place_among_all() {
        let error = RerankRequest::of_all_inputs(no_score(1).with_attempts(2), 32);
        assert_eq!((error.param(), error.attempts()), (Some("documents[33]"), 2));
    }
}
