//! Answers written by a test in advance.
//!
//! Owns [`Scripted`]: what it may say, and what each of its forms puts on the wire. Which request
//! gets one is decided in `runtime`.

use std::{fmt, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header::CONTENT_TYPE};

use crate::{
    aws_error::{AwsError, Place},
    body::{Body, BrokenOff, Step, played, whole},
    frame::{EVENT_STREAM, Frame},
    socket::Ending,
};

/// One answer, said exactly as written, whichever operation asks.
///
/// ```
/// use std::time::Duration;
/// use sagewire_emulator::{AwsError, Scripted};
///
/// let busy = Scripted::error(AwsError::throttling()).after(Duration::from_millis(20));
/// let broken = Scripted::stream(["data: {\"a\"", ": 1}\n\n"]).model_stream_error("StreamBroken", "the container went away");
/// # let _ = (busy, broken);
/// ```
#[derive(Clone)]
pub struct Scripted {
    delay: Duration,
    act: Act,
}

#[derive(Clone)]
enum Act {
    Reset,
    Error(AwsError),
    Reply { status: u16, headers: HeaderMap, body: Bytes },
    Stream(Script),
}

#[derive(Clone)]
struct Script {
    headers: HeaderMap,
    events: Vec<StreamEvent>,
    pace: Duration,
    cut: Option<Cut>,
}

/// Where the body of an event stream ends early, and how.
#[derive(Clone, Copy)]
struct Cut {
    at: usize,
    /// With the body's proper end, as if the rest had never been.
    politely: bool,
}

/// One thing that happens in a scripted event stream.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamEvent {
    /// A `PayloadPart` of exactly these bytes.
    Part(Bytes),
    /// Any other frame.
    Frame(Frame),
    /// Bytes that need not be a frame at all.
    Raw(Bytes),
    /// Nothing for so long, by tokio's clock.
    Wait(Duration),
    /// The connection is closed here, before the body's proper end.
    BreakOff,
    /// The connection is reset here.
    Reset,
}

impl Scripted {
    /// A container's answer: `200 OK` and this body, as `application/json`.
    #[must_use]
    pub fn ok(body: impl Into<Bytes>) -> Self {
        Self::reply(200, "application/json", body)
    }

    /// Any HTTP answer. A status outside 100 to 999 becomes 500, a content type that is no header
    /// value is left out.
    #[must_use]
    pub fn reply(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        insert(&mut headers, CONTENT_TYPE, content_type);
        Self::doing(Act::Reply { status, headers, body: body.into() })
    }

    /// An error as AWS answers it before any byte of a body.
    #[must_use]
    pub fn error(error: AwsError) -> Self {
        Self::doing(Act::Error(error))
    }

    /// An event stream of these parts, one `PayloadPart` each, with exactly these borders.
    ///
    /// The container's type is `text/event-stream`; see [`content_type`](Self::content_type).
    #[must_use]
    pub fn stream<P: Into<Bytes>>(parts: impl IntoIterator<Item = P>) -> Self {
        Self::events(parts.into_iter().map(|part| StreamEvent::Part(part.into())))
    }

    /// An event stream of anything.
    #[must_use]
    pub fn events(events: impl IntoIterator<Item = StreamEvent>) -> Self {
        let mut headers = HeaderMap::new();
        insert(&mut headers, CONTENT_TYPE, EVENT_STREAM);
        insert(&mut headers, HeaderName::from_static("x-amzn-sagemaker-content-type"), "text/event-stream");
        Self::doing(Act::Stream(Script {
            headers,
            events: events.into_iter().collect(),
            pace: Duration::ZERO,
            cut: None,
        }))
    }

    /// An answer that claims to be an event stream, with these bytes as its whole body.
    #[must_use]
    pub fn raw(bytes: impl Into<Bytes>) -> Self {
        Self::events([StreamEvent::Raw(bytes.into())])
    }

    /// No answer: the connection is reset before any header.
    #[must_use]
    pub fn reset() -> Self {
        Self::doing(Act::Reset)
    }

    fn doing(act: Act) -> Self {
        Self { delay: Duration::ZERO, act }
    }

    /// Waits so long before the answer begins, by tokio's clock.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Waits so long before every frame, by tokio's clock. It changes event streams alone.
    #[must_use]
    pub fn paced(self, pace: Duration) -> Self {
        self.scripted(|script| script.pace = pace)
    }

    /// Adds one event at the end. It changes event streams alone.
    #[must_use]
    pub fn then(self, event: StreamEvent) -> Self {
        self.scripted(|script| script.events.push(event))
    }

    /// Ends with a `ModelStreamError` exception; AWS's codes are `ModelInvocationTimeExceeded` and
    /// `StreamBroken`.
    #[must_use]
    pub fn model_stream_error(self, error_code: &str, message: &str) -> Self {
        self.then(StreamEvent::Frame(Frame::exception("ModelStreamError", Some(error_code), message)))
    }

