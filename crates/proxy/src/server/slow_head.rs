//! The answer to a request whose head never came to its end.
//!
//! Owns its bytes. No request was made of it, so the protocol's own code has none to answer: it is written by hand, as
//! [HTTP asks for](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.9).

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use crate::{
    App,
    error::ApiError,
    request_id,
    telemetry::{CallRecord, Outcome},
};

/// A whole HTTP/1.1 answer, noted as any other refusal is.
pub(super) fn answer(app: &App, limit: Duration) -> Bytes {
    let error = ApiError::refused(
        StatusCode::REQUEST_TIMEOUT,
        "head_too_slow",
        format!("The request's head did not come within {} seconds: send it faster", limit.as_secs_f64()),
    );
    let lasting = app.lasting();
    let id = lasting.request_ids.of(&HeaderMap::new());
    CallRecord::new(lasting.metrics.clone(), "none", id.clone(), Instant::now()).ended(&Outcome::Failed(&error));
    let body = error.to_json();
    let head = format!(
        "HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n{}: {}\r\ndate: {}\r\n\r\n",
        body.len(),
        request_id::HEADER,
        id.to_str().unwrap_or_default(),
        httpdate::fmt_http_date(app.state().clock.now()),
    );
    [head.as_bytes(), &body].concat().into()
}
