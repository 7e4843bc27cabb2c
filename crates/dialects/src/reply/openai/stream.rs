//! A stream of OpenAI's chunks.
//!
//! Owns the reading of chunk records and the judgement whether the answer was whole: the mark
//! `[DONE]`, or a finish reason for every choice that was asked for.

use std::collections::BTreeMap;

use sagewire_types::{ChatChunk, ChunkChoice, Error, json};
use serde::de::IgnoredAny;

use super::{choice::ChoiceState, liberties, read, repeated::Repeated};
use crate::{
    DecodeContext, Ending, failure_report as failure,
    finish_reason::is_failure,
    reply::{RecordReader, Unread, failure_beside_text, forget_absent_error},
    whole_as_chunks,
};

/// Reads the records of server-sent events and JSON lines of chunks, with or without `[DONE]`.
pub(crate) struct OpenAiStream {
    context: DecodeContext,
    choices: BTreeMap<u32, ChoiceState>,
    /// A chunk that ends a choice. DJL gives several last pieces their reason: the next record
    /// shows whether it is the last one.
    last: Option<ChatChunk>,
    repeated: Repeated,
    marked: bool,
    /// A whole reply came in one record and is out already.
    complete: bool,
}

impl OpenAiStream {
    pub(crate) fn new(context: DecodeContext) -> Self {
        Self {
            context,
            choices: BTreeMap::new(),
            last: None,
            repeated: Repeated::default(),
            marked: false,
            complete: false,
        }
    }
}

impl RecordReader for OpenAiStream {
    fn take(&mut self, record: &[u8], out: &mut Vec<ChatChunk>) -> Result<(), Unread> {
        let Parsed { mut chunk, mut marked } = self.parse(record)?;
        let mut failed = failure_beside_text(chunk.extra.get("error"), record);
        forget_absent_error(&mut chunk.extra);
        if failed.is_none()
            && self.choices.is_empty()
            && chunk.choices.iter().any(|choice| liberties::is_whole_reply(&chunk, choice))
        {
            return self.take_whole(record, out);
        }
        let halves = marked.is_some();
        for marked in marked.iter_mut().flat_map(|chunk| &mut chunk.choices) {
            liberties::tidy_piece(marked, |index| self.speaks_in_deltas(index));
        }
        for choice in &mut chunk.choices {
            if liberties::tidy_piece(choice, |index| self.speaks_in_deltas(index)) {
                self.state(choice.index).takes_messages();
            }
        }
        for (choice, marked) in chunk.choices.iter_mut().zip(marked.into_iter().flat_map(|chunk| chunk.choices)) {
            take_texts(choice, marked);
        }
        if failed.is_none() && chunk.choices.iter().any(|choice| choice.finish_reason.as_ref().is_some_and(is_failure))
        {
            failed = Some(failure::failed_generation());
        }
        self.name(&mut chunk);
        if failed.is_some() {
            // What it says before it failed belongs to the text so far, but no end.
            chunk.extra.shift_remove("error");
            chunk.choices.iter_mut().for_each(|choice| choice.finish_reason = None);
            chunk.choices.retain(|choice| !choice.delta.content.as_deref().unwrap_or_default().is_empty());
        }
        self.pass(chunk, halves, out);
        failed.map_or(Ok(()), |error| Err(Unread::Failed(error)))
    }

    fn mark(&mut self, out: &mut Vec<ChatChunk>) {
        self.marked = true;
        self.release(out);
    }

    fn ending(&self) -> Ending {
        if self.complete || (self.marked && !self.choices.is_empty()) {
            Ending::Marked
        } else if self.all_finished() {
            Ending::Answered
        } else {
            Ending::Open
        }
    }

    fn flush(&mut self, out: &mut Vec<ChatChunk>) {
        self.release(out);
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
        if self.choices.is_empty() {
            return Err(failure::no_answer());
        }
        if !(self.marked || self.all_finished()) {
            return Err(failure::unfinished());
        }
        let Self { context, choices, .. } = self;
        for (index, state) in choices.iter_mut().filter(|(_, state)| !state.has_finished()) {
            out.push(chunk_of(context, state.end_without_a_reason().at(*index)));
        }
        Ok(())
    }
}

/// A chunk, and the same one with its half characters marked, if it has any.
struct Parsed {
    chunk: ChatChunk,
    marked: Option<ChatChunk>,
}

