//! An answer that comes piece by piece.
//!
//! Owns the promise: after an error nothing follows, and dropping the stream ends the call.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use futures_util::{StreamExt, stream::BoxStream};

use crate::{ChatChunk, ChatResponse, ChunkCollector, CompletionResponse, Error, Reply, ReplyMeta};

/// A chat answer in chunks.
pub type ChatStream = ReplyStream<ChatChunk>;

/// A completion in chunks, each of a whole completion's shape.
pub type CompletionStream = ReplyStream<CompletionResponse>;

/// Pieces of an answer, and how it came.
///
/// Ends after the last piece of a whole answer, or after one error: then what came before is not
/// whole. Dropping it closes the connection to the model.
pub struct ReplyStream<T> {
    /// What was known when the answer began.
    pub meta: ReplyMeta,
    pieces: Option<BoxStream<'static, Result<T, Error>>>,
    watchers: Vec<Watcher<T>>,
}

/// Sees each item of a stream; it is dropped with the stream's source.
type Watcher<T> = Box<dyn FnMut(&Result<T, Error>) + Send>;

impl<T> ReplyStream<T> {
    /// A stream over these pieces. It ends them after the first error.
    #[must_use]
    pub fn new(meta: ReplyMeta, pieces: impl Stream<Item = Result<T, Error>> + Send + 'static) -> Self {
        Self { meta, pieces: Some(Box::pin(pieces)), watchers: Vec::new() }
    }

    /// Has a watcher see each item, after those that are there already.
    pub(crate) fn watch(&mut self, watcher: Watcher<T>) {
        if self.pieces.is_some() {
            self.watchers.push(watcher);
        }
    }
}

impl ChatStream {
    /// Reads to the end and folds the chunks into the whole answer.
    ///
    /// # Errors
    /// The error that ended the stream.
    pub async fn collect_reply(mut self) -> Result<Reply<ChatResponse>, Error> {
        let mut collector = ChunkCollector::new();
        while let Some(chunk) = self.next().await {
            collector.push(chunk?);
        }
        Ok(Reply { value: collector.finish(), meta: self.meta })
    }
}

impl<T> Stream for ReplyStream<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(pieces) = &mut self.pieces else { return Poll::Ready(None) };
        let next = std::task::ready!(pieces.as_mut().poll_next(cx));
        if let Some(item) = &next {
            self.watchers.iter_mut().for_each(|watcher| watcher(item));
        }
        if !matches!(next, Some(Ok(_))) {
            self.pieces = None;
            self.watchers.clear();
        }
        Poll::Ready(next)
    }
}

impl<T> fmt::Debug for ReplyStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyStream").field("meta", &self.meta).field("ended", &self.pieces.is_none()).finish()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, stream};

    use super::*;
    use crate::{ChunkChoice, ErrorKind};

    fn chunk(text: &str) -> ChatChunk {
        ChatChunk::new("id".into(), "m".into(), 0, vec![ChunkChoice::text(text)])
    }

    #[test]
    fn nothing_follows_an_error_and_the_source_is_dropped_with_it() {
        let alive = std::sync::Arc::new(());
        let source = std::sync::Arc::downgrade(&alive);
        let pieces = stream::iter([Ok(chunk("a")), Err(Error::new(ErrorKind::StreamBroken, "x")), Ok(chunk("b"))]);
        let mut stream = ReplyStream::new(
            ReplyMeta::default(),
            pieces.inspect(move |_| {
                let _ = &alive;
            }),
        );
        assert!(stream.next().now_or_never().unwrap().unwrap().is_ok());
        assert!(source.upgrade().is_some());
        assert!(stream.next().now_or_never().unwrap().unwrap().is_err());
        assert!(source.upgrade().is_none());
        assert!(stream.next().now_or_never().unwrap().is_none());
    }

    #[test]
    fn collecting_gives_the_whole_answer_or_the_error() {
        let whole = ReplyStream::new(ReplyMeta::default(), stream::iter([Ok(chunk("a")), Ok(chunk("b"))]));
        assert_eq!(whole.collect_reply().now_or_never().unwrap().unwrap().value.content(), "ab");
        let broken = ReplyStream::new(
            ReplyMeta::default(),
            stream::iter([Ok(chunk("a")), Err(Error::new(ErrorKind::StreamBroken, "cut"))]),
        );
        assert_eq!(broken.collect_reply().now_or_never().unwrap().unwrap_err().kind(), ErrorKind::StreamBroken);
    }
}
