//! When a failed attempt is repeated: the one formula of provider and router.
//!
//! Owns the delays. How many attempts a call has is each one's own setting
//! (`Settings::max_attempts`, `RouterSettings::num_retries`).

use std::time::Duration;

use crate::ErrorKind;

/// How long to wait before a failed attempt is repeated.
///
/// The delay before repeat number n is `first_delay` (`first_delay_overloaded` after a failure of
/// that sort) doubled n - 1 times, at most `longest_delay`, and the share `jitter` of it is
/// multiplied by chance, so that calls which failed together do not come back together. A service
/// that asks for a longer wait (`Retry-After`) gets it, up to `longest_asked` beyond the delay.
///
/// | failure | repeated |
/// |---|---|
/// | [`Throttled`](ErrorKind::Throttled), [`Overloaded`](ErrorKind::Overloaded), [`ModelNotReady`](ErrorKind::ModelNotReady) | after `first_delay_overloaded` |
/// | [`ServiceFailed`](ErrorKind::ServiceFailed), [`Timeout`](ErrorKind::Timeout), [`Connection`](ErrorKind::Connection) | after `first_delay` |
/// | [`StreamBroken`](ErrorKind::StreamBroken) | before the first chunk by the router, or where the error says so; after it never |
/// | expired credentials, or a clock that is off | at once with a fresh signature, once, beside the count of attempts |
/// | a text container that refuses `details` | at once without them, once, beside the count of attempts |
/// | no capacity, with `wait_for_capacity` | for as long as that says, beside the count of attempts |
/// | anything else | only where [`Error::is_retryable`](crate::Error::is_retryable) says so |
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RetryConfig {
    /// The delay before the first repeat.
    pub first_delay: Duration,
    /// The same after a failure that says the service has too much to do.
    pub first_delay_overloaded: Duration,
    /// The longest delay that a service did not ask for.
    pub longest_delay: Duration,
    /// The share of a delay that is chance, from 0 to 1.
    pub jitter: f64,
    /// How much longer than the delay a service may ask to wait.
    pub longest_asked: Duration,
}

impl RetryConfig {
    /// [AWS's standard mode](https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html): the provider's default.
    pub const AWS_STANDARD: Self = Self {
        first_delay: Duration::from_millis(50),
        first_delay_overloaded: Duration::from_secs(1),
        longest_delay: Duration::from_secs(20),
        jitter: 1.0,
        longest_asked: Duration::from_secs(5),
    };

    /// For a caller that first tries every other deployment, and repeats a call at the same one
    /// last: the router's default.
    pub const LAST_RESORT: Self = Self {
        first_delay: Duration::from_millis(500),
        first_delay_overloaded: Duration::from_millis(500),
        longest_delay: Duration::from_secs(8),
        jitter: 0.5,
        longest_asked: Duration::from_secs(60),
    };

    /// The delay after this many failures, the last of this kind. `asked` is how long the service
    /// asks to wait; `random` is from 0 to 1.
    #[must_use]
    pub fn delay(&self, kind: ErrorKind, failures: u32, asked: Option<Duration>, random: f64) -> Duration {
        let first = match kind {
            ErrorKind::Throttled | ErrorKind::Overloaded | ErrorKind::ModelNotReady => self.first_delay_overloaded,
            _ => self.first_delay,
        };
        let doubled = first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(self.longest_delay);
        let jitter = self.jitter.clamp(0.0, 1.0);
        let computed = doubled.mul_f64(1.0 - jitter + jitter * random.clamp(0.0, 1.0));
        asked.map_or(computed, |asked| asked.clamp(computed, computed.saturating_add(self.longest_asked)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(config: RetryConfig, kind: ErrorKind, failures: u32, random: f64) -> u128 {
        config.delay(kind, failures, None, random).as_millis()
    }

    #[test]
    fn delays_double_from_the_kinds_first_up_to_the_longest() {
        use ErrorKind::{ServiceFailed, Throttled};
        let aws = RetryConfig::AWS_STANDARD;
        assert_eq!([1, 2, 3].map(|failures| millis(aws, ServiceFailed, failures, 1.0)), [50, 100, 200]);
        assert_eq!([1, 2, 6, 40].map(|failures| millis(aws, Throttled, failures, 1.0)), [1000, 2000, 20_000, 20_000]);
        assert_eq!(millis(aws, Throttled, 1, 0.0), 0);
        let last = RetryConfig::LAST_RESORT;
        let pauses = [1, 2, 3, 5, 6, u32::MAX].map(|failures| millis(last, Throttled, failures, 1.0));
        assert_eq!(pauses, [500, 1000, 2000, 8000, 8000, 8000]);
        assert_eq!(millis(last, Throttled, 1, 0.0), 250, "half of it is chance");
    }

    #[test]
    fn the_wait_that_is_asked_for_counts_within_bounds() {
        let asking = |millis| {
            RetryConfig::AWS_STANDARD.delay(ErrorKind::ServiceFailed, 1, Some(Duration::from_millis(millis)), 1.0)
        };
        assert_eq!([10, 3000, 600_000].map(|asked| asking(asked).as_millis()), [50, 3000, 5050]);
    }
}
