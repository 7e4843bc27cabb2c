//! What a reply's headers say about how it came.
//!
//! Owns the reading of SageMaker's response headers.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html#API_runtime_InvokeEndpoint_ResponseSyntax>

use http::{HeaderMap, HeaderName, header::AsHeaderName};
use sagewire_types::{NewSession, ReplyMeta};

use crate::reply::secrets::{CUSTOM_ATTRIBUTES, Secrets};

// Names that are looked up in each reply, read once.
static REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
static VARIANT: HeaderName = HeaderName::from_static("x-amzn-invoked-production-variant");
static NEW_SESSION: HeaderName = HeaderName::from_static("x-amzn-sagemaker-new-session-id");
static ROUTED_RESOURCE: HeaderName = HeaderName::from_static("x-amzn-sagemaker-invoked-routed-resource-arn");
static ROUTING_REASON: HeaderName = HeaderName::from_static("x-amzn-sagemaker-invoked-routing-reason");
static CLOSED_SESSION: HeaderName = HeaderName::from_static("x-amzn-sagemaker-closed-session-id");

/// AWS's id of the request.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    text(headers, &REQUEST_ID).or_else(|| text(headers, "x-amz-request-id")).map(|id| name(&id))
}

/// A header's text.
pub(crate) fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// The longest name, id or code that is believed: what is longer is cut.
pub(crate) const LONGEST_NAME: usize = 256;

/// A name, an id or a code from outside: without control characters, and cut where it is too long.
pub(crate) fn name(text: &str) -> String {
    // Nearly every one is as it should be.
    if text.len() <= LONGEST_NAME && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return text.to_owned();
    }
    text.chars().filter(|character| !character.is_control()).take(LONGEST_NAME).collect()
}

/// The facts of a successful reply, after this many attempts.
pub(crate) fn read(headers: &HeaderMap, attempts: u32, secrets: &Secrets) -> ReplyMeta {
    let text = |header: &HeaderName| text(headers, header).map(|text| secrets.hide(&text).unwrap_or(text));
    let name = |header: &HeaderName| text(header).map(|text| name(&text));
    let mut meta = ReplyMeta::default();
    meta.request_id = request_id(headers).map(|id| secrets.hide(&id).unwrap_or(id));
    meta.invoked_production_variant = name(&VARIANT);
    meta.new_session = text(&NEW_SESSION).map(|value| new_session(&value));
    meta.closed_session_id = text(&CLOSED_SESSION);
    meta.custom_attributes = text(&CUSTOM_ATTRIBUTES);
    meta.attempts = attempts;
    meta
}

/// Adds which resource an inference router chose, and why.
pub(crate) fn routed(headers: &HeaderMap, meta: &mut ReplyMeta) {
    let name = |header: &HeaderName| text(headers, header).map(|text| name(&text));
    meta.invoked_resource_arn = name(&ROUTED_RESOURCE);
    if let Some(reason) = name(&ROUTING_REASON) {
        meta.decisions.push(("routing_reason", reason));
    }
}

/// `<id>; Expires=<time>`.
fn new_session(value: &str) -> NewSession {
    let (id, rest) = value.split_once(';').unwrap_or((value, ""));
    let expires = rest.trim().strip_prefix("Expires=").map(|expires| expires.trim().to_owned());
    NewSession { id: id.trim().to_owned(), expires }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn every_header_is_read() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-amzn-requestid", "r-1"),
            ("x-amzn-invoked-production-variant", "AllTraffic"),
            ("x-amzn-sagemaker-new-session-id", "s-1; Expires=2026-01-15T12:00:00Z"),
            ("x-amzn-sagemaker-closed-session-id", "s-0"),
            ("x-amzn-sagemaker-custom-attributes", "a=b"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let meta = read(&headers, 2, &Secrets::default());
        assert_eq!(meta.request_id.as_deref(), Some("r-1"));
        assert_eq!(meta.invoked_production_variant.as_deref(), Some("AllTraffic"));
        let session = meta.new_session.unwrap();
        assert_eq!((session.id.as_str(), session.expires.as_deref()), ("s-1", Some("2026-01-15T12:00:00Z")));
        assert_eq!(
            (meta.closed_session_id.as_deref(), meta.custom_attributes.as_deref(), meta.attempts),
            (Some("s-0"), Some("a=b"), 2)
        );
    }

    #[test]
    fn names_are_cut_and_hold_no_control_characters() {
        assert_eq!(name(&"x".repeat(60_000)).len(), LONGEST_NAME);
        assert_eq!(name("Throttling\u{1b}[31m"), "Throttling[31m");
        let headers = HeaderMap::from_iter([(REQUEST_ID.clone(), HeaderValue::try_from("r".repeat(60_000)).unwrap())]);
        assert_eq!(read(&headers, 1, &Secrets::default()).request_id.unwrap().len(), LONGEST_NAME);
    }
}
