//! A streamed answer: <https://docs.anthropic.com/en/docs/build-with-claude/streaming>
//!
//! Owns the order of its events. `message_stop` comes only after a whole answer: a stream that
//! breaks ends with `error`.

use sagewire_types::{ChatChunk, Error};
use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::{
    answer::{AnswerForm, ContentBlock, Message, StopReason, Thinking, Usage, message_id, tool_use_id},
    error::ErrorDetail,
};
use crate::blocks::{Blocks, Kind, Step};

/// An event of a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The answer begins.
    MessageStart {
        /// The answer without content.
        message: Message,
    },
    /// A block begins.
    ContentBlockStart {
        /// Its place in the content, from 0.
        index: usize,
        /// The block without content.
        content_block: ContentBlock,
    },
    /// More of the open block.
    ContentBlockDelta {
        /// The block's place.
        index: usize,
        /// What it adds.
        delta: Delta,
    },
    /// The block is complete.
    ContentBlockStop {
        /// The block's place.
        index: usize,
    },
    /// How the answer ended.
    MessageDelta {
        /// Why.
        delta: MessageDelta,
        /// The tokens used, all in all.
        usage: Usage,
    },
    /// The answer is whole.
    MessageStop,
    /// Keeps the connection alive.
    Ping,
    /// The answer broke off. Nothing follows.
    Error {
        /// What failed.
        error: ErrorDetail,
    },
}

/// What an event adds to a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Delta {
    /// Text.
    TextDelta {
        /// The next piece.
        text: String,
    },
    /// Thoughts.
    ThinkingDelta {
        /// The next piece.
        thinking: String,
    },
    /// The signature of a block of thoughts, at its end.
    SignatureDelta {
        /// What to send back with the block.
        signature: String,
    },
    /// A call's arguments.
    InputJsonDelta {
        /// The next piece of their JSON text.
        partial_json: String,
    },
}

/// How an answer ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MessageDelta {
    /// Why it ended.
    pub stop_reason: StopReason,
    /// The stop sequence that ended it.
    pub stop_sequence: Option<String>,
}

impl Event {
    /// The event's name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::MessageStart { .. } => "message_start",
            Self::ContentBlockStart { .. } => "content_block_start",
            Self::ContentBlockDelta { .. } => "content_block_delta",
            Self::ContentBlockStop { .. } => "content_block_stop",
            Self::MessageDelta { .. } => "message_delta",
            Self::MessageStop => "message_stop",
            Self::Ping => "ping",
            Self::Error { .. } => "error",
        }
    }
}

/// Makes a stream of events from the chunks of a chat answer.
///
/// ```
/// use sagewire_api::messages::{Event, MessageStream, MessagesRequest};
///
/// let request: MessagesRequest = serde_json::from_str(r#"{"model":"m","messages":[{"role":"user","content":"Hello"}]}"#)?;
/// let mut stream = MessageStream::new(request.into_chat()?.form, "m", 5);
/// let mut events = Vec::new();
/// stream.push(&serde_json::from_str(r#"{"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}"#)?, &mut events)?;
/// stream.finish(&mut events)?;
/// assert_eq!(events.last(), Some(&Event::MessageStop));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MessageStream {
    form: AnswerForm,
    model: String,
    usage: Usage,
    blocks: Blocks,
    /// Empty until the first chunk.
    id: String,
    /// The place of the open block, or of the next one.
    index: usize,
    /// What the open block is.
    open: Kind,
    steps: Vec<Step>,
}

impl MessageStream {
    /// A stream of the model that the caller asked for. `prompt_tokens` is an estimate, told at the
    /// start; the end tells the true number if the container reports it.
    #[must_use]
    pub fn new(form: AnswerForm, model: impl Into<String>, prompt_tokens: u64) -> Self {
        Self {
            form,
            model: model.into(),
            usage: Usage { input_tokens: prompt_tokens, estimated: true, ..Usage::default() },
            blocks: Blocks::default(),
            id: String::new(),
            index: 0,
            open: Kind::Text,
            steps: Vec::new(),
        }
    }

