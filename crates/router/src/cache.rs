//! Answers that are kept, for requests that are asked again word for word.
//!
//! Owns the trait that several replicas can share an implementation of, and what a kept answer is
//! found by. [`MemoryCache`] keeps answers in this process; [`Caching`] is the provider that asks a
//! cache before it asks another provider.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use sagewire_types::{Extension, ReplyMeta};
use sha2::{Digest, Sha256};

pub use caching::{Caching, ChatWriter};
pub use memory::MemoryCache;

use crate::decision;

mod caching;
mod embeddings;
mod memory;
mod recording;

/// Keeps answers by their keys. What is kept may be dropped at any time.
#[async_trait]
pub trait AnswerCache: fmt::Debug + Send + Sync {
    /// What is kept under each of these keys, in their order. A store that does not answer in time
    /// has nothing.
    async fn get(&self, keys: &[CacheKey]) -> Vec<Option<Kept>>;

    /// Keeps an answer, unless one is kept whose request was sent later. It is called where an
    /// answer ends, so it must not block and cannot fail.
    fn put(&self, key: CacheKey, answer: NewAnswer);
}

/// An answer that is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAnswer {
    /// The answer.
    pub answer: Bytes,
    /// How long it is kept.
    pub lifetime: Duration,
    /// How long ago its request was sent: an answer that took long must not replace the one to a
    /// request that was sent after its own.
    pub asked_ago: Duration,
}

/// A kept answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The answer, as it was given to [`put`](AnswerCache::put).
    pub answer: Bytes,
    /// How long ago that was.
    pub age: Duration,
}

/// What an answer is kept under: a digest of everything that decides it. It is shown as 64
/// hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CacheKey([u8; 32]);

impl CacheKey {
    /// The key of these parts, in their order.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            // With its length no part can pass for a piece of another one.
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        Self(digest.finalize().into())
    }
}

impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        // Each answer of a cache shows it: one text is cheaper than 32.
        let text: String = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
        f.write_str(&text)
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CacheKey({self})")
    }
}

/// What [`Caching`] does with a call, as an extension of its
/// [`CallContext`](sagewire_types::CallContext). A call without it is neither looked for nor kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheTerms {
    /// Who shares answers: calls of another scope do not find them. It also holds what decides an
    /// answer and is not in the request, such as the configuration of the model.
    pub scope: Bytes,
    /// Whether kept answers are looked for.
    pub looks: bool,
    /// Whether the answer is kept.
    pub keeps: bool,
    /// How long it is kept.
    pub lifetime: Duration,
    /// The age beyond which a kept answer is not wanted.
    pub max_age: Option<Duration>,
}

impl Extension for CacheTerms {}

impl CacheTerms {
    /// Looks for answers, and keeps them for so long.
    #[must_use]
    pub fn new(scope: impl Into<Bytes>, lifetime: Duration) -> Self {
        Self { scope: scope.into(), looks: true, keeps: true, lifetime, max_age: None }
    }
}

/// Room for a kept whole chat as it was written for callers ([`Caching::with_writer`]), as an
/// extension of a [`CallContext`](sagewire_types::CallContext): to pass such an answer on, nobody needs to read it. If the room is
/// filled, the answer of the call is empty.
#[derive(Clone, Debug, Default)]
pub struct AsWritten(Arc<OnceLock<Bytes>>);

impl Extension for AsWritten {}

impl AsWritten {
    /// The answer, if one was kept in this form.
    #[must_use]
    pub fn get(&self) -> Option<Bytes> {
        self.0.get().cloned()
    }

    /// Fills the room. It is empty before, as a context is one call's.
    fn fill(&self, json: Bytes) {
        let _ = self.0.set(json);
    }
}

/// How much of an answer was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// All of it: no model was asked.
    Hit,
    /// Some of the texts of a list to embed.
    Partial,
    /// Nothing.
    Miss,
}

impl Found {
    /// What an answer says about itself. `None` if no cache was asked.
    #[must_use]
    pub fn of(meta: &ReplyMeta) -> Option<Self> {
        let found = meta.decisions.iter().find(|(name, _)| *name == decision::CACHE)?;
        [Self::Hit, Self::Partial, Self::Miss].into_iter().find(|known| known.as_str() == found.1)
    }

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Partial => "partial",
            Self::Miss => "miss",
        }
    }

    /// Writes it into an answer, with the key and the age of what was found.
    fn note(self, meta: &mut ReplyMeta, key: Option<CacheKey>, age: Option<Duration>) {
        meta.decisions.push((decision::CACHE, self.as_str().to_owned()));
        meta.decisions.extend(key.map(|key| (decision::CACHE_KEY, key.to_string())));
        meta.decisions.extend(age.map(|age| (decision::CACHE_AGE, age.as_secs().to_string())));
    }
}
