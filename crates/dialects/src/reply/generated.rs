//! Generated text, as text containers reply it: `generated_text` with its details, whole and as a
//! stream of tokens.
//!
//! Owns the wire shapes that TGI, DJL, the Hugging Face toolkit and old JumpStart images share, and
//! the reading of a whole reply into OpenAI's shapes. Bodies are each dialect's own.
//!
//! <https://huggingface.co/docs/text-generation-inference/reference/api_reference>,
//! <https://docs.djl.ai/master/docs/serving/serving/docs/lmi/user_guides/lmi_input_output_schema.html>

use sagewire_types::{AssistantMessage, ChatResponse, Choice, FinishReason, Usage, json, lenient::Object};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{Unread, failure_beside_text};
use crate::{
    DecodeContext,
    answer::{AnswerReader, Said},
    failure_report::{self as failure, FailureReport},
    finish_reason,
    stop_texts::tell_stop,
};
use details::Details;
use echo::{Echo, strip_echo};
pub(crate) use stream::GenerationStream;

mod details;
mod echo;
mod stream;

/// How deep lists around a reply may nest: batching containers put the one answer into a list of
/// lists.
const MAX_LIST_DEPTH: usize = 3;

/// A whole reply, in any of the shapes of this family.
#[derive(Debug, Deserialize)]
struct Generated<'a> {
    generated_text: Option<OneOrMany>,
    /// Old text-to-text images name several answers so.
    generated_texts: Option<Vec<String>>,
    generation: Option<Generation>,
    #[serde(borrow)]
    details: Option<Object<Details<'a>>>,
    outputs: Option<OneOrMany>,
    /// What failed beside the text.
    error: Option<Value>,
    /// A wrapper that model servers put around a list of answers.
    #[serde(borrow)]
    predictions: Option<&'a RawValue>,
}

/// Old Llama 2 images give a text for a prompt and a message for messages.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Generation {
    Text(String),
    Message { content: String },
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

/// Reads a whole reply.
pub(crate) fn read(reply: &[u8], context: &DecodeContext) -> Result<ChatResponse, Unread> {
    match read_exactly(reply, context) {
        Err(Unread::Shape) => read_exactly(&json::repair_reply(reply).ok_or(Unread::Shape)?, context),
        result => result,
    }
}

fn read_exactly(reply: &[u8], context: &DecodeContext) -> Result<ChatResponse, Unread> {
    let mut answers = Answers { context, choices: Vec::new(), usage: None };
    answers.read(reply, MAX_LIST_DEPTH)?;
    if answers.choices.is_empty() { Err(Unread::Shape) } else { Ok(answers.finish()) }
}

struct Answers<'a> {
    context: &'a DecodeContext,
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

