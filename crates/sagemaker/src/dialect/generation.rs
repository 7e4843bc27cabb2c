//! Generated text, as text containers reply it: `generated_text` with its details, whole and as a stream of tokens.
//!
//! Owns the wire shapes that TGI, DJL, the Hugging Face toolkit and old JumpStart images share, and their reading into OpenAI's
//! shapes. Bodies are each dialect's own.
//!
//! <https://huggingface.co/docs/text-generation-inference/reference/api_reference>,
//! <https://docs.djl.ai/master/docs/serving/serving/docs/lmi/user_guides/lmi_input_output_schema.html>

use sagewire_types::{AssistantMessage, ChatResponse, Choice, Error, FinishReason, Usage};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::DecodeContext;
use crate::{
    failure,
    stop::{cut_at_stop, strip_end_tokens},
};

pub(crate) use stream::GenerationStream;

mod stream;

/// How deep lists around a reply may nest: batching containers put the one answer into a list of lists.
const MAX_LIST_DEPTH: usize = 3;

/// A prompt shorter than this may well begin an answer by chance; its echo is left in place.
const SHORTEST_ECHO: usize = 16;

/// A whole reply, in any of the shapes of this family.
#[derive(Debug, Deserialize)]
struct Generated {
    generated_text: Option<String>,
    generation: Option<Generation>,
    details: Option<Details>,
    outputs: Option<OneOrMany>,
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

/// What a container knows about its answer, where it was asked.
#[derive(Debug, Default, Deserialize)]
struct Details {
    finish_reason: Option<String>,
    generated_tokens: Option<u64>,
    input_length: Option<u64>,
    #[serde(default)]
    prefill: Option<Vec<serde::de::IgnoredAny>>,
    #[serde(default)]
    tokens: Option<Vec<Token>>,
    #[serde(default)]
    top_tokens: Option<Vec<Vec<Token>>>,
    #[serde(default)]
    best_of_sequences: Option<Vec<Sequence>>,
}

/// One of the other answers when several were asked for.
#[derive(Debug, Deserialize)]
struct Sequence {
    generated_text: String,
    finish_reason: Option<String>,
    generated_tokens: Option<u64>,
    #[serde(default)]
    tokens: Option<Vec<Token>>,
    #[serde(default)]
    top_tokens: Option<Vec<Vec<Token>>>,
}

/// A token; TGI writes `logprob`, DJL `log_prob`.
#[derive(Debug, Deserialize)]
struct Token {
    #[serde(default)]
    text: String,
    #[serde(default, alias = "log_prob")]
    logprob: Option<f64>,
    #[serde(default)]
    special: Option<bool>,
}

/// Reads a whole reply.
pub(crate) fn decode(reply: &[u8], context: &DecodeContext, dialect: &str) -> Result<ChatResponse, Error> {
    let mut answers = Answers { context, choices: Vec::new(), usage: None };
    match answers.read(reply, MAX_LIST_DEPTH) {
        Ok(()) if !answers.choices.is_empty() => Ok(answers.finish()),
        Ok(()) | Err(NotGenerated::Shape) => Err(failure::unknown_reply(reply, dialect)),
        Err(NotGenerated::OpenAi) => super::openai::decode(reply, context, dialect),
        Err(NotGenerated::Failed(error)) => Err(error),
    }
}

/// Why a reply is no generated text.
enum NotGenerated {
    Shape,
    OpenAi,
    Failed(Error),
}

struct Answers<'a> {
    context: &'a DecodeContext,
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

impl Answers<'_> {
    fn read(&mut self, reply: &[u8], depth: usize) -> Result<(), NotGenerated> {
        match reply.trim_ascii_start().first() {
            Some(b'[') if depth > 0 => {
                let items: Vec<&RawValue> = serde_json::from_slice(reply).map_err(|_| NotGenerated::Shape)?;
                items.into_iter().try_for_each(|item| self.read(item.get().as_bytes(), depth - 1))
            }
            Some(b'{') => self.read_object(reply),
            Some(b'"') => {
                let text: String = serde_json::from_slice(reply).map_err(|_| NotGenerated::Shape)?;
                self.push(text, None, None);
                Ok(())
            }
            _ => Err(NotGenerated::Shape),
        }
    }

