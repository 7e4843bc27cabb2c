//! Calls of asynchronous endpoints that are answered like any other: the request is queued, and
//! its result is fetched from S3 when it is there.
//!
//! Owns where large inputs go, how often S3 is asked, and what the report of a failure becomes.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html>

use std::{fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use sagewire_types::{CallContext, Error, ErrorKind, ReplyMeta};
use tokio::time::{Instant, sleep};

use crate::{
    call::plan::Prepared,
    checks,
    client::Shared,
    invoke_async::{LONGEST_TTL, MAX_INLINE, SHORTEST_TTL},
    reply::{failure, meta},
    request::{UnsignedRequest, door::ErrorForm},
};

const CONTENT_TYPE: HeaderName = HeaderName::from_static("x-amzn-sagemaker-content-type");
const INPUT_LOCATION: HeaderName = HeaderName::from_static("x-amzn-sagemaker-inputlocation");
const INFERENCE_ID: HeaderName = HeaderName::from_static("x-amzn-sagemaker-inference-id");
const TTL: HeaderName = HeaderName::from_static("x-amzn-sagemaker-requestttlseconds");

/// The pauses between two looks for a result.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// The objects in S3 through which asynchronous endpoints are asked and answer.
#[async_trait]
pub trait AsyncObjects: fmt::Debug + Send + Sync {
    /// The object at `s3://bucket/key`; `None` if there is none yet.
    ///
    /// # Errors
    /// If S3 cannot be asked.
    async fn get(&self, location: &str) -> Result<Option<Bytes>, Error>;

    /// Writes an object.
    ///
    /// # Errors
    /// If S3 cannot be asked.
    async fn put(&self, location: &str, body: Bytes) -> Result<(), Error>;
}

/// Queues a request and waits for its result, until the call's time is over.
pub(super) async fn invoke(
    prepared: &Prepared<'_>,
    shared: &Shared,
    context: &CallContext,
    mut request: UnsignedRequest,
) -> Result<(Bytes, HeaderMap, ReplyMeta), Error> {
    let objects = shared.async_objects.as_deref().ok_or_else(|| {
        Error::new(ErrorKind::Configuration, "this program cannot fetch the results of asynchronous endpoints from S3")
            .with_param("async_inference")
    })?;
    if prepared.target.base.is_verbatim() {
        let message = "an asynchronous endpoint needs the URL of a host; remove the path from `sagemaker_base_url`";
        return Err(Error::new(ErrorKind::Configuration, message).with_param("sagemaker_base_url"));
    }
    if let Some(content_type) = request.headers.remove(header::CONTENT_TYPE) {
        request.headers.insert(CONTENT_TYPE, content_type);
    }
    // Each request has an id in SageMaker's logs and notifications that is known before it is sent.
    if !request.headers.contains_key(&INFERENCE_ID) {
        let id = HeaderValue::from_str(&checks::new_id("sagewire-"));
        request.headers.extend(id.ok().map(|id| (INFERENCE_ID, id)));
    }
    if let Some(end) = prepared.limits.deadline {
        let seconds = end.saturating_duration_since(Instant::now()).as_secs().clamp(SHORTEST_TTL, LONGEST_TTL);
        request.headers.insert(TTL, HeaderValue::from(seconds));
    }
    if request.body.len() > MAX_INLINE {
        let location = input_location(prepared, request.body.len())?;
        objects.put(&location, std::mem::take(&mut request.body)).await?;
        let value = HeaderValue::from_str(&location).map_err(|error| {
            Error::invalid("async_input_location", "`async_input_location` must be printable ASCII").with_source(error)
        })?;
        request.headers.insert(INPUT_LOCATION, value);
    }
    let (_, headers, meta) = prepared.send_request(shared, context, request, None).await?;
    let location = |name| meta::text(&headers, name);
    let Some(output) = location("x-amzn-sagemaker-outputlocation") else {
        let message = "SageMaker did not say where the result will be; is the endpoint asynchronous?";
        return Err(checks::answered(Error::new(ErrorKind::Decode, message), &meta));
    };
    let failed = location("x-amzn-sagemaker-failurelocation");
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(body) = objects.get(&output).await? {
            return Ok((body, HeaderMap::new(), meta));
        }
        if let Some(failed) = &failed
            && let Some(report) = objects.get(failed).await?
        {
            let error = failure::error(StatusCode::FAILED_DEPENDENCY, &HeaderMap::new(), report, ErrorForm::Aws);
            return Err(checks::answered(error, &meta));
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Where the input of a call is put that is too large to be sent along.
fn input_location(prepared: &Prepared<'_>, bytes: usize) -> Result<String, Error> {
    let Some(prefix) = &prepared.settings.async_input_location else {
        let message = format!(
            "the request has {bytes} bytes, and an asynchronous endpoint takes {MAX_INLINE} with the call; set `async_input_location` to `s3://bucket/prefix`"
        );
        return Err(Error::new(ErrorKind::Configuration, message).with_param("async_input_location"));
    };
    let (bucket, _) = prefix.strip_prefix("s3://").unwrap_or_default().split_once('/').unwrap_or_default();
    if bucket.is_empty() {
        let message = "invalid value for `async_input_location`: expected `s3://bucket/prefix`";
        return Err(Error::new(ErrorKind::Configuration, message).with_param("async_input_location"));
    }
    Ok(format!("{}/{}.json", prefix.trim_end_matches('/'), checks::new_id("input-")))
}
