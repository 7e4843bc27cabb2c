//! Raw prompts: OpenAI's older completion API on top of chat dialects.
//!
//! Owns both ways: a prompt in a text dialect's own body, its reply turned into a completion, and OpenAI's completion body for
//! containers that take it.

use futures_util::{Stream, StreamExt};
use sagewire_types::{
    ChatChunk, ChatRequest, ChatResponse, CompletionChoice, CompletionRequest, CompletionResponse, Error, ErrorKind,
    Prompt,
};
use serde_json::json;

use super::{DecodeContext, EncodeContext, Payload, openai};
use crate::{
    failure,
    framing::{Record, RecordFramer},
};

/// A completion request as a chat request without messages, and its prompt.
///
/// # Errors
/// `Unsupported` for prompts that a text dialect cannot carry.
pub(crate) fn as_prompt(request: CompletionRequest) -> Result<(ChatRequest, String), Error> {
    let prompt = match request.prompt {
        Prompt::Text(text) => text,
        Prompt::Texts(texts) => match <[String; 1]>::try_from(texts) {
            Ok([text]) => text,
            Err(_) => return Err(one_prompt_only("several prompts at once")),
        },
        Prompt::Tokens(_) | Prompt::TokenLists(_) => return Err(one_prompt_only("token ids")),
    };
    let mut chat = ChatRequest::new(request.model, []);
    chat.temperature = request.temperature;
    chat.top_p = request.top_p;
    chat.n = request.n;
    chat.stop = request.stop;
    chat.stream_options = request.stream_options;
    chat.max_tokens = request.max_tokens;
    chat.presence_penalty = request.presence_penalty;
    chat.frequency_penalty = request.frequency_penalty;
    chat.seed = request.seed;
    chat.logprobs = request.logprobs.map(|_| true);
    chat.top_logprobs = request.logprobs;
    chat.user = request.user;
    chat.extra = request.extra;
    if request.echo == Some(true) {
        chat.extra.insert("return_full_text".to_owned(), json!(true));
    }
    Ok((chat, prompt))
}

fn one_prompt_only(what: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("a text container takes one prompt as text, not {what}: send one request for each prompt, as text"),
    )
    .with_param("prompt")
}

/// A chat answer as the completion that it is.
pub(crate) fn from_chat(response: ChatResponse) -> CompletionResponse {
    let choices = response
        .choices
        .into_iter()
        .map(|choice| {
            let text = choice.message.content.unwrap_or_default();
            let mut completion = CompletionChoice::new(choice.index, text, choice.finish_reason);
            completion.logprobs = choice.logprobs;
            completion
        })
        .collect();
    let mut completion = CompletionResponse::new(response.id.into(), response.model.into(), response.created, choices);
    completion.usage = response.usage;
    completion
}

/// A chunk of a chat answer as the piece of a completion that it is.
fn from_chunk(chunk: ChatChunk) -> CompletionResponse {
    let choices = chunk
        .choices
        .into_iter()
        .map(|choice| {
            let text = choice.delta.content.unwrap_or_default();
            let mut completion = CompletionChoice::new(choice.index, text, choice.finish_reason);
            completion.logprobs = choice.logprobs;
            completion
        })
        .collect();
    let mut completion = CompletionResponse::new(chunk.id, chunk.model, chunk.created, choices);
    completion.usage = chunk.usage;
    completion
}

/// A chat answer's chunks as the pieces of a completion that they are.
pub(crate) fn from_chunks(
    chunks: impl Stream<Item = Result<ChatChunk, Error>> + Send + 'static,
) -> impl Stream<Item = Result<CompletionResponse, Error>> + Send + 'static {
    chunks.map(|chunk| chunk.map(from_chunk))
}

/// OpenAI's completion body with the model's name as the container knows it.
pub(crate) fn encode(mut request: CompletionRequest, context: &EncodeContext<'_>) -> Result<Payload, Error> {
    request.model = context.model.to_owned();
    request.stream = context.stream.then_some(true);
    if !context.stream {
        request.stream_options = None;
    }
    Payload::json(&request)
}

/// Reads a whole completion.
pub(crate) fn decode(reply: &[u8], context: &DecodeContext, dialect: &str) -> Result<CompletionResponse, Error> {
    match serde_json::from_slice(reply) {
        Ok(response) => Ok(named(response, context)),
        Err(error) => Err(not_a_completion(reply, dialect, error)),
    }
}

/// Reads a stream of completion chunks.
pub(crate) struct CompletionDecoder {
    framer: RecordFramer,
    context: DecodeContext,
    dialect: &'static str,
    /// By choice: whether it has ended.
    finished: std::collections::BTreeMap<u32, bool>,
    done: bool,
}

impl CompletionDecoder {
    pub(crate) fn new(context: DecodeContext, dialect: &'static str) -> Self {
        Self {
            framer: RecordFramer::default(),
            context,
            dialect,
            finished: std::collections::BTreeMap::new(),
            done: false,
        }
    }
}

impl super::StreamDecoder<CompletionResponse> for CompletionDecoder {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<CompletionResponse>) -> Result<(), Error> {
        let Self { framer, context, dialect, finished, done } = self;
        framer.push(bytes, |record| take(record, context, dialect, finished, done, out))
    }

    fn finish(&mut self, out: &mut Vec<CompletionResponse>) -> Result<(), Error> {
        let Self { framer, context, dialect, finished, done } = self;
        framer.finish(|record| take(record, context, dialect, finished, done, out))?;
        let all_finished = !finished.is_empty() && finished.values().all(|finished| *finished);
        if *done || all_finished { Ok(()) } else { Err(failure::unfinished()) }
    }
}

fn take(
    record: Record<'_>,
    context: &DecodeContext,
    dialect: &str,
    finished: &mut std::collections::BTreeMap<u32, bool>,
    done: &mut bool,
    out: &mut Vec<CompletionResponse>,
) -> Result<(), Error> {
    let Record::Json(text) = record else {
        *done = true;
        return Ok(());
    };
    let chunk: CompletionResponse = match serde_json::from_slice(text) {
        Ok(chunk) => chunk,
        Err(error) if error.is_eof() => return Err(failure::cut_record(error)),
        Err(error) => return Err(not_a_completion(text, dialect, error)),
    };
    for choice in &chunk.choices {
        *finished.entry(choice.index).or_default() |= choice.finish_reason.is_some();
    }
    out.push(named(chunk, context));
    Ok(())
}

fn named(mut response: CompletionResponse, context: &DecodeContext) -> CompletionResponse {
    if response.id.is_empty() {
        response.id = context.id.clone();
    }
    if response.model.is_empty() {
        response.model = context.model.clone();
    }
    if response.created == 0 {
        response.created = context.created;
    }
    for choice in &mut response.choices {
        choice.finish_reason = choice.finish_reason.take().map(openai::in_openais_terms);
    }
    response
}

fn not_a_completion(text: &[u8], dialect: &str, error: serde_json::Error) -> Error {
    failure::read_report(text).map_or_else(
        || failure::unknown_reply(text, dialect).with_source(error),
        |report| failure::reported_error(&report),
    )
}
