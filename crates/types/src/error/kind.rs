//! What went wrong, as one word.
//!
//! Owns the kinds and whether each is worth another try. How a kind looks to an HTTP caller is the
//! proxy's to say.

use std::fmt;

/// One kind for each thing a caller would do differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request can never work as it is: change it.
    InvalidRequest,
    /// A parameter that this route cannot carry: leave it out, or take the route that the message
    /// names.
    Unsupported,
    /// Prompt and answer together exceed the model's context: shorten one.
    ContextTooLong,
    /// Settings are missing or contradict each other: fix them (no region, a bad URL, an unknown
    /// setting).
    Configuration,
    /// No credentials, or AWS does not know them: fix the credentials.
    Authentication,
    /// AWS knows the caller and refuses: fix the policy.
    Permission,
    /// There is no such endpoint, variant, component or model: fix the name or the region.
    NotFound,
    /// AWS limits the rate: ask more slowly.
    Throttled,
    /// The model is being loaded or scaled up: ask again later.
    ModelNotReady,
    /// The container takes no more work now: ask again later.
    Overloaded,
    /// The container failed on this request: see its message and its log.
    ModelFailed,
    /// AWS itself failed: ask again.
    ServiceFailed,
    /// A time limit ran out.
    Timeout,
    /// No connection, or it broke before the answer began.
    Connection,
    /// The answer began and then broke: what came so far is not whole.
    StreamBroken,
    /// The answer is not in a form anyone knows.
    Decode,
    /// The call was given up from outside, such as by a server that stops.
    Cancelled,
}

impl ErrorKind {
    /// Every kind there is, in the order of their declaration.
    pub const ALL: &'static [Self] = &[
        Self::InvalidRequest,
        Self::Unsupported,
        Self::ContextTooLong,
        Self::Configuration,
        Self::Authentication,
        Self::Permission,
        Self::NotFound,
        Self::Throttled,
        Self::ModelNotReady,
        Self::Overloaded,
        Self::ModelFailed,
        Self::ServiceFailed,
        Self::Timeout,
        Self::Connection,
        Self::StreamBroken,
        Self::Decode,
        Self::Cancelled,
    ];

    /// Whether the same request may well work a moment later, in general.
    /// [`Error::is_retryable`](crate::Error::is_retryable) knows the case at hand.
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Throttled
                | Self::ModelNotReady
                | Self::Overloaded
                | Self::ServiceFailed
                | Self::Timeout
                | Self::Connection
        )
    }

    /// The kind as one lower-case word, for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::Unsupported => "unsupported",
            Self::ContextTooLong => "context_too_long",
            Self::Configuration => "configuration",
            Self::Authentication => "authentication",
            Self::Permission => "permission",
            Self::NotFound => "not_found",
            Self::Throttled => "throttled",
            Self::ModelNotReady => "model_not_ready",
            Self::Overloaded => "overloaded",
            Self::ModelFailed => "model_failed",
            Self::ServiceFailed => "service_failed",
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::StreamBroken => "stream_broken",
            Self::Decode => "decode",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorKind;

    /// A new kind does not compile here until it has its place.
    #[test]
    fn all_kinds_are_listed_once_and_in_order() {
        for (index, kind) in ErrorKind::ALL.iter().enumerate() {
            let place = match kind {
                ErrorKind::InvalidRequest => 0,
                ErrorKind::Unsupported => 1,
                ErrorKind::ContextTooLong => 2,
                ErrorKind::Configuration => 3,
                ErrorKind::Authentication => 4,
                ErrorKind::Permission => 5,
                ErrorKind::NotFound => 6,
                ErrorKind::Throttled => 7,
                ErrorKind::ModelNotReady => 8,
                ErrorKind::Overloaded => 9,
                ErrorKind::ModelFailed => 10,
                ErrorKind::ServiceFailed => 11,
                ErrorKind::Timeout => 12,
                ErrorKind::Connection => 13,
                ErrorKind::StreamBroken => 14,
                ErrorKind::Decode => 15,
                ErrorKind::Cancelled => 16,
            };
            assert_eq!(place, index, "{kind}");
        }
        assert_eq!(ErrorKind::ALL.len(), 17);
    }
}
