//! A stream on its way to the caller.
//!
//! Owns what is left to do after the first chunk: hold the deployment's place until the stream ends or is dropped, count its tokens,
//! note a failure in the middle, and end the stream with the call. Chunks pass through as they are.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{FutureExt, Stream, StreamExt};
use sagewire_types::{Cancellation, Error, ErrorKind, ReplyStream};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{
    answer::{self, Counted},
    bounds::Bounds,
    estimate,
    lease::Lease,
};

/// The same stream, watched.
pub(crate) fn watch<T>(mut stream: ReplyStream<T>, lease: Lease, bounds: Bounds) -> ReplyStream<T>
where
    T: Counted + Send + 'static,
{
    let meta = std::mem::take(&mut stream.meta);
    let watched = Watched {
        pieces: stream,
        lease,
        reported: None,
        text_bytes: 0,
        deadline: bounds.caller,
        timer: None,
        cancellation: bounds.cancellation,
    };
    ReplyStream::new(meta, watched)
}

struct Watched<T> {
    pieces: ReplyStream<T>,
    lease: Lease,
    /// The tokens that the model last reported.
    reported: Option<u64>,
    /// How much text came, for models that report none.
    text_bytes: usize,
    deadline: Option<Instant>,
    /// Made when the stream first has to wait.
    timer: Option<Pin<Box<Sleep>>>,
    cancellation: Option<Cancellation>,
}

impl<T: Counted> Watched<T> {
    fn count(&mut self, piece: &T) {
        if let Some(usage) = piece.usage() {
            self.reported = Some(answer::total(usage));
        }
        self.text_bytes = self.text_bytes.saturating_add(piece.text_bytes());
    }

    fn note(&mut self, error: &Error) {
        let out_of_time = self.deadline.is_some_and(|deadline| deadline <= Instant::now());
        if !(error.kind() == ErrorKind::Timeout && out_of_time) {
            self.lease.failed(error);
        }
        let deployment = self.lease.deployment();
        tracing::warn!(target: "sagewire::router", deployment, kind = %error.kind(), "a stream broke after its first chunk");
    }

    /// The error that ends a stream whose next piece has not come in time.
    fn cut(&mut self, cx: &mut Context<'_>) -> Option<Error> {
        if self.cancellation.as_mut().is_some_and(|cancellation| cancellation.poll_unpin(cx).is_ready()) {
            return Some(Error::new(ErrorKind::Cancelled, "the caller gave the stream up"));
        }
        let deadline = self.deadline?;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        timer.as_mut().poll(cx).is_ready().then(|| {
            Error::new(
                ErrorKind::Timeout,
                "the call's deadline passed before the stream ended: allow more time or ask for fewer tokens",
            )
        })
    }
}

impl<T> Drop for Watched<T> {
    fn drop(&mut self) {
        let estimated = || self.lease.estimated_tokens().saturating_add(estimate::of_text(self.text_bytes));
        let tokens = self.reported.unwrap_or_else(estimated);
        self.lease.used(tokens);
    }
}

impl<T: Counted> Stream for Watched<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        match this.pieces.poll_next_unpin(cx) {
            Poll::Ready(Some(Ok(piece))) => {
                this.count(&piece);
                Poll::Ready(Some(Ok(piece)))
            }
            Poll::Ready(Some(Err(error))) => {
                this.note(&error);
                Poll::Ready(Some(Err(error)))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => match this.cut(cx) {
                // What made the pieces is dropped with this stream, as soon as the error is out.
                Some(error) => Poll::Ready(Some(Err(error))),
                None => Poll::Pending,
            },
        }
    }
}
