//! Asynchronous inference: the reply goes to S3, the call returns where.
//!
//! Owns the operation's input, its headers and limits, and the receipt. Fetching the result from S3
//! is left to the caller.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointAsync.html>

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use sagewire_types::{CallContext, Error, ErrorKind, Reply};
use serde::Deserialize;

use crate::{
    SageMaker, checks,
    request::{Operation, UnsignedRequest},
};

/// The most bytes that can be sent with the call itself; more must lie in S3.
pub(crate) const MAX_INLINE: usize = 128_000;

/// How long a request may wait in the queue, in seconds.
pub(crate) const SHORTEST_TTL: u64 = 60;
pub(crate) const LONGEST_TTL: u64 = 21_600;

/// What is to be inferred, and how.
///
/// ```
/// use sagewire_sagemaker::AsyncInvocation;
///
/// let invocation = AsyncInvocation::at("sagemaker/my-endpoint", "s3://bucket/input.json");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AsyncInvocation {
    /// `prefix/endpoint`, as for every call.
    pub model: String,
    /// The input.
    pub input: AsyncInput,
    /// The input's type. Default: `application/json`.
    pub content_type: Option<String>,
    /// The type that the result shall have.
    pub accept: Option<String>,
    /// Appended to the output's path in S3.
    pub s3_output_path_extension: Option<String>,
    /// The output's file name.
    pub filename: Option<String>,
    /// How long the request may wait in the queue, 60 s to 6 h. Default: 6 h.
    pub request_ttl: Option<Duration>,
    /// How long the model may take, 1 s to 1 h. Default: 15 min.
    pub invocation_timeout: Option<Duration>,
}

/// Where the input is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AsyncInput {
    /// In S3: `s3://bucket/key` or an `https` URL of it.
    Location(String),
    /// Here: at most 128,000 bytes.
    Inline(Bytes),
}

/// Where the result will be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AsyncReceipt {
    /// The id of this inference.
    pub inference_id: String,
    /// Where the result will lie in S3.
    pub output_location: Option<String>,
    /// Where a failure's report will lie in S3.
    pub failure_location: Option<String>,
}

impl AsyncInvocation {
    /// An inference over input in S3.
    #[must_use]
    pub fn at(model: impl Into<String>, location: impl Into<String>) -> Self {
        Self::new(model.into(), AsyncInput::Location(location.into()))
    }

    /// An inference over input that is sent along.
    #[must_use]
    pub fn inline(model: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self::new(model.into(), AsyncInput::Inline(body.into()))
    }

    fn new(model: String, input: AsyncInput) -> Self {
        Self {
            model,
            input,
            content_type: None,
            accept: None,
            s3_output_path_extension: None,
            filename: None,
            request_ttl: None,
            invocation_timeout: None,
        }
    }

    /// Writes body and headers.
    fn write(&self, request: &mut UnsignedRequest) -> Result<(), Error> {
        let mut set = |name: &'static str, parameter: &str, value: &str| {
            let value = HeaderValue::from_str(value).map_err(|error| {
                Error::invalid(parameter, format!("`{parameter}` must be printable ASCII characters"))
                    .with_source(error)
            })?;
            request.headers.insert(HeaderName::from_static(name), value);
            Ok::<_, Error>(())
        };
        let content_type = self.content_type.as_deref().unwrap_or("application/json");
        set("x-amzn-sagemaker-content-type", "content_type", content_type)?;
        if let Some(accept) = &self.accept {
            set("x-amzn-sagemaker-accept", "accept", accept)?;
        }
        if let AsyncInput::Location(location) = &self.input {
            let known = location.starts_with("s3://") || location.starts_with("https://");
            check(
                known && location.len() <= 1024,
                "input",
                "must be `s3://bucket/key` or an `https` URL of at most 1,024 bytes",
            )?;
            set("x-amzn-sagemaker-inputlocation", "input", location)?;
        }
        if let Some(extension) = &self.s3_output_path_extension {
            check((1..=512).contains(&extension.len()), "s3_output_path_extension", "must have 1 to 512 characters")?;
            set("x-amzn-sagemaker-s3outputpathextension", "s3_output_path_extension", extension)?;
        }
        if let Some(filename) = &self.filename {
            check((1..=32).contains(&filename.len()), "filename", "must have 1 to 32 characters")?;
            set("x-amzn-sagemaker-filename", "filename", filename)?;
        }
        if let Some(ttl) = self.request_ttl {
            check(
                (SHORTEST_TTL..=LONGEST_TTL).contains(&ttl.as_secs()),
                "request_ttl",
                "must be 60 seconds to 6 hours",
            )?;
            set("x-amzn-sagemaker-requestttlseconds", "request_ttl", &ttl.as_secs().to_string())?;
        }
        if let Some(limit) = self.invocation_timeout {
            check((1..=3600).contains(&limit.as_secs()), "invocation_timeout", "must be 1 second to 1 hour")?;
            set("x-amzn-sagemaker-invocationtimeoutseconds", "invocation_timeout", &limit.as_secs().to_string())?;
        }
        if let AsyncInput::Inline(body) = &self.input {
            check(body.len() <= MAX_INLINE, "input", "may have 128,000 bytes when it is sent along: put it into S3")?;
            request.body = body.clone();
        }
        Ok(())
    }
}

impl SageMaker {
    /// Queues an asynchronous inference and returns where its result will be.
    ///
    /// # Errors
    /// `InvalidRequest` for what AWS would refuse, before anything is sent; else any kind.
    pub async fn invoke_async(
        &self,
        invocation: AsyncInvocation,
        context: &CallContext,
    ) -> Result<Reply<AsyncReceipt>, Error> {
        #[derive(Deserialize)]
        struct AsyncAnswer {
            #[serde(rename = "InferenceId")]
            inference_id: String,
        }
        let (body, headers, meta) =
            self.invoke_raw(&invocation.model, Operation::Async, context, |request| invocation.write(request)).await?;
        let answer: AsyncAnswer = serde_json::from_slice(&body).map_err(|error| {
            let error =
                Error::new(ErrorKind::Decode, "SageMaker's answer has no `InferenceId`: check the endpoint URL")
                    .with_source(error);
            checks::answered(error, &meta)
        })?;
        let receipt = AsyncReceipt {
            inference_id: answer.inference_id,
            output_location: crate::reply::meta::text(&headers, "x-amzn-sagemaker-outputlocation"),
            failure_location: crate::reply::meta::text(&headers, "x-amzn-sagemaker-failurelocation"),
        };
        Ok(Reply { value: receipt, meta })
    }
}

fn check(holds: bool, parameter: &str, rule: &str) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::invalid(parameter, format!("`{parameter}` {rule}"))) }
}
