//! The Messages API: OpenAI's own body, as vLLM, TGI, DJL and SGLang containers take it (`sagemaker_chat/`).
//!
//! Owns the body; replies are OpenAI's shapes, or a text container's where one answers in its own.

use sagewire_types::{ChatRequest, ChatResponse, Error};
use serde_json::Value;

use super::{DecodeContext, Dialect, EncodeContext, Payload, StreamDecoder, generation, openai};
use crate::parameters::drop_named;

/// Takes every parameter of OpenAI's as it is.
#[derive(Debug)]
pub(crate) struct Messages;

impl Dialect for Messages {
    fn name(&self) -> &'static str {
        "messages"
    }

    fn encode(&self, request: ChatRequest, context: &EncodeContext<'_>) -> Result<Payload, Error> {
        Payload::json(&body(request, context)?)
    }

    fn decode(&self, reply: &[u8], context: &DecodeContext) -> Result<ChatResponse, Error> {
        if openai::is_chat_reply(reply) {
            openai::decode(reply, context, self.name())
        } else {
            generation::decode(reply, context, self.name())
        }
    }

    fn stream_decoder(&self, context: DecodeContext) -> Box<dyn StreamDecoder> {
        Box::new(openai::OpenAiStream::new(context, self.name()))
    }
}

/// OpenAI's body with the model's name as the container knows it.
fn body(mut request: ChatRequest, context: &EncodeContext<'_>) -> Result<ChatRequest, Error> {
    drop_named(&mut request, context.policy);
    request.model = context.model.to_owned();
    request.stream = context.stream.then_some(true);
    if !context.stream {
        request.stream_options = None;
    }
    if let Some(Value::Object(more)) = request.extra.shift_remove("extra_body") {
        request.extra.extend(more);
    }
    Ok(request)
}
