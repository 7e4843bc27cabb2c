//! `InvokeEndpointAsync`: accepted now, answered in S3 later.
//!
//! Owns the locations it promises. Nothing is ever put there: the emulator has no S3.

use http::{HeaderName, Response, StatusCode, header::CONTENT_TYPE};
use serde_json::json;

use super::{Call, insert};
use crate::{
    aws_error::ACCOUNT_ID,
    body::{Body, whole},
    state::State,
};

const OUTPUT_LOCATION: HeaderName = HeaderName::from_static("x-amzn-sagemaker-outputlocation");
const FAILURE_LOCATION: HeaderName = HeaderName::from_static("x-amzn-sagemaker-failurelocation");

/// `202 Accepted` with an inference id and where its outcome will be.
pub(super) fn answer(state: &State, call: &Call<'_>) -> Response<Body> {
    let generated = state.next_generated_id();
    let inference_id = call.header("x-amzn-sagemaker-inference-id").unwrap_or_else(|| generated.clone());
    let bucket = format!("s3://sagemaker-{}-{ACCOUNT_ID}/async-endpoint", call.region);
    let extension = call
        .header("x-amzn-sagemaker-s3outputpathextension")
        .map(|extension| format!("{}/", extension.trim_matches('/')));
    let file = call.header("x-amzn-sagemaker-filename").unwrap_or_else(|| format!("{generated}.out"));
    let output = format!("{bucket}-outputs/{}/{}{file}", call.endpoint, extension.unwrap_or_default());
    let failure = format!("{bucket}-failures/{}/{generated}-error.out", call.endpoint);
    let mut response = Response::new(whole(json!({"InferenceId": inference_id}).to_string()));
    *response.status_mut() = StatusCode::ACCEPTED;
    insert(response.headers_mut(), CONTENT_TYPE, "application/json");
    insert(response.headers_mut(), OUTPUT_LOCATION, &output);
    insert(response.headers_mut(), FAILURE_LOCATION, &failure);
    response
}
