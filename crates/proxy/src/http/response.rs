//! Answers on their way out.

pub use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

pub(crate) fn json_response(status: StatusCode, json: Bytes) -> Response<Body> {
    typed_response(status, "application/json", json)
}

/// Room for the headers that an answer of a model has, so that they are not moved while they are
/// put in.
pub(crate) fn headers() -> HeaderMap {
    HeaderMap::with_capacity(12)
}

pub(crate) fn typed_response(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
