//! `InvokeEndpointAsync`: accepted now, answered in an object later.
//!
//! Owns the locations that it promises, and putting the outcome there where the emulator has an
//! object store.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderName, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::BodyExt as _;
use serde_json::json;

use super::{Call, insert, model_error, timed_out};
use crate::{
    aws_error::{ACCOUNT_ID, AwsError, Place, Protocol},
    body::{Body, whole},
    container::{Container, Invocation},
    object_store::ObjectStore,
    prepared::Scripted,
    socket::Ending,
    state::State,
};

const OUTPUT_LOCATION: HeaderName = HeaderName::from_static("x-amzn-sagemaker-outputlocation");
const FAILURE_LOCATION: HeaderName = HeaderName::from_static("x-amzn-sagemaker-failurelocation");

/// A call that runs after its answer.
struct Accepted {
    container: Arc<dyn Container>,
    script: Option<(Scripted, Ending)>,
    invocation: Invocation,
    timeout: Duration,
    store: ObjectStore,
    /// The object with the input; nothing where the body is the input.
    input: Option<String>,
    output: String,
    failure: String,
    region: String,
    request_id: String,
}

/// `202 Accepted` with an inference id and where its outcome will be.
///
/// A `script` is what comes of the call in place of the container's answer.
pub(super) fn answer(
    state: &State,
    call: &Call<'_>,
    container: Arc<dyn Container>,
    script: Option<(Scripted, Ending)>,
) -> Response<Body> {
    let generated = state.next_generated_id();
    let inference_id = call.header("x-amzn-sagemaker-inference-id").unwrap_or_else(|| generated.clone());
    let extension = call
        .header("x-amzn-sagemaker-s3outputpathextension")
        .map(|extension| format!("{}/", extension.trim_matches('/')));
    let file = call.header("x-amzn-sagemaker-filename").unwrap_or_else(|| format!("{generated}.out"));
    let base = state.async_output.clone();
    let base = base.unwrap_or_else(|| format!("s3://sagemaker-{}-{ACCOUNT_ID}/async-endpoint", call.region));
    let output = format!("{base}-outputs/{}/{}{file}", call.endpoint, extension.unwrap_or_default());
    let failure = format!("{base}-failures/{}/{generated}-error.out", call.endpoint);
    let mut response = Response::new(whole(json!({"InferenceId": inference_id}).to_string()));
    *response.status_mut() = StatusCode::ACCEPTED;
    insert(response.headers_mut(), CONTENT_TYPE, "application/json");
    insert(response.headers_mut(), OUTPUT_LOCATION, &output);
    insert(response.headers_mut(), FAILURE_LOCATION, &failure);
    if let Some(store) = &state.object_store {
        let asked = call.header("x-amzn-sagemaker-invocationtimeoutseconds").and_then(|seconds| seconds.parse().ok());
        let accepted = Accepted {
            container,
            script,
            invocation: call.invocation(None),
            timeout: asked.map_or(state.container_timeout, Duration::from_secs),
            store: store.clone(),
            input: call.header("x-amzn-sagemaker-inputlocation"),
            output,
            failure,
            region: call.region.to_owned(),
            request_id: call.request_id.to_owned(),
        };
        tokio::spawn(accepted.run());
    }
    response
}

impl Accepted {
    async fn run(mut self) {
        let outcome = match self.script.take() {
            Some((script, ending)) => self.scripted(script, ending).await,
            None => self.outcome().await.map_err(|error| self.report(&error)),
        };
        let (location, body) = match outcome {
            Ok(body) => (&self.output, body),
            Err(report) => (&self.failure, report),
        };
        if let Err(error) = self.store.put(location, &self.region, body).await {
            tracing::warn!(%error, location, "the outcome of an asynchronous call cannot be written");
        }
    }

    /// What the script says. A reset is a failure without a word.
    async fn scripted(&self, script: Scripted, ending: Ending) -> Result<Bytes, Bytes> {
        let response = script.play(&self.place(), ending).await.map_err(|_| Bytes::new())?;
        let is_success = response.status().is_success();
        let body = response.into_body().collect().await.map_err(|_| Bytes::new())?.to_bytes();
        if is_success { Ok(body) } else { Err(body) }
    }

    async fn outcome(&mut self) -> Result<Bytes, AwsError> {
        if let Some(input) = &self.input {
            let read = self.store.get(input, &self.region).await;
            let unread = |error| AwsError::validation(format!("Failed to read the input: {error}"));
            self.invocation.body = read.map_err(unread)?;
        }
        let reply = tokio::time::timeout(self.timeout, self.container.invoke(self.invocation.clone())).await;
        let reply = reply.map_err(|_| timed_out())?;
        if !reply.is_success() {
            return Err(model_error(reply).await);
        }
        reply.body.collect().await.map_err(|error| AwsError::model_error(0, error.to_string()))
    }

    /// What a call that waits would be answered.
    fn report(&self, error: &AwsError) -> Bytes {
        error.wire(&self.place()).2
    }

    fn place(&self) -> Place<'_> {
        Place {
            protocol: Protocol::RestJson,
            request_id: &self.request_id,
            region: &self.region,
            endpoint: &self.invocation.endpoint,
            container: "primary",
        }
    }
}
