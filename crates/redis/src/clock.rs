//! The server's time, as far as it is known here.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// What the server's clock showed at some time of ours.
#[derive(Debug, Default)]
pub(crate) struct ServerClock(Mutex<Option<(Instant, u64)>>);

impl ServerClock {
    /// The server's clock shows this now, in milliseconds since 1970.
    pub(crate) fn shows(&self, millis: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), millis));
    }

    /// What it shows at a time of ours, in milliseconds since 1970; `None` before the server has
    /// ever answered.
    pub(crate) fn at(&self, time: Instant) -> Option<u64> {
        let (then, shown) = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some(match time.checked_duration_since(then) {
            Some(since) => shown.saturating_add(millis(since)),
            None => shown.saturating_sub(millis(then.duration_since(time))),
        })
    }

    /// What it shows now.
    pub(crate) fn now(&self) -> Option<u64> {
        self.at(Instant::now())
    }
}

/// A length of time in whole milliseconds.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_servers_time_goes_on_with_ours() {
        let clock = ServerClock::default();
        let start = Instant::now();
        assert_eq!(clock.now(), None);
        tokio::time::advance(Duration::from_secs(1)).await;
        clock.shows(50_000);
        tokio::time::advance(Duration::from_millis(1500)).await;
        assert_eq!((clock.at(start), clock.now()), (Some(49_000), Some(51_500)));
    }
}
