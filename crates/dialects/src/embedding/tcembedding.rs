//! JumpStart's text embedding models of TensorFlow Hub (`tensorflow-tcembedding-*`): one raw text
//! in, one flat vector out.
//!
//! Owns the body, which is not JSON: it carries one text and no parameter. Lists are sent a text at
//! a time.
//!
//! <https://github.com/aws/amazon-sagemaker-examples/tree/main/introduction_to_amazon_algorithms/jumpstart_text_embedding>

use std::num::NonZeroUsize;

use bytes::Bytes;
use sagewire_types::{EmbedRequest, Error, ErrorKind};

use super::{EmbedContext, EmbeddingFamily, refused};
use crate::Payload;

/// Sends a text as it is.
#[derive(Debug)]
pub(crate) struct TcEmbedding;

impl EmbeddingFamily for TcEmbedding {
    fn name(&self) -> &'static str {
        "tcembedding"
    }

    fn max_batch(&self) -> Option<NonZeroUsize> {
        NonZeroUsize::new(1)
    }

    /// One, whatever is set: the body has no place for a second.
    fn batch(&self, _: Option<NonZeroUsize>) -> Option<NonZeroUsize> {
        Some(NonZeroUsize::MIN)
    }

    fn takes_parameters(&self) -> bool {
        false
    }

    fn encode(&self, request: &EmbedRequest, _: &EmbedContext) -> Result<Payload, Error> {
        if let Some(name) = request.extra.keys().next() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "`{name}` cannot be sent to a `tcembedding` container, which takes a text and nothing else: leave it out, or set \
                     `drop_params` to have it left out"
                ),
            )
            .with_param(name));
        }
        let texts = request.input.texts().ok_or_else(|| refused(&request.input, self.name()))?;
        match texts {
            [text] => Ok(Payload {
                content_type: "application/x-text",
                accept: Some("application/json"),
                custom_attributes: None,
                body: Bytes::from(text.clone()),
            }),
            _ => Err(Error::new(
                ErrorKind::Unsupported,
                "a `tcembedding` container takes one text at a time: send one request for each",
            )
            .with_param("input")),
        }
    }
}
