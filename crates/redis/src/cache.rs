//! Answers that replicas share.
//!
//! Owns how an answer is written: when its request was sent, when it was kept and for how long, each
//! as sixteen digits in milliseconds by the server's clock, then the answer as it is. The server
//! drops it when its time is over.

use std::{
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use redis::{Cmd, Script};
use sagewire_router::cache::{AnswerCache, CacheKey, Kept, NewAnswer};
use tokio::task::JoinSet;

use crate::{
    Redis,
    clock::millis,
    keys,
    redis::{Away, WRITE_LIMIT},
};

/// How many digits a time has.
const DIGITS: usize = 16;

/// The bytes before an answer.
const HEAD: usize = 3 * DIGITS;

/// Keeps an answer unless a newer one is kept.
static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("cache.lua")));

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
        let mut times = value.get(..HEAD)?.chunks_exact(DIGITS).skip(1);
        let mut time = || std::str::from_utf8(times.next()?).ok()?.parse::<u64>().ok();
        let (kept_at, lifetime) = (time()?, time()?);
        let age = Duration::from_millis(self.redis.clock.now()?.saturating_sub(kept_at));
        (age < Duration::from_millis(lifetime)).then(|| Kept { answer: value.slice(HEAD..), age })
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

    fn put(&self, key: CacheKey, answer: NewAnswer) {
        let (redis, name) = (Arc::clone(&self.redis), self.name(&key));
        let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        while writes.try_join_next().is_some() {}
        if writes.len() < MOST_WRITES {
            // That an answer cannot be kept is no failure of its call; the circuit tells of it.
            writes.spawn(async move {
                let _ = write(&redis, &name, &answer).await;
            });
        }
    }
}

async fn write(redis: &Arc<Redis>, name: &str, answer: &NewAnswer) -> Result<(), Away> {
    redis.ready(WRITE_LIMIT).await?;
    let now = redis.clock.now().ok_or(Away { was_asked: false })?;
    let asked_at = now.saturating_sub(millis(answer.asked_ago));
    let lifetime = millis(answer.lifetime.min(LONGEST)).max(1);
    let mut value = format!("{asked_at:0DIGITS$}{now:0DIGITS$}{lifetime:0DIGITS$}").into_bytes();
    value.extend_from_slice(&answer.answer);
    let mut asked = SCRIPT.prepare_invoke();
    asked.key(name).arg(value).arg(lifetime);
    redis.run(asked, WRITE_LIMIT).await
}
