//! The pieces of a reply's body, one after the other.
//!
//! Owns the time limits between them: how long nothing may come, and how long the whole call may
//! take.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use sagewire_types::{Error, ErrorKind};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{
    call::{
        attempt::{Progress, transport_error},
        limits::out_of_time,
    },
    transport::{Body, TransportError, TransportErrorKind},
};

/// As much room is made for a body because its head announces it; beyond that, as it comes.
const MAX_BELIEVED: usize = 4 * 1024 * 1024;

/// A body that is read within its limits.
pub(crate) struct Pieces {
    body: Body,
    idle: Duration,
    deadline: Option<Instant>,
    /// When the present wait ends, and when it would end without the deadline. Most pieces of a
    /// busy stream are there already: the clock is looked at only if one is waited for.
    wait: Option<(Instant, Instant)>,
    /// One for all pieces: where it fires, it is set to the end of the present wait. Setting it for
    /// each piece costs more than a piece.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pieces {
    pub(crate) fn new(body: Body, idle: Duration, deadline: Option<Instant>) -> Self {
        Self { body, idle, deadline, wait: None, timer: None }
    }

    /// Waits no longer than this for each further piece.
    pub(crate) fn shorten_wait(&mut self, idle: Duration) {
        if idle < self.idle {
            self.idle = idle;
            // They are of the longer wait.
            (self.wait, self.timer) = (None, None);
        }
    }

    /// The next piece; `None` at the end of the body.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>, progress: Progress) -> Poll<Result<Option<Bytes>, Error>> {
        if let Poll::Ready(piece) = Pin::new(&mut self.body).poll_next(cx) {
            self.wait = None;
            return Poll::Ready(piece.transpose().map_err(|error| transport_error(error, progress)));
        }
        let (end, idle_end) = *self.wait.get_or_insert_with(|| {
            let idle_end = Instant::now() + self.idle;
            (self.deadline.map_or(idle_end, |deadline| deadline.min(idle_end)), idle_end)
        });
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        loop {
            ready!(timer.as_mut().poll(cx));
            if Instant::now() >= end {
                break;
            }
            timer.as_mut().reset(end);
        }
        Poll::Ready(Err(if end < idle_end {
            out_of_time()
        } else {
            let seconds = self.idle.as_secs_f32();
            let message =
                format!("nothing more came for {seconds} seconds: raise the idle limit, or see the endpoint's log");
            Error::new(ErrorKind::Timeout, message).with_retryable(progress == Progress::Nothing)
        }))
    }

    /// The next piece. It can be given up and asked for again.
    async fn next(&mut self, progress: Progress) -> Result<Option<Bytes>, Error> {
        poll_fn(|cx| self.poll_next(cx, progress)).await
    }

    /// All of it in one piece, at most `limit` bytes. `announced` is how long its head says that it
    /// is.
    pub(crate) async fn read_whole(mut self, limit: usize, announced: usize) -> Result<Bytes, Error> {
        let Some(first) = self.next(Progress::Nothing).await? else { return Ok(Bytes::new()) };
        let mut more = None;
        while let Some(piece) = self.next(Progress::Nothing).await? {
            let all: &mut BytesMut = more.get_or_insert_with(|| {
                // A head can announce anything: so much is believed of it.
                let mut all = BytesMut::with_capacity(announced.min(MAX_BELIEVED).max(first.len()));
                all.extend_from_slice(&first);
                all
            });
            all.extend_from_slice(&piece);
            if all.len() > limit {
                return Err(transport_error(
                    TransportError::new(TransportErrorKind::TooLarge, "the reply is too large"),
                    Progress::Nothing,
                ));
            }
        }
        Ok(more.map_or(first, BytesMut::freeze))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use tokio::time::sleep;

    use super::*;

    const IDLE: Duration = Duration::from_secs(10);

    /// A body with a piece after each of these waits, and no end.
    fn pieces_after<const N: usize>(waits: [u64; N], deadline: Option<Instant>) -> Pieces {
        let pieces = stream::unfold(0, move |number| async move {
            match waits.get(number) {
                Some(wait) => sleep(Duration::from_secs(*wait)).await,
                None => std::future::pending().await,
            }
            Some((Ok(Bytes::from_static(b"piece")), number + 1))
        });
        Pieces::new(Body::new(pieces), IDLE, deadline)
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_is_for_each_wait_and_not_for_all() {
        let mut pieces = pieces_after([9, 0, 9, 9], None);
        for _ in 0..4 {
            assert_eq!(pieces.next(Progress::Begun).await.unwrap().unwrap(), "piece");
        }
        let begun = Instant::now();
        let error = pieces.next(Progress::Begun).await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable(), begun.elapsed()), (ErrorKind::Timeout, false, IDLE));
        assert!(pieces_after([11], None).next(Progress::Nothing).await.unwrap_err().is_retryable());
    }

    #[tokio::test(start_paused = true)]
    async fn the_calls_deadline_ends_a_wait_before_its_own_limit() {
        let begun = Instant::now();
        let mut pieces = pieces_after([9, 9], Some(begun + Duration::from_secs(12)));
        assert!(pieces.next(Progress::Begun).await.is_ok());
        let error = pieces.next(Progress::Begun).await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed()), (ErrorKind::Timeout, Duration::from_secs(12)));
        assert!(error.message().contains("the call exceeded its time limit"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_was_given_up_loses_nothing() {
        let mut pieces = pieces_after([5, 5], None);
        for _ in 0..4 {
            let given_up = tokio::time::timeout(Duration::from_secs(1), pieces.next(Progress::Begun)).await;
            assert!(given_up.is_err());
        }
        assert_eq!(pieces.next(Progress::Begun).await.unwrap().unwrap(), "piece");
    }
}
