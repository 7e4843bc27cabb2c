//! A stream of generated tokens.
//!
//! Owns the reading of token records into chunks and the judgement whether the answer was whole.

use sagewire_types::{ChatChunk, ChunkChoice, Error, FinishReason, Role, Usage};
use serde::Deserialize;

use super::{Details, OneOrMany, Token, openai_logprobs, usage};
use crate::{
    dialect::{DecodeContext, StreamDecoder},
    failure,
    framing::{Record, RecordFramer},
    stop::StopFilter,
};

/// One record of a token stream.
#[derive(Debug, Deserialize)]
struct TokenRecord {
    token: Option<Token>,
    #[serde(default)]
    top_tokens: Option<Vec<Token>>,
    generated_text: Option<String>,
    details: Option<Details>,
    outputs: Option<OneOrMany>,
}

/// Reads the token streams of TGI (server-sent events) and DJL (JSON lines), and DJL's bare `outputs` lines.
pub(crate) struct GenerationStream {
    framer: RecordFramer,
    answer: Answer,
}

struct Answer {
    context: DecodeContext,
    filter: StopFilter,
    dialect: &'static str,
    started: bool,
    /// Lines of `outputs` have no end mark: their end is the stream's.
    endless: bool,
    finish_reason: Option<FinishReason>,
    usage: Option<Usage>,
}

impl GenerationStream {
    pub(crate) fn new(context: DecodeContext, dialect: &'static str) -> Self {
        let filter = StopFilter::new(context.stop.clone(), context.end_tokens.clone());
        let answer =
            Answer { context, filter, dialect, started: false, endless: false, finish_reason: None, usage: None };
        Self { framer: RecordFramer::default(), answer }
    }
}

impl StreamDecoder for GenerationStream {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<ChatChunk>) -> Result<(), Error> {
        let Self { framer, answer } = self;
        framer.push(bytes, |record| answer.take(record, out))
    }

    fn finish(&mut self, out: &mut Vec<ChatChunk>) -> Result<(), Error> {
        let Self { framer, answer } = self;
        framer.finish(|record| answer.take(record, out))?;
        answer.finish(out)
    }
}

impl Answer {
    fn take(&mut self, record: Record<'_>, out: &mut Vec<ChatChunk>) -> Result<(), Error> {
        let Record::Json(text) = record else {
            // Containers that also speak the Messages API end every stream with its mark.
            self.finish_reason.get_or_insert(FinishReason::Stop);
            return Ok(());
        };
        let record: TokenRecord = match serde_json::from_slice(text) {
            Ok(record) => record,
            Err(error) if error.is_eof() => return Err(failure::cut_record(error)),
            Err(_) => return Err(self.unknown(text)),
        };
        let TokenRecord { token, top_tokens, generated_text, details, outputs } = record;
        if token.is_none() && details.is_none() && generated_text.is_none() {
            return match outputs {
                Some(OneOrMany::One(text)) => self.take_output(text, out),
                Some(OneOrMany::Many(texts)) => texts.into_iter().try_for_each(|text| self.take_output(text, out)),
                None => Err(self.unknown(text)),
            };
        }
        if details.as_ref().and_then(|details| details.finish_reason.as_deref()) == Some("error") {
            return Err(failure::read_report(text)
                .map_or_else(failure::failed_generation, |report| failure::reported_error(&report)));
        }
        if let Some(token) = token.filter(|token| token.special != Some(true)) {
            let logprobs = self.context.logprobs.then(|| {
                openai_logprobs(
                    std::slice::from_ref(&token),
                    top_tokens.map(|top| vec![top]).as_deref().unwrap_or_default(),
                )
            });
            self.emit(token.text, logprobs, out);
        }
        if let Some(details) = &details {
            self.usage = usage(details).or(self.usage.take());
        }
        if details.is_some() || generated_text.is_some() {
            let reason = details.and_then(|details| details.finish_reason);
            self.finish_reason =
                Some(reason.map_or(FinishReason::Stop, |reason| FinishReason::from_container(&reason)));
        }
        Ok(())
    }

    fn take_output(&mut self, text: String, out: &mut Vec<ChatChunk>) -> Result<(), Error> {
        self.endless = true;
        self.emit(text, None, out);
        Ok(())
    }

    fn emit(&mut self, text: String, logprobs: Option<serde_json::Value>, out: &mut Vec<ChatChunk>) {
        let text = self.filter.push(text);
        if !text.is_empty() || logprobs.is_some() {
            let mut choice = self.choice(text);
            choice.logprobs = logprobs;
            out.push(self.chunk(vec![choice]));
        }
    }

    fn choice(&mut self, text: String) -> ChunkChoice {
        let mut choice = ChunkChoice::text(text);
        if !self.started {
            self.started = true;
            choice.delta.role = Some(Role::Assistant);
        }
        choice
    }

    fn finish(&mut self, out: &mut Vec<ChatChunk>) -> Result<(), Error> {
        let rest = self.filter.finish();
        if !rest.is_empty() {
            let choice = self.choice(rest);
            out.push(self.chunk(vec![choice]));
        }
        let reason = match self.finish_reason.take() {
            _ if self.filter.ended() => FinishReason::Stop,
            Some(reason) => reason,
            None if self.endless => FinishReason::Stop,
            None => return Err(failure::unfinished()),
        };
        let mut last = ChunkChoice::finished(reason);
        if !self.started {
            last.delta.role = Some(Role::Assistant);
        }
        out.push(self.chunk(vec![last]));
        if self.context.include_usage
            && let Some(usage) = self.usage.take()
        {
            let mut chunk = self.chunk(Vec::new());
            chunk.usage = Some(usage);
            out.push(chunk);
        }
        Ok(())
    }

    fn chunk(&self, choices: Vec<ChunkChoice>) -> ChatChunk {
        ChatChunk::new(self.context.id.clone(), self.context.model.clone(), self.context.created, choices)
    }

    fn unknown(&self, text: &[u8]) -> Error {
        failure::read_report(text)
            .map_or_else(|| failure::unknown_reply(text, self.dialect), |report| failure::reported_error(&report))
    }
}
