//! The languages that containers speak: one file each, behind one small trait.
//!
//! Owns the trait, what a dialect is told, and the table of all dialects. A dialect is pure: it knows no transport, no
//! signature, no credentials and no other dialect. Adding one is a file, a row in [`DIALECTS`] and a folder of fixtures.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use sagewire_types::{ChatChunk, ChatRequest, ChatResponse, Error};

use crate::parameters::ParameterPolicy;

pub(crate) mod completion;
mod generation;
mod messages;
mod openai;
mod tgi;

/// How one family of containers is asked and understood.
pub(crate) trait Dialect: fmt::Debug + Send + Sync {
    /// The name that the setting `dialect` selects it by.
    fn name(&self) -> &'static str;

    /// Whether the container wants one prompt text, made from the messages by a chat template.
    fn wants_prompt(&self) -> bool {
        false
    }

    /// The body of a request, serialized once: these bytes are signed and sent.
    ///
    /// # Errors
    /// A parameter that this dialect cannot carry, or a value that it cannot express.
    fn encode(&self, request: ChatRequest, context: &EncodeContext<'_>) -> Result<Payload, Error>;

    /// A whole reply.
    ///
    /// # Errors
    /// `Decode` where the shape is not known, `ModelFailed` where the reply is the container's own report of a failure.
    fn decode(&self, reply: &[u8], context: &DecodeContext) -> Result<ChatResponse, Error>;

    /// A reader for one streamed reply.
    fn stream_decoder(&self, context: DecodeContext) -> Box<dyn StreamDecoder>;

    /// Whether a raw prompt is sent in this dialect's own form ([`wants_prompt`](Self::wants_prompt)) or as OpenAI's completion body.
    fn completion_form(&self) -> CompletionForm {
        if self.wants_prompt() { CompletionForm::Prompt } else { CompletionForm::OpenAi }
    }
}

/// How a raw prompt reaches a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CompletionForm {
    /// In the dialect's own body, in the place of the rendered messages.
    Prompt,
    /// As OpenAI's completion body.
    OpenAi,
}

/// Reads the payload bytes of one streamed reply, cut anywhere.
pub(crate) trait StreamDecoder<T = ChatChunk>: Send {
    /// Takes the next bytes. What was decoded before an error is in `out`.
    ///
    /// # Errors
    /// The container's own report of a failure, or a record of an unknown shape.
    fn push(&mut self, bytes: &[u8], out: &mut Vec<T>) -> Result<(), Error>;

    /// The bytes have ended: judges whether the answer was whole.
    ///
    /// # Errors
    /// `StreamBroken` where it was not.
    fn finish(&mut self, out: &mut Vec<T>) -> Result<(), Error>;
}

/// What a dialect is told when it makes a body.
#[derive(Clone, Debug)]
pub(crate) struct EncodeContext<'a> {
    /// The endpoint's name.
    pub(crate) endpoint: &'a str,
    /// The model's name for the body: that of Hugging Face where it is set, else the endpoint's.
    pub(crate) model: &'a str,
    /// The prompt, for a dialect that wants one.
    pub(crate) prompt: Option<&'a str>,
    /// Whether the reply shall be streamed.
    pub(crate) stream: bool,
    /// What happens to parameters that the dialect cannot carry.
    pub(crate) policy: &'a ParameterPolicy,
    /// What the temperature 0 becomes for a container that refuses it; `None` sends it as it is.
    pub(crate) zero_temperature: Option<f64>,
}

/// What a dialect is told when it reads a reply.
#[derive(Clone, Debug)]
pub(crate) struct DecodeContext {
    /// The answer's id, for containers that give none.
    pub(crate) id: Arc<str>,
    /// The model's name in the answer.
    pub(crate) model: Arc<str>,
    /// When the answer was made, in seconds since 1970, for containers that do not say.
    pub(crate) created: u64,
    /// The prompt that was sent, so that its echo can be taken away.
    pub(crate) prompt: Option<Arc<str>>,
    /// Whether the caller asked for the prompt to be part of the answer.
    pub(crate) keep_prompt: bool,
    /// Texts that end an answer; the answer is cut before them.
    pub(crate) stop: Arc<[String]>,
    /// Special texts of the model that end its turn and are not for the user.
    pub(crate) end_tokens: Arc<[String]>,
    /// Whether the caller asked for log probabilities.
    pub(crate) logprobs: bool,
    /// Whether the caller asked for the usage in a stream's last chunk.
    pub(crate) include_usage: bool,
}

/// A body with its types, ready to be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    /// `Content-Type` of the body.
    pub(crate) content_type: &'static str,
    /// `Accept`, or on streams `X-Amzn-SageMaker-Accept`.
    pub(crate) accept: Option<&'static str>,
    /// The bytes.
    pub(crate) body: Bytes,
}

impl Payload {
    /// A JSON body.
    pub(crate) fn json(value: &impl serde::Serialize) -> Result<Self, Error> {
        let body = serde_json::to_vec(value).map_err(|error| {
            Error::invalid("body", "the request cannot be written as JSON: check its parameters").with_source(error)
        })?;
        Ok(Self { content_type: "application/json", accept: Some("application/json"), body: body.into() })
    }
}

/// All dialects, by the names of the setting `dialect`.
pub(crate) static DIALECTS: &[&dyn Dialect] = &[&tgi::Tgi, &messages::Messages];

/// The dialect of this name.
pub(crate) fn by_name(name: &str) -> Option<&'static dyn Dialect> {
    DIALECTS.iter().find(|dialect| dialect.name() == name).copied()
}
