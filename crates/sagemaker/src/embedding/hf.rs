//! Feature extraction: `{"inputs": [...]}`, as the Hugging Face toolkit and most embedding containers take it.
//!
//! Owns its body and the lists of numbers that it replies.

use sagewire_types::{EmbedRequest, EmbedResponse, Error, ErrorKind, Vector};
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

use super::{EmbedContext, EmbeddingDialect};
use crate::{dialect::Payload, failure};

/// Sends texts as `inputs`.
#[derive(Debug)]
pub(crate) struct HuggingFace;

#[derive(Serialize)]
struct Body<'a> {
    inputs: &'a [String],
    #[serde(flatten)]
    extra: &'a Map<String, Value>,
}

impl EmbeddingDialect for HuggingFace {
    fn name(&self) -> &'static str {
        "hf"
    }

    fn encode(&self, request: &EmbedRequest, _: &EmbedContext) -> Result<Payload, Error> {
        let inputs = request.input.texts().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "an `hf` container takes texts, not token ids: send the texts")
                .with_param("input")
        })?;
        Payload::json(&Body { inputs, extra: &request.extra })
    }

    fn decode(&self, reply: &[u8], context: &EmbedContext) -> Result<EmbedResponse, Error> {
        let vectors: Vec<Box<RawValue>> = serde_json::from_slice(reply).map_err(|_| {
            failure::read_report(reply)
                .map_or_else(|| failure::unknown_reply(reply, ""), |report| failure::reported_error(&report))
        })?;
        Ok(EmbedResponse::new(context.model.as_ref(), vectors.into_iter().map(Vector::Raw)))
    }
}
