//! Requests on their way in.
//!
//! Owns reading a body within its limits and parsing it once. A request that cannot be used gets an answer that says where.

use std::{pin::Pin, time::Duration};

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use http_body::Body as _;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{error::ApiError, response::Body};
use crate::limits::Limits;

/// Reads a whole body.
pub(crate) async fn read(headers: &HeaderMap, body: Body, limits: &Limits) -> Result<Bytes, ApiError> {
    if let Some(encoding) = headers.get(header::CONTENT_ENCODING)
        && encoding.as_bytes() != b"identity"
    {
        return Err(ApiError::refused(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_content_encoding",
            "The body is compressed, which this proxy does not read: send it as it is",
        ));
    }
    // What the head announces is refused before it is sent.
    if body.size_hint().lower() > limits.body_bytes as u64 {
        return Err(too_large(limits.body_bytes));
    }
    match tokio::time::timeout(limits.body_timeout, gather(body, limits.body_bytes)).await {
        Ok(bytes) => bytes,
        Err(_) => Err(too_slow(limits.body_timeout)),
    }
}

async fn gather(mut body: Body, limit: usize) -> Result<Bytes, ApiError> {
    // Most bodies come in one piece, which is then passed on as it is.
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|_| {
            ApiError::refused(
                StatusCode::BAD_REQUEST,
                "incomplete_body",
                "The body broke off before its end: send all of it",
            )
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + rest.len() + data.len() > limit {
            return Err(too_large(limit));
        }
        if first.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.reserve(usize::try_from(body.size_hint().lower()).unwrap_or(0).min(limit) + data.len());
            }
            rest.extend_from_slice(&data);
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(first.len() + rest.len());
    whole.extend_from_slice(&first);
    whole.extend_from_slice(rest.chunk());
    Ok(whole.freeze())
}

fn too_large(limit: usize) -> ApiError {
    ApiError::refused(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        format!("The body is larger than the {limit} bytes that this proxy takes: send less"),
    )
}

fn too_slow(limit: Duration) -> ApiError {
    ApiError::refused(
        StatusCode::REQUEST_TIMEOUT,
        "body_too_slow",
        format!("The body did not come within {} seconds: send it faster", limit.as_secs_f64()),
    )
}

/// Parses a JSON body.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8], limits: &Limits) -> Result<T, ApiError> {
    if bytes.is_empty() {
        return Err(ApiError::invalid(None, "The body is empty: send a JSON object"));
    }
    if is_deeper_than(bytes, limits.json_depth) {
        return Err(ApiError::refused(
            StatusCode::BAD_REQUEST,
            "json_too_deep",
            format!(
                "The body is nested deeper than the {} levels that this proxy reads: flatten it",
                limits.json_depth
            ),
        ));
    }
    // Checked once as a whole, a body's texts need not be checked one by one.
    let parsed = match std::str::from_utf8(bytes) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(bytes),
    };
    parsed.map_err(|error| explain(bytes, &error))
}

fn explain(bytes: &[u8], error: &serde_json::Error) -> ApiError {
    if !error.is_data() {
        return ApiError::refused(
            StatusCode::BAD_REQUEST,
            "invalid_json",
            format!("The body is not valid JSON: {error}"),
        );
    }
    let reason = error.to_string();
    let missing = reason.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    match missing {
        Some(name) => ApiError::invalid(Some(name), format!("Missing required parameter: '{name}'.")),
        None => {
            let param = param_at(bytes, error.line(), error.column());
            let of = param.as_deref().map_or_else(String::new, |name| format!(" for '{name}'"));
            ApiError::invalid(param.as_deref(), format!("Invalid value{of}: {reason}"))
        }
    }
}

/// The body's own key that holds this place, for a message: found only when a message is needed.
fn param_at(bytes: &[u8], line: usize, column: usize) -> Option<String> {
    let line_start: usize =
        bytes.split_inclusive(|byte| *byte == b'\n').take(line.checked_sub(1)?).map(<[u8]>::len).sum();
    let at = line_start + column;
    let start = bytes.as_ptr().addr();
    let map: indexmap::IndexMap<std::borrow::Cow<'_, str>, &RawValue> = serde_json::from_slice(bytes).ok()?;
    // A value's error may be noticed just after its end, but never after the next key.
    let begins_before = |value: &RawValue| value.get().as_ptr().addr().wrapping_sub(start) <= at;
    map.into_iter().rev().find(|(_, value)| begins_before(value)).map(|(name, _)| name.into_owned())
}

/// Whether lists and objects are nested deeper than this. Works on text that is no JSON, too.
fn is_deeper_than(bytes: &[u8], limit: usize) -> bool {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => at = end_of_text(bytes, at),
            b'[' | b'{' => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// The place behind the quotation mark that ends the text which begins here. Most of a large body is text.
fn end_of_text(bytes: &[u8], mut at: usize) -> usize {
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        match memchr::memchr2(b'"', b'\\', rest) {
            None => return bytes.len(),
            Some(found) if rest.get(found) == Some(&b'"') => return at + found + 1,
            // Whatever is escaped ends nothing.
            Some(found) => at += found + 2,
        }
    }
}

#[cfg(test)]
mod tests;
