//! AWS's event-stream frames: bytes in, payload parts out.
//!
//! Owns the guard in front of the official decoder. That decoder takes a cut inside the prelude for a clean end and waits for up to
//! 4 GiB on a corrupt length: here the prelude is checked first, and a partial frame at the end of the connection is an error.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html>

use aws_smithy_eventstream::frame::read_message_from;
use aws_smithy_types::event_stream::Message;
use bytes::{Bytes, BytesMut};
use sagewire_types::{Error, ErrorKind, Upstream};
use serde::Deserialize;

/// Length, length of the headers, and the CRC of both.
const PRELUDE_LEN: usize = 12;
/// A prelude and the message's CRC: a frame without headers and payload.
const MIN_FRAME_LEN: usize = PRELUDE_LEN + 4;
/// AWS's limits for the headers and the payload of a frame.
const MAX_HEADERS_LEN: usize = 128 * 1024;
const MAX_PAYLOAD_LEN: usize = 24 * 1024 * 1024;
const MAX_FRAME_LEN: usize = MAX_PAYLOAD_LEN + MAX_HEADERS_LEN + MIN_FRAME_LEN;

/// Splits a reply's bytes, cut anywhere, into the payload parts of its frames.
#[derive(Debug, Default)]
pub(crate) struct FrameReader {
    /// What came last and has not been read; read in place, without a copy.
    fresh: Bytes,
    /// The beginning of a frame whose end has not come yet.
    partial: BytesMut,
    /// The headers of the last payload part. Those of the next are nearly always the same bytes, which mean the same.
    payload_headers: Box<[u8]>,
}

impl FrameReader {
    /// Adds the next bytes. Call [`next`](Self::next) until it gives nothing before adding more.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        if self.partial.is_empty() {
            self.fresh = bytes;
        } else {
            self.partial.extend_from_slice(&bytes);
        }
    }

    /// The next payload part; `None` where more bytes are needed.
    ///
    /// # Errors
    /// `StreamBroken` for a frame that is damaged; what the service reports in an error frame.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, Error> {
        while let Some(frame) = self.take_frame()? {
            if let Some(payload) = frame.payload_behind(&self.payload_headers) {
                return Ok(Some(payload));
            }
            let message = frame.message()?;
            if let Some(payload) = payload_part(&message)? {
                self.payload_headers = frame.headers().into();
                return Ok(Some(payload));
            }
        }
        Ok(None)
    }

    /// The next frame, whatever it carries; `None` where more bytes are needed.
    ///
    /// # Errors
    /// `StreamBroken` for a frame that is damaged.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn next_message(&mut self) -> Result<Option<Message>, Error> {
        self.take_frame()?.map(|frame| frame.message()).transpose()
    }

    /// The bytes have ended.
    ///
    /// # Errors
    /// `StreamBroken` inside a frame.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        if self.fresh.is_empty() && self.partial.is_empty() {
            return Ok(());
        }
        Err(broken("the connection ended inside a frame: the answer so far is not whole. Ask again"))
    }

    fn take_frame(&mut self) -> Result<Option<Frame>, Error> {
        let available: &[u8] = if self.partial.is_empty() { &self.fresh } else { &self.partial };
        match Lengths::of(available)? {
            Some(lengths) if lengths.total <= available.len() => {
                let bytes = if self.partial.is_empty() {
                    self.fresh.split_to(lengths.total)
                } else {
                    self.partial.split_to(lengths.total).freeze()
                };
                Ok(Some(Frame { bytes, headers_end: PRELUDE_LEN + lengths.headers }))
            }
            _ => {
                let rest = std::mem::take(&mut self.fresh);
                self.partial.extend_from_slice(&rest);
                Ok(None)
            }
        }
    }
}

/// A whole frame, whose prelude has been checked and whose other checksum has not.
struct Frame {
    bytes: Bytes,
    headers_end: usize,
}

impl Frame {
    fn headers(&self) -> &[u8] {
        self.bytes.get(PRELUDE_LEN..self.headers_end).unwrap_or_default()
    }

    /// The payload, where the headers are these bytes and the frame is whole. Anything else is for the official decoder to judge.
    fn payload_behind(&self, headers: &[u8]) -> Option<Bytes> {
        if headers.is_empty() || self.headers() != headers {
            return None;
        }
        let (checked, crc) = self.bytes.split_last_chunk::<4>()?;
        (crc32fast::hash(checked) == u32::from_be_bytes(*crc))
            .then(|| self.bytes.slice(self.headers_end..checked.len()))
    }

