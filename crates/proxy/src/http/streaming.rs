//! Streamed answers: the head with the first piece, and the call that lives as long as the stream.

use std::{io, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::{HeaderValue, Response, header};
use sagewire_types::{
    ChatChunk, ChatResponse, CompletionResponse, Error, ForwardStream, ReplyStream, StreamOptions, Usage,
};

use super::{
    Exchange, answer,
    arrival::Stopping,
    ask,
    call::Call,
    error::ApiError,
    response::{self, Body},
    sse::{Ahead, Events, Observer, Piece, SseBody, Writer},
};
use crate::{
    app::{Model, State},
    callers::Booking,
    telemetry::{CallRecord, Outcome},
};

/// A stream whose first piece is there.
pub(super) fn respond<T: Piece>(
    exchange: &mut Exchange,
    mut stream: ReplyStream<T>,
    events: impl Events<T>,
    model: &Arc<Model>,
    asked: Arc<str>,
    show_usage: bool,
) -> Response<Body> {
    let state = Arc::clone(&exchange.state);
    answer::learned(exchange, &stream.meta);
    exchange.note(CallRecord::streams);
    let meta = std::mem::take(&mut stream.meta);
    let stream = if state.settings.log_prompts { logged(exchange, stream) } else { stream };
    let keep_alive = state.settings.keep_alive;
    let observer = StreamedCall { state, model: Arc::clone(model), call: exchange.call.take(), broken: None };
    let lost = events.lost();
    let lost = move || lost(&ApiError::internal("the answer broke off inside the proxy: please report it"));
    let stopping = Stopping::of(&exchange.head.extensions);
    let body = SseBody::new(stream, events, asked, show_usage, keep_alive, stopping, observer);
    let mut response = Response::new(Body::new(Ahead::new(body, lost)));
    let headers = response.headers_mut();
    *headers = response::headers();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Asks nginx and its like to pass pieces on as they come.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    answer::add_meta(headers, &meta);
    answer::add_routed_resource(exchange, headers, &meta);
    response
}

/// The bytes of an answer as they come, which are of this type. An answer that breaks off ends with
/// what `failure` makes of the error; without it, it ends its connection, so that it is not taken
/// for a whole one.
pub(super) fn respond_bytes(
    exchange: &mut Exchange,
    mut stream: ForwardStream,
    model: &Arc<Model>,
    content_type: HeaderValue,
    failure: Option<fn(&ApiError) -> Bytes>,
) -> Response<Body> {
    answer::learned(exchange, &stream.meta);
    exchange.note(CallRecord::streams);
    let meta = std::mem::take(&mut stream.meta);
    let stopping = Stopping::of(&exchange.head.extensions);
    let state = Arc::clone(&exchange.state);
    let call = StreamedCall { state, model: Arc::clone(model), call: exchange.call.take(), broken: None };
    let pieces = futures_util::stream::unfold(Some((stream, call, stopping)), move |reading| async move {
        let (mut stream, mut call, stopping) = reading?;
        let piece = tokio::select! {
            biased;
            piece = stream.next() => piece,
            () = stopping.clone().cut_off() => Some(Err(Stopping::error())),
        };
        match piece {
            Some(Ok(piece)) => {
                call.wrote(1);
                Some((Ok(piece.bytes), Some((stream, call, stopping))))
            }
            Some(Err(error)) => {
                let shown = call.failed(&error);
                call.ended();
                let last = match failure {
                    Some(event) => Ok(event(&shown)),
                    None => Err(io::Error::other(shown.message().to_owned())),
                };
                Some((last, None))
            }
            None => {
                call.ended();
                None
            }
        }
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    *headers = response::headers();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    answer::add_meta(headers, &meta);
    response
}

/// Asks for the tokens used at the end of a stream, as the proxy counts them. Returns whether they
/// are shown: to a caller that asked for them, or to everyone if the operator says so.
pub(super) fn ask_for_usage(exchange: &Exchange, options: &mut Option<StreamOptions>) -> bool {
    let asked = options.get_or_insert_default().include_usage.replace(true);
    asked == Some(true) || exchange.state.settings.always_include_usage
}

/// Something that a model generated.
pub(crate) trait Written {
    /// How many bytes of text it has, for models that report no usage.
    fn text_bytes(&self) -> usize;
}

impl Written for ChatResponse {
    fn text_bytes(&self) -> usize {
        self.choices
            .iter()
            .map(|choice| {
                let message = &choice.message;
                let calls: usize = message
                    .tool_calls
                    .iter()
                    .map(|call| call.function.name.len() + call.function.arguments.len())
                    .sum();
                let texts = [&message.content, &message.reasoning_content];
                texts.into_iter().flatten().map(String::len).sum::<usize>() + calls
            })
            .sum()
    }
}

impl Written for ChatChunk {
    fn text_bytes(&self) -> usize {
        self.choices
            .iter()
            .map(|choice| {
                let delta = &choice.delta;
                let calls = delta.tool_calls.iter().filter_map(|call| call.function.as_ref());
                let calls = calls.flat_map(|function| [&function.name, &function.arguments]);
                [&delta.content, &delta.reasoning_content]
                    .into_iter()
                    .chain(calls)
                    .flatten()
                    .map(String::len)
                    .sum::<usize>()
            })
            .sum()
    }
}

impl Written for CompletionResponse {
    fn text_bytes(&self) -> usize {
        self.choices.iter().map(|choice| choice.text.len()).sum()
    }
}

fn logged<T: Piece>(exchange: &Exchange, stream: ReplyStream<T>) -> ReplyStream<T> {
    let request_id = exchange.request_id().to_owned();
    let meta = stream.meta.clone();
    let pieces = stream.inspect(move |piece| {
        let mut json = BytesMut::new();
        if let Ok(piece) = piece
            && piece.write(&mut T::Writer::default(), Writer(&mut json)).is_ok()
        {
            let body = String::from_utf8_lossy(&json);
            tracing::debug!(target: "sagewire::proxy::prompts", request_id, which = "piece", %body);
        }
    });
    ReplyStream::new(meta, pieces)
}

/// The call of a streamed answer. Dropped before the stream's end, it says that the caller went
/// away.
#[derive(Debug)]
struct StreamedCall {
    state: Arc<State>,
    model: Arc<Model>,
    call: Option<Call>,
    broken: Option<ApiError>,
}

impl StreamedCall {
    fn booking(&mut self) -> Option<&mut Booking> {
        self.call.as_mut()?.booking.as_mut()
    }
}

impl Observer for StreamedCall {
    fn failed(&mut self, error: &Error) -> ApiError {
        let shown = || ApiError::from_provider(error, &ask::disclosure(&self.state.settings, &self.model));
        let for_caller = shown();
        if let Some(call) = &mut self.call {
            call.record.failed(&for_caller, error);
        }
        self.broken = Some(shown());
        for_caller
    }

    fn generated(&mut self, text_bytes: usize) {
        if let Some(booking) = self.booking() {
            booking.wrote(text_bytes);
        }
    }

    fn wrote(&mut self, pieces: usize) {
        if let Some(call) = &mut self.call {
            call.record.wrote(pieces);
        }
    }

    fn used(&mut self, usage: &Usage) {
        if let Some(booking) = self.booking() {
            booking.used(usage);
        }
    }

    fn ended(&mut self) {
        let Some(call) = &mut self.call else { return };
        match &self.broken {
            Some(error) => call.record.ended(&Outcome::Failed(error)),
            None => {
                call.record.ended(&Outcome::Status(200));
                if let Some(booking) = &mut call.booking {
                    booking.answered();
                }
            }
        }
        // Before the last bytes are sent: the caller may send its next request as soon as it has them.
        call.settle();
    }
}
