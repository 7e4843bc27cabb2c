//! Cohere models of the AWS Marketplace: `{"texts", "input_type"}`, at most 96 at once.
//!
//! Owns the body: the input type, which newer models demand, is `search_document` unless the caller
//! says otherwise; `dimensions` is Cohere's `output_dimension`. The count of tokens is in its
//! reply's `meta`.
//!
//! <https://docs.cohere.com/reference/embed>, <https://docs.cohere.com/docs/amazon-sagemaker-setup-guide>

use std::num::NonZeroUsize;

use sagewire_types::{EmbedRequest, Error};
use serde_json::json;

use super::{
    EmbedContext, EmbeddingFamily,
    inputs::{Body, Inputs},
    texts_only,
};
use crate::Payload;

/// Sends texts as `texts`.
#[derive(Debug)]
pub(crate) struct Cohere;

impl EmbeddingFamily for Cohere {
    fn name(&self) -> &'static str {
        "cohere"
    }

    fn max_batch(&self) -> Option<NonZeroUsize> {
        NonZeroUsize::new(96)
    }

    fn encode(&self, request: &EmbedRequest, _: &EmbedContext) -> Result<Payload, Error> {
        let inputs = Inputs::list(&request.input).ok_or_else(|| texts_only(self.name()))?;
        Body::new(request, "texts", inputs)
            .with("input_type", Some("search_document"))
            // Floats are asked for whatever the caller wants: base64 is made of them here.
            .with("embedding_types", request.encoding_format.map(|_| json!(["float"])))
            .with("output_dimension", request.dimensions)
            .payload()
    }
}
