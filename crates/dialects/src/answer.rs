//! What a model wrote, taken apart: thoughts, content and calls of tools, up to a stop text.
//!
//! Owns the order of these cuts, the same for whole texts and for texts that come in pieces.

use std::sync::Arc;

use sagewire_types::{FunctionCallDelta, ToolCall, ToolCallDelta};

use crate::{
    DecodeContext,
    stop_texts::StopFilter,
    thoughts::{Pieces, ThoughtSplitter, join},
    tool_calls::{CallReader, Event, call_id},
};

/// Takes the text of one choice apart.
#[derive(Debug)]
pub(crate) struct AnswerReader {
    think: ThoughtSplitter,
    calls: Option<CallReader>,
    filter: StopFilter,
    response_id: Arc<str>,
    choice: u32,
    /// How many calls have begun.
    begun: u32,
}

/// What a piece of text adds to the answer.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) thoughts: Option<String>,
    pub(crate) content: Option<String>,
    pub(crate) calls: Vec<ToolCallDelta>,
}

impl AnswerReader {
    /// For a text that comes in pieces.
    pub(crate) fn streamed(context: &DecodeContext) -> Self {
        Self::new(context, 0, false)
    }

    /// Takes a whole text apart. Gives the stop text that ended it.
    pub(crate) fn read_whole(text: String, choice: u32, context: &DecodeContext) -> (Said, Option<String>) {
        let mut reader = Self::new(context, choice, true);
        let mut said = reader.push(text);
        said.add(reader.finish());
        (said, reader.stop().map(str::to_owned))
    }

    fn new(context: &DecodeContext, choice: u32, is_whole: bool) -> Self {
        let calls = context.tool_calls.clone().filter(|_| !context.keeps_text_together());
        let think = match &calls {
            Some(reading) if reading.divides_text() => ThoughtSplitter::off(),
            // The container allowed nothing but a call.
            Some(reading) if reading.is_forced() => ThoughtSplitter::new(None),
            _ => context.thought_splitter(),
        };
        let end_tokens = Arc::clone(&context.end_tokens);
        Self {
            think,
            filter: StopFilter::new(&context.stop, Arc::clone(&end_tokens)),
            calls: calls.map(|reading| CallReader::new(reading, end_tokens, is_whole)),
            response_id: Arc::clone(&context.id),
            choice,
            begun: 0,
        }
    }

    /// Whether a stop text has ended the answer.
    pub(crate) fn has_ended(&self) -> bool {
        self.filter.ended()
    }

    /// The stop text that has ended the answer.
    pub(crate) fn stop(&self) -> Option<&str> {
        self.filter.stop()
    }

    /// Whether a call has begun.
    pub(crate) fn has_calls(&self) -> bool {
        self.begun > 0
    }

    /// Takes the next piece.
    pub(crate) fn push(&mut self, text: String) -> Said {
        let Pieces { thoughts, answer } = self.think.push(text);
        let mut said = Said { thoughts, ..Said::default() };
        if let Some(answer) = answer {
            self.take_answer(answer, &mut said);
        }
        said
    }

    /// The text has ended: gives what was held back.
    pub(crate) fn finish(&mut self) -> Said {
        let Pieces { thoughts, answer } = self.think.finish();
        let mut said = Said { thoughts, ..Said::default() };
        if let Some(answer) = answer {
            self.take_answer(answer, &mut said);
        }
        if let Some(calls) = &mut self.calls {
            let mut events = Vec::new();
            calls.finish(&mut events);
            self.take_events(events, &mut said);
        }
        let rest = self.filter.finish();
        said.add_content(rest);
        said
    }

    fn take_answer(&mut self, text: String, said: &mut Said) {
        match &mut self.calls {
            None => said.add_content(self.filter.push(text)),
            Some(calls) => {
                let mut events = Vec::new();
                calls.push(&text, &mut events);
                self.take_events(events, said);
            }
        }
    }

    fn take_events(&mut self, events: Vec<Event>, said: &mut Said) {
        for event in events {
            if self.filter.ended() {
                return;
            }
            match event {
                Event::Text(text) => said.add_content(self.filter.push(text)),
                Event::Thought(text) => said.thoughts = join(said.thoughts.take(), Some(text)),
                Event::Call { id, name } => {
                    // What may have been the beginning of a stop text is content.
                    said.add_content(self.filter.finish());
                    said.calls.push(self.begin_call(id, name));
                }
                Event::Arguments(text) => said.add_arguments(self.begun.saturating_sub(1), &text),
            }
        }
    }

    fn begin_call(&mut self, id: Option<String>, name: String) -> ToolCallDelta {
        let mut call = ToolCallDelta::default();
        call.index = Some(self.begun);
        call.id = Some(id.unwrap_or_else(|| call_id(&self.response_id, self.choice, self.begun)));
        call.kind = Some("function".to_owned());
        call.function = Some(FunctionCallDelta { name: Some(name), arguments: Some(String::new()) });
        self.begun = self.begun.saturating_add(1);
        call
    }
}

impl Said {
    /// Whether nothing was said.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The calls of a whole answer.
    pub(crate) fn take_calls(&mut self) -> Vec<ToolCall> {
        let calls = std::mem::take(&mut self.calls);
        let whole = |call: ToolCallDelta| {
            let function = call.function.unwrap_or_default();
            let (name, arguments) = (function.name.unwrap_or_default(), function.arguments.unwrap_or_default());
            ToolCall::function(call.id.unwrap_or_default(), name, arguments)
        };
        calls.into_iter().map(whole).collect()
    }

    /// The same with what follows.
    pub(crate) fn add(&mut self, other: Self) {
        self.thoughts = join(self.thoughts.take(), other.thoughts);
        self.content = join(self.content.take(), other.content);
        for call in other.calls {
            match call.id {
                Some(_) => self.calls.push(call),
                None => {
                    let arguments = call.function.and_then(|function| function.arguments).unwrap_or_default();
                    self.add_arguments(call.index.unwrap_or_default(), &arguments);
                }
            }
        }
    }

    fn add_content(&mut self, text: String) {
        if !text.is_empty() {
            self.content = join(self.content.take(), Some(text));
        }
    }

    fn add_arguments(&mut self, index: u32, text: &str) {
        if let Some(call) = self.calls.last_mut().filter(|call| call.index == Some(index)) {
            let function = call.function.get_or_insert_default();
            function.arguments.get_or_insert_default().push_str(text);
            return;
        }
        let mut call = ToolCallDelta::default();
        call.index = Some(index);
        call.function = Some(FunctionCallDelta { name: None, arguments: Some(text.to_owned()) });
        self.calls.push(call);
    }
}
