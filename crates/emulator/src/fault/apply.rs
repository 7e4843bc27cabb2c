//! How a fault changes an answer.
//!
//! Owns the order of things: some faults take the answer's place, some are set up on the
//! connection, the others change the body's frames one by one as they pass.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_core::Stream;
use futures_util::{StreamExt as _, stream};
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::BodyDataStream;

use super::{Fault, gzip, surgery};
use crate::{
    aws_error::Place,
    body::{Body, BrokenOff, Step, played, whole},
    frame::{EVENT_STREAM, Frame},
    runtime::refusal,
    signature::Caller,
    socket::{Ending, WritePlan},
    state::State,
};

impl Fault {
    /// Does it harm later requests too, for good?
    pub(crate) const fn lasts(&self) -> bool {
        matches!(self, Self::ExpireCredentials | Self::RevokeCredentials | Self::ClockSkew(_))
    }

    /// Changes what the request is judged by. Has anything changed?
    pub(crate) fn strikes_caller(&self, state: &State, caller: Option<&Caller>) -> bool {
        match (self, caller) {
            (Self::ExpireCredentials, Some(caller)) => state.keys.expire(&caller.access_key_id, state.now()),
            (Self::RevokeCredentials, Some(caller)) => {
                state.keys.revoke(&caller.access_key_id);
            }
            (Self::ClockSkew(seconds), _) => {
                state.skew.fetch_add(*seconds, Ordering::Relaxed);
            }
            _ => return false,
        }
        true
    }

    /// Refuses connections for a while, if that is the fault.
    pub(crate) async fn strikes_port(&self, state: &State) {
        if let Self::RefuseConnections(time) = self {
            state.refuse_connections(*time).await;
        }
    }

    /// The answer that comes instead of one from the endpoint, where there is one.
    pub(crate) fn instead(&self, place: &Place<'_>, ending: &Ending) -> Option<Result<Response<Body>, BrokenOff>> {
        match self {
            Self::Error(error) => Some(Ok(refusal(error, place))),
            Self::ResetBeforeHeaders | Self::RefuseConnections(_) => {
                ending.reset();
                Some(Err(BrokenOff))
            }
            Self::Redirect(location) => {
                let mut response = Response::new(whole(Bytes::new()));
                *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
                if let Ok(location) = HeaderValue::from_str(location) {
                    response.headers_mut().insert(header::LOCATION, location);
                }
                Some(Ok(response))
            }
            _ => None,
        }
    }

    /// The endpoint's answer with the fault in it.
    pub(crate) fn spoil(self, mut response: Response<Body>, ending: Ending) -> Response<Body> {
        match &self {
            Self::ResetInHeaders(bytes) => {
                ending.plan(WritePlan::ResetAfter(*bytes));
                return response;
            }
            Self::SlowHeaders(pace) => {
                ending.plan(WritePlan::SlowHead(*pace));
                return response;
            }
            Self::CloseOnReuse => {
                ending.close_on_reuse();
                return response;
            }
            Self::ContentType(content_type) => {
                if let Ok(content_type) = HeaderValue::from_str(content_type) {
                    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
                }
                return response;
            }
            Self::GzipBomb(length) => {
                response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                response.headers_mut().remove(header::CONTENT_LENGTH);
                return response.map(|_| whole(gzip::zeros(*length)));
            }
            Self::JsonBomb(depth) if !is_event_stream(&response) => {
                response.headers_mut().remove(header::CONTENT_LENGTH);
                return response.map(|_| whole(nested(*depth)));
            }
            _ => {}
        }
        // A body whose bytes change may not promise their number.
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response.map(|body| {
            let steps = BodyDataStream::new(body).map(|part| part.map_or(Step::BreakOff, Step::Send));
            played(changed(self, steps), ending)
        })
    }
}

fn is_event_stream(response: &Response<Body>) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == EVENT_STREAM)
}

/// Lists in lists, so deep.
fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

/// What passes a fault, and how far the body has come.
struct Passing<S> {
    fault: Fault,
    steps: S,
    frames: usize,
    bytes: usize,
    ended: bool,
}

