//! A stream of generated tokens.
//!
//! Owns the reading of token records into chunks and the judgement whether the answer was whole: details or the whole text at the end,
//! or OpenAI's end mark. DJL's bare `outputs` lines have neither.

use sagewire_types::{ChatChunk, ChunkChoice, Error, FinishReason, Role, Usage};
use serde::Deserialize;
use serde_json::Value;

use super::{
    OneOrMany,
    details::{Details, Token, logprobs},
    echo::EchoFilter,
    failure_of, read,
};
use crate::{
    DecodeContext, failure_report as failure,
    records::Record,
    reply::{RecordReader, Unread, unknown},
    stop_texts::StopFilter,
    whole_as_chunks as whole,
};

/// One record of a token stream.
#[derive(Debug, Deserialize)]
struct TokenRecord<'a> {
    token: Option<Token>,
    #[serde(default)]
    top_tokens: Option<Vec<Token>>,
    generated_text: Option<OneOrMany>,
    #[serde(borrow)]
    details: Option<Details<'a>>,
    outputs: Option<OneOrMany>,
}

/// Reads the token records of TGI and DJL, DJL's bare `outputs`, and whole replies of containers that do not stream.
pub(crate) struct GenerationStream {
    context: DecodeContext,
    echo: EchoFilter,
    filter: StopFilter,
    dialect: &'static str,
    /// Whether the first chunk, which names the role, is out.
    started: bool,
    /// Whether a token or a text came, shown or not.
    answered: bool,
    /// Lines of `outputs` have no end mark: their end is the stream's.
    endless: bool,
    /// A whole reply came in one record and is out already, its end too.
    complete: bool,
    finish_reason: Option<FinishReason>,
    usage: Option<Usage>,
}

impl GenerationStream {
    pub(crate) fn new(context: DecodeContext, dialect: &'static str) -> Self {
        let filter = StopFilter::new(context.stop.clone(), context.end_tokens.clone());
        let echo = EchoFilter::new(&context);
        Self {
            context,
            echo,
            filter,
            dialect,
            started: false,
            answered: false,
            endless: false,
            complete: false,
            finish_reason: None,
            usage: None,
        }
    }
}

