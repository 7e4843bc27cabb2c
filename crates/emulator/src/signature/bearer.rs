//! Bearer tokens of the OpenAI-compatible route: presigned requests, encoded.
//!
//! Owns taking them apart. The signature in them is judged as any other.

use std::time::SystemTime;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, header};

use super::{Caller, Signed, verify};
use crate::{aws_error::AwsError, form::Form, keys::KeyRing};

const PREFIX: &str = "sagemaker-api-key-";
const HOST: &str = "sagemaker.amazonaws.com";
const VERSION: &str = "&Version=1";

/// The longest life of a token, in seconds.
const LONGEST: u64 = 43_200;

/// The caller whose keys the token was made of, or the error AWS would answer.
pub(crate) fn verify_bearer(headers: &HeaderMap, keys: &KeyRing, now: SystemTime) -> Result<Caller, AwsError> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = authorization.and_then(|value| value.strip_prefix("Bearer ")) else {
        return Err(refused("A bearer token is required on this route."));
    };
    let presigned = token.strip_prefix(PREFIX).and_then(|encoded| STANDARD.decode(encoded).ok());
    let presigned = presigned.and_then(|bytes| String::from_utf8(bytes).ok());
    let query = presigned.as_deref().and_then(|url| url.strip_prefix(HOST)?.strip_prefix("/?")?.strip_suffix(VERSION));
    let Some(query) = query else { return Err(refused("The bearer token is malformed.")) };
    let form = Form::parse(query);
    if form.get("Action") != Some("CallWithBearerToken") {
        return Err(refused("The bearer token is for another action."));
    }
    let lifetime = form.get("X-Amz-Expires").and_then(|seconds| seconds.parse::<u64>().ok());
    if !lifetime.is_some_and(|seconds| (1..=LONGEST).contains(&seconds)) {
        return Err(refused("The bearer token lasts longer than 12 hours."));
    }
    let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(HOST))]);
    let request = Signed { method: "POST", path: "/", query: Some(query), headers: &headers, body: b"" };
    verify(request, "sagemaker", keys, now)
        .map_err(|error| refused(error.message().unwrap_or("The bearer token is invalid.")))
}

fn refused(message: &str) -> AwsError {
    AwsError::modelled("AccessDeniedException", 403, message)
}
