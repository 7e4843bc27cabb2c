//! Requests on their way in.
//!
//! Owns reading a body within its limits and parsing it once. A request that cannot be used gets an
//! answer that says where.

use std::{pin::Pin, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body::Body as _;
use sagewire_types::json;
use serde::de::DeserializeOwned;

use super::{error::ApiError, response::Body};
use crate::limits::Limits;

mod explain;
mod shape;

/// Reads a whole body, without the byte order mark that programs on Windows write before it.
pub(crate) async fn read(headers: &HeaderMap, body: Body, limits: &Limits) -> Result<Bytes, ApiError> {
    check_encoding(headers)?;
    // What the head announces is refused before it is sent.
    if body.size_hint().lower() > limits.body_bytes as u64 {
        return Err(too_large(limits.body_bytes));
    }
    match tokio::time::timeout(limits.body_timeout, gather(body, limits.body_bytes)).await {
        Ok(bytes) => bytes.map(|bytes| bytes.slice(bytes.len() - json::without_byte_order_mark(&bytes).len()..)),
        Err(_) => Err(too_slow(limits.body_timeout)),
    }
}

/// Refuses a compressed body.
pub(super) fn check_encoding(headers: &HeaderMap) -> Result<(), ApiError> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if !encoding.is_empty() && !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            Err(ApiError::refused(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_content_encoding",
                "the body is compressed, which is not supported: send it uncompressed",
            ))
        }
        _ => Ok(()),
    }
}

async fn gather(mut body: Body, limit: usize) -> Result<Bytes, ApiError> {
    // Most bodies come in one piece, which is then passed on as it is.
    let mut first = Bytes::new();
    let mut whole = Vec::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|_| incomplete())?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + whole.len() + data.len() > limit {
            return Err(too_large(limit));
        }
        if first.is_empty() && whole.is_empty() {
            first = data;
        } else {
            // It grows with what has come, and not by the length that was announced.
            whole.extend_from_slice(&std::mem::take(&mut first));
            whole.extend_from_slice(&data);
        }
    }
    if whole.is_empty() {
        return Ok(first);
    }
    // What is left of the last growth would be held as long as the body.
    whole.shrink_to_fit();
    Ok(whole.into())
}

pub(super) fn incomplete() -> ApiError {
    ApiError::refused(
        StatusCode::BAD_REQUEST,
        "incomplete_body",
        "the body ended before its announced length; send all of it",
    )
}

fn too_large(limit: usize) -> ApiError {
    ApiError::refused(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        format!("the body is larger than the limit of {limit} bytes: send less"),
    )
}

pub(super) fn too_slow(limit: Duration) -> ApiError {
    ApiError::refused(
        StatusCode::REQUEST_TIMEOUT,
        "body_too_slow",
        format!("the body did not arrive within {} seconds: send it faster", limit.as_secs_f64()),
    )
}

/// Parses a JSON body.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8], limits: &Limits) -> Result<T, ApiError> {
    parse_with_token_ids(bytes, limits, None)
}

/// Parses a JSON body in which this parameter may be lists of token ids, which are read into four
/// bytes each.
pub(crate) fn parse_with_token_ids<T: DeserializeOwned>(
    bytes: &[u8],
    limits: &Limits,
    token_ids: Option<&str>,
) -> Result<T, ApiError> {
    if bytes.is_empty() {
        return Err(ApiError::invalid(None, "the body is empty; send a JSON object"));
    }
    shape::check(bytes, limits, token_ids)?;
    json::from_caller(bytes).map_err(|error| {
        let repaired = json::repair_halves(bytes);
        explain::explain::<T>(repaired.as_deref().unwrap_or(bytes), &error)
    })
}

#[cfg(test)]
mod tests;
