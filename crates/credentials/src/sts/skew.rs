//! The difference between this machine's clock and AWS's.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::CallerIdentity;
use crate::Credentials;

/// A difference that needs no correction. AWS accepts five minutes.
const TOLERATED: Duration = Duration::from_secs(4 * 60);

/// How far this machine's clock is from AWS's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Skew {
    /// This machine is behind.
    Behind(Duration),
    /// This machine is ahead.
    Ahead(Duration),
}

impl Skew {
    /// The difference, unless it is small.
    pub(super) fn between(local: SystemTime, server: SystemTime) -> Option<Self> {
        match server.duration_since(local) {
            Ok(behind) => (behind > TOLERATED).then_some(Self::Behind(behind)),
            Err(ahead) => (ahead.duration() > TOLERATED).then_some(Self::Ahead(ahead.duration())),
        }
    }

    /// A time of this machine's clock on AWS's.
    pub(super) fn correct(self, local: SystemTime) -> SystemTime {
        let corrected = match self {
            Self::Behind(by) => local.checked_add(by),
            Self::Ahead(by) => local.checked_sub(by),
        };
        corrected.unwrap_or(local)
    }

    /// A time of AWS's clock on this machine's.
    fn localize(self, server: SystemTime) -> SystemTime {
        match self {
            Self::Behind(by) => Self::Ahead(by).correct(server),
            Self::Ahead(by) => Self::Behind(by).correct(server),
        }
    }
}

impl fmt::Display for Skew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (by, word) = match self {
            Self::Behind(by) => (by, "behind"),
            Self::Ahead(by) => (by, "ahead of"),
        };
        write!(f, "{} minutes {word} AWS's", by.as_secs().div_ceil(60))
    }
}

/// An answer whose times are those of AWS. Expiry is compared with this machine's clock.
pub(super) trait OnLocalClock: Sized {
    /// The same answer in this machine's time.
    fn on_local_clock(self, skew: Skew) -> Self;
}

impl OnLocalClock for Credentials {
    fn on_local_clock(self, skew: Skew) -> Self {
        match self.expiry() {
            Some(expiry) => self.with_expiry(skew.localize(expiry)),
            None => self,
        }
    }
}

impl OnLocalClock for CallerIdentity {
    fn on_local_clock(self, _: Skew) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::{OnLocalClock, Skew};
    use crate::Credentials;

    #[test]
    fn small_differences_are_ignored() {
        let now = UNIX_EPOCH + Duration::from_secs(100_000);
        assert_eq!(Skew::between(now, now + Duration::from_secs(240)), None);
        let hour = Duration::from_secs(3600);
        assert_eq!(Skew::between(now, now + hour), Some(Skew::Behind(hour)));
        assert_eq!(Skew::between(now, now - hour), Some(Skew::Ahead(hour)));
    }

    #[test]
    fn corrects_both_ways() {
        let hour = Duration::from_secs(3600);
        let (local, server) = (UNIX_EPOCH + hour, UNIX_EPOCH + 2 * hour);
        let skew = Skew::between(local, server).unwrap();
        assert_eq!(skew.correct(local), server);
        let keys = Credentials::new("id", "secret").with_expiry(server).on_local_clock(skew);
        assert_eq!(keys.expiry(), Some(local));
        assert_eq!(skew.to_string(), "60 minutes behind AWS's");
    }
}
