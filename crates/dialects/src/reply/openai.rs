//! OpenAI's own shapes, as vLLM, TGI, DJL and SGLang reply them, with the liberties that these
//! containers take.
//!
//! Owns the reading of a whole reply: names of finish reasons, thoughts between `<think>` tags, and
//! fields that a container leaves out, names otherwise or gives another type.
//!
//! <https://platform.openai.com/docs/api-reference/chat>

use std::collections::BTreeSet;

use sagewire_types::{ChatResponse, Choice, FinishReason, Role};

use super::{Unread, failure_beside_text, forget_absent_error};
use crate::{
    DecodeContext, failure_report as failure,
    finish_reason::{self, in_openais_terms, is_failure},
    stop_texts::{cut_at_stop, strip_end_tokens, tell_stop},
    thoughts::Pieces,
    tool_calls,
};
pub(crate) use stream::OpenAiStream;

mod choice;
mod liberties;
mod repeated;
mod stream;

/// Reads a whole reply.
pub(crate) fn read(reply: &[u8], context: &DecodeContext) -> Result<ChatResponse, Unread> {
    // Checked once as a whole, a reply's texts need not be checked one by one.
    let parsed = std::str::from_utf8(reply).ok().and_then(|reply| serde_json::from_str(reply).ok());
    let mut response: ChatResponse = match parsed {
        Some(response) => keep_integers(response, reply),
        None => liberties::read_reply(reply).ok_or(Unread::Shape)?,
    };
    if let Some(error) = failure_beside_text(response.extra.get("error"), reply) {
        return Err(Unread::Failed(error));
    }
    forget_absent_error(&mut response.extra);
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
    number(&mut response.choices);
    for choice in &mut response.choices {
        if choice.finish_reason.as_ref().is_some_and(is_failure) {
            return Err(Unread::Failed(failure::failed_generation()));
        }
        tidy_choice(choice, context, &response.id);
    }
    Ok(response)
}

fn keep_integers(mut response: ChatResponse, reply: &[u8]) -> ChatResponse {
    response.keep_integers(reply);
    response
}

/// Choices that have no numbers of their own are numbered by their places.
fn number(choices: &mut [Choice]) {
    let numbers: BTreeSet<u32> = choices.iter().map(|choice| choice.index).collect();
    if numbers.len() < choices.len() {
        for (choice, place) in choices.iter_mut().zip(0..) {
            choice.index = place;
        }
    }
}

fn tidy_choice(choice: &mut Choice, context: &DecodeContext, response_id: &str) {
    liberties::tidy_logprobs(&mut choice.logprobs);
    liberties::tidy_choice(choice);
    let mut reason = choice.finish_reason.take().map(in_openais_terms);
    let message = &mut choice.message;
    // Every answer is the assistant's.
    message.role = Role::Assistant;
    if message.reasoning_content.is_none() {
        if let Some(content) = message.content.take() {
            Pieces { thoughts: message.reasoning_content, answer: message.content } = context.split_thoughts(content);
        }
    }
    if let Some(content) = &mut message.content {
        if let Some(stop) = cut_at_stop(content, &context.stop) {
            tell_stop(&mut choice.extra, Some(&stop));
            reason = Some(FinishReason::Stop);
        }
        strip_end_tokens(content, &context.end_tokens);
    }
    tool_calls::name_calls(&mut message.tool_calls, choice.index, response_id);
    choice.finish_reason = Some(finish_reason::of_ended(reason, !message.tool_calls.is_empty()));
}
