//! OpenAI's own shapes, as vLLM, TGI, DJL and SGLang reply them, with the liberties that these containers take.
//!
//! Owns the reading of a whole reply: container names of finish reasons, thoughts between `<think>` tags, and fields that a container
//! leaves out, names otherwise or gives another type.
//!
//! <https://platform.openai.com/docs/api-reference/chat>

use sagewire_types::{AssistantMessage, ChatResponse, Choice, FinishReason};
use serde_json::{Map, Value};

use super::Unread;
use crate::{
    DecodeContext, failure_report as failure,
    stop_texts::{cut_at_stop, strip_end_tokens},
    thoughts,
};
pub(crate) use stream::OpenAiStream;

mod choice;
mod liberties;
mod repeated;
mod stream;

/// What happens to thoughts between `<think>` tags at the beginning of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thoughts {
    /// They go to `reasoning_content`.
    Split,
    /// They stay where they are: a raw prompt is continued by raw text.
    Kept,
}

/// Reads a whole reply.
pub(crate) fn read(reply: &[u8], context: &DecodeContext, thoughts: Thoughts) -> Result<ChatResponse, Unread> {
    // Checked once as a whole, a reply's texts need not be checked one by one.
    let parsed = std::str::from_utf8(reply).ok().and_then(|reply| serde_json::from_str(reply).ok());
    let mut response: ChatResponse = match parsed {
        Some(response) => response,
        None => liberties::read_reply(reply).ok_or(Unread::Shape)?,
    };
    if let Some(error) = failure_beside_choices(&response.extra, reply) {
        return Err(Unread::Failed(error));
    }
    if response.choices.is_empty() {
        return Err(Unread::Shape);
    }
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
        if choice.finish_reason.as_ref().is_some_and(is_failure) {
            return Err(Unread::Failed(failure::failed_generation()));
        }
        tidy_choice(choice, context, thoughts);
        name_calls(&mut choice.message, choice.index, &response.id);
    }
    Ok(response)
}

fn tidy_choice(choice: &mut Choice, context: &DecodeContext, mode: Thoughts) {
    choice.finish_reason = choice.finish_reason.take().map(in_openais_terms);
    liberties::tidy_logprobs(&mut choice.logprobs);
    let message = &mut choice.message;
    if message.reasoning_content.is_none() {
        message.reasoning_content = liberties::take_reasoning(&mut message.extra);
    }
    if mode == Thoughts::Split
        && message.reasoning_content.is_none()
        && let Some((thoughts, answer)) = message.content.as_deref().and_then(thoughts::split)
    {
        (message.reasoning_content, message.content) = (Some(thoughts.to_owned()), Some(answer.to_owned()));
    }
    if let Some(content) = &mut message.content {
        if cut_at_stop(content, &context.stop) {
            choice.finish_reason = Some(FinishReason::Stop);
        }
        strip_end_tokens(content, &context.end_tokens);
    }
}

/// A tool message must name the call that it answers: a call without an id is given one.
fn name_calls(message: &mut AssistantMessage, choice: u32, response_id: &str) {
    for (call, place) in message.tool_calls.iter_mut().zip(0..) {
        if call.id.is_empty() {
            call.id = call_id(response_id, choice, place);
        }
    }
}

fn call_id(response_id: &str, choice: u32, place: u32) -> String {
    format!("call_{response_id}_{choice}_{place}")
}

/// A failure may come in a record that has choices too, such as DJL's.
fn failure_beside_choices(extra: &Map<String, Value>, text: &[u8]) -> Option<sagewire_types::Error> {
    extra.get("error").filter(|error| !error.is_null())?;
    failure::read_report(text).map(|report| failure::reported_error(&report))
}

/// Whether the container ended the answer because it failed: DJL and vLLM say so in the finish reason.
fn is_failure(reason: &FinishReason) -> bool {
    matches!(reason, FinishReason::Other(name) if name == "error" || name == "abort")
}

/// TGI and DJL name some reasons in their own way in OpenAI's shapes too.
fn in_openais_terms(reason: FinishReason) -> FinishReason {
    match reason {
        FinishReason::Other(name) => FinishReason::from_container(&name),
        known => known,
    }
}
