//! OpenAI's own shapes, as vLLM, TGI, DJL and SGLang reply them, with the liberties that these containers take.
//!
//! Owns the reading of whole and streamed chat replies: container names of finish reasons, thoughts between `<think>` tags, and
//! fields that a container leaves out. Bodies are each dialect's own.
//!
//! <https://platform.openai.com/docs/api-reference/chat>

use sagewire_types::{ChatResponse, Error, FinishReason};
use serde::{Deserialize, de::IgnoredAny};

use super::DecodeContext;
use crate::failure;

pub(crate) use stream::OpenAiStream;

mod stream;
mod think;

/// Whether a reply has the shape of a chat completion.
pub(crate) fn is_chat_reply(reply: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Probe {
        #[serde(rename = "choices")]
        _choices: Vec<ProbeChoice>,
    }
    #[derive(Deserialize)]
    struct ProbeChoice {
        #[serde(rename = "message")]
        _message: IgnoredAny,
    }
    serde_json::from_slice::<Probe>(reply).is_ok()
}

/// Reads a whole chat completion.
pub(crate) fn decode(reply: &[u8], context: &DecodeContext, dialect: &str) -> Result<ChatResponse, Error> {
    let mut response: ChatResponse =
        serde_json::from_slice(reply).map_err(|error| failure::unknown_reply(reply, dialect).with_source(error))?;
    if response.id.is_empty() {
        response.id = context.id.as_ref().to_owned();
    }
    if response.created == 0 {
        response.created = context.created;
    }
    if response.model.is_empty() {
        response.model = context.model.as_ref().to_owned();
    }
    for choice in &mut response.choices {
        choice.finish_reason = choice.finish_reason.take().map(in_openais_terms);
        let message = &mut choice.message;
        if message.reasoning_content.is_none()
            && let Some((thoughts, answer)) = message.content.as_deref().and_then(think::split)
        {
            (message.reasoning_content, message.content) = (Some(thoughts.to_owned()), Some(answer.to_owned()));
        }
    }
    Ok(response)
}

/// TGI and DJL name some reasons in their own way in OpenAI's shapes too.
pub(crate) fn in_openais_terms(reason: FinishReason) -> FinishReason {
    match reason {
        FinishReason::Other(name) => FinishReason::from_container(&name),
        known => known,
    }
}
