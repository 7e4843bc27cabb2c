//! Answers that replicas share.
//!
//! Owns how an answer is written: when it was kept and for how long, each as eight bytes in
//! milliseconds by the server's clock, then the answer as it is. The server drops it when its time
//! is over.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use redis::Cmd;
use sagewire_router::cache::{AnswerCache, CacheKey, Kept};
use tokio::task::JoinSet;

use crate::{
    Redis,
    clock::millis,
    keys,
    redis::{Away, WRITE_LIMIT},
};

/// The bytes before an answer.
const HEAD: usize = 16;

/// So many writes may be under way. Answers beyond them are not kept.
const MOST_WRITES: usize = 256;

/// The longest that an answer is kept: Redis counts in milliseconds, and not in all that there are.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Answers in Redis. While Redis is away nothing is found and nothing is kept.
#[derive(Debug)]
pub struct RedisCache {
    redis: Arc<Redis>,
    writes: Mutex<JoinSet<()>>,
}

impl RedisCache {
    /// A cache over this server or cluster.
    #[must_use]
    pub fn new(redis: &Arc<Redis>) -> Self {
        Self { redis: Arc::clone(redis), writes: Mutex::default() }
    }

    fn name(&self, key: &CacheKey) -> String {
        keys::answer(&self.redis.settings().namespace, &key.to_string())
    }

    fn read(&self, value: bytes::Bytes) -> Option<Kept> {
        let (kept_at, rest) = value.split_first_chunk::<8>()?;
        let (lifetime, _) = rest.split_first_chunk::<8>()?;
        let age = Duration::from_millis(self.redis.clock.now()?.saturating_sub(u64::from_le_bytes(*kept_at)));
        let lifetime = Duration::from_millis(u64::from_le_bytes(*lifetime));
        (age < lifetime).then(|| Kept { answer: value.slice(HEAD..), age })
    }

    /// Waits until everything is written.
    #[cfg(feature = "testing")]
    pub async fn settle(&self) {
        let writes = std::mem::take(&mut *self.writes.lock().unwrap_or_else(PoisonError::into_inner));
        writes.join_all().await;
    }
}

#[async_trait]
impl AnswerCache for RedisCache {
    async fn get(&self, keys: &[CacheKey]) -> Vec<Option<Kept>> {
        let limit = self.redis.settings().time_limit;
        if keys.is_empty() || self.redis.ready(limit).await.is_err() {
            return vec![None; keys.len()];
        }
        let names: Vec<String> = keys.iter().map(|key| self.name(key)).collect();
        let values: Vec<Option<bytes::Bytes>> = self.redis.send(Cmd::mget(names), limit).await.unwrap_or_default();
        let mut kept: Vec<_> = values.into_iter().map(|value| self.read(value?)).collect();
        kept.resize(keys.len(), None);
        kept
    }

    fn put(&self, key: CacheKey, answer: bytes::Bytes, lifetime: Duration) {
        let (redis, name) = (Arc::clone(&self.redis), self.name(&key));
        let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        while writes.try_join_next().is_some() {}
        if writes.len() < MOST_WRITES {
            // That an answer cannot be kept is no failure of its call; the circuit tells of it.
            writes.spawn(async move {
                let _ = write(&redis, &name, &answer, lifetime).await;
            });
        }
    }
}

async fn write(redis: &Arc<Redis>, name: &str, answer: &[u8], lifetime: Duration) -> Result<(), Away> {
    redis.ready(WRITE_LIMIT).await?;
    let now = redis.clock.now().ok_or(Away { was_asked: false })?;
    let lifetime = millis(lifetime.min(LONGEST)).max(1);
    let value = [&now.to_le_bytes(), &lifetime.to_le_bytes(), answer].concat();
    redis.send(Cmd::pset_ex(name, value, lifetime), WRITE_LIMIT).await
}