    /// Ends with an `InternalStreamFailure` exception.
    #[must_use]
    pub fn internal_stream_failure(self, message: &str) -> Self {
        self.then(StreamEvent::Frame(Frame::exception("InternalStreamFailure", None, message)))
    }

    /// Ends with an error frame outside the service's model.
    #[must_use]
    pub fn error_frame(self, code: &str, message: &str) -> Self {
        self.then(StreamEvent::Frame(Frame::error(code, message)))
    }

    /// Closes the connection after so many bytes of the body, before its proper end. It changes
    /// event streams alone.
    #[must_use]
    pub fn cut_at(self, bytes: usize) -> Self {
        self.scripted(|script| script.cut = Some(Cut { at: bytes, politely: false }))
    }

    /// Ends the body properly after so many bytes, even inside a frame. It changes event streams
    /// alone.
    #[must_use]
    pub fn ended_at(self, bytes: usize) -> Self {
        self.scripted(|script| script.cut = Some(Cut { at: bytes, politely: true }))
    }

    /// The container's content type: `Content-Type` of a plain answer,
    /// `X-Amzn-SageMaker-Content-Type` of an event stream.
    #[must_use]
    pub fn content_type(self, content_type: &str) -> Self {
        let name = match &self.act {
            Act::Stream(_) => HeaderName::from_static("x-amzn-sagemaker-content-type"),
            Act::Reply { .. } | Act::Error(_) | Act::Reset => CONTENT_TYPE,
        };
        self.header(name.as_str(), content_type)
    }

    /// Sets a header of the answer; on an error or a reset it changes nothing. What is no header is
    /// left out.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let (Act::Reply { headers, .. } | Act::Stream(Script { headers, .. }), Ok(name)) =
            (&mut self.act, name.parse())
        {
            insert(headers, name, value);
        }
        self
    }

    fn scripted(mut self, change: impl FnOnce(&mut Script)) -> Self {
        if let Act::Stream(script) = &mut self.act {
            change(script);
        }
        self
    }

    /// Says it.
    pub(crate) async fn play(self, place: &Place<'_>, ending: Ending) -> Result<Response<Body>, BrokenOff> {
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        let (status, headers, body) = match self.act {
            Act::Reset => {
                ending.reset();
                return Err(BrokenOff);
            }
            Act::Error(error) => {
                let (status, headers, body) = error.wire(place);
                (status, headers, whole(body))
            }
            Act::Reply { status, headers, body } => {
                (StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), headers, whole(body))
            }
            Act::Stream(script) => {
                let headers = script.headers.clone();
                (StatusCode::OK, headers, played(stream::iter(script.steps()), ending))
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

impl Script {
    fn steps(self) -> Vec<Step> {
        let mut steps = Vec::with_capacity(self.events.len());
        let mut left = self.cut.map_or(usize::MAX, |cut| cut.at);
        for event in self.events {
            let mut bytes = match event {
                StreamEvent::Part(bytes) => Frame::payload_part(bytes).encode(),
                StreamEvent::Frame(frame) => frame.encode(),
                StreamEvent::Raw(bytes) => bytes,
                StreamEvent::Wait(time) => {
                    steps.push(Step::Wait(time));
                    continue;
                }
                StreamEvent::BreakOff => {
                    steps.push(Step::BreakOff);
                    return steps;
                }
                StreamEvent::Reset => {
                    steps.push(Step::Reset);
                    return steps;
                }
            };
            if !self.pace.is_zero() {
                steps.push(Step::Wait(self.pace));
            }
            bytes.truncate(left);
            left -= bytes.len();
            steps.push(Step::Send(bytes));
            if left == 0 {
                break;
            }
        }
        if self.cut.is_some_and(|cut| !cut.politely) {
            steps.push(Step::BreakOff);
        }
        steps
    }

    fn body_len(&self) -> usize {
        let bytes: BytesMut = self
            .clone()
            .steps()
            .into_iter()
            .flat_map(|step| if let Step::Send(bytes) = step { bytes } else { Bytes::new() })
            .collect();
        bytes.len()
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Scripted");
        shown.field("delay", &self.delay);
        match &self.act {
            Act::Reset => shown.field("reset", &true),
            Act::Error(error) => shown.field("error", &error.code()),
            Act::Reply { status, body, .. } => shown.field("status", status).field("body_bytes", &body.len()),
            Act::Stream(script) => shown.field("events", &script.events).field("body_bytes", &script.body_len()),
        };
        shown.finish_non_exhaustive()
    }
}

impl fmt::Debug for StreamEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part(bytes) => write!(f, "Part({} bytes)", bytes.len()),
            Self::Frame(frame) => write!(f, "Frame({} bytes)", frame.encode().len()),
            Self::Raw(bytes) => write!(f, "Raw({} bytes)", bytes.len()),
            Self::Wait(time) => write!(f, "Wait({time:?})"),
            Self::BreakOff => f.write_str("BreakOff"),
            Self::Reset => f.write_str("Reset"),
        }
    }
}
