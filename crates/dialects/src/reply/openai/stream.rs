//! A stream of OpenAI's chunks.
//!
//! Owns the reading of chunk records and the judgement whether the answer was whole: the mark `[DONE]`, or a finish reason for every
//! choice that was asked for.

use std::collections::BTreeMap;

use sagewire_types::{ChatChunk, ChunkChoice, Error, FinishReason};
use serde::{Deserialize, de::IgnoredAny};

use super::{Thoughts, choice::ChoiceState, failure_beside_choices, is_failure, liberties, read, repeated::Repeated};
use crate::{
    DecodeContext, failure_report as failure,
    records::Record,
    reply::{RecordReader, Unread, unknown},
    whole_as_chunks as whole,
};

/// Reads the records of server-sent events and JSON lines of chunks, with or without `[DONE]`.
pub(crate) struct OpenAiStream {
    context: DecodeContext,
    dialect: &'static str,
    thoughts: Thoughts,
    choices: BTreeMap<u32, ChoiceState>,
    repeated: Repeated,
    done: bool,
    /// A whole reply came in one record and is out already.
    complete: bool,
}

impl OpenAiStream {
    pub(crate) fn new(context: DecodeContext, dialect: &'static str, thoughts: Thoughts) -> Self {
        Self {
            context,
            dialect,
            thoughts,
            choices: BTreeMap::new(),
            repeated: Repeated::default(),
            done: false,
            complete: false,
        }
    }
}

impl RecordReader for OpenAiStream {
    fn take(&mut self, record: Record<'_>, out: &mut Vec<ChatChunk>) -> Result<(), Error> {
        let Record::Json(text) = record else {
            self.done = true;
            return Ok(());
        };
        let mut chunk = self.parse(text)?;
        if let Some(error) = failure_beside_choices(&chunk.extra, text) {
            return Err(error);
        }
        if chunk.choices.iter().any(|choice| liberties::is_whole_reply(&choice.extra)) {
            return self.take_whole(text, out);
        }
        if chunk.choices.iter().any(|choice| choice.finish_reason.as_ref().is_some_and(is_failure)) {
            return Err(failure::failed_generation());
        }
        self.name(&mut chunk);
        let had_choices = !chunk.choices.is_empty();
        let Self { context, choices, thoughts, .. } = self;
        chunk.choices.retain_mut(|choice| {
            let state = choices.entry(choice.index).or_insert_with(|| ChoiceState::new(context, *thoughts));
            state.take(choice, &chunk.id)
        });
        if !chunk.choices.is_empty() || !had_choices || chunk.usage.is_some() {
            out.push(chunk);
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Vec<ChatChunk>) {
        let Self { context, choices, .. } = self;
        for (index, state) in choices {
            if let Some(choice) = state.rest() {
                out.push(chunk_of(context, choice.at(*index)));
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<ChatChunk>) -> Result<(), Error> {
        if self.complete {
            return Ok(());
        }
        let asked = usize::try_from(self.context.choices).unwrap_or(usize::MAX);
        let all_finished = self.choices.len() >= asked && self.choices.values().all(ChoiceState::has_finished);
        if self.choices.is_empty() && self.done {
            return Err(failure::no_answer());
        }
        if !(self.done || all_finished) {
            return Err(failure::unfinished());
        }
        // A container that marked the end without a reason leaves its readers without one.
        let Self { context, choices, .. } = self;
        for (index, state) in choices.iter_mut().filter(|(_, state)| !state.has_finished()) {
            state.set_finished();
            out.push(chunk_of(context, ChunkChoice::finished(FinishReason::Stop).at(*index)));
        }
        Ok(())
    }
}

impl OpenAiStream {
    fn parse(&mut self, text: &[u8]) -> Result<ChatChunk, Error> {
        // Checked once as a whole, a record's texts need not be checked one by one.
        let failed = match std::str::from_utf8(text) {
            Ok(record) => {
                if let Some(chunk) = self.repeated.read(record) {
                    return Ok(chunk);
                }
                match serde_json::from_str(record) {
                    Ok(chunk) => {
                        self.repeated.learn(record, &chunk);
                        return Ok(chunk);
                    }
                    Err(error) => Some(error),
                }
            }
            // It can be no chunk; a record that was cut within a character still shows that it was cut.
            Err(_) => serde_json::from_slice::<IgnoredAny>(text).err(),
        };
        match failed {
            Some(error) if error.is_eof() => Err(failure::cut_record(&error)),
            _ => liberties::read_chunk(text).ok_or_else(|| self.not_a_chunk(text)),
        }
    }

    /// Gives a chunk what its container left out, and remembers the rest, so that all chunks of an answer are named alike.
    fn name(&mut self, chunk: &mut ChatChunk) {
        let context = &mut self.context;
        if chunk.id.is_empty() {
            chunk.id = context.id.clone();
        } else if chunk.id != context.id {
            context.id = chunk.id.clone();
        }
        if chunk.model.is_empty() {
            chunk.model = context.model.clone();
        } else if chunk.model != context.model {
            context.model = chunk.model.clone();
        }
        if chunk.created == 0 {
            chunk.created = context.created;
        } else {
            context.created = chunk.created;
        }
    }

    /// A container that does not stream puts its whole reply into one record.
    fn take_whole(&mut self, text: &[u8], out: &mut Vec<ChatChunk>) -> Result<(), Error> {
        if !self.choices.is_empty() || self.complete {
            return Err(unknown(text, self.dialect));
        }
        match read(text, &self.context, self.thoughts) {
            Ok(response) => {
                self.complete = true;
                out.extend(whole::into_chunks(response, self.context.include_usage));
                Ok(())
            }
            Err(Unread::Failed(error)) => Err(error),
            Err(Unread::Shape) => Err(unknown(text, self.dialect)),
        }
    }

    /// The error for a record without choices: DJL reports a failed generation in its own shape on this route too.
    fn not_a_chunk(&self, text: &[u8]) -> Error {
        #[derive(Deserialize)]
        struct Details {
            finish_reason: Option<String>,
        }
        #[derive(Deserialize)]
        struct WithDetails {
            details: Option<Details>,
        }
        if let Ok(WithDetails { details: Some(Details { finish_reason: Some(reason) }) }) = serde_json::from_slice(text)
            && reason == "error"
            && failure::read_report(text).is_none()
        {
            return failure::failed_generation();
        }
        unknown(text, self.dialect)
    }
}

fn chunk_of(context: &DecodeContext, choice: ChunkChoice) -> ChatChunk {
    ChatChunk::new(context.id.clone(), context.model.clone(), context.created, vec![choice])
}
