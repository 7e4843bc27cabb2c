//! Chunks of a chat answer as blocks that follow one another: thoughts, texts and calls.
//!
//! Owns the order. Chunks may mix the pieces of parallel calls, and the other APIs have one block
//! open at a time: pieces of a later block wait until the open one is complete. Owns, too, what is
//! not an answer: a call without a name, arguments that are no JSON object, and an end without a
//! finish reason.

use std::collections::{BTreeSet, VecDeque};

use sagewire_types::{AssistantMessage, ChatChunk, Choice, Error, ErrorKind, FinishReason, ToolCallDelta, json};
use serde_json::{Map, Value};

/// What a block is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Thoughts,
    Text,
    Call { id: String, name: String },
}

/// What happens to the open block. `Opened` and `Closed` alternate, and pieces come in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Opened(Kind),
    /// The next piece of its text or arguments; never empty.
    Piece(String),
    /// The block with all its text.
    Closed(Kind, String),
}

/// The blocks of a stream, in order.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    /// The first one is open; the others wait.
    queue: VecDeque<SourceBlock>,
    /// The indexes of the calls that were closed.
    closed: BTreeSet<u32>,
    open: bool,
    pub(crate) finish_reason: Option<FinishReason>,
    /// The stop sequence that ended the answer, if the container names it.
    pub(crate) stop_sequence: Option<String>,
    pub(crate) called: bool,
}

#[derive(Debug)]
struct SourceBlock {
    kind: Kind,
    /// The index of a call.
    call: Option<u32>,
    text: String,
    /// How much of the text was passed on.
    passed: usize,
    /// How much of the text a call had when it was found not to be complete.
    looked_at: usize,
}

impl Blocks {
    /// Takes the first choice's piece.
    pub(crate) fn push(&mut self, chunk: &ChatChunk, steps: &mut Vec<Step>) -> Result<(), Error> {
        for choice in chunk.choices.iter().filter(|choice| choice.index == 0) {
            if let Some(thoughts) = choice.delta.reasoning_content.as_deref().filter(|text| !text.is_empty()) {
                self.add(Kind::Thoughts, thoughts);
            }
            if let Some(text) = choice.delta.content.as_deref().filter(|text| !text.is_empty()) {
                self.add(Kind::Text, text);
            }
            for call in &choice.delta.tool_calls {
                self.add_call(call)?;
            }
            if let Some(reason) = &choice.finish_reason {
                self.finish_reason = Some(reason.clone());
                self.stop_sequence = stop_sequence(&choice.extra);
            }
        }
        self.pass_on(steps);
        while self.queue.len() > 1 && self.queue.front_mut().is_some_and(SourceBlock::is_complete) {
            self.close(steps)?;
            self.pass_on(steps);
        }
        Ok(())
    }

    /// Closes everything.
    ///
    /// # Errors
    /// If the stream ended before its finish reason, or a call cannot be used.
    pub(crate) fn finish(&mut self, steps: &mut Vec<Step>) -> Result<(), Error> {
        if self.finish_reason.is_none() {
            return Err(Error::new(
                ErrorKind::StreamBroken,
                "the answer ended before its finish reason; retry the request",
            ));
        }
        while !self.queue.is_empty() {
            self.pass_on(steps);
            self.close(steps)?;
        }
        Ok(())
    }

    fn add(&mut self, kind: Kind, text: &str) {
        match self.queue.back_mut() {
            Some(last) if last.kind == kind => last.text.push_str(text),
            _ => self.queue.push_back(SourceBlock::new(kind, None, text)),
        }
    }

    fn add_call(&mut self, delta: &ToolCallDelta) -> Result<(), Error> {
        let index = delta.index.unwrap_or_default();
        let function = delta.function.as_ref();
        let arguments = function.and_then(|function| function.arguments.as_deref()).unwrap_or_default();
        if self.closed.contains(&index) {
            return if arguments.trim().is_empty() {
                Ok(())
            } else {
                Err(Error::new(
                    ErrorKind::Decode,
                    "the model added arguments to a call that was complete; retry the request",
                ))
            };
        }
        let name = function.and_then(|function| function.name.as_deref()).unwrap_or_default();
        let id = delta.id.as_deref().unwrap_or_default();
        match self.queue.iter_mut().find(|block| block.call == Some(index)) {
            Some(block) => {
                block.text.push_str(arguments);
                if let Kind::Call { id: known_id, name: known_name } = &mut block.kind {
                    // A container may repeat them in every piece.
                    if known_id.is_empty() {
                        id.clone_into(known_id);
                    }
                    if known_name.is_empty() {
                        name.clone_into(known_name);
                    }
                }
            }
            None => {
                self.called = true;
                let kind = Kind::Call { id: id.to_owned(), name: name.to_owned() };
                self.queue.push_back(SourceBlock::new(kind, Some(index), arguments));
            }
        }
        Ok(())
    }

