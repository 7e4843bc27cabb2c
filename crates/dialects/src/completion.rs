//! Raw prompts: OpenAI's older completion API on top of chat dialects.
//!
//! Owns both ways: a prompt in a text dialect's own body, its reply turned into a completion, and
//! OpenAI's completion body for containers that take it.
//!
//! <https://platform.openai.com/docs/api-reference/completions>

use std::{collections::BTreeMap, fmt};

use sagewire_types::{
    ChatChunk, ChatRequest, ChatResponse, CompletionChoice, CompletionRequest, CompletionResponse, Error, ErrorKind,
    Prompt,
};
use serde_json::{Value, json};

use crate::{
    DecodeContext, EncodeContext, Ending, Payload, StreamDecoder,
    messages::body::{self, ModelName},
    reply::{self, Shape},
};

mod logprobs;

/// A completion request as a chat request without messages, and the prompts that are each sent with
/// it.
///
/// # Errors
/// `Unsupported` for token ids, which a text dialect cannot carry.
pub fn as_prompts(request: CompletionRequest) -> Result<(ChatRequest, Vec<String>), Error> {
    let prompts = match request.prompt {
        Prompt::Text(text) => vec![text],
        Prompt::Texts(texts) => texts,
        Prompt::Tokens(_) | Prompt::TokenLists(_) => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "a text container takes text, not token ids: send the text",
            )
            .with_param("prompt"));
        }
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
    if let Some(Value::Object(bias)) = chat.extra.shift_remove("logit_bias") {
        chat.logit_bias = Some(bias);
    }
    if request.echo == Some(true) {
        chat.extra.insert("return_full_text".to_owned(), json!(true));
    }
    Ok((chat, prompts))
}

/// A chat answer as the completion that it is.
#[must_use]
pub fn from_chat(response: ChatResponse) -> CompletionResponse {
    let choices = response
        .choices
        .into_iter()
        .map(|choice| {
            let text = choice.message.content.unwrap_or_default();
            let mut completion = CompletionChoice::new(choice.index, text, choice.finish_reason);
            completion.logprobs = choice.logprobs.map(|logprobs| logprobs::of_completion(logprobs, &mut 0));
            completion.extra = choice.extra;
            completion
        })
        .collect();
    let mut completion = CompletionResponse::new(response.id.into(), response.model.into(), response.created, choices);
    completion.usage = response.usage;
    completion.extra = response.extra;
    completion
}

/// OpenAI's completion body with the model's name as the container knows it.
///
/// # Errors
/// `InvalidRequest` where a parameter cannot be written.
pub(crate) fn encode(request: CompletionRequest, context: &EncodeContext<'_>) -> Result<Payload, Error> {
    body::completion(request, context, ModelName::Sent)
}

/// Reads a whole reply to OpenAI's completion body, in the form that [`from_chat`] takes.
///
/// # Errors
/// `Decode` for an unknown shape; what the container says, where the reply is a report of a
/// failure.
pub fn decode(reply: &[u8], context: &DecodeContext, dialect: &str) -> Result<ChatResponse, Error> {
    reply::decode(reply, &context.clone().keeping_thoughts(), dialect, Shape::OpenAi)
}

/// Reads a streamed chat answer as the completion that it is.
pub struct CompletionDecoder {
    chat: Box<dyn StreamDecoder>,
    chunks: Vec<ChatChunk>,
    pieces: CompletionPieces,
}

impl fmt::Debug for CompletionDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompletionDecoder").finish_non_exhaustive()
    }
}

impl CompletionDecoder {
    /// A reader over the one of the dialect, whose context [keeps
    /// thoughts](DecodeContext::keeping_thoughts).
    #[must_use]
    pub fn new(chat: Box<dyn StreamDecoder>) -> Self {
        Self { chat, chunks: Vec::new(), pieces: CompletionPieces::default() }
    }

    fn pass(&mut self, out: &mut Vec<CompletionResponse>) {
        out.extend(self.chunks.drain(..).map(|chunk| self.pieces.take(chunk)));
    }
}

impl StreamDecoder<CompletionResponse> for CompletionDecoder {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<CompletionResponse>) -> Result<(), Error> {
        let result = self.chat.push(bytes, &mut self.chunks);
        self.pass(out);
        result
    }

    fn ending(&self) -> Ending {
        self.chat.ending()
    }

    fn flush(&mut self, out: &mut Vec<CompletionResponse>) {
        self.chat.flush(&mut self.chunks);
        self.pass(out);
    }

    fn finish(&mut self, out: &mut Vec<CompletionResponse>) -> Result<(), Error> {
        let result = self.chat.finish(&mut self.chunks);
        self.pass(out);
        result
    }
}

/// Turns the chunks of one chat answer into the pieces of a completion.
#[derive(Debug, Default)]
struct CompletionPieces {
    /// How many characters each choice has so far: the offsets of its tokens grow over the pieces.
    offsets: BTreeMap<u32, usize>,
}

impl CompletionPieces {
    /// The next chunk as a piece.
    fn take(&mut self, chunk: ChatChunk) -> CompletionResponse {
        let choices = chunk
            .choices
            .into_iter()
            .map(|choice| {
                let text = choice.delta.content.unwrap_or_default();
                let mut completion = CompletionChoice::new(choice.index, text, choice.finish_reason);
                let offset = self.offsets.entry(choice.index).or_default();
                completion.logprobs = choice.logprobs.map(|logprobs| logprobs::of_completion(logprobs, offset));
                completion.extra = choice.extra;
                completion
            })
            .collect();
        let mut completion = CompletionResponse::new(chunk.id, chunk.model, chunk.created, choices);
        completion.usage = chunk.usage;
        completion.extra = chunk.extra;
        completion
    }
}