    /// Takes a chunk and adds the events that it makes.
    ///
    /// # Errors
    /// `Decode` if the model made a call that cannot be used: the stream is to end with an
    /// [`Event::Error`].
    pub fn push(&mut self, chunk: &ChatChunk, events: &mut Vec<Event>) -> Result<(), Error> {
        if self.id.is_empty() {
            self.id = message_id(&chunk.id);
            events.push(Event::MessageStart { message: self.beginning() });
            events.push(Event::Ping);
        }
        if let Some(usage) = &chunk.usage {
            let prompt_tokens = self.usage.input_tokens;
            self.usage = (&usage.clone().or_estimated(prompt_tokens, 0)).into();
        }
        let outcome = self.blocks.push(chunk, &mut self.steps);
        self.write(events);
        outcome
    }

    /// Ends the stream after its last chunk.
    ///
    /// # Errors
    /// `StreamBroken` if no finish reason came, `Decode` if the model made a call that cannot be
    /// used: the stream is to end with an [`Event::Error`].
    pub fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Error> {
        let outcome = self.blocks.finish(&mut self.steps);
        self.write(events);
        outcome?;
        let stopped_at = self.blocks.stop_sequence.take();
        let (stop_reason, stop_sequence) =
            self.form.stop(self.blocks.finish_reason.as_ref(), stopped_at, self.blocks.called);
        events.push(Event::MessageDelta { delta: MessageDelta { stop_reason, stop_sequence }, usage: self.usage });
        events.push(Event::MessageStop);
        Ok(())
    }

    fn beginning(&self) -> Message {
        Message {
            id: self.id.clone(),
            kind: "message".to_owned(),
            role: "assistant".to_owned(),
            model: self.model.clone(),
            content: Vec::new(),
            stop_reason: None,
            stop_sequence: None,
            // Clients keep what the last event does not say otherwise, so the mark is in that one alone.
            usage: Usage { estimated: false, ..self.usage },
        }
    }

    fn write(&mut self, events: &mut Vec<Event>) {
        let mut steps = std::mem::take(&mut self.steps);
        for step in steps.drain(..) {
            match step {
                Step::Opened(kind) => {
                    if let Some(content_block) = self.opened(&kind) {
                        events.push(Event::ContentBlockStart { index: self.index, content_block });
                    }
                    self.open = kind;
                }
                Step::Piece(piece) => {
                    if let Some(delta) = self.delta(piece) {
                        events.push(Event::ContentBlockDelta { index: self.index, delta });
                    }
                }
                Step::Closed(Kind::Thoughts, thoughts) => {
                    let Some(signature) = self.form.signature(&thoughts) else { continue };
                    let delta = Delta::SignatureDelta { signature };
                    events.push(Event::ContentBlockDelta { index: self.index, delta });
                    self.stop_block(events);
                }
                Step::Closed(..) => self.stop_block(events),
            }
        }
        self.steps = steps;
    }

    fn stop_block(&mut self, events: &mut Vec<Event>) {
        events.push(Event::ContentBlockStop { index: self.index });
        self.index += 1;
    }

    /// The block without content; `None` if the caller does not see such blocks.
    fn opened(&self, kind: &Kind) -> Option<ContentBlock> {
        match kind {
            Kind::Text => Some(ContentBlock::Text { text: String::new() }),
            Kind::Thoughts if self.form.thinking == Thinking::Hidden => None,
            Kind::Thoughts => Some(ContentBlock::Thinking { thinking: String::new(), signature: String::new() }),
            Kind::Call { id, name } => {
                let id = tool_use_id(id.clone(), &self.id, self.index);
                Some(ContentBlock::ToolUse { id, name: name.clone(), input: Map::new() })
            }
        }
    }

    fn delta(&self, piece: String) -> Option<Delta> {
        match self.open {
            Kind::Text => Some(Delta::TextDelta { text: piece }),
            Kind::Thoughts if self.form.thinking == Thinking::Shown => Some(Delta::ThinkingDelta { thinking: piece }),
            Kind::Thoughts => None,
            Kind::Call { .. } => Some(Delta::InputJsonDelta { partial_json: piece }),
        }
    }
}

#[cfg(test)]
mod tests;
