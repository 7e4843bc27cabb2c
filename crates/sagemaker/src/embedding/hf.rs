//! Feature extraction: `{"inputs"}`, as the Hugging Face toolkit and most embedding containers take it.
//!
//! Owns the body. The toolkit replies a vector for each token: they are averaged.
//!
//! <https://huggingface.co/docs/sagemaker/inference>

use sagewire_types::{EmbedRequest, Error};

use super::{
    EmbedContext, EmbeddingDialect,
    inputs::{Body, Inputs},
    texts_only,
};
use crate::dialect::Payload;

/// Sends texts as `inputs`.
#[derive(Debug)]
pub(crate) struct HuggingFace;

impl EmbeddingDialect for HuggingFace {
    fn name(&self) -> &'static str {
        "hf"
    }

    fn encode(&self, request: &EmbedRequest, _: &EmbedContext) -> Result<Payload, Error> {
        let inputs = Inputs::texts(&request.input).ok_or_else(|| texts_only(self.name()))?;
        Body::new(request, "inputs", inputs).payload()
    }
}
