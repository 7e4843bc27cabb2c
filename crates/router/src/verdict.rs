//! What a failure means: where the call goes next, and whether the deployment is to blame.
//!
//! Owns the table over [`ErrorKind`], and nothing of when or how the next attempt is made.

use sagewire_types::{Error, ErrorKind};

/// Where a call goes after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nowhere: the request is at fault, or nobody waits for the answer.
    Stop,
    /// To a model with a larger context, and to no other.
    LargerContext,
    /// To another deployment; this one would fail the same way again.
    Elsewhere,
    /// To another deployment, or after a pause to this one.
    Again,
}

/// Where a call goes after this failure, which happened before anything of the answer was passed
/// on.
pub(crate) fn next(error: &Error) -> Next {
    match error.kind() {
        ErrorKind::Cancelled => Next::Stop,
        ErrorKind::ContextTooLong => Next::LargerContext,
        // A provider that calls such a request worth repeating knows more than its kind says.
        ErrorKind::InvalidRequest | ErrorKind::Unsupported if !error.is_retryable() => Next::Stop,
        ErrorKind::Configuration
        | ErrorKind::Authentication
        | ErrorKind::Permission
        | ErrorKind::NotFound
        | ErrorKind::ModelFailed
        | ErrorKind::Decode
            if !error.is_retryable() =>
        {
            Next::Elsewhere
        }
        // Nothing of the answer has been passed on, so beginning anew is safe.
        ErrorKind::StreamBroken => Next::Again,
        _ if error.is_retryable() => Next::Again,
        // A transient kind, of which the provider says that no other try helps; or a kind that came after this table.
        _ => Next::Stop,
    }
}

/// Whether this failure says that the deployment is not well.
pub(crate) fn blames_deployment(error: &Error) -> bool {
    // A caller that names a part of the endpoint which is not there, or brings wrong keys, must not
    // take the deployment away from all others.
    if error.is_callers_choice() {
        return false;
    }
    match error.kind() {
        // The container was reached and found nothing under what the request names.
        ErrorKind::NotFound if error.upstream().is_some_and(|upstream| upstream.original_status.is_some()) => false,
        ErrorKind::InvalidRequest | ErrorKind::Unsupported | ErrorKind::ContextTooLong | ErrorKind::Cancelled => false,
        // The container failed on this request: one bad request, repeated, must not take a sound deployment away from
        // all others.
        ErrorKind::ModelFailed => error.is_retryable(),
        ErrorKind::Configuration
        | ErrorKind::Authentication
        | ErrorKind::Permission
        | ErrorKind::NotFound
        | ErrorKind::Throttled
        | ErrorKind::ModelNotReady
        | ErrorKind::Overloaded
        | ErrorKind::ServiceFailed
        | ErrorKind::Timeout
        | ErrorKind::Connection
        | ErrorKind::StreamBroken
        | ErrorKind::Decode => true,
        _ => error.is_retryable(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(kind: ErrorKind, retryable: Option<bool>) -> (Next, bool) {
        let error = Error::new(kind, "x");
        let error = match retryable {
            Some(retryable) => error.with_retryable(retryable),
            None => error,
        };
        (next(&error), blames_deployment(&error))
    }

    #[test]
    fn the_table() {
        use ErrorKind::*;
        for (kinds, expected) in [
            (&[InvalidRequest, Unsupported, Cancelled][..], (Next::Stop, false)),
            (&[ContextTooLong], (Next::LargerContext, false)),
            (&[Configuration, Authentication, Permission, NotFound, Decode], (Next::Elsewhere, true)),
            (&[ModelFailed], (Next::Elsewhere, false)),
            (
                &[Throttled, ModelNotReady, Overloaded, ServiceFailed, Timeout, Connection, StreamBroken],
                (Next::Again, true),
            ),
        ] {
            for kind in kinds {
                assert_eq!(verdict(*kind, None), expected, "{kind}");
            }
        }
    }

    #[test]
    fn what_a_callers_own_choice_provokes_blames_no_deployment() {
        for kind in [ErrorKind::NotFound, ErrorKind::ModelNotReady, ErrorKind::Authentication, ErrorKind::Connection] {
            let error = Error::new(kind, "x");
            assert!(blames_deployment(&error) && !blames_deployment(&error.with_callers_choice()), "{kind}");
        }
        let mut upstream = sagewire_types::Upstream::default();
        upstream.original_status = Some(404);
        assert!(!blames_deployment(&Error::new(ErrorKind::NotFound, "x").with_upstream(upstream)));
    }

    #[test]
    fn what_the_provider_says_of_the_case_overrules_the_kind() {
        assert_eq!(verdict(ErrorKind::ModelFailed, Some(true)), (Next::Again, true));
        assert_eq!(verdict(ErrorKind::Authentication, Some(true)), (Next::Again, true));
        assert_eq!(verdict(ErrorKind::Timeout, Some(false)), (Next::Stop, true));
        assert_eq!(verdict(ErrorKind::Cancelled, Some(true)), (Next::Stop, false));
    }
}
