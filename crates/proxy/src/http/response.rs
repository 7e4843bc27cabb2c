//! Answers on their way out.

pub use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

pub(crate) fn json_response(status: StatusCode, json: Bytes) -> Response<Body> {
    typed_response(status, "application/json", json)
}

pub(crate) fn typed_response(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
