//! What every answer of a model has in common.
//!
//! Owns its headers, and the booking of what it took.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use sagewire_router::{cache::Found, decision};
use sagewire_types::{ReplyMeta, Usage};
use serde::Serialize;

use super::{
    Exchange,
    ask::{log_body, tokens_of},
    error::ApiError,
    response::{Body, json_response},
};

/// Notes how an answer came.
pub(super) fn learned(exchange: &mut Exchange, meta: &ReplyMeta) {
    exchange.note(|record| record.learned(meta));
    if Found::of(meta) == Some(Found::Hit)
        && let Some(booking) = exchange.booking()
    {
        booking.uses_no_tokens();
    }
}

/// Books an answer that was kept: it took nothing.
pub(super) fn book_kept(exchange: &mut Exchange, meta: &ReplyMeta) {
    learned(exchange, meta);
    let Some(call) = &mut exchange.call else { return };
    if let Some(booking) = &mut call.booking {
        booking.answered();
        call.settle();
    }
}

/// Books what a whole answer took: the next request of its key is judged by this. Returns its
/// usage, estimated as far as the model does not report it.
pub(super) fn book(exchange: &mut Exchange, meta: &ReplyMeta, usage: Option<Usage>, text_bytes: usize) -> Usage {
    let usage = usage.unwrap_or_default();
    learned(exchange, meta);
    let Some(call) = &mut exchange.call else { return usage };
    let Some(booking) = &mut call.booking else { return usage };
    let usage = usage.or_estimated(booking.wanted_prompt(), tokens_of(text_bytes));
    booking.used(&usage);
    booking.answered();
    call.settle();
    usage
}

/// A whole answer.
pub(super) fn json<T: Serialize>(exchange: &Exchange, value: &T, meta: &ReplyMeta) -> Result<Response<Body>, ApiError> {
    // Room for a short answer: a longer one grows from here.
    let mut json = Vec::with_capacity(1024);
    let written = serde_json::to_writer(&mut json, value);
    self::written(exchange, written.map(|()| json.into()), meta)
}

/// An answer that has been written as JSON.
pub(super) fn written(
    exchange: &Exchange,
    json: serde_json::Result<Bytes>,
    meta: &ReplyMeta,
) -> Result<Response<Body>, ApiError> {
    let json = json.map_err(|_| ApiError::internal("the answer could not be written as JSON; please report it"))?;
    log_body(exchange, &exchange.state.settings, "response", &json);
    let mut response = json_response(StatusCode::OK, json);
    add_meta(response.headers_mut(), meta);
    add_routed_resource(exchange, response.headers_mut(), meta);
    Ok(response)
}

/// AWS's id of the request, the session, and what a router decided.
pub(super) fn add_meta(headers: &mut HeaderMap, meta: &ReplyMeta) {
    let mut put = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.append(name, value);
        }
    };
    if let Some(id) = &meta.request_id {
        put(const { HeaderName::from_static("x-amzn-requestid") }, id);
    }
    if let Some(session) = &meta.new_session {
        let expires = session.expires.as_ref().map_or_else(String::new, |expires| format!("; Expires={expires}"));
        put(HeaderName::from_static("x-amzn-sagemaker-new-session-id"), &format!("{}{expires}", session.id));
    }
    if let Some(id) = &meta.closed_session_id {
        put(HeaderName::from_static("x-amzn-sagemaker-closed-session-id"), id);
    }
    if meta.attempts > 0 {
        put(const { HeaderName::from_static("x-sagewire-attempts") }, &meta.attempts.to_string());
    }
    for (name, value) in &meta.decisions {
        // What nearly every answer has.
        if *name == decision::DEPLOYMENT {
            put(const { HeaderName::from_static("x-sagewire-deployment") }, value);
        } else if *name == decision::MODEL_GROUP {
            put(const { HeaderName::from_static("x-sagewire-model-group") }, value);
        } else if let Ok(name) = HeaderName::from_bytes(format!("x-sagewire-{}", name.replace('_', "-")).as_bytes()) {
            put(name, value);
        }
    }
}

/// Which resource an inference router of AWS chose, for callers that may see real names.
pub(super) fn add_routed_resource(exchange: &Exchange, headers: &mut HeaderMap, meta: &ReplyMeta) {
    if let (true, Some(arn)) = (exchange.state.settings.expose_names, &meta.invoked_resource_arn)
        && let Ok(value) = HeaderValue::from_str(arn)
    {
        headers.insert(HeaderName::from_static("x-sagewire-routed-resource"), value);
    }
}

/// Says that the counts of tokens are an estimate. A stream says so in its usage, as they are not
/// known when its head is sent.
pub(super) fn mark_estimate(usage: &Usage, response: &mut Response<Body>) {
    if usage.estimated {
        let name = const { HeaderName::from_static("x-sagewire-usage") };
        response.headers_mut().insert(name, HeaderValue::from_static("estimated"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_become_headers() {
        let mut meta = ReplyMeta::default();
        meta.attempts = 2;
        meta.request_id = Some("aws-1".to_owned());
        meta.decisions =
            vec![("deployment", "a".to_owned()), ("fallback_from", "b\nc".to_owned()), ("deployment", "d".to_owned())];
        let mut headers = HeaderMap::new();
        add_meta(&mut headers, &meta);
        assert_eq!(headers["x-sagewire-attempts"], "2");
        assert_eq!(headers["x-amzn-requestid"], "aws-1");
        assert_eq!(headers.get_all("x-sagewire-deployment").iter().collect::<Vec<_>>(), ["a", "d"]);
        assert!(!headers.contains_key("x-sagewire-fallback-from"), "a value that no header can carry is left out");
    }
}
