//! Replies that are no success: AWS's errors, the container's inside them, and whatever stands
//! between.
//!
//! Owns the table from AWS's error names and statuses to [`ErrorKind`], and what an error's
//! sentence may show.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html#API_runtime_InvokeEndpoint_Errors>

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use sagewire_dialects::failure_report::{FailureReport, excerpt};
use sagewire_types::{Error, ErrorKind, Upstream};

use self::aws_error::AwsError;
use crate::{
    reply::{meta, scrub::scrub},
    request::door::ErrorForm,
};

mod aws_error;

/// How much of an error's body is kept.
pub(crate) const MAX_ERROR_BODY: usize = 16 * 1024;

/// The error for a reply whose status is no success.
pub(crate) fn error(status: StatusCode, headers: &HeaderMap, body: Bytes, form: ErrorForm) -> Error {
    let aws = AwsError::read(&body, form);
    let code = aws.name(headers);
    let message = aws.message.or(aws.front_door_message);
    let mut upstream = Upstream::default();
    upstream.status = Some(status.as_u16());
    upstream.request_id = meta::request_id(headers);
    upstream.retry_after = retry_after(headers);
    upstream.original_status = aws.original_status;
    upstream.original_message = aws.original_message;
    upstream.log_stream_arn = aws.log_stream_arn;
    upstream.message = message;
    upstream.code = code;
    let mut body = body;
    if matches!(upstream.code.as_deref(), Some("InvalidSignatureException" | "SignatureDoesNotMatch")) {
        // What follows quotes the request with its session token.
        upstream.message = upstream.message.map(|message| without_request(&message).to_owned());
        body = Bytes::from(without_request(&String::from_utf8_lossy(&body)).to_owned());
    }
    if upstream.code.as_deref() == Some("ModelError") {
        unwrap_model_error(&mut upstream);
    }
    let judged = judge(status, headers, &body, &mut upstream);
    upstream.body = Some(body);
    let mut error = Error::new(judged.kind, judged.message).with_upstream(upstream);
    if let Some(param) = judged.param {
        error = error.with_param(param);
    }
    match judged.retryable {
        Some(retryable) => error.with_retryable(retryable),
        None => error,
    }
}

struct Judged {
    kind: ErrorKind,
    message: String,
    retryable: Option<bool>,
    param: Option<String>,
}

fn judge(status: StatusCode, headers: &HeaderMap, body: &[u8], upstream: &mut Upstream) -> Judged {
    let code = upstream.code.clone();
    let said = upstream.message.as_deref().map(|message| excerpt(&scrub(message))).unwrap_or_default();
    let judged = |kind, message: String| Judged { kind, message, retryable: None, param: None };
    match code.as_deref() {
        Some("ModelError") => model_error(upstream),
        Some("ValidationError" | "ValidationException") => validation(&said),
        Some("ModelNotReadyException") => {
            judged(ErrorKind::ModelNotReady, format!("the model is still being loaded: ask again in a while ({said})"))
        }
        Some(code) if is_throttling(code) => {
            judged(ErrorKind::Throttled, format!("AWS limits the rate of calls ({code}): ask more slowly, or raise the quota"))
        }
        Some("AccessDeniedException" | "AccessDenied" | "OptInRequired") => judged(
            ErrorKind::Permission,
            "AWS refuses the call: allow `sagemaker:InvokeEndpoint` on this endpoint for the role or user whose credentials are used".to_owned(),
        ),
        Some(code) if is_expired(code) => judged(
            ErrorKind::Authentication,
            format!("the AWS credentials have expired ({code}): refresh them (for SSO: `aws sso login`)"),
        ),
        Some("InvalidSignatureException" | "SignatureDoesNotMatch") => judged(
            ErrorKind::Authentication,
            if is_clock_skew(upstream) {
                "AWS refuses the signature's time: set this machine's clock".to_owned()
            } else {
                "AWS does not accept the signature: check that the secret access key belongs to the access key id".to_owned()
            },
        ),
        Some(
            code @ ("UnrecognizedClientException" | "InvalidClientTokenId" | "MissingAuthenticationTokenException"
            | "MissingAuthenticationToken" | "IncompleteSignature" | "IncompleteSignatureException" | "InvalidAccessKeyId"),
        ) => judged(
            ErrorKind::Authentication,
            format!("AWS does not know the credentials ({code}): check access key, secret and session token, and that they belong to this partition"),
        ),
        Some("InternalDependencyException") => Judged {
            kind: ErrorKind::ServiceFailed,
            message: "a service that SageMaker depends on failed (InternalDependencyException): ask again later".to_owned(),
            retryable: Some(false),
            param: None,
        },
        Some(code @ ("InternalFailure" | "InternalServerError" | "InternalServerException" | "ServiceUnavailable" | "ServiceUnavailableException")) => {
            judged(ErrorKind::ServiceFailed, format!("SageMaker failed ({code}): ask again"))
        }
        Some(code @ "BadGatewayException") => Judged {
            kind: ErrorKind::ServiceFailed,
            message: format!("the gateway got no valid answer of a model ({code}); the request may have been processed. {said}").trim_end().to_owned(),
            retryable: Some(false),
            param: None,
        },
        Some(code @ "GatewayTimeoutException") => Judged {
            kind: ErrorKind::Timeout,
            message: format!("no model answered the gateway in time ({code}); the request may still be processed. {said}").trim_end().to_owned(),
            retryable: Some(false),
            param: None,
        },
        Some("RequestTimeoutException" | "RequestTimeout") => {
            judged(ErrorKind::Timeout, "no destination answered the inference router in time; retry later".to_owned())
        }
        Some("ResourceNotFoundException") => {
            judged(ErrorKind::NotFound, format!("AWS does not find the gateway or the model. {said}").trim_end().to_owned())
        }
        Some("PayloadTooLargeException" | "PayloadTooLarge") => {
            judged(ErrorKind::InvalidRequest, "the request is too large for AWS; send a shorter one".to_owned())
        }
        Some("UnknownOperationException") => judged(
            ErrorKind::Configuration,
            "the URL is not one of SageMaker Runtime's operations: check the endpoint URL".to_owned(),
        ),
        _ => by_status(status, headers, body, code.as_deref(), &said, upstream),
    }
}

