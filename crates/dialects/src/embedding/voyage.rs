//! Voyage models of the AWS Marketplace: `{"input", "model"}`, at most 128 at once. Objects of texts
//! and images, and lists of texts that are each other's context, are sent as `inputs`.
//!
//! Owns the body: `dimensions` is Voyage's `output_dimension`; of the encoding formats it knows
//! `base64` alone, a list being its default.
//!
//! <https://docs.voyageai.com/reference/embeddings-api>, <https://docs.voyageai.com/reference/multimodal-embeddings-api>,
//! <https://docs.voyageai.com/reference/contextualized-embeddings-api>, <https://docs.voyageai.com/docs/aws-marketplace-model-package>

use std::num::NonZeroUsize;

use sagewire_types::{EmbedInput, EmbedRequest, EncodingFormat, Error};

use super::{
    EmbedContext, EmbeddingFamily,
    inputs::{Body, Inputs},
    refused,
};
use crate::Payload;

/// Sends texts as `input`.
#[derive(Debug)]
pub(crate) struct Voyage;

impl EmbeddingFamily for Voyage {
    fn name(&self) -> &'static str {
        "voyage"
    }

    fn max_batch(&self) -> Option<NonZeroUsize> {
        NonZeroUsize::new(128)
    }

    fn encode(&self, request: &EmbedRequest, context: &EmbedContext) -> Result<Payload, Error> {
        // Models of texts and images, and of texts in context, have APIs of their own.
        let (name, inputs) = match &request.input {
            EmbedInput::Others(_) => ("inputs", Inputs::any(&request.input)),
            input => ("input", Inputs::texts(input).ok_or_else(|| refused(input, self.name()))?),
        };
        let base64 = request.encoding_format.filter(|format| *format == EncodingFormat::Base64);
        Body::new(request, name, inputs)
            .with("model", context.body_model.as_deref())
            .with("output_dimension", request.dimensions)
            .with("encoding_format", base64.map(|_| "base64"))
            .payload()
    }
}
