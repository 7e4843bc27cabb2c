//! How many retries a provider affords.
//!
//! Owns the numbers of AWS's standard mode: three attempts, and a bucket of tokens that stops
//! retries from feeding an overload. The delays are [`RetryConfig`](sagewire_types::RetryConfig)'s.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>

use std::sync::atomic::{AtomicU32, Ordering};

use sagewire_types::{Error, ErrorKind};

/// Attempts of a call in all, the first included.
pub(crate) const DEFAULT_MAX_ATTEMPTS: u32 = 3;

const BUCKET_TOKENS: u32 = 500;
const RETRY_COST: u32 = 5;
const TIMEOUT_RETRY_COST: u32 = 10;

/// Tokens that retries take and successes give back, for all calls of a provider together.
#[derive(Debug)]
pub(crate) struct TokenBucket(AtomicU32);

impl Default for TokenBucket {
    fn default() -> Self {
        Self(AtomicU32::new(BUCKET_TOKENS))
    }
}

impl TokenBucket {
    /// Pays for one more try after this error; gives what was paid.
    pub(crate) fn pay(&self, error: &Error) -> Option<u32> {
        let cost = if error.kind() == ErrorKind::Timeout { TIMEOUT_RETRY_COST } else { RETRY_COST };
        let paid = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| tokens.checked_sub(cost));
        paid.ok().map(|_| cost)
    }

    /// A call succeeded: what its last retry paid comes back, and one token for a call that needed
    /// none.
    pub(crate) fn succeeded(&self, paid: Option<u32>) {
        let back = paid.unwrap_or(1);
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| {
            (tokens < BUCKET_TOKENS).then(|| tokens.saturating_add(back).min(BUCKET_TOKENS))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_runs_dry_and_successes_fill_it() {
        let bucket = TokenBucket::default();
        let failed = Error::new(ErrorKind::ServiceFailed, "x");
        let timed_out = Error::new(ErrorKind::Timeout, "x");
        assert_eq!((bucket.pay(&timed_out), bucket.pay(&failed)), (Some(10), Some(5)));
        assert_eq!(std::iter::from_fn(|| bucket.pay(&failed)).count(), 97);
        assert_eq!(bucket.pay(&failed), None);
        bucket.succeeded(Some(5));
        assert_eq!((bucket.pay(&failed), bucket.pay(&failed)), (Some(5), None));
    }
}