impl RecordReader for GenerationStream {
    fn take(&mut self, record: Record<'_>, out: &mut Vec<ChatChunk>) -> Result<(), Error> {
        let Record::Json(text) = record else {
            if self.answered && !self.complete {
                self.finish_reason.get_or_insert(FinishReason::Stop);
            }
            return Ok(());
        };
        if text.first() == Some(&b'[') {
            return self.take_whole(text, out);
        }
        let record: TokenRecord<'_> = match serde_json::from_slice(text) {
            Ok(record) => record,
            Err(error) if error.is_eof() => return Err(failure::cut_record(&error)),
            Err(_) => return Err(unknown(text, self.dialect)),
        };
        let TokenRecord { token, top_tokens, generated_text, details, outputs } = record;
        if details.as_ref().is_some_and(Details::has_failed) {
            return Err(failure_of(text));
        }
        let Some(token) = token else {
            match outputs {
                Some(outputs) => match <[String; 1]>::try_from(outputs.into_vec()) {
                    Ok([text]) => self.take_output(text, out),
                    Err(_) => return Err(unknown(text, self.dialect)),
                },
                None if self.answered && (details.is_some() || generated_text.is_some()) => {
                    self.take_end(details.as_ref());
                }
                None => return self.take_whole(text, out),
            }
            return Ok(());
        };
        self.answered = true;
        if token.has_id() {
            self.echo.trust();
        }
        if !token.is_special() {
            let top = top_tokens.map(|top| [top]);
            let top = top.as_ref().map(<[_; 1]>::as_slice).unwrap_or_default();
            let logprobs = logprobs(&self.context, std::slice::from_ref(&token), top);
            self.emit(token.text.unwrap_or_default(), logprobs, out);
        }
        if details.is_some() || generated_text.is_some() {
            self.take_end(details.as_ref());
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Vec<ChatChunk>) {
        for (text, logprobs) in self.echo.finish() {
            self.pass(text, logprobs, out);
        }
        let rest = self.filter.finish();
        if !rest.is_empty() {
            self.show(rest, None, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<ChatChunk>) -> Result<(), Error> {
        if self.complete {
            return Ok(());
        }
        let reason = match self.finish_reason.take() {
            _ if self.filter.ended() => FinishReason::Stop,
            Some(reason) => reason,
            None if self.endless => FinishReason::Stop,
            None => return Err(failure::unfinished()),
        };
        if !self.started {
            self.show(String::new(), None, out);
        }
        out.push(self.chunk(vec![ChunkChoice::finished(reason)]));
        if let Some(usage) = self.usage.take().filter(|_| self.context.include_usage) {
            let mut chunk = self.chunk(Vec::new());
            chunk.usage = Some(usage);
            out.push(chunk);
        }
        Ok(())
    }
}

impl GenerationStream {
    /// A container that does not stream puts its whole reply into one record.
    fn take_whole(&mut self, text: &[u8], out: &mut Vec<ChatChunk>) -> Result<(), Error> {
        if self.answered {
            return Err(unknown(text, self.dialect));
        }
        match read(text, &self.context) {
            Ok(response) => {
                (self.answered, self.complete) = (true, true);
                out.extend(whole::into_chunks(response, self.context.include_usage));
                Ok(())
            }
            Err(Unread::Failed(error)) => Err(error),
            Err(Unread::Shape) => match serde_json::from_slice::<serde::de::IgnoredAny>(text) {
                Err(error) if error.is_eof() => Err(failure::cut_record(&error)),
                _ => Err(unknown(text, self.dialect)),
            },
        }
    }

    fn take_output(&mut self, text: String, out: &mut Vec<ChatChunk>) {
        (self.answered, self.endless) = (true, true);
        self.emit(text, None, out);
    }

    fn take_end(&mut self, details: Option<&Details<'_>>) {
        let reason = details.and_then(Details::finish_reason);
        self.finish_reason = Some(reason.unwrap_or(FinishReason::Stop));
        self.usage = details.and_then(Details::usage).or(self.usage.take());
    }

    fn emit(&mut self, text: String, logprobs: Option<Value>, out: &mut Vec<ChatChunk>) {
        if self.echo.is_open() {
            return self.pass(text, logprobs, out);
        }
        for (text, logprobs) in self.echo.push((text, logprobs)) {
            self.pass(text, logprobs, out);
        }
    }

    /// Hands over what is no echo, up to a stop text.
    fn pass(&mut self, text: String, logprobs: Option<Value>, out: &mut Vec<ChatChunk>) {
        let had_ended = self.filter.ended();
        let text = self.filter.push(text);
        if !text.is_empty() || (logprobs.is_some() && !had_ended && !self.filter.ended()) {
            self.show(text, logprobs, out);
        }
    }

    /// Hands a piece over. The first one names the role, and begins with the prompt where the caller asked for it.
    fn show(&mut self, mut text: String, logprobs: Option<Value>, out: &mut Vec<ChatChunk>) {
        let first = !std::mem::replace(&mut self.started, true);
        if let Some(prompt) = self.context.prompt.as_deref().filter(|_| first && self.context.keep_prompt) {
            text.insert_str(0, prompt);
        }
        let mut choice = ChunkChoice::text(text);
        choice.delta.role = first.then_some(Role::Assistant);
        choice.logprobs = logprobs;
        out.push(self.chunk(vec![choice]));
    }

    fn chunk(&self, choices: Vec<ChunkChoice>) -> ChatChunk {
        ChatChunk::new(self.context.id.clone(), self.context.model.clone(), self.context.created, choices)
    }
}
