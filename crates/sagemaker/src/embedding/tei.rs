//! Text Embeddings Inference: `{"inputs"}` of texts or token ids, at most 32 at once.
//!
//! Owns the body and the limit, which is TEI's default for `--max-client-batch-size`.
//!
//! <https://huggingface.github.io/text-embeddings-inference/>

use sagewire_types::{EmbedRequest, Error};

use super::{
    EmbedContext, EmbeddingDialect,
    inputs::{Body, Inputs},
};
use crate::dialect::Payload;

/// Sends texts or token ids as `inputs`.
#[derive(Debug)]
pub(crate) struct Tei;

impl EmbeddingDialect for Tei {
    fn name(&self) -> &'static str {
        "tei"
    }

    fn max_batch(&self) -> Option<usize> {
        Some(32)
    }

    fn encode(&self, request: &EmbedRequest, _: &EmbedContext) -> Result<Payload, Error> {
        Body::new(request, "inputs", Inputs::any(&request.input)).payload()
    }
}
