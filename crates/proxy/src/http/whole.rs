//! Whole answers: the wait for one, what it used, and its body.

use std::future::Future;

use http::Response;
use sagewire_router::cache::AsWritten;
use sagewire_types::{ChatResponse, CompletionResponse, Error, Reply, Usage};
use serde::Serialize;
use tokio::time::Instant;

use super::{Exchange, answer, ask, error::ApiError, response::Body, streaming::Written};
use crate::app::Model;

/// Waits for a whole answer, books what it used, and writes what `form` makes of it and of its
/// usage.
pub(super) async fn respond<T: Whole, B: Serialize>(
    exchange: &mut Exchange,
    model: &Model,
    deadline: Instant,
    call: impl Future<Output = Result<Reply<T>, Error>>,
    form: impl FnOnce(T, &Usage) -> Result<B, Error>,
) -> Result<Response<Body>, ApiError> {
    respond_or_pass_on(exchange, model, deadline, call, &AsWritten::default(), form).await
}

/// The same, but that a kept answer is passed on as it was written before.
pub(super) async fn respond_or_pass_on<T: Whole, B: Serialize>(
    exchange: &mut Exchange,
    model: &Model,
    deadline: Instant,
    call: impl Future<Output = Result<Reply<T>, Error>>,
    kept: &AsWritten,
    form: impl FnOnce(T, &Usage) -> Result<B, Error>,
) -> Result<Response<Body>, ApiError> {
    let Reply { mut value, meta, .. } = ask::ask(exchange, model, deadline, call).await?;
    if let Some(json) = kept.get() {
        answer::book_kept(exchange, &meta);
        return answer::written(exchange, Ok(json), &meta);
    }
    let usage = answer::book(exchange, &meta, value.take_usage(), value.text_bytes());
    let body = form(value, &usage).map_err(|error| ask::failed(exchange, model, &error))?;
    let mut response = answer::json(exchange, &body, &meta)?;
    answer::mark_estimate(&usage, &mut response);
    Ok(response)
}

/// A whole answer.
pub(super) trait Whole: Written {
    /// Takes the usage that the model reports.
    fn take_usage(&mut self) -> Option<Usage>;
}

impl Whole for ChatResponse {
    fn take_usage(&mut self) -> Option<Usage> {
        self.usage.take()
    }
}

impl Whole for CompletionResponse {
    fn take_usage(&mut self) -> Option<Usage> {
        self.usage.take()
    }
}
