//! Event-stream frames, written by hand.
//!
//! Owns the encoding of [`application/vnd.amazon.eventstream`](https://smithy.io/2.0/aws/amazon-eventstream.html): prelude, headers,
//! payload and both CRCs. It shares no code with the decoders it is there to test.

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::json;

/// The content type of an event stream.
pub(crate) const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";

/// Prelude (12 bytes) and the message's CRC (4 bytes).
const OVERHEAD: usize = 16;

/// A header's value, in any type the format knows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameValue {
    /// Types 0 and 1.
    Bool(bool),
    /// Type 2.
    Byte(i8),
    /// Type 3.
    Int16(i16),
    /// Type 4.
    Int32(i32),
    /// Type 5.
    Int64(i64),
    /// Type 6. What exceeds 65,535 bytes is cut off: the length does not fit its field.
    Bytes(Bytes),
    /// Type 7. What exceeds 65,535 bytes is cut off, likewise.
    String(String),
    /// Type 8: milliseconds since 1970.
    Timestamp(i64),
    /// Type 9.
    Uuid(u128),
}

/// One frame: headers and a payload.
///
/// ```
/// use sagewire_emulator::Frame;
///
/// let frame = Frame::payload_part("{\"generated_text\":").encode();
/// assert_eq!(u32::from_be_bytes(frame[..4].try_into()?) as usize, frame.len());
/// # Ok::<(), std::array::TryFromSliceError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    headers: Vec<(String, FrameValue)>,
    payload: Bytes,
}

impl Frame {
    /// A frame with no headers and this payload.
    #[must_use]
    pub fn new(payload: impl Into<Bytes>) -> Self {
        Self { headers: Vec::new(), payload: payload.into() }
    }

    /// A `PayloadPart` event: the bytes go in raw, neither JSON nor base64.
    #[must_use]
    pub fn payload_part(bytes: impl Into<Bytes>) -> Self {
        Self::event("PayloadPart", "application/octet-stream", bytes)
    }

    /// An event of any type. A client must skip the types it does not know.
    #[must_use]
    pub fn event(event_type: &str, content_type: &str, payload: impl Into<Bytes>) -> Self {
        Self::new(payload)
            .text(":event-type", event_type)
            .text(":content-type", content_type)
            .text(":message-type", "event")
    }

    /// The empty `initial-response` event that may open a stream.
    #[must_use]
    pub fn initial_response() -> Self {
        Self::event("initial-response", "application/json", "{}")
    }

    /// A modelled exception: `ModelStreamError` has an `ErrorCode`, `InternalStreamFailure` has
    /// none.
    #[must_use]
    pub fn exception(exception_type: &str, error_code: Option<&str>, message: &str) -> Self {
        let payload = match error_code {
            Some(error_code) => json!({"Message": message, "ErrorCode": error_code}),
            None => json!({"Message": message}),
        };
        Self::new(payload.to_string())
            .text(":exception-type", exception_type)
            .text(":content-type", "application/json")
            .text(":message-type", "exception")
    }

    /// An error outside the service's model: code and text are headers, the payload is empty.
    #[must_use]
    pub fn error(code: &str, message: &str) -> Self {
        Self::new(Bytes::new()).text(":error-code", code).text(":error-message", message).text(":message-type", "error")
    }

    /// The same frame with one more header. What exceeds 255 bytes of its name is cut off: the
    /// length does not fit its field.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: FrameValue) -> Self {
        self.headers.push((name.into(), value));
        self
    }

    fn text(self, name: &str, value: &str) -> Self {
        self.header(name, FrameValue::String(value.to_owned()))
    }

    /// The frame as it goes on the wire. The format's length is 32 bits wide: a payload of 4 GiB or
    /// more makes a frame no one can read.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut headers = BytesMut::new();
        for (name, value) in &self.headers {
            let name = name.as_bytes().get(..255).unwrap_or(name.as_bytes());
            headers.put_u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
            headers.put_slice(name);
            value.put(&mut headers);
        }
        let total = OVERHEAD + headers.len() + self.payload.len();
        let mut frame = BytesMut::with_capacity(total);
        frame.put_u32(u32::try_from(total).unwrap_or(u32::MAX));
        frame.put_u32(u32::try_from(headers.len()).unwrap_or(u32::MAX));
        frame.put_u32(crc32fast::hash(&frame));
        frame.put_slice(&headers);
        frame.put_slice(&self.payload);
        frame.put_u32(crc32fast::hash(&frame));
        frame.freeze()
    }
}

