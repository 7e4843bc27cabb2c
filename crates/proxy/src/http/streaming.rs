//! Streamed answers: the head with the first piece, and the record that lives as long as the stream.

use std::sync::Arc;

use futures_util::StreamExt;
use http::{HeaderValue, Response, header};
use sagewire_types::{Error, ReplyStream, Usage};

use super::{Exchange, ask};
use crate::{
    app::{App, Model},
    http::error::ApiError,
    http::response::Body,
    http::sse::{Ahead, Observer, Piece, SseBody},
    telemetry::{CallRecord, Outcome},
};

/// A stream whose first piece is there.
pub(super) fn respond<T: Piece>(
    exchange: &mut Exchange,
    mut stream: ReplyStream<T>,
    model: &Arc<Model>,
    asked: Arc<str>,
    show_usage: bool,
) -> Response<Body> {
    let app = exchange.app.clone();
    let settings = &app.state().settings;
    exchange.note(|record| {
        record.learned(&stream.meta);
        record.streams();
    });
    let meta = std::mem::take(&mut stream.meta);
    let stream = if settings.log_prompts { logged(exchange, stream) } else { stream };
    let observer =
        StreamRecord { app: app.clone(), model: Arc::clone(model), record: exchange.record.take(), broken: None };
    let body = SseBody::new(stream, asked, show_usage, settings.keep_alive, observer);
    let mut response = Response::new(Body::stream(Ahead::new(body)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Asks nginx and its like to pass pieces on as they come.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    ask::add_meta(headers, &meta);
    response
}

fn logged<T: Piece>(exchange: &Exchange, stream: ReplyStream<T>) -> ReplyStream<T> {
    let request_id = exchange.record.as_ref().map_or_else(String::new, |record| record.request_id().to_owned());
    let meta = stream.meta.clone();
    let pieces = stream.inspect(move |piece| {
        if let Ok(json) = piece.as_ref().map_err(|_| ()).and_then(|piece| serde_json::to_string(piece).map_err(|_| ()))
        {
            tracing::debug!(target: "sagewire::proxy::prompts", request_id, which = "piece", body = %json);
        }
    });
    ReplyStream::new(meta, pieces)
}

/// The record of a streamed answer. Dropped before the stream's end, it says that the caller went away.
#[derive(Debug)]
struct StreamRecord {
    app: App,
    model: Arc<Model>,
    record: Option<CallRecord>,
    broken: Option<ApiError>,
}

impl Observer for StreamRecord {
    fn failed(&mut self, error: &Error) -> ApiError {
        let shown = || ApiError::from_provider(error, &ask::disclosure(&self.app.state().settings, &self.model));
        let for_caller = shown();
        if let Some(record) = &mut self.record {
            ask::log_failure(record.request_id(), error);
            record.failed(&for_caller);
        }
        self.broken = Some(shown());
        for_caller
    }

    fn wrote(&mut self, pieces: usize) {
        if let Some(record) = &mut self.record {
            record.wrote(pieces);
        }
    }

    fn used(&mut self, usage: &Usage) {
        if let Some(record) = &mut self.record {
            record.used(usage);
        }
    }

    fn ended(&mut self) {
        if let Some(record) = &mut self.record {
            match &self.broken {
                Some(error) => record.ended(&Outcome::Failed(error)),
                None => record.ended(&Outcome::Status(200)),
            }
        }
    }
}
