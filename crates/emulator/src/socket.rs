//! The connection under a conversation, and how it may end badly.
//!
//! Owns the accepted socket and the one switch that turns its end from a polite FIN into a reset.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Notify,
};

/// What a running answer may do to its own connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    reset: AtomicBool,
    /// How often everything written so far had been handed to the operating system.
    flushes: AtomicU64,
    flushed: Notify,
}

impl Ending {
    /// When the connection ends, end it with a TCP reset.
    pub(crate) fn reset(&self) {
        self.shared.reset.store(true, Ordering::Release);
    }

    /// How often the connection has been flushed; see [`flushed_since`](Self::flushed_since).
    pub(crate) fn flushes(&self) -> u64 {
        self.shared.flushes.load(Ordering::Acquire)
    }

    /// Returns once the connection has been flushed after the count was `flushes`. A connection that breaks off without waiting
    /// for this would take back bytes that the script has sent.
    pub(crate) async fn flushed_since(&self, flushes: u64) {
        loop {
            let next = self.shared.flushed.notified();
            if self.flushes() > flushes {
                return;
            }
            next.await;
        }
    }

    fn is_reset(&self) -> bool {
        self.shared.reset.load(Ordering::Acquire)
    }
}

/// An accepted connection.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    ending: Ending,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, ending: Ending) -> Self {
        Self { stream, ending }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.ending.is_reset() {
            // With no time to linger, closing throws away what was not sent and resets the peer.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.ending.shared.flushes.fetch_add(1, Ordering::AcqRel);
        self.ending.shared.flushed.notify_waiters();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ending.is_reset() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