    /// Opens the first block and passes on what came of it.
    fn pass_on(&mut self, steps: &mut Vec<Step>) {
        let Some(front) = self.queue.front_mut() else { return };
        if matches!(&front.kind, Kind::Call { name, .. } if name.is_empty()) {
            return;
        }
        if !self.open {
            self.open = true;
            steps.push(Step::Opened(front.kind.clone()));
        }
        let piece = front.text.get(front.passed..).unwrap_or_default();
        if !piece.is_empty() {
            steps.push(Step::Piece(piece.to_owned()));
            front.passed = front.text.len();
        }
    }

    fn close(&mut self, steps: &mut Vec<Step>) -> Result<(), Error> {
        let Some(block) = self.queue.pop_front() else { return Ok(()) };
        if let Kind::Call { name, .. } = &block.kind {
            if name.is_empty() {
                return Err(Error::new(ErrorKind::Decode, "the model called a tool without a name; retry the request"));
            }
            // An answer that reached its limit of tokens may end inside of a call, and says so.
            if self.finish_reason != Some(FinishReason::Length) {
                arguments(name, &block.text)?;
            }
        }
        self.open = false;
        if let Some(index) = block.call {
            self.closed.insert(index);
        }
        steps.push(Step::Closed(block.kind, block.text));
        Ok(())
    }
}

impl SourceBlock {
    fn new(kind: Kind, call: Option<u32>, text: &str) -> Self {
        Self { kind, call, text: text.to_owned(), passed: 0, looked_at: 0 }
    }

    /// Whether nothing more can come of it. Calls without arguments are complete at the end of the
    /// answer.
    fn is_complete(&mut self) -> bool {
        let Kind::Call { name, .. } = &self.kind else { return true };
        // While the pieces of later calls come, the arguments of this one are parsed once.
        if name.is_empty() || self.text.len() == self.looked_at {
            return false;
        }
        self.looked_at = self.text.len();
        self.text.trim_end().ends_with('}') && serde_json::from_str::<Map<String, Value>>(&self.text).is_ok()
    }
}

/// The blocks of a whole answer, each with its text.
pub(crate) fn of_choice(choice: &Choice) -> Result<Vec<(Kind, String)>, Error> {
    let AssistantMessage { content, reasoning_content, tool_calls, .. } = &choice.message;
    let mut blocks = Vec::new();
    let mut add = |kind, text: &Option<String>| {
        if let Some(text) = text.as_ref().filter(|text| !text.is_empty()) {
            blocks.push((kind, text.clone()));
        }
    };
    add(Kind::Thoughts, reasoning_content);
    add(Kind::Text, content);
    for call in tool_calls {
        let (id, name) = (call.id.clone(), call.function.name.clone());
        if name.is_empty() {
            return Err(Error::new(ErrorKind::Decode, "the model called a tool without a name; retry the request"));
        }
        if let Err(error) = arguments(&name, &call.function.arguments) {
            if choice.finish_reason != Some(FinishReason::Length) {
                return Err(error);
            }
            // The limit of tokens cut this call: it must not be made.
            continue;
        }
        blocks.push((Kind::Call { id, name }, call.function.arguments.clone()));
    }
    Ok(blocks)
}

/// A call's arguments, with marked integers. A call without any has the empty object.
pub(crate) fn arguments(name: &str, text: &str) -> Result<Map<String, Value>, Error> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    json::from_caller(text.as_bytes()).map_err(|error| {
        Error::new(
            ErrorKind::Decode,
            format!("the model called `{name}` with arguments that are not a JSON object; retry the request"),
        )
        .with_source(error)
    })
}

/// The stop sequence that ended a choice: vLLM names it in `stop_reason`, where it may give a
/// token's id instead.
pub(crate) fn stop_sequence(extra: &Map<String, Value>) -> Option<String> {
    extra.get("stop_reason")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_waits_for_its_end_is_parsed_once_while_others_grow() {
        let mut call = SourceBlock::new(Kind::Call { id: "a".to_owned(), name: "f".to_owned() }, Some(0), "{\"a\":{}");
        assert!(!call.is_complete());
        assert_eq!(call.looked_at, call.text.len());
        // Another parse would find it complete.
        "{\"a\":1}".clone_into(&mut call.text);
        assert!(!call.is_complete());
        call.text.push(' ');
        assert!(call.is_complete());
    }
}
