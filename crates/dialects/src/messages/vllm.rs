//! AWS's vLLM image: the Messages API, and every route of vLLM's by `route=`.
//!
//! Owns nothing but the name, which says that the container has the routes of
//! [`native`](crate::native).
//!
//! <https://github.com/aws/deep-learning-containers/blob/master/scripts/docker/vllm/sagemaker_serve.py>

use sagewire_types::{ChatRequest, Error};

use super::body::{self, ModelName};
use crate::{Dialect, EncodeContext, Payload};

/// Takes every parameter of OpenAI's as it is.
#[derive(Debug)]
pub(crate) struct Vllm;

impl Dialect for Vllm {
    fn name(&self) -> &'static str {
        "vllm"
    }

    fn has_native_routes(&self) -> bool {
        true
    }

    fn encode(&self, request: ChatRequest, context: &EncodeContext<'_>) -> Result<Payload, Error> {
        body::chat(request, context, ModelName::Sent)
    }
}
