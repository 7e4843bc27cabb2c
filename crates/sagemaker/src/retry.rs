//! Whether and when a failed try is repeated.
//!
//! Owns the numbers of AWS's standard mode: three tries, delays that double with full jitter, the wait that the service asks for,
//! and a bucket of tokens that stops retries from feeding an overload.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use sagewire_types::{Error, ErrorKind};

/// Tries of a call in all, the first included.
pub(crate) const DEFAULT_MAX_ATTEMPTS: u32 = 3;

const TRANSIENT_BASE: Duration = Duration::from_millis(50);
const THROTTLING_BASE: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(20);
/// How much longer than the computed delay a service may ask for.
const LONGEST_ASKED_EXTRA: Duration = Duration::from_secs(5);

const BUCKET_TOKENS: u32 = 500;
const RETRY_COST: u32 = 5;
const TIMEOUT_RETRY_COST: u32 = 10;

/// How long to wait after this many failed tries; `random` is from 0 to 1.
pub(crate) fn delay(error: &Error, failures: u32, random: f64) -> Duration {
    let base = match error.kind() {
        ErrorKind::Throttled | ErrorKind::Overloaded | ErrorKind::ModelNotReady => THROTTLING_BASE,
        _ => TRANSIENT_BASE,
    };
    let doubled = base.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
    let computed = doubled.min(LONGEST_DELAY).mul_f64(random.clamp(0.0, 1.0));
    match error.retry_after() {
        Some(asked) => asked.clamp(computed, computed + LONGEST_ASKED_EXTRA),
        None => computed,
    }
}

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

    /// A call succeeded: what its last retry paid comes back, and one token for a call that needed none.
    pub(crate) fn succeeded(&self, paid: Option<u32>) {
        let back = paid.unwrap_or(1);
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| {
            (tokens < BUCKET_TOKENS).then(|| tokens.saturating_add(back).min(BUCKET_TOKENS))
        });
    }
}

#[cfg(test)]
mod tests {
    use sagewire_types::Upstream;

    use super::*;

    #[test]
    fn delays_double_from_the_kinds_base_up_to_the_longest() {
        let transient = Error::new(ErrorKind::ServiceFailed, "x");
        let throttled = Error::new(ErrorKind::Throttled, "x");
        let at = |error: &Error, failures| delay(error, failures, 1.0).as_millis();
        assert_eq!([1, 2, 3].map(|failures| at(&transient, failures)), [50, 100, 200]);
        assert_eq!([1, 2, 6, 40].map(|failures| at(&throttled, failures)), [1000, 2000, 20_000, 20_000]);
        assert_eq!(delay(&throttled, 1, 0.0), Duration::ZERO);
    }

    #[test]
    fn the_wait_that_is_asked_for_counts_within_bounds() {
        let asking = |millis| {
            let mut upstream = Upstream::default();
            upstream.retry_after = Some(Duration::from_millis(millis));
            Error::new(ErrorKind::ServiceFailed, "x").with_upstream(upstream)
        };
        assert_eq!(delay(&asking(10), 1, 1.0).as_millis(), 50);
        assert_eq!(delay(&asking(3000), 1, 1.0).as_millis(), 3000);
        assert_eq!(delay(&asking(600_000), 1, 1.0).as_millis(), 5050);
    }

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
