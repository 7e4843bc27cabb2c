//! The Messages API: OpenAI's own body, as vLLM, TGI, DJL and SGLang containers take it
//! (`sagemaker_chat/`).
//!
//! Owns the choice to name the model in the body and to pass every parameter on as it is.
//!
//! <https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html>,
//! <https://huggingface.co/docs/text-generation-inference/messages_api>,
//! <https://docs.djl.ai/master/docs/serving/serving/docs/lmi/user_guides/chat_input_output_schema.html>

use sagewire_types::{ChatRequest, Error};

use self::body::ModelName;
use crate::{Dialect, EncodeContext, Payload};

pub(crate) mod body;
pub(crate) mod nova;
pub(crate) mod vllm;

/// Takes every parameter of OpenAI's as it is.
#[derive(Debug)]
pub(crate) struct Messages;

impl Dialect for Messages {
    fn name(&self) -> &'static str {
        "messages"
    }

    fn encode(&self, request: ChatRequest, context: &EncodeContext<'_>) -> Result<Payload, Error> {
        body::chat(request, context, ModelName::Sent)
    }
}
