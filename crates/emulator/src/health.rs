//! `GET /_sagewire/health`: whether the emulator runs, for programs that wait until it does.
//!
//! It is answered with and without the control port, and tells nothing else.

use http::{HeaderValue, Method, Response, StatusCode, header};
use serde_json::json;

use crate::body::{Body, whole};

pub(crate) const PATH: &str = "/_sagewire/health";

pub(crate) fn answer(method: &Method) -> Response<Body> {
    let is_read = method == Method::GET || method == Method::HEAD;
    let body =
        if is_read { json!({"status": "ok"}) } else { json!({"error": "the method is not allowed here: use GET"}) };
    let mut response = Response::new(whole(body.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if !is_read {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}