impl Answers<'_> {
    fn read(&mut self, reply: &[u8], depth: usize) -> Result<(), Unread> {
        match reply.trim_ascii_start().first() {
            Some(b'[') if depth > 0 => {
                let items: Vec<&RawValue> = serde_json::from_slice(reply).map_err(|_| Unread::Shape)?;
                items.into_iter().try_for_each(|item| self.read(item.get().as_bytes(), depth - 1))
            }
            Some(b'{') => self.read_object(reply, depth),
            Some(b'"') => {
                let text: String = serde_json::from_slice(reply).map_err(|_| Unread::Shape)?;
                self.push(text, None, None, Echo::of(self.context, false));
                Ok(())
            }
            _ => Err(Unread::Shape),
        }
    }

    fn read_object(&mut self, reply: &[u8], depth: usize) -> Result<(), Unread> {
        let generated: Generated<'_> = serde_json::from_slice(reply).map_err(|_| Unread::Shape)?;
        if let Some(error) = failure_beside_text(generated.error.as_ref(), reply) {
            return Err(Unread::Failed(error));
        }
        let texts = match generated {
            Generated { generation: Some(Generation::Text(text) | Generation::Message { content: text }), .. } => {
                vec![text]
            }
            Generated { generated_text: Some(texts), .. } => texts.into_vec(),
            Generated { generated_texts: Some(texts), .. } => texts,
            Generated { outputs: Some(texts), .. } => texts.into_vec(),
            Generated { predictions: Some(list), .. } if depth > 0 => {
                return self.read(list.get().as_bytes(), depth - 1);
            }
            _ => return Err(not_generated(reply)),
        };
        let Some(details) = generated.details.and_then(|Object(details)| details) else {
            let echo = Echo::of(self.context, false);
            texts.into_iter().for_each(|text| self.push(text, None, None, echo));
            return Ok(());
        };
        if details.has_failed() {
            return Err(Unread::Failed(failure_of(reply)));
        }
        self.count(&details);
        let echo = Echo::of(self.context, true);
        let marked = details.text_with_marks(self.context);
        for text in marked.map_or(texts, |text| vec![text]) {
            self.push(text, details.finish_reason(), details.logprobs(self.context), echo);
        }
        for sequence in details.best_of_sequences.unwrap_or_default() {
            if let (Some(usage), Some(tokens)) = (&mut self.usage, sequence.generated_tokens.0) {
                *usage = Usage::reported(usage.prompt_tokens, usage.completion_tokens.saturating_add(tokens));
            }
            let (reason, logprobs) = (sequence.finish_reason(), sequence.logprobs(self.context));
            let text = sequence.text_with_marks(self.context).unwrap_or(sequence.generated_text);
            self.push(text, reason, logprobs, echo);
        }
        Ok(())
    }

    fn push(&mut self, mut text: String, reason: Option<FinishReason>, logprobs: Option<Value>, echo: Echo) {
        let echoed = strip_echo(&mut text, self.context.prompt.as_deref(), echo);
        let index = u32::try_from(self.choices.len()).unwrap_or(u32::MAX);
        let (mut said, stop) = AnswerReader::read_whole(text, index, self.context);
        let mut choice = Choice::default();
        choice.index = index;
        choice.message = AssistantMessage::default();
        choice.message.tool_calls = said.take_calls();
        let has_calls = !choice.message.tool_calls.is_empty();
        let Said { thoughts, mut content, .. } = said;
        // An answer that says nothing is an empty text.
        if thoughts.is_none() && !has_calls {
            content.get_or_insert_default();
        }
        if let Some(prompt) = self.context.prompt.as_deref().filter(|_| echoed && echo == Echo::Asked) {
            content.get_or_insert_default().insert_str(0, prompt);
        }
        (choice.message.reasoning_content, choice.message.content) = (thoughts, content);
        let reason = if stop.is_some() { Some(FinishReason::Stop) } else { reason };
        tell_stop(&mut choice.extra, stop.as_deref());
        choice.finish_reason = Some(finish_reason::of_ended(reason, has_calls));
        choice.logprobs = logprobs;
        self.choices.push(choice);
    }

    fn count(&mut self, details: &Details<'_>) {
        if let Some(usage) = details.usage() {
            let before = self.usage.take().unwrap_or_default();
            self.usage = Some(Usage::reported(
                before.prompt_tokens.saturating_add(usage.prompt_tokens),
                before.completion_tokens.saturating_add(usage.completion_tokens),
            ));
        }
    }

    fn finish(self) -> ChatResponse {
        let mut response = ChatResponse::default();
        response.id = self.context.id.as_ref().to_owned();
        response.object = "chat.completion".to_owned();
        response.created = self.context.created;
        response.model = self.context.model.as_ref().to_owned();
        response.choices = self.choices;
        response.usage = self.usage;
        response
    }
}

fn not_generated(reply: &[u8]) -> Unread {
    FailureReport::read(reply).map_or(Unread::Shape, |report| Unread::Failed(report.into_error()))
}

/// The error of a reply or record whose details say that the generation failed.
fn failure_of(reply: &[u8]) -> sagewire_types::Error {
    FailureReport::read(reply).map_or_else(failure::failed_generation, FailureReport::into_error)
}