impl OpenAiStream {
    fn state(&mut self, index: u32) -> &mut ChoiceState {
        let Self { context, choices, .. } = self;
        choices.entry(index).or_insert_with(|| ChoiceState::new(context))
    }

    fn speaks_in_deltas(&self, index: u32) -> bool {
        self.choices.get(&index).is_some_and(ChoiceState::speaks_in_deltas)
    }

    fn all_finished(&self) -> bool {
        let asked = usize::try_from(self.context.choices).unwrap_or(usize::MAX);
        self.choices.len() >= asked && self.choices.values().all(ChoiceState::has_finished)
    }

    fn parse(&mut self, text: &[u8]) -> Result<Parsed, Unread> {
        let plain = |chunk| Ok(Parsed { chunk, marked: None });
        // Checked once as a whole, a record's texts need not be checked one by one.
        let failed = match std::str::from_utf8(text) {
            Ok(record) => {
                if let Some(chunk) = self.repeated.read(record) {
                    return plain(chunk);
                }
                match serde_json::from_str::<ChatChunk>(record) {
                    Ok(mut chunk) => {
                        chunk.keep_integers(text);
                        self.repeated.learn(record, &chunk);
                        return plain(chunk);
                    }
                    Err(error) => Some(error),
                }
            }
            // It can be no chunk; a record that was cut within a character still shows that it was cut.
            Err(_) => serde_json::from_slice::<IgnoredAny>(text).err(),
        };
        if let Some(error) = failed.filter(serde_json::Error::is_eof) {
            return Err(Unread::Failed(failure::cut_record(&error)));
        }
        let chunk = liberties::read_chunk(text).ok_or(Unread::Shape)?;
        let marked = json::mark_halves(text).and_then(|marked| liberties::read_chunk(&marked));
        Ok(Parsed { chunk, marked })
    }

    /// Gives a chunk what its container left out, and remembers the rest, so that all chunks of an
    /// answer are named alike.
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

    /// Hands a chunk over, or holds it back if it ends a choice. Nothing of a choice passes after
    /// its end.
    fn pass(&mut self, mut chunk: ChatChunk, halves: bool, out: &mut Vec<ChatChunk>) {
        let Self { context, choices, last, .. } = self;
        let mut ends = false;
        chunk.choices.retain_mut(|choice| {
            let state = choices.entry(choice.index).or_insert_with(|| ChoiceState::new(context));
            if state.has_finished() {
                if choice.finish_reason.is_none() {
                    return false;
                }
                if let Some(last) = last {
                    forget_end(last, choice.index);
                }
            }
            let shown = state.take(choice, &chunk.id, halves);
            ends |= choice.finish_reason.is_some();
            shown
        });
        // A chunk that says nothing is none: who asks for its first choice would fail.
        if chunk.choices.is_empty() && chunk.usage.is_none() {
            return;
        }
        self.release(out);
        if ends {
            self.last = Some(chunk);
        } else {
            out.push(chunk);
        }
    }

    fn release(&mut self, out: &mut Vec<ChatChunk>) {
        out.extend(self.last.take().filter(|chunk| !chunk.choices.is_empty() || chunk.usage.is_some()));
    }

    /// A container that does not stream puts its whole reply into one record.
    fn take_whole(&mut self, text: &[u8], out: &mut Vec<ChatChunk>) -> Result<(), Unread> {
        let response = read(text, &self.context)?;
        self.complete = true;
        out.extend(whole_as_chunks::into_chunks(response, self.context.include_usage));
        Ok(())
    }
}

/// Takes the end of a choice out of a chunk, and the choice if nothing else is in it.
fn forget_end(chunk: &mut ChatChunk, index: u32) {
    chunk.choices.retain_mut(|choice| {
        if choice.index == index {
            choice.finish_reason = None;
        }
        *choice != ChunkChoice::default().at(choice.index)
    });
}

/// Takes the texts of the same piece, in which half characters are marked.
fn take_texts(choice: &mut ChunkChoice, marked: ChunkChoice) {
    choice.delta.content = marked.delta.content;
    choice.delta.reasoning_content = marked.delta.reasoning_content;
    for (call, marked) in choice.delta.tool_calls.iter_mut().zip(marked.delta.tool_calls) {
        if let (Some(function), Some(marked)) = (&mut call.function, marked.function) {
            function.arguments = marked.arguments;
        }
    }
}

fn chunk_of(context: &DecodeContext, choice: ChunkChoice) -> ChatChunk {
    ChatChunk::new(context.id.clone(), context.model.clone(), context.created, vec![choice])
}