impl FrameValue {
    fn put(&self, out: &mut BytesMut) {
        match self {
            Self::Bool(true) => out.put_u8(0),
            Self::Bool(false) => out.put_u8(1),
            Self::Byte(value) => {
                out.put_u8(2);
                out.put_i8(*value);
            }
            Self::Int16(value) => {
                out.put_u8(3);
                out.put_i16(*value);
            }
            Self::Int32(value) => {
                out.put_u8(4);
                out.put_i32(*value);
            }
            Self::Int64(value) => {
                out.put_u8(5);
                out.put_i64(*value);
            }
            Self::Bytes(value) => {
                out.put_u8(6);
                put_sized(out, value);
            }
            Self::String(value) => {
                out.put_u8(7);
                put_sized(out, value.as_bytes());
            }
            Self::Timestamp(value) => {
                out.put_u8(8);
                out.put_i64(*value);
            }
            Self::Uuid(value) => {
                out.put_u8(9);
                out.put_u128(*value);
            }
        }
    }
}

fn put_sized(out: &mut BytesMut, bytes: &[u8]) {
    let bytes = bytes.get(..usize::from(u16::MAX)).unwrap_or(bytes);
    out.put_u16(u16::try_from(bytes.len()).unwrap_or(u16::MAX));
    out.put_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_eventstream::frame::read_message_from;
    use aws_smithy_types::event_stream::{HeaderValue, Message};

    fn decoded(frame: &Frame) -> Message {
        read_message_from(frame.encode()).unwrap()
    }

    fn text(message: &Message, name: &str) -> Option<String> {
        let header = message.headers().iter().find(|header| header.name().as_str() == name)?;
        Some(header.value().as_string().unwrap().as_str().to_owned())
    }

    #[test]
    fn the_official_decoder_reads_every_kind() {
        let part = decoded(&Frame::payload_part(vec![0, 0xff, b'{']));
        assert_eq!(text(&part, ":message-type").as_deref(), Some("event"));
        assert_eq!(text(&part, ":event-type").as_deref(), Some("PayloadPart"));
        assert_eq!(text(&part, ":content-type").as_deref(), Some("application/octet-stream"));
        assert_eq!(&part.payload()[..], [0, 0xff, b'{']);

        let broken = decoded(&Frame::exception("ModelStreamError", Some("StreamBroken"), "gone"));
        assert_eq!(text(&broken, ":message-type").as_deref(), Some("exception"));
        assert_eq!(text(&broken, ":exception-type").as_deref(), Some("ModelStreamError"));
        assert_eq!(&broken.payload()[..], br#"{"Message":"gone","ErrorCode":"StreamBroken"}"#);

        let error = decoded(&Frame::error("InternalError", "why"));
        assert_eq!(text(&error, ":message-type").as_deref(), Some("error"));
        assert_eq!(text(&error, ":error-code").as_deref(), Some("InternalError"));
        assert_eq!(text(&error, ":error-message").as_deref(), Some("why"));
        assert!(error.payload().is_empty());

        assert_eq!(text(&decoded(&Frame::initial_response()), ":event-type").as_deref(), Some("initial-response"));
    }

    #[test]
    fn every_header_type_reads_back() {
        let frame = Frame::new("payload")
            .header("yes", FrameValue::Bool(true))
            .header("no", FrameValue::Bool(false))
            .header("i8", FrameValue::Byte(-2))
            .header("i16", FrameValue::Int16(-300))
            .header("i32", FrameValue::Int32(-70_000))
            .header("i64", FrameValue::Int64(-5_000_000_000))
            .header("bytes", FrameValue::Bytes(Bytes::from_static(b"\0\x01")))
            .header("string", FrameValue::String("käse".to_owned()))
            .header("time", FrameValue::Timestamp(1_700_000_000_123))
            .header("uuid", FrameValue::Uuid(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef));
        let message = decoded(&frame);
        let values: Vec<_> = message.headers().iter().map(|header| header.value().clone()).collect();
        assert_eq!(
            values[..6],
            [
                HeaderValue::Bool(true),
                HeaderValue::Bool(false),
                HeaderValue::Byte(-2),
                HeaderValue::Int16(-300),
                HeaderValue::Int32(-70_000),
                HeaderValue::Int64(-5_000_000_000)
            ]
        );
        assert_eq!(values[6].as_byte_array().unwrap().as_ref(), b"\0\x01");
        assert_eq!(values[7].as_string().unwrap().as_str(), "käse");
        assert_eq!(values[8].as_timestamp().unwrap().to_millis().unwrap(), 1_700_000_000_123);
        assert_eq!(values[9].as_uuid().unwrap(), 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
    }

    #[test]
    fn lengths_that_do_not_fit_are_cut() {
        let long = "x".repeat(70_000);
        let message = decoded(&Frame::new("").header("n".repeat(300), FrameValue::String(long)));
        let header = &message.headers()[0];
        assert_eq!(header.name().as_str().len(), 255);
        assert_eq!(header.value().as_string().unwrap().as_str().len(), 65_535);
    }
}
