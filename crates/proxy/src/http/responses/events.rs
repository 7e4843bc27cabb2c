//! The stream of events of the Responses API: <https://platform.openai.com/docs/api-reference/responses-streaming>

use bytes::{Bytes, BytesMut};
use sagewire_api::responses::{EventWriter, Head, ResponseError, ResponseEvent, ResponseForm, ResponseStream};
use sagewire_types::{ChatChunk, Error};

use super::store::Keeping;
use crate::http::{
    error::ApiError,
    sse::{Events, Writer, named, write_named},
};

/// Writes chunks of a chat answer as events, and keeps the whole answer.
pub(super) struct ResponseEvents {
    stream: ResponseStream,
    events: Vec<ResponseEvent>,
    keeping: Option<Keeping>,
    writer: EventWriter,
}

impl ResponseEvents {
    pub(super) fn new(form: ResponseForm, head: Head, prompt_tokens: u64, keeping: Option<Keeping>) -> Self {
        Self {
            stream: ResponseStream::new(form, head, prompt_tokens),
            events: Vec::new(),
            keeping,
            writer: EventWriter::default(),
        }
    }

    fn write(&mut self, out: &mut BytesMut) -> Result<(), Error> {
        let Self { events, writer, .. } = self;
        events.drain(..).try_for_each(|event| named(event.kind.name(), out, |out| writer.write(&event, out)))
    }
}

/// The event that says what broke a stream, at this place.
pub(in crate::http) fn broken(error: &ApiError, number: u64) -> Bytes {
    let told = ResponseError::new(error.status().as_u16(), error.message());
    let mut out = BytesMut::new();
    // Texts and numbers always have a JSON form.
    let _ = write_named("error", &ResponseEvent::error(&told, error.param(), number), &mut out);
    out.freeze()
}

impl Events<ChatChunk> for ResponseEvents {
    fn piece(&mut self, chunk: &ChatChunk, Writer(out): Writer<'_>) -> Result<(), Error> {
        self.stream.push(chunk, &mut self.events)?;
        self.write(out)
    }

    fn end(&mut self, Writer(out): Writer<'_>) -> Result<(), Error> {
        self.stream.finish(&mut self.events)?;
        // Before the last event is sent: its reader may ask for the answer at once.
        if let Some(telling) = self.keeping.take().and_then(|keeping| keeping.keep(self.stream.response())) {
            tokio::spawn(telling);
        }
        self.write(out)
    }

    fn failure(&mut self, error: &ApiError) -> Bytes {
        let told = ResponseError::new(error.status().as_u16(), error.message());
        let mut out = BytesMut::new();
        for event in self.stream.failure(&told, error.param()) {
            // Texts and numbers always have a JSON form.
            let _ = write_named(event.kind.name(), &event, &mut out);
        }
        out.freeze()
    }

    fn lost(&self) -> fn(&ApiError) -> Bytes {
        |error| broken(error, 0)
    }

    fn silence(&self) -> &'static [u8] {
        b": keep-alive\n\n"
    }
}
