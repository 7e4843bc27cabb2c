//! The connection under a conversation, and how it may go badly.
//!
//! Owns the accepted socket, when a client that hangs loses it, and what an answer may do to it:
//! end it with a reset, write its head slowly or not to the end, or close it when the client least
//! expects it. Which answer does so is decided by `scripted` and `fault`.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Notify,
    time::Sleep,
};

use crate::{connection::ServerEnd, patience::Patience};

/// A slow head's pieces.
const SLOW_PIECE: usize = 16;

/// How the answer's bytes are to be written, counted from its first.
#[derive(Debug)]
pub(crate) enum WritePlan {
    /// So many bytes, and then a reset.
    ResetAfter(usize),
    /// The head in small pieces, with such a wait before each.
    SlowHead(Duration),
}

/// What a running answer may do to its own connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    reset: AtomicBool,
    /// The next flush is the answer's last.
    ends_at_flush: AtomicBool,
    /// The answer is out, and the connection is to look closed.
    closing: AtomicBool,
    close_on_reuse: AtomicBool,
    /// The client has sent a whole head.
    asked: AtomicBool,
    plan: Mutex<Option<WritePlan>>,
    /// How often everything written so far had been handed to the operating system.
    flushes: AtomicU64,
    flushed: Notify,
}

impl Ending {
    /// The connection's first request is here.
    pub(crate) fn request_came(&self) {
        self.shared.asked.store(true, Ordering::Release);
    }

    /// When the connection ends, end it with a TCP reset.
    pub(crate) fn reset(&self) {
        self.shared.reset.store(true, Ordering::Release);
    }

    /// Close the connection once what is written now is out: the end of the answer.
    pub(crate) fn close_after_flush(&self) {
        self.shared.ends_at_flush.store(true, Ordering::Release);
    }

    /// Close the connection when the next request arrives on it.
    pub(crate) fn close_on_reuse(&self) {
        self.shared.close_on_reuse.store(true, Ordering::Release);
    }

    /// Write what comes next by this plan.
    pub(crate) fn plan(&self, plan: WritePlan) {
        *self.shared.plan.lock().unwrap_or_else(PoisonError::into_inner) = Some(plan);
    }

    /// How often the connection has been flushed; see [`flushed_since`](Self::flushed_since).
    pub(crate) fn flushes(&self) -> u64 {
        self.shared.flushes.load(Ordering::Acquire)
    }

    /// Returns once the connection has been flushed after the count was `flushes`. A connection
    /// that breaks off without waiting for this would take back bytes that the script has sent.
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

    fn take_plan(&self) -> Option<WritePlan> {
        self.shared.plan.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What a connection goes through.
#[derive(Debug)]
pub(crate) enum Link {
    Tcp(TcpStream),
    Memory(ServerEnd),
}

impl Link {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Memory(end) => Pin::new(&mut end.stream).poll_read(cx, buffer),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Memory(end) => Pin::new(&mut end.stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Memory(end) => Pin::new(&mut end.stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Memory(end) => Pin::new(&mut end.stream).poll_shutdown(cx),
        }
    }

    /// The peer is to find a reset, and not an end.
    fn reset(&self) {
        match self {
            // With no time to linger, closing throws away what was not sent and resets the peer.
            Self::Tcp(stream) => {
                let _ = stream.set_zero_linger();
            }
            Self::Memory(end) => end.reset(),
        }
    }
}

/// An accepted connection.
#[derive(Debug)]
pub(crate) struct Socket {
    link: Link,
    ending: Ending,
    plan: Option<Planned>,
    first_request: Patience,
    reader: Patience,
}

/// A plan that is being carried out.
#[derive(Debug)]
enum Planned {
    /// So many bytes may still go out.
    ResetAfter(usize),
    SlowHead {
        pace: Duration,
        wait: Pin<Box<Sleep>>,
        /// The last bytes written: a head ends with an empty line.
        tail: Vec<u8>,
    },
}

impl Socket {
    pub(crate) fn new(link: Link, ending: Ending) -> Self {
        Self { link, ending, plan: None, first_request: Patience::default(), reader: Patience::default() }
    }

    fn write_plain(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.link.poll_write(cx, bytes);
        if written.is_pending() {
            return self.reader.poll(cx);
        }
        self.reader.restart();
        written
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.ending.is_reset() {
            self.link.reset();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.ending.shared.closing.load(Ordering::Acquire) {
            return Poll::Ready(Ok(()));
        }
        if !self.ending.shared.asked.load(Ordering::Acquire)
            && let Poll::Ready(over) = self.first_request.poll(cx)
        {
            return Poll::Ready(over);
        }
        let before = buffer.filled().len();
        ready!(self.link.poll_read(cx, buffer))?;
        let shared = &self.ending.shared;
        if buffer.filled().len() > before && shared.close_on_reuse.load(Ordering::Acquire) {
            // The next request is here, and finds the connection closed.
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let socket = &mut *self;
        if let Some(plan) = socket.ending.take_plan() {
            socket.plan = Some(match plan {
                WritePlan::ResetAfter(bytes) => Planned::ResetAfter(bytes),
                WritePlan::SlowHead(pace) => {
                    Planned::SlowHead { pace, wait: Box::pin(tokio::time::sleep(pace)), tail: Vec::new() }
                }
            });
        }
        match socket.plan.take() {
            None => socket.write_plain(cx, bytes),
            Some(Planned::ResetAfter(0)) => {
                socket.ending.reset();
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
            Some(Planned::ResetAfter(left)) => {
                let written = socket.write_plain(cx, bytes.get(..left).unwrap_or(bytes));
                let sent = if let Poll::Ready(Ok(sent)) = &written { *sent } else { 0 };
                socket.plan = Some(Planned::ResetAfter(left - sent));
                written
            }
            Some(Planned::SlowHead { pace, mut wait, mut tail }) => {
                if wait.as_mut().poll(cx).is_pending() {
                    socket.plan = Some(Planned::SlowHead { pace, wait, tail });
                    return Poll::Pending;
                }
                let piece = bytes.get(..SLOW_PIECE).unwrap_or(bytes);
                let written = socket.write_plain(cx, piece);
                let sent = if let Poll::Ready(Ok(sent)) = &written { *sent } else { 0 };
                tail.extend_from_slice(piece.get(..sent).unwrap_or_default());
                let head_is_out = tail.windows(4).any(|end| end == b"\r\n\r\n");
                tail.drain(..tail.len().saturating_sub(3));
                if !head_is_out {
                    if sent > 0 {
                        wait = Box::pin(tokio::time::sleep(pace));
                    }
                    socket.plan = Some(Planned::SlowHead { pace, wait, tail });
                }
                written
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.link.poll_flush(cx))?;
        let shared = &self.ending.shared;
        shared.flushes.fetch_add(1, Ordering::AcqRel);
        shared.flushed.notify_waiters();
        if shared.ends_at_flush.swap(false, Ordering::AcqRel) {
            shared.closing.store(true, Ordering::Release);
            // Reading goes on, and finds the end.
            cx.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ending.is_reset() {
            return Poll::Ready(Ok(()));
        }
        self.link.poll_shutdown(cx)
    }
}
