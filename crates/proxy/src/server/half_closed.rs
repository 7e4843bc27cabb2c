//! Peers that close their sending side after a request, as `nc -N` does, and still read the answer.
//!
//! Owns telling them from peers that have gone. To TCP both look the same until something is
//! written: the system of a peer that has gone replies with a reset, after which writing fails.
//! `100 Continue` is written for this, because every HTTP/1.1 client must accept it before an
//! answer ([RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-15.2)).

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{io::AsyncWrite, time::Instant};

/// What is written to find out. It is no part of an answer.
pub(super) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The pause after the first and the most that it grows to. A reset takes as long as the way to the
/// peer and back.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How long a request whose last byte has come may lie unread.
const GRACE: Duration = Duration::from_secs(1);

/// Looks for a peer that has closed its sending side and waits for an answer.
#[derive(Debug, Default)]
pub(super) struct HalfClosed {
    /// When an unread request was seen first.
    unread_since: Option<Instant>,
    /// When to write again, and the pause before that.
    next: Option<(Instant, Duration)>,
}

impl HalfClosed {
    /// Whether no more of an unread request can be expected: it was cut off.
    pub(super) fn is_over(&mut self) -> bool {
        self.unread_since.get_or_insert_with(Instant::now).elapsed() >= GRACE
    }

    /// Writes to the peer if it is time to. Nothing of the answer may have been written.
    ///
    /// # Errors
    /// If the peer has gone.
    pub(super) fn look_for(&mut self, stream: &mut (impl AsyncWrite + Unpin), cx: &mut Context<'_>) -> io::Result<()> {
        let now = Instant::now();
        let pause = match self.next {
            Some((next, _)) if now < next => return Ok(()),
            Some((_, pause)) => (pause * 2).min(LONGEST_PAUSE),
            None => FIRST_PAUSE,
        };
        match Pin::new(&mut *stream).poll_write(cx, CONTINUE)? {
            Poll::Ready(count) if count == CONTINUE.len() => {}
            // A part of it would spoil the answer.
            Poll::Ready(_) => return Err(io::ErrorKind::WriteZero.into()),
            Poll::Pending => return Ok(()),
        }
        self.next = Some((now + pause, pause));
        match Pin::new(stream).poll_flush(cx) {
            Poll::Ready(flushed) => flushed,
            Poll::Pending => Ok(()),
        }
    }
}
