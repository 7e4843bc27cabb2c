//! A stream of OpenAI's chunks.
//!
//! Owns the reading of chunk records and the judgement whether the answer was whole: the mark `[DONE]`, or a finish reason for
//! every choice that began.

use std::collections::BTreeMap;

use sagewire_types::{ChatChunk, ChunkChoice, Error};
use serde::Deserialize;

use super::{
    in_openais_terms,
    think::{Pieces, ThinkSplitter},
};
use crate::{
    dialect::{DecodeContext, StreamDecoder},
    failure,
    framing::{Record, RecordFramer},
};

/// Reads server-sent events and JSON lines of chunks, with or without `[DONE]`.
pub(crate) struct OpenAiStream {
    framer: RecordFramer,
    answer: Answer,
}

struct Answer {
    context: DecodeContext,
    dialect: &'static str,
    choices: BTreeMap<u32, ChoiceState>,
    done: bool,
}

#[derive(Default)]
struct ChoiceState {
    think: ThinkSplitter,
    finished: bool,
}

impl OpenAiStream {
    pub(crate) fn new(context: DecodeContext, dialect: &'static str) -> Self {
        let answer = Answer { context, dialect, choices: BTreeMap::new(), done: false };
        Self { framer: RecordFramer::default(), answer }
    }
}

impl StreamDecoder for OpenAiStream {
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
            self.done = true;
            return Ok(());
        };
        let mut chunk: ChatChunk = match serde_json::from_slice(text) {
            Ok(chunk) => chunk,
            Err(error) if error.is_eof() => return Err(failure::cut_record(error)),
            Err(error) => return Err(self.not_a_chunk(text, error)),
        };
        // A failure may come in a record that has choices too, such as DJL's.
        if let Some(report) =
            chunk.extra.get("error").filter(|error| !error.is_null()).and_then(|_| failure::read_report(text))
        {
            return Err(failure::reported_error(&report));
        }
        if chunk.id.is_empty() {
            chunk.id = self.context.id.clone();
        }
        if chunk.model.is_empty() {
            chunk.model = self.context.model.clone();
        }
        if chunk.created == 0 {
            chunk.created = self.context.created;
        }
        for choice in &mut chunk.choices {
            self.choices.entry(choice.index).or_default().take(choice);
        }
        out.push(chunk);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<ChatChunk>) -> Result<(), Error> {
        for (index, state) in &mut self.choices {
            let Pieces { thoughts, answer } = state.think.finish();
            if thoughts.is_some() || answer.is_some() {
                let mut choice = ChunkChoice::default().at(*index);
                (choice.delta.reasoning_content, choice.delta.content) = (thoughts, answer);
                out.push(ChatChunk::new(
                    self.context.id.clone(),
                    self.context.model.clone(),
                    self.context.created,
                    vec![choice],
                ));
            }
        }
        let all_finished = !self.choices.is_empty() && self.choices.values().all(|choice| choice.finished);
        if self.done || all_finished { Ok(()) } else { Err(failure::unfinished()) }
    }

    fn not_a_chunk(&self, text: &[u8], error: serde_json::Error) -> Error {
        #[derive(Deserialize)]
        struct Details {
            finish_reason: Option<String>,
        }
        #[derive(Deserialize)]
        struct WithDetails {
            details: Option<Details>,
        }
        if let Some(report) = failure::read_report(text) {
            return failure::reported_error(&report);
        }
        if let Ok(WithDetails { details: Some(Details { finish_reason: Some(reason) }) }) = serde_json::from_slice(text)
            && reason == "error"
        {
            return failure::failed_generation();
        }
        failure::unknown_reply(text, self.dialect).with_source(error)
    }
}

impl ChoiceState {
    fn take(&mut self, choice: &mut ChunkChoice) {
        if let Some(reason) = choice.finish_reason.take() {
            self.finished = true;
            choice.finish_reason = Some(in_openais_terms(reason));
        }
        let delta = &mut choice.delta;
        if delta.reasoning_content.is_some() {
            self.think.skip();
        }
        if self.think.is_answering() {
            return;
        }
        let Pieces { thoughts, answer } = match delta.content.take() {
            Some(content) if content.is_empty() => Pieces { thoughts: None, answer: Some(content) },
            Some(content) => self.think.push(&content),
            None => Pieces::default(),
        };
        let rest = if self.finished { self.think.finish() } else { Pieces::default() };
        delta.content = join(answer, rest.answer);
        delta.reasoning_content = join(delta.reasoning_content.take(), join(thoughts, rest.thoughts));
    }
}

fn join(first: Option<String>, second: Option<String>) -> Option<String> {
    match (first, second) {
        (Some(first), Some(second)) => Some(first + &second),
        (first, second) => first.or(second),
    }
}

#[cfg(test)]
mod tests {
    use sagewire_types::FinishReason;

    use super::*;

    #[test]
    fn a_finish_reason_in_container_terms_is_translated() {
        let mut choice = ChunkChoice::finished(FinishReason::Other("eos_token".to_owned()));
        ChoiceState::default().take(&mut choice);
        assert_eq!(choice.finish_reason, Some(FinishReason::Stop));
    }
}