/// The steps with the fault among them.
fn changed(
    fault: Fault,
    steps: impl Stream<Item = Step> + Send + 'static,
) -> impl Stream<Item = Step> + Send + 'static {
    let first = match &fault {
        Fault::ResetAfterHeaders => Some(Step::Reset),
        Fault::CutAt(0) => Some(Step::BreakOff),
        _ => None,
    };
    let last = (fault == Fault::CloseAfterAnswer).then_some(Step::CloseAtEnd);
    let passing = Passing { fault, steps: Box::pin(steps), frames: 0, bytes: 0, ended: false };
    let rest = stream::unfold(passing, async |mut passing| {
        if passing.ended {
            return None;
        }
        let steps = match passing.steps.next().await? {
            Step::Send(bytes) => passing.send(bytes),
            other => vec![other],
        };
        Some((stream::iter(steps), passing))
    });
    stream::iter(first).chain(rest.flatten()).chain(stream::iter(last))
}

impl<S> Passing<S> {
    /// One frame, as the fault leaves it.
    fn send(&mut self, bytes: Bytes) -> Vec<Step> {
        let (frame, before) = (self.frames, self.bytes);
        self.frames += 1;
        self.bytes += bytes.len();
        // Is the byte of this number the next one within this frame?
        let inside = |at: usize| at.checked_sub(before).filter(|at| *at < bytes.len());
        let only = |changed: Bytes| vec![Step::Send(changed)];
        match &self.fault {
            Fault::Stall { at, time } => match inside(*at) {
                Some(at) => {
                    let (head, tail) = (bytes.slice(..at), bytes.slice(at..));
                    let head = (!head.is_empty()).then_some(Step::Send(head));
                    head.into_iter().chain([Step::Wait(*time), Step::Send(tail)]).collect()
                }
                None => only(bytes),
            },
            Fault::StallBefore { frame: at, time } if *at == frame => vec![Step::Wait(*time), Step::Send(bytes)],
            Fault::Pieces(length) => {
                let length = (*length).max(1);
                let starts = (0..bytes.len()).step_by(length);
                starts.map(|start| Step::Send(bytes.slice(start..bytes.len().min(start + length)))).collect()
            }
            Fault::HugeFrame { before, length } if *before == frame => {
                let padding = Frame::event("Padding", "application/octet-stream", Bytes::new()).encode();
                surgery::padded(&padding, *length).into_iter().chain([bytes]).map(Step::Send).collect()
            }
            Fault::JsonBomb(depth) if frame == 0 => {
                only(Frame::payload_part(format!("data: {}\n\n", nested(*depth))).encode())
            }
            Fault::CutAt(at) | Fault::EndAt(at) => match inside(*at) {
                Some(within) => {
                    self.ended = true;
                    let breaks = matches!(self.fault, Fault::CutAt(_)).then_some(Step::BreakOff);
                    [Step::Send(bytes.slice(..within))].into_iter().chain(breaks).collect()
                }
                None => only(bytes),
            },
            Fault::CorruptPrelude(at) if *at == frame => only(surgery::corrupt_prelude(&bytes)),
            Fault::CorruptMessage(at) if *at == frame => only(surgery::corrupt_message(&bytes)),
            Fault::TotalLength { frame: at, length } if *at == frame => only(surgery::total_length(&bytes, *length)),
            Fault::HeadersLength { frame: at, length } if *at == frame => {
                only(surgery::headers_length(&bytes, *length))
            }
            Fault::InvalidUtf8(at) if *at == frame => only(surgery::lengthened(&bytes, b"\xff")),
            Fault::Insert { before, frame: inserted } if *before == frame => {
                vec![Step::Send(inserted.encode()), Step::Send(bytes)]
            }
            Fault::Instead { of, frame: instead } if *of == frame => {
                self.ended = true;
                only(instead.encode())
            }
            Fault::EmptyParts => vec![Step::Send(Frame::payload_part(Bytes::new()).encode()), Step::Send(bytes)],
            _ => only(bytes),
        }
    }
}
