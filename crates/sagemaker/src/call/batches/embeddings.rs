//! Batches of inputs to embed.

use sagewire_dialects::embedding::no_numbers;
use sagewire_types::{EmbedInput, EmbedRequest, EmbedResponse, Embedding, Error, ErrorKind};

use super::{Batched, at_another_place, chunks, place_in, sum_of};

impl Batched for EmbedRequest {
    type Answer = EmbedResponse;

    fn len(&self) -> usize {
        self.input.len()
    }

    fn split(&self, max: usize) -> Vec<Self> {
        if self.input.len() <= max.max(1) {
            return vec![self.clone()];
        }
        let inputs: Vec<EmbedInput> = match &self.input {
            EmbedInput::Texts(texts) => chunks(texts, max).into_iter().map(EmbedInput::Texts).collect(),
            EmbedInput::TokenLists(lists) => chunks(lists, max).into_iter().map(EmbedInput::TokenLists).collect(),
            one => vec![one.clone()],
        };
        inputs.into_iter().map(|input| with_input(self, input)).collect()
    }

    fn join(whole: &mut EmbedResponse, next: EmbedResponse, _: usize) {
        whole.data.extend(next.data);
        whole.usage = sum_of(whole.usage.take(), next.usage);
    }

    fn finish(&self, whole: &mut EmbedResponse) {
        for (Embedding { index, .. }, place) in whole.data.iter_mut().zip(0..) {
            *index = place;
        }
    }

    fn of_all_inputs(error: Error, first: usize) -> Error {
        match place_in(&error, "input").filter(|_| first > 0 && error.kind() == ErrorKind::Decode) {
            Some(place) => at_another_place(&error, no_numbers(first + place)),
            None => error,
        }
    }
}

fn with_input(request: &EmbedRequest, input: EmbedInput) -> EmbedRequest {
    let mut batch = EmbedRequest::new(request.model.as_str(), input);
    batch.dimensions = request.dimensions;
    batch.encoding_format = request.encoding_format;
    batch.user.clone_from(&request.user);
    batch.extra.clone_from(&request.extra);
    batch
}
