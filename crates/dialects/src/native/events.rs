//! The events of a stream of an API that the container speaks itself.
//!
//! Owns what may come when: a stream begins with its first event and ends with one of its last
//! ones. A reported failure is an error, and so is an end without its event.

use std::borrow::Cow;

use bytes::Bytes;
use sagewire_types::{Error, ErrorKind, Forwarded, Reading};

use super::{Head, Protocol, SoFar, form, read_text, repeated::RepeatedEvent, reported};
use crate::{
    StreamDecoder,
    dialect::Ending,
    failure_report::FailureReport,
    records::{Record, RecordFramer},
};

/// Events that report a failure in place of an end.
const FAILURES: [&str; 2] = ["error", "response.failed"];

/// An event that says nothing.
const PING: &str = "ping";

/// Reads the events of a stream.
#[derive(Debug)]
pub struct EventDecoder {
    framer: RecordFramer,
    events: Events,
}

#[derive(Debug)]
struct Events {
    protocol: &'static Protocol,
    begun: bool,
    ended: bool,
    so_far: SoFar,
    repeated: RepeatedEvent,
}

impl EventDecoder {
    pub(super) fn new(protocol: &'static Protocol) -> Self {
        let events = Events {
            protocol,
            begun: false,
            ended: false,
            so_far: SoFar::default(),
            repeated: RepeatedEvent::default(),
        };
        Self { framer: RecordFramer::default(), events }
    }
}

impl Events {
    fn take(&mut self, record: Record<'_>, out: &mut Vec<Forwarded>) -> Result<(), Error> {
        if self.ended {
            return Ok(());
        }
        let text = match record {
            Record::Json(text) => text,
            Record::Failure(text) => return Err(reported(text)),
            Record::Done => return Ok(()),
        };
        if let Some(reading) = self.repeated.read(text) {
            out.push(Forwarded::from(Bytes::copy_from_slice(text)).with_reading(reading));
            return Ok(());
        }
        form::check_depth(text)?;
        let protocol = self.protocol;
        let (text, read) = read_text(text, |text| (protocol.event)(text, &mut self.so_far));
        let reading = read.or_else(|error| self.otherwise(&text, error))?;
        match &*reading.name {
            // It is written as a line of its own.
            name if name.contains(char::is_control) => return Err(form::invalid()),
            failure if FAILURES.contains(&failure) => return Err(reported(&text)),
            PING => {}
            // Nothing begins twice.
            kind if self.begun => {
                form::demand(kind != protocol.first)?;
                self.ended = protocol.ends.contains(&kind);
                if let Ok(text) = std::str::from_utf8(&text) {
                    self.repeated.learn(text, &reading, protocol.event);
                }
            }
            kind if kind == protocol.first => self.begun = true,
            _ => return Err(Error::unknown_route(protocol.path)),
        }
        out.push(Forwarded::from(one_line(text)).with_reading(reading));
        Ok(())
    }

    /// An event that does not have the form of those that are known: of another type, which is a
    /// client's to ignore, or a report of a failure, or damaged.
    fn otherwise(&self, text: &[u8], error: Error) -> Result<Reading, Error> {
        let kind = serde_json::from_slice::<Head>(text).ok().and_then(|head| head.kind.0);
        match kind {
            Some(failure) if FAILURES.contains(&&*failure) => Err(reported(text)),
            Some(kind) if !(self.protocol.knows)(&kind) => Ok(Reading::new(kind)),
            Some(kind) if self.begun || kind == self.protocol.first => Err(error),
            Some(_) => Err(Error::unknown_route(self.protocol.path)),
            None => Err(match FailureReport::read(text) {
                Some(report) => report.into_error(),
                None if self.begun => form::invalid(),
                None => Error::unknown_route(self.protocol.path),
            }),
        }
    }
}

/// The text without ends of lines, which JSON has only between its values: an event's data is one
/// line.
fn one_line(text: Cow<'_, [u8]>) -> Bytes {
    if memchr::memchr2(b'\n', b'\r', &text).is_none() {
        return match text {
            Cow::Borrowed(text) => Bytes::copy_from_slice(text),
            Cow::Owned(text) => text.into(),
        };
    }
    text.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }).collect()
}

impl StreamDecoder<Forwarded> for EventDecoder {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Forwarded>) -> Result<(), Error> {
        let events = &mut self.events;
        self.framer.push(bytes, |record| events.take(record, out))
    }

    fn ending(&self) -> Ending {
        if self.events.ended { Ending::Marked } else { Ending::Open }
    }

    fn finish(&mut self, out: &mut Vec<Forwarded>) -> Result<(), Error> {
        let events = &mut self.events;
        self.framer.finish(|record| events.take(record, out))?;
        if self.events.ended {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::StreamBroken,
            "the container ended the stream before its last event; retry the request",
        ))
    }
}

#[cfg(test)]
mod tests;
