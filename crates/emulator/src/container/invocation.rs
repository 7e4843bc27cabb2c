//! What a container is asked.
//!
//! Owns [`Invocation`]. Checking the headers it comes from is `runtime::limits`' business.

use std::{fmt, time::SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use crate::operation::Operation;

/// One request as a container sees it.
///
/// SageMaker hands on only the headers it knows: neither credentials nor a caller's own headers get
/// here.
#[derive(Clone)]
#[non_exhaustive]
pub struct Invocation {
    /// The endpoint that was called.
    pub endpoint: String,
    /// How it was called.
    pub operation: Operation,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Accept`, or `X-Amzn-SageMaker-Accept` of a streaming call.
    pub accept: Option<String>,
    /// `X-Amzn-SageMaker-Custom-Attributes`.
    pub custom_attributes: Option<String>,
    /// `X-Amzn-SageMaker-Target-Model`.
    pub target_model: Option<String>,
    /// `X-Amzn-SageMaker-Target-Variant`.
    pub target_variant: Option<String>,
    /// `X-Amzn-SageMaker-Target-Container-Hostname`.
    pub target_container_hostname: Option<String>,
    /// `X-Amzn-SageMaker-Inference-Component`.
    pub inference_component: Option<String>,
    /// `X-Amzn-SageMaker-Session-Id`; for `NEW_SESSION`, the id of the session just made.
    pub session_id: Option<String>,
    /// `X-Amzn-SageMaker-Inference-Id`.
    pub inference_id: Option<String>,
    /// The body, exactly as signed.
    pub body: Bytes,
    /// When it arrived, by the emulator's clock.
    pub received_at: SystemTime,
}

impl Invocation {
    /// An invocation of endpoint `endpoint` with this JSON body and nothing else, as if it came in
    /// 1970.
    #[must_use]
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self {
            endpoint: "endpoint".to_owned(),
            operation: Operation::InvokeEndpoint,
            content_type: Some("application/json".to_owned()),
            accept: None,
            custom_attributes: None,
            target_model: None,
            target_variant: None,
            target_container_hostname: None,
            inference_component: None,
            session_id: None,
            inference_id: None,
            body: body.into(),
            received_at: SystemTime::UNIX_EPOCH,
        }
    }

    /// Was it called through `InvokeEndpointWithResponseStream`?
    #[must_use]
    pub fn is_streaming(&self) -> bool {
        self.operation == Operation::InvokeEndpointWithResponseStream
    }

    /// The headers of `POST /invocations`.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let known = [
            ("content-type", &self.content_type),
            ("accept", &self.accept),
            ("x-amzn-sagemaker-custom-attributes", &self.custom_attributes),
            ("x-amzn-sagemaker-target-model", &self.target_model),
            ("x-amzn-sagemaker-session-id", &self.session_id),
            ("x-amzn-sagemaker-inference-id", &self.inference_id),
        ];
        for (name, value) in known {
            if let Some(value) = value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.insert(name, value);
            }
        }
        headers
    }
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The body is a prompt, and custom attributes are marked sensitive in AWS's model.
        f.debug_struct("Invocation")
            .field("endpoint", &self.endpoint)
            .field("operation", &self.operation)
            .field("content_type", &self.content_type)
            .field("inference_component", &self.inference_component)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
