//! Amazon Nova models on SageMaker: the Messages API without a `model` in the body
//! (`sagemaker_nova/`).
//!
//! Owns the choice to leave the model's name out. Nova's own parameters (`top_k`,
//! `reasoning_effort`, `allowed_token_ids`, `truncate_prompt_tokens`) pass as they are.
//!
//! <https://docs.aws.amazon.com/nova/latest/userguide/nova-sagemaker-inference-api-reference.html>

use sagewire_types::{ChatRequest, CompletionRequest, Error};

use super::body::{self, ModelName};
use crate::{Dialect, EncodeContext, Payload};

/// Sends OpenAI's body without the model's name.
#[derive(Debug)]
pub(crate) struct Nova;

impl Dialect for Nova {
    fn name(&self) -> &'static str {
        "nova"
    }

    fn encode(&self, request: ChatRequest, context: &EncodeContext<'_>) -> Result<Payload, Error> {
        body::chat(request, context, ModelName::LeftOut)
    }

    fn encode_completion(&self, request: CompletionRequest, context: &EncodeContext<'_>) -> Result<Payload, Error> {
        body::completion(request, context, ModelName::LeftOut)
    }
}
