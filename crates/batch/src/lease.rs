//! Who works on a batch.
//!
//! Owns that one process at a time does, and that another takes over when it dies. On S3 the lease
//! is an object that its holder writes again and again, on the condition that it still has the
//! version of the last time ([`If-Match`](https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html)). It has expired when it
//! stays the same for its lifetime, as seen by the one who wants it: no clocks are compared. A
//! directory serves one process, which needs no more than the number of the generation.

use std::{collections::HashMap, sync::Mutex, sync::PoisonError, time::Duration};

use object_store::{UpdateVersion, path::Path};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{BatchError, store::Store};

/// The lease as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stored {
    /// How often the batch has been taken.
    generation: u64,
    /// Who has it: a number at random.
    holder: u64,
    /// Counts what its holder writes, so that each version differs.
    beat: u64,
    /// For how many seconds it is valid from each version on; 0 if it was given back.
    seconds: u64,
}

/// A lease that this process holds.
#[derive(Debug)]
pub(crate) struct Lease {
    path: Path,
    stored: Stored,
    version: UpdateVersion,
    lifetime: Duration,
    renewed: Instant,
}

/// The leases of other processes that were seen, each with the time since which it is the same.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<HashMap<Path, (UpdateVersion, Instant)>>);

impl Lease {
    /// Takes the lease, if it is free or has expired.
    ///
    /// # Errors
    /// [`BatchError::Leased`] if another process has it.
    pub(crate) async fn take(store: &Store, path: Path, lifetime: Duration, seen: &Seen) -> Result<Self, BatchError> {
        let found = store.read::<Stored>(&path).await?;
        let begun = Instant::now();
        if let Some((stored, version)) = &found
            && store.is_shared()
            && !seen.has_expired(&path, version, Duration::from_secs(stored.seconds), begun)
        {
            return Err(BatchError::Leased);
        }
        let generation = found.as_ref().map_or(0, |(stored, _)| stored.generation) + 1;
        // Rounded up: nobody else takes it before its holder knows that it is over.
        let seconds = lifetime.as_secs() + u64::from(lifetime.subsec_nanos() > 0);
        let stored = Stored { generation, holder: fastrand::u64(..), beat: 0, seconds };
        let version =
            store.write(&path, &stored, found.map(|(_, version)| version)).await.map_err(|error| match error {
                BatchError::LeaseLost => BatchError::Leased,
                error => error,
            })?;
        seen.forget(&path);
        Ok(Self { path, stored, version, lifetime, renewed: begun })
    }

    /// How often the batch has been taken, this time included.
    pub(crate) fn generation(&self) -> u64 {
        self.stored.generation
    }

    /// When it is to be renewed.
    pub(crate) fn due(&self) -> Instant {
        self.renewed + self.lifetime / 3
    }

    /// When another process may take it, unless it is renewed.
    pub(crate) fn end(&self) -> Instant {
        self.renewed + self.lifetime
    }

    /// Says that this process still works on the batch.
    ///
    /// # Errors
    /// [`BatchError::LeaseLost`] if another one does.
    pub(crate) async fn renew(&mut self, store: &Store) -> Result<(), BatchError> {
        let begun = Instant::now();
        if store.is_shared() {
            self.stored.beat += 1;
            self.version = store.write(&self.path, &self.stored, Some(self.version.clone())).await?;
        }
        self.renewed = begun;
        Ok(())
    }

    /// Gives it back, so that another process need not wait.
    pub(crate) async fn give_back(mut self, store: &Store) {
        self.stored.seconds = 0;
        // Otherwise it expires.
        let _ = store.write(&self.path, &self.stored, Some(self.version.clone())).await;
    }
}

impl Seen {
    fn has_expired(&self, path: &Path, version: &UpdateVersion, lifetime: Duration, now: Instant) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, since) = seen.entry(path.clone()).or_insert_with(|| (version.clone(), now));
        if known != version {
            (*known, *since) = (version.clone(), now);
        }
        now.duration_since(*since) >= lifetime
    }

    fn forget(&self, path: &Path) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::UNIX_EPOCH};

    use object_store::memory::InMemory;
    use sagewire_credentials::seam::FixedClock;

    use super::*;

    const LIFETIME: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn another_process_takes_over_when_the_holder_is_silent() {
        let store = Store::shared(Arc::new(InMemory::new()), Arc::new(FixedClock(UNIX_EPOCH)));
        let take = |seen| Lease::take(&store, Path::from("lease.json"), LIFETIME, seen);
        let (here, there) = (Seen::default(), Seen::default());
        let mut first = take(&here).await.unwrap();
        assert_eq!(first.generation(), 1);
        assert!(matches!(take(&there).await, Err(BatchError::Leased)));
        tokio::time::advance(LIFETIME - Duration::from_secs(1)).await;
        first.renew(&store).await.unwrap();
        tokio::time::advance(LIFETIME - Duration::from_secs(1)).await;
        assert!(matches!(take(&there).await, Err(BatchError::Leased)), "it was renewed");
        tokio::time::advance(LIFETIME).await;
        let second = take(&there).await.unwrap();
        assert_eq!(second.generation(), 2);
        assert!(matches!(first.renew(&store).await, Err(BatchError::LeaseLost)));
        first.give_back(&store).await;
        assert!(matches!(take(&here).await, Err(BatchError::Leased)), "what was lost cannot be given back");
        second.give_back(&store).await;
        assert_eq!(take(&here).await.unwrap().generation(), 3, "what was given back is free at once");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_of_a_fraction_of_a_second_is_held_for_all_of_it() {
        let store = Store::shared(Arc::new(InMemory::new()), Arc::new(FixedClock(UNIX_EPOCH)));
        for lifetime in [Duration::from_millis(500), Duration::from_millis(1900)] {
            let path = Path::from(format!("{}.json", lifetime.as_millis()));
            let (here, there) = (Seen::default(), Seen::default());
            let first = Lease::take(&store, path.clone(), lifetime, &here).await.unwrap();
            loop {
                match Lease::take(&store, path.clone(), lifetime, &there).await {
                    Err(BatchError::Leased) => tokio::time::advance(Duration::from_millis(100)).await,
                    taken => break drop(taken.unwrap()),
                }
            }
            assert!(Instant::now() >= first.end(), "another process took it while its holder relied on it");
        }
    }

    #[tokio::test]
    async fn in_a_directory_each_taking_is_a_generation() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::directory(folder.path(), Arc::new(FixedClock(UNIX_EPOCH))).unwrap();
        for generation in 1..4 {
            let mut lease = Lease::take(&store, Path::from("a/lease.json"), LIFETIME, &Seen::default()).await.unwrap();
            lease.renew(&store).await.unwrap();
            assert_eq!(lease.generation(), generation);
        }
    }
}
