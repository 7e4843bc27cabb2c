//! Cohere models of the AWS Marketplace: `{"texts", "input_type"}`, at most 96 at once. Texts that are
//! images (`data:image/...`) are sent as `images`, and objects of texts and images as `inputs`.
//!
//! Owns the body: the input type, which newer models demand, is `search_document` unless the caller
//! says otherwise; `dimensions` is Cohere's `output_dimension`. The count of tokens is in its
//! reply's `meta`.
//!
//! <https://docs.cohere.com/reference/embed>, <https://docs.cohere.com/docs/amazon-sagemaker-setup-guide>

use std::num::NonZeroUsize;

use sagewire_types::{EmbedInput, EmbedRequest, Error};
use serde_json::{Value, json};

use super::{
    EmbedContext, EmbeddingFamily,
    inputs::{Body, Inputs},
    refused,
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
        let is_image = |text: &String| text.starts_with("data:image/");
        let (name, inputs, input_type) = match &request.input {
            EmbedInput::Others(items) if items.iter().all(Value::is_object) => {
                ("inputs", Inputs::any(&request.input), "search_document")
            }
            input => match input.texts() {
                Some(texts) if texts.iter().all(is_image) => ("images", Inputs::Many(texts), "image"),
                Some(texts) => ("texts", Inputs::Many(texts), "search_document"),
                None => return Err(refused(input, self.name())),
            },
        };
        Body::new(request, name, inputs)
            .with("input_type", Some(input_type))
            // Floats are asked for whatever the caller wants: base64 is made of them here.
            .with("embedding_types", request.encoding_format.map(|_| json!(["float"])))
            .with("output_dimension", request.dimensions)
            .payload()
    }
}
