//! Voyage models of the AWS Marketplace: `{"input", "model"}`, at most 128 at once.
//!
//! Owns the body: `dimensions` is Voyage's `output_dimension`; of the encoding formats it knows
//! `base64` alone, a list being its default.
//!
//! <https://docs.voyageai.com/reference/embeddings-api>, <https://docs.voyageai.com/docs/aws-marketplace-model-package>

use std::num::NonZeroUsize;

use sagewire_types::{EmbedRequest, EncodingFormat, Error};

use super::{
    EmbedContext, EmbeddingFamily,
    inputs::{Body, Inputs},
    texts_only,
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
        let inputs = Inputs::texts(&request.input).ok_or_else(|| texts_only(self.name()))?;
        let base64 = request.encoding_format.filter(|format| *format == EncodingFormat::Base64);
        Body::new(request, "input", inputs)
            .with("model", context.body_model.as_deref())
            .with("output_dimension", request.dimensions)
            .with("encoding_format", base64.map(|_| "base64"))
            .payload()
    }
}
