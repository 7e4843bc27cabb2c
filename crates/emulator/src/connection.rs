//! A connection through memory, for tests that make very many.
//!
//! Owns both ends. It behaves as a TCP connection does: what is written arrives in order, a closed
//! end is read as the end, and a reset as an error. There is no port and no waiting for the
//! operating system, so a run with a paused clock is the same every time.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// What fits into a connection before its reader has read any: about what the operating system
/// keeps for a socket.
const BUFFER: usize = 64 * 1024;

/// The client's end of a connection through memory; [`Emulator::connect`](crate::Emulator::connect)
/// makes one.
#[derive(Debug)]
pub struct Connection {
    stream: DuplexStream,
    reset: Arc<AtomicBool>,
}

/// The emulator's end.
#[derive(Debug)]
pub(crate) struct ServerEnd {
    pub(crate) stream: DuplexStream,
    reset: Arc<AtomicBool>,
}

impl ServerEnd {
    /// The client's next read is an error.
    pub(crate) fn reset(&self) {
        self.reset.store(true, Ordering::Release);
    }
}

/// Both ends of a new connection.
pub(crate) fn pair() -> (ServerEnd, Connection) {
    let (ours, theirs) = tokio::io::duplex(BUFFER);
    let reset = Arc::new(AtomicBool::new(false));
    (ServerEnd { stream: ours, reset: Arc::clone(&reset) }, Connection { stream: theirs, reset })
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let ended = buffer.filled().len() == before && buffer.remaining() > 0;
        if ended && self.reset.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
