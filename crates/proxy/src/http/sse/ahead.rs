//! A body that a task of its own reads ahead.
//!
//! Owns the hand-over of what goes out. A token that comes wakes its reader: the connection with
//! all that belongs to it, or, as here, a small task that wakes the connection only once there is
//! something to write.

use std::{
    convert::Infallible,
    fmt,
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_channel::mpsc;
use futures_core::Stream;
use http_body::{Body, Frame};
use tokio::task::AbortHandle;
use tracing::Instrument as _;

/// What a body gives, read ahead by one piece. Dropping it drops the body.
pub(crate) struct Ahead {
    pieces: mpsc::Receiver<AheadPiece>,
    task: AbortHandle,
    /// Makes the event that says that the task is gone.
    lost: Option<Box<dyn FnOnce() -> Bytes + Send>>,
    ended: bool,
}

/// What the task hands over. Only the end that it says is one.
enum AheadPiece {
    More(Bytes),
    /// The last bytes, or none.
    Last(Option<Bytes>),
}

impl Ahead {
    /// Begins to read this body, on the runtime that calls. `lost` makes the event for a reading
    /// task that is gone without an end.
    pub(crate) fn new(
        body: impl Body<Data = Bytes, Error = Infallible> + Send + 'static,
        lost: impl FnOnce() -> Bytes + Send + 'static,
    ) -> Self {
        let (mut sender, pieces) = mpsc::channel(0);
        let reading = async move {
            let mut body = pin!(body);
            while let Some(Ok(frame)) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
                let Ok(bytes) = frame.into_data() else { continue };
                let is_last = body.is_end_stream();
                let piece = if is_last { AheadPiece::Last(Some(bytes)) } else { AheadPiece::More(bytes) };
                // Waits for the piece before to be taken: a slow reader holds its model back.
                if poll_fn(|cx| sender.poll_ready(cx)).await.is_err() || sender.start_send(piece).is_err() || is_last {
                    return;
                }
            }
            if poll_fn(|cx| sender.poll_ready(cx)).await.is_ok() {
                // Who no longer listens needs no end.
                let _ = sender.start_send(AheadPiece::Last(None));
            }
        };
        // What the stream logs has the id of its request.
        let task = tokio::spawn(reading.in_current_span());
        Self { pieces, task: task.abort_handle(), lost: Some(Box::new(lost)), ended: false }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Ahead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ahead").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl Body for Ahead {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let piece = ready!(Pin::new(&mut self.pieces).poll_next(cx));
        self.ended = !matches!(piece, Some(AheadPiece::More(_)));
        let bytes = match piece {
            Some(AheadPiece::More(bytes)) => Some(bytes),
            Some(AheadPiece::Last(bytes)) => bytes,
            // The task is gone without a word, as after a panic: that is no end of an answer.
            None => self.lost.take().map(|lost| lost()),
        };
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use futures_util::{FutureExt as _, StreamExt as _, stream};
    use http_body_util::{BodyExt, StreamBody};

    use super::*;

    fn numbers(count: usize, given: &Arc<AtomicUsize>) -> impl Body<Data = Bytes, Error = Infallible> + Send + 'static {
        let given = Arc::clone(given);
        StreamBody::new(stream::iter(0..count).map(move |number| {
            given.fetch_add(1, Ordering::Relaxed);
            Ok(Frame::data(Bytes::from(number.to_string())))
        }))
    }

    #[tokio::test]
    async fn every_piece_comes_in_order_and_then_the_end() {
        let mut ahead = Ahead::new(numbers(20, &Arc::default()), Bytes::new);
        for number in 0..20 {
            let frame = ahead.frame().await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), number.to_string());
        }
        assert!(ahead.frame().await.is_none() && ahead.is_end_stream());
    }

    #[tokio::test]
    async fn a_body_that_panics_ends_with_an_error_and_not_as_if_it_were_whole() {
        let pieces = stream::iter(0..3).map(|number| {
            assert!(number < 2, "told to");
            Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"piece")))
        });
        let mut ahead = Ahead::new(StreamBody::new(pieces), || Bytes::from_static(b"broke off"));
        let mut all = Vec::new();
        while let Some(frame) = ahead.frame().await {
            all.push(frame.unwrap().into_data().unwrap());
        }
        assert_eq!(all.len(), 3, "{all:?}");
        assert_eq!(all[2], "broke off");
    }

    #[tokio::test]
    async fn a_slow_reader_holds_the_body_back() {
        let given = Arc::default();
        let mut ahead = Ahead::new(numbers(1_000, &given), Bytes::new);
        for taken in 0..5 {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            assert!(given.load(Ordering::Relaxed) <= taken + 2, "{given:?} of {taken}");
            ahead.frame().await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn dropping_it_drops_the_body() {
        let held = Arc::new(());
        let kept = Arc::clone(&held);
        let endless = stream::pending::<()>().map(move |()| {
            let _held = &kept;
            Ok::<_, Infallible>(Frame::data(Bytes::new()))
        });
        let mut ahead = Ahead::new(StreamBody::new(endless), Bytes::new);
        assert!(ahead.frame().now_or_never().is_none());
        tokio::task::yield_now().await;
        assert_eq!(Arc::strong_count(&held), 2);
        drop(ahead);
        tokio::task::yield_now().await;
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
