//! What the operator allows for each sort of failure: how many retries, and how many failures
//! before a cooldown.
//!
//! Owns LiteLLM's names of the sorts and the table from [`ErrorKind`] to them. What happens without
//! a policy is the verdict's.
//!
//! <https://docs.litellm.ai/docs/routing#advanced-custom-retries-cooldowns-based-on-error-type>

use std::fmt;

use sagewire_types::{Error, ErrorKind};

/// A sort of failure, by LiteLLM's exception of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FailureSort {
    /// `BadRequestError`: the request is at fault.
    BadRequest,
    /// `AuthenticationError`: the credentials are wrong, or not allowed to do this.
    Authentication,
    /// `TimeoutError`: no answer came in time.
    Timeout,
    /// `RateLimitError`: 429, of AWS or of the container.
    RateLimit,
    /// `NotFoundError`: there is no such endpoint.
    NotFound,
    /// `ServiceUnavailableError`: 503, or a model that is not ready.
    ServiceUnavailable,
    /// `BadGatewayError`: 502.
    BadGateway,
    /// `InternalServerError`: every other failure of the service, the container or the connection.
    InternalServer,
}

impl FailureSort {
    /// Every sort.
    pub const ALL: [Self; 8] = [
        Self::BadRequest,
        Self::Authentication,
        Self::Timeout,
        Self::RateLimit,
        Self::NotFound,
        Self::ServiceUnavailable,
        Self::BadGateway,
        Self::InternalServer,
    ];

    /// LiteLLM's name of it, such as `RateLimitError`: what `retry_policy` ends in `Retries`, and
    /// `allowed_fails_policy` in `AllowedFails`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "BadRequestError",
            Self::Authentication => "AuthenticationError",
            Self::Timeout => "TimeoutError",
            Self::RateLimit => "RateLimitError",
            Self::NotFound => "NotFoundError",
            Self::ServiceUnavailable => "ServiceUnavailableError",
            Self::BadGateway => "BadGatewayError",
            Self::InternalServer => "InternalServerError",
        }
    }

    /// What it is, in a few words.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::BadRequest => "an invalid request; it is retried only if this is set",
            Self::Authentication => "wrong credentials, or ones without the permission",
            Self::Timeout => "a timeout",
            Self::RateLimit => "a 429, of AWS or of the container",
            Self::NotFound => "an endpoint that does not exist",
            Self::ServiceUnavailable => "a 503, or a model that is not ready",
            Self::BadGateway => "a 502",
            Self::InternalServer => "any other failure of the service, the container or the connection",
        }
    }

    /// The sort of this failure. A call that was given up, a request that is too long (it has
    /// fallbacks of its own) and a mistake in the configuration have none.
    #[must_use]
    pub fn of(error: &Error) -> Option<Self> {
        let status = error.upstream().and_then(|upstream| upstream.original_status).or(error.status());
        match error.kind() {
            ErrorKind::Cancelled | ErrorKind::ContextTooLong | ErrorKind::Configuration => None,
            ErrorKind::InvalidRequest | ErrorKind::Unsupported => Some(Self::BadRequest),
            ErrorKind::Authentication | ErrorKind::Permission => Some(Self::Authentication),
            ErrorKind::Timeout => Some(Self::Timeout),
            ErrorKind::Throttled => Some(Self::RateLimit),
            ErrorKind::NotFound => Some(Self::NotFound),
            ErrorKind::Overloaded if status == Some(429) => Some(Self::RateLimit),
            ErrorKind::Overloaded | ErrorKind::ModelNotReady => Some(Self::ServiceUnavailable),
            _ if status == Some(502) => Some(Self::BadGateway),
            _ if status == Some(503) => Some(Self::ServiceUnavailable),
            _ => Some(Self::InternalServer),
        }
    }
}

/// A number for each sort of failure that the operator names: `retry_policy` and
/// `allowed_fails_policy`.
///
/// ```
/// use sagewire_router::{FailurePolicy, FailureSort};
///
/// let policy = FailurePolicy::new().with(FailureSort::RateLimit, 5).with(FailureSort::Authentication, 0);
/// assert_eq!((policy.get(FailureSort::RateLimit), policy.get(FailureSort::Timeout)), (Some(5), None));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct FailurePolicy([Option<u32>; FailureSort::ALL.len()]);

impl FailurePolicy {
    /// A policy that names nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of a sort.
    #[must_use]
    pub fn with(mut self, sort: FailureSort, number: u32) -> Self {
        if let Some(place) = self.0.get_mut(sort as usize) {
            *place = Some(number);
        }
        self
    }

    /// The number of a sort, where the policy names it.
    #[must_use]
    pub fn get(&self, sort: FailureSort) -> Option<u32> {
        self.0.get(sort as usize).copied().flatten()
    }

    /// Whether it names nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// The largest number that it names.
    pub(crate) fn most(&self) -> Option<u32> {
        self.0.iter().copied().flatten().max()
    }

    /// The sort of this failure and its number, where the policy names it.
    pub(crate) fn of(&self, error: &Error) -> Option<(FailureSort, u32)> {
        let sort = FailureSort::of(error)?;
        Some((sort, self.get(sort)?))
    }
}

impl fmt::Debug for FailurePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = FailureSort::ALL.into_iter().filter_map(|sort| Some((sort, self.get(sort)?)));
        f.debug_map().entries(named).finish()
    }
}

#[cfg(test)]
mod tests {
    use sagewire_types::Upstream;

    use super::*;

    #[test]
    fn the_table() {
        use ErrorKind::*;
        use FailureSort as Sort;
        for (kinds, sort) in [
            (&[InvalidRequest, Unsupported][..], Some(Sort::BadRequest)),
            (&[Authentication, Permission], Some(Sort::Authentication)),
            (&[Timeout], Some(Sort::Timeout)),
            (&[Throttled], Some(Sort::RateLimit)),
            (&[NotFound], Some(Sort::NotFound)),
            (&[Overloaded, ModelNotReady], Some(Sort::ServiceUnavailable)),
            (&[ModelFailed, ServiceFailed, Connection, StreamBroken, Decode], Some(Sort::InternalServer)),
            (&[Cancelled, ContextTooLong, Configuration], None),
        ] {
            for kind in kinds {
                assert_eq!(FailureSort::of(&Error::new(*kind, "x")), sort, "{kind}");
            }
        }
    }

    #[test]
    fn the_containers_status_tells_more_than_the_kind() {
        for (kind, status, sort) in [
            (ErrorKind::Overloaded, 429, FailureSort::RateLimit),
            (ErrorKind::ModelFailed, 502, FailureSort::BadGateway),
            (ErrorKind::ServiceFailed, 503, FailureSort::ServiceUnavailable),
        ] {
            let mut upstream = Upstream::default();
            upstream.original_status = Some(status);
            assert_eq!(FailureSort::of(&Error::new(kind, "x").with_upstream(upstream)), Some(sort), "{status}");
        }
    }
}
