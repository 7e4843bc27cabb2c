//! The events of a container that speaks its caller's API: each is passed on as it came, but with
//! the caller's name of the model.

use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use sagewire_api::responses::ResponseError;
use sagewire_types::{
    Error, ErrorKind, Forwarded, Usage,
    json::{self, Exact},
};
use serde_json::{Map, Value, json};

use super::{Api, MESSAGES};
use crate::http::{
    error::ApiError,
    messages::events as messages,
    responses::events as responses,
    sse::{Events, Piece, Writer, named, write_named},
    streaming::Written,
};

impl Written for Forwarded {
    fn text_bytes(&self) -> usize {
        self.reading.as_ref().map_or(0, |reading| reading.text_bytes)
    }
}

impl Piece for Forwarded {
    type Writer = ();

    fn write(&self, (): &mut (), Writer(out): Writer<'_>) -> Result<(), serde_json::Error> {
        out.put_slice(&self.bytes);
        Ok(())
    }

    /// What writes the events knows the name.
    fn set_model(&mut self, _: Arc<str>) {}

    fn usage(&mut self) -> &mut Option<Usage> {
        &mut self.reading.get_or_insert_default().usage
    }

    fn choices(&self) -> usize {
        1
    }
}

/// Writes the events of a stream, and its failure in the API's own form.
pub(super) struct NativeEvents {
    api: &'static Api,
    /// The model as the caller named it, as JSON.
    model: String,
    /// The place of the next event.
    number: u64,
    /// The event that began a stream of the Responses API.
    created: Bytes,
}

impl NativeEvents {
    pub(super) fn new(api: &'static Api, model: &str) -> Self {
        Self { api, model: Value::from(model).to_string(), number: 0, created: Bytes::new() }
    }

    /// The answer as the stream's beginning told it.
    fn response(&self) -> Option<Map<String, Value>> {
        let mut event: Value = json::from_reply_marked(&self.created).ok()?;
        let mut response = event.get_mut("response").and_then(Value::as_object_mut).map(std::mem::take)?;
        response.insert("model".to_owned(), serde_json::from_str(&self.model).ok()?);
        Some(response)
    }
}

impl Events<Forwarded> for NativeEvents {
    fn piece(&mut self, event: &Forwarded, Writer(out): Writer<'_>) -> Result<(), Error> {
        let Some(reading) = &event.reading else {
            return Err(Error::new(
                ErrorKind::Decode,
                "the container sent an event that cannot be read; retry the request",
            ));
        };
        if let Some(number) = reading.number {
            self.number = number.saturating_add(1);
        }
        if reading.name == "response.created" {
            self.created = event.bytes.clone();
        }
        named(&reading.name, out, |Writer(out)| {
            match event.around_model() {
                Some((before, after)) => {
                    out.put_slice(before);
                    out.put_slice(self.model.as_bytes());
                    out.put_slice(after);
                }
                None => out.put_slice(&event.bytes),
            }
            Ok(())
        })
    }

    fn end(&mut self, _: Writer<'_>) -> Result<(), Error> {
        // The last event was the container's.
        Ok(())
    }

    fn failure(&mut self, error: &ApiError) -> Bytes {
        if self.api.is(&MESSAGES) {
            return messages::broken(error);
        }
        let mut out = BytesMut::from(responses::broken(error, self.number));
        if let Some(mut response) = self.response() {
            response.insert("status".to_owned(), Value::from("failed"));
            let told = ResponseError::new(error.status().as_u16(), error.message());
            response.insert("error".to_owned(), json!(told));
            let failed = json!({ "type": "response.failed", "response": response, "sequence_number": self.number.saturating_add(1) });
            // What was read has a JSON form.
            let _ = write_named("response.failed", &Exact(&failed), &mut out);
        }
        out.freeze()
    }

    fn lost(&self) -> fn(&ApiError) -> Bytes {
        if self.api.is(&MESSAGES) { messages::broken } else { |error| responses::broken(error, 0) }
    }

    fn silence(&self) -> &'static [u8] {
        self.api.silence
    }
}
