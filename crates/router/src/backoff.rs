//! How long a service may ask to be left alone. The pauses before the same deployment is asked
//! again are [`RetryConfig`](sagewire_types::RetryConfig)'s.

use std::time::Duration;

use sagewire_types::Error;

/// The longest that a service may ask to be left alone. A service that asks for more is not asked
/// again by the same call.
pub(crate) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// How long the service asked to be left alone, for a cooldown: no longer than any call would wait.
pub(crate) fn asked(error: &Error) -> Option<Duration> {
    error.retry_after().map(|asked| asked.min(LONGEST_RETRY_AFTER))
}
