//! The stream of events of Anthropic's Messages API: <https://docs.anthropic.com/en/docs/build-with-claude/streaming>

use bytes::{Bytes, BytesMut};
use sagewire_api::messages::{AnswerForm, Event, MessageStream};
use sagewire_types::{ChatChunk, Error};

use crate::http::{
    error::ApiError,
    sse::{Events, Writer, write_named},
};

/// Writes chunks of a chat answer as Anthropic's events.
pub(super) struct MessageEvents {
    stream: MessageStream,
    events: Vec<Event>,
}

impl MessageEvents {
    pub(super) fn new(form: AnswerForm, model: &str, prompt_tokens: u64) -> Self {
        Self { stream: MessageStream::new(form, model, prompt_tokens), events: Vec::new() }
    }

    fn write(&mut self, out: &mut BytesMut) -> Result<(), Error> {
        for event in self.events.drain(..) {
            write_named(event.name(), &event, out)?;
        }
        Ok(())
    }
}

/// The event that ends a stream which failed.
pub(in crate::http) fn broken(error: &ApiError) -> Bytes {
    [b"event: error\ndata: ", &*error.to_anthropic(None), b"\n\n"].concat().into()
}

impl Events<ChatChunk> for MessageEvents {
    fn piece(&mut self, chunk: &ChatChunk, Writer(out): Writer<'_>) -> Result<(), Error> {
        self.stream.push(chunk, &mut self.events)?;
        self.write(out)
    }

    fn end(&mut self, Writer(out): Writer<'_>) -> Result<(), Error> {
        self.stream.finish(&mut self.events)?;
        self.write(out)
    }

    fn failure(&mut self, error: &ApiError) -> Bytes {
        broken(error)
    }

    fn lost(&self) -> fn(&ApiError) -> Bytes {
        broken
    }

    fn silence(&self) -> &'static [u8] {
        b"event: ping\ndata: {\"type\":\"ping\"}\n\n"
    }
}
