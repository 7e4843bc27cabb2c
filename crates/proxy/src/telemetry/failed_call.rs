//! What the log says of a call that failed: more than the caller is told.
//!
//! Owns which facts of an error there are. Of what the container said there is the beginning, if
//! the reason does not quote it.

use std::error::Error as _;

use sagewire_router::LastAttempt;
use sagewire_types::{Error, Upstream};

/// Why a call failed, for the operator.
#[derive(Debug)]
pub(super) struct FailedCall {
    /// The deployment of the last attempt, if the router made several.
    pub(super) deployment: Option<String>,
    pub(super) reason: String,
    pub(super) aws_status: Option<u16>,
    pub(super) aws_code: Option<String>,
    pub(super) container_status: Option<u16>,
    /// The beginning of what the container said, if the reason does not have it: plain text is not
    /// for callers.
    pub(super) container_said: Option<String>,
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
            container_said: upstream.and_then(|upstream| unquoted(upstream, error.message())),
            log_stream: upstream.and_then(|upstream| upstream.log_stream_arn.clone()),
            causes: (!causes.is_empty()).then(|| causes.join(": ")),
        }
    }
}

/// What the container said, as far as it is told, unless this message says it already.
fn unquoted(upstream: &Upstream, message: &str) -> Option<String> {
    const LONGEST: usize = 600;
    let said: String = upstream.original_message.as_deref()?.chars().take(LONGEST).collect();
    let quoted = upstream.reason.as_deref().into_iter().chain([said.as_str()]).any(|words| message.contains(words));
    (!quoted && !said.is_empty()).then_some(said)
}

#[cfg(test)]
mod tests {
    use sagewire_types::ErrorKind;

    use super::*;

    #[test]
    fn what_the_container_said_is_told_once() {
        let said = |message: &str, words: &str| {
            let mut upstream = Upstream::default();
            upstream.original_message = Some(words.to_owned());
            FailedCall::of(&Error::new(ErrorKind::ModelFailed, message).with_upstream(upstream)).container_said
        };
        assert_eq!(said("plain text", "CUDA out of memory").as_deref(), Some("CUDA out of memory"));
        assert_eq!(said("it failed: CUDA out of memory", "CUDA out of memory"), None);
        assert_eq!(said("plain text", &"é".repeat(2000)).map(|said| said.chars().count()), Some(600));
    }
}
