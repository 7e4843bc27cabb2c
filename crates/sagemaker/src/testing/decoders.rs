//! The decoders of chat, completion and embedding replies.

use std::sync::Arc;

use sagewire_types::{ChatChunk, ChatResponse, CompletionResponse, EmbedResponse, Error, ErrorKind};

use crate::{
    dialect::{self, DecodeContext, Dialect, StreamDecoder, completion},
    embedding::{self, EmbedContext},
};

/// What a caller asked for, as far as a decoder is told of it.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The prompt that was sent, whose echo is taken away.
    pub prompt: Option<String>,
    /// Whether the echo is to stay.
    pub keep_prompt: bool,
    /// Texts that end an answer.
    pub stop: Vec<String>,
    /// Special texts that end the model's turn.
    pub end_tokens: Vec<String>,
    /// Whether log probabilities were asked for.
    pub logprobs: bool,
    /// Whether a stream is to end with its usage.
    pub include_usage: bool,
    /// How many answers were asked for; 0 counts as 1.
    pub choices: u32,
}

impl Asked {
    fn context(&self) -> DecodeContext {
        let mut context = DecodeContext::new("id", "m", 1);
        context.prompt = self.prompt.as_deref().map(Arc::from);
        context.keep_prompt = self.keep_prompt;
        context.stop = self.stop.clone().into();
        context.end_tokens = self.end_tokens.clone().into();
        (context.logprobs, context.include_usage) = (self.logprobs, self.include_usage);
        context.choices = self.choices.max(1);
        context
    }
}

/// What a streamed reply gave: its parts, and the error that ended it.
#[derive(Debug)]
pub struct Streamed<T> {
    /// The parts, in order.
    pub parts: Vec<T>,
    /// The error, where the reply did not end well.
    pub error: Option<Error>,
}

fn named(name: &str) -> Result<&'static dyn Dialect, Error> {
    dialect::by_name(name).ok_or_else(|| Error::new(ErrorKind::Configuration, "no dialect has this name"))
}

/// A whole reply, read by the dialect of this name.
///
/// # Errors
/// As the provider's: `Decode` for an unknown shape, `ModelFailed` for a report of a failure.
pub fn decode_chat(dialect: &str, reply: &[u8], asked: &Asked) -> Result<ChatResponse, Error> {
    named(dialect)?.decode(reply, &asked.context())
}

/// A whole reply to a raw prompt in OpenAI's form.
///
/// # Errors
/// As [`decode_chat`].
pub fn decode_completion(dialect: &str, reply: &[u8], asked: &Asked) -> Result<CompletionResponse, Error> {
    completion::decode(reply, &asked.context(), named(dialect)?.name()).map(completion::from_chat)
}

/// A streamed reply whose payload comes in these pieces.
///
/// # Errors
/// Where no dialect has this name.
pub fn stream_chat<'a>(
    dialect: &str,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    asked: &Asked,
) -> Result<Streamed<ChatChunk>, Error> {
    Ok(drain(named(dialect)?.stream_decoder(asked.context()), pieces))
}

/// A streamed reply to a raw prompt in OpenAI's form.
///
/// # Errors
/// Where no dialect has this name.
pub fn stream_completion<'a>(
    dialect: &str,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    asked: &Asked,
) -> Result<Streamed<CompletionResponse>, Error> {
    let decoder = completion::CompletionDecoder::new(asked.context(), named(dialect)?.name());
    Ok(drain(Box::new(decoder), pieces))
}

fn drain<'a, T>(mut decoder: Box<dyn StreamDecoder<T>>, pieces: impl IntoIterator<Item = &'a [u8]>) -> Streamed<T> {
    let mut parts = Vec::new();
    for piece in pieces {
        if let Err(error) = decoder.push(piece, &mut parts) {
            decoder.flush(&mut parts);
            return Streamed { parts, error: Some(error) };
        }
    }
    let error = decoder.finish(&mut parts).err();
    Streamed { parts, error }
}

/// A whole reply of an embedding container, read by the family of this name for so many inputs.
///
/// # Errors
/// As the provider's, and where no family has this name.
pub fn decode_embedding(
    family: &str,
    reply: &[u8],
    inputs: usize,
    dimensions: Option<u32>,
) -> Result<EmbedResponse, Error> {
    let family = embedding::by_name(family)
        .ok_or_else(|| Error::new(ErrorKind::Configuration, "no embedding family has this name"))?;
    let context = EmbedContext { model: "m".into(), inputs, dimensions, encoding_format: None };
    family.decode(&bytes::Bytes::copy_from_slice(reply), &context)
}
