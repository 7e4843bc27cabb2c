//! The provider that asks a cache first.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use sagewire_types::{Answer, Call, CallContext, ChatResponse, Error, Provider, Reply, ReplyMeta};
use tokio::time::Instant;

use super::{
    AnswerCache, AsWritten, CacheKey, CacheTerms, Found, Kept, embeddings,
    recording::{Place, as_written, replayed, replayed_pieces},
};

/// What the layout of kept answers is called. Those of another layout are not found.
const VERSION: &[u8] = b"2";

/// A provider whose answers are kept: chats and completions, each as it was asked for, whole or
/// streamed, and embeddings text by text. Calls whose context has no [`CacheTerms`], and routes of
/// the containers' own, are passed on.
///
/// An answer is kept if it is whole, was not cut by a limit or a filter, and came from the model
/// that was asked for.
pub struct Caching {
    pub(super) inner: Arc<dyn Provider>,
    pub(super) cache: Arc<dyn AnswerCache>,
    writer: Option<ChatWriter>,
}

/// Writes a whole chat as callers of a model with this name get it; `None` if that depends on more
/// than the answer.
pub type ChatWriter = fn(&ChatResponse, &str) -> Option<Vec<u8>>;

impl Caching {
    /// This provider behind a cache.
    #[must_use]
    pub fn new(inner: Arc<dyn Provider>, cache: Arc<dyn AnswerCache>) -> Self {
        Self { inner, cache, writer: None }
    }

    /// Keeps whole chats as this writes them, so that they can be passed on without being read
    /// ([`AsWritten`]).
    #[must_use]
    pub fn with_writer(mut self, writer: ChatWriter) -> Self {
        self.writer = Some(writer);
        self
    }

    async fn find(&self, key: CacheKey, terms: &CacheTerms) -> Option<Kept> {
        if !terms.looks {
            return None;
        }
        let kept = self.cache.get(&[key]).await.into_iter().next().flatten()?;
        kept.is_fresh(terms).then_some(kept)
    }
}

impl Kept {
    pub(super) fn is_fresh(&self, terms: &CacheTerms) -> bool {
        terms.max_age.is_none_or(|most| self.age <= most)
    }
}

#[async_trait]
impl Provider for Caching {
    async fn call(&self, call: Call, context: &CallContext) -> Result<Answer, Error> {
        let Some(terms) = context.get::<CacheTerms>() else { return self.inner.call(call, context).await };
        if let Call::Embed(request) = call {
            return embeddings::answer(self, *request, context, terms).await.map(Answer::Embed);
        }
        let Some(key) = key_of(&call, terms) else { return self.inner.call(call, context).await };
        if let Some(kept) = self.find(key, terms).await {
            if let Some(mut answer) = replay(&call, &kept, context.get()) {
                Found::Hit.note(answer.meta_mut(), Some(key), Some(kept.age));
                return Ok(answer);
            }
        }
        let writer = match &call {
            Call::Chat(request) if terms.keeps => self.writer.map(|writer| (writer, request.model.clone())),
            _ => None,
        };
        let asked_at = Instant::now();
        let mut answer = self.inner.call(call, context).await?;
        Found::Miss.note(answer.meta_mut(), Some(key), None);
        if !terms.keeps {
            return Ok(answer);
        }
        let place = Place { cache: Arc::clone(&self.cache), key, lifetime: terms.lifetime, asked_at };
        Ok(match answer {
            Answer::ChatStream(pieces) => Answer::ChatStream(place.record(pieces)),
            Answer::CompleteStream(pieces) => Answer::CompleteStream(place.record(pieces)),
            whole => {
                match &whole {
                    Answer::Chat(Reply { value, meta }) => {
                        place.keep(value, meta, |value| writer.and_then(|(writer, model)| writer(value, &model)));
                    }
                    Answer::Complete(Reply { value, meta }) => place.keep(value, meta, |_| None),
                    _ => {}
                }
                whole
            }
        })
    }
}

/// What the answer to this call is kept under; `None` if it is not kept.
fn key_of(call: &Call, terms: &CacheTerms) -> Option<CacheKey> {
    let request = match call {
        Call::Chat(request) | Call::ChatStream(request) => serde_json::to_vec(request),
        Call::Complete(request) | Call::CompleteStream(request) => serde_json::to_vec(request),
        _ => return None,
    };
    Some(key(terms, call.operation(), &[&request.ok()?]))
}

/// The key of an operation's request.
pub(super) fn key(terms: &CacheTerms, operation: &str, request: &[&[u8]]) -> CacheKey {
    let parts: Vec<&[u8]> =
        [VERSION, &terms.scope, operation.as_bytes()].into_iter().chain(request.iter().copied()).collect();
    CacheKey::of(&parts)
}

/// The kept answer to this call; `None` if it cannot be read. It goes into the `room` in place of
/// the answer if it is in that form.
fn replay(call: &Call, kept: &Kept, room: Option<&AsWritten>) -> Option<Answer> {
    let (json, meta) = (&kept.answer, ReplyMeta::default());
    Some(match call {
        Call::Chat(_)
            if let Some(room) = room
                && let Some(written) = as_written(json) =>
        {
            room.fill(written);
            Answer::Chat(Reply { value: ChatResponse::default(), meta })
        }
        Call::Chat(_) => Answer::Chat(Reply { value: replayed(json)?, meta }),
        Call::Complete(_) => Answer::Complete(Reply { value: replayed(json)?, meta }),
        Call::ChatStream(_) => Answer::ChatStream(replayed_pieces(json, meta)?),
        Call::CompleteStream(_) => Answer::CompleteStream(replayed_pieces(json, meta)?),
        _ => return None,
    })
}

impl fmt::Debug for Caching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caching").field("cache", &self.cache).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
