//! What a connection is doing, seen from outside.
//!
//! Owns telling an idle connection from a slow one. Each event is an atomic store: one timer for each connection looks at
//! them now and then, so that a busy connection pays nothing for its limits.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use crate::ConnectionLimits;

/// No time, in milliseconds since the connection began.
const NEVER: u64 = u64::MAX;

/// What a connection is doing.
#[derive(Debug)]
pub(super) struct Pulse {
    began: Instant,
    requests: AtomicUsize,
    idle_since: AtomicU64,
    /// When a request's head began to come.
    head_since: AtomicU64,
    /// Since when the peer takes no bytes.
    blocked_since: AtomicU64,
    /// On HTTP/2 bytes come between requests, too.
    http2: AtomicBool,
}

/// What to do with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Wait,
    /// Nobody asks for anything: it can end in good order.
    Idle,
    /// The peer is too slow.
    Stuck(&'static str),
}

/// A request at work on a connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Beat(Arc<Pulse>);

impl Drop for Beat {
    fn drop(&mut self) {
        if self.0.requests.fetch_sub(1, Relaxed) == 1 {
            self.0.idle_since.store(self.0.now(), Relaxed);
        }
    }
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            requests: AtomicUsize::new(0),
            idle_since: AtomicU64::new(0),
            head_since: AtomicU64::new(NEVER),
            blocked_since: AtomicU64::new(NEVER),
            http2: AtomicBool::new(false),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(NEVER - 1)
    }

    /// A request's head is there.
    pub(super) fn request(self: &Arc<Self>, version: http::Version) -> Beat {
        self.requests.fetch_add(1, Relaxed);
        self.head_since.store(NEVER, Relaxed);
        if version == http::Version::HTTP_2 {
            self.http2.store(true, Relaxed);
        }
        Beat(Arc::clone(self))
    }

    fn read(&self) {
        if self.requests.load(Relaxed) == 0 && self.head_since.load(Relaxed) == NEVER && !self.http2.load(Relaxed) {
            self.head_since.store(self.now(), Relaxed);
        }
    }

    fn wrote(&self) {
        if self.blocked_since.load(Relaxed) != NEVER {
            self.blocked_since.store(NEVER, Relaxed);
        }
    }

    fn blocked(&self) {
        if self.blocked_since.load(Relaxed) == NEVER {
            self.blocked_since.store(self.now(), Relaxed);
        }
    }

    pub(super) fn verdict(&self, limits: &ConnectionLimits) -> Verdict {
        let now = self.now();
        let over =
            |since: u64, limit: Duration| since != NEVER && u128::from(now.saturating_sub(since)) >= limit.as_millis();
        if over(self.blocked_since.load(Relaxed), limits.write_timeout) {
            return Verdict::Stuck("its peer takes no bytes");
        }
        if self.requests.load(Relaxed) > 0 {
            return Verdict::Wait;
        }
        if over(self.head_since.load(Relaxed), limits.header_timeout) {
            Verdict::Stuck("a request's head took too long")
        } else if over(self.idle_since.load(Relaxed), limits.idle_timeout) {
            Verdict::Idle
        } else {
            Verdict::Wait
        }
    }

    /// When to look again: no limit is missed by more than a quarter of the shortest, or a second.
    pub(super) fn next_check(limits: &ConnectionLimits) -> Instant {
        let shortest = limits.header_timeout.min(limits.write_timeout).min(limits.idle_timeout);
        Instant::now() + (shortest / 4).clamp(Duration::from_millis(10), Duration::from_secs(1))
    }
}

/// A stream whose connection is watched.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    pulse: Arc<Pulse>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse }
    }

    fn note<T>(&self, written: &Poll<io::Result<T>>) {
        match written {
            Poll::Ready(_) => self.pulse.wrote(),
            Poll::Pending => self.pulse.blocked(),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.pulse.read();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.note(&flushed);
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> ConnectionLimits {
        ConnectionLimits {
            header_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(60),
            ..ConnectionLimits::default()
        }
    }

    async fn after(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_requests_becomes_idle() {
        let pulse = Arc::new(Pulse::new());
        after(59).await;
        assert_eq!(pulse.verdict(&limits()), Verdict::Wait);
        let beat = pulse.request(http::Version::HTTP_11);
        after(1000).await;
        assert_eq!(pulse.verdict(&limits()), Verdict::Wait, "a long answer is not idle");
        drop(beat);
        after(59).await;
        assert_eq!(pulse.verdict(&limits()), Verdict::Wait);
        after(1).await;
        assert_eq!(pulse.verdict(&limits()), Verdict::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_drips_in_is_not_waited_for() {
        let pulse = Arc::new(Pulse::new());
        after(30).await;
        pulse.read();
        after(9).await;
        pulse.read();
        assert_eq!(pulse.verdict(&limits()), Verdict::Wait);
        after(1).await;
        assert!(matches!(pulse.verdict(&limits()), Verdict::Stuck(_)));
        let _beat = pulse.request(http::Version::HTTP_11);
        assert_eq!(pulse.verdict(&limits()), Verdict::Wait, "the head is there");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_given_up() {
        let pulse = Arc::new(Pulse::new());
        let _beat = pulse.request(http::Version::HTTP_11);
        pulse.blocked();
        after(19).await;
        pulse.wrote();
        pulse.blocked();
        after(19).await;
        assert_eq!(pulse.verdict(&limits()), Verdict::Wait);
        after(1).await;
        assert!(matches!(pulse.verdict(&limits()), Verdict::Stuck(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn on_http2_bytes_between_requests_begin_no_head() {
        let pulse = Arc::new(Pulse::new());
        drop(pulse.request(http::Version::HTTP_2));
        pulse.read();
        after(59).await;
        assert_eq!(pulse.verdict(&limits()), Verdict::Wait);
    }
}
