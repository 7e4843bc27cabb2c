//! What the service and the container said when they failed.
//!
//! Owns the facts for the operator of the endpoint: account ids, console links and container texts
//! may be here, and are not part of an error's message.

use std::time::Duration;

use bytes::Bytes;

/// The failure as AWS and the container reported it.
///
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html#API_runtime_InvokeEndpoint_Errors>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upstream {
    /// The HTTP status of AWS's answer.
    pub status: Option<u16>,
    /// AWS's name of the error, such as `ModelError`.
    pub code: Option<String>,
    /// AWS's message. It may name the account and link to its console.
    pub message: Option<String>,
    /// AWS's id of the request: what its support asks for.
    pub request_id: Option<String>,
    /// The status that the container answered with.
    pub original_status: Option<u16>,
    /// What the container said, unwrapped from AWS's message.
    pub original_message: Option<String>,
    /// The container's reason, out of a report in a known form; `None` if it gave none, or wrote
    /// something else.
    pub reason: Option<String>,
    /// The CloudWatch log stream of the container.
    pub log_stream_arn: Option<String>,
    /// How long the service asks to wait before the next try.
    pub retry_after: Option<Duration>,
    /// The body as it came, cut to a few KiB.
    pub body: Option<Bytes>,
}

impl Upstream {
    /// Changes every text that came from outside, where `change` gives a new one.
    pub(super) fn change_texts(&mut self, change: impl Fn(&str) -> Option<String>) {
        let Self {
            status: _,
            code,
            message,
            request_id,
            original_status: _,
            original_message,
            reason,
            log_stream_arn,
            retry_after: _,
            body,
        } = self;
        for text in [code, message, request_id, original_message, reason, log_stream_arn].into_iter().flatten() {
            if let Some(changed) = change(text) {
                *text = changed;
            }
        }
        if let Some(changed) = body.as_ref().and_then(|body| change(&String::from_utf8_lossy(body))) {
            *body = Some(changed.into());
        }
    }
}
