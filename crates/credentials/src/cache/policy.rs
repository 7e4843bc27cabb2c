//! When credentials are renewed, and when a failed renewal is tried again.

use std::time::{Duration, SystemTime};

use super::random_part;
use crate::{Credentials, ErrorKind};

/// The times of a [`CachedProvider`](crate::CachedProvider).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CachePolicy {
    /// Credentials that expire in less than this are renewed in the background, but not before a
    /// fifth of their life is left. Default: 5 minutes.
    pub advisory: Duration,
    /// Callers wait for the renewal of credentials that expire in less than this, or in a tenth of
    /// their life if that is less. Default: 1 minute.
    pub mandatory: Duration,
    /// The time limit of one renewal. Default: 90 seconds, which is more than the limits of every
    /// source.
    pub load_timeout: Duration,
    /// The wait after the first failed renewal. It doubles with each further one while there are
    /// valid credentials. Default: 1 second.
    pub first_backoff: Duration,
    /// The longest such wait. Default: 1 minute.
    pub longest_backoff: Duration,
}

impl Default for CachePolicy {
    fn default() -> Self {
        Self {
            advisory: Duration::from_secs(5 * 60),
            mandatory: Duration::from_secs(60),
            load_timeout: Duration::from_secs(90),
            first_backoff: Duration::from_secs(1),
            longest_backoff: Duration::from_secs(60),
        }
    }
}

/// When credentials are renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    /// The time from which they are renewed in the background.
    pub(super) advisory: SystemTime,
    /// The time from which callers wait for the renewal.
    pub(super) mandatory: SystemTime,
}

impl CachePolicy {
    /// The times for credentials fetched at `now`; `None` for those that do not expire.
    pub(super) fn schedule(&self, credentials: &Credentials, now: SystemTime) -> Option<Schedule> {
        let expiry = credentials.expiry()?;
        let life = expiry.duration_since(now).unwrap_or_default();
        let advisory = self.advisory.min(life / 5);
        let mandatory = self.mandatory.min(life / 10);
        // Up to a quarter earlier, at random.
        let spread = random_part(advisory / 4);
        let before = |margin: Duration| expiry.checked_sub(margin).unwrap_or(now);
        Some(Schedule { advisory: before(advisory + spread), mandatory: before(mandatory) })
    }

    /// The wait after the `failed`th consecutive failure.
    pub(super) fn backoff(&self, failed: u32, has_valid: bool, kind: ErrorKind) -> Duration {
        if !has_valid || kind == ErrorKind::NotConfigured {
            return self.first_backoff;
        }
        let doubled = self.first_backoff.saturating_mul(1 << failed.saturating_sub(1).min(16));
        let longest = doubled.min(self.longest_backoff);
        longest / 2 + random_part(longest / 2)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::CachePolicy;
    use crate::{Credentials, ErrorKind};

    fn margins(life: u64) -> (Duration, Duration) {
        let expiry = UNIX_EPOCH + Duration::from_secs(life);
        let keys = Credentials::new("id", "secret").with_expiry(expiry);
        let schedule = CachePolicy::default().schedule(&keys, UNIX_EPOCH).unwrap();
        (expiry.duration_since(schedule.advisory).unwrap(), expiry.duration_since(schedule.mandatory).unwrap())
    }

    #[test]
    fn renews_ahead_of_expiry_by_a_part_of_the_life() {
        for (life, advisory, mandatory) in [(3600, 300, 60), (900, 180, 60), (60, 12, 6)] {
            let (found, wait) = margins(life);
            assert!((advisory..=advisory + advisory / 4).contains(&found.as_secs()), "{life}: {found:?}");
            assert_eq!(wait.as_secs(), mandatory);
        }
    }

    #[test]
    fn renewals_are_spread_random_part() {
        let found: std::collections::HashSet<_> = (0..100).map(|_| margins(3600).0).collect();
        assert!(found.len() > 10, "{found:?}");
    }

    #[test]
    fn failures_come_further_and_further_apart() {
        let policy = CachePolicy::default();
        for (failed, longest) in [(1, 1), (2, 2), (3, 4), (7, 60), (100, 60)] {
            let wait = policy.backoff(failed, true, ErrorKind::Provider);
            let longest = Duration::from_secs(longest);
            assert!(wait >= longest / 2 && wait <= longest, "{failed}: {wait:?}");
        }
        assert_eq!(policy.backoff(9, false, ErrorKind::Provider), Duration::from_secs(1));
    }
}