    fn read_object(&mut self, reply: &[u8]) -> Result<(), NotGenerated> {
        let Generated { generated_text, generation, mut details, outputs } =
            serde_json::from_slice(reply).map_err(|_| NotGenerated::Shape)?;
        let text = match (generation, generated_text) {
            (Some(Generation::Text(text) | Generation::Message { content: text }), _) | (None, Some(text)) => text,
            (None, None) => return self.read_other(reply, outputs),
        };
        if let Some(details) = &details {
            if details.finish_reason.as_deref() == Some("error") {
                let report = failure::read_report(reply);
                return Err(NotGenerated::Failed(
                    report.map_or_else(failure::failed_generation, |report| failure::reported_error(&report)),
                ));
            }
            self.count(details);
        }
        let sequences = details.as_mut().and_then(|details| details.best_of_sequences.take()).unwrap_or_default();
        let (reason, logprobs) = match &details {
            Some(details) => (
                details.finish_reason.as_deref(),
                self.logprobs(details.tokens.as_deref(), details.top_tokens.as_deref()),
            ),
            None => (None, None),
        };
        self.push_with_details(text, reason.map(FinishReason::from_container), logprobs, details.is_some());
        for sequence in sequences {
            if let (Some(usage), Some(tokens)) = (&mut self.usage, sequence.generated_tokens) {
                *usage = Usage::reported(usage.prompt_tokens, usage.completion_tokens.saturating_add(tokens));
            }
            let logprobs = self.logprobs(sequence.tokens.as_deref(), sequence.top_tokens.as_deref());
            let reason = sequence.finish_reason.as_deref().map(FinishReason::from_container);
            self.push_with_details(sequence.generated_text, reason, logprobs, true);
        }
        Ok(())
    }

    fn read_other(&mut self, reply: &[u8], outputs: Option<OneOrMany>) -> Result<(), NotGenerated> {
        match outputs {
            Some(OneOrMany::One(text)) => self.push(text, None, None),
            Some(OneOrMany::Many(texts)) if !texts.is_empty() => {
                texts.into_iter().for_each(|text| self.push(text, None, None));
            }
            _ => {
                return Err(match failure::read_report(reply) {
                    Some(report) => NotGenerated::Failed(failure::reported_error(&report)),
                    None if super::openai::is_chat_reply(reply) => NotGenerated::OpenAi,
                    None => NotGenerated::Shape,
                });
            }
        }
        Ok(())
    }

    fn push(&mut self, text: String, reason: Option<FinishReason>, logprobs: Option<Value>) {
        self.push_with_details(text, reason, logprobs, false);
    }

    fn push_with_details(
        &mut self,
        mut text: String,
        reason: Option<FinishReason>,
        logprobs: Option<Value>,
        has_details: bool,
    ) {
        // Containers that report details never echo the prompt unasked; of the others, pipelines do.
        if !has_details && !self.context.keep_prompt {
            strip_echo(&mut text, self.context.prompt.as_deref());
        }
        let stopped = cut_at_stop(&mut text, &self.context.stop);
        strip_end_tokens(&mut text, &self.context.end_tokens);
        let reason = if stopped { FinishReason::Stop } else { reason.unwrap_or(FinishReason::Stop) };
        let mut choice = Choice::default();
        choice.index = u32::try_from(self.choices.len()).unwrap_or(u32::MAX);
        choice.message = AssistantMessage::default();
        choice.message.content = Some(text);
        choice.finish_reason = Some(reason);
        choice.logprobs = logprobs;
        self.choices.push(choice);
    }

    fn logprobs(&self, tokens: Option<&[Token]>, top_tokens: Option<&[Vec<Token>]>) -> Option<Value> {
        let tokens = tokens.filter(|_| self.context.logprobs)?;
        Some(openai_logprobs(tokens, top_tokens.unwrap_or_default()))
    }

    fn count(&mut self, details: &Details) {
        if let Some(usage) = usage(details) {
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

/// The counts that the container reports; a prompt whose length it does not report counts as none.
fn usage(details: &Details) -> Option<Usage> {
    let generated = details.generated_tokens?;
    let prefill = details.prefill.as_ref().filter(|prefill| !prefill.is_empty()).map(|prefill| prefill.len() as u64);
    Some(Usage::reported(details.input_length.or(prefill).unwrap_or_default(), generated))
}

/// Takes the prompt away from the beginning of an answer, as pipelines that return the full text put it there.
fn strip_echo(text: &mut String, prompt: Option<&str>) {
    let Some(prompt) = prompt.filter(|prompt| prompt.len() >= SHORTEST_ECHO) else { return };
    if text.starts_with(prompt) {
        text.drain(..prompt.len());
    }
}

/// OpenAI's form of [log probabilities](https://platform.openai.com/docs/api-reference/chat/object#chat/object-choices).
fn openai_logprobs(tokens: &[Token], top_tokens: &[Vec<Token>]) -> Value {
    let entry =
        |token: &Token| json!({ "token": token.text, "logprob": token.logprob, "bytes": token.text.as_bytes() });
    let content: Vec<Value> = tokens
        .iter()
        .enumerate()
        .map(|(place, token)| {
            let mut entry_with_top = entry(token);
            let top: Vec<Value> = top_tokens.get(place).map(|top| top.iter().map(entry).collect()).unwrap_or_default();
            if let Some(object) = entry_with_top.as_object_mut() {
                object.insert("top_logprobs".to_owned(), Value::Array(top));
            }
            entry_with_top
        })
        .collect();
    json!({ "content": content, "refusal": null })
}
