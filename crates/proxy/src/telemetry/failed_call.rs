//! What the log says of a call that failed: more than the caller is told.
//!
//! Owns which facts of an error there are. Bodies are not among them.

use std::error::Error as _;

use sagewire_router::LastAttempt;
use sagewire_types::Error;

/// Why a call failed, for the operator.
#[derive(Debug)]
pub(super) struct FailedCall {
    /// The deployment of the last attempt, if the router made several.
    pub(super) deployment: Option<String>,
    pub(super) reason: String,
    pub(super) aws_status: Option<u16>,
    pub(super) aws_code: Option<String>,
    pub(super) container_status: Option<u16>,
    /// Where the container's own log is.
    pub(super) log_stream: Option<String>,
    /// The causes below the reason, the nearest first.
    pub(super) causes: Option<String>,
}

impl FailedCall {
    pub(super) fn of(error: &Error) -> Self {
        let mut causes = Vec::new();
        let mut deployment = None;
        let mut cause = error.source();
        while let Some(inner) = cause {
            match inner.downcast_ref::<LastAttempt>() {
                Some(last) => deployment = Some(last.deployment().to_owned()),
                None => causes.push(inner.to_string()),
            }
            cause = inner.source();
        }
        let upstream = error.upstream();
        Self {
            deployment,
            reason: error.message().to_owned(),
            aws_status: error.status(),
            aws_code: upstream.and_then(|upstream| upstream.code.clone()),
            container_status: upstream.and_then(|upstream| upstream.original_status),
            log_stream: upstream.and_then(|upstream| upstream.log_stream_arn.clone()),
            causes: (!causes.is_empty()).then(|| causes.join(": ")),
        }
    }
}
