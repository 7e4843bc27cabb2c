//! Answers kept in this process.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use moka::{Expiry, sync::Cache};
use tokio::time::Instant;

use super::{AnswerCache, CacheKey, Kept};

/// What an entry takes beside its answer, about.
const OVERHEAD: usize = 256;

/// Answers in memory, up to a number of bytes. The least used entries are evicted first.
pub struct MemoryCache(Cache<CacheKey, MemoryEntry>);

#[derive(Clone)]
struct MemoryEntry {
    answer: Bytes,
    kept_at: Instant,
    lifetime: Duration,
}

/// Frees the memory of an answer whose time is over.
struct Lifetimes;

impl Expiry<CacheKey, MemoryEntry> for Lifetimes {
    fn expire_after_create(&self, _: &CacheKey, entry: &MemoryEntry, _: std::time::Instant) -> Option<Duration> {
        Some(entry.lifetime)
    }

    fn expire_after_update(
        &self,
        _: &CacheKey,
        entry: &MemoryEntry,
        _: std::time::Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.lifetime)
    }
}

impl MemoryCache {
    /// A cache of at most this many bytes, what its entries take beside the answers included.
    #[must_use]
    pub fn new(max_bytes: u64) -> Self {
        let weight =
            |_: &CacheKey, entry: &MemoryEntry| u32::try_from(entry.answer.len() + OVERHEAD).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(max_bytes).weigher(weight).expire_after(Lifetimes).build())
    }
}

#[async_trait]
impl AnswerCache for MemoryCache {
    async fn get(&self, keys: &[CacheKey]) -> Vec<Option<Kept>> {
        let get = |key| {
            let MemoryEntry { answer, kept_at, lifetime } = self.0.get(key)?;
            let age = kept_at.elapsed();
            (age < lifetime).then_some(Kept { answer, age })
        };
        keys.iter().map(get).collect()
    }

    fn put(&self, key: CacheKey, answer: Bytes, lifetime: Duration) {
        self.0.insert(key, MemoryEntry { answer, kept_at: Instant::now(), lifetime });
    }
}

impl fmt::Debug for MemoryCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCache").field("entries", &self.0.entry_count()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_that_do_not_fit_are_dropped() {
        let cache = MemoryCache::new(10_000);
        let key = |number: u32| CacheKey::of(&[&number.to_le_bytes()]);
        for number in 0..100 {
            cache.put(key(number), Bytes::from(vec![b'x'; 1000]), Duration::from_secs(60));
        }
        cache.0.run_pending_tasks();
        assert!(cache.0.weighted_size() <= 10_000 && cache.0.entry_count() <= 7, "{cache:?}");
        cache.put(key(1000), Bytes::from(vec![b'x'; 20_000]), Duration::from_secs(60));
        cache.0.run_pending_tasks();
        assert_eq!(cache.get(&[key(1000)]).await, [None], "larger than all of it");
    }
}
