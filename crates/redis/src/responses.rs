//! Stored responses in Redis.
//!
//! Each is one key with an end. The key's name is made of the owner and the id, so that nobody else
//! finds it and Redis shows neither.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use async_trait::async_trait;
use redis::Script;
use sagewire_router::{SharedResponses, StoreError};
use serde::{Deserialize, Serialize};

use crate::{
    Redis,
    clock::millis,
    keys::Keys,
    redis::{Away, WRITE_LIMIT},
};

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("responses.lua")));

/// Responses that all replicas of a proxy store in this Redis: one round trip for each that is
/// stored, read or deleted.
#[derive(Debug)]
pub struct RedisResponses(Arc<Redis>);

#[derive(Debug, thiserror::Error)]
#[error("Redis does not answer")]
struct NoAnswer;

#[derive(Debug, Default, Serialize)]
struct ResponsesQuestion<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    put: Option<&'a str>,
    lifetime: u64,
    remove: bool,
}

#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    removed: bool,
}

impl RedisResponses {
    /// The responses that this Redis holds.
    #[must_use]
    pub fn new(redis: &Arc<Redis>) -> Self {
        Self(Arc::clone(redis))
    }

    async fn ask(
        &self,
        owner: &str,
        id: &str,
        question: ResponsesQuestion<'_>,
        limit: Duration,
    ) -> Result<Answer, StoreError> {
        let away = |_: Away| StoreError::from(NoAnswer);
        self.0.ready(limit).await.map_err(away)?;
        let key = Keys::new(&self.0.settings().namespace, "response", &format!("{owner}\0{id}")).of("text");
        self.0.ask(&SCRIPT, &[key], &question, limit).await.map_err(away)
    }
}

#[async_trait]
impl SharedResponses for RedisResponses {
    async fn get(&self, owner: &str, id: &str) -> Result<Option<String>, StoreError> {
        let limit = self.0.settings().time_limit;
        Ok(self.ask(owner, id, ResponsesQuestion::default(), limit).await?.text)
    }

    async fn put(&self, owner: &str, id: &str, text: &str, lifetime: Duration) -> Result<(), StoreError> {
        let question = ResponsesQuestion { put: Some(text), lifetime: millis(lifetime).max(1), remove: false };
        self.ask(owner, id, question, WRITE_LIMIT).await.map(drop)
    }

    async fn remove(&self, owner: &str, id: &str) -> Result<bool, StoreError> {
        let question = ResponsesQuestion { remove: true, ..ResponsesQuestion::default() };
        Ok(self.ask(owner, id, question, WRITE_LIMIT).await?.removed)
    }
}
