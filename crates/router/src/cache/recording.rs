//! What is kept of an answer, and when: only what is whole.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use sagewire_types::{ChatChunk, ChatResponse, CompletionResponse, Error, FinishReason, ReplyMeta, ReplyStream};
use serde::{
    Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use tokio::time::Instant;

use super::{AnswerCache, CacheKey, NewAnswer};
use crate::decision;

/// The largest answer that is kept, in bytes of its JSON.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// An answer, or a piece of one, that can be kept.
pub(super) trait Keepable: Serialize + DeserializeOwned + Send + 'static {
    /// Why each choice ended that has ended.
    fn endings(&self) -> impl Iterator<Item = &FinishReason>;

    /// Whether no choice was cut or filtered.
    fn is_uncut(&self) -> bool {
        self.endings()
            .all(|reason| matches!(reason, FinishReason::Stop | FinishReason::ToolCalls | FinishReason::FunctionCall))
    }
}

impl Keepable for ChatResponse {
    fn endings(&self) -> impl Iterator<Item = &FinishReason> {
        self.choices.iter().filter_map(|choice| choice.finish_reason.as_ref())
    }
}

impl Keepable for ChatChunk {
    fn endings(&self) -> impl Iterator<Item = &FinishReason> {
        self.choices.iter().filter_map(|choice| choice.finish_reason.as_ref())
    }
}

impl Keepable for CompletionResponse {
    fn endings(&self) -> impl Iterator<Item = &FinishReason> {
        self.choices.iter().filter_map(|choice| choice.finish_reason.as_ref())
    }
}

/// Where an answer is kept.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) cache: Arc<dyn AnswerCache>,
    pub(super) key: CacheKey,
    pub(super) lifetime: Duration,
    /// When its request was sent.
    pub(super) asked_at: Instant,
}

impl Place {
    fn put(&self, json: Vec<u8>) {
        if json.len() <= MAX_ANSWER {
            let asked_ago = self.asked_at.elapsed();
            self.cache.put(self.key, NewAnswer { answer: json.into(), lifetime: self.lifetime, asked_ago });
        }
    }

    /// Keeps a whole answer, as it is written for its callers if `write` does that.
    pub(super) fn keep<T: Keepable>(&self, answer: &T, meta: &ReplyMeta, write: impl FnOnce(&T) -> Option<Vec<u8>>) {
        if answer.is_uncut() && is_of_its_model(meta) {
            let written = write(answer).map(|mut json| {
                json.insert(0, AS_WRITTEN);
                json
            });
            if let Some(json) = written.or_else(|| serde_json::to_vec(answer).ok()) {
                self.put(json);
            }
        }
    }

    /// The same stream, which is kept once it has ended well.
    pub(super) fn record<T: Keepable + Unpin>(self, mut pieces: ReplyStream<T>) -> ReplyStream<T> {
        if !is_of_its_model(&pieces.meta) {
            return pieces;
        }
        let meta = std::mem::take(&mut pieces.meta);
        ReplyStream::new(meta, Recording { pieces, json: Some(b"[".to_vec()), place: self })
    }
}

/// An answer of a fallback is not the model's own, which may be well again the next time.
fn is_of_its_model(meta: &ReplyMeta) -> bool {
    !meta.decisions.iter().any(|(name, _)| [decision::FALLBACK, decision::CONTEXT_WINDOW_FALLBACK].contains(name))
}

/// What comes before an answer that is kept as it was written for its callers. To who reads it as
/// JSON it is nothing.
const AS_WRITTEN: u8 = b' ';

/// An answer that was written for its callers; `None` if it is of another form or not whole.
pub(super) fn as_written(kept: &Bytes) -> Option<Bytes> {
    if kept.first() != Some(&AS_WRITTEN) || serde_json::from_slice::<IgnoredAny>(kept).is_err() {
        return None;
    }
    Some(kept.slice(1..))
}

/// A kept answer that is read.
pub(super) fn replayed<T: Keepable>(json: &Bytes) -> Option<T> {
    serde_json::from_slice(json).ok()
}

/// The pieces of a kept stream.
pub(super) fn replayed_pieces<T: Keepable>(json: &Bytes, meta: ReplyMeta) -> Option<ReplyStream<T>> {
    let pieces: Vec<T> = serde_json::from_slice(json).ok()?;
    Some(ReplyStream::new(meta, stream::iter(pieces).map(Ok)))
}

/// A stream that is being kept.
struct Recording<T> {
    pieces: ReplyStream<T>,
    /// The pieces so far, as a JSON list without its end; `None` once it is clear that they will
    /// not be kept.
    json: Option<Vec<u8>>,
    place: Place,
}

impl<T: Keepable> Recording<T> {
    fn add(&mut self, piece: &T) {
        let Some(json) = self.json.as_mut().filter(|json| json.len() <= MAX_ANSWER && piece.is_uncut()) else {
            self.json = None;
            return;
        };
        if json.len() > 1 {
            json.push(b',');
        }
        if serde_json::to_writer(json, piece).is_err() {
            self.json = None;
        }
    }
}

impl<T: Keepable + Unpin> Stream for Recording<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.pieces.poll_next_unpin(cx));
        match &next {
            Some(Ok(piece)) => self.add(piece),
            Some(Err(_)) => self.json = None,
            None => {
                if let Some(mut json) = self.json.take() {
                    json.push(b']');
                    self.place.put(json);
                }
            }
        }
        Poll::Ready(next)
    }
}