    fn message(&self) -> Result<Message, Error> {
        let message = read_message_from(&mut self.bytes.clone()).map_err(|error| {
            broken("a frame of the stream is damaged: the answer so far is not whole. Ask again").with_source(error)
        })?;
        // The official decoder takes them: whose type would count, the first one's or the last one's?
        let mut names: Vec<&str> = message.headers().iter().map(|header| header.name().as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| matches!(pair, [first, second] if first == second)) {
            return Err(broken("a frame of the stream has a header twice: check that the URL is SageMaker Runtime's"));
        }
        Ok(message)
    }
}

/// The lengths that a prelude announces.
struct Lengths {
    total: usize,
    headers: usize,
}

impl Lengths {
    /// Those of the frame that begins here, once its prelude is whole and checked.
    fn of(bytes: &[u8]) -> Result<Option<Self>, Error> {
        let Some((prelude, _)) = bytes.split_first_chunk::<PRELUDE_LEN>() else { return Ok(None) };
        let [t0, t1, t2, t3, h0, h1, h2, h3, checked @ ..] = *prelude;
        let [total, headers, crc] = [[t0, t1, t2, t3], [h0, h1, h2, h3], checked].map(u32::from_be_bytes);
        if crc32fast::hash(&[t0, t1, t2, t3, h0, h1, h2, h3]) != crc {
            return Err(broken("the beginning of a frame is damaged: the answer so far is not whole. Ask again"));
        }
        let (total, headers) = (total as usize, headers as usize);
        let fits = (MIN_FRAME_LEN..=MAX_FRAME_LEN).contains(&total)
            && headers <= MAX_HEADERS_LEN
            && headers <= total - MIN_FRAME_LEN
            && total - MIN_FRAME_LEN - headers <= MAX_PAYLOAD_LEN;
        if !fits {
            return Err(broken(
                "a frame of the stream has an impossible length: the answer so far is not whole. Ask again",
            ));
        }
        Ok(Some(Self { total, headers }))
    }
}

/// The payload of a payload part; nothing for events that carry none; the service's error for the others.
fn payload_part(message: &Message) -> Result<Option<Bytes>, Error> {
    let header = |name: &str| {
        message
            .headers()
            .iter()
            .find(|header| header.name().as_str() == name)
            .and_then(|header| header.value().as_string().ok())
            .map(|value| value.as_str())
    };
    match header(":message-type") {
        Some("event") => Ok((header(":event-type") == Some("PayloadPart")).then(|| message.payload().clone())),
        Some("exception") => {
            let name = header(":exception-type").unwrap_or("an unnamed exception");
            Err(stream_exception(name, message.payload()))
        }
        Some("error") => {
            let code = header(":error-code").unwrap_or("an unnamed error");
            Err(service_error(code, header(":error-message").unwrap_or_default(), None))
        }
        _ => Err(broken("a frame of the stream is of no known type: check that the URL is SageMaker Runtime's")),
    }
}

/// [`ModelStreamError` and `InternalStreamFailure`](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_ResponseStream.html).
fn stream_exception(name: &str, payload: &[u8]) -> Error {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Exception {
        #[serde(rename = "Message", alias = "message")]
        message: String,
        #[serde(rename = "ErrorCode")]
        error_code: Option<String>,
    }
    let Exception { message, error_code } = serde_json::from_slice(payload).unwrap_or_default();
    service_error(name, &message, error_code.as_deref())
}

fn service_error(name: &str, message: &str, error_code: Option<&str>) -> Error {
    let reason = match error_code {
        Some("ModelInvocationTimeExceeded") => "the model took longer than SageMaker lets a stream last",
        Some("StreamBroken") => "the container broke its stream off",
        _ => match name {
            "ModelStreamError" => "the model's container failed in the middle of its answer",
            "InternalStreamFailure" => "SageMaker failed in the middle of the answer",
            _ => "the service ended the stream with an error",
        },
    };
    let mut upstream = Upstream::default();
    upstream.code = Some(error_code.map_or_else(|| name.to_owned(), |code| format!("{name}/{code}")));
    upstream.message = Some(message.to_owned());
    Error::new(
        ErrorKind::StreamBroken,
        format!("{reason} ({name}): the answer so far is not whole. Ask again, or see the endpoint's log"),
    )
    .with_upstream(upstream)
}

fn broken(message: &str) -> Error {
    Error::new(ErrorKind::StreamBroken, message)
}

#[cfg(test)]
mod tests;