/// Replies with no name that we know: from a container behind a URL of its own, or from something
/// on the way.
fn by_status(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    code: Option<&str>,
    said: &str,
    upstream: &mut Upstream,
) -> Judged {
    let judged = |kind, message: String| Judged { kind, message, retryable: None, param: None };
    let number = status.as_u16();
    let named = code.map(|code| format!(" {code}")).unwrap_or_default();
    if code.is_none() && FailureReport::read(body).is_some() {
        let report = FailureReport::of_status(number, body);
        let reason = report.reason.as_deref().unwrap_or("no reason given");
        let message = format!("the container answered {number}: {}", excerpt(&scrub(reason)));
        upstream.original_status = Some(number);
        upstream.original_message.clone_from(&report.reason);
        upstream.reason = report.reason;
        return Judged { kind: report.kind, message, retryable: None, param: report.param };
    }
    let is_page = meta::text(headers, "content-type").is_some_and(|kind| kind.starts_with("text/html"));
    match number {
        300..=399 => judged(
            ErrorKind::Configuration,
            format!("the endpoint URL redirects ({number}), which a signed call cannot follow: set the final URL"),
        ),
        407 => judged(
            ErrorKind::Connection,
            "a proxy on the way wants a login (407): check HTTPS_PROXY and NO_PROXY".to_owned(),
        ),
        _ if is_page => judged(
            if status.is_server_error() { ErrorKind::Connection } else { ErrorKind::Configuration },
            format!(
                "a web page came back ({number}) where SageMaker should have answered: check HTTPS_PROXY, NO_PROXY and the endpoint URL"
            ),
        ),
        429 => judged(ErrorKind::Throttled, format!("too many calls (429{named}): ask more slowly")),
        500 | 502 | 503 => judged(ErrorKind::ServiceFailed, format!("the service failed ({number}{named}): ask again")),
        408 | 504 => {
            judged(ErrorKind::Timeout, format!("the service did not answer in time ({number}{named}): ask again"))
        }
        401 | 403 => judged(
            ErrorKind::Permission,
            format!("the call is refused ({number}{named}): check the policy of the credentials used. {said}")
                .trim_end()
                .to_owned(),
        ),
        404 => judged(
            ErrorKind::NotFound,
            format!("nothing is at this URL (404{named}): check the endpoint's name, the region and the endpoint URL"),
        ),
        413 => judged(
            ErrorKind::InvalidRequest,
            "the request is too large (413): SageMaker takes about 6 MB, serverless endpoints 4 MB".to_owned(),
        ),
        400..=499 => judged(
            ErrorKind::InvalidRequest,
            format!("the request is refused ({number}{named}). {said}").trim_end().to_owned(),
        ),
        _ => {
            judged(ErrorKind::ServiceFailed, format!("the service answered with the status {number}{named}: ask again"))
        }
    }
}

/// `ValidationError` stands for a wrong name, a missing component, a model scaled to zero, and a
/// request AWS cannot take.
fn validation(said: &str) -> Judged {
    let judged = |kind, message: String| Judged { kind, message, retryable: None, param: None };
    if has_no_capacity(said) {
        return judged(
            ErrorKind::ModelNotReady,
            "the model is scaled to zero and has no capacity yet: ask again in some minutes, or set `wait_for_capacity`".to_owned(),
        );
    }
    if said.starts_with("Endpoint") && said.contains("not found") {
        return judged(
            ErrorKind::NotFound,
            "there is no such endpoint in this region and account: check the endpoint's name, the region and whose credentials are used".to_owned(),
        );
    }
    if said.contains("Inference Component Name header is required") {
        return Judged {
            kind: ErrorKind::InvalidRequest,
            message: "the endpoint hosts several models: name the inference component with `model_id`".to_owned(),
            retryable: None,
            param: None,
        };
    }
    if said.contains("not found") {
        return judged(ErrorKind::NotFound, format!("AWS does not find what the call names: {said}"));
    }
    judged(ErrorKind::InvalidRequest, format!("AWS cannot take the request: {said}"))
}

