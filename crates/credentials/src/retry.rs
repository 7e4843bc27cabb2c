//! The retries of requests for credentials: how many, and how long to wait. The callers decide
//! which failures to retry.

use std::future::Future;
use std::time::Duration;

use crate::error::CredentialsError;
use crate::seam::{HttpError, HttpErrorKind};
use crate::service_error::ServiceError;

/// How often a request is sent, and how long to wait in between: a random part of one second after
/// the first attempt, of two after the second, of four after the third and so on, so that programs
/// that fail together do not retry together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RetryConfig {
    /// The number of attempts, the first one included.
    pub(crate) max_attempts: u32,
    /// The longest wait after the first attempt. It doubles with each further attempt.
    pub(crate) first_backoff: Duration,
    /// The longest wait of all.
    pub(crate) max_backoff: Duration,
}

impl RetryConfig {
    /// AWS's [standard retry
    /// mode](https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html), for STS,
    /// IAM Identity Center and container agents.
    pub(crate) const STANDARD: Self =
        Self { max_attempts: 3, first_backoff: Duration::from_secs(1), max_backoff: Duration::from_secs(20) };

    /// For the instance metadata service, which is on this machine's link: one attempt more, as in
    /// AWS's Rust SDK.
    pub(crate) const INSTANCE_METADATA: Self = Self { max_attempts: 4, ..Self::STANDARD };

    /// The wait after the `failed`th failed attempt.
    fn backoff(&self, failed: u32) -> Duration {
        let doubled = self.first_backoff.saturating_mul(1 << failed.saturating_sub(1).min(16));
        doubled.min(self.max_backoff).mul_f64(fastrand::f64())
    }
}

/// A failed attempt.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: CredentialsError,
    /// Whether another attempt may succeed.
    pub(crate) retryable: bool,
}

impl Failure {
    pub(crate) fn temporary(error: CredentialsError) -> Self {
        Self { error, retryable: true }
    }

    pub(crate) fn final_(error: CredentialsError) -> Self {
        Self { error, retryable: false }
    }

    /// A request that got no answer from `what`, such as "STS at sts.amazonaws.com".
    pub(crate) fn no_answer(what: &str, error: HttpError) -> Self {
        let retryable = !matches!(error.kind(), HttpErrorKind::Configuration | HttpErrorKind::TooLarge);
        let error = match error.kind() {
            HttpErrorKind::Configuration => {
                CredentialsError::invalid_configuration(format!("cannot send a request to {what}")).with_cause(error)
            }
            _ if error.is_timeout() => {
                CredentialsError::timeout(format!("no answer in time from {what}")).with_cause(error)
            }
            _ => CredentialsError::provider(format!("cannot reach {what}")).with_cause(error),
        };
        Self { error, retryable }
    }

    /// An error that `what` answered. `advice` says what to do about a refusal.
    pub(crate) fn refused(what: &str, advice: &str, error: ServiceError) -> Self {
        let retryable = error.is_retryable();
        let message = match (error.status >= 500, advice) {
            (true, _) => format!("{what} failed; retry later"),
            (false, "") => format!("{what} refused the request"),
            (false, advice) => format!("{what} refused the request; {advice}"),
        };
        Self { error: CredentialsError::provider(message).with_cause(error), retryable }
    }
}

/// Runs `attempt` until it succeeds, fails for good, or has failed as often as `config` allows.
pub(crate) async fn retry<T, F, Fut>(config: RetryConfig, mut attempt: F) -> Result<T, CredentialsError>
where
    F: FnMut() -> Fut + Send,
    Fut: Future<Output = Result<T, Failure>> + Send,
{
    let mut failed: u32 = 0;
    loop {
        let failure = match attempt().await {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        failed += 1;
        if !failure.retryable || failed >= config.max_attempts {
            return Err(failure.error);
        }
        tracing::debug!(failed, error = %failure.error, "retrying a request for credentials");
        tokio::time::sleep(config.backoff(failed)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::{Failure, RetryConfig, retry};
    use crate::CredentialsError;

    #[tokio::test(start_paused = true)]
    async fn stops_at_success_refusal_and_the_last_attempt() {
        for (retryable, succeed_at, attempts) in [(true, 2, 2), (true, 9, 3), (false, 9, 1)] {
            let count = AtomicU32::new(0);
            let outcome = retry(RetryConfig::STANDARD, || async {
                if count.fetch_add(1, Ordering::Relaxed) + 1 == succeed_at {
                    return Ok(());
                }
                Err(Failure { error: CredentialsError::provider("no"), retryable })
            });
            assert_eq!(outcome.await.is_ok(), succeed_at == 2);
            assert_eq!(count.load(Ordering::Relaxed), attempts);
        }
    }

    #[test]
    fn waits_grow_up_to_a_limit() {
        for (failed, limit) in [(1, 1), (2, 2), (3, 4), (6, 20), (60, 20)] {
            let wait = RetryConfig::STANDARD.backoff(failed);
            assert!(wait.as_secs_f64() <= f64::from(limit), "{failed}: {wait:?}");
        }
    }
}
