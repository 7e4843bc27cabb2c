//! Answers kept in this process.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use moka::{Expiry, ops::compute::Op, sync::Cache};
use tokio::time::Instant;

use super::{AnswerCache, CacheKey, Kept, NewAnswer};

/// What an entry takes beside its answer, about.
const OVERHEAD: usize = 256;

/// Answers in memory, up to a number of bytes. The least used entries are evicted first.
pub struct MemoryCache(Cache<CacheKey, MemoryEntry>);

#[derive(Clone)]
struct MemoryEntry {
    answer: Bytes,
    asked_at: Option<Instant>,
    kept_at: Instant,
    lifetime: Duration,
}

impl MemoryEntry {
    fn is_over(&self) -> bool {
        self.kept_at.elapsed() >= self.lifetime
    }
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
            let entry = self.0.get(key).filter(|entry| !entry.is_over())?;
            Some(Kept { age: entry.kept_at.elapsed(), answer: entry.answer })
        };
        keys.iter().map(get).collect()
    }

    fn put(&self, key: CacheKey, answer: NewAnswer) {
        let NewAnswer { answer, lifetime, asked_ago } = answer;
        let now = Instant::now();
        let new = MemoryEntry { answer, asked_at: now.checked_sub(asked_ago), kept_at: now, lifetime };
        self.0.entry(key).and_compute_with(|kept| {
            let is_older = |kept: &MemoryEntry| !kept.is_over() && new.asked_at < kept.asked_at;
            if kept.is_some_and(|kept| is_older(kept.value())) { Op::Nop } else { Op::Put(new) }
        });
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
        let answer = |bytes: usize| NewAnswer {
            answer: Bytes::from(vec![b'x'; bytes]),
            lifetime: Duration::from_secs(60),
            asked_ago: Duration::ZERO,
        };
        for number in 0..100 {
            cache.put(key(number), answer(1000));
        }
        cache.0.run_pending_tasks();
        assert!(cache.0.weighted_size() <= 10_000 && cache.0.entry_count() <= 7, "{cache:?}");
        cache.put(key(1000), answer(20_000));
        cache.0.run_pending_tasks();
        assert_eq!(cache.get(&[key(1000)]).await, [None], "larger than all of it");
    }
}