/// Whether AWS says that an inference component is scaled to zero. Only AWS's own message is looked
/// at: what a container echoes never counts.
pub(crate) fn has_no_capacity(message: &str) -> bool {
    message.starts_with("Inference Component has no capacity")
}

fn model_error(upstream: &mut Upstream) -> Judged {
    let status = upstream.original_status;
    let text = upstream.original_message.clone().or_else(|| upstream.message.clone()).unwrap_or_default();
    // A container that says nothing of a status has failed.
    let report = FailureReport::of_status(status.unwrap_or(500), text.as_bytes());
    let said = report.reason.as_deref().unwrap_or(&text);
    let kind = report.kind;
    let shown = if said.trim().is_empty() { "it gave no reason".to_owned() } else { excerpt(&scrub(said)) };
    let status = status.map_or_else(String::new, |status| format!(" with the status {status}"));
    let message = match kind {
        ErrorKind::ContextTooLong => format!("prompt and answer are too long for the model: shorten one. {shown}"),
        ErrorKind::Timeout => format!(
            "the model's container did not answer in time (60 seconds on whole replies): stream, or ask for less. {shown}"
        ),
        ErrorKind::Overloaded => format!("the model's container takes no more work now{status}: ask again. {shown}"),
        ErrorKind::InvalidRequest => format!("the model's container refuses the request{status}: {shown}"),
        ErrorKind::NotFound => format!("the model's container does not find what the request names{status}: {shown}"),
        _ => format!("the model's container failed{status}: {shown}. See the endpoint's log"),
    };
    // A container's timeout would most likely repeat itself.
    let retryable = (kind == ErrorKind::Timeout).then_some(false);
    upstream.reason = report.reason;
    Judged { kind, message, retryable, param: report.param }
}

/// Where AWS gives the container's message only inside its own: `Received client error (400) from
/// primary with message "..."`.
fn unwrap_model_error(upstream: &mut Upstream) {
    let Some(message) = upstream.message.as_deref() else { return };
    let Some((head, rest)) = message.split_once(" from ") else { return };
    if upstream.original_status.is_none() {
        upstream.original_status = head.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')?.parse().ok());
    }
    if upstream.original_message.is_none() {
        let quoted = rest.split_once("with message \"").map(|(_, quoted)| quoted);
        upstream.original_message = quoted
            .and_then(|quoted| Some(quoted.rsplit_once("\". See ").or_else(|| quoted.rsplit_once('"'))?.0.to_owned()));
    }
}

/// The explanation of a refused signature up to where it quotes the request.
fn without_request(text: &str) -> &str {
    text.split("The Canonical String")
        .next()
        .unwrap_or_default()
        .trim_end_matches(|end: char| end.is_whitespace() || end == '\\')
}

/// `x-amz-retry-after` in milliseconds, or HTTP's own in seconds; at most a day, as callers are told
/// it, too.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    let number = |name| meta::text(headers, name)?.trim().parse::<u64>().ok();
    let asked = number("x-amz-retry-after").map(Duration::from_millis);
    Some(asked.or_else(|| number("retry-after").map(Duration::from_secs))?.min(LONGEST))
}

fn is_throttling(code: &str) -> bool {
    [
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "TransactionInProgressException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "SlowDown",
        "EC2ThrottledException",
    ]
    .contains(&code)
}

fn is_expired(code: &str) -> bool {
    ["ExpiredToken", "ExpiredTokenException", "RequestExpired"].contains(&code)
}

/// Whether AWS says that the credentials have expired, so that fresh ones may help.
pub(crate) fn expired_credentials(error: &Error) -> bool {
    error.upstream().and_then(|upstream| upstream.code.as_deref()).is_some_and(is_expired)
}

/// Whether AWS says that the signature's time is too far from its own.
pub(crate) fn clock_skew(error: &Error) -> bool {
    error.upstream().is_some_and(is_clock_skew)
}

fn is_clock_skew(upstream: &Upstream) -> bool {
    match upstream.code.as_deref() {
        Some("InvalidSignatureException" | "SignatureDoesNotMatch") => {
            upstream.message.as_deref().is_some_and(|message| {
                message.contains("Signature expired") || message.contains("Signature not yet current")
            })
        }
        Some("RequestTimeTooSkewed" | "RequestInTheFuture") => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
