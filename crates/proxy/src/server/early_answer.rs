//! Answers to what never became a request: a head that is too slow, too large, or none at all.
//!
//! Owns their bytes. No request was made of it, so no route can answer: it is written by hand, as
//! [HTTP asks for](https://www.rfc-editor.org/rfc/rfc9110#section-15.5), and noted as any other refusal is.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use crate::{
    App, Limits,
    http::error::ApiError,
    http::request_id,
    telemetry::{CallRecord, Outcome},
};

/// A whole HTTP/1.1 answer to a head that did not come to its end.
pub(super) fn slow_head(app: &App, limits: &Limits, client: Option<SocketAddr>) -> Bytes {
    let seconds = limits.header_timeout.as_secs_f64();
    let message = format!("the request's head did not arrive within {seconds} seconds: send it faster");
    answer(app, &ApiError::refused(StatusCode::REQUEST_TIMEOUT, "head_too_slow", message), client)
}

/// The same to a head that the protocol's own code refused with this status.
pub(super) fn refused_head(app: &App, status: StatusCode, limits: &Limits, client: Option<SocketAddr>) -> Bytes {
    let (code, message) = if status == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE {
        let bytes = limits.header_bytes;
        ("head_too_large", format!("the request's head is larger than the limit of {bytes} bytes: send less"))
    } else {
        ("malformed_request", "malformed HTTP request: is the client using HTTPS on a plain-HTTP port?".to_owned())
    };
    answer(app, &ApiError::refused(status, code, message), client)
}

fn answer(app: &App, error: &ApiError, client: Option<SocketAddr>) -> Bytes {
    let lasting = app.lasting();
    let id = lasting.request_ids.of(&HeaderMap::new());
    CallRecord::new(lasting.metrics.clone(), None, id.clone(), client, Instant::now()).ended(&Outcome::Failed(error));
    let body = error.to_json();
    let head = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n{}: {}\r\ndate: {}\r\n\r\n",
        error.status().as_u16(),
        error.status().canonical_reason().unwrap_or_default(),
        body.len(),
        request_id::HEADER,
        id.to_str().unwrap_or_default(),
        httpdate::fmt_http_date(app.state().clock.now()),
    );
    [head.as_bytes(), &body].concat().into()
}
