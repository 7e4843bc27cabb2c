//! OpenAI's embeddings body, as vLLM and SGLang take it.
//!
//! Owns the body: it is the caller's own, with the model's name as the container knows it.
//!
//! <https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html>, <https://platform.openai.com/docs/api-reference/embeddings>

use sagewire_types::{EmbedRequest, EncodingFormat, Error};

use super::{
    EmbedContext, EmbeddingFamily,
    inputs::{Body, Inputs},
};
use crate::Payload;

/// Sends OpenAI's body.
#[derive(Debug)]
pub(crate) struct OpenAi;

impl EmbeddingFamily for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn encode(&self, request: &EmbedRequest, context: &EmbedContext) -> Result<Payload, Error> {
        Body::new(request, "input", Inputs::any(&request.input))
            .with("model", context.body_model.as_deref())
            .with("dimensions", request.dimensions)
            .with("encoding_format", request.encoding_format.map(name_of))
            .with("user", request.user.as_deref())
            .payload()
    }
}

fn name_of(format: EncodingFormat) -> &'static str {
    match format {
        EncodingFormat::Base64 => "base64",
        _ => "float",
    }
}
