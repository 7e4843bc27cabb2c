//! Asking again: how often, and how long to wait. What is worth asking again is decided by those who ask.

use std::future::Future;
use std::time::Duration;

use crate::error::CredentialsError;
use crate::seam::{HttpError, HttpErrorKind};
use crate::service_error::ServiceError;

/// As many tries as AWS's standard retry mode makes.
pub(crate) const STANDARD_TRIES: u32 = 3;

/// The longest single wait.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// A try that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: CredentialsError,
    /// Whether another try may help.
    pub(crate) again: bool,
}

impl Failure {
    pub(crate) fn temporary(error: CredentialsError) -> Self {
        Self { error, again: true }
    }

    pub(crate) fn final_(error: CredentialsError) -> Self {
        Self { error, again: false }
    }

    /// A request that got no answer. `what` begins the sentence: "IMDS", "STS at https://...".
    pub(crate) fn no_answer(what: &str, error: HttpError) -> Self {
        let again = !matches!(error.kind(), HttpErrorKind::Configuration | HttpErrorKind::TooLarge);
        let error = match error.kind() {
            HttpErrorKind::Configuration => {
                CredentialsError::invalid_configuration(format!("{what} could not be asked.")).with_cause(error)
            }
            _ if error.is_timeout() => {
                CredentialsError::timeout(format!("{what} did not answer in time.")).with_cause(error)
            }
            _ => CredentialsError::provider(format!("{what} could not be reached.")).with_cause(error),
        };
        Self { error, again }
    }

    /// An answer that is a refusal or a failure. `advice` says what to do about a refusal.
    pub(crate) fn refused(what: &str, advice: &str, error: ServiceError) -> Self {
        let again = error.is_retryable();
        let message = match (error.status >= 500, advice) {
            (true, _) => format!("{what} failed. Try again later."),
            (false, "") => format!("{what} refused."),
            (false, advice) => format!("{what} refused. {advice}"),
        };
        Self { error: CredentialsError::provider(message).with_cause(error), again }
    }
}

/// Runs `attempt` up to `tries` times, waiting up to one second, two seconds and so on in between, by chance so that many programs do not ask in step.
pub(crate) async fn retry<T, F, Fut>(tries: u32, mut attempt: F) -> Result<T, CredentialsError>
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
        if !failure.again || failed >= tries {
            return Err(failure.error);
        }
        let longest = Duration::from_secs(1 << failed.saturating_sub(1).min(8)).min(LONGEST_WAIT);
        tracing::debug!(failed, error = %failure.error, "asking again");
        tokio::time::sleep(longest.mul_f64(fastrand::f64())).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::{Failure, retry};
    use crate::CredentialsError;

    #[tokio::test(start_paused = true)]
    async fn stops_at_success_refusal_and_the_last_try() {
        for (again, succeed_at, tries) in [(true, 2, 2), (true, 9, 3), (false, 9, 1)] {
            let count = AtomicU32::new(0);
            let outcome = retry(3, || async {
                if count.fetch_add(1, Ordering::Relaxed) + 1 == succeed_at {
                    return Ok(());
                }
                Err(Failure { error: CredentialsError::provider("no"), again })
            });
            assert_eq!(outcome.await.is_ok(), succeed_at == 2);
            assert_eq!(count.load(Ordering::Relaxed), tries);
        }
    }
}
