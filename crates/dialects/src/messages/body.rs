//! OpenAI's request bodies, as containers take them.
//!
//! Owns what is changed on the way: the model's name, `stream`, and `extra_body`, which is merged in at top level.

use sagewire_types::{ChatRequest, CompletionRequest, Error};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    EncodeContext, Payload,
    parameters::{drop_named, drop_named_of_completion},
    text::inputs,
};

/// Whether a body names the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModelName {
    /// As the container knows it.
    Sent,
    /// The container refuses it.
    LeftOut,
}

/// The body of a chat request.
///
/// # Errors
/// `InvalidRequest` where a parameter cannot be written.
pub(crate) fn chat(mut request: ChatRequest, context: &EncodeContext<'_>, model: ModelName) -> Result<Payload, Error> {
    drop_named(&mut request, context.policy);
    request.model = context.model.to_owned();
    request.stream = context.stream.then_some(true);
    if !context.stream {
        request.stream_options = None;
    }
    let extra_body = inputs::extra_body(&mut request.extra)?;
    payload(&request, extra_body, model)
}

/// The body of a completion request.
///
/// # Errors
/// `InvalidRequest` where a parameter cannot be written.
pub(crate) fn completion(
    mut request: CompletionRequest,
    context: &EncodeContext<'_>,
    model: ModelName,
) -> Result<Payload, Error> {
    drop_named_of_completion(&mut request, context.policy);
    request.model = context.model.to_owned();
    request.stream = context.stream.then_some(true);
    if !context.stream {
        request.stream_options = None;
    }
    let extra_body = inputs::extra_body(&mut request.extra)?;
    payload(&request, extra_body, model)
}

fn payload(request: &impl Serialize, extra_body: Map<String, Value>, model: ModelName) -> Result<Payload, Error> {
    if extra_body.is_empty() && model == ModelName::Sent {
        return Payload::json(request);
    }
    let mut body = match serde_json::to_value(request) {
        Ok(Value::Object(body)) => body,
        Ok(_) => Map::new(),
        Err(error) => {
            let message = "the request cannot be written as JSON: check its parameters";
            return Err(Error::invalid("body", message).with_source(error));
        }
    };
    if model == ModelName::LeftOut {
        body.shift_remove("model");
    }
    body.extend(extra_body);
    Payload::json(&body)
}
