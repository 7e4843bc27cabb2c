//! JumpStart's own embedding images, GPT-J and sentence-transformers: `{"text_inputs": [...]}`.
//!
//! Owns the body. The sentence-similarity images want `"mode": "embedding"` beside it: a parameter of the request.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/dg/jumpstart-foundation-models-choose.html>

use sagewire_types::{EmbedRequest, Error};

use super::{
    EmbedContext, EmbeddingDialect,
    inputs::{Body, Inputs},
    texts_only,
};
use crate::dialect::Payload;

/// Sends texts as `text_inputs`.
#[derive(Debug)]
pub(crate) struct JumpStart;

impl EmbeddingDialect for JumpStart {
    fn name(&self) -> &'static str {
        "jumpstart"
    }

    fn encode(&self, request: &EmbedRequest, _: &EmbedContext) -> Result<Payload, Error> {
        let inputs = Inputs::list(&request.input).ok_or_else(|| texts_only(self.name()))?;
        Body::new(request, "text_inputs", inputs).payload()
    }
}
