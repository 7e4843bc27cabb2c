//! AWS's event-stream frames: bytes in, payload parts out.
//!
//! Owns the frame: its lengths, its two checksums and its end. The prelude is checked as soon as it
//! is there, so that nobody waits for a corrupt length, and a partial frame at the end of the
//! connection is an error. The official decoder is the oracle of the tests.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html>

use bytes::{Bytes, BytesMut};
use sagewire_types::{Error, ErrorKind, Upstream};
use serde::Deserialize;

use crate::reply::meta;

pub(crate) use self::header::Header;

mod header;

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
    /// The headers of the last payload part. Those of the next are nearly always the same bytes,
    /// which mean the same.
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
            let payload = frame.payload()?;
            if !self.payload_headers.is_empty() && frame.header_bytes() == &*self.payload_headers {
                return Ok(Some(payload));
            }
            if is_payload_part(&frame.headers()?, &payload)? {
                self.payload_headers = frame.header_bytes().into();
                return Ok(Some(payload));
            }
        }
        Ok(None)
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

    /// The next frame, whatever it carries; `None` where more bytes are needed. Its prelude is
    /// checked, its payload and headers are not yet.
    ///
    /// # Errors
    /// `StreamBroken` for a prelude that is damaged.
    pub(crate) fn take_frame(&mut self) -> Result<Option<Frame>, Error> {
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
pub(crate) struct Frame {
    bytes: Bytes,
    headers_end: usize,
}

impl Frame {
    fn header_bytes(&self) -> &[u8] {
        self.bytes.get(PRELUDE_LEN..self.headers_end).unwrap_or_default()
    }

    /// The payload, where the frame's checksum is that of its bytes.
    pub(crate) fn payload(&self) -> Result<Bytes, Error> {
        let whole = self.bytes.split_last_chunk::<4>();
        let whole = whole.filter(|(checked, crc)| crc32fast::hash(checked) == u32::from_be_bytes(**crc));
        whole.map(|(checked, _)| self.bytes.slice(self.headers_end..checked.len())).ok_or_else(damaged)
    }

    pub(crate) fn headers(&self) -> Result<Vec<Header<'_>>, Error> {
        let headers = header::read(self.header_bytes()).ok_or_else(damaged)?;
        // The official decoder takes them: whose type would count, the first one's or the last one's?
        let mut names: Vec<&str> = headers.iter().map(|header| header.name).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| matches!(pair, [first, second] if first == second)) {
            return Err(broken("a frame of the stream has a header twice: check that the URL is SageMaker Runtime's"));
        }
        Ok(headers)
    }
}

fn damaged() -> Error {
    broken("a frame of the stream is damaged: the answer so far is not whole. Ask again")
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

/// Whether a frame is a payload part. An event of another name is none; one without a name may be
/// one, so it is not skipped. What is no event is the service's error.
fn is_payload_part(headers: &[Header<'_>], payload: &[u8]) -> Result<bool, Error> {
    let header = |name: &str| headers.iter().find(|header| header.name == name).and_then(Header::text);
    match header(":message-type") {
        Some("event") => match header(":event-type") {
            Some(name) => Ok(name == "PayloadPart"),
            None => Err(unknown_type()),
        },
        Some("exception") => {
            let name = header(":exception-type").unwrap_or("an unnamed exception");
            Err(stream_exception(name, payload))
        }
        Some("error") => {
            let code = header(":error-code").unwrap_or("an unnamed error");
            Err(service_error(code, header(":error-message").unwrap_or_default(), None))
        }
        _ => Err(unknown_type()),
    }
}

fn unknown_type() -> Error {
    broken("a frame of the stream has an unknown type; check that the URL is SageMaker Runtime's")
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
    let name = &*meta::name(name);
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
    upstream.code = Some(error_code.map_or_else(|| name.to_owned(), |code| format!("{name}/{}", meta::name(code))));
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
